import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Point, Polygon, box

from aois.area import Area, AreaError, AreaKind
from aois.grid import Grid, grid_of, perimeter_mask, to_lonlat, to_utm, utm_epsg


def site(geometry, *, margin_m=500.0, kind=AreaKind.SITE):
    return Area("x-12", kind, geometry, margin_m=margin_m)


def on_the_ground(longitude, latitude, polygon):
    """A polygon drawn in metres around (0, 0), set down at a place."""
    epsg = utm_epsg(longitude, latitude)
    centre = to_utm(Point(longitude, latitude), epsg)
    return to_lonlat(shapely.transform(polygon, lambda xy: np.add(xy, (centre.x, centre.y))), epsg)


@st.composite
def areas(draw):
    """Sites of all shapes and sizes that UTM covers, clear of the 180° meridian."""
    radii = draw(st.lists(st.floats(60, 900), min_size=3, max_size=12))
    turns = np.linspace(0, 2 * math.pi, len(radii), endpoint=False) + draw(st.floats(0, 6))
    star = Polygon([(r * math.cos(turn), r * math.sin(turn)) for r, turn in zip(radii, turns, strict=True)])
    geometry = on_the_ground(draw(st.floats(-179.5, 179.5)), draw(st.floats(-79, 83)), star)
    return site(geometry, margin_m=draw(st.floats(0, 1500)), kind=draw(st.sampled_from(AreaKind)))


@settings(deadline=None, max_examples=60, derandomize=True)
@given(areas())
def test_the_grid_holds_the_polygon_and_its_margin_and_little_more(area):
    grid = grid_of(area)
    margin = area.margin_m if area.kind is AreaKind.SITE else 0.0
    wanted = np.add(to_utm(area.geometry, grid.epsg).bounds, (-margin, -margin, margin, margin))
    slack = (np.array(grid.bounds) - wanted) * [-1, -1, 1, 1]
    assert (slack >= 0).all()
    assert (slack < 10).all()


@settings(deadline=None, max_examples=60, derandomize=True)
@given(areas())
def test_the_grid_lies_on_multiples_of_ten_metres(area):
    grid = grid_of(area)
    assert all(edge % 10 == 0 for edge in grid.bounds)
    assert grid.transform @ (grid.width, grid.height) == (grid.bounds[2], grid.bounds[1])


@settings(deadline=None, max_examples=60, derandomize=True)
@given(areas())
def test_the_perimeter_covers_as_much_as_the_polygon(area):
    grid = grid_of(area)
    ground = to_utm(area.geometry, grid.epsg)
    mask = perimeter_mask(area, grid)
    assert mask.shape == grid.shape
    # Only pixels that the outline crosses can be wrong, half of each on average.
    assert abs(mask.sum() * 100 - ground.area) <= 10 * ground.length


@settings(deadline=None, max_examples=30, derandomize=True)
@given(areas())
def test_the_degrees_of_a_grid_hold_its_area(area):
    assert box(*grid_of(area).bounds_lonlat).contains(area.geometry)


@settings(deadline=None, max_examples=30, derandomize=True)
@given(areas(), st.floats(0, 300))
def test_a_wider_perimeter_holds_the_narrow_one(area, buffer_m):
    grid = grid_of(area)
    assert (perimeter_mask(area, grid, buffer_m=buffer_m) | ~perimeter_mask(area, grid)).all()


def test_rows_run_south_and_columns_east():
    grid = Grid(32631, 500_000, 110_000, 4, 3)
    polygon = to_lonlat(box(500_010, 109_970, 500_030, 109_980), 32631)
    expected = np.zeros((3, 4), bool)
    expected[2, 1:3] = True
    assert (perimeter_mask(site(polygon), grid) == expected).all()


