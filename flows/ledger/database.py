"""Reaching the database: connections, transactions and migrations."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import tenacity
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, StatementError

from flows.files import OWNER_FILE, locked, private_folder
from flows.ledger.addresses import read_address, shown, without_secrets
from flows.ledger.errors import LedgerError
from flows.ledger.journal import take_over
from flows.ledger.locks import lock_file
from flows.ledger.types import canonical_json
from flows.printable import printable

BUSY_TIMEOUT_MS = 30_000  # a recording takes well under a second; half a minute outlasts a queue of them
MIGRATIONS = Path(__file__).parent / "migrations"
WRITER = 5_173_229_104  # any number that no other program locks in the same database


def connect(url: str) -> Engine:
    """Connect to the database of a ledger, bring its schema up to date, and return the engine.

    On SQLite the file and its folder are made if need be, readable by their owner alone since it holds coordinates.
    Raises `LedgerError` for a URL that cannot be used, a database that cannot be reached, a file that is no ledger (one
    of 0 bytes is a damaged one, not a new one), and a newer schema.
    """
    address = read_address(url)
    engine = create(address)
    try:
        if is_file(address):
            settle_file(Path(str(address.database)), address)
        migrate(engine)
    except (DBAPIError, sqlite3.Error, OSError, ValueError) as error:
        engine.dispose()
        raise LedgerError(
            f"ledger `{shown(address)}` cannot be opened ({reason(error, address)}); "
            "check that it exists, that it is a ledger and that this user may write there"
        ) from None  # what the driver says may repeat a secret of the address
    except LedgerError:
        engine.dispose()
        raise
    return engine


def writing(engine: Engine) -> Engine:
    """Return the same engine, whose transactions are the only writer from their first statement on."""
    return engine.execution_options(sitewatch_writes=True)


def reading(engine: Engine) -> Engine:
    """Return the same engine, whose transactions see the ledger as of one moment.

    However many statements they take.
    """
    if engine.dialect.name == "sqlite":
        return engine  # a transaction there sees one moment anyway
    return engine.execution_options(isolation_level="REPEATABLE READ")


def reason(error: Exception, address: URL) -> str:
    """Return what the database itself said, without SQL, without values, and without secrets of the address."""
    return without_secrets(str(error.orig if isinstance(error, StatementError) else error), address)


def migrate(engine: Engine) -> None:
    """Bring the schema up to date, all of it or nothing; one that is up to date is not touched.

    Raises `LedgerError` when the schema is newer than this code.
    """
    with engine.connect() as connection:
        if _is_current(connection):
            return
    with writing(engine).begin() as connection:
        if not _is_current(connection):  # another process may have migrated while this one waited
            before = MigrationContext.configure(connection).get_current_revision()
            command.upgrade(alembic_config(connection), "head")
            take_over(connection, schema=before)


def alembic_config(connection: Connection | None = None) -> Config:
    """Return what Alembic needs to work on the ledger over a connection.

    It works within the transaction that is open there.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def create(address: URL, *, is_read_only: bool = False) -> Engine:
    """Make an engine that has not connected yet.

    Statements that fail do not repeat their values, which hold coordinates. One that only reads neither makes a file
    nor changes how a ledger keeps its log. It may write all the same, since SQLite clears away the files of the log
    only where it may. Raises `LedgerError` where no driver takes the address.
    """
    is_looking = is_read_only and is_file(address)
    if is_looking:
        path = Path(str(address.database)).absolute()
        address = address.set(database=path.as_uri(), query={"mode": "rw", "uri": "true"})
    try:
        engine = create_engine(address, json_serializer=canonical_json, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError, TypeError) as error:
        raise LedgerError(
            f"ledger `{shown(address)}`: no driver for `{printable(address.drivername)}` takes it "
            f"({reason(error, address)}); "
            "install it (`pip install 'sitewatch[postgresql]'` for PostgreSQL) or use sqlite:///outputs/ledger.sqlite"
        ) from None
    if address.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_looking if is_looking else _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    if address.get_backend_name() == "postgresql":
        event.listen(engine, "begin", _begin_postgresql)
    return engine


def is_file(address: URL) -> bool:
    """Tell whether the ledger is a file of SQLite's.

    A database in memory is none, nor one that SQLite's own URI names.
    """
    return bool(
        address.get_backend_name() == "sqlite" and address.database and not address.database.startswith((":", "file:"))
    )


