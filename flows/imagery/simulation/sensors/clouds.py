"""The sky over one overpass: clouds, their shadows, haze, and what the classification makes of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from flows.imagery.simulation.land.canvas import Field
from flows.imagery.simulation.land.sun import Sun
from flows.imagery.simulation.noise import fractal_noise

MARGIN = 48  # pixels of sky beyond the scene, whose clouds may throw their shadow into it
CLOUD_SPACINGS = (46.0, 21.0, 10.0, 5.0, 2.5)
HAZE_SPACINGS = (60.0, 25.0)
_OVERCAST = 0.985


@dataclass(frozen=True)
class Sky:
    """Over a scene, (y, x): `cloud` the opacity of cloud, 0 to 1; `shadow` the sunlight it takes; `haze` a thin veil
    as added reflectance in blue; `billow` the unevenness of the clouds' brightness, deviation 1."""

    cloud: Field = field(repr=False)
    shadow: Field = field(repr=False)
    haze: Field = field(repr=False)
    billow: Field = field(repr=False)


def cloud_share(monsoon: float, rng: np.random.Generator) -> float:
    """How much of a scene clouds cover: mostly nothing in the dry months, over half on most days of the rains."""
    wet = rng.random() < 0.06 + 0.84 * monsoon
    if wet:
        return 1.0 if rng.random() < 0.30 else float(rng.beta(2.0, 1.15))
    return 0.0 if rng.random() < 0.72 else float(rng.beta(0.9, 4.0))


def draw_sky(shape: tuple[int, int], sun: Sun, monsoon: float, rng: np.random.Generator) -> Sky:
    """The sky of one overpass."""
    share = cloud_share(monsoon, rng)
    wide = (shape[0] + 2 * MARGIN, shape[1] + 2 * MARGIN)
    billow = fractal_noise(rng, wide, CLOUD_SPACINGS, roughness=0.62)
    softness, thrown = draw_cloud_base(sun, rng)
    cloud = opacity(billow, share, float(np.quantile(billow[::3, ::3], 1 - share)), softness=softness)
    haze = _haze(shape, monsoon, share, rng)
    return Sky(_window(cloud, shape), 0.9 * _window(cloud, shape, thrown), haze, _window(billow, shape))


def draw_cloud_base(sun: Sun, rng: np.random.Generator) -> tuple[float, tuple[int, int]]:
    """How softly clouds end, and the rows and columns from a shadow to the cloud that throws it."""
    softness = float(rng.uniform(0.18, 0.5))
    height_px = float(rng.uniform(45, 130)) / sun.tangent
    rows, columns = (round(float(np.clip(shift, -MARGIN, MARGIN))) for shift in _thrown(sun, height_px))
    return softness, (rows, columns)


def opacity(billow: Field, share: float, floor: float, *, softness: float) -> Field:
    """Opacity of clouds over the stated share of the sky, where `billow` is above `floor`.

    Their edges thin out over one or two pixels.
    """
    if share <= 0.005:
        return np.zeros_like(billow)
    if share >= _OVERCAST:
        return np.asarray(np.clip(0.93 + 0.06 * billow, 0.72, 1.0), np.float32)
    return np.asarray(1 - np.exp(-np.maximum(billow - np.float32(floor), 0) / np.float32(softness)), np.float32)


def _thrown(sun: Sun, height_px: float) -> tuple[float, float]:
    """Rows and columns from a shadow to the cloud that throws it."""
    return -sun.north * height_px, sun.east * height_px


def _window(wide: Field, shape: tuple[int, int], shift: tuple[int, int] = (0, 0)) -> Field:
    top, left = MARGIN + shift[0], MARGIN + shift[1]
    return wide[top : top + shape[0], left : left + shape[1]]


def _haze(shape: tuple[int, int], monsoon: float, share: float, rng: np.random.Generator) -> Field:
    """A veil over part or all of the scene, seldom in the dry months and often in the rains or beside clouds."""
    if not is_hazy(monsoon, share, rng):
        return np.zeros(shape, np.float32)
    veil = 0.6 + 0.5 * fractal_noise(rng, shape, HAZE_SPACINGS)
    return np.asarray(np.clip(veil, 0, 2) * draw_haze(rng), np.float32)


def is_hazy(monsoon: float, share: float, rng: np.random.Generator) -> bool:
    """Whether there is haze in a scene of which clouds cover a share."""
    return bool(rng.random() <= 0.20 + 0.2 * monsoon + 0.25 * (share > 0))


def draw_haze(rng: np.random.Generator) -> float:
    """The strength of the haze of one scene, as added reflectance in blue."""
    return float(rng.gamma(1.4, 0.016))


@dataclass(frozen=True)
class ClassificationMistakes:
    """How the classification of one scene is wrong: how far its shadows slip (blocks down and right), how much more
    cloud it sees than there is, whether it takes bright roofs for cloud and bright cloud for snow."""

    slip: tuple[int, int]
    more_cloud: float
    takes_roofs_for_cloud: bool
    takes_cloud_for_snow: bool


def draw_mistakes(rng: np.random.Generator) -> ClassificationMistakes:
    """The mistakes of one scene."""
    down, right = (int(step) for step in rng.integers(-1, 2, 2))
    return ClassificationMistakes((down, right), rng.normal(0, 0.06), rng.random() < 0.18, rng.random() < 0.03)


def classify(
    reflectance: Field, sky: Sky, mistakes: ClassificationMistakes
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The scene classification of a scene, uint8 (y, x), as wrong as the real one.

    Judged in blocks of 20 m: it misses thin cloud and the rim of thick cloud, sees shadow a pixel or two off, and on
    some days takes bright roofs for cloud.
    """
    blue, red, nir = _blocks(reflectance[0]), _blocks(reflectance[2]), _blocks(reflectance[3])
    cloud, shadow = _blocks(sky.cloud), _blocks(sky.shadow)
    shadow = np.roll(shadow, mistakes.slip, (0, 1))
    scl = np.where(nir > 2.0 * red + 0.03, 4, 5)
    scl = np.where((nir < 0.085) & (nir < 1.1 * red), 6, scl)
    scl = np.where((shadow > 0.42) & (nir < 0.22), 3, scl)
    level = cloud + mistakes.more_cloud
    scl = np.select([level > 0.74, level > 0.46, level > 0.32], [9, 8, 10], scl)
    if mistakes.takes_roofs_for_cloud:
        scl = np.where((blue > 0.21) & (scl == 5), 8, scl)
    if mistakes.takes_cloud_for_snow:
        scl = np.where((scl == 9) & (blue > 0.62), 11, scl)
    return _unblock(scl.astype(np.uint8), sky.cloud.shape)


def _blocks(pixels: Field) -> Field:
    """Means of 2 × 2 pixels; an odd edge is doubled."""
    rows, columns = pixels.shape
    even = np.pad(pixels, ((0, rows % 2), (0, columns % 2)), mode="edge")
    return np.asarray((even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4, np.float32)


def _unblock(
    blocks: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], shape: tuple[int, ...]
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return blocks.repeat(2, 0).repeat(2, 1)[: shape[0], : shape[1]]
