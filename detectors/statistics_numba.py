"""The compiled form of `statistics`: window sums and order statistics, several times as fast.

Sums over a window are made of those of 1, 2, 4 … neighbours, in 64 bits and always in the same order, and never by
taking off what leaves the window. So they do not depend on where a block of pixels begins: a block with a halo of half
the window gives the numbers of the whole frame, byte for byte. Order statistics are found by counting, twice: by the
upper half of the bits, then by the lower half.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_COLUMNS = 1024  # of one strip: its window sums stay in the first two caches
_NAN = np.float32(np.nan)
_U, _HALF_BITS = np.uint32, np.int64(1 << 16)


@njit(nogil=True, cache=True)
def _mirrored(i: Any, size: Any) -> Any:
    """The place that stands in for one beyond the edge: … 1 0 | 0 1 … n-1 | n-1 n-2 …."""
    at = i % (2 * size)
    return at if at < size else 2 * size - 1 - at


@njit(nogil=True, cache=True, error_model="numpy")
def window_moments(image: Any, clear: Any, size: Any, with_deviation: Any, mean: Any, deviation: Any) -> None:
    """Write mean and standard deviation of the clear, finite pixels of a window, NaN where a quarter or less is clear.

    Parameters
    ----------
    image
        float32 (y, x).
    clear
        bool (y, x).
    size
        Side of the window, pixels, odd.
    with_deviation
        Whether the deviation is measured too.
    mean, deviation
        float32 (y, x), written.
    """
    height, width = image.shape
    half, columns = size // 2, min(_COLUMNS, width)
    wide = columns + 2 * half
    levels = 1
    while 1 << levels <= size:
        levels += 1
    value, count = np.empty((levels, wide)), np.empty((levels, wide), np.int32)
    values, counts = np.empty((levels, size, columns)), np.empty((levels, size, columns), np.int32)
    square, squares = np.empty((levels, wide)), np.empty((levels, size if with_deviation else 1, columns))
    total, total_2, total_n = np.empty(columns), np.empty(columns), np.empty(columns, np.int32)
    for left in range(0, width, _COLUMNS):
        n = min(_COLUMNS, width - left)
        for row in range(-half, height + half):
            y, slot = _mirrored(row, height), (row + half) % size
            _load(image[y], clear[y], left, half, value[0, : n + 2 * half], count[0, : n + 2 * half])
            if with_deviation:
                _square(value[0, : n + 2 * half], square[0, : n + 2 * half])
                _sum_along(square, size, n, squares[0, slot, :n])
                _double_rows(squares, slot, size, n)
            _sum_along(value, size, n, values[0, slot, :n])
            _sum_along(count, size, n, counts[0, slot, :n])
            _double_rows(values, slot, size, n)
            _double_rows(counts, slot, size, n)
            out = row - half
            if out < 0:
                continue
            _sum_rows(values, slot, size, total[:n])
            _sum_rows(counts, slot, size, total_n[:n])
            _divide(total[:n], total_n[:n], size * size, mean[out, left : left + n])
            if with_deviation:
                _sum_rows(squares, slot, size, total_2[:n])
                _spread(total[:n], total_2[:n], total_n[:n], size * size, deviation[out, left : left + n])


@njit(nogil=True, cache=True)
def _load(row: Any, clear: Any, left: Any, half: Any, value: Any, count: Any) -> None:
    width = row.size
    first, last = max(0, left - half), min(width, left - half + value.size)
    for i in range(value.size):
        x = left - half + i
        if x < 0 or x >= width:
            x = _mirrored(x, width)
            seen = clear[x] and np.isfinite(row[x])
            value[i], count[i] = (np.float64(row[x]), np.int32(1)) if seen else (0.0, np.int32(0))
    at = first - (left - half)
    _load_inside(row[first:last], clear[first:last], value[at:], count[at:])


@njit(nogil=True, cache=True, inline="never")
def _load_inside(row: Any, clear: Any, value: Any, count: Any) -> None:
    for i in range(row.size):
        seen = clear[i] & (abs(row[i]) < np.float32(1e30))
        value[i] = np.float64(row[i]) if seen else 0.0
        count[i] = np.int32(1) if seen else np.int32(0)


@njit(nogil=True, cache=True, inline="never")
def _square(value: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = value[i] * value[i]


@njit(nogil=True, cache=True)
def _sum_along(sums: Any, size: Any, n: Any, out: Any) -> None:
    """Sums of `size` neighbours, made of sums of 1, 2, 4 … of them, the largest first and each begun on its left.

    The first row of `sums` holds the values themselves; those below are written.
    """
    reach, level, length = sums.shape[1], 0, 1
    while 2 * length <= size:
        reach -= length
        _add_both(sums[level, :reach], sums[level, length : length + reach], sums[level + 1, :reach])
        level, length = level + 1, 2 * length
    _copy(sums[level, :n], out)
    at = length
    while level > 0:
        level, length = level - 1, length // 2
        if size & length:
            _add(sums[level, at : at + n], out)
            at += length


@njit(nogil=True, cache=True)
def _double_rows(rows: Any, newest: Any, size: Any, n: Any) -> None:
    """Sums of the newest 2, 4 … rows, beside those of earlier ones; the first of `rows` holds the rows themselves."""
    level, length = 0, 1
    while 2 * length <= size:
        before = (newest - length) % size
        _add_both(rows[level, before, :n], rows[level, newest, :n], rows[level + 1, newest, :n])
        level, length = level + 1, 2 * length


@njit(nogil=True, cache=True)
def _sum_rows(rows: Any, newest: Any, size: Any, out: Any) -> None:
    """Sums of the newest `size` rows."""
    n, level, length = out.size, 0, 1
    while 2 * length <= size:
        level, length = level + 1, 2 * length
    _copy(rows[level, newest, :n], out)
    at = newest - length
    while level > 0:
        level, length = level - 1, length // 2
        if size & length:
            _add(rows[level, at % size, :n], out)
            at -= length


@njit(nogil=True, cache=True, inline="never")
def _copy(values: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = values[i]


@njit(nogil=True, cache=True, inline="never")
def _add(values: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] += values[i]


@njit(nogil=True, cache=True, inline="never")
def _add_both(one: Any, other: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = one[i] + other[i]


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _divide(total: Any, count: Any, whole: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = np.float32(total[i] / np.float64(count[i])) if 4 * count[i] > whole else _NAN


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _spread(total: Any, squares: Any, count: Any, whole: Any, out: Any) -> None:
    for i in range(out.size):
        n = np.float64(count[i])
        level = (total[i] / n) * (total[i] / n)
        variance = squares[i] / n - level
        variance = variance if variance > 1e-13 * level else 0.0  # less than 32 bits of the image can hold
        out[i] = np.float32(np.sqrt(variance)) if 4 * count[i] > whole else _NAN


@njit(nogil=True, cache=True)
def _ordered_bits(value: Any) -> Any:
    """An unsigned whole number that orders as the float32 does."""
    bits = np.int32(np.float32(value).view(np.int32))
    return _U(bits) ^ (_U(0xFFFFFFFF) if bits < 0 else _U(0x80000000))


@njit(nogil=True, cache=True)
def _value_of(bits: Any) -> Any:
    raw = bits ^ _U(0x80000000) if bits >= _U(0x80000000) else ~bits
    return np.int32(_U(raw)).view(np.float32)


@njit(nogil=True, cache=True)
def count_bits(values: Any, where: Any, magnitude: Any, counts: Any) -> Any:
    """Count the finite values of a mask by the upper half of their bits.

    Parameters
    ----------
    values
        float32 (pixel,).
    where
        bool (pixel,).
    magnitude
        Whether the values are ranked by their size alone.
    counts
        int64 (65536,), zeros; written.

    Returns
    -------
    int, how many values there are.
    """
    seen = 0
    for i in range(values.size):
        v = values[i]
        if where[i] and abs(v) < np.float32(np.inf):
            counts[np.int64(_ordered_bits(abs(v) if magnitude else v) >> _U(16))] += 1
            seen += 1
    return seen


@njit(nogil=True, cache=True)
def ranked_values(values: Any, where: Any, magnitude: Any, counts: Any, ranks: Any, out: Any) -> None:
    """Write the values of some ranks.

    Parameters
    ----------
    values, where, magnitude, counts
        As for `count_bits`, which has counted.
    ranks
        int64 (rank,), 0 the smallest, in rising order.
    out
        float32 (rank,), written.
    """
    upper, below = np.int64(-1), np.int64(0)
    lower = np.zeros(_HALF_BITS, np.int64)
    at, passed = np.int64(0), np.int64(0)
    for r in range(ranks.size):
        while passed + counts[at] <= ranks[r]:
            passed += counts[at]
            at += 1
        if upper != at:
            upper, below = at, passed
            lower[:] = 0
            for i in range(values.size):
                v = values[i]
                if where[i] and abs(v) < np.float32(np.inf):
                    bits = _ordered_bits(abs(v) if magnitude else v)
                    if np.int64(bits >> _U(16)) == at:
                        lower[np.int64(bits & _U(0xFFFF))] += 1
        left, low = ranks[r] - below, np.int64(0)
        while left >= lower[low]:
            left -= lower[low]
            low += 1
        out[r] = _value_of(_U((at << 16) | low))


@njit(nogil=True, cache=True)
def sort_finite(values: Any, where: Any, keys: Any, room: Any, out: Any) -> Any:
    """Write the finite values of a mask in rising order: by counting, eleven bits at a time.

    Parameters
    ----------
    values
        float32 (pixel,).
    where
        bool (pixel,).
    keys, room
        uint32 (pixel,), written.
    out
        float32 (pixel,), the first of which are written.

    Returns
    -------
    int, how many are written.
    """
    n = 0
    for i in range(values.size):
        if where[i] and abs(values[i]) < np.float32(np.inf):
            keys[n] = _ordered_bits(values[i] + np.float32(0.0))
            n += 1
    one, other = keys[:n], room[:n]
    for shift in (0, 11, 22):
        places = np.zeros(2049, np.int64)
        for i in range(n):
            places[np.int64((one[i] >> _U(shift)) & _U(2047)) + 1] += 1
        for i in range(2048):
            places[i + 1] += places[i]
        for i in range(n):
            digit = np.int64((one[i] >> _U(shift)) & _U(2047))
            other[places[digit]] = one[i]
            places[digit] += 1
        one, other = other, one
    for i in range(n):
        out[i] = _value_of(one[i])
    return n


@njit(nogil=True, cache=True)
def count_reaching(values: Any, others: Any, out: Any) -> None:
    """Count how many others are as large as each value or larger; all of them reach NaN.

    Parameters
    ----------
    values
        float32 (pixel,).
    others
        float32 (n,), in rising order.
    out
        int32 (pixel,), written.
    """
    begins = np.zeros(_HALF_BITS + 1, np.int64)  # where the others of each upper half of bits begin
    for i in range(others.size):
        begins[np.int64(_ordered_bits(others[i] + np.float32(0.0)) >> _U(16)) + 1] += 1
    for i in range(_HALF_BITS):
        begins[i + 1] += begins[i]
    for i in range(values.size):
        value = values[i] + np.float32(0.0)
        if value != value:
            out[i] = others.size
            continue
        upper = np.int64(_ordered_bits(value) >> _U(16))
        low, high = begins[upper], begins[upper + 1]
        while low < high:
            middle = (low + high) >> 1
            if others[middle] < value:
                low = middle + 1
            else:
                high = middle
        out[i] = others.size - low


@njit(nogil=True, cache=True, error_model="numpy")
def write_medians(stack: Any, out: Any) -> None:
    """Write the median over time of the finite values of each pixel, NaN where there is none.

    Parameters
    ----------
    stack
        float32 (time, pixel).
    out
        float32 (pixel,), written.
    """
    times, pixels = stack.shape
    ordered, count = np.empty((times, _COLUMNS), np.float32), np.empty(_COLUMNS, np.int64)
    for start in range(0, pixels, _COLUMNS):
        n = min(_COLUMNS, pixels - start)
        count[:] = 0
        for t in range(times):
            _seen_first(stack[t, start : start + n], ordered[t, :n], count[:n])
        for last in range(times - 1, 0, -1):
            for t in range(last):
                _order(ordered[t, :n], ordered[t + 1, :n])
        for i in range(n):
            low, high = ordered[max(0, (count[i] - 1) // 2), i], ordered[min(count[i] // 2, times - 1), i]
            out[start + i] = (low + high) * np.float32(0.5) if count[i] > 0 else _NAN


@njit(nogil=True, cache=True, inline="never")
def _seen_first(values: Any, out: Any, count: Any) -> None:
    """Values that sort before those that were not seen."""
    for i in range(out.size):
        is_seen = abs(values[i]) < np.float32(np.inf)
        out[i] = values[i] if is_seen else np.float32(np.inf)
        count[i] += np.int64(is_seen)


@njit(nogil=True, cache=True, inline="never")
def _order(lower: Any, upper: Any) -> None:
    for i in range(lower.size):
        one, other = lower[i], upper[i]
        lower[i], upper[i] = (one, other) if one < other else (other, one)
