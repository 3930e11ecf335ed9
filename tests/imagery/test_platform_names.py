"""The satellite of every scene, from whatever a catalog calls it, to what the detectors are given."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest
from shapely.geometry import box

from aois.area import Area, AreaKind
from aois.grid import grid_of
from flows.imagery.archive.geotiff import decode, encode
from flows.imagery.catalog_item import SceneItem
from flows.imagery.detector_inputs import acquisition_of
from flows.imagery.overpass import Overpass, overpasses
from flows.imagery.platform_names import platform_of
from flows.imagery.scene import Provenance, Scene, Sensor
from flows.imagery.sentinelhub.items import item_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
AREA = Area("pier", AreaKind.SITE, box(0.5, 0.8, 0.501, 0.801), margin_m=100.0)


@pytest.mark.parametrize(
    ("names", "platform"),
    [
        (("SENTINEL-1C",), "sentinel-1c"),
        (("sentinel-1a",), "sentinel-1a"),
        (("Sentinel-2B",), "sentinel-2b"),
        (("S1D",), "sentinel-1d"),
        ((None, "S1C_IW_GRDH_1SDV_20250520T164931_20250520T164956_002417_00510C_E8A7"), "sentinel-1c"),
        (("sentinel-1", "sentinel-1-rtc_20211119T015858"), None),
        ((7, "sim-s1-demo-wall-20260302"), None),
        (("landsat-8",), None),
        ((), None),
    ],
)
def test_a_platform_is_told_by_its_name_or_by_that_of_an_item(names: tuple[object, ...], platform: str | None) -> None:
    assert platform_of(*names) == platform


def radar_item(item_id: str, hour: int, *, orbit: int | None = None, platform: str | None = None) -> SceneItem:
    when = NOON.replace(hour=hour)
    return SceneItem(item_id, "", Sensor.SENTINEL_1, when, None, {}, None, None, None, orbit, "ascending", platform)


def test_an_overpass_names_the_platform_of_its_items() -> None:
    one, other = (radar_item("a", 11, orbit=7, platform=p) for p in ("sentinel-1a", "sentinel-1c"))
    assert Overpass((one,)).platform == "sentinel-1a"
    assert Overpass((one, other)).platform is None


def test_two_satellites_of_one_day_are_two_passes_where_the_orbit_is_not_known() -> None:
    items = [radar_item("a", 11, platform="sentinel-1a"), radar_item("c", 12, platform="sentinel-1c")]
    assert [overpass.platform for overpass in overpasses(items)] == ["sentinel-1a", "sentinel-1c"]
    assert len(overpasses([radar_item("a", 11, orbit=7), radar_item("c", 12, orbit=7)])) == 1


@pytest.mark.parametrize(
    ("satellite", "absolute", "relative"),
    [("A", 73, 1), ("C", 8018, 147), ("C", 8019, 46), ("D", 2389, 73)],
    ids=["1A", "1C before it was moved", "1C after", "1D"],
)
def test_the_relative_orbit_is_counted_for_each_satellite(satellite: str, absolute: int, relative: int) -> None:
    name = f"S1{satellite}_IW_GRDH_1SDV_20260302T120000_20260302T120025_{absolute:06d}_00EAE8_2D6E"
    item = item_of({"id": name, "properties": {"datetime": "2026-03-02T12:00:00Z"}}, Sensor.SENTINEL_1)
    assert (item.relative_orbit, item.platform) == (relative, f"sentinel-1{satellite.lower()}")


def radar_scene(provenance: Provenance) -> Scene:
    shape = grid_of(AREA).shape
    pixels = np.full((2, *shape), 0.1, np.float32)
    bands = ("vv", "vh")
    return Scene("sentinel-1_x", Sensor.SENTINEL_1, NOON, bands, pixels, np.ones(shape, bool), None, provenance)


@pytest.mark.parametrize(
    ("provenance", "platform"),
    [
        (Provenance("stac", ("x",), platform="sentinel-1c"), "sentinel-1c"),
        (Provenance("stac", ("S1A_IW_GRDH_1SDV_20240101T000000_x",)), "sentinel-1a"),
        (Provenance("stac", ("x",)), ""),
    ],
    ids=["recorded", "told by the item of an older archive", "not known"],
)
def test_detectors_are_told_the_platform_of_an_archived_scene(provenance: Provenance, platform: str) -> None:
    grid = grid_of(AREA)
    archived = decode(encode(radar_scene(provenance), grid), sha256="").scene
    assert archived.provenance == provenance
    assert acquisition_of(archived, grid).platform == platform


def test_an_archive_of_before_platforms_were_recorded_is_read() -> None:
    grid = grid_of(AREA)
    content = encode(radar_scene(Provenance("stac", ("x",))), grid)
    word = b"&amp;quot;platform&amp;quot;: null, "
    assert content.count(word) == 1
    older = content.replace(word, b" " * len(word))
    assert decode(older, sha256="").scene.provenance.platform is None
    assert date(2026, 3, 2) == acquisition_of(decode(older, sha256="").scene, grid).day
