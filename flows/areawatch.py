"""The watch over one area: fetch what the archive lacks, work through the weeks in order, record each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from aois.area import Area
from aois.grid import Grid, grid_of
from aois.week import Week
from detectors.alerting import deserves_alert
from detectors.channel import LookReport
from detectors.events import events_of
from detectors.ground import Ground
from detectors.look import OPTICAL, Look
from detectors.monitor import AreaState, begin, conclude, is_refit_due, observe, refit
from detectors.records import Event, State
from detectors.suspects import suspect_score
from flows.evidence.outlines import outline_of
from flows.evidence.rasters import CHANGE_CODES, Layer, write_rasters
from flows.evidence.state import load_state, save_state
from flows.imagery.archive import Archive, ArchivedScene
from flows.imagery.fetching import fetch_missing
from flows.imagery.scene import ImageryError
from flows.imagery.source import Source
from flows.ledger.ids import event_id
from flows.ledger.ledger import Ledger
from flows.ledger.records import EventRecord, ObservationRecord, SceneRecord
from flows.looks import ground_of, look_of
from flows.plan import Asked, Period, Stamp, chain_of, period_of, scenes_of
from flows.settings import Settings

CLEAR_LOOK = 0.5  # SCIENCE.md: a scene under half clear over the area counts as not seen

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Stores:
    """Where an area's watch reads and writes. `source` is None when only the archive is to be asked."""

    settings: Settings
    archive: Archive
    ledger: Ledger
    source: Source | None
    source_name: str
    sites: tuple[Area, ...]


@dataclass
class AreaOutcome:
    """What the watch over one area did."""

    area_id: str
    weeks: int = 0
    fetched: int = 0
    failed_scenes: tuple[tuple[str, str], ...] = ()
    issued: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)


def watch_area(area: Area, asked: Asked, stores: Stores, *, progress: Progress) -> AreaOutcome:
    """Bring the record of one area up to the end of a period.

    Weeks whose digest is on record already are left as they are; from the first that is not, all are replayed in
    order. Raises `ImageryError` when the source cannot be asked and nothing is archived.
    """
    grid = grid_of(area)
    recorded = stores.ledger.chains(area.id)
    settings = stores.settings
    period = period_of(
        asked, recorded=recorded, history_days=settings.history_days, lookback_weeks=settings.lookback_weeks
    )
    outcome = AreaOutcome(area.id)
    if stores.source is not None:
        _fetch(area, grid, period, stores, outcome, progress)
    scenes = _archived(area, grid, period, stores)
    stamps = [Stamp(s.scene_id, s.acquired, s.sha256) for s in scenes]
    chain = chain_of(area, period, stamps, source=stores.source_name)
    due = [w for w in period.weeks if recorded.get(w) != chain[w]]
    if not due:
        return outcome
    if not scenes:
        raise ImageryError(
            f"area `{area.id}`: no scene between {period.history_from} and {period.last.last_day}; "
            "check that the catalog covers the area and the dates"
        )
    watch = _Watch(area, grid, period, stores, stamps, chain)
    watch.replay(due[0], outcome, progress)
    return outcome


def _fetch(area: Area, grid: Grid, period: Period, stores: Stores, outcome: AreaOutcome, progress: Progress) -> None:
    source = stores.source
    if source is None:
        return
    refs = source.search(area, grid, since=period.history_from, until=period.last.last_day)
    done = 0

    def on_scene(_: object) -> None:
        nonlocal done
        done += 1
        progress("fetch", done, len(refs))

    report = fetch_missing(source, stores.archive, area, grid, refs, on_scene=on_scene)
    outcome.fetched, outcome.failed_scenes = len(report.fetched), report.failed


def _archived(area: Area, grid: Grid, period: Period, stores: Stores) -> list[ArchivedScene]:
    held = stores.archive.list(area.id, stores.source_name, grid)
    return [s for s in held if period.history_from <= s.acquired.date() <= period.last.last_day]


