"""Change put into real looks: buildings, walls and demolitions, mixed with the ground that was really there.

A pixel of which a share f is built shows (1 − f)·ground + f·material. The material has a texture of its own that stays,
a jitter from date to date that all of it shares, and the illumination of the scene: it is scaled by how bright the look
is against the median of its series, so that haze and low sun dim it too. It stands still on the ground: a scene that
lies beside the others shows it as far beside (one Romanian scene in three by over half a pixel).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

import numpy as np
from scipy import ndimage

from detectors.channel import clear_of, reference_image
from detectors.features import registration_image
from detectors.look import OPTICAL, Look
from detectors.registration import UNKNOWN, Shift, measure_shift

# Reflectance by common band name: metal and concrete, blue sheet, dark tile, bare soil (typical values; chosen on USGS
# spectral library means and on roofs seen in the suburb pairs).
MATERIALS = {
    "metal": {"blue": 0.28, "green": 0.29, "red": 0.30, "nir": 0.33, "nir08": 0.33, "swir16": 0.32, "swir22": 0.30},
    "blue sheet": {"blue": 0.24, "green": 0.19, "red": 0.14, "nir": 0.26, "nir08": 0.26, "swir16": 0.22, "swir22": 0.2},
    "dark tile": {
        "blue": 0.06,
        "green": 0.065,
        "red": 0.08,
        "nir": 0.11,
        "nir08": 0.11,
        "swir16": 0.13,
        "swir22": 0.12,
    },
    "concrete": {"blue": 0.17, "green": 0.19, "red": 0.21, "nir": 0.25, "nir08": 0.25, "swir16": 0.27, "swir22": 0.25},
    "soil": {"blue": 0.10, "green": 0.14, "red": 0.19, "nir": 0.26, "nir08": 0.26, "swir16": 0.33, "swir22": 0.29},
}
RADAR_GAIN = {"metal": 4.0, "blue sheet": 4.0, "dark tile": 3.0, "concrete": 3.0, "soil": 0.7}


@dataclass(frozen=True)
class Injected:
    """One change: `share` float32 (y, x), the part of each pixel covered from `since` on (till then, if lost)."""

    kind: str
    material: str
    share: np.ndarray
    since: date
    seed: int
    lost: bool = False

    @property
    def footprint(self) -> np.ndarray:
        """Pixels of which at least a third changed."""
        return np.asarray(self.share >= 0.34)

    def is_there(self, day: date) -> bool:
        """True on the days on which the material stands."""
        return (day < self.since) if self.lost else (day >= self.since)


def injected(looks: Sequence[Look], changes: Sequence[Injected]) -> tuple[Look, ...]:
    """The looks with every change in them."""
    levels = {k.scene_id: _level(k) for k in looks if k.sensor == OPTICAL}
    usual = float(np.median(list(levels.values()))) if levels else 1.0
    reference = reference_image(looks)
    return tuple(_one(k, changes, levels.get(k.scene_id, usual) / usual, _shift(k, reference)) for k in looks)


def _shift(look: Look, reference: np.ndarray | None) -> Shift:
    """How far a look lies from its series."""
    image = registration_image(look)
    return UNKNOWN if image is None or reference is None else measure_shift(reference, image, clear=clear_of(look))


def _level(look: Look) -> float:
    band = look.pixels[0]
    return float(np.nanmedian(band[look.valid])) if look.valid.any() else 1.0


def _one(look: Look, changes: Sequence[Injected], light: float, lies: Shift) -> Look:
    standing = [c for c in changes if c.is_there(look.day)]
    if not standing:
        return look
    pixels = look.pixels.copy()
    cloudy = np.zeros(look.valid.shape, bool) if look.scl is None else np.isin(look.scl, (3, 8, 9, 10))
    for change in standing:
        there = ndimage.shift(change.share, (lies.dy, lies.dx), order=1) if lies.length else change.share
        share = np.where(cloudy, 0.0, there).astype(np.float32)
        for b, name in enumerate(look.bands):
            pixels[b] += share * (_material(change, look, name, pixels[b], light) - pixels[b])
    return replace(look, pixels=pixels.astype(np.float32))


def _material(change: Injected, look: Look, band: str, ground: np.ndarray, light: float) -> np.ndarray:
    if look.sensor != OPTICAL:
        rng = np.random.default_rng((change.seed, look.day.toordinal(), len(band)))
        speckle = rng.gamma(4.4, 1 / 4.4, ground.shape)
        return float(np.nanmedian(ground)) * RADAR_GAIN[change.material] * speckle
    texture = np.random.default_rng(change.seed).normal(1.0, 0.12, ground.shape)
    jitter = np.random.default_rng((change.seed, look.day.toordinal())).normal(1.0, 0.04)
    value = MATERIALS[change.material].get(band, 0.2)
    return value * texture * jitter * float(np.clip(light, 0.5, 1.6)) ** 0.5


def block(shape: tuple[int, int], at: tuple[float, float], pixels: int, *, mixing: float, rng: np.random.Generator):
    """A rectangle of about so many pixels at a sub-pixel place; `share` float32 (y, x), at most `mixing`."""
    ratio = rng.uniform(1.0, 2.2) if pixels > 6 else rng.uniform(1.0, 1.5)
    height, width = np.sqrt(pixels / ratio), np.sqrt(pixels * ratio)
    if rng.random() < 0.5:
        height, width = width, height
    return mixing * _rectangle(shape, at, height, width, float(rng.uniform(0, np.pi)))


def _rectangle(
    shape: tuple[int, int], at: tuple[float, float], height: float, width: float, angle: float
) -> np.ndarray:
    fine = 5
    rows, columns = (np.mgrid[: shape[0] * fine, : shape[1] * fine] + 0.5) / fine
    y, x = rows - at[0], columns - at[1]
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    inside = (np.abs(along) <= width / 2) & (np.abs(across) <= height / 2)
    share = inside.reshape(shape[0], fine, shape[1], fine).mean(axis=(1, 3))
    return ndimage.gaussian_filter(share, 0.45).astype(np.float32)  # the sensor's point spread


def wall(shape: tuple[int, int], at: tuple[float, float], length: float, form: str, *, fraction: float, angle: float):
    """A wall of so many pixels along its course, covering `fraction` of each pixel it crosses; float32 (y, x)."""
    course = _course(form, length)
    c, s = np.cos(angle), np.sin(angle)
    points = course @ np.array([[c, s], [-s, c]]) + np.array(at)[::-1]
    image = np.zeros(shape, np.float32)
    for start, end in pairwise(points):
        steps = max(2, int(np.hypot(*(end - start)) * 10))
        for t in np.linspace(0, 1, steps, endpoint=False):
            x, y = start + t * (end - start)
            r, q = int(np.floor(y)), int(np.floor(x))
            if 0 <= r < shape[0] and 0 <= q < shape[1]:
                image[r, q] += fraction / 10.0
    return ndimage.gaussian_filter(np.minimum(image, fraction), 0.45).astype(np.float32)


def _course(form: str, length: float) -> np.ndarray:
    """The corner points (x, y) of a wall around the origin."""
    if form == "straight":
        return np.array([[-length / 2, 0.0], [length / 2, 0.0]])
    side = length / 2 if form == "L" else length / 4
    h = side / 2
    if form == "L":
        return np.array([[-h, -h], [h, -h], [h, h]])
    return np.array([[-h, -h], [h, -h], [h, h], [-h, h], [-h, -h]])
