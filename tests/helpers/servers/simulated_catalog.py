"""The scenes of the simulated source as files: a static STAC catalog, which the Sentinel Hub server serves as well."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import numpy as np
import rasterio
from rasterio.crs import CRS
from shapely.geometry import box, mapping

from aois.area import Area
from aois.grid import Grid, grid_of
from flows.imagery.scene import Scene, Sensor
from flows.imagery.source import Source

ADDED = 1000  # baseline 05.11: digital number = reflectance × 10,000 + 1,000
SATELLITE_A_FIRST_ORBIT = 73


def write_simulated(folder: Path, source: Source, areas: Iterable[Area], *, since: date, until: date) -> Path:
    """A static catalog of every scene of the areas in those days; the path of its first page."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for area in areas:
        grid = grid_of(area)
        for ref in source.search(area, grid, since=since, until=until):
            names.append(write_item(folder, source.fetch(area, grid, ref), grid))
    return write_page(folder, names)


def write_page(folder: Path, names: Iterable[str]) -> Path:
    links = [{"rel": "item", "href": f"./{name}"} for name in names]
    page = {"type": "Catalog", "stac_version": "1.0.0", "id": "simulated", "description": "simulated", "links": links}
    (folder / "catalog.json").write_text(json.dumps(page))
    return folder / "catalog.json"


def write_item(folder: Path, scene: Scene, grid: Grid, *, baseline: str = "05.11") -> str:
    """One scene: a GeoTIFF a band, and the item that lists them; the item's file name."""
    is_radar = scene.sensor is Sensor.SENTINEL_1
    item_id = radar_id(scene, grid) if is_radar else optical_id(scene, grid, baseline)
    added = ADDED if float(baseline) >= 4 else 0
    calibration = {"scale": 1e-4, "offset": -added / 10_000, "nodata": 0}
    assets = {}
    for band, pixels in zip(scene.bands, scene.pixels, strict=True):
        numbers = np.where(scene.valid, pixels, np.nan) if is_radar else digital_numbers(pixels, scene.valid, added)
        write_band(folder / f"{item_id}-{band}.tif", numbers, grid)
        assets[band] = {"href": f"./{item_id}-{band}.tif", **({} if is_radar else {"raster:bands": [calibration]})}
    if scene.scl is not None:
        write_band(folder / f"{item_id}-scl.tif", scene.scl, grid)
        assets["scl"] = {"href": f"./{item_id}-scl.tif"}
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": item_id,
        "collection": "sentinel-1-grd" if is_radar else "sentinel-2-l2a",
        "geometry": mapping(box(*grid.bounds_lonlat)),
        "bbox": list(grid.bounds_lonlat),
        "properties": properties_of(scene, baseline),
        "links": [],
        "assets": assets,
    }
    (folder / f"{item_id}.json").write_text(json.dumps(item))
    return f"{item_id}.json"


def properties_of(scene: Scene, baseline: str) -> dict[str, object]:
    said: dict[str, object] = {"datetime": f"{scene.acquired:%Y-%m-%dT%H:%M:%SZ}"}
    if scene.sensor is Sensor.SENTINEL_2:
        return said | {"platform": "sentinel-2a", "s2:processing_baseline": baseline}
    return said | {
        "platform": "sentinel-1a",
        "sat:relative_orbit": scene.provenance.relative_orbit,
        "sat:orbit_state": scene.provenance.orbit_direction,
        "sar:instrument_mode": "IW",
        "s1:polarization": "DV",
        "s1:resolution": "HIGH",
    }


def optical_id(scene: Scene, grid: Grid, baseline: str) -> str:
    tile = f"T31N{grid.left:06d}"
    return f"S2A_MSIL2A_{scene.acquired:%Y%m%dT%H%M%S}_N{baseline.replace('.', '')}_R008_{tile}_20250101T000000.SAFE"


def radar_id(scene: Scene, grid: Grid) -> str:
    start = f"{scene.acquired:%Y%m%dT%H%M%S}"
    absolute = 175 * 200 + SATELLITE_A_FIRST_ORBIT + (scene.provenance.relative_orbit or 1) - 1
    return f"S1A_IW_GRDH_1SDV_{start}_{start}_{absolute:06d}_04AB12_{grid.left % 65_536:04X}"


def digital_numbers(reflectance: np.ndarray, valid: np.ndarray, added: int) -> np.ndarray:
    numbers = np.rint(np.where(valid, reflectance, 0) * 10_000) + added
    return np.where(valid, np.clip(numbers, 1, 65_534), 0).astype(np.uint16)


def write_band(path: Path, numbers: np.ndarray, grid: Grid) -> None:
    nodata = np.nan if numbers.dtype.kind == "f" else 0
    profile = {"driver": "COG", "count": 1, "dtype": numbers.dtype.name, "crs": CRS.from_epsg(grid.epsg)}
    height, width = grid.shape
    with rasterio.open(
        path, "w", **profile, height=height, width=width, transform=grid.transform, nodata=nodata, compress="deflate"
    ) as dataset:
        dataset.write(numbers, 1)
