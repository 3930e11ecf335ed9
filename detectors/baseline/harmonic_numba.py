"""The compiled form of the robust fit in `harmonic`: all rounds over a strip of pixels that stays in the cache.

The normal equations are summed date by date in 32 bits and solved in 64. The median of the residuals comes from a
network of comparisons over all pixels of a strip at once, from which those are left out that do not reach the middle.
Dates that were not seen stand, by turns, for the largest and the smallest of all numbers, so that the middle of the
others is in the middle of all, however many there are.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

_STRIP = 512
_TOGETHER = 4
_NONE, _ONE, _HALF, _NAN = (np.float32(v) for v in (0.0, 1.0, 0.5, np.nan))
_HIGH, _LOW = np.float32(3e38), np.float32(-1.0)
_ROBUST, _LEAST = np.float32(1.4826), np.float32(1e-6)


@lru_cache(maxsize=256)
def median_network(count: int) -> npt.NDArray[np.int64]:
    """Make the comparisons that bring the two middle values of `count` to their places.

    Batcher's odd-even merge sort, less what does not reach the middle.

    Parameters
    ----------
    count
        How many values there are.

    Returns
    -------
    int64 (n, 2), (lower place, higher place); sorted are places count // 2 − 1 and count // 2.
    """
    size = 1 << max(0, count - 1).bit_length()
    pairs = []
    merge = 1
    while merge < size:
        step = merge
        while step >= 1:
            for start in range(step % merge, size - step, 2 * step):
                for place in range(start, min(start + step, size - step)):
                    if place // (2 * merge) == (place + step) // (2 * merge) and place + step < count:
                        pairs.append((place, place + step))
            step //= 2
        merge *= 2
    wanted, kept = {max(0, count // 2 - 1), count // 2}, []
    for pair in reversed(pairs):
        if wanted.intersection(pair):
            wanted.update(pair)
            kept.append(pair)
    return np.array(kept[::-1], np.int64).reshape(-1, 2)


@njit(nogil=True, cache=True, error_model="numpy")
def write_fit(
    values: Any,
    regressors: Any,
    moments: Any,
    network: Any,
    penalty: Any,
    bisquare: Any,
    rounds: Any,
    coefficients: Any,
    spread: Any,
) -> None:
    """Write coefficients and 1.4826 × the median absolute residual, NaN where nothing was seen.

    Parameters
    ----------
    values
        float32 (time, feature, pixel), NaN where not seen.
    regressors
        float32 (time, term), filled up with dates of nought to a multiple of four.
    moments
        float32 (time, pair of terms), the products of terms i ≥ j at i (i + 1)/2 + j, filled up likewise.
    network
        As `median_network` gives it for so many dates.
    penalty
        float64 (term,), added to the diagonal of the normal equations.
    bisquare
        float32, Tukey's constant.
    rounds
        How often the fit is made.
    coefficients
        float32 (feature, term, pixel), written.
    spread
        float32 (feature, pixel), written.
    """
    times, features, pixels = values.shape
    padded, terms = regressors.shape
    series, weight = np.zeros((padded, _STRIP), np.float32), np.zeros((padded, _STRIP), np.float32)
    left, blank = np.zeros((padded, _STRIP), np.float32), np.empty((times, _STRIP), np.float32)
    sizes = np.empty((times, _STRIP), np.float32)
    sums, right = np.empty((moments.shape[1], _STRIP), np.float32), np.empty((terms, _STRIP), np.float32)
    normal, solved = np.empty((moments.shape[1], _STRIP)), np.empty((terms, _STRIP))
    count, sigma, per_sigma = np.empty(_STRIP, np.int32), np.empty(_STRIP, np.float32), np.empty(_STRIP, np.float32)
    for start in range(0, pixels, _STRIP):
        n = min(_STRIP, pixels - start)
        for f in range(features):
            count[:] = 0
            for t in range(times):
                _load(values[t, f, start : start + n], series[t, :n], weight[t, :n], blank[t, :n], count[:n])
            for round_ in range(rounds):
                if round_ > 0:
                    _per(sigma[:n], bisquare, per_sigma[:n])
                    for t in range(times):
                        _reweigh(left[t, :n], per_sigma[:n], blank[t, :n], weight[t, :n])
                for t in range(times):
                    _multiply(weight[t, :n], series[t, :n], left[t, :n])
                _accumulate(weight, moments, sums, n)
                _accumulate(left, regressors, right, n)
                _solve(sums, right, penalty, normal, solved, n)
                for t in range(times):
                    _residual(series[t, :n], right, regressors[t], left[t, :n], n)
                    _size(left[t, :n], blank[t, :n], sizes[t, :n])
                _sort_middle(sizes.reshape(sizes.size), network)
                _middle(sizes, count[:n], sigma[:n])
            for k in range(terms):
                _put(right[k, :n], count[:n], coefficients[f, k, start : start + n])
            _put(sigma[:n], count[:n], spread[f, start : start + n])


@njit(nogil=True, cache=True, inline="never")
def _load(values: Any, series: Any, weight: Any, blank: Any, count: Any) -> None:
    """A date that was not seen stands for the largest number, the next for the smallest, and so on; nought if seen."""
    for i in range(values.size):
        seen = abs(values[i]) < np.float32(1e30)
        series[i] = values[i] if seen else _NONE
        weight[i] = _ONE if seen else _NONE
        is_high = (count[i] >> 16) & 1 == 0
        blank[i] = _NONE if seen else (_HIGH if is_high else _LOW)
        count[i] += np.int32(1) if seen else np.int32(1 << 16)


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _per(sigma: Any, bisquare: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = _ONE / (bisquare * max(sigma[i], _LEAST))


@njit(nogil=True, cache=True, inline="never")
def _reweigh(left: Any, per_sigma: Any, blank: Any, weight: Any) -> None:
    for i in range(left.size):
        u = left[i] * per_sigma[i]
        inside = max(_ONE - u * u, _NONE)
        weight[i] = inside * inside if blank[i] == _NONE else _NONE


@njit(nogil=True, cache=True, inline="never")
def _multiply(one: Any, other: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = one[i] * other[i]


@njit(nogil=True, cache=True)
def _accumulate(values: Any, factors: Any, totals: Any, n: Any) -> None:
    """Each total is the sum over time of values × its factor, four dates in one pass over it."""
    for k in range(totals.shape[0]):
        totals[k, :n] = _NONE
    for t in range(0, values.shape[0], _TOGETHER):
        a, b, c, d = values[t, :n], values[t + 1, :n], values[t + 2, :n], values[t + 3, :n]
        for k in range(totals.shape[0]):
            _add(totals[k, :n], a, b, c, d, factors[t, k], factors[t + 1, k], factors[t + 2, k], factors[t + 3, k])


@njit(nogil=True, cache=True, inline="never")
def _add(total: Any, a: Any, b: Any, c: Any, d: Any, u: Any, v: Any, w: Any, x: Any) -> None:
    for i in range(total.size):
        total[i] += a[i] * u + b[i] * v + c[i] * w + d[i] * x


@njit(nogil=True, cache=True)
def _solve(sums: Any, right: Any, penalty: Any, normal: Any, solved: Any, n: Any) -> None:
    """Solve the normal equations, a little doubt about the season added, row by row over all pixels: L D Lᵀ.

    The moment of terms i ≥ j stands at i (i + 1)/2 + j; each becomes that of L, on the diagonal 1/D.
    """
    terms = right.shape[0]
    for m in range(sums.shape[0]):
        _copy(sums[m, :n], normal[m, :n])
    for i in range(terms):
        _copy(right[i, :n], solved[i, :n])
        row = i * (i + 1) // 2
        diagonal = normal[row + i, :n]
        _raise(diagonal, penalty[i])
        for j in range(i):
            value, column = normal[row + j, :n], j * (j + 1) // 2
            for k in range(j):
                _take_off(value, normal[row + k, :n], normal[column + k, :n])
        for j in range(i):
            value = normal[row + j, :n]  # L times D so far
            _reduce(value, normal[j * (j + 1) // 2 + j, :n], diagonal)
            _take_off(solved[i, :n], value, solved[j, :n])
        _invert(diagonal)
    for i in range(terms - 1, -1, -1):
        _times(solved[i, :n], normal[i * (i + 1) // 2 + i, :n])
        for k in range(i + 1, terms):
            _take_off(solved[i, :n], normal[k * (k + 1) // 2 + i, :n], solved[k, :n])
        _copy(solved[i, :n], right[i, :n])


@njit(nogil=True, cache=True, inline="never")
def _copy(values: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = values[i]


@njit(nogil=True, cache=True, inline="never")
def _raise(value: Any, by: Any) -> None:
    for i in range(value.size):
        value[i] += by


@njit(nogil=True, cache=True, inline="never")
def _times(value: Any, by: Any) -> None:
    for i in range(value.size):
        value[i] *= by[i]


@njit(nogil=True, cache=True, inline="never")
def _take_off(value: Any, one: Any, other: Any) -> None:
    for i in range(value.size):
        value[i] -= one[i] * other[i]


@njit(nogil=True, cache=True, inline="never")
def _reduce(value: Any, inverse: Any, diagonal: Any) -> None:
    for i in range(value.size):
        scaled = value[i] * inverse[i]
        diagonal[i] -= scaled * value[i]
        value[i] = scaled


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _invert(value: Any) -> None:
    for i in range(value.size):
        value[i] = 1.0 / value[i]


@njit(nogil=True, cache=True)
def _residual(series: Any, fitted: Any, factors: Any, out: Any, n: Any) -> None:
    _less_one(series, fitted[0, :n], factors[0], out)
    for k in range(1, factors.size, 2):
        _less_two(fitted[k, :n], fitted[k + 1, :n], factors[k], factors[k + 1], out)


@njit(nogil=True, cache=True, inline="never")
def _less_one(series: Any, fitted: Any, factor: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = series[i] - fitted[i] * factor


@njit(nogil=True, cache=True, inline="never")
def _less_two(one: Any, other: Any, u: Any, v: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] -= one[i] * u + other[i] * v


@njit(nogil=True, cache=True, inline="never")
def _size(left: Any, blank: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = abs(left[i]) if blank[i] == _NONE else blank[i]


@njit(nogil=True, cache=True)
def _sort_middle(values: Any, network: Any) -> None:
    for pair in range(network.shape[0]):
        _exchange(values, np.uint64(network[pair, 0] * _STRIP), np.uint64(network[pair, 1] * _STRIP))


@njit(nogil=True, cache=True, inline="never")
def _exchange(values: Any, low: Any, high: Any) -> None:
    """Places in one flat array: two rows of their own would take twice as long, most of it in the call."""
    for i in range(np.uint64(_STRIP)):
        a, b = values[low + i], values[high + i]
        values[low + i] = min(a, b)
        values[high + i] = max(a, b)


@njit(nogil=True, cache=True)
def _middle(sizes: Any, count: Any, out: Any) -> None:
    high = sizes.shape[0] // 2
    _mean_of_middle(sizes[max(0, high - 1)], sizes[high], sizes.shape[0] & 1, count, out)


@njit(nogil=True, cache=True, inline="never")
def _mean_of_middle(low: Any, high: Any, is_odd: Any, count: Any, out: Any) -> None:
    for i in range(out.size):
        seen_is_odd = count[i] & 1
        one = high[i] if is_odd else low[i]
        out[i] = _ROBUST * (one if seen_is_odd else (low[i] + high[i]) * _HALF)


@njit(nogil=True, cache=True, inline="never")
def _put(values: Any, count: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = values[i] if count[i] & 0xFFFF else _NAN
