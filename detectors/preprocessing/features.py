"""What is measured at a pixel: vegetation, brightness, built-up index, contrast, texture; backscatter for radar.

Whatever bands an acquisition lacks, its features are left out; `names` says which are there. Arrays are (feature, y,
x).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from detectors.acquisition import OPTICAL, Acquisition, Floats, Mask
from detectors.array_space import ArraySpace, strips_of
from detectors.preprocessing import features_numba as compiled
from detectors.shapes import check_shapes
from detectors.statistics import local_deviation, local_mean, local_mean_and_deviation_plain

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

    def at(self, box: tuple[slice, slice]) -> Features:
        """Return those of a window, in memory."""
        return replace(self, values=self.values[:, *box], clear=self.clear[box])


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
    check_shapes(clear.shape, {"pixels": acquisition.pixels})
    p = parameters or FeatureParameters()
    if acquisition.sensor == OPTICAL:
        return _optical(acquisition, clear, p)
    return _radar(acquisition, clear, p)


def features_plain(acquisition: Acquisition, clear: Mask, *, parameters: FeatureParameters | None = None) -> Features:
    """Measure the same in plain numpy: the reference that the compiled form is tested against.

    Parameters
    ----------
    acquisition, clear, parameters
        As for `features_of`.

    Returns
    -------
    Features, to within 1e-6 (2e-4 in contrast and texture where the image holds values far over 1).
    """
    p = parameters or FeatureParameters()
    plain = _optical_plain if acquisition.sensor == OPTICAL else _radar_plain
    layers = plain(acquisition, clear, p)
    names = tuple(layers)
    if not names:
        return Features((), np.empty((0, *clear.shape), np.float32), clear)
    values = np.stack([np.where(clear, layers[name], np.nan) for name in names]).astype(np.float32)
    return Features(names, values, clear)


def features_by_strips(acquisition: Acquisition, clear: Mask, *, space: ArraySpace) -> Features:
    """Measure the features of a whole scene strip by strip, each with its halo, to lie where arrays lie.

    Parameters
    ----------
    acquisition, clear
        As for `features_of`.
    space
        Where the values are to lie.

    Returns
    -------
    Features, the same to the last byte.
    """
    (height, width), reach = clear.shape, halo_px(acquisition)
    strips = list(strips_of((height, width), space))
    names: tuple[str, ...] = ()
    values: Any = None
    for rows, columns in strips if len(strips) > 1 else ():
        wide = slice(max(0, rows.start - reach), min(height, rows.stop + reach))
        part = features_of(acquisition.at((wide, columns)), clear[wide])
        names = part.names
        values = space.empty((len(names), height, width), np.float32) if values is None else values
        values[:, rows, columns] = part.values[:, rows.start - wide.start : rows.stop - wide.start]
    return features_of(acquisition, clear) if values is None else Features(names, values, clear)


def halo_px(acquisition: Acquisition, *, parameters: FeatureParameters | None = None) -> int:
    """Tell how wide a halo of real pixels a block needs so that its features are those of the whole frame.

    Parameters
    ----------
    acquisition
        One scene as numbers.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    int, pixels on each side.
    """
    p = parameters or FeatureParameters()
    windows = (p.texture_px, p.surroundings_px) if acquisition.sensor == OPTICAL else (p.radar_px,)
    return max(_window(native, acquisition) for native in windows) // 2


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


def _pairs(acquisition: Acquisition) -> dict[str, tuple[Floats, Floats]]:
    """The pairs of bands (a, b) whose (a − b)/(a + b) are features, by name."""
    near = acquisition.band("nir") if acquisition.band("nir") is not None else acquisition.band("nir08")
    red, green, short = acquisition.band("red"), acquisition.band("green"), acquisition.band("swir16")
    blue = acquisition.band("blue")
    pairs: dict[str, tuple[Floats, Floats]] = {}
    if near is not None and red is not None:
        pairs["vegetation"] = (near, red)
    elif green is not None and red is not None:
        pairs["greenness"] = (green, red)
    if near is not None and short is not None:
        pairs["built"] = (short, near)
    if red is not None and blue is not None:
        pairs["redness"] = (red, blue)
    return pairs


def _optical(acquisition: Acquisition, clear: Mask, p: FeatureParameters) -> Features:
    pairs = _pairs(acquisition)
    visible = np.array([acquisition.bands.index(name) for name in VISIBLE if name in acquisition.bands], np.int64)
    names = (*pairs, *(("brightness", "contrast", "texture") if visible.size else ()))
    values = np.empty((len(names), *clear.shape), np.float32)
    for layer, (a, b) in zip(values, pairs.values(), strict=False):
        compiled.write_ratio(a, b, clear, layer)
    if visible.size:
        brightness, contrast, texture = values[len(pairs) :]
        compiled.write_mean(acquisition.pixels, visible, clear, brightness)
        surroundings = local_mean(brightness, clear, size_px=_window(p.surroundings_px, acquisition))
        compiled.write_difference(brightness, surroundings, contrast)
        deviation = local_deviation(brightness, clear, size_px=_window(p.texture_px, acquisition))
        compiled.write_masked(deviation, clear, texture)
    return Features(names, values, clear)


def _radar(acquisition: Acquisition, clear: Mask, p: FeatureParameters) -> Features:
    names = tuple(name for name in ("vv", "vh") if name in acquisition.bands)
    values = np.empty((len(names), *clear.shape), np.float32)
    for layer, name in zip(values, names, strict=True):
        power = acquisition.pixels[acquisition.bands.index(name)]
        mean = local_mean(power, clear, size_px=_window(p.radar_px, acquisition))
        compiled.write_logarithm(mean, clear, layer)
    return Features(names, values, clear)


def _optical_plain(acquisition: Acquisition, clear: Mask, p: FeatureParameters) -> dict[str, Floats]:
    layers = {name: _ratio(a, b) for name, (a, b) in _pairs(acquisition).items()}
    visible = [b for name in VISIBLE if (b := acquisition.band(name)) is not None]
    if visible:
        brightness: Floats = np.asarray(np.mean(visible, axis=0), np.float32)
        wide, narrow = (_window(native, acquisition) for native in (p.surroundings_px, p.texture_px))
        layers["brightness"] = brightness
        layers["contrast"] = brightness - local_mean_and_deviation_plain(brightness, clear, size_px=wide)[0]
        layers["texture"] = local_mean_and_deviation_plain(brightness, clear, size_px=narrow)[1]
    return layers


def _radar_plain(acquisition: Acquisition, clear: Mask, p: FeatureParameters) -> dict[str, Floats]:
    layers: dict[str, Floats] = {}
    for name in ("vv", "vh"):
        power = acquisition.band(name)
        if power is not None:
            mean, _ = local_mean_and_deviation_plain(power, clear, size_px=_window(p.radar_px, acquisition))
            layers[name] = np.log(np.maximum(mean, 1e-5))
    return layers
