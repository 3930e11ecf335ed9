"""Clear ground over a whole tile: the scene classification at its own 20 m, widened, a strip of rows at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from detectors.preprocessing.masks import MaskParameters
from detectors.tile_search.update import Bytes

SPREAD = 2  # pixels of 20 m: the 40 m of `masks.MaskParameters`, as a square
_DROPS, _SPREADS = np.uint8(1), np.uint8(2)


def clear_strip(classes: Bytes, *, halo: tuple[int, int], parameters: MaskParameters | None = None) -> Bytes:
    """1 where a pixel shows the ground: uint8 of twice the rows (less the halo's) and columns of `classes`.

    Parameters
    ----------
    classes : uint8 (y, x), the scene classification in pixels twice as wide as those of the look.
    halo : how many of its first and last rows lie beyond the strip, so that clouds there spread into it: `SPREAD`, or
        fewer at the edge of the tile.

    Unlike `masks.clear_mask`, small clouds count as clouds: a bright roof that is called one waits for the next look.
    """
    rows = classes.shape[0] - sum(halo)
    out = np.empty((2 * rows, 2 * classes.shape[1]), np.uint8)
    _clear(classes, _meanings(parameters or MaskParameters()), halo[0], rows, out)
    return out


def _meanings(p: MaskParameters) -> npt.NDArray[np.uint8]:
    meanings = np.zeros(256, np.uint8)
    meanings[list(p.dropped)] = _DROPS
    meanings[list(p.spreading)] = _DROPS | _SPREADS
    return meanings


@njit(nogil=True, cache=True)
def _clear(classes: Any, meanings: Any, before: int, rows: int, out: Any) -> None:
    height, width = classes.shape
    wide = np.zeros((height, width), np.uint8)
    cloud = np.empty(width + 2 * SPREAD, np.uint8)
    for y in range(height):
        cloud[:] = 0
        for x in range(width):
            cloud[x + SPREAD] = meanings[classes[y, x]] >> 1
        _spread_along(cloud, wide[y])
    hidden = np.empty(width, np.uint8)
    for y in range(rows):
        at = y + before
        for x in range(width):
            hidden[x] = meanings[classes[at, x]] & 1
        for near in range(max(0, at - SPREAD), min(height, at + SPREAD + 1)):
            _either(hidden, wide[near])
        for x in range(width):
            out[2 * y, 2 * x] = out[2 * y, 2 * x + 1] = 1 - hidden[x]
        out[2 * y + 1] = out[2 * y]


@njit(nogil=True, cache=True, inline="never")
def _spread_along(cloud: Any, out: Any) -> None:
    for x in range(out.size):
        out[x] = cloud[x] | cloud[x + 1] | cloud[x + 2] | cloud[x + 3] | cloud[x + 4]


@njit(nogil=True, cache=True, inline="never")
def _either(one: Any, other: Any) -> None:
    for x in range(one.size):
        one[x] |= other[x]