def settle_file(path: Path, address: URL) -> None:
    """Make the ledger's file if there is none; raises `LedgerError` for a file that holds no ledger."""
    if not path.exists():
        if not path.parent.exists():
            private_folder(path.parent)
        _make_file(path, address)
    require_schema(path, address)


def require_schema(path: Path, address: URL) -> str:
    """Read the schema of the ledger in a file, which is not changed.

    Raises `LedgerError` for a file that has none.
    """
    check_size(path)
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        names = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone() if names else None
    if found is None:
        raise LedgerError(
            f"ledger `{shown(address)}` is not a ledger: it has no schema, so it is damaged or another program's; "
            "move it away and restore a backup (`sitewatch ledger restore FILE`), or name another file"
        )
    return str(found[0])


def check_size(path: Path) -> None:
    """Refuse a ledger of 0 bytes, which it never is, not even before its first row.

    Raises `LedgerError`.
    """
    if path.stat().st_size == 0:
        raise LedgerError(
            f"ledger `{printable(path)}` has 0 bytes: it is damaged, as by a full disk, and not a new one; move it "
            "away and restore a backup (`sitewatch ledger restore FILE`); only if nothing was ever recorded, delete it"
        )


def _make_file(path: Path, address: URL) -> None:
    """Make a ledger beside the file's place and put it there whole, so that no kill leaves half of one."""
    with locked(lock_file(path, "new")):
        if path.exists():  # another process made it while this one waited
            return
        draft = path.with_name(f".{path.name}.new")
        for left in draft.parent.glob(f"{draft.name}*"):  # by a kill
            left.unlink()
        draft.touch(mode=OWNER_FILE)
        engine = create(address.set(database=str(draft)))
        try:
            migrate(engine)
        finally:
            engine.dispose()  # the last connection folds its log into the file
        draft.replace(path)


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    """Settings of one connection that may write."""
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}").close()
    _switch_to_wal(connection)
    for pragma in (
        "synchronous = FULL",  # a message marked as sent must still be so after a power cut
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _prepare_looking(connection: sqlite3.Connection, _record: Any) -> None:
    """Settings of one connection that only reads."""
    for pragma in (f"busy_timeout = {BUSY_TIMEOUT_MS}", "query_only = ON"):
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
    current, address = MigrationContext.configure(connection).get_current_revision(), connection.engine.url
    if current is not None and current not in known_schemas():
        raise LedgerError(
            f"ledger `{shown(address)}` has schema `{printable(current)}`, which this Sitewatch does "
            "not know: a newer one wrote it; upgrade Sitewatch, or name another ledger"
        )
    return current == newest_schema()


@dataclass(frozen=True)
class Level:
    """The schema that a ledger has (None: none yet), and the one that this code brings it to."""

    current: str | None
    newest: str


def level_of(url: str) -> Level:
    """Read the schema of the ledger at an SQLAlchemy URL, which is neither touched nor made.

    Raises `LedgerError` when the database cannot be reached or is no ledger.
    """
    with looking_at(url) as connection:
        if connection is None:
            return Level(None, newest_schema())
        address = read_address(url)
        if is_file(address):
            return Level(require_schema(Path(str(address.database)), address), newest_schema())
        return Level(MigrationContext.configure(connection).get_current_revision(), newest_schema())


@contextmanager
def looking_at(url: str) -> Iterator[Connection | None]:
    """Connect to a ledger of whatever version without bringing it up to date; None where there is no file.

    Raises `LedgerError` when the database cannot be reached or is no ledger.
    """
    address = read_address(url)
    if is_file(address):
        path = Path(str(address.database))
        if not path.exists():
            yield None
            return
        check_size(path)
    engine = create(address, is_read_only=True)
    try:
        with engine.connect() as connection:
            yield connection
    except (DBAPIError, sqlite3.Error, OSError, ValueError) as error:
        raise LedgerError(f"ledger `{shown(address)}` cannot be read ({reason(error, address)})") from None
    finally:
        engine.dispose()


@cache
def newest_schema() -> str:
    """Return the schema that this code brings a ledger to."""
    return str(ScriptDirectory.from_config(alembic_config()).get_current_head())


@cache
def known_schemas() -> frozenset[str]:
    """Return the schemas that this code can bring up to date, the newest among them."""
    return frozenset(step.revision for step in ScriptDirectory.from_config(alembic_config()).walk_revisions())
