"""What every run leaves behind: a row in the ledger, a Prefect artifact, metrics, and log lines with its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from prefect.artifacts import create_markdown_artifact
from prefect.runtime import deployment

from aois.errors import UserError
from flows.ledger.ledger import Ledger
from flows.records.runs import RunRecord
from flows.telemetry.logs import about, log
from flows.telemetry.metrics import write_metrics
from flows.telemetry.step_timer import Stopwatch

VERSION = "0.1.0"


def deployment_name() -> str | None:
    """The deployment that the present run came from; None for one that a person typed."""
    name = deployment.name
    return None if name is None else str(name)


def lock_of(run: RunRecord) -> str:
    """The name that a run holds on the ledger as long as it lives."""
    return str(run.settings.get("lock") or f"run-{run.run_id}")


@contextmanager
def recorded(
    ledger: Ledger, outputs: Path, flow: str, *, source: str, is_fetching: bool = False
) -> Iterator[tuple[dict[str, Any], Stopwatch]]:
    """A run of one of the small flows: what it puts into the summary stands in the ledger, an artifact and metrics.

    `source` is the one of the settings; where the run `is_fetching`, it brings pictures of it. One run of a flow at a
    time; raises `LedgerError` for a second one, and for pictures of another world than the record's.
    """
    run_id, lock, watch = uuid4().hex, f"run-{flow}", Stopwatch()
    given = {"flow": flow, "source": source, "deployment": deployment_name(), "lock": lock}
    summary: dict[str, Any] = {"run_id": run_id}
    busy = f"another run of `{flow}` is under way; wait for it to end"
    with ledger.exclusively(lock, complaint=busy, patience_s=5.0), about(flow=flow, run=run_id):
        ledger.start_run(RunRecord(run_id, datetime.now(UTC), VERSION, given), source=source if is_fetching else None)
        status = "failed"
        try:
            with watch.step("all"):
                yield summary, watch
            status = "failed" if summary.get("failures") else "completed"
        except Exception as error:
            summary["failures"] = {"run": str(error) if isinstance(error, UserError) else type(error).__name__}
            raise
        finally:
            summary["steps"] = watch.seconds
            ledger.finish_run(run_id, status=status, summary=summary, at=datetime.now(UTC))
            log.info("%s %s", flow, status, extra={"seconds": watch.seconds.get("all")})
        leave(ledger, outputs, flow, summary)


def leave(ledger: Ledger, outputs: Path, flow: str, summary: Mapping[str, Any]) -> None:
    """The artifact and the metrics of a run that is over."""
    rows = "\n".join(f"| {name} | {_cell(value)} |" for name, value in summary.items())
    markdown = f"# {flow}\n\n| what | figure |\n|---|---|\n{rows}\n"
    create_markdown_artifact(key=f"{flow}-run", markdown=markdown, description=f"What `{flow}` did")
    write_metrics(ledger, outputs)


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_cell(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(_cell(one) for one in value) or "none"
    return str(value).replace("|", "\\|").replace("\n", " ")
