"""The command `sitewatch alerts routes --try`: what routes would have sent, before they are switched on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.table import Table

from aois.week import week_of
from flows.alerts.channel_check import faults_of
from flows.alerts.route_settings import message_routes
from flows.alerts.route_trial import TRIED_WEEKS, RouteTrial, masked, try_routes
from flows.alerts.routes import Route, Routes
from flows.alerts.routes_file import read_routes
from flows.alerts.timing import Schedule
from flows.cli.options import OutputsOption, console, existing_ledger, record_settings
from flows.config.settings import SettingsError
from flows.printable import printable


def alerts_routes(
    is_trial: Annotated[bool, typer.Option("--try", help="Count what they would have sent; nothing is sent.")] = False,
    routes: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--routes", help="The file of routes to try; those of the settings if left out."),
    ] = None,
    outputs: OutputsOption = None,
) -> None:
    """Say how many messages routes would have sent in the last 26 weeks, to whom and when, without sending any."""
    if not is_trial:
        raise SettingsError("this needs --try: it counts what the routes would have sent, and sends nothing")
    settings = record_settings(outputs)
    ways = message_routes(settings)
    if routes is not None:
        given = read_routes(routes)
        ways = replace(ways, read=lambda: given)
    if not ways.routes.routes:
        raise SettingsError("there is no route to try; name a file with --routes, or set SITEWATCH_ALERT_ROUTES")
    with existing_ledger(settings) as ledger:
        last = max((o.week for o in ledger.observations()), default=week_of(datetime.now(UTC).date()))
        trial = try_routes(ledger, ways, last=last)
    _show(ways.routes, trial)


def _show(routes: Routes, trial: RouteTrial) -> None:
    _say(
        f"From the record of {trial.first} to {trial.last} ({TRIED_WEEKS} weeks). Nothing was sent, nothing is changed."
    )
    for name, fault in faults_of(routes.channels).items():
        _say(f"channel {name} cannot work: {fault}")
    for route in routes.routes:
        own = [one for one in trial.sendings if one.route == route.name]
        channels = list(dict.fromkeys((*route.channels, *route.escalate_to)))
        messages = sum(one.messages for one in own)
        busy = max((sum(o.messages for o in own if o.week == one.week) for one in own), default=0)
        _say("")
        _say(f"route {route.name}: {_counted(messages, 'message')}, at most {busy} in a week; {_manner(route)}")
        for channel in channels:
            number = sum(one.messages for one in own if one.channel == channel)
            _say(f"  {channel} ({masked(routes.channels[channel])}): {_counted(number, 'message')}")
        if own:
            console.print(_table(route, trial, channels))
    if trial.muted:
        _say(f"{_counted(trial.muted, 'message')} of muted incidents left out.")
    if trial.simulated:
        _say(
            f"{_counted(trial.simulated, 'message')} of the simulated world would wait: no route says simulated = true."
        )


def _table(route: Route, trial: RouteTrial, channels: list[str]) -> Table:
    """The messages of a route by the week in which they would have left, with the alerts in them."""
    table = Table("sent in week", *channels)
    by_place = {(one.week, one.channel): one for one in trial.sendings if one.route == route.name}
    for week in sorted({week for week, _ in by_place}):
        cells = [by_place.get((week, channel)) for channel in channels]
        table.add_row(
            str(week), *(f"{one.messages} ({_counted(one.alerts, 'alert')})" if one else "–" for one in cells)
        )
    return table


def _manner(route: Route) -> str:
    when = "at once"
    if route.schedule is Schedule.WEEKLY:
        when = f"weekly, weekday {route.weekday} at {route.hour:02d}:00 {route.timezone}"
    elif route.quiet_hours:
        when = f"at once but for {route.quiet_hours} {route.timezone}"
    places = "; with positions" if route.restricted else ""
    return f"{when}; language {route.lang}{places}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _say(line: str) -> None:
    console.print(printable(line, longest=500), highlight=False, markup=False, soft_wrap=True)
