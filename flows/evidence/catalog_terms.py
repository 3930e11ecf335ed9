"""What the STAC catalog says of its files: bands, classes, makers, projection and checksums, in words of STAC 1.1."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import rasterio
from pydantic import JsonValue

from aois.grid import Grid
from detectors.records import Change
from flows.evidence.rasters import CHANGE_CODES
from flows.records.json_object import JsonObject

EXTENSIONS = "https://stac-extensions.github.io"
PROJECTION = f"{EXTENSIONS}/projection/v2.0.0/schema.json"
PROCESSING = f"{EXTENSIONS}/processing/v1.2.0/schema.json"
CLASSIFICATION = f"{EXTENSIONS}/classification/v2.0.0/schema.json"
FILE = f"{EXTENSIONS}/file/v2.1.0/schema.json"
RASTER = f"{EXTENSIONS}/raster/v2.0.0/schema.json"
SHA256_MULTIHASH = "1220"  # the code of SHA-256 and its 32 bytes, before the digest
LEGAL_NOTICE = "https://sentinels.copernicus.eu/documents/247904/690755/Sentinel_Data_Legal_Notice"
COPERNICUS: JsonObject = {
    "name": "European Union, Copernicus programme, and ESA",
    "roles": ["producer", "licensor"],
    "url": "https://dataspace.copernicus.eu",
}
SIMULATOR: JsonObject = {
    "name": "Sitewatch simulation",
    "description": "The pictures are made up, and so is everything that was measured in them.",
    "roles": ["producer"],
}
PROCESSOR = "Sitewatch"
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
GEOTIFF = "image/tiff; application=geotiff"
SCENE_ASSET: JsonObject = {"title": "Bands on the area's grid", "type": GEOTIFF, "roles": ["data"]}
CLASSES = {
    Change.CONSTRUCTION: ("Ground that was built on", "D55E00"),
    Change.FENCING: ("A fence or a wall", "0072B2"),
    Change.CLEARING: ("Ground that was cleared", "E69F00"),
    Change.DEMOLITION: ("Ground whose buildings are gone", "56595E"),
}


@dataclass(frozen=True)
class RasterTerms:
    """One kind of raster: its title, its type of numbers, the value of no data, and more fields of its one band."""

    title: str
    data_type: str
    nodata: float | str
    more: JsonObject

    @property
    def fields(self) -> JsonObject:
        """Return what a catalog says of each file of this kind."""
        kind = {"data_type": self.data_type, "nodata": self.nodata}
        return {"title": self.title, "type": COG, "roles": ["data"], **kind, **self.more}


def change_classes() -> list[JsonValue]:
    """List the classes of the class raster as the classification extension writes them."""
    told: list[JsonValue] = [
        {"value": CHANGE_CODES[change], "name": change.value, "description": words, "color_hint": colour}
        for change, (words, colour) in CLASSES.items()
    ]
    return [{"value": 0, "name": "none", "description": "No change on record", "nodata": True}, *told]


RASTERS = {
    "change": RasterTerms(
        "Class of the last change on record", "uint8", 0, {"classification:classes": change_classes()}
    ),
    "first_seen": RasterTerms(
        "Day on which the change was first seen", "int32", 0, {"description": "A day as YYYYMMDD; 0 for none."}
    ),
    "score": RasterTerms(
        "Evidence for the likeliest change",
        "float32",
        "nan",
        {"unit": "nat", "description": "Log-odds; over 0 a change is likelier than none. No number: not watched."},
    ),
}


def raster_fields(name: str) -> JsonObject:
    """Return what is said of a raster, by the stem of its file; of one that no rule knows only the name is told."""
    if terms := RASTERS.get(name):
        own: JsonObject = {"name": name, "description": terms.title}
        return {**terms.fields, "bands": [own]}
    return {"title": name, "type": COG, "roles": ["data"]}


def scene_fields(path: Path) -> JsonObject:
    """Read the size and the bands of an archived scene, with what turns its numbers into reflectance.

    Empty for a file that cannot be read: the catalog still names it.
    """
    try:
        with rasterio.open(path) as file:
            parts = zip(file.descriptions, file.dtypes, file.scales, file.offsets, strict=True)
            bands = [_band(name, kind, file.nodata, scale, offset) for name, kind, scale, offset in parts]
        return {"bands": [*bands], "file:size": path.stat().st_size}
    except OSError:
        return {}


def _band(name: str, kind: str, nodata: float | None, scale: float, offset: float) -> JsonObject:
    empty: JsonObject = {} if nodata is None else {"nodata": "nan" if math.isnan(nodata) else nodata}
    scaled: JsonObject = {} if (scale, offset) == (1.0, 0.0) else {"raster:scale": scale, "raster:offset": offset}
    return {"name": name, "data_type": kind, **empty, **scaled}


def projection_fields(grid: Grid) -> JsonObject:
    """Return on which pixels of which map projection a file of this grid lies."""
    return {
        "proj:code": f"EPSG:{grid.epsg}",
        "proj:shape": list(grid.shape),
        "proj:transform": list(grid.transform)[:6],
        "proj:bbox": list(grid.bounds),
    }


def file_fields(content: bytes) -> JsonObject:
    """Return the size of a file and its SHA-256 as a multihash."""
    return {"file:size": len(content), "file:checksum": SHA256_MULTIHASH + hashlib.sha256(content).hexdigest()}


def attribution_of(years: Iterable[int], *, is_simulated: bool) -> str:
    """Write the sentence that has to stand beside anything made from these years' pictures."""
    if is_simulated:
        return "Simulated: contains no Copernicus Sentinel data."
    known = sorted(set(years))
    span = str(known[0]) if known[0] == known[-1] else f"{known[0]}–{known[-1]}"
    return f"Contains modified Copernicus Sentinel data {span}."


def providers_of(*, is_simulated: bool, processing: Mapping[str, str]) -> list[JsonObject]:
    """Name who made the pictures and what worked on them."""
    return [SIMULATOR if is_simulated else COPERNICUS, {"name": PROCESSOR, "roles": ["processor"], **processing}]
