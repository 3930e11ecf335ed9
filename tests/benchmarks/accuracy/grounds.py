"""Real grounds as development ground: each watched whole, over all its dates, as the flow works through it.

A ground has truth drawn by eye, in the file beside its archive or in `truth/`. Where that truth is not exhaustive, what
is false is counted in its quiet polygons alone; elsewhere, on all ground that is no change. An event is *on record*
when it was not taken back, and *alerted* from the first week in which it deserves an alert. A change counts as told
when events cover `COVERED` of it that was not covered before it began.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from ground_truth import COVERED, GroundTruth, TrueChange, truth_of
from replay import watch
from series import area_over, grid_over, real_series

from detectors.acquisition import Acquisition
from detectors.events.alert_rules import deserves_alert
from detectors.monitor.event_records import events_of
from detectors.monitor.state import AreaState, MonitorParameters
from detectors.monitor.weeks import HISTORY_DAYS
from detectors.records import Event, State
from flows.imagery.detector_inputs import ground_of

PAIR_MARGIN_DAYS = 30


@dataclass(frozen=True)
class RealGround:
    """One archive: the span that is watched, None for a pair of which the second look is the whole watch.

    `is_exhaustive` is False where more changed than was drawn. `is_dated` is False where the days of the looks are
    nominal or years apart, so that days to an alert say nothing.
    """

    name: str
    span: tuple[date, date] | None = None
    is_exhaustive: bool = True
    is_dated: bool = True


QUIET_SPAN = (date(2022, 10, 31), date(2025, 1, 5))
GROUNDS = {
    ground.name: ground
    for ground in (
        RealGround("newcapital-egypt", is_exhaustive=False, is_dated=False),
        RealGround("slovenia-medvode", is_dated=False),
        RealGround("suburb-raleigh-northhills", is_dated=False),
        RealGround("suburb-houston-spring", is_dated=False),
        RealGround("suburb-apex-haddonhall", is_dated=False),
        RealGround("korba-s1s2", (date(2023, 1, 16), date(2023, 3, 5)), is_exhaustive=False),
        RealGround("mine-1", (date(2020, 1, 6), date(2024, 12, 29))),
        RealGround("romania", (date(2018, 1, 1), date(2021, 1, 31))),
        RealGround("s1-t137-292319-iw2", QUIET_SPAN),
        RealGround("s1-t137-292321-iw2", QUIET_SPAN),
        RealGround("s1-t137-292323-iw2", QUIET_SPAN),
    )
}


@dataclass(frozen=True)
class Fate:
    """What became of one true change.

    `recorded` and `alerted` are the shares of it that events on record, and alerted ones, cover at the end. `told_as`
    is the class of the event with most of it. Days count from the first look that shows the change.
    """

    name: str
    kind: str
    accepted: tuple[str, ...]
    pixels: int
    recorded: float
    alerted: float
    told_as: str | None
    confidence: float
    alert_days: int | None

    @property
    def is_right(self) -> bool | None:
        """Tell whether it bears a name that fits it; None where it has none, or every name fits."""
        return None if self.told_as is None or not self.accepted else self.told_as in self.accepted


@dataclass(frozen=True)
class EventFate:
    """One event: what it was told as, how much of it lies on drawn change, and whether it is false.

    `is_true` is None where nobody drew what happened there, or the eye was not sure. `is_right` adds that its class
    fits the change it lies on.
    `told_confidence` is what it stated when it was first alerted.
    """

    key: str
    change: str
    pixels: int
    on_truth: int
    on_quiet: int
    is_true: bool | None
    is_right: bool | None
    confidence: float
    state: str
    is_held: bool
    is_alerted: bool
    is_confirmed: bool
    told_confidence: float | None


@dataclass(frozen=True)
class GroundOutcome:
    """One ground, watched: its changes, its events, and how much ground and time false ones are counted over."""

    ground: str
    changes: tuple[Fate, ...]
    events: tuple[EventFate, ...]
    watched_px: int
    told_px: int
    quiet_km2: float
    years: float
    used: int

    def false(self, what: str) -> list[EventFate]:
        """List the false events that are `held`, `alerted` or `confirmed`."""
        return [e for e in self.events if e.is_true is False and getattr(e, f"is_{what}")]


@dataclass
class Diary:
    """Notes of every week: which event was first alerted when, and when each change was first covered by alerts."""

    truth: GroundTruth
    alerted_on: dict[str, date] = field(default_factory=dict)
    alerted_at: dict[str, float] = field(default_factory=dict)
    before: dict[str, np.ndarray] = field(default_factory=dict)
    first_day: dict[str, date] = field(default_factory=dict)

    def note(self, day: date, state: AreaState) -> None:
        events = events_of(state, today=day.toordinal())
        for event in (e for e in events if deserves_alert(e)):
            self.alerted_on.setdefault(event.key, day)
            self.alerted_at.setdefault(event.key, event.confidence)
        alerted = union([e for e in events if e.key in self.alerted_on and _is_held(e)], state.ground.shape)
        for change in self.truth.changes:
            mine = alerted[change.mask]
            if day <= change.not_before:
                self.before[change.name] = mine
            elif change.name not in self.first_day:
                new = mine & ~self.before.get(change.name, np.zeros_like(mine))
                if new.mean() >= COVERED:
                    self.first_day[change.name] = day


def run_ground(name: str, *, parameters: MonitorParameters | None = None) -> tuple[GroundOutcome, tuple[Event, ...]]:
    """Watch a ground over all its dates and set what was told against its truth."""
    ground = GROUNDS[name]
    acquisitions = real_series(name)
    grid = grid_over(name)
    since, until, history_days = weeks_of(ground, acquisitions)
    watched = ground_of(area_over(name), grid, sites=())
    truth = truth_on(name)
    diary = Diary(truth)
    seen = watch(
        acquisitions,
        since=since,
        until=until,
        ground=watched,
        history_days=history_days,
        on_week=diary.note,
        parameters=parameters,
    )
    events = seen.events
    told = tuple(event_fate_of(event, truth, diary) for event in events)
    outcome = GroundOutcome(
        name,
        tuple(fate_of(change, events, diary) for change in truth.changes if change.is_sure),
        told,
        int(truth.watched.sum()),
        int((union([e for e in events if _is_held(e)], grid.shape) & truth.watched).sum()),
        float(truth.quiet.sum()) * 1e-4,
        max((until - since).days, 7) / 365.25,
        seen.used,
    )
    return outcome, events


def truth_on(name: str) -> GroundTruth:
    """Read the truth of a ground where it was both watched and measured."""
    ground, acquisitions, grid = GROUNDS[name], real_series(name), grid_over(name)
    since, until, _ = weeks_of(ground, acquisitions)
    watched = ground_of(area_over(name), grid, sites=()).monitored_mask
    truth = truth_of(name, grid, since=since, until=until, is_exhaustive=ground.is_exhaustive)
    return truth.within(watched & np.any([k.valid for k in acquisitions], axis=0))


def weeks_of(ground: RealGround, acquisitions: Sequence[Acquisition]) -> tuple[date, date, int]:
    """The first and last day that are watched, and days of history; of a pair, the week of its second look."""
    if ground.span is not None:
        return *ground.span, HISTORY_DAYS
    before, after = acquisitions[0].day, acquisitions[-1].day
    monday = after - timedelta(days=after.weekday())
    return monday, monday + timedelta(days=6), (after - before).days + PAIR_MARGIN_DAYS


def union(events: Sequence[Event], shape: tuple[int, int]) -> np.ndarray:
    """Mark the ground of some events, bool (y, x)."""
    marked = np.zeros(shape, bool)
    for event in events:
        marked |= event.footprint.frame()
    return marked


def _is_held(event: Event) -> bool:
    return event.state is not State.RETRACTED and event.merged_into is None


def fate_of(change: TrueChange, events: Sequence[Event], diary: Diary) -> Fate:
    mine = [e for e in events if _is_held(e) and is_in_time(e, change) and (e.footprint.frame() & change.mask).any()]
    recorded, alerted = (
        float(union(some, change.mask.shape)[change.mask].mean())
        for some in (mine, [e for e in mine if e.key in diary.alerted_on])
    )
    best = max(mine, key=lambda e: (e.footprint.frame() & change.mask).sum(), default=None)
    day = diary.first_day.get(change.name)
    return Fate(
        change.name,
        change.kind,
        change.accepted,
        int(change.mask.sum()),
        recorded,
        alerted,
        None if best is None or recorded < COVERED else best.change.value,
        best.confidence if best is not None else 0.0,
        None if day is None else max((day - change.seen_by).days, 0),
    )


def is_in_time(event: Event, change: TrueChange) -> bool:
    """Tell whether an event could be this change: it began, or took a further step, after the last look without it."""
    return any(day > change.not_before for day in (event.first_seen, event.last_seen, *event.steps))


def event_fate_of(event: Event, truth: GroundTruth, diary: Diary) -> EventFate:
    mask = event.footprint.frame()
    touched = [c for c in truth.changes if (mask & c.mask).any() and is_in_time(event, c)]
    near = bool((mask & truth.near).any())
    on_quiet = int((mask & truth.quiet & ~truth.near).sum())
    is_true = True if any(c.is_sure for c in touched) else False if on_quiet and not near else None
    sure = [c for c in touched if c.is_sure and c.accepted]
    fits = any(event.change.value in c.accepted for c in sure) if sure else None
    return EventFate(
        event.key,
        event.change.value,
        int(mask.sum()),
        int((mask & truth.near).sum()),
        on_quiet,
        is_true,
        False if is_true is False else fits,
        event.confidence,
        event.state.value,
        _is_held(event),
        event.key in diary.alerted_on,
        event.confirmed_on is not None and event.merged_into is None,
        diary.alerted_at.get(event.key),
    )
