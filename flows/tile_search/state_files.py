"""The state of a tile on disk: for each strip a file that rests, and one that every look replaces.

Both are planar int16 GeoTIFFs in blocks of 512, so any GIS opens them. A strip is a file of its own: two threads write
two strips without sharing anything, and a kill costs at most the strips in work.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.transform import Affine
from rasterio.windows import Window as RasterWindow

from detectors.tile_search.update import BLOCK, DYNAMIC_LAYERS, STATIC_LAYERS, Layers
from flows.tile_search.tile import Tile, Window

# Of the codecs tried: LERC keeps noisy coefficients in the fewest bytes and unpacks as fast as zstd 1; the dynamic
# layers are mostly zeros, which zstd without a predictor unpacks at twice the speed of zstd with one.
_STATIC_CODEC = {"compress": "lerc", "max_z_error": 0}
_DYNAMIC_CODEC = {"compress": "zstd", "zstd_level": 1}


@dataclass(frozen=True)
class Progress:
    """How far a strip's evidence has come.

    `fit` names the baseline it rests on; `last` is the (day, look id) of the last look taken in, None before the first;
    `looks` how many were since the fit; `clear` how many pixels that last one showed clearly.
    """

    fit: str
    last: tuple[date, str] | None = None
    looks: int = 0
    clear: int = 0


def static_path(tile: Tile, strip: Window) -> Path:
    """Where a strip's baseline is."""
    return tile.folder / f"static-{strip.top:05d}.tif"


def dynamic_path(tile: Tile, strip: Window) -> Path:
    """Where a strip's evidence is."""
    return tile.folder / f"dynamic-{strip.top:05d}.tif"


def progress_of(path: Path) -> Progress | None:
    """What a state file says of itself; None where there is none, or one that cannot be read."""
    said = _tags(path)
    if said is None:
        return None
    last = (date.fromisoformat(said["LAST_DAY"]), said["LAST_LOOK"]) if said.get("LAST_DAY") else None
    return Progress(said.get("FIT", ""), last, int(said.get("LOOKS", 0)), int(said.get("CLEAR", 0)))


def watched_px(tile: Tile, strip: Window) -> int:
    """How many pixels of a strip have a baseline."""
    return int((_tags(static_path(tile, strip)) or {}).get("WATCHED", 0))


@contextmanager
def static_writer(tile: Tile, strip: Window) -> Iterator[DatasetWriter]:
    """A strip's baseline file under a temporary name; it takes its own when the context ends without an error."""
    with _written(tile, strip, static_path(tile, strip), STATIC_LAYERS, _STATIC_CODEC) as file:
        yield file


def write_dynamic(tile: Tile, strip: Window, layers: Layers, progress: Progress) -> None:
    """The strip's evidence, int16 (3, y, x), has replaced the one before, and says how far it has come."""
    day, look = progress.last or ("", "")
    with _written(tile, strip, dynamic_path(tile, strip), DYNAMIC_LAYERS, _DYNAMIC_CODEC) as file:
        file.write(layers)
        file.update_tags(
            FIT=progress.fit, LAST_DAY=str(day), LAST_LOOK=look, LOOKS=progress.looks, CLEAR=progress.clear
        )


def _tags(path: Path) -> dict[str, str] | None:
    try:
        with rasterio.open(path, driver="GTiff") as file:
            said: dict[str, str] = file.tags()
    except RasterioError:
        return None
    return said


def read_block(file: DatasetReader, block: Window) -> Layers:
    """All layers of a block: int16 (layer, y, x)."""
    layers: Layers = file.read(window=_within_strip(block))
    return layers


def write_block(file: DatasetWriter, block: Window, layers: Layers) -> None:
    """The block's layers are in the file."""
    file.write(layers, window=_within_strip(block))


def no_evidence(block: Window) -> Layers:
    """The dynamic layers before the first look."""
    return np.zeros((len(DYNAMIC_LAYERS), block.rows, block.columns), np.int16)


def _within_strip(block: Window) -> RasterWindow:
    return RasterWindow(block.left, 0, block.columns, block.rows)


@contextmanager
def _written(
    tile: Tile, strip: Window, path: Path, names: tuple[str, ...], codec: dict[str, object]
) -> Iterator[DatasetWriter]:
    grid = tile.grid
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    profile: dict[str, object] = {
        "driver": "GTiff",
        "dtype": "int16",
        "count": len(names),
        "height": strip.rows,
        "width": strip.columns,
        "crs": f"EPSG:{grid.epsg}",
        "transform": grid.transform @ Affine.translation(0, strip.top),
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "interleave": "band",
        **codec,
    }
    tile.folder.mkdir(parents=True, exist_ok=True)
    try:
        with rasterio.open(temporary, "w", **profile) as file:
            for index, name in enumerate(names, start=1):
                file.set_band_description(index, name)
            yield file
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
