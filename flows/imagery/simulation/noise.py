"""Smooth random fields: the raw material of terrain, texture and cloud."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

Field = npt.NDArray[np.float32]


@lru_cache(maxsize=256)
def _spline_matrix(length: int, spacing: float) -> csr_array:
    """Weights that carry knots `spacing` apart to `length` cells by cubic B-splines; (cell, knot)."""
    position = np.arange(length) / spacing
    first = np.floor(position).astype(int)
    t = position - first
    weights = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    columns = (first[:, None] + np.arange(4)).ravel()
    values = (np.stack(weights, axis=1) / 6).ravel().astype(np.float32)
    return csr_array((values, columns, np.arange(length + 1) * 4), shape=(length, int(first[-1]) + 4))


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], spacing: float) -> Field:
    """A field of mean 0 and standard deviation about 1 that varies over `spacing` cells; (y, x)."""
    rows, columns = (_spline_matrix(length, spacing) for length in shape)
    knots = rng.standard_normal((rows.shape[1], columns.shape[1]), dtype=np.float32)
    spread = 0.48  # standard deviation that bicubic B-spline smoothing leaves of white knots
    # Sparse products: four taps a cell, and no library threads that would get in each other's way.
    return np.asarray((columns @ (rows @ knots).T).T / np.float32(spread), np.float32, order="C")


def fractal_noise(
    rng: np.random.Generator, shape: tuple[int, int], spacings: tuple[float, ...], *, roughness: float = 0.6
) -> Field:
    """A sum of smooth fields, coarse first, each `roughness` times as strong as the one before; deviation about 1."""
    weights = roughness ** np.arange(len(spacings))
    total = np.zeros(shape, np.float32)
    for weight, spacing in zip(weights, spacings, strict=True):
        total += np.float32(weight) * smooth_noise(rng, shape, spacing)
    return np.asarray(total / np.sqrt((weights**2).sum()), np.float32)
