"""Read a region of the public annotations: its region model, and the model or the summary of each of its sites.

Repository pubgeo/IARPA-SMART (MIT licence), folders ``region_models`` and ``site_models``. Of regions that were
labelled coarsely there are summaries alone: a site then has its outline, its status and two dates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from shapely.errors import ShapelyError
from shapely.geometry import MultiPolygon, shape
from shapely.geometry.base import BaseGeometry

from aois.json_document import json_document
from flows.benchmark.errors import BenchmarkError
from flows.records.site_models import Phase, RegionModel, SiteModel, SiteObservation

REGION_ID = re.compile(r"[A-Z]{2}_[RCS]\d{3}")
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, IndexError, ShapelyError)


def read_region(folder: Path, region_id: str) -> tuple[RegionModel, tuple[SiteModel, ...]]:
    """Read a region and its sites, by id; raises `BenchmarkError` for a folder or a file that is not as specified."""
    if not REGION_ID.fullmatch(region_id):
        raise BenchmarkError(f"region `{region_id}` is not an id of the programme; write it as KH_R001 or BH_C002")
    if not folder.is_dir():
        raise BenchmarkError(f"--truth `{folder}` is not a folder; name the annotations of pubgeo/IARPA-SMART")
    models = [p for p in sorted(folder.rglob(f"{region_id}.geojson")) if "empty" not in p.parent.name]
    if not models:
        raise BenchmarkError(
            f"region `{region_id}` has no model in `{folder}`; it should lie in region_models/{region_id}.geojson there"
        )
    features = _features(models[0])
    region = _read(models[0], lambda: _region(features))
    found = {path.stem: path for path in sorted(folder.rglob(f"{region_id}_*.geojson"))}
    sites = {name: _read(path, lambda path=path: _site(_features(path))) for name, path in found.items()}
    summaries = (f for f in features if f["properties"].get("type") == "site_summary")
    for summary in summaries:
        site = _read(models[0], lambda summary=summary: _of_summary(summary, region_id))
        sites.setdefault(site.site_id, site)
    return region, tuple(sites[name] for name in sorted(sites))


def _features(path: Path) -> list[Any]:
    document = _read(path, lambda: json_document(path.read_text(encoding="utf-8")))
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or not all(isinstance(f, dict) and f.get("properties") for f in features):
        raise BenchmarkError(f"`{path}` is not a FeatureCollection of the programme; get the file again")
    return features


def _read(path: Path, make: Any) -> Any:
    try:
        return make()
    except UNREADABLE as error:
        raise BenchmarkError(
            f"`{path}` is not as the programme specifies it ({type(error).__name__}: {error}); get the file again"
        ) from None


def _region(features: Iterable[Any]) -> RegionModel:
    feature = next(f for f in features if f["properties"].get("type") == "region")
    said = feature["properties"]
    start, end = _day(said["start_date"]), _day(said["end_date"])
    if start is None or end is None or start >= end:
        raise ValueError(f"the region is looked at from {start} to {end}")
    return RegionModel(said["region_id"], _ground(feature), start, end)


def _site(features: Iterable[Any]) -> SiteModel:
    features = list(features)
    feature = next(f for f in features if f["properties"].get("type") == "site")
    said = feature["properties"]
    start, end = _day(said["start_date"]), _day(said["end_date"])
    seen = [f for f in features if f["properties"].get("type") == "observation"]
    days = [_day(f["properties"].get("observation_date")) for f in seen]
    if len(days) >= 2:  # of sites without phases the first and the last day are those of the site
        days[0], days[-1] = days[0] or start, days[-1] or end
    observations = [_observation(f, day) for f, day in zip(seen, days, strict=True) if day is not None]
    return SiteModel(
        said["site_id"],
        said.get("region_id") or "",
        said["status"],
        _ground(feature),
        start,
        end,
        tuple(sorted(observations, key=lambda one: one.day)),
        _score(said),
    )


def _of_summary(feature: Any, region_id: str) -> SiteModel:
    said, ground = feature["properties"], _ground(feature)
    start, end = _day(said["start_date"]), _day(said["end_date"])
    days = sorted({day for day in (start, end) if day is not None})
    seen = tuple(SiteObservation(day, (), ground) for day in days)
    return SiteModel(said["site_id"], region_id, said["status"], ground, start, end, seen, _score(said))


def _observation(feature: Any, day: date) -> SiteObservation:
    said, ground = feature["properties"], _ground(feature)
    phases = _words(said.get("current_phase"))
    flags = _words(said.get("is_site_boundary"))
    if ground.geom_type == "MultiPolygon" and len(flags) == len(ground.geoms):
        kept = [part for part, flag in zip(ground.geoms, flags, strict=True) if flag != "False"]
        ground = MultiPolygon(kept) if kept else ground
    source, sensor = said.get("source") or "", said.get("sensor_name") or ""
    return SiteObservation(day, tuple(map(Phase, phases)), ground.buffer(0), _score(said), source, sensor)


def _ground(feature: Any) -> BaseGeometry:
    ground = shape(feature["geometry"])
    if ground.is_empty:
        raise ValueError("a geometry is empty")
    return ground


def _words(text: str | None) -> list[str]:
    return [word for word in (text or "").split(", ") if word]


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _score(said: Any) -> float:
    return float(said.get("score", 1.0) if said.get("score") is not None else 1.0)
