"""What happens at an area, step by step, and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from shapely import affinity
from shapely.geometry import LineString, Polygon, box
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from detectors.records import Change
from flows.imagery.simulation.land.canvas import Canvas, Layers, Stroke
from flows.imagery.simulation.land.compound import Compound, angle_of, wall_strokes
from flows.imagery.simulation.land.land_cover import Cover
from flows.imagery.simulation.land.terrain import Country, way_between
from flows.imagery.simulation.scenario.presets import Story
from flows.imagery.simulation.scenario.siting import open_ground, room_beside

_STRIP_M = 6.0  # cleared ground and service road along a new wall
_NARROWEST_ROOF_M = 4.0
_QUARRIES = 0.4  # share of the places of ordinary change that have one
_SPACIOUS_PX = 100  # a region narrower than this has no room for what should stand apart


@dataclass(frozen=True)
class ExpectedChange:
    """What a watch should find of a step: the kind of change, where, and how long if it is a line.

    `ordinary` marks a real change that is none of the watch's business: finding it is no error and missing it is none
    either.
    """

    change: Change
    footprint: BaseGeometry
    length_m: float | None = None
    ordinary: bool = False


@dataclass(frozen=True)
class ScenarioStep:
    """One thing that happens on one day and stays; without an outcome it finishes an earlier step."""

    begins: date
    phase: str
    strokes: tuple[Stroke, ...]
    outcome: ExpectedChange | None = None


@dataclass(frozen=True)
class Plot:
    """Everything a story needs to know of the place it happens in."""

    canvas: Canvas
    country: Country
    layers: Layers
    compounds: tuple[Compound, ...]
    story_end: date


@dataclass(frozen=True)
class Plan:
    """What to draw before the story so that it can happen, and its steps in order of time."""

    preparation: tuple[Stroke, ...] = ()
    steps: tuple[ScenarioStep, ...] = ()


def plan_story(story: Story, plot: Plot, rng: np.random.Generator) -> Plan:
    """The plan of a story at its place; the same draws give the same plan."""
    plan = _PLANNERS[story](plot, rng)
    return Plan(plan.preparation, tuple(sorted(plan.steps, key=lambda step: step.begins)))


def _before(plot: Plot, weeks: float) -> date:
    return plot.story_end - timedelta(days=round(7 * weeks))


def _quiet(plot: Plot, rng: np.random.Generator) -> Plan:
    return Plan()


def _expand(plot: Plot, rng: np.random.Generator) -> Plan:
    """Ground broken outside one side of the compound, then its wall, then large roofs one by one."""
    strip = room_beside(plot.canvas, plot.compounds[0].ground, length_m=120.0, depth_m=60.0)
    wall = LineString(strip.exterior)
    steps = [
        _ground_broken(plot, strip, weeks=20),
        ScenarioStep(_before(plot, 17), "wall", wall_strokes(wall), _fenced(wall)),
    ]
    roofs = _roofs_in(strip, 4, rng, inset_m=6.0)
    fallow = Stroke(strip.buffer(12.0), Cover.GRASS)
    return Plan((fallow,), (*steps, *_raise_roofs(plot, roofs, weeks=(13, 8))))


def _wall(plot: Plot, rng: np.random.Generator) -> Plan:
    """A ring of wall, cleared strip and service road in open ground; buildings inside come much later."""
    ring = open_ground(plot.canvas, plot.layers, (170.0, 130.0), rng, near=plot.compounds[0].ground)
    line = LineString(ring.exterior)
    strip = line.buffer(_STRIP_M / 2, cap_style="flat", join_style="mitre")
    strokes = (Stroke(strip, Cover.FRESH), *wall_strokes(line))
    steps = [ScenarioStep(_before(plot, 15), "wall", strokes, _fenced(line))]
    roofs = _roofs_in(ring, 5, rng, inset_m=14.0)[:3]
    return Plan((), (*steps, *_raise_roofs(plot, roofs, weeks=(4, 4), curing=0)))


def _demolish(plot: Plot, rng: np.random.Generator) -> Plan:
    """Half of the buildings, those on one side, fall to rubble on one day."""
    compound = plot.compounds[0]
    ahead = np.radians(angle_of(compound.ground))
    along = np.array([np.cos(ahead), np.sin(ahead)])
    order = sorted(compound.buildings, key=lambda stroke: float(np.dot(along, _middle(stroke.geometry))))
    fallen = unary_union([stroke.geometry for stroke in order[: (len(order) + 1) // 2]])
    strokes = (Stroke(fallen.buffer(4.0), Cover.RUBBLE), Stroke(fallen.buffer(-5.0), Cover.FRESH))
    return Plan(
        (), (ScenarioStep(_before(plot, 12), "demolition", strokes, ExpectedChange(Change.DEMOLITION, fallen)),)
    )


def _clear(plot: Plot, rng: np.random.Generator) -> Plan:
    """A wood beside the compound loses a hectare and a half."""
    room = room_beside(plot.canvas, plot.compounds[0].ground, length_m=210.0, depth_m=150.0)
    cut = _ragged(room, rng)
    part = min(1.0, np.sqrt(15_000.0 / cut.area))
    cut = affinity.scale(cut, part, part)
    wood = room.buffer(14.0)
    step = ScenarioStep(
        _before(plot, 14), "clearing", (Stroke(cut, Cover.FRESH),), ExpectedChange(Change.CLEARING, cut)
    )
    return Plan((Stroke(wood.difference(plot.compounds[0].ground), Cover.TREES, 8.0),), (step,))


def _new_compound(plot: Plot, rng: np.random.Generator) -> Plan:
    """A compound from nothing; where there is room, an ordinary house and a quarry that has been growing for years."""
    ring = open_ground(plot.canvas, plot.layers, (140.0, 120.0), rng)
    wall = LineString(ring.exterior)
    steps = [
        _road(plot, ring, weeks=22),
        _ground_broken(plot, ring, weeks=22),
        ScenarioStep(_before(plot, 18), "wall", wall_strokes(wall), _fenced(wall)),
        *_raise_roofs(plot, _roofs_in(ring, 5, rng, inset_m=8.0), weeks=(14, 9)),
    ]
    if min(plot.canvas.grid.shape) < _SPACIOUS_PX:
        return Plan((), tuple(steps))
    quarry, digging = _quarry(plot, ring, rng)
    return Plan(quarry, (*steps, _house(plot, ring, rng), *digging))


def _ordinary(plot: Plot, rng: np.random.Generator) -> Plan:
    """What happens anywhere and is nobody's business: a house or two, a field left bare, sometimes a quarry."""
    taken: list[BaseGeometry] = []
    steps = []
    for weeks in rng.uniform(6, 20, int(rng.integers(1, 3))):
        steps.append(_house(plot, unary_union(taken) if taken else None, rng, weeks=float(weeks)))
        taken += [stroke.geometry for stroke in steps[-1].strokes]
    ploughed = open_ground(plot.canvas, plot.layers, (75.0, 45.0), rng, away_from=unary_union(taken))
    outcome = ExpectedChange(Change.CLEARING, ploughed, ordinary=True)
    steps.append(ScenarioStep(_before(plot, 14), "ploughing", (Stroke(ploughed, Cover.SOIL),), outcome))
    if rng.random() < _QUARRIES:
        quarry, digging = _quarry(plot, unary_union([*taken, ploughed]), rng)
        return Plan(quarry, (*steps, *digging))
    return Plan((), tuple(steps))


