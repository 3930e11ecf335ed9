"""The rasters behind a finding, read back as anybody would read them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS

from aois.grid import Grid
from detectors.records import Change
from flows.evidence.rasters import CHANGE_CODES, Layer, is_tagged, untagged, write_rasters

GRID = Grid(epsg=32731, left=500_000, top=9_000_000, width=70, height=50)
LARGE = Grid(epsg=32731, left=500_000, top=9_000_000, width=1300, height=1100)


def layers(grid: Grid, seed: int = 1) -> tuple[Layer, ...]:
    rng = np.random.default_rng(seed)
    score = rng.random(grid.shape).astype(np.float32)
    score[:3] = np.nan
    return (
        Layer("score", score, math.nan, "confidence held against the pixel"),
        Layer("change", rng.integers(0, 5, grid.shape).astype(np.uint8), 0, "1 construction"),
        Layer("first_seen", rng.integers(20240101, 20241231, grid.shape).astype(np.int32), 0, "YYYYMMDD"),
    )


@pytest.mark.parametrize("grid", [GRID, LARGE], ids=["site", "region"])
def test_a_raster_says_where_it_lies_and_what_it_means(tmp_path, grid):
    given = layers(grid)
    for layer, path in zip(given, write_rasters(given, grid, tmp_path / "2024-06-09"), strict=True):
        assert path == tmp_path / "2024-06-09" / f"{layer.name}.tif"
        with rasterio.open(path) as dataset:
            assert dataset.crs == CRS.from_epsg(32731)
            assert dataset.transform == grid.transform
            assert dataset.shape == grid.shape
            assert dataset.count == 1
            assert dataset.dtypes == (layer.values.dtype.name,)
            assert dataset.descriptions == (layer.meaning,)
            assert dataset.nodata == layer.nodata or (math.isnan(dataset.nodata) and math.isnan(layer.nodata))
            assert np.array_equal(dataset.read(1), layer.values, equal_nan=layer.values.dtype.kind == "f")


@pytest.mark.parametrize("grid", [GRID, LARGE], ids=["site", "region"])
def test_a_raster_is_cloud_optimized(tmp_path, grid):
    """GDAL's own account of the file: the layout, tiles, and overviews as soon as one tile is not enough."""
    for path in write_rasters(layers(grid), grid, tmp_path):
        with rasterio.open(path) as dataset:
            assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert dataset.tags(ns="IMAGE_STRUCTURE")["COMPRESSION"] == "DEFLATE"
            assert dataset.profile["tiled"]
            assert bool(dataset.overviews(1)) == (max(grid.shape) > dataset.profile["blockxsize"])


def test_overviews_hold_classes_and_no_mixtures_of_them(tmp_path):
    classes = np.zeros(LARGE.shape, np.uint8)
    classes[::2] = 4
    (path,) = write_rasters((Layer("change", classes, 255, "4 demolition"),), LARGE, tmp_path)
    with rasterio.open(path, overview_level=0) as dataset:
        assert set(np.unique(dataset.read(1))) <= {0, 4}


def test_unchanged_rasters_are_not_written_again(tmp_path):
    paths = write_rasters(layers(GRID), GRID, tmp_path)
    before = [(p.read_bytes(), p.stat().st_mtime_ns, p.stat().st_ino) for p in paths]
    write_rasters(layers(GRID), GRID, tmp_path)
    assert [(p.read_bytes(), p.stat().st_mtime_ns, p.stat().st_ino) for p in paths] == before


def test_other_folders_hold_the_same_bytes(tmp_path):
    here, there = (write_rasters(layers(GRID), GRID, tmp_path / name) for name in ("a", "b"))
    assert [p.read_bytes() for p in here] == [p.read_bytes() for p in there]


def test_a_changed_raster_takes_the_place_of_the_old_and_leaves_nothing_behind(tmp_path):
    write_rasters(layers(GRID), GRID, tmp_path)
    score, *_ = write_rasters(layers(GRID, seed=2), GRID, tmp_path)
    with rasterio.open(score) as dataset:
        assert np.array_equal(dataset.read(1), layers(GRID, seed=2)[0].values, equal_nan=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["change.tif", "first_seen.tif", "score.tif"]


def test_every_change_has_a_code_of_its_own():
    assert set(CHANGE_CODES) == set(Change)
    assert len(set(CHANGE_CODES.values())) == len(Change)
    assert 0 not in CHANGE_CODES.values()


def test_a_raster_without_its_tag_has_the_bytes_of_one_that_never_had_it(tmp_path):
    before = write_rasters(layers(GRID), GRID, tmp_path / "before")
    for old, new in zip(before, write_rasters(layers(GRID), GRID, tmp_path / "now", is_simulated=True), strict=True):
        assert is_tagged(new)
        assert not is_tagged(old)
        assert untagged(new) == old.read_bytes() != new.read_bytes()
