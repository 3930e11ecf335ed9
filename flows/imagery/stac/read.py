"""The pixels of a STAC item on an area's grid, read through a window, never whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.enums import Resampling
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT

from aois.grid import Grid
from flows.imagery.catalog_item import BandAsset, SceneItem
from flows.imagery.georeference import crs_of, has_overlap, is_coincident, native_pixel_m, pixels_within
from flows.imagery.limits import USUAL_LIMITS
from flows.imagery.network.retry import BusyError, RetryPolicy, TransientError
from flows.imagery.network.url import without_secrets
from flows.imagery.radiometry import Calibration, StoredBand, calibration
from flows.imagery.raster_files import DAMAGE, GDAL_SETTINGS, RasterFileError, RasterFiles
from flows.imagery.scene import ImageryError, Sensor
from flows.printable import printable

Read = TypeVar("Read")
USUAL_RETRIES = RetryPolicy()
AVERAGE_FROM = 2.0  # native pixels this many times finer than the grid's are averaged, not interpolated
WARP_TOLERANCE_PX = 0.01  # GDAL's own 0.125 would eat most of the 0.2 px that registration may leave
# Each band is judged by its own nodata. Where native pixels are a little smaller than the grid's, GDAL would widen its
# bilinear kernel, by a factor that varies from block to block, and move ground by up to a quarter of a pixel.
WARP_OPTIONS = {"UNIFIED_SRC_NODATA": "NO", "XSCALE": "1", "YSCALE": "1"}


@dataclass(frozen=True)
class ItemPixels:
    """What one item gives on the grid.

    `pixels` float32 (band, y, x) in reflectance or linear power, NaN where there is none; `valid` bool (y, x), True
    where every band holds a measurement; `scl` uint8 (y, x), 0 unknown, or None. `offset` is what was added after
    scaling, in the first band. `resolution_m` is the finest native pixel among the bands. `ceiling` is the lowest
    reflectance at which numbers of 8 bits end, None where there are none.
    """

    pixels: npt.NDArray[np.float32]
    valid: npt.NDArray[np.bool_]
    scl: npt.NDArray[np.uint8] | None
    offset: float
    resolution_m: float
    ceiling: float | None = None


@dataclass(frozen=True)
class _Band:
    pixels: npt.NDArray[np.float32]
    offset: float
    resolution_m: float
    ceiling: float | None


def read_item(
    item: SceneItem, grid: Grid, bands: Sequence[str], *, files: RasterFiles, retry_policy: RetryPolicy = USUAL_RETRIES
) -> ItemPixels:
    """The named bands of an item on the grid, from the files of its catalog; all invalid where it lies elsewhere.

    A server that asks to wait is waited for. Raises `ImageryError` naming item and asset when a file is missing,
    damaged or without a place on Earth.
    """
    with rasterio.Env(**GDAL_SETTINGS):
        read = [_asked(partial(_read_band, files, item, item.bands[band], grid), retry_policy) for band in bands]
        scl = None if item.scl is None else _asked(partial(_read_scl, files, item, item.scl, grid), retry_policy)
    pixels = np.stack([band.pixels for band in read])
    return ItemPixels(
        pixels=pixels,
        valid=np.all(np.isfinite(pixels), axis=0),
        scl=scl,
        offset=read[0].offset,
        resolution_m=min(band.resolution_m for band in read),
        ceiling=min((band.ceiling for band in read if band.ceiling is not None), default=None),
    )


def _asked(read: Callable[[], Read], retry_policy: RetryPolicy) -> Read:
    """What is read, however often a busy server wants to be left alone; other failures were tried again already."""
    ended: list[TransientError] = []

    def once() -> Read | None:
        try:
            return read()
        except BusyError:
            raise
        except TransientError as error:
            ended.append(error)
            return None

    found = retry_policy.retry(once)
    if found is None:
        raise ended[0]
    return found


def _read_band(files: RasterFiles, item: SceneItem, asset: BandAsset, grid: Grid) -> _Band:
    with opened(files, item, asset) as dataset:
        how = calibration(item, asset, _stored(dataset, asset))
        native_m = native_pixel_m(dataset, grid)
        numbers = _measurements(dataset, asset, grid, nodata=how.nodata, native_m=native_m)
    return _Band(_calibrated(numbers, item.sensor, how), how.offset, native_m, how.ceiling)


def _calibrated(numbers: npt.NDArray[np.float32], sensor: Sensor, how: Calibration) -> npt.NDArray[np.float32]:
    measured = (numbers * how.scale + how.offset).astype(np.float32)
    if sensor is Sensor.SENTINEL_1:
        measured[~(measured > 0)] = np.nan  # power is positive: 0 is a border, less a noise correction gone too far
    return measured


def _measurements(
    dataset: DatasetReader, asset: BandAsset, grid: Grid, *, nodata: float, native_m: float
) -> npt.NDArray[np.float32]:
    """The band's numbers on the grid, NaN where the nearest native pixel holds none.

    Nodata is left out of interpolation and of averages, so no border bleeds; the nearest pixel decides what is valid,
    so that no ground is claimed that was not measured. GDAL interpolates like that by itself, but averages whatever
    it finds.
    """
    if not has_overlap(dataset, grid):
        return np.full(grid.shape, np.nan, np.float32)
    _check_amount(dataset, grid)
    if native_m * AVERAGE_FROM <= grid.pixel_size_m:
        averages = _warped(dataset, asset, grid, nodata=nodata, resampling=Resampling.average)
        nearest = _warped(dataset, asset, grid, nodata=nodata, resampling=Resampling.nearest)
        return np.where(np.isfinite(nearest), averages, np.float32(np.nan))
    smooth = Resampling.nearest if is_coincident(dataset, grid) else Resampling.bilinear
    return _warped(dataset, asset, grid, nodata=nodata, resampling=smooth)


def _read_scl(files: RasterFiles, item: SceneItem, asset: BandAsset, grid: Grid) -> npt.NDArray[np.uint8]:
    with opened(files, item, asset) as dataset:
        if not has_overlap(dataset, grid):
            return np.zeros(grid.shape, np.uint8)
        _check_amount(dataset, grid)
        classes = _warped(dataset, asset, grid, nodata=0.0, resampling=Resampling.nearest)
    return np.clip(np.nan_to_num(classes, nan=0.0), 0, 255).astype(np.uint8)


def _warped(
    dataset: DatasetReader, asset: BandAsset, grid: Grid, *, nodata: float, resampling: Resampling
) -> npt.NDArray[np.float32]:
    with WarpedVRT(
        dataset,
        crs=crs_of(grid.epsg),
        transform=grid.transform,
        width=grid.width,
        height=grid.height,
        resampling=resampling,
        src_nodata=nodata,
        nodata=np.nan,
        dtype="float32",
        tolerance=WARP_TOLERANCE_PX,
        **WARP_OPTIONS,
    ) as warped:
        read: npt.NDArray[np.float32] = warped.read(asset.index)
    return read


def _stored(dataset: DatasetReader, asset: BandAsset) -> StoredBand:
    at = asset.index - 1
    return StoredBand(dataset.dtypes[at], dataset.scales[at], dataset.offsets[at], dataset.nodatavals[at])


def _check_amount(dataset: DatasetReader, grid: Grid) -> None:
    amount = pixels_within(dataset, grid)
    if amount > USUAL_LIMITS.read_pixels:
        raise RasterFileError(f"{amount:.2g} of its pixels lie in the area, too many to read")


@contextmanager
def opened(files: RasterFiles, item: SceneItem, asset: BandAsset) -> Iterator[DatasetReader]:
    """The asset's file, open; whatever goes wrong in it names the item and the asset.

    Raises `TransientError` where it may be read later, and `ImageryError` where it cannot.
    """
    where = f"item `{item.id}`: asset `{asset.key}` at {printable(without_secrets(asset.href))}"
    try:
        with files.open(asset.href) as dataset:
            if dataset.crs is None:
                raise ImageryError(f"{where} has no coordinate reference system; use a georeferenced file")
            if asset.index > dataset.count:
                raise ImageryError(f"{where} has {dataset.count} bands, not {asset.index}; correct the item")
            yield dataset
    except BusyError as error:
        raise BusyError(f"{where} was not given ({error})", wait_s=error.wait_s) from error
    except TransientError as error:
        raise TransientError(f"{where} cannot be read ({error}); the next run asks again") from error
    except (RasterFileError, *DAMAGE) as error:
        said = printable(error) or type(error).__name__
        raise ImageryError(
            f"{where} cannot be read ({said}); check that the file is there and whole, fetch it again, "
            f"or take the item out of the catalog"
        ) from error
