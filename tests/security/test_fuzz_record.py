"""Backups, ledgers and manifests that were damaged or made up: one clear line, and the record stays as it was."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from fuzzing import assert_one_clear_line, bounded, fuzzed
from hypothesis import example, given
from hypothesis import strategies as st
from small_record import AREA, SmallRecord, event, make, week
from sqlalchemy import Boolean

from flows.evidence.manifests import EvidenceError, read_chain
from flows.evidence.verifying import check_chain, check_files, check_heads, check_signatures
from flows.ledger import LedgerError, ObservationRecord, open_ledger
from flows.ledger.read_only import open_read_only
from flows.ledger.tables import Base
from flows.pipeline.evidence_manifest import last_attested, marks_of
from flows.pipeline.record_check import check_record, notes_on
from flows.printable import printable

COLUMNS = [(t.name, column.name) for t in Base.metadata.sorted_tables for column in t.columns]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=8),
    st.sampled_from(["{", "[]", "null", "3", '{"a":' * 500, "2026-W99", "9999-99-99", "2026-09-08", "\x1b[2J", "\x00"]),
)
JSONS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def template() -> Iterator[SmallRecord]:
    """A record, a backup of it, and the ledger's file without a log; none is written to."""
    with tempfile.TemporaryDirectory() as folder:
        record = make(Path(folder) / "outputs", runs=2)
        with record.ledger() as ledger:
            ledger.back_up(Path(folder) / "kept.backup")
        yield record


@st.composite
def bytes_changed(draw: st.DrawFn, size: int) -> list[tuple[int, int]]:
    """Some bytes of a file, by place and new value; many in its first page, where the structure is."""
    place = st.one_of(st.integers(0, 4095), st.integers(0, size - 1))
    return draw(st.lists(st.tuples(place, st.integers(0, 255)), min_size=1, max_size=12))


def damaged(content: bytes, changes: list[tuple[int, int]], cut: int | None) -> bytes:
    """The content with bytes changed, and cut short."""
    changed = bytearray(content)
    for place, value in changes:
        changed[place % len(changed)] = value
    return bytes(changed[:cut])


@contextmanager
def copy_of(record: SmallRecord, *, replaced: bytes | None = None) -> Iterator[SmallRecord]:
    """A copy of a record, with other content of its ledger's file."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(shutil.copytree(record.outputs, Path(folder) / "outputs"))
        if replaced is not None:
            (outputs / "ledger.sqlite").write_bytes(replaced)
        yield SmallRecord(outputs)


def rows_of(path: Path) -> dict[str, list[Any]]:
    """All that the ledger in a file holds."""
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = lambda text: ("text", text)  # which bytes in its place are not
        return {t: connection.execute(f"SELECT * FROM {t}").fetchall() for t in Base.metadata.tables}


def _is_yes(value: Any) -> bool:
    return bool(value[1] if isinstance(value, tuple) else value)


def as_read(held: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """What rows mean to the ledger: in a column of yes and no, an empty text is a no like any other."""
    flags = {
        (t.name, n) for t in Base.metadata.sorted_tables for n, c in enumerate(t.columns) if isinstance(c.type, Boolean)
    }
    return {
        name: [tuple(_is_yes(v) if (name, n) in flags else v for n, v in enumerate(row)) for row in rows]
        for name, rows in held.items()
    }


def refused_or_restored(template: SmallRecord, content: bytes, *, unproven: bool) -> None:
    """A file is restored whole, or refused in one line with the ledger as it was."""
    with tempfile.TemporaryDirectory() as folder, bounded():
        path, backup = Path(shutil.copy(template.outputs / "ledger.sqlite", folder)), Path(folder) / "b.backup"
        backup.write_bytes(content)
        before = rows_of(path)
        with open_ledger(f"sqlite:///{path}") as ledger:
            try:
                rows = ledger.restore(backup, replace=True, without_checksum=unproven)
            except LedgerError as error:
                assert_one_clear_line(error, LedgerError)
                assert rows_of(path) == before
            else:
                assert rows > 0
                read_all(f"sqlite:///{path}")


def read_all(url: str) -> None:
    """What every later run reads."""
    with open_ledger(url) as ledger:
        ledger.read_through()


@fuzzed
@given(st.data())
def test_a_backup_with_other_bytes(template, data):
    content = (template.outputs.parent / "kept.backup").read_bytes()
    cut = data.draw(st.none() | st.integers(0, len(content)))
    refused_or_restored(
        template, damaged(content, data.draw(bytes_changed(len(content))), cut), unproven=data.draw(st.booleans())
    )


def with_values(source: Path, target: Path, changes: list[tuple[tuple[str, str], object]]) -> None:
    """A copy of a ledger's file in which columns hold something else, as far as SQLite takes it."""
    shutil.copy(source, target)
    with closing(sqlite3.connect(target)) as connection:
        for (table, column), value in changes:
            try:
                connection.execute(f"UPDATE {table} SET {column} = ?", (value,))
            except sqlite3.Error:
                connection.execute(f"DELETE FROM {table}")
        connection.commit()


