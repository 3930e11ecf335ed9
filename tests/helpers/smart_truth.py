"""Simulated truth in the format of the public annotations, and proposals to score against it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from aois.grid import to_lonlat
from flows.records.site_models import (
    Phase,
    RegionModel,
    SiteModel,
    SiteObservation,
    region_document,
    site_document,
)

EPSG, REGION_ID = 32631, "XX_R001"
START, END = date(2020, 1, 1), date(2021, 12, 31)
REGION = RegionModel(REGION_ID, to_lonlat(box(500_000, 200_000, 510_000, 210_000), EPSG), START, END)
NONE, PREPARED, BUILT, OVER = (
    Phase.NO_ACTIVITY,
    Phase.SITE_PREPARATION,
    Phase.ACTIVE_CONSTRUCTION,
    Phase.POST_CONSTRUCTION,
)
LIFE = ((date(2020, 3, 1), NONE), (date(2020, 6, 1), PREPARED), (date(2020, 9, 1), BUILT), (date(2021, 3, 1), OVER))


def ground(number: int, *, side: float = 200.0, shift: float = 0.0) -> BaseGeometry:
    left = 500_500 + 900 * (number % 10) + shift
    bottom = 200_500 + 900 * (number // 10)
    return to_lonlat(box(left, bottom, left + side, bottom + side), EPSG)


def true_site(
    number: int,
    status: str = "positive_annotated",
    *,
    life: Sequence[tuple[date, Phase]] = LIFE,
    side: float = 200.0,
) -> SiteModel:
    where = ground(number, side=side)
    seen = tuple(SiteObservation(day, (phase,), where) for day, phase in life)
    return SiteModel(f"{REGION_ID}_{number:04d}", REGION_ID, status, where, life[0][0], life[-1][0], seen)


def proposal(
    number: int, *, late: int = 0, days: int = 300, part: int = 0, of: int = 1, shift: float = 0.0
) -> SiteModel:
    """What a detector says of the site of a number: from its true beginning on, whole or as one of several strips."""
    first = date(2020, 6, 1) + timedelta(days=late)
    left, bottom, right, top = _utm(number, shift)
    width = (right - left) / of
    where = to_lonlat(box(left + part * width, bottom, left + (part + 1) * width, top), EPSG)
    seen = (SiteObservation(first, (PREPARED,), where, 0.9),)
    name = f"{REGION_ID}_{9000 + 10 * number + part:04d}"
    return SiteModel(name, REGION_ID, "system_confirmed", where, first, first + timedelta(days=days), seen, 0.9)


def _utm(number: int, shift: float) -> tuple[float, float, float, float]:
    left, bottom = 500_500 + 900 * (number % 10) + shift, 200_500 + 900 * (number // 10)
    return left, bottom, left + 200.0, bottom + 200.0


def write_truth(folder: Path, sites: Sequence[SiteModel], *, only_summaries: bool = False) -> Path:
    """The folders of the public repository."""
    for name in ("region_models", "empty_region_models", "site_models"):
        (folder / name).mkdir(parents=True)
    (folder / "region_models" / f"{REGION_ID}.geojson").write_text(json.dumps(region_document(REGION, sites)))
    (folder / "empty_region_models" / f"{REGION_ID}.geojson").write_text(json.dumps(region_document(REGION, [])))
    for site in [] if only_summaries else sites:
        (folder / "site_models" / f"{site.site_id}.geojson").write_text(json.dumps(site_document(site)))
    return folder
