"""What waits in the ledger's outbox goes out: routed, packed, sent, marked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from aois.week import Week
from flows.alerts.delivery import send
from flows.alerts.dispatch_plan import (
    OVER,
    PREFECT,
    Bundle,
    DispatchPlanner,
    deliveries_of,
    escalations_of,
    shares,
)
from flows.alerts.errors import AlertsError
from flows.alerts.muting import settle_muted
from flows.alerts.route_settings import MessageRoutes
from flows.alerts.routes import Routes
from flows.alerts.timing import is_due, next_attempt
from flows.ledger.errors import LedgerError
from flows.ledger.ledger import Ledger
from flows.records.ids import AlertId, message_key
from flows.records.messages import (
    DeliveryRecord,
    DispatchContent,
    DispatchRecord,
    News,
    Purpose,
    ToldAlert,
)
from flows.telemetry.logs import log

Clock: TypeAlias = Callable[[], datetime]
Signal: TypeAlias = Callable[[DispatchContent, datetime], str]
"""Tells programs of a parcel's content, made at an instant; empty when they were told, else the reason."""

PATIENCE_S = 30.0  # for another process that is sending
BUSY = "another process is sending messages; wait for it to end, then run `sitewatch alerts deliver`"
NOT_ASKED_FOR = "it is of the simulated world, and no route of this channel says simulated = true"


@dataclass(frozen=True)
class Delivery:
    """What a delivery came to: messages that waited, that some channel took, and each channel that did not, and why.

    `simulated` messages wait still, since they are of the simulated world and no route asks for such. `muted` ones are
    sent in no channel, since somebody muted their incident.
    """

    waiting: int
    sent: int = 0
    failed: tuple[str, ...] = ()
    given_up: tuple[str, ...] = ()
    simulated: int = 0
    muted: int = 0


def utc_now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


def deliver_pending(
    ledger: Ledger,
    ways: MessageRoutes,
    *,
    week: Week,
    clock: Clock = utc_now,
    only_due: bool = False,
    patience_s: float | None = None,
    signal: Signal | None = None,
    again: str | None = None,
) -> Delivery:
    """Send all that waits, each channel by itself; with `only_due` leave alone what failed and is to wait longer.

    Without a channel nothing is sent to people and nothing is marked: the messages wait for the day on which one is
    given. So do messages of the simulated world while no route asks for such. Programs are told by `signal`; what they
    are to hear waits where there is none. With `again` each channel also hears once more what it last heard of every
    alert of that area, as the alert stands now, under a new key, so that no receiver takes it for a repetition. One
    process at a time.

    Raises
    ------
    AlertsError
        For routes that cannot be used. What is wrong with one channel is that channel's reason instead.
    LedgerError
        When another process has not finished sending after `patience_s` (half a minute if left out), or the record
        cannot be reached.
    """
    with ledger.exclusively("delivery", complaint=BUSY, patience_s=PATIENCE_S if patience_s is None else patience_s):
        muted = settle_muted(ledger, ways.incident_rule, now=clock())
        routes = ways.routes
        waiting, simulated = waiting_messages(ledger, ways)
        if not routes.channels and signal is None:
            return Delivery(waiting, simulated=simulated, muted=muted)
        post = _Post(ledger, routes, DispatchPlanner(ledger, ways, week), clock, signal)
        if routes.routes:  # the operator's channels alone are nobody who hears alerts
            post.route()
            post.escalate()
        post.promise()
        unpacked = [*post.pack(), *(post.repeat(again) if again is not None else ())]
        sent = post.send(waiting, only_due=only_due)
        left = waiting_messages(ledger, ways)[1]
        return replace(sent, failed=(*unpacked, *sent.failed), simulated=left, muted=muted)


def waiting_messages(ledger: Ledger, ways: MessageRoutes) -> tuple[int, int]:
    """Return how many messages wait, and how many of those do so because no route asks for simulated alerts."""
    messages = ledger.pending_messages()
    with suppress(AlertsError):  # routes that cannot be used ask for nothing, and who delivers says so
        if ways.routes.hears_simulated:
            return len(messages), 0
    alerts = {one.alert_id: one for one in ledger.alerts()} if messages else {}
    return len(messages), sum(alerts[one.alert_id].is_simulated for one in messages)


