"""A simulated province of 400 km² with five new compounds among roads, houses, halls, quarries and fields.

It is drawn and watched tile by tile, each with a country and a weather of its own, so that memory holds one tile a
process. Five tiles live through the simulation's story of a new compound (which brings a road, a house and a growing
quarry of its own); every tile also gets what an ordinary half year brings: houses, a hall, a track, and here and there
a quarry or a cleared field. Events that deserve an alert are ranked by `detectors.events.site_criteria` over the whole
province, those within `TOGETHER_PX` of a better one as its part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
from made import END, place
from replay import watch
from scipy import ndimage
from scoring import Figure, counted, share
from shapely import affinity
from shapely.geometry import LineString, Point, Polygon, box
from shapely.ops import unary_union

from aois.area import Area
from aois.grid import Grid
from detectors.acquisition import Acquisition, Mask
from detectors.events.alert_rules import deserves_alert
from detectors.events.site_criteria import suspect_score
from detectors.ground import whole
from detectors.records import Criterion
from flows.imagery.detector_inputs import acquisition_of
from flows.imagery.scene import OPTICAL_BANDS, RADAR_BANDS, Provenance, Scene, Sensor
from flows.imagery.simulation.land.canvas import Stroke, crop_rim
from flows.imagery.simulation.land.land_cover import Cover
from flows.imagery.simulation.land.land_mix import DRY, MIXED, RURAL, WOODED
from flows.imagery.simulation.scenario.changes import ScenarioStep
from flows.imagery.simulation.scenario.presets import AreaPreset, Story
from flows.imagery.simulation.scenario.siting import open_ground
from flows.imagery.simulation.sensors.optical import take_picture
from flows.imagery.simulation.sensors.radar import take_radar_picture
from flows.imagery.simulation.sensors.schedule import overpasses
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.imagery.simulation.world import SimulatedWorld, build_world

TILES, SIDE_PX, COMPOUNDS = 100, 200, 5
WEEKS, HISTORY_DAYS = 24, 365
TOGETHER_PX, NEAR_PX = 10, 5
FIRST = 10


@dataclass(frozen=True)
class Suspect:
    """A place told, with its criteria; `compound` is the tile of the compound it lies on, or None.

    `is_true` where something was drawn anew there, be it a compound or ordinary.
    """

    tile: int
    score: float
    criteria: tuple[Criterion, ...]
    change: str
    area_m2: float
    compound: int | None
    is_confirmed: bool
    is_true: bool
    sensors: tuple[str, ...]


@dataclass(frozen=True)
class Province:
    """The suspects of a province, best first, and the tiles with a compound."""

    seed: int
    suspects: tuple[Suspect, ...]
    compounds: tuple[int, ...]

    def rank(self, tile: int) -> int | None:
        """The rank of a compound, from 1, or None where it was not told."""
        return next((n for n, s in enumerate(self.suspects, start=1) if s.compound == tile), None)


def tiles_with_compounds(seed: int) -> tuple[int, ...]:
    """The five tiles of a seed."""
    drawn = np.random.default_rng(seed).choice(TILES, COMPOUNDS, replace=False)
    return tuple(sorted(int(n) for n in drawn))


def tile(number: int, *, seed: int) -> list[Suspect]:
    """One tile drawn, watched, and asked what it has to tell."""
    has_compound = number in tiles_with_compounds(seed)
    terrain = (RURAL, DRY, WOODED, MIXED)[int(np.random.default_rng((seed, number)).integers(4))]
    story = Story.NEW_COMPOUND if has_compound else Story.QUIET
    area, grid = place(AreaPreset(terrain, story), seed=seed, side_px=SIDE_PX, number=number)
    world = build_world(area, grid, story_end=END, seed=seed)
    compound = _compound(area, grid, seed) if has_compound else np.zeros(grid.shape, bool)
    world = _with_ordinary(world, np.random.default_rng((seed, number, 7)))
    since = END - timedelta(days=7 * WEEKS - 1)
    acquisitions = _acquisitions(world, area, grid, since - timedelta(days=HISTORY_DAYS))
    seen = watch(acquisitions, since=since, until=END, ground=whole(grid.shape), history_days=HISTORY_DAYS)
    told = [e for e in seen.events if e.merged_into is None and deserves_alert(e)]
    told.sort(key=lambda e: -suspect_score(e.criteria))
    drawn = _drawn(world)
    out: list[Suspect] = []
    taken = np.zeros(grid.shape, bool)
    for event in told:
        if (event.footprint.frame() & taken).any():
            continue
        taken |= ndimage.binary_dilation(event.footprint.frame(), iterations=TOGETHER_PX)
        on = number if (event.footprint.frame() & compound).any() else None
        score = suspect_score(event.criteria)
        is_sure, is_true = event.confirmed_on is not None, bool((event.footprint.frame() & drawn).any())
        what = (event.change.value, event.area_m2, on, is_sure, is_true, event.sensors)
        out.append(Suspect(number, score, event.criteria, *what))
    return out


def _compound(area: Area, grid: Grid, seed: int) -> Mask:
    """Where the story's compound goes up, and a little around it."""
    truth = SimulatedSource(END, seed).truth_changes(area, grid)
    parts = [t.footprint for t in truth if not t.ordinary]
    return np.asarray(ndimage.binary_dilation(np.any(parts, axis=0), iterations=NEAR_PX))


