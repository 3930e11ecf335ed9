"""The events of an area, as records for those outside."""

from __future__ import annotations

from datetime import date

import numpy as np
from scipy import ndimage

from detectors.events.lifecycle import Track, footprints
from detectors.events.site_criteria import Candidate, criteria_of
from detectors.look import OPTICAL, Mask
from detectors.monitor.state import AreaState
from detectors.morphology import EIGHT
from detectors.objects.change_type import standing
from detectors.objects.patches import area_interval
from detectors.records import Change, Criterion, Event, Place

OLDER_BUILT_VEGETATION, OLDER_BUILT_PX = 0.25, 20


def events_of(state: AreaState, *, today: int) -> tuple[Event, ...]:
    """Every event of the area at the end of a day, oldest first, retracted ones included."""
    return tuple(_event(state, track, today) for track in state.tracks)


def _event(state: AreaState, track: Track, today: int) -> Event:
    ground = state.ground
    area, low, high = area_interval(track.mask, track.core, pixel_area_m2=ground.pixel_area_m2)
    is_fence = track.change is Change.FENCING and track.length_px is not None
    return Event(
        key=track.key,
        change=track.change,
        place=_place(state, track.mask),
        state=track.state,
        first_seen=date.fromordinal(track.first_day),
        last_seen=date.fromordinal(track.sighted_day or track.first_day),
        confirmed_on=None if track.confirmed_day is None else date.fromordinal(track.confirmed_day),
        footprint=track.mask,
        area_m2=area,
        area_m2_low=low,
        area_m2_high=high,
        length_m=round(track.length_px * ground.pixel_size_m, 1) if is_fence and track.length_px else None,
        closure=round(track.closure, 3) if is_fence and track.closure is not None else None,
        confidence=confidence_of(track),
        sensors=track.sensors,
        scenes=track.scenes,
        transitions=track.transitions,
        criteria=_criteria(state, track, today) if ground.is_region else (),
        merged_into=track.merged_into,
        steps=tuple(map(date.fromordinal, track.steps)),
    )


def confidence_of(track: Track) -> float:
    """Confidence of an event, 0 to 1: it rises with mean · count², with dates, and with a second sensor.

    1 − exp(−strength/22.5) is 0.63 at DIST-ALERT's limit; fewer than three dates hold it under 0.5; a second sensor
    halves what is left to 1. Chosen so that order, not the number itself, carries meaning until verdicts calibrate it.
    """
    base = 1.0 - float(np.exp(-track.strength / 22.5))
    if track.dates < 3:
        base = min(base, 0.2 + 0.1 * track.dates)
    if len(track.sensors) > 1:
        base = 1.0 - (1.0 - base) / 2.0
    return round(min(base, 0.99), 3)


def _place(state: AreaState, mask: Mask) -> Place:
    """Beyond the perimeter if a quarter of the event, or 400 m² of it, clearly lies outside; a region has no inside."""
    if state.ground.is_region:
        return Place.NEW_SUSPECT_SITE
    outside = int((mask & ~state.ground.perimeter).sum())
    needed = 4.0 * 100.0 / state.ground.pixel_area_m2
    is_outside = outside >= 0.5 * mask.sum() or (outside >= 0.25 * mask.sum() and outside >= needed)
    return Place.EXPANSION if is_outside else Place.CHANGE


def _criteria(state: AreaState, track: Track, today: int) -> tuple[Criterion, ...]:
    near = [
        t for t in state.tracks if t.gain and (t.is_open or t.confirmed_day is not None) and _close(t.mask, track.mask)
    ]
    lines = np.zeros(state.ground.shape, bool)
    for other in near:
        if other.change is Change.FENCING or (other.change is Change.CONSTRUCTION and other.closure):
            lines |= other.mask  # a wall keeps its ground when it is built upon
    candidate = Candidate(
        track.mask,
        _built(state, near),
        lines,
        _older_built(state) & ~footprints(tuple(near), state.ground.shape),
        tuple(t.change for t in near),
        days=max(1, today - track.first_day),
        intervention_distance_m=state.ground.intervention_distance_m,
    )
    return criteria_of(candidate, pixel_size_m=state.ground.pixel_size_m)


def _built(state: AreaState, near: list[Track]) -> Mask:
    """Where something stands now at a place: in what was built there, not in what was cleared or is a line.

    Fresh rock around a pit stands out as a wall does, and a field that was ploughed as ground that is built on.
    """
    now = standing(state.evidence)
    built = np.zeros(state.ground.shape, bool)
    for track in near:
        if track.change is Change.CONSTRUCTION:
            stood = track.mask & (now if track.built is None else now | track.built)
            built |= stood if stood.any() else track.core
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
    for channel in state.channels:
        names = channel.names
        if channel.sensor == OPTICAL and "texture" in names and "vegetation" in names:
            level = channel.baseline.coefficients[:, 0]
            texture, green = level[names.index("texture")], level[names.index("vegetation")]
            limit = max(float(np.nanpercentile(texture, 90)), 0.02)
            old = (np.nan_to_num(texture) > limit) & (np.nan_to_num(green, nan=1.0) < OLDER_BUILT_VEGETATION)
            labels, count = ndimage.label(old, structure=EIGHT)
            large = np.bincount(labels.ravel(), minlength=count + 1) >= OLDER_BUILT_PX
            return np.asarray(old & large[labels])  # a bank or a lone tree on bare ground is no settlement
    return np.zeros(state.ground.shape, bool)
