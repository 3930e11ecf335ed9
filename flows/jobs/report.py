"""Build the pages of the last week again, from the record."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.states import Completed

from flows.jobs.job_run import chore
from flows.pipeline.outputs_mirror import copy_outputs
from flows.reports.data.recorded_weeks import week_on_record
from flows.reports.data.week import rebuild_week
from flows.reports.data.year import report_year


@flow(name="report")
def report(week: str | None = None, year: int | None = None) -> Any:
    """The pages of a week, the last on record if left out, or of a year, are built again from the record."""
    with chore("report") as one:
        services = one.services
        ledger, outputs = services.ledger, services.outputs
        if year is None:
            chosen = week_on_record(week, ledger, outputs)
            path, reported = rebuild_week(chosen, ledger=ledger, archive=services.archive, outputs=outputs), str(chosen)
        else:
            path, reported = report_year(year, ledger=ledger, outputs=outputs).pages[0], str(year)
        one.summary.update(reported=reported, report=str(path), copied=copy_outputs(services.mirror))
    return Completed(message=f"report at {path}")
