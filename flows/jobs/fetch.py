"""Fetch new scenes into the archive; nothing is measured."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Failed

from aois.errors import UserError
from flows.evidence.stamping import stamp_heads
from flows.jobs.area_work import AreaTask, area_run, work_on
from flows.jobs.call_check import check_call, check_engine, tell_routes
from flows.jobs.job_run import chore, ended
from flows.jobs.task_results import collect_results
from flows.jobs.task_runners import task_runner
from flows.pipeline.area import fetch_area
from flows.pipeline.area_replay import Stores
from flows.pipeline.area_size import large_areas
from flows.pipeline.evidence_manifest import attest
from flows.pipeline.period import RunRequest, last_week
from flows.pipeline.request import areas_of
from flows.telemetry.logs import log


@dataclass(frozen=True)
class FetchedArea:
    """What a fetch brought of one area: scenes that came, scenes that failed, and how long it took."""

    area_id: str
    fetched: int
    failed: int
    passed_over: int
    seconds: dict[str, float]


@flow(name="fetch")
def fetch() -> Any:
    """The archive holds every scene that the source has up to today; nothing is measured. An area that fails waits."""
    with chore("fetch", is_fetching=True) as one:
        asked, services, run_id = RunRequest(None, None, datetime.now(UTC).date()), one.services, one.summary["run_id"]
        settings = services.settings
        check_call(settings, asked)
        check_engine(settings)
        tell_routes(services.routes)
        areas, _ = areas_of(settings)
        stores = services.stores(story_end=last_week(asked).last_day)
        with (
            area_run("fetch", run_id, asked, services, stores, areas=large_areas(areas)) as work,
            task_runner(settings.engine, at_once=settings.workers, cluster=settings.cluster) as runner,
        ):
            futures = [runner.submit(fetch_one, {"task": work.task(area)}) for area in areas]
            fetched, failures = collect_results(areas, futures, FetchedArea)
        one.summary.update(
            areas_done={a.area_id: {name: n for name, n in asdict(a).items() if name != "area_id"} for a in fetched},
            fetched=sum(a.fetched for a in fetched),
            provider=work.provider_summary(
                fetched=sum(a.fetched for a in fetched),
                failed=sum(a.failed for a in fetched),
                passed_over=max((a.passed_over for a in fetched), default=0),
            ),
            spent=None if work.spent is None else asdict(work.spent),
            failures=failures,
            manifest=attest(services.outputs, services.ledger, run_id, key=services.signing_key),
            stamps=stamp_heads(services.outputs, services.authorities).words,
        )
    return ended(failures)


@task(name="fetch-area", cache_policy=NO_CACHE, persist_result=False)
def fetch_one(task: AreaTask) -> Any:
    """The new scenes of one area: how many came, how many failed; an error with a mend ends it failed."""
    try:
        return work_on(task, lambda stores, _: _fetch(task, stores))
    except UserError as error:
        return Failed(message=str(error))


def _fetch(task: AreaTask, stores: Stores) -> FetchedArea:
    try:
        outcome = fetch_area(task.area, task.call.request, stores)
    except UserError as error:
        log.warning("not fetched: %s", error)
        raise
    log.info("fetched", extra={"scenes": outcome.fetched, "failed": len(outcome.failed_scenes)})
    failed, passed = len(outcome.failed_scenes), len(outcome.passed_over)
    return FetchedArea(task.area.id, outcome.fetched, failed, passed, outcome.seconds)
