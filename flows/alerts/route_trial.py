"""What routes would have sent in the last weeks, from the record, before they are switched on; nothing is sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from aois.week import Week, week_of
from flows.alerts.claim_news import claim_ways
from flows.alerts.dispatch_plan import OVER, Bundle, deliveries_of, escalations_of, largest_of, shares
from flows.alerts.route_settings import MessageRoutes
from flows.alerts.routes import Channel, ChannelKind, Route
from flows.ledger.ledger import Ledger
from flows.records.events import Alert
from flows.records.ids import AlertId, message_key
from flows.records.incidents import Incidents
from flows.records.messages import DeliveryRecord, MessageRecord, Purpose

TRIED_WEEKS = 26
RUN_AT = time(15, tzinfo=UTC)  # on the Monday after a week, when a scheduled watch runs unless it is told otherwise


@dataclass(frozen=True)
class TriedSending:
    """Messages that one channel would have got by one route in one week, of so many alerts."""

    route: str
    channel: str
    week: Week
    messages: int
    alerts: int


@dataclass(frozen=True)
class RouteTrial:
    """What routes would have sent from `first` to `last`.

    `muted` messages on record are of muted incidents, and `simulated` ones of the simulated world, which no route asks
    for: neither are among those.
    """

    first: Week
    last: Week
    sendings: tuple[TriedSending, ...]
    muted: int
    simulated: int


def try_routes(ledger: Ledger, ways: MessageRoutes, *, last: Week, weeks: int = TRIED_WEEKS) -> RouteTrial:
    """Find what the routes would have sent of the weeks that end with `last`, had they been on; nothing is changed.

    Who hears what, and when, is decided as in a delivery: by the same functions, with the alerts as they were in each
    week. Each week is taken to have been worked through on the Monday after it. What was muted is left out.
    """
    tried = _Trial.read(ledger, ways, first=last.plus(1 - weeks), last=last)
    groups: dict[tuple[Bundle, datetime], list[str]] = defaultdict(list)
    for one in tried.deliveries():
        bundle = Bundle(one.channel, one.route, one.purpose, tried.alert_of(one.message_key).is_simulated)
        groups[bundle, one.not_before].append(one.message_key)
    counts: dict[tuple[str, str, Week], list[int]] = defaultdict(lambda: [0, 0])
    for (bundle, start), keys in groups.items():
        count = counts[bundle.route, bundle.channel, week_of(start.date())]
        count[0] += sum(1 for _ in shares(keys, largest_of(ways.routes, bundle)))
        count[1] += len({message_key(key).alert_id for key in keys})
    for route, channel, week in _claims(ledger, ways, tried.first, last):
        counts[route, channel, week][0] += 1
    names = [one.name for one in ways.routes.routes]
    ordered = sorted(counts.items(), key=lambda item: (names.index(item[0][0]), item[0][1], item[0][2]))
    sendings = tuple(TriedSending(*place, *count) for place, count in ordered)
    return RouteTrial(tried.first, last, sendings, tried.muted, tried.unheard)


def masked(channel: Channel) -> str:
    """Return what may be shown of a channel's address, which may be a secret: its kind, and the scheme of it."""
    if channel.url is None:
        return f"{channel.kind.value}, a {'file' if channel.kind is ChannelKind.ATOM else 'folder'}"
    return f"{channel.kind.value}, {channel.url.get_secret_value().partition('://')[0].lower()[:32]}://…"


@dataclass(frozen=True)
class _Trial:
    """The record of some weeks as a delivery after each of them would have met it."""

    ways: MessageRoutes
    first: Week
    last: Week
    messages: Mapping[str, MessageRecord]
    by_week: Mapping[Week, Mapping[AlertId, Alert]]
    acknowledged: Mapping[AlertId, datetime]
    incidents: Incidents
    muted: int
    unheard: int

    @classmethod
    def read(cls, ledger: Ledger, ways: MessageRoutes, *, first: Week, last: Week) -> _Trial:
        found = [one for one in ledger.outbox.messages(since=first) if one.week <= last]
        incidents = ledger.incidents(ways.incident_rule)
        muted = {one.key for one in incidents.muted}
        present = {one.alert_id: one for one in ledger.alerts()}
        needed = sorted({one.week for one in found})
        by_week = {week: present | {one.alert_id: one for one in ledger.alerts(as_of=week)} for week in needed}
        acknowledged = {
            one.alert_id: datetime.combine(one.acknowledged_on, time(tzinfo=UTC))
            for one in ledger.alert_records()
            if one.acknowledged_on is not None
        }
        heard = [one for one in found if one.key not in muted]
        is_simulated_heard = bool(ways.routes.hears_simulated)
        unheard = 0 if is_simulated_heard else sum(present[one.alert_id].is_simulated for one in heard)
        messages = {one.key: one for one in heard}
        return cls(ways, first, last, messages, by_week, acknowledged, incidents, len(found) - len(heard), unheard)

    def alert_of(self, key: str) -> Alert:
        message = self.messages[key]
        return self.by_week[message.week][message.alert_id]

    def deliveries(self) -> Iterator[DeliveryRecord]:
        """Each delivery once: what a channel is to hear already is not added."""
        held: set[tuple[str, str, Purpose]] = set()
        routes = {one.name: one for one in self.ways.routes.routes}
        for message in self.messages.values():
            now = run_after(message.week)
            first = list(deliveries_of(self.ways.routes, message, self.alert_of(message.key), now))
            later = [more for one in first for more in self._escalations(one, routes[one.route])]
            for one in (*first, *later):
                place = (one.message_key, one.channel, one.purpose)
                if place not in held:
                    held.add(place)
                    yield one

    def _escalations(self, told: DeliveryRecord, route: Route) -> Iterator[DeliveryRecord]:
        """Who else would have been called, as far as the weeks go."""
        alert_id = message_key(told.message_key).alert_id
        due = told.not_before + timedelta(hours=route.escalate_after_hours or 0.0)
        answered, incident = self.acknowledged.get(alert_id), self.incidents.of(alert_id)
        if route.escalate_after_hours is None or due > run_after(self.last.plus(1)):
            return
        if (answered is not None and answered <= due) or self._state_by(alert_id, due) in OVER:
            return
        if incident is None or self.incidents.mute_on(incident, due.date()) is None:
            yield from escalations_of(route, told.message_key, due)

    def _state_by(self, alert_id: AlertId, at: datetime) -> str:
        """The state of an alert by the last message before an instant: the one that people would know."""
        told = [one for one in self.messages.values() if one.alert_id == alert_id and run_after(one.week) <= at]
        return told[-1].state if told else ""


def run_after(week: Week) -> datetime:
    """Return when a scheduled watch works a week through: on the Monday after it."""
    return datetime.combine(week.last_day + timedelta(days=1), RUN_AT)


def _claims(ledger: Ledger, ways: MessageRoutes, first: Week, last: Week) -> Iterator[tuple[str, str, Week]]:
    """Route, channel and week of each message about the answer to a claim, which goes out at once."""
    for change in ledger.claims.changes(as_of=last):
        if change.now.week >= first:
            for channel, route in claim_ways(ways, change.claim.area_id):
                yield route.name, channel, week_of(run_after(change.now.week).date())
