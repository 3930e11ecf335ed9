"""A drawing seen at 10 m: shares of each cover in a pixel, shadows, and what faces the radar."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter

from flows.imagery.simulation.land.canvas import Canvas, Field, Layers, Mask
from flows.imagery.simulation.land.land_cover import Cover
from flows.imagery.simulation.land.sun import MAX_DECLINATION, Sun, sun_at

_BLUR_PX = 0.45  # with the pixel's own square, a modulation of about 0.24 at the finest wave: that of the instrument
DECLINATIONS = (-MAX_DECLINATION, 0.0, MAX_DECLINATION)


@dataclass(frozen=True)
class LandSurface:
    """The ground of one epoch, per pixel of the canvas.

    `shares` is (cover, y, x), together 1; `shadow` (declination, y, x) the shaded share at each of `DECLINATIONS`;
    `corners` the strength of wall-and-ground corners that face a radar in the west.
    """

    shares: Field = field(repr=False)
    shadow: Field = field(repr=False)
    corners: Field = field(repr=False)


def look_down(canvas: Canvas, layers: Layers, latitude: float) -> LandSurface:
    """The drawing averaged to pixels, through the blur of the optics."""
    shares = np.stack([_blur(canvas.to_pixels(layers.cover == cover)) for cover in Cover])
    suns = [sun_at(latitude, declination) for declination in DECLINATIONS]
    shadow = np.stack([_blur(canvas.to_pixels(_shaded(layers.height, sun, canvas.cell_m))) for sun in suns])
    return LandSurface(shares, shadow, canvas.to_pixels(_corners(layers)))


def _blur(pixels: Field) -> Field:
    return np.asarray(gaussian_filter(pixels, _BLUR_PX, mode="nearest", truncate=4.0), np.float32)


def _shaded(height: Field, sun: Sun, cell_m: float) -> Mask:
    """True in the cells that something higher on the way to the sun keeps dark."""
    shaded = np.zeros(height.shape, bool)
    for step in range(1, int(height.max() / sun.tangent / cell_m) + 1):
        rows, columns = round(-sun.north * step), round(sun.east * step)
        towards = np.roll(height, (-rows, -columns), (0, 1))
        shaded |= towards - height > step * cell_m * sun.tangent
    return shaded


def _corners(layers: Layers) -> Field:
    """Height of built walls that face west, less where they stand askew to the track."""
    is_built = np.isin(layers.cover, [Cover.ZINC, Cover.BLUE, Cover.TILE, Cover.GREY, Cover.WALL])
    solid = np.where(is_built, layers.height, 0.0).astype(np.float32)
    smooth = gaussian_filter(solid, 1.5, mode="nearest")
    north, east = np.gradient(smooth)
    facing = east**2 / np.maximum(east**2 + north**2, 1e-6)
    step = np.maximum(solid - np.roll(solid, 1, 1), 0.0)
    return np.asarray(step * facing, np.float32)
