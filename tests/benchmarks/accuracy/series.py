# mypy: disable-error-code="no-any-return"
"""Real series as the detectors see them: every scene of a catalog on one grid."""

from __future__ import annotations

import json
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np
from shapely.geometry import box

from aois.area import Area, AreaKind
from aois.grid import Grid, grid_of
from detectors.acquisition import Acquisition
from flows.imagery.detector_inputs import acquisition_of
from flows.imagery.stac.stac_source import StacSource

ARCHIVES = Path(__file__).resolve().parents[3].parent / "shared" / "archives"
RIM, RIMS = 0.04, {"newcapital-egypt": 0.002}  # of the extent: truth of Egypt reaches to the edge of the images
ALWAYS = (date(2015, 1, 1), date(2027, 1, 1))

READ: list[str] = []  # the series that this process was asked for since it was last emptied, in that order


def is_there() -> bool:
    """True where the real archives lie beside the checkout."""
    return ARCHIVES.is_dir()


def area_over(name: str) -> Area:
    """A region over the whole extent of a catalog less a rim."""
    item = json.loads(min((ARCHIVES / name).glob("*/*/*.json")).read_text())
    west, south, east, north = item["bbox"]
    inset = RIMS.get(name, RIM)
    dx, dy = inset * (east - west), inset * (north - south)
    return Area(name, AreaKind.REGION, box(west + dx, south + dy, east - dx, north - dy))


def grid_over(name: str) -> Grid:
    """The grid that the looks of a catalog lie on."""
    return grid_of(area_over(name))


def real_series(name: str) -> tuple[Acquisition, ...]:
    """Every look of a catalog, oldest first, over its extent less a rim; `READ` notes that it was asked for."""
    READ.append(name)
    return _series(name)


@lru_cache(maxsize=8)
def _series(name: str) -> tuple[Acquisition, ...]:
    area = area_over(name)
    grid = grid_of(area)
    source = StacSource(ARCHIVES / name / "catalog.json")
    refs = source.search(area, grid, since=ALWAYS[0], until=ALWAYS[1])
    acquisitions = [acquisition_of(source.fetch(area, grid, ref), grid) for ref in refs]
    return tuple(k for k in acquisitions if k.valid.any())


def shape_of(acquisitions: tuple[Acquisition, ...]) -> tuple[int, int]:
    """Rows and columns of a series."""
    return acquisitions[0].valid.shape[0], acquisitions[0].valid.shape[1]


def measured(acquisitions: tuple[Acquisition, ...]) -> np.ndarray:
    """Where at least half of the looks measured anything; bool (y, x)."""
    return np.mean([k.valid for k in acquisitions], axis=0) >= 0.5
