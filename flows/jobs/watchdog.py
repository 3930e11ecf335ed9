"""Looking after the watch itself: runs that died are begun again, and the operator hears what should not be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import flow
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed

from flows.alerts.due import deliver_due
from flows.alerts.operator_notices import Condition, conditions_of, post_notices, silence_conditions
from flows.jobs.job_run import Chore, chore
from flows.ledger.errors import LedgerError
from flows.ledger.ledger import Ledger
from flows.pipeline.request import areas_of
from flows.records.runs import RunRecord
from flows.telemetry.logs import log
from flows.telemetry.run_record import lock_of

RESUMED = ("watch", "rerun", "search")  # what is worth beginning again at once; the others come again by their schedule
MOST_DEATHS = 3  # a day; what dies every time is not begun for ever
LOOK_BACK = 3000
OWN_LOCK = "run-lookout"


@flow(name="lookout")
def lookout() -> Any:
    """Runs that died have been begun again, once each, and the operator's notices are on their way."""
    with chore("lookout") as one:
        now, ledger, routes = datetime.now(UTC), one.services.ledger, one.services.routes
        dead = dead_runs(ledger, but=str(one.summary["run_id"]))
        conditions = [*resume(ledger, dead, now=now), *_conditions(one, now)]
        channels = post_notices(ledger, routes, conditions, now=now)
        deliver_due(ledger, routes)
        one.summary.update(
            dead_runs=[run.run_id for run in dead],
            conditions=[condition.name for condition in conditions],
            operator_channels=channels,
        )
        for condition in conditions:
            log.warning(condition.title)
    return Completed(message=", ".join(c.name for c in conditions) or "all is well")


def dead_runs(ledger: Ledger, *, but: str = "") -> list[RunRecord]:
    """Runs, but for one, that began, never ended, and hold nothing on the ledger any more; oldest first."""
    begun = [run for run in reversed(ledger.runs(limit=LOOK_BACK)) if run.finished_at is None and run.run_id != but]
    return [run for run in begun if _is_dead(ledger, run)]


def resume(ledger: Ledger, dead: list[RunRecord], *, now: datetime) -> list[Condition]:
    """Runs of deployments are begun again with what they were asked for, and all are noted as interrupted.

    Prefect takes each request once (its key is the dead run's), so a kill between the two steps begins nothing twice.
    Where the same deployment died `MOST_DEATHS` times within a day it is left to its schedule, and the operator hears.
    """
    conditions = []
    for run in dead:
        name = run.settings.get("deployment")
        flow_name = str(run.settings.get("flow"))
        if name is not None and flow_name in RESUMED:
            if _deaths(ledger, flow_name, now) >= MOST_DEATHS:
                conditions.append(_dying(flow_name, now))
            else:
                _begin_again(flow_name, str(name), run)
        summary = {"failures": {"run": "it died; see what killed it in the system's log"}}
        ledger.finish_run(run.run_id, status="interrupted", summary=summary, at=now)
    return conditions


def _is_dead(ledger: Ledger, run: RunRecord) -> bool:
    try:
        with ledger.exclusively(lock_of(run), complaint="alive"):
            return True
    except LedgerError:
        return lock_of(run) == OWN_LOCK  # the run that asks holds it, so the one that is asked about does not


def _deaths(ledger: Ledger, flow_name: str, now: datetime) -> int:
    since = now - timedelta(days=1)
    return sum(
        run.status == "interrupted" and run.settings.get("flow") == flow_name and run.started_at >= since
        for run in ledger.runs(limit=LOOK_BACK)
    )


def _dying(flow_name: str, now: datetime) -> Condition:
    return Condition(
        f"dying:{flow_name}:{now.date()}",
        f"Sitewatch: `{flow_name}` died {MOST_DEATHS} times today",
        (
            f"`{flow_name}` was killed or crashed {MOST_DEATHS} times within a day and is left to its schedule now.",
            "Memory is the usual reason: lower SITEWATCH_WORKERS, and look into the system's log.",
        ),
    )


def _begin_again(flow_name: str, deployment: str, run: RunRecord) -> None:
    parameters: Mapping[str, Any] = run.settings.get("parameters") or {}
    try:
        run_deployment(
            f"{flow_name}/{deployment}",
            parameters=dict(parameters),
            timeout=0,
            idempotency_key=f"resume-{run.run_id}",
            as_subflow=False,
        )
    except ObjectNotFound:
        log.warning("deployment `%s/%s` is gone, so what died of it is not begun again", flow_name, deployment)
        return
    log.warning("run begun again, since it died", extra={"dead_run": run.run_id})


def _conditions(one: Chore, now: datetime) -> list[Condition]:
    """Of the areas that are listed and have been part of a run: one added today is not late."""
    ledger = one.services.ledger
    listed = {area.id for area in areas_of(one.services.settings)[1]} & {area.id for area in ledger.areas()}
    observations, scenes = ledger.observations(), {area_id: ledger.scenes(area_id) for area_id in sorted(listed)}
    return [
        *conditions_of(observations, listed, one.operating, now=now),
        *silence_conditions(observations, scenes),
    ]
