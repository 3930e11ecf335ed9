"""Between footprints on a grid and polygons on the globe."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.features import rasterize, shapes
from shapely.geometry import MultiPolygon, shape
from shapely.geometry.base import BaseGeometry

from aois.grid import Grid, to_lonlat, to_utm
from detectors.footprint import Footprint, empty, trimmed

Mask = npt.NDArray[np.bool_]


def outline_of(footprint: Footprint, grid: Grid) -> MultiPolygon:
    """Draw the pixels of a footprint in longitude and latitude.

    It is valid, its outer rings anticlockwise.
    """
    mask = footprint.mask
    transform = grid.transform @ grid.transform.translation(footprint.left, footprint.top)
    parts = [
        shape(geometry)
        for geometry, value in shapes(mask.astype(np.uint8), mask=mask, connectivity=4, transform=transform)
        if value == 1
    ]
    ground = shapely.make_valid(shapely.union_all(parts))
    polygons = [p for p in getattr(ground, "geoms", [ground]) if p.geom_type == "Polygon"]
    globe = to_lonlat(MultiPolygon(polygons), grid.epsg)
    rounded = shapely.set_precision(globe, 1e-7)
    return MultiPolygon([shapely.geometry.polygon.orient(p) for p in getattr(rounded, "geoms", [rounded])])


def footprint_of(outline: BaseGeometry, grid: Grid) -> Mask:
    """Mark the pixels of a grid whose centres lie within an outline: the inverse of `outline_of`."""
    return pixels_of(outline, grid).frame()


def pixels_of(outline: BaseGeometry, grid: Grid) -> Footprint:
    """List the same pixels as a footprint, whose cost goes by the outline and not by the grid."""
    ground = to_utm(outline, grid.epsg)
    if ground.is_empty:
        return empty(grid.shape)
    left, bottom, right, top = ground.bounds
    rows = _between((grid.top - top) / grid.pixel_size_m, (grid.top - bottom) / grid.pixel_size_m, grid.height)
    columns = _between((left - grid.left) / grid.pixel_size_m, (right - grid.left) / grid.pixel_size_m, grid.width)
    window = rows.stop - rows.start, columns.stop - columns.start
    if not all(window):
        return empty(grid.shape)
    transform = grid.transform @ grid.transform.translation(columns.start, rows.start)
    burnt = rasterize([(ground, 1)], out_shape=window, transform=transform, dtype="uint8")
    return trimmed(burnt == 1, (rows, columns), grid.shape)


def _between(low: float, high: float, size: int) -> slice:
    """Whole pixels around two places, as far as there are any."""
    first, last = max(0, math.floor(low)), min(size, math.ceil(high))
    return slice(first, max(first, last))
