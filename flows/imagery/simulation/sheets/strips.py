"""The pictures that both instruments take of a large world: strips of rows, each by itself, so that little is held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt

from flows.imagery.scene import OPTICAL_BANDS, RADAR_BANDS
from flows.imagery.simulation.land.canvas import Field
from flows.imagery.simulation.land.sun import declination, sun_at
from flows.imagery.simulation.noise import white_rows
from flows.imagery.simulation.random_streams import generator
from flows.imagery.simulation.sensors.clouds import classify, draw_mistakes
from flows.imagery.simulation.sensors.optical import (
    draw_errors,
    lit_ground,
    measure,
    misregistration,
    shift_pixels,
    through_coarse_bands,
    through_sky,
)
from flows.imagery.simulation.sensors.radar import (
    displaced,
    draw_drift,
    power_of,
    resolved,
    scattered,
    speckle,
)
from flows.imagery.simulation.sensors.radar_platforms import ONE_PLATFORM, RadarPlatform
from flows.imagery.simulation.sheets.large_world import LargeWorld
from flows.imagery.simulation.sheets.wide_sky import draw_wide_sky

_STRIP_PX = 128  # rows; even, as pixels of 20 m must not be cut
_CROSSTALK_REACH_PX = 2  # how far speckle of one pixel is alike that of others


def take_large_picture(world: LargeWorld, day: date) -> tuple[Field, npt.NDArray[np.uint8]]:
    """Surface reflectance, float32 (band, y, x), and scene classification, uint8 (y, x), on the area's grid."""
    rng = generator("optical", world.place, day)
    weather = world.weather(day)
    sun = sun_at(world.latitude, declination(day))
    shift = misregistration(rng)
    sky = draw_wide_sky((world.place, day), world.grid.width, sun, weather.monsoon, rng)
    errors, mistakes = draw_errors(rng), draw_mistakes(rng)
    slip = (2 * mistakes.slip[0], 2 * mistakes.slip[1])
    mistakes = replace(mistakes, slip=(0, 0))
    bands = len(OPTICAL_BANDS)
    pixels, scl = np.empty((bands, *world.grid.shape), np.float32), np.empty(world.grid.shape, np.uint8)
    for rows in _strips(world.grid.height):
        lit = world.look(rows, day, lambda ground: lit_ground(ground, weather, sun), layers=bands)
        above, as_classified = sky.over(rows, slip)
        grain = white_rows(("grain", world.place, day), rows, world.grid.width, layers=bands)
        seen = through_sky(through_coarse_bands(shift_pixels(lit, shift)), above)
        strip = measure(seen, errors, grain)
        pixels[:, rows.start : rows.stop] = strip
        scl[rows.start : rows.stop] = classify(strip, as_classified, mistakes)
    return pixels, scl


def take_large_radar_picture(world: LargeWorld, day: date, platform: RadarPlatform = ONE_PLATFORM[0]) -> Field:
    """Linear backscatter power of VV and VH as a platform sees it, float32 (polarisation, y, x), on the area's grid."""
    rng = generator("radar", world.place, day)
    weather = world.weather(day)
    power = power_of(weather, rng)
    factor = draw_drift(rng) * np.float32(10 ** (platform.gain_db / 10))
    polarisations = len(RADAR_BANDS)
    pixels = np.empty((polarisations, *world.grid.shape), np.float32)
    for rows in _strips(world.grid.height):
        back = world.look(rows, day, lambda ground: scattered(ground, weather, power), layers=polarisations)
        around = range(rows.start - _CROSSTALK_REACH_PX, rows.stop + _CROSSTALK_REACH_PX)
        white = white_rows(("speckle", world.place, day), around, world.grid.width, layers=polarisations)
        inner = slice(_CROSSTALK_REACH_PX, -_CROSSTALK_REACH_PX)
        for band, smooth in enumerate(displaced(resolved(back), platform)):
            pixels[band, rows.start : rows.stop] = smooth * speckle(white[band])[inner] * factor
    return pixels


def _strips(height: int) -> Iterator[range]:
    return (range(start, min(start + _STRIP_PX, height)) for start in range(0, height, _STRIP_PX))
