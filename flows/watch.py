"""The main job: areas in, imagery fetched, change measured, alerts and the week's report out."""

from __future__ import annotations

import os

# who watches whom is nobody's business; and a first start of the ephemeral server takes longer than its own limit
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "90")
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from aois.area import Area, Kind
from aois.demonstration import DEMONSTRATION_IDS, demonstration
from aois.grid import grid_of
from aois.reading import read_areas
from aois.week import Week
from flows.alerts.files import write_alerts, write_events
from flows.areawatch import AreaOutcome, Stores, watch_area
from flows.delivery import deliver_pending
from flows.imagery.archive import Archive
from flows.imagery.simulated import SimulatedSource
from flows.ledger.ledger import Ledger, open_ledger
from flows.ledger.records import RunRecord
from flows.plan import Asked, last_week
from flows.progress import Board
from flows.reporting import report_week
from flows.settings import Settings, SettingsError, SourceName
from flows.sources import open_source

VERSION = "0.1.0"


@dataclass(frozen=True)
class WatchResult:
    """What a run came to: the report, alerts newly issued and changed, and each area that failed with its reason."""

    week: Week
    report: Path
    issued: tuple[str, ...]
    changed: tuple[str, ...]
    failures: dict[str, str]
    outcomes: tuple[AreaOutcome, ...]


def areas_of(settings: Settings, only: Sequence[str] = ()) -> tuple[tuple[Area, ...], tuple[Area, ...]]:
    """The areas to watch and the whole list they come from; raises `SettingsError` for an unknown id.

    The demonstration lies at sea, so no satellite is asked for it.
    """
    known = demonstration() if settings.areas is None else read_areas(settings.areas)
    fictional = sorted({a.id for a in known} & set(DEMONSTRATION_IDS))
    if fictional and settings.source is not SourceName.SIMULATED:
        raise SettingsError(
            f"area `{fictional[0]}` belongs to the fictional demonstration, which source `{settings.source}` has never "
            "seen; give your own list with --areas FILE, or use --source simulated"
        )
    unknown = sorted(set(only) - {a.id for a in known})
    if unknown:
        raise SettingsError(f"area `{unknown[0]}` is not in the list; it holds {', '.join(a.id for a in known)}")
    return tuple(a for a in known if not only or a.id in only), known


@flow(name="watch", task_runner=ThreadPoolTaskRunner(max_workers=2), retries=0)  # type: ignore[arg-type]
def watch(
    settings: Settings | None = None,
    since: date | None = None,
    until: date | None = None,
    only: tuple[str, ...] = (),
    from_archive: bool = False,
) -> Any:
    """Watch the areas of the settings, week by week, and write alerts and the report of the last week.

    Each week is idempotent. An area that fails does not stop the others; the run then ends failed, with the list.
    """
    settings = settings or Settings()
    areas, known = areas_of(settings, only)
    asked = Asked(since, until, datetime.now(UTC).date())
    week = last_week(asked)
    with open_ledger(_prepared(settings).ledger) as ledger, Board(areas) as board:
        run = _start(ledger, settings, asked)
        ledger.record_areas(known)
        stores = _stores(settings, ledger, week, known, from_archive)
        futures = [watch_one.submit(area, asked, stores, board) for area in areas]
        outcomes, failures = _gather(areas, futures)
        write_outputs(settings, ledger, areas)
        _write_truth(stores, areas, settings)
        report = report_week(
            week,
            areas=known,
            ledger=ledger,
            archive=stores.archive,
            source_name=stores.source_name,
            folder=settings.outputs / "reports",
            failures=failures,
        )
        deliver_pending(ledger, settings, week=week, report=report, now=datetime.now(UTC))
        result = _result(week, report, outcomes, failures)
        _finish(ledger, run, result)
    _show(result)
    if failures:
        return Failed(message=f"areas failed: {', '.join(sorted(failures))}", data=result)
    return Completed(message=f"report at {report}", data=result)


@task(name="watch-area", cache_policy=NO_CACHE, persist_result=False)
def watch_one(area: Area, asked: Asked, stores: Stores, board: Board) -> AreaOutcome:
    """One area of the watch."""
    return board.follow(area.id, lambda progress: watch_area(area, asked, stores, progress=progress))


