"""The country around: fields, scrub, woods, ponds, roads and settlement, before anything of the story is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from flows.imagery.simulation.land.canvas import FINE, Canvas, Field, Layers, Mask
from flows.imagery.simulation.land.fields import Parcels, divide
from flows.imagery.simulation.land.land_cover import Cover
from flows.imagery.simulation.land.land_mix import Terrain
from flows.imagery.simulation.land.surroundings import Surroundings
from flows.imagery.simulation.land.town import build_town
from flows.imagery.simulation.noise import fractal_noise, smooth_noise

_USES = ("water", "paddy", "upland", "grass", "scrub", "wood")


@dataclass(frozen=True)
class Country:
    """The drawn country: its layers, its fields, which are paddies, its relief (per pixel), its main road."""

    layers: Layers = field(repr=False)
    parcels: Parcels = field(repr=False)
    is_paddy: npt.NDArray[np.bool_] = field(repr=False)
    elevation: Field = field(repr=False)
    road: LineString


def draw_country(
    canvas: Canvas, terrain: Terrain, rng: np.random.Generator, *, around: Surroundings | None = None
) -> Country:
    """The country of an area, by the shares its terrain asks for, or of a sheet that fits those around it."""
    if around is None:
        elevation = fractal_noise(rng, canvas.cells, (420 / canvas.cell_m, 160 / canvas.cell_m))
    else:
        elevation = around.elevation(canvas)
    parcels = divide(canvas, elevation, rng, is_sheet=around is not None)
    use = _land_use(parcels, terrain)
    layers = _cover_land(canvas, parcels, use, rng)
    roads = around.roads if around else (_main_road(canvas, rng),)
    town = around.town_mask(canvas) if around else _town_mask(canvas, roads[0], terrain.town, rng)
    layers = build_town(canvas, layers, town, rng)
    layers = _pave(canvas, layers, roads, parcels, rng)
    return Country(layers, parcels, use == _USES.index("paddy"), canvas.to_pixels(elevation), roads[0])


def _land_use(parcels: Parcels, terrain: Terrain) -> npt.NDArray[np.int64]:
    """The use of every field: water lies lowest, wood highest."""
    shares = np.cumsum([getattr(terrain, use) for use in _USES])
    return np.searchsorted(shares / shares[-1], parcels.rank, side="right").clip(0, len(_USES) - 1)


def _cover_land(canvas: Canvas, parcels: Parcels, use: npt.NDArray[np.int64], rng: np.random.Generator) -> Layers:
    """Crops with their bunds, grass, scrub, woods and ponds."""
    here = use[parcels.ids]
    bushes = fractal_noise(rng, canvas.cells, (24 / canvas.cell_m, 9 / canvas.cell_m))
    bare = smooth_noise(rng, canvas.cells, 18 / canvas.cell_m)
    bund = parcels.edge_m < 1.4
    grown = np.select([bushes > 0.55, bare > 1.1], [Cover.TREES, Cover.SOIL], Cover.GRASS)
    meadow = np.select([bushes > 1.7, bare > 1.3], [Cover.TREES, Cover.SOIL], Cover.GRASS)
    wood = np.where(bushes > -1.2, Cover.TREES, Cover.GRASS)
    field_cover = np.where(bund, Cover.GRASS, Cover.CROP)
    pond = np.where(parcels.edge_m > 5, Cover.WATER, Cover.GRASS)
    cover = np.choose(here, [pond, field_cover, field_cover, meadow, grown, wood])
    cover = np.where(_hedges(canvas, parcels, use, rng), Cover.TREES, cover).astype(np.uint8)
    tall = np.where(here == _USES.index("wood"), 9.0, 4.0) + 1.5 * bushes
    return Layers(cover, np.where(cover == Cover.TREES, np.maximum(tall, 2.0), 0.0).astype(np.float32))


def _hedges(canvas: Canvas, parcels: Parcels, use: npt.NDArray[np.int64], rng: np.random.Generator) -> Mask:
    """Rows of trees along the sides of some fields."""
    planted = (rng.random(parcels.count) < 0.22) & (use != _USES.index("water"))
    gaps = smooth_noise(rng, canvas.cells, 12 / canvas.cell_m) > 0.0
    return np.asarray((parcels.edge_m < 3.5) & planted[parcels.ids] & gaps)


def _town_mask(canvas: Canvas, road: LineString, share: float, rng: np.random.Generator) -> Mask:
    """The ground nearest to two centres on the road and to the road, as much as the terrain asks for."""
    east, north = canvas.coordinates()
    middle = canvas.extent.centroid
    far = np.full(canvas.cells, np.inf, np.float32)
    for place in rng.uniform(0.3, 0.7, 2):
        centre = road.interpolate(place, normalized=True)
        far = np.minimum(far, np.hypot(east - (centre.x - middle.x), north - (centre.y - middle.y)))
    beside = np.kron(canvas.distance_to(road), np.ones((FINE, FINE), np.float32))
    far = far + 1.6 * beside + 110 * fractal_noise(rng, canvas.cells, (150 / canvas.cell_m, 50 / canvas.cell_m))
    return np.asarray(far < np.quantile(far[::FINE, ::FINE], share))


def _main_road(canvas: Canvas, rng: np.random.Generator) -> LineString:
    """A bending road across the canvas that passes by its middle at a distance."""
    left, bottom, right, top = canvas.extent.bounds
    reach = max(right - left, top - bottom)
    heading = rng.uniform(0, 2 * np.pi)
    ahead = np.array([np.cos(heading), np.sin(heading)])
    aside = np.array([-ahead[1], ahead[0]])
    distance = min(right - left, top - bottom) * rng.uniform(0.28, 0.40)
    steps = np.linspace(-reach, reach, 9)
    bend = distance + np.cumsum(rng.normal(0, reach * 0.012, 9))
    middle = np.array([(left + right) / 2, (bottom + top) / 2])
    return LineString(middle + steps[:, None] * ahead + bend[:, None] * aside)


def _pave(
    canvas: Canvas, layers: Layers, roads: tuple[LineString, ...], parcels: Parcels, rng: np.random.Generator
) -> Layers:
    """Dirt tracks between the fields, then the paved roads with their verges."""
    road = unary_union(roads)
    for track in _tracks(canvas, parcels.angle, rng):
        layers = layers.painted(canvas.mask(track.buffer(2.2)), Cover.DIRT)
    layers = layers.painted(canvas.mask(road.buffer(7.0)), Cover.GRASS)
    return layers.painted(canvas.mask(road.buffer(4.5)), Cover.ASPHALT)


def _tracks(canvas: Canvas, angle: float, rng: np.random.Generator) -> list[LineString]:
    """Straight tracks along the rows of fields or across them, about three to a square kilometre."""
    left, bottom, right, top = canvas.extent.bounds
    count = max(2, round(3e-6 * canvas.extent.area))
    starts = np.column_stack([rng.uniform(left, right, count), rng.uniform(bottom, top, count)])
    turns = angle + np.where(rng.random(count) < 0.6, 0.0, np.pi / 2)
    ahead = np.column_stack([np.cos(turns), np.sin(turns)])
    lengths = rng.uniform(150, 600, (count, 1))
    return [LineString(ends) for ends in np.stack([starts - ahead * lengths / 2, starts + ahead * lengths / 2], 1)]


def way_between(geometry: BaseGeometry, road: LineString) -> LineString:
    """The shortest way from a place to the road."""
    return shapely.shortest_line(geometry, road)
