"""Ordinary settlement: streets and lots, houses, large halls, vacant blocks and the trees between them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from flows.imagery.simulation.land.canvas import Canvas, Field, Layers, Mask
from flows.imagery.simulation.land.fields import turned
from flows.imagery.simulation.land.land_cover import Cover
from flows.imagery.simulation.noise import smooth_noise

_BLOCK_M = (80.0, 48.0)  # from street to street
_LOT_M = (18.0, 20.0)
_STREET_M = 8.0
_ROOFS = np.array([Cover.ZINC, Cover.BLUE, Cover.TILE, Cover.TILE, Cover.GREY, Cover.GREY], np.uint8)
_YARDS = np.array([Cover.SOIL, Cover.GRASS, Cover.GRASS, Cover.CONCRETE], np.uint8)
_VACANT, _HALL = 0.13, 0.21  # shares of blocks: below the first grown over, up to the second one large roof

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Side:
    """Along one direction, per cell: number of the block, of the lot in the whole row, metres into block and lot."""

    block: Numbers = field(repr=False)
    lot: Numbers = field(repr=False)
    into_block: Field = field(repr=False)
    into_lot: Field = field(repr=False)


def build_town(canvas: Canvas, layers: Layers, where: Mask, rng: np.random.Generator) -> Layers:
    """The drawing with settlement over the masked cells."""
    if not where.any():
        return layers
    along, across = turned(canvas, float(rng.uniform(0, np.pi)))
    x = _side(along + 9.0 * smooth_noise(rng, canvas.cells, 140.0 / canvas.cell_m), _BLOCK_M[0], _LOT_M[0])
    y = _side(across + 9.0 * smooth_noise(rng, canvas.cells, 140.0 / canvas.cell_m), _BLOCK_M[1], _LOT_M[1])
    block = y.block * (int(x.block.max()) + 1) + x.block
    mood = rng.random(int(block.max()) + 1)[block]
    grown = _grow_over(canvas, layers, where, rng)
    housed = _houses(grown, where & (mood >= _HALL), x, y, block=block, rng=rng)
    built = _halls(housed, where & (mood >= _VACANT) & (mood < _HALL), x, y, block=block, rng=rng)
    return built.painted(where & ((x.into_block < 0) | (y.into_block < 0)), Cover.ASPHALT)


def _side(distance: Field, block_m: float, lot_m: float) -> _Side:
    """Cells along one direction; the first metres of every block, counted below zero, are street."""
    distance = distance - distance.min()
    block = np.floor(distance / block_m)
    into_block = distance - block * block_m - _STREET_M
    lots = int((block_m - _STREET_M) / lot_m)
    lot = np.clip(np.floor(into_block / lot_m), 0, lots - 1)
    into_lot = np.asarray(into_block - lot * lot_m, np.float32)
    return _Side(block.astype(np.int64), (block * lots + lot).astype(np.int64), into_block, into_lot)


def _grow_over(canvas: Canvas, layers: Layers, where: Mask, rng: np.random.Generator) -> Layers:
    """Grass, bare patches and groups of trees, which vacant blocks keep."""
    growth = smooth_noise(rng, canvas.cells, 9 / canvas.cell_m) + smooth_noise(rng, canvas.cells, 45 / canvas.cell_m)
    grass = layers.painted(where, Cover.GRASS)
    return grass.painted(where & (growth > 1.0), Cover.TREES, 6.0).painted(where & (growth < -1.3), Cover.SOIL)


def _houses(layers: Layers, where: Mask, x: _Side, y: _Side, *, block: Numbers, rng: np.random.Generator) -> Layers:
    """A yard on most lots, a house in it, a tree or two; a block's houses mostly have one kind of roof."""
    lot = y.lot * (int(x.lot.max()) + 1) + x.lot
    count = int(lot.max()) + 1
    custom = _ROOFS[rng.integers(len(_ROOFS), size=int(block.max()) + 1)][block]
    roof = np.where((rng.random(count) < 0.6)[lot], custom, _ROOFS[rng.integers(len(_ROOFS), size=count)][lot])
    off_x = np.abs(x.into_lot - rng.uniform(8, 10, count)[lot])
    off_y = np.abs(y.into_lot - rng.uniform(9, 11, count)[lot])
    built = where & (rng.random(count) < 0.85)[lot]
    house = built & (off_x < rng.uniform(3.5, 7.5, count)[lot]) & (off_y < rng.uniform(4.0, 8.5, count)[lot])
    yard = built & (rng.random(count) < 0.75)[lot]
    shade = built & (np.hypot(x.into_lot, y.into_lot - 18) < rng.uniform(0, 7, count)[lot])
    cover = np.where(yard, _YARDS[rng.integers(len(_YARDS), size=count)][lot], layers.cover)
    ground = Layers(cover, np.where(yard, np.float32(0), layers.height)).painted(shade, Cover.TREES, 6.0)
    height = rng.uniform(3.0, 9.0, count).astype(np.float32)[lot]
    return Layers(np.where(house, roof, ground.cover), np.where(house, height, ground.height))


def _halls(layers: Layers, where: Mask, x: _Side, y: _Side, *, block: Numbers, rng: np.random.Generator) -> Layers:
    """One large roof in a paved block: a market, a school, a workshop."""
    count = int(block.max()) + 1
    deep = rng.uniform(14, 32, count)[block]
    wide = rng.uniform(30, 62, count)[block]
    hall = where & (x.into_block > 5) & (x.into_block < wide) & (y.into_block > 4) & (y.into_block < deep)
    roof = _ROOFS[rng.integers(len(_ROOFS), size=count)][block]
    paved = layers.painted(where, Cover.CONCRETE)
    return Layers(np.where(hall, roof, paved.cover), np.where(hall, np.float32(8), paved.height))
