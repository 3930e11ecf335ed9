"""How a raster lies on an area's grid."""

from __future__ import annotations

import math
from functools import cache, lru_cache

from rasterio.crs import CRS
from rasterio.io import DatasetReader
from rasterio.warp import transform_bounds

from aois.grid import Grid

METRES_PER_DEGREE = 111_195.0  # of a sphere of 6,371,008.8 m; within 0.6 % anywhere on the ellipsoid
ALIGNED_PX = 1e-6  # two grids further apart than this share of a pixel do not coincide


@cache
def crs_of(epsg: int) -> CRS:
    """The CRS of an EPSG code, looked up once: the look-up costs as much as reading a small chip."""
    return CRS.from_epsg(epsg)


def native_pixel_m(dataset: DatasetReader, grid: Grid) -> float:
    """The side in metres of a square as large as one native pixel, at the grid's latitude when in degrees."""
    pixel = dataset.transform
    side = math.sqrt(abs(pixel.a * pixel.e - pixel.b * pixel.d))
    if not dataset.crs.is_geographic:
        return round(side * float(dataset.crs.linear_units_factor[1]), 3)
    return round(side * METRES_PER_DEGREE * math.sqrt(math.cos(math.radians(_latitude(grid)))), 3)


def has_overlap(dataset: DatasetReader, grid: Grid) -> bool:
    """True where the raster's rectangle and the grid's meet."""
    west, south, east, north = _bounds_in(dataset.crs.to_wkt(), grid)
    left, bottom, right, top = dataset.bounds
    return bool(west < right and left < east and south < top and bottom < north)


def pixels_within(dataset: DatasetReader, grid: Grid) -> float:
    """How many of the raster's pixels the grid's rectangle covers, in its own CRS; at most all."""
    west, south, east, north = _bounds_in(dataset.crs.to_wkt(), grid)
    pixel = dataset.transform
    covered = abs((east - west) * (north - south)) / abs(pixel.a * pixel.e - pixel.b * pixel.d)
    return min(float(covered), float(dataset.width * dataset.height))


@lru_cache(maxsize=256)
def _latitude(grid: Grid) -> float:
    _, south, _, north = grid.bounds_lonlat
    return (south + north) / 2


@lru_cache(maxsize=256)
def _bounds_in(crs_wkt: str, grid: Grid) -> tuple[float, float, float, float]:
    """The grid's bounds in another CRS; kept, since the assets of a catalog share theirs and this costs 10 ms."""
    west, south, east, north = transform_bounds(crs_of(grid.epsg), CRS.from_wkt(crs_wkt), *grid.bounds)
    return west, south, east, north


def is_coincident(dataset: DatasetReader, grid: Grid) -> bool:
    """True where each of the raster's pixels is one of the grid's: reading then needs no resampling."""
    pixel, size = dataset.transform, grid.pixel_size_m
    shape = (pixel.a - size, pixel.b, pixel.d, pixel.e + size)
    steps = ((pixel.c - grid.left) / size, (pixel.f - grid.top) / size)
    return (
        all(abs(difference) < ALIGNED_PX * size for difference in shape)
        and all(abs(step - round(step)) < ALIGNED_PX for step in steps)
        and bool(dataset.crs == crs_of(grid.epsg))
    )
