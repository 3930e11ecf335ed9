"""Footprints of buildings from other programs: OpenStreetMap, Open Buildings, an operator's own drawing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from shapely import STRtree
from shapely.geometry import MultiPolygon, Polygon, shape
from shapely.geometry.base import BaseGeometry

from aois.area import Area, AreaError
from aois.geopackage import read_geopackage
from aois.grid import grid_of, to_utm
from aois.json_document import DocumentError, json_document
from aois.list_limits import LIMITS
from aois.wording import shown

SAME_SHARE = 0.5
"""Of the smaller of two footprints that lies in the other, from which both are taken for one structure."""
LEAST_M2 = 4.0


@dataclass(frozen=True)
class BuildingFootprint:
    """One outline of a building.

    Attributes
    ----------
    where
        Where it stands in its file, for messages.
    geometry
        Polygon or MultiPolygon, (longitude, latitude) in degrees.
    area_m2
        The area of the outline, m²; 0 before `footprints_within` has measured it.
    """

    where: str
    geometry: BaseGeometry
    area_m2: float = 0.0


def read_footprints(path: Path) -> tuple[tuple[BuildingFootprint, ...], tuple[str, ...]]:
    """Read footprints from GeoJSON, a GeoPackage, or a CSV file with outlines as WKT in a column `geometry`.

    Parameters
    ----------
    path
        The file, as OpenStreetMap's exports and Open Buildings come.

    Returns
    -------
    tuple of BuildingFootprint, tuple of str
        The outlines in the order of the file, and a line on each thing that is none and was left out.

    Raises
    ------
    AreaError
        For a file that cannot be read, is too large, or is of another kind.
    """
    ending = path.suffix.lower()
    if ending == ".gpkg":
        table = read_geopackage(path)
        found: Iterable[tuple[str, object]] = ((row.where, row.geometry) for row in table.rows)
    elif ending in (".geojson", ".json"):
        found = _features(_text(path), path)
    elif ending == ".csv":
        found = _rows(_text(path), path)
    else:
        raise AreaError(f"{path}: `{shown(ending)}` is none of .geojson, .gpkg and .csv; export the footprints as one")
    kept, lines = list[BuildingFootprint](), list[str]()
    for where, raw in found:
        outline = _outline(raw)
        if outline is None:
            lines.append(f"{where}: it is no outline of a building, and is left out")
        else:
            kept.append(BuildingFootprint(where, outline))
    if not kept:
        raise AreaError(f"{path}: holds no outline of a building; give polygons in longitude and latitude")
    if len(kept) > LIMITS.areas:
        raise AreaError(f"{path}: holds {len(kept)} footprints, over {LIMITS.areas}; cut out the site's surroundings")
    return tuple(kept), tuple(lines)


def footprints_within(
    footprints: Sequence[BuildingFootprint], area: Area
) -> tuple[tuple[BuildingFootprint, ...], tuple[str, ...]]:
    """Choose the footprints that lie in the watched ground of a site, each structure once, and measure them.

    Parameters
    ----------
    footprints
        Outlines of any place.
    area
        The site; its margin counts.

    Returns
    -------
    tuple of BuildingFootprint, tuple of str
        Those that count, and a line on each that does not, with the reason.
    """
    grid = grid_of(area)
    ground = to_utm(area.geometry, grid.epsg).buffer(area.margin_m)
    drawn = [to_utm(one.geometry, grid.epsg) for one in footprints]
    inside = [n for n, outline in enumerate(drawn) if ground.contains(outline.centroid)]
    lines = [
        f"{footprints[n].where}: it lies outside `{area.id}` and its margin, and is left out"
        for n in sorted(set(range(len(drawn))) - set(inside))
    ]
    kept, tree = list[int](), STRtree([drawn[n] for n in inside])
    taken: set[int] = set()
    for n in inside:
        if drawn[n].area < LEAST_M2:
            lines.append(f"{footprints[n].where}: {drawn[n].area:.1f} m² is no building, and is left out")
            continue
        near = (inside[int(m)] for m in tree.query(drawn[n], predicate="intersects"))
        twin = next((m for m in near if m in taken and _is_same(drawn[n], drawn[m])), None)
        if twin is None:
            kept.append(n)
            taken.add(n)
        else:
            lines.append(
                f"{footprints[n].where}: it overlaps {footprints[twin].where}, which is taken for the same building"
            )
    chosen = tuple(
        BuildingFootprint(footprints[n].where, footprints[n].geometry, round(drawn[n].area, 1)) for n in kept
    )
    return chosen, tuple(lines)


def _is_same(one: BaseGeometry, other: BaseGeometry) -> bool:
    return bool(one.intersection(other).area > SAME_SHARE * min(one.area, other.area))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LIMITS.file_bytes:
            raise AreaError(f"{path}: larger than {LIMITS.file_bytes // 1_000_000} MB; cut out the site's surroundings")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise AreaError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError:
        raise AreaError(f"{path}: is no text in UTF-8; export the footprints again") from None


def _features(text: str, path: Path) -> Iterator[tuple[str, object]]:
    try:
        document = json_document(text)
    except DocumentError as error:
        raise AreaError(f"{path}: {error}") from None
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise AreaError(f"{path}: is no GeoJSON FeatureCollection; export the footprints as one")
    for number, one in enumerate(features, start=1):
        yield f"feature {number}", one.get("geometry") if isinstance(one, dict) else None


def _rows(text: str, path: Path) -> Iterator[tuple[str, object]]:
    rows = csv.DictReader(io.StringIO(text))
    if "geometry" not in (rows.fieldnames or ()):
        raise AreaError(f"{path}: has no column `geometry` with outlines as WKT, as Open Buildings has; export it so")
    try:
        for row in rows:
            yield f"row {rows.line_num}", row["geometry"]
    except csv.Error as error:
        raise AreaError(f"{path}: row {rows.line_num} cannot be read ({error}); correct it there") from None


def _outline(raw: object) -> Polygon | MultiPolygon | None:
    """A polygon in the world from GeoJSON or WKT; None for anything else, which GEOS is not given to read."""
    kind = raw.lstrip()[:12].upper() if isinstance(raw, str) else raw.get("type") if isinstance(raw, Mapping) else None
    if not isinstance(kind, str) or not kind.upper().startswith(("POLYGON", "MULTIPOLYGON")):
        return None
    try:
        read = shapely.from_wkt(raw) if isinstance(raw, str) else shape(raw)
    except (shapely.errors.ShapelyError, ValueError, TypeError, AttributeError, KeyError, IndexError):
        return None
    if not isinstance(read, Polygon | MultiPolygon) or read.is_empty:
        return None
    points = shapely.get_coordinates(read)
    is_in_world = np.isfinite(points).all() and (np.abs(points) <= (180.0, 90.0)).all()
    if not is_in_world or len(points) > LIMITS.outline_points:
        return None
    valid = shapely.make_valid(shapely.force_2d(read))
    parts = [part for part in shapely.get_parts(valid) if isinstance(part, Polygon) and part.area > 0]
    return MultiPolygon(parts) if len(parts) > 1 else parts[0] if parts else None
