"""The runs of the watch."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from flows.ledger.errors import LedgerError
from flows.ledger.tables import RunRow
from flows.records.runs import RunRecord


def start(session: Session, run: RunRecord) -> None:
    """Record a run that begins; raises `LedgerError` when its id is taken."""
    if session.get(RunRow, run.run_id) is not None:
        raise LedgerError(f"run `{run.run_id}` is in the ledger already; give every run an id of its own")
    session.add(
        RunRow(
            id=run.run_id,
            started_at=run.started_at,
            version=run.version,
            settings=dict(run.settings),
            status=run.status,
            summary=dict(run.summary),
            finished_at=run.finished_at,
        )
    )


def finish(session: Session, run_id: str, *, status: str, summary: Mapping[str, Any], at: datetime) -> None:
    """Record how a run ended; raises `LedgerError` for a run that was never started."""
    row = session.get(RunRow, run_id)
    if row is None:
        raise LedgerError(f"run `{run_id}` is not in the ledger; start it before finishing it")
    row.status, row.summary, row.finished_at = status, dict(summary), at


def is_there(session: Session, run_id: str) -> bool:
    """Tell whether a run was started."""
    return session.get(RunRow, run_id) is not None


def read(session: Session, *, limit: int | None) -> list[RunRecord]:
    """List the latest runs, newest first."""
    query = select(RunRow).order_by(RunRow.started_at.desc(), RunRow.id).limit(limit)
    return [
        RunRecord(
            row.id, row.started_at, row.version, dict(row.settings), row.status, dict(row.summary), row.finished_at
        )
        for row in session.scalars(query)
    ]
