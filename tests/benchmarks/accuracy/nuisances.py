# mypy: disable-error-code="no-any-return,no-untyped-def"
# mypy: strict-optional=False
"""What makes ground and sky difficult, put into looks: haze, flood, fire, slips of the image, new roofs, bare desert.

Each takes looks, the days of the watch and a random stream, and gives looks again; nothing it was given is changed. A
nuisance is never a change to be told of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from scipy import ndimage

from detectors.acquisition import OPTICAL, Acquisition, Mask
from detectors.sensitivity.injection import Injected, block, injected

BANDS = ("blue", "green", "red", "nir", "nir08", "swir16", "swir22")
# Colours by band, reflectance: a veil as a share of what it adds in blue (aerosol falls with wavelength), flood water,
# char, and sand (typical values of spectral libraries).
VEIL = dict(zip(BANDS, (1.0, 0.82, 0.66, 0.36, 0.34, 0.12, 0.07), strict=True))
WATER = dict(zip(BANDS, (0.07, 0.09, 0.085, 0.05, 0.045, 0.02, 0.015), strict=True))
CHAR = dict(zip(BANDS, (0.035, 0.04, 0.045, 0.065, 0.075, 0.12, 0.11), strict=True))
SAND = dict(zip(BANDS, (0.16, 0.23, 0.31, 0.37, 0.38, 0.45, 0.42), strict=True))
CLOUD = dict(zip(BANDS, (0.64, 0.62, 0.62, 0.66, 0.66, 0.46, 0.36), strict=True))
CLOUD_CLASS, CLOUD_WEEKS = 9, (3, 20)
STILL_WATER = {"vv": 0.0126, "vh": 0.002}  # −19 and −27 dB
LOOKS_OF_SPECKLE = 4.4


@dataclass(frozen=True)
class Days:
    """The first and the last day of the watch."""

    since: date
    until: date

    def after(self, weeks: float) -> date:
        """So many weeks into the watch."""
        return self.since + timedelta(days=round(7 * weeks))


Nuisance = Callable[[Sequence[Acquisition], Days, np.random.Generator], tuple[Acquisition, ...]]


def desert(acquisitions: Sequence[Acquisition], days: Days, rng: np.random.Generator) -> tuple[Acquisition, ...]:
    """Sand over nine tenths of every pixel, with ripples of its own: the ground keeps a tenth of its colour."""
    shape = acquisitions[0].valid.shape
    ripples = 1.0 + 0.03 * _field(shape, 1.0, rng) + 0.06 * _field(shape, 8.0, rng)
    return _optical(acquisitions, lambda k: _painted(k, SAND, np.full(shape, 0.9), ripples, keep=k.scl))


def haze(acquisitions: Sequence[Acquisition], days: Days, rng: np.random.Generator) -> tuple[Acquisition, ...]:
    """A veil of up to 0.1 in blue over two looks in five, which the classification takes for clear ground."""
    shape = acquisitions[0].valid.shape

    def veiled(acquisition: Acquisition) -> Acquisition:
        if rng.random() > 0.4:
            return acquisition
        veil = np.clip(0.5 + 0.5 * _field(shape, 12.0, rng), 0.0, 1.5) * rng.uniform(0.02, 0.1)
        return _shone_on(acquisition, veil)

    return _optical(acquisitions, veiled)


def slips(acquisitions: Sequence[Acquisition], days: Days, rng: np.random.Generator) -> tuple[Acquisition, ...]:
    """Every optical look shifted by up to one pixel more."""
    return _optical(acquisitions, lambda acquisition: shifted(acquisition, rng))


def shifted(acquisition: Acquisition, rng: np.random.Generator) -> Acquisition:
    """The look shifted by 0.3 to 1 px, whichever way."""
    length, angle = rng.uniform(0.3, 1.0), rng.uniform(0, 2 * np.pi)
    return _shifted(acquisition, (length * np.sin(angle), length * np.cos(angle)))


def _shifted(acquisition: Acquisition, by: tuple[float, float]) -> Acquisition:
    known = [np.where(np.isfinite(b), b, np.nanmedian(b) if np.isfinite(b).any() else 0.0) for b in acquisition.pixels]
    return replace(acquisition, pixels=np.stack([ndimage.shift(b, by, order=3, mode="nearest") for b in known]))


def drifted(acquisitions: Sequence[Acquisition], days: Days, rng: np.random.Generator) -> tuple[Acquisition, ...]:
    """Every optical look of the watch shifted by the same pixel: the product has another geometry than its history."""
    angle = rng.uniform(0, 2 * np.pi)
    by = (np.sin(angle), np.cos(angle))
    return _optical(
        acquisitions, lambda acquisition: _shifted(acquisition, by) if acquisition.day >= days.since else acquisition
    )


def four_months_of_cloud(
    acquisitions: Sequence[Acquisition], days: Days, rng: np.random.Generator
) -> tuple[Acquisition, ...]:
    """Not one clear optical look within `CLOUD_WEEKS` of the watch."""
    everywhere = np.ones(acquisitions[0].valid.shape)
    cloudy = np.full(acquisitions[0].valid.shape, CLOUD_CLASS, np.uint8)
    hidden = tuple(days.after(weeks) for weeks in CLOUD_WEEKS)
    return _optical(
        acquisitions, lambda k: _painted(k, CLOUD, everywhere, keep=cloudy) if hidden[0] <= k.day <= hidden[1] else k
    )


def flood(acquisitions: Sequence[Acquisition], days: Days, rng: np.random.Generator) -> tuple[Acquisition, ...]:
    """A fifth of the ground under water for four weeks, and wet for a month after; seen by both instruments."""
    shape = acquisitions[0].valid.shape
    low = _lowest(shape, 0.2, rng)
    begins = days.after(8)

    def flooded(acquisition: Acquisition) -> Acquisition:
        age = (acquisition.day - begins).days
        share = low * (0.0 if age < 0 else 0.95 if age <= 28 else 0.4 * float(np.exp(-(age - 28) / 15)))
        if not share.any() or share.max() < 0.02:
            return acquisition
        if acquisition.sensor == OPTICAL:
            return _painted(acquisition, WATER, share, keep=_classed(acquisition, share > 0.5, 6))
        still = np.stack([STILL_WATER[b] * _speckle(shape, rng) for b in acquisition.bands])
        return replace(
            acquisition, pixels=(acquisition.pixels + share * (still - acquisition.pixels)).astype(np.float32)
        )

    return tuple(flooded(k) for k in acquisitions)


def burning(acquisitions: Sequence[Acquisition], days: Days, rng: np.random.Generator) -> tuple[Acquisition, ...]:
    """Three patches burnt one after another, black at first and grown over within three months."""
    shape = acquisitions[0].valid.shape
    fires = [(days.after(w), _lowest(shape, 0.05, rng)) for w in (4, 9, 14)]

    def burnt(acquisition: Acquisition) -> Acquisition:
        ages = [(acquisition.day - begins).days for begins, _ in fires]
        shares = [patch * 0.85 * float(np.exp(-a / 35)) for a, (_, patch) in zip(ages, fires, strict=True) if a >= 0]
        share = np.max(shares, axis=0) if shares else np.zeros(shape)
        return (
            _painted(acquisition, CHAR, share, keep=acquisition.scl) if share.max(initial=0.0) > 0.03 else acquisition
        )

    return _optical(acquisitions, burnt)


def new_roofs(acquisitions: Sequence[Acquisition], days: Days, rng: np.random.Generator) -> tuple[Acquisition, ...]:
    """Eight old buildings that get another roof, where the ground has been bare and bright all along."""
    optical = [k for k in acquisitions if k.sensor == OPTICAL and k.day < days.since]
    old = np.argwhere(_built_over(optical))
    changes = []
    for n in range(8 if len(old) else 0):
        row, column = old[int(rng.integers(len(old)))]
        material = ("metal", "blue sheet", "dark tile")[n % 3]
        share = block(
            acquisitions[0].valid.shape, (row + 0.5, column + 0.5), int(rng.integers(4, 20)), mixing=0.9, rng=rng
        )
        changes.append(Injected("roof", material, share, days.after(float(rng.uniform(3, 12))), 7000 + n))
    optics = iter(injected([k for k in acquisitions if k.sensor == OPTICAL], changes))
    return tuple(next(optics) if k.sensor == OPTICAL else k for k in acquisitions)


def nothing(acquisitions: Sequence[Acquisition], days: Days, rng: np.random.Generator) -> tuple[Acquisition, ...]:
    """The looks as they are."""
    return tuple(acquisitions)


def _built_over(acquisitions: Sequence[Acquisition]) -> Mask:
    """Where nothing has grown all year long, and it is not water."""
    green = np.stack([(k.band("nir") - k.band("red")) / (k.band("nir") + k.band("red")) for k in acquisitions])
    highest = np.percentile(green, 80, axis=0)
    return np.asarray((highest < 0.25) & (highest > 0.02))


def _optical(
    acquisitions: Sequence[Acquisition], change: Callable[[Acquisition], Acquisition]
) -> tuple[Acquisition, ...]:
    return tuple(change(k) if k.sensor == OPTICAL else k for k in acquisitions)


def _painted(
    acquisition: Acquisition, colour: dict[str, float], share: np.ndarray, texture: np.ndarray | float = 1.0, *, keep
) -> Acquisition:
    """The look with a colour over a share of each pixel; `keep` is the classification that it then bears."""
    paint = np.stack([colour[b] * texture * np.ones_like(share) for b in acquisition.bands])
    return replace(
        acquisition, pixels=(acquisition.pixels + share * (paint - acquisition.pixels)).astype(np.float32), scl=keep
    )


def _shone_on(acquisition: Acquisition, veil: np.ndarray) -> Acquisition:
    """The look with light added in the colour of haze."""
    return replace(
        acquisition,
        pixels=(acquisition.pixels + np.stack([VEIL[b] * veil for b in acquisition.bands])).astype(np.float32),
    )


def _classed(acquisition: Acquisition, where: Mask, number: int) -> np.ndarray | None:
    return None if acquisition.scl is None else np.where(where, number, acquisition.scl).astype(np.uint8)


def _field(shape: tuple[int, ...], width_px: float, rng: np.random.Generator) -> np.ndarray:
    """A smooth random field of mean 0 and deviation 1."""
    field = ndimage.gaussian_filter(rng.normal(size=shape), width_px, mode="wrap")
    return np.asarray((field - field.mean()) / field.std())


def _lowest(shape: tuple[int, ...], share: float, rng: np.random.Generator) -> np.ndarray:
    """1 where a random relief is lowest, over a share of the ground, with an edge of a pixel; float (y, x)."""
    relief = _field(shape, 7.0, rng)
    return ndimage.gaussian_filter((relief < np.quantile(relief, share)).astype(float), 0.6)


def _speckle(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return rng.gamma(LOOKS_OF_SPECKLE, 1 / LOOKS_OF_SPECKLE, shape)
