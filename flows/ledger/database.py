"""Reaching the database: connections, transactions and migrations."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tenacity
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, StatementError

from flows.ledger.errors import LedgerError
from flows.ledger.types import canonical_json

BUSY_TIMEOUT_MS = 30_000  # a recording takes well under a second; half a minute outlasts a queue of them
MIGRATIONS = Path(__file__).parent / "migrations"
WRITER = 5_173_229_104  # any number that no other program locks in the same database


def connect(url: str) -> Engine:
    """An engine on the database, its schema brought up to date.

    On SQLite the file and its folder are made if need be, readable by their owner alone since it holds coordinates.
    Raises `LedgerError` for a URL that cannot be used, a database that cannot be reached, and a newer schema.
    """
    address = _parse(url)
    engine = _create(address)
    try:
        _open(engine, address)
    except (DBAPIError, OSError) as error:
        engine.dispose()
        raise LedgerError(
            f"ledger `{address.render_as_string()}` cannot be opened ({reason(error)}); "
            "check that it exists, that it is a ledger and that this user may write there"
        ) from error
    except LedgerError:
        engine.dispose()
        raise
    return engine


def writing(engine: Engine) -> Engine:
    """The same engine, whose transactions are the only writer from their first statement on."""
    return engine.execution_options(sitewatch_writes=True)


def reading(engine: Engine) -> Engine:
    """The same engine, whose transactions see the ledger as of one moment, however many statements they take."""
    if engine.dialect.name == "sqlite":
        return engine  # a transaction there sees one moment anyway
    return engine.execution_options(isolation_level="REPEATABLE READ")


def reason(error: Exception) -> str:
    """What the database itself said, without SQL and without the values in it."""
    return str(error.orig if isinstance(error, StatementError) else error).strip()


def migrate(engine: Engine) -> None:
    """Bring the schema up to date, all of it or nothing; one that is up to date is not touched.

    Raises `LedgerError` when the schema is newer than this code.
    """
    with engine.connect() as connection:
        if _is_current(connection):
            return
    with writing(engine).begin() as connection:
        if not _is_current(connection):  # another process may have migrated while this one waited
            command.upgrade(alembic_config(connection), "head")


def alembic_config(connection: Connection | None = None) -> Config:
    """What Alembic needs to work on the ledger over a connection, within the transaction that is open there."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _parse(url: str) -> URL:
    """The URL as SQLAlchemy understands it; the text itself is never repeated, it may hold a password."""
    try:
        address = make_url(url)
        return address.set(drivername="postgresql+psycopg") if address.drivername == "postgresql" else address
    except ArgumentError:
        raise LedgerError(
            "the ledger's URL cannot be read; write it like sqlite:///outputs/ledger.sqlite "
            "or postgresql+psycopg://user@host/sitewatch"
        ) from None


def _create(address: URL) -> Engine:
    """An engine that has not connected yet. Statements that fail do not repeat their values, which hold coordinates."""
    try:
        engine = create_engine(address, json_serializer=canonical_json, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise LedgerError(
            f"ledger `{address.render_as_string()}`: no driver for `{address.drivername}` ({error}); "
            "install it (`pip install 'sitewatch[postgresql]'` for PostgreSQL) or use sqlite:///outputs/ledger.sqlite"
        ) from error
    if address.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    if address.get_backend_name() == "postgresql":
        event.listen(engine, "begin", _begin_postgresql)
    return engine


def _open(engine: Engine, address: URL) -> None:
    if address.get_backend_name() == "sqlite" and address.database and not address.database.startswith((":", "file:")):
        path = Path(address.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
    migrate(engine)


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    """Settings of one connection."""
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}").close()
    _switch_to_wal(connection)
    for pragma in (
        "synchronous = FULL",  # a message marked as sent must still be so after a power cut
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode == sqlite3.SQLITE_BUSY


@tenacity.retry(
    retry=tenacity.retry_if_exception(_is_busy),
    wait=tenacity.wait_random(0.01, 0.1),
    stop=tenacity.stop_after_delay(BUSY_TIMEOUT_MS / 1000),
    reraise=True,
)
def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Readers and a writer side by side; SQLite itself does not wait while another process is switching."""
    connection.execute("PRAGMA journal_mode = WAL").close()


def _begin_sqlite(connection: Connection) -> None:
    """Begin here, since Python's driver would begin late and leave reads and changes of the schema outside.

    A transaction that is going to write takes the lock at once: one that asks for it after reading cannot wait.
    """
    writes = connection.get_execution_options().get("sitewatch_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    """A transaction that is going to write waits its turn: the ledger's rules are those of one writer at a time."""
    if connection.get_execution_options().get("sitewatch_writes", False):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {BUSY_TIMEOUT_MS}")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER})")


def _is_current(connection: Connection) -> bool:
    """Whether the schema is the newest; raises `LedgerError` for one that this code does not know."""
    scripts = ScriptDirectory.from_config(alembic_config())
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in {step.revision for step in scripts.walk_revisions()}:
        raise LedgerError(
            f"ledger `{connection.engine.url.render_as_string()}` has schema `{current}`, which this Sitewatch does "
            "not know: a newer one wrote it; upgrade Sitewatch, or name another ledger"
        )
    return current == scripts.get_current_head()


@dataclass(frozen=True)
class Level:
    """The schema that a ledger has (None: none yet), and the one that this code brings it to."""

    current: str | None
    newest: str


def level_of(url: str) -> Level:
    """The schema of the ledger at an SQLAlchemy URL, which is not touched, nor made when it is not there.

    Raises `LedgerError` when the database cannot be reached or is no ledger.
    """
    newest = str(ScriptDirectory.from_config(alembic_config()).get_current_head())
    with looking_at(url) as connection:
        current = None if connection is None else MigrationContext.configure(connection).get_current_revision()
    return Level(current, newest)


@contextmanager
def looking_at(url: str) -> Iterator[Connection | None]:
    """A connection to a ledger of whatever version, which is not brought up to date; None where there is no file.

    Raises `LedgerError` when the database cannot be reached or is no ledger.
    """
    address = _parse(url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").exists():
        yield None
        return
    engine = _create(address)
    try:
        with engine.connect() as connection:
            yield connection
    except (DBAPIError, OSError) as error:
        raise LedgerError(
            f"ledger `{address.render_as_string()}` cannot be read ({reason(error)}); check that it is a ledger, "
            "or name another one"
        ) from error
    finally:
        engine.dispose()
