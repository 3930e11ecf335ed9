"""The STAC catalog of the rasters: valid against the standard's own schemas, complete, for its owner alone."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pystac
import pytest
from pystac.validation import validate_dict

from aois.grid import Grid
from flows.evidence.catalog import write_catalog
from flows.evidence.rasters import Layer, write_rasters

GRID = Grid(32631, 500_000, 200_000, 30, 20)
WEEKS = ("2026-11-15", "2026-11-22")


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    layers = (Layer("score", np.ones(GRID.shape, np.float32), float("nan"), "confidence"),)
    for area_id in ("yard", "reef"):
        for week in WEEKS:
            write_rasters(layers, GRID, tmp_path / "areas" / area_id / week)
    return write_catalog(tmp_path, [("yard", GRID), ("reef", GRID)])


def test_it_holds_every_raster_and_is_valid_without_asking_anyone(catalog: Path) -> None:
    root = pystac.Catalog.from_file(str(catalog))
    items = list(root.get_items(recursive=True))
    assert sorted(item.id for item in items) == [f"{area}-{week}" for area in ("reef", "yard") for week in WEEKS]
    assert root.validate_all() == len(items)  # by the schemas that pystac ships
    for item in items:
        assert Path(item.assets["score"].get_absolute_href()).is_file()


def test_a_catalog_with_a_mistake_is_not_valid(catalog: Path) -> None:
    (item, *_) = pystac.Catalog.from_file(str(catalog)).get_items(recursive=True)
    broken = item.to_dict()
    broken["properties"]["datetime"] = "yesterday"
    with pytest.raises(pystac.STACValidationError):
        validate_dict(broken, stac_object_type=pystac.STACObjectType.ITEM)


def test_it_is_for_its_owner_and_the_same_twice(catalog: Path) -> None:
    files = sorted(catalog.parent.rglob("*.json"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in files]
    write_catalog(catalog.parent, [("yard", GRID), ("reef", GRID)])
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in files] == before
