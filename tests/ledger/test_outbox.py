from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from detectors.records import State
from flows.ledger import LedgerError, alert_id, event_id
from flows.records.messages import DeliveryRecord, DispatchRecord, ProvisionalOutcomes, Purpose

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
ALERT = alert_id(event_id("site-a", "x"))
KEY = f"{ALERT}:provisional"


@pytest.fixture
def alerted(ledger, given):
    ledger.record_week(given.observation(0), [given.event("x")])
    return ledger


def to(channel, *, purpose=Purpose.ALERT):
    return DeliveryRecord(KEY, channel, "everything", NOW, NOW, purpose)


def dispatch(channel, key="sw-1"):
    return DispatchRecord(key, channel, (KEY,), {"title": "1 alert"}, NOW)


@pytest.fixture
def packed(alerted):
    """One message on its way to two channels."""
    alerted.outbox.route([KEY], [to("mail"), to("hook")], at=NOW)
    alerted.outbox.pack(dispatch("mail", "sw-mail"))
    alerted.outbox.pack(dispatch("hook", "sw-hook"))
    return alerted


def test_a_message_is_pending_until_every_channel_has_taken_it(packed):
    packed.outbox.mark_sent("sw-mail", at=NOW)
    packed.outbox.mark_failed("sw-hook", reason="not reached", at=NOW, next_at=LATER)
    assert [message.key for message in packed.pending_messages()] == [KEY]
    (waiting,) = packed.outbox.unsent()
    assert (waiting.channel, waiting.attempts, waiting.last_error) == ("hook", 1, "not reached")
    assert (waiting.next_attempt_at, waiting.messages, waiting.payload) == (LATER, (KEY,), {"title": "1 alert"})
    packed.outbox.mark_sent("sw-hook", at=LATER)
    assert packed.pending_messages() == []
    assert packed.outbox.unsent() == []


def test_who_hears_a_message_is_settled_once(alerted):
    assert [message.key for message in alerted.outbox.unrouted()] == [KEY]
    alerted.outbox.route([KEY], [to("mail")], at=NOW)
    assert alerted.outbox.unrouted() == []
    alerted.outbox.route([KEY], [to("mail"), to("mail")], at=LATER)
    assert [(one.channel, one.made_at) for one in alerted.outbox.waiting()] == [("mail", NOW)]


def test_a_message_that_no_route_wants_is_not_pending(alerted):
    alerted.outbox.route([KEY], [], at=NOW)
    assert alerted.pending_messages() == []


def test_a_message_in_quiet_hours_is_pending_and_waits(alerted):
    alerted.outbox.route([KEY], [to("mail")], at=NOW)
    assert [message.key for message in alerted.pending_messages()] == [KEY]


def test_the_same_dispatch_again_changes_nothing(packed, given, url):
    packed.outbox.mark_sent("sw-mail", at=NOW)
    before = given.dump(url)
    packed.outbox.pack(dispatch("mail", "sw-mail"))
    packed.outbox.mark_sent("sw-mail", at=LATER)
    packed.outbox.mark_failed("sw-mail", reason="late news", at=LATER, next_at=LATER)
    packed.record_week(given.observation(0), [given.event("x")])
    assert given.dump(url) == before


def test_what_was_given_up_is_kept_with_its_reason_and_can_be_revived(packed):
    packed.outbox.mark_sent("sw-mail", at=NOW)
    packed.outbox.mark_failed("sw-hook", reason="gone for good", at=NOW, next_at=None)
    assert packed.outbox.unsent() == []
    assert packed.pending_messages() == []
    assert [(one.key, one.last_error) for one in packed.outbox.unsent(dead=True)] == [("sw-hook", "gone for good")]
    assert packed.outbox.revive() == 1
    assert [(one.key, one.attempts) for one in packed.outbox.unsent()] == [("sw-hook", 0)]


def test_messages_that_went_out_are_unanswered_until_somebody_acknowledges_the_alert(packed):
    assert packed.outbox.unanswered() == []
    packed.outbox.mark_sent("sw-mail", at=NOW)
    (one,) = packed.outbox.unanswered()
    assert (one.message_key, one.alert_id, one.route, one.sent_at) == (KEY, ALERT, "everything", NOW)
    packed.outbox.route([], [to("chief", purpose=Purpose.ESCALATION)], at=LATER)
    assert [(d.channel, d.purpose) for d in packed.outbox.waiting()] == [("chief", Purpose.ESCALATION)]
    packed.acknowledge(ALERT, by="Anna", on=date(2026, 11, 24))
    assert packed.outbox.unanswered() == []


def test_the_fate_of_provisional_alerts_is_counted(ledger, given):
    P, C, R = State.PROVISIONAL, State.CONFIRMED, State.RETRACTED
    ledger.record_week(given.observation(0), [given.event(key) for key in "abc"])
    ledger.record_week(given.observation(1), [given.event("a", P, C), given.event("b", P, R), given.event("c")])
    ledger.record_week(
        given.observation(2),
        [given.event("a", P, C), given.event("b", P, R), given.event("c"), given.event("sure", C)],
    )
    assert ledger.provisional_outcomes() == ProvisionalOutcomes(held=1, fell=1, open=1)


def test_unknown_keys_are_refused_and_nothing_is_marked(alerted):
    with pytest.raises(LedgerError, match="al-0:provisional are not in the outbox"):
        alerted.outbox.route([KEY, "al-0:provisional"], [], at=NOW)
    assert [message.key for message in alerted.outbox.unrouted()] == [KEY]
    with pytest.raises(LedgerError, match="dispatch `sw-9` is not in the outbox"):
        alerted.outbox.mark_sent("sw-9", at=NOW)


def test_a_time_without_a_zone_is_refused(packed):
    with pytest.raises(LedgerError, match="no time zone"):
        packed.outbox.mark_sent("sw-mail", at=datetime(2026, 11, 23, 6))  # noqa: DTZ001


def test_only_one_at_a_time_may_do_what_is_exclusive(ledger):
    with ledger.exclusively("delivery", complaint="somebody else is sending"):
        with (
            pytest.raises(LedgerError, match="somebody else is sending"),
            ledger.exclusively("delivery", complaint="somebody else is sending", patience_s=0.2),
        ):
            pass
        with ledger.exclusively("area-site-a", complaint="never"):
            pass
    with ledger.exclusively("delivery", complaint="never"):
        pass


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
