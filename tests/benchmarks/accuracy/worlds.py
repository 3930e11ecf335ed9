# mypy: strict-optional=False
"""The demonstration's places under other seeds: what is told, and how much of it is false."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from replay import watch
from scipy import ndimage
from scoring import Figure, counted, median, rate, share

from aois.area import Area, AreaKind
from aois.demonstration import demonstration
from aois.grid import grid_of
from detectors.acquisition import Acquisition
from detectors.events.alert_rules import deserves_alert
from detectors.ground import Ground
from detectors.records import Change, Event
from flows.imagery.detector_inputs import acquisition_of, ground_of
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.imagery.simulation.truth import TrueChange

END = date(2026, 11, 22)
WEEKS = 26
NEAR_PX = 3
EARLY_DAYS, PHASE_DAYS = -15, 60


@dataclass(frozen=True)
class Story:
    """A true change of note: as what it was told, if at all, is that right, and days to both dates of its event.

    No days are counted where the event was there before, of an earlier phase.
    """

    change: str
    told_as: str | None = None
    is_named: bool = False
    first_days: int | None = None
    confirmed_days: int | None = None


@dataclass(frozen=True)
class World:
    """One place under one seed.

    `told` are the events told as (change, is it near a true one), `confirmed` those confirmed in the same way, `phases`
    say of every later phase whether it became a step of its own of the event that holds the phase before.
    """

    area_id: str
    told: tuple[tuple[str, bool], ...]
    confirmed: tuple[tuple[str, bool], ...]
    stories: tuple[Story, ...]
    phases: tuple[bool, ...]
    km2_years: float


def world(area_id: str, *, seed: int) -> World:
    """Watch a simulated place, and set what was told against what happened."""
    acquisitions, ground, truth = place_of(area_id, seed=seed)
    since = END - timedelta(days=7 * WEEKS - 1)
    seen = watch(acquisitions, since=since, until=END, ground=ground)
    near = _widened([t.footprint for t in truth], ground.shape)
    confirmed = seen.confirmed()
    told = [e for e in confirmed if deserves_alert(e)]
    stories = [t for t in truth if not t.ordinary and t.begins >= since]
    return World(
        area_id,
        tuple((e.change.value, bool((e.footprint.frame() & near).any())) for e in told),
        tuple((e.change.value, bool((e.footprint.frame() & near).any())) for e in confirmed),
        tuple(_story(t, told, stories) for t in stories),
        _phases(stories, confirmed),
        float(ground.monitored_mask.sum()) * ground.pixel_area_m2 / 1e6 * WEEKS / 52.18,
    )


def _covers(event: Event, true: TrueChange) -> bool:
    return bool((event.footprint.frame() & true.footprint).sum() >= 0.2 * true.footprint.sum())


def _story(true: TrueChange, told: Sequence[Event], stories: Sequence[TrueChange]) -> Story:
    """An event that holds several true changes may bear the name of any of them."""
    mine = [e for e in told if _covers(e, true)]
    if not mine:
        return Story(true.change.value)
    event = max(mine, key=lambda e: int((e.footprint.frame() & true.footprint).sum()))
    is_named = event.change in {t.change for t in stories if _covers(event, t)}
    first, late = ((day - true.begins).days for day in (event.first_seen, event.confirmed_on))
    if first < EARLY_DAYS:
        return Story(true.change.value, event.change.value, is_named)
    return Story(true.change.value, event.change.value, is_named, max(first, 0), max(late, 0))


def _phases(stories: Sequence[TrueChange], events: Sequence[Event]) -> tuple[bool, ...]:
    """Of the first change of every further kind on or beside one: did the event that holds both take another step?

    It counts within `PHASE_DAYS` of the phase's beginning, and for one phase only.
    """
    out, used = [], set()
    for n, later in enumerate(stories):
        near = _widened([later.footprint], later.footprint.shape)
        before = [t for t in stories[:n] if t.begins < later.begins and (t.footprint & near).any()]
        if not before or later.change in {t.change for t in before}:
            continue
        held = [e for e in events if _covers(e, later) and any(_covers(e, t) for t in before)]
        steps = [(e.key, s) for e in held for s in e.steps[1:] if EARLY_DAYS <= (s - later.begins).days <= PHASE_DAYS]
        own = next((step for step in steps if step not in used), None)
        used.add(own)
        out.append(own is not None)
    return tuple(out)


def place_of(area_id: str, *, seed: int) -> tuple[tuple[Acquisition, ...], Ground, tuple[TrueChange, ...]]:
    """Two years and a half year of looks at a place of the demonstration, what is told of it, and what happened."""
    return acquisitions_at(next(area for area in demonstration() if area.id == area_id), seed=seed)


def acquisitions_at(area: Area, *, seed: int) -> tuple[tuple[Acquisition, ...], Ground, tuple[TrueChange, ...]]:
    """The same of any area."""
    grid = grid_of(area)
    source = SimulatedSource(END, seed)
    refs = source.search(area, grid, since=END - timedelta(days=7 * WEEKS - 1 + 730), until=END)
    acquisitions = tuple(acquisition_of(source.fetch(area, grid, ref), grid) for ref in refs)
    ground = ground_of(area, grid, sites=tuple(a for a in demonstration() if a.kind is AreaKind.SITE))
    return acquisitions, ground, source.truth_changes(area, grid)


def _widened(masks: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    if not masks:
        return np.zeros(shape, bool)
    return np.asarray(ndimage.binary_dilation(np.any(masks, axis=0), iterations=NEAR_PX))


def figures(worlds: list[World]) -> list[Figure]:
    """The lines of the table for simulated places."""
    name, exposure = "simulated places", sum(w.km2_years for w in worlds)
    away = [not near for w in worlds for _, near in w.told]
    why = counted(f"{change} at {w.area_id}" for w in worlds for change, near in w.told if not near)
    out = [share(f"{name}: alerts away from every true change", away, "≤ 0.10", why=why)]
    true = [near for w in worlds for _, near in w.confirmed]
    out.append(share(f"{name}: confirmed events that lie on a true change (precision)", true))
    why = counted(f"{change} at {w.area_id}" for w in worlds for change, near in w.confirmed if not near)
    what, why = f"{name}: false confirmed events a km² and year", f"{why}, over {exposure:.0f} km² and years"
    out.append(rate(what, true.count(False), exposure, "≤ 0.05", why=why))
    stories = [s for w in worlds for s in w.stories]
    for change in Change:
        some = [s for s in stories if s.change == change.value]
        told = [s for s in some if s.told_as]
        out.append(share(f"{name}: {change.value} told (recall)", [s.told_as is not None for s in some]))
        why = f"told as {counted(s.told_as for s in told if not s.is_named)}"
        named = [s.is_named for s in told]
        out.append(share(f"{name}: {change.value} told as what it is", named, "≥ 0.90", why=why))
    first = [s.first_days for s in stories if s.first_days is not None]
    confirmed = [s.confirmed_days for s in stories if s.confirmed_days is not None]
    claimed = median(f"{name}: days to the first look that an event claims", first)
    why = f"the first look that an event claims comes after {claimed.value:.0f} days"
    out += [claimed, median(f"{name}: days to confirmation", confirmed, "≤ 40", why=why)]
    phases = [p for w in worlds for p in w.phases]
    return [*out, share(f"{name}: next phase within weeks, found as a step of its own", phases)]
