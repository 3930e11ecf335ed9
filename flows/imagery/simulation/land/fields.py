"""Fields: how the land is divided, and how low each field lies."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from flows.imagery.simulation.land.canvas import Canvas, Field
from flows.imagery.simulation.noise import smooth_noise

_ROW_M = (34.0, 72.0)  # depth of a row of fields; paddies of the region are about 0.1 to 0.6 ha
_FIELD_M = (30.0, 95.0)  # width of a field in its row
_DISORDER = 0.45  # deviation of what is not by elevation in how low a field lies


@dataclass(frozen=True)
class Parcels:
    """The fields of a canvas.

    `ids` is int32 per cell, 0 to `count` - 1; `edge_m` the distance of a cell to the nearest side of its field in
    metres; `rank` the share of the ground (0 to 1, per field) that lies lower; `angle` the direction of the rows.
    """

    ids: npt.NDArray[np.int32] = field(repr=False)
    edge_m: Field = field(repr=False)
    rank: npt.NDArray[np.float64] = field(repr=False)
    angle: float

    @property
    def count(self) -> int:
        """How many fields there are."""
        return len(self.rank)


def divide(canvas: Canvas, elevation: Field, rng: np.random.Generator, *, is_sheet: bool = False) -> Parcels:
    """Parcels in rows along one direction, with sides that bend a little; `elevation` is per cell.

    Those of a sheet are ranked among all of the country, by a deviation of elevation of 1, not among themselves.
    """
    angle = float(rng.uniform(0, np.pi))
    along, across = turned(canvas, angle)
    cells = canvas.cells
    along = along + 5.0 * smooth_noise(rng, cells, 90.0 / canvas.cell_m)
    across = across + 5.0 * smooth_noise(rng, cells, 90.0 / canvas.cell_m)
    row, row_edge = _rows(across, rng)
    ids, field_edge = _fields(along, row, rng)
    ids = _renumbered(ids)
    return Parcels(ids, np.minimum(row_edge, field_edge), _ranks(ids, elevation, rng, is_sheet), angle)


def turned(canvas: Canvas, angle: float) -> tuple[Field, Field]:
    """Metres along and across a direction (radians from east), per cell."""
    east, north = canvas.coordinates()
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return east * cosine + north * sine, north * cosine - east * sine


def _rows(across: Field, rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], Field]:
    depth = float(across.max() - across.min())
    edges = (
        float(across.min()) - 1 + np.concatenate([[0.0], np.cumsum(rng.uniform(*_ROW_M, int(depth / _ROW_M[0]) + 2))])
    )
    row = np.searchsorted(edges, across, side="right") - 1
    edge_m = np.minimum(across - edges[row], edges[row + 1] - across)
    return row, edge_m.astype(np.float32)


def _fields(along: Field, row: npt.NDArray[np.int64], rng: np.random.Generator) -> tuple[npt.NDArray[np.int32], Field]:
    rows = int(row.max()) + 1
    width = rng.uniform(*_FIELD_M, rows).astype(np.float32)
    offset = rng.uniform(0, _FIELD_M[1], rows).astype(np.float32) - along.min()
    place = (along + offset[row]) / width[row]
    column = np.floor(place)
    share = place - column
    edge_m = np.minimum(share, 1 - share) * width[row]
    columns = int(column.max()) + 1
    return (row * columns + column.astype(np.int64)).astype(np.int32), edge_m.astype(np.float32)


def _renumbered(ids: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The same fields, numbered without gaps."""
    numbers = np.cumsum(np.bincount(ids.ravel()) > 0) - 1
    return np.asarray(numbers[ids], np.int32)


def _ranks(
    ids: npt.NDArray[np.int32], elevation: Field, rng: np.random.Generator, is_sheet: bool
) -> npt.NDArray[np.float64]:
    """Fields ordered by mean elevation with some disorder, as the share of the ground below each."""
    flat = ids.ravel()
    size = np.bincount(flat)
    mean = np.bincount(flat, weights=elevation.ravel()) / size
    height = mean + _DISORDER * rng.standard_normal(len(size))
    if is_sheet:
        return np.asarray(ndtr(height / np.hypot(1, _DISORDER)))
    order = np.argsort(height, kind="stable")
    below = np.empty(len(size))
    below[order] = (np.cumsum(size[order]) - size[order] / 2) / size.sum()
    return below
