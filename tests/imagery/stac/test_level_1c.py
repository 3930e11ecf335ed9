"""Level-1C and true colour of 8 bits: series of their own, read as what they are, and what of them is not used."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from aois.area import Area
from aois.grid import Grid
from flows.imagery.archive.store import Archive
from flows.imagery.detector_inputs import acquisition_of
from flows.imagery.fetching import fetch_missing
from flows.imagery.scene import ImageryError, OpticalProduct, Scene
from flows.imagery.stac.stac_source import StacSource

EVER = {"since": date(2015, 1, 1), "until": date(2026, 12, 31)}
L1C, L2A = {"processing:level": "L1C"}, {"processing:level": "L2A"}
NAME = "S2A_MSIL1C_20180501T031541_N0206_R118_T31NEA_20180501T061234"
LATER = "S2A_MSIL1C_20220501T031541_N0400_R118_T31NEA_20220501T061234"
Flat = Callable[..., Any]


def fetched(path: Path, area: Area, grid: Grid) -> list[Scene]:
    source = StacSource(path)
    return [source.fetch(area, grid, ref) for ref in source.search(area, grid, **EVER)]


def series_of(scenes: list[Scene], grid: Grid) -> list[str]:
    return [acquisition_of(scene, grid).series for scene in scenes]


def test_level_1c_is_a_series_of_its_own_and_its_name_says_so(catalog: Any, flat: Flat, area: Area, grid: Grid) -> None:
    catalog.add(NAME, "2018-05-01T03:15:41Z", {"red": flat(2000)}, properties={"platform": "sentinel-2a"})
    catalog.add("two", "2019-05-01T03:15:41Z", {"red": flat(2000)}, properties=L2A)
    catalog.collection = "mixed"
    for item in catalog.items:
        item["collection"] = "mixed"
    scenes = fetched(catalog.write(), area, grid)
    assert [scene.scene_id for scene in scenes] == [
        "sentinel-2_20180501T031541_l1c",
        "sentinel-2_20190501T031541",
    ]
    assert series_of(scenes, grid) == ["sentinel-2:l1c", "sentinel-2"]
    assert [scene.provenance.product for scene in scenes] == [OpticalProduct.LEVEL_1C, OpticalProduct.LEVEL_2A]


def test_the_offset_of_baseline_04_00_applies_to_level_1c_too(catalog: Any, flat: Flat, area: Area, grid: Grid) -> None:
    for name, day in ((NAME, "2018-05-01"), (LATER, "2022-05-01")):
        catalog.add(name, f"{day}T03:15:41Z", {"red": flat(3000)}, properties=L1C)
    before, after = fetched(catalog.write(), area, grid)
    assert (before.provenance.offset_applied, after.provenance.offset_applied) == (0.0, -0.1)
    assert float(before.pixels[0, 0, 0]) == pytest.approx(0.3)
    assert float(after.pixels[0, 0, 0]) == pytest.approx(0.2)
    assert after.provenance.processing_baseline == "04.00"


def test_of_a_day_in_both_levels_level_2a_is_used_and_the_other_counted(
    catalog: Any, flat: Flat, area: Area, grid: Grid
) -> None:
    catalog.add("one", "2018-05-01T03:15:41Z", {"red": flat(2000)}, properties=L1C)
    catalog.add("same", "2018-05-01T03:15:41Z", {"red": flat(2000)}, properties=L2A)
    catalog.add("next", "2018-05-06T03:15:41Z", {"red": flat(2000)}, properties=L1C)
    source = StacSource(catalog.write())
    refs = source.search(area, grid, **EVER)
    assert [ref.item_ids for ref in refs] == [("same",), ("next",)]
    assert source.unused == {
        "collection `sentinel-2-l2a`, Level-1C": "1 item, a better product of the same days is used"
    }


def test_level_2a_that_comes_later_takes_the_place_of_archived_level_1c(
    catalog: Any, flat: Flat, area: Area, grid: Grid, tmp_path: Path
) -> None:
    archive = Archive(tmp_path / "archive")

    def fetch() -> list[str]:
        source = StacSource(catalog.write())
        refs = source.search(area, grid, **EVER)
        report = fetch_missing(source, archive, area, grid, refs, on_scene=lambda _: None)
        assert (report.failed, report.revised) == ((), ())
        return [entry.scene_id for entry in archive.list(area.id, source.name, grid)]

    catalog.add("one", "2018-05-01T03:15:41Z", {"red": flat(2000)}, properties=L1C)
    assert fetch() == ["sentinel-2_20180501T031541_l1c"]
    catalog.add("same", "2018-05-01T03:15:41Z", {"red": flat(2000)}, properties=L2A)
    assert fetch() == fetch() == ["sentinel-2_20180501T031541"]
    assert len(archive.versions(area.id, "stac", grid)) == 2


def picture(raster: Any, grid: Grid, levels: tuple[int, int, int]) -> Any:
    return raster(np.stack([np.full(grid.shape, level, np.uint8) for level in levels]))


@pytest.mark.parametrize(
    ("level", "key", "said", "ceiling"),
    [
        ("L1C", "visual", {}, 0.3558),
        ("L2A", "TCI_10m", {}, 0.2),
        ("L2A", "visual", {"raster:bands": [{"scale": 0.4 / 255, "data_type": "uint8"}] * 3}, 0.4),
        ("L2A", "tci", {"bands": [{"raster:scale": 0.4 / 255}] * 3}, 0.4),
    ],
)
def test_a_true_colour_picture_is_read_by_its_scale_or_by_esas(
    catalog: Any,
    raster: Any,
    area: Area,
    grid: Grid,
    level: str,
    key: str,
    said: Any,
    ceiling: float,
) -> None:
    shown, said_of = {key: picture(raster, grid, (255, 102, 51))}, {key: said}
    catalog.add("one", "2018-05-01T03:15:41Z", shown, fields=said_of, properties={"processing:level": level})
    (scene,) = fetched(catalog.write(), area, grid)
    assert scene.bands == ("blue", "green", "red")
    np.testing.assert_allclose(scene.pixels[:, 0, 0], np.array([0.2, 0.4, 1.0]) * ceiling, atol=1e-6)
    assert scene.provenance.ceiling == pytest.approx(ceiling)
    look = acquisition_of(scene, grid)
    assert look.ceiling == pytest.approx(ceiling - (0.06 if level == "L1C" else 0.0))
    assert look.series == ("sentinel-2:l1c_visual:8bit" if level == "L1C" else "sentinel-2:visual:8bit")


def test_8_bits_are_a_series_of_their_own_and_without_a_scale_are_refused(
    catalog: Any, flat: Flat, area: Area, grid: Grid
) -> None:
    scaled = {"red": {"raster:bands": [{"scale": 0.4 / 255}]}}
    catalog.add("one", "2018-05-01T03:15:41Z", {"red": flat(100, "uint8")}, fields=scaled)
    catalog.add("two", "2018-05-06T03:15:41Z", {"red": flat(100, "uint8")})
    source = StacSource(catalog.write())
    first, second = source.search(area, grid, **EVER)
    assert acquisition_of(source.fetch(area, grid, first), grid).series == "sentinel-2:8bit"
    with pytest.raises(ImageryError, match=r"item `two`: asset `red` holds numbers of 8 bits.*add `raster:bands`"):
        source.fetch(area, grid, second)


def test_an_archived_scene_keeps_product_and_ceiling_and_surface_reflectance_its_bytes(
    catalog: Any, raster: Any, flat: Flat, area: Area, grid: Grid, tmp_path: Path
) -> None:
    shown = {"visual": picture(raster, grid, (255, 102, 51))}
    catalog.add("one", "2018-05-01T03:15:41Z", shown, properties=L1C)
    catalog.add("two", "2018-05-06T03:15:41Z", {"red": flat(2000)}, properties=L2A)
    archive = Archive(tmp_path / "archive")
    scenes = fetched(catalog.write(), area, grid)
    first, second = (archive.put(area.id, "stac", grid, scene) for scene in scenes)
    assert (first.provenance, second.provenance) == tuple(scene.provenance for scene in scenes)
    assert first.provenance.product is OpticalProduct.LEVEL_1C_PICTURE
    (entry,) = [e for e in archive.list(area.id, "stac", grid) if e.scene_id == second.scene_id]
    with rasterio.open(entry.path) as dataset:
        said = json.loads(dataset.tags()["SITEWATCH_SCENE"])["provenance"]
    assert not {"product", "ceiling"} & set(said)
    assert acquisition_of(second, grid).ceiling == math.inf


def test_what_a_catalog_holds_and_why_it_is_not_used_is_said_by_kind(
    catalog: Any, flat: Flat, area: Area, grid: Grid
) -> None:
    for day in ("01", "06", "11"):
        catalog.add(f"l-{day}", f"2018-05-{day}T03:00:00Z", {"red": flat(1)}, properties={"platform": "landsat-8"})
    catalog.add("dem", "2018-05-01T03:00:00Z", {"elevation": flat(1)})
    catalog.items[-1]["collection"] = "cop-dem"
    path = catalog.write()
    with pytest.raises(ImageryError) as caught:
        StacSource(path).search(area, grid, **EVER)
    said = str(caught.value)
    assert "collection `sentinel-2-l2a`, Level-2A: 3 items, of another satellite (landsat)" in said
    assert "collection `cop-dem`, no processing level stated: 1 item, none of their assets is a band" in said
    with pytest.raises(ImageryError, match=r"`cop-dem`.*: 1 item, not asked for: the collections are sentinel-2-l2a"):
        StacSource(path, collections=["sentinel-2-l2a"]).search(area, grid, **EVER)


def test_items_that_several_searches_meet_are_counted_once(catalog: Any, flat: Flat, area: Area, grid: Grid) -> None:
    catalog.add("one", "2018-05-01T03:15:41Z", {"red": flat(2000)}, properties=L1C)
    catalog.add("same", "2018-05-01T03:15:41Z", {"red": flat(2000)}, properties=L2A)
    source = StacSource(catalog.write())
    for _ in range(2):
        source.search(area, grid, **EVER)
    ((_, words),) = source.unused.items()
    assert words.startswith("1 item,")


def test_what_clear_air_adds_is_taken_from_level_1c_before_it_is_compared(
    catalog: Any, flat: Flat, area: Area, grid: Grid
) -> None:
    bands = {band: flat(2000) for band in ("blue", "green", "red", "nir", "swir16")}
    catalog.add("one", "2018-05-01T03:15:41Z", bands, properties=L1C)
    catalog.add("two", "2019-05-01T03:15:41Z", bands, properties=L2A)
    first, second = (acquisition_of(scene, grid) for scene in fetched(catalog.write(), area, grid))
    np.testing.assert_allclose(first.pixels[:, 0, 0], [0.140, 0.164, 0.182, 0.193, 0.2], atol=1e-6)
    np.testing.assert_allclose(second.pixels[:, 0, 0], 0.2, atol=1e-6)
