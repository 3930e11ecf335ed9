"""What really happened, for scoring."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rasterio.features import shapes
from rasterio.transform import Affine
from shapely.geometry import mapping, shape
from shapely.ops import unary_union

from aois.grid import Grid, to_lonlat
from detectors.footprint import Footprint, footprint_in
from detectors.records import Change
from flows.files import atomic_write
from flows.imagery.simulation.land.canvas import Canvas, crop_rim
from flows.imagery.simulation.scenario.changes import ExpectedChange, ScenarioStep
from flows.imagery.simulation.world import SimulatedWorld
from flows.records.json_object import JsonObject

_MOST_OF_A_PIXEL = 0.5


@dataclass(frozen=True)
class TrueChange:
    """One change that really happens.

    `begins` is its first day; `pixels` are those of the grid that it takes; `area_m2` and `length_m` are those of the
    ground itself, not of its pixels. `ordinary` marks what is real but not watched for (a house, a quarry): neither
    finding nor missing it is an error.
    """

    change: Change
    begins: date
    phase: str
    pixels: Footprint = field(repr=False)
    area_m2: float
    length_m: float | None = None
    ordinary: bool = False

    @property
    def footprint(self) -> npt.NDArray[np.bool_]:
        """Its pixels as a mask of the whole grid, bool (y, x)."""
        return self.pixels.frame()


def truth_of(world: SimulatedWorld) -> tuple[TrueChange, ...]:
    """Every change of a world that touches its grid, in order of time; empty where nothing happens."""
    changes = [_true_change(world.canvas, step, step.outcome) for step in world.plan.steps if step.outcome]
    return tuple(change for change in changes if change.pixels)


def _true_change(canvas: Canvas, step: ScenarioStep, outcome: ExpectedChange) -> TrueChange:
    cover = canvas.to_pixels(canvas.mask(outcome.footprint))
    # A wall fills no pixel: those it touches best count, from half of the most that a pixel holds.
    threshold = max(min(_MOST_OF_A_PIXEL, 0.5 * float(cover.max())), 1e-3)
    return TrueChange(
        change=outcome.change,
        begins=step.begins,
        phase=step.phase,
        pixels=footprint_in(np.asarray(crop_rim(cover) >= threshold)),
        area_m2=float(outcome.footprint.area),
        length_m=outcome.length_m,
        ordinary=outcome.ordinary,
    )


def truth_features(area_id: str, grid: Grid, changes: Iterable[TrueChange]) -> list[JsonObject]:
    """GeoJSON features of an area's changes, footprints as longitude/latitude polygons."""
    return [_feature(area_id, grid, change) for change in changes]


def _feature(area_id: str, grid: Grid, change: TrueChange) -> JsonObject:
    mask = change.pixels.mask
    begin = grid.transform @ Affine.translation(change.pixels.left, change.pixels.top)
    pieces = [shape(piece) for piece, _ in shapes(mask.astype(np.uint8), mask=mask, transform=begin)]
    return {
        "type": "Feature",
        "geometry": mapping(to_lonlat(unary_union(pieces), grid.epsg)),
        "properties": {
            "area_id": area_id,
            "change": change.change.value,
            "begins": change.begins.isoformat(),
            "phase": change.phase,
            "area_m2": round(change.area_m2, 1),
            "length_m": None if change.length_m is None else round(change.length_m, 1),
            "ordinary": change.ordinary,
            "simulated": True,
        },
    }


def write_truth(path: Path, features: Iterable[JsonObject]) -> None:
    """Write features as one GeoJSON file, whole or not at all; the folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    collection = {"type": "FeatureCollection", "features": list(features)}
    atomic_write(path, json.dumps(collection, indent=1) + "\n")
