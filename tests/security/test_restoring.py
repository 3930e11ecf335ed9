"""What is no whole backup erases nothing, and nobody who was shut out comes in by one."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from small_record import TABLES_SINCE, SmallRecord, X, make, sitewatch
from sqlalchemy import Engine, create_engine, event

from flows.ledger import LedgerError, open_ledger
from flows.ledger.database import level_of
from flows.ledger.tables import Base


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> SmallRecord:
    """A record and a backup of it; not to be written to."""
    record = make(tmp_path_factory.mktemp("restoring") / "outputs")
    with record.ledger() as ledger:
        ledger.back_up(record.outputs / "kept.backup")
    return record


@pytest.fixture
def record(template: SmallRecord, tmp_path: Path) -> SmallRecord:
    """A copy of both, the backup beside the outputs."""
    copy = SmallRecord(Path(shutil.copytree(template.outputs, tmp_path / "outputs")))
    (copy.outputs / "kept.backup").rename(tmp_path / "kept.backup")
    return copy


def restore(record: SmallRecord, *options: object, name: str = "kept.backup"):
    return sitewatch("ledger", "restore", name, "--outputs", "outputs", *options, cwd=record.outputs.parent)


def dump(url: str) -> dict[str, list[tuple[object, ...]]]:
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = {t: connection.exec_driver_sql(f"SELECT * FROM {t}").all() for t in Base.metadata.tables}
        found = {table: sorted(map(tuple, some), key=repr) for table, some in rows.items()}
    engine.dispose()
    return found


def empty_database(path: Path) -> None:
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE x (y)")
        connection.execute("DROP TABLE x")
    connection.close()


def with_sql(statement: str):
    def change(path: Path) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute(statement)
        connection.close()

    return change


DAMAGE = {
    "0 bytes": lambda path: path.write_bytes(b""),
    "1 byte": lambda path: path.write_bytes(b"S"),
    "cut to half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "cut to its head": lambda path: path.write_bytes(path.read_bytes()[:100]),
    "cut by a page": lambda path: path.write_bytes(path.read_bytes()[:-4096]),
    "an empty database": empty_database,
    "no schema": with_sql("DELETE FROM alembic_version"),
    "a schema that is none": with_sql("UPDATE alembic_version SET version_num = x'fffe'"),
    "a row changed": with_sql("UPDATE observations SET seen_share = 1.0"),
    "a row more": with_sql("INSERT INTO acts (at, act, subject, detail) VALUES ('2026-01-01', 'login', '', '')"),
    "a row less": with_sql("DELETE FROM acts WHERE id = 1"),
    "a table less": with_sql("DROP TABLE acts"),
    "no JSON": with_sql("UPDATE events SET properties = '{'"),
    "no text": with_sql("UPDATE areas SET name = CAST(x'ff' AS TEXT)"),
    "another checksum": with_sql("UPDATE backup_checksum SET sha256 = ''"),
    "no checksum": with_sql("DELETE FROM backup_checksum"),
}
EMPTY_OF = {
    "an empty ledger's": lambda path: [with_sql(f"DELETE FROM {t.name}")(path) for t in Base.metadata.sorted_tables],
}


@pytest.mark.parametrize("options", [("--replace",), ("--replace", "--without-checksum")], ids=["", "unproven"])
@pytest.mark.parametrize("damage", (DAMAGE | EMPTY_OF).values(), ids=(DAMAGE | EMPTY_OF).keys())
def test_a_backup_that_is_not_whole_is_refused_and_the_record_stays(record, damage, options):
    damage(record.outputs.parent / "kept.backup")
    before = dump(record.url)
    said = restore(record, *options)
    assert (said.status, said.err.count("\n")) == (2, 1), said
    assert "Traceback" not in said.err
    assert "kept.backup" in said.err
    assert dump(record.url) == before


def test_a_backup_of_the_version_before_is_taken_with_words_alone(record):
    path = record.outputs.parent / "kept.backup"
    with_sql("DROP TABLE backup_checksum")(path)
    with_sql("DROP TABLE changes")(path)
    with_sql("DROP TABLE worlds")(path)
    with_sql("ALTER TABLE observations DROP COLUMN unfamiliar")(path)
    for name in TABLES_SINCE:
        with_sql(f"DROP TABLE {name}")(path)
    with_sql("UPDATE alembic_version SET version_num = '0005'")(path)
    before = dump(record.url)
    said = restore(record, "--replace")
    assert (said.status, "use --without-checksum to accept it as it is" in said.err) == (2, True)
    said = restore(record, "--replace", "--without-checksum")
    assert said.status == 0, said.err
    after = dump(record.url)
    newer = ("changes", "sessions", *TABLES_SINCE)
    assert {n: after[n] for n in before if n not in newer} == {n: before[n] for n in before if n not in newer}
    with record.ledger() as ledger:
        assert ledger.journal_head().changes > 20


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET properties = '{'",
        "UPDATE areas SET name = CAST(x'ff' AS TEXT)",
        "UPDATE areas SET kind = 'castle'",
        "UPDATE areas SET geometry = '[]'",
        "UPDATE observations SET week = 'soon' WHERE week = '2026-W37'",
        "UPDATE runs SET started_at = 'then'",
        "UPDATE verdicts SET verdict = 'perhaps'",
        "UPDATE event_versions SET properties = '3'",
        f"UPDATE alerts SET event_id = 'nobody' WHERE event_id = '{X}'",
    ],
)
def test_a_backup_without_checksum_is_read_before_it_is_taken(record, statement):
    path = record.outputs.parent / "kept.backup"
    with_sql(statement)(path)
    with_sql("DROP TABLE backup_checksum")(path)
    before = dump(record.url)
    said = restore(record, "--replace", "--without-checksum")
    assert (said.status, said.err.count("\n"), "Traceback" in said.err) == (2, 1, False), said
    assert dump(record.url) == before


def test_what_would_be_replaced_is_said_before_it_is(record):
    record.run(3)
    said = restore(record)
    words = "holds 1 areas, 2 events, 2 alerts, 2 verdicts, weeks up to 2026-W40, its last run "
    assert (said.status, words in said.err, "use --replace" in said.err) == (2, True, True)
    said = restore(record, "--replace")
    assert said.status == 0
    replaced, done = said.out.index(words), said.out.index("rows restored from")
    assert replaced < said.out.index("weeks up to 2026-W39") < done
    assert "messages wait in the backup" in said.out


def test_nobody_is_logged_in_by_a_backup_and_who_was_shut_out_stays_out(record):
    now = datetime.now(UTC)
    with record.ledger() as ledger:
        ledger.accounts.change("ben", closed_at=now)
        ledger.accounts.change("anna", password_hash="hash-of-today")
        ledger.accounts.open_session("s" * 64, "form", account=1, at=now, ends_at=now.replace(year=now.year + 1))
        said = restore(record, "--replace")
        assert ledger.accounts.session("s" * 64, at=now) is None
        assert ledger.accounts.session("k" * 64, at=now) is None
        anna, ben = ledger.accounts.all()
        assert ben.closed_at == now
        assert anna.password_hash == "!"
    assert "Account `ben` was closed after the backup and stays closed." in said.out
    assert "`sitewatch desk account change 'anna' --password` gives it one" in said.out
    assert "Nobody stays logged in" in said.out
    record.run(3)
    assert sitewatch("verify", "outputs", cwd=record.outputs.parent).status == 0


def test_a_ledger_of_0_bytes_is_damage_and_stays_as_it_is(record):
    path = record.outputs / "ledger.sqlite"
    path.write_bytes(b"")
    for command in (("alerts", "list"), ("ledger", "backup", "new.backup"), ("doctor",)):
        said = sitewatch(*command, "--outputs", "outputs", cwd=record.outputs.parent)
        assert said.status in (1, 2), command
        assert "has 0 bytes" in said.out + said.err or "no ledger" in said.out + said.err
    assert restore(record).status == 2
    assert path.stat().st_size == 0
    path.rename(path.with_name("damaged"))
    assert restore(record).status == 0
    with record.ledger() as ledger:
        assert len(ledger.alerts()) == 2


def test_an_empty_database_is_no_ledger(tmp_path):
    empty_database(tmp_path / "x.sqlite")
    before = (tmp_path / "x.sqlite").read_bytes()
    with pytest.raises(LedgerError, match="has no schema"):
        open_ledger(f"sqlite:///{tmp_path / 'x.sqlite'}")
    assert (tmp_path / "x.sqlite").read_bytes() == before


def test_no_kill_while_a_ledger_is_made_leaves_half_of_one(tmp_path):
    """Killed before each statement in turn: there is no ledger, or a whole one, and the next call makes it."""
    killed = 0
    for statement in (0, 1, 2, 5, 10, 30, 60, 90, 120, 130, 140, 1000):
        path = tmp_path / f"{statement}" / "ledger.sqlite"
        pid = os.fork()
        if pid == 0:
            seen = iter(range(statement))
            event.listen(
                Engine,
                "before_cursor_execute",
                lambda *_, seen=seen: None if next(seen, None) is not None else os.kill(os.getpid(), signal.SIGKILL),
            )
            open_ledger(f"sqlite:///{path}")
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSIGNALED(status):
            break
        killed += 1
        whole = path.exists()
        assert not whole or level_of(f"sqlite:///{path}").current == level_of(f"sqlite:///{path}").newest
        open_ledger(f"sqlite:///{path}").close()
        assert [p.name for p in path.parent.iterdir() if p.name.endswith("new")] == []
    assert killed > 8


def test_two_processes_that_make_a_ledger_at_once_make_one(tmp_path):
    children, start = [], time.monotonic() + 0.3
    for number in range(4):
        pid = os.fork()
        if pid == 0:
            time.sleep(max(0.0, start - time.monotonic()))
            with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
                now = datetime.now(UTC)
                ledger.accounts.add(f"a{number}", role="viewer", sees_positions=False, password_hash="h", at=now)
            os._exit(0)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        assert len(ledger.accounts.all()) == 4
