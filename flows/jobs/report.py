"""Build the pages of the last week again, from the record."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.states import Completed

from flows.jobs.job_run import chore
from flows.pipeline.outputs_mirror import copy_outputs
from flows.reports.data.recorded_weeks import week_on_record
from flows.reports.data.week import rebuild_week


@flow(name="report")
def report(week: str | None = None) -> Any:
    """The pages of a week, the last on record if left out, are built again from the record and the archive."""
    with chore("report") as one:
        services = one.services
        chosen = week_on_record(week, services.ledger, services.outputs)
        path = rebuild_week(chosen, ledger=services.ledger, archive=services.archive, outputs=services.outputs)
        one.summary.update(reported=str(chosen), report=str(path), copied=copy_outputs(services.mirror))
    return Completed(message=f"report at {path}")
