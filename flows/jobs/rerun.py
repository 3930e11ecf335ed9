"""One area again, as a flow: what `sitewatch rerun` does, for those who ask Prefect for it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from prefect import flow

from flows.config.settings import load_settings
from flows.jobs.watch import watch
from flows.ledger.ledger import open_ledger
from flows.pipeline.period import RunRequest
from flows.pipeline.request import rerun_call
from flows.telemetry.logs import start_logging
from flows.telemetry.run_record import deployment_name


@flow(name="rerun")
def rerun(
    area: str,
    since: date | None = None,
    until: date | None = None,
    refetch: bool = False,
    tell_again: bool = False,
) -> Any:
    """Work through the weeks of one area again, in order, from the archive; what is on record stays or is put right.

    With `refetch` the source is asked for what the archive lacks. Nobody hears anything again, unless `tell_again` asks
    for it.
    """
    start_logging(is_deployed=deployment_name() is not None)
    settings = load_settings()
    with open_ledger(settings.ledger) as ledger:
        asked = RunRequest(since, until, datetime.now(UTC).date(), replay=True)
        settings, asked = rerun_call(settings, area, asked, ledger)
    again = area if tell_again else None
    return watch(settings, asked.since, asked.until, (area,), not refetch, True, again, return_state=True)
