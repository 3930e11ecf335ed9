# mypy: strict-optional=False
"""Every kind of ground and sky by itself: what is told falsely there, and what true construction is found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from buildings import ROOFS, free_place
from nuisances import (
    CLOUD_WEEKS,
    Days,
    Nuisance,
    burning,
    desert,
    flood,
    four_months_of_cloud,
    haze,
    new_roofs,
    nothing,
    slips,
)
from replay import watch
from scipy import ndimage
from scoring import Figure, counted, rate, share
from troubles import (
    dust,
    eight_bits,
    longer_shadows,
    one_askew,
    ploughing,
    ponds,
    smoke,
    snow_melt,
    town_flood,
)
from worlds import END, WEEKS, acquisitions_at

from aois.area import Area
from aois.demonstration import demonstration
from detectors.acquisition import OPTICAL, Acquisition, Mask
from detectors.ground import Ground
from detectors.records import Change
from detectors.sensitivity.injection import Injected, block, injected
from flows.imagery.simulation.land.land_mix import DRY, PADDIES, RURAL, TOWN, WOODED, Terrain
from flows.imagery.simulation.scenario.presets import AreaPreset, Story, recipe_of

SIZES = (6, 8, 12, 16, 25, 36)
MIXING = 0.8
NEAR_PX = 4

MONSOON = "not one clear look for four months"

# What is measured: its name, the ground it lies on, and the nuisance put into it.
SCENARIOS: tuple[tuple[str, Terrain, Nuisance], ...] = (
    ("wooded ground", WOODED, nothing),
    ("dry ground", DRY, nothing),
    ("desert", DRY, desert),
    ("crops of paddies and their floods", PADDIES, nothing),
    ("town", TOWN, nothing),
    ("new roofs on a town's old buildings", TOWN, new_roofs),
    (MONSOON, RURAL, four_months_of_cloud),
    ("slips of up to a pixel more", TOWN, slips),
    ("haze that the mask misses", RURAL, haze),
    ("flood over a fifth of the ground", RURAL, flood),
    ("burnt fields and scrub", DRY, burning),
    ("snow that thaws", WOODED, snow_melt),
    ("dust storms", DRY, dust),
    ("plumes of smoke", WOODED, smoke),
    ("flood in a town", TOWN, town_flood),
    ("fields ploughed", RURAL, ploughing),
    ("ponds dug and filled", PADDIES, ponds),
    ("shadows of another season", TOWN, longer_shadows),
    ("looks a pixel askew", TOWN, one_askew),
    ("true colour of 8 bits", RURAL, eight_bits),
)


@dataclass(frozen=True)
class Outcome:
    """What came of one scenario under one seed: of each building whether it was found and as what, and false events.

    `missed` describe the buildings not found, `false_as` the false events. `unseen` says of those begun within
    `CLOUD_WEEKS` whether they were confirmed within them.
    """

    scenario: str
    found: tuple[bool, ...]
    changes: tuple[str, ...]
    false: int
    km2_years: float
    missed: tuple[str, ...] = ()
    false_as: tuple[str, ...] = ()
    unseen: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Scene:
    """One scenario under one seed: the looks with its nuisance and with buildings, and the ground near these."""

    acquisitions: tuple[Acquisition, ...]
    ground: Ground
    days: Days
    built: tuple[Injected, ...]
    near: Mask


def scene(number: int, *, seed: int) -> Scene:
    """One of `SCENARIOS` under one seed."""
    _, terrain, nuisance = SCENARIOS[number]
    acquisitions, ground = _quiet_ground(terrain, seed)
    days = Days(END - timedelta(days=7 * WEEKS - 1), END)
    rng = np.random.default_rng((seed, number))
    barred = _barred(acquisitions, ground, days)
    troubled = nuisance(acquisitions, days, rng)
    built = _buildings(barred, days, rng, seed=seed * 100)
    near = np.any([b.share > 0.02 for b in built], axis=0) if built else np.zeros(ground.shape, bool)
    near = np.asarray(ndimage.binary_dilation(near, iterations=NEAR_PX))
    return Scene(injected(troubled, built), ground, days, tuple(built), near)


def outcome(number: int, *, seed: int) -> Outcome:
    """What came of one of `SCENARIOS` under one seed."""
    seen_as = scene(number, seed=seed)
    ground, days, near, built = seen_as.ground, seen_as.days, seen_as.near, seen_as.built
    seen = watch(seen_as.acquisitions, since=days.since, until=days.until, ground=ground)
    confirmed = [e for e in seen.confirmed() if (e.footprint.frame() & ground.monitored_mask).any()]
    mine = [[e for e in confirmed if (e.footprint.frame() & (b.share > 0.25)).any()] for b in built]
    false = [e.change.value for e in confirmed if not (e.footprint.frame() & near).any()]
    hidden, clear = (days.after(weeks) for weeks in CLOUD_WEEKS)
    return Outcome(
        SCENARIOS[number][0],
        tuple(bool(events) for events in mine),
        tuple(min(events, key=lambda e: e.confirmed_on).change.value for events in mine if events),
        len(false),
        float((ground.monitored_mask & ~near).sum()) * ground.pixel_area_m2 / 1e6 * WEEKS / 52.18,
        tuple(b.material for b, events in zip(built, mine, strict=True) if not events),
        tuple(false),
        tuple(any(e.confirmed_on <= clear for e in es) for b, es in zip(built, mine, strict=True) if b.since >= hidden),
    )


def _quiet_ground(terrain: Terrain, seed: int) -> tuple[tuple[Acquisition, ...], Ground]:
    """Looks at a simulated site on such terrain, where nothing happens, and what is told of it."""
    acquisitions, ground, _ = acquisitions_at(_area(AreaPreset(terrain, Story.QUIET), seed), seed=seed)
    return acquisitions, ground


def _area(recipe: AreaPreset, seed: int) -> Area:
    """A site whose id draws a recipe: the simulator gives every id its own."""
    places = {area.id: area for area in demonstration()}
    template = places["demo-quiet-paddy"]
    fixed = [places[name] for name in ("demo-quiet-town", "demo-quiet-paddy")]
    drawn = [replace(template, id=f"variety-{n}") for n in range(200)]
    return next(area for area in (*fixed, *drawn) if recipe_of(area, seed) == recipe)


def _barred(acquisitions: tuple[Acquisition, ...], ground: Ground, days: Days) -> Mask:
    """Where no new building is put: off the watch, inside the perimeter, and on what is built over or water."""
    optical = [k for k in acquisitions if k.sensor == OPTICAL and k.day < days.since]
    green = np.stack([(k.band("nir") - k.band("red")) / (k.band("nir") + k.band("red")) for k in optical])
    return np.asarray((np.percentile(green, 80, axis=0) < 0.3) | ~ground.monitored_mask | ground.perimeter)


def _buildings(barred: Mask, days: Days, rng: np.random.Generator, *, seed: int) -> list[Injected]:
    taken = np.zeros(barred.shape, bool)
    built = []
    for n, pixels in enumerate(rng.permutation(SIZES)):
        at = free_place(barred, taken, int(pixels), rng)
        if at is not None:
            image = block(barred.shape, at, int(pixels), mixing=MIXING, rng=rng)
            roof = ROOFS[int(rng.integers(len(ROOFS)))]
            built.append(Injected("building", roof, image, days.after(float(rng.uniform(1, 8))), seed + n))
    return built


def figures(outcomes: list[Outcome]) -> list[Figure]:
    """Three lines a scenario: recall, right class, false events; one more where radar alone sees the ground."""
    out = []
    for name, _, _ in SCENARIOS:
        some = [o for o in outcomes if o.scenario == name]
        found = [hit for o in some for hit in o.found]
        told = [change == Change.CONSTRUCTION.value for o in some for change in o.changes]
        exposure = sum(o.km2_years for o in some)
        why = f"missed: {counted(material for o in some for material in o.missed)}"
        out.append(share(f"{name}: buildings of {SIZES[0]} to {SIZES[-1]} px found", found, "≥ 0.90", why=why))
        why = f"told as {counted(c for o in some for c in o.changes if c != Change.CONSTRUCTION.value)}"
        out.append(share(f"{name}: told as construction", told, "≥ 0.90", why=why))
        if name == MONSOON:
            unseen = [hit for o in some for hit in o.unseen]
            out.append(share(f"{name}: begun and confirmed within them, by radar alone", unseen, "> 0.00"))
        if exposure:
            false = sum(o.false for o in some)
            why = f"{counted(c for o in some for c in o.false_as)}, over {exposure:.1f} km² and years"
            out.append(rate(f"{name}: false confirmed events a km² and year", false, exposure, "≤ 0.05", why=why))
    return out
