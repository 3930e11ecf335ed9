"""Whether the record is what the ledger wrote: each row against the journal, and the journal against the manifests."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Table, func, inspect, select

from flows.ledger.accounts import CHANGED, MADE
from flows.ledger.errors import UNREADABLE
from flows.ledger.journal import (
    JOURNAL,
    OF_THE_LEDGER,
    Head,
    covered_tables,
    key_of,
    last_entries,
    link_of,
    row_digest,
    rows_of,
)
from flows.printable import printable

BY_RUNS = {
    *("areas", "scenes", "observations", "events", "event_transitions", "event_remarks", "event_versions"),
    *("quiet_places", "answers"),
}
"""Tables that a run alone writes, which then leaves a manifest."""
FILLED_LATER = {"alerts": {"acknowledged_on", "acknowledged_by"}, "messages": {"routed_at"}}
"""Tables whose rows a run makes, with the columns that people and deliveries fill between runs."""
DATED = {
    "verdicts": "judged_at",
    "withdrawals": "at",
    "acts": "at",
    "quiet_answers": "at",
    "claims": "entered_at",
    "claim_withdrawals": "at",
    "structures": "entered_at",
    "mutes": "at",
}
"""Tables whose rows say when they were made."""
WRITTEN_ONCE = (
    *("event_transitions", "event_remarks", "event_versions", "verdicts", "withdrawals", "reviews", "acts", "worlds"),
    *("quiet_places", "quiet_answers", "claims", "claim_withdrawals", "structures", "answers"),
    *("mutes", "muted_messages", "reference_secrets"),
)
"""Tables whose rows are added and never changed: an entry of one key with another hash is nobody's but a forger's."""
KEPT_WHOLE = FILLED_LATER.keys() | DATED.keys() | {"accounts"}
CLOCK_WRONG = timedelta(days=1)
"""By how much a clock may be wrong without a run's refusing it (`flows.pipeline.clock_check`)."""
LATE = CLOCK_WRONG + timedelta(hours=1)  # as long as a transaction may wait, by a clock that was wrong and was set
MOST_NAMED = 5


