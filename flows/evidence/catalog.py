"""Every raster that was written and every archived scene as STAC 1.1: ``catalog.json`` in the outputs leads to all.

Each area has a catalog of its own, with a collection for each product: what was measured, week by week, and the scenes
of each constellation as received. What is said of a file is in `catalog_terms`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pystac
from pydantic import JsonValue
from shapely import box, to_geojson

from aois.grid import Grid
from flows.evidence.catalog_terms import (
    CLASSIFICATION,
    FILE,
    LEGAL_NOTICE,
    PROCESSING,
    PROJECTION,
    RASTER,
    RASTERS,
    SCENE_ASSET,
    SHA256_MULTIHASH,
    attribution_of,
    file_fields,
    projection_fields,
    providers_of,
    raster_fields,
    scene_fields,
)
from flows.files import atomic_write
from flows.records.json_object import JsonObject

SCENES = "scenes"
SIMULATED = "sitewatch:simulated"
VERSION = "1.1.0"
RECEIVED = "Read onto the 10 m grid of the area; pixels without a value in a band have none."
MEASURED = (
    "Each pixel is compared with what its own seasons of earlier years foretell; the evidence of all acquisitions up "
    "to the end of the week is added up; pixels that changed together are one event. How: detectors/README.md of the "
    "software."
)


@dataclass(frozen=True)
class SceneFile:
    """An archived scene: its constellation, when it was taken, its file, and the SHA-256 of that file.

    The name of the file belongs to this content alone. `level` is the processing level of the pictures where the source
    tells it: ``L1C`` or ``L2A``.
    """

    constellation: str
    acquired: datetime
    path: Path
    sha256: str
    level: str = ""
    is_simulated: bool = False


def write_catalog(
    outputs: Path,
    areas: Iterable[tuple[str, Grid]],
    *,
    is_simulated: bool = False,
    software: Mapping[str, str] | None = None,
) -> Path:
    """Write ``catalog.json``, for each area its catalog and collections, and an item for each of its weeks.

    Files that would not change stay as they are. Items hold the outline of the area's grid, so all of it is readable by
    its owner only. `software` names what made the rasters, with versions; a week whose rasters are as they were keeps
    the versions that it was written with. All of it says whether it is simulated (``sitewatch:simulated``). Returns the
    root's path.
    """
    links = [_link("root", "./catalog.json")]
    for area_id, grid in areas:
        _write_area(outputs, area_id, grid, is_simulated=is_simulated, software=software or {})
        links.append(_link("child", f"./areas/{area_id}/catalog.json", f"Area {area_id}"))
    about = "What Sitewatch measured, and the pictures that it was measured in, by area"
    _write(outputs / "catalog.json", _catalog("sitewatch", about, links, is_simulated=is_simulated))
    return outputs / "catalog.json"


def write_scenes(outputs: Path, area_id: str, grid: Grid, scenes: Iterable[SceneFile]) -> None:
    """Write a collection for each constellation of an area's scenes, and an item for each; those that are gone go.

    `write_catalog`, called afterwards, leads to them.
    """
    folder = outputs / "areas" / area_id / SCENES
    older = folder / "catalog.json"  # of an earlier version, whose items say less
    files = {scene.path.stem: scene for scene in scenes}
    for name, scene in files.items():
        if older.exists() or not (folder / f"{name}.json").exists():  # neither the scene nor its grid ever changes
            _write(folder / f"{name}.json", _scene_item(area_id, grid, name, scene, folder))
    names = {scene.constellation for scene in files.values()}
    for constellation in names:
        of_it = {name: scene for name, scene in files.items() if scene.constellation == constellation}
        _write(folder / f"{constellation}.json", _scene_collection(area_id, grid, constellation, of_it))
    for path in folder.glob("*.json"):
        if path.stem not in files and path.stem not in names:
            path.unlink()


def _write_area(outputs: Path, area_id: str, grid: Grid, *, is_simulated: bool, software: Mapping[str, str]) -> None:
    folder = outputs / "areas" / area_id
    links = [_link("root", "../../catalog.json"), _link("parent", "../../catalog.json")]
    weeks = [path for path in sorted(folder.glob("????-??-??")) if path.is_dir()]
    changes = _Product(
        f"{area_id}-changes",
        f"What was measured in area {area_id} by the end of each week: score, class and first day of change",
        area_id,
        grid,
        {"processing:level": "L4", "processing:lineage": MEASURED},
        (CLASSIFICATION, FILE, PROCESSING, PROJECTION),
        is_simulated,
    )
    for week in weeks:
        _write(week / "item.json", _week_item(changes, week, software))
    if weeks:
        _write(folder / "collection.json", _week_collection(changes, weeks))
        links.append(_link("child", "./collection.json", "What was measured, by week"))
    for path in sorted((folder / SCENES).glob("sentinel-?.json")):
        links.append(_link("child", f"./{SCENES}/{path.name}", f"Scenes of {path.stem} as received"))
    _write(folder / "catalog.json", _catalog(area_id, f"Area {area_id}", links, is_simulated=is_simulated))


@dataclass(frozen=True)
class _Product:
    """One product of an area, which is a collection with items."""

    collection_id: str
    about: str
    area_id: str
    grid: Grid
    processing: Mapping[str, str]
    extensions: tuple[str, ...]
    is_simulated: bool

    def collection(
        self, first: datetime, last: datetime, links: Sequence[JsonObject], assets: Mapping[str, JsonValue]
    ) -> JsonObject:
        years = range(first.year, last.year + 1)
        notice = [] if self.is_simulated else [_link("license", LEGAL_NOTICE, "Legal notice on Copernicus data")]
        return {
            "type": "Collection",
            "stac_version": VERSION,
            "stac_extensions": list(self.extensions),
            "id": self.collection_id,
            "description": self.about,
            "license": "other",
            "providers": [*providers_of(is_simulated=self.is_simulated, processing=self.processing)],
            "attribution": attribution_of(years, is_simulated=self.is_simulated),
            "extent": {
                "spatial": {"bbox": [list(self.grid.bounds_lonlat)]},
                "temporal": {"interval": [[_time(first), _time(last)]]},
            },
            "summaries": {"proj:code": [f"EPSG:{self.grid.epsg}"], "gsd": [self.grid.pixel_size_m]},
            "item_assets": dict(assets),
            "links": [*links, *notice],
            SIMULATED: self.is_simulated,
        }

    def item(self, name: str, at: datetime, *, assets: JsonObject, collection: str, more: JsonObject) -> JsonObject:
        """The item of this name; `collection` is the way from its file to that of the collection."""
        bounds = self.grid.bounds_lonlat
        links = [_link("root", "../../../catalog.json"), _link("parent", collection), _link("collection", collection)]
        return {
            "type": "Feature",
            "stac_version": VERSION,
            "stac_extensions": list(self.extensions),
            "id": f"{self.area_id}-{name}",
            "collection": self.collection_id,
            "geometry": json.loads(to_geojson(box(*bounds))),
            "bbox": list(bounds),
            "properties": {
                "datetime": _time(at),
                "gsd": self.grid.pixel_size_m,
                "attribution": attribution_of([at.year], is_simulated=self.is_simulated),
                "sitewatch:area_id": self.area_id,
                SIMULATED: self.is_simulated,
                **self.processing,
                **projection_fields(self.grid),
                **more,
            },
            "assets": assets,
            "links": [*links],
        }


def _week_item(changes: _Product, folder: Path, software: Mapping[str, str]) -> JsonObject:
    last = datetime.fromisoformat(folder.name).replace(tzinfo=UTC)
    assets: JsonObject = {
        path.stem: {"href": f"./{path.name}", **raster_fields(path.stem), **file_fields(path.read_bytes())}
        for path in sorted(folder.glob("*.tif"))
    }
    made_by = _software(folder / "item.json", assets, software)
    week: JsonObject = {
        "start_datetime": _time(last - timedelta(days=6)),
        "end_datetime": _time(last + timedelta(days=1, seconds=-1)),
        **({"processing:software": made_by} if made_by else {}),
    }
    return changes.item(folder.name, last, assets=assets, collection="../collection.json", more=week)


def _software(path: Path, assets: JsonObject, software: Mapping[str, str]) -> JsonObject:
    """The versions that an item names already, where its rasters are the same; else those of this run."""
    if path.exists():
        before = pystac.Item.from_dict(json.loads(path.read_text(encoding="utf-8")))
        sums = {name: asset.extra_fields.get("file:checksum") for name, asset in before.assets.items()}
        if sums == {name: asset["file:checksum"] for name, asset in assets.items() if isinstance(asset, dict)}:
            return dict(before.properties.get("processing:software", {}))
    return dict(software)


def _week_collection(changes: _Product, weeks: Sequence[Path]) -> JsonObject:
    first, last = (datetime.fromisoformat(week.name).replace(tzinfo=UTC) for week in (weeks[0], weeks[-1]))
    links = [
        _link("root", "../../catalog.json"),
        _link("parent", "./catalog.json"),
        *(_link("item", f"./{week.name}/item.json") for week in weeks),
    ]
    assets = {name: raster_fields(name) for name in RASTERS}
    return changes.collection(first - timedelta(days=6), last + timedelta(days=1, seconds=-1), links, assets)


def _scenes_of(area_id: str, grid: Grid, constellation: str, *, is_simulated: bool) -> _Product:
    return _Product(
        f"{area_id}-{constellation}",
        f"Scenes of {constellation} over area {area_id} as received",
        area_id,
        grid,
        {"processing:lineage": RECEIVED},
        (FILE, PROCESSING, PROJECTION, RASTER),
        is_simulated,
    )


def _scene_item(area_id: str, grid: Grid, name: str, scene: SceneFile, folder: Path) -> JsonObject:
    href = Path(os.path.relpath(scene.path.absolute(), folder.absolute())).as_posix()
    said = {"href": href, **SCENE_ASSET, **scene_fields(scene.path), "file:checksum": SHA256_MULTIHASH + scene.sha256}
    level = {"processing:level": scene.level} if scene.level else {}
    scenes = _scenes_of(area_id, grid, scene.constellation, is_simulated=scene.is_simulated)
    return scenes.item(
        name,
        scene.acquired,
        assets={"bands": said},
        collection=f"./{scene.constellation}.json",
        more={"constellation": scene.constellation, **level},
    )


def _scene_collection(area_id: str, grid: Grid, constellation: str, files: Mapping[str, SceneFile]) -> JsonObject:
    times = [scene.acquired for scene in files.values()]
    links = [
        _link("root", "../../../catalog.json"),
        _link("parent", "../catalog.json"),
        *(_link("item", f"./{name}.json") for name in sorted(files)),
    ]
    is_simulated = any(scene.is_simulated for scene in files.values())
    scenes = _scenes_of(area_id, grid, constellation, is_simulated=is_simulated)
    return scenes.collection(min(times), max(times), links, {"bands": SCENE_ASSET})


def _catalog(catalog_id: str, about: str, links: Sequence[JsonObject], *, is_simulated: bool) -> JsonObject:
    head: JsonObject = {"type": "Catalog", "stac_version": VERSION, "id": catalog_id, "description": about}
    return {**head, "links": [*links], SIMULATED: is_simulated}


def _link(rel: str, href: str, title: str | None = None) -> JsonObject:
    kind = {"item": pystac.MediaType.GEOJSON, "license": pystac.MediaType.PDF}.get(rel, pystac.MediaType.JSON)
    return pystac.Link(rel, href, kind, title).to_dict(transform_href=False)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _write(path: Path, content: JsonObject) -> None:
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, text)
