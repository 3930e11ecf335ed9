"""Which pixels of a scene show the ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from detectors.acquisition import OPTICAL, Acquisition, Floats, Mask
from detectors.morphology import large_patches

VISIBLE = ("blue", "green", "red")
FULL = 0.98  # of the highest number of 8 bits: how bright such ground is, nobody knows


@dataclass(frozen=True)
class MaskParameters:
    """Thresholds of the cloud mask.

    `dropped` are the SCL classes that do not show the ground (no data, saturated, shadow, cloud low/medium/high,
    cirrus, snow); `spreading` are those widened by `spread_px` (40 m: SCIENCE.md asks for 30 to 50 m). Components of
    cloud under `smallest_cloud_px` are kept as ground: SCL calls bright roofs cloud, and a real cloud of 0.1 ha does
    not stay for three dates (chosen on simulated roofs). Snow that SCL leaves: NDSI over `snow_index` (Hall 1995) and
    visible over `snow_brightness`, widened by `snow_spread_px`.

    Without a classification (`white_mask`): ground is white that is brighter than `white`, whose haze-optimised
    transform blue − red/2 (Zhang 2002, as in Fmask, Zhu and Woodcock 2012) is over `haze`, whose bands lie within
    `colour` of their mean, and whose nir/swir16 is over `rock` (Fmask's test of bright rock, where measured). It is
    cloud or snow where a square of `wide_px` fits in: hardly a roof is 150 m wide; 90 m are enough in a scene where
    white ground covers more than `rare` of `parts` of its sixteen parts, as no compound does. Around that, to
    `near_px`, or in such a scene everywhere, it is what passes the same tests with `faint` too. From each band the
    scene's darkest hundredth is taken first, up to `air` (dark objects, Chavez 1988), so that the thresholds hold at
    the top of the atmosphere as on the surface. In a scene with clouds, ground darker than `dark` of its middle within
    `cast_px` of them is shadow. Chosen on 2026-11-30 on the Romanian series, against its classification, and so that
    roofs of the suburbs and the desert of Egypt stay.
    """

    dropped: tuple[int, ...] = (0, 1, 3, 8, 9, 10, 11)
    spreading: tuple[int, ...] = (3, 8, 9, 10)
    snow_index: float = 0.4
    snow_brightness: float = 0.12
    snow_spread_px: int = 2
    spread_px: int = 4
    smallest_cloud_px: int = 10
    white: float = 0.25
    haze: float = 0.10
    colour: float = 0.28
    rock: float = 0.75
    faint: tuple[float, float, float] = (0.15, 0.06, 0.35)
    wide_px: tuple[int, int] = (15, 9)
    near_px: int = 6
    parts: float = 0.5
    rare: float = 0.02
    air: float = 0.1
    dark: float = 0.5
    cast_px: int = 60


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
    large = large_patches(clouds, p.smallest_cloud_px)
    dropped = (classes >= is_dropped) & ~(clouds & ~large)
    spread = dilated(large, _disk(p.spread_px))
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
    index, total = visible - short, visible + short  # of whole scenes: nothing more of their size
    index /= np.maximum(total, 0.01, out=total)
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


def white_mask(acquisition: Acquisition, *, parameters: MaskParameters | None = None) -> Mask:
    """Mark clouds, snow and the shadows of clouds by colour and extent alone, for scenes without a classification.

    Parameters
    ----------
    acquisition
        One scene as numbers; red, green and blue are enough, and without all three nothing is marked.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    bool (y, x). Haze too thin to be white is not marked: the comparison holds it by the scatter of the whole scene.
    """
    p, valid = parameters or MaskParameters(), acquisition.valid
    visible = [band for name in VISIBLE if (band := acquisition.band(name)) is not None]
    nothing = np.zeros(valid.shape, bool)
    if acquisition.sensor != OPTICAL or len(visible) < len(VISIBLE) or not valid.any():
        return nothing
    is_full = valid & (np.min(visible, axis=0) >= FULL * acquisition.ceiling)
    strong, faint = (mask & ~_is_rock(acquisition, p) for mask in _white(visible, valid, p))
    is_everywhere = _spread(strong | is_full, p) >= p.parts
    core = _opened(strong | is_full, p.wide_px[is_everywhere])
    if not core.any():
        return nothing
    white = core | ((faint | is_full) & (valid if is_everywhere else _grown(core, p.near_px)))
    return _grown(white, p.spread_px) | _shadow(acquisition, white, core, p)


def _white(visible: Sequence[Floats], valid: Mask, p: MaskParameters) -> tuple[Mask, Mask]:
    """Where ground is white, and where it is at least faintly so."""
    air = _air(visible, valid, p)
    blue, green, red = (np.where(valid, band - a, 0.0) for band, a in zip(visible, air, strict=True))
    brightness = (blue + green + red) / 3
    spread = np.maximum(blue, np.maximum(green, red)) - np.minimum(blue, np.minimum(green, red))
    colour, haze = spread / np.maximum(brightness, 0.01), blue - red / 2
    strong, faint = (
        valid & (brightness > least) & (haze > veil) & (colour < tint)
        for least, veil, tint in ((p.white, p.haze, p.colour), p.faint)
    )
    return strong, faint


def _spread(white: Mask, p: MaskParameters) -> float:
    """The share of 16 equal parts of the scene in which white ground is not rare."""
    parts = [part for rows in np.array_split(white, 4, axis=0) for part in np.array_split(rows, 4, axis=1)]
    return float(np.mean([part.mean() > p.rare for part in parts if part.size]))


def _air(visible: Sequence[Floats], valid: Mask, p: MaskParameters) -> list[float]:
    """What the air adds to blue, green and red by the darkest ground; nothing where all that is seen is veiled."""
    blue, _, red = visible
    if np.percentile((blue - red / 2)[valid], 1) > p.air:
        return [0.0] * len(visible)
    return [float(np.clip(np.percentile(band[valid], 1), 0.0, p.air)) for band in visible]


def _is_rock(acquisition: Acquisition, p: MaskParameters) -> Mask:
    near, short = acquisition.band("nir"), acquisition.band("swir16")
    if near is None or short is None:
        return np.zeros(acquisition.valid.shape, bool)
    return np.asarray(near < p.rock * short)


def _shadow(acquisition: Acquisition, white: Mask, core: Mask, p: MaskParameters) -> Mask:
    """Ground darker than most of its scene, near enough to a cloud to lie in its shadow."""
    near, rest = acquisition.band("nir"), acquisition.valid & ~white
    light = acquisition.pixels.mean(axis=0) if near is None else near
    if not rest.any():
        return np.zeros(white.shape, bool)
    dark = _opened(rest & (light < p.dark * float(np.median(light[rest]))), 3)
    return _grown(dark & _grown(core, p.cast_px), p.snow_spread_px)


def _opened(mask: Mask, side_px: int) -> Mask:
    """A mask without what is narrower than a square; what lies outside the scene counts as being like its rim."""
    opened = ndimage.maximum_filter(ndimage.minimum_filter(mask.view(np.uint8), side_px), side_px)
    return np.asarray(opened > 0)


def _grown(mask: Mask, radius: int) -> Mask:
    """A mask and all that lies within so many pixels of it, along rows and columns."""
    return np.asarray(ndimage.maximum_filter(mask.view(np.uint8), 2 * radius + 1, mode="constant") > 0)


def _disk(radius: int) -> tuple[int, ...]:
    """Half the widths of the rows of a disk, from its middle on."""
    return tuple(isqrt(radius * radius - y * y) for y in range(radius + 1))


def clear_of(acquisition: Acquisition) -> Mask:
    """Mark where an acquisition shows the ground: by its scene classification, less snow that it leaves unmasked.

    Without a classification, clouds, their shadows and snow are told by their colour and extent.

    Parameters
    ----------
    acquisition
        One scene as numbers.

    Returns
    -------
    bool (y, x).
    """
    clear = clear_mask(acquisition.valid, acquisition.scl)
    if acquisition.scl is None:
        clear = np.asarray(clear & ~white_mask(acquisition))
    short = acquisition.band("swir16")
    visible = next((b for name in ("green", "red", "blue") if (b := acquisition.band(name)) is not None), None)
    return clear if short is None or visible is None else np.asarray(clear & ~snow_mask(visible, short))
