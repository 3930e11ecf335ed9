"""The last gate before a channel: what leaves is what its reader may have, whichever release settled the parcel.

A parcel is settled in the ledger once and waits there, perhaps over an upgrade, and backups hold it too. So links wait
without their tokens, and what an earlier release put into a parcel is taken out here. Ids become references here, since
an id leads to a pixel (`flows.ledger.references`): in every text, and in alerts for programs where the parcel tells no
places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from html import escape

from itsdangerous import BadData, base64_decode

from flows.alerts.dispatch_content import open_alert
from flows.alerts.routes import ChannelKind
from flows.ledger.references import References
from flows.records.ids import AlertId
from flows.records.messages import DispatchContent, ToldAlert

SPOKEN = (ChannelKind.APPRISE, ChannelKind.WEBHOOK)
"""Channels that reach the readers they were given for. A file (feed, CAP, GeoJSON) has readers that nobody chose."""
TOKEN = "?token="
LINKED = re.compile(r"\?token=([\w-]+)(\.[\w-]+)?(?![\w.-])")
"""A link to acknowledge: the id of an alert waits in it, or an earlier release put the whole token there."""
SHORTENED = re.compile(r"(<a [^>]*\?token=[^>]*>[^<?]*)\?[^<]*(</a>)")
"""A link in a page, of which only the beginning is shown: that must not be the beginning of an id."""
LINK_IN_HTML = re.compile(r"<br>(?:(?!<br>|</p>).)*\?token=(?:(?!<br>|</p>).)*", re.DOTALL)


def open_link(base: str, alert_id: str) -> str:
    """Return a link to acknowledge an alert as it waits in the ledger: the token is put in when it leaves."""
    return f"{base}{TOKEN}{alert_id}"


def as_it_leaves(
    content: DispatchContent,
    kind: ChannelKind,
    *,
    report: str,
    references: References,
    token_of: Callable[[AlertId], str] | None,
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
    references
        What alerts are called in what leaves.
    token_of
        Makes the token by which an alert is acknowledged; None where the routes make no links any more.
    """
    found = _of_earlier_release(content, report) if content.is_of_earlier_release else content
    if not found.is_restricted:
        found = replace(found, alerts=tuple(map(open_alert, found.alerts)))
    if token_of is None or kind not in SPOKEN:
        linked = replace(found, text=without_links(found.text), html=LINK_IN_HTML.sub("", found.html))
    else:
        tokens = {alert.alert_id: token_of(alert.alert_id) for alert in found.alerts}
        html = _with_tokens(SHORTENED.sub(r"\1…\2", found.html), tokens)
        linked = replace(found, text=_with_tokens(found.text, tokens), html=html)
    return with_references(linked, references)


def with_references(content: DispatchContent, references: References) -> DispatchContent:
    """Return a parcel's content with references for ids.

    Alerts that are told with their places keep their ids, by which programs find them in other files, beside the
    reference.
    """
    told = tuple(replace(one, reference=references.of(one.alert_id)) for one in content.alerts)
    return replace(
        content,
        title=references.in_text(content.title),
        text=references.in_text(content.text),
        html=references.in_text(content.html),
        report=references.in_text(content.report),
        alerts=told if content.is_restricted else tuple(_without_ids(one, references) for one in told),
    )


def _without_ids(alert: ToldAlert, references: References) -> ToldAlert:
    """An alert with a reference wherever a text of it holds an id, also where a later release puts one."""
    said = {name: references.in_text(value) for name, value in vars(alert).items() if type(value) is str}
    messages = tuple(map(references.in_text, alert.messages))
    return replace(alert, **{**said, "messages": messages})  # type: ignore[arg-type]


def without_links(text: str) -> str:
    """Return a plain text without the lines that hold a link to acknowledge."""
    return "\n".join(line for line in text.split("\n") if TOKEN not in line)


def _with_tokens(text: str, tokens: Mapping[AlertId, str]) -> str:
    """A text with the links made good that wait for their tokens; a whole one, of an earlier release, is made anew."""

    def renewed(found: re.Match[str]) -> str:
        alert_id = _alert_of(found[1]) if found[2] else AlertId(found[1])
        return TOKEN + tokens.get(alert_id, "expired")

    return LINKED.sub(renewed, text)


def _alert_of(signed: str) -> AlertId:
    """The alert that a token is about, by what it signs; nothing is checked, since only its id is taken."""
    try:
        return AlertId(base64_decode(signed).split(b"\n")[0].decode())
    except (BadData, UnicodeDecodeError):
        return AlertId("")


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
