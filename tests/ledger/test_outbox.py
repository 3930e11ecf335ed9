from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from flows.ledger import LedgerError, alert_id, event_id

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
LATER = datetime(2026, 11, 24, 6, tzinfo=UTC)
ALERT = alert_id(event_id("site-a", "x"))
KEY = f"{ALERT}:provisional"


@pytest.fixture
def alerted(ledger, given):
    ledger.record_week(given.observation(0), [given.event("x")])
    return ledger


def test_a_message_stays_pending_with_its_reason_until_it_is_sent(alerted):
    alerted.mark_failed([KEY], reason="mailto #1 did not take it", at=NOW)
    alerted.mark_failed([KEY], reason="mailto #1 did not take it", at=LATER)
    (message,) = alerted.pending_messages()
    assert (message.attempts, message.last_error, message.last_attempt_at) == (2, "mailto #1 did not take it", LATER)
    alerted.mark_sent([KEY], at=LATER)
    assert alerted.pending_messages() == []


def test_a_sent_message_stays_sent(alerted, given, url):
    alerted.mark_sent([KEY], at=NOW)
    sent = given.dump(url)["messages"]
    alerted.mark_failed([KEY], reason="late news", at=LATER)
    alerted.mark_sent([KEY], at=LATER)
    alerted.record_week(given.observation(0), [given.event("x")])
    assert given.dump(url)["messages"] == sent


def test_unknown_keys_are_refused_and_nothing_is_marked(alerted):
    with pytest.raises(LedgerError, match="al-0:provisional are not in the outbox"):
        alerted.mark_sent([KEY, "al-0:provisional"], at=NOW)
    assert [message.key for message in alerted.pending_messages()] == [KEY]


def test_a_time_without_a_zone_is_refused(alerted):
    with pytest.raises(LedgerError, match="no time zone"):
        alerted.mark_sent([KEY], at=datetime(2026, 11, 23, 6))  # noqa: DTZ001


def test_the_first_acknowledgement_stays_and_survives_a_replay(alerted, given):
    alerted.acknowledge(ALERT, by="Anna", on=date(2026, 11, 23))
    alerted.acknowledge(ALERT, by="Ben", on=date(2026, 11, 24))
    alerted.record_week(given.observation(0), [given.event("x", area_m2=9000.0)])
    record = alerted.alert(ALERT)
    assert (record.acknowledged_by, record.acknowledged_on) == ("Anna", date(2026, 11, 23))


def test_an_acknowledgement_needs_an_alert_and_a_name(alerted):
    with pytest.raises(LedgerError, match=r"`al-0` is not in the ledger; `sitewatch alerts list`"):
        alerted.acknowledge("al-0", by="Anna", on=date(2026, 11, 23))
    with pytest.raises(LedgerError, match="needs a name"):
        alerted.acknowledge(ALERT, by=" ", on=date(2026, 11, 23))
