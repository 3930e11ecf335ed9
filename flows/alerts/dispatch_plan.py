"""What one channel is sent as one, made from the record, the routes and the week."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from aois.week import Week
from detectors.records import State
from flows.alerts.digest import MutedPlace, Setting
from flows.alerts.dispatch_content import parcel, parcel_key
from flows.alerts.outgoing import SPOKEN, as_it_leaves, open_link, with_references
from flows.alerts.route_settings import MessageRoutes, report_link
from flows.alerts.routes import INTERNAL, Channel, ChannelKind, Route, Routes
from flows.alerts.signing import Acknowledgement, make_token
from flows.alerts.timing import Schedule, after_quiet_hours, next_weekly
from flows.ledger.ledger import Ledger
from flows.ledger.precision import contradicted_in
from flows.ledger.references import References
from flows.records.events import Alert
from flows.records.ids import AlertId, message_key
from flows.records.incidents import Incidents
from flows.records.message_json import content_json, content_of
from flows.records.messages import (
    DeliveryRecord,
    DispatchContent,
    DispatchRecord,
    MessageRecord,
    News,
    Purpose,
    ToldAlert,
)

LARGEST = {ChannelKind.WEBHOOK: 500, ChannelKind.COMAPEO: 50}
"""Alerts a dispatch: half a megabyte, which servers take; as many requests as a minute is enough for."""
LARGEST_SIGNAL = 100
PREFECT = INTERNAL
"""The channel of programs, which needs no route: it hears every message, of either world."""
LINK_LIFE = timedelta(days=60)
OVER = (State.FINISHED, State.RETRACTED)
"""States of alerts that nobody else is called for."""


@dataclass(frozen=True)
class Bundle:
    """What goes together: messages to one channel, by one route, for one purpose, of one world."""

    channel: str
    route: str
    purpose: Purpose
    is_simulated: bool


@dataclass(frozen=True)
class DispatchPlanner:
    """Makes dispatches of messages, and readies each for its channel when it leaves."""

    ledger: Ledger
    ways: MessageRoutes
    week: Week

    @property
    def routes(self) -> Routes:
        """Return the routes by which messages leave."""
        return self.ways.routes

    @cached_property
    def references(self) -> References:
        """Return what alerts are called in what leaves."""
        return self.ledger.references()

    def alerts(self) -> dict[AlertId, ToldAlert]:
        """Return every alert by its id, with the last clear look at its area, the alert it is part of, its incident."""
        looks = {o.area_id: o.last_clear_look for o in self.ledger.observations() if o.last_clear_look}
        incidents = self.incidents()
        found = [alert for incident in incidents.all for alert in incident.alerts]
        known = {alert.event_id: alert.alert_id for alert in found}
        return {
            alert.alert_id: ToldAlert(
                **vars(alert),
                last_clear_look=looks.get(alert.area_id),
                merged_into_alert=known.get(alert.merged_into) if alert.merged_into else None,
                **_told_of_incident(alert.alert_id, incidents),
            )
            for alert in found
        }

    def incidents(self) -> Incidents:
        """Return every incident, with what people decided about it."""
        return self.ledger.incidents(self.ways.incident_rule)

    def named(self, name: str, channel: str) -> Route:
        """Return the route of a name; one that is gone from the file since is careful and in English."""
        return next((r for r in self.routes.routes if r.name == name), Route(name=name, channels=(channel,)))

    def largest(self, bundle: Bundle) -> int | None:
        """Return how many messages a channel takes at once; None if it does not matter."""
        return largest_of(self.routes, bundle)

    def dispatch(
        self,
        bundle: Bundle,
        told: Mapping[str, News | None],
        alerts: Mapping[AlertId, ToldAlert],
        now: datetime,
        *,
        again: str | None = None,
    ) -> DispatchRecord:
        """Make what a channel is sent of these messages; `again` is in the key of what it hears once more."""
        messages: dict[AlertId, list[str]] = defaultdict(list)
        for key in told:
            messages[message_key(key).alert_id].append(key)
        # a digest of ids would lead back to them as ids lead to pixels; one of references does not
        key = parcel_key(bundle.channel, again or bundle.purpose.value, list(map(self.references.in_text, told)))
        found = [
            replace(alerts[one], news=tuple(news for key in keys if (news := told[key])))
            for one, keys in messages.items()
        ]
        content = parcel(found, self.week, self._setting(bundle, messages, now), key=key, messages=messages)
        return DispatchRecord(key, bundle.channel, tuple(told), content_json(content), now)

    def as_it_leaves(self, one: DispatchRecord, channel: Channel) -> DispatchContent:
        """Return a dispatch's content for its channel, with tokens in its links; each attempt gives the same."""
        content, expires = content_of(one.payload), one.made_at + LINK_LIFE
        secrets = self.routes.link_secrets if self.routes.acknowledge_base else ()

        def token_of(alert_id: AlertId) -> str:
            return make_token(secrets[0], Acknowledgement(self.references.of(alert_id), one.channel), expires=expires)

        report = report_link(self.routes, self.ways.outputs, content.week, content.lang, is_restricted=False)
        return as_it_leaves(
            content,
            channel.kind,
            report=report,
            references=self.references,
            token_of=token_of if secrets else None,
        )

    def as_signal(self, one: DispatchRecord) -> DispatchContent:
        """Return a dispatch's content for programs on this machine, which may hand it on to anybody."""
        return with_references(content_of(one.payload), self.references)

    def _setting(self, bundle: Bundle, alert_ids: Iterable[AlertId], now: datetime) -> Setting:
        route = self.named(bundle.route, bundle.channel)
        outputs, week = self.ways.outputs, str(self.week)
        return Setting(
            report=report_link(self.routes, outputs, week, route.lang, is_restricted=route.restricted),
            lang=route.lang,
            is_restricted=route.restricted,
            is_simulated=bundle.is_simulated,
            is_escalation=bundle.purpose is Purpose.ESCALATION,
            provisional_outcomes=self.ledger.provisional_outcomes(),
            links=self._links(alert_ids, bundle.channel),
            contradicted=contradicted_in(self.ledger.reliability()),
            muted=muted_places(self.incidents(), route, now.date(), is_simulated=bundle.is_simulated),
        )

    def _links(self, alert_ids: Iterable[AlertId], channel: str) -> dict[AlertId, str]:
        base, known = self.routes.acknowledge_base, self.routes.channels.get(channel)
        if base is None or not self.routes.link_secrets or known is None or known.kind not in SPOKEN:
            return {}
        return {one: open_link(base, one) for one in alert_ids}


