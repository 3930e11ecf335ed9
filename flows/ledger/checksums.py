"""The checksum of a backup: over every row of every table as SQLite keeps it, in a table of its own in the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

TABLE = "backup_checksum"


def write_checksum(path: Path) -> None:
    """Write the checksum of a backup into it."""
    with closing(sqlite3.connect(path)) as connection, connection:
        found = rows_checksum(connection)
        connection.execute(f"CREATE TABLE {TABLE} (sha256 TEXT NOT NULL)")
        connection.execute(f"INSERT INTO {TABLE} VALUES (?)", (found,))


def read_checksum(connection: sqlite3.Connection) -> str | None:
    """Return the checksum that a backup holds; None for one without, as earlier versions wrote them."""
    if TABLE not in tables_of(connection):
        return None
    found = connection.execute(f"SELECT sha256 FROM {TABLE}").fetchone()
    return "" if found is None else str(found[0])


def rows_checksum(connection: sqlite3.Connection) -> str:
    """Return the SHA-256 of what all tables but the checksum's own are made of and hold, row by row."""
    hashed = sha256()
    connection.text_factory = bytes  # damaged text is to be hashed, not read
    for table in sorted(tables_of(connection) - {TABLE}):
        rows = connection.execute(f'SELECT * FROM "{table}" ORDER BY rowid')
        hashed.update(repr((table, [column[0] for column in rows.description])).encode())
        for row in rows:
            hashed.update(repr(row).encode())
    connection.text_factory = str
    return hashed.hexdigest()


def tables_of(connection: sqlite3.Connection) -> set[str]:
    """Return the names of the tables in a file."""
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {name.decode() if isinstance(name, bytes) else str(name) for (name,) in rows}


@contextmanager
def opened_unchanged(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file that nobody else writes, so that nothing of it changes and nothing appears beside it."""
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        yield connection
