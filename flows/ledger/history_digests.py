"""The tables that only grow as hashes, for manifests of earlier versions, which knew no journal."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import TypedDict

from sqlalchemy import select
from sqlalchemy.orm import Session

from flows.ledger.tables import Base
from flows.ledger.types import canonical_json

APPEND_ONLY = {
    "event_transitions": ("event_id", "state", "entered_on", "scene_id", "week", "note"),
    "event_remarks": ("event_id", "kind", "noted_on", "about", "week"),
    "event_versions": ("event_id", "week", "properties", "geometry"),
    "verdicts": ("event_id", "verdict", "reason", "note", "judged_by", "judged_at", "seen"),
}
"""The tables that manifests of earlier versions cover, with the columns that they hashed."""


class TableDigest(TypedDict):
    """How many rows of a table were hashed in the order of writing, and their SHA-256."""

    rows: int
    sha256: str


def digests(session: Session, *, limits: Mapping[str, int] | None = None) -> dict[str, TableDigest]:
    """Compute how many ``rows`` each table that only grows has, and their ``sha256`` in the order of writing.

    `limits` says how many rows of each to look at, all where it is silent. Both databases give the same.
    """
    return {name: _digest(session, name, None if limits is None else limits.get(name)) for name in APPEND_ONLY}


def _digest(session: Session, name: str, limit: int | None) -> TableDigest:
    table = Base.metadata.tables[name]
    hashed, rows = sha256(), 0
    query = select(*(table.c[column] for column in APPEND_ONLY[name])).order_by(table.c.id).limit(limit)
    for row in session.execute(query.execution_options(yield_per=1000)):
        hashed.update(canonical_json([value if isinstance(value, dict) else str(value) for value in row]).encode())
        hashed.update(b"\n")
        rows += 1
    return {"rows": rows, "sha256": hashed.hexdigest()}
