"""The week's sample: sites and ground that raised nothing, by how well they were seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from detected import detected_event
from shapely.geometry import box

from aois.area import Area, AreaKind
from aois.grid import to_lonlat
from aois.week import Week
from detectors.inference.quiet_sample import SeenClass
from detectors.records import State, Transition
from flows.ledger import ObservationRecord, open_ledger
from flows.pipeline.quiet_draw import SIZE, draw_quiet_places
from flows.records.observations import SceneRecord
from flows.records.quiet_places import QuietKind

EPSG, WEEK = 32631, Week(2026, 47)


def site(number: int) -> Area:
    left = 400_000 + 3_000 * number
    return Area(f"site-{number:02d}", AreaKind.SITE, to_lonlat(box(left, 200_000, left + 300, 200_300), EPSG))


REGION = Area("region", AreaKind.REGION, to_lonlat(box(500_000, 300_000, 503_000, 302_000), EPSG))


def seen(ledger, area, *, weeks=13, clear=0.8, events=()):
    """The area was watched for some weeks, with one optical look a week."""
    for back in reversed(range(weeks)):
        week = WEEK.plus(-back)
        at = datetime.combine(week.first_day, datetime.min.time(), UTC)
        scene = SceneRecord(f"scene-{week}", "sentinel-2", at, "0" * 64, "simulated", clear, 0.0, "used")
        ledger.record_scenes(area.id, [scene])
        one = ObservationRecord(area.id, week, (scene.scene_id,), ("sentinel-2",), 1.0, week.first_day, "chain")
        ledger.record_week(one, events)


def told(area, ground, *, weeks_ago=2, state=State.CONFIRMED, alert=True):
    day = WEEK.first_day - timedelta(weeks=weeks_ago)
    properties = {"kind": "change", "change": "construction", "state": state.value, "first_seen": day.isoformat()}
    return detected_event(area.id, f"ev-{area.id}", properties, ground, (Transition(state, day, "scene"),), alert)


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as held:
        yield held


def test_sites_and_ground_that_raised_nothing_are_drawn(ledger):
    areas = [*(site(n) for n in range(8)), REGION]
    ledger.record_areas(areas)
    hit = to_lonlat(box(500_700, 300_700, 500_900, 300_900), EPSG)
    for number, area in enumerate(areas[:-1]):
        seen(ledger, area, clear=0.8 if number % 2 else 0.2, events=[told(area, area.geometry)] if number == 3 else ())
    seen(ledger, REGION, events=[told(REGION, hit)])
    assert draw_quiet_places(ledger, areas, WEEK) == SIZE
    drawn = ledger.quiet.places()
    sites = [place for place in drawn if place.kind is QuietKind.SITE]
    ground = [place for place in drawn if place.kind is QuietKind.GROUND]
    assert (len(sites), len(ground)) == (5, 5)
    assert "site-03" not in {place.key for place in sites}, "something was told of it"
    assert {place.of for place in sites if place.seen_class is SeenClass.WELL} == {3}
    assert {place.of for place in sites if place.seen_class is SeenClass.HARDLY} == {4}
    assert {place.of for place in ground} == {23}, "of 24 cells one was told of"
    assert not any(place.geometry.intersects(hit) for place in ground)
    assert all(place.km2 == pytest.approx(0.25, abs=0.01) for place in ground)
    assert {(place.since, place.until) for place in drawn} == {(WEEK.plus(-12).first_day, WEEK.last_day)}


def test_the_same_record_gives_the_same_sample_and_no_week_is_drawn_twice(ledger, tmp_path):
    areas = [site(n) for n in range(14)]
    samples = []
    for held in (ledger, open_ledger(f"sqlite:///{tmp_path / 'other.sqlite'}")):
        held.record_areas(areas)
        for area in areas:
            seen(held, area, weeks=2)
        assert draw_quiet_places(held, areas, WEEK) == SIZE
        assert draw_quiet_places(held, areas, WEEK) == 0
        samples.append([place.key for place in held.quiet.places()])
    held.close()
    assert samples[0] == samples[1]


def test_what_was_drawn_lately_is_not_asked_about_again(ledger):
    areas = [site(n) for n in range(14)]
    ledger.record_areas(areas)
    for area in areas:
        seen(ledger, area, weeks=3)
    assert draw_quiet_places(ledger, areas, WEEK.plus(-1)) == SIZE
    assert draw_quiet_places(ledger, areas, WEEK) == 4
    assert len({place.key for place in ledger.quiet.places()}) == 14


def test_what_was_not_watched_is_not_asked_about_and_what_raised_no_alert_is(ledger):
    watched, unseen = site(1), site(2)
    ledger.record_areas([watched, unseen])
    weak = told(watched, watched.geometry, state=State.PROVISIONAL, alert=False)
    seen(ledger, watched, weeks=4, events=[weak])
    assert draw_quiet_places(ledger, [watched, unseen], WEEK) == 1
    (place,) = ledger.quiet.places()
    assert (place.key, place.since) == ("site-01", WEEK.plus(-3).first_day), "asked about no longer than it was watched"
