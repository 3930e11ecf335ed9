"""The STAC catalog of the rasters: complete, true of its files, for its owner alone, and the same when made again."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import pystac
import rasterio
from catalogued import AREAS, GRID, WEEKS, week_layers

from detectors.records import Change
from flows.evidence.catalog import SceneFile, write_catalog, write_scenes
from flows.evidence.rasters import CHANGE_CODES, write_rasters


def every_file(catalog: Path) -> list[Path]:
    return [catalog, *sorted((catalog.parent / "areas").rglob("*.json"))]


def said(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def test_it_holds_every_raster(catalog: Path) -> None:
    root = pystac.Catalog.from_file(str(catalog))
    items = list(root.get_items(recursive=True))
    assert sorted(item.id for item in items) == [f"{area}-{week}" for area in ("reef", "yard") for week in WEEKS]
    for item in items:
        assert set(item.assets) == {"score", "change", "first_seen"}
        assert item.collection_id == item.get_collection().id == f"{item.id[:4]}-changes"
        for asset in item.assets.values():
            content = Path(asset.get_absolute_href()).read_bytes()
            assert asset.extra_fields["file:size"] == len(content)
            assert asset.extra_fields["file:checksum"] == "1220" + hashlib.sha256(content).hexdigest()


def test_what_it_says_of_a_raster_is_true_of_the_file(catalog: Path) -> None:
    item = said(catalog.parent / "areas" / "yard" / WEEKS[0] / "item.json")
    for name, asset in item["assets"].items():
        with rasterio.open(catalog.parent / "areas" / "yard" / WEEKS[0] / f"{name}.tif") as file:
            assert file.dtypes[0] == asset["data_type"]
            assert str(file.nodata) == str(float(asset["nodata"]))
            assert list(file.transform)[:6] == item["properties"]["proj:transform"]
            assert list(file.shape) == item["properties"]["proj:shape"]
            assert list(file.bounds) == item["properties"]["proj:bbox"]
            assert f"EPSG:{file.crs.to_epsg()}" == item["properties"]["proj:code"]
    classes = {one["name"]: one["value"] for one in item["assets"]["change"]["classification:classes"]}
    assert classes == {"none": 0} | {change.value: CHANGE_CODES[change] for change in Change}
    assert item["properties"]["start_datetime"] == "2026-11-09T00:00:00Z"
    assert item["properties"]["end_datetime"] == "2026-11-15T23:59:59Z"


def test_whose_pictures_they_are_is_said(catalog: Path) -> None:
    folder = catalog.parent / "areas" / "yard"
    collection, item = said(folder / "collection.json"), said(folder / WEEKS[0] / "item.json")
    for content in (collection, item["properties"]):
        assert content["attribution"] == "Contains modified Copernicus Sentinel data 2026."
    assert [one["roles"] for one in collection["providers"]] == [["producer", "licensor"], ["processor"]]
    assert [link["rel"] for link in collection["links"]].count("license") == 1
    assert item["properties"]["processing:software"] == {"sitewatch": "1"}


def test_a_simulated_one_says_so_in_every_file(catalog: Path) -> None:
    write_catalog(catalog.parent, AREAS, is_simulated=True)
    for path in every_file(catalog):
        text = path.read_text(encoding="utf-8")
        assert '"sitewatch:simulated": true' in text
        assert "Copernicus" not in text.replace("contains no Copernicus Sentinel data", "")
    collection = said(catalog.parent / "areas" / "yard" / "collection.json")
    assert collection["attribution"] == "Simulated: contains no Copernicus Sentinel data."


def test_a_week_keeps_the_versions_that_made_it_until_its_rasters_change(catalog: Path) -> None:
    write_rasters(week_layers(99), GRID, catalog.parent / "areas" / "yard" / WEEKS[1])
    write_catalog(catalog.parent, AREAS, software={"sitewatch": "2"})
    made = [said(catalog.parent / "areas" / "yard" / week / "item.json") for week in WEEKS]
    assert [item["properties"]["processing:software"]["sitewatch"] for item in made] == ["1", "2"]


def test_all_ways_in_it_are_relative_and_lead_somewhere(catalog: Path, scenes: list[SceneFile]) -> None:
    write_scenes(catalog.parent, "yard", GRID, scenes)
    write_catalog(catalog.parent, AREAS)
    for path in every_file(catalog):
        content = said(path)
        hrefs = [link["href"] for link in content["links"] if link["rel"] != "license"]
        hrefs += [asset["href"] for asset in content.get("assets", {}).values()]
        for href in hrefs:
            assert href.startswith("."), href
            assert (path.parent / href).resolve().is_file(), (path, href)


def test_it_is_for_its_owner_and_the_same_twice(catalog: Path, scenes: list[SceneFile]) -> None:
    def write() -> list[tuple[bytes, int]]:
        write_scenes(catalog.parent, "yard", GRID, scenes)
        write_catalog(catalog.parent, AREAS, software={"sitewatch": "1"})
        return [(path.read_bytes(), path.stat().st_mtime_ns) for path in every_file(catalog)]

    before = write()
    assert {stat.S_IMODE(path.stat().st_mode) for path in every_file(catalog)} == {0o600}
    assert write() == before


def test_archived_scenes_are_in_it_too(catalog: Path, scenes: list[SceneFile]) -> None:
    write_scenes(catalog.parent, "yard", GRID, scenes)
    write_catalog(catalog.parent, AREAS)
    root = pystac.Catalog.from_file(str(catalog))
    items = {item.id: item for item in root.get_items(recursive=True)}
    assert len(items) == 4 + 2
    for scene in scenes:
        item = items[f"yard-{scene.path.stem}"]
        asset = item.assets["bands"]
        assert Path(asset.get_absolute_href()).resolve() == scene.path
        assert asset.extra_fields["file:checksum"] == "1220" + scene.sha256
        assert (item.datetime, item.properties["constellation"]) == (scene.acquired, scene.constellation)
        assert item.get_root().id == "sitewatch"
        assert item.get_collection().id == f"yard-{scene.constellation}"
        assert item.get_collection().get_parent().id == "yard"
    optical = items[f"yard-{scenes[1].path.stem}"]
    assert optical.properties["processing:level"] == "L2A"
    assert optical.assets["bands"].to_dict()["bands"] == [
        {"name": name, "data_type": "uint16", "nodata": 65535.0, "raster:scale": 0.0001, "raster:offset": -0.1}
        for name in ("red", "nir")
    ]


def test_a_scene_that_is_gone_leaves_the_catalog(catalog: Path, scenes: list[SceneFile]) -> None:
    write_scenes(catalog.parent, "yard", GRID, scenes)
    write_scenes(catalog.parent, "yard", GRID, scenes[1:])
    write_catalog(catalog.parent, [("yard", GRID)])
    items = list(pystac.Catalog.from_file(str(catalog)).get_items(recursive=True))
    assert [item.id for item in items if "sentinel" in item.id] == [f"yard-{scenes[1].path.stem}"]
    left = {path.name for path in catalog.parent.glob("areas/yard/scenes/*.json")}
    assert left == {"sentinel-2.json", f"{scenes[1].path.stem}.json"}


def test_a_scene_whose_file_cannot_be_read_stops_nothing(catalog: Path, scenes: list[SceneFile]) -> None:
    scenes[0].path.write_bytes(b"no picture")
    write_scenes(catalog.parent, "yard", GRID, scenes)
    asset = said(catalog.parent / "areas" / "yard" / "scenes" / f"{scenes[0].path.stem}.json")["assets"]["bands"]
    assert "bands" not in asset
    assert asset["file:checksum"] == "1220" + scenes[0].sha256


def test_items_of_an_earlier_version_are_written_anew(catalog: Path, scenes: list[SceneFile]) -> None:
    folder = catalog.parent / "areas" / "yard" / "scenes"
    folder.mkdir()
    (folder / "catalog.json").write_text("{}")
    (folder / f"{scenes[0].path.stem}.json").write_text('{"stac_version": "1.1.0"}')
    write_scenes(catalog.parent, "yard", GRID, scenes)
    assert not (folder / "catalog.json").exists()
    assert said(folder / f"{scenes[0].path.stem}.json")["collection"] == "yard-sentinel-1"
