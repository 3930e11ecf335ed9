"""Local statistics that leave unmeasured pixels out."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from detectors.look import Floats, Mask


def local_mean(image: Floats, clear: Mask, *, size_px: int) -> Floats:
    """Mean of the clear pixels in a square window; NaN where under a quarter of the window is clear.

    Parameters
    ----------
    image : float32 (y, x); clear : bool (y, x); size_px : odd side of the window.
    """
    weight = ndimage.uniform_filter(clear.astype(np.float32), size_px, mode="reflect")
    total = ndimage.uniform_filter(np.where(clear, image, 0.0).astype(np.float32), size_px, mode="reflect")
    return np.where(weight > 0.25, total / np.maximum(weight, 1e-6), np.nan).astype(np.float32)


def local_deviation(image: Floats, clear: Mask, *, size_px: int) -> Floats:
    """Standard deviation of the clear pixels in a square window; NaN where `local_mean` is NaN.

    The variance is taken about the image's own median, so that 32-bit sums do not cancel.
    """
    if not clear.any():
        return np.full(image.shape, np.nan, np.float32)
    centred = np.where(clear, image - np.float32(np.median(image[clear])), 0.0).astype(np.float32)
    mean = local_mean(centred, clear, size_px=size_px)
    square = local_mean(centred * centred, clear, size_px=size_px)
    return np.sqrt(np.maximum(square - mean * mean, 0.0)).astype(np.float32)


def robust_spread(values: Floats) -> float:
    """1.4826 × the median absolute deviation of the finite values; NaN when there are none."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return float("nan")
    return float(1.4826 * np.median(np.abs(finite - np.median(finite))))


def median(stack: Floats) -> Floats:
    """Median over time of the values there are; NaN where there is none."""
    ordered = np.sort(stack, axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    low = np.take_along_axis(ordered, np.clip((count - 1) // 2, 0, None)[None], axis=0)[0]
    high = np.take_along_axis(ordered, np.clip(count // 2, 0, len(ordered) - 1)[None], axis=0)[0]
    return np.where(count > 0, (low + high) / 2, np.nan).astype(np.float32)
