"""Which pixels of a scene show the ground."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from detectors.acquisition import Acquisition, Floats, Mask


@dataclass(frozen=True)
class MaskParameters:
    """Thresholds of the cloud mask.

    `dropped` are the SCL classes that do not show the ground (no data, saturated, shadow, cloud low/medium/high,
    cirrus, snow); `spreading` are those widened by `spread_px` (40 m: SCIENCE.md asks for 30 to 50 m). Components of
    cloud under `smallest_cloud_px` are kept as ground: SCL calls bright roofs cloud, and a real cloud of 0.1 ha does
    not stay for three dates (chosen on simulated roofs). Snow that SCL leaves: NDSI over `snow_index` (Hall 1995) and
    visible over `snow_brightness`, widened by `snow_spread_px`.
    """

    dropped: tuple[int, ...] = (0, 1, 3, 8, 9, 10, 11)
    spreading: tuple[int, ...] = (3, 8, 9, 10)
    snow_index: float = 0.4
    snow_brightness: float = 0.12
    snow_spread_px: int = 2
    spread_px: int = 4
    smallest_cloud_px: int = 10


def clear_mask(valid: Mask, scl: npt.NDArray[np.uint8] | None, *, parameters: MaskParameters | None = None) -> Mask:
    """Mark where a pixel holds a measurement of the ground.

    Parameters
    ----------
    valid
        bool (y, x), True where measured.
    scl
        uint8 (y, x) scene classification, or None: then every measured pixel counts as clear.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    bool (y, x). All False stays all False; pixels beside unmeasured ones are False.
    """
    # a pixel at the rim of what was measured is mixed with nothing when it is laid on another grid
    valid = ~dilated(~valid, (1, 1))
    if scl is None:
        return valid
    p = parameters or MaskParameters()
    is_spreading, is_dropped = np.uint8(1), np.uint8(2)
    meaning = np.zeros(256, np.uint8)
    meaning[list(p.spreading)] |= is_spreading
    meaning[list(p.dropped)] |= is_dropped
    classes = meaning.take(scl)
    clouds = ((classes & is_spreading) > 0) & valid
    specks = _small_components(clouds, p.smallest_cloud_px)
    dropped = (classes >= is_dropped) & ~specks
    spread = dilated(clouds & ~specks, _disk(p.spread_px))
    return np.asarray(valid & ~dropped & ~spread)


def mask_halo_px(parameters: MaskParameters | None = None) -> int:
    """Tell how wide a halo a block needs so that its mask is that of the whole frame.

    A speck of cloud is known as one by the pixels it may have at most, to either side of what is widened.

    Parameters
    ----------
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    int, pixels on each side.
    """
    p = parameters or MaskParameters()
    return 1 + p.smallest_cloud_px + max(p.spread_px, p.snow_spread_px)


def snow_mask(visible: Floats, short: Floats, *, parameters: MaskParameters | None = None) -> Mask:
    """Mark snow, and what borders on it: NDSI = (visible − swir16)/(visible + swir16) over 0.4.

    A bright roof is as bright at 1.6 µm as in the visible and stays below.

    Parameters
    ----------
    visible
        float32 (y, x), reflectance in green or another visible band; NaN is not snow.
    short
        float32 (y, x), reflectance in swir16.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    bool (y, x).
    """
    p = parameters or MaskParameters()
    index = (visible - short) / np.maximum(visible + short, 0.01)
    snow = (index > p.snow_index) & (visible > p.snow_brightness)
    return dilated(snow, _disk(p.snow_spread_px))


def dilated(mask: Mask, half_widths: tuple[int, ...]) -> Mask:
    """Grow a mask by a shape that is symmetric in both axes, by shifts of the whole: many times as fast as `scipy`.

    Parameters
    ----------
    mask
        bool (y, x).
    half_widths
        Of the rows of the shape, from its middle on: 0 for a row of one pixel.

    Returns
    -------
    bool (y, x).
    """
    out = np.zeros_like(mask)
    if not mask.any():
        return out
    along = mask.copy()
    for width in range(max(half_widths) + 1):
        if width:
            along[:, width:] |= mask[:, :-width]
            along[:, :-width] |= mask[:, width:]
        for row in (n for n, half in enumerate(half_widths) if half == width):
            out[row:] |= along[: len(out) - min(row, len(out))]
            out[: len(out) - min(row, len(out))] |= along[row:]
    return out


def _small_components(mask: Mask, below_px: int) -> Mask:
    if not mask.any():
        return mask.copy()
    labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
    small = np.bincount(labels.ravel(), minlength=count + 1) < below_px
    small[0] = False
    return np.asarray(small.take(labels))


def _disk(radius: int) -> tuple[int, ...]:
    """Half the widths of the rows of a disk, from its middle on."""
    return tuple(isqrt(radius * radius - y * y) for y in range(radius + 1))


def clear_of(acquisition: Acquisition) -> Mask:
    """Mark where an acquisition shows the ground: by its scene classification, less snow that it leaves unmasked.

    Parameters
    ----------
    acquisition
        One scene as numbers.

    Returns
    -------
    bool (y, x).
    """
    clear = clear_mask(acquisition.valid, acquisition.scl)
    short = acquisition.band("swir16")
    visible = next((b for name in ("green", "red", "blue") if (b := acquisition.band(name)) is not None), None)
    return clear if short is None or visible is None else np.asarray(clear & ~snow_mask(visible, short))
