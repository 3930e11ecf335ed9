"""The rasters behind a week's findings, as Cloud Optimized GeoTIFFs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.io import MemoryFile

from aois.grid import Grid
from detectors.records import Change
from flows.files import atomic_write

CHANGE_CODES = {Change.CONSTRUCTION: 1, Change.FENCING: 2, Change.CLEARING: 3, Change.DEMOLITION: 4}


SIMULATED_TAG = "SITEWATCH_SIMULATED"


@dataclass(frozen=True)
class Layer:
    """One raster: `name` of the file, `values` (y, x), `nodata`, and what a value means."""

    name: str
    values: npt.NDArray[np.generic]
    nodata: float
    meaning: str


def write_rasters(
    layers: tuple[Layer, ...], grid: Grid, folder: Path, *, is_simulated: bool = False
) -> tuple[Path, ...]:
    """Write each layer as ``<folder>/<name>.tif``, by a temporary name and a rename; unchanged files stay.

    Those of a simulated world say so in a tag.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tags = {SIMULATED_TAG: "true"} if is_simulated else {}
    return tuple(_write(_encode(layer, grid, tags), folder / f"{layer.name}.tif") for layer in layers)


def untagged(path: Path) -> bytes:
    """Return a raster of a simulated world as an earlier version wrote it, which said so in no tag."""
    with rasterio.open(path) as raster:
        left, top = round(raster.transform.c), round(raster.transform.f)
        size = round(raster.transform.a)
        grid = Grid(raster.crs.to_epsg(), left, top, raster.width, raster.height, size)
        layer = Layer(path.stem, raster.read(1), raster.nodata, str(raster.descriptions[0]))
    return _encode(layer, grid, {})


def is_tagged(path: Path) -> bool:
    """Return whether a raster says that it is of a simulated world."""
    with rasterio.open(path) as raster:
        return SIMULATED_TAG in raster.tags()


def _write(content: bytes, path: Path) -> Path:
    if not path.exists() or path.read_bytes() != content:
        atomic_write(path, content)
    return path


def _encode(layer: Layer, grid: Grid, tags: dict[str, str]) -> bytes:
    profile = {
        "driver": "COG",
        "dtype": layer.values.dtype.name,
        "count": 1,
        "height": grid.height,
        "width": grid.width,
        "crs": f"EPSG:{grid.epsg}",
        "transform": grid.transform,
        "nodata": layer.nodata,
        "compress": "deflate",
        "overview_resampling": "nearest",
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as dataset:
            dataset.write(layer.values, 1)
            dataset.set_band_description(1, layer.meaning)
            dataset.update_tags(**tags)
        return bytes(memory.read())