def _drawn(world: SimulatedWorld) -> Mask:
    """Where any step of the world's story changes the ground, and a little around it."""
    ground = unary_union([stroke.geometry for step in world.plan.steps for stroke in step.strokes])
    touched = crop_rim(world.canvas.to_pixels(world.canvas.mask(ground))) > 0
    return np.asarray(ndimage.binary_dilation(touched, iterations=NEAR_PX))


def _acquisitions(world: SimulatedWorld, area: Area, grid: Grid, since: date) -> tuple[Acquisition, ...]:
    """Sentinel-2 every ten days and Sentinel-1 every twelve."""
    west = area.geometry.centroid.x
    optical = [t.date() for t in overpasses(area.id, west, Sensor.SENTINEL_2, since=since, until=END)][::2]
    radar = [t.date() for t in overpasses(area.id, west, Sensor.SENTINEL_1, since=since, until=END)]
    acquisitions = []
    for day in optical:
        pixels, scl = take_picture(world, day)
        acquisitions.append(_acquisition(Sensor.SENTINEL_2, day, pixels, scl, grid))
    acquisitions += [_acquisition(Sensor.SENTINEL_1, day, take_radar_picture(world, day), None, grid) for day in radar]
    return tuple(sorted(acquisitions, key=lambda k: (k.day, k.scene_id)))


def _acquisition(sensor: Sensor, day: date, pixels: np.ndarray, scl: np.ndarray | None, grid: Grid) -> Acquisition:
    bands = OPTICAL_BANDS if sensor is Sensor.SENTINEL_2 else RADAR_BANDS
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    origin = Provenance(source="simulated", item_ids=(), relative_orbit=1 if scl is None else None)
    valid = np.ones(pixels.shape[1:], bool)
    return acquisition_of(Scene(f"{sensor.value}_{day:%Y%m%d}", sensor, noon, bands, pixels, valid, scl, origin), grid)


def _with_ordinary(world: SimulatedWorld, rng: np.random.Generator) -> SimulatedWorld:
    """The world with what an ordinary half year brings to 4 km² added to its story."""
    steps = [*world.plan.steps]
    for _ in range(int(rng.integers(1, 4))):
        steps.append(_built(world, rng, (rng.uniform(9, 16), rng.uniform(10, 22)), Cover.TILE, "house"))
    if rng.random() < 0.3:
        steps.append(_built(world, rng, (rng.uniform(18, 30), rng.uniform(35, 60)), Cover.ZINC, "hall"))
    if rng.random() < 0.4:
        steps.append(_track(world, rng))
    if rng.random() < 0.2:
        steps += _quarry(world, rng)
    if rng.random() < 0.2:
        field = open_ground(world.canvas, world.base, (rng.uniform(60, 140), rng.uniform(60, 140)), rng)
        steps.append(ScenarioStep(_day(rng), "field cleared", (Stroke(_moved(field, world, rng), Cover.FRESH),)))
    return replace(world, plan=replace(world.plan, steps=tuple(sorted(steps, key=lambda s: s.begins))))


def _day(rng: np.random.Generator) -> date:
    return END - timedelta(days=int(rng.integers(20, 7 * WEEKS)))


