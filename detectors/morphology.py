"""Masks grown and connected."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from detectors.acquisition import Mask

EIGHT = np.ones((3, 3), bool)
"""Pixels that touch by a side or a corner are one object."""
COUNTED_PX = 1 << 20
"""So many labels are counted at a time, since counting makes each twice as wide."""


def widen(mask: Mask, pixels: int) -> Mask:
    """Grow a mask by whole pixels in all eight directions.

    Parameters
    ----------
    mask
        bool (y, x).
    pixels
        By how many; 0 or fewer leaves it as it is.

    Returns
    -------
    bool (y, x).
    """
    if pixels <= 0 or not mask.any():
        return mask
    box, out = box_of(mask, margin_px=pixels), np.zeros_like(mask)
    out[box] = ndimage.binary_dilation(mask[box], structure=EIGHT, iterations=pixels)
    return out


def large_patches(mask: Mask, smallest_px: int) -> Mask:
    """Drop from a mask its patches of fewer pixels.

    Parameters
    ----------
    mask
        bool (y, x).
    smallest_px
        How many pixels a patch must have, counted over corners too.

    Returns
    -------
    bool (y, x).
    """
    if not mask.any():
        return mask
    labels, count = ndimage.label(mask, structure=EIGHT)
    sizes = np.zeros(count + 1, np.int64)
    for part in np.array_split(labels, -(-labels.size // COUNTED_PX)):
        sizes += np.bincount(part.ravel(), minlength=count + 1)
    large = sizes >= smallest_px
    large[0] = False
    return np.asarray(large.take(labels))


def box_of(mask: Mask, *, margin_px: int = 0) -> tuple[slice, slice]:
    """Find the rows and columns that hold a mask.

    Parameters
    ----------
    mask
        bool (y, x), not empty.
    margin_px
        By how many pixels the box is wider, where the mask's frame allows it.

    Returns
    -------
    slice, slice: rows and columns.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = max(0, int(rows[0]) - margin_px), max(0, int(columns[0]) - margin_px)
    return slice(top, int(rows[-1]) + 1 + margin_px), slice(left, int(columns[-1]) + 1 + margin_px)
