"""The stories: what the truth says is what the pixels show, and nothing else changes."""

from __future__ import annotations

import json
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from rasterio.features import rasterize
from scipy.ndimage import binary_dilation
from shapely.geometry import shape

from aois.area import Area
from aois.demonstration import demonstration
from aois.grid import grid_of, perimeter_mask, to_utm
from detectors.records import Change
from flows.imagery.scene import Scene, Sensor
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.imagery.simulation.truth import TrueChange

STORY_END = date(2026, 11, 22)
AREAS = {area.id: area for area in demonstration()}
STORIES = ["demo-expansion", "demo-wall", "demo-demolition", "demo-clearing"]
QUIET = ["demo-quiet-town", "demo-quiet-paddy"]

TOLD = SimulatedSource(STORY_END)
UNTOLD = SimulatedSource(STORY_END + timedelta(days=3650))  # the same world, its story still far away


@cache
def truth(name: str) -> tuple[TrueChange, ...]:
    return TOLD.truth_changes(AREAS[name], grid_of(AREAS[name]))


def monitored_mask(name: str) -> list[TrueChange]:
    return [change for change in truth(name) if not change.ordinary]


def weeks_before(change: TrueChange) -> float:
    return (STORY_END - change.begins).days / 7


def scene(source: SimulatedSource, area: Area, day: date, sensor: Sensor) -> Scene:
    """The last scene of a sensor on or before a day that is not under cloud."""
    grid = grid_of(area)
    for ref in reversed(source.search(area, grid, since=day - timedelta(days=120), until=day)):
        if ref.sensor is sensor:
            found = source.fetch(area, grid, ref)
            if found.scl is None or np.isin(found.scl, (3, 8, 9, 10, 11)).mean() < 0.05:
                return found
    raise AssertionError("no clear scene")


@pytest.mark.parametrize("name", QUIET)
def test_nothing_happens_at_quiet_sites(name: str) -> None:
    assert truth(name) == ()
    for sensor in Sensor:
        told, untold = (scene(source, AREAS[name], STORY_END, sensor) for source in (TOLD, UNTOLD))
        assert np.array_equal(told.pixels, untold.pixels)


@pytest.mark.parametrize("sensor", list(Sensor))
@pytest.mark.parametrize("name", STORIES)
def test_story_changes_its_own_ground_and_no_other(name: str, sensor: Sensor) -> None:
    told, untold = (scene(source, AREAS[name], STORY_END, sensor) for source in (TOLD, UNTOLD))
    footprint = np.any([change.footprint for change in truth(name)], axis=0)
    difference = np.abs(np.log(told.pixels / untold.pixels)).max(axis=0)
    assert (difference[footprint] > 0.1).mean() > 0.6
    # Blur, misregistration, pixels of 20 m, shadows and rubble reach a little beyond the footprint.
    assert not difference[~binary_dilation(footprint, iterations=9)].any()


@pytest.mark.parametrize("name", STORIES)
def test_nothing_is_seen_before_the_story_begins(name: str) -> None:
    eve = min(change.begins for change in truth(name)) - timedelta(days=1)
    for sensor in Sensor:
        told, untold = (scene(source, AREAS[name], eve, sensor) for source in (TOLD, UNTOLD))
        assert np.array_equal(told.pixels, untold.pixels)


def test_expansion_comes_in_phases_outside_the_perimeter() -> None:
    area = AREAS["demo-expansion"]
    cleared, wall, *buildings = monitored_mask(area.id)
    assert (cleared.change, wall.change) == (Change.CLEARING, Change.FENCING)
    assert {building.change for building in buildings} == {Change.CONSTRUCTION}
    assert weeks_before(cleared) == 20
    assert weeks_before(wall) == 17
    assert 3 <= len(buildings) <= 4
    assert all(8 <= weeks_before(building) <= 16 for building in buildings)
    assert all(600 <= building.area_m2 <= 1200 for building in buildings)
    inside = perimeter_mask(area, grid_of(area))
    # The new wall runs a lane off the old one, so that a few of its pixels straddle the perimeter.
    assert all((change.footprint & inside).sum() <= 0.1 * change.footprint.sum() for change in monitored_mask(area.id))


def test_wall_stands_long_before_its_buildings() -> None:
    wall, *buildings = monitored_mask("demo-wall")
    assert wall.change is Change.FENCING
    assert wall.length_m is not None
    assert 500 <= wall.length_m <= 800
    assert weeks_before(wall) == 15
    assert [weeks_before(building) for building in buildings] == [4] * len(buildings) != []


