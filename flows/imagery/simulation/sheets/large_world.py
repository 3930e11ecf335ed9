"""The world of an area that is too large to be drawn in one piece: sheets, each drawn once and kept small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import numpy.typing as npt

from aois.area import Area
from aois.grid import Grid
from flows.imagery.simulation.cache import Cache
from flows.imagery.simulation.land.canvas import FINE, RIM, Canvas, Field, Layers, Stroke, paint
from flows.imagery.simulation.land.ground_window import GroundWindow, texture_of
from flows.imagery.simulation.land.pixel_view import look_down
from flows.imagery.simulation.scenario.presets import Story
from flows.imagery.simulation.season.weather import Weather, weather_on
from flows.imagery.simulation.sheets.layout import Place, SheetLayout, lay_out
from flows.imagery.simulation.sheets.sheet_file import (
    KeptRows,
    Rows,
    SheetFile,
    layers_of,
    rows_of_surface,
    rows_of_world,
    surface_of_rows,
)
from flows.imagery.simulation.sheets.sheet_settings import settings_of
from flows.imagery.simulation.truth import TrueChange, truth_of
from flows.imagery.simulation.world import SimulatedWorld, WorldSetting, draw_world, place_of

_REACH_PX = 8  # how far shadow, blur and corners carry a change of the drawing


@dataclass(frozen=True)
class _Patch:
    """What one step of a story makes of a window of a sheet from a day on."""

    begins: date
    top: int
    left: int
    surface: Rows = field(repr=False)
    width: int


@dataclass(frozen=True)
class _Sheet:
    """A drawn sheet: its rows, what changes, and what is told by field."""

    kept: KeptRows
    patches: tuple[_Patch, ...]
    changes: tuple[TrueChange, ...]
    broken_on: date | None
    is_paddy: npt.NDArray[np.bool_] = field(repr=False)
    rank: npt.NDArray[np.float64] = field(repr=False)


class LargeWorld:
    """The world of a large area. A sheet is drawn when it is first looked at. Safe to use from several threads."""

    def __init__(self, area: Area, layout: SheetLayout, settings: dict[Place, WorldSetting], place: int) -> None:
        """A world of which nothing is drawn yet."""
        self.area_id = area.id
        self.place = place
        self.latitude = float(area.geometry.centroid.y)
        self.grid = layout.grid
        self._layout = layout
        self._settings = settings
        self._file = SheetFile()
        self._sheets: Cache[Place, _Sheet] = Cache(len(settings))

    def weather(self, day: date) -> Weather:
        """The weather of a day and what the months before have left of theirs: one for the whole area."""
        return weather_on(self.place, day, southern=self.latitude < 0)

    def look(self, rows: range, day: date, view: Callable[[GroundWindow], Field], *, layers: int) -> Field:
        """What `view` makes of the ground at the end of a day, (layer, y, x): rows of the grid, `RIM` around."""
        canvas = range(rows.start, rows.stop + 2 * RIM)
        seen = np.empty((layers, len(canvas), self.grid.width + 2 * RIM), np.float32)
        for place in self._layout.across(canvas):
            down, across = self._layout.shown(place)
            here = range(max(down.start, canvas.start), min(down.stop, canvas.stop))
            window = (slice(here.start - canvas.start, here.stop - canvas.start), slice(across.start, across.stop))
            seen[:, *window] = view(self._ground(place, here, across, day))
        return seen

    def changes(self) -> tuple[TrueChange, ...]:
        """Every change of the area, in order of time; only the sheets with a story are drawn for it."""
        told = (p for p, setting in self._settings.items() if setting.preset.story is not Story.QUIET)
        return tuple(sorted((c for place in told for c in self._sheet(place).changes), key=lambda c: c.begins))

    def _ground(self, place: Place, down: range, across: range, day: date) -> GroundWindow:
        """The ground of a sheet in rows and columns of the whole canvas."""
        sheet = self._sheet(place)
        top, left = self._layout.begin(place)
        rows = range(down.start - top, down.stop - top)
        columns = slice(across.start - left, across.stop - left)
        kept = sheet.kept.read(rows)
        vigour, brightness, hue = (kept[n][:, columns].astype(np.float32) for n in ("vigour", "brightness", "hue"))
        return GroundWindow(
            place=self._settings[place].place,
            country=self.place,
            is_paddy=sheet.is_paddy,
            rank=sheet.rank,
            broken_on=sheet.broken_on,
            field_of=kept["field_of"][:, columns],
            vigour=vigour,
            texture=texture_of(brightness, hue),
            slope=layers_of(kept["slope"][..., columns]),
            surface=surface_of_rows(_patched(kept["surface"], rows, sheet.patches, day), columns),
        )

    def _sheet(self, place: Place) -> _Sheet:
        return self._sheets.get(place, lambda: self._draw(place))

    def _draw(self, place: Place) -> _Sheet:
        world = draw_world(self._layout.grid_of(place), self._settings[place])
        first = rows_of_world(world, look_down(world.canvas, world.base, world.latitude))
        return _Sheet(
            kept=self._file.keep(first),
            patches=_patches(world),
            changes=tuple(_moved(change, self._layout.begin(place), self.grid.shape) for change in truth_of(world)),
            broken_on=world.broken_on,
            is_paddy=world.is_paddy,
            rank=world.rank,
        )


def build_large_world(area: Area, grid: Grid, *, story_end: date, seed: int, side_px: int) -> LargeWorld:
    """The world of a large area in sheets of a side: a pure function of the same things as that of a small one."""
    layout = lay_out(grid, side_px)
    settings = settings_of(area, layout, story_end=story_end, seed=seed)
    return LargeWorld(area, layout, settings, place_of(area, grid, seed))


def _moved(change: TrueChange, begin: tuple[int, int], shape: tuple[int, int]) -> TrueChange:
    """A change of a sheet on the grid of the whole area."""
    pixels = change.pixels
    moved = replace(pixels, shape=shape, top=pixels.top + begin[0], left=pixels.left + begin[1])
    return replace(change, pixels=moved)


def _patched(surface: Rows, rows: range, patches: tuple[_Patch, ...], day: date) -> Rows:
    """Rows of a sheet with all that has happened until a day."""
    done = [patch for patch in patches if patch.begins <= day]
    if done:
        surface = surface.copy()
    for patch in done:
        start, stop = max(rows.start, patch.top), min(rows.stop, patch.top + len(patch.surface))
        if start < stop:
            part = patch.surface[start - patch.top : stop - patch.top]
            for name in ("shares", "shadow", "corners"):
                surface[name][start - rows.start : stop - rows.start, ..., patch.left : patch.left + patch.width] = (
                    part[name]
                )
    return surface


def _patches(world: SimulatedWorld) -> tuple[_Patch, ...]:
    """The windows that the steps of a story change, in order of time."""
    layers, patches = world.base, []
    for step in world.plan.steps:
        layers = paint(world.canvas, layers, step.strokes)
        window = _window(world.canvas, step.strokes)
        if window is not None:
            patches.append(_patch(world, layers, step.begins, window))
    return tuple(patches)


def _window(canvas: Canvas, strokes: tuple[Stroke, ...]) -> tuple[range, range] | None:
    """Rows and columns of pixels of the canvas that strokes can change; None where they lie beyond it."""
    left, _, _, top = canvas.extent.bounds
    bounds = np.array([stroke.geometry.bounds for stroke in strokes if not stroke.geometry.is_empty])
    if not len(bounds):
        return None
    size_m = canvas.grid.pixel_size_m
    west, east = bounds[:, 0].min() - left, bounds[:, 2].max() - left
    north, south = top - bounds[:, 3].max(), top - bounds[:, 1].min()
    rows, columns = (
        range(max(0, int(low // size_m) - _REACH_PX), min(length, int(high // size_m) + 1 + _REACH_PX))
        for low, high, length in ((north, south, canvas.shape[0]), (west, east, canvas.shape[1]))
    )
    return (rows, columns) if rows and columns else None


def _patch(world: SimulatedWorld, layers: Layers, begins: date, window: tuple[range, range]) -> _Patch:
    """A window of the drawing, looked at with enough around it to be as if all of it were looked at."""
    wide = [
        range(max(0, inner.start - _REACH_PX), min(length, inner.stop + _REACH_PX))
        for inner, length in zip(window, world.canvas.shape, strict=True)
    ]
    part = tuple(slice(FINE * outer.start, FINE * outer.stop) for outer in wide)
    size_m, grid = world.canvas.grid.pixel_size_m, world.canvas.grid
    canvas = Canvas(
        replace(
            grid,
            left=grid.left + wide[1].start * size_m,
            top=grid.top - wide[0].start * size_m,
            width=len(wide[1]) - 2 * RIM,
            height=len(wide[0]) - 2 * RIM,
        )
    )
    surface = look_down(canvas, Layers(layers.cover[part], layers.height[part]), world.latitude)
    rows, columns = (
        slice(inner.start - outer.start, inner.stop - outer.start) for inner, outer in zip(window, wide, strict=True)
    )
    inner = replace(
        surface,
        shares=surface.shares[:, rows, columns],
        shadow=surface.shadow[:, rows, columns],
        corners=surface.corners[rows, columns],
    )
    return _Patch(begins, window[0].start, window[1].start, rows_of_surface(inner), len(window[1]))
