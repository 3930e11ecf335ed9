"""A walled compound going up on desert, seen in red, green and blue alone, after a history of one scene.

The ground is bare and of one colour, rough at many scales, with dark outcrops and pale tracks; what is built has its
mean colour: half of the roofs are bright and half dark, the yard is the ground itself, levelled, the wall covers a
third of a pixel. Looks differ in light, in noise, by blown sand and by up to 0.3 px. No archive has arid ground, so
this is made up, and the figures hold for nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from replay import watch
from scipy import ndimage
from scoring import Figure, rate, share

from detectors.acquisition import OPTICAL, Acquisition, Floats, Mask
from detectors.events.alert_rules import deserves_alert
from detectors.records import State
from detectors.sensitivity.injection import block, wall
from flows.imagery.simulation.noise import fractal_noise

SIDE_PX, BANDS = 150, ("blue", "green", "red")
GROUND = np.array([0.17, 0.24, 0.31], np.float32)  # sand (chosen on USGS spectral library means)
BRIGHT, DARK = np.array([0.28, 0.30, 0.32], np.float32), np.array([0.07, 0.08, 0.10], np.float32)
ROUGHNESS, NOISE, LIGHT, SAND, SHIFT_PX = 0.07, 0.012, 0.08, 0.015, 0.15
WALL_PX, WALL_SHARE, ROOF_PX, ROOFS = 56, 0.35, 7, 6
MONDAY, ACQUISITIONS = date(2025, 3, 3), (1, 4)


@dataclass(frozen=True)
class Desert:
    """One seed after so many later looks: was the compound found, was it told, as what, and what else was held."""

    acquisitions: int
    found: bool
    told: bool
    covered: float
    false_events: int
    km2: float


def trial(*, seed: int) -> list[Desert]:
    """One compound on one desert, after one later look and after four."""
    first, later, compound = scene(seed=seed)
    out = []
    for count in ACQUISITIONS:
        until = later[count - 1].day
        until += timedelta(days=6 - until.weekday())
        seen = watch([first, *later[:count]], since=MONDAY, until=until)
        held = [e for e in seen.events if e.state is not State.RETRACTED and e.merged_into is None]
        near = ndimage.binary_dilation(compound, iterations=3)
        mine = [e for e in held if (e.footprint.frame() & compound).any()]
        covered = np.any([e.footprint.frame() for e in mine], axis=0)[compound].mean() if mine else 0.0
        out.append(
            Desert(
                count,
                bool(covered >= 0.25),
                any(deserves_alert(e) for e in mine),
                float(covered),
                sum(not (e.footprint.frame() & near).any() for e in held),
                float((~near).sum()) * 1e-4,
            )
        )
    return out


def scene(*, seed: int) -> tuple[Acquisition, list[Acquisition], Mask]:
    """The look before, those with the compound, and where its roofs and wall stand."""
    rng = np.random.default_rng(3000 + seed)
    before = _ground(rng)
    after, compound = _built(before, rng)
    first = _acquisition(before, MONDAY - timedelta(days=20), rng)
    return first, [_acquisition(after, MONDAY + timedelta(days=5 * n), rng) for n in range(max(ACQUISITIONS))], compound


def _ground(rng: np.random.Generator) -> Floats:
    """Reflectance (band, y, x) of bare ground: rough at scales of 1 to 20 px, with outcrops and tracks."""
    shape = (SIDE_PX, SIDE_PX)
    rough = 1 + ROUGHNESS * fractal_noise(rng, shape, (20.0, 6.0, 2.0, 1.0), roughness=0.8)
    outcrop = ndimage.gaussian_filter((fractal_noise(rng, shape, (14.0, 4.0)) > 2.0).astype(float), 0.6)
    track = np.zeros(shape)
    for _ in range(2):
        at = (float(rng.uniform(20, SIDE_PX - 20)), float(rng.uniform(20, SIDE_PX - 20)))
        track += wall(shape, at, 120, "straight", fraction=0.5, angle=float(rng.uniform(0, np.pi)))
    scale = rough * (1 - 0.45 * outcrop) * (1 + 0.12 * np.minimum(track, 1))
    return np.asarray(GROUND[:, None, None] * scale, np.float32)


def _built(before: Floats, rng: np.random.Generator) -> tuple[Floats, Mask]:
    """The ground with a compound on it, and where roofs and wall stand."""
    shape = (SIDE_PX, SIDE_PX)
    row, column = (float(rng.uniform(30, SIDE_PX - 30)) for _ in range(2))
    angle = float(rng.uniform(0, np.pi))
    ring = wall(shape, (row, column), WALL_PX, "ring", fraction=WALL_SHARE, angle=angle)
    yard = ndimage.binary_fill_holes(ring > 0.1)
    level = before[:, yard].mean(axis=1)
    image = np.where(yard, 0.5 * before + 0.5 * level[:, None, None], before)
    image = image + ring * (BRIGHT[:, None, None] - image)
    roofs = np.zeros(shape, np.float32)
    for n, (dy, dx) in enumerate([(-3.5, -4), (-3.5, 0), (-3.5, 4), (3.5, -4), (3.5, 0), (3.5, 4)][:ROOFS]):
        y, x = dy * np.cos(angle) + dx * np.sin(angle), dx * np.cos(angle) - dy * np.sin(angle)
        share_ = block(shape, (row + y, column + x), ROOF_PX, mixing=0.85, rng=rng)
        image = image + share_ * ((BRIGHT if n % 2 else DARK)[:, None, None] - image)
        roofs = np.maximum(roofs, share_)
    return np.asarray(image, np.float32), np.asarray((roofs >= 0.4) | (ring >= 0.5 * WALL_SHARE))


def _acquisition(ground: Floats, day: date, rng: np.random.Generator) -> Acquisition:
    """One look at the ground on a day."""
    sand = 1 + SAND * fractal_noise(rng, ground.shape[1:], (12.0, 4.0))
    light = float(rng.normal(1.0, LIGHT))
    dy, dx = rng.normal(0, SHIFT_PX, 2)
    seen = np.stack([ndimage.shift(band * sand, (dy, dx), order=1, mode="nearest") for band in ground])
    pixels = (seen * light * rng.normal(1.0, NOISE, seen.shape)).astype(np.float32)
    return Acquisition(f"{OPTICAL}_{day:%Y%m%d}", OPTICAL, day, BANDS, pixels, np.ones(ground.shape[1:], bool))


def figures(results: Sequence[Desert]) -> list[Figure]:
    """The lines of the table for the desert."""
    out = []
    for count in ACQUISITIONS:
        some = [r for r in results if r.acquisitions == count]
        name = f"desert, red-green-blue, one scene of history, {count} later look{'s' if count > 1 else ''}"
        held = ", ".join(f"{r.covered:.0%}" for r in some if not r.found)
        why = f"events hold {held} of the roofs and wall of those missed; 25 % are asked for"
        out.append(share(f"{name}: walled compound found", [r.found for r in some], "1.00", why=why))
        out.append(share(f"{name}: told", [r.told for r in some]))
        out.append(
            rate(f"{name}: other events held a km²", sum(r.false_events for r in some), sum(r.km2 for r in some))
        )
    return out
