"""Events as SMART site models: what is one site, in which phase on which day, and files as specified."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date

import pytest
from shapely.geometry import Point, box, shape

from aois.grid import to_lonlat
from detectors.records import AlertKind, Change, State
from flows.benchmark.annotations import read_region
from flows.records.events import EventRecord
from flows.records.ids import AreaId, EventId
from flows.records.site_models import Phase, RegionModel, mgrs_square
from flows.records.site_phases import phases_of
from flows.reports.site_models import site_models_of, write_site_models

EPSG, UNTIL = 32631, date(2021, 12, 31)


def event(name, change, day, *, left=0.0, side=100.0, state=State.CONFIRMED):
    where = to_lonlat(box(500_000 + left, 200_000, 500_000 + left + side, 200_000 + side), EPSG)
    return EventRecord(
        event_id=EventId(name), area_id=AreaId("a"), kind=AlertKind.CHANGE, change=change, state=state, first_seen=day,
        area_m2=1.0, area_m2_low=1.0, area_m2_high=1.0, confidence=0.8, geometry=where,
    )  # fmt: skip


CLEARED = event("ev-1", Change.CLEARING, date(2020, 6, 1), side=200)
BUILT = event("ev-2", Change.CONSTRUCTION, date(2020, 9, 1), left=50)
FENCED = event("ev-3", Change.FENCING, date(2020, 8, 1), left=230)
GONE = event("ev-4", Change.DEMOLITION, date(2020, 7, 1), left=60)
FAR_OFF = event("ev-5", Change.CONSTRUCTION, date(2020, 5, 1), left=2_000, state=State.PROVISIONAL)


def test_phases_follow_from_the_events():
    assert phases_of([CLEARED, FENCED, BUILT], {}) == (
        (date(2020, 6, 1), Phase.SITE_PREPARATION),
        (date(2020, 9, 1), Phase.ACTIVE_CONSTRUCTION),
    )
    assert phases_of([BUILT, replace(CLEARED, first_seen=date(2020, 10, 1))], {}) == (
        (date(2020, 9, 1), Phase.ACTIVE_CONSTRUCTION),
    ), "ground cleared after the first building is no way back"
    ended = [replace(one, state=State.FINISHED) for one in (CLEARED, BUILT)]
    days = {EventId("ev-1"): date(2021, 1, 1), EventId("ev-2"): date(2021, 3, 1)}
    assert phases_of(ended, days)[-1] == (date(2021, 3, 1), Phase.POST_CONSTRUCTION)
    assert phases_of([replace(CLEARED, state=State.FINISHED), BUILT], days)[-1][1] is Phase.ACTIVE_CONSTRUCTION
    assert phases_of([GONE], {}) == ()


def test_what_lies_near_is_one_site_and_demolition_is_none():
    sites = site_models_of([BUILT, CLEARED, FENCED, GONE, FAR_OFF], {}, region_id="XX_R000", until=UNTIL)
    assert [(one.site_id, one.status, one.start, one.end) for one in sites] == [
        ("XX_R000_0000", "system_proposed", date(2020, 5, 1), UNTIL),
        ("XX_R000_0001", "system_confirmed", date(2020, 6, 1), UNTIL),
    ]
    first, *_, last = sites[1].observations
    assert (first.day, first.phases, last.phases) == (
        date(2020, 6, 1),
        (Phase.SITE_PREPARATION,),
        (Phase.ACTIVE_CONSTRUCTION,),
    )
    assert first.geometry.area < last.geometry.area
    assert all(last.geometry.buffer(1e-6).contains(one.ground) for one in (CLEARED, BUILT, FENCED))


def test_what_began_long_before_is_another_site():
    old = replace(CLEARED, event_id=EventId("ev-0"), first_seen=date(2019, 6, 1))
    sites = site_models_of([BUILT, old], {}, region_id="XX_R000", until=UNTIL)
    assert [one.start for one in sites] == [date(2019, 6, 1), date(2020, 9, 1)]


def test_phases_can_come_from_elsewhere():
    clock = lambda _events, _finished: ((date(2020, 2, 2), Phase.SITE_PREPARATION),)  # noqa: E731
    (site,) = site_models_of([BUILT], {}, region_id="XX_R000", until=UNTIL, phases=clock)
    assert (site.start, site.observations[0].phases) == (date(2020, 2, 2), (Phase.SITE_PREPARATION,))


def test_files_are_as_specified_and_read_by_the_reader_of_the_annotations(tmp_path):
    region = RegionModel("XX_R000", to_lonlat(box(499_000, 199_000, 503_000, 202_000), EPSG), date(2020, 1, 1), UNTIL)
    sites = site_models_of([BUILT, CLEARED, FENCED, FAR_OFF], {}, region_id="XX_R000", until=UNTIL)
    write_site_models(tmp_path, region, sites)
    stale = tmp_path / "site_models" / "XX_R000_0007.geojson"
    stale.write_text("{}")
    paths = write_site_models(tmp_path, region, sites)
    assert not stale.exists()
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
    document = json.loads((tmp_path / "site_models" / "XX_R000_0001.geojson").read_text())
    head, *observations = document["features"]
    assert head["geometry"]["type"] == "Polygon"
    assert set(head["properties"]) >= {
        "type", "region_id", "site_id", "version", "mgrs", "status", "start_date", "end_date", "model_content",
        "originator", "score", "validated",
    }  # fmt: skip
    assert re.fullmatch(r"\d\d[A-Z]{3}", head["properties"]["mgrs"])
    assert head["properties"]["validated"] == "False"
    for one in observations:
        assert one["geometry"]["type"] == "MultiPolygon"
        assert one["properties"]["is_site_boundary"] == "True"
        assert shape(one["geometry"]).is_valid
    _, read = read_region(tmp_path, "XX_R000")
    assert [(one.site_id, one.status, one.start, one.end) for one in read] == [
        (one.site_id, one.status, one.start, one.end) for one in sites
    ]


@pytest.mark.parametrize(
    ("lon", "lat", "square"),
    [(55.03, 24.93, "40RCN"), (25.56, -33.88, "35HLC"), (-123.35, 48.85, "10UDV"), (0.5, 0.1, "31NBA")],
)
def test_squares_of_the_military_grid(lon, lat, square):
    assert mgrs_square(Point(lon, lat)) == square
