"""The whole record in one file, and back again, on either database."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event as hook
from sqlalchemy.engine import Engine

from detectors.records import State
from flows.ledger import Judgement, LedgerError, Verdict, event_id, open_ledger
from flows.records.messages import DeliveryRecord, DispatchRecord
from flows.records.runs import RunRecord

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
X = event_id("site-a", "x")


@pytest.fixture
def full(ledger, given):
    """A ledger with something in every table that matters."""
    ledger.record_week(given.observation(0), [given.event("x"), given.event("y")])
    ledger.record_week(given.observation(1), [given.event("x", State.PROVISIONAL, State.CONFIRMED)])
    ledger.judge(X, Judgement(Verdict.CONFIRMED, by="Anna", note="seen"), at=NOW)
    keys = [message.key for message in ledger.pending_messages()]
    ledger.outbox.route(keys, [DeliveryRecord(key, "mail", "all", NOW, NOW) for key in keys], at=NOW)
    ledger.outbox.pack(DispatchRecord("sw-1", "mail", tuple(keys), {"title": "alerts"}, NOW))
    return ledger


def said(ledger):
    """All that a ledger says."""
    return {
        "areas": ledger.areas(),
        "observations": ledger.observations(),
        "events": ledger.events("site-a"),
        "alerts": ledger.alerts(),
        "history": ledger.history(X),
        "verdicts": ledger.verdicts(),
        "pending": ledger.pending_messages(),
        "unsent": ledger.outbox.unsent(),
    }


@pytest.mark.parametrize("into", ["fresh_file", "fresh_database"])
def test_a_backup_restores_into_either_database_and_goes_on_from_there(full, given, request, into, tmp_path):
    path = tmp_path / "ledger.backup"
    rows = full.back_up(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.glob(".*backup*")) == []
    with request.getfixturevalue(into)() as address, open_ledger(address) as other:
        with pytest.raises(LedgerError, match=r"holds 1 areas, .*back the ledger up, then use --replace"):
            other.restore(path)
        assert other.restore(path, replace=True) == rows > 10
        assert said(other) == said(full)
        for ledger in (full, other):
            ledger.record_week(given.observation(2), [given.event("x", State.PROVISIONAL, State.CONFIRMED)])
            ledger.judge(X, Judgement(Verdict.UNSURE, by="Ben"), at=NOW)
        assert said(other) == said(full)


def test_a_ledger_whose_first_run_has_begun_calls_alerts_the_same_after_a_restore(ledger, fresh_file, tmp_path):
    ledger.start_run(RunRecord("run-1", NOW, "0.1.0"))
    ledger.back_up(tmp_path / "ledger.backup")
    with fresh_file() as address, open_ledger(address) as other:
        other.restore(tmp_path / "ledger.backup", replace=True)
        assert other.references().of("al-0123456789ab") == ledger.references().of("al-0123456789ab")


def test_a_backup_is_of_one_moment_while_others_write(full, given, tmp_path, url):
    before = said(full)
    with open_ledger(url) as another:
        done: list[Any] = []

        def write_meanwhile(_connection, _cursor, statement, *_):
            if not done and statement.startswith("SELECT"):
                done.append(True)
                another.record_week(given.observation(2), [given.event("late")])

        hook.listen(full._engine, "after_cursor_execute", write_meanwhile)
        full.back_up(tmp_path / "ledger.backup")
        assert done
    with open_ledger(f"sqlite:///{tmp_path / 'other.sqlite'}") as other:
        other.restore(tmp_path / "ledger.backup")
        assert said(other) == before


def test_a_kill_while_restoring_leaves_the_ledger_as_it_was(full, given, tmp_path, url):
    full.back_up(tmp_path / "ledger.backup")
    full.record_week(given.observation(2), [given.event("late")])
    before = given.dump(url)
    full.close()
    pid = os.fork()
    if pid == 0:
        ledger = open_ledger(url)
        hook.listen(Engine, "commit", lambda _: os.kill(os.getpid(), signal.SIGKILL))
        ledger.restore(tmp_path / "ledger.backup", replace=True)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status)
    assert given.dump(url) == before


def test_what_is_no_backup_is_refused_and_nothing_is_changed(full, given, tmp_path, url):
    before = given.dump(url)
    path = tmp_path / "ledger.backup"
    with pytest.raises(LedgerError, match="is not there; name a file"):
        full.restore(path, replace=True)
    path.write_text("a shopping list, long enough to be looked at as a database header\n" * 20)
    with pytest.raises(LedgerError, match="cannot be opened as a database"):
        full.restore(path, replace=True)
    with pytest.raises(LedgerError, match="exists and is not overwritten"):
        full.back_up(path)
    with pytest.raises(LedgerError, match=r"backup .*No such file"):
        full.back_up(tmp_path / "nowhere" / "ledger.backup")
    assert given.dump(url) == before


def test_a_backup_of_a_newer_version_is_refused(full, given, tmp_path, url):
    path = tmp_path / "ledger.backup"
    full.back_up(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = given.dump(url)
    with pytest.raises(LedgerError, match="upgrade Sitewatch"):
        full.restore(path, replace=True)
    assert given.dump(url) == before