def _fenced(line: LineString) -> ExpectedChange:
    """A new wall with the six metres that go with it."""
    strip = line.buffer(_STRIP_M / 2, cap_style="flat", join_style="mitre")
    return ExpectedChange(Change.FENCING, strip, line.length)


def _road(plot: Plot, ground: Polygon, *, weeks: float) -> ScenarioStep:
    """The dirt road that is cut to a new compound; nobody is told of a road."""
    way = way_between(ground, plot.country.road).buffer(3.0)
    outcome = ExpectedChange(Change.CLEARING, way.difference(ground), ordinary=True)
    return ScenarioStep(_before(plot, weeks), "road", (Stroke(way, Cover.DIRT),), outcome)


def _ground_broken(plot: Plot, ground: Polygon, *, weeks: float) -> ScenarioStep:
    return ScenarioStep(
        _before(plot, weeks), "ground broken", (Stroke(ground, Cover.FRESH),), ExpectedChange(Change.CLEARING, ground)
    )


def _raise_roofs(
    plot: Plot, roofs: tuple[Stroke, ...], *, weeks: tuple[float, float], curing: float = 2.0
) -> tuple[ScenarioStep, ...]:
    """Roofs closed one after the other between two times, each on a slab poured `curing` weeks before."""
    steps: list[ScenarioStep] = []
    for number, (roof, closed) in enumerate(zip(roofs, np.linspace(*weeks, len(roofs)), strict=True), start=1):
        slab = (Stroke(roof.geometry, Cover.CONCRETE),) if curing else (roof,)
        poured = _before(plot, float(closed) + curing)
        steps.append(
            ScenarioStep(poured, f"building {number}", slab, ExpectedChange(Change.CONSTRUCTION, roof.geometry))
        )
        if curing:
            steps.append(ScenarioStep(_before(plot, float(closed)), f"roof {number}", (roof,)))
    return tuple(steps)


