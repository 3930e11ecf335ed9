# mypy: strict-optional=False
"""A simulated site with hundreds of buildings, of which some are flattened, some damaged, and some lie under cloud."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
from rasterio.features import rasterize
from rasterio.transform import Affine
from shapely import affinity
from shapely.geometry import Polygon, box
from shapely.ops import unary_union

from aois.area import Area, AreaKind
from aois.grid import Grid, grid_of, perimeter_mask, to_lonlat
from detectors.acquisition import Acquisition
from detectors.claims.structure_cover import StructureCover, cover_structures
from detectors.claims.structure_series import read_structures
from detectors.claims.structure_states import StructureReading, baseline_end, read_states
from detectors.preprocessing.align import reference_image
from flows.imagery.scene import OPTICAL_BANDS, RADAR_BANDS
from flows.imagery.simulation.land.canvas import Stroke
from flows.imagery.simulation.land.compound import Compound, build_compound
from flows.imagery.simulation.land.land_cover import Cover
from flows.imagery.simulation.land.land_mix import MIXED
from flows.imagery.simulation.land.terrain import draw_country
from flows.imagery.simulation.random_streams import generator
from flows.imagery.simulation.scenario.changes import Plan, ScenarioStep
from flows.imagery.simulation.sensors.optical import take_picture
from flows.imagery.simulation.sensors.radar import take_radar_picture
from flows.imagery.simulation.world import SimulatedWorld, build_world

RESPONSE = date(2025, 11, 2)
FIRST, LAST = date(2024, 8, 1), date(2026, 2, 28)
FINE = 5
EPSG, EAST, NORTH = 32631, 500_000, 200_000  # the Gulf of Guinea, far from any shore
YARD_M = (930.0, 800.0)
ROOFS = (Cover.ZINC, Cover.BLUE, Cover.TILE, Cover.GREY)


@dataclass(frozen=True)
class ClaimedSite:
    """The site: its buildings in metres, which of them fall and which lose half of their roof, and its scenes."""

    area: Area
    grid: Grid
    buildings: tuple[Polygon, ...]
    flattened: frozenset[int]
    damaged: frozenset[int]
    hidden: frozenset[int]
    acquisitions: tuple[Acquisition, ...]
    watched: npt.NDArray[np.bool_]

    @property
    def cover(self) -> StructureCover:
        """The buildings on the grid, as an operator's footprints give them."""
        g = self.grid
        transform = Affine(g.pixel_size_m / FINE, 0, g.left, 0, -g.pixel_size_m / FINE, g.top)
        shapes = [(geometry, n + 1) for n, geometry in enumerate(self.buildings)]
        labels = rasterize(shapes, (g.height * FINE, g.width * FINE), transform=transform, dtype="int32")
        return cover_structures(labels, len(self.buildings), fine=FINE, monitored_mask=self.watched)

    def readings(self, *, until: date | None = None) -> tuple[StructureReading, ...]:
        """What became of each building."""
        cover, before = self.cover, baseline_end(RESPONSE, [a.day for a in self.acquisitions])
        names = sorted({a.series for a in self.acquisitions})
        split = [[a for a in self.acquisitions if a.series == name] for name in names]
        references = [reference_image([a for a in part if a.day < before]) for part in split]
        read = [read_structures(p, cover, reference=r) for p, r in zip(split, references, strict=True)]
        return read_states(
            [one for one in read if one is not None], cover, before=before, since=RESPONSE, until=until or LAST
        )


