"""The products that the server holds: a static catalog's items and their files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT

COMMON_NAMES = {
    "B02": "blue",
    "B03": "green",
    "B04": "red",
    "B08": "nir",
    "B8A": "nir08",
    "B11": "swir16",
    "B12": "swir22",
    "SCL": "scl",
    "VV": "vv",
    "VH": "vh",
}
UNSAID = ("s2:processing_baseline", "sat:relative_orbit", "sat:absolute_orbit")  # the service gives neither
ADDED = 1000  # to the digital numbers, from processing baseline 04.00 on
EQUALS = re.compile(r"(?P<name>[\w:]+)\s*=\s*'(?P<value>[^']*)'")


@dataclass(frozen=True)
class Window:
    """Where and how large a request is."""

    crs: CRS
    bounds: tuple[float, float, float, float]
    width: int
    height: int

    @property
    def transform(self) -> Affine:
        left, bottom, right, top = self.bounds
        return Affine((right - left) / self.width, 0, left, 0, (bottom - top) / self.height, top)


class Shelf:
    """All items of a folder that holds a static catalog."""

    def __init__(self, folder: Path) -> None:
        found = (json.loads(path.read_text()) for path in sorted(folder.rglob("*.json")))
        self.items = [item for item in found if item.get("type") == "Feature"]
        self.folder = folder

    def search(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        since, until = (moment(text) for text in asked["datetime"].split("/"))
        wanted = {m["name"]: m["value"] for m in EQUALS.finditer(asked.get("filter") or "")}
        return [
            item
            for item in sorted(self.items, key=lambda item: item["properties"]["datetime"], reverse=True)
            if item["collection"] in asked["collections"]
            and since <= moment(item["properties"]["datetime"]) <= until
            and _meet(item["bbox"], asked["bbox"])
            and all(str(item["properties"].get(name)) == value for name, value in wanted.items())
        ]

    def samples(self, data: dict[str, Any], window: Window, bands: Iterable[str]) -> dict[str, np.ndarray]:
        """The bands (y, x) and the mask of the products that a request's data filter lets through."""
        names = [band for band in bands if band != "dataMask"]
        shape = (window.height, window.width)
        layers = {name: np.zeros(shape, np.float64) for name in names}
        mask = np.zeros(shape, np.uint8)
        for item in self._through(data):
            read = {name: self._read(item, name, window, data) for name in names}
            has_data = np.all([np.isfinite(read[name]) for name in names if name != "SCL"], axis=0)
            gap = has_data & (mask == 0)
            for name in names:
                layers[name][gap] = np.nan_to_num(read[name][gap])
            mask[gap] = 1
        return {**layers, "dataMask": mask}

    def _through(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        let = data["dataFilter"]
        since, until = (moment(let["timeRange"][end]) for end in ("from", "to"))
        direction = let.get("orbitDirection", "").lower()
        found = [
            item
            for item in self.items
            if item["collection"] == data["type"]
            and since <= moment(item["properties"]["datetime"]) <= until
            and direction in ("", item["properties"].get("sat:orbit_state"))
        ]
        is_oldest_first = let.get("mosaickingOrder") == "leastRecent"
        return sorted(found, key=lambda item: item["properties"]["datetime"], reverse=not is_oldest_first)

    def _read(self, item: dict[str, Any], band: str, window: Window, data: dict[str, Any]) -> np.ndarray:
        path = self.folder / item["assets"][COMMON_NAMES[band]]["href"]
        how = {"crs": window.crs, "transform": window.transform, "width": window.width, "height": window.height}
        nodata = np.nan if item["collection"] == "sentinel-1-grd" else 0
        numbers = _cut(path, window, nodata)
        if numbers is None:
            with (
                rasterio.open(path) as dataset,
                WarpedVRT(dataset, **how, src_nodata=nodata, nodata=np.nan, dtype="float64") as warped,
            ):
                numbers = warped.read(1)
        if band == "SCL" or item["collection"] == "sentinel-1-grd":
            return numbers
        is_shifted = float(item["properties"]["s2:processing_baseline"]) >= 4
        is_harmonised = data.get("processing", {}).get("harmonizeValues", True)
        return np.maximum(numbers - ADDED, 0) if is_shifted and is_harmonised else numbers


@lru_cache(maxsize=4096)
def _whole(path: Path) -> tuple[np.ndarray, Affine]:
    with rasterio.open(path) as dataset:
        return dataset.read(1), dataset.transform


def _cut(path: Path, window: Window, nodata: float) -> np.ndarray | None:
    """The window out of a file on whose pixels it lies, None where it does not: then it has to be resampled."""
    numbers, pixel = _whole(path)
    column, row = ~pixel @ (window.transform.c, window.transform.f)
    is_aligned = (pixel.a, pixel.e) == (window.transform.a, window.transform.e) and (column, row) == (
        int(column),
        int(row),
    )
    bottom, right = int(row) + window.height, int(column) + window.width
    if not is_aligned or column < 0 or row < 0 or bottom > numbers.shape[0] or right > numbers.shape[1]:
        return None
    part = numbers[int(row) : bottom, int(column) : right].astype(np.float64)
    part[part == nodata] = np.nan
    return part


def moment(text: str) -> datetime:
    """A time of a request or an item, in UTC."""
    read = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def shown(item: dict[str, Any]) -> dict[str, Any]:
    """An item as the service shows it."""
    said = {name: value for name, value in item["properties"].items() if name not in UNSAID}
    return {
        "type": "Feature",
        "id": item["id"],
        "collection": item["collection"],
        "bbox": item["bbox"],
        "properties": said,
    }


def _meet(one: list[float], other: list[float]) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
