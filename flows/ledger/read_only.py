"""Looking at a ledger without changing it: not its file, nor its time, nor anything beside it."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine
from sqlalchemy.exc import StatementError

from flows.ledger.addresses import read_address, shown
from flows.ledger.audit import Audit, JournalMark, audit, has_journal
from flows.ledger.database import check_size, create, is_file, level_of, migrate, reading, reason, require_schema
from flows.ledger.errors import LedgerError
from flows.ledger.ledger import Ledger
from flows.printable import printable

TRIES = 5


class ReadOnlyLedger:
    """A ledger that is only looked at; one in a file is looked at as a copy of it."""

    def __init__(self, engine: Engine) -> None:
        """Of an engine that `open_read_only` made."""
        self._engine = engine

    def audit(self, marks: Sequence[JournalMark]) -> Audit | None:
        """Check every row against the journal, and the journal against the manifests' `marks`.

        None where there is no journal.

        Raises `LedgerError` for a database that cannot be read to its end.
        """
        try:
            with reading(self._engine).connect() as connection:
                return audit(connection, marks) if has_journal(connection) else None
        except StatementError as error:
            raise LedgerError(
                f"the ledger cannot be read to its end ({reason(error, self._engine.url)}): it is damaged; restore a "
                "backup (`sitewatch ledger restore FILE`)"
            ) from None

    def ledger(self) -> Ledger:
        """Return the ledger itself.

        A copy of one of an earlier version is brought up to date first, so audit it before.
        """
        migrate(self._engine)
        return Ledger(self._engine)


@contextmanager
def open_read_only(url: str) -> Iterator[ReadOnlyLedger]:
    """Open the ledger at an SQLAlchemy URL only to look at it.

    A file is copied to where it may be read, and so is its log.

    Raises `LedgerError` for one that is damaged, being written all the time, or, in PostgreSQL, of another version.
    """
    address = read_address(url)
    if not is_file(address):
        _require_newest(url)
        engine = create(address)
        try:
            yield ReadOnlyLedger(engine)
        finally:
            engine.dispose()
        return
    with tempfile.TemporaryDirectory(prefix="sitewatch-look-") as folder:
        copy = Path(folder) / "ledger.sqlite"
        _copy(Path(str(address.database)), copy)
        _check_readable(copy, address)
        engine = create(address.set(database=str(copy)))
        try:
            yield ReadOnlyLedger(engine)
        finally:
            engine.dispose()


def _require_newest(url: str) -> None:
    level = level_of(url)
    if level.current != level.newest:
        raise LedgerError(
            f"ledger `{shown(read_address(url))}` has schema `{printable(level.current)}`, not `{level.newest}`; any "
            "run brings an older one up to date, and for a newer one upgrade Sitewatch"
        )


def _check_readable(copy: Path, address: URL) -> None:
    """Raise `LedgerError` for a file that is no ledger, or one with damage that SQLite itself can see."""
    try:
        require_schema(copy, address)
        with closing(sqlite3.connect(copy)) as connection:
            state = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except (sqlite3.Error, OSError, ValueError) as error:
        state = reason(error, address)
    if state != "ok":
        raise LedgerError(f"ledger `{shown(address)}` is damaged ({printable(state)}); restore a backup")


def _copy(path: Path, copy: Path) -> None:
    """Copy the file and its log as of one moment."""
    log = path.with_name(f"{path.name}-wal")
    for _ in range(TRIES):
        try:
            check_size(path)
            before = _stamp(path), _stamp(log)
            shutil.copyfile(path, copy)
            if before[1]:
                shutil.copyfile(log, copy.with_name(f"{copy.name}-wal"))
        except OSError as error:
            raise LedgerError(f"ledger `{printable(path)}` cannot be read ({error.strerror})") from None
        if before == (_stamp(path), _stamp(log)):
            copy.chmod(0o600)
            return
    raise LedgerError(f"ledger `{printable(path)}` is being written all the time; look again once the run has ended")


def _stamp(path: Path) -> tuple[int, int] | None:
    """Size and time of a file; None where there is none, or nothing in it."""
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return (state.st_size, state.st_mtime_ns) if state.st_size else None
