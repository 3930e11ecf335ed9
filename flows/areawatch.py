"""The watch over one area: fetch what the archive lacks, work through the weeks in order, record each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from aois.area import Area
from aois.grid import Grid, grid_of
from aois.week import Week
from detectors.acquisition import OPTICAL, Acquisition
from detectors.events.alert_rules import deserves_alert
from detectors.ground import Ground
from detectors.monitor.event_records import events_of
from detectors.monitor.state import AreaState
from detectors.monitor.steps import begin
from detectors.monitor.weeks import step_week
from detectors.preprocessing.align import AcquisitionReport
from detectors.records import Event, State
from flows.evidence.outlines import outline_of
from flows.evidence.rasters import write_rasters
from flows.evidence.state import load_state, save_state
from flows.findings import layers_of, news_of, properties_of
from flows.imagery.archive import Archive, ArchivedScene
from flows.imagery.fetching import fetch_missing
from flows.imagery.scene import ImageryError
from flows.imagery.source import Selective, Source
from flows.ledger.ids import event_id
from flows.ledger.ledger import Ledger
from flows.ledger.records import EventRecord, ObservationRecord, SceneRecord
from flows.ledger.worlds import World, world_of
from flows.looks import acquisition_of, digest_of, ground_of
from flows.plan import Asked, Period, Stamp, chain_of, period_of, scenes_of
from flows.settings import Settings
from flows.stopwatch import Stopwatch

CLEAR_LOOK = 0.5  # SCIENCE.md: a scene under half clear over the area counts as not seen

FRESH = timedelta(days=35)  # scenes are published within days; a month later hardly any comes

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

    @property
    def is_simulated(self) -> bool:
        """Whether the pictures are made up."""
        return world_of(self.source_name) is World.SIMULATED


@dataclass
class AreaOutcome:
    """What the watch over one area did.

    `fetched` counts the scenes that were completed too. `issued` and `changed` are alerts that are new since before, or
    in another state. `passed_over` are items of the catalog that could not be used, with the reason. `blind` says why
    nothing could be compared, and what to do.
    """

    area_id: str
    weeks: int = 0
    fetched: int = 0
    failed_scenes: tuple[tuple[str, str], ...] = ()
    revised_scenes: tuple[tuple[str, str], ...] = ()
    completed_scenes: tuple[tuple[str, str], ...] = ()
    passed_over: tuple[tuple[str, str], ...] = ()
    blind: str = ""
    stopwatch: Stopwatch = field(default_factory=Stopwatch, compare=False)
    issued: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> dict[str, float]:
        """How long each step took."""
        return self.stopwatch.seconds


def passed_over(outcomes: Iterable[AreaOutcome]) -> dict[str, str]:
    """Return why items of the catalog could not be used, by their name: areas of one catalog meet the same items."""
    return dict(sorted(one for outcome in outcomes for one in outcome.passed_over))


def watch_area(area: Area, asked: Asked, stores: Stores, *, progress: Progress) -> AreaOutcome:
    """Bring the record of one area up to the end of a period.

    Weeks whose digest is on record already are left as they are, unless a replay is asked for; from the first that is
    not, all are replayed in order. Raises `ImageryError` when the source cannot be asked, or has nothing, and
    `LedgerError` when another run is at the same area.
    """
    with _alone(area, stores.ledger):
        return _watch_area(area, asked, stores, progress)


def fetch_area(area: Area, asked: Asked, stores: Stores) -> AreaOutcome:
    """The archive holds what the source has of one area up to the day of the call; nothing is measured.

    Where a watch has begun only the last weeks are asked for, which is where new scenes are. Raises as `watch_area`.
    """
    settings, outcome = stores.settings, AreaOutcome(area.id)
    with _alone(area, stores.ledger):
        recorded = stores.ledger.chains(area.id)
        period = period_of(
            asked, recorded=recorded, history_days=settings.history_days, lookback_weeks=settings.lookback_weeks
        )
        since = max(period.history_from, asked.today - FRESH) if recorded else period.history_from
        with outcome.stopwatch.step("fetch"):
            _fetch(area, grid_of(area), (since, asked.today), stores, outcome, lambda *_: None)
    return outcome


def _alone(area: Area, ledger: Ledger) -> AbstractContextManager[None]:
    complaint = f"area `{area.id}` is being watched by another run; wait for that one to end, then watch again"
    return ledger.exclusively(f"area-{area.id}", complaint=complaint)


def _watch_area(area: Area, asked: Asked, stores: Stores, progress: Progress) -> AreaOutcome:
    grid = grid_of(area)
    recorded = stores.ledger.chains(area.id)
    settings = stores.settings
    period = period_of(
        asked, recorded=recorded, history_days=settings.history_days, lookback_weeks=settings.lookback_weeks
    )
    outcome = AreaOutcome(area.id)
    with outcome.stopwatch.step("fetch"):
        _fetch(area, grid, (period.history_from, period.last.last_day), stores, outcome, progress)
    scenes = _archived(area, grid, period, stores)
    stamps = [Stamp(s.scene_id, s.acquired, s.sha256) for s in scenes]
    ground = ground_of(area, grid, sites=stores.sites)
    chain = chain_of(area, period, stamps, source=stores.source_name, ground=digest_of(ground))
    again = asked.replay and (asked.since or period.weeks[0].first_day)
    due = [w for w in period.weeks if recorded.get(w) != chain[w] or (again and w.last_day >= again)]
    if not due:
        return outcome
    if not scenes:
        raise _nothing_there(area, period, outcome)
    outcome.blind = _blindness(scenes, period, settings.history_days)
    before = _alert_states(stores.ledger, area.id)
    watch = _Watch(area, ground, period, stores, stamps, chain)
    with outcome.stopwatch.step("detect"):
        watch.replay(due[0], outcome, progress)
    after = _alert_states(stores.ledger, area.id)
    outcome.issued = sorted(after.keys() - before.keys())
    outcome.changed = sorted(alert for alert, state in before.items() if after.get(alert) != state)
    return outcome


def _alert_states(ledger: Ledger, area_id: str) -> dict[str, str]:
    """The alerts of an area by id, with their present states."""
    found = (feature["properties"] for feature in ledger.alerts(area_id=area_id))
    return {p["alert_id"]: p["state"] for p in found}


def _fetch(
    area: Area, grid: Grid, days: tuple[date, date], stores: Stores, outcome: AreaOutcome, progress: Progress
) -> None:
    source = stores.source
    if source is None:
        return
    refs = source.search(area, grid, since=days[0], until=days[1])
    if isinstance(source, Selective):
        outcome.passed_over = tuple(sorted(source.passed_over.items()))
    done = 0

    def on_scene(_: object) -> None:
        nonlocal done
        done += 1
        progress("fetch", done, len(refs))

    parallel = stores.settings.parallel_downloads
    report = fetch_missing(source, stores.archive, area, grid, refs, on_scene=on_scene, parallel=parallel)
    outcome.fetched, outcome.failed_scenes = len(report.fetched) + len(report.completed), report.failed
    outcome.revised_scenes, outcome.completed_scenes = report.revised, report.completed


def _archived(area: Area, grid: Grid, period: Period, stores: Stores) -> list[ArchivedScene]:
    held = stores.archive.list(area.id, stores.source_name, grid)
    return [s for s in held if period.history_from <= s.acquired.date() <= period.last.last_day]


def _nothing_there(area: Area, period: Period, outcome: AreaOutcome) -> ImageryError:
    span = f"between {period.history_from} and {period.last.last_day}"
    if outcome.failed_scenes:
        scene_id, reason = outcome.failed_scenes[0]
        count = len(outcome.failed_scenes)
        return ImageryError(f"area `{area.id}`: none of {count} scenes {span} could be fetched; {scene_id}: {reason}")
    return ImageryError(f"area `{area.id}`: no scene {span}; check that the catalog covers the area and the dates")


def _blindness(scenes: Sequence[ArchivedScene], period: Period, history_days: int) -> str:
    """Why no change could have shown: fewer than two scenes of any sensor to compare. Empty when there are."""
    counts = Counter(s.scene_id.split("_")[0] for s in scenes)
    if max(counts.values()) > 1:
        return ""
    return (
        f"only one scene a sensor since {period.history_from}, and nothing to compare it with; set an earlier --since, "
        f"or SITEWATCH_HISTORY_DAYS over {history_days}"
    )


class _Watch:
    """One replay of one area: the state, and what is needed to move it on."""

    def __init__(
        self,
        area: Area,
        ground: Ground,
        period: Period,
        stores: Stores,
        stamps: list[Stamp],
        chain: Mapping[Week, str],
    ) -> None:
        self.area, self.ground, self.period, self.stores = area, ground, period, stores
        self.stamps, self.chain = stamps, chain
        self.grid: Grid = grid_of(area)
        self.folder: Path = stores.settings.outputs / "areas" / area.id
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
            state = load_state(self._state_path(week))
            if state is not None:
                return state, week
        before = [s for s in self.stamps if s.acquired.date() < self.period.weeks[0].first_day]
        state, reports = begin(self.ground, [self._look(s) for s in before])
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

    def _history(self, channel: str, week: Week) -> list[Acquisition]:
        days = self.stores.settings.history_days
        start = week.first_day.toordinal() - days
        stamps = [s for s in self.stamps if start <= s.acquired.date().toordinal() < week.first_day.toordinal()]
        sensor = channel.split(":")[0]
        looks = [self._look(s) for s in stamps if s.scene_id.startswith(sensor)]
        return [look for look in looks if look.series == channel]

    def _look(self, stamp: Stamp) -> Acquisition:
        scene = self.stores.archive.get(self.area.id, self.stores.source_name, self.grid, stamp.scene_id)
        return acquisition_of(scene, self.grid)

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
        self.stores.ledger.record_week(self._observation(week), [self._event_record(event) for event in events])
        outcome.weeks += 1

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
            last_clear_look=self._last_clear(clear, week),
            chain=self.chain[week],
            note="; ".join(refused),
        )

    def _last_clear(self, days: list[int], week: Week) -> date | None:
        """The last clear look among this replay's reports, or the ledger's where this replay began later."""
        if days:
            return date.fromordinal(max(days))
        known = self.stores.ledger.observations(until=week, area_id=self.area.id)
        earlier = [o.last_clear_look for o in known if o.week < week and o.last_clear_look]
        return earlier[-1] if earlier else None

    def _event_record(self, event: Event) -> EventRecord:
        identity = event_id(self.area.id, event.key)
        return EventRecord(
            area_id=self.area.id,
            event_id=identity,
            properties=properties_of(event, area_id=self.area.id),
            geometry=outline_of(event.footprint, self.grid),
            transitions=event.transitions,
            alert=deserves_alert(event),
            steps=event.steps,
        )

    def _record_scenes(self) -> None:
        """Record what became of the scenes looked at since the last time."""
        stamps = {s.scene_id: s for s in self.stamps}
        fresh = self.reports[self.recorded :]
        rows = [self._scene_record(report, stamps[report.scene_id]) for report in fresh]
        self.stores.ledger.record_scenes(self.area.id, rows)
        self.recorded = len(self.reports)

    def _scene_record(self, report: AcquisitionReport, stamp: Stamp) -> SceneRecord:
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
