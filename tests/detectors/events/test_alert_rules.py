"""Which events are told, and which only recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from detectors.events.alert_rules import deserves_alert
from detectors.footprint import footprint_in
from detectors.records import AlertKind, Change, Event, State

BOTH = ("sentinel-1", "sentinel-2")
EVENT = Event(
    key="g20240604-1-1",
    change=Change.CONSTRUCTION,
    place=AlertKind.EXPANSION,
    state=State.PROVISIONAL,
    first_seen=date(2024, 6, 4),
    last_seen=date(2024, 6, 9),
    confirmed_on=None,
    footprint=footprint_in(np.ones((2, 2), bool)),
    area_m2=2500.0,
    area_m2_low=1900.0,
    area_m2_high=3400.0,
    length_m=None,
    closure=None,
    confidence=0.6,
    sensors=("sentinel-2",),
    scenes=("a", "b"),
    transitions=(),
)


def told(**changed: Any) -> bool:
    return deserves_alert(replace(EVENT, **changed))


@pytest.mark.parametrize("change", list(Change))
@pytest.mark.parametrize("place", list(AlertKind))
@pytest.mark.parametrize("state", [State.CONFIRMED, State.FINISHED])
def test_what_is_confirmed_is_told(state, place, change):
    assert told(state=state, place=place, change=change, closure=0.5, length_m=400.0)


@pytest.mark.parametrize("state", [State.CONFIRMED, State.FINISHED])
@pytest.mark.parametrize(
    ("closure", "length_m", "expected"),
    [(None, 400.0, False), (0.2, 400.0, False), (0.25, 300.0, True), (1.0, 299.0, False), (1.0, None, False)],
)
def test_in_a_region_a_line_that_is_short_or_encloses_nothing_is_as_likely_a_road(state, closure, length_m, expected):
    line = {"change": Change.FENCING, "closure": closure, "length_m": length_m, "state": state}
    assert told(**line, place=AlertKind.NEW_SUSPECT_SITE) is expected
    assert told(**line, place=AlertKind.EXPANSION)


@pytest.mark.parametrize("place", list(AlertKind))
@pytest.mark.parametrize("sensors", [("sentinel-2",), BOTH])
def test_what_was_retracted_is_not(place, sensors):
    assert not told(state=State.RETRACTED, place=place, sensors=sensors, confidence=0.99, scenes=("a",))


@pytest.mark.parametrize(
    ("sensors", "confidence", "expected"),
    [(BOTH, 0.85, True), (BOTH, 0.75, False), (("sentinel-2",), 0.99, False), (("sentinel-1",), 0.99, False)],
)
def test_a_provisional_event_is_told_when_both_instruments_are_sure(sensors, confidence, expected):
    assert told(sensors=sensors, confidence=confidence) is expected


@pytest.mark.parametrize(
    ("scenes", "area", "expected"),
    [(("a",), 2000.0, True), (("a",), 1999.0, False), (("a", "b"), 90_000.0, False), ((), 2000.0, True)],
)
def test_a_single_acquisition_is_told_when_it_is_all_there_is_and_large(scenes, area, expected):
    assert told(scenes=scenes, area_m2=area) is expected


def test_what_is_unfamiliar_waits_until_it_is_confirmed():
    for waiting in ({"sensors": BOTH, "confidence": 0.85}, {"scenes": ("a",), "area_m2": 9000.0}):
        assert told(**waiting)
        assert not told(**waiting, is_unfamiliar=True)
        assert told(**waiting, is_unfamiliar=True, state=State.CONFIRMED)


def test_a_line_waits_until_it_is_confirmed():
    line = {"change": Change.FENCING, "length_m": 400.0}
    assert not told(**line, sensors=BOTH, confidence=0.9)
    assert not told(**line, scenes=("a",), area_m2=9000.0)
    assert told(**line, state=State.CONFIRMED)


@pytest.mark.parametrize("state", [State.CONFIRMED, State.FINISHED])
@pytest.mark.parametrize(("area", "expected"), [(999.0, False), (1000.0, True)])
def test_in_a_region_what_is_too_small_for_a_compound_is_recorded_only(state, area, expected):
    assert told(state=state, place=AlertKind.NEW_SUSPECT_SITE, area_m2=area) is expected
    assert told(state=state, place=AlertKind.EXPANSION, area_m2=area)


def test_a_single_acquisition_is_told_when_it_is_likelier_true_than_not():
    assert told(scenes=("a",), confidence=0.5)
    assert not told(scenes=("a",), confidence=0.49)
