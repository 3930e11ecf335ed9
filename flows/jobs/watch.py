"""The main job: areas in, imagery fetched, change measured, alerts and the week's report out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any, cast
from uuid import UUID, uuid4

from prefect import flow, task
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed

import detectors
from aois.area import Area
from aois.errors import UserError
from aois.grid import grid_of
from aois.week import Week
from flows.alerts.run_messages import RunMessages
from flows.alerts.sending import waiting_messages
from flows.config.deployment import Operating, load_operating
from flows.config.private_outputs import private_files
from flows.config.settings import Settings, load_settings
from flows.evidence.catalog import SceneFile, write_catalog, write_scenes
from flows.evidence.geojson_files import write_alerts, write_events
from flows.evidence.stamping import stamp_heads
from flows.imagery.archive.store import Archive
from flows.imagery.network.quota import Cost
from flows.imagery.scene import ImageryError, Sensor, product_of
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.jobs.area_work import AreaTask, area_run, work_on
from flows.jobs.call_check import check_call, check_engine, tell_doubts, tell_routes
from flows.jobs.services import Services
from flows.jobs.task_results import collect_results
from flows.jobs.task_runners import task_runner
from flows.ledger.ledger import Ledger
from flows.pipeline.area import passed_over, unused_kinds, watch_area
from flows.pipeline.area_replay import AreaOutcome, Progress, Stores
from flows.pipeline.area_size import large_areas
from flows.pipeline.clock_check import check_clock
from flows.pipeline.evidence_manifest import attest
from flows.pipeline.outputs_mirror import copy_outputs
from flows.pipeline.period import RunRequest, last_week
from flows.pipeline.quiet_draw import draw_quiet_places
from flows.pipeline.record_world import SETTINGS_OF_THE_RUN
from flows.pipeline.request import areas_of
from flows.pipeline.watch_terms import write_watch_terms
from flows.records.observations import ObservationRecord
from flows.records.runs import RunRecord
from flows.reports.data.week import report_week
from flows.reports.data.year import is_last_of_year, report_year
from flows.telemetry.logs import about, log, start_logging
from flows.telemetry.metrics import write_metrics
from flows.telemetry.progress import WORDS, Board
from flows.telemetry.run_record import VERSION, deployment_name
from flows.telemetry.step_timer import Stopwatch

MOST_PASSED_OVER = 200  # items of a catalog that the run's summary names
PATIENCE_S = 120.0  # for the end of another scheduled run
QUICK_S = 2.0  # an area that is done by then has no progress to show


@dataclass(frozen=True)
class WatchResult:
    """What a run came to: the report, alerts newly issued and changed, and each area that failed with its reason.

    `undelivered` are the reasons why messages could not be sent: they wait, and are no failure of the run. `waiting`
    messages wait after it, of which `simulated` do so as no route asks for such.
    """

    week: Week
    report: Path
    issued: tuple[str, ...]
    changed: tuple[str, ...]
    failures: dict[str, str]
    outcomes: tuple[AreaOutcome, ...]
    spent: Cost | None = None
    minutes: float = 0.0
    copied: str = ""
    stamps: str = ""
    undelivered: tuple[str, ...] = ()
    waiting: int = 0
    simulated: int = 0


@flow(name="watch", retries=0)
def watch(
    settings: Settings | None = None,
    since: date | None = None,
    until: date | None = None,
    only: tuple[str, ...] = (),
    from_archive: bool = False,
    replay: bool = False,
    tell_again: str | None = None,
) -> Any:
    """Watch the areas of the settings, week by week, and write alerts and the report of the last week.

    Each week is idempotent. An area that fails does not stop the others; the run then ends failed, with the list.
    Nobody hears a thing twice, except of the area that `tell_again` names.
    """
    began, settings = monotonic(), settings or load_settings()
    operating = load_operating()
    start_logging(operating, is_deployed=deployment_name() is not None)
    asked = RunRequest(since, until, datetime.now(UTC).date(), replay)
    check_call(settings, asked, only, from_archive=from_archive)
    check_engine(settings)
    areas, known = areas_of(settings, only)
    given = {"since": since, "until": until, "only": only, "from_archive": from_archive, "replay": replay}
    call = _Call(uuid4().hex, asked, areas, known, only, given | {"tell_again": tell_again})
    with private_files(), Services.open(settings) as services:
        tell_routes(services.routes)
        tell_doubts(services.routes, known)
        with Board(areas) as board, _under_way(services.ledger, call.run, call.week, only):
            result = _watch(call, services, operating, board)
        result = replace(result, minutes=(monotonic() - began) / 60)
    if result.failures:
        return Failed(message=f"areas failed: {', '.join(sorted(result.failures))}", data=result)
    return Completed(message=f"report at {result.report}", data=result)


@dataclass(frozen=True)
class _Call:
    """What a run is asked for: its id, its dates, its areas and the list they come from, and all that is recorded."""

    run: str
    asked: RunRequest
    areas: tuple[Area, ...]
    known: tuple[Area, ...]
    only: tuple[str, ...]
    given: dict[str, Any]

    @property
    def week(self) -> Week:
        return last_week(self.asked)


def _watch(call: _Call, services: Services, operating: Operating, board: Board) -> WatchResult:
    """The areas, then the files, the report, the messages and the evidence, each of which the next run puts right."""
    ledger, clock, week, began = services.ledger, Stopwatch(), call.week, monotonic()
    if doubt := check_clock(ledger, now=datetime.now(UTC), today_is=services.settings.today_is):
        log.warning(doubt)
    stores = services.stores(call.known, story_end=None if call.given["from_archive"] else week.last_day)
    if not call.given["from_archive"]:
        services.keep_plans()
    with clock.step("areas"):
        outcomes, failures, spent, provider = _watch_areas(call, services, stores, board)
    with clock.step("files"):
        write_outputs(stores, call.areas)
        _write_truth(stores, [a for a in call.areas if a.id not in failures])
    draw_quiet_places(ledger, call.known, week)
    post = RunMessages(ledger, services.routes, operating, week, tuple(area.id for area in call.known))
    post.keep_muted()
    with clock.step("report"):
        report = report_week(
            week,
            areas=call.known,
            ledger=ledger,
            archive=stores.archive,
            source_name=stores.source_name,
            outputs=stores.outputs,
            failures=failures,
            only_if_changed=True,
        )
        if is_last_of_year(week):
            report_year(week.last_day.year, ledger=ledger, outputs=stores.outputs)
    result = replace(_result(week, report, outcomes, failures), spent=spent, minutes=(monotonic() - began) / 60)
    with clock.step("messages"):
        result = replace(result, undelivered=post.send(again=call.given["tell_again"]))
    looks = {o.area_id: o for o in ledger.observations(until=week) if o.week == week}
    rows = _rows(result, looks)
    with clock.step("evidence"):
        known, key = services.authorities, services.signing_key
        manifest = attest(stores.outputs, ledger, call.run, key=key, authorities=known)
        result = replace(result, stamps=stamp_heads(stores.outputs, known).words)
    with clock.step("copy"):
        result = replace(result, copied=copy_outputs(services.mirror))
    figures = {"steps": clock.seconds, "areas_done": rows, "manifest": manifest, "provider": provider}
    _finish(ledger, call.run, result, call.known, figures)
    _show(result, rows, clock, is_simulated=stores.is_simulated)
    write_metrics(ledger, stores.outputs)
    for name, words in islice(passed_over(outcomes).items(), MOST_PASSED_OVER):
        log.warning("passed over", extra={"item": name, "reason": words})
    for kind, words in islice(unused_kinds(outcomes).items(), MOST_PASSED_OVER):
        log.warning("not used", extra={"kind": kind, "reason": words})
    log.info("watch ended", extra={"failed": len(failures), "issued": len(result.issued), **clock.seconds})
    waiting, simulated = waiting_messages(ledger, services.routes)
    return replace(result, waiting=waiting, simulated=simulated)


def _watch_areas(
    call: _Call, services: Services, stores: Stores, board: Board
) -> tuple[tuple[AreaOutcome, ...], dict[str, str], Cost | None, dict[str, Any] | None]:
    """Put the run on record and work on its areas, on the engine of the settings.

    What was spent, and how the provider answered, come last.
    """
    settings = services.settings
    with area_run("watch", call.run, call.asked, services, stores, areas=large_areas(call.areas), board=board) as work:
        _start(services, call.run, call.given)
        services.ledger.record_areas(call.known)
        for line in services.ledger.claims.take_list(call.known, at=datetime.now(UTC)):
            log.warning(line)
        with task_runner(settings.engine, at_once=settings.workers, cluster=settings.cluster) as runner:
            futures = [runner.submit(watch_one, {"task": work.task(area)}) for area in call.areas]
            outcomes, failures = collect_results(call.areas, futures, AreaOutcome)
    for area in call.areas:  # of one whose worker was killed nobody has said so
        board.tell(area.id, "failed" if area.id in failures else "done", 0, 0)
    provider = work.provider_summary(
        fetched=sum(o.fetched for o in outcomes),
        failed=sum(len(o.failed_scenes) for o in outcomes),
        passed_over=len(passed_over(outcomes)),
    )
    return outcomes, failures, work.spent, provider


@task(name="watch-area", cache_policy=NO_CACHE, persist_result=False)
def watch_one(task: AreaTask) -> Any:
    """One area of the watch, with its progress in the terminal and, where it takes a while, as a Prefect artifact.

    An error with a mend ends it failed with that message; any other is a defect, and is raised.
    """
    area = task.area
    artifact: UUID | None = None
    began, told = monotonic(), -1.0

    def work(stores: Stores, tell: Progress) -> AreaOutcome:
        def both(stage: str, done: int, total: int) -> None:
            nonlocal artifact, told
            tell(stage, done, total)
            share = 50.0 * done / max(total, 1) + (50.0 if stage == "detect" else 0.0)
            if monotonic() - began < QUICK_S or (share - told < 10.0 and share < 100.0):  # each is a call to the server
                return
            told = share
            if artifact is None:
                artifact = cast(UUID, create_progress_artifact(share, key=f"watch-{area.id}", description=WORDS[stage]))
            else:
                update_progress_artifact(artifact, round(share, 1), description=WORDS[stage])

        try:
            outcome = watch_area(area, task.call.request, stores, progress=both)
        except UserError as error:
            log.error("area failed: %s", error)
            raise
        log.info("area done", extra={"weeks": outcome.weeks, "fetched": outcome.fetched, **outcome.seconds})
        return outcome

    try:
        return work_on(task, work)
    except UserError as error:
        return Failed(message=str(error))


def write_outputs(stores: Stores, areas: Sequence[Area]) -> None:
    """The files that the record stands for: all alerts, the events of every area, and the STAC catalog.

    Events of areas that are watched no more are written too: `verify --replay` compares all as this version has them.
    """
    outputs, ledger = stores.outputs, stores.ledger
    write_alerts(ledger.alerts(), outputs / "alerts" / "alerts.geojson")
    recorded = {observation.area_id for observation in ledger.observations()}
    for area_id in sorted(recorded | {area.id for area in areas}):
        write_events(ledger.events(area_id), outputs / "areas" / area_id / "events.geojson")
    write_watch_terms(stores)
    for area in areas:
        with suppress(ImageryError):  # a store out of reach has failed the area, and its catalog stays as it was
            write_scenes(outputs, area.id, grid_of(area), _scenes_of(stores.archive, area))
    grids = [(area.id, grid_of(area)) for area in ledger.areas()]
    software = {"sitewatch": VERSION, "sitewatch-detectors": detectors.VERSION}
    write_catalog(outputs, grids, is_simulated=stores.is_simulated, software=software)


def _scenes_of(archive: Archive, area: Area) -> list[SceneFile]:
    """Every version of every archived scene of an area, of all sources."""
    grid = grid_of(area)
    return [
        SceneFile(
            v.sensor.value,
            v.acquired,
            v.path,
            v.sha256,
            level=_level(v.scene_id) if v.sensor is Sensor.SENTINEL_2 else "",
            is_simulated=name.split(".")[0] == SimulatedSource.name,
        )
        for name in archive.source_names(area.id, grid)
        for v in archive.versions(area.id, name, grid)
    ]


def _level(scene_id: str) -> str:
    return "L1C" if product_of(scene_id).is_level_1c else "L2A"


def _write_truth(stores: Stores, areas: Sequence[Area]) -> None:
    """What really happened in the simulated world, kept beside it for scoring."""
    if isinstance(stores.source, SimulatedSource):
        watched = [(area, grid_of(area)) for area in areas]
        stores.source.write_truth(stores.outputs / "archive" / "simulated-truth.geojson", watched)


@contextmanager
def _under_way(ledger: Ledger, run: str, week: Week, only: Sequence[str]) -> Iterator[None]:
    """Whoever looks after the runs can tell that this one lives; log lines name it.

    A scheduled run over the whole list waits a while for another to end; raises `LedgerError` if that goes on.
    """
    busy = "another scheduled run of the watch is under way; its weeks are these, and the next run does what it leaves"
    takes_turns = deployment_name() is not None and not only
    turn = ledger.exclusively("watch-all", complaint=busy, patience_s=PATIENCE_S) if takes_turns else nullcontext()
    with turn, ledger.exclusively(f"run-{run}", complaint=""), about(flow="watch", run=run, week=str(week)):
        yield


def _start(services: Services, run: str, given: dict[str, Any]) -> None:
    """Note what the run was asked for, so that it can be begun again if it dies."""
    asked = json.loads(json.dumps(given, default=str))
    settings = services.settings
    shown = settings.without_secrets() | {"since": str(given["since"]), "until": str(given["until"])}
    whence = {"flow": "watch", "deployment": deployment_name(), "parameters": asked, "detectors": detectors.VERSION}
    services.ledger.start_run(RunRecord(run, datetime.now(UTC), VERSION, shown | whence), source=services.source_name)
    (services.outputs / SETTINGS_OF_THE_RUN).write_text(json.dumps(shown, indent=2, sort_keys=True) + "\n")
    log.info("watch begun", extra={"deployment": whence["deployment"]})


def _finish(ledger: Ledger, run_id: str, result: WatchResult, known: Sequence[Area], figures: dict[str, Any]) -> None:
    summary = {
        **figures,
        "areas": [a.id for a in known],
        "week": str(result.week),
        "issued": list(result.issued),
        "changed": list(result.changed),
        "failures": result.failures,
        "fetched": sum(o.fetched for o in result.outcomes),
        "completed": {o.area_id: dict(o.completed_scenes) for o in result.outcomes if o.completed_scenes},
        "revised": {o.area_id: dict(o.revised_scenes) for o in result.outcomes if o.revised_scenes},
        "passed_over": dict(islice(passed_over(result.outcomes).items(), MOST_PASSED_OVER)),
        "unused": dict(islice(unused_kinds(result.outcomes).items(), MOST_PASSED_OVER)),
        "copied": result.copied,
        "stamps": result.stamps,
        "undelivered": list(result.undelivered),
        "spent": None if result.spent is None else asdict(result.spent) | {"minutes": round(result.minutes, 1)},
    }
    status = "failed" if result.failures else "completed"
    ledger.finish_run(run_id, status=status, summary=summary, at=datetime.now(UTC))


def _result(week: Week, report: Path, outcomes: tuple[AreaOutcome, ...], failures: dict[str, str]) -> WatchResult:
    issued = tuple(sorted(a for o in outcomes for a in o.issued))
    changed = tuple(sorted(a for o in outcomes for a in o.changed))
    return WatchResult(week, report, issued, changed, failures, outcomes)


def _rows(result: WatchResult, looks: Mapping[str, ObservationRecord]) -> list[dict[str, Any]]:
    """Area by area: what was fetched, seen and found, how long each step took, and why one failed."""
    done = {o.area_id: o for o in result.outcomes}
    rows = []
    for area_id in sorted({*done, *result.failures}):
        o, look = done.get(area_id, AreaOutcome(area_id)), looks.get(area_id)
        row = {"area": area_id, "weeks": o.weeks, "fetched": o.fetched, "scenes_failed": len(o.failed_scenes)}
        row |= {"seen_share": look.seen_share if look else None, "issued": len(o.issued), "changed": len(o.changed)}
        rows.append(row | {"seconds": o.seconds, "failed": result.failures.get(area_id, "")})
    return rows


def _show(result: WatchResult, rows: Sequence[Mapping[str, Any]], clock: Stopwatch, *, is_simulated: bool) -> None:
    """The run as Prefect artifacts: a table of areas, and where to look next."""
    shown = [{**row, "seconds": ", ".join(f"{step} {s:.1f}" for step, s in row["seconds"].items())} for row in rows]
    said = ", simulated" if is_simulated else ""
    create_table_artifact(key="watch-areas", table=shown, description=f"Areas watched up to {result.week}")
    create_markdown_artifact(
        key="watch-week",
        markdown=f"# {result.week}{said}\n\n{len(result.issued)} alerts issued, {len(result.changed)} changed, "
        f"{len(result.failures)} areas failed.\n\nReport: `{result.report}`\n\n"
        f"Spent: {result.spent or 'nothing that is counted'}. Seconds: {clock.seconds}.\n",
    )
