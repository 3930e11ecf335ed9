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
from flows.alerts.message_page import page


def parcel_key(channel: str, purpose: str, messages: Sequence[str]) -> str:
    """The idempotency key of these messages to this channel: the same on every machine and after every restore."""
    text = "\0".join((channel, purpose, *sorted(messages)))
    return f"sw-{sha256(text.encode()).hexdigest()[:24]}"


OPEN_PROPERTIES = frozenset(
    (
        *("alert_id", "event_id", "area_id", "kind", "change", "state", "first_seen", "confirmed_on", "issued_on"),
        *("area_m2", "area_m2_low", "area_m2_high", "length_m", "closure", "confidence", "sensors", "simulated"),
        *("steps", "merged_into", "merged_into_alert", "reopens", "split_from"),
        *("last_clear_look", "news", "messages"),
    )
)
"""What a route that is not restricted tells of an alert: nothing else, so that what is added later stays inside.

No id of a scene is among them: it holds the second of a pass and the orbit, which together lead to the place.
Nor is `suspect_score`: the distance to the nearest place with an intervention, which may be restricted, is part of it.
"""


def parcel(
    features: Sequence[Mapping[str, Any]],
    week: Week,
    setting: Setting,
    *,
    key: str,
    messages: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """Make the content of a dispatch, as JSON: texts for people, alerts for programs, the key in both.

    `messages` are the keys of each alert's messages, by alert id. Alerts keep their geometry and their scenes only if
    the setting is restricted; names of areas are never in it.
    """
    message = _keyed(digest(features, week, setting), key)
    ordered = sorted(features, key=lambda one: (one["properties"]["area_id"], one["properties"]["alert_id"]))
    alerts = [_alert(one, messages, setting) for one in ordered]
    return {
        "key": key,
        "week": str(week),
        "lang": setting.lang,
        "exercise": setting.is_simulated,
        "simulated": setting.is_simulated,
        "restricted": setting.is_restricted,
        "title": message.title,
        "text": message.body_text,
        "html": page(message),
        "report": setting.report,
        "alerts": alerts,
    }


def notice(title: str, lines: Sequence[str], week: Week, *, key: str, is_simulated: bool = False) -> dict[str, Any]:
    """Make the content of a dispatch to the operator about the watch itself, in English: the same form, no alerts."""
    words = language("en")
    said = words.say("title.simulated", title=title) if is_simulated else title
    opening = (*([words.say("body.simulated_watch")] if is_simulated else []), *lines)
    message = _keyed(Message(said, "en", opening, (), ()), key)
    return {
        "key": key,
        "week": str(week),
        "lang": "en",
        "exercise": is_simulated,
        "simulated": is_simulated,
        "restricted": False,
        "title": said,
        "text": message.body_text,
        "html": page(message),
        "report": "",
        "alerts": [],
    }


def webhook_body(content: Mapping[str, Any]) -> bytes:
    """Return what a webhook carries: all but the page for mail programs, the same bytes for the same content."""
    sent = {name: content[name] for name in content if name != "html"}
    return json.dumps(sent, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def open_alert(alert: Mapping[str, Any]) -> dict[str, Any]:
    """Return an alert as anybody may be told of it: without its place, its scenes, and what is not known to be open."""
    told = {name: value for name, value in alert["properties"].items() if name in OPEN_PROPERTIES}
    return {"type": "Feature", "id": alert["id"], "properties": told, "geometry": None}


def _keyed(message: Message, key: str) -> Message:
    return replace(message, closing=(*message.closing, language(message.lang).say("body.key", key=key)))


def _alert(feature: Mapping[str, Any], messages: Mapping[str, Sequence[str]], setting: Setting) -> dict[str, Any]:
    own = {"messages": list(messages[feature["properties"]["alert_id"]]), "simulated": setting.is_simulated}
    shown = {"type": "Feature", "id": feature["id"], "properties": {**feature["properties"], **own}}
    return shown | {"geometry": feature["geometry"]} if setting.is_restricted else open_alert(shown)
