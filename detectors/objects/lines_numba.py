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
    wide = width + 2 * reach
    on = np.empty((2 * reach + 1, wide), np.float32)  # the last rows of line means, in turn
    for y in range(-reach, height + reach):
        row = on[y % (2 * reach + 1)]
        row[:] = np.float32(0.0)
        for n in range(len(weights)):
            weight = weights[n]
            source = padded[y + rim + rows[n], rim - reach + columns[n] : rim - reach + columns[n] + wide]
            for x in range(wide):
                row[x] += weight * source[x]
        middle = y - reach
        if middle < 0:
            continue
        here = on[middle % (2 * reach + 1)]
        one, other = on[(middle - down) % (2 * reach + 1)], on[(middle + down) % (2 * reach + 1)]
        for x in range(width):
            flank = max(one[x + reach - right], other[x + reach + right])
            best[middle, x] = max(best[middle, x], here[x + reach] - flank)
