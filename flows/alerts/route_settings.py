"""Which channels and routes the settings name, whether they can work, and where their readers open the report."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from flows.alerts.channel_check import faults_of
from flows.alerts.errors import AlertsError
from flows.alerts.language import language
from flows.alerts.routes import Channel, Route, Routes
from flows.alerts.routes_file import read_routes
from flows.config.settings import Settings, SourceName
from flows.records.incidents import IncidentRule

BY_URLS = "SITEWATCH_ALERT_URLS"
OPEN, RESTRICTED = "public", "reports"
"""The folders of the two editions of a week's report, in the outputs."""


@dataclass(frozen=True)
class MessageRoutes:
    """How messages of these outputs leave: by which routes, and whether what they tell is of the simulated world.

    `incident_rule` says which alerts are told as one incident.
    """

    outputs: Path
    is_simulated: bool
    read: Callable[[], Routes]
    incident_rule: IncidentRule = field(default_factory=IncidentRule)

    @property
    def routes(self) -> Routes:
        """Return the routes, which are read once, when they are first asked for; raise `AlertsError` if they cannot."""
        if isinstance(self._found, AlertsError):
            raise self._found
        return self._found

    @cached_property
    def _found(self) -> Routes | AlertsError:
        try:
            return self.read()
        except AlertsError as error:
            return error


def message_routes(settings: Settings) -> MessageRoutes:
    """Return how messages leave by the settings; nothing is read yet."""
    return MessageRoutes(
        settings.outputs,
        settings.source is SourceName.SIMULATED,
        lambda: routes_of(settings),
        incident_rule(settings),
    )


def incident_rule(settings: Settings) -> IncidentRule:
    """Return which alerts are one incident by the settings."""
    return IncidentRule(weeks=settings.incident_weeks)


def routes_of(settings: Settings) -> Routes:
    """Return the routes of the settings' file, and one that sends everything at once to the settings' URLs.

    Raises `AlertsError` for a file that cannot be used. A channel that can never work is no reason to refuse the
    others: `check_channels` finds those.
    """
    given = Routes() if settings.alert_routes is None else read_routes(settings.alert_routes)
    telling = {f"operator #{n}": Channel(url=url) for n, url in enumerate(settings.operator_urls, start=1)}
    both = {"channels": given.channels | telling, "operator": (*given.operator, *telling)}
    given = given.model_copy(update=both)
    named = {_name(url.get_secret_value(), n): Channel(url=url) for n, url in enumerate(settings.alert_urls, start=1)}
    if not named:
        return given
    plain = Route(name=BY_URLS, channels=tuple(named))
    return given.model_copy(update={"channels": given.channels | named, "routes": (*given.routes, plain)})


def check_channels(routes: Routes) -> None:
    """Raise `AlertsError` that names every channel that can never work, and why; nobody on the network is asked."""
    faults = faults_of(routes.channels)
    if faults:
        words = "; ".join(f"channel `{name}`: {fault}" for name, fault in faults.items())
        raise AlertsError(f"{words}. Correct SITEWATCH_ALERT_ROUTES, {BY_URLS} or SITEWATCH_OPERATOR_URLS")


def doubts_about(routes: Routes, area_ids: Iterable[str]) -> Iterator[str]:
    """Yield what may be meant as it stands in the routes but tells nobody of anything, or leads readers astray."""
    known = list(area_ids)
    for route in routes.routes:
        for pattern in route.areas:
            if not any(fnmatchcase(area_id, pattern) for area_id in known):
                yield f"route `{route.name}`: no area of the list is called like `{pattern}`; mend it, or leave it out"
    if routes.report_base and routes.report_base.rstrip("/").endswith(f"/{RESTRICTED}"):
        yield (
            f"report_base ends with /{RESTRICTED}: it is now where outputs/{OPEN} can be opened; serve that folder "
            "there, and name the place of outputs/reports as restricted_report_base"
        )


def report_link(routes: Routes, outputs: Path, week: str, lang: str, *, is_restricted: bool) -> str:
    """Return where readers of a language open a week's report, in it if it was made in it.

    A link, if the routes say where the report is on the web; else words, since a path on this machine helps nobody who
    reads a message and tells of the machine. Only restricted routes hear of the owner's edition.
    """
    folder, base = (RESTRICTED, routes.restricted_report_base) if is_restricted else (OPEN, routes.report_base)
    translated = f"index.{lang}.html"
    page = translated if (outputs / folder / week / translated).exists() else "index.html"
    if base is None:
        return language(lang).say("body.in_outputs", name=f"{folder}/{week}/{page}")
    return f"{base.rstrip('/')}/{week}/{page}"


def words_of_simulated(number: int) -> str:
    """Say that so many messages are of the simulated world, and what lets them leave."""
    what = "1 message is" if number == 1 else f"{number} messages are"
    return (
        f"{what} of the simulated world and will leave by no channel, unless a route of SITEWATCH_ALERT_ROUTES says "
        "simulated = true."
    )


def _name(url: str, position: int) -> str:
    """What a channel may be called in public, since its address holds secrets: scheme and position."""
    scheme = re.match(r"([a-z][a-z0-9+.-]{0,31})://", url, re.IGNORECASE)
    return f"{scheme[1].lower() if scheme else 'channel'} #{position}"
