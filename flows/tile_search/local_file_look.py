"""A look whose files lie on the tile's own pixels: numbers go straight from their blocks into the kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window as RasterWindow

from detectors.tile_search.clear_mask import SPREAD, clear_strip
from detectors.tile_search.update import Bytes, Numbers
from flows.tile_search.look import Reader, WindowPixels, hidden
from flows.tile_search.tile import WideError, Window

Open = Callable[[str], AbstractContextManager[DatasetReader]]


@contextmanager
def open_geotiff(path: str) -> Iterator[DatasetReader]:
    """Open a GeoTIFF of our own for reading; no other driver is asked."""
    with rasterio.open(path, driver="GTiff") as file:
        yield file


@dataclass(frozen=True)
class BandFile:
    """A band of a file: path or address, index from 1, and the file's row and column of the tile's first pixel.

    Rows and columns are of 10 m, also in the scene classification, which may begin between two of its own. `opened`
    is how the file is opened.
    """

    path: str
    index: int
    top: int
    left: int
    opened: Open = field(default=open_geotiff, compare=False)


@dataclass(frozen=True)
class FileLook:
    """Red and near infrared in uint16 on the tile's own 10 m pixels, and a scene classification of 20 m or none.

    `added` is what makes a number of the files one of reflectance × 10,000 + 1,000: 0 from processing baseline 04.00
    on, 1,000 before it or where the offset was taken off. 0 is no measurement.
    """

    look_id: str
    day: date
    red: BandFile
    nir: BandFile
    classes: BandFile | None
    added: int = 0

    def prepare(self) -> None:
        """The files are there."""

    def forget(self) -> None:
        """The files are not ours."""

    @contextmanager
    def open(self) -> Iterator[Reader]:
        """The files, open until the end of the context."""
        with ExitStack() as files:
            try:
                red, nir = (files.enter_context(band.opened(band.path)) for band in (self.red, self.nir))
                classes = files.enter_context(self.classes.opened(self.classes.path)) if self.classes else None
            except RasterioError as error:
                raise unreadable(self.look_id) from error
            yield _OpenFiles(self, red, nir, classes)


@dataclass(frozen=True)
class _OpenFiles:
    look: FileLook
    red: DatasetReader
    nir: DatasetReader
    classes: DatasetReader | None

    def read(self, window: Window) -> WindowPixels | None:
        """The window, or None where nothing of it was seen clearly."""
        try:
            return self._read(window)
        except RasterioError as error:
            raise unreadable(self.look.look_id) from error

    def _read(self, window: Window) -> WindowPixels | None:
        clear = self._clear(window)
        if clear is not None and not clear.any():
            return None
        red = self._numbers(self.red, self.look.red, window)
        nir = self._numbers(self.nir, self.look.nir, window)
        if clear is None:
            clear = np.ones(red.shape, np.uint8)
        return WindowPixels(red, nir, clear) if red.any() else None

    def _numbers(self, file: DatasetReader, band: BandFile, window: Window) -> Numbers:
        numbers: Numbers = _read(file, band, window)
        if self.look.added:
            lifted = np.minimum(numbers.astype(np.uint32) + self.look.added, np.iinfo(np.uint16).max)
            numbers = np.where(numbers > 0, lifted, 0).astype(np.uint16)
        return numbers

    def _clear(self, window: Window) -> Bytes | None:
        """The window's clear pixels by the classes of it and of a rim around it."""
        if self.classes is None or self.look.classes is None:
            return None
        band = self.look.classes
        top, left = window.top + band.top, window.left + band.left
        row, column = top // 2, left // 2
        rows, columns = -(-(top + window.rows) // 2) - row, -(-(left + window.columns) // 2) - column
        wider = Window(row - SPREAD, column - SPREAD, rows + 2 * SPREAD, columns + 2 * SPREAD)
        classes: Bytes = _read(self.classes, BandFile(band.path, band.index, 0, 0), wider)
        clear = clear_strip(classes, halo=(SPREAD, SPREAD))
        first_row, first_column = top - 2 * row, left - 2 * column + 2 * SPREAD
        here = clear[first_row : first_row + window.rows, first_column : first_column + window.columns]
        return np.ascontiguousarray(here)


def unreadable(look_id: str) -> WideError:
    """The error for a look with a missing or damaged file, whose address may hold a key and stays in the cause."""
    return WideError(
        f"look `{look_id}`: a file of it cannot be read; check that it is there and whole, fetch it again, or take its "
        "item out of the catalog"
    )


def _read(file: DatasetReader, band: BandFile, window: Window) -> Any:
    """The window; 0 where the file does not reach."""
    top, left = window.top + band.top, window.left + band.left
    first_row, first_column = max(top, 0), max(left, 0)
    end_row, end_column = min(top + window.rows, file.height), min(left + window.columns, file.width)
    if first_row >= end_row or first_column >= end_column:
        return np.zeros((window.rows, window.columns), file.dtypes[band.index - 1])
    inside = RasterWindow(first_column, first_row, end_column - first_column, end_row - first_row)
    numbers = file.read(band.index, window=inside)
    if numbers.shape != (window.rows, window.columns):
        whole = np.zeros((window.rows, window.columns), numbers.dtype)
        whole[first_row - top : end_row - top, first_column - left : end_column - left] = numbers
        return whole
    return numbers


@dataclass(frozen=True)
class MosaicLook:
    """Looks of one day that each show a part of the tile; where they overlap the first wins."""

    look_id: str
    day: date
    parts: tuple[FileLook, ...]

    def prepare(self) -> None:
        """The files are there."""

    def forget(self) -> None:
        """The files are not ours."""

    @contextmanager
    def open(self) -> Iterator[Reader]:
        """The files of all parts, open until the end of the context."""
        with ExitStack() as files:
            yield _OpenMosaic(tuple(files.enter_context(part.open()) for part in self.parts))


@dataclass(frozen=True)
class _OpenMosaic:
    parts: tuple[Reader, ...]

    def read(self, window: Window) -> WindowPixels | None:
        """The window, or None where nothing of it was seen clearly."""
        grounds = [ground for part in self.parts if (ground := part.read(window)) is not None]
        if len(grounds) < 2:
            return grounds[0] if grounds else None
        whole = hidden(window)
        for ground in grounds:
            gap = (whole.red == 0) & (ground.red > 0)
            np.copyto(whole.red, ground.red, where=gap)
            np.copyto(whole.nir, ground.nir, where=gap)
            np.copyto(whole.clear, ground.clear, where=gap)
        return whole
