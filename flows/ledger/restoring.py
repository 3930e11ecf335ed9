"""Putting a backup in the place of the record: only one that is whole, after saying what it would replace."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.orm import Session

from flows.ledger.accounts import note_change
from flows.ledger.backup import copy_rows, explained, kept_tables
from flows.ledger.checksums import opened_unchanged, read_checksum, rows_checksum, tables_of
from flows.ledger.database import connect, known_schemas, reading, writing
from flows.ledger.errors import UNREADABLE, LedgerError
from flows.ledger.journal import RecordedSession
from flows.ledger.ledger_status import ledger_status_of
from flows.ledger.references import read_secret, settle_secret
from flows.ledger.tables import AccountRow, Base
from flows.ledger.worlds import refuse_another_world
from flows.printable import printable

MAGIC = b"SQLite format 3\x00"
NO_PASSWORD = "!"  # no hash of any password
Tell = Callable[[str], None]
Reader = Callable[[Engine], None]


def restore(path: Path, ledger: Engine, *, replace: bool, tell: Tell, unproven: Reader | None = None) -> int:
    """Replace what the ledger holds by a backup, and return how many rows that is.

    It is one transaction: a kill leaves the ledger as it was.

    Nobody stays logged in. An account that is closed stays closed, and one whose password is another by now gets none.

    Parameters
    ----------
    path
        A file that `back_up` wrote. One of an earlier version is brought up to date on a copy.
    ledger
        The database, with the newest schema.
    replace
        Also over a ledger that holds something.
    tell
        Hears, a line each, what would be replaced by what, before it is, and what became of accounts.
    unproven
        Given for a backup that may have no checksum, as earlier versions wrote them: reads it from end to end, and
        raises `LedgerError` for rows that nobody could read.

    Raises
    ------
    LedgerError
        For a file that is no whole backup or of a later version, for a ledger of another world, and for one that holds
        something unless `replace` is given. The ledger is then as it was.
    """
    with (
        _opened(path, unproven) as backup,
        explained(path, ledger),
        _readable(path),
        reading(backup).connect() as source,
        writing(ledger).begin() as target,
    ):
        refuse_another_world(source, target)
        _compare(source, target, replace=replace, tell=tell)
        present, secret = _accounts(target), _secret(target)
        for table in reversed(Base.metadata.sorted_tables):
            target.execute(table.delete())
        rows = copy_rows(source, target)
        _keep_out(target, present, tell)
        _keep_secret(target, secret)
        return rows


@contextmanager
def _opened(path: Path, unproven: Reader | None) -> Iterator[Engine]:
    """A whole backup, brought up to date on a copy that is thrown away."""
    if not path.is_file():
        raise LedgerError(f"backup `{printable(path)}` is not there; name a file that `sitewatch ledger backup` made")
    with tempfile.TemporaryDirectory(prefix="sitewatch-restore-") as folder:
        draft = Path(folder) / "backup.sqlite"
        try:
            shutil.copyfile(path, draft)
            _check_whole(draft, path, needs_checksum=unproven is None)
        except OSError as error:
            raise LedgerError(f"backup `{printable(path)}` cannot be read ({error.strerror})") from None
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise _damaged(path, printable(error)) from None
        draft.chmod(0o600)
        try:
            copy = connect(f"sqlite:///{draft}")
        except LedgerError:
            raise _damaged(path, "it cannot be brought up to date") from None
        try:
            _prove(copy, path, unproven)
            yield copy
        finally:
            copy.dispose()


def _prove(copy: Engine, path: Path, unproven: Reader | None) -> None:
    """Read a backup of which no checksum is asked from end to end."""
    try:
        if unproven is not None:
            unproven(copy)
    except LedgerError:
        raise _damaged(path, "some of its rows cannot be read") from None


def _check_whole(draft: Path, path: Path, *, needs_checksum: bool) -> None:
    """Raise `LedgerError` or `sqlite3.Error` for a file that is not a backup from its first row to its last."""
    size = draft.stat().st_size
    with draft.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise _damaged(path, f"it cannot be opened as a database, and has {size} bytes")
    with opened_unchanged(draft) as connection:
        state = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if state != "ok":
            raise _damaged(path, printable(state))
        held = tables_of(connection)
        if "alembic_version" not in held:
            raise _damaged(path, "it has no schema")
        _check_schema(connection, path)
        names = held & {table.name for table in kept_tables()}
        if not any(connection.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone() for name in names):
            raise _damaged(path, "it holds no row")
        said = read_checksum(connection)
        if said is None and needs_checksum:
            raise LedgerError(
                f"backup `{printable(path)}` has no checksum: an earlier version wrote it, or somebody changed it; use "
                "--without-checksum to accept it as it is"
            )
        if said is not None and said != rows_checksum(connection):
            raise _damaged(path, "its rows are not those that were backed up: the checksum differs")


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Raise `LedgerError` for a schema that this code does not know."""
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    schema = "none" if found is None else str(found[0])
    if schema not in known_schemas():
        raise LedgerError(
            f"backup `{printable(path)}` has schema `{printable(schema)}`, which this Sitewatch does not know: a newer "
            "one wrote it, or it is damaged; upgrade Sitewatch, or take another backup"
        )


