"""Which messages are sent in no channel, since somebody muted their incident: pure but for the last step."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from detectors.records import State
from flows.ledger.ledger import Ledger
from flows.records.ids import AlertId
from flows.records.incidents import IncidentRule, Incidents
from flows.records.messages import MessageRecord


def settle_muted(ledger: Ledger, rule: IncidentRule, *, now: datetime) -> int:
    """Record which new messages are sent in no channel, and return how many; each stays on record and is counted.

    It is settled once, so that nothing of it goes out when the mute ends.
    """
    if not ledger.mutes.last():
        return 0
    fresh = ledger.outbox.unrouted()
    if not fresh:
        return 0
    incidents = ledger.incidents(rule)
    told = set(told_alerts(ledger.outbox.messages(), incidents, but={one.key for one in fresh}))
    found: dict[str, int] = {}
    held = {one.alert_id: one.mute for one in incidents.muted}
    for one in fresh:  # in the order in which they became true: an alert and its retraction may both be new
        mute = mute_of(one, incidents, told, held, now=now)
        if mute is None:
            told.add(one.alert_id)
        else:
            found[one.key] = held[one.alert_id] = mute
    if found:
        ledger.mutes.settle(found, at=now)
    return len(found)


def mute_of(
    message: MessageRecord,
    incidents: Incidents,
    told: Collection[AlertId],
    held: Mapping[AlertId, int],
    *,
    now: datetime,
) -> int | None:
    """Return the number of the mute by which a message is not sent; None where it is.

    `told` are the alerts of which people know, `held` those of which a message was kept back, with the number of the
    last mute that did so.

    A retraction of an alert that people know is always told, since somebody may be about to act on it. A retraction of
    one that nobody was told of is news for nobody, also when the mute has ended.
    """
    incident = incidents.of(message.alert_id)
    if incident is None:
        return None
    if message.state is State.RETRACTED:
        return None if message.alert_id in told else held.get(message.alert_id)
    mute = incidents.mute_on(incident, now.date())
    return None if mute is None else mute.number


def told_alerts(
    messages: Sequence[MessageRecord], incidents: Incidents, *, but: Collection[str] = ()
) -> frozenset[AlertId]:
    """Return the alerts of which a message was on its way to somebody, `but` those messages."""
    unsent = {one.key for one in incidents.muted} | set(but)
    return frozenset(one.alert_id for one in messages if one.key not in unsent)
