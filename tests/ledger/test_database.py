from __future__ import annotations

import sqlite3
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from flows.ledger import LedgerError, alert_id, event_id, open_ledger
from flows.ledger.database import alembic_config, connect, level_of, writing
from flows.ledger.tables import Base
from flows.ledger.worlds import World, world_at
from flows.records.messages import DeliveryRecord, DispatchRecord

TABLES = set(Base.metadata.tables)
STEPS = [step.revision for step in ScriptDirectory.from_config(alembic_config()).walk_revisions()][::-1]


def tables(path: Path) -> set[str]:
    engine = create_engine(f"sqlite:///{path}")
    names = set(inspect(engine).get_table_names()) - {"alembic_version"}
    engine.dispose()
    return names


def tables_of(engine):
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_migrations_lead_down_and_up_again_step_by_step(new_url):
    engine = connect(new_url)
    assert tables_of(engine) == TABLES
    for _ in STEPS:
        with writing(engine).begin() as connection:
            command.downgrade(alembic_config(connection), "-1")
    assert tables_of(engine) == set()
    for step in STEPS:
        with writing(engine).begin() as connection:
            command.upgrade(alembic_config(connection), step)
    assert tables_of(engine) == TABLES
    engine.dispose()


@pytest.fixture
def first_release(tmp_path):
    """The file that the first release wrote."""
    path = tmp_path / "first.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(Path(__file__).with_name("first_release.sql").read_text())
    connection.close()
    return path


def test_a_ledger_of_the_first_release_is_brought_up_to_date_with_all_it_knew(first_release):
    with open_ledger(f"sqlite:///{first_release}") as ledger:
        states = [alert.state for alert in ledger.alerts()]
        x = alert_id(event_id("site-a", "x"))
        assert sorted(states) == ["confirmed", "provisional", "provisional"]
        assert ledger.alert(x).acknowledged_by == "Anna"
        assert [run.run_id for run in ledger.runs()] == ["run-1"]
        waiting = [message.key for message in ledger.pending_messages()]
        assert len(waiting) == 3, "one of four was sent; the others wait"
        assert f"{x}:confirmed" in waiting
        assert ledger.verdicts() == []
        assert ledger.world is World.SIMULATED, "by its run: it holds no scene"
        assert {alert.is_simulated for alert in ledger.alerts()} == {True}


def test_a_way_back_to_the_first_release_says_what_was_sent(first_release):
    now = datetime(2026, 9, 21, 6, tzinfo=UTC)
    with open_ledger(f"sqlite:///{first_release}") as ledger:
        first, second, third = (message.key for message in ledger.pending_messages())
        ways = [DeliveryRecord(key, "mail", "all", now, now) for key in (first, second)]
        ledger.outbox.route([first, second, third], ways, at=now)
        ledger.outbox.pack(DispatchRecord("sw-1", "mail", (first,), {}, now))
        ledger.outbox.mark_sent("sw-1", at=now)
    engine = connect(f"sqlite:///{first_release}")
    with writing(engine).begin() as connection:
        command.downgrade(alembic_config(connection), "0001")
        rows = connection.exec_driver_sql("SELECT key FROM messages WHERE sent_at IS NULL").all()
    engine.dispose()
    assert [key for (key,) in rows] == [second]


def test_migrations_lead_to_the_tables_of_the_code(new_url):
    engine = connect(new_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_a_migration_that_is_cut_short_leaves_the_ledger_as_it_was(first_release, given):
    with sqlite3.connect(first_release) as connection:
        connection.execute("CREATE TABLE event_remarks (mine TEXT)")  # stands in the way of the fifth step
    connection.close()
    before = given.dump(first_release)
    with pytest.raises(LedgerError, match="already exists"):
        open_ledger(f"sqlite:///{first_release}")
    assert given.dump(first_release) == before


def test_tables_suit_postgresql():
    statements = [str(CreateTable(t).compile(dialect=postgresql.dialect())) for t in Base.metadata.sorted_tables]
    assert not any("JSONB" in one for one in statements), "JSONB would not give back the same bytes"
    assert any("BIGSERIAL" in one for one in statements)
    assert any("TIMESTAMP WITH TIME ZONE" in one for one in statements)


def test_sqlite_is_set_up_to_be_shared_and_kept(path):
    engine = connect(f"sqlite:///{path}")
    with engine.connect() as connection:
        read = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "foreign_keys")
        }
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() >= 10_000
    engine.dispose()
    assert read == {"journal_mode": "wal", "foreign_keys": 1}


def test_only_the_owner_can_read_a_new_ledger(tmp_path):
    open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}").close()
    assert stat.S_IMODE((tmp_path / "ledger.sqlite").stat().st_mode) == 0o600


def test_a_ledger_from_a_newer_version_is_refused_and_untouched(path, given):
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = given.dump(path)
    with pytest.raises(LedgerError, match=r"9999.*upgrade Sitewatch"):
        open_ledger(f"sqlite:///{path}")
    assert given.dump(path) == before


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "ledger.sqlite"
    path.write_text("a shopping list, long enough to be looked at as a database header\n" * 20)
    with pytest.raises(LedgerError, match="cannot be opened"):
        open_ledger(f"sqlite:///{path}")


@pytest.mark.parametrize(
    "url", ["postgresql+nosuchdriver://anna:hunter2@127.0.0.1/x", "not a url hunter2", "nosuch://a:hunter2@b/c"]
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url):
    with pytest.raises(LedgerError) as caught:
        open_ledger(url)
    assert "hunter2" not in str(caught.value)
    assert "sqlite:///outputs/ledger.sqlite" in str(caught.value)


def test_errors_of_the_database_do_not_repeat_values(given, path):
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON event_versions BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    connection.close()
    with (
        open_ledger(f"sqlite:///{path}") as ledger,
        pytest.raises(LedgerError, match=r"disk full; nothing was changed") as caught,
    ):
        ledger.record_week(given.observation(0), [given.event("x")])
    assert "0.001" not in str(caught.value) + str(caught.value.__cause__)


def test_looking_at_a_ledger_leaves_no_file_and_no_byte_of_it_changed(tmp_path):
    path = tmp_path / "ledger.sqlite"
    open_ledger(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")  # as after a copy by another program
    connection.close()
    before = sorted((one.name, one.read_bytes()) for one in tmp_path.iterdir() if one.is_file())
    assert world_at(f"sqlite:///{path}") is None
    assert level_of(f"sqlite:///{path}").current is not None
    assert sorted((one.name, one.read_bytes()) for one in tmp_path.iterdir() if one.is_file()) == before
    path.write_bytes(b"")
    with pytest.raises(LedgerError, match="has 0 bytes"):
        world_at(f"sqlite:///{path}")
    assert path.read_bytes() == b""
