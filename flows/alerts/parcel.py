"""What one channel is sent as one: settled before the first attempt, so that every attempt sends the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from aois.week import Week
from flows.alerts.digest import Message, Setting, digest
from flows.alerts.language import language
from flows.alerts.page import page


def parcel_key(channel: str, purpose: str, messages: Sequence[str]) -> str:
    """The idempotency key of these messages to this channel: the same on every machine and after every restore."""
    text = "\0".join((channel, purpose, *sorted(messages)))
    return f"sw-{sha256(text.encode()).hexdigest()[:24]}"


def parcel(
    features: Sequence[Mapping[str, Any]],
    week: Week,
    setting: Setting,
    *,
    key: str,
    messages: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """The content of a dispatch as JSON: texts for people, alerts for programs, the key in both.

    `messages` are the keys of each alert's messages, by alert id. Alerts keep their geometry only if the setting is
    restricted; names of areas are never in it.
    """
    message = _keyed(digest(features, week, setting), key)
    ordered = sorted(features, key=lambda one: (one["properties"]["area_id"], one["properties"]["alert_id"]))
    alerts = [_alert(one, messages, with_place=setting.is_restricted) for one in ordered]
    return {
        "key": key,
        "week": str(week),
        "lang": setting.lang,
        "exercise": setting.is_exercise,
        "title": message.title,
        "text": message.body_text,
        "html": page(message),
        "report": setting.report,
        "alerts": alerts,
    }


def notice(title: str, lines: Sequence[str], week: Week, *, key: str, is_exercise: bool = False) -> dict[str, Any]:
    """The content of a dispatch to the operator about the watch itself, in English: the same form, without alerts."""
    message = _keyed(Message(title, "en", tuple(lines), (), ()), key)
    return {
        "key": key,
        "week": str(week),
        "lang": "en",
        "exercise": is_exercise,
        "title": title,
        "text": message.body_text,
        "html": page(message),
        "report": "",
        "alerts": [],
    }


def webhook_body(content: Mapping[str, Any]) -> bytes:
    """What a webhook carries: everything but the page for mail programs, the same bytes for the same content."""
    sent = {name: content[name] for name in content if name != "html"}
    return json.dumps(sent, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _keyed(message: Message, key: str) -> Message:
    return replace(message, closing=(*message.closing, language(message.lang).say("body.key", key=key)))


def _alert(feature: Mapping[str, Any], messages: Mapping[str, Sequence[str]], *, with_place: bool) -> dict[str, Any]:
    properties = {**feature["properties"], "messages": list(messages[feature["properties"]["alert_id"]])}
    shown = {"type": "Feature", "id": feature["id"], "properties": properties}
    return shown | {"geometry": feature["geometry"] if with_place else None}
