"""What waits in the ledger's outbox goes out: routed, packed, sent, marked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from aois.week import Week
from flows.alerts.delivery import send
from flows.alerts.digest import Fates, Setting
from flows.alerts.parcel import parcel, parcel_key
from flows.alerts.routes import Channel, ChannelKind, Route, Routes
from flows.alerts.signing import Answer, make_token
from flows.alerts.timing import Schedule, after_quiet_hours, is_due, next_attempt, next_weekly
from flows.channels import report_link, routes_of
from flows.ledger.ledger import Ledger
from flows.ledger.records import DeliveryRecord, DispatchRecord, MessageRecord, Purpose
from flows.settings import Settings, SourceName

Clock: TypeAlias = Callable[[], datetime]
Feature: TypeAlias = dict[str, Any]

LARGEST = {ChannelKind.WEBHOOK: 500}  # alerts a dispatch: half a megabyte, which servers take
LINK_LIFE = timedelta(days=60)
BUSY = "another process is sending messages; wait for it to end, then run `sitewatch alerts deliver`"
OVER = ("finished", "retracted")


@dataclass(frozen=True)
class Delivery:
    """What a delivery came to: messages that waited, that some channel took, and each channel that did not, and why."""

    waiting: int
    sent: int = 0
    failed: tuple[str, ...] = ()
    given_up: tuple[str, ...] = ()


def utc_now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


def deliver_pending(
    ledger: Ledger,
    settings: Settings,
    *,
    week: Week,
    report: Path,
    clock: Clock = utc_now,
    only_due: bool = False,
    patience_s: float = 30.0,
    again: str | None = None,
) -> Delivery:
    """Send all that waits, each channel by itself; with `only_due` leave alone what failed and is to wait longer.

    Without a channel nothing is sent and nothing is marked: the messages wait for the day on which one is given. With
    `again` each channel also hears once more what it last heard of every alert of that area, as the alert stands now,
    under a new key, so that no receiver takes it for a repetition. One
    process at a time; raises `LedgerError` when another has not finished after `patience_s`.
    """
    routes = routes_of(settings)
    waiting = len(ledger.pending_messages())
    if not routes.channels:
        return Delivery(waiting)
    post = _Post(ledger, routes, week, report, settings.source is SourceName.SIMULATED, clock)
    with ledger.exclusively("delivery", complaint=BUSY, patience_s=patience_s):
        if routes.routes:  # the operator's channels alone are nobody who hears alerts
            post.route()
            post.escalate()
            post.pack()
        if again is not None:
            post.repeat(again)
        return post.send(waiting, only_due=only_due)


@dataclass(frozen=True)
class _Post:
    """One delivery: the steps, each of which can be done again after a kill."""

    ledger: Ledger
    routes: Routes
    week: Week
    report: Path
    is_exercise: bool
    clock: Clock

    def route(self) -> None:
        """Settle who hears each new message, and from when on."""
        messages, now = self.ledger.outbox.unrouted(), self.clock()
        if messages:
            alerts = self._alerts()
            found = [one for message in messages for one in self._ways(message, alerts[message.alert_id], now)]
            self.ledger.outbox.route([message.key for message in messages], found, at=now)

    def escalate(self) -> None:
        """Settle who else hears of alerts that nobody has acknowledged in time."""
        patient = {route.name: route for route in self.routes.routes if route.escalate_after_hours is not None}
        late = [one for one in self.ledger.outbox.unanswered() if one.route in patient] if patient else []
        if not late:
            return
        alerts, now = self._alerts(), self.clock()
        found = []
        for one in late:
            route = patient[one.route]
            due = one.sent_at + timedelta(hours=route.escalate_after_hours or 0.0)
            if now >= due and alerts[one.alert_id]["properties"]["state"] not in OVER:
                start = after_quiet_hours(now, route.quiet_hours, route.timezone)
                found += [
                    DeliveryRecord(one.message_key, channel, route.name, now, start, Purpose.ESCALATION)
                    for channel in route.escalate_to
                ]
        self.ledger.outbox.route([], found, at=now)

    def pack(self) -> None:
        """Settle what each channel is sent as one."""
        now = self.clock()
        due = [one for one in self.ledger.outbox.waiting() if is_due(one.not_before, set_at=one.made_at, now=now)]
        if not due:
            return
        groups: dict[tuple[str, str, Purpose], list[str]] = defaultdict(list)
        for one in due:
            groups[one.channel, one.route, one.purpose].append(one.message_key)
        alerts, fates = self._alerts(), self.ledger.provisional_fates()
        for (channel, name, purpose), keys in groups.items():
            for some in _shares(sorted(keys), self.routes.channels.get(channel)):
                setting = self._setting(self._named(name, channel), channel, purpose, Fates(**vars(fates)), some, now)
                dispatch = self._dispatch(channel, some, setting, alerts, purpose.value, now)
                self.ledger.outbox.pack(dispatch, purpose=purpose)

    def repeat(self, area_id: str) -> None:
        """Settle what each channel is sent once more about an area."""
        groups: dict[tuple[str, str], list[str]] = defaultdict(list)
        for one in self.ledger.outbox.told(area_id):
            groups[one.channel, one.route].append(one.message_key)
        now, alerts, fates = self.clock(), self._alerts(), Fates(**vars(self.ledger.provisional_fates()))
        for (channel, name), keys in groups.items():
            for some in _shares(sorted(keys), self.routes.channels.get(channel)):
                setting = self._setting(self._named(name, channel), channel, Purpose.ALERT, fates, some, now)
                dispatch = self._dispatch(channel, some, setting, alerts, f"again {now.isoformat()}", now)
                self.ledger.outbox.pack(replace(dispatch, messages=()))  # its messages were delivered long ago

    def send(self, waiting: int, *, only_due: bool) -> Delivery:
        """Send each dispatch, and note how its channel took it."""
        sent: set[str] = set()
        failed: list[str] = []
        given_up: list[str] = []
        for one in self.ledger.outbox.unsent():
            if only_due and not is_due(one.next_attempt_at, set_at=one.last_attempt_at, now=self.clock()):
                continue
            reason = self._attempt(one)
            if not reason:
                self.ledger.outbox.mark_sent(one.key, at=self.clock())
                sent.update(one.messages or (one.key,))
                continue
            reason, now = f"{one.channel}: {reason}", self.clock()
            again = next_attempt(one.attempts + 1, now)
            self.ledger.outbox.mark_failed(one.key, reason=reason, at=now, next_at=again)
            (failed if again else given_up).append(reason)
        return Delivery(waiting, len(sent), tuple(failed), tuple(given_up))

    def _attempt(self, one: DispatchRecord) -> str:
        channel = self.routes.channels.get(one.channel)
        if channel is None:
            return "there is no such channel any more; name it again in the routes"
        return send(one.payload, channel, made_at=one.made_at, now=self.clock())

    def _alerts(self) -> dict[str, Feature]:
        """Every alert by its id, with the last clear look at its area."""
        looks = {o.area_id: o.last_clear_look for o in self.ledger.observations() if o.last_clear_look}
        alerts = {}
        for feature in self.ledger.alerts():
            look = looks.get(feature["properties"]["area_id"])
            properties = {**feature["properties"], "last_clear_look": look.isoformat() if look else None}
            alerts[feature["id"]] = {**feature, "properties": properties}
        return alerts

    def _ways(self, message: MessageRecord, alert: Feature, now: datetime) -> Iterator[DeliveryRecord]:
        for route in self.routes.routes:
            if route.wants(alert["properties"], message.state.value):
                start = _start(route, now)
                for channel in route.channels:
                    yield DeliveryRecord(message.key, channel, route.name, now, start)

    def _named(self, name: str, channel: str) -> Route:
        """The route of a name; one that is gone from the file since is careful and in English."""
        return next((r for r in self.routes.routes if r.name == name), Route(name=name, channels=(channel,)))

    def _setting(
        self, route: Route, channel: str, purpose: Purpose, fates: Fates, keys: Sequence[str], now: datetime
    ) -> Setting:
        return Setting(
            report=report_link(self.routes, self.report, route.lang),
            lang=route.lang,
            is_restricted=route.restricted,
            is_exercise=self.is_exercise,
            is_escalation=purpose is Purpose.ESCALATION,
            fates=fates,
            links=self._links({_alert_of(key) for key in keys}, channel, now),
        )

    def _links(self, alert_ids: set[str], channel: str, now: datetime) -> dict[str, str]:
        base, secret = self.routes.acknowledge_base, self.routes.acknowledge_secret
        if base is None or secret is None:
            return {}
        plain, expires = secret.get_secret_value(), now + LINK_LIFE
        return {one: f"{base}?token={make_token(plain, Answer(one, channel), expires=expires)}" for one in alert_ids}

    def _dispatch(
        self,
        channel: str,
        keys: Sequence[str],
        setting: Setting,
        alerts: dict[str, Feature],
        purpose: str,
        now: datetime,
    ) -> DispatchRecord:
        messages: dict[str, list[str]] = defaultdict(list)
        for key in keys:
            messages[_alert_of(key)].append(key)
        key = parcel_key(channel, purpose, keys)
        content = parcel([alerts[one] for one in messages], self.week, setting, key=key, messages=messages)
        return DispatchRecord(key, channel, tuple(keys), content, now)


def _start(route: Route, now: datetime) -> datetime:
    """From when on a route may tell what it hears now."""
    if route.schedule is Schedule.WEEKLY:
        return next_weekly(now, weekday=route.weekday, hour=route.hour, timezone=route.timezone)
    return after_quiet_hours(now, route.quiet_hours, route.timezone)


def _shares(keys: Sequence[str], channel: Channel | None) -> Iterator[Sequence[str]]:
    """The keys in portions that a channel can take at once."""
    size = LARGEST.get(channel.kind, len(keys)) if channel else len(keys)
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def _alert_of(key: str) -> str:
    """The alert that a message is about."""
    return key.split(":")[0]
