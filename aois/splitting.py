"""Regions cut into parts that one machine can watch, each in the UTM zone in which it lies."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from aois.area import Area, AreaError, AreaKind
from aois.feature import ID_PATTERN
from aois.grid import PIXEL_SIZE_M, grid_of, mean_width_m, refuse_outside_zones, to_lonlat, to_utm, utm_epsg
from aois.list_limits import LIMITS

LEAST_SIDE_M, LARGEST_SIDE_M = 2_000.0, 100_000.0
_ZONE, _BEND = 6.0, 0.05  # degrees: a zone's longitude, and how much of a parallel is straight enough in UTM
_BEYOND_M = 1_000.0  # by which the outermost cells reach over the rim, since their sides are straight in degrees
_LEAST_PART_M2 = 100.0 * PIXEL_SIZE_M**2
"""What is left of a cell at the rim of a region and is smaller, or narrower than a pixel, is watched with the part
beside it."""


def split_region(area: Area, *, side_m: float = 20_000.0) -> tuple[Area, ...]:
    """Split a region into parts of the same size that fill it without a gap or an overlap.

    It is cut at the borders of UTM zones and at the equator first, then into equal cells on whole pixels, so that each
    pixel lies in one part and the grids of parts in one zone continue each other.

    Parameters
    ----------
    area
        A region; a site and a region that is small enough stay as they are.
    side_m
        How wide and high a part may be, metres, 2,000 to 100,000.

    Returns
    -------
    tuple of Area, from north to south and west to east in each zone, with the ids `<id>-1`, `<id>-2` and so on.

    Raises
    ------
    AreaError
        When a part may not be of that size, or the region lies outside UTM or across the 180° meridian.
    """
    if not LEAST_SIDE_M <= side_m <= LARGEST_SIDE_M:
        raise AreaError(
            f"a part of {side_m / 1000:g} km cannot be watched; choose {LEAST_SIDE_M / 1000:g} to "
            f"{LARGEST_SIDE_M / 1000:g} km"
        )
    if area.kind is AreaKind.SITE or _fits(area, side_m):
        return (area,)
    refuse_outside_zones(area)
    parts: list[BaseGeometry] = []
    crumbs: list[BaseGeometry] = []
    for geometry, epsg in _zones(area.geometry):
        for cell in _cells(geometry, epsg, side_m):
            wide, narrow = _watchable(cell, epsg)
            crumbs += narrow
            parts += wide
    if len(parts) < 2:
        return (area,)
    for crumb in crumbs:
        beside = max(range(len(parts)), key=lambda n: (parts[n].intersection(crumb).length, -parts[n].distance(crumb)))
        parts[beside] = unary_union([parts[beside], crumb])
    if not ID_PATTERN.fullmatch(f"{area.id}-{len(parts)}"):
        raise AreaError(f"area `{area.id}`: its id is too long for {len(parts)} parts; give it a shorter one")
    return tuple(_part(area, number, len(parts), part) for number, part in enumerate(parts, start=1))


def _part(area: Area, number: int, count: int, geometry: BaseGeometry) -> Area:
    suffix = f", part {number} of {count}"
    name = (area.name or area.id)[: LIMITS.name - len(suffix)] + suffix
    return replace(area, id=f"{area.id}-{number}", name=name, geometry=shapely.orient_polygons(geometry))


def _fits(area: Area, side_m: float) -> bool:
    try:
        return max(grid_of(area).shape) * PIXEL_SIZE_M <= side_m
    except AreaError:
        return False


def _zones(geometry: BaseGeometry) -> Iterator[tuple[BaseGeometry, int]]:
    """What lies in each UTM zone, in longitude and latitude, and the zone's EPSG code."""
    west, south, east, north = geometry.bounds
    longitudes = [n * _ZONE for n in range(math.floor(west / _ZONE), math.ceil(east / _ZONE) + 1)]
    latitudes = [south, *([0.0] if south < 0 < north else []), north]
    for left, right in pairwise(longitudes):
        for low, high in pairwise(latitudes):
            if pieces := _polygons(geometry.intersection(box(left, low, right, high))):
                yield unary_union(pieces), utm_epsg((left + right) / 2, (low + high) / 2)


def _cells(geometry: BaseGeometry, epsg: int, side_m: float) -> Iterator[list[BaseGeometry]]:
    """The polygons that equal cells on whole pixels of a zone cut out of a geometry in longitude and latitude."""
    west, south, east, north = to_utm(shapely.segmentize(geometry, _BEND), epsg).bounds
    columns, rows = _edges(west, east, side_m), _edges(south, north, side_m)[::-1]
    middle = (geometry.bounds[0] + geometry.bounds[2]) / 2
    for high, low in pairwise(rows):
        for left, right in pairwise(columns):
            cell = _unwrapped(to_lonlat(box(left, low, right, high), epsg), middle)
            yield _polygons(geometry.intersection(cell))


def _unwrapped(cell: BaseGeometry, middle: float) -> BaseGeometry:
    """A cell whose longitudes go on beyond 180° where it does."""

    def near(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack([xy[:, 0] - 360.0 * np.round((xy[:, 0] - middle) / 360.0), xy[:, 1]])

    return shapely.transform(cell, near)


def _watchable(pieces: list[BaseGeometry], epsg: int) -> tuple[list[BaseGeometry], list[BaseGeometry]]:
    """What of a cell is a part (at most one), and what is too narrow or too small to be one."""
    on_ground = [to_utm(piece, epsg) for piece in pieces]
    wide = [n for n, piece in enumerate(on_ground) if mean_width_m(piece) >= PIXEL_SIZE_M]
    if sum(on_ground[n].area for n in wide) < _LEAST_PART_M2:
        return [], pieces
    return [unary_union([pieces[n] for n in wide])], [piece for n, piece in enumerate(pieces) if n not in wide]


def _edges(first: float, last: float, side_m: float) -> list[float]:
    """Where cells begin and end along a side, in metres, on multiples of a pixel; the outer ones reach beyond it."""
    low, high = math.floor(first / PIXEL_SIZE_M), math.ceil(last / PIXEL_SIZE_M)
    count = max(1, math.ceil((high - low) * PIXEL_SIZE_M / side_m))
    edges = [float(PIXEL_SIZE_M * edge) for edge in np.linspace(low, high, count + 1).round()]
    return [edges[0] - _BEYOND_M, *edges[1:-1], edges[-1] + _BEYOND_M]


def _polygons(geometry: BaseGeometry) -> list[BaseGeometry]:
    """What of a geometry is ground: its polygons."""
    return [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon" and part.area > 0]
