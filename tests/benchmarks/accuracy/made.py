"""Simulated places of a chosen country and story."""

from __future__ import annotations

from datetime import date
from itertools import count

from shapely.geometry import box

from aois.area import Area, AreaKind
from aois.grid import Grid, grid_of
from flows.imagery.simulation.scenario.presets import AreaPreset, recipe_of

SEA = (-30.0, 15.0)  # degrees: open Atlantic, where nothing real lies
DEGREES_A_PIXEL = 10.0 / 111_320.0
END = date(2026, 11, 22)


def place(recipe: AreaPreset, *, seed: int, side_px: int, number: int = 0) -> tuple[Area, Grid]:
    """A square region whose id draws the wished country and story.

    The simulation draws both from an area's id, so ids are tried in order until one fits.
    """
    west, south = SEA[0] + 0.02 * (number % 50), SEA[1] + 0.02 * (number // 50)
    side = side_px * DEGREES_A_PIXEL
    for n in count():
        area = Area(f"made-{number}-{n}", AreaKind.REGION, box(west, south, west + side, south + side))
        if recipe_of(area, seed) == recipe:
            return area, grid_of(area)
    raise AssertionError("never reached: ids do not end")
