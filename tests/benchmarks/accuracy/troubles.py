"""More of what makes ground and sky difficult: snow, dust, smoke, a flooded town, ploughs, ponds, shadows, poor looks.

As in `nuisances`: looks, the days of the watch and a random stream go in, and looks come out. None is a change to be
told of, though a ploughed field and a pond are other ground for a while.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from nuisances import BANDS, CHAR, LOOKS_OF_SPECKLE, STILL_WATER, WATER, Days
from scipy import ndimage

from detectors.acquisition import OPTICAL, RADAR, Acquisition, Mask

# Reflectance by band, typical values set by hand: old snow (bright to the near infrared, dark beyond), dust on the
# ground (pale, of desert soil), ploughed soil that is moist, and soil as filled in.
SNOW = dict(zip(BANDS, (0.74, 0.75, 0.74, 0.66, 0.64, 0.12, 0.09), strict=True))
DUST = dict(zip(BANDS, (0.17, 0.24, 0.31, 0.36, 0.36, 0.42, 0.40), strict=True))
PLOUGHED = dict(zip(BANDS, (0.06, 0.08, 0.11, 0.17, 0.17, 0.23, 0.19), strict=True))
FILL = dict(zip(BANDS, (0.10, 0.14, 0.19, 0.26, 0.26, 0.33, 0.29), strict=True))
SMOKE = dict(zip(BANDS, (1.0, 0.75, 0.55, 0.22, 0.20, 0.05, 0.02), strict=True))
SNOW_WEEKS, THAWED_WEEKS = 10, 4  # before the watch, and into it
SHADE, SHADOW_PX = 0.55, (1, 4)  # light left in a shadow, its length in the history and in the watch
PLOUGH_DAYS, FIELDS, FIELD_PX = 45, 8, 14
POND_PX = 7
CORNERS = 2.5  # water before walls reflects to the radar twice
GAIN_8_BIT = 2.5


def snow_melt(acquisitions: Sequence[Acquisition], days: Days, rng: np.random.Generator) -> tuple[Acquisition, ...]:
    """Snow on the last looks of the history that thaws within four weeks of the watch, called clear ground."""
    first, last = days.after(-SNOW_WEEKS), days.after(THAWED_WEEKS)
    depth = _smooth(acquisitions[0].valid.shape, 6.0, rng)

    def snowed(look: Acquisition) -> Acquisition:
        if look.sensor != OPTICAL or not first <= look.day <= last:
            return look
        thawed = max((look.day - days.since).days, 0) / max((last - days.since).days, 1)
        cover = np.clip(0.8 + 0.3 * depth - 1.3 * thawed, 0.0, 0.9)
        return _over(look, SNOW, cover)

    return tuple(snowed(k) for k in acquisitions)


def dust(acquisitions: Sequence[Acquisition], days: Days, rng: np.random.Generator) -> tuple[Acquisition, ...]:
    """Two dust storms: pale dust on all that lies open, washed off within a month."""
    storms = (days.after(5), days.after(14))
    drift = np.clip(0.3 + 0.12 * _smooth(acquisitions[0].valid.shape, 9.0, rng), 0.0, 0.6)

    def dusted(look: Acquisition) -> Acquisition:
        ages = [age for storm in storms if (age := (look.day - storm).days) >= 0]
        share = max((float(np.exp(-age / 12)) for age in ages), default=0.0)
        return _over(look, DUST, drift * share) if look.sensor == OPTICAL and share > 0.05 else look

    return tuple(dusted(k) for k in acquisitions)


def smoke(acquisitions: Sequence[Acquisition], days: Days, rng: np.random.Generator) -> tuple[Acquisition, ...]:
    """A plume over one look in three that the classification takes for clear ground, from a fire of ten pixels."""
    shape = acquisitions[0].valid.shape
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(float)

    def smoked(look: Acquisition) -> Acquisition:
        if look.sensor != OPTICAL or look.day < days.since or rng.random() > 1 / 3:
            return look
        at, angle = rng.uniform((5, 5), (shape[0] - 5, shape[1] - 5)), rng.uniform(0, 2 * np.pi)
        y, x = rows - at[0], columns - at[1]
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        width = 2.0 + 0.25 * np.maximum(along, 0.0)
        veil = 0.16 * np.where(along > 0, np.exp(-0.5 * (across / width) ** 2 - along / 60), 0.0)
        light = np.stack([SMOKE[b] * veil for b in look.bands])
        burnt = _over(look, CHAR, 0.7 * (np.hypot(y, x) < 1.8))
        return replace(burnt, pixels=(burnt.pixels + light).astype(np.float32))

    return tuple(smoked(k) for k in acquisitions)


def town_flood(acquisitions: Sequence[Acquisition], days: Days, rng: np.random.Generator) -> tuple[Acquisition, ...]:
    """Three weeks of water in streets and yards: roofs stand out of it, and walls before it are bright to the radar."""
    shape = acquisitions[0].valid.shape
    low = ndimage.gaussian_filter((_smooth(shape, 8.0, rng) < -0.3).astype(float), 0.6)
    built = _sparse(acquisitions, days)
    begins = days.after(9)

    def flooded(look: Acquisition) -> Acquisition:
        age = (look.day - begins).days
        level = 0.0 if age < 0 else 0.7 if age <= 21 else 0.7 * float(np.exp(-(age - 21) / 8))
        share = level * low * np.where(built, 0.6, 1.0)
        if share.max() < 0.05:
            return look
        if look.sensor == OPTICAL:
            return _over(look, WATER, share)
        pixels = np.where(built & (share > 0.05), look.pixels * (1 + (CORNERS - 1) * share), look.pixels)
        still = np.stack([STILL_WATER[b] * _speckled(shape, rng) for b in look.bands])
        open_water = np.where(built, 0.0, share)
        return replace(look, pixels=(pixels + open_water * (still - pixels)).astype(np.float32))

    return tuple(flooded(k) for k in acquisitions)


def ploughing(acquisitions: Sequence[Acquisition], days: Days, rng: np.random.Generator) -> tuple[Acquisition, ...]:
    """Eight fields ploughed one after another at a time of the year at which they never were, green again later."""
    shape = acquisitions[0].valid.shape
    fields = [(days.after(float(rng.uniform(3, 18))), _field_of(shape, rng)) for _ in range(FIELDS)]

    def ploughed(look: Acquisition) -> Acquisition:
        ages = [((look.day - begins).days, field) for begins, field in fields]
        shares = [0.9 * field * min(1.0, max(0.0, 2 - age / PLOUGH_DAYS)) for age, field in ages if age >= 0]
        share = np.max(shares, axis=0) if shares else np.zeros(shape)
        if share.max() < 0.05:
            return look
        if look.sensor == RADAR:
            return replace(look, pixels=(look.pixels * (1 + 0.6 * share)).astype(np.float32))  # clods are rough
        return _over(look, PLOUGHED, share)

    return tuple(ploughed(k) for k in acquisitions)


def ponds(acquisitions: Sequence[Acquisition], days: Days, rng: np.random.Generator) -> tuple[Acquisition, ...]:
    """Two ponds dug in the watch, and two that were there before and are filled with soil."""
    shape = acquisitions[0].valid.shape
    dug, filled = ([_round(shape, POND_PX, rng) for _ in range(2)] for _ in range(2))
    digging, filling = days.after(6), days.after(9)

    def ponded(look: Acquisition) -> Acquisition:
        for pond in (*(dug if look.day >= digging else ()), *(filled if look.day < filling else ())):
            look = _watered(look, pond, rng)
        for pond in filled if look.day >= filling and look.sensor == OPTICAL else ():
            look = _over(look, FILL, 0.9 * pond)
        return look

    return tuple(ponded(k) for k in acquisitions)


def longer_shadows(
    acquisitions: Sequence[Acquisition], days: Days, rng: np.random.Generator
) -> tuple[Acquisition, ...]:
    """Shadows of what stands tall, four pixels long in the watch where they were one in all of the history."""
    tall = _smooth(acquisitions[0].valid.shape, 1.2, rng) > 1.9

    def shaded(look: Acquisition) -> Acquisition:
        if look.sensor != OPTICAL:
            return look
        length = SHADOW_PX[look.day >= days.since]
        shadow = np.max([ndimage.shift(tall.astype(float), (-n, 0), order=0) for n in range(1, length + 1)], axis=0)
        dim = 1 - (1 - SHADE) * ndimage.gaussian_filter(np.where(tall, 0.0, shadow), 0.45)
        return replace(look, pixels=(look.pixels * dim).astype(np.float32))

    return tuple(shaded(k) for k in acquisitions)


def one_askew(acquisitions: Sequence[Acquisition], days: Days, rng: np.random.Generator) -> tuple[Acquisition, ...]:
    """One look in four of the watch lies a whole pixel beside the others, down and to the right."""
    watched = [k.scene_id for k in acquisitions if k.sensor == OPTICAL and k.day >= days.since]
    askew = set(watched[1::4])

    def moved(look: Acquisition) -> Acquisition:
        if look.scene_id not in askew:
            return look
        by = (1, 1)
        pixels, valid = np.roll(look.pixels, by, axis=(1, 2)), np.roll(look.valid, by, axis=(0, 1))
        valid[:1] = valid[:, :1] = False
        scl = None if look.scl is None else np.roll(look.scl, by, axis=(0, 1))
        return replace(look, pixels=pixels, valid=valid, scl=scl)

    return tuple(moved(k) for k in acquisitions)


def eight_bits(acquisitions: Sequence[Acquisition], days: Days, rng: np.random.Generator) -> tuple[Acquisition, ...]:
    """All that a browser's true colour leaves: optical looks alone, red, green and blue of 8 bits, white cut off."""

    def rendered(look: Acquisition) -> Acquisition:
        if look.sensor != OPTICAL:
            return look
        bands = tuple(b for b in look.bands if b in ("red", "green", "blue"))
        pixels = np.stack([look.pixels[look.bands.index(b)] for b in bands])
        levels = np.round(np.clip(pixels * GAIN_8_BIT, 0, 1) * 255) / 255 / GAIN_8_BIT
        return replace(look, bands=bands, pixels=levels.astype(np.float32))

    return tuple(rendered(k) for k in acquisitions if k.sensor == OPTICAL)


