"""A scene as one GeoTIFF: the same scene gives the same bytes, and the file alone gives the scene back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.io import MemoryFile

from aois.grid import Grid
from flows.imagery.georeference import crs_of
from flows.imagery.raster_files import DAMAGE, RasterFileError, check_raster
from flows.imagery.scene import ImageryError, OpticalProduct, Provenance, Scene, Sensor
from flows.printable import printable

# Layers of an archived file, by sensor:
#   optical  uint16  reflectance × 10,000 + 1,000, so −0.1 to 6.4534; 65535 nodata; scale and offset stand in the file
#   radar    float32 linear power; NaN nodata
# and, where the source has one, the scene classification as a last layer `scl` in whole numbers, 0 unknown.
NUMBERS_PER_REFLECTANCE = 10_000
NUMBERS_AT_ZERO = 1_000
NODATA = 65_535
METADATA_TAG = "SITEWATCH_SCENE"
LARGEST_BLOCK_PX = 512
_ADDED_LATER = ("product", "ceiling")  # left out where they say nothing, so that a scene keeps its bytes
SCL = "scl"

Layers = npt.NDArray[np.uint16] | npt.NDArray[np.float32]


@dataclass(frozen=True)
class Archived:
    """What a file holds: a scene on its grid."""

    scene: Scene
    grid: Grid


def encode(scene: Scene, grid: Grid) -> bytes:
    """The scene as the bytes of a GeoTIFF, without a clock in it.

    A pixel is stored as nodata in every band unless it is valid and finite in all of them. Raises `ImageryError` for
    pixels that do not fit the grid, or a time without its zone.
    """
    _check(scene, grid)
    layers = _layers(scene)
    with rasterio.Env(), MemoryFile() as file:
        with file.open(**_profile(layers, grid)) as dataset:
            dataset.write(layers)
            dataset.descriptions = [*scene.bands, *([] if scene.scl is None else [SCL])]
            if scene.sensor is Sensor.SENTINEL_2:
                scaled, whole = len(scene.bands), len(layers) - len(scene.bands)
                dataset.scales = [1 / NUMBERS_PER_REFLECTANCE] * scaled + [1.0] * whole
                dataset.offsets = [-NUMBERS_AT_ZERO / NUMBERS_PER_REFLECTANCE] * scaled + [0.0] * whole
            dataset.update_tags(**{METADATA_TAG: _metadata(scene, grid)})
        return bytes(file.getbuffer())


def decode(content: bytes, *, sha256: str) -> Archived:
    """The scene and grid that `encode` was given, as far as the file can hold them.

    Raises `ImageryError` when the bytes are not such a file.
    """
    try:
        with rasterio.Env(), MemoryFile(content) as file, file.open(driver="GTiff") as dataset:
            check_raster(dataset)
            layers, said = dataset.read(), json.loads(dataset.tags()[METADATA_TAG])
        return Archived(_scene(layers, said, sha256=sha256), Grid(**said["grid"]))
    except (RasterFileError, *DAMAGE, LookupError, AttributeError, RecursionError) as error:
        raise ImageryError(f"the bytes are not an archived scene ({printable(error)})") from error


def decode_head(path: Path, *, sha256: str) -> Scene:
    """The scene of a file without its pixels, whose arrays have no rows.

    Raises `ImageryError` when there is no such file.
    """
    try:
        with rasterio.open(path, driver="GTiff") as dataset:
            check_raster(dataset)
            count, said = dataset.count, json.loads(dataset.tags()[METADATA_TAG])
        return _scene(np.empty((count, 0, 0), np.float32), said, sha256=sha256)
    except (RasterFileError, *DAMAGE, LookupError, AttributeError, RecursionError) as error:
        raise ImageryError(f"{path} is not an archived scene ({printable(error)}); restore it from a copy") from error


def _check(scene: Scene, grid: Grid) -> None:
    if scene.pixels.shape != (len(scene.bands), *grid.shape) or not scene.bands:
        raise ImageryError(
            f"scene `{scene.scene_id}`: pixels of shape {scene.pixels.shape} do not fit {len(scene.bands)} bands on "
            f"a grid of {grid.shape}; read it onto the area's grid"
        )
    if scene.acquired.tzinfo is None:
        raise ImageryError(f"scene `{scene.scene_id}`: acquired {scene.acquired} has no time zone; give it in UTC")


def _layers(scene: Scene) -> Layers:
    measured = scene.valid & np.all(np.isfinite(scene.pixels), axis=0)
    if scene.sensor is Sensor.SENTINEL_2:
        bands: Layers = _numbers(scene.pixels, measured)
    else:
        bands = np.where(measured, scene.pixels, np.float32(np.nan)).astype(np.float32)
    return bands if scene.scl is None else np.concatenate([bands, scene.scl[np.newaxis].astype(bands.dtype)])


def _numbers(reflectance: npt.NDArray[np.float32], measured: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint16]:
    numbers = np.empty(reflectance.shape, np.uint16)
    for layer, band in zip(numbers, reflectance, strict=True):  # band by band, as scenes of towns are large
        scaled = np.where(measured, band, np.float32(0)) * np.float32(NUMBERS_PER_REFLECTANCE)
        layer[...] = np.clip(np.rint(scaled) + np.float32(NUMBERS_AT_ZERO), 0, NODATA - 1)
        layer[~measured] = NODATA
    return numbers


def _reflectance(numbers: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
    reflectance: npt.NDArray[np.float32] = numbers.astype(np.float32)
    reflectance -= np.float32(NUMBERS_AT_ZERO)  # in place: an array of a large area takes as much memory as all else
    reflectance *= np.float32(1 / NUMBERS_PER_REFLECTANCE)
    reflectance[numbers == NODATA] = np.nan
    return reflectance


def _profile(layers: Layers, grid: Grid) -> dict[str, object]:
    is_float = layers.dtype == np.float32
    return {
        "driver": "GTiff",
        "dtype": layers.dtype.name,
        "count": len(layers),
        "height": grid.height,
        "width": grid.width,
        "crs": crs_of(grid.epsg),
        "transform": grid.transform,
        "nodata": np.nan if is_float else NODATA,
        "tiled": True,
        "blockxsize": _block_px(grid.width),
        "blockysize": _block_px(grid.height),
        "interleave": "pixel",
        "compress": "zstd",
        "zstd_level": 1,
        "predictor": 3 if is_float else 2,
    }


def _block_px(side_px: int) -> int:
    """A multiple of 16, as TIFF asks; one block where the chip is small, since padding costs as much as data."""
    return min(LARGEST_BLOCK_PX, -(-side_px // 16) * 16)


def _metadata(scene: Scene, grid: Grid) -> str:
    said = {
        "scene_id": scene.scene_id,
        "sensor": scene.sensor,
        "acquired": scene.acquired.astimezone(UTC).isoformat(),
        "bands": scene.bands,
        "grid": asdict(grid),
        "provenance": {k: v for k, v in asdict(scene.provenance).items() if k not in _ADDED_LATER or v},
    }
    return json.dumps(said, sort_keys=True)


def _scene(layers: Layers, said: dict[str, Any], *, sha256: str) -> Scene:
    sensor, bands = Sensor(said["sensor"]), tuple(said["bands"])
    stored = layers[: len(bands)]
    is_optical = sensor is Sensor.SENTINEL_2
    pixels = _reflectance(stored.astype(np.uint16, copy=False)) if is_optical else stored.astype(np.float32, copy=False)
    where = said["provenance"]
    provenance = where | {name: tuple(where.get(name, ())) for name in ("item_ids", "offered")}
    provenance["product"] = OpticalProduct(where.get("product", ""))
    return Scene(
        scene_id=said["scene_id"],
        sensor=sensor,
        acquired=datetime.fromisoformat(said["acquired"]),
        bands=bands,
        pixels=pixels,
        valid=np.all(np.isfinite(pixels), axis=0),
        scl=layers[-1].astype(np.uint8) if len(layers) > len(bands) else None,
        provenance=Provenance(**provenance),
        sha256=sha256,
    )
