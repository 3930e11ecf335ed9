"""Opening the files of a catalog: GeoTIFF, COG and JPEG 2000, of a size that can be read, and nothing else."""

from __future__ import annotations

import io
import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader

from flows.imagery.bucket_parts import BucketParts
from flows.imagery.catalog_rules import BUCKET
from flows.imagery.jpeg2000 import Read, fault_of_tiles
from flows.imagery.limits import USUAL_LIMITS, Limits
from flows.imagery.network.answer_counts import AnswerCounts
from flows.imagery.network.retry import TransientError
from flows.imagery.network.url import is_url
from flows.imagery.scene import ImageryError
from flows.imagery.web import WebClient, is_page_for_people
from flows.imagery.web_file import PartSource, WebFile
from flows.printable import printable

GEOTIFF, JPEG2000 = "GTiff", "JP2OpenJPEG"
_BEGINNINGS = {
    b"II*\0": GEOTIFF,
    b"MM\0*": GEOTIFF,
    b"II+\0": GEOTIFF,
    b"MM\0+": GEOTIFF,
    b"\0\0\0\x0cjP  ": JPEG2000,
    b"\xff\x4f\xff\x51": JPEG2000,
}
_HEAD, _START = 12, 200
SMALLEST_PIXEL = 1e-18  # square degrees or metres: below what any number of a position can tell apart
_NAME = "file"  # what GDAL is told: the address stays with us
# Side files are never looked for: they would cost requests, and may name other files.
GDAL_SETTINGS = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}
# What rasterio raises for a file that is damaged on purpose, beside its own errors.
DAMAGE = (
    RasterioError,
    CPLE_BaseError,
    NotGeoreferencedWarning,
    ArithmeticError,
    ValueError,
    TypeError,
    MemoryError,
)
# GDAL remarks on odd files at length, in words of the file; what keeps one from being read is raised.
for _part in ("_env", "_err"):
    logging.getLogger(f"rasterio.{_part}").setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)  # it is refused in words


class RasterFileError(ImageryError):
    """A file cannot be used; the message says why, and leaves its name to whoever knows it."""


class RasterFiles:
    """The files of one catalog, as far as they may be opened. Safe to use from several threads."""

    def __init__(self, web: WebClient | None = None, limits: Limits = USUAL_LIMITS) -> None:
        """Of a catalog whose files on the web are asked for through `web`."""
        self._web = web
        self._buckets = BucketParts(limits)
        self._limits = limits

    @property
    def answers(self) -> AnswerCounts:
        """How the hosts and the object stores of the catalog have answered so far."""
        on_web = AnswerCounts() if self._web is None else self._web.counter.counts
        return on_web + self._buckets.counter.counts

    @contextmanager
    def open(self, place: str) -> Iterator[DatasetReader]:
        """Open a file for reading: a path, an address of the web, or of an object store, as its rules resolved it.

        Raises `TransientError` where it may be there later, and `RasterFileError` for what is no GeoTIFF or JPEG 2000,
        is damaged, or larger than the limits.
        """
        if is_url(place):
            if self._web is None:
                raise RasterFileError("it is on the web, but the catalog is not")
            with self._in_parts(self._web, place) as dataset:
                yield dataset
        elif place.startswith(BUCKET):
            with self._in_parts(self._buckets, place) as dataset:
                yield dataset
        else:
            with self._on_disk(place) as dataset:
                yield dataset

    @contextmanager
    def _in_parts(self, parts: PartSource, address: str) -> Iterator[DatasetReader]:
        files = [WebFile(parts, address)]
        try:
            driver = _driver_of(_parts_of(files[0]))
        finally:
            _pass_on(files)  # what kept it from being read says more than what is missing then
        handed: list[WebFile] = []

        def opener(path: str, mode: str = "rb", **_: Any) -> WebFile:
            if path != _NAME or "w" in mode or "+" in mode:
                raise FileNotFoundError(path)
            file = files[0] if not handed else WebFile(parts, address)
            file.seek(0)
            handed.append(file)
            return file

        try:
            # GDAL's own threads would find no file: rasterio knows its openers by thread, and GDAL gives zeros then
            with (
                rasterio.Env(**GDAL_SETTINGS, GDAL_NUM_THREADS=1),
                rasterio.open(_NAME, driver=driver, opener=opener) as dataset,
            ):
                check_raster(dataset, self._limits)
                yield dataset
        except DAMAGE as error:
            _pass_on(handed)
            raise RasterFileError(_words(error)) from error
        _pass_on(handed)

    @contextmanager
    def _on_disk(self, path: str) -> Iterator[DatasetReader]:
        try:
            if not Path(path).is_file():
                raise RasterFileError("there is no such file")
            with Path(path).open("rb") as file:
                driver = _driver_of(_parts_of(file))
        except (OSError, ValueError) as error:
            raise RasterFileError(printable(getattr(error, "strerror", None) or error)) from error
        try:
            with rasterio.Env(**GDAL_SETTINGS), rasterio.open(path, driver=driver) as dataset:
                check_raster(dataset, self._limits)
                yield dataset
        except DAMAGE as error:
            raise RasterFileError(_words(error)) from error


