"""The world of one area: its ground at any time, its weather, and what will happen there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
from shapely.geometry import Polygon

from aois.area import Area, AreaKind
from aois.grid import Grid, to_utm
from flows.imagery.simulation.cache import Cache
from flows.imagery.simulation.land.canvas import FINE, Canvas, Field, Layers, paint
from flows.imagery.simulation.land.compound import Compound, build_compound, parts_of, plan_compound
from flows.imagery.simulation.land.ground_window import GroundWindow, texture_of
from flows.imagery.simulation.land.land_cover import Cover
from flows.imagery.simulation.land.pixel_view import LandSurface, look_down
from flows.imagery.simulation.land.surroundings import Surroundings
from flows.imagery.simulation.land.terrain import Country, draw_country
from flows.imagery.simulation.noise import fractal_noise
from flows.imagery.simulation.random_streams import generator, number_of
from flows.imagery.simulation.scenario.changes import Plan, Plot, ScenarioStep, plan_story
from flows.imagery.simulation.scenario.presets import AreaPreset, Story, recipe_of
from flows.imagery.simulation.season.weather import Weather, weather_on

_GROUNDS_KEPT = 3  # both sensors ask in order of time, so that few epochs are in use at once


@dataclass(frozen=True)
class SimulatedWorld:
    """The world of an area, or of one sheet of a large one.

    The numbers of its pixels (those of the canvas) and fields are those of `GroundWindow`. `place` names the world in
    every random draw; sheets of one `country` have the weather and the years in common.
    """

    area_id: str
    place: int
    latitude: float
    canvas: Canvas
    base: Layers = field(repr=False)
    plan: Plan
    field_of: npt.NDArray[np.int32] = field(repr=False)
    is_paddy: npt.NDArray[np.bool_] = field(repr=False)
    rank: npt.NDArray[np.float64] = field(repr=False)
    vigour: Field = field(repr=False)
    brightness: Field = field(repr=False)
    hue: Field = field(repr=False)
    slope: Field = field(repr=False)
    country: int | None = None
    _surfaces: Cache[int, LandSurface] = field(repr=False, default_factory=lambda: Cache(_GROUNDS_KEPT), compare=False)

    @property
    def broken_on(self) -> date | None:
        """The day on which the story first breaks ground, if it does."""
        days = [step.begins for step in self.plan.steps if any(s.cover is Cover.FRESH for s in step.strokes)]
        return min(days, default=None)

    @cached_property
    def texture(self) -> Field:
        """Brightness of every pixel and band against the mean of its cover."""
        return texture_of(self.brightness, self.hue)

    def ground(self, day: date) -> GroundWindow:
        """The ground as it is at the end of a day."""
        done = sum(step.begins <= day for step in self.plan.steps)
        return GroundWindow(
            place=self.place,
            country=self.country,
            is_paddy=self.is_paddy,
            rank=self.rank,
            broken_on=self.broken_on,
            field_of=self.field_of,
            vigour=self.vigour,
            texture=self.texture,
            slope=self.slope,
            surface=self._surfaces.get(done, lambda: self._draw(self.plan.steps[:done])),
        )

    def weather(self, day: date) -> Weather:
        """The weather of a day and what the months before have left of theirs."""
        return weather_on(self.place if self.country is None else self.country, day, southern=self.latitude < 0)

    def _draw(self, steps: tuple[ScenarioStep, ...]) -> LandSurface:
        layers = self.base
        for step in steps:
            layers = paint(self.canvas, layers, step.strokes)
        return look_down(self.canvas, layers, self.latitude)


@dataclass(frozen=True)
class WorldSetting:
    """What a world is drawn from: the name of its random draws, the kind of its country, its story and when that ends.

    `yards` are the grounds, in metres, of the compounds that stand there from the start; `around` is what a sheet of a
    large area has in common with the sheets around it.
    """

    area_id: str
    place: int
    latitude: float
    preset: AreaPreset
    story_end: date
    yards: tuple[Polygon, ...] = ()
    around: Surroundings | None = None


def build_world(area: Area, grid: Grid, *, story_end: date, seed: int) -> SimulatedWorld:
    """The world of an area: a pure function of the area's id and geometry, its grid, the story's end and the seed."""
    return draw_world(
        grid,
        WorldSetting(
            area_id=area.id,
            place=place_of(area, grid, seed),
            latitude=float(area.geometry.centroid.y),
            preset=recipe_of(area, seed),
            story_end=story_end,
            yards=yards_of(area, grid),
        ),
    )


def place_of(area: Area, grid: Grid, seed: int) -> int:
    """The number that names an area in every random draw."""
    return number_of("world", seed, area.id, area.geometry.wkb_hex, grid)


def yards_of(area: Area, grid: Grid) -> tuple[Polygon, ...]:
    """The ground of the compounds that stand there from the start: each part of a site, none in a region."""
    return parts_of(to_utm(area.geometry, grid.epsg)) if area.kind is AreaKind.SITE else ()


def draw_world(grid: Grid, setting: WorldSetting) -> SimulatedWorld:
    """The world of a grid: a pure function of its arguments."""
    place, canvas = setting.place, Canvas(grid)
    country = draw_country(canvas, setting.preset.terrain, generator("country", place), around=setting.around)
    compounds = tuple(
        plan_compound(yard, generator("compound", place, number)) for number, yard in enumerate(setting.yards)
    )
    base, plan = _compose(canvas, country, compounds, (setting.preset.story, setting.story_end), place=place)
    rows, columns = np.gradient(country.elevation)
    brightness, hue = _tones(canvas, place)
    return SimulatedWorld(
        area_id=setting.area_id,
        place=place,
        latitude=setting.latitude,
        canvas=canvas,
        base=base,
        plan=plan,
        field_of=country.parcels.ids[FINE // 2 :: FINE, FINE // 2 :: FINE],
        is_paddy=country.is_paddy,
        rank=country.parcels.rank,
        vigour=fractal_noise(generator("vigour", place), canvas.shape, (12.0, 3.0, 1.0)),
        brightness=brightness,
        hue=hue,
        slope=np.stack([columns, -rows]),
        country=setting.around.country if setting.around else None,
    )


def _compose(
    canvas: Canvas,
    country: Country,
    compounds: tuple[Compound, ...],
    story: tuple[Story, date],
    *,
    place: int,
) -> tuple[Layers, Plan]:
    """The drawing at the start of the story, and the story's plan."""
    plot = Plot(canvas, country, country.layers, compounds, story[1])
    plan = plan_story(story[0], plot, generator("story", place))
    layers = paint(canvas, country.layers, plan.preparation)
    for number, compound in enumerate(compounds):
        layers = build_compound(canvas, country, layers, compound, rng=generator("yard", place, number))
    return layers, plan


def _tones(canvas: Canvas, place: int) -> tuple[Field, Field]:
    """How bright and how brown every pixel is against the mean of its cover, each of deviation 1."""
    rng = generator("texture", place)
    brightness = fractal_noise(rng, canvas.shape, (10.0, 3.0, 1.0), roughness=0.9)
    return brightness, fractal_noise(rng, canvas.shape, (14.0, 2.0), roughness=0.9)
