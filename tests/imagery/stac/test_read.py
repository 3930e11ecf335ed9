"""Pixels of a catalog on an area's grid: where they lie, what they are worth, which of them count."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest
from pyproj import Transformer
from rasterio.transform import Affine

from aois.area import Area
from aois.grid import Grid
from flows.imagery.scene import ImageryError, Scene
from flows.imagery.stac.stac_source import StacSource

YEAR = {"since": date(2023, 1, 1), "until": date(2023, 12, 31)}
NOON = "2023-05-06T12:00:00Z"


@pytest.fixture
def read(catalog: Any, area: Area, grid: Grid) -> Callable[..., Scene]:
    """The one scene of the catalog as made so far."""

    def first_scene() -> Scene:
        source = StacSource(catalog.write())
        (ref,) = source.search(area, grid, **YEAR)
        return source.fetch(area, grid, ref)

    return first_scene


def centres(grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Easting and northing of every pixel's centre."""
    columns, rows = np.meshgrid(np.arange(grid.width), np.arange(grid.height))
    return grid.left + 10 * (columns + 0.5), grid.top - 10 * (rows + 0.5)


def moved(grid: Grid, columns: float, rows: float) -> Affine:
    """The grid's transform, begun so many pixels further east and south."""
    return Affine(10, 0, grid.left + 10 * columns, 0, -10, grid.top - 10 * rows)


def ramp(easting: np.ndarray, northing: np.ndarray, grid: Grid) -> np.ndarray:
    """A plane that rises to the east and faster to the north, so that a flip, a swap or a shift shows."""
    return 0.2 + 2e-4 * (easting - grid.left) + 5e-4 * (northing - grid.top)


def ramp_raster(make: Any, grid: Grid, *, crs: str, pixel: tuple[float, float], shift: float = 0.0) -> Any:
    """The ramp as a catalog would hold it: float32 in another CRS, wider than the grid on every side."""
    left, bottom, right, top = grid.bounds
    from_grid = Transformer.from_crs(grid.epsg, crs, always_xy=True)
    west, south, east, north = from_grid.transform_bounds(left - 100, bottom - 100, right + 100, top + 100)
    transform = Affine(pixel[0], 0, west + shift, 0, -pixel[1], north - shift)
    columns = np.arange(int((east - west) / pixel[0]) + 1) + 0.5
    rows = np.arange(int((north - south) / pixel[1]) + 1) + 0.5
    columns, rows = np.meshgrid(columns, rows)
    x, y = transform.c + pixel[0] * columns, transform.f - pixel[1] * rows
    numbers = ramp(*from_grid.transform(x, y, direction="INVERSE"), grid)
    return make(numbers.astype(np.float32), crs=crs, transform=transform)


@pytest.mark.parametrize(
    ("crs", "pixel", "shift", "resolution_m"),
    [
        ("EPSG:32631", (10.0, 10.0), 3.0, 10.0),
        ("EPSG:32631", (20.0, 20.0), 0.0, 20.0),
        ("EPSG:32631", (30.0, 30.0), 7.0, 30.0),
        ("EPSG:32631", (2.5, 2.5), 0.0, 2.5),
        ("EPSG:32632", (10.0, 10.0), 0.0, 10.0),
        ("EPSG:3035", (9.0, 9.0), 0.0, 9.0),
        ("EPSG:4326", (8.1e-5, 8.1e-5), 0.0, 9.0),
    ],
)
def test_ground_keeps_its_place_in_any_crs_and_at_any_pixel_size(
    catalog: Any,
    raster: Any,
    read: Callable[..., Scene],
    grid: Grid,
    crs: str,
    pixel: tuple[float, float],
    shift: float,
    resolution_m: float,
) -> None:
    catalog.add("a", NOON, {"red": ramp_raster(raster, grid, crs=crs, pixel=pixel, shift=shift)})
    scene = read()
    assert scene.valid.all()
    # A tenth of a grid pixel to the north changes the ramp by 0.0005.
    np.testing.assert_allclose(scene.pixels[0], ramp(*centres(grid), grid), atol=2e-4)
    assert scene.provenance.resolution_m == pytest.approx(resolution_m, rel=0.01)


def test_a_raster_on_the_grid_is_read_number_by_number(
    catalog: Any, raster: Any, read: Callable[..., Scene], grid: Grid
) -> None:
    numbers = np.random.default_rng(1).integers(1, 9000, (grid.height + 4, grid.width + 6)).astype(np.uint16)
    around = moved(grid, -2, -1)
    catalog.add("a", NOON, {"red": raster(numbers, transform=around)})
    inside = numbers[1 : 1 + grid.height, 2 : 2 + grid.width]
    np.testing.assert_allclose(read().pixels[0], inside * 1e-4, atol=1e-7)


