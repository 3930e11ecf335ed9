"""Events and alerts as GeoJSON features."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, TypeAlias

from flows.ledger.event_content import Content
from flows.ledger.ids import alert_id
from flows.ledger.records import SIMULATED
from flows.records.events import ALERT_PROPERTIES, EVENT_PROPERTIES, EventFeature

IsSimulated: TypeAlias = Callable[[str], bool]
"""Says of an area's id whether what is on record of it is simulated."""


def event_features(contents: Iterable[Content], is_simulated: IsSimulated) -> list[EventFeature]:
    """Make the features of events, sorted by area, first date seen and id.

    Their property `simulated` says what they are.
    """
    features = [_feature(content, content.properties, EVENT_PROPERTIES, is_simulated) for content in contents]
    return sorted(features, key=_order)


def alert_features(
    contents: Mapping[str, Content], issued: Mapping[str, date], is_simulated: IsSimulated
) -> list[EventFeature]:
    """Make the features of those events, keyed by id, for which an alert was issued.

    They are sorted and marked like events.
    """
    features = []
    for event_id, issued_on in issued.items():
        if event_id in contents:
            own = {"alert_id": alert_id(event_id), "issued_on": issued_on.isoformat()}
            content = contents[event_id]
            features.append(_feature(content, {**content.properties, **own}, ALERT_PROPERTIES, is_simulated))
    return sorted(features, key=_order)


def _feature(
    content: Content, properties: Mapping[str, Any], names: tuple[str, ...], is_simulated: IsSimulated
) -> EventFeature:
    """A feature whose id is its first property."""
    found = {**properties, SIMULATED: is_simulated(properties["area_id"])}
    extra = sorted(found.keys() - set(names))
    ordered = {name: found[name] for name in (*names, *extra)}
    return {"type": "Feature", "id": ordered[names[0]], "geometry": content.geometry, "properties": ordered}


def _order(feature: EventFeature) -> tuple[str, str, str]:
    properties = feature["properties"]
    return properties["area_id"], properties["first_seen"], feature["id"]
