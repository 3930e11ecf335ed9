"""Real imagery, from the catalog to the alerts: what spread is found, and where nothing was built nothing is said."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from shapely.geometry import box

from aois.area import Area, AreaKind
from flows.imagery.stac.stac_source import StacSource

ARCHIVES = Path(__file__).parents[2].parent / "shared" / "archives"

pytestmark = pytest.mark.skipif(not ARCHIVES.is_dir(), reason="shared/archives is not beside this checkout")

SPANS = {
    "romania": (date(2019, 1, 1), date(2020, 12, 31)),
    "mine-1": (date(2020, 1, 1), date(2024, 12, 31)),
    "suburb-apex-haddonhall": (date(2017, 7, 1), date(2024, 1, 7)),
    "suburb-houston-spring": (date(2017, 7, 1), date(2024, 1, 7)),
    "korba-s1s2": (date(2023, 1, 16), date(2023, 3, 5)),
    "s1-t137-292319-iw2": (date(2022, 11, 1), date(2025, 1, 5)),
    "s1-t137-292321-iw2": (date(2022, 11, 1), date(2025, 1, 5)),
    "s1-t137-292323-iw2": (date(2022, 11, 1), date(2025, 1, 5)),
}


def region_within(name: str) -> Area:
    """A region over the middle of a catalog's first item."""
    item = json.loads(min((ARCHIVES / name).glob("*/*/*.json")).read_text())
    west, south, east, north = item["bbox"]
    dx, dy = 0.25 * (east - west), 0.25 * (north - south)
    return Area(name, AreaKind.REGION, box(west + dx, south + dy, east - dx, north - dy))


@pytest.fixture(scope="module")
def replayed(request, made, tmp_path_factory):
    """A catalog watched over its years; its name, the outcome and the outputs."""
    name = request.param
    source = StacSource(ARCHIVES / name / "catalog.json")
    outputs = tmp_path_factory.mktemp(name)
    bench = made.Bench(outputs, (region_within(name),), source, "stac", history_days=730)
    return name, bench.watch(*SPANS[name], today=date(2026, 11, 24)), bench


@pytest.mark.parametrize("replayed", SPANS, indirect=True)
def test_every_catalog_replays_to_its_end_and_twice_the_same(replayed):
    name, (outcome,), bench = replayed
    assert outcome.fetched > 1
    assert outcome.failed_scenes == ()
    record = bench.record()
    assert record["observations"][-1].week.first_day <= SPANS[name][1] <= record["observations"][-1].week.last_day
    (again,) = bench.watch(*SPANS[name], today=date(2026, 11, 24))
    assert (again.weeks, again.fetched, again.issued) == (0, 0, [])
    assert bench.record() == record


@pytest.mark.parametrize("replayed", ["romania"], indirect=True)
def test_the_clearings_that_spread_are_found(replayed):
    _, _, bench = replayed
    changes = [a["properties"]["change"] for a in bench.record()["alerts"]]
    assert changes.count("clearing") >= 5


@pytest.mark.parametrize("replayed", [name for name in SPANS if name.startswith("s1-")], indirect=True)
def test_radar_over_ground_where_nothing_was_built_is_silent(replayed):
    _, _, bench = replayed
    assert bench.record()["alerts"] == []


@pytest.mark.parametrize("replayed", ["romania", "korba-s1s2"], indirect=True)
def test_a_ground_unlike_any_of_the_fit_is_on_record_as_that(replayed):
    """A mine in the dry season of India, drier than any; a wood in Europe is none."""
    name, _, bench = replayed
    said = bench.record()["observations"][-1].unfamiliar
    assert (said is not None) == (name == "korba-s1s2")
    assert said is None or (said.feature, said.is_above) == ("built", True)
