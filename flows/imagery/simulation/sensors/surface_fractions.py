"""The ground of one day: how much of every surface a pixel shows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flows.imagery.simulation.land import land_cover as covers
from flows.imagery.simulation.land.canvas import Field
from flows.imagery.simulation.land.ground_window import GroundWindow
from flows.imagery.simulation.land.land_cover import Cover
from flows.imagery.simulation.season.crops import fields_on
from flows.imagery.simulation.season.weather import Weather

_REGROWTH = 0.15  # broken ground never greens more than this within the watched time
_CHANGING = [Cover.CROP, Cover.GRASS, Cover.TREES, Cover.FRESH]

Parts = Iterator[tuple[int, Field]]


def surfaces_on(ground: GroundWindow, weather: Weather) -> Field:
    """Shares of every surface on the day of the weather, (surface, y, x), together 1."""
    drawn = ground.surface.shares
    shares = np.zeros((covers.SURFACES, *drawn.shape[1:]), np.float32)
    shares[: len(Cover)] = drawn
    shares[_CHANGING] = 0
    for part in (_crops, _grass, _trees, _broken):
        for surface, share in part(drawn, ground, weather):
            shares[surface] += share
    return shares


def mixed(values: Field, shares: Field) -> Field:
    """Sum over surfaces of a value per band times a share per pixel: (band, surface), (surface, y, x) to (band, y, x).

    Row by row, since small products stay in one thread of the linear algebra library.
    """
    return np.asarray(np.matmul(values, shares.swapaxes(0, 1)).swapaxes(0, 1), np.float32, order="C")


def _crops(drawn: Field, ground: GroundWindow, weather: Weather) -> Parts:
    """What each field shows."""
    fields = fields_on(ground.place, ground.is_paddy, ground.rank, weather, country=ground.country)
    parts = (
        (covers.MUD, fields.mud),
        (covers.GREEN_CROP, fields.green),
        (covers.STRAW, fields.straw),
        (covers.CHAR, fields.char),
        (int(Cover.GRASS), fields.weeds),
        (int(Cover.SOIL), fields.soil),
    )
    for surface, per_field in parts:
        yield surface, drawn[Cover.CROP] * per_field.astype(np.float32)[ground.field_of]


def _grass(drawn: Field, ground: GroundWindow, weather: Weather) -> Parts:
    """Part of the grass is dry, part of it thin; places differ in how long they stay green."""
    grass = drawn[Cover.GRASS]
    green = np.clip(np.float32(0.08 + 0.95 * weather.greenness) + np.float32(0.13) * ground.vigour, 0.03, 1.0)
    yield Cover.GRASS, grass * green
    yield covers.DRY_GRASS, grass * (1 - green) * np.float32(0.75)
    yield Cover.SOIL, grass * (1 - green) * np.float32(0.25)


def _trees(drawn: Field, ground: GroundWindow, weather: Weather) -> Parts:
    """Trees lose a part of their leaves in the dry months."""
    trees = drawn[Cover.TREES]
    dry = np.clip(np.float32(0.30 * (1 - weather.greenness)) - np.float32(0.08) * ground.vigour, 0.0, 0.6)
    yield Cover.TREES, trees * (1 - dry)
    yield covers.DRY_TREES, trees * dry


def _broken(drawn: Field, ground: GroundWindow, weather: Weather) -> Parts:
    """A little green comes on broken ground with time and rain."""
    fresh = drawn[Cover.FRESH]
    age = max((weather.day - ground.broken_on).days, 0) if ground.broken_on else 0
    green = np.float32(_REGROWTH * weather.greenness * (1 - np.exp(-age / 60.0)))
    yield Cover.FRESH, fresh * (1 - green)
    yield Cover.GRASS, fresh * green
