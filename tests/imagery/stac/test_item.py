"""What is understood of an item's assets and properties."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pystac import Item

from flows.imagery.scene import ImageryError, OpticalProduct, Sensor
from flows.imagery.stac.bands import find_bands
from flows.imagery.stac.item import scene_item
from flows.imagery.unused_items import UnusedItemError


def stac_item(assets: dict[str, dict[str, Any]], *, collection: str | None = None, **fields: Any) -> Item:
    properties = {"datetime": "2023-05-06T10:11:12Z", **fields.pop("properties", {})}
    page = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": "one",
        "geometry": None,
        "properties": properties,
        "links": [],
        "assets": {key: {"href": f"https://example.org/{key}.tif", **said} for key, said in assets.items()},
        **fields,
    }
    if collection:
        page |= {"collection": collection, "links": [{"rel": "collection", "href": "https://example.org/c"}]}
    return Item.from_dict(page)


def keys_by_band(item: Item) -> dict[str, str]:
    return {band: asset.key for band, asset in find_bands(item).items()}


def test_bands_are_found_by_key_whatever_its_case() -> None:
    assert keys_by_band(stac_item({"Red": {}, "blue": {}, "SCL": {}, "VV": {}, "other": {}})) == {
        "blue": "blue",
        "red": "Red",
        "vv": "VV",
        "scl": "SCL",
    }


def test_bands_are_found_by_common_name() -> None:
    old = stac_item({"x1": {"eo:bands": [{"name": "b4", "common_name": "red"}]}})
    new = stac_item({"x1": {"bands": [{"name": "b4", "eo:common_name": "red"}]}})
    assert keys_by_band(old) == keys_by_band(new) == {"red": "x1"}


def test_bands_are_found_by_sentinels_own_names() -> None:
    by_key = stac_item({"B02": {}, "b8a": {}, "B12": {}, "B01": {}})
    assert keys_by_band(by_key) == {"blue": "B02", "nir08": "b8a", "swir22": "B12"}
    assert keys_by_band(stac_item({"x": {"eo:bands": [{"name": "B11"}]}})) == {"swir16": "x"}


def test_the_finest_of_several_resolutions_is_taken() -> None:
    assert keys_by_band(stac_item({"B02_60m": {}, "B02_20m": {}, "B02_10m": {}, "SCL_20m": {}})) == {
        "blue": "B02_10m",
        "scl": "SCL_20m",
    }


def test_a_key_goes_before_a_common_name_and_a_geotiff_before_other_formats() -> None:
    red = {"eo:bands": [{"common_name": "red"}]}
    assert keys_by_band(stac_item({"a-red": red, "red": {}})) == {"red": "red"}
    jp2 = red | {"type": "image/jp2"}
    tif = red | {"type": "image/tiff; application=geotiff"}
    assert keys_by_band(stac_item({"a": jp2, "b": tif})) == {"red": "b"}


RGB = [{"common_name": name} for name in ("red", "green", "blue")]


def test_a_rendered_picture_is_no_measurement() -> None:
    measured = find_bands(stac_item({"visual": {"eo:bands": RGB}, "TCI_10m": {"eo:bands": RGB}, "B11": {}}))
    assert list(measured) == ["swir16"]
    assert find_bands(stac_item({"pretty": {"eo:bands": RGB, "roles": ["visual"]}, "thumbnail": {}})) == {}


@pytest.mark.parametrize("bands", [{"eo:bands": RGB}, {}, {"raster:bands": [{"data_type": "uint8", "scale": 0.001}]}])
def test_where_nothing_is_measured_a_true_colour_picture_gives_red_green_and_blue(bands: dict[str, Any]) -> None:
    found = find_bands(stac_item({"TCI_60m": bands, "TCI_10m": bands, "preview": bands}))
    assert {band: (asset.key, asset.index) for band, asset in found.items()} == {
        "blue": ("TCI_10m", 3),
        "green": ("TCI_10m", 2),
        "red": ("TCI_10m", 1),
    }
    assert all(asset.is_picture for asset in found.values())
    assert {asset.scale for asset in found.values()} == {0.001 if "raster:bands" in bands else None}


@pytest.mark.parametrize(
    ("item", "product"),
    [
        (stac_item({"red": {}}, collection="sentinel-2-l2a"), OpticalProduct.LEVEL_2A),
        (stac_item({"red": {}}), OpticalProduct.LEVEL_2A),
        (stac_item({"red": {}}, collection="sentinel-2-l1c"), OpticalProduct.LEVEL_1C),
        (stac_item({"red": {}}, properties={"processing:level": "L1C"}), OpticalProduct.LEVEL_1C),
        (stac_item({"red": {}}, properties={"s2:product_type": "S2MSI1C"}), OpticalProduct.LEVEL_1C),
        (stac_item({"red": {}}, id="S2A_MSIL1C_20170503T031541_N0205_R118_T48PVT_X"), OpticalProduct.LEVEL_1C),
        (stac_item({"red": {}}, id="S2A_48PVT_20170503_0_L1C"), OpticalProduct.LEVEL_1C),
        (stac_item({"visual": {}}, collection="sentinel-2-l1c"), OpticalProduct.LEVEL_1C_PICTURE),
        (stac_item({"tci": {}}, collection="sentinel-2-l2a"), OpticalProduct.LEVEL_2A_PICTURE),
        (stac_item({"vv": {}}, properties={"processing:level": "L1C"}), OpticalProduct.LEVEL_2A),
    ],
)
def test_an_item_says_what_its_numbers_are(item: Item, product: OpticalProduct) -> None:
    assert scene_item(item).product is product


def test_the_baseline_of_level_1c_is_read_from_its_name_where_no_property_gives_it() -> None:
    name = "S2B_MSIL1C_20220301T031539_N0400_R118_T48PVT_20220301T050000"
    assert scene_item(stac_item({"red": {}}, id=name)).processing_baseline == "04.00"


@pytest.mark.parametrize(
    ("item", "level", "words"),
    [
        (stac_item({"red": {}}, properties={"platform": "landsat-8"}), "", "of another satellite (landsat)"),
        (stac_item({"vv": {}}, collection="sentinel-2-l2a"), "Level-2A", "is a band (blue, green, red, nir, "),
        (stac_item({"red": {}}, collection="sentinel-1-grd"), "", "is a band (vv, vh); there are: red"),
        (stac_item({"elevation": {}}, properties={"processing:level": "L3"}), "Level-3", "there are: elevation"),
        (stac_item({"visual": {}}), "", "a picture, and neither collection nor platform names Sentinel-2"),
    ],
)
def test_an_item_that_is_not_used_says_its_kind_and_why(item: Item, level: str, words: str) -> None:
    with pytest.raises(UnusedItemError) as caught:
        scene_item(item)
    assert caught.value.kind.level == level
    assert words in str(caught.value)


def test_one_file_may_hold_several_bands_each_with_its_own_scale() -> None:
    item = stac_item(
        {
            "data": {
                "eo:bands": [{"common_name": "green"}, {"common_name": "red"}],
                "raster:bands": [{"scale": 0.1, "nodata": 0}, {"scale": 0.2, "offset": -1, "nodata": "nan"}],
            }
        }
    )
    green, red = find_bands(item)["green"], find_bands(item)["red"]
    assert (green.index, green.scale, green.offset, green.nodata) == (1, 0.1, None, 0.0)
    assert (red.index, red.scale, red.offset) == (2, 0.2, -1.0)
    assert red.nodata is not None
    assert red.nodata != red.nodata


def test_stac_1_1_says_scale_in_its_bands_and_nodata_of_the_whole_asset() -> None:
    fields = {"bands": [{"eo:common_name": "nir", "raster:scale": 0.0001, "raster:offset": -0.1}], "nodata": 0}
    nir = find_bands(stac_item({"x": fields}))["nir"]
    assert (nir.scale, nir.offset, nir.nodata) == (0.0001, -0.1, 0.0)


def test_a_scale_that_is_no_number_names_item_and_asset() -> None:
    with pytest.raises(ImageryError, match=r"item `one`: asset `red` has a scale"):
        find_bands(stac_item({"red": {"raster:bands": [{"scale": "tiny"}]}}))


@pytest.mark.parametrize(
    ("assets", "collection", "properties", "sensor"),
    [
        (("red",), None, {}, Sensor.SENTINEL_2),
        (("vv",), None, {}, Sensor.SENTINEL_1),
        (("vh",), "sentinel-1-rtc", {}, Sensor.SENTINEL_1),
        (("B04",), None, {"platform": "Sentinel-2A"}, Sensor.SENTINEL_2),
        (("red",), "S2_L2A", {}, Sensor.SENTINEL_2),
        (("red",), "sentinel-2-l1c", {}, Sensor.SENTINEL_2),
        (("red",), None, {"platform": "landsat-8"}, None),
        (("red",), "sentinel-1-grd", {}, None),
        (("scl",), "sentinel-2-l2a", {}, None),
        (("elevation",), None, {}, None),
    ],
)
def test_the_sensor_is_the_one_that_is_named_else_the_one_whose_bands_are_there(
    assets: tuple[str, ...], collection: str | None, properties: dict[str, str], sensor: Sensor | None
) -> None:
    item = stac_item({key: {} for key in assets}, collection=collection, properties=properties)
    if sensor is None:
        with pytest.raises(UnusedItemError):
            scene_item(item)
    else:
        assert scene_item(item).sensor is sensor


def test_time_orbit_platform_and_baseline_are_read() -> None:
    said = {
        "datetime": "2023-05-06T23:30:00-02:00",
        "sat:relative_orbit": 137,
        "sat:orbit_state": "ascending",
        "platform": "SENTINEL-1C",
        "processing:version": "05.09",
    }
    known = scene_item(stac_item({"vv": {}}, properties=said))
    assert known.acquired == datetime(2023, 5, 7, 1, 30, tzinfo=UTC)
    assert known.acquired.utcoffset() == UTC.utcoffset(None)
    assert (known.relative_orbit, known.orbit_direction, known.processing_baseline) == (137, "ascending", "05.09")
    assert known.platform == "sentinel-1c"


def test_an_item_over_a_span_of_time_counts_from_its_start() -> None:
    span = {"datetime": None, "start_datetime": "2023-05-06T00:00:00Z", "end_datetime": "2023-05-07T00:00:00Z"}
    known = scene_item(stac_item({"red": {}}, properties=span))
    assert known.acquired == datetime(2023, 5, 6, tzinfo=UTC)


HERE = (10.0, 5.0, 11.0, 6.0)


@pytest.mark.parametrize(
    ("bbox", "touches"),
    [
        ([10.5, 5.5, 12, 7], True),
        ([10.5, 5.5, -100, 12, 7, 100], True),
        ([11.1, 5.5, 12, 7], False),
        ([10.5, 6.1, 12, 7], False),
        ([170, 5, 10.5, 6], True),
        ([170, 5, -170, 6], False),
    ],
)
def test_an_item_elsewhere_does_not_touch(bbox: list[float], touches: bool) -> None:
    ring = [[0, 0], [1, 0], [1, 1], [0, 0]]
    known = scene_item(stac_item({"red": {}}, bbox=bbox, geometry={"type": "Polygon", "coordinates": [ring]}))
    assert known.may_touch(HERE) is touches


def test_without_a_box_the_geometry_tells_where_an_item_lies_and_without_both_it_may_be_anywhere() -> None:
    ring = [[20, 5], [21, 5], [21, 6], [20, 5]]
    there = scene_item(stac_item({"red": {}}, geometry={"type": "Polygon", "coordinates": [ring]}, bbox=None))
    anywhere = scene_item(stac_item({"red": {}}))
    assert not there.may_touch(HERE)
    assert anywhere.may_touch(HERE)
