"""The history of the record as hashes: what was written once is never to change."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from flows.ledger.tables import Base
from flows.ledger.types import canonical_json

APPEND_ONLY = ("event_transitions", "event_remarks", "event_versions", "verdicts")


def digests(session: Session, *, limits: Mapping[str, int] | None = None) -> dict[str, dict[str, Any]]:
    """For each table that only grows how many ``rows`` it has and their ``sha256``, in the order of writing.

    `limits` says how many rows of each to look at, all where it is silent. Both databases give the same.
    """
    return {name: _digest(session, name, None if limits is None else limits.get(name)) for name in APPEND_ONLY}


def _digest(session: Session, name: str, limit: int | None) -> dict[str, Any]:
    table = Base.metadata.tables[name]
    hashed, rows = sha256(), 0
    query = select(*(column for column in table.columns if column.name != "id")).order_by(table.c.id).limit(limit)
    for row in session.execute(query.execution_options(yield_per=1000)):
        hashed.update(canonical_json([value if isinstance(value, dict) else str(value) for value in row]).encode())
        hashed.update(b"\n")
        rows += 1
    return {"rows": rows, "sha256": hashed.hexdigest()}
