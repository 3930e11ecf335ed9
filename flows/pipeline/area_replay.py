"""One replay of one area: the state, and what is needed to move it on week by week."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

from aois.area import Area
from aois.grid import Grid, grid_of
from aois.week import Week
from detectors.acquisition import OPTICAL, AnyAcquisition
from detectors.array_space import IN_MEMORY, ArraySpace
from detectors.evidence.signatures import load_signatures
from detectors.ground import Ground
from detectors.monitor.event_records import events_of
from detectors.monitor.state import AreaState
from detectors.monitor.steps import begin
from detectors.monitor.unfamiliar import unfamiliar_ground
from detectors.monitor.weeks import step_week
from detectors.preprocessing.align import AcquisitionReport
from detectors.records import Event, State
from flows.evidence.array_files import ArrayFiles
from flows.evidence.rasters import write_rasters
from flows.evidence.state import load_state, save_state
from flows.imagery.acquisition_plans import NO_PLAN
from flows.imagery.archive.store import Archive
from flows.imagery.archive.week_plans import WeekPlan
from flows.imagery.detector_inputs import archived_acquisition, is_large, stored_acquisition_of
from flows.imagery.revisit import arrivals_between
from flows.imagery.source import Source
from flows.ledger.ledger import Ledger
from flows.ledger.worlds import World, world_of
from flows.pipeline.detector_outputs import event_record_of, layers_of, news_of
from flows.pipeline.period import Period
from flows.pipeline.week_digests import SceneFingerprint, scenes_of
from flows.records.events import DetectedEvent
from flows.records.observations import ObservationRecord, SceneRecord
from flows.telemetry.step_timer import Stopwatch

CLEAR_LOOK = 0.5  # SCIENCE.md: a scene under half clear over the area counts as not seen


Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Stores:
    """Where an area's watch reads and writes, and how far back it looks.

    `source` is None when only the archive is to be asked. `sites` are the known sites, which a region leaves out.
    `lookback_weeks` counts where a first watch is given no date. `areas_at_once` share the memory of the machine.
    """

    outputs: Path
    archive: Archive
    ledger: Ledger
    source: Source | None
    source_name: str
    sites: tuple[Area, ...]
    history_days: int
    lookback_weeks: int = 1
    parallel_downloads: int = 1
    suspects_a_week: int = 20
    areas_at_once: int = 1

    @property
    def is_simulated(self) -> bool:
        """Tell whether the pictures are made up."""
        return world_of(self.source_name) is World.SIMULATED


@dataclass
class AreaOutcome:
    """What the watch over one area did.

    `fetched` counts the scenes that were completed too. `issued` and `changed` are alerts that are new since before, or
    in another state. `passed_over` are items of the catalog that could not be used, with the reason; `unused` says of
    each kind of item that is of no use here how many there are, and why.
    `not_comparable_reason` says why nothing could be compared, and what to do.
    """

    area_id: str
    weeks: int = 0
    fetched: int = 0
    failed_scenes: tuple[tuple[str, str], ...] = ()
    revised_scenes: tuple[tuple[str, str], ...] = ()
    completed_scenes: tuple[tuple[str, str], ...] = ()
    passed_over: tuple[tuple[str, str], ...] = ()
    unused: tuple[tuple[str, str], ...] = ()
    not_comparable_reason: str = ""
    stopwatch: Stopwatch = field(default_factory=Stopwatch, compare=False)
    issued: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> dict[str, float]:
        """Return how long each step took, seconds."""
        return self.stopwatch.seconds


class _Watch:
    """One replay of one area: the state, and what is needed to move it on."""

    def __init__(
        self,
        area: Area,
        ground: Ground,
        period: Period,
        stores: Stores,
        stamps: list[SceneFingerprint],
        chain: Mapping[Week, str],
        plans: Mapping[Week, WeekPlan],
    ) -> None:
        self.area, self.ground, self.period, self.stores = area, ground, period, stores
        self.stamps, self.chain, self.plans = stamps, chain, plans
        self.grid: Grid = grid_of(area)
        self.archived = (stores.archive, area.id, stores.source_name, self.grid)
        self.folder: Path = stores.outputs / "areas" / area.id
        self.space: ArraySpace = ArrayFiles(stores.outputs / ".arrays") if is_large(self.grid) else IN_MEMORY
        self.reports: list[AcquisitionReport] = []
        self.recorded = 0
        self.news: dict[str, State] = {}

    def replay(self, first: Week, outcome: AreaOutcome, progress: Progress) -> None:
        """Work through the weeks from the first that is due; earlier ones only as far as no saved state spares it."""
        state, done = self._resume(first)
        weeks = [w for w in self.period.weeks if done is None or w > done]
        self.news = news_of(events_of(state, today=weeks[0].first_day.toordinal() - 1))
        for n, week in enumerate(weeks):
            state = self._advance(state, week)
            if week == self.period.last:
                self._save(state)
            self._conclude(state, week, outcome, is_due=week >= first)
            progress("detect", n + 1, len(weeks))

    def _resume(self, first: Week) -> tuple[AreaState, Week | None]:
        """The latest saved state before a week that rests on the same scenes, or the state before the first week."""
        for week in reversed([w for w in self.period.weeks if w < first]):
            state = load_state(
                self._state_path(week), read=partial(archived_acquisition, *self.archived), space=self.space
            )
            if state is not None:
                return state, week
        before = [s for s in self.stamps if s.acquired.date() < self.period.weeks[0].first_day]
        state, reports = begin(self.ground, [self._look(s) for s in before], space=self.space)
        self.reports.extend(reports)
        return state, None

    def _advance(self, state: AreaState, week: Week) -> AreaState:
        looks = [self._look(stamp) for stamp in scenes_of(week, self.stamps)]
        state, reports = step_week(
            state,
            looks,
            first=week.first_day,
            last=week.last_day,
            history=lambda channel: self._history(channel, week),
        )
        self.reports.extend(reports)
        return state

    def _history(self, channel: str, week: Week) -> list[AnyAcquisition]:
        days = self.stores.history_days
        start = week.first_day.toordinal() - days
        stamps = [s for s in self.stamps if start <= s.acquired.date().toordinal() < week.first_day.toordinal()]
        sensor = channel.split(":")[0]
        looks = [self._look(s) for s in stamps if s.scene_id.startswith(sensor)]
        return [look for look in looks if look.series == channel]

    def _look(self, stamp: SceneFingerprint) -> AnyAcquisition:
        return stored_acquisition_of(*self.archived, stamp.scene_id)

    def _conclude(self, state: AreaState, week: Week, outcome: AreaOutcome, *, is_due: bool) -> None:
        """Record a week that is due. Its digest comes last: after a kill, what a recorded week brings is there."""
        events = events_of(state, today=week.last_day.toordinal())
        news, folder = news_of(events), self.folder / week.last_day.isoformat()
        is_told, self.news = news != self.news, news
        if not is_due:
            return
        if is_told or week == self.period.last or folder.exists():
            write_rasters(layers_of(state, events), self.grid, folder, is_simulated=self.stores.is_simulated)
        self._record_scenes()
        self.stores.ledger.record_week(
            self._observation(week, state),
            [self._event_record(event) for event in events],
            most_suspects=self.stores.suspects_a_week,
        )
        outcome.weeks += 1

    def _observation(self, week: Week, state: AreaState) -> ObservationRecord:
        scenes = scenes_of(week, self.stamps)
        ids = {s.scene_id for s in scenes}
        looks = [r for r in self.reports if r.scene_id in ids]
        seen = max((r.clear_share for r in looks if r.sensor == OPTICAL), default=0.0)
        radar = max((r.clear_share for r in looks if r.sensor != OPTICAL), default=0.0)
        past = [r for r in self.reports if r.day <= week.last_day.toordinal()]
        clear = [r.day for r in past if r.clear_share >= CLEAR_LOOK and r.status == "used"]
        remarks = [f"{r.scene_id}: {r.note}" for r in looks if r.note and r.status != "unseen"]
        came = [(s.scene_id, s.acquired) for s in self.stamps if s.acquired.date() <= week.last_day]
        plan = self.plans[week].plan if week in self.plans else NO_PLAN
        missing = arrivals_between(came, week.first_day, week.last_day, plan=plan).words
        return ObservationRecord(
            area_id=self.area.id,
            week=week,
            scenes=tuple(s.scene_id for s in scenes),
            sensors=tuple(sorted({r.sensor for r in looks if r.status == "used"})),
            seen_share=round(max(seen, radar), 4),
            last_clear_look=self._last_clear(clear, week),
            chain=self.chain[week],
            note="; ".join([*remarks, missing] if missing else remarks),
            unfamiliar=unfamiliar_ground(state, load_signatures(state.parameters.signatures)),
        )

    def _last_clear(self, days: list[int], week: Week) -> date | None:
        """The last clear look among this replay's reports, or the ledger's where this replay began later."""
        if days:
            return date.fromordinal(max(days))
        known = self.stores.ledger.observations(until=week, area_id=self.area.id)
        earlier = [o.last_clear_look for o in known if o.week < week and o.last_clear_look]
        return earlier[-1] if earlier else None

    def _event_record(self, event: Event) -> DetectedEvent:
        return event_record_of(event, area_id=self.area.id, grid=self.grid, is_simulated=self.stores.is_simulated)

    def _record_scenes(self) -> None:
        """Record what became of the scenes looked at since the last time."""
        stamps = {s.scene_id: s for s in self.stamps}
        fresh = self.reports[self.recorded :]
        rows = [self._scene_record(report, stamps[report.scene_id]) for report in fresh]
        self.stores.ledger.record_scenes(self.area.id, rows)
        self.recorded = len(self.reports)

    def _scene_record(self, report: AcquisitionReport, stamp: SceneFingerprint) -> SceneRecord:
        return SceneRecord(
            scene_id=stamp.scene_id,
            sensor=report.sensor,
            acquired=stamp.acquired,
            sha256=stamp.sha256,
            source=self.stores.source_name,
            clear_share=report.clear_share,
            shift_px=report.shift.length if report.shift.is_known else None,
            status=report.status,
            note=report.note,
        )

    def _state_path(self, week: Week) -> Path:
        return self.folder / "state" / f"{week}-{self.chain[week][:16]}.npz"

    def _save(self, state: AreaState) -> None:
        """Save the last week's state; of those up to it, the one before is kept for scenes that come late."""
        path = self._state_path(self.period.last)
        save_state(state, path)
        kept = [p for w in self.period.weeks if (p := self._state_path(w)).exists()][-2:]
        for old in path.parent.glob("*.npz"):
            if old not in kept and old.name < f"{self.period.last}~":  # a later one is the next run's to judge
                old.unlink(missing_ok=True)
