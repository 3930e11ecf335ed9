"""The whole ledger in one file, and back: the same file for SQLite and PostgreSQL, and a way from one to the other."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, func, select
from sqlalchemy.exc import DBAPIError

from flows.ledger.database import connect, reading, reason, writing
from flows.ledger.errors import LedgerError
from flows.ledger.tables import Base
from flows.ledger.worlds import refuse_another_world

ROWS_AT_ONCE = 1000


def back_up(ledger: Engine, path: Path) -> int:
    """The file holds the ledger as of one moment, readable by its owner alone; how many rows.

    Others may go on writing meanwhile. The file appears whole or not at all; one that exists is not overwritten. Raises
    `LedgerError` when it cannot be written.
    """
    if path.exists():
        raise LedgerError(f"backup `{path}` exists and is not overwritten; name another file")
    with _explained(path), tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        draft = Path(folder) / "backup.sqlite"
        copy = connect(f"sqlite:///{draft}")
        try:
            with reading(ledger).connect() as source, writing(copy).begin() as target:
                rows = _copy(source, target)
            with copy.connect() as connection:
                connection.rollback()
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            copy.dispose()
        _settle(draft, path)
    return rows


def restore(path: Path, ledger: Engine, *, replace: bool) -> int:
    """The ledger is as the backup says, in one transaction: a kill leaves it as it was; how many rows.

    A backup of an earlier version is brought up to date on a copy. Raises `LedgerError` for a file that is no backup or
    of a later version, for a ledger of another world, and, unless `replace` is given, for one that holds anything.
    """
    if not path.is_file():
        raise LedgerError(f"backup `{path}` is not there; name a file that `sitewatch ledger backup` made")
    with _explained(path), tempfile.TemporaryDirectory() as folder:
        draft = Path(shutil.copyfile(path, Path(folder) / "backup.sqlite"))
        copy = connect(f"sqlite:///{draft}")
        try:
            with reading(copy).connect() as source, writing(ledger).begin() as target:
                refuse_another_world(source, target)
                _clear(target, replace=replace)
                return _copy(source, target)
        finally:
            copy.dispose()


def _copy(source: Connection, target: Connection) -> int:
    """Every row of every table, those that others refer to first."""
    total = 0
    for table in Base.metadata.sorted_tables:
        rows = source.execution_options(yield_per=ROWS_AT_ONCE).execute(select(table).order_by(*table.primary_key))
        for some in rows.mappings().partitions():
            target.execute(table.insert(), [dict(row) for row in some])
            total += len(some)
        _count_on(target, table)
    return total


def _count_on(target: Connection, table: Table) -> None:
    """PostgreSQL's counters go on after the highest number; SQLite's do by themselves."""
    if target.dialect.name == "postgresql" and table.autoincrement_column is not None:
        last = target.scalar(select(func.max(table.c.id)))
        sequence = func.pg_get_serial_sequence(table.name, "id")
        target.execute(select(func.setval(sequence, last or 1, last is not None)))


def _clear(target: Connection, *, replace: bool) -> None:
    for table in reversed(Base.metadata.sorted_tables):
        if not replace and target.scalar(select(func.count()).select_from(table)):
            raise LedgerError(
                f"the ledger holds {table.name} already; back it up, then say --replace to put the backup in its place"
            )
        target.execute(table.delete())


def _settle(draft: Path, path: Path) -> None:
    """The draft is on disk, then it is the file."""
    handle = os.open(draft, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    draft.chmod(0o600)
    draft.replace(path)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, DBAPIError) as error:
        raise LedgerError(
            f"backup `{path}`: {reason(error)}; check the folder, its rights and the space left"
        ) from error
