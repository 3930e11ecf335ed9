"""Two places of the demonstration as a new user meets them: where a wall rises, and where nothing happens."""

from __future__ import annotations

from datetime import date

import pytest
from shapely.geometry import shape
from shapely.ops import unary_union

from aois.area import AreaKind
from aois.demonstration import demonstration
from aois.grid import grid_of
from flows.evidence.outlines import footprint_of
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.imagery.simulation.truth import truth_features

UNTIL = date(2026, 11, 22)


@pytest.fixture(scope="module")
def watched(request, made, tmp_path_factory):
    """The half year of the demonstration over one of its places; the place, its source and the outputs."""
    places = {area.id: area for area in demonstration()}
    area = places[request.param]
    sites = tuple(place for place in places.values() if place.kind is AreaKind.SITE)
    source = SimulatedSource(UNTIL, 1)
    bench = made.Bench(tmp_path_factory.mktemp(area.id), (area,), source, sites=sites, history_days=730)
    (outcome,) = bench.watch(None, UNTIL, today=date(2026, 11, 24))
    assert outcome.weeks == 26
    return area, source, bench


@pytest.mark.parametrize("watched", ["demo-wall"], indirect=True)
def test_the_wall_is_told_and_lies_where_it_was_built(watched):
    area, source, bench = watched
    grid = grid_of(area)
    features = truth_features(area.id, grid, source.truth_changes(area, grid))
    truth = unary_union([shape(f["geometry"]).buffer(1e-4) for f in features])  # 11 m: a wall is a line
    told = [a for a in bench.record()["alerts"] if a["properties"]["state"] == "confirmed"]
    assert told
    assert {a["properties"]["kind"] for a in told} == {"expansion"}
    for alert in told:
        found = shape(alert["geometry"])
        assert found.intersection(truth).area > 0.5 * found.area
        assert footprint_of(shape(alert["geometry"]), grid).sum() * 100 == alert["properties"]["area_m2"]


@pytest.mark.parametrize("watched", ["demo-quiet-town"], indirect=True)
def test_the_quiet_town_is_seen_and_nothing_is_told(watched):
    _, _, bench = watched
    record = bench.record()
    assert record["alerts"] == []
    assert record["messages"] == []
    assert sum(o.seen_share >= 0.5 for o in record["observations"]) >= 15
