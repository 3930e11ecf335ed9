"""Masks grown and connected."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from detectors.look import Mask

EIGHT = np.ones((3, 3), bool)
"""Pixels that touch by a side or a corner are one object."""


def widen(mask: Mask, pixels: int) -> Mask:
    """Grow a mask, bool (y, x), by whole pixels in all eight directions; return it as it is for none or fewer."""
    if pixels <= 0:
        return mask
    return np.asarray(ndimage.binary_dilation(mask, structure=np.ones((3, 3)), iterations=pixels))
