"""The last gate before a channel: what leaves is what its reader may have, whichever release settled the parcel.

A parcel is settled in the ledger once and waits there, perhaps over an upgrade, and backups hold it too. So links wait
without their tokens, and what an earlier release put into a parcel is taken out here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from html import escape

from flows.alerts.dispatch_content import open_alert
from flows.alerts.routes import ChannelKind
from flows.records.ids import AlertId
from flows.records.messages import DispatchContent

SPOKEN = (ChannelKind.APPRISE, ChannelKind.WEBHOOK)
"""Channels that reach the readers they were given for. A file (feed, CAP, GeoJSON) has readers that nobody chose."""
TOKEN = "?token="
WAITING = re.compile(r"\?token=([\w-]+)(?![\w.-])")
LINK_IN_HTML = re.compile(r"<br>(?:(?!<br>|</p>).)*\?token=(?:(?!<br>|</p>).)*", re.DOTALL)


def open_link(base: str, alert_id: str) -> str:
    """Return a link to acknowledge an alert as it waits in the ledger: the token is put in when it leaves."""
    return f"{base}{TOKEN}{alert_id}"


def as_it_leaves(
    content: DispatchContent, kind: ChannelKind, *, report: str, token_of: Callable[[AlertId], str] | None
) -> DispatchContent:
    """Return a parcel's content as a channel of this kind gets it.

    Parameters
    ----------
    content
        The parcel as it was settled, by this release or an earlier one.
    kind
        The kind of its channel; a file gets no links to acknowledge.
    report
        Where its readers open the report, in place of what an earlier release said to those without restriction.
    token_of
        Makes the token by which an alert is acknowledged; None where the routes make no links any more.
    """
    found = _of_earlier_release(content, report) if content.is_of_earlier_release else content
    if not found.is_restricted:
        found = replace(found, alerts=tuple(map(open_alert, found.alerts)))
    if token_of is None or kind not in SPOKEN:
        return replace(found, text=without_links(found.text), html=LINK_IN_HTML.sub("", found.html))
    tokens = {alert.alert_id: token_of(alert.alert_id) for alert in found.alerts}
    return replace(found, text=_with_tokens(found.text, tokens), html=_with_tokens(found.html, tokens))


def without_links(text: str) -> str:
    """Return a plain text without the lines that hold a link to acknowledge."""
    return "\n".join(line for line in text.split("\n") if TOKEN not in line)


def _with_tokens(text: str, tokens: Mapping[AlertId, str]) -> str:
    """A text with the links made good that wait for their tokens; a whole token, of an earlier release, stays."""
    return WAITING.sub(lambda found: TOKEN + tokens.get(AlertId(found[1]), found[1]), text)


def _of_earlier_release(content: DispatchContent, report: str) -> DispatchContent:
    """A parcel of a release that told everybody the ids of scenes, and where the owner's report lies.

    It was for a restricted route where it has places; every other one says now where the open report is.
    """
    said = content.report
    if content.is_restricted or not said:
        return content
    linked = re.compile(rf'<a href="{re.escape(escape(said))}"[^>]*>.*?</a>')
    html = linked.sub(lambda _: escape(report), content.html).replace(escape(said), escape(report))
    return replace(content, report=report, text=content.text.replace(said, report), html=html)
