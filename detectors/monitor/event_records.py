"""The events of an area, as records for those outside."""

from __future__ import annotations

from datetime import date
from functools import reduce
from operator import or_

import numpy as np
from scipy import ndimage

from detectors.acquisition import OPTICAL, Mask
from detectors.array_space import by_strips
from detectors.events.event_index import EventIndex
from detectors.events.lifecycle import EventState
from detectors.events.site_criteria import SiteCandidate, criteria_of
from detectors.evidence.belief import BUILT, CLEARED, Evidence, log_odds
from detectors.footprint import Footprint, empty, trimmed
from detectors.ground import Ground
from detectors.monitor.state import AreaState
from detectors.morphology import EIGHT
from detectors.objects.patches import area_interval
from detectors.records import AlertKind, Change, Criterion, Event

OLDER_BUILT_VEGETATION, OLDER_BUILT_PX = 0.25, 20
NEAR_PX = 5
"""By how much the windows of two events are widened, each, before they are asked whether they meet."""
FIRST_REACH_PX = 64
"""How far from an event older built-up land is first sought; the window then grows by steps."""


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
    surroundings = _Surroundings(state) if state.ground.is_region else None
    return tuple(
        _event(state.ground, event_state, () if surroundings is None else surroundings.criteria(event_state, today))
        for event_state in state.event_states
    )


def _event(ground: Ground, event_state: EventState, criteria: tuple[Criterion, ...]) -> Event:
    area, low, high = area_interval(event_state.mask, event_state.core, pixel_area_m2=ground.pixel_area_m2)
    is_fence = event_state.change is Change.FENCING and event_state.length_px is not None
    return Event(
        key=event_state.key,
        change=event_state.change,
        place=_place(ground, event_state.mask),
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
        criteria=criteria,
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


def _place(ground: Ground, mask: Footprint) -> AlertKind:
    """Beyond the perimeter if a quarter of the event, or 400 m² of it, clearly lies outside; a region has no inside."""
    if ground.is_region:
        return AlertKind.NEW_SUSPECT_SITE
    outside = int((~mask.values(ground.perimeter)).sum())
    needed = 4.0 * 100.0 / ground.pixel_area_m2
    is_outside = outside >= 0.5 * mask.pixels or (outside >= 0.25 * mask.pixels and outside >= needed)
    return AlertKind.EXPANSION if is_outside else AlertKind.CHANGE


class _Surroundings:
    """What lies around the events of a region: their neighbours, what stands now, and what stood before."""

    def __init__(self, state: AreaState) -> None:
        self._ground, self._event_states = state.ground, state.event_states
        self._built_now = by_strips(state.ground.shape, state.space, lambda box: _stands(state.evidence.at(box)))
        self._older = _older_built(state)
        self._index = EventIndex(state.event_states)

    def criteria(self, event_state: EventState, today: int) -> tuple[Criterion, ...]:
        """Measure by which criteria an event resembles the known places."""
        around = event_state.mask.surroundings(2 * NEAR_PX)
        near = [
            t
            for t in map(self._event_states.__getitem__, self._index.near(around))
            if t.gain and (t.is_open or t.confirmed_day is not None) and t.mask.overlaps(around)
        ]
        nothing = empty(self._ground.shape)
        # a wall keeps its ground when it is built upon
        lines = (t.mask for t in near if t.change is Change.FENCING or (t.change is Change.CONSTRUCTION and t.closure))
        candidate = SiteCandidate(
            event_state.mask,
            reduce(or_, (self._standing(t) for t in near if t.change is Change.CONSTRUCTION), nothing),
            reduce(or_, lines, nothing),
            self._distance_m(event_state.mask, reduce(or_, (t.mask for t in near), nothing)),
            tuple(t.change for t in near),
            days=max(1, today - event_state.first_day),
            intervention_distance_m=self._ground.intervention_distance_m,
        )
        return criteria_of(candidate, pixel_size_m=self._ground.pixel_size_m)

    def _standing(self, event_state: EventState) -> Footprint:
        """Where something stands now in what was built: not in what was cleared or is a line.

        Fresh rock around a pit stands out as a wall does, and a field that was ploughed as ground that is built on.
        """
        mask = event_state.mask
        now = trimmed(mask.mask & self._built_now[mask.box], mask.box, mask.shape)
        stood = now if event_state.built is None else now | (mask & event_state.built)
        return stood or event_state.core

    def _distance_m(self, mask: Footprint, new: Footprint) -> float:
        """Metres to the nearest ground that was built on before, and did not become so by these events."""
        reach = FIRST_REACH_PX
        while True:
            box = mask.surroundings(reach)
            older = self._older[box] & ~new.within(box)
            apart = np.inf
            if older.any():
                apart = float(ndimage.distance_transform_edt(~older)[mask.within(box)].min())
            if apart <= reach or box == mask.surroundings(max(self._ground.shape)):
                return apart * self._ground.pixel_size_m
            reach *= 4


def _stands(evidence: Evidence) -> Mask:
    """Where something built is likelier than not, and likelier than bare ground."""
    odds = log_odds(evidence)
    return np.asarray((odds[BUILT] >= 0.0) & (odds[BUILT] >= odds[CLEARED]))


def _older_built(state: AreaState) -> Mask:
    """Ground that was textured and bare before: baseline NDVI under 0.25, texture in the upper tenth, 0.2 ha of it."""
    for series in state.all_series:
        names = series.names
        if series.sensor == OPTICAL and "texture" in names and "vegetation" in names:
            texture, green = (series.baseline.coefficients[names.index(n), 0] for n in ("texture", "vegetation"))
            limit = max(float(np.nanpercentile(texture, 90)), 0.02)
            old = (np.nan_to_num(texture) > limit) & (np.nan_to_num(green, nan=1.0) < OLDER_BUILT_VEGETATION)
            labels, count = ndimage.label(old, structure=EIGHT)
            large = np.bincount(labels.ravel(), minlength=count + 1) >= OLDER_BUILT_PX
            return np.asarray(old & large[labels])  # a bank or a lone tree on bare ground is no settlement
    return np.zeros(state.ground.shape, bool)
