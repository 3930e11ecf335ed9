"""What waits in the ledger's outbox goes out: routed, packed, sent, marked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from aois.week import Week
from flows.alerts.delivery import send
from flows.alerts.digest import Fates, Setting
from flows.alerts.parcel import parcel, parcel_key
from flows.alerts.routes import ChannelKind, Route, Routes
from flows.alerts.signing import Answer, make_token
from flows.alerts.timing import Schedule, after_quiet_hours, is_due, next_attempt, next_weekly
from flows.channels import report_link, routes_of
from flows.ledger.ledger import Ledger
from flows.ledger.records import DeliveryRecord, DispatchRecord, MessageRecord, News, Purpose
from flows.settings import Settings, SourceName

Clock: TypeAlias = Callable[[], datetime]
Feature: TypeAlias = dict[str, Any]
Signal: TypeAlias = Callable[[Mapping[str, Any], datetime], str]
"""Tells programs of a parcel's content, made at an instant; empty when they were told, else the reason."""

LARGEST = {ChannelKind.WEBHOOK: 500}  # alerts a dispatch: half a megabyte, which servers take
LARGEST_SIGNAL = 100
PREFECT = "Prefect events"
"""The channel of programs, which needs no route: it hears every message."""
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
    signal: Signal | None = None,
    again: str | None = None,
) -> Delivery:
    """Send all that waits, each channel by itself; with `only_due` leave alone what failed and is to wait longer.

    Without a channel nothing is sent to people and nothing is marked: the messages wait for the day on which one is
    given. Programs are told by `signal`; what they are to hear waits where there is none. With `again` each channel
    also hears once more what it last heard of every alert of that area, as the alert stands now, under a new key, so
    that no receiver takes it for a repetition. One process at a time; raises `LedgerError` when another has not
    finished after `patience_s`.
    """
    routes = routes_of(settings)
    waiting = len(ledger.pending_messages())
    if not routes.channels and signal is None:
        return Delivery(waiting)
    post = _Post(ledger, routes, week, report, settings.source is SourceName.SIMULATED, clock, signal)
    with ledger.exclusively("delivery", complaint=BUSY, patience_s=patience_s):
        if routes.routes:  # the operator's channels alone are nobody who hears alerts
            post.route()
            post.escalate()
        post.promise()
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
    signal: Signal | None

    def route(self) -> None:
        """Settle who hears each new message, and from when on."""
        messages, now = self.ledger.outbox.unrouted(), self.clock()
        if messages:
            alerts = self._alerts()
            found = [one for message in messages for one in self._ways(message, alerts[message.alert_id], now)]
            self.ledger.outbox.route([message.key for message in messages], found, at=now)

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
        groups: dict[tuple[str, str, Purpose], dict[str, News]] = defaultdict(dict)
        for one in due:
            groups[one.channel, one.route, one.purpose][one.message_key] = one.news
        alerts, fates = self._alerts(), self.ledger.provisional_fates()
        for (channel, name, purpose), told in groups.items():
            for some in _shares(sorted(told), self._largest(channel, purpose)):
                setting = self._setting(self._named(name, channel), channel, purpose, Fates(**vars(fates)), some, now)
                news = {key: told[key] for key in some}
                dispatch = self._dispatch(channel, news, setting, alerts, purpose.value, now)
                self.ledger.outbox.pack(dispatch, purpose=purpose)

    def repeat(self, area_id: str) -> None:
        """Settle what each channel is sent once more about an area."""
        groups: dict[tuple[str, str], list[str]] = defaultdict(list)
        for one in self.ledger.outbox.told(area_id):
            groups[one.channel, one.route].append(one.message_key)
        now, alerts, fates = self.clock(), self._alerts(), Fates(**vars(self.ledger.provisional_fates()))
        for (channel, name), keys in groups.items():
            for some in _shares(sorted(keys), self._largest(channel, Purpose.ALERT)):
                setting = self._setting(self._named(name, channel), channel, Purpose.ALERT, fates, some, now)
                told = dict.fromkeys(some)
                dispatch = self._dispatch(channel, told, setting, alerts, f"again {now.isoformat()}", now)
                self.ledger.outbox.pack(replace(dispatch, messages=()))  # its messages were delivered long ago

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
            reason, now = f"{one.channel}: {reason}", self.clock()
            again = next_attempt(one.attempts + 1, now)
            self.ledger.outbox.mark_failed(one.key, reason=reason, at=now, next_at=again)
            (failed if again else given_up).append(reason)
        return Delivery(waiting, len(sent), tuple(failed), tuple(given_up))

    def _attempt(self, one: DispatchRecord) -> str:
        if one.channel == PREFECT and self.signal is not None:
            return self.signal(one.payload, one.made_at)
        channel = self.routes.channels.get(one.channel)
        if channel is None:
            return "there is no such channel any more; name it again in the routes"
        return send(one.payload, channel, made_at=one.made_at, now=self.clock())

    def _alerts(self) -> dict[str, Feature]:
        """Every alert by its id, with the last clear look at its area, and the alert that it is part of if it is."""
        looks = {o.area_id: o.last_clear_look for o in self.ledger.observations() if o.last_clear_look}
        alerts = {}
        found = self.ledger.alerts()
        known = {feature["properties"]["event_id"]: feature["id"] for feature in found}
        for feature in found:
            look = looks.get(feature["properties"]["area_id"])
            properties = {**feature["properties"], "last_clear_look": look.isoformat() if look else None}
            whole = known.get(properties.get("merged_into"))
            properties |= {"merged_into_alert": whole} if whole else {}
            alerts[feature["id"]] = {**feature, "properties": properties}
        return alerts

    def _ways(self, message: MessageRecord, alert: Feature, now: datetime) -> Iterator[DeliveryRecord]:
        for route in self.routes.routes:
            if route.wants(alert["properties"], message.state.value, message.news.value):
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
        told: Mapping[str, News | None],
        setting: Setting,
        alerts: dict[str, Feature],
        purpose: str,
        now: datetime,
    ) -> DispatchRecord:
        messages: dict[str, list[str]] = defaultdict(list)
        for key in told:
            messages[_alert_of(key)].append(key)
        key = parcel_key(channel, purpose, list(told))
        found = [
            _with_news(alerts[one], [news.value for key in keys if (news := told[key])])
            for one, keys in messages.items()
        ]
        content = parcel(found, self.week, setting, key=key, messages=messages)
        return DispatchRecord(key, channel, tuple(told), content, now)

    def _largest(self, channel: str, purpose: Purpose) -> int | None:
        """How many messages a channel takes at once; None if it does not matter."""
        if purpose is Purpose.SIGNAL:
            return LARGEST_SIGNAL
        known = self.routes.channels.get(channel)
        return LARGEST.get(known.kind) if known else None


def _start(route: Route, now: datetime) -> datetime:
    """From when on a route may tell what it hears now."""
    if route.schedule is Schedule.WEEKLY:
        return next_weekly(now, weekday=route.weekday, hour=route.hour, timezone=route.timezone)
    return after_quiet_hours(now, route.quiet_hours, route.timezone)


def _with_news(alert: Feature, news: list[str]) -> Feature:
    """The alert with the reasons why it is told, one for each of its messages."""
    return {**alert, "properties": {**alert["properties"], "news": news}}


def _shares(keys: Sequence[str], largest: int | None) -> Iterator[Sequence[str]]:
    """The keys in portions that a channel can take at once."""
    size = largest or len(keys)
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def _alert_of(key: str) -> str:
    """The alert that a message is about."""
    return key.split(":")[0]
