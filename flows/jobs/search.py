"""The region search: every pixel of whole regions, for places that deserve a close look. One task a region."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed

from aois.area import Area, AreaKind
from aois.errors import UserError
from flows.config.handed_settings import HandedSettings
from flows.config.settings import Engine, Settings, load_settings
from flows.jobs.search_request import regions_of
from flows.jobs.task_results import collect_results
from flows.jobs.task_runners import task_runner
from flows.ledger.ledger import open_ledger
from flows.pipeline.period import RunRequest, last_week
from flows.pipeline.record_world import check_world
from flows.pipeline.region import RegionOutcome, run_region
from flows.tile_search.search_tile import SearchPeriod


@dataclass(frozen=True)
class RegionTask:
    """What is given for one region; another process than the run's gets the settings without their secrets."""

    region: Area
    sites: tuple[Area, ...]
    span: SearchPeriod
    threads: int
    given: Settings | HandedSettings


@dataclass(frozen=True)
class SearchResult:
    """What a search came to: each region's outcome, and each region that failed with its reason."""

    until: date
    outcomes: tuple[RegionOutcome, ...]
    failures: dict[str, str] = field(default_factory=dict)


@flow(name="search", retries=0)
def search(
    settings: Settings | None = None,
    regions: tuple[str, ...] = (),
    since: date | None = None,
    until: date | None = None,
    threads: int = 2,
    at_once: int = 1,
) -> Any:
    """Search regions of the list, all of them when none is named, up to the end of the last whole week or of a day.

    A region's first search fits its baseline from the days before `since` (the lookback of the settings when left out);
    later ones take in what is new. `threads` work on a region at the same time, and the
    engine of the settings on `at_once` regions. A region that fails stops no other.
    """
    settings = settings or load_settings()
    areas, known = regions_of(settings, regions)
    check_world(settings)
    with open_ledger(settings.ledger) as ledger:
        ledger.claim(settings.source.value)
    end = last_week(RunRequest(since, until, datetime.now(UTC).date())).last_day if until is None else until
    span = SearchPeriod(since or end - timedelta(weeks=settings.lookback_weeks), end, settings.history_days)
    sites = tuple(area for area in known if area.kind is AreaKind.SITE)
    given = settings if settings.engine is Engine.THREADS else HandedSettings.of(settings)
    with task_runner(settings.engine, at_once=at_once, cluster=settings.cluster) as runner:
        tasks = [RegionTask(area, sites, span, threads, given) for area in areas]
        futures = [runner.submit(search_region, {"task": task}) for task in tasks]
        result = SearchResult(end, *collect_results(areas, futures, RegionOutcome))
    _show(result)
    if result.failures:
        return Failed(message=f"regions failed: {', '.join(sorted(result.failures))}", data=result)
    return Completed(message=f"{len(areas)} regions searched up to {end}", data=result)


@task(name="search-region", cache_policy=NO_CACHE, persist_result=False)
def search_region(task: RegionTask) -> Any:
    """One region, in whichever thread, process or machine; all it shares with others is the outputs' folder."""
    try:
        settings = task.given.settings() if isinstance(task.given, HandedSettings) else task.given
        return run_region(task.region, settings, task.span, sites=task.sites, threads=task.threads)
    except UserError as error:
        return Failed(message=str(error))


def _show(result: SearchResult) -> None:
    rows = [
        {
            "region": o.region_id,
            "looks": o.taken,
            "candidates": len(o.candidates),
            "last look": str(o.last),
            "failed": "",
        }
        for o in result.outcomes
    ]
    rows += [
        {"region": r, "looks": 0, "candidates": 0, "last look": "", "failed": w} for r, w in result.failures.items()
    ]
    create_table_artifact(key="search-regions", table=rows, description=f"Regions searched up to {result.until}")
