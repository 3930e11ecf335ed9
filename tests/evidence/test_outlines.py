"""Footprints become polygons and come back pixel by pixel."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from shapely.geometry import MultiPolygon, mapping, shape

from aois.grid import Grid, to_utm
from detectors.footprint import footprint_in
from flows.evidence.outlines import footprint_of, outline_of

# At sea, in both hemispheres and far from the middle of a zone.
GRIDS = (
    Grid(epsg=32631, left=500_000, top=200_000, width=40, height=30),
    Grid(epsg=32731, left=790_000, top=6_000_000, width=40, height=30),
    Grid(epsg=32601, left=210_000, top=7_600_000, width=40, height=30),
)
GRID = GRIDS[0]
QUICK = settings(deadline=None, max_examples=25, derandomize=True)


def drawn(seed: int, grid: Grid) -> np.ndarray:
    """A random mask, from salt and pepper to large patches, with at least one pixel."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.normal(size=grid.shape), rng.choice([0.0, 0.7, 2.0]))
    mask = field > np.quantile(field, rng.uniform(0.3, 0.99))
    mask[rng.integers(grid.height), rng.integers(grid.width)] = True
    return mask


def rings_of(outline: MultiPolygon) -> list[list]:
    return [ring for polygon in mapping(outline)["coordinates"] for ring in polygon]


@QUICK
@given(seed=st.integers(0, 5000), grid=st.sampled_from(GRIDS))
def test_a_footprint_comes_back_from_its_outline(seed, grid):
    mask = drawn(seed, grid)
    outline = outline_of(footprint_in(mask), grid)
    assert np.array_equal(footprint_of(outline, grid), mask)
    assert np.array_equal(footprint_of(shape(json.loads(json.dumps(mapping(outline)))), grid), mask)


@QUICK
@given(seed=st.integers(0, 5000), grid=st.sampled_from(GRIDS))
def test_an_outline_is_a_valid_multipolygon_of_the_same_area(seed, grid):
    mask = drawn(seed, grid)
    outline = outline_of(footprint_in(mask), grid)
    assert outline.geom_type == "MultiPolygon"
    assert outline.is_valid, shapely.is_valid_reason(outline)
    assert to_utm(outline, grid.epsg).area == pytest.approx(mask.sum() * 100.0, rel=1e-3)


@QUICK
@given(seed=st.integers(0, 5000))
def test_outer_rings_run_anticlockwise_and_holes_the_other_way(seed):
    """RFC 7946, section 3.1.6."""
    for polygon in mapping(outline_of(footprint_in(drawn(seed, GRID)), GRID))["coordinates"]:
        outer, *holes = [shapely.LinearRing(ring) for ring in polygon]
        assert outer.is_ccw
        assert not any(hole.is_ccw for hole in holes)


@QUICK
@given(seed=st.integers(0, 5000))
def test_positions_are_longitude_and_latitude_to_a_centimetre(seed):
    west, south, east, north = GRID.bounds_lonlat
    for ring in rings_of(outline_of(footprint_in(drawn(seed, GRID)), GRID)):
        assert ring[0] == ring[-1]
        for longitude, latitude in ring:
            assert west - 1e-6 <= longitude <= east + 1e-6
            assert south - 1e-6 <= latitude <= north + 1e-6
            assert longitude == pytest.approx(round(longitude, 7), abs=1e-12)


def test_a_hole_stays_a_hole():
    mask = np.zeros(GRID.shape, bool)
    mask[5:15, 5:15] = True
    mask[8:12, 8:12] = False
    (polygon,) = outline_of(footprint_in(mask), GRID).geoms
    assert len(polygon.interiors) == 1


def test_pixels_that_touch_at_a_corner_are_two_polygons():
    mask = np.zeros(GRID.shape, bool)
    mask[5, 5] = mask[6, 6] = True
    outline = outline_of(footprint_in(mask), GRID)
    assert len(outline.geoms) == 2
    assert np.array_equal(footprint_of(outline, GRID), mask)


def test_the_whole_grid_is_one_rectangle():
    (polygon,) = outline_of(footprint_in(np.ones(GRID.shape, bool)), GRID).geoms
    assert not polygon.interiors
    assert np.array_equal(footprint_of(polygon, GRID), np.ones(GRID.shape, bool))


def test_the_first_pixel_lies_in_the_north_west():
    mask = np.zeros(GRID.shape, bool)
    mask[0, 0] = True
    west, _, _, north = GRID.bounds_lonlat
    (ring,) = rings_of(outline_of(footprint_in(mask), GRID))
    assert min(p[0] for p in ring) == pytest.approx(west, abs=1e-4)
    assert max(p[1] for p in ring) == pytest.approx(north, abs=1e-4)


def test_what_lies_elsewhere_has_no_pixel_here():
    mask = np.ones(GRID.shape, bool)
    elsewhere = Grid(epsg=32631, left=600_000, top=300_000, width=10, height=10)
    assert not footprint_of(outline_of(footprint_in(mask), GRID), elsewhere).any()
