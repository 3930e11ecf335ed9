"""Random fields: the raw material of terrain, texture, cloud and noise; whole ones, and rows of ones of any size."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from flows.imagery.simulation.random_streams import generator

Field = npt.NDArray[np.float32]


_SPREAD = 0.48  # standard deviation that bicubic B-spline smoothing leaves of white knots


@lru_cache(maxsize=256)
def _spline_matrix(length: int, spacing: float, start: int = 0) -> csr_array:
    """Weights that carry knots `spacing` apart to `length` cells from `start` on by cubic B-splines; (cell, knot)."""
    position = np.arange(start, start + length) / spacing
    first = np.floor(position).astype(int)
    t = position - first
    first -= first[0]
    weights = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    columns = (first[:, None] + np.arange(4)).ravel()
    values = (np.stack(weights, axis=1) / 6).ravel().astype(np.float32)
    return csr_array((values, columns, np.arange(length + 1) * 4), shape=(length, int(first[-1]) + 4))


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], spacing: float) -> Field:
    """A field of mean 0 and standard deviation about 1 that varies over `spacing` cells; (y, x)."""
    rows, columns = (_spline_matrix(length, spacing) for length in shape)
    knots = rng.standard_normal((rows.shape[1], columns.shape[1]), dtype=np.float32)
    # Sparse products: four taps a cell, and no library threads that would get in each other's way.
    return np.asarray((columns @ (rows @ knots).T).T / np.float32(_SPREAD), np.float32, order="C")


def fractal_noise(
    rng: np.random.Generator, shape: tuple[int, int], spacings: tuple[float, ...], *, roughness: float = 0.6
) -> Field:
    """A sum of smooth fields, coarse first, each `roughness` times as strong as the one before; deviation about 1."""
    weights = roughness ** np.arange(len(spacings))
    total = np.zeros(shape, np.float32)
    for weight, spacing in zip(weights, spacings, strict=True):
        total += np.float32(weight) * smooth_noise(rng, shape, spacing)
    return np.asarray(total / np.sqrt((weights**2).sum()), np.float32)


def white_rows(words: tuple[object, ...], rows: range, width: int, *, layers: int = 1) -> Field:
    """Some rows of a white field of standard normal numbers, (layer, y, x): each row has a stream of its own.

    A row is the same whichever rows are asked for beside it.
    """
    drawn = [generator(*words, row).standard_normal((layers, width), dtype=np.float32) for row in rows]
    return np.stack(drawn, axis=1)


def smooth_window(words: tuple[object, ...], rows: range, columns: range, spacing: float) -> Field:
    """A window of a field like that of `smooth_noise`, (y, x), which goes on as far as one likes from column 0 on.

    Each row of knots has a stream of its own, so that a pixel is the same whichever window it is asked for in.
    """
    down = _spline_matrix(len(rows), spacing, rows.start)
    across = _spline_matrix(len(columns), spacing, columns.start)
    top, left = int(np.floor(rows.start / spacing)), int(np.floor(columns.start / spacing))
    drawn = white_rows((*words, spacing), range(top, top + down.shape[1]), left + across.shape[1])
    inner = np.ascontiguousarray((across @ drawn[0, :, left:].T).T)
    return np.asarray(down @ inner / np.float32(_SPREAD), np.float32)


def fractal_window(
    words: tuple[object, ...], rows: range, columns: range, spacings: tuple[float, ...], *, roughness: float = 0.6
) -> Field:
    """A window of a field like that of `fractal_noise`, (y, x), which goes on as far as one likes from column 0 on."""
    weights = roughness ** np.arange(len(spacings))
    total = np.zeros((len(rows), len(columns)), np.float32)
    for weight, spacing in zip(weights, spacings, strict=True):
        total += np.float32(weight) * smooth_window(words, rows, columns, spacing)
    return np.asarray(total / np.sqrt((weights**2).sum()), np.float32)