def test_wall_footprint_follows_the_whole_ring() -> None:
    wall = monitored_mask("demo-wall")[0]
    assert wall.length_m is not None
    assert 0.6 <= wall.footprint.sum() * 10 / wall.length_m <= 1.5


def test_demolition_takes_about_half_of_the_compound() -> None:
    area = AREAS["demo-demolition"]
    (demolition,) = monitored_mask(area.id)
    assert demolition.change is Change.DEMOLITION
    assert weeks_before(demolition) == 12
    assert not (demolition.footprint & ~perimeter_mask(area, grid_of(area), buffer_m=5)).any()


def test_clearing_is_a_hectare_and_a_half_of_trees() -> None:
    (clearing,) = monitored_mask("demo-clearing")
    assert clearing.change is Change.CLEARING
    assert weeks_before(clearing) == 14
    assert clearing.area_m2 == pytest.approx(15_000, rel=0.1)
    before = scene(UNTOLD, AREAS["demo-clearing"], STORY_END, Sensor.SENTINEL_2)
    after = scene(TOLD, AREAS["demo-clearing"], STORY_END, Sensor.SENTINEL_2)
    assert np.median(ndvi(before)[clearing.footprint]) > 0.6
    assert np.median(ndvi(after)[clearing.footprint]) < 0.35


def ndvi(found: Scene) -> np.ndarray:
    red, nir = (found.pixels[found.bands.index(band)] for band in ("red", "nir"))
    return (nir - red) / (nir + red)


def test_region_gets_a_compound_and_ordinary_changes_apart_from_it() -> None:
    changes = truth("demo-region")
    compound = [change for change in changes if not change.ordinary]
    assert [change.change for change in compound[:2]] == [Change.CLEARING, Change.FENCING]
    assert [weeks_before(change) for change in compound[:2]] == [22, 18]
    assert len(compound) == 7
    house = [change for change in changes if change.phase == "house"]
    assert len(house) == 1
    assert 2 <= house[0].footprint.sum() <= 5
    around = binary_dilation(np.any([change.footprint for change in compound], axis=0), iterations=12)
    apart = [change for change in changes if change.ordinary and change.phase != "road"]
    assert not any((change.footprint & around).any() for change in apart)
    assert min(change.begins for change in changes) < STORY_END - timedelta(weeks=90)  # the quarry


@pytest.mark.parametrize("change", [change for name in STORIES for change in truth(name)], ids=lambda c: c.phase)
def test_footprint_matches_its_area(change: TrueChange) -> None:
    assert change.footprint.sum() * 100 == pytest.approx(change.area_m2, rel=0.45)


def test_truth_file_holds_every_change_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "made" / "truth.geojson"
    pairs = [(area, grid_of(area)) for area in AREAS.values()]
    TOLD.write_truth(path, pairs)
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    expected = [(name, change) for name in AREAS for change in truth(name)]
    assert len(features) == len(expected)
    for feature, (name, change) in zip(features, expected, strict=True):
        assert feature["properties"]["area_id"] == name
        assert feature["properties"]["change"] == change.change.value
        assert feature["properties"]["begins"] == change.begins.isoformat()
        grid = grid_of(AREAS[name])
        drawn = to_utm(shape(feature["geometry"]), grid.epsg)
        again = rasterize([(drawn, 1)], grid.shape, transform=grid.transform).astype(bool)
        assert np.array_equal(again, change.footprint)


def test_truth_file_is_the_same_when_written_again(tmp_path: Path) -> None:
    pairs = [(AREAS[name], grid_of(AREAS[name])) for name in STORIES]
    for source, name in ((TOLD, "one"), (SimulatedSource(STORY_END), "other")):
        source.write_truth(tmp_path / name, pairs)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_who_reads_the_truth_file_while_it_is_written_again_reads_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "truth.geojson"
    SimulatedSource(STORY_END).write_truth(path, [])
    with path.open(encoding="utf-8") as reader:
        TOLD.write_truth(path, [(AREAS[STORIES[0]], grid_of(AREAS[STORIES[0]]))])
        assert json.load(reader)["features"] == []
    assert json.loads(path.read_text(encoding="utf-8"))["features"]
    assert list(tmp_path.iterdir()) == [path]