def _damaged(path: Path, why: str) -> LedgerError:
    return LedgerError(f"backup `{printable(path)}` is not whole ({why}); take another one")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        raise _damaged(path, f"a row of it cannot be read: {type(error).__name__}") from None


def _compare(source: Connection, target: Connection, *, replace: bool, tell: Tell) -> None:
    """Say what would be replaced by what; raises `LedgerError` if there is something and nobody said that it may."""
    held, given = ledger_status_of(target), ledger_status_of(source)
    if held.is_empty:
        tell(f"The ledger is empty. The backup holds {given.words}.")
    elif replace:
        tell(f"The ledger holds {held.words}. In its place comes the backup, which holds {given.words}.")
    else:
        raise LedgerError(
            f"the ledger holds {held.words}; the backup holds {given.words}; back the ledger up, then use --replace to "
            "put the backup in its place"
        )
    if given.waiting:
        tell(
            f"{given.waiting} messages wait in the backup. Those that went out since then go out again, under the same "
            "keys: look at `sitewatch alerts outbox` before the next run."
        )
    if source.scalar(select(func.count()).select_from(AccountRow)):
        tell("Nobody stays logged in at the desk, and the passwords are those of the backup.")


def _accounts(target: Connection) -> dict[str, tuple[str, datetime | None]]:
    """The hash and the closing of each account that is there now."""
    query = select(AccountRow.name, AccountRow.password_hash, AccountRow.closed_at)
    return {row.name: (row.password_hash, row.closed_at) for row in target.execute(query)}


def _secret(target: Connection) -> str | None:
    """The secret of references that the ledger has now."""
    with Session(bind=target) as session:
        return read_secret(session)


def _keep_secret(target: Connection, secret: str | None) -> None:
    """References that were sent lead to their alerts also after a backup from before there was a secret."""
    if secret is not None:
        with RecordedSession(bind=target) as session:
            settle_secret(session, secret)
            session.commit()


def _keep_out(target: Connection, present: dict[str, tuple[str, datetime | None]], tell: Tell) -> None:
    """Whoever was shut out since the backup stays out, and a password that was changed since opens nothing."""
    with RecordedSession(bind=target) as session:
        for row in session.scalars(select(AccountRow).order_by(AccountRow.id)):
            kept, closed_at = present.get(row.name, (row.password_hash, None))
            name = printable(row.name)
            if closed_at is not None and row.closed_at is None:
                row.closed_at = closed_at
                tell(f"Account `{name}` was closed after the backup and stays closed.")
            if kept != row.password_hash:
                row.password_hash = NO_PASSWORD
                tell(
                    f"Account `{name}` has another password than in the backup, and now has none: "
                    f"`sitewatch desk account change '{name}' --password` gives it one."
                )
            note_change(session, row)
        session.commit()