def test_nodata_neither_counts_nor_bleeds(catalog: Any, raster: Any, read: Callable[..., Scene], grid: Grid) -> None:
    numbers = np.full((grid.height + 20, grid.width + 20), 3000, np.uint16)
    numbers[20:30, 20:30] = 0
    shifted = moved(grid, -10.3, -10.3)
    catalog.add("a", NOON, {"red": raster(numbers, transform=shifted, nodata=0)})
    scene = read()
    np.testing.assert_allclose(scene.pixels[0][scene.valid], 0.3, atol=1e-6)
    # Pixel p's centre lies in native column p + 10.8; those of 20 to 29 are p = 10 to 19.
    hole = np.zeros(grid.shape, bool)
    hole[10:20, 10:20] = True
    np.testing.assert_array_equal(scene.valid, ~hole)
    assert np.isnan(scene.pixels[0][hole]).all()


def test_fine_pixels_are_averaged_without_nodata_and_valid_where_the_centre_is(
    catalog: Any, raster: Any, read: Callable[..., Scene], grid: Grid
) -> None:
    fine = np.tile(np.array([[2000, 4000], [4000, 2000]], np.uint16), (grid.height * 2, grid.width * 2))
    fine[:, 40:43] = 0  # three quarters of column 10
    fine[:, 83] = 0  # the last quarter of column 20
    catalog.add("a", NOON, {"red": raster(fine, transform=Affine(2.5, 0, grid.left, 0, -2.5, grid.top), nodata=0)})
    scene = read()
    assert not scene.valid[:, 10].any()
    assert scene.valid.sum() == scene.valid.size - grid.height
    np.testing.assert_allclose(scene.pixels[0][scene.valid], 0.3, atol=1e-6)


def test_the_ground_that_an_item_does_not_cover_is_invalid(
    catalog: Any, raster: Any, flat: Any, read: Callable[..., Scene], grid: Grid
) -> None:
    half = raster(np.full((grid.height, 15), 3000, np.uint16))
    catalog.add("a", NOON, {"red": half, "nir": flat(5000), "scl": raster(np.full((grid.height, 15), 4, np.uint8))})
    scene = read()
    assert scene.valid[:, :15].all()
    assert not scene.valid[:, 15:].any()
    assert np.isnan(scene.pixels[:, ~scene.valid]).all()
    assert scene.scl is not None
    assert set(scene.scl[:, 15:].flat) == {0}
    assert set(scene.scl[:, :15].flat) == {4}


def test_an_item_that_turns_out_to_lie_elsewhere_gives_a_scene_without_a_valid_pixel(
    catalog: Any, flat: Any, read: Callable[..., Scene], grid: Grid
) -> None:
    far = flat(3000, transform=moved(grid, 5000, 0))
    catalog.add("a", NOON, {"red": far, "scl": flat(4, "uint8", transform=far.transform)}, bbox=None)
    scene = read()
    assert not scene.valid.any()
    assert np.isnan(scene.pixels).all()
    assert scene.scl is not None
    assert not scene.scl.any()


def test_classes_are_never_mixed(catalog: Any, raster: Any, flat: Any, read: Callable[..., Scene], grid: Grid) -> None:
    classes = np.where(np.arange(20) % 2, 9, 4).astype(np.uint8) * np.ones((15, 1), np.uint8)
    coarse = raster(classes, transform=Affine(20, 0, grid.left, 0, -20, grid.top))
    catalog.add("a", NOON, {"red": flat(3000), "scl": coarse})
    scene = read()
    assert scene.scl is not None
    assert scene.scl.dtype == np.uint8
    np.testing.assert_array_equal(scene.scl, np.kron(classes, np.ones((2, 2), np.uint8)))


def test_red_green_blue_alone_is_a_scene(catalog: Any, flat: Any, read: Callable[..., Scene]) -> None:
    catalog.add("a", NOON, {"red": flat(3000), "blue": flat(1000), "green": flat(2000)})
    scene = read()
    assert scene.bands == ("blue", "green", "red")
    assert scene.scl is None
    np.testing.assert_allclose(scene.pixels[:, 0, 0], [0.1, 0.2, 0.3], atol=1e-6)