def _over(look: Acquisition, colour: dict[str, float], share: np.ndarray) -> Acquisition:
    """The look with a colour over a share of each pixel; cloud stays as it is, and so does the classification."""
    seen = share if look.scl is None else np.where(np.isin(look.scl, (3, 8, 9, 10)), 0.0, share)
    paint = np.stack([np.full(share.shape, colour[b]) for b in look.bands])
    return replace(look, pixels=(look.pixels + seen * (paint - look.pixels)).astype(np.float32))


def _watered(look: Acquisition, pond: np.ndarray, rng: np.random.Generator) -> Acquisition:
    if look.sensor == OPTICAL:
        return _over(look, WATER, 0.95 * pond)
    still = np.stack([STILL_WATER[b] * _speckled(pond.shape, rng) for b in look.bands])
    return replace(look, pixels=(look.pixels + 0.95 * pond * (still - look.pixels)).astype(np.float32))


def _sparse(acquisitions: Sequence[Acquisition], days: Days) -> Mask:
    """Where hardly anything grew in the history: roofs, streets and yards."""
    looks = [k for k in acquisitions if k.sensor == OPTICAL and k.day < days.since]
    pairs = [(k.band("nir"), k.band("red")) for k in looks]
    green = np.stack([(nir - red) / (nir + red) for nir, red in pairs if nir is not None and red is not None])
    return np.asarray(np.nanpercentile(green, 80, axis=0) < 0.3)


def _field_of(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """A rectangle of about a hectare and a half, straight to the grid, float (y, x)."""
    top, left = (int(rng.integers(0, max(1, size - FIELD_PX))) for size in shape)
    field = np.zeros(shape)
    field[top : top + FIELD_PX, left : left + int(rng.integers(6, FIELD_PX))] = 1.0
    return np.asarray(ndimage.gaussian_filter(field, 0.45))


def _round(shape: tuple[int, ...], across: int, rng: np.random.Generator) -> np.ndarray:
    at = rng.uniform((across, across), (shape[0] - across, shape[1] - across))
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    inside = (np.hypot(rows - at[0], columns - at[1]) <= across / 2).astype(float)
    return np.asarray(ndimage.gaussian_filter(inside, 0.45))


def _smooth(shape: tuple[int, ...], width_px: float, rng: np.random.Generator) -> np.ndarray:
    field = ndimage.gaussian_filter(rng.normal(size=shape), width_px, mode="wrap")
    return np.asarray((field - field.mean()) / field.std())


def _speckled(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return rng.gamma(LOOKS_OF_SPECKLE, 1 / LOOKS_OF_SPECKLE, shape)