def _roofs_in(ground: Polygon, count: int, rng: np.random.Generator, *, inset_m: float) -> tuple[Stroke, ...]:
    """Long roofs side by side across a rectangle, some metres off its sides; none where they would be mere sheds."""
    angle = angle_of(ground)
    left, bottom, right, top = affinity.rotate(ground, -angle, origin=ground.centroid).bounds
    pitch = (right - left - 2 * inset_m) / count
    roofs = []
    for number in range(count):
        width = min(rng.uniform(15.0, 20.0), pitch - 6.0)
        length = min(rng.uniform(45.0, 60.0), 0.96 * (top - bottom - 2 * inset_m))
        x, y = left + inset_m + (number + 0.5) * pitch, (bottom + top) / 2
        cover = (Cover.BLUE, Cover.ZINC, Cover.GREY)[int(rng.integers(3))]
        upright = box(x - width / 2, y - length / 2, x + width / 2, y + length / 2)
        roof = Stroke(affinity.rotate(upright, angle, origin=ground.centroid), cover, float(rng.uniform(7, 11)))
        roofs.append((min(width, length), roof))
    return tuple(roof for narrowest, roof in roofs if narrowest >= _NARROWEST_ROOF_M)


def _house(plot: Plot, away_from: BaseGeometry | None, rng: np.random.Generator, *, weeks: float = 11) -> ScenarioStep:
    """One ordinary house of three or four pixels."""
    ground = open_ground(plot.canvas, plot.layers, (20.0, 18.0), rng, away_from=away_from)
    roof = Stroke(ground, Cover.TILE, 5.0)
    return ScenarioStep(
        _before(plot, weeks), "house", (roof,), ExpectedChange(Change.CONSTRUCTION, ground, ordinary=True)
    )


def _quarry(
    plot: Plot, away_from: BaseGeometry, rng: np.random.Generator
) -> tuple[tuple[Stroke, ...], tuple[ScenarioStep, ...]]:
    """A pit whose rim moves outwards by some metres a season, since long before the watch."""
    site = open_ground(plot.canvas, plot.layers, (110.0, 110.0), rng, away_from=away_from)
    blob = _ragged(site, rng)
    sizes = np.linspace(0.55, 1.0, 9)
    pits = [affinity.scale(blob, float(size), float(size)) for size in sizes]
    steps = []
    for number, (inner, outer) in enumerate(pairwise(pits)):
        begins = _before(plot, 100 - 12 * number)
        dug = outer.difference(inner)
        outcome = ExpectedChange(Change.CLEARING, dug, ordinary=True)
        steps.append(ScenarioStep(begins, "quarry", (Stroke(dug, Cover.ROCK),), outcome))
    return (Stroke(pits[0], Cover.ROCK),), tuple(steps)


def _ragged(ground: Polygon, rng: np.random.Generator) -> Polygon:
    """A rounded, uneven outline inside a polygon."""
    turns = np.linspace(0, 2 * np.pi, 25)[:-1]
    west, south, east, north = affinity.rotate(ground, -angle_of(ground), origin=ground.centroid).bounds
    corners = rng.uniform(0.0, 0.4, 8)
    bulge = 1 - np.interp(turns, np.linspace(0, 2 * np.pi, 9), np.append(corners, corners[0]))
    x = (east + west) / 2 + bulge * (east - west) / 2 * np.cos(turns)
    y = (north + south) / 2 + bulge * (north - south) / 2 * np.sin(turns)
    return affinity.rotate(Polygon(np.column_stack([x, y])), angle_of(ground), origin=ground.centroid)


def _middle(geometry: BaseGeometry) -> tuple[float, float]:
    return geometry.centroid.x, geometry.centroid.y


_PLANNERS: dict[Story, Callable[[Plot, np.random.Generator], Plan]] = {
    Story.QUIET: _quiet,
    Story.EXPANSION: _expand,
    Story.WALL: _wall,
    Story.DEMOLITION: _demolish,
    Story.CLEARING: _clear,
    Story.NEW_COMPOUND: _new_compound,
    Story.ORDINARY: _ordinary,
}
