"""Between footprints on a grid and polygons on the globe."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.features import rasterize, shapes
from shapely.geometry import MultiPolygon, shape
from shapely.geometry.base import BaseGeometry

from aois.grid import Grid, to_lonlat, to_utm
from detectors.footprint import Footprint

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
    ground = to_utm(outline, grid.epsg)
    burnt = rasterize([(ground, 1)], out_shape=grid.shape, transform=grid.transform, dtype="uint8")
    return np.asarray(burnt == 1)
