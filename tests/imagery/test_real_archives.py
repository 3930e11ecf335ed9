"""Real catalogs, in the CRSs and pixel sizes that people have them in, against a reading done by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from shapely.geometry import box

from aois.area import Area, AreaKind
from aois.grid import Grid, grid_of
from detectors.preprocessing.masks import white_mask
from flows.imagery.archive.store import Archive
from flows.imagery.detector_inputs import acquisition_of
from flows.imagery.scene import Scene, SceneRef
from flows.imagery.stac.stac_source import StacSource

ARCHIVES = Path(__file__).parents[2].parent / "shared" / "archives"
EVER = {"since": date(2000, 1, 1), "until": date(2100, 1, 1)}

pytestmark = pytest.mark.skipif(not ARCHIVES.is_dir(), reason="shared/archives is not beside this checkout")

CATALOGS = {
    "romania": (140, ("blue", "green", "red", "nir", "nir08", "swir16"), 10.0),
    "mine-1": (107, ("blue", "red", "nir", "swir16", "swir22"), 9.3),
    "suburb-apex-haddonhall": (2, ("blue", "green", "red", "nir", "nir08", "swir16", "swir22"), 9.0),
    "suburb-houston-spring": (2, ("blue", "green", "red", "nir", "nir08", "swir16", "swir22"), 9.3),
    "s1-t137-292319-iw2": (22, ("vv", "vh"), 30.0),
}


def area_within(name: str) -> tuple[Area, Grid]:
    """A region over the middle of a catalog's first item."""
    item = json.loads(min((ARCHIVES / name).glob("*/*/*.json")).read_text())
    west, south, east, north = item["bbox"]
    dx, dy = 0.2 * (east - west), 0.2 * (north - south)
    area = Area(name, AreaKind.REGION, box(west + dx, south + dy, east - dx, north - dy))
    return area, grid_of(area)


def fetch(name: str) -> tuple[list[SceneRef], Scene, Grid]:
    """Everything the catalog offers, and one scene from its middle."""
    area, grid = area_within(name)
    source = StacSource(ARCHIVES / name / "catalog.json")
    refs = source.search(area, grid, **EVER)
    return refs, source.fetch(area, grid, refs[len(refs) // 2]), grid


def by_hand(path: Path, grid: Grid, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The raster's numbers, interpolated between the four native pixels around the centres of the grid's pixels."""
    with rasterio.open(path) as dataset:
        numbers = dataset.read(1).astype(float)
        numbers[numbers == dataset.nodata] = np.nan
        native, crs = dataset.transform, dataset.crs
    to_native = Transformer.from_crs(grid.epsg, crs, always_xy=True)
    x, y = to_native.transform(grid.left + 10 * (columns + 0.5), grid.top - 10 * (rows + 0.5))
    across, down = (np.asarray(x) - native.c) / native.a - 0.5, (np.asarray(y) - native.f) / native.e - 0.5
    left, top = np.floor(across).astype(int), np.floor(down).astype(int)
    u, v = across - left, down - top
    upper = numbers[top, left] * (1 - u) + numbers[top, left + 1] * u
    lower = numbers[top + 1, left] * (1 - u) + numbers[top + 1, left + 1] * u
    return upper * (1 - v) + lower * v


@pytest.mark.parametrize("name", CATALOGS)
def test_a_real_scene_lies_where_it_should(name: str) -> None:
    count, bands, resolution_m = CATALOGS[name]
    refs, scene, grid = fetch(name)
    assert len(refs) == count
    assert scene.bands == bands
    assert scene.provenance.resolution_m == pytest.approx(resolution_m, abs=0.05)
    rng = np.random.default_rng(3)
    rows, columns = rng.integers(0, grid.height, 200), rng.integers(0, grid.width, 200)
    (folder,) = (ARCHIVES / name).glob(f"*/{scene.provenance.item_ids[0]}")
    scale = 1.0 if name.startswith("s1") else 1e-4
    for band in (bands[0], bands[-1]):
        expected = scale * by_hand(folder / f"{band}.tif", grid, rows, columns)
        read = scene.pixels[bands.index(band), rows, columns]
        both = np.isfinite(expected) & np.isfinite(read)
        assert both.mean() > 0.5
        # Half a hundredth of a pixel off moves a value by that share of what lies between neighbours, at the most.
        np.testing.assert_allclose(read[both], expected[both], atol=0.005 * float(np.ptp(expected[both])) + 1e-6)
        assert np.median(np.abs(read[both] - expected[both])) < 0.002 * np.std(expected[both])


def test_two_scenes_of_a_suburb_are_a_history() -> None:
    refs, scene, _ = fetch("suburb-houston-spring")
    assert [ref.acquired.year for ref in refs] == [2017, 2024]
    assert scene.scl is None
    assert 0.5 < scene.valid.mean() < 1.0


@pytest.mark.parametrize("name", ["slovenia-medvode", "newcapital-egypt"])
def test_true_colour_without_a_classification_stays_clear_under_a_clear_sky(name: str) -> None:
    area, grid = area_within(name)
    source = StacSource(ARCHIVES / name / "catalog.json")
    for ref in source.search(area, grid, **EVER):
        look = acquisition_of(source.fetch(area, grid, ref), grid)
        assert look.scl is None
        assert white_mask(look).mean() < 0.002


def test_clouds_are_told_by_red_green_and_blue_nearly_as_the_classification_tells_them() -> None:
    area, grid = area_within("romania")
    source = StacSource(ARCHIVES / "romania" / "catalog.json")
    clouds, told, forest, lost = 0, 0, 0, 0
    for ref in source.search(area, grid, since=date(2018, 1, 1), until=date(2018, 12, 31)):
        look = acquisition_of(source.fetch(area, grid, ref), grid)
        assert look.scl is not None
        visible = ("blue", "green", "red")
        pixels = np.stack([look.pixels[look.bands.index(band)] for band in visible])
        white = white_mask(replace(look, bands=visible, pixels=pixels, scl=None))
        cloud, wood = (look.scl == 9) & look.valid, (look.scl == 4) & look.valid
        clouds, told = clouds + int(cloud.sum()), told + int((cloud & white).sum())
        forest, lost = forest + int(wood.sum()), lost + int((wood & white).sum())
    assert told > 0.85 * clouds > 10_000
    assert lost < 0.07 * forest


def test_radar_keeps_its_orbit_in_its_name() -> None:
    refs, scene, _ = fetch("s1-t137-292319-iw2")
    assert {ref.scene_id.rpartition("_")[2] for ref in refs} == {"r137"}
    assert scene.provenance.relative_orbit == 137
    assert scene.provenance.offset_applied is None
    assert float(np.nanmin(scene.pixels)) > 0


def test_a_real_scene_has_one_hash_wherever_it_is_archived(tmp_path: Path) -> None:
    hashes = set()
    for run in ("first", "second"):
        _, scene, grid = fetch("romania")
        hashes.add(Archive(tmp_path / run).put("romania", "stac", grid, scene).sha256)
    assert len(hashes) == 1
    assert scene.scl is not None
    assert set(np.unique(scene.scl)) <= set(range(12))
