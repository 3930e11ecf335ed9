"""Where the ground is drawn: the grid with a rim around it, cut into cells finer than a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.features import rasterize
from rasterio.transform import Affine
from shapely.geometry import Polygon, box
from shapely.geometry.base import BaseGeometry

from aois.grid import Grid
from flows.imagery.simulation.land.land_cover import Cover

FINE = 4  # cells along a pixel's side: 2.5 m, about the thickness of a wall with its footing
RIM = 6  # pixels drawn beyond the grid, so that shifted scenes have something to show there

Mask = npt.NDArray[np.bool_]
Field = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Canvas:
    """The frame of a drawing: pixels are those of the grid plus `RIM` on each side, cells are `FINE` to a pixel."""

    grid: Grid

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of pixels, rim included."""
        return self.grid.height + 2 * RIM, self.grid.width + 2 * RIM

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return self.shape[0] * FINE, self.shape[1] * FINE

    @property
    def cell_m(self) -> float:
        """Side of a cell in metres."""
        return self.grid.pixel_size_m / FINE

    @property
    def transform(self) -> Affine:
        """Cell (column, row) to metres."""
        left, _, _, top = self.extent.bounds
        return Affine(self.cell_m, 0, left, 0, -self.cell_m, top)

    @property
    def extent(self) -> Polygon:
        """The drawn ground, rim included, in metres."""
        left, bottom, right, top = self.grid.bounds
        rim_m = RIM * self.grid.pixel_size_m
        return box(left - rim_m, bottom - rim_m, right + rim_m, top + rim_m)

    def mask(self, geometry: BaseGeometry) -> Mask:
        """True in the cells whose centre lies in a geometry given in metres."""
        if geometry.is_empty:
            return np.zeros(self.cells, bool)
        return np.asarray(rasterize([(geometry, 1)], self.cells, transform=self.transform, dtype="uint8"), bool)

    def coordinates(self) -> tuple[Field, Field]:
        """Metres east (1, x) and north (y, 1) of the middle of the canvas, at cell centres."""
        rows, columns = self.cells
        east = (np.arange(columns) - (columns - 1) / 2) * self.cell_m
        north = ((rows - 1) / 2 - np.arange(rows)) * self.cell_m
        return east.astype(np.float32)[None, :], north.astype(np.float32)[:, None]

    def centres(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Metres east and north of the centre of every pixel, rim included, each (y, x)."""
        left, _, _, top = self.extent.bounds
        size_m = self.grid.pixel_size_m
        rows, columns = self.shape
        east, north = np.meshgrid(left + size_m * (np.arange(columns) + 0.5), top - size_m * (np.arange(rows) + 0.5))
        return east, north

    def distance_to(self, geometry: BaseGeometry) -> Field:
        """Metres from the centre of every pixel, rim included, to a geometry; 0 inside it."""
        shapely.prepare(geometry)
        return np.asarray(shapely.distance(shapely.points(*self.centres()), geometry), np.float32)

    def to_pixels(self, cells: npt.NDArray[np.generic]) -> Field:
        """Cells averaged to pixels, rim included."""
        if cells.dtype == bool:
            return _share_of(cells.view(np.uint8))
        rows, columns = self.shape
        blocks = cells.reshape(rows, FINE, columns, FINE)
        return np.asarray(blocks.mean((1, 3), dtype=np.float32), np.float32)


def _share_of(cells: npt.NDArray[np.uint8]) -> Field:
    """Pixels of cells that are 0 or 1, averaged: counted, which is exact and quick."""
    rows = sum(cells[start::FINE] for start in range(1, FINE)) + cells[::FINE]
    counts = sum(rows[:, start::FINE] for start in range(1, FINE)) + rows[:, ::FINE]
    return np.asarray(counts / np.float32(FINE**2), np.float32)


def crop_rim(pixels: Field) -> Field:
    """The pixels of the grid itself, (..., y, x)."""
    return pixels[..., RIM:-RIM, RIM:-RIM]


@dataclass(frozen=True)
class Layers:
    """A drawing: cover (`Cover`, uint8) and height in metres (float32), both per cell (y, x)."""

    cover: npt.NDArray[np.uint8]
    height: Field

    def painted(self, mask: Mask, cover: Cover, height: float = 0.0) -> Layers:
        """The drawing with one cover and height over the masked cells."""
        return Layers(np.where(mask, np.uint8(cover), self.cover), np.where(mask, np.float32(height), self.height))


@dataclass(frozen=True)
class Stroke:
    """One thing to paint: a geometry in metres, what it becomes, and how high it stands."""

    geometry: BaseGeometry
    cover: Cover
    height: float = 0.0


def paint(canvas: Canvas, layers: Layers, strokes: tuple[Stroke, ...]) -> Layers:
    """The drawing after all strokes, in order."""
    for stroke in strokes:
        layers = layers.painted(canvas.mask(stroke.geometry), stroke.cover, stroke.height)
    return layers
