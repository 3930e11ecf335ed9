"""The journal of the record: every transaction enters which rows it changed, as hashes, in one chain of links.

A manifest of the evidence names the last link, and so stands for every row of the record at a cost that does not grow
with the history. What was changed past the ledger has no entry, or an entry that breaks the chain: `audit` tells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Row, Select, Table, event, insert, select, tuple_
from sqlalchemy.orm import ORMExecuteState, Session, object_mapper

from flows.ledger.errors import LedgerError
from flows.ledger.tables import Base, ChangeRow
from flows.ledger.types import canonical_json

JOURNAL = Base.metadata.tables[ChangeRow.__tablename__]
LEFT_OUT = {JOURNAL.name, "sessions"}
"""Tables that the journal says nothing of: itself, and who is logged in, which is over in hours."""
OF_THE_LEDGER = "ledger"
"""The table's name in entries that are about no row, such as that rows were taken over from an older schema."""
TOUCHED = "touched rows"
AT_ONCE = 300

T = TypeVar("T")
Change = tuple[str, str, str | None]
"""Table, key and hash of one changed row."""


@dataclass(frozen=True)
class Head:
    """The end of the journal: the number of its last entry, 0 if there is none, and the link of that entry."""

    changes: int = 0
    link: str = ""


class RecordedSession(Session):
    """A session whose changes are entered into the journal by the transaction that makes them."""


def covered_tables() -> list[Table]:
    """Return the tables whose rows the journal covers, those that others refer to first."""
    return [table for table in Base.metadata.sorted_tables if table.name not in LEFT_OUT]


def read_head(connection: Connection) -> Head:
    """Return the end of the journal."""
    query = select(JOURNAL.c.number, JOURNAL.c.link).order_by(JOURNAL.c.number.desc()).limit(1)
    found = connection.execute(query).one_or_none()
    return Head() if found is None else Head(found.number, found.link)


def has_changed_since(connection: Connection, head: Head, *, but: Collection[str] = ()) -> bool:
    """Tell whether an entry follows `head` that is of no table in `but`, or `head` is no link of this journal."""
    link = select(JOURNAL.c.link).where(JOURNAL.c.number == head.changes)
    if head.changes and connection.scalar(link) != head.link:
        return True
    query = select(JOURNAL.c.number).where(JOURNAL.c.number > head.changes, JOURNAL.c.table_name.not_in(list(but)))
    return connection.execute(query.limit(1)).first() is not None


def link_of(before: Head, change: Change) -> str:
    """Return the link of the entry that follows `before`: the SHA-256 of the link there and of all the entry says."""
    return sha256(canonical_json([before.link, before.changes + 1, *change]).encode()).hexdigest()


def row_digest(row: Row[Any], *, without: Collection[str] = ()) -> str:
    """Return the SHA-256 of what a row holds (but for some columns).

    NULL counts as absent, so that a column that a migration adds changes no hash of before.
    """
    held = {name: _plain(v) for name, v in row._mapping.items() if v is not None and name not in without}
    return sha256(canonical_json(held).encode()).hexdigest()


def key_of(values: Sequence[Any]) -> str:
    """Return the primary key of a row as JSON."""
    return canonical_json([_plain(value) for value in values])


def append(connection: Connection, changes: Iterable[Change]) -> None:
    """Add changes at the end of the journal.

    The transaction is the only writer, as all that write the ledger are.
    """
    head, entries = read_head(connection), []
    for change in changes:
        head = Head(head.changes + 1, link_of(head, change))
        table, key, digest = change
        entries.append(
            {"number": head.changes, "table_name": table, "row_key": key, "row_sha256": digest, "link": head.link}
        )
    for some in _parts(entries):
        connection.execute(insert(JOURNAL), some)


def take_over(connection: Connection, *, schema: str | None) -> None:
    """Add every row that is not in the journal as it is now, after an entry that says from which schema it came.

    Called once a migration has changed what rows hold. What they held before is for earlier manifests to say.
    """
    changes = [change for table in covered_tables() for change in _unentered(connection, table)]
    if changes:
        append(connection, [(OF_THE_LEDGER, key_of(["taken over from schema", schema]), None), *changes])


def last_entries(connection: Connection, table: Table, *, until: int | None = None) -> dict[str, str | None]:
    """Return the hash of each row of a table by its key, as its last entry (up to a number) says."""
    query = select(JOURNAL.c.row_key, JOURNAL.c.row_sha256).where(JOURNAL.c.table_name == table.name)
    if until is not None:
        query = query.where(JOURNAL.c.number <= until)
    found = connection.execution_options(yield_per=1000).execute(query.order_by(JOURNAL.c.number))
    return {row.row_key: row.row_sha256 for row in found}


def rows_of(connection: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    """Read the rows of a query, some at a time."""
    yield from connection.execution_options(yield_per=1000).execute(query)


def _unentered(connection: Connection, table: Table) -> Iterator[Change]:
    known = last_entries(connection, table)
    keys = [column.name for column in table.primary_key]
    for row in list(rows_of(connection, select(table))):
        key, digest = key_of([row._mapping[name] for name in keys]), row_digest(row)
        if known.get(key) != digest:
            yield table.name, key, digest


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """The items, some at a time: a statement takes a limited number of values."""
    yield from (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))


def _plain(value: Any) -> Any:
    """The value as JSON: numbers, texts and JSON as they are, days and instants by ISO, anything else as text."""
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, bool | int | float | str | dict | list) else str(value)


@event.listens_for(RecordedSession, "after_flush")
def _collect(session: Session, _context: object) -> None:
    """Remember which rows a flush has made, changed or deleted."""
    touched = session.info.setdefault(TOUCHED, {})
    changed = (row for row in session.dirty if session.is_modified(row))
    for row in (*session.new, *changed, *session.deleted):
        mapper = object_mapper(row)
        touched[cast(Table, mapper.local_table).name, tuple(mapper.primary_key_from_instance(row))] = None


@event.listens_for(RecordedSession, "before_commit")
def _enter(session: Session) -> None:
    """Enter the rows that the transaction touched, as the database holds them now."""
    session.flush()
    touched: Collection[tuple[str, tuple[Any, ...]]] = session.info.pop(TOUCHED, {})
    for table in covered_tables():
        keys = sorted(key for name, key in touched if name == table.name)
        if keys:
            held = _digests(session.connection(), table, keys)
            append(session.connection(), [(table.name, key_of(key), held.get(key_of(key))) for key in keys])


@event.listens_for(RecordedSession, "do_orm_execute")
def _refuse_past_the_journal(state: ORMExecuteState) -> None:
    """Raise `LedgerError` for a statement that changes rows of a covered table without their objects."""
    if (state.is_update or state.is_delete or state.is_insert) and state.bind_mapper is not None:
        table = cast(Table, state.bind_mapper.local_table).name
        if table not in LEFT_OUT:
            raise LedgerError(f"rows of `{table}` change by their objects alone, so that the journal sees them")


def _digests(connection: Connection, table: Table, keys: Sequence[tuple[Any, ...]]) -> dict[str, str]:
    """The hash of each of these rows that is there, by its key."""
    place = [list(table.columns).index(column) for column in table.primary_key]
    found: dict[str, str] = {}
    for some in _parts(keys):
        query = select(table).where(tuple_(*table.primary_key).in_(some))
        for row in connection.execute(query):
            found[key_of([row[number] for number in place])] = row_digest(row)
    return found
