"""From measurements to pictures: pure array functions, used alike for the picture before and the picture after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.features import shapes

from flows.reports.inputs import Mask, Rgb

Bands = npt.NDArray[np.floating[Any]]
Limits = npt.NDArray[np.float64]  # (3, 2): the value drawn black and the value drawn white, for each band
Ring = tuple[tuple[int, int], ...]

NOT_SEEN = 214  # a light grey that no surface has evenly in three bands: ground without a measurement
PERCENTILES = (2.0, 98.0)
GAMMA = 0.75  # chosen by eye on real suburbs and forest
MIN_SPAN = 0.04  # reflectance; even ground is not stretched until its noise looks like structure
# dB of VV, VH and VV − VH between which land backscatter at C band lies; fixed, so that any two dates compare
RADAR_LIMITS: Limits = np.array([[-18.0, 2.0], [-25.0, -5.0], [1.0, 14.0]])
FLOOR_POWER = 1e-5  # −50 dB, below the noise of the instrument


def limits_of(
    images: Sequence[Bands], *, valid: Sequence[Mask], percentiles: tuple[float, float] = PERCENTILES
) -> Limits:
    """The limits for `stretch` that serve several pictures of one place.

    Parameters
    ----------
    images
        Arrays (3, y, x); give the one before and the one after together.
    valid
        One bool (y, x) for each image, True where it holds a measurement.

    Returns
    -------
    float64 (3, 2), low and high per band, at least `MIN_SPAN` apart; 0 and 1 when nothing is valid.
    """
    seen = [np.asarray(image)[:, mask] for image, mask in zip(images, valid, strict=True)]
    values = np.concatenate(seen, axis=1) if seen else np.empty((3, 0))
    values = values[:, np.isfinite(values).all(axis=0)]
    if not values.size:
        return np.array([[0.0, 1.0]] * 3)
    low, high = np.percentile(values, percentiles, axis=1)
    missing = np.maximum(MIN_SPAN - (high - low), 0.0) / 2
    return np.stack([low - missing, high + missing], axis=1).astype(np.float64)


def stretch(bands: Bands, *, valid: Mask, limits: Limits, gamma: float = GAMMA) -> Rgb:
    """Three bands (3, y, x) as a picture, uint8 (y, x, 3); ground that is not valid is `NOT_SEEN` grey.

    A `gamma` under 1 lifts dark ground, which bright roofs in the same picture would push into black.
    """
    low, high = limits[:, 0, None, None], limits[:, 1, None, None]
    shown = valid & np.isfinite(bands).all(axis=0)
    scaled = np.clip((np.where(shown, bands, low) - low) / (high - low), 0.0, 1.0)
    rgb: Rgb = np.round(scaled**gamma * 255.0).astype(np.uint8).transpose(1, 2, 0).copy()
    rgb[~shown] = NOT_SEEN
    return rgb


def radar_rgb(vv: Bands, vh: Bands, *, valid: Mask) -> Rgb:
    """Backscatter (y, x) in linear power as a picture: VV red, VH green, VV/VH blue, all in dB between fixed limits."""
    vv_db, vh_db = (10.0 * np.log10(np.maximum(power, FLOOR_POWER)) for power in (vv, vh))
    return stretch(np.stack([vv_db, vh_db, vv_db - vh_db]), valid=valid, limits=RADAR_LIMITS, gamma=1.0)


def outline_of(mask: Mask) -> tuple[Ring, ...]:
    """The lines around the True pixels, along pixel edges.

    Each ring is closed and made of (x, y) pixel corners counted from the top left, so a single pixel at the origin is
    ``(0, 0) … (1, 1)``; holes are rings too.
    """
    painted = mask.astype(np.uint8)
    polygons = (geometry for geometry, _ in shapes(painted, mask=mask, connectivity=4))
    return tuple(
        tuple((round(x), round(y)) for x, y in ring) for polygon in polygons for ring in polygon["coordinates"]
    )


def reduce_by(rgb: Rgb, *, factor: int) -> Rgb:
    """The picture with blocks of `factor` by `factor` pixels averaged; an incomplete block at an edge is left out."""
    rows, columns = (side // factor for side in rgb.shape[:2])
    blocks = rgb[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor, 3)
    averaged: Rgb = np.round(blocks.mean(axis=(1, 3), dtype=np.float32)).astype(np.uint8)
    return averaged


def reduction_for(shape: tuple[int, int], *, side_px: int) -> int:
    """The smallest factor by which `reduce_by` brings the longer side of (rows, columns) to at most `side_px`."""
    return max(1, min(-(-max(shape) // side_px), *shape))