def deliveries_of(routes: Routes, message: MessageRecord, alert: Alert, now: datetime) -> Iterator[DeliveryRecord]:
    """Yield who hears a message that is routed now, and from when on."""
    for route in routes.routes:
        if route.wants(alert, message.state.value, message.news.value):
            start = start_of(route, now)
            for channel in route.channels:
                yield DeliveryRecord(message.key, channel, route.name, now, start)


def escalations_of(route: Route, message_key: str, now: datetime) -> Iterator[DeliveryRecord]:
    """Yield who else hears a message that nobody acknowledged, and from when on."""
    start = after_quiet_hours(now, route.quiet_hours, route.timezone)
    for channel in route.escalate_to:
        yield DeliveryRecord(message_key, channel, route.name, now, start, Purpose.ESCALATION)


def start_of(route: Route, now: datetime) -> datetime:
    """Return from when on a route may tell what it hears now."""
    if route.schedule is Schedule.WEEKLY:
        return next_weekly(now, weekday=route.weekday, hour=route.hour, timezone=route.timezone)
    return after_quiet_hours(now, route.quiet_hours, route.timezone)


def muted_places(incidents: Incidents, route: Route, day: date, *, is_simulated: bool) -> tuple[MutedPlace, ...]:
    """Return the places that a route hears of and whose messages somebody muted, by area and incident."""
    found = []
    for incident in incidents.all if incidents.mutes else ():
        mute = incidents.mute_on(incident, day)
        is_heard = any(fnmatchcase(incident.area_id, pattern) for pattern in route.areas)
        if mute is not None and mute.until is not None and is_heard and incident.alerts[0].is_simulated == is_simulated:
            unsent = len(incidents.muted_in(incident))
            found.append(MutedPlace(incident.area_id, incident.incident_id, mute.until, unsent))
    return tuple(found)


def _told_of_incident(alert_id: AlertId, incidents: Incidents) -> dict[str, Any]:
    """The fields of `ToldAlert` that say what came before at the same place."""
    incident = incidents.of(alert_id)
    if incident is None:
        return {}
    before, untold = incident.before(alert_id), incidents.untold
    told = [one.issued_on for one in before if one.alert_id not in untold]
    return {
        "incident_id": incident.incident_id,
        "alerts_before": len(before),
        "muted_before": len(before) - len(told),
        "told_before": told[-1] if told else None,
    }


def largest_of(routes: Routes, bundle: Bundle) -> int | None:
    """Return how many messages a channel of the routes takes at once; None if it does not matter."""
    if bundle.purpose is Purpose.SIGNAL:
        return LARGEST_SIGNAL
    known = routes.channels.get(bundle.channel)
    return LARGEST.get(known.kind) if known else None


def shares(keys: Sequence[str], largest: int | None) -> Iterator[Sequence[str]]:
    """Yield the keys in portions that a channel can take at once."""
    size = largest or len(keys)
    for start in range(0, len(keys), size):
        yield keys[start : start + size]
