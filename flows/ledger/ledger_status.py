"""What a ledger holds, in one line: for whoever is about to put another in its place."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from flows.ledger.tables import AlertRow, AreaRow, Base, EventRow, MessageRow, ObservationRow, RunRow, VerdictRow

COUNTED = {"areas": AreaRow, "events": EventRow, "alerts": AlertRow, "verdicts": VerdictRow}


@dataclass(frozen=True)
class LedgerStatus:
    """What a ledger holds; `waiting` is how many messages nobody was sent yet."""

    words: str
    waiting: int
    is_empty: bool


def ledger_status_of(connection: Connection) -> LedgerStatus:
    """Return what the ledger behind a connection holds."""
    counts = {name: connection.scalar(select(func.count()).select_from(row)) or 0 for name, row in COUNTED.items()}
    week = connection.scalar(select(func.max(ObservationRow.week)))
    run = connection.scalar(select(func.max(RunRow.started_at)))
    words = ", ".join(f"{number} {name}" for name, number in counts.items())
    words += f", weeks up to {week or 'none'}, its last run {f'{run:%Y-%m-%d %H:%M} UTC' if run else 'none'}"
    unsent = select(func.count()).select_from(MessageRow).where(MessageRow.routed_at.is_(None))
    tables = (select(*table.primary_key).limit(1) for table in Base.metadata.sorted_tables)
    is_empty = all(connection.execute(query).first() is None for query in tables)
    return LedgerStatus(words, connection.scalar(unsent) or 0, is_empty)