CHANGES = st.lists(st.tuples(st.sampled_from(COLUMNS), ODD), min_size=1, max_size=3)


@fuzzed
@given(CHANGES, st.booleans())
def test_a_backup_with_other_rows(template, changes, unproven):
    with tempfile.TemporaryDirectory() as folder:
        with_values(template.outputs.parent / "kept.backup", Path(folder) / "b", changes)
        if unproven:
            with closing(sqlite3.connect(Path(folder) / "b")) as connection:
                connection.execute("DROP TABLE backup_checksum")
        refused_or_restored(template, (Path(folder) / "b").read_bytes(), unproven=unproven)


def looked_through(record: SmallRecord) -> None:
    """A ledger is read, verified and written to: each works, or is refused in one line."""
    try:
        read_all(record.url)
    except LedgerError as error:
        assert_one_clear_line(error, LedgerError)
    try:
        checked(record)
    except (LedgerError, EvidenceError) as error:
        assert_one_clear_line(error, LedgerError, EvidenceError)
    try:
        with record.ledger() as ledger:
            look = ObservationRecord(AREA, week(2), ("s",), ("sentinel-2",), 0.5, week(2).first_day, "chain-2")
            ledger.record_week(look, [event("x", 2), event("y", 2)])
            ledger.outbox.revive()
    except LedgerError as error:
        assert_one_clear_line(error, LedgerError)


def checked(record: SmallRecord) -> list[str]:
    """What `verify` finds wrong."""
    links = read_chain(record.outputs)
    checks = [
        check_signatures(links, None),
        check_heads(links, []),
        check_files(record.outputs, links, within=record.outputs),
    ]
    with open_read_only(record.url) as untouched:
        found = untouched.audit(marks_of(links))
        notes_on(record.outputs, links, found)
        checks.append(check_record(links, found))
        checks.append(check_chain(links, last=last_attested(untouched.ledger())))
    return [line for check in checks for line in check.wrong]


@fuzzed
@given(st.data())
def test_a_ledger_with_other_bytes(template, data):
    content = (template.outputs / "ledger.sqlite").read_bytes()
    cut = data.draw(st.none() | st.integers(0, len(content)))
    changed = damaged(content, data.draw(bytes_changed(len(content))), cut)
    with bounded(), copy_of(template, replaced=changed) as record:
        looked_through(record)


@fuzzed
@example(changes=[(("changes", "table_name"), b"")])
@example(changes=[(("changes", "row_sha256"), b"\xff")])
@given(changes=CHANGES)
def test_a_ledger_with_other_rows_is_told_by_verify(template, changes):
    with bounded(), copy_of(template) as record:
        path = record.outputs / "ledger.sqlite"
        before = rows_of(path)
        with_values(template.outputs / "ledger.sqlite", path, changes)
        after = rows_of(path)
        try:
            wrong = checked(record)
        except LedgerError as error:
            assert_one_clear_line(error, LedgerError)
        else:
            was, now = as_read(before), as_read(after)
            told = {name for name in was if was[name] != now[name]} - {"sessions"}
            assert bool(wrong) == bool(told), (told, wrong)
            assert all(line == printable(line, longest=10_000) for line in wrong)
        looked_through(record)


@st.composite
def changed_json(draw: st.DrawFn, value: Any) -> Any:
    """A JSON value in which some part is another."""
    while isinstance(value, dict | list) and value and draw(st.integers(0, 4)):
        if isinstance(value, dict):
            name = draw(st.sampled_from(sorted(value)))
            kind = draw(st.sampled_from(["deeper", "deeper", "deeper", "gone", "renamed"]))
            rest = {key: one for key, one in value.items() if key != name}
            if kind == "deeper":
                return rest | {name: draw(changed_json(value[name]))}
            return rest if kind == "gone" else rest | {draw(st.text(max_size=12)): value[name]}
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], draw(changed_json(value[place])), *value[place + 1 :]]
    return draw(JSONS)


@fuzzed
@given(st.data())
def test_a_manifest_that_says_something_else(template, data):
    number = data.draw(st.integers(1, 2))
    with bounded(), copy_of(template) as record:
        path = record.outputs / "evidence" / f"{number:06d}.json"
        content = json.loads(path.read_text())
        changed = data.draw(changed_json(content))
        path.write_text(json.dumps(changed))
        try:
            wrong = checked(record)
        except EvidenceError as error:
            assert_one_clear_line(error, EvidenceError)
        else:
            assert wrong, "a manifest that is not the one that the run wrote"
            assert all(line == printable(line, longest=10_000) for line in wrong)


@fuzzed
@given(st.data())
def test_a_manifest_with_other_bytes(template, data):
    with bounded(), copy_of(template) as record:
        path = record.outputs / "evidence" / "000002.json"
        content = path.read_bytes()
        cut = data.draw(st.none() | st.integers(0, len(content)))
        path.write_bytes(damaged(content, data.draw(bytes_changed(len(content))), cut))
        is_same = path.read_bytes() == content
        try:
            wrong = checked(record)
        except EvidenceError as error:
            assert_one_clear_line(error, EvidenceError)
        else:
            assert bool(wrong) != is_same
