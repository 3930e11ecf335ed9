"""The sum along a line at every pixel, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def beyond_line(padded, rows, columns, weights, down, right, rim, best):  # type: ignore[no-untyped-def]
    """Compute what a line through each pixel has over the brighter of its flanks, and keep it where it is the best.

    Every sum is taken in the order of the kernel's pixels, so that a part of an image gives what the whole gives.

    Parameters
    ----------
    padded
        float32 (y + 2 rim, x + 2 rim), the image with its rim.
    rows, columns, weights
        int64, int64 and float32 (tap,): the kernel's pixels about its middle.
    down, right
        The step from the line to one of its flanks, pixels; the other lies the other way.
    rim
        Width of the rim, pixels, over the reach of the kernel and the step together.
    best
        float32 (y, x), changed in place.
    """
    height, width = best.shape
    reach = max(abs(down), abs(right))
    wide, left = width + 2 * reach, rim - reach
    on = np.empty((2 * reach + 1, wide), np.float32)  # the last rows of line means, in turn
    for y in range(-reach, height + reach):
        row = on[y % (2 * reach + 1)]
        row[:] = np.float32(0.0)
        for n in range(0, len(weights) - 3, 4):
            _add_four(padded, y + rim, left, rows[n : n + 4], columns[n : n + 4], weights[n : n + 4], row)
        for n in range(len(weights) // 4 * 4, len(weights)):
            _add_one(padded[y + rim + rows[n], left + columns[n] :], weights[n], row)
        middle = y - reach
        if middle < 0:
            continue
        here = on[middle % (2 * reach + 1)]
        one, other = on[(middle - down) % (2 * reach + 1)], on[(middle + down) % (2 * reach + 1)]
        _keep_best(here[reach:], one[reach - right :], other[reach + right :], best[middle])


@njit(cache=True, nogil=True, inline="never")
def _add_one(values, weight, row):  # type: ignore[no-untyped-def]
    for x in range(row.size):
        row[x] += weight * values[x]


@njit(cache=True, nogil=True, inline="never")
def _add_four(padded, y, left, rows, columns, weights, row):  # type: ignore[no-untyped-def]
    """Add four pixels of a kernel one after the other, so that a row is read and written once for them."""
    one, two = padded[y + rows[0], left + columns[0] :], padded[y + rows[1], left + columns[1] :]
    three, four = padded[y + rows[2], left + columns[2] :], padded[y + rows[3], left + columns[3] :]
    first, second, third, fourth = weights[0], weights[1], weights[2], weights[3]
    for x in range(row.size):
        row[x] = row[x] + first * one[x] + second * two[x] + third * three[x] + fourth * four[x]


@njit(cache=True, nogil=True, inline="never")
def _keep_best(here, one, other, best):  # type: ignore[no-untyped-def]
    for x in range(best.size):
        over = here[x] - (one[x] if one[x] > other[x] else other[x])
        best[x] = over if over > best[x] else best[x]
