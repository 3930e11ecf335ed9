"""The baseline of the wide search: a robust seasonal fit of each pixel over a history of looks.

Iteratively reweighted least squares with the bisquare (c = 4.685) of SCIENCE.md, on a few hundred pixels at a time so
that everything stays in the second cache; no linear algebra library, whose sums may depend on its number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from detectors.acquisition import Floats
from detectors.tile_search.median import MISSING, middle_of, network_of, sort_rows
from detectors.tile_search.update import TERMS, ZERO, Bytes, Layers, Numbers, WideParameters

BISQUARE = 4.685
REWEIGHTINGS = 3
_RIDGE = 0.5  # looks' worth of doubt about a season: few or one-sided dates then give a constant, not a wild curve
_CHUNK = 512
_TOGETHER = 4
_MOMENTS = TERMS * (TERMS + 1) // 2
_AT = np.zeros((TERMS, TERMS), np.int64)  # where the moment of two terms, the later first, stands among the moments
_AT[np.triu_indices(TERMS)] = np.arange(_MOMENTS)
_AT = _AT.T.copy()
_ZERO = np.float32(ZERO)
_ROBUST = np.float32(1.4826)


def fit_baseline(
    red: Numbers,
    nir: Numbers,
    clear: Bytes,
    *,
    weights: Floats,
    parameters: WideParameters,
    reweightings: int = REWEIGHTINGS,
) -> Layers:
    """The static layers of a block: int16 (7, pixels), `wide.STATIC_LAYERS`.

    Parameters
    ----------
    red, nir : uint16 (time, pixels) as in `wide.update_plain`; clear : uint8 (time, pixels).
    weights : float32 (time, 5), a row of `season_weights` a look.
    reweightings : how often the fit is repeated with the weights that its residuals deserve; 0 is least squares.

    A pixel with fewer than `least_looks` clear looks has sigma 0 and no baseline. `sigma` is 1.4826 × the median
    absolute residual, at least the floor; `red` the median.
    """
    static = np.zeros((TERMS + 2, red.shape[1]), np.int16)
    weights = np.pad(weights, ((0, -len(weights) % _TOGETHER), (0, 0)))  # dates of no weight fill up the last pass
    moments = np.stack([weights[:, i] * weights[:, j] for i in range(TERMS) for j in range(i, TERMS)], axis=1)
    floor, least = np.float32(1000 * parameters.sigma_floor), parameters.least_looks
    network = network_of(red.shape[0])
    _fit(red, nir, clear, weights, moments, network, floor, least, reweightings, static)
    return static


@njit(nogil=True, cache=True, error_model="numpy")
def _fit(
    red: Any,
    nir: Any,
    clear: Any,
    weights: Any,
    moments: Any,
    network: Any,
    floor: Any,
    least: Any,
    reweightings: Any,
    static: Any,
) -> None:
    times, pixels = red.shape
    padded = moments.shape[0]
    ndvi, weight = np.zeros((padded, _CHUNK), np.float32), np.zeros((padded, _CHUNK), np.float32)
    left = np.zeros((padded, _CHUNK), np.float32)  # what a fit leaves; before that, weight × NDVI
    seen, sizes = np.empty((times, _CHUNK), np.uint8), np.empty((times, _CHUNK), np.uint16)
    sums, fitted = np.empty((_MOMENTS, _CHUNK), np.float32), np.empty((TERMS, _CHUNK), np.float32)
    sigma, usual = np.empty(_CHUNK, np.float32), np.empty(_CHUNK, np.float32)
    for start in range(0, pixels, _CHUNK):
        n = min(pixels, start + _CHUNK) - start
        for t in range(times):
            r, q, c = red[t, start : start + n], nir[t, start : start + n], clear[t, start : start + n]
            _mark(r, q, c, seen[t, :n])
            _greenness(r, q, ndvi[t, :n])
            _one_where_seen(seen[t, :n], weight[t, :n])
            _measured(r, seen[t, :n], sizes[t, :n])
        sort_rows(sizes, network)
        middle_of(sizes, usual[:n])
        for round_ in range(reweightings + 1):
            if round_ > 0:
                _reweigh(left, sigma, seen, weight, n)
            for t in range(times):
                _multiply(weight[t, :n], ndvi[t, :n], left[t, :n])
            _accumulate(weight, moments, sums, n)
            _accumulate(left, weights, fitted, n)
            _solve(sums, fitted, n)
            _residuals(ndvi, seen, weights, fitted, left, sizes, n)
            sort_rows(sizes, network)
            middle_of(sizes, sigma[:n])
            for i in range(n):
                sigma[i] = max(_ROBUST * sigma[i], floor)
        _store(fitted, sigma, usual, seen, least, static[:, start : start + n])


@njit(nogil=True, cache=True, inline="never")
def _mark(red: Any, nir: Any, clear: Any, seen: Any) -> None:
    for i in range(seen.size):
        seen[i] = np.uint8((clear[i] > 0) & (red[i] > 0) & (nir[i] > 0))


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _greenness(red: Any, nir: Any, ndvi: Any) -> None:
    """NDVI in thousandths."""
    for i in range(ndvi.size):
        r, n = np.float32(red[i]) - _ZERO, np.float32(nir[i]) - _ZERO
        ndvi[i] = np.float32(1000.0) * (n - r) / max(r + n, np.float32(100.0))


@njit(nogil=True, cache=True, inline="never")
def _one_where_seen(seen: Any, weight: Any) -> None:
    for i in range(weight.size):
        weight[i] = np.float32(seen[i])


@njit(nogil=True, cache=True, inline="never")
def _measured(red: Any, seen: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = red[i] if seen[i] > 0 else np.uint16(MISSING)


@njit(nogil=True, cache=True, inline="never")
def _multiply(one: Any, other: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = one[i] * other[i]


@njit(nogil=True, cache=True)
def _accumulate(values: Any, factors: Any, totals: Any, n: Any) -> None:
    """Each total is the sum over time of values × its factor, four dates in one pass over it."""
    totals[:, :n] = np.float32(0.0)
    for t in range(0, values.shape[0], _TOGETHER):
        a, b, c, d = values[t, :n], values[t + 1, :n], values[t + 2, :n], values[t + 3, :n]
        for k in range(totals.shape[0]):
            _add(totals[k, :n], a, b, c, d, factors[t : t + _TOGETHER, k])


@njit(nogil=True, cache=True, inline="never")
def _add(total: Any, a: Any, b: Any, c: Any, d: Any, factors: Any) -> None:
    u, v, w, x = factors[0], factors[1], factors[2], factors[3]
    for i in range(total.size):
        total[i] += a[i] * u + b[i] * v + c[i] * w + d[i] * x


@njit(nogil=True, cache=True)
def _solve(sums: Any, fitted: Any, n: Any) -> None:
    """Normal equations by Cholesky, a little doubt about the season added: the right-hand sides become the solutions.

    The moments become the factor. Row by row over all pixels, which is four times as fast as pixel by pixel.
    """
    for i in range(TERMS):
        _raise(sums[_AT[i, i], :n], np.float32(_RIDGE) if i > 0 else np.float32(1e-3))
        for j in range(i + 1):
            value = sums[_AT[i, j], :n]
            for k in range(j):
                _take_off(value, sums[_AT[i, k], :n], sums[_AT[j, k], :n])
            if i == j:
                _root(value)
            else:
                _divide(value, sums[_AT[j, j], :n])
    for i in range(TERMS):
        for k in range(i):
            _take_off(fitted[i, :n], sums[_AT[i, k], :n], fitted[k, :n])
        _divide(fitted[i, :n], sums[_AT[i, i], :n])
    for i in range(TERMS - 1, -1, -1):
        for k in range(i + 1, TERMS):
            _take_off(fitted[i, :n], sums[_AT[k, i], :n], fitted[k, :n])
        _divide(fitted[i, :n], sums[_AT[i, i], :n])


@njit(nogil=True, cache=True, inline="never")
def _raise(value: Any, by: Any) -> None:
    for i in range(value.size):
        value[i] += by


@njit(nogil=True, cache=True, inline="never")
def _take_off(value: Any, one: Any, other: Any) -> None:
    for i in range(value.size):
        value[i] -= one[i] * other[i]


@njit(nogil=True, cache=True, inline="never")
def _root(value: Any) -> None:
    for i in range(value.size):
        value[i] = np.sqrt(max(value[i], np.float32(1e-6)))


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _divide(value: Any, by: Any) -> None:
    for i in range(value.size):
        value[i] /= by[i]


@njit(nogil=True, cache=True)
def _residuals(ndvi: Any, seen: Any, weights: Any, fitted: Any, left: Any, sizes: Any, n: Any) -> None:
    a, b, c, d, e = fitted[0, :n], fitted[1, :n], fitted[2, :n], fitted[3, :n], fitted[4, :n]
    for t in range(seen.shape[0]):
        _residual(ndvi[t, :n], a, b, c, d, e, weights[t], left[t, :n])
        _size(left[t, :n], seen[t, :n], sizes[t, :n])


@njit(nogil=True, cache=True, inline="never")
def _residual(ndvi: Any, a: Any, b: Any, c: Any, d: Any, e: Any, weights: Any, left: Any) -> None:
    v, w, x, y, z = weights[0], weights[1], weights[2], weights[3], weights[4]
    for i in range(left.size):
        left[i] = ndvi[i] - (a[i] * v + b[i] * w + c[i] * x + d[i] * y + e[i] * z)


@njit(nogil=True, cache=True, inline="never")
def _size(left: Any, seen: Any, sizes: Any) -> None:
    for i in range(left.size):
        size = np.uint16(min(abs(left[i]) + np.float32(0.5), np.float32(60000.0)))
        sizes[i] = size if seen[i] > 0 else np.uint16(MISSING)


@njit(nogil=True, cache=True)
def _reweigh(left: Any, sigma: Any, seen: Any, weight: Any, n: Any) -> None:
    for t in range(seen.shape[0]):
        _bisquare(left[t, :n], sigma[:n], seen[t, :n], weight[t, :n])


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _bisquare(left: Any, sigma: Any, seen: Any, weight: Any) -> None:
    for i in range(left.size):
        u = left[i] / (np.float32(BISQUARE) * sigma[i])
        inside = max(np.float32(1.0) - u * u, np.float32(0.0))
        weight[i] = inside * inside * np.float32(seen[i])


@njit(nogil=True, cache=True)
def _store(fitted: Any, sigma: Any, usual: Any, seen: Any, least: Any, static: Any) -> None:
    counts = np.zeros(static.shape[1], np.int16)
    for t in range(seen.shape[0]):
        _count(seen[t, : counts.size], counts)
    for k in range(TERMS):
        _round(fitted[k, : counts.size], np.float32(0.0), np.float32(1.0), counts, least, static[k])
    _round(sigma[: counts.size], np.float32(0.0), np.float32(1.0), counts, least, static[TERMS])
    _round(usual[: counts.size], _ZERO, np.float32(0.1), counts, least, static[TERMS + 1])


@njit(nogil=True, cache=True, inline="never")
def _count(seen: Any, counts: Any) -> None:
    for i in range(counts.size):
        counts[i] += np.int16(seen[i])


@njit(nogil=True, cache=True, inline="never")
def _round(values: Any, zero: Any, step: Any, counts: Any, least: Any, out: Any) -> None:
    for i in range(out.size):
        value = min(max(np.rint((values[i] - zero) * step), np.float32(-32000.0)), np.float32(32000.0))
        out[i] = np.int16(value) if counts[i] >= least else np.int16(0)
