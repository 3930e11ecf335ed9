"""Events and messages go into JSON and come back as they were; what cannot be read is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, box

from detectors.records import AlertKind, Change, Criterion, State
from flows.records.event_json import (
    EVENT_PROPERTIES,
    alert_of,
    event_of,
    feature_of,
    geometry_of,
    properties_of,
    stored_properties,
)
from flows.records.events import Alert, EventRecord, GrowthStep
from flows.records.ids import AreaId, EventId, MessageKey, SceneName, message_key, scene_name
from flows.records.message_json import OPEN_PROPERTIES, content_json, content_of
from flows.records.messages import DispatchContent, News, ToldAlert

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
SIZES = st.floats(0, 1e6).map(lambda size: round(size, 1))
SHARES = st.floats(0, 1).map(lambda share: round(share, 3))
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters=":"), min_size=1, max_size=8)
CRITERIA = st.builds(Criterion, TEXTS, SHARES, SHARES, st.text(max_size=5))
EVENTS = st.builds(
    EventRecord,
    event_id=TEXTS,
    area_id=TEXTS,
    kind=st.sampled_from(AlertKind),
    change=st.sampled_from(Change),
    state=st.sampled_from(State),
    first_seen=DAYS,
    confirmed_on=st.none() | DAYS,
    area_m2=SIZES,
    area_m2_low=SIZES,
    area_m2_high=SIZES,
    length_m=st.none() | SIZES,
    closure=st.none() | SHARES,
    confidence=SHARES,
    sensors=st.lists(TEXTS, max_size=2).map(tuple),
    scenes=st.lists(TEXTS, max_size=3).map(tuple),
    geometry=st.sampled_from([box(1, 2, 3, 4), MultiPolygon([box(0.1, 0.2, 0.3, 0.4), box(1, 1, 2, 2)])]),
    criteria=st.lists(CRITERIA, max_size=2).map(tuple),
    suspect_score=st.none() | SHARES,
    steps=st.lists(st.builds(GrowthStep, DAYS, st.none() | SIZES), max_size=3).map(tuple),
    merged_into=st.none() | TEXTS,
    reopens=st.none() | TEXTS,
    detected_as=st.none() | TEXTS,
    split_from=st.none() | TEXTS,
    withdrawn=st.text(max_size=5),
    is_unfamiliar=st.booleans(),
    is_simulated=st.booleans(),
)
ALERTS = st.builds(alert_of, EVENTS, TEXTS, DAYS)
EVENT = EventRecord(
    event_id=EventId("ev-1"),
    area_id=AreaId("pier"),
    kind=AlertKind.CHANGE,
    change=Change.CLEARING,
    state=State.CONFIRMED,
    first_seen=date(2026, 9, 1),
    area_m2=400.0,
    area_m2_low=300.0,
    area_m2_high=600.0,
    confidence=0.5,
    geometry=box(0, 0, 1, 1),
)


@given(EVENTS | ALERTS)
def test_an_event_comes_back_from_its_feature_and_an_alert_is_one(event):
    feature = json.loads(json.dumps(feature_of(event)))
    found = event_of(feature["properties"], feature["geometry"])
    assert found == event
    assert isinstance(found, Alert) is event.is_alerted
    assert feature["id"] == (event.alert_id or event.event_id)


@given(EVENTS)
def test_an_event_comes_back_from_the_row_of_a_ledger(event):
    row = json.loads(json.dumps([stored_properties(event), geometry_of(event.ground)]))
    assert event_of(*row, is_simulated=event.is_simulated) == event


@pytest.mark.parametrize("name", EVENT_PROPERTIES)
def test_a_property_that_every_event_has_may_not_be_missing(name):
    left = {key: value for key, value in properties_of(EVENT).items() if key != name}
    with pytest.raises(KeyError, match=name):
        event_of(left, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "guilty"},
        {"first_seen": None},
        {"confidence": "high"},
        {"confidence": True},
        {"confirmed_on": "soon"},
        {"sensors": "sentinel-2"},
        {"steps": [3]},
        {"criteria": [{"name": "size", "value": "much", "weight": 1.0}]},
    ],
)
def test_a_property_that_is_not_what_it_should_be_is_refused(wrong):
    with pytest.raises((TypeError, ValueError)):
        event_of(properties_of(EVENT) | wrong, None)


@pytest.mark.parametrize(
    "geometry", [{"type": "Blob"}, {"type": "Polygon", "coordinates": [[[0, 1]]]}, {}, {"type": 3}]
)
def test_a_ground_that_cannot_be_read_is_missed_only_by_who_needs_it(geometry):
    found = event_of(properties_of(EVENT), geometry)
    assert replace(found, geometry=EVENT.geometry) == EVENT
    with pytest.raises(ValueError, match="without its ground"):
        _ = found.ground


def test_the_ground_of_a_record_without_one_is_not_to_be_had():
    with pytest.raises(ValueError, match="`ev-1` is without its ground"):
        _ = replace(EVENT, geometry=None).ground


TOLD = st.builds(
    lambda alert, **given: ToldAlert(**vars(alert), **given),
    ALERTS,
    last_clear_look=st.none() | DAYS,
    merged_into_alert=st.none() | TEXTS,
    news=st.lists(st.sampled_from(News), max_size=2).map(tuple),
    messages=st.lists(TEXTS, max_size=2).map(tuple),
)


@given(alert=TOLD, is_restricted=st.booleans(), text=st.text(max_size=5))
def test_what_a_channel_is_sent_comes_back_as_far_as_it_may_be_told(alert, is_restricted, text):
    alert = replace(alert, is_simulated=True)
    rest = dict.fromkeys(("key", "lang", "title", "text", "html", "report"), text)
    content = DispatchContent(week="2026-W47", is_simulated=True, is_restricted=is_restricted, alerts=(alert,), **rest)
    written: dict[str, Any] = {**content_json(content)}
    found = content_of(json.loads(json.dumps(written)))
    if is_restricted:
        assert found == content
    else:
        assert written["alerts"][0]["properties"].keys() <= OPEN_PROPERTIES
        assert (found.alerts[0].geometry, found.alerts[0].scenes) == (None, ())
        assert content_json(found) == written


@pytest.mark.parametrize(
    ("scene_id", "sensor", "day"),
    [
        ("sentinel-2_20261008T102907", "sentinel-2", date(2026, 10, 8)),
        ("sentinel-1_20260910T181100_r86", "sentinel-1", date(2026, 9, 10)),
        ("sentinel-2 2026-10-08", "sentinel-2", date(2026, 10, 8)),
        ("sentinel-2_20261345T000000", "sentinel-2", None),
        ("scene-1", "scene-1", None),
        ("", "", None),
    ],
)
def test_the_id_of_a_scene_says_its_sensor_and_its_day(scene_id, sensor, day):
    name = scene_name(scene_id)
    assert name == SceneName(sensor, day)
    assert scene_name(str(name)) == name


@given(TEXTS, st.sampled_from(["confirmed", "step-2", "merged"]), st.integers(1, 99))
def test_the_key_of_a_message_comes_back(alert_id, said, times):
    key = MessageKey(alert_id, said, times)
    assert message_key(str(key)) == key
