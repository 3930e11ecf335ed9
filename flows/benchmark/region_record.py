"""A region of the annotations as areas to watch, and what the record of that watch says of it."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from datetime import date
from pathlib import Path

import shapely
from shapely.geometry import box

from aois.area import Area, AreaKind
from aois.grid import to_lonlat, to_utm, utm_epsg
from aois.reading import to_feature_collection
from aois.week import Week, week_of
from detectors.acquisition import OPTICAL
from detectors.records import State
from flows.benchmark.errors import BenchmarkError
from flows.benchmark.scoring import SeenShare
from flows.files import atomic_write, private_folder
from flows.ledger.ledger import Ledger
from flows.records.site_models import RegionModel, SiteModel
from flows.reports.site_models import site_models_of

LEAST_OF_A_TILE = 0.01
MOST_TILE_KM = 100.0


def tiles_of(region: RegionModel, *, side_km: float) -> tuple[Area, ...]:
    """The region in squares, each an area of its own; raises `BenchmarkError` for a side that is none."""
    if not 0.5 <= side_km <= MOST_TILE_KM:
        raise BenchmarkError(f"--tile-km {side_km:g} is not between 0.5 and {MOST_TILE_KM:g}; 5 suits most machines")
    middle = region.geometry.centroid
    epsg = utm_epsg(middle.x, middle.y)
    ground, side = to_utm(region.geometry, epsg), 1000.0 * side_km
    left, bottom, right, top = ground.bounds
    found = []
    for row in range(math.ceil((top - bottom) / side)):
        for column in range(math.ceil((right - left) / side)):
            west, south = left + column * side, bottom + row * side
            part = box(west, south, west + side, south + side).intersection(ground)
            if part.area >= LEAST_OF_A_TILE * side**2:
                name = f"{prefix_of(region.region_id)}{row:02d}-{column:02d}"
                outline = shapely.set_precision(to_lonlat(part, epsg), 1e-7)
                found.append(Area(name, AreaKind.REGION, outline))
    return tuple(found)


def prefix_of(region_id: str) -> str:
    """What the ids of a region's areas begin with."""
    return f"smart-{region_id.lower().replace('_', '-')}-"


def write_areas(path: Path, areas: tuple[Area, ...]) -> None:
    """A list of areas as the watch reads it lies at a path, for its owner alone."""
    private_folder(path.parent)
    atomic_write(path, json.dumps(to_feature_collection(areas), indent=1) + "\n")


def proposals_in(ledger: Ledger, region: RegionModel) -> tuple[SiteModel, ...]:
    """What was found in a region by its last day, as site models."""
    areas = _areas_of(ledger, region.region_id)
    events = [event for area in areas for event in ledger.events(area.id)]
    inside = [event for event in events if event.ground.representative_point().within(region.geometry)]
    finished = {
        event.event_id: next(step.on for step in ledger.history(event.event_id) if step.state is State.FINISHED)
        for event in inside
        if event.state is State.FINISHED
    }
    last = max((seen.week for area in areas for seen in ledger.observations(area_id=area.id)), default=None)
    until = region.end if last is None else min(region.end, last.last_day)
    return site_models_of(inside, finished, region_id=region.region_id, until=until)


def seen_share_in(ledger: Ledger, region_id: str) -> SeenShare:
    """How much of a region's ground was seen in an ordinary week between two days, by its optical scenes."""
    areas = _areas_of(ledger, region_id)
    weeks: dict[Week, dict[str, float]] = defaultdict(dict)
    for area in areas:
        for scene in ledger.scenes(area.id):
            if scene.sensor == OPTICAL and scene.status == "used":
                best = weeks[week_of(scene.acquired.date())]
                best[area.id] = max(best.get(area.id, 0.0), scene.clear_share)

    def between(first: date, last: date) -> float | None:
        known = [sum(best.values()) / len(areas) for week, best in weeks.items() if first <= week.last_day <= last]
        asked = max(1, (last - first).days // 7)
        return min(1.0, sum(known) / asked) if weeks else None

    return between


def _areas_of(ledger: Ledger, region_id: str) -> list[Area]:
    return [area for area in ledger.areas() if area.id.startswith(prefix_of(region_id))]
