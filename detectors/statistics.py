"""Local statistics that leave unmeasured pixels out."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from detectors.acquisition import Floats, Mask


def local_mean(image: Floats, clear: Mask, *, size_px: int) -> Floats:
    """Average the clear pixels in a square window.

    Parameters
    ----------
    image
        float32 (y, x), any unit; NaN where not seen.
    clear
        bool (y, x), True where the ground is seen.
    size_px
        Side of the window, pixels, odd.

    Returns
    -------
    float32 (y, x); NaN where under a quarter of the window is clear.
    """
    weight = ndimage.uniform_filter(clear.astype(np.float32), size_px, mode="reflect")
    total = ndimage.uniform_filter(np.where(clear, image, 0.0).astype(np.float32), size_px, mode="reflect")
    return np.where(weight > 0.25, total / np.maximum(weight, 1e-6), np.nan).astype(np.float32)


def local_deviation(image: Floats, clear: Mask, *, size_px: int) -> Floats:
    """Measure the standard deviation of the clear pixels in a square window.

    The variance is taken about the image's own median, so that 32-bit sums do not cancel.

    Parameters
    ----------
    image
        float32 (y, x), any unit; NaN where not seen.
    clear
        bool (y, x), True where the ground is seen.
    size_px
        Side of the window, pixels, odd.

    Returns
    -------
    float32 (y, x); NaN where `local_mean` is NaN.
    """
    if not clear.any():
        return np.full(image.shape, np.nan, np.float32)
    centred = np.where(clear, image - np.float32(np.median(image[clear])), 0.0).astype(np.float32)
    mean = local_mean(centred, clear, size_px=size_px)
    square = local_mean(centred * centred, clear, size_px=size_px)
    return np.sqrt(np.maximum(square - mean * mean, 0.0)).astype(np.float32)


def robust_spread(values: Floats) -> float:
    """Compute 1.4826 × the median absolute deviation of the finite values.

    Parameters
    ----------
    values
        float32, any shape.

    Returns
    -------
    float; NaN when there are none.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return float("nan")
    return float(1.4826 * np.median(np.abs(finite - np.median(finite))))


def median(stack: Floats) -> Floats:
    """Take the median over time of the values there are.

    Parameters
    ----------
    stack
        float32 (time, …), NaN where not seen.

    Returns
    -------
    float32 (…); NaN where there is none.
    """
    ordered = np.sort(stack, axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    low = np.take_along_axis(ordered, np.clip((count - 1) // 2, 0, None)[None], axis=0)[0]
    high = np.take_along_axis(ordered, np.clip(count // 2, 0, len(ordered) - 1)[None], axis=0)[0]
    return np.where(count > 0, (low + high) / 2, np.nan).astype(np.float32)
