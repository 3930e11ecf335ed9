"""The STAC catalog of the rasters: valid against the standard's own schemas, complete, for its owner alone."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pystac
import pytest
from pystac.validation import validate_dict

from aois.grid import Grid
from flows.evidence.catalog import SceneFile, write_catalog, write_scenes
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


@pytest.fixture
def scenes(catalog: Path) -> list[SceneFile]:
    folder = catalog.parent / "archive" / "yard" / "stac-1"
    folder.mkdir(parents=True)
    found = []
    for day, name in ((3, "sentinel-1_20261103T2200-aa"), (5, "sentinel-2_20261105T0330-bb")):
        (folder / f"{name}.tif").write_bytes(b"bands")
        found.append(SceneFile(name[:10], datetime(2026, 11, day, tzinfo=UTC), folder / f"{name}.tif"))
    return found


def test_archived_scenes_are_in_it_too(catalog: Path, scenes: list[SceneFile]) -> None:
    write_scenes(catalog.parent, "yard", GRID, scenes)
    write_catalog(catalog.parent, [("yard", GRID), ("reef", GRID)])
    root = pystac.Catalog.from_file(str(catalog))
    assert root.validate_all() == 4 + 2
    items = {item.id: item for item in root.get_items(recursive=True)}
    for scene in scenes:
        item = items[f"yard-{scene.path.stem}"]
        assert Path(item.assets["bands"].get_absolute_href()).resolve() == scene.path
        assert (item.datetime, item.properties["constellation"]) == (scene.acquired, scene.constellation)
        assert item.get_root().id == "sitewatch"
        assert item.get_parent().get_parent().id == "yard"


def test_a_scene_that_is_gone_leaves_the_catalog(catalog: Path, scenes: list[SceneFile]) -> None:
    write_scenes(catalog.parent, "yard", GRID, scenes)
    write_scenes(catalog.parent, "yard", GRID, scenes[1:])
    write_catalog(catalog.parent, [("yard", GRID)])
    items = list(pystac.Catalog.from_file(str(catalog)).get_items(recursive=True))
    assert [item.id for item in items if "sentinel" in item.id] == [f"yard-{scenes[1].path.stem}"]
    assert len(list(catalog.parent.glob("areas/yard/scenes/*.json"))) == 2
