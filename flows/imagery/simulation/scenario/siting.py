"""Finding room on the ground for what a story wants to happen."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import shapely
from scipy.ndimage import uniform_filter
from shapely import affinity
from shapely.geometry import Polygon, box
from shapely.geometry.base import BaseGeometry

from flows.imagery.simulation.land.canvas import Canvas, Field, Layers
from flows.imagery.simulation.land.land_cover import OPEN_GROUND, ROOFS

_SHRINK = (1.0, 0.8, 0.6, 0.45, 0.3)  # tried in turn where the watched ground is too small for the full size
_EDGE_M = 20.0  # kept free along the edge of the watched ground
_LANE_M = 5.0  # between a compound and what is built against it
_APART_M = 15.0  # from the compound that the place lies near
_AWAY_M = 220.0  # from a place that should stand alone


def room_beside(canvas: Canvas, ground: Polygon, *, length_m: float, depth_m: float) -> Polygon:
    """A rectangle along the middle of a side of a compound, outside it and inside the watched ground.

    It shrinks where there is no room; with no margin at all it lies inside the compound.
    """
    watched = box(*canvas.grid.bounds).buffer(-_EDGE_M, join_style="mitre")
    for scale in _SHRINK:
        sides = [strip for strip in _strips(ground, length_m * scale, depth_m * scale) if watched.contains(strip)]
        if sides:
            return max(sides, key=lambda strip: float(strip.distance(watched.exterior)))
    return affinity.scale(ground.minimum_rotated_rectangle, 0.4, 0.4)


def _strips(ground: Polygon, length_m: float, depth_m: float) -> list[Polygon]:
    """Rectangles outside the four sides of the smallest rectangle around a ground, a lane off."""
    corners = np.array(shapely.geometry.polygon.orient(ground.minimum_rotated_rectangle).exterior.coords)
    strips = []
    for start, end in pairwise(corners):
        ahead = (end - start) / np.hypot(*(end - start))
        out = np.array([ahead[1], -ahead[0]])
        foot = (start + end) / 2 + _LANE_M * out
        near, far = foot - ahead * length_m / 2, foot + ahead * length_m / 2
        strips.append(Polygon([near, far, far + depth_m * out, near + depth_m * out]))
    return strips


def open_ground(
    canvas: Canvas,
    layers: Layers,
    size_m: tuple[float, float],
    rng: np.random.Generator,
    *,
    near: BaseGeometry | None = None,
    away_from: BaseGeometry | None = None,
) -> Polygon:
    """The rectangle of a size (or a smaller one, where there is no room) that covers the most open ground.

    It lies outside `near` and close to it, or anywhere far from buildings; always far from `away_from`.
    """
    turn = float(rng.uniform(0, 180))
    for scale in _SHRINK:
        width_m, height_m = size_m[0] * scale, size_m[1] * scale
        score = _openness(canvas, layers, width_m, height_m) + _pull(canvas, layers, near)
        score = np.where(_allowed(canvas, float(np.hypot(width_m, height_m)) / 2, near, away_from), score, -np.inf)
        if np.isfinite(score).any():
            break
    x, y = _best_of(canvas, score)
    return affinity.rotate(box(x - width_m / 2, y - height_m / 2, x + width_m / 2, y + height_m / 2), turn)


def _best_of(canvas: Canvas, score: Field) -> tuple[float, float]:
    """Metres of the pixel that scores best; the middle of the canvas where nothing is allowed."""
    if not np.isfinite(score).any():
        middle = canvas.extent.centroid
        return float(middle.x), float(middle.y)
    row, column = np.unravel_index(int(np.argmax(score)), score.shape)
    east, north = canvas.centres()
    return float(east[row, column]), float(north[row, column])


def _openness(canvas: Canvas, layers: Layers, width_m: float, height_m: float) -> Field:
    """Share of open ground around every pixel."""
    pixels = canvas.to_pixels(np.isin(layers.cover, OPEN_GROUND))
    size_m = canvas.grid.pixel_size_m
    return np.asarray(uniform_filter(pixels, (round(height_m / size_m) + 2, round(width_m / size_m) + 2)), np.float32)


def _pull(canvas: Canvas, layers: Layers, near: BaseGeometry | None) -> Field:
    """Closeness to a place, or remoteness from buildings when there is none."""
    if near is None:
        built = canvas.to_pixels(np.isin(layers.cover, ROOFS))
        return np.asarray(-3.0 * uniform_filter(built, 41, mode="nearest"), np.float32)
    return -canvas.distance_to(near) / np.float32(2000)


def _allowed(
    canvas: Canvas, reach_m: float, near: BaseGeometry | None, away_from: BaseGeometry | None
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """True where a rectangle whose corners lie `reach_m` from its middle keeps its distances."""
    east, north = canvas.centres()
    left, bottom, right, top = canvas.grid.bounds
    inside_m = np.minimum(np.minimum(east - left, right - east), np.minimum(north - bottom, top - north))
    allowed = inside_m > reach_m + _EDGE_M
    if near is not None:
        allowed &= canvas.distance_to(near) > reach_m + _APART_M
    if away_from is not None:
        allowed &= canvas.distance_to(away_from) > reach_m + _AWAY_M
    return np.asarray(allowed)
