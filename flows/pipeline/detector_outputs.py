"""What the detectors found, as the ledger, the files and the rasters hold it."""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.events.alert_rules import deserves_alert
from detectors.events.site_criteria import suspect_score
from detectors.evidence.belief import log_odds
from detectors.monitor.state import AreaState
from detectors.records import Event, State
from flows.evidence.rasters import CHANGE_CODES, Layer
from flows.ledger.ids import event_id


def properties_of(event: Event, *, area_id: str) -> dict[str, Any]:
    """Make the properties of DESIGN.md for an event, with those that only some events have."""
    found: dict[str, Any] = {
        "kind": event.place.value,
        "change": event.change.value,
        "state": event.state.value,
        "first_seen": event.first_seen.isoformat(),
        "confirmed_on": event.confirmed_on.isoformat() if event.confirmed_on else None,
        "area_m2": round(event.area_m2, 1),
        "area_m2_low": round(event.area_m2_low, 1),
        "area_m2_high": round(event.area_m2_high, 1),
        "length_m": event.length_m,
        "closure": event.closure,
        "confidence": event.confidence,
        "sensors": list(event.sensors),
        "scenes": list(event.scenes),
    }
    if event.merged_into is not None:
        found["merged_into"] = event_id(area_id, event.merged_into)
    if event.criteria:
        found["suspect_score"] = suspect_score(event.criteria)
        found["criteria"] = [
            {"name": c.name, "value": c.value, "weight": c.weight, "detail": c.detail} for c in event.criteria
        ]
    return found


def news_of(events: tuple[Event, ...]) -> dict[str, State]:
    """Return the states of the events that people are or were told of.

    Where two weeks differ in it, there is news.
    """
    return {event.key: event.state for event in events if deserves_alert(event) or event.state is State.RETRACTED}


def layers_of(state: AreaState, events: tuple[Event, ...]) -> tuple[Layer, ...]:
    """Draw the layers of a week: score, class of the last event, and day first seen.

    The score is the log-odds of the likeliest change of a pixel, in nats.
    """
    shape = state.ground.shape
    score = np.where(state.ground.monitored_mask, log_odds(state.evidence)[1].max(axis=0), np.nan).astype(np.float32)
    classes, first = np.zeros(shape, np.uint8), np.zeros(shape, np.int32)
    for event in events:
        if event.state is not State.RETRACTED:
            classes[event.footprint] = CHANGE_CODES[event.change]
            new = event.footprint & (first == 0)
            first[new] = int(event.first_seen.strftime("%Y%m%d"))
    return (
        Layer("score", score, float("nan"), "log-odds of the likeliest change, nats; over 0 is likelier than not"),
        Layer("change", classes, 0, "1 construction, 2 fencing, 3 clearing, 4 demolition, 0 none"),
        Layer("first_seen", first, 0, "day the event was first seen, YYYYMMDD, 0 none"),
    )
