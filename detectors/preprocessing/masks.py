"""Which pixels of a scene show the ground."""

from __future__ import annotations

from dataclasses import dataclass

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
    valid = np.asarray(ndimage.binary_erosion(valid, structure=np.ones((3, 3)), border_value=1))
    if scl is None:
        return valid
    p = parameters or MaskParameters()
    clouds = np.isin(scl, p.spreading) & valid
    specks = _small_components(clouds, p.smallest_cloud_px)
    dropped = np.isin(scl, p.dropped) & ~specks
    spread = ndimage.binary_dilation(clouds & ~specks, structure=_disk(p.spread_px))
    return np.asarray(valid & ~dropped & ~spread)


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
    return np.asarray(ndimage.binary_dilation(snow, structure=_disk(p.snow_spread_px)))


def _small_components(mask: Mask, below_px: int) -> Mask:
    labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    small = sizes < below_px
    small[0] = False
    return np.asarray(small[labels])


def _disk(radius: int) -> Mask:
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(y * y + x * x <= radius * radius)


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