def _moved(ground: Polygon, world: SimulatedWorld, rng: np.random.Generator) -> Polygon:
    """The ground at another place of the tile, well inside."""
    left, bottom, right, top = world.canvas.grid.bounds
    x, y = rng.uniform(left + 150, right - 150), rng.uniform(bottom + 150, top - 150)
    middle = ground.centroid
    moved = affinity.translate(ground, x - middle.x, y - middle.y)
    story = [s.outcome.footprint for s in world.plan.steps if s.outcome is not None]
    return moved if all(moved.distance(g) > 150 for g in story) else ground.buffer(-1e6)


def _built(
    world: SimulatedWorld, rng: np.random.Generator, size_m: tuple[float, float], cover: Cover, phase: str
) -> ScenarioStep:
    upright = box(0, 0, *size_m)
    ground = _moved(affinity.rotate(upright, float(rng.uniform(0, 180))), world, rng)
    return ScenarioStep(_day(rng), phase, (Stroke(ground, cover, 5.0),))


def _track(world: SimulatedWorld, rng: np.random.Generator) -> ScenarioStep:
    length = float(rng.uniform(200, 600))
    line = LineString([(0, 0), (length, 0)]).buffer(2.5)
    way = _moved(affinity.rotate(line, float(rng.uniform(0, 180))), world, rng)
    return ScenarioStep(_day(rng), "track", (Stroke(way, Cover.DIRT),))


def _quarry(world: SimulatedWorld, rng: np.random.Generator) -> list[ScenarioStep]:
    """A pit that was there and grows by some metres every twelve weeks."""
    pit = _moved(Point(0, 0).buffer(float(rng.uniform(40, 80))), world, rng)
    begins = [END - timedelta(days=7 * weeks) for weeks in (100, 84, 60, 36, 20, 8)]
    return [ScenarioStep(day, "quarry", (Stroke(pit.buffer(6.0 * n), Cover.ROCK),)) for n, day in enumerate(begins)]


def gathered(seed: int, tiles: Sequence[Sequence[Suspect]]) -> Province:
    """The province of a seed: all suspects of its tiles in one order."""
    ordered = sorted((s for some in tiles for s in some), key=lambda s: (-s.score, s.tile))
    return Province(seed, tuple(ordered), tiles_with_compounds(seed))


def figures(provinces: Sequence[Province]) -> list[Figure]:
    """The lines of the table for the provinces."""
    nan = float("nan")
    ranks = [p.rank(tile) for p in provinces for tile in p.compounds]
    told = [s for p in provinces for s in p.suspects]
    first, why = [r is not None and r <= FIRST for r in ranks], f"ranks {ranks}"
    out = [share("province of 400 km²: new compounds in the first ten", first, "1.00", why=why)]
    out.append(share("province: new compounds told at all", [r is not None for r in ranks], "1.00", why=why))
    sure = [s for s in told if s.is_confirmed]
    why = counted(f"{s.change} by {' and '.join(s.sensors)}" for s in sure if not s.is_true)
    false = [not s.is_true for s in sure]
    out.append(share("province: confirmed alerts away from every true change", false, "≤ 0.10", why=why))
    out.append(share("province: suspects told that are no compound", [s.compound is None for s in told]))
    for p in provinces:
        for n, tile_number in enumerate(p.compounds, start=1):
            rank = p.rank(tile_number)
            name = f"province of seed {p.seed}: rank of compound {n}"
            out.append(Figure(name, nan if rank is None else rank, nan, nan, len(p.suspects), "≤ 10"))
    return out


def listing(province: Province, *, first: int = 12) -> list[str]:
    """A Markdown table of the first suspects with the value and weight of every criterion."""
    if not province.suspects:
        return ["nothing told"]
    names = [(c.name, c.weight) for c in province.suspects[0].criteria]
    head = " | ".join(f"{name} ({weight:.2f})" for name, weight in names)
    rows = [f"| rank | a compound | score | {head} |", "|---" * (3 + len(names)) + "|"]
    for n, s in enumerate(province.suspects[:first], start=1):
        values = " | ".join(f"{c.value:.2f}" for c in s.criteria)
        rows.append(f"| {n} | {'yes' if s.compound is not None else 'no'} | {s.score:.2f} | {values} |")
    return rows
