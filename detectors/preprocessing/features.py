"""What is measured at a pixel: vegetation, brightness, built-up index, contrast, texture; backscatter for radar.

Whatever bands an acquisition lacks, its features are left out; `names` says which are there. Arrays are (feature, y,
x).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.acquisition import OPTICAL, Acquisition, Floats, Mask
from detectors.statistics import local_deviation, local_mean

VISIBLE = ("blue", "green", "red")


@dataclass(frozen=True)
class FeatureParameters:
    """Windows of the local features, in native pixels: a coarse product is measured in wider windows of the grid.

    `texture_px` is SCIENCE.md's 9 × 9; `surroundings_px` is wide enough (250 m) that a compound's roofs do not set
    their own background; `radar_px` averages speckle before the logarithm.
    """

    texture_px: int = 9
    surroundings_px: int = 25
    radar_px: int = 3


@dataclass(frozen=True)
class Features:
    """Features of one acquisition.

    `names` says which; `values` float32 (feature, y, x), NaN where not clear; `clear` bool (y, x).
    """

    names: tuple[str, ...]
    values: Floats
    clear: Mask


def features_of(acquisition: Acquisition, clear: Mask, *, parameters: FeatureParameters | None = None) -> Features:
    """Measure the features that the bands of an acquisition allow.

    Optical: `vegetation` = NDVI = (nir − red)/(nir + red); without a near infrared `greenness` = (green − red)/(green
    + red); `brightness` = mean of the visible bands there are; `built` = NDBI = (swir16 − nir)/(swir16 + nir);
    `redness` = (red − blue)/(red + blue): high over soil, low over concrete, metal and most roofs; `contrast` =
    brightness less the mean of its surroundings; `texture` = standard deviation of brightness. Radar: natural
    logarithm of the averaged power of `vv` and `vh`.

    Parameters
    ----------
    acquisition
        One scene as numbers.
    clear
        bool (y, x), True where the ground is seen.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    Features.
    """
    p = parameters or FeatureParameters()
    layers = _optical(acquisition, clear, p) if acquisition.sensor == OPTICAL else _radar(acquisition, clear, p)
    names = tuple(layers)
    if not names:
        return Features((), np.empty((0, *clear.shape), np.float32), clear)
    values = np.stack([np.where(clear, layers[name], np.nan) for name in names]).astype(np.float32)
    return Features(names, values, clear)


def registration_image(acquisition: Acquisition) -> Floats | None:
    """Make the image on which an acquisition is registered: the mean of its visible bands, or of what it has.

    Parameters
    ----------
    acquisition
        One scene as numbers.

    Returns
    -------
    float32 (y, x), or None for radar.
    """
    bands = [b for name in VISIBLE if (b := acquisition.band(name)) is not None]
    if acquisition.sensor != OPTICAL or not acquisition.bands:
        return None
    return np.asarray(np.mean(bands or list(acquisition.pixels), axis=0), np.float32)


def _window(native_px: int, acquisition: Acquisition) -> int:
    """An odd window of so many native pixels, in pixels of the grid."""
    return 2 * round((native_px * max(1.0, acquisition.resolution_px) - 1) / 2) + 1


def _ratio(a: Floats, b: Floats) -> Floats:
    return np.asarray(((a - b) / np.maximum(a + b, 0.01)).clip(-1, 1), np.float32)


def _optical(acquisition: Acquisition, clear: Mask, p: FeatureParameters) -> dict[str, Floats]:
    near = acquisition.band("nir") if acquisition.band("nir") is not None else acquisition.band("nir08")
    red, green, short = acquisition.band("red"), acquisition.band("green"), acquisition.band("swir16")
    visible = [b for name in VISIBLE if (b := acquisition.band(name)) is not None]
    layers: dict[str, Floats] = {}
    if near is not None and red is not None:
        layers["vegetation"] = _ratio(near, red)
    elif green is not None and red is not None:
        layers["greenness"] = _ratio(green, red)
    if near is not None and short is not None:
        layers["built"] = _ratio(short, near)
    blue = acquisition.band("blue")
    if red is not None and blue is not None:
        layers["redness"] = _ratio(red, blue)
    if visible:
        brightness: Floats = np.asarray(np.mean(visible, axis=0), np.float32)
        layers["brightness"] = brightness
        layers["contrast"] = brightness - local_mean(brightness, clear, size_px=_window(p.surroundings_px, acquisition))
        layers["texture"] = local_deviation(brightness, clear, size_px=_window(p.texture_px, acquisition))
    return layers


def _radar(acquisition: Acquisition, clear: Mask, p: FeatureParameters) -> dict[str, Floats]:
    layers: dict[str, Floats] = {}
    for name in ("vv", "vh"):
        power = acquisition.band(name)
        if power is not None:
            layers[name] = np.log(np.maximum(local_mean(power, clear, size_px=_window(p.radar_px, acquisition)), 1e-5))
    return layers
