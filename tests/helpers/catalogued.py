"""Two areas with rasters of two weeks, of which the catalog is made."""

from __future__ import annotations

import numpy as np

from aois.grid import Grid
from flows.evidence.rasters import Layer

GRID = Grid(32631, 500_000, 200_000, 30, 20)
WEEKS = ("2026-11-15", "2026-11-22")
AREAS = [("yard", GRID), ("reef", GRID)]


def week_layers(seed: int) -> tuple[Layer, ...]:
    """A week's rasters, each week's its own."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=GRID.shape).astype(np.float32)
    score[:3] = np.nan
    classes = rng.integers(0, 5, GRID.shape).astype(np.uint8)
    first = np.where(classes > 0, 20261101, 0).astype(np.int32)
    return (
        Layer("score", score, float("nan"), "score"),
        Layer("change", classes, 0, "class"),
        Layer("first_seen", first, 0, "day"),
    )