def test_a_hole_is_outside_the_perimeter():
    ring = Point(0, 0).buffer(200).difference(Point(0, 0).buffer(100))
    area = site(on_the_ground(3.2, 0.7, ring))
    mask = perimeter_mask(area, grid_of(area))
    assert not mask[mask.shape[0] // 2, mask.shape[1] // 2]
    assert mask.sum() * 100 == pytest.approx(math.pi * (200**2 - 100**2), rel=0.03)


@pytest.mark.parametrize(
    ("longitude", "latitude", "epsg"),
    [(0.5, 0.7, 32631), (-0.5, -0.7, 32730), (104.9, 11.6, 32648), (180, 0, 32660), (-180, 0, 32601), (102, 1, 32648)],
)
def test_the_zone_of_a_place(longitude, latitude, epsg):
    assert utm_epsg(longitude, latitude) == epsg


def test_an_area_across_two_zones_has_one_grid():
    grid = grid_of(site(box(5.99, 0.5, 6.02, 0.51), margin_m=0))
    assert grid.epsg == 32632  # where its centroid is
    assert box(*grid.bounds_lonlat).contains(box(5.99, 0.5, 6.02, 0.51))


def test_an_area_across_the_equator_has_one_grid():
    grid = grid_of(site(box(0.5, -0.01, 0.51, 0.02), margin_m=0))
    assert grid.epsg == 32631
    assert grid.bounds[1] < 0 < grid.bounds[3]


def test_the_southern_hemisphere_counts_from_its_false_northing():
    grid = grid_of(site(box(0.5, -0.02, 0.51, -0.01), margin_m=0))
    assert grid.epsg == 32731
    assert 9_990_000 < grid.bounds[1] < 10_000_000


def test_a_region_has_no_margin():
    place = box(0.5, 0.5, 0.51, 0.51)
    assert grid_of(site(place, kind=AreaKind.REGION)) == grid_of(site(place, margin_m=0))


def test_a_square_of_one_pixel_is_wide_enough():
    assert grid_of(site(on_the_ground(0.5, 0.5, box(0, 0, 10, 10)), margin_m=0)).shape <= (2, 2)


@pytest.mark.parametrize(
    ("polygon", "width"),
    [
        (box(0, 0, 4, 4), "0.4"),
        (box(0, 0, 1000, 4), "0.4"),  # ten thousand times a pixel, and still too narrow to see
        (MultiPolygon([box(0, 0, 100, 100), box(200, 0, 206, 6)]), "0.6"),
    ],
)
def test_what_is_narrower_than_a_pixel_is_refused(polygon, width):
    with pytest.raises(AreaError, match=rf"area `x-12`: polygon is {width} px wide at 10 m; enlarge it"):
        grid_of(site(on_the_ground(3, 0.5, polygon)))


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        (box(1, 1, 2.1, 1.5), "spans 123 km, over one tile of 110 km; draw it as several"),
        (MultiPolygon([box(1, 1, 1.1, 1.1), box(60, 1, 60.1, 1.1)]), "over one tile"),
        (box(10, 84, 10.1, 84.1), "reaches latitude 84.10°, beyond UTM"),
        (box(10, -80.2, 10.1, -80), "reaches latitude -80.20°, beyond UTM"),
        (box(180, 0, 180.01, 0.01), "reaches longitude 180.01°; keep it within"),
        (MultiPolygon([box(179.99, 0, 180, 0.01), box(-180, 0, -179.99, 0.01)]), "over the 180° meridian; cut it"),
        (box(179.99, 0, 179.999, 0.01), "over the 180° meridian; cut it"),  # by its margin
        (Polygon(), "geometry is empty"),
    ],
)
def test_what_no_utm_grid_holds_is_refused(geometry, message):
    with pytest.raises(AreaError, match=r"area `x-12`: ") as caught:
        grid_of(site(geometry))
    assert message in str(caught.value)


def test_just_short_of_the_meridian_is_watched():
    assert grid_of(site(box(179.99, 0, 179.999, 0.01), margin_m=0)).epsg == 32660


def test_a_tile_is_not_too_large():
    assert max(grid_of(site(box(2.5, 1, 3.4, 1.9), kind=AreaKind.REGION)).shape) > 9_900
