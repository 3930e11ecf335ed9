"""The ground of one day: how much of every surface a pixel shows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flows.imagery.simulation.land import land_cover as covers
from flows.imagery.simulation.land.canvas import Field
from flows.imagery.simulation.land.land_cover import Cover
from flows.imagery.simulation.season.crops import fields_on
from flows.imagery.simulation.season.weather import Weather
from flows.imagery.simulation.world import SimulatedWorld

_REGROWTH = 0.15  # broken ground never greens more than this within the watched time
_CHANGING = [Cover.CROP, Cover.GRASS, Cover.TREES, Cover.FRESH]

Parts = Iterator[tuple[int, Field]]


def surfaces_on(world: SimulatedWorld, weather: Weather) -> Field:
    """Shares of every surface on the day of the weather, (surface, y, x) on the canvas, together 1."""
    ground = world.ground(weather.day).shares
    shares = np.zeros((covers.SURFACES, *ground.shape[1:]), np.float32)
    shares[: len(Cover)] = ground
    shares[_CHANGING] = 0
    for part in (_crops, _grass, _trees, _broken):
        for surface, share in part(ground, world, weather):
            shares[surface] += share
    return shares


def mixed(values: Field, shares: Field) -> Field:
    """Sum over surfaces of a value per band times a share per pixel: (band, surface), (surface, y, x) to (band, y, x).

    Row by row, since small products stay in one thread of the linear algebra library.
    """
    return np.asarray(np.matmul(values, shares.swapaxes(0, 1)).swapaxes(0, 1), np.float32, order="C")


def _crops(ground: Field, world: SimulatedWorld, weather: Weather) -> Parts:
    """What each field shows."""
    fields = fields_on(world.place, world.is_paddy, world.rank, weather)
    parts = (
        (covers.MUD, fields.mud),
        (covers.GREEN_CROP, fields.green),
        (covers.STRAW, fields.straw),
        (covers.CHAR, fields.char),
        (int(Cover.GRASS), fields.weeds),
        (int(Cover.SOIL), fields.soil),
    )
    for surface, per_field in parts:
        yield surface, ground[Cover.CROP] * per_field.astype(np.float32)[world.field_of]


def _grass(ground: Field, world: SimulatedWorld, weather: Weather) -> Parts:
    """Part of the grass is dry, part of it thin; places differ in how long they stay green."""
    grass = ground[Cover.GRASS]
    green = np.clip(np.float32(0.08 + 0.95 * weather.greenness) + np.float32(0.13) * world.vigour, 0.03, 1.0)
    yield Cover.GRASS, grass * green
    yield covers.DRY_GRASS, grass * (1 - green) * np.float32(0.75)
    yield Cover.SOIL, grass * (1 - green) * np.float32(0.25)


def _trees(ground: Field, world: SimulatedWorld, weather: Weather) -> Parts:
    """Trees lose a part of their leaves in the dry months."""
    trees = ground[Cover.TREES]
    dry = np.clip(np.float32(0.30 * (1 - weather.greenness)) - np.float32(0.08) * world.vigour, 0.0, 0.6)
    yield Cover.TREES, trees * (1 - dry)
    yield covers.DRY_TREES, trees * dry


def _broken(ground: Field, world: SimulatedWorld, weather: Weather) -> Parts:
    """A little green comes on broken ground with time and rain."""
    fresh = ground[Cover.FRESH]
    age = max((weather.day - world.broken_on).days, 0) if world.broken_on else 0
    green = np.float32(_REGROWTH * weather.greenness * (1 - np.exp(-age / 60.0)))
    yield Cover.FRESH, fresh * (1 - green)
    yield Cover.GRASS, fresh * green
