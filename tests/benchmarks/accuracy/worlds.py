"""The demonstration's places under other seeds: what is told, and how much of it is false."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from replay import watch
from scipy import ndimage
from scoring import Figure, rate, share

from aois.area import Area, Kind
from aois.demonstration import demonstration
from aois.grid import grid_of
from detectors.alerting import deserves_alert
from detectors.ground import Ground
from detectors.look import Look
from detectors.records import Change
from flows.imagery.simulated import SimulatedSource
from flows.imagery.simulation.truth import TrueChange
from flows.looks import ground_of, look_of

END = date(2026, 11, 22)
WEEKS = 26
NEAR_PX = 3


@dataclass(frozen=True)
class World:
    """One place under one seed: told events as (change, is it near a true one), stories as (change, is it told)."""

    told: tuple[tuple[str, bool], ...]
    stories: tuple[tuple[str, bool], ...]
    false_confirmed: int
    km2_years: float


def world(area_id: str, *, seed: int) -> World:
    """Watch a simulated place, and set what was told against what happened."""
    looks, ground, truth = place_of(area_id, seed=seed)
    since = END - timedelta(days=7 * WEEKS - 1)
    seen = watch(looks, since=since, until=END, ground=ground)
    near = _widened([t.footprint for t in truth], ground.shape)
    told = [e for e in seen.confirmed() if deserves_alert(e)]
    stories = [t for t in truth if not t.ordinary and t.begins >= since]
    return World(
        tuple((e.change.value, bool((e.footprint & near).any())) for e in told),
        tuple(
            (t.change.value, any((e.footprint & t.footprint).sum() >= 0.2 * t.footprint.sum() for e in told))
            for t in stories
        ),
        sum(not (e.footprint & near).any() for e in seen.confirmed()),
        float(ground.watched.sum()) * ground.pixel_area_m2 / 1e6 * WEEKS / 52.18,
    )


def place_of(area_id: str, *, seed: int) -> tuple[tuple[Look, ...], Ground, tuple[TrueChange, ...]]:
    """Two years and a half year of looks at a place of the demonstration, what is told of it, and what happened."""
    return looks_at(next(area for area in demonstration() if area.id == area_id), seed=seed)


def looks_at(area: Area, *, seed: int) -> tuple[tuple[Look, ...], Ground, tuple[TrueChange, ...]]:
    """The same of any area."""
    grid = grid_of(area)
    source = SimulatedSource(END, seed)
    refs = source.search(area, grid, since=END - timedelta(days=7 * WEEKS - 1 + 730), until=END)
    looks = tuple(look_of(source.fetch(area, grid, ref), grid) for ref in refs)
    ground = ground_of(area, grid, sites=tuple(a for a in demonstration() if a.kind is Kind.SITE))
    return looks, ground, source.truth_changes(area, grid)


def _widened(masks: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    if not masks:
        return np.zeros(shape, bool)
    return np.asarray(ndimage.binary_dilation(np.any(masks, axis=0), iterations=NEAR_PX))


def figures(worlds: list[World]) -> list[Figure]:
    """The lines of the table for simulated places."""
    told = [t for w in worlds for t in w.told]
    out = [share("simulated places: alerts away from every true change", [not near for _, near in told], "≤ 0.10")]
    exposure = sum(w.km2_years for w in worlds)
    false = sum(w.false_confirmed for w in worlds)
    out.append(rate("simulated places: false confirmed events a km² and year", false, exposure, "≤ 0.05"))
    for change in Change:
        hits = [hit for w in worlds for kind, hit in w.stories if kind == change.value]
        out.append(share(f"simulated places: {change.value} told", hits))
    return out
