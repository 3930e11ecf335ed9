"""The compiled form of `emission`: residuals to log-ratios of Student densities, and these held, strip by strip.

A strip is short enough that its x, densities and ratios stay in the first cache. A feature that was not measured has
weight nought, so that one loop does for all sets of features; a strip whose pixels lack different ones is worked once
for each set.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from detectors.vector_math import STRIP, asinh32, exp32, log32

FEATURES = 7
"""The most features that a table may have here; sensors with two have a loop of their own."""
_NAN, _NONE, _HALF, _ONE = (np.float32(v) for v in (np.nan, 0.0, 0.5, 1.0))
_LARGEST_Z, _MOST_ODDS = np.float32(1e15), np.float32(30.0)


@njit(nogil=True, cache=True, error_model="numpy")
def write_ratios(z: Any, slots: Any, means: Any, covariances: Any, is_there: Any, degrees: Any, ratios: Any) -> None:
    """Write ln p(x | row) − ln p(x | unchanged), x = asinh z, NaN where nothing was measured.

    Parameters
    ----------
    z
        float32 (feature, pixel).
    slots
        int64 (feature,), the place of each in the table, −1 for none.
    means
        float64 (2 + row, slot), of the null, of ground beside a change, and of the rows.
    covariances
        float64 (2 + row, slot, slot).
    is_there
        bool (2 + row,).
    degrees
        float32, of freedom.
    ratios
        float32 (row, pixel), written; 0 for a row that is not there.
    """
    x, codes = np.zeros(FEATURES * STRIP, np.float32), np.zeros(STRIP, np.uint8)
    sets = room_for_sets(means.shape[0], means.shape[1])
    for start in range(0, z.shape[1], STRIP):
        n = min(STRIP, z.shape[1] - start)
        codes[:n] = 0
        for f in range(slots.size):
            if slots[f] >= 0:
                take_feature(z[f, start : start + n], slots[f], x, codes[:n])
        write_strip(x, codes[:n], sets, means, covariances, is_there, degrees, ratios, start)


@njit(nogil=True, cache=True)
def room_for_sets(rows: Any, size: Any) -> Any:
    """Make room for the whitened rows of each set of features that is met.

    Parameters
    ----------
    rows, size
        How many rows and slots there are.

    Returns
    -------
    tuple of arrays, as `write_strip` takes it.
    """
    count = 1 << size
    return (
        np.zeros(count, np.bool_),
        np.zeros(count, np.bool_),
        np.zeros(count, np.int64),
        np.zeros(1, np.int64),
        np.zeros((8, rows, size + 1, size), np.float32),
        np.zeros((8, rows), np.float32),
        np.empty((2, STRIP), np.float32),
    )


@njit(nogil=True, cache=True)
def take_feature(z: Any, slot: Any, x: Any, codes: Any) -> None:
    """Write asinh of one feature to its place in a strip, nought where it was not measured, and mark where it was.

    Parameters
    ----------
    z
        float32 (pixel,), up to `STRIP`.
    slot
        The place of the feature in the table.
    x
        float32 (slot · STRIP,), written.
    codes
        uint8 (pixel,), a bit a slot, added to.
    """
    _transform(z, np.uint8(1 << slot), x[slot * STRIP : slot * STRIP + z.size], codes)


@njit(nogil=True, cache=True, error_model="numpy")
def write_strip(
    x: Any, codes: Any, sets: Any, means: Any, covariances: Any, is_there: Any, degrees: Any, ratios: Any, start: Any
) -> None:
    """Write the log-ratios of one strip.

    Parameters
    ----------
    x, codes
        As `take_feature` leaves them.
    sets
        Of `room_for_sets`, written.
    means, covariances, is_there, degrees
        As for `write_ratios`.
    ratios
        float32 (row, pixel), written from `start` on.
    start
        Where the strip begins.
    """
    is_ready, is_met, place, made, weights, constants, room = sets
    rows, n = means.shape[0], codes.size
    unchanged, other = room[0, :n], room[1, :n]
    met, is_mixed = _sets_met(codes, is_met)
    if met == 0 or is_mixed:
        for k in range(rows - 2):
            ratios[k, start : start + n] = _NAN
    for code in range(1, is_met.size):
        if not is_met[code]:
            continue
        is_met[code] = False
        if not is_ready[code]:
            if made[0] == weights.shape[0]:  # rare: more sets than there is room for
                is_ready[:] = False
                made[0] = 0
            place[code], is_ready[code] = made[0], True
            made[0] += 1
            weights[place[code]] = _NONE
            for r in range(rows):
                if is_there[r]:
                    constants[place[code], r] = _whiten(code, means[r], covariances[r], weights[place[code], r])
        w, c = weights[place[code]], constants[place[code]]
        half = _HALF * np.float32(degrees + _bits(code))
        _log_student(x, w[0], c[0], half, degrees, unchanged)
        if is_there[1]:
            _log_student(x, w[1], c[1], half, degrees, other)
            _add_exponentials(other, unchanged)
        for k in range(rows - 2):
            out = ratios[k, start : start + n]
            if not is_there[k + 2]:
                other[:] = unchanged
            else:
                _log_student(x, w[k + 2], c[k + 2], half, degrees, other)
            if is_mixed:
                _put_difference(other, unchanged, codes, np.uint8(code), out)
            else:
                _subtract(other, unchanged, out)


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _transform(z: Any, bit: Any, x: Any, codes: Any) -> None:
    for i in range(x.size):
        seen = abs(z[i]) < _LARGEST_Z
        x[i] = asinh32(z[i]) if seen else _NONE
        codes[i] |= bit if seen else np.uint8(0)


@njit(nogil=True, cache=True)
def _sets_met(codes: Any, is_met: Any) -> Any:
    """The set of the first pixel, and whether there are others; all are marked."""
    differing = np.uint8(0)
    first = codes[0]
    for i in range(codes.size):
        differing |= codes[i] ^ first
    if differing == 0:
        is_met[first] = True
        return first, False
    for i in range(codes.size):
        is_met[codes[i]] = True
    is_met[0] = False
    return first, True


@njit(nogil=True, cache=True)
def _bits(code: Any) -> Any:
    count = 0
    while code:
        count += code & 1
        code >>= 1
    return count


@njit(nogil=True, cache=True)
def _whiten(code: Any, mean: Any, covariance: Any, out: Any) -> Any:
    """Write the inverse root of a covariance over a set of features, and that times the mean; return −ln of its det."""
    size = mean.size
    root, inverse = np.zeros((size, size)), np.zeros((size, size))
    constant = 0.0
    for i in range(size):
        if not (code >> i) & 1:
            continue
        for j in range(i + 1):
            if not (code >> j) & 1:
                continue
            value = covariance[i, j]
            for k in range(j):
                value -= root[i, k] * root[j, k]
            root[i, j] = np.sqrt(value) if i == j else value / root[j, j]
        constant -= np.log(root[i, i])
        inverse[i, i] = 1.0 / root[i, i]
        for j in range(i):
            value = 0.0
            for k in range(j, i):
                value -= root[i, k] * inverse[k, j]
            inverse[i, j] = value * inverse[i, i]
    for i in range(size):
        for j in range(i + 1):
            out[i, j] = np.float32(inverse[i, j])
            out[size, i] += np.float32(inverse[i, j] * mean[j])
    return np.float32(constant)


@njit(nogil=True, cache=True)
def _log_student(x: Any, w: Any, constant: Any, half: Any, degrees: Any, out: Any) -> None:
    if w.shape[1] == 2:
        _distance_of_two(x, w, out)
    else:
        _distance_of_seven(x, w, out)
    _tail(constant, half, _ONE / np.float32(degrees), out)


@njit(nogil=True, cache=True, inline="never")
def _tail(constant: Any, half: Any, share: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = constant - half * log32(_ONE + out[i] * share)


@njit(nogil=True, cache=True, inline="never")
def _distance_of_two(x: Any, w: Any, out: Any) -> None:
    for i in range(out.size):
        a, b = x[i], x[STRIP + i]
        d, e = w[0, 0] * a - w[2, 0], w[1, 0] * a + w[1, 1] * b - w[2, 1]
        out[i] = d * d + e * e


@njit(nogil=True, cache=True, inline="never")
def _distance_of_seven(x: Any, w: Any, out: Any) -> None:
    w00, w10, w11, w20, w21, w22 = w[0, 0], w[1, 0], w[1, 1], w[2, 0], w[2, 1], w[2, 2]
    w30, w31, w32, w33, w40, w41, w42 = w[3, 0], w[3, 1], w[3, 2], w[3, 3], w[4, 0], w[4, 1], w[4, 2]
    w43, w44, w50, w51, w52, w53, w54 = w[4, 3], w[4, 4], w[5, 0], w[5, 1], w[5, 2], w[5, 3], w[5, 4]
    w55, w60, w61, w62, w63, w64, w65 = w[5, 5], w[6, 0], w[6, 1], w[6, 2], w[6, 3], w[6, 4], w[6, 5]
    w66, m0, m1, m2, m3, m4, m5, m6 = w[6, 6], w[7, 0], w[7, 1], w[7, 2], w[7, 3], w[7, 4], w[7, 5], w[7, 6]
    for i in range(out.size):
        a, b, c, d = x[i], x[STRIP + i], x[2 * STRIP + i], x[3 * STRIP + i]
        e, f, g = x[4 * STRIP + i], x[5 * STRIP + i], x[6 * STRIP + i]
        r = w00 * a - m0
        total = r * r
        r = w10 * a + w11 * b - m1
        total += r * r
        r = w20 * a + w21 * b + w22 * c - m2
        total += r * r
        r = w30 * a + w31 * b + w32 * c + w33 * d - m3
        total += r * r
        r = w40 * a + w41 * b + w42 * c + w43 * d + w44 * e - m4
        total += r * r
        r = w50 * a + w51 * b + w52 * c + w53 * d + w54 * e + w55 * f - m5
        total += r * r
        r = w60 * a + w61 * b + w62 * c + w63 * d + w64 * e + w65 * f + w66 * g - m6
        out[i] = total + r * r


@njit(nogil=True, cache=True, inline="never")
def _add_exponentials(other: Any, out: Any) -> None:
    for i in range(out.size):
        apart = abs(other[i] - out[i])
        out[i] = max(other[i], out[i]) + log32(_ONE + exp32(-apart))


@njit(nogil=True, cache=True, inline="never")
def _subtract(one: Any, other: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = one[i] - other[i]


@njit(nogil=True, cache=True, inline="never")
def _put_difference(one: Any, other: Any, codes: Any, code: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = one[i] - other[i] if codes[i] == code else out[i]


@njit(nogil=True, cache=True)
def calm_tail(ratios: Any, known: Any, stable: Any, least: Any, tail: Any) -> Any:
    """Write what the best class of each stable pixel says, where that is much.

    Parameters
    ----------
    ratios
        float32 (row, pixel).
    known
        int64 (n,), the rows that are held.
    stable
        bool (pixel,).
    least
        float32, nats.
    tail
        float32 (pixel,), the first of which are written.

    Returns
    -------
    int, int: how many are written, and of how many stable pixels that say anything.
    """
    best = np.empty(STRIP, np.float32)
    kept, seen = 0, 0
    for start in range(0, stable.size, STRIP):
        n = min(STRIP, stable.size - start)
        _best(ratios, start, known, best[:n])
        for i in range(n):
            if stable[start + i] and best[i] == best[i]:
                seen += 1
                if best[i] >= least:
                    tail[kept] = best[i]
                    kept += 1
    return kept, seen


@njit(nogil=True, cache=True)
def _best(ratios: Any, start: Any, known: Any, out: Any) -> None:
    _copy(ratios[known[0], start : start + out.size], out)
    for k in range(1, known.size):
        _larger(ratios[known[k], start : start + out.size], out)


@njit(nogil=True, cache=True, inline="never")
def _copy(values: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = values[i]


@njit(nogil=True, cache=True, inline="never")
def _larger(values: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = values[i] if values[i] > out[i] else out[i]


@njit(nogil=True, cache=True, error_model="numpy")
def write_held(
    ratios: Any, known: Any, tail: Any, seen: Any, doubtful: Any, least_false: Any, floor: Any, held: Any
) -> None:
    """Write l' of the known rows; of the others 0 where something was measured.

    Parameters
    ----------
    ratios
        float32 (row, pixel).
    known
        int64 (n,), the rows that are held.
    tail
        float32 (n,), sorted: what stable pixels say, from `doubtful` on.
    seen
        Of how many stable pixels.
    doubtful
        float32, nats.
    least_false
        The least share that is believed of anything.
    floor
        float32, ε.
    held
        float32 (row, pixel), written.
    """
    room = np.empty((2, STRIP), np.float32)
    for start in range(0, ratios.shape[1], STRIP):
        n = min(STRIP, ratios.shape[1] - start)
        hold_strip(ratios, start, n, known, tail, seen, doubtful, least_false, floor, room, held, start)


@njit(nogil=True, cache=True, error_model="numpy")
def hold_strip(
    ratios: Any,
    start: Any,
    n: Any,
    known: Any,
    tail: Any,
    seen: Any,
    doubtful: Any,
    least_false: Any,
    floor: Any,
    room: Any,
    held: Any,
    to: Any,
) -> None:
    """Write l' of one strip.

    Parameters
    ----------
    ratios
        float32 (row, pixel), read from `start` on.
    start, n
        Where the strip begins, and how long it is.
    known, tail, seen, doubtful, least_false, floor
        As for `write_held`.
    room
        float32 (2, STRIP), written.
    held
        float32 (row, pixel), written from `to` on.
    to
        Where the strip begins there.
    """
    usual = np.float32(max(least_false, tail.size / max(seen, 1)))
    for k in range(ratios.shape[0]):
        _zero_where_seen(ratios[k, start : start + n], held[k, to : to + n])
    if seen == 0:
        return
    best, false = room[0, :n], room[1, :n]
    _best(ratios, start, known, best)
    false[:] = usual
    for i in range(n):
        if best[i] > doubtful:
            reach = tail.size - np.searchsorted(tail, best[i])
            false[i] = np.float32(max(least_false, reach / seen))
    _hold(best, np.float32(floor), false)
    for k in range(known.size):
        _follow(ratios[known[k], start : start + n], best, false, floor, held[known[k], to : to + n])


@njit(nogil=True, cache=True, inline="never")
def _zero_where_seen(values: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = _NONE if values[i] == values[i] else _NAN


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _hold(best: Any, floor: Any, false: Any) -> None:
    """The share that is false becomes what the best class may say."""
    for i in range(best.size):
        odds = exp32(min(max(best[i], -_MOST_ODDS), _MOST_ODDS))
        false[i] = log32((_ONE - floor) * odds / ((_ONE - false[i]) + false[i] * odds) + floor)


@njit(nogil=True, cache=True, inline="never")
def _follow(ratios: Any, best: Any, held: Any, floor: Any, out: Any) -> None:
    least = np.float32(np.log(floor))
    for i in range(out.size):
        value = max(held[i] + (ratios[i] - best[i]), least)
        out[i] = value if ratios[i] == ratios[i] else _NAN
