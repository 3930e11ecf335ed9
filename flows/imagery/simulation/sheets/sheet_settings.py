"""What the sheets of a large area are drawn from: one country with roads and towns, and few stories."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from shapely.geometry import LineString, Point, Polygon, box

from aois.area import Area, AreaKind
from aois.grid import Grid
from flows.imagery.simulation.land.compound import parts_of
from flows.imagery.simulation.land.surroundings import Surroundings, Town
from flows.imagery.simulation.random_streams import generator, number_of
from flows.imagery.simulation.scenario.presets import AreaPreset, Story, recipe_of
from flows.imagery.simulation.sheets.layout import Place, SheetLayout
from flows.imagery.simulation.world import WorldSetting, place_of, yards_of

_SHEETS_PER_COMPOUND, _SHEETS_PER_ORDINARY = 27, 9
_EARLIEST_WEEKS = 5  # by which the story of one sheet may run before that of another
_SHEETS_PER_TOWN, _TOWN_M = 40, (700.0, 1_700.0)  # the radius of a town
_VILLAGES, _VILLAGE_M, _VILLAGES_DIFFER = 3, 260.0, 0.5  # most to a sheet, median radius, its spread as a logarithm
_TOWN_EDGE_M = 500.0  # beyond its radius
_SIDE_ROADS = 0.4  # share of the columns of sheets that a road runs down
_ROAD_WANDERS = 0.3  # of a sheet's side, from its middle
_ROAD_BENDS_M = 60.0
_OVERLAP_M = 150.0  # by which a sheet's roads go on beyond it
_SMALLEST_YARD_M2 = 400.0


def settings_of(area: Area, layout: SheetLayout, *, story_end: date, seed: int) -> dict[Place, WorldSetting]:
    """The setting of every sheet: a pure function of the area, the layout, the story's end and the seed."""
    country = place_of(area, layout.grid, seed)
    recipe = recipe_of(area, seed)
    yards = {place: _yards(area, layout.grid, layout.grid_of(place)) for place in layout.places()}
    stories = _stories(area.kind, yards, recipe.story, country)
    level, upright = _roads(layout, country)
    towns = _towns(layout, level, country)
    settings = {}
    for place in layout.places():
        name = number_of("sheet", country, *place)
        early = timedelta(weeks=int(generator("story end", name).integers(_EARLIEST_WEEKS + 1)))
        sheet = layout.grid_of(place)
        roads = _within(sheet, (level[place[0]], upright.get(place[1])))
        settings[place] = WorldSetting(
            area_id=area.id,
            place=name,
            latitude=float(area.geometry.centroid.y),
            preset=AreaPreset(recipe.terrain, stories.get(place, Story.QUIET)),
            story_end=story_end - early,
            yards=yards[place],
            around=Surroundings(country, layout.begin(place), roads, _near(sheet, towns)),
        )
    return settings


def _yards(area: Area, grid: Grid, sheet: Grid) -> tuple[Polygon, ...]:
    """What a sheet holds of the ground of compounds."""
    inside = box(*sheet.bounds)
    pieces = [piece for yard in yards_of(area, grid) for piece in parts_of(yard.intersection(inside))]
    return tuple(piece for piece in pieces if piece.area >= _SMALLEST_YARD_M2)


def _stories(kind: AreaKind, yards: dict[Place, tuple[Polygon, ...]], story: Story, country: int) -> dict[Place, Story]:
    """New compounds on a few sheets of a region, or a site's own story on its largest yard; ordinary change on some."""
    order = [list(yards)[n] for n in generator("stories", country).permutation(len(yards))]
    ordinary = max(1, round(len(order) / _SHEETS_PER_ORDINARY))
    if kind is AreaKind.SITE:
        home = max(yards, key=lambda place: sum(yard.area for yard in yards[place]))
        others = [place for place in order if place != home]
        return dict.fromkeys(others[:ordinary], Story.ORDINARY) | {home: story}
    new = max(1, round(len(order) / _SHEETS_PER_COMPOUND))
    return dict.fromkeys(order[:new], Story.NEW_COMPOUND) | dict.fromkeys(order[new : new + ordinary], Story.ORDINARY)


def _towns(layout: SheetLayout, roads: list[LineString], country: int) -> list[Town]:
    """Some villages along the road of every row of sheets, and a town or more."""
    rows, columns = layout.shape
    towns = []
    for row, road in enumerate(roads):
        rng = generator("villages", country, row)
        count = sum(int(n) for n in rng.integers(0, _VILLAGES + 1, columns))
        sizes = _VILLAGE_M * rng.lognormal(0, _VILLAGES_DIFFER, count)
        towns += [_town(road, at, size) for at, size in zip(rng.random(count), sizes, strict=True)]
    rng = generator("towns", country)
    for _ in range(max(1, round(rows * columns / _SHEETS_PER_TOWN))):
        towns.append(_town(roads[rng.integers(rows)], rng.uniform(0.1, 0.9), rng.uniform(*_TOWN_M)))
    return towns


def _town(road: LineString, at: float, radius_m: float) -> Town:
    middle = road.interpolate(at, normalized=True)
    return Town(float(middle.x), float(middle.y), float(radius_m))


def _near(sheet: Grid, towns: list[Town]) -> tuple[Town, ...]:
    """The towns that reach a sheet."""
    ground = box(*sheet.bounds)
    return tuple(town for town in towns if ground.distance(Point(town.east, town.north)) < town.radius_m + _TOWN_EDGE_M)


def _roads(layout: SheetLayout, country: int) -> tuple[list[LineString], dict[int, LineString]]:
    """A road along every row of sheets, and one down some columns, each in one piece from end to end."""
    rows, columns = layout.shape
    bounds = [[layout.grid_of((row, column)).bounds for column in range(columns)] for row in range(rows)]
    level = [_road(line, ("row", row, country)) for row, line in enumerate(bounds)]
    chosen = [column for column in range(columns) if generator("side road", country, column).random() < _SIDE_ROADS]
    upright = {}
    for column in chosen:
        turned = [(south, west, north, east) for west, south, east, north in (line[column] for line in bounds[::-1])]
        upright[column] = LineString([(x, y) for y, x in _road(turned, ("column", column, country)).coords])
    return level, upright


def _road(sheets: list[tuple[float, float, float, float]], words: tuple[object, ...]) -> LineString:
    """A road through a line of sheets (near end, low side, far end, high side), which never turns back."""
    rng = generator("road", *words)
    ends = [sheets[0][0] - _OVERLAP_M, *(sheet[2] for sheet in sheets[:-1]), sheets[-1][2] + _OVERLAP_M]
    low, high = sheets[0][1], sheets[0][3]
    crossings = (low + high) / 2 + (high - low) * rng.uniform(-_ROAD_WANDERS, _ROAD_WANDERS, len(ends))
    steps = np.linspace(ends[0], ends[-1], 6 * len(sheets) + 1)
    bends = _ROAD_BENDS_M * rng.standard_normal(len(steps))
    return LineString(np.column_stack([steps, np.interp(steps, ends, crossings) + bends]))


def _within(sheet: Grid, roads: tuple[LineString | None, ...]) -> tuple[LineString, ...]:
    """The parts of roads that a sheet shows, and a little more."""
    around = box(*sheet.bounds).buffer(_OVERLAP_M, join_style="mitre")
    parts = [road.intersection(around) for road in roads if road is not None]
    return tuple(max(getattr(part, "geoms", [part]), key=lambda line: line.length) for part in parts)
