"""A walled compound: yard, large roofs in rows, a wall around, a drive to the road."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import LineString, Polygon, box
from shapely.geometry.base import BaseGeometry

from flows.imagery.simulation.land.canvas import Canvas, Layers, Stroke, paint
from flows.imagery.simulation.land.land_cover import ROOFS, Cover
from flows.imagery.simulation.land.terrain import Country, way_between
from flows.imagery.simulation.noise import fractal_noise

WALL_HEIGHT_M = 3.0
_ROOF_HEIGHT_M = (6.0, 13.0)
_WALL_HALF_M = 1.25


@dataclass(frozen=True)
class Compound:
    """One compound as it stands before the story: its ground and its buildings, in metres."""

    ground: Polygon
    buildings: tuple[Stroke, ...]


def angle_of(polygon: Polygon) -> float:
    """Direction of the longest side of the polygon's smallest rectangle, in degrees from east."""
    corners = np.array(polygon.minimum_rotated_rectangle.exterior.coords)
    sides = np.diff(corners[:3], axis=0)
    longest = sides[int(np.argmax(np.hypot(sides[:, 0], sides[:, 1])))]
    return float(np.degrees(np.arctan2(longest[1], longest[0])))


def plan_compound(ground: Polygon, rng: np.random.Generator) -> Compound:
    """Rows of large roofs inside a wall; a ground too small for rows gets one building."""
    angle = angle_of(ground)
    upright = affinity.rotate(ground, -angle, origin=ground.centroid)
    inside = upright.buffer(-9.0)
    plots = [plot for plot in _rows(upright.bounds, rng) if inside.contains(plot)]
    if not plots:
        plots = [affinity.scale(box(*upright.bounds), 0.45, 0.45)]
    roofs = rng.choice(np.array([int(roof) for roof in ROOFS]), len(plots), p=(0.3, 0.3, 0.15, 0.25))
    heights = rng.uniform(*_ROOF_HEIGHT_M, len(plots))
    turned = (affinity.rotate(plot, angle, origin=ground.centroid) for plot in plots)
    strokes = tuple(
        Stroke(plot, Cover(int(roof)), float(height)) for plot, roof, height in zip(turned, roofs, heights, strict=True)
    )
    return Compound(ground, strokes)


def _rows(bounds: tuple[float, float, float, float], rng: np.random.Generator) -> list[Polygon]:
    """Candidate plots in rows over a box; here and there one is left open."""
    left, bottom, right, top = bounds
    plots = []
    y = bottom + rng.uniform(10, 20)
    while y < top:
        depth = rng.uniform(14, 22)
        x = left + rng.uniform(10, 24)
        while x < right:
            length = rng.uniform(28, 62)
            if rng.random() < 0.72:
                plots.append(box(x, y, x + length, y + depth))
            x += length + rng.uniform(9, 22)
        y += depth + rng.uniform(16, 30)
    return plots


def wall_strokes(ring: BaseGeometry) -> tuple[Stroke, ...]:
    """A wall along a line, one cell thick."""
    return (Stroke(ring.buffer(_WALL_HALF_M, cap_style="flat"), Cover.WALL, WALL_HEIGHT_M),)


def build_compound(
    canvas: Canvas, country: Country, layers: Layers, compound: Compound, *, rng: np.random.Generator
) -> Layers:
    """The drawing with a compound in it: drive, patchy yard, buildings, wall."""
    drive = way_between(compound.ground, country.road).buffer(3.0)
    layers = paint(canvas, layers, (Stroke(drive, Cover.DIRT),))
    layers = _lay_yard(canvas, layers, compound.ground, rng)
    layers = paint(canvas, layers, compound.buildings)
    return paint(canvas, layers, wall_strokes(LineString(compound.ground.exterior)))


def _lay_yard(canvas: Canvas, layers: Layers, ground: Polygon, rng: np.random.Generator) -> Layers:
    """Trodden soil with concrete, grass and a few trees."""
    inside = canvas.mask(ground)
    patches = fractal_noise(rng, canvas.cells, (40 / canvas.cell_m, 14 / canvas.cell_m))
    shrubs = fractal_noise(rng, canvas.cells, (16 / canvas.cell_m, 6 / canvas.cell_m))
    layers = layers.painted(inside, Cover.SOIL)
    layers = layers.painted(inside & (patches > 0.2), Cover.CONCRETE)
    layers = layers.painted(inside & (patches < -0.6), Cover.GRASS)
    return layers.painted(inside & (shrubs > 1.3), Cover.TREES, 5.0)


def parts_of(geometry: shapely.Geometry) -> tuple[Polygon, ...]:
    """The polygons a geometry is made of."""
    return tuple(part for part in shapely.get_parts(geometry) if isinstance(part, Polygon))