def claimed_site(
    seed: int,
    *,
    buildings: int = 413,
    flattened: int = 31,
    damaged: int = 80,
    cloudy_share: float = 0.15,
    yard_m: tuple[float, float] = YARD_M,
    fallen_on: date = RESPONSE,
    step_days: int = 10,
) -> ClaimedSite:
    """A site after a script: `cloudy_share` of it, at its eastern end, is never seen by optics after the fall."""
    rng = np.random.default_rng([seed, 20])
    ground = box(EAST, NORTH, EAST + yard_m[0], NORTH + yard_m[1])
    area = Area("demo-demolition", AreaKind.SITE, to_lonlat(ground, EPSG), margin_m=120.0)
    grid = grid_of(area)
    roofs = _roofs(ground, buildings, rng)
    chosen = rng.permutation(len(roofs))
    fallen, hurt = chosen[:flattened], chosen[flattened : flattened + damaged]
    world = _world(area, grid, ground, roofs, (fallen, hurt), fallen_on, seed)
    edge = EAST + yard_m[0] * (1 - cloudy_share)
    hidden = frozenset(n for n, roof in enumerate(roofs) if roof.geometry.centroid.x > edge)
    column = int((edge - grid.left) // grid.pixel_size_m)
    scenes = tuple(_scenes(world, fallen_on, column if cloudy_share else grid.width, step_days))
    return ClaimedSite(
        area,
        grid,
        tuple(roof.geometry for roof in roofs),
        frozenset(map(int, fallen)),
        frozenset(map(int, hurt)),
        hidden if cloudy_share else frozenset(),
        scenes,
        perimeter_mask(area, grid, buffer_m=area.margin_m),
    )


def _roofs(ground: Polygon, count: int, rng: np.random.Generator) -> list[Stroke]:
    """Buildings in rows, of four kinds of roof; the most that have room, and no more than asked for."""
    left, bottom, right, top = ground.bounds
    strokes, y = list[Stroke](), bottom + 15.0
    while y < top - 30.0:
        depth, x = rng.uniform(13, 20), left + 15.0 + rng.uniform(0, 8)
        while x < right - 50.0:
            length = rng.uniform(18, 38)
            cover = ROOFS[rng.choice(4, p=(0.3, 0.3, 0.15, 0.25))]
            strokes.append(Stroke(box(x, y, x + length, y + depth), cover, float(rng.uniform(4, 12))))
            x += length + rng.uniform(7, 14)
        y += depth + rng.uniform(11, 16)
    assert len(strokes) >= count, f"room for {len(strokes)}"
    kept = sorted(rng.choice(len(strokes), count, replace=False))
    return [strokes[n] for n in kept]


def _world(
    area: Area,
    grid: Grid,
    ground: Polygon,
    roofs: Sequence[Stroke],
    hit: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    fallen_on: date,
    seed: int,
) -> SimulatedWorld:
    world = build_world(area, grid, story_end=LAST, seed=seed)
    country = draw_country(world.canvas, MIXED, generator("country", world.place))
    compound = Compound(ground, tuple(roofs))
    base = build_compound(world.canvas, country, country.layers, compound, rng=generator("yard", world.place, 0))
    steps: tuple[ScenarioStep, ...] = ()
    if len(hit[0]) or len(hit[1]):
        fallen = [roofs[n].geometry for n in hit[0]] + [_half(roofs[n].geometry, n) for n in hit[1]]
        rubble = Stroke(unary_union(fallen), Cover.RUBBLE)
        bared = Stroke(unary_union([part.buffer(-4.0) for part in fallen]), Cover.FRESH)
        steps = (ScenarioStep(fallen_on, "demolition", (rubble, bared)),)
    return replace(world, base=base, plan=Plan((), steps))


def _half(roof: Polygon, number: int) -> Polygon:
    left, bottom, right, _ = roof.bounds
    return affinity.scale(roof, 0.5, 1.0, origin=(left if number % 2 else right, bottom))


def _scenes(world: SimulatedWorld, fallen_on: date, column: int, step_days: int) -> list[Acquisition]:
    """Optics every so many days, radar every twelve."""
    scenes = []
    for back in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=back)
        if back % step_days == 0:
            pixels, scl = take_picture(world, day)
            if day >= fallen_on:
                scl[:, column:] = 9
            valid = np.ones(scl.shape, bool)
            scenes.append(Acquisition(f"sentinel-2_{day:%Y%m%d}", "sentinel-2", day, OPTICAL_BANDS, pixels, valid, scl))
        if back % 12 == 3:
            radar = take_radar_picture(world, day)
            valid = np.ones(radar.shape[1:], bool)
            name = f"sentinel-1_{day:%Y%m%d}"
            scenes.append(Acquisition(name, "sentinel-1", day, RADAR_BANDS, radar, valid, None, ":r1"))
    return scenes