class _Watch:
    """One replay of one area: the state, and what is needed to move it on."""

    def __init__(
        self,
        area: Area,
        grid: Grid,
        period: Period,
        stores: Stores,
        stamps: list[Stamp],
        chain: Mapping[Week, str],
    ) -> None:
        self.area, self.grid, self.period, self.stores = area, grid, period, stores
        self.stamps, self.chain = stamps, chain
        self.ground: Ground = ground_of(area, grid, sites=stores.sites)
        self.folder: Path = stores.settings.outputs / "areas" / area.id
        self.reports: list[LookReport] = []

    def replay(self, first: Week, outcome: AreaOutcome, progress: Progress) -> None:
        """Work through the weeks from the first that is due; earlier ones only as far as no saved state spares it."""
        state, done = self._resume(first)
        weeks = [w for w in self.period.weeks if done is None or w > done]
        for n, week in enumerate(weeks):
            state = self._advance(state, week)
            if week >= first:
                self._record(state, week, outcome, is_last=week == self.period.last)
                outcome.weeks += 1
            progress("detect", n + 1, len(weeks))
        self._record_scenes()
        self._save(state)

    def _resume(self, first: Week) -> tuple[AreaState, Week | None]:
        """The latest saved state before a week that rests on the same scenes, or the state before the first week."""
        for week in reversed([w for w in self.period.weeks if w < first]):
            state = load_state(self._state_path(week))
            if state is not None:
                return state, week
        before = [s for s in self.stamps if s.acquired.date() < self.period.weeks[0].first_day]
        state, reports = begin(self.ground, [self._look(s) for s in before])
        self.reports.extend(reports)
        return state, None

    def _advance(self, state: AreaState, week: Week) -> AreaState:
        for name in [c.name for c in state.channels]:
            if is_refit_due(state, name, day=week.first_day.toordinal()):
                state = refit(state, name, self._history(name, week), day=week.first_day.toordinal())
        for stamp in scenes_of(week, self.stamps):
            state, report = observe(state, self._look(stamp))
            self.reports.append(report)
        return conclude(state, today=week.last_day.toordinal())

    def _history(self, channel: str, week: Week) -> list[Look]:
        days = self.stores.settings.history_days
        start = week.first_day.toordinal() - days
        stamps = [s for s in self.stamps if start <= s.acquired.date().toordinal() < week.first_day.toordinal()]
        sensor = channel.split(":")[0]
        looks = [self._look(s) for s in stamps if s.scene_id.startswith(sensor)]
        return [look for look in looks if look.channel == channel]

    def _look(self, stamp: Stamp) -> Look:
        scene = self.stores.archive.get(self.area.id, self.stores.source_name, self.grid, stamp.scene_id)
        return look_of(scene, self.grid)

    def _record(self, state: AreaState, week: Week, outcome: AreaOutcome, *, is_last: bool) -> None:
        events = events_of(state, today=week.last_day.toordinal())
        told = self.stores.ledger.record_week(self._observation(week), [self._event_record(event) for event in events])
        outcome.issued.extend(told.issued)
        outcome.changed.extend(told.changed)
        if is_last or told.issued or told.changed:
            write_rasters(_layers(state, events), self.grid, self.folder / week.last_day.isoformat())

    def _observation(self, week: Week) -> ObservationRecord:
        scenes = scenes_of(week, self.stamps)
        ids = {s.scene_id for s in scenes}
        looks = [r for r in self.reports if r.scene_id in ids]
        seen = max((r.clear_share for r in looks if r.sensor == OPTICAL), default=0.0)
        radar = max((r.clear_share for r in looks if r.sensor != OPTICAL), default=0.0)
        past = [r for r in self.reports if r.day <= week.last_day.toordinal()]
        clear = [r.day for r in past if r.clear_share >= CLEAR_LOOK and r.status == "used"]
        refused = [f"{r.scene_id}: {r.note}" for r in looks if r.status == "refused"]
        return ObservationRecord(
            area_id=self.area.id,
            week=week,
            scenes=tuple(s.scene_id for s in scenes),
            sensors=tuple(sorted({r.sensor for r in looks if r.status == "used"})),
            seen_share=round(max(seen, radar), 4),
            last_clear_look=self._last_clear(clear),
            chain=self.chain[week],
            note="; ".join(refused),
        )

    def _last_clear(self, days: list[int]) -> date | None:
        """The last clear look among this replay's reports, or the ledger's where this replay began later."""
        if days:
            return date.fromordinal(max(days))
        known = [o for o in self.stores.ledger.observations() if o.area_id == self.area.id and o.last_clear_look]
        return known[-1].last_clear_look if known else None

    def _event_record(self, event: Event) -> EventRecord:
        identity = event_id(self.area.id, event.key)
        return EventRecord(
            area_id=self.area.id,
            event_id=identity,
            properties=_properties(event),
            geometry=outline_of(event.footprint, self.grid),
            transitions=event.transitions,
            alert=deserves_alert(event),
        )

    def _record_scenes(self) -> None:
        reports = {r.scene_id: r for r in self.reports}
        rows = [
            SceneRecord(
                s.scene_id,
                reports[s.scene_id].sensor,
                s.acquired,
                s.sha256,
                self.stores.source_name,
                reports[s.scene_id].clear_share,
                reports[s.scene_id].shift.length if reports[s.scene_id].shift.is_known else None,
                reports[s.scene_id].status,
                reports[s.scene_id].note,
            )
            for s in self.stamps
            if s.scene_id in reports
        ]
        self.stores.ledger.record_scenes(self.area.id, rows)

    def _state_path(self, week: Week) -> Path:
        return self.folder / "state" / f"{week}-{self.chain[week][:16]}.npz"

    def _save(self, state: AreaState) -> None:
        path = self._state_path(self.period.last)
        save_state(state, path)
        for old in sorted(path.parent.glob("*.npz"))[:-2]:
            old.unlink(missing_ok=True)


