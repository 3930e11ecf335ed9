"""One process at a time for work that a transaction cannot span, such as sending."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from flows.ledger.errors import LedgerError

STEP_S = 0.1


@contextmanager
def exclusively(engine: Engine, name: str, *, patience_s: float, complaint: str) -> Iterator[None]:
    """Hold a name on this ledger, and keep others from it, as long as the ``with`` lasts.

    The lock dies with its process, so nothing is left behind by a kill. Raises `LedgerError` with `complaint` when
    another has not let go after `patience_s`.
    """
    locked = _file(engine, name) if engine.dialect.name == "sqlite" else _advisory(engine, name)
    deadline = time.monotonic() + patience_s
    try:
        while not next(locked):
            if time.monotonic() >= deadline:
                raise LedgerError(complaint)
            time.sleep(STEP_S)
        yield
    finally:
        locked.close()


def lock_file(database: Path, name: str) -> Path:
    """Return the file beside an SQLite ledger that holds the lock of a name; its folder is made."""
    folder = database.with_name(f".{database.name}.locks")
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / name


@contextmanager
def holding_file(path: Path) -> Iterator[None]:
    """Wait until nobody else holds the lock of a file, and hold it as long as the ``with`` lasts."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _file(engine: Engine, name: str) -> Generator[bool, None, None]:
    """Try for a lock on a file beside the ledger, once for each item; let go when closed."""
    handle = os.open(lock_file(Path(engine.url.database or "ledger"), name), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
    finally:
        os.close(handle)


def _advisory(engine: Engine, name: str) -> Generator[bool, None, None]:
    """The same by a lock of PostgreSQL that belongs to a connection."""
    number = int.from_bytes(sha256(name.encode()).digest()[:7])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            while True:
                yield bool(connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({number})").scalar())
        finally:
            with suppress(DBAPIError):  # a connection that is gone holds nothing
                connection.exec_driver_sql("SELECT pg_advisory_unlock_all()")
