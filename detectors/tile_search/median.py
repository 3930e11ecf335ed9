"""Medians over dates that leave out what was not measured: a sorting network over many pixels at once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from detectors.acquisition import Floats
from detectors.tile_search.update import Numbers

MISSING = np.iinfo(np.uint16).max
_CHUNK = 1024


@lru_cache(maxsize=64)
def network_of(count: int) -> npt.NDArray[np.int32]:
    """The comparisons that sort `count` values, as pairs (lower place, higher place): int32 (n, 2).

    Batcher's odd-even merge sort for the next power of two; places beyond `count` would hold the largest values, so
    comparisons with them change nothing and are left out.
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
    return np.array(pairs, np.int32).reshape(-1, 2)


def masked_median(values: Numbers) -> Floats:
    """The median over the first axis of what is not `MISSING`: float32 (pixels,), NaN where nothing was measured.

    Parameters
    ----------
    values : uint16 (time, pixels), C-contiguous. The mean of the two middle values where their number is even.
    """
    out = np.empty(values.shape[1], np.float32)
    _masked_median(values, network_of(values.shape[0]), out)
    return out


@njit(nogil=True, cache=True)
def _masked_median(values: Any, network: Any, out: Any) -> None:
    times, pixels = values.shape
    rows = np.empty((times, _CHUNK), np.uint16)
    for start in range(0, pixels, _CHUNK):
        end = min(pixels, start + _CHUNK)
        for t in range(times):
            _copy(values[t, start:end], rows[t, : end - start])
        sort_rows(rows, network)
        middle_of(rows, out[start:end])


@njit(nogil=True, cache=True, inline="never")
def _copy(values: Any, out: Any) -> None:
    """Row by row: numba's own copy of a part of two axes takes four times as long."""
    for i in range(out.size):
        out[i] = values[i]


@njit(nogil=True, cache=True)
def sort_rows(rows: Any, network: Any) -> None:
    """Each column of uint16 (time, chunk) is sorted, in place."""
    values, width = rows.reshape(rows.size), np.uint64(rows.shape[1])
    for pair in range(network.shape[0]):
        _exchange(values, np.uint64(network[pair, 0]) * width, np.uint64(network[pair, 1]) * width, width)


@njit(nogil=True, cache=True, inline="never")
def _exchange(values: Any, low: Any, high: Any, width: Any) -> None:
    """Places in one flat array: two rows of their own would take twice as long, most of it in the call."""
    for i in range(width):
        a, b = values[low + i], values[high + i]
        values[low + i] = min(a, b)
        values[high + i] = max(a, b)


@njit(nogil=True, cache=True)
def middle_of(rows: Any, out: Any) -> None:
    """The median of what is not `MISSING` in each sorted column, into float32 (pixels,); NaN where all of it is."""
    counts = np.zeros(out.size, np.int16)
    for t in range(rows.shape[0]):
        _count(rows[t], counts)
    for i in range(out.size):
        count = counts[i]
        if count == 0:
            out[i] = np.float32(np.nan)
        else:
            low, high = rows[(count - 1) // 2, i], rows[count // 2, i]
            out[i] = np.float32(0.5) * (np.float32(low) + np.float32(high))


@njit(nogil=True, cache=True, inline="never")
def _count(row: Any, counts: Any) -> None:
    for i in range(counts.size):
        counts[i] += np.int16(row[i] != MISSING)
