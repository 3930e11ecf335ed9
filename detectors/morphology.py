"""Masks grown and connected."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from detectors.acquisition import Mask

EIGHT = np.ones((3, 3), bool)
"""Pixels that touch by a side or a corner are one object."""


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
    if pixels <= 0:
        return mask
    return np.asarray(ndimage.binary_dilation(mask, structure=np.ones((3, 3)), iterations=pixels))
