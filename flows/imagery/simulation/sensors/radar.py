"""The picture that Sentinel-1 takes of a world on a day."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter
from scipy.special import gammaincinv, ndtr

from flows.imagery.simulation.land import land_cover as covers
from flows.imagery.simulation.land.canvas import Field, crop_rim
from flows.imagery.simulation.land.ground_window import GroundWindow
from flows.imagery.simulation.land.land_cover import Cover
from flows.imagery.simulation.random_streams import generator
from flows.imagery.simulation.season.weather import Weather
from flows.imagery.simulation.sensors.optical import shift_pixels
from flows.imagery.simulation.sensors.radar_platforms import ONE_PLATFORM, RadarPlatform
from flows.imagery.simulation.sensors.surface_fractions import mixed, surfaces_on
from flows.imagery.simulation.world import SimulatedWorld

LOOKS = 4.4  # equivalent number of looks of ground range detected products at 10 m
_RESOLUTION_PX = 0.8  # the impulse is about 20 m wide
_CORNER = np.array([0.85, 0.20], np.float32)  # power of a corner a metre high along a whole pixel side, VV and VH
_WETTING_DB = np.array([3.0, 2.0], np.float32)  # what full wetness adds to bare soil
_CROSSTALK_PX = 0.45  # neighbouring speckle is a little alike


def take_radar_picture(world: SimulatedWorld, day: date, platform: RadarPlatform = ONE_PLATFORM[0]) -> Field:
    """Linear backscatter power of VV and VH as a platform sees it, float32 (polarisation, y, x), on the area's grid."""
    rng = generator("radar", world.place, day)
    weather = world.weather(day)
    power = power_of(weather, rng)
    smooth = displaced(resolved(scattered(world.ground(day), weather, power)), platform)
    drift = draw_drift(rng)
    seen = np.stack([speckled(band, rng) for band in smooth]) * drift
    return np.asarray(seen * np.float32(10 ** (platform.gain_db / 10)), np.float32)


def scattered(ground: GroundWindow, weather: Weather, power: Field) -> Field:
    """Linear power that comes back from the ground (polarisation, y, x), by the power of every surface."""
    texture = 1 + np.float32(1.6) * (ground.texture[3] - 1)
    rough = mixed(power, surfaces_on(ground, weather)) * texture
    return np.asarray(rough + _CORNER[:, None, None] * ground.surface.corners, np.float32)


def resolved(power: Field) -> Field:
    """What the instrument can tell apart of it."""
    return np.asarray(
        gaussian_filter(power, (0, _RESOLUTION_PX, _RESOLUTION_PX), mode="nearest", truncate=3.0), np.float32
    )


def draw_drift(rng: np.random.Generator) -> np.float32:
    """What one scene is multiplied by as a whole."""
    return np.float32(10 ** (rng.normal(0, 0.15) / 10))


def displaced(power: Field, platform: RadarPlatform) -> Field:
    """The grid's pixels of a canvas where the platform puts them."""
    if platform.shift_px == (0.0, 0.0):
        return crop_rim(power)
    return np.asarray(np.maximum(shift_pixels(power, platform.shift_px), power.min()), np.float32)


def power_of(weather: Weather, rng: np.random.Generator) -> Field:
    """Linear power of every surface (polarisation, surface): wet soil is brighter, wind roughens water."""
    decibels = covers.BACKSCATTER_DB + weather.moisture * _WETTING_DB[:, None] * covers.THIRST[None]
    wind = rng.gamma(1.5, 1.2) - 1.0
    decibels[:, [Cover.WATER, covers.MUD]] += wind
    return np.asarray(10 ** (decibels / 10), np.float32)


def speckled(power: Field, rng: np.random.Generator) -> Field:
    """Power times gamma speckle of `LOOKS` looks that is slightly alike between neighbours; (y, x)."""
    return np.asarray(power * speckle(rng.standard_normal(power.shape, dtype=np.float32)), np.float32)


def speckle(white: Field) -> npt.NDArray[np.float64]:
    """Gamma speckle of mean 1 made of white noise, (y, x)."""
    alike = gaussian_filter(white, _CROSSTALK_PX, mode="wrap", truncate=4.0)
    steps, factors, spread = _speckle_table()
    return np.asarray(np.interp(alike / spread, steps, factors))


@lru_cache(maxsize=1)
def _speckle_table() -> tuple[Field, Field, np.float32]:
    """Standard normal values, the gamma value of the same probability, and what smoothing leaves of white noise."""
    steps = np.linspace(-5.0, 5.0, 601)
    factors = gammaincinv(LOOKS, ndtr(steps)) / LOOKS
    spike = np.zeros((15, 15), np.float32)
    spike[7, 7] = 1
    kernel = gaussian_filter(spike, _CROSSTALK_PX, truncate=4.0)
    return steps.astype(np.float32), factors.astype(np.float32), np.float32(np.sqrt((kernel**2).sum()))