def _pass_on(files: list[WebFile]) -> None:
    """Whatever kept GDAL from reading a file is raised."""
    failure = next((file.failure for file in files if file.failure is not None), None)
    if isinstance(failure, TransientError):
        raise failure
    if failure is not None:
        raise RasterFileError(str(failure)) from failure


def _driver_of(read: Read) -> str:
    head = read(0, _HEAD)
    driver = next((driver for beginning, driver in _BEGINNINGS.items() if head.startswith(beginning)), None)
    if driver is None and is_page_for_people(read(0, _START)):
        raise RasterFileError("its server gave a page for people (HTML) in place of the file; the next run asks again")
    if driver is None:
        what = f"it begins with `{printable(head.decode('latin-1'))}`" if head else "it is empty"
        raise RasterFileError(f"it is neither a GeoTIFF nor a JPEG 2000 file: {what}")
    if driver == JPEG2000:
        _check_tiles(read)
    return driver


def _check_tiles(read: Read) -> None:
    if fault := fault_of_tiles(read):
        raise RasterFileError(fault)


def _parts_of(file: io.BufferedReader | io.RawIOBase) -> Read:
    def read(offset: int, size: int) -> bytes:
        file.seek(offset)
        return file.read(size) or b""

    return read


def check_raster(dataset: DatasetReader, limits: Limits = USUAL_LIMITS) -> None:
    """Check that a raster can be read within the limits, and has a place on Earth that can be reckoned with.

    Raises `RasterFileError` for one that cannot or has none.
    """
    if dataset.count > limits.bands or dataset.width * dataset.height > limits.raster_pixels:
        raise RasterFileError(f"it has {dataset.width} × {dataset.height} px in {dataset.count} bands, too many")
    rows, columns = dataset.block_shapes[0]
    is_mixed = dataset.tags(ns="IMAGE_STRUCTURE").get("INTERLEAVE") == "PIXEL"
    block_bytes = rows * columns * _pixel_bytes(dataset.dtypes[0]) * (dataset.count if is_mixed else 1)
    if block_bytes > limits.block_bytes:
        raise RasterFileError(
            f"a strip or tile of it takes {block_bytes / 1e6:.0f} MB unpacked, and {limits.block_bytes / 1e6:.0f} MB "
            f"are allowed; use a tiled file"
        )
    pixel = dataset.transform
    has_size = all(map(math.isfinite, pixel[:6])) and abs(pixel.a * pixel.e - pixel.b * pixel.d) >= SMALLEST_PIXEL
    if not has_size or pixel.is_identity:
        raise RasterFileError("its pixels have no size or place on Earth")
    if dataset.crs is not None and not (dataset.crs.is_projected or dataset.crs.is_geographic):
        raise RasterFileError("its coordinate reference system is not that of a map")


def _pixel_bytes(dtype: str) -> int:
    try:
        return np.dtype(dtype).itemsize
    except TypeError:
        return 16  # such as complex_int16; no type is wider


def _words(error: BaseException) -> str:
    return printable(error) or type(error).__name__
