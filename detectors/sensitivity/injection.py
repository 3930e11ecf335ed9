"""Change put into real acquisitions: buildings, walls and demolitions, mixed with the ground that was really there.

A pixel of which a share f is built shows (1 − f)·ground + f·material. The material has a texture of its own that stays,
a jitter from date to date that all of it shares, and the illumination of the scene: it is scaled by how bright the
acquisition is against the median of its series, so that haze and low sun dim it too. Radar sees `RADAR_GAIN` times the
median of the scene, with speckle of its own in each polarisation; what has no gain there lets it through. What is put
in stands still on the ground: a scene that lies beside the others shows it as far beside (one Romanian scene in three
by over half a pixel).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from detectors.acquisition import OPTICAL, Acquisition, Floats, Mask
from detectors.preprocessing.align import reference_image
from detectors.preprocessing.features import registration_image
from detectors.preprocessing.masks import clear_of
from detectors.preprocessing.registration import measure_shift

# Reflectance by common band name. Metal, concrete, blue sheet, dark tile and bare soil are typical values, chosen on
# means of the USGS spectral library and on roofs seen in the suburb pairs. The others are typical values set by hand,
# and were not compared with measured spectra; such are in the USGS library (doi 10.3133/ds1035: asphalt, tarpaulin, dry
# grass, rust) and, for solar panels, in Ji et al. (2021, doi 10.1016/j.rse.2021.112692). A frame without a roof is 0.45
# concrete, 0.3 soil and 0.25 shade; rubble is 0.6 concrete, 0.3 soil and 0.1 shade.
_BANDS = ("blue", "green", "red", "nir", "nir08", "swir16", "swir22")
MATERIALS = {
    name: dict(zip(_BANDS, values, strict=True))
    for name, values in {
        "metal": (0.28, 0.29, 0.30, 0.33, 0.33, 0.32, 0.30),
        "blue sheet": (0.24, 0.19, 0.14, 0.26, 0.26, 0.22, 0.20),
        "dark tile": (0.06, 0.065, 0.08, 0.11, 0.11, 0.13, 0.12),
        "concrete": (0.17, 0.19, 0.21, 0.25, 0.25, 0.27, 0.25),
        "soil": (0.10, 0.14, 0.19, 0.26, 0.26, 0.33, 0.29),
        "thatch": (0.09, 0.13, 0.18, 0.28, 0.30, 0.36, 0.27),
        "rusted sheet": (0.06, 0.08, 0.14, 0.20, 0.20, 0.29, 0.28),
        "shade net": (0.05, 0.07, 0.06, 0.16, 0.17, 0.19, 0.14),
        "tarpaulin": (0.30, 0.24, 0.13, 0.40, 0.41, 0.36, 0.27),
        "asphalt": (0.08, 0.09, 0.10, 0.12, 0.12, 0.15, 0.14),
        "solar panel": (0.05, 0.04, 0.035, 0.05, 0.055, 0.10, 0.07),
        "concrete frame": (0.107, 0.128, 0.152, 0.191, 0.191, 0.221, 0.20),
        "rubble": (0.132, 0.156, 0.183, 0.228, 0.228, 0.261, 0.237),
    }.items()
}
# Radar against the median of a scene, set by hand: metal and corners send back most, a level surface sends the beam
# away, and dry reed, nets and plastic are all but clear to it.
RADAR_GAIN: dict[str, float | None] = {
    "metal": 4.0,
    "blue sheet": 4.0,
    "dark tile": 3.0,
    "concrete": 3.0,
    "soil": 0.7,
    "thatch": None,
    "rusted sheet": 4.0,
    "shade net": None,
    "tarpaulin": None,
    "asphalt": 0.3,
    "solar panel": 2.5,
    "concrete frame": 5.0,
    "rubble": 1.8,
}
SURROUNDINGS = "surroundings"
RING_PX = (2, 6)  # what lies around a change begins two pixels off it and is four wide
FINE = 5
REACH_PX = 2  # how far the sensor's point spread carries
LEAST_SHIFT_PX = 0.05  # less is not told from noise
WALL_STEPS = 10  # to a pixel of a wall's course


@dataclass(frozen=True)
class Injected:
    """One change: `share` float32 (y, x), the part of each pixel covered from `since` on (till then, if lost).

    `material` is one of `MATERIALS`, or `SURROUNDINGS`: what stood there then gives way to the ground around it.
    """

    kind: str
    material: str
    share: Floats
    since: date
    seed: int
    lost: bool = False

    @property
    def footprint(self) -> Mask:
        """Mark the pixels of which at least a third changed, bool (y, x)."""
        return np.asarray(self.share >= 0.34)

    def is_there(self, day: date) -> bool:
        """Decide whether the material stands on a day."""
        return (day < self.since) if self.lost else (day >= self.since)


def injected(acquisitions: Sequence[Acquisition], changes: Sequence[Injected]) -> tuple[Acquisition, ...]:
    """Put every change into the acquisitions.

    Parameters
    ----------
    acquisitions
        Scenes as numbers, oldest first.
    changes
        What changes, where and when.

    Returns
    -------
    tuple of Acquisition.
    """
    levels = {k.scene_id: _level(k) for k in acquisitions if k.sensor == OPTICAL}
    usual = float(np.median(list(levels.values()))) if levels else 1.0
    reference = reference_image(acquisitions)
    return tuple(_one(k, changes, levels.get(k.scene_id, usual) / usual, reference) for k in acquisitions)


def _moved(shares: Floats, acquisition: Acquisition, reference: Floats | None) -> Floats:
    """The shares (change, y, x) where an acquisition shows that ground: as far beside as it lies from its series."""
    image = registration_image(acquisition)
    if image is None or reference is None:
        return shares
    lies = measure_shift(reference, image, clear=clear_of(acquisition))
    if not lies.is_known or lies.length < LEAST_SHIFT_PX:
        return shares
    return np.asarray(ndimage.shift(shares, (0, lies.dy, lies.dx), order=1), np.float32)


def _level(acquisition: Acquisition) -> float:
    band = acquisition.pixels[0]
    return float(np.nanmedian(band[acquisition.valid])) if acquisition.valid.any() else 1.0


def _one(acquisition: Acquisition, changes: Sequence[Injected], light: float, reference: Floats | None) -> Acquisition:
    standing = [c for c in changes if c.is_there(acquisition.day)]
    if not standing:
        return acquisition
    pixels = acquisition.pixels.copy()
    cloudy = (
        np.zeros(acquisition.valid.shape, bool) if acquisition.scl is None else np.isin(acquisition.scl, (3, 8, 9, 10))
    )
    shares = _moved(np.stack([change.share for change in standing]), acquisition, reference)
    for change, there in zip(standing, shares, strict=True):
        box = _box(there)
        share = np.where(cloudy[box], 0.0, there[box]).astype(np.float32)
        for b in range(len(acquisition.bands)):
            ground = pixels[b][box].copy()
            pixels[b][box] = ground + share * (_material(change, acquisition, b, pixels[b], light)[box] - ground)
    return replace(acquisition, pixels=pixels.astype(np.float32))


def _box(share: Floats) -> tuple[slice, slice]:
    """The rows and columns that a change touches."""
    rows, columns = np.nonzero(share.any(axis=1))[0], np.nonzero(share.any(axis=0))[0]
    if not rows.size:
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _material(
    change: Injected, acquisition: Acquisition, band: int, ground: Floats, light: float
) -> npt.NDArray[np.float64]:
    if change.material == SURROUNDINGS:
        return _surroundings(change, acquisition, band, ground)
    if acquisition.sensor != OPTICAL:
        gain = RADAR_GAIN[change.material]
        if gain is None:
            return np.asarray(ground, np.float64)
        return float(np.nanmedian(ground)) * gain * _speckle(change, acquisition, band)
    texture = np.random.default_rng(change.seed).normal(1.0, 0.12, ground.shape)
    jitter = np.random.default_rng((change.seed, acquisition.day.toordinal())).normal(1.0, 0.04)
    value = MATERIALS[change.material].get(acquisition.bands[band], 0.2)
    return np.asarray(value * texture * jitter * float(np.clip(light, 0.5, 1.6)) ** 0.5)


def _surroundings(change: Injected, acquisition: Acquisition, band: int, ground: Floats) -> npt.NDArray[np.float64]:
    """The median of the ground around a change on that day, with as much texture as it has there, always the same."""
    there = change.share > 0
    near, far = (ndimage.binary_dilation(there, iterations=n) for n in RING_PX)
    around = ground[far & ~near & np.isfinite(ground)]
    level = float(np.median(around)) if around.size else float(np.nanmedian(ground))
    if acquisition.sensor != OPTICAL:
        return level * _speckle(change, acquisition, band)
    spread = float(1.4826 * np.median(np.abs(around - level))) if around.size else 0.0
    return level + spread * np.random.default_rng(change.seed).normal(0.0, 1.0, ground.shape)


def _speckle(change: Injected, acquisition: Acquisition, band: int) -> npt.NDArray[np.float64]:
    rng = np.random.default_rng((change.seed, acquisition.day.toordinal(), band))
    return rng.gamma(4.4, 1 / 4.4, acquisition.valid.shape)


def block(
    shape: tuple[int, int], at: tuple[float, float], pixels: int, *, mixing: float, rng: np.random.Generator
) -> Floats:
    """Draw a rectangle of about so many pixels at a sub-pixel place.

    Parameters
    ----------
    shape
        Rows and columns.
    at
        Row and column of its middle.
    pixels
        Its area, pixels.
    mixing
        The greatest share of a pixel that it covers, 0 to 1.
    rng
        Chooses proportions and angle.

    Returns
    -------
    float32 (y, x), the share of each pixel covered.
    """
    ratio = rng.uniform(1.0, 2.2) if pixels > 6 else rng.uniform(1.0, 1.5)
    height, width = np.sqrt(pixels / ratio), np.sqrt(pixels * ratio)
    if rng.random() < 0.5:
        height, width = width, height
    share = mixing * _rectangle(shape, at, float(height), float(width), float(rng.uniform(0, np.pi)))
    return np.asarray(share, np.float32)


def _rectangle(
    shape: tuple[int, int], at: tuple[float, float], height: float, width: float, angle: float
) -> npt.NDArray[np.float64]:
    """How much of each pixel a turned rectangle covers, drawn on a grid five times as fine around it alone."""
    reach = int(np.ceil(np.hypot(height, width) / 2)) + REACH_PX + 1
    top, left = int(at[0]) - reach, int(at[1]) - reach
    side = 2 * reach + 1
    rows, columns = (np.mgrid[: side * FINE, : side * FINE] + 0.5) / FINE
    y, x = rows + top - at[0], columns + left - at[1]
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    inside = (np.abs(along) <= width / 2) & (np.abs(across) <= height / 2)
    share = ndimage.gaussian_filter(inside.reshape(side, FINE, side, FINE).mean(axis=(1, 3)), 0.45)  # point spread
    image = np.zeros(shape)
    r, c = slice(max(0, top), min(shape[0], top + side)), slice(max(0, left), min(shape[1], left + side))
    image[r, c] = share[r.start - top : r.stop - top, c.start - left : c.stop - left]
    return image


def wall(
    shape: tuple[int, int], at: tuple[float, float], length: float, form: str, *, fraction: float, angle: float
) -> Floats:
    """Draw a wall along a course.

    Parameters
    ----------
    shape
        Rows and columns.
    at
        Row and column of its middle.
    length
        Pixels along its course.
    form
        ``straight``, ``L`` or ``ring``.
    fraction
        The share of each pixel it crosses that it covers, 0 to 1.
    angle
        Radians by which it is turned.

    Returns
    -------
    float32 (y, x), the share of each pixel covered.
    """
    course = _course(form, length)
    c, s = np.cos(angle), np.sin(angle)
    points = course @ np.array([[c, s], [-s, c]]) + np.array(at)[::-1]
    image = np.zeros(shape, np.float32)
    for start, end in pairwise(points):
        steps = max(2, int(np.hypot(*(end - start)) * WALL_STEPS))
        course_px = np.floor(start + np.linspace(0, 1, steps, endpoint=False)[:, None] * (end - start)).astype(int)
        inside = ((course_px >= 0) & (course_px < np.array(shape)[::-1])).all(axis=1)
        np.add.at(image, (course_px[inside, 1], course_px[inside, 0]), fraction / WALL_STEPS)
    return np.asarray(ndimage.gaussian_filter(np.minimum(image, fraction), 0.45), np.float32)


def _course(form: str, length: float) -> npt.NDArray[np.float64]:
    """The corner points (x, y) of a wall around the origin."""
    if form == "straight":
        return np.array([[-length / 2, 0.0], [length / 2, 0.0]])
    side = length / 2 if form == "L" else length / 4
    h = side / 2
    if form == "L":
        return np.array([[-h, -h], [h, -h], [h, h]])
    return np.array([[-h, -h], [h, -h], [h, h], [-h, h], [-h, -h]])
