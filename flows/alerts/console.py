"""Alerts in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from rich.table import Column, Table
from rich.text import Text

from aois.week import Week, week_of
from flows.alerts.language import language

COLUMNS = ("area", "alert", "kind", "change", "state", "size", "confidence", "sensors", "first seen", "issued")
TAKEN_UP = "acknowledged"
STYLES = {"provisional": "yellow", "confirmed": "bold red", "finished": "cyan", "retracted": "dim"}


def console_table(
    features: Sequence[Mapping[str, Any]], week: Week, *, taken_up: Mapping[str, str] | None = None
) -> Table:
    """What a monitor needs of the given alerts, a row each in the order given: ids, never coordinates.

    Alerts that went out in `week` are marked as new. `taken_up` says of alerts, by id, who acknowledged them; without
    it nothing is said of that. Whatever the terminal's width, nothing is cut short, and the id of an alert, which is
    typed again, stands on one line.
    """
    names = COLUMNS if taken_up is None else (*COLUMNS, TAKEN_UP)
    columns = (Column(name, overflow="fold", no_wrap=name == "alert") for name in names)
    words = language("en")
    title = f"{words.count('count.alert', len(features))}, week {week}"
    invented = sum(_is_simulated(one["properties"]) for one in features)
    if invented:
        title += ", simulated" if invented == len(features) else f", {invented} of them simulated"
    table = Table(*columns, title=title, caption=words.say("body.caution"))
    for feature in features:
        person = () if taken_up is None else (Text(taken_up.get(feature["id"], "nobody yet")),)
        table.add_row(*_row(feature["properties"], week), *person)
    return table


def _row(properties: Mapping[str, Any], week: Week) -> tuple[Text, ...]:
    """Plain texts, so that nothing in an id or a name is read as markup."""
    issued = properties["issued_on"]
    is_new = week_of(date.fromisoformat(issued)) == week
    cells = (
        properties["area_id"],
        properties["alert_id"],
        properties["kind"],
        _change(properties),
        f"{properties['state']}, simulated" if _is_simulated(properties) else properties["state"],
        language("en").size(properties),
        f"{properties['confidence']:.2f}",
        ", ".join(properties["sensors"]),
        properties["first_seen"],
        f"{issued} (new)" if is_new else issued,
    )
    style = STYLES.get(properties["state"], "")
    return tuple(Text(cell, style=style if name == "state" else "") for name, cell in zip(COLUMNS, cells, strict=True))


def _is_simulated(properties: Mapping[str, Any]) -> bool:
    return bool(properties.get("simulated"))


def _change(properties: Mapping[str, Any]) -> str:
    """The change, with the step that it is in and the event that took it over, if there are such."""
    step = len(properties.get("steps") or [])
    parts = [properties["change"], *([f"step {step}"] if step > 1 else [])]
    if properties.get("merged_into"):
        parts.append(f"part of {properties['merged_into']}")
    return ", ".join(parts)