def _properties(event: Event) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kind": event.place.value,
        "change": event.change.value,
        "state": event.state.value,
        "first_seen": event.first_seen.isoformat(),
        "confirmed_on": event.confirmed_on.isoformat() if event.confirmed_on else None,
        "area_m2": round(event.area_m2, 1),
        "area_m2_low": round(event.area_m2_low, 1),
        "area_m2_high": round(event.area_m2_high, 1),
        "length_m": event.length_m,
        "closure": event.closure,
        "confidence": event.confidence,
        "sensors": list(event.sensors),
        "scenes": list(event.scenes),
    }
    if event.criteria:
        found["suspect_score"] = suspect_score(event.criteria)
        found["criteria"] = [
            {"name": c.name, "value": c.value, "weight": c.weight, "detail": c.detail} for c in event.criteria
        ]
    return found


def _layers(state: AreaState, events: tuple[Event, ...]) -> tuple[Layer, ...]:
    """Score (confidence held against a pixel, mean · count²), class of the last event, and day first seen."""
    shape = state.ground.shape
    score = np.where(state.ground.watched, state.evidence.confidence.max(axis=0), np.nan).astype(np.float32)
    classes, first = np.zeros(shape, np.uint8), np.zeros(shape, np.int32)
    for event in events:
        if event.state is not State.RETRACTED:
            classes[event.footprint] = CHANGE_CODES[event.change]
            new = event.footprint & (first == 0)
            first[new] = int(event.first_seen.strftime("%Y%m%d"))
    return (
        Layer(
            "score", score, float("nan"), "confidence held against the pixel: mean sigma times squared count of looks"
        ),
        Layer("change", classes, 0, "1 construction, 2 fencing, 3 clearing, 4 demolition, 0 none"),
        Layer("first_seen", first, 0, "day the event was first seen, YYYYMMDD, 0 none"),
    )
