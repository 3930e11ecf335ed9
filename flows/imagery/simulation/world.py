"""The world of one area: its ground at any time, its weather, and what will happen there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt

from aois.area import Area, AreaKind
from aois.grid import Grid, to_utm
from flows.imagery.simulation.cache import Cache
from flows.imagery.simulation.land.canvas import FINE, Canvas, Field, Layers, paint
from flows.imagery.simulation.land.compound import Compound, build_compound, parts_of, plan_compound
from flows.imagery.simulation.land.land_cover import Cover
from flows.imagery.simulation.land.pixel_view import LandSurface, look_down
from flows.imagery.simulation.land.terrain import Country, draw_country
from flows.imagery.simulation.noise import fractal_noise
from flows.imagery.simulation.random_streams import generator, number_of
from flows.imagery.simulation.scenario.changes import Plan, Plot, ScenarioStep, plan_story
from flows.imagery.simulation.scenario.presets import Story, recipe_of
from flows.imagery.simulation.season.weather import Weather, weather_on

_GROUNDS_KEPT = 3  # both sensors ask in order of time, so that few epochs are in use at once
_TILT = np.linspace(-1, 1, 7, dtype=np.float32)  # blue to shortwave infrared: a surface browner or bluer than its kind


@dataclass(frozen=True)
class SimulatedWorld:
    """An area's world.

    Per pixel of the canvas: `field_of` (int32, the field a pixel lies in), `vigour` (how well things grow there,
    deviation 1), `texture` (band, y, x: brightness of a pixel against its cover), `slope` (east and north, small).
    Per field: `is_paddy`, `rank` (how low it lies). `place` names the world in every random draw.
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
    texture: Field = field(repr=False)
    slope: Field = field(repr=False)
    _grounds: Cache[int, LandSurface] = field(repr=False, default_factory=lambda: Cache(_GROUNDS_KEPT), compare=False)

    @property
    def broken_on(self) -> date | None:
        """The day on which the story first breaks ground, if it does."""
        days = [step.begins for step in self.plan.steps if any(s.cover is Cover.FRESH for s in step.strokes)]
        return min(days, default=None)

    def ground(self, day: date) -> LandSurface:
        """The ground as it is at the end of a day."""
        done = sum(step.begins <= day for step in self.plan.steps)
        return self._grounds.get(done, lambda: self._draw(self.plan.steps[:done]))

    def weather(self, day: date) -> Weather:
        """The weather of a day and what the months before have left of theirs."""
        return weather_on(self.place, day, southern=self.latitude < 0)

    def _draw(self, steps: tuple[ScenarioStep, ...]) -> LandSurface:
        layers = self.base
        for step in steps:
            layers = paint(self.canvas, layers, step.strokes)
        return look_down(self.canvas, layers, self.latitude)


def build_world(area: Area, grid: Grid, *, story_end: date, seed: int) -> SimulatedWorld:
    """The world of an area: a pure function of the area's id and geometry, its grid, the story's end and the seed."""
    place = number_of("world", seed, area.id, area.geometry.wkb_hex, grid)
    canvas = Canvas(grid)
    recipe = recipe_of(area, seed)
    country = draw_country(canvas, recipe.terrain, generator("country", place))
    compounds = _compounds(area, grid, place)
    base, plan = _compose(canvas, country, compounds, (recipe.story, story_end), place=place)
    latitude = float(area.geometry.centroid.y)
    rows, columns = np.gradient(country.elevation)
    return SimulatedWorld(
        area_id=area.id,
        place=place,
        latitude=latitude,
        canvas=canvas,
        base=base,
        plan=plan,
        field_of=country.parcels.ids[FINE // 2 :: FINE, FINE // 2 :: FINE],
        is_paddy=country.is_paddy,
        rank=country.parcels.rank,
        vigour=fractal_noise(generator("vigour", place), canvas.shape, (12.0, 3.0, 1.0)),
        texture=_texture(canvas, place),
        slope=np.stack([columns, -rows]),
    )


def _compounds(area: Area, grid: Grid, place: int) -> tuple[Compound, ...]:
    """The compounds that stand there from the start: one on each part of a site, none in a region."""
    if area.kind is not AreaKind.SITE:
        return ()
    parts = parts_of(to_utm(area.geometry, grid.epsg))
    return tuple(plan_compound(part, generator("compound", place, number)) for number, part in enumerate(parts))


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


def _texture(canvas: Canvas, place: int) -> Field:
    """Brightness of every pixel and band against the mean of its cover, around 1."""
    rng = generator("texture", place)
    brightness = fractal_noise(rng, canvas.shape, (10.0, 3.0, 1.0), roughness=0.9)
    hue = fractal_noise(rng, canvas.shape, (14.0, 2.0), roughness=0.9)
    texture = 1 + 0.075 * brightness + 0.035 * hue * _TILT[:, None, None]
    return np.asarray(np.clip(texture, 0.6, 1.5), np.float32)
