"""Regions cut into parts: no ground is lost, none is watched twice, and each part lies in its own zone."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from shapely.geometry import Polygon, box
from shapely.geometry.base import BaseGeometry

from aois.area import Area, AreaError, AreaKind
from aois.grid import grid_of, perimeter_mask, to_utm
from aois.reading import check_features, to_feature_collection
from aois.splitting import split_region


def region(geometry, **other):
    return Area("gulf", AreaKind.REGION, geometry, name="A gulf", **other)


def coast(longitude: float, latitude: float, reach: float, seed: int) -> BaseGeometry:
    """A jagged outline: what cells cut out of it has slivers."""
    turns = np.linspace(0, 2 * np.pi, 600, endpoint=False)
    out = reach * (0.75 + 0.25 * np.random.default_rng(seed).random(turns.size))
    return Polygon(np.column_stack([longitude + out * np.cos(turns), latitude + out * np.sin(turns)]))


@settings(deadline=None, max_examples=20, derandomize=True)
@given(
    longitude=st.floats(-179.8, 179.8),
    latitude=st.floats(-55, 55),
    reach=st.floats(0.03, 0.06),
    side=st.floats(2e3, 9e3),
    seed=st.integers(0, 99),
)
def test_each_pixel_of_a_region_lies_in_one_part(longitude, latitude, reach, side, seed):
    whole = region(coast(longitude, latitude, reach, seed))
    parts = split_region(whole, side_m=side)
    grid = grid_of(whole)
    times = np.sum([perimeter_mask(part, grid) for part in parts], axis=0)
    assert times.max() == 1
    inner = ndimage.binary_erosion(perimeter_mask(whole, grid), iterations=3)  # arcs and chords differ by a pixel
    assert (times[inner] == 1).all()
    assert sum(part.geometry.area for part in parts) == pytest.approx(whole.geometry.area, rel=1e-9)
    assert check_features(to_feature_collection(parts)["features"])[1] == ()
    assert all(is_anticlockwise(part.geometry) for part in parts)


def is_anticlockwise(geometry: BaseGeometry) -> bool:
    return all(shapely.is_ccw(shapely.get_exterior_ring(part)) for part in shapely.get_parts(geometry))


def test_parts_are_as_small_as_asked_and_their_grids_continue_each_other():
    parts = split_region(region(box(103.1, 10.1, 103.6, 10.5)), side_m=20_000.0)
    assert len(parts) == 9
    assert [part.id for part in parts][:3] == ["gulf-1", "gulf-2", "gulf-3"]
    assert parts[0].name == "A gulf, part 1 of 9"
    for part in parts:
        assert max(grid_of(part).shape) <= 2_010  # a cell has straight sides in degrees, not in metres
    assert check_features(to_feature_collection(parts)["features"])[1] == ()


def test_parts_of_two_zones_and_two_hemispheres_lie_in_their_own():
    parts = split_region(region(box(107.9, -0.1, 108.1, 0.1)), side_m=15_000.0)
    assert [grid_of(part).epsg for part in parts] == [32748, 32648, 32749, 32649]
    assert shapely.union_all([part.geometry for part in parts]).area == pytest.approx(0.04)


def test_what_reaches_a_few_metres_into_a_zone_is_watched_from_the_other():
    whole = region(box(101.7, 10.1, 102.00005, 10.2))
    parts = split_region(whole, side_m=20_000.0)
    assert {grid_of(part).epsg for part in parts} == {32647}
    assert sum(part.geometry.area for part in parts) == pytest.approx(whole.geometry.area)


@pytest.mark.parametrize("west", [-180.0, 179.5])
def test_parts_beside_the_180_meridian_do_not_overlap(west):
    whole = region(box(west, -17.0, west + 0.5, -16.5))
    parts = split_region(whole, side_m=20_000.0)
    assert len(parts) > 4
    assert sum(part.geometry.area for part in parts) == pytest.approx(whole.geometry.area)


@pytest.mark.parametrize(
    ("geometry", "words"),
    [(box(-179.9, 1, 179.9, 2), "over the 180° meridian"), (box(10, 83, 12, 85), "latitude 85.00°, beyond UTM")],
)
def test_what_no_zone_holds_is_refused_by_the_id_of_the_list(geometry, words):
    with pytest.raises(AreaError, match=f"area `gulf`: .*{words}"):
        split_region(region(geometry))


def test_names_and_ids_of_parts_fit_into_a_list():
    geometry = box(103.1, 10.1, 103.6, 10.5)
    parts = split_region(Area("gulf", AreaKind.REGION, geometry, name="g" * 200))
    assert {len(part.name) for part in parts} == {200}
    with pytest.raises(AreaError, match="its id is too long for 9 parts"):
        split_region(Area("g" * 63, AreaKind.REGION, geometry))


def test_a_province_larger_than_a_tile_is_cut_too():
    parts = split_region(region(box(103.5, 11.0, 106.5, 13.0)))  # its parallels are bent by 380 m
    assert all(max(grid_of(part).shape) <= 2_050 for part in parts)
    assert sum(part.geometry.area for part in parts) == pytest.approx(6.0, rel=1e-9)


def test_what_is_left_of_a_cell_is_watched_with_the_part_beside_it():
    whole = region(box(103.1, 10.1, 103.28, 10.28).union(box(103.28, 10.2, 103.2814, 10.2003)))
    parts = split_region(whole, side_m=19_900.0)
    assert min(to_utm(part.geometry, grid_of(part).epsg).area for part in parts) > 10_000
    assert sum(part.geometry.area for part in parts) == pytest.approx(whole.geometry.area)


@pytest.mark.parametrize("small", [box(103.1, 10.1, 103.2, 10.2), box(101.97, 13.5, 102.03, 13.55)], ids=["one", "two"])
def test_a_region_that_is_small_enough_stays_as_it_is_in_one_zone_or_two(small):
    assert split_region(region(small)) == (region(small),)


def test_sites_stay_as_they_are():
    site = Area("yard", AreaKind.SITE, box(103.1, 10.1, 103.6, 10.5))
    assert split_region(site) == (site,)


@pytest.mark.parametrize("side", [1_999.0, 100_001.0, float("nan")])
def test_parts_of_a_size_that_cannot_be_watched_are_refused(side):
    with pytest.raises(AreaError, match="choose 2 to 100 km"):
        split_region(region(box(103.1, 10.1, 103.2, 10.2)), side_m=side)