def write_outputs(settings: Settings, ledger: Ledger, areas: Sequence[Area]) -> None:
    """The GeoJSON files that the ledger stands for, for all alerts and for the events of each area."""
    write_alerts(ledger.alerts(), settings.outputs / "alerts" / "alerts.geojson")
    for area in areas:
        write_events(ledger.events(area.id), settings.outputs / "areas" / area.id / "events.geojson")


def _prepared(settings: Settings) -> Settings:
    try:
        settings.outputs.mkdir(parents=True, exist_ok=True)
        probe = settings.outputs / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            f"outputs `{settings.outputs}` cannot be written: {error.strerror}; name another folder with --outputs"
        ) from None
    return settings


def _stores(settings: Settings, ledger: Ledger, week: Week, known: tuple[Area, ...], from_archive: bool) -> Stores:
    source = None if from_archive else open_source(settings, story_end=week.last_day)
    sites = tuple(a for a in known if a.kind is Kind.SITE)
    archive = Archive(settings.outputs / "archive")
    return Stores(settings, archive, ledger, source, settings.source.value, sites)


def _gather(areas: Sequence[Area], futures: Sequence[Any]) -> tuple[tuple[AreaOutcome, ...], dict[str, str]]:
    outcomes, failures = [], {}
    for area, future in zip(areas, futures, strict=True):
        future.wait()
        result = future.result(raise_on_failure=False)
        if isinstance(result, AreaOutcome):
            outcomes.append(result)
        else:
            failures[area.id] = str(result) or type(result).__name__
    return tuple(outcomes), failures


def _write_truth(stores: Stores, areas: Sequence[Area], settings: Settings) -> None:
    """What really happened in the simulated world, kept beside it for scoring."""
    if isinstance(stores.source, SimulatedSource):
        watched = [(area, grid_of(area)) for area in areas]
        stores.source.write_truth(settings.outputs / "archive" / "simulated-truth.geojson", watched)


def _start(ledger: Ledger, settings: Settings, asked: Asked) -> str:
    run_id = uuid4().hex
    shown = settings.without_secrets() | {"since": str(asked.since), "until": str(asked.until)}
    (settings.outputs / "run-settings.json").write_text(json.dumps(shown, indent=2, sort_keys=True) + "\n")
    ledger.start_run(RunRecord(run_id, datetime.now(UTC), VERSION, shown))
    return run_id


def _finish(ledger: Ledger, run_id: str, result: WatchResult) -> None:
    summary = {
        "week": str(result.week),
        "issued": list(result.issued),
        "changed": list(result.changed),
        "failures": result.failures,
        "fetched": sum(o.fetched for o in result.outcomes),
    }
    status = "failed" if result.failures else "completed"
    ledger.finish_run(run_id, status=status, summary=summary, at=datetime.now(UTC))


def _result(week: Week, report: Path, outcomes: tuple[AreaOutcome, ...], failures: dict[str, str]) -> WatchResult:
    issued = tuple(sorted(a for o in outcomes for a in o.issued))
    changed = tuple(sorted(a for o in outcomes for a in o.changed))
    return WatchResult(week, report, issued, changed, failures, outcomes)


def _show(result: WatchResult) -> None:
    """The run as Prefect artifacts: a table of areas, and where to look next."""
    rows = [
        {"area": o.area_id, "weeks": o.weeks, "fetched": o.fetched, "issued": len(o.issued), "failed": ""}
        for o in result.outcomes
    ]
    rows += [{"area": a, "weeks": 0, "fetched": 0, "issued": 0, "failed": why} for a, why in result.failures.items()]
    create_table_artifact(key="watch-areas", table=rows, description=f"Areas watched up to {result.week}")
    create_markdown_artifact(
        key="watch-week",
        markdown=f"# {result.week}\n\n{len(result.issued)} alerts issued, {len(result.changed)} changed, "
        f"{len(result.failures)} areas failed.\n\nReport: `{result.report}`\n",
    )
