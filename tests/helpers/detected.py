"""Events as detectors give them, for tests: from the properties of a file, of which most may be left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from detectors.records import Transition
from flows.records.event_json import EVENT_PROPERTIES, event_of
from flows.records.events import DetectedEvent, GrowthStep

UNSAID = dict.fromkeys(EVENT_PROPERTIES) | {
    "area_m2": 0.0, "area_m2_low": 0.0, "area_m2_high": 0.0, "confidence": 0.5, "sensors": [], "scenes": [],
}  # fmt: skip


def detected_event(
    area_id: str,
    event_id: str,
    properties: Mapping[str, Any],
    geometry: BaseGeometry | Mapping[str, Any],
    transitions: Sequence[Transition],
    alert: bool,
    steps: Sequence[date] = (),
) -> DetectedEvent:
    """An event with these properties; `steps` are the days on which it began, and began again."""
    ids = {"area_id": area_id, "event_id": event_id}
    event = event_of({**UNSAID, **{n: v for n, v in properties.items() if v is not None}, **ids}, None)
    ground = geometry if isinstance(geometry, BaseGeometry) else shape(geometry)
    begun = tuple(GrowthStep(day) for day in steps)
    return DetectedEvent(replace(event, geometry=ground, steps=begun), tuple(transitions), alert)
