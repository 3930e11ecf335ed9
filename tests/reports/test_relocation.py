"""Relocation in the report: which growth counts, distances of the list, names only with positions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from shapely.geometry import Point

from aois.area import Area, AreaKind, Response
from aois.week import Week
from detectors.records import AlertKind, Change, State
from flows.records.events import EventRecord
from flows.records.ids import AreaId, EventId
from flows.reports.build import render
from flows.reports.inputs import ReportError, ReportInputs
from flows.reports.relocation import relocation_figures
from flows.reports.report_page import page_of
from flows.reports.words import words_for

WEEK, BEGIN = Week(2026, 47), date(2024, 1, 1)
UNTIL = WEEK.last_day


def site(number, lon, lat, *raids):
    responses = tuple(Response(day, "intervened") for day in raids)
    return Area(f"s{number}", AreaKind.SITE, Point(lon, lat).buffer(0.001), f"Site {number}", responses=responses)


def grew(area, day, *, change=Change.CONSTRUCTION, state=State.CONFIRMED, number=0, at=None):
    return EventRecord(
        event_id=EventId(f"ev-{area.id}-{number}"), area_id=AreaId(area.id), kind=AlertKind.EXPANSION, change=change,
        state=state, first_seen=day, area_m2=900.0, area_m2_low=700.0, area_m2_high=1100.0, confidence=0.9,
        geometry=at or area.geometry.centroid.buffer(0.0005),
    )  # fmt: skip


def world(*, moved):
    """Forty sites over two degrees; after twelve raids a neighbour grows within two months, if `moved`."""
    rng = np.random.default_rng(2)
    areas, events = [], {}
    for number in range(40):
        lon, lat = rng.uniform(104.0, 106.0), rng.uniform(11.0, 13.0)
        raid = BEGIN + timedelta(days=int(rng.integers(0, 900)))
        own = site(number, lon, lat, *([raid] if number < 12 else []))
        areas.append(own)
        if number < 12 and moved:
            near = site(100 + number, lon + 0.04, lat + 0.01)
            areas.append(near)
            events[near.id] = [grew(near, raid + timedelta(days=int(rng.integers(5, 60))))]
        events[own.id] = [grew(own, BEGIN + timedelta(days=int(rng.integers(0, 1000))))]
    return areas, events, {area.id: WEEK.plus(-150) for area in areas}


def test_a_scripted_relocation_is_found_and_named_for_those_who_may_see_positions():
    found = relocation_figures(*world(moved=True), until=UNTIL, km=[10], days=[90])
    assert found.test.p <= 0.01
    (count,) = found.test.counts
    assert count.observed >= 12 > 4 > count.expected
    shown = {name: _page(found, is_restricted=name == "restricted") for name in ("owner", "restricted")}
    assert "more pairs than chance explains" in shown["owner"]
    assert "Site 3" not in shown["owner"]
    assert "pairs are named only in the page with positions." in shown["owner"]
    assert "Site 3" in shown["restricted"]
    assert "Site 103" in shown["restricted"]
    assert "La croissance a-t-elle suivi" in _page(found, is_restricted=False, lang="fr")


def test_where_nothing_moved_it_says_how_little_it_can_see():
    found = relocation_figures(*world(moved=False), until=UNTIL, km=[10], days=[90])
    assert found.test.p > 0.05
    text = _page(found, is_restricted=False)
    assert "this does not mean that nothing moved" in text
    assert "times as many as by chance" in text


def test_what_counts_as_growth():
    area = site(1, 104.0, 11.0)
    day = date(2026, 3, 1)
    events = [
        grew(area, day),
        grew(area, day + timedelta(days=40), number=1),
        grew(area, day + timedelta(days=90), number=2),
        grew(area, day + timedelta(days=180), number=3),
        grew(area, day, number=4, change=Change.DEMOLITION),
        grew(area, day + timedelta(days=200), number=5, state=State.PROVISIONAL),
        replace(grew(area, day + timedelta(days=200), number=6), merged_into=EventId("ev-x")),
    ]
    other = site(2, 104.1, 11.0, date(2026, 1, 1))
    found = relocation_figures([area, other], {"s1": events}, {}, until=UNTIL)
    assert found.growth == 2, "what follows within two months is the same growth"
    assert (found.responses, found.is_of_the_list) == (1, False)


def test_distances_come_from_the_list_where_it_is_long_enough():
    areas, events, weeks = world(moved=False)
    found = relocation_figures(areas, events, weeks, until=UNTIL)
    assert found.is_of_the_list
    near, far = sorted({count.distance_m for count in found.test.counts})
    assert 10_000 < near < far < 80_000


def test_too_little_is_said():
    area = site(1, 104.0, 11.0, date(2026, 1, 1))
    found = relocation_figures([area], {}, {}, until=UNTIL)
    assert found.test is None
    assert "There is too little for a test: 1 responses" in _page(found, is_restricted=False)


@pytest.mark.parametrize(
    ("given", "words"), [({"km": [0.0]}, "distance 0 km"), ({"km": [5000.0]}, "5000 km"), ({"days": [-3]}, "-3 days")]
)
def test_a_distance_or_lag_that_is_none_is_refused(given, words):
    with pytest.raises(ReportError, match=words):
        relocation_figures([], {}, {}, until=UNTIL, **given)


def _page(found, *, is_restricted, lang="en"):
    inputs = ReportInputs(WEEK, "stac", (), is_restricted=is_restricted, relocation=found)
    return render(page_of(inputs), words_for(lang), {})
