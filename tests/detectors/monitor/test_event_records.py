"""What those outside are told of an event."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.events.lifecycle import EventState, open_event
from detectors.footprint import footprint_in
from detectors.ground import Ground, whole
from detectors.monitor.event_records import confidence_of, events_of
from detectors.monitor.steps import begin
from detectors.objects.object_record import Detection
from detectors.objects.patches import GroundObject
from detectors.records import AlertKind, Change, State

SHAPE = (64, 64)
MONDAY = date(2024, 6, 3)
TODAY = MONDAY.toordinal()
PERIMETER = np.zeros(SHAPE, bool)
PERIMETER[16:48, 16:48] = True
SITE = Ground(np.ones(SHAPE, bool), PERIMETER, is_region=False)
QUICK = settings(deadline=None, max_examples=50, derandomize=True)


def box(top: int, left: int, height: int, width: int) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[top : top + height, left : left + width] = True
    return mask


def event_state(mask: np.ndarray, *, change: Change = Change.CONSTRUCTION, **changed) -> EventState:
    seen = Detection(
        GroundObject(*[footprint_in(mask)] * 2),
        True,
        change,
        TODAY - 5,
        30.0,
        9,
        ("s2-a", "s2-b", "s2-c"),
        ("sentinel-2",),
        3,
    )
    opened = open_event(seen, np.zeros(SHAPE, np.float32), today=TODAY, taken=frozenset())
    return replace(opened, **changed)


@pytest.fixture(scope="module")
def state_on(scenery):
    """A state over a ground, with tracks put in."""

    def build(ground: Ground, *event_states: EventState):
        state, _ = begin(ground, [scenery().optical(date(2024, 5, 1))])
        return replace(state, event_states=event_states)

    return build


def only(state) -> Any:
    (event,) = events_of(state, today=TODAY + 30)
    return event


@pytest.mark.parametrize(
    ("mask", "place"),
    [
        (box(20, 20, 5, 5), AlertKind.CHANGE),
        (box(2, 2, 5, 5), AlertKind.EXPANSION),
        (box(20, 14, 5, 5), AlertKind.EXPANSION),  # two columns of five outside, 1,000 m²
        (box(20, 15, 5, 5), AlertKind.CHANGE),  # one column of five
        (box(20, 15, 1, 4), AlertKind.CHANGE),  # a quarter of it, but 100 m² only
        (box(20, 14, 1, 4), AlertKind.EXPANSION),  # half of it
    ],
)
def test_beyond_the_perimeter_or_inside(state_on, mask, place):
    assert only(state_on(SITE, event_state(mask))).place is place


def test_a_region_has_no_inside(state_on):
    event = only(state_on(whole(SHAPE), event_state(box(20, 20, 5, 5))))
    assert event.place is AlertKind.NEW_SUSPECT_SITE
    assert sum(c.weight for c in event.criteria) == pytest.approx(2.0), "two groups, each of which sums to one"
    assert only(state_on(SITE, event_state(box(20, 20, 5, 5)))).criteria == ()


def test_a_plain_patch_is_not_said_to_be_enclosed_by_a_line(state_on):
    event = only(state_on(whole(SHAPE), event_state(box(20, 20, 12, 12), change=Change.CLEARING)))
    (line,) = [c for c in event.criteria if c.name == "enclosing-line"]
    assert line.value == 0.0, line.detail


def test_a_wall_nearby_is_counted_for_the_place_it_encloses(state_on):
    ring = box(15, 15, 24, 24) & ~box(16, 16, 22, 22)
    wall = event_state(ring, change=Change.FENCING, is_ridge=True, length_px=92.0, closure=1.0, key="wall")
    inside, fence = events_of(state_on(whole(SHAPE), event_state(box(24, 24, 5, 5)), wall), today=TODAY + 30)
    assert {c.name: c.value for c in inside.criteria}["enclosing-line"] > 0.95
    assert (fence.change, fence.length_m, fence.closure) == (Change.FENCING, 920.0, 1.0)
    assert (inside.length_m, inside.closure) == (None, None)


def test_an_event_says_when_where_by_what_and_how_much(state_on):
    event = only(state_on(SITE, event_state(box(20, 20, 5, 5), confirmed_day=TODAY, state=State.CONFIRMED)))
    assert event.first_seen == date(2024, 5, 29)
    assert event.confirmed_on == MONDAY
    assert event.scenes == ("s2-a", "s2-b", "s2-c")
    assert event.sensors == ("sentinel-2",)
    assert event.area_m2 == 2500.0
    assert event.area_m2_low < 2500.0 < event.area_m2_high
    assert np.array_equal(event.footprint.frame(), box(20, 20, 5, 5))
    assert [t.state for t in event.transitions] == [State.PROVISIONAL]


def test_retracted_events_stay_on_record(state_on):
    gone = event_state(box(20, 20, 5, 5), state=State.RETRACTED)
    assert only(state_on(SITE, gone)).state is State.RETRACTED


@QUICK
@given(
    strength=st.floats(0, 500),
    more=st.floats(0, 100),
    dates=st.integers(0, 8),
    sensors=st.sampled_from([("a",), ("a", "b")]),
)
def test_confidence_rises_with_strength_dates_and_sensors_and_is_never_certain(strength, more, dates, sensors):
    base = event_state(box(20, 20, 5, 5), strength=strength, dates=dates, sensors=sensors)
    confidence = confidence_of(base)
    assert 0.0 <= confidence <= 0.99
    assert confidence_of(replace(base, strength=strength + more)) >= confidence
    assert confidence_of(replace(base, dates=dates + 1)) >= confidence
    assert confidence_of(replace(base, sensors=("a", "b"))) >= confidence


def test_the_confidence_of_a_line_alone_only_ranks():
    ring = box(15, 15, 24, 24) & ~box(16, 16, 22, 22)
    line = event_state(ring, change=Change.FENCING, is_ridge=True, strength=0.96, dates=9)
    assert confidence_of(line) < 0.5
    assert confidence_of(replace(line, strength=0.9)) < confidence_of(line)
    assert confidence_of(replace(line, is_ridge=False)) == 0.96


def test_a_cleared_field_and_the_rim_of_a_pit_hold_nothing_built(state_on):
    ring = box(15, 15, 24, 24) & ~box(16, 16, 22, 22)
    pit = event_state(ring, change=Change.FENCING, is_ridge=True, length_px=92.0, closure=1.0, key="pit")
    for alone in (pit, event_state(box(20, 20, 12, 12), change=Change.CLEARING)):
        values = {c.name: c.value for c in only(state_on(whole(SHAPE), alone)).criteria}
        assert (values["new-built-area"], values["large-buildings"]) == (0.0, 0.0)
    built, fence = events_of(state_on(whole(SHAPE), event_state(box(24, 24, 5, 5)), pit), today=TODAY + 30)
    for event in (built, fence):
        assert {c.name: c.value for c in event.criteria}["new-built-area"] == 0.5, "what stands within counts for both"
