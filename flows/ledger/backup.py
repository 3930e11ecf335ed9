"""The whole ledger in one file, for SQLite and PostgreSQL alike; `restoring` leads back, and from one to the other."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, func, select
from sqlalchemy.exc import StatementError

from flows.ledger.checksums import write_checksum
from flows.ledger.database import connect, reading, reason, writing
from flows.ledger.errors import LedgerError
from flows.ledger.tables import Base, SessionRow
from flows.printable import printable

ROWS_AT_ONCE = 1000
NOT_KEPT = SessionRow.__tablename__  # who was logged in then is not logged in by a backup


def back_up(ledger: Engine, path: Path) -> int:
    """Write a backup of the ledger as of one moment, and return how many rows it holds.

    The file is readable by its owner alone and has a checksum.

    Others may go on writing meanwhile. The file appears whole or not at all; one that exists is not overwritten. Raises
    `LedgerError` when it cannot be written.
    """
    if path.exists():
        raise LedgerError(f"backup `{printable(path)}` exists and is not overwritten; name another file")
    with explained(path, ledger), tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        draft = Path(folder) / "backup.sqlite"
        copy = connect(f"sqlite:///{draft}")
        try:
            with reading(ledger).connect() as source, writing(copy).begin() as target:
                rows = copy_rows(source, target)
        finally:
            copy.dispose()
        write_checksum(draft)
        _settle(draft, path)
    return rows


def copy_rows(source: Connection, target: Connection) -> int:
    """Copy every row of every table but the sessions', and return how many.

    Tables that others refer to come first.
    """
    total = 0
    for table in kept_tables():
        rows = source.execution_options(yield_per=ROWS_AT_ONCE).execute(select(table).order_by(*table.primary_key))
        for some in rows.mappings().partitions():
            target.execute(table.insert(), [dict(row) for row in some])
            total += len(some)
        _count_on(target, table)
    return total


def kept_tables() -> list[Table]:
    """List the tables that a backup holds, those that others refer to first."""
    return [table for table in Base.metadata.sorted_tables if table.name != NOT_KEPT]


@contextmanager
def explained(path: Path, ledger: Engine) -> Iterator[None]:
    """Turn what goes wrong with a backup into a `LedgerError` that names it."""
    try:
        yield
    except (OSError, StatementError) as error:
        raise LedgerError(
            f"backup `{printable(path)}`: {reason(error, ledger.url)}; check the folder, its rights and the space left"
        ) from None


def _count_on(target: Connection, table: Table) -> None:
    """PostgreSQL's counters go on after the highest number; SQLite's do by themselves."""
    if target.dialect.name == "postgresql" and table.autoincrement_column is not None:
        last = target.scalar(select(func.max(table.c.id)))
        sequence = func.pg_get_serial_sequence(table.name, "id")
        target.execute(select(func.setval(sequence, last or 1, last is not None)))


def _settle(draft: Path, path: Path) -> None:
    """The draft is on disk, then it is the file."""
    handle = os.open(draft, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    draft.chmod(0o600)
    draft.replace(path)
