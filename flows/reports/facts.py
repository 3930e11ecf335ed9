"""The properties of an event's feature, read once and typed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from detectors.records import AlertKind, Change, Criterion, State
from flows.reports.inputs import ReportError


@dataclass(frozen=True)
class EventFacts:
    """What is known of an event; sizes in m² and m, `None` where not measured, `alert_id` empty without an alert.

    `merged_into` is the event that took its ground, empty for one that stands alone.
    """

    alert_id: str
    event_id: str
    kind: AlertKind
    change: Change
    state: State
    first_seen: date
    confirmed_on: date | None
    issued_on: date | None
    area_m2: float | None
    area_m2_low: float | None
    area_m2_high: float | None
    length_m: float | None
    closure: float | None
    confidence: float
    sensors: tuple[str, ...]
    scenes: tuple[str, ...]
    criteria: tuple[Criterion, ...]
    merged_into: str
    is_simulated: bool = False

    @property
    def is_alerted(self) -> bool:
        """Whether the event went out as an alert."""
        return bool(self.alert_id)


def facts_of(feature: Mapping[str, Any]) -> EventFacts:
    """Read an event's GeoJSON Feature; its geometry is never looked at.

    Raises `ReportError`, naming the event and the property, when one that every event has is missing or unreadable.
    """
    found = feature.get("properties") or {}
    event_id = str(found.get("event_id") or feature.get("id") or "")
    if not event_id:
        raise ReportError("an event's feature has no `event_id`; give every event the properties of DESIGN.md")
    try:
        return _read(found, event_id)
    except (KeyError, TypeError, ValueError) as mistake:
        raise ReportError(
            f"event `{event_id}`: a property is missing or unreadable ({mistake!r}); "
            "give every event the properties of DESIGN.md"
        ) from mistake


def _read(found: Mapping[str, Any], event_id: str) -> EventFacts:
    return EventFacts(
        alert_id=str(found.get("alert_id") or ""),
        event_id=event_id,
        kind=AlertKind(found["kind"]),
        change=Change(found["change"]),
        state=State(found["state"]),
        first_seen=_required_day(found["first_seen"]),
        confirmed_on=_day(found.get("confirmed_on")),
        issued_on=_day(found.get("issued_on")),
        area_m2=_number(found.get("area_m2")),
        area_m2_low=_number(found.get("area_m2_low")),
        area_m2_high=_number(found.get("area_m2_high")),
        length_m=_number(found.get("length_m")),
        closure=_number(found.get("closure")),
        confidence=float(found["confidence"]),
        sensors=tuple(str(sensor) for sensor in found.get("sensors") or ()),
        scenes=tuple(str(scene) for scene in found.get("scenes") or ()),
        criteria=tuple(_criterion(row) for row in found.get("criteria") or ()),
        merged_into=str(found.get("merged_into") or ""),
        is_simulated=bool(found.get("simulated")),
    )


def _criterion(row: Mapping[str, Any]) -> Criterion:
    return Criterion(str(row["name"]), float(row["value"]), float(row["weight"]), str(row.get("detail") or ""))


def _required_day(value: object) -> date:
    day = _day(value)
    if day is None:
        raise ValueError(f"{value!r} is not a date")
    return day


def _day(value: object) -> date | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, date) else date.fromisoformat(str(value)[:10])


def _number(value: object) -> float | None:
    if value is None:
        return None
    number = float(str(value))
    return number if math.isfinite(number) else None