@pytest.mark.parametrize("band", ["vv", "vh"])
def test_one_polarisation_alone_is_a_scene(catalog: Any, flat: Any, read: Callable[..., Scene], band: str) -> None:
    catalog.collection = "sentinel-1-rtc"
    power = flat(0.25, "float32")
    power.numbers[3, 4], power.numbers[5, 6] = 0.0, np.nan
    catalog.add("a", NOON, {band: power}, properties={"sat:relative_orbit": 70, "sat:orbit_state": "descending"})
    scene = read()
    assert scene.scene_id == "sentinel-1_20230506T120000_r70"
    assert (scene.bands, scene.sensor) == ((band,), "sentinel-1")
    assert scene.pixels[0, 0, 0] == np.float32(0.25)
    assert not scene.valid[3, 4]
    assert not scene.valid[5, 6]
    assert scene.valid.sum() == scene.valid.size - 2
    assert scene.provenance.relative_orbit == 70
    assert scene.provenance.orbit_direction == "descending"
    assert scene.provenance.offset_applied is None


def test_scale_offset_and_nodata_of_the_item_are_honoured_and_recorded(
    catalog: Any, flat: Any, read: Callable[..., Scene]
) -> None:
    red = flat(3000)
    red.numbers[0, 0] = 17
    said = {"raster:bands": [{"scale": 0.0002, "offset": -0.1, "nodata": 17}]}
    catalog.add("a", NOON, {"red": red}, fields={"red": said}, properties={"s2:processing_baseline": "05.09"})
    scene = read()
    assert scene.pixels[0, 1, 1] == pytest.approx(0.5)
    assert not scene.valid[0, 0]
    assert scene.provenance.offset_applied == -0.1
    assert scene.provenance.processing_baseline == "05.09"


def test_scale_and_offset_of_the_file_are_honoured_where_the_item_says_nothing(
    catalog: Any, flat: Any, read: Callable[..., Scene]
) -> None:
    catalog.add("a", NOON, {"red": flat(3000, scale=0.0002, offset=-0.2)})
    scene = read()
    assert scene.pixels[0, 1, 1] == pytest.approx(0.4)
    assert scene.provenance.offset_applied == -0.2


def test_dark_ground_below_zero_is_kept(catalog: Any, flat: Any, read: Callable[..., Scene]) -> None:
    catalog.add("a", NOON, {"red": flat(700)}, properties={"s2:processing_baseline": "05.09"})
    assert read().pixels[0, 1, 1] == pytest.approx(-0.03)


def test_of_a_days_items_the_first_valid_pixel_wins_in_the_order_of_their_ids(
    catalog: Any, flat: Any, read: Callable[..., Scene]
) -> None:
    west, east = flat(3000), flat(4000)
    west.numbers[:, 25:] = 0
    east.numbers[:, :10] = 0
    catalog.add("b", "2023-05-06T11:59:30Z", {"red": east, "nir": flat(1), "scl": flat(5, "uint8")})
    catalog.add("a", NOON, {"red": west, "scl": flat(4, "uint8")})
    scene = read()
    assert scene.scene_id == "sentinel-2_20230506T115930"
    assert scene.bands == ("red",)
    assert scene.valid.all()
    np.testing.assert_allclose(scene.pixels[0, :, :25], 0.3, atol=1e-6)
    np.testing.assert_allclose(scene.pixels[0, :, 25:], 0.4, atol=1e-6)
    assert scene.scl is not None
    assert set(scene.scl[:, :25].flat) == {4}
    assert set(scene.scl[:, 25:].flat) == {5}
    assert scene.provenance.item_ids == ("a", "b")


def test_items_without_a_common_band_are_refused(catalog: Any, flat: Any, read: Callable[..., Scene]) -> None:
    catalog.add("a", NOON, {"red": flat(3000)})
    catalog.add("b", NOON, {"nir": flat(3000)})
    with pytest.raises(ImageryError, match=r"items a, b share no band"):
        read()


def test_a_missing_file_names_item_and_asset(catalog: Any, flat: Any, read: Callable[..., Scene]) -> None:
    folder = catalog.add("a", NOON, {"red": flat(3000)})
    (folder / "red.tif").unlink()
    with pytest.raises(ImageryError, match=r"item `a`: asset `red` at .*red\.tif cannot be read .*check"):
        read()


def test_a_truncated_file_names_item_and_asset(
    catalog: Any, raster: Any, read: Callable[..., Scene], grid: Grid
) -> None:
    noise = np.random.default_rng(1).integers(1, 60000, grid.shape).astype(np.uint16)
    folder = catalog.add("a", NOON, {"red": raster(noise)})
    content = (folder / "red.tif").read_bytes()
    (folder / "red.tif").write_bytes(content[: len(content) // 2])
    with pytest.raises(ImageryError, match=r"item `a`: asset `red` at .*red\.tif cannot be read"):
        read()


def test_a_file_without_a_place_on_earth_is_refused(catalog: Any, flat: Any, read: Callable[..., Scene]) -> None:
    catalog.add("a", NOON, {"red": flat(3000, crs=None)})
    with pytest.raises(ImageryError, match=r"item `a`: asset `red` .* has no coordinate reference system"):
        read()
