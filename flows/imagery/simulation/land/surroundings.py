"""What a sheet of a large area has in common with the sheets around it, so that they fit together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from shapely.geometry import LineString
from shapely.ops import unary_union

from flows.imagery.simulation.land.canvas import FINE, Canvas, Field, Mask
from flows.imagery.simulation.noise import fractal_window

_HILLS_M, _PLAINS_M = (420.0, 160.0), (4_000.0, 1_500.0)  # as within a small area, and from one part to another
_HILLS, _PLAINS = np.float32(0.75), np.float32(0.66)
_EDGE_M, _EDGE_SPACINGS_M = np.float32(110.0), (150.0, 50.0)  # how uneven the edge of a town is
_ALONG_ROAD, _BESIDE_ROAD_M = np.float32(1.6), 400.0  # houses stand along roads, up to there


@dataclass(frozen=True)
class Town:
    """A place where people live: its middle, in metres, and how far it reaches."""

    east: float
    north: float
    radius_m: float


@dataclass(frozen=True)
class Surroundings:
    """The country that a sheet lies in: its number, the roads (main one first) and towns that the sheet meets.

    `begin` is the row and column of the sheet's canvas in the canvas of the whole.
    """

    country: int
    begin: tuple[int, int]
    roads: tuple[LineString, ...]
    towns: tuple[Town, ...]

    def elevation(self, canvas: Canvas) -> Field:
        """Elevation of every cell, deviation 1."""
        hills = self._field("hills", canvas, _HILLS_M)
        return np.asarray(_HILLS * hills + _PLAINS * self._field("plains", canvas, _PLAINS_M), np.float32)

    def town_mask(self, canvas: Canvas) -> Mask:
        """The ground of its towns, which lie along the roads."""
        if not self.towns:
            return np.zeros(canvas.cells, bool)
        east, north = canvas.coordinates()
        middle = canvas.extent.centroid
        beyond = np.full(canvas.cells, np.inf, np.float32)
        for town in self.towns:
            far = np.hypot(east - np.float32(town.east - middle.x), north - np.float32(town.north - middle.y))
            beyond = np.minimum(beyond, far - np.float32(town.radius_m))
        beside = np.minimum(canvas.distance_to(unary_union(self.roads)), np.float32(_BESIDE_ROAD_M))
        beyond += _ALONG_ROAD * np.kron(beside, np.ones((FINE, FINE), np.float32))
        return np.asarray(beyond + _EDGE_M * self._field("edges of towns", canvas, _EDGE_SPACINGS_M) < 0)

    def _field(self, name: str, canvas: Canvas, spacings_m: tuple[float, ...]) -> Field:
        """A field per cell that goes on in the sheets around."""
        rows, columns = (
            range(FINE * start, FINE * start + length) for start, length in zip(self.begin, canvas.cells, strict=True)
        )
        return fractal_window((name, self.country), rows, columns, tuple(s / canvas.cell_m for s in spacings_m))
