"""The events of an area, as records for those outside."""

from __future__ import annotations

from datetime import date

import numpy as np
from scipy import ndimage

from detectors.acquisition import OPTICAL, Mask
from detectors.events.lifecycle import EventState, footprints
from detectors.events.site_criteria import SiteCandidate, criteria_of
from detectors.evidence.belief import BUILT, CLEARED, log_odds
from detectors.monitor.state import AreaState
from detectors.morphology import EIGHT
from detectors.objects.patches import area_interval
from detectors.records import AlertKind, Change, Criterion, Event

OLDER_BUILT_VEGETATION, OLDER_BUILT_PX = 0.25, 20


def events_of(state: AreaState, *, today: int) -> tuple[Event, ...]:
    """Read every event of the area off the state, retracted ones included.

    Parameters
    ----------
    state
        What the watch has learned so far.
    today
        Day number of the day at whose end it is asked.

    Returns
    -------
    tuple of Event, oldest first.
    """
    odds = log_odds(state.evidence)
    built = np.asarray((odds[BUILT] >= 0.0) & (odds[BUILT] >= odds[CLEARED]))
    return tuple(_event(state, event_state, built, today) for event_state in state.event_states)


def _event(state: AreaState, event_state: EventState, built: Mask, today: int) -> Event:
    ground = state.ground
    area, low, high = area_interval(event_state.mask, event_state.core, pixel_area_m2=ground.pixel_area_m2)
    is_fence = event_state.change is Change.FENCING and event_state.length_px is not None
    return Event(
        key=event_state.key,
        change=event_state.change,
        place=_place(state, event_state.mask),
        state=event_state.state,
        first_seen=date.fromordinal(event_state.first_day),
        last_seen=date.fromordinal(event_state.sighted_day or event_state.first_day),
        confirmed_on=None if event_state.confirmed_day is None else date.fromordinal(event_state.confirmed_day),
        footprint=event_state.mask,
        area_m2=area,
        area_m2_low=low,
        area_m2_high=high,
        length_m=round(event_state.length_px * ground.pixel_size_m, 1) if is_fence and event_state.length_px else None,
        closure=round(event_state.closure, 3) if is_fence and event_state.closure is not None else None,
        confidence=confidence_of(event_state),
        sensors=event_state.sensors,
        scenes=event_state.scenes,
        transitions=event_state.transitions,
        criteria=_criteria(state, event_state, built, today) if ground.is_region else (),
        merged_into=event_state.merged_into,
        steps=tuple(map(date.fromordinal, event_state.steps)),
        is_unfamiliar=event_state.is_unfamiliar,
    )


def confidence_of(event_state: EventState) -> float:
    """Compute the confidence of an event: its probability in its last week, or in its surest once it is confirmed.

    How likely a line alone is has not been measured: its number stays under 0.5 and only ranks.

    Parameters
    ----------
    event_state
        The event as it stood.

    Returns
    -------
    float, 0 to 1.
    """
    strength = min(event_state.strength, 0.99)
    return round(0.5 * strength if event_state.is_ridge else strength, 3)


def _place(state: AreaState, mask: Mask) -> AlertKind:
    """Beyond the perimeter if a quarter of the event, or 400 m² of it, clearly lies outside; a region has no inside."""
    if state.ground.is_region:
        return AlertKind.NEW_SUSPECT_SITE
    outside = int((mask & ~state.ground.perimeter).sum())
    needed = 4.0 * 100.0 / state.ground.pixel_area_m2
    is_outside = outside >= 0.5 * mask.sum() or (outside >= 0.25 * mask.sum() and outside >= needed)
    return AlertKind.EXPANSION if is_outside else AlertKind.CHANGE


def _criteria(state: AreaState, event_state: EventState, built: Mask, today: int) -> tuple[Criterion, ...]:
    near = [
        t
        for t in state.event_states
        if t.gain and (t.is_open or t.confirmed_day is not None) and _close(t.mask, event_state.mask)
    ]
    lines = np.zeros(state.ground.shape, bool)
    for other in near:
        if other.change is Change.FENCING or (other.change is Change.CONSTRUCTION and other.closure):
            lines |= other.mask  # a wall keeps its ground when it is built upon
    candidate = SiteCandidate(
        event_state.mask,
        _built(near, built),
        lines,
        _older_built(state) & ~footprints(tuple(near), state.ground.shape),
        tuple(t.change for t in near),
        days=max(1, today - event_state.first_day),
        intervention_distance_m=state.ground.intervention_distance_m,
    )
    return criteria_of(candidate, pixel_size_m=state.ground.pixel_size_m)


def _built(near: list[EventState], now: Mask) -> Mask:
    """Where something stands now at a place: in what was built there, not in what was cleared or is a line.

    Fresh rock around a pit stands out as a wall does, and a field that was ploughed as ground that is built on.
    """
    built = np.zeros(now.shape, bool)
    for event_state in near:
        if event_state.change is Change.CONSTRUCTION:
            stood = event_state.mask & (now if event_state.built is None else now | event_state.built)
            built |= stood if stood.any() else event_state.core
    return built


def _close(a: Mask, b: Mask) -> bool:
    """True when the boxes of two masks lie within 5 pixels of each other."""
    boxes = []
    for mask in (a, b):
        rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
        boxes.append((rows[0] - 5, rows[-1] + 5, columns[0] - 5, columns[-1] + 5))
    (t1, b1, l1, r1), (t2, b2, l2, r2) = boxes
    return bool(t1 <= b2 and t2 <= b1 and l1 <= r2 and l2 <= r1)


def _older_built(state: AreaState) -> Mask:
    """Ground that was textured and bare before: baseline NDVI under 0.25, texture in the upper tenth, 0.2 ha of it."""
    for series in state.all_series:
        names = series.names
        if series.sensor == OPTICAL and "texture" in names and "vegetation" in names:
            level = series.baseline.coefficients[:, 0]
            texture, green = level[names.index("texture")], level[names.index("vegetation")]
            limit = max(float(np.nanpercentile(texture, 90)), 0.02)
            old = (np.nan_to_num(texture) > limit) & (np.nan_to_num(green, nan=1.0) < OLDER_BUILT_VEGETATION)
            labels, count = ndimage.label(old, structure=EIGHT)
            large = np.bincount(labels.ravel(), minlength=count + 1) >= OLDER_BUILT_PX
            return np.asarray(old & large[labels])  # a bank or a lone tree on bare ground is no settlement
    return np.zeros(state.ground.shape, bool)
