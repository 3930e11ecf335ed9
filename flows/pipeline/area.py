"""The watch over one area: fetch what the archive lacks, work through the weeks in order, record each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import date, timedelta

from aois.area import Area
from aois.grid import Grid, grid_of
from aois.week import Week
from detectors.records import State
from flows.imagery.acquisition_plans import plan_over
from flows.imagery.archive.store import ArchivedScene
from flows.imagery.archive.week_plans import WeekPlan
from flows.imagery.detector_inputs import digest_of, ground_of
from flows.imagery.fetching import fetch_missing
from flows.imagery.plan_files import FOLDER, kept_plans
from flows.imagery.scene import ImageryError, Sensor, product_of
from flows.imagery.source import Selective
from flows.ledger.ledger import Ledger
from flows.pipeline.area_replay import AreaOutcome, Progress, Stores, _Watch
from flows.pipeline.area_size import check_memory
from flows.pipeline.claim_answers import answer_claims
from flows.pipeline.period import Period, RunRequest, last_week, period_of
from flows.pipeline.week_digests import SceneFingerprint, week_digests
from flows.records.ids import AlertId

FRESH = timedelta(days=35)  # scenes are published within days; a month later hardly any comes


def passed_over(outcomes: Iterable[AreaOutcome]) -> dict[str, str]:
    """Return why items of the catalog could not be used, by their name: areas of one catalog meet the same items."""
    return dict(sorted(one for outcome in outcomes for one in outcome.passed_over))


def unused_kinds(outcomes: Iterable[AreaOutcome]) -> dict[str, str]:
    """Return how many items of the catalog are not used and why, by their kind."""
    return dict(sorted(one for outcome in outcomes for one in outcome.unused))


def watch_area(area: Area, asked: RunRequest, stores: Stores, *, progress: Progress) -> AreaOutcome:
    """Bring the record of one area up to the end of a period.

    Weeks whose digest is on record already are left as they are, unless a replay is asked for; from the first that is
    not, all are replayed in order. Raises `ImageryError` when the source cannot be asked, or has nothing, and
    `LedgerError` when another run is at the same area. Raises `AreaError` for an area that memory cannot hold.
    """
    with _alone(area, stores.ledger):
        outcome = _watch_area(area, asked, stores, progress)
        if stores.ledger.claims.all(area.id):
            with outcome.stopwatch.step("claims"):
                answer_claims(area, last_week(asked), stores)
        return outcome


def fetch_area(area: Area, asked: RunRequest, stores: Stores) -> AreaOutcome:
    """Fetch into the archive what the source has of one area up to the day of the call; nothing is measured.

    Where a watch has begun only the last weeks are asked for, which is where new scenes are. Raises as `watch_area`.
    """
    check_memory(area, grid_of(area), at_once=stores.areas_at_once)
    outcome = AreaOutcome(area.id)
    with _alone(area, stores.ledger):
        recorded = stores.ledger.chains(area.id)
        period = _period(asked, recorded, stores)
        since = max(period.history_from, asked.today - FRESH) if recorded else period.history_from
        with outcome.stopwatch.step("fetch"):
            _fetch(area, grid_of(area), (since, asked.today), stores, outcome, lambda *_: None)
    return outcome


def _alone(area: Area, ledger: Ledger) -> AbstractContextManager[None]:
    complaint = f"area `{area.id}` is being watched by another run; wait for that one to end, then watch again"
    return ledger.exclusively(f"area-{area.id}", complaint=complaint)


def _watch_area(area: Area, asked: RunRequest, stores: Stores, progress: Progress) -> AreaOutcome:
    grid = grid_of(area)
    check_memory(area, grid, at_once=stores.areas_at_once)
    recorded = stores.ledger.chains(area.id)
    period = _period(asked, recorded, stores)
    outcome = AreaOutcome(area.id)
    with outcome.stopwatch.step("fetch"):
        _fetch(area, grid, (period.history_from, period.last.last_day), stores, outcome, progress)
        _keep_week_plans(area, grid, [week for week in period.weeks if week not in recorded], stores, asked.today)
    scenes = _archived(area, grid, period, stores)
    plans = stores.archive.week_plans(area.id, stores.source_name, grid)
    stamps = [SceneFingerprint(s.scene_id, s.acquired, s.sha256) for s in scenes]
    ground = ground_of(area, grid, sites=stores.sites)
    chain = week_digests(
        area,
        period,
        stamps,
        source=stores.source_name,
        ground=digest_of(ground),
        plans={week: one.sha256 for week, one in plans.items()},
    )
    again = asked.replay and (asked.since or period.weeks[0].first_day)
    due = [w for w in period.weeks if recorded.get(w) != chain[w] or (again and w.last_day >= again)]
    if not due:
        return outcome
    if not scenes:
        raise _nothing_there(area, period, outcome)
    if _is_after_one_scene(scenes, period):
        check_memory(area, grid, at_once=stores.areas_at_once, is_after_one_scene=True)
    outcome.not_comparable_reason = _not_comparable_reason(scenes, period, stores.history_days)
    before = _alert_states(stores.ledger, area.id)
    watch = _Watch(area, ground, period, stores, stamps, chain, plans)
    with outcome.stopwatch.step("detect"):
        watch.replay(due[0], outcome, progress)
    after = _alert_states(stores.ledger, area.id)
    outcome.issued = sorted(after.keys() - before.keys())
    outcome.changed = sorted(alert for alert, state in before.items() if after.get(alert) != state)
    return outcome


def _period(asked: RunRequest, recorded: Iterable[Week], stores: Stores) -> Period:
    return period_of(asked, recorded=recorded, history_days=stores.history_days, lookback_weeks=stores.lookback_weeks)


def _alert_states(ledger: Ledger, area_id: str) -> dict[AlertId, State]:
    """The alerts of an area by id, with their present states."""
    return {alert.alert_id: alert.state for alert in ledger.alerts(area_id=area_id)}


def _fetch(
    area: Area, grid: Grid, days: tuple[date, date], stores: Stores, outcome: AreaOutcome, progress: Progress
) -> None:
    source = stores.source
    if source is None:
        return
    refs = source.search(area, grid, since=days[0], until=days[1])
    if isinstance(source, Selective):
        outcome.passed_over = tuple(sorted(source.passed_over.items()))
        outcome.unused = tuple(source.unused.items())
    done = 0

    def on_scene(_: object) -> None:
        nonlocal done
        done += 1
        progress("fetch", done, len(refs))

    parallel = stores.parallel_downloads
    report = fetch_missing(source, stores.archive, area, grid, refs, on_scene=on_scene, parallel=parallel)
    outcome.fetched, outcome.failed_scenes = len(report.fetched) + len(report.completed), report.failed
    outcome.revised_scenes, outcome.completed_scenes = report.revised, report.completed


def _keep_week_plans(area: Area, grid: Grid, weeks: Sequence[Week], stores: Stores, today: date) -> None:
    """Keep what was planned for weeks that are over and not on record yet; for others it stays as it was then.

    Where the archive alone is asked nothing is kept: a replay uses what was kept, whatever plans are at hand.
    """
    if stores.source is None:
        return
    for week in (one for one in weeks if one.last_day < today):
        plans = kept_plans(stores.outputs / FOLDER, known_by=week.last_day)
        plan = plan_over(area, plans, known_by=week.last_day)
        if plan.passes:
            stores.archive.keep_week_plan(area.id, stores.source_name, grid, WeekPlan(week, plan))


def _archived(area: Area, grid: Grid, period: Period, stores: Stores) -> list[ArchivedScene]:
    held = stores.archive.list(area.id, stores.source_name, grid)
    return [s for s in held if period.history_from <= s.acquired.date() <= period.last.last_day]


def _nothing_there(area: Area, period: Period, outcome: AreaOutcome) -> ImageryError:
    span = f"between {period.history_from} and {period.last.last_day}"
    if outcome.failed_scenes:
        scene_id, reason = outcome.failed_scenes[0]
        count = len(outcome.failed_scenes)
        return ImageryError(f"area `{area.id}`: none of {count} scenes {span} could be fetched; {scene_id}: {reason}")
    unused = "".join(f"; not used, {kind}: {words}" for kind, words in outcome.unused)
    return ImageryError(
        f"area `{area.id}`: no scene {span}{unused}; check that the catalog covers the area and the dates"
    )


def _is_after_one_scene(scenes: Sequence[ArchivedScene], period: Period) -> bool:
    """Whether scenes of Sentinel-2 are compared with one or two alone, as the first of them are where none came before.

    Radar is worked through in strips after any history. Clouds can leave fewer scenes than are counted here.
    """
    optical = [s for s in scenes if s.sensor is Sensor.SENTINEL_2]
    held = Counter(product_of(s.scene_id) for s in optical)
    earlier = Counter(product_of(s.scene_id) for s in optical if s.acquired.date() < period.weeks[0].first_day)
    return any(count > 1 and earlier[product] <= 2 for product, count in held.items())


def _not_comparable_reason(scenes: Sequence[ArchivedScene], period: Period, history_days: int) -> str:
    """Why no change could have shown: fewer than two scenes of any series to compare. Empty when there are."""
    counts = Counter((s.sensor, product_of(s.scene_id)) for s in scenes)
    if max(counts.values()) > 1:
        return ""
    return (
        f"only one scene a series since {period.history_from}, and nothing to compare it with; set an earlier --since, "
        f"or SITEWATCH_HISTORY_DAYS over {history_days}"
    )
