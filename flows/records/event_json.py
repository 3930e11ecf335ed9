"""Events and alerts as JSON: the one writer and the one reader of their properties and of their features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from pydantic import JsonValue
from shapely.errors import ShapelyError
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from detectors.records import AlertKind, Change, Criterion, State
from flows.records.events import Alert, EventRecord, GrowthStep
from flows.records.ids import AlertId, AreaId, EventId, SceneId
from flows.records.json_object import JsonObject

ALERT_PROPERTIES = (
    "alert_id",
    "event_id",
    "area_id",
    "kind",
    "change",
    "state",
    "first_seen",
    "confirmed_on",
    "issued_on",
    "area_m2",
    "area_m2_low",
    "area_m2_high",
    "length_m",
    "closure",
    "confidence",
    "sensors",
    "scenes",
)
"""The names that DESIGN.md fixes, in its order."""
EVENT_PROPERTIES = tuple(name for name in ALERT_PROPERTIES if name not in ("alert_id", "issued_on"))


def feature_of(event: EventRecord) -> JsonObject:
    """Make the GeoJSON feature (RFC 7946) of an event or an alert; its geometry is null where it is not told.

    Parameters
    ----------
    event
        An event or an alert.

    Returns
    -------
    JsonObject
    """
    return {
        "type": "Feature",
        "id": event.alert_id or event.event_id,
        "geometry": None if event.geometry is None else geometry_of(event.geometry),
        "properties": properties_of(event),
    }


def properties_of(event: EventRecord) -> JsonObject:
    """Write the properties of an event or an alert.

    Parameters
    ----------
    event
        An event or an alert.

    Returns
    -------
    JsonObject
        The names of DESIGN.md in its order, then those that only some events have, and `simulated`, by the alphabet.
    """
    found = _fixed(event) | _extra(event) | {"simulated": event.is_simulated}
    names = ALERT_PROPERTIES if event.is_alerted else EVENT_PROPERTIES
    return {name: found[name] for name in (*names, *sorted(found.keys() - set(ALERT_PROPERTIES)))}


def stored_properties(event: EventRecord) -> JsonObject:
    """Write the properties of an event as the ledger's rows have them: without its alert and without its world.

    Parameters
    ----------
    event
        An event or an alert.

    Returns
    -------
    JsonObject
    """
    said = _fixed(event)
    return {name: said[name] for name in EVENT_PROPERTIES} | _extra(event)


def geometry_of(ground: BaseGeometry) -> JsonObject:
    """Write a geometry as GeoJSON.

    Parameters
    ----------
    ground
        (longitude, latitude) in degrees.

    Returns
    -------
    JsonObject
    """
    drawn = mapping(ground)
    return {"coordinates": _lists(drawn["coordinates"]), "type": str(drawn["type"])}


def event_of(
    properties: Mapping[str, JsonValue], geometry: Mapping[str, JsonValue] | None, *, is_simulated: bool | None = None
) -> EventRecord:
    """Read an event or an alert from its properties and its geometry, as any release wrote them.

    Parameters
    ----------
    properties
        What `properties_of` or `stored_properties` wrote; any other name is left out.
    geometry
        GeoJSON, (longitude, latitude) in degrees; None where it is not at hand. One that cannot be read counts as none,
        so that only who needs the ground fails.
    is_simulated
        Whether it happened in a simulated world; None where the properties say so themselves.

    Returns
    -------
    EventRecord, an `Alert` where the properties have an `alert_id`.

    Raises
    ------
    KeyError
        When a property that every event has is missing.
    ValueError, TypeError
        When one is not what it should be.
    """
    p = properties
    event = EventRecord(
        event_id=EventId(_text(p["event_id"])),
        area_id=AreaId(_text(p["area_id"])),
        kind=AlertKind(_text(p["kind"])),
        change=Change(_text(p["change"])),
        state=State(_text(p["state"])),
        first_seen=date.fromisoformat(_text(p["first_seen"])),
        confirmed_on=_day(p["confirmed_on"]),
        area_m2=_number(p["area_m2"]),
        area_m2_low=_number(p["area_m2_low"]),
        area_m2_high=_number(p["area_m2_high"]),
        length_m=None if p["length_m"] is None else _number(p["length_m"]),
        closure=None if p["closure"] is None else _number(p["closure"]),
        confidence=_number(p["confidence"]),
        sensors=tuple(map(_text, _list(p["sensors"]))),
        scenes=tuple(SceneId(_text(scene)) for scene in _list(p["scenes"])),
        geometry=_ground(geometry),
        criteria=tuple(map(_criterion, _list(p.get("criteria")))),
        suspect_score=None if p.get("suspect_score") is None else _number(p["suspect_score"]),
        steps=tuple(map(_step, _list(p.get("steps")))),
        merged_into=_event_id(p.get("merged_into")),
        reopens=_event_id(p.get("reopens")),
        detected_as=_event_id(p.get("detected_as")),
        split_from=_event_id(p.get("split_from")),
        withdrawn=_text(p.get("withdrawn") or ""),
        is_unfamiliar=bool(p.get("unfamiliar")),
        is_simulated=bool(p.get("simulated")) if is_simulated is None else is_simulated,
    )
    if p.get("alert_id") is None:
        return event
    return alert_of(event, AlertId(_text(p["alert_id"])), date.fromisoformat(_text(p["issued_on"])))


def alert_of(event: EventRecord, alert_id: AlertId, issued_on: date) -> Alert:
    """Make the alert of an event.

    Parameters
    ----------
    event
        The event.
    alert_id, issued_on
        The id of its alert, and the day on which that went out, UTC.

    Returns
    -------
    Alert
    """
    return Alert(**{**vars(event), "alert_id": alert_id, "issued_on": issued_on})


def _fixed(event: EventRecord) -> JsonObject:
    """The properties of DESIGN.md, in its order."""
    return {
        "alert_id": event.alert_id,
        "event_id": event.event_id,
        "area_id": event.area_id,
        "kind": event.kind.value,
        "change": event.change.value,
        "state": event.state.value,
        "first_seen": event.first_seen.isoformat(),
        "confirmed_on": None if event.confirmed_on is None else event.confirmed_on.isoformat(),
        "issued_on": None if event.issued_on is None else event.issued_on.isoformat(),
        "area_m2": event.area_m2,
        "area_m2_low": event.area_m2_low,
        "area_m2_high": event.area_m2_high,
        "length_m": event.length_m,
        "closure": event.closure,
        "confidence": event.confidence,
        "sensors": list(event.sensors),
        "scenes": list(event.scenes),
    }


def _extra(event: EventRecord) -> JsonObject:
    """What is said of some events only."""
    found: JsonObject = {
        "criteria": [
            {"detail": one.detail, "name": one.name, "value": one.value, "weight": one.weight} for one in event.criteria
        ],
        "merged_into": event.merged_into,
        "reopens": event.reopens,
        "detected_as": event.detected_as,
        "steps": [{"added_m2": step.added_m2, "on": step.on.isoformat()} for step in event.steps],
        "split_from": event.split_from,
        "withdrawn": event.withdrawn,
        "unfamiliar": event.is_unfamiliar,
    }
    score: JsonObject = {} if event.suspect_score is None else {"suspect_score": event.suspect_score}
    return score | {name: value for name, value in found.items() if value}


def _ground(geometry: Mapping[str, JsonValue] | None) -> BaseGeometry | None:
    try:
        return None if geometry is None else shape(geometry)
    except (ShapelyError, AttributeError, KeyError, IndexError, TypeError, ValueError):
        return None


def _criterion(row: JsonValue) -> Criterion:
    found = _object(row)
    return Criterion(
        _text(found["name"]), _number(found["value"]), _number(found["weight"]), _text(found.get("detail") or "")
    )


def _step(row: JsonValue) -> GrowthStep:
    found = _object(row)
    added = found["added_m2"]
    return GrowthStep(date.fromisoformat(_text(found["on"])), None if added is None else _number(added))


def _event_id(value: JsonValue) -> EventId | None:
    return None if not value else EventId(_text(value))


def _day(value: JsonValue) -> date | None:
    return None if value is None else date.fromisoformat(_text(value))


def _text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return str(value)


def _number(value: JsonValue) -> float:
    """A number as it was written: one without decimals stays so."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return value


def _list(value: JsonValue) -> Sequence[JsonValue]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise TypeError(f"{value!r} is not a list")
    return value


def _object(value: JsonValue) -> Mapping[str, JsonValue]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is not an object")
    return value


def _lists(coordinates: JsonValue | tuple[JsonValue, ...]) -> JsonValue:
    if isinstance(coordinates, list | tuple):
        return [_lists(part) for part in coordinates]
    return coordinates
