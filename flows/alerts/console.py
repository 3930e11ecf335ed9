"""Alerts in a terminal."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from rich.table import Column, Table
from rich.text import Text

from aois.week import Week, week_of
from flows.alerts.language import language
from flows.records.confidence import is_calibrated, word_of
from flows.records.events import Alert
from flows.records.ids import AlertId

COLUMNS = ("area", "alert", "kind", "change", "state", "size", "confidence", "sensors", "first seen", "issued")
TAKEN_UP = "acknowledged"
STYLES = {"provisional": "yellow", "confirmed": "bold red", "finished": "cyan", "retracted": "dim"}


def console_table(
    alerts: Sequence[Alert],
    week: Week,
    *,
    taken_up: Mapping[AlertId, str] | None = None,
    contradicted: Container[float] = (),
) -> Table:
    """What a monitor needs of the given alerts, a row each in the order given: ids, never coordinates.

    Alerts that went out in `week` are marked as new. `taken_up` says of alerts, by id, who acknowledged them; without
    it nothing is said of that. Confidences in bands that are `contradicted`, by their lower ends, have no number.
    Whatever the terminal's width, nothing is cut short, and the id of an alert, which is typed again, stands on one
    line.
    """
    names = COLUMNS if taken_up is None else (*COLUMNS, TAKEN_UP)
    columns = (Column(name, overflow="fold", no_wrap=name == "alert") for name in names)
    words = language("en")
    title = f"{words.count('count.alert', len(alerts))}, week {week}"
    invented = sum(alert.is_simulated for alert in alerts)
    if invented:
        title += ", simulated" if invented == len(alerts) else f", {invented} of them simulated"
    table = Table(*columns, title=title, caption=words.say("body.caution"))
    for alert in alerts:
        person = () if taken_up is None else (Text(taken_up.get(alert.alert_id, "nobody yet")),)
        table.add_row(*_row(alert, week, contradicted), *person)
    return table


def _row(alert: Alert, week: Week, contradicted: Container[float]) -> tuple[Text, ...]:
    """Plain texts, so that nothing in an id or a name is read as markup."""
    is_new = week_of(alert.issued_on) == week
    is_number = is_calibrated(alert.confidence, alert.state, contradicted=contradicted)
    cells = (
        alert.area_id,
        alert.alert_id,
        alert.kind.value,
        _change(alert),
        f"{alert.state}, simulated" if alert.is_simulated else alert.state.value,
        language("en").size(alert),
        f"{alert.confidence:.2f}" if is_number else word_of(alert.confidence),
        ", ".join(alert.sensors),
        alert.first_seen.isoformat(),
        f"{alert.issued_on} (new)" if is_new else alert.issued_on.isoformat(),
    )
    style = STYLES.get(alert.state, "")
    return tuple(Text(cell, style=style if name == "state" else "") for name, cell in zip(COLUMNS, cells, strict=True))


def _change(alert: Alert) -> str:
    """The change, with the step that it is in and the event that took it over, if there are such."""
    step = len(alert.steps)
    parts = [alert.change.value, *([f"step {step}"] if step > 1 else [])]
    if alert.merged_into:
        parts.append(f"part of {alert.merged_into}")
    return ", ".join(parts)