@dataclass(frozen=True)
class _Post:
    """One delivery: the steps, each of which can be done again after a kill."""

    ledger: Ledger
    routes: Routes
    packing: DispatchPlanner
    clock: Clock
    signal: Signal | None

    def route(self) -> None:
        """Settle who hears each new message, and from when on; one of the simulated world waits until a route asks."""
        messages, now = self.ledger.outbox.unrouted(), self.clock()
        if not messages:
            return
        alerts = self.packing.alerts()
        heard = [one for one in messages if self.routes.hears_simulated or not alerts[one.alert_id].is_simulated]
        found = [one for message in heard for one in deliveries_of(self.routes, message, alerts[message.alert_id], now)]
        self.ledger.outbox.route([message.key for message in heard], found, at=now)

    def promise(self) -> None:
        """Settle that programs hear each new message, whoever else does."""
        if self.signal is None:
            return
        now = self.clock()
        found = [
            DeliveryRecord(message.key, PREFECT, PREFECT, now, now, Purpose.SIGNAL)
            for message in self.ledger.outbox.unsignalled()
        ]
        if found:
            self.ledger.outbox.route([], found, at=now)

    def escalate(self) -> None:
        """Settle who else hears of alerts that nobody has acknowledged in time; the time of a mute does not count."""
        patient = {route.name: route for route in self.routes.routes if route.escalate_after_hours is not None}
        late = [one for one in self.ledger.outbox.unanswered() if one.route in patient] if patient else []
        if not late:
            return
        alerts, incidents, now = self.packing.alerts(), self.packing.incidents(), self.clock()
        found: list[DeliveryRecord] = []
        for one in late:
            route = patient[one.route]
            incident = incidents.of(one.alert_id)
            if incident is not None and incidents.mute_on(incident, now.date()):
                continue
            unmuted = None if incident is None else incidents.unmuted_since(incident, now)
            begun = one.sent_at if unmuted is None else max(one.sent_at, unmuted)
            due = begun + timedelta(hours=route.escalate_after_hours or 0.0)
            if now >= due and alerts[one.alert_id].state not in OVER:
                found += escalations_of(route, one.message_key, now)
        self.ledger.outbox.route([], found, at=now)

    def pack(self) -> list[str]:
        """Settle what each channel is sent as one; return the reasons of channels for which that failed."""
        now = self.clock()
        due = [one for one in self.ledger.outbox.waiting() if is_due(one.not_before, set_at=one.made_at, now=now)]
        if not due:
            return []
        groups: dict[Bundle, dict[str, News | None]] = defaultdict(dict)
        alerts = self.packing.alerts()
        for one in due:
            is_simulated = alerts[message_key(one.message_key).alert_id].is_simulated
            if (
                not is_simulated
                or one.purpose is Purpose.SIGNAL
                or self.packing.named(one.route, one.channel).simulated
            ):
                groups[Bundle(one.channel, one.route, one.purpose, is_simulated)][one.message_key] = one.news
        return [reason for bundle, told in groups.items() for reason in self._settle(bundle, told, alerts, now)]

    def repeat(self, area_id: str) -> list[str]:
        """Settle what each channel is sent once more about an area; return the reasons of those that failed.

        What is muted is not told again.
        """
        now, alerts, incidents = self.clock(), self.packing.alerts(), self.packing.incidents()
        groups: dict[Bundle, dict[str, News | None]] = defaultdict(dict)
        for one in self.ledger.outbox.told(area_id):
            alert_id = message_key(one.message_key).alert_id
            is_simulated, incident = alerts[alert_id].is_simulated, incidents.of(alert_id)
            if incident is not None and incidents.mute_on(incident, now.date()):
                continue
            if not is_simulated or self.packing.named(one.route, one.channel).simulated:
                groups[Bundle(one.channel, one.route, Purpose.ALERT, is_simulated)][one.message_key] = None
        return [
            reason
            for bundle, told in groups.items()
            for reason in self._settle(bundle, told, alerts, now, again=f"again {now.isoformat()}")
        ]

    def _settle(
        self,
        bundle: Bundle,
        told: Mapping[str, News | None],
        alerts: Mapping[AlertId, ToldAlert],
        now: datetime,
        *,
        again: str | None = None,
    ) -> Iterator[str]:
        """Put what a channel is sent on record, in portions that it takes; a defect is the channel's and no other's."""
        for keys in shares(sorted(told), self.packing.largest(bundle)):
            try:
                dispatch = self.packing.dispatch(bundle, {key: told[key] for key in keys}, alerts, now, again=again)
            except LedgerError:
                raise  # the record itself is out of reach, for every channel
            except Exception as error:  # noqa: BLE001 - a defect: it is logged, and no other channel waits for it
                log.exception("a message could not be made", extra={"channel": bundle.channel})
                yield f"{bundle.channel}: the message could not be made ({type(error).__name__}); see the log"
                continue
            # what is told again was delivered long ago, so the dispatch carries none of the waiting deliveries
            self.ledger.outbox.pack(replace(dispatch, messages=()) if again else dispatch, purpose=bundle.purpose)

    def send(self, waiting: int, *, only_due: bool) -> Delivery:
        """Send each dispatch, and note how its channel took it."""
        sent: set[str] = set()
        failed: list[str] = []
        given_up: list[str] = []
        for one in self.ledger.outbox.unsent():
            if only_due and not is_due(one.next_attempt_at, set_at=one.last_attempt_at, now=self.clock()):
                continue
            if one.channel == PREFECT and self.signal is None:
                continue  # nobody to tell from here; the next run will
            reason = self._attempt(one)
            if not reason:
                self.ledger.outbox.mark_sent(one.key, at=self.clock())
                sent.update(() if one.channel == PREFECT else one.messages or (one.key,))
                continue
            again = None if reason == NOT_ASKED_FOR else next_attempt(one.attempts + 1, self.clock())
            reason = f"{one.channel}: {reason}"
            self.ledger.outbox.mark_failed(one.key, reason=reason, at=self.clock(), next_at=again)
            (failed if again else given_up).append(reason)
        return Delivery(waiting, len(sent), tuple(failed), tuple(given_up))

    def _attempt(self, one: DispatchRecord) -> str:
        """Send a dispatch once; return why that failed, whatever the reason is, or an empty text."""
        try:
            if one.channel == PREFECT and self.signal is not None:
                return self.signal(self.packing.as_signal(one), one.made_at)
            channel = self.routes.channels.get(one.channel)
            if channel is None:
                return "there is no such channel any more; name it again in the routes"
            content = self.packing.as_it_leaves(one, channel)
            if content.is_simulated and content.alerts and one.channel not in self.routes.hears_simulated:
                return NOT_ASKED_FOR
            made_at, references = one.made_at, self.packing.references
            return send(content, channel, made_at=made_at, now=self.clock(), references=references)
        except Exception as error:  # noqa: BLE001 - a defect: it is logged, and no other channel waits for it
            log.exception("a message could not be sent", extra={"channel": one.channel})
            return f"it failed in a way that nobody foresaw ({type(error).__name__}); see the log"
