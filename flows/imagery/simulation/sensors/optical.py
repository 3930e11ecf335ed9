"""The picture that Sentinel-2 takes of a world on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from flows.imagery.simulation.land import land_cover as covers
from flows.imagery.simulation.land.canvas import RIM, Field
from flows.imagery.simulation.land.ground_window import GroundWindow
from flows.imagery.simulation.land.land_cover import Cover
from flows.imagery.simulation.land.pixel_view import DECLINATIONS, LandSurface
from flows.imagery.simulation.land.sun import Sun, declination, sun_at
from flows.imagery.simulation.random_streams import generator
from flows.imagery.simulation.season.weather import Weather
from flows.imagery.simulation.sensors.clouds import Sky, classify, draw_mistakes, draw_sky
from flows.imagery.simulation.sensors.surface_fractions import mixed, surfaces_on
from flows.imagery.simulation.world import SimulatedWorld

# Per band, blue to shortwave infrared.
_SHADE = np.array([0.45, 0.52, 0.58, 0.64, 0.64, 0.70, 0.72], np.float32)  # light lost in full shadow
_DARKENING = np.array([0.28, 0.29, 0.30, 0.28, 0.28, 0.38, 0.44], np.float32)  # of bare soil by full wetness
_VEIL = np.array([1.0, 0.82, 0.66, 0.36, 0.34, 0.12, 0.07], np.float32)  # colour of haze
_CLOUD = np.array([0.64, 0.62, 0.62, 0.66, 0.66, 0.46, 0.36], np.float32)  # colour of thick cloud
_NOISE = np.array([0.0022, 0.0022, 0.0026, 0.0035, 0.003, 0.003, 0.003], np.float32)  # additive, 1 standard deviation
_GRAIN = np.float32(0.013)  # multiplicative, 1 standard deviation
_COARSE = 4  # bands from here on are measured in pixels of 20 m
_FURTHEST_SHIFT_PX = 2.5
_ROOF_AGEING_DAYS = 9000.0  # in which sheet metal would take on the colour of rust


def take_picture(world: SimulatedWorld, day: date) -> tuple[Field, npt.NDArray[np.uint8]]:
    """Surface reflectance, float32 (band, y, x), and scene classification, uint8 (y, x), on the area's grid."""
    rng = generator("optical", world.place, day)
    weather = world.weather(day)
    sun = sun_at(world.latitude, declination(day))
    shift = misregistration(rng)
    seen = through_coarse_bands(shift_pixels(lit_ground(world.ground(day), weather, sun), shift))
    sky = draw_sky(world.canvas.grid.shape, sun, weather.monsoon, rng)
    errors = draw_errors(rng)
    grain = rng.standard_normal(seen.shape, dtype=np.float32)
    pixels = measure(through_sky(seen, sky), errors, grain)
    return pixels, classify(pixels, sky, draw_mistakes(rng))


def misregistration(rng: np.random.Generator) -> tuple[float, float]:
    """How far, in pixels down and right, a scene lies off its place.

    A mixture of two Gaussians whose distance has median 0.35 and 90th percentile 1.0, as measured on real pairs.
    """
    spread = 0.23 if rng.random() < 0.7 else 0.66
    down, right = np.clip(rng.normal(0, spread, 2), -_FURTHEST_SHIFT_PX, _FURTHEST_SHIFT_PX)
    return float(down), float(right)


def shift_pixels(canvas: Field, shift: tuple[float, float]) -> Field:
    """The grid's pixels of a canvas (..., y, x) as seen when everything lies `shift` pixels further down and right.

    Six-tap Lanczos interpolation; the rim of the canvas is used up.
    """
    rows = _shift_axis(canvas, shift[0], axis=canvas.ndim - 2)
    return _shift_axis(rows, shift[1], axis=canvas.ndim - 1)


def _shift_axis(pixels: Field, shift: float, *, axis: int) -> Field:
    whole = int(np.floor(-shift))
    part = -shift - whole
    taps = np.arange(-2, 4)
    weights = np.sinc(taps - part) * np.sinc((taps - part) / 3)
    weights = (weights / weights.sum()).astype(np.float32)
    length = pixels.shape[axis] - 2 * RIM
    moved = np.moveaxis(pixels, axis, -1)
    total = np.zeros((*moved.shape[:-1], length), np.float32)
    for tap, weight in zip(taps, weights, strict=True):
        start = RIM + whole + int(tap)
        total += weight * moved[..., start : start + length]
    return np.moveaxis(total, -1, axis)