@dataclass(frozen=True)
class JournalMark:
    """What a manifest says of the journal: its end at the moment of the manifest."""

    manifest: int
    head: Head
    made_at: datetime


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    `known` are the manifests whose end of the journal is in it. `broken` says where the journal itself was changed,
    `changed` which rows are not as it has them, `later` what was changed after the last manifest by no run that left
    one, `back_dated` what claims to be older than it is, and `taken_over` from which schemas rows were taken over.
    """

    head: Head
    rows: int
    known: frozenset[int]
    broken: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    back_dated: tuple[str, ...] = ()
    taken_over: tuple[str, ...] = ()


@dataclass
class _Walk:
    """What one pass over the journal gathers."""

    head: Head = field(default_factory=Head)
    known: set[int] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    taken_over: list[str] = field(default_factory=list)
    is_taken_over: bool = False
    late: dict[str, set[str]] = field(default_factory=dict)
    entered: dict[tuple[str, str], int] = field(default_factory=dict)
    of_accounts: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class _Held:
    """The rows of one table: their hashes by key, and the rows themselves of a table that is looked into."""

    table: str
    digests: dict[str, str] = field(default_factory=dict)
    rows: dict[str, Row[Any]] = field(default_factory=dict)


def has_journal(connection: Connection) -> bool:
    """Tell whether the ledger keeps a journal; those of earlier versions do not."""
    return inspect(connection).has_table(JOURNAL.name)


def audit(connection: Connection, marks: Sequence[JournalMark]) -> Audit:
    """Check every row against the journal and the journal against what manifests say of it (`marks`, in order).

    It reads everything once, with as much memory as the rows of one table have keys. The schema may be an older one.
    """
    last = marks[-1].head.changes if marks else None
    walk = _walk(connection, marks, last)
    known = [mark for mark in marks if mark.manifest in walk.known]
    rows, changed, later, dated = 0, list[str](), list[str](), list[str]()
    people: dict[str, _Held] = {}
    for table in covered_tables():
        try:
            held = _read(connection, table)
        except UNREADABLE as error:
            changed.append(f"{table.name}: a row cannot be read ({type(error).__name__})")
            continue
        if held is not None:
            rows += len(held.digests)
            changed += _differing(held, last_entries(connection, table))
            dated += _back_dated(held, walk.entered, known)
            people |= {table.name: held} if table.name in ("accounts", "acts") else {}
            if marks and marks[-1] in known:
                before = last_entries(connection, table, until=last)
                later += _unexplained(held, walk.late.get(table.name, set()), before)
    changed += _unsaid(walk, people, sorted(mark.head.changes for mark in known))
    broken = [*walk.broken[:MOST_NAMED], *_written_again(connection)]
    found = (broken, changed, later, dated, walk.taken_over)
    return Audit(walk.head, rows, frozenset(walk.known), *map(tuple, found))


def known_marks(connection: Connection, marks: Sequence[JournalMark]) -> set[int]:
    """Return the manifests whose end of the journal is an entry of it, without following the links."""
    known = {mark.manifest for mark in marks if mark.head == Head()}
    for mark in marks:
        query = select(JOURNAL.c.link).where(JOURNAL.c.number == mark.head.changes)
        if connection.scalar(query) == mark.head.link:
            known.add(mark.manifest)
    return known


def _is_text(*values: object) -> bool:
    """True for what the ledger writes; SQLite takes bytes and numbers in the place of text."""
    return all(isinstance(value, str) for value in values)


def _walk(connection: Connection, marks: Sequence[JournalMark], last: int | None) -> _Walk:
    """Follow the links of the journal from its first entry to its last."""
    walk, ends = _Walk(), {(mark.head.changes, mark.head.link): mark.manifest for mark in marks}
    walk.known |= {mark.manifest for mark in marks if mark.head == Head()}
    for entry in rows_of(connection, select(JOURNAL).order_by(JOURNAL.c.number)):
        if not _is_text(entry.link, entry.table_name, entry.row_key, entry.row_sha256 or ""):
            walk.broken.append(f"change {entry.number} holds what is no text: it was changed")
            continue
        if entry.number != walk.head.changes + 1:
            walk.broken.append(f"change {entry.number} follows change {walk.head.changes}: entries were taken out")
        elif entry.link != link_of(walk.head, (entry.table_name, entry.row_key, entry.row_sha256)):
            walk.broken.append(f"change {entry.number} does not follow from the one before it: one of them was changed")
        walk.head = Head(entry.number, entry.link)
        walk.known |= {m for m in [ends.get((entry.number, entry.link))] if m is not None and not walk.broken}
        if entry.table_name == OF_THE_LEDGER:
            walk.is_taken_over |= entry.number == 1
            walk.taken_over.append(f"change {entry.number}: {printable(entry.row_key)}")
        if entry.table_name in DATED:
            walk.entered.setdefault((entry.table_name, entry.row_key), entry.number)
        if entry.table_name == "accounts":
            walk.of_accounts.append((entry.number, entry.row_key))
        if last is not None and entry.number > last:
            walk.late.setdefault(entry.table_name, set()).add(entry.row_key)
    return walk


def _written_again(connection: Connection) -> list[str]:
    """Rows that are written once, and of which the journal has a second entry that says something else."""
    hashes = func.count(func.distinct(func.coalesce(JOURNAL.c.row_sha256, "")))
    query = select(JOURNAL.c.table_name, JOURNAL.c.row_key).where(JOURNAL.c.table_name.in_(WRITTEN_ONCE))
    again: dict[str, list[str]] = {}
    for row in connection.execute(query.group_by(JOURNAL.c.table_name, JOURNAL.c.row_key).having(hashes > 1)):
        again.setdefault(row.table_name, []).append(row.row_key)
    words = "is written once, and was written again"
    return [f"{name}: row {_named(keys)} {words}" for name, keys in sorted(again.items())]


def _unsaid(walk: _Walk, people: Mapping[str, _Held], ends: Sequence[int]) -> list[str]:
    """Changes of accounts that no act between the same two manifests says.

    The accounts that a ledger had when its journal began are entered there without one.
    """
    accounts, acts = (people.get(name, _Held(name)) for name in ("accounts", "acts"))
    names = {key: row._mapping["name"] for key, row in accounts.rows.items()}
    unsaid: Counter[tuple[int, str]] = Counter()
    entered = set[str]()
    for number, key in walk.of_accounts:
        stretch = bisect_left(ends, number)
        if key in entered or not walk.is_taken_over or stretch:
            unsaid[stretch, key] += 1
        entered.add(key)
    said = Counter(
        (bisect_left(ends, walk.entered.get(("acts", key), 0)), row._mapping["subject"])
        for key, row in acts.rows.items()
        if row._mapping["act"] in (MADE, CHANGED)
    )
    wrong = {key for (stretch, key), times in unsaid.items() if said[stretch, names.get(key)] < times}
    return [f"accounts: row {_named(sorted(wrong))} changed, and no act says so"] if wrong else []


def _read(connection: Connection, table: Table) -> _Held | None:
    """The rows of a table as hashes, by the columns that it has in this ledger; None where an older one lacks it."""
    if not inspect(connection).has_table(table.name):
        return None
    present = {column["name"] for column in inspect(connection).get_columns(table.name)}
    names, held = [column.name for column in table.primary_key], _Held(table.name)
    for row in rows_of(connection, select(*(column for column in table.columns if column.name in present))):
        key = key_of([row._mapping[name] for name in names])
        held.digests[key] = row_digest(row)
        if table.name in KEPT_WHOLE:
            held.rows[key] = row
    return held


def _differing(held: _Held, known: Mapping[str, str | None]) -> list[str]:
    """What is there and was not written so, and what was written and is not there."""
    kinds = {
        "was changed": [key for key, digest in held.digests.items() if known.get(key) not in (None, digest)],
        "was slipped in": [key for key in held.digests if known.get(key) is None],
        "was taken out": [key for key, digest in known.items() if digest is not None and key not in held.digests],
    }
    return [f"{held.table}: row {_named(keys)} {what} past the ledger" for what, keys in kinds.items() if keys]


def _unexplained(held: _Held, late: set[str], before: Mapping[str, str | None]) -> list[str]:
    """What a run alone writes, and was written after the last manifest; acknowledging and sending are no such thing."""
    if held.table in BY_RUNS:
        keys = sorted(late)
    elif held.table in FILLED_LATER:
        keys = sorted(key for key in late if not _is_filled(held, key, before.get(key)))
    else:
        keys = []
    return [f"{held.table}: row {_named(keys)} changed after the last manifest"] if keys else []


def _is_filled(held: _Held, key: str, before: str | None) -> bool:
    """Whether a row is as it was (`before`), but for columns that are filled between runs."""
    if key not in held.rows:
        return False
    return before in (held.digests[key], row_digest(held.rows[key], without=FILLED_LATER[held.table]))


def _back_dated(held: _Held, entered: Mapping[tuple[str, str], int], marks: Sequence[JournalMark]) -> list[str]:
    """Rows that say they are older than a manifest that does not know them."""
    if held.table not in DATED:
        return []
    ends, wrong = [mark.head.changes for mark in marks], dict[int, list[str]]()
    for key, row in held.rows.items():
        place = bisect_left(ends, entered.get((held.table, key), 0))  # that many manifests were written before it
        if place and row._mapping[DATED[held.table]] < marks[place - 1].made_at - LATE:
            wrong.setdefault(marks[place - 1].manifest, []).append(key)
    return [
        f"{held.table}: row {_named(keys)} says it is older than {manifest:06d}.json, which does not know it"
        for manifest, keys in wrong.items()
    ]


def _named(keys: Sequence[str]) -> str:
    """Some keys by name and how many more there are."""
    named = ", ".join(printable(key, longest=80) for key in sorted(keys)[:MOST_NAMED])
    return named if len(keys) <= MOST_NAMED else f"{named} and {len(keys) - MOST_NAMED} more"
