"""What the detectors found, as the ledger, the files and the rasters hold it."""

from __future__ import annotations

import numpy as np

from aois.grid import Grid
from detectors.array_space import by_strips
from detectors.events.alert_rules import deserves_alert
from detectors.events.site_criteria import suspect_score
from detectors.evidence.belief import log_odds
from detectors.monitor.state import AreaState
from detectors.records import Event, State
from flows.evidence.outlines import outline_of
from flows.evidence.rasters import CHANGE_CODES, Layer
from flows.ledger.ids import event_id
from flows.records.events import DetectedEvent, EventRecord, GrowthStep
from flows.records.ids import AreaId, SceneId


def event_record_of(event: Event, *, area_id: str, grid: Grid, is_simulated: bool) -> DetectedEvent:
    """Make the record of an event, which the ledger, the messages, the reports and the files all read."""
    record = EventRecord(
        event_id=event_id(area_id, event.key),
        area_id=AreaId(area_id),
        kind=event.place,
        change=event.change,
        state=event.state,
        first_seen=event.first_seen,
        confirmed_on=event.confirmed_on,
        area_m2=round(event.area_m2, 1),
        area_m2_low=round(event.area_m2_low, 1),
        area_m2_high=round(event.area_m2_high, 1),
        length_m=event.length_m,
        closure=event.closure,
        confidence=event.confidence,
        sensors=event.sensors,
        scenes=tuple(map(SceneId, event.scenes)),
        geometry=outline_of(event.footprint, grid),
        criteria=event.criteria,
        suspect_score=suspect_score(event.criteria) if event.criteria else None,
        steps=tuple(map(GrowthStep, event.steps)),
        merged_into=None if event.merged_into is None else event_id(area_id, event.merged_into),
        is_unfamiliar=event.is_unfamiliar,
        is_simulated=is_simulated,
    )
    return DetectedEvent(record, event.transitions, deserves_alert(event))


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
    likeliest = by_strips(shape, state.space, lambda box: log_odds(state.evidence.at(box)).max(axis=0))
    score = np.where(state.ground.monitored_mask, likeliest, np.nan).astype(np.float32)
    classes, first = np.zeros(shape, np.uint8), np.zeros(shape, np.int32)
    for event in events:
        if event.state is not State.RETRACTED:
            box, mask = event.footprint.box, event.footprint.mask
            classes[box][mask] = CHANGE_CODES[event.change]
            first[box][mask & (first[box] == 0)] = int(event.first_seen.strftime("%Y%m%d"))
    return (
        Layer("score", score, float("nan"), "log-odds of the likeliest change, nats; over 0 is likelier than not"),
        Layer("change", classes, 0, "1 construction, 2 fencing, 3 clearing, 4 demolition, 0 none"),
        Layer("first_seen", first, 0, "day the event was first seen, YYYYMMDD, 0 none"),
    )
