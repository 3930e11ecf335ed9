"""The places of a tile as files: a ranked list with their coordinates, and the same as areas to be watched closely."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from shapely.geometry import box, mapping
from shapely.geometry.base import BaseGeometry

from aois.area import Area, AreaKind
from aois.grid import Grid, to_lonlat, to_utm
from aois.reading import to_feature_collection
from detectors.tile_search.places import CandidatePlace

WATCH_MARGIN_M = 500.0
_DIGITS = 8


@dataclass(frozen=True)
class Candidate:
    """A place under its name for life: the region's and a digest of where and when it stood out first."""

    candidate_id: str
    rank: int
    place: CandidatePlace


def candidates_of(
    region: Area, grid: Grid, places: Sequence[CandidatePlace], *, sites: Sequence[Area]
) -> tuple[Candidate, ...]:
    """The places inside the region that no site of the list already covers with its margin, ranked from 1."""
    ground = to_utm(region.geometry, grid.epsg)
    covered = [to_utm(site.geometry, grid.epsg).buffer(site.margin_m) for site in sites if _is_near(site, grid)]
    new = [
        place
        for place in places
        if (shape := _box(place, grid)).centroid.within(ground) and not any(site.intersects(shape) for site in covered)
    ]
    return tuple(Candidate(_name(region, grid, place), rank, place) for rank, place in enumerate(new, start=1))


def write_candidates(
    folder: Path,
    region: Area,
    grid: Grid,
    candidates: Sequence[Candidate],
    *,
    seen: Mapping[str, object],
    is_simulated: bool = False,
) -> tuple[Path, Path]:
    """``candidates.geojson`` and ``areas.geojson`` are in the folder, readable by their owner only.

    `seen` says what the search rests on and is written beside the list: no candidate is not the same as calm.
    Both lists say of places in a simulated world that they are.
    """
    features = [_feature(candidate, grid, is_simulated=is_simulated) for candidate in candidates]
    listed = {
        "type": "FeatureCollection",
        "search": {"region": region.id, "simulated": is_simulated, **seen},
        "features": features,
    }
    areas = to_feature_collection(
        [_as_area(candidate, region, grid, is_simulated=is_simulated) for candidate in candidates]
    )
    return _write(folder / "candidates.geojson", listed), _write(folder / "areas.geojson", areas)


def _is_near(site: Area, grid: Grid) -> bool:
    west, south, east, north = grid.bounds_lonlat
    return bool(site.geometry.intersects(box(west - 0.1, south - 0.1, east + 0.1, north + 0.1)))


def _box(place: CandidatePlace, grid: Grid, *, margin_m: float = 0.0) -> BaseGeometry:
    size = grid.pixel_size_m
    return box(
        grid.left + place.left * size - margin_m,
        grid.top - place.bottom * size - margin_m,
        grid.left + place.right * size + margin_m,
        grid.top - place.top * size + margin_m,
    )


def _name(region: Area, grid: Grid, place: CandidatePlace) -> str:
    x = grid.left + place.first_column * grid.pixel_size_m
    y = grid.top - place.first_row * grid.pixel_size_m
    digest = hashlib.sha256(f"{grid.epsg} {x} {y} {place.first_seen}".encode()).hexdigest()[:_DIGITS]
    return f"{region.id[: 63 - _DIGITS - 1].rstrip('-')}-{digest}"


def _feature(candidate: Candidate, grid: Grid, *, is_simulated: bool) -> dict[str, object]:
    place = candidate.place
    pixel_m2 = grid.pixel_size_m**2
    return {
        "type": "Feature",
        "id": candidate.candidate_id,
        "geometry": mapping(to_lonlat(_box(place, grid), grid.epsg)),
        "properties": {
            "rank": candidate.rank,
            "score": place.score,
            "area_m2": place.area_px * pixel_m2,
            "pieces": place.pieces,
            "first_seen": place.first_seen.isoformat(),
            "evidence": place.evidence,
            "simulated": is_simulated,
            "criteria": [asdict(criterion) for criterion in place.criteria],
        },
    }


def _as_area(candidate: Candidate, region: Area, grid: Grid, *, is_simulated: bool) -> Area:
    outline = to_lonlat(_box(candidate.place, grid, margin_m=WATCH_MARGIN_M), grid.epsg)
    name = f"a place to check in {region.id}" + (", simulated" if is_simulated else "")
    return Area(candidate.candidate_id, AreaKind.REGION, outline, name=name)


def _write(path: Path, document: Mapping[str, object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(document, indent=1, sort_keys=True, default=date.isoformat) + "\n")
    temporary.replace(path)
    return path
