"""The week's alerts as a message to people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from aois.week import Week
from flows.alerts.words import CALM, CAUTION, KINDS, PROVISIONAL, STATES, count, size


@dataclass(frozen=True)
class Message:
    """What is sent: a title of one line and a body of plain text."""

    title: str
    body_text: str


def digest(features: Sequence[Mapping[str, Any]], week: Week, *, report: str) -> Message:
    """A message about the given alerts, grouped by place.

    It names ids, sizes, states and dates, and where the report is; never coordinates, names of areas or geometry, since
    a message passes through hands that nobody chose.
    """
    properties = sorted(
        (feature["properties"] for feature in features), key=lambda one: (one["area_id"], one["alert_id"])
    )
    groups = [(area_id, list(group)) for area_id, group in groupby(properties, key=lambda one: one["area_id"])]
    summary = _summary(len(properties), len(groups))
    blocks = [
        f"Sitewatch, week {week} ({week.first_day} to {week.last_day}): {summary}.",
        _caution(properties),
        *(_place(area_id, group) for area_id, group in groups),
        f"Report: {report}",
        "This message gives ids instead of coordinates; those who may know the places find them by their ids.",
    ]
    return Message(f"Sitewatch {week}: {summary}", "\n\n".join(blocks) + "\n")


def _summary(alerts: int, places: int) -> str:
    return f"{count(alerts, 'alert')} at {count(places, 'place')}" if alerts else "no alert"


def _caution(properties: Sequence[Mapping[str, Any]]) -> str:
    """What a reader has to keep in mind for just these alerts."""
    if not properties:
        return CALM
    is_provisional = any(one["state"] == "provisional" for one in properties)
    return f"{CAUTION} {PROVISIONAL}" if is_provisional else CAUTION


def _place(area_id: str, properties: Sequence[Mapping[str, Any]]) -> str:
    """One place: how many alerts in which state, then each of them."""
    states = Counter(one["state"] for one in properties)
    tally = ", ".join(f"{states[state]} {state}" for state in STATES if states[state])
    heading = f"{area_id}: {count(len(properties), 'alert')} ({tally})"
    return "\n".join((heading, *(_alert(one) for one in properties)))


def _alert(properties: Mapping[str, Any]) -> str:
    """One alert in short lines, for small screens."""
    what = f"{properties['change']}, {KINDS[properties['kind']]}"
    dates = f"first seen {properties['first_seen']}"
    if properties.get("last_clear_look"):
        dates += f", last clear look {properties['last_clear_look']}"
    return "\n".join(
        (
            f"- {STATES[properties['state']]}: {what}",
            f"  size {size(properties)}",
            f"  confidence {properties['confidence']:.2f}, seen by {' and '.join(properties['sensors'])}",
            f"  {dates}",
            f"  {properties['alert_id']}",
        )
    )
