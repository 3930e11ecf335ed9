"""Incidents: the alerts of one place within some weeks, as one thing that people take up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import groupby
from math import cos, radians
from operator import attrgetter
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from aois.week import Week
from detectors.records import AlertKind
from flows.records.events import Alert
from flows.records.ids import AlertId, AreaId, EventId, IncidentId

METRES_PER_DEGREE = 111_320.0
LONGEST_MUTE = timedelta(weeks=13)
"""How long a mute lasts at most: after it somebody has to decide again."""


@dataclass(frozen=True)
class IncidentRule:
    """Which alerts are one incident.

    Attributes
    ----------
    weeks
        A new alert joins the incident of its place if the last one was issued at most so many weeks before. 13: after a
        quarter in which nothing was told the watch asks people whether something was missed there
        (`detectors.inference.quiet_sample`), so what comes later is a new story.
    near_m
        How far the ground of a new suspect site may lie from that of the first alert of an incident to be of the same
        place, m. Measured from the first one, so that no incident creeps over a region. 250: half of the margin of a
        site; chosen.
    """

    weeks: int = 13
    near_m: float = 250.0


@dataclass(frozen=True)
class Incident:
    """Alerts of one place, each issued some weeks after the one before at most.

    Attributes
    ----------
    alerts
        At least one, by the day of issue, then by id.
    """

    alerts: tuple[Alert, ...]

    @property
    def incident_id(self) -> IncidentId:
        """Return its id, which is that of its first alert."""
        return incident_id_of(self.alerts[0].alert_id)

    @property
    def area_id(self) -> AreaId:
        """Return the area of its place."""
        return self.alerts[0].area_id

    @property
    def alert_ids(self) -> tuple[AlertId, ...]:
        """Return the ids of its alerts, in order."""
        return tuple(one.alert_id for one in self.alerts)

    @property
    def event_ids(self) -> tuple[EventId, ...]:
        """Return the ids of its events, in order."""
        return tuple(one.event_id for one in self.alerts)

    @property
    def first_on(self) -> date:
        """Return the day on which its first alert was issued."""
        return self.alerts[0].issued_on

    @property
    def last_on(self) -> date:
        """Return the day on which its last alert was issued."""
        return self.alerts[-1].issued_on

    def before(self, alert_id: AlertId) -> tuple[Alert, ...]:
        """Return its alerts that were issued in an earlier week than one of it."""
        day = next(one.issued_on for one in self.alerts if one.alert_id == alert_id)
        return tuple(one for one in self.alerts if one.issued_on < day)


@dataclass(frozen=True)
class MuteRecord:
    """What somebody decided about the messages of an incident: a row that is only ever added; the last one counts.

    Attributes
    ----------
    number
        Its key in the ledger.
    alert_id
        An alert of the incident: the first one when it was muted. It stays the same where a late scene adds an alert
        before it.
    until
        The last day on which no message is sent, UTC; None where the mute was ended.
    by, why
        Who decided it, and the reason.
    at
        When, UTC.
    account
        Number of the account at the desk; None where it was decided by the command line.
    """

    number: int
    alert_id: AlertId
    until: date | None
    by: str
    why: str
    at: datetime
    account: int | None = None


@dataclass(frozen=True)
class MutedMessage:
    """A message that no channel was sent, since its incident was muted.

    Attributes
    ----------
    key, alert_id, week
        The message, its alert, and the week that brought it.
    mute
        Number of the mute.
    is_first
        True where it is the one that says that the alert was issued.
    """

    key: str
    alert_id: AlertId
    week: Week
    mute: int
    is_first: bool = False


@dataclass(frozen=True)
class Incidents:
    """Every incident on record with what people decided about it.

    Attributes
    ----------
    all
        The incidents, by area, first day and id.
    mutes
        Every mute and every end of one, in the order in which they were decided.
    muted
        The messages that were sent in no channel because of a mute.
    """

    all: tuple[Incident, ...]
    mutes: tuple[MuteRecord, ...] = ()
    muted: tuple[MutedMessage, ...] = ()

    @cached_property
    def _by_alert(self) -> Mapping[AlertId, Incident]:
        return {alert: incident for incident in self.all for alert in incident.alert_ids}

    def of(self, alert_id: AlertId) -> Incident | None:
        """Return the incident of an alert, None for an alert that is not known."""
        return self._by_alert.get(alert_id)

    def named(self, incident_id: str) -> Incident | None:
        """Return the incident that holds the alert after which an id was made: a late scene may have made it longer."""
        return self._by_alert.get(AlertId(f"al-{incident_id.removeprefix('in-')}"))

    def decisions(self, incident: Incident) -> tuple[MuteRecord, ...]:
        """Return every mute of an incident and every end of one, in order."""
        own = set(incident.alert_ids)
        return tuple(one for one in self.mutes if one.alert_id in own)

    def mute_on(self, incident: Incident, day: date) -> MuteRecord | None:
        """Return the mute under which an incident is on a day, None where its messages are sent."""
        last = next((one for one in reversed(self.decisions(incident)) if one.at.date() <= day), None)
        return last if last is not None and last.until is not None and day <= last.until else None

    def unmuted_since(self, incident: Incident, now: datetime) -> datetime | None:
        """Return when the last mute of an incident ended, None where there was none or it goes on."""
        last = next(reversed(self.decisions(incident)), None)
        if last is None or (last.until is not None and now.date() <= last.until):
            return None
        if last.until is None:
            return last.at
        return datetime.combine(last.until + timedelta(days=1), datetime.min.time(), tzinfo=now.tzinfo)

    @property
    def untold(self) -> frozenset[AlertId]:
        """Return the alerts that were issued while their incident was muted."""
        return frozenset(one.alert_id for one in self.muted if one.is_first)

    def muted_in(self, incident: Incident) -> tuple[MutedMessage, ...]:
        """Return the messages of an incident that no channel was sent."""
        own = set(incident.alert_ids)
        return tuple(one for one in self.muted if one.alert_id in own)


def incident_id_of(alert_id: AlertId) -> IncidentId:
    """Return the id of the incident that begins with an alert.

    Parameters
    ----------
    alert_id
        The first alert.

    Returns
    -------
    IncidentId
    """
    return IncidentId(f"in-{alert_id.removeprefix('al-')}")


def incidents_of(alerts: Iterable[Alert], rule: IncidentRule | None = None) -> tuple[Incident, ...]:
    """Find the incidents that alerts are: a function of the alerts alone, the same for any order given.

    The place of an alert at a site is the site. That of a new suspect site is its ground, so that such an alert never
    joins an incident of another place of the region, and none of a site.

    Parameters
    ----------
    alerts
        Alerts with their ground; one without is an incident of its own.
    rule
        Which of them are one incident.

    Returns
    -------
    tuple of Incident
        By area, first day and id.
    """
    rule = rule or IncidentRule()
    found: list[Incident] = []
    ordered = sorted(alerts, key=lambda one: (one.area_id, one.issued_on, one.alert_id))
    for _, here in groupby(ordered, key=attrgetter("area_id")):
        of_area = list(here)
        found += _of_site([one for one in of_area if one.kind is not AlertKind.NEW_SUSPECT_SITE], rule)
        found += _of_region([one for one in of_area if one.kind is AlertKind.NEW_SUSPECT_SITE], rule)
    return tuple(sorted(found, key=lambda one: (one.area_id, one.first_on, one.incident_id)))


def _of_site(alerts: Sequence[Alert], rule: IncidentRule) -> list[Incident]:
    groups: list[list[Alert]] = []
    for alert in alerts:
        if groups and _is_in_time(groups[-1][-1], alert, rule):
            groups[-1].append(alert)
        else:
            groups.append([alert])
    return [Incident(tuple(group)) for group in groups]


def _of_region(alerts: Sequence[Alert], rule: IncidentRule) -> list[Incident]:
    """Each alert joins the incident in time whose first ground is nearest, if that is near enough."""
    ground = _plane([one.geometry for one in alerts])
    groups: dict[int, list[int]] = {}  # by the number of the first alert
    for number, near in enumerate(_near(ground, rule.near_m)):
        known = [
            first for first in near if first in groups and _is_in_time(alerts[groups[first][-1]], alerts[number], rule)
        ]
        nearest = min(known, key=lambda first: (shapely.distance(ground[first], ground[number]), first), default=number)
        groups.setdefault(nearest, []).append(number)
    return [Incident(tuple(alerts[number] for number in group)) for group in groups.values()]


def _near(ground: Sequence[BaseGeometry | None], metres: float) -> list[list[int]]:
    """For each shape the numbers of those before it that are so near."""
    found: list[list[int]] = [[] for _ in ground]
    held = [number for number, one in enumerate(ground) if one is not None]
    shapes = np.array([ground[number] for number in held], object)
    ones, others = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=metres)
    for one, other in zip(ones.tolist(), others.tolist(), strict=True):
        if other < one:
            found[held[one]].append(held[other])
    return found


def _is_in_time(last: Alert, following: Alert, rule: IncidentRule) -> bool:
    return following.issued_on - last.issued_on <= timedelta(weeks=rule.weeks)


def _plane(shapes: Sequence[BaseGeometry | None]) -> list[BaseGeometry | None]:
    """The shapes in metres, true to size near the first of them: enough to measure hundreds of metres."""
    known = [one for one in shapes if one is not None and not one.is_empty]
    if not known:
        return list(shapes)
    scale = METRES_PER_DEGREE * np.array([cos(radians(known[0].centroid.y)), 1.0])

    def scaled(lonlat: Any) -> Any:
        return lonlat * scale

    return [None if one is None else shapely.transform(one, scaled) for one in shapes]
