"""One process at a time for work that a transaction cannot span, such as sending."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from flows.files import locked
from flows.ledger.errors import LedgerError

STEP_S = 0.1


@contextmanager
def exclusively(engine: Engine, name: str, *, patience_s: float, complaint: str) -> Iterator[None]:
    """Hold a name on this ledger, and keep others from it, as long as the ``with`` lasts.

    The lock dies with its process, so nothing is left behind by a kill. Raises `LedgerError` with `complaint` when
    another has not let go after `patience_s`.
    """
    busy = LedgerError(complaint)
    if engine.dialect.name == "sqlite":
        file = lock_file(Path(engine.url.database or "ledger"), name)
        with locked(file, patience_s=patience_s, busy=busy):
            yield
    else:
        with _advisory(engine, name, patience_s=patience_s, busy=busy):
            yield


def lock_file(database: Path, name: str) -> Path:
    """Return the file beside an SQLite ledger that holds the lock of a name; its folder is made."""
    folder = database.with_name(f".{database.name}.locks")
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / name


@contextmanager
def _advisory(engine: Engine, name: str, *, patience_s: float, busy: LedgerError) -> Iterator[None]:
    """The same by a lock of PostgreSQL that belongs to a connection."""
    number = int.from_bytes(sha256(name.encode()).digest()[:7])
    deadline = time.monotonic() + patience_s
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({number})").scalar():
                if time.monotonic() >= deadline:
                    raise busy
                time.sleep(STEP_S)
            yield
        finally:
            with suppress(DBAPIError):  # a connection that is gone holds nothing
                connection.exec_driver_sql("SELECT pg_advisory_unlock_all()")
