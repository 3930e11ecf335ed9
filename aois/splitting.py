"""Regions cut into parts that one machine can watch, each in the UTM zone in which it lies."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from aois.area import Area, AreaError, AreaKind
from aois.grid import PIXEL_SIZE_M, to_lonlat, to_utm, utm_epsg

LEAST_SIDE_M, LARGEST_SIDE_M = 2_000.0, 100_000.0
_ZONE, _BEND = 6.0, 0.05  # degrees: a zone's longitude, and how much of a parallel is straight enough in UTM
_BEYOND_M = 1_000.0  # by which the outermost cells reach over the rim, since their sides are straight in degrees
_LEAST_PART_M2 = 100.0 * PIXEL_SIZE_M**2
"""What is left of a cell at the rim of a region and is smaller than that is watched with the part beside it."""


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
        When a part may not be of that size.
    """
    if not LEAST_SIDE_M <= side_m <= LARGEST_SIDE_M:
        raise AreaError(
            f"a part of {side_m / 1000:g} km cannot be watched; choose {LEAST_SIDE_M / 1000:g} to "
            f"{LARGEST_SIDE_M / 1000:g} km"
        )
    if area.kind is AreaKind.SITE:
        return (area,)
    parts = [part for zone in _zones(area.geometry) for part in _cells(*zone, side_m)]
    if len(parts) == 1:
        return (area,)
    name = area.name or area.id
    return tuple(
        replace(area, id=f"{area.id}-{number}", name=f"{name}, part {number} of {len(parts)}", geometry=part)
        for number, part in enumerate(parts, start=1)
    )


def _zones(geometry: BaseGeometry) -> Iterator[tuple[BaseGeometry, int]]:
    """What lies in each UTM zone, in longitude and latitude, and the zone's EPSG code."""
    west, south, east, north = geometry.bounds
    longitudes = [n * _ZONE for n in range(math.floor(west / _ZONE), math.ceil(east / _ZONE) + 1)]
    latitudes = [south, *([0.0] if south < 0 < north else []), north]
    for left, right in pairwise(longitudes):
        for low, high in pairwise(latitudes):
            if part := _polygons(geometry.intersection(box(left, low, right, high))):
                yield part, utm_epsg((left + right) / 2, (low + high) / 2)


def _cells(geometry: BaseGeometry, epsg: int, side_m: float) -> list[BaseGeometry]:
    """A geometry in longitude and latitude cut into equal cells on whole pixels of a zone."""
    west, south, east, north = to_utm(shapely.segmentize(geometry, _BEND), epsg).bounds
    columns, rows = _edges(west, east, side_m), _edges(south, north, side_m)[::-1]
    found: list[BaseGeometry] = []
    crumbs: list[BaseGeometry] = []
    for high, low in pairwise(rows):
        for left, right in pairwise(columns):
            part = _polygons(geometry.intersection(to_lonlat(box(left, low, right, high), epsg)))
            if part:
                (found if to_utm(part, epsg).area >= _LEAST_PART_M2 else crumbs).append(part)
    for crumb in crumbs:
        beside = min(range(len(found)), key=lambda n: found[n].distance(crumb), default=None)
        if beside is None:
            found.append(crumb)
        else:
            found[beside] = unary_union([found[beside], crumb])
    return found


def _edges(first: float, last: float, side_m: float) -> list[float]:
    """Where cells begin and end along a side, in metres, on multiples of a pixel; the outer ones reach beyond it."""
    low, high = math.floor(first / PIXEL_SIZE_M), math.ceil(last / PIXEL_SIZE_M)
    count = max(1, math.ceil((high - low) * PIXEL_SIZE_M / side_m))
    edges = [float(PIXEL_SIZE_M * edge) for edge in np.linspace(low, high, count + 1).round()]
    return [edges[0] - _BEYOND_M, *edges[1:-1], edges[-1] + _BEYOND_M]


def _polygons(geometry: BaseGeometry) -> BaseGeometry | None:
    """What of a geometry is ground: its polygons, None where there are none."""
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon" and part.area > 0]
    return unary_union(parts) if parts else None
