"""Fetch new scenes into the archive; nothing is measured."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed
from prefect.task_runners import ThreadPoolTaskRunner

from aois.area import Area
from aois.errors import UserError
from flows.imagery.network.quota import Metered
from flows.imagery.scene import ImageryError
from flows.jobs.call_check import check_call, tell_routes
from flows.jobs.job_run import chore, ended
from flows.pipeline.area import fetch_area
from flows.pipeline.area_replay import Stores
from flows.pipeline.evidence_manifest import attest
from flows.pipeline.period import RunRequest, last_week
from flows.pipeline.request import areas_of
from flows.pipeline.sources import open_archive, open_source
from flows.telemetry.logs import about, log


@flow(name="fetch", task_runner=ThreadPoolTaskRunner(max_workers=2))  # type: ignore[arg-type]
def fetch() -> Any:
    """The archive holds every scene that the source has up to today; nothing is measured. An area that fails waits."""
    with chore("fetch", is_fetching=True) as one:
        asked = RunRequest(None, None, datetime.now(UTC).date())
        check_call(one.settings, asked)
        tell_routes(one.settings)
        areas, _ = areas_of(one.settings)
        source = open_source(one.settings, story_end=last_week(asked).last_day)
        stores = Stores(one.settings, open_archive(one.settings), one.ledger, source, one.settings.source.value, ())
        futures = {area.id: fetch_one.submit(area, asked, stores) for area in areas}
        results = {area_id: future.result(raise_on_failure=False) for area_id, future in futures.items()}
        failures = {a: str(r) for a, r in results.items() if isinstance(r, Exception)}
        one.summary.update(
            areas_done={a: r for a, r in results.items() if isinstance(r, dict)},
            fetched=sum(r["fetched"] for r in results.values() if isinstance(r, dict)),
            spent=asdict(source.spent) if isinstance(source, Metered) else None,
            failures=failures,
            manifest=attest(one.settings, one.ledger, str(one.summary["run_id"])),
        )
    return ended(failures)


@task(name="fetch-area", cache_policy=NO_CACHE, persist_result=False)
def fetch_one(area: Area, asked: RunRequest, stores: Stores) -> Any:
    """The new scenes of one area: how many came, how many failed; or the error, which has a mend."""
    with about(area=area.id):
        try:
            outcome = fetch_area(area, asked, stores)
        except UserError as error:
            log.warning("not fetched: %s", error)
            return Completed(message="failed", data=ImageryError(str(error)))
        log.info("fetched", extra={"scenes": outcome.fetched, "failed": len(outcome.failed_scenes)})
        return {"fetched": outcome.fetched, "failed": len(outcome.failed_scenes), "seconds": outcome.seconds}