def lit_ground(ground: GroundWindow, weather: Weather, sun: Sun) -> Field:
    """Reflectance of the ground (band, y, x) under this sun, without sky or instrument."""
    flat = mixed(_colours(weather), surfaces_on(ground, weather))
    slope = np.float32(0.22) * (ground.slope[0] * np.float32(sun.east) + ground.slope[1] * np.float32(sun.north))
    shadow = _shadow_on(ground.surface, weather.day)
    light = (1 + slope / np.float32(sun.tangent))[None] * (1 - _SHADE[:, None, None] * shadow[None])
    return np.asarray(flat * ground.texture * light, np.float32)


def _colours(weather: Weather) -> Field:
    """Reflectance of every surface (band, surface): wet soil is darker, old sheet metal is browner."""
    wet = 1 - weather.moisture * _DARKENING[:, None] * covers.THIRST[None]
    colours = covers.REFLECTANCE * wet.astype(np.float32)
    age = np.clip((weather.day - date(2020, 1, 1)).days / _ROOF_AGEING_DAYS, 0, 0.6)
    colours[:, Cover.ZINC] += np.float32(age) * (colours[:, Cover.TILE] - colours[:, Cover.ZINC])
    return np.asarray(colours, np.float32)


def _shadow_on(surface: LandSurface, day: date) -> Field:
    """Shaded share of every pixel, between the shadows of the nearest two computed declinations."""
    shadow = surface.shadow
    place = np.interp(declination(day), DECLINATIONS, range(len(DECLINATIONS)))
    lower = min(int(place), len(DECLINATIONS) - 2)
    part = np.float32(place - lower)
    return np.asarray((1 - part) * shadow[lower] + part * shadow[lower + 1], np.float32)


def through_coarse_bands(pixels: Field) -> Field:
    """The bands measured at 20 m averaged over 2 × 2 pixels; an odd edge repeats the pixel before it."""
    coarse = pixels[_COARSE:]
    rows, columns = coarse.shape[1:]
    even = np.pad(coarse, ((0, 0), (0, rows % 2), (0, columns % 2)), mode="edge")
    blocks = even.reshape(len(coarse), even.shape[1] // 2, 2, even.shape[2] // 2, 2).mean((2, 4), dtype=np.float32)
    spread = blocks.repeat(2, 1).repeat(2, 2)[:, :rows, :columns]
    return np.concatenate([pixels[:_COARSE], spread])


def through_sky(ground: Field, sky: Sky) -> Field:
    """Shadow and haze on the ground, clouds over it."""
    lit = ground * (1 - _SHADE[:, None, None] * sky.shadow) + _VEIL[:, None, None] * sky.haze
    if not sky.cloud.any():
        return np.asarray(lit, np.float32)
    bright = _CLOUD[:, None, None] * (1 + np.float32(0.16) * sky.billow)
    return np.asarray(lit + sky.cloud * (bright - lit), np.float32)


@dataclass(frozen=True)
class RadiometricErrors:
    """How far a whole scene is off, per band: what it is multiplied by, and what is added."""

    gain: Field
    offset: Field


def draw_errors(rng: np.random.Generator) -> RadiometricErrors:
    """The errors of one scene."""
    bands = len(_VEIL)
    gain = 1 + rng.normal(0, 0.022) + rng.normal(0, 0.006, bands)
    offset = rng.normal(0, 0.0045) * _VEIL + rng.normal(0, 0.001, bands)
    return RadiometricErrors(gain.astype(np.float32), offset.astype(np.float32))


def measure(radiance: Field, errors: RadiometricErrors, grain: Field) -> Field:
    """What the processor makes of it: a scene's own gain and offset, noise, and steps of one ten-thousandth.

    `grain` is white noise of deviation 1, (band, y, x).
    """
    spread = _NOISE[:, None, None] + _GRAIN * radiance
    pixels = radiance * errors.gain[:, None, None] + errors.offset[:, None, None]
    return np.asarray(np.maximum(np.round((pixels + spread * grain) * 10_000), 1) / 10_000, np.float32)
