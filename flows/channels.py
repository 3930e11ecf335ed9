"""Which channels and routes the settings name."""

from __future__ import annotations

import re
from pathlib import Path

from flows.alerts.routes import Channel, Route, Routes, read_routes
from flows.settings import Settings

BY_URLS = "SITEWATCH_ALERT_URLS"


def routes_of(settings: Settings) -> Routes:
    """The routes of the settings' file, and one that sends everything at once to the settings' URLs.

    Raises `AlertsError` for a file that cannot be used.
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


def report_link(routes: Routes, report: Path, lang: str) -> str:
    """Where readers of a language open a report: in it if it was made in it, on the web if the routes say where."""
    translated = report.with_name(f"index.{lang}.html")
    chosen = translated if translated.exists() else report
    if routes.report_base is None:
        return str(chosen)
    return f"{routes.report_base.rstrip('/')}/{chosen.parent.name}/{chosen.name}"


def _name(url: str, position: int) -> str:
    """What a channel may be called in public, since its address holds secrets: scheme and position."""
    scheme = re.match(r"([a-z][a-z0-9+.-]{0,31})://", url, re.IGNORECASE)
    return f"{scheme[1].lower() if scheme else 'channel'} #{position}"
