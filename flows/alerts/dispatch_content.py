"""What one channel is sent as one: settled before the first attempt, so that every attempt sends the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from aois.week import Week
from flows.alerts.digest import Message, Setting, by_place, digest
from flows.alerts.language import language
from flows.alerts.message_page import page
from flows.records.ids import AlertId
from flows.records.message_json import OPEN_PROPERTIES, content_json
from flows.records.messages import DispatchContent, ToldAlert

OPEN_FIELDS = OPEN_PROPERTIES - {"simulated"} | {"is_simulated"}
"""The fields of an alert that are told to everybody, after the names that they have in messages."""


def parcel_key(channel: str, purpose: str, messages: Sequence[str]) -> str:
    """The idempotency key of these messages to this channel: the same on every machine and after every restore."""
    text = "\0".join((channel, purpose, *sorted(messages)))
    return f"sw-{sha256(text.encode()).hexdigest()[:24]}"


def parcel(
    alerts: Sequence[ToldAlert],
    week: Week,
    setting: Setting,
    *,
    key: str,
    messages: Mapping[AlertId, Sequence[str]],
) -> DispatchContent:
    """Make the content of a dispatch: texts for people, alerts for programs, the key in both.

    `messages` are the keys of each alert's messages, by alert id. Alerts keep their geometry and their scenes only if
    the setting is restricted; names of areas are never in it.
    """
    message = _keyed(digest(alerts, week, setting), key)
    told = tuple(
        replace(one, messages=tuple(messages[one.alert_id]), is_simulated=setting.is_simulated)
        for one in sorted(alerts, key=by_place)
    )
    return DispatchContent(
        key=key,
        week=str(week),
        lang=setting.lang,
        is_simulated=setting.is_simulated,
        is_restricted=setting.is_restricted,
        title=message.title,
        text=message.body_text,
        html=page(message),
        report=setting.report,
        alerts=told if setting.is_restricted else tuple(map(open_alert, told)),
    )


def notice(title: str, lines: Sequence[str], week: Week, *, key: str, is_simulated: bool = False) -> DispatchContent:
    """Make the content of a dispatch to the operator about the watch itself, in English: the same form, no alerts."""
    return settled_message(title, lines, week, key=key, lang="en", is_simulated=is_simulated)


def settled_message(
    title: str, lines: Sequence[str], week: Week, *, key: str, lang: str, is_simulated: bool = False
) -> DispatchContent:
    """Make the content of a dispatch that is about no alert: the same form, without positions and scenes."""
    words = language(lang)
    said = words.say("title.simulated", title=title) if is_simulated else title
    opening = (*([words.say("body.simulated_watch")] if is_simulated else []), *lines)
    message = _keyed(Message(said, lang, opening, (), ()), key)
    return DispatchContent(
        key=key,
        week=str(week),
        lang=lang,
        is_simulated=is_simulated,
        is_restricted=False,
        title=said,
        text=message.body_text,
        html=page(message),
        report="",
    )


def webhook_body(content: DispatchContent) -> bytes:
    """Return what a webhook carries: all but the page for mail programs, the same bytes for the same content."""
    sent = {name: value for name, value in content_json(content).items() if name != "html"}
    return json.dumps(sent, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def open_alert(alert: ToldAlert) -> ToldAlert:
    """Return an alert as anybody may be told of it: without its place, its scenes, and what is not known to be open."""
    return ToldAlert(**{name: value for name, value in vars(alert).items() if name in OPEN_FIELDS})


def _keyed(message: Message, key: str) -> Message:
    words = language(message.lang)
    return replace(message, closing=(*message.closing, words.say("body.key", key=key), *words.unreviewed()))
