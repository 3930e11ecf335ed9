"""Every raster that was written, as STAC: ``catalog.json`` in the outputs, an item beside each week's rasters.

The scenes of the archive, of which there are thousands, have a catalog of their own in each area's, an item a file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pystac
from shapely.geometry import box, mapping

from aois.grid import Grid
from flows.records.json_object import JsonObject

ROLES = {"score": "confidence held against each pixel", "change": "class of change", "first_seen": "day first seen"}
OWNER_ONLY = 0o600
SCENES = "scenes"
SIMULATED = "sitewatch:simulated"


@dataclass(frozen=True)
class SceneFile:
    """An archived scene: its constellation, when it was taken, and its file, whose name no other content ever has."""

    constellation: str
    acquired: datetime
    path: Path
    is_simulated: bool = False


def write_catalog(outputs: Path, areas: Iterable[tuple[str, Grid]], *, is_simulated: bool = False) -> Path:
    """Write ``catalog.json``, a catalog for each area and an item for each of its weeks; unchanged files stay.

    Items hold the outline of the area's grid, so all of it is readable by its owner only. All of it says whether it
    is simulated (``sitewatch:simulated``). Returns the root's path.
    """
    said = {SIMULATED: is_simulated}
    root = pystac.Catalog(
        "sitewatch", "What Sitewatch measured: score, class and first day of change by area and week", extra_fields=said
    )
    for area_id, grid in areas:
        folder = outputs / "areas" / area_id
        child = pystac.Catalog(area_id, f"Area {area_id}", extra_fields=said)
        for week in sorted(p for p in folder.glob("????-??-??") if p.is_dir()):
            child.add_item(_item(area_id, grid, week, said))
        root.add_child(child)
    root.normalize_hrefs(str(outputs.absolute()), strategy=_LAYOUT)
    root.make_all_asset_hrefs_relative()
    root.catalog_type = pystac.CatalogType.SELF_CONTAINED
    for catalog, _, items in root.walk():
        for thing in (catalog, *items):
            path, content = Path(thing.self_href), thing.to_dict(include_self_link=False)
            if thing is catalog and (path.parent / SCENES / "catalog.json").exists():
                content["links"].append(_link("child", f"./{SCENES}/catalog.json", "Scenes as received"))
            _write(path, content)
    return outputs / "catalog.json"


def write_scenes(outputs: Path, area_id: str, grid: Grid, scenes: Iterable[SceneFile]) -> None:
    """Write the catalog of an area's scenes and an item for each; those of scenes that are gone go.

    `write_catalog`, called afterwards, leads to it.
    """
    folder = (outputs / "areas" / area_id / SCENES).absolute()
    files = {scene.path.stem: scene for scene in scenes}
    for name, scene in files.items():
        if not _says(folder / f"{name}.json", scene):  # neither the scene nor its grid ever changes
            _write(folder / f"{name}.json", _scene_item(area_id, grid, name, scene, folder))
    catalog = pystac.Catalog(f"{area_id}-{SCENES}", f"Scenes of area {area_id} as received").to_dict()
    above = [_link("root", "../../../catalog.json"), _link("parent", "../catalog.json")]
    catalog[SIMULATED] = any(scene.is_simulated for scene in files.values())
    catalog["links"] = above + [_link("item", f"./{name}.json") for name in sorted(files)]
    _write(folder / "catalog.json", catalog)
    for path in folder.glob("*.json"):
        if path.stem not in files and path.stem != "catalog":
            path.unlink()


def _says(path: Path, scene: SceneFile) -> bool:
    """Whether the item is there, and says of a simulated scene that it is, which earlier versions did not."""
    return path.exists() and (not scene.is_simulated or f'"{SIMULATED}"' in path.read_text())


def _scene_item(area_id: str, grid: Grid, name: str, scene: SceneFile, folder: Path) -> JsonObject:
    bounds = grid.bounds_lonlat
    about = {"sitewatch:area_id": area_id, "constellation": scene.constellation, SIMULATED: scene.is_simulated}
    outline = dict(mapping(box(*bounds)))
    item = pystac.Item(f"{area_id}-{name}", outline, list(bounds), scene.acquired.astimezone(UTC), about)
    href = Path(os.path.relpath(scene.path.absolute(), folder)).as_posix()
    item.add_asset("bands", pystac.Asset(href, title="Bands on the area's grid", media_type=pystac.MediaType.GEOTIFF))
    content = item.to_dict()
    content["links"] = [_link("root", "../../../catalog.json"), _link("parent", "./catalog.json")]
    return content


def _link(rel: str, href: str, title: str | None = None) -> JsonObject:
    kind = pystac.MediaType.GEOJSON if rel == "item" else pystac.MediaType.JSON
    return pystac.Link(rel, href, kind, title).to_dict(transform_href=False)


def _item(area_id: str, grid: Grid, folder: Path, said: dict[str, bool]) -> pystac.Item:
    last = date.fromisoformat(folder.name)
    bounds = grid.bounds_lonlat
    item = pystac.Item(
        f"{area_id}-{folder.name}",
        dict(mapping(box(*bounds))),
        list(bounds),
        datetime(last.year, last.month, last.day, tzinfo=UTC),
        {"sitewatch:area_id": area_id, **said},
    )
    for path in sorted(folder.glob("*.tif")):
        meaning = ROLES.get(path.stem, path.stem)
        item.add_asset(path.stem, pystac.Asset(str(path.absolute()), title=meaning, media_type=pystac.MediaType.COG))
    return item


class _Layout(pystac.layout.HrefLayoutStrategy):
    """Each catalog and item where its rasters are."""

    def get_catalog_href(self, cat: pystac.Catalog, parent_dir: str, is_root: bool) -> str:
        return str(
            Path(parent_dir) / "catalog.json" if is_root else Path(parent_dir) / "areas" / cat.id / "catalog.json"
        )

    def get_collection_href(self, col: pystac.Collection, parent_dir: str, is_root: bool) -> str:
        """As for a catalog: there are no collections here."""
        return self.get_catalog_href(col, parent_dir, is_root)

    def get_item_href(self, item: pystac.Item, parent_dir: str) -> str:
        """In the folder of its day."""
        day = item.id[-10:]
        return str(Path(parent_dir) / day / "item.json")


_LAYOUT = _Layout()


def _write(path: Path, content: JsonObject) -> None:
    text = json.dumps(content, indent=2, sort_keys=True) + "\n"
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.touch(mode=OWNER_ONLY)
    temporary.write_text(text)
    temporary.replace(path)
