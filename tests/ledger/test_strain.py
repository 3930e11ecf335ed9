"""What a ledger does when there is too much of everything, or too little."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import event as hook

from detectors.records import State
from flows.ledger import LedgerError, open_ledger

MANY = 3_000


def test_thousands_of_open_events_are_recorded_and_told_once(path, given):
    events = [given.event(f"x{number}") for number in range(MANY)]
    with open_ledger(f"sqlite:///{path}") as ledger:
        first = ledger.record_week(given.observation(0), events)
        again = ledger.record_week(given.observation(1), events)
        assert (len(first.issued), again.issued, again.changed) == (MANY, (), ())
        assert len(ledger.alerts()) == len(ledger.pending_messages()) == MANY
        keys = [message.key for message in ledger.outbox.unrouted()]
        assert len(set(keys)) == MANY


def test_a_full_disk_changes_nothing_and_says_so(path, given):
    with open_ledger(f"sqlite:///{path}") as ledger:
        ledger.record_week(given.observation(0), [given.event("x")])
    before = given.dump(path)
    with open_ledger(f"sqlite:///{path}") as ledger:

        def no_more_pages(connection, _record, _proxy):
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages + 1}").close()

        hook.listen(ledger._engine, "checkout", no_more_pages)
        with pytest.raises(LedgerError, match=r"database or disk is full; nothing was changed"):
            ledger.record_week(given.observation(1), [given.event(f"x{number}") for number in range(200)])
    assert given.dump(path) == before
    with open_ledger(f"sqlite:///{path}") as ledger:
        ledger.record_week(given.observation(1), [given.event("x", State.PROVISIONAL, State.CONFIRMED)])
        assert ledger.alerts()[0].state == "confirmed"


def test_a_full_disk_under_postgresql_changes_nothing_and_says_so(postgres, full_disk, given):
    name = postgres.create()
    url = postgres.url(name)
    with open_ledger(url) as ledger:
        ledger.record_areas([given.area()])
        ledger.record_week(given.observation(0), [given.event("x")])
    before = given.dump(url)
    many = [given.event(f"x{number}") for number in range(2000)]
    fill, make_room = full_disk(name)
    with open_ledger(url) as ledger:
        fill()
        with pytest.raises(LedgerError, match=r"(?s)No space left on device.*nothing was changed"):
            ledger.record_week(given.observation(1), many)
        make_room()
        assert given.dump(url) == before
        assert len(ledger.record_week(given.observation(1), many).issued) == 2000


def test_a_writer_that_holds_on_for_too_long_is_named(path, given, monkeypatch):
    monkeypatch.setattr("flows.ledger.database.BUSY_TIMEOUT_MS", 200)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with open_ledger(f"sqlite:///{path}") as ledger:
        with pytest.raises(LedgerError, match="database is locked; nothing was changed"):
            ledger.record_week(given.observation(0), [])
        other.close()
        ledger.record_week(given.observation(0), [])
