"""Items, catalogs and rasters for attacks, in the Gulf of Guinea."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from rasterio.io import MemoryFile
from shapely.geometry import box

from aois.area import Area, AreaKind
from aois.grid import Grid

GRID = Grid(epsg=32631, left=500_000, top=200_000, width=40, height=30)
AREA = Area("sea-1", AreaKind.REGION, box(*GRID.bounds_lonlat))


def item_of(item_id: Any, assets: dict[str, Any], *, day: int = 1, **changed: Any) -> dict[str, Any]:
    """An item as catalogs have them; `changed` replaces its fields, and takes out those that are None."""
    said = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": item_id,
        "collection": "sentinel-2-l2a",
        "geometry": box(*GRID.bounds_lonlat).__geo_interface__,
        "bbox": list(GRID.bounds_lonlat),
        "properties": {"datetime": f"2024-05-{day:02}T10:00:00Z"},
        "links": [],
        "assets": assets,
    }
    return {key: value for key, value in (said | changed).items() if value is not None}


def catalog_of(links: list[dict[str, Any]], **changed: Any) -> bytes:
    """A static catalog's page."""
    page = {"type": "Catalog", "stac_version": "1.0.0", "id": "hostile", "description": "hostile", "links": links}
    return json.dumps(page | changed).encode()


def item_links(names: list[str]) -> list[dict[str, Any]]:
    """Links to items."""
    return [{"rel": "item", "href": name} for name in names]


def geotiff(number: int = 1500, **changed: Any) -> bytes:
    """A GeoTIFF of one band on the grid."""
    profile = {
        "driver": "GTiff",
        "dtype": "uint16",
        "count": 1,
        "height": GRID.height,
        "width": GRID.width,
        "crs": f"EPSG:{GRID.epsg}",
        "transform": GRID.transform,
        "nodata": 0,
    }
    with MemoryFile() as file:
        with file.open(**(profile | changed)) as dataset:
            if not changed.get("SPARSE_OK"):
                dataset.write(np.full((dataset.count, dataset.height, dataset.width), number, dataset.dtypes[0]))
        return bytes(file.getbuffer())
