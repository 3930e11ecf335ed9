"""Lists of places from other programs, brought into the form of an area file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pydantic_core import PydanticCustomError

from aois.area import Area, AreaKind
from aois.grid import to_lonlat, to_utm, utm_epsg
from aois.outline import Position, position_of
from aois.reading import check_features, refuse_if_any
from aois.rows import ListRow
from aois.tables import read_table
from aois.wording import shown

POINT_RADIUS_M = 150.0  # chosen to hold a compound of common size around a point set somewhere on it
MAX_ID = 64
DECIMALS = 7  # of a degree: about a centimetre, the same on every machine after a reprojection
LONGEST_ENDING = 6  # of a taken id: `-20000`
MAX_LISTED = 10


def import_areas(path: Path, *, kind: AreaKind = AreaKind.SITE) -> tuple[tuple[Area, ...], tuple[str, ...]]:
    """Import a list of places from a CSV, KML, KMZ, GeoPackage or GeoJSON file.

    Points become circles of 150 m radius. The result has passed the checks of `read_areas`.

    Parameters
    ----------
    path
        The list; its ending says what it is.
    kind
        What a row is when it does not say so itself.

    Returns
    -------
    tuple of Area, tuple of str
        The areas in the order of the list, and a sentence on each thing that was assumed.

    Raises
    ------
    AreaError
        With all problems of the list, a line each, or for a file that cannot be read.
    """
    table = read_table(path)
    ids = make_ids(table.rows, stem=path.stem)
    features, problems = _features(table.rows, ids, kind)
    areas, more = check_features(features)
    refuse_if_any([*table.problems, *problems, *more], path=path)
    return areas, (*table.notes, *_notes(table.rows, ids, kind))


def make_ids(rows: Sequence[ListRow], *, stem: str) -> tuple[str, ...]:
    """Make an id for each row, from its own id, else its name, else the file's name and the row's place in the list.

    The same list gives the same ids; an id that is taken gets ``-2``, ``-3`` in the order of the rows.

    Parameters
    ----------
    rows
        The rows of a list.
    stem
        The file's name without its ending.

    Returns
    -------
    tuple of str, one for each row and no two the same: 1 to 64 of a-z, 0-9 and hyphens.
    """
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    ids: list[str] = []
    for number, row in enumerate(rows, start=1):
        ending = f"-{number:03d}"
        wanted = slug(row.values.get("id")) or slug(row.values.get("name"))
        wanted = wanted or (slug(stem) or "area")[: MAX_ID - len(ending)] + ending
        ids.append(_free(wanted, taken, numbers))
        taken.add(ids[-1])
    return tuple(ids)


def slug(value: object) -> str:
    """Turn a text or number into lower-case letters, digits and hyphens.

    Parameters
    ----------
    value
        An id or a name as the list has it, or None.

    Returns
    -------
    str of at most 64 characters, accents dropped; empty where the value has no letter a-z and no digit.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = "" if value is None else str(value)
    bare = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", bare).strip("-")[:MAX_ID].rstrip("-")


def _free(wanted: str, taken: Collection[str], numbers: dict[str, int]) -> str:
    """The id that is wanted, or with the next number that is free; `numbers` holds where the last search ended."""
    if wanted not in taken:
        return wanted
    base = wanted[: MAX_ID - LONGEST_ENDING]
    number = numbers.get(base, 2)
    while (candidate := f"{base}-{number}") in taken:
        number += 1
    numbers[base] = number + 1
    return candidate


def _features(rows: Sequence[ListRow], ids: Sequence[str], kind: AreaKind) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows as features of an area file, and a line for each point that is none on this world."""
    centres, problems = _centres(rows, ids)
    circles = dict(zip(centres, circles_around([*centres.values()]), strict=True))
    features = [
        {
            "type": "Feature",
            "id": id_,
            "properties": {"kind": kind.value} | {name: value for name, value in row.values.items() if name != "id"},
            "geometry": circles.get(number, row.geometry),
        }
        for number, (row, id_) in enumerate(zip(rows, ids, strict=True))
        if number in centres or _lone_point(row.geometry) is None
    ]
    return features, problems


def _centres(rows: Sequence[ListRow], ids: Sequence[str]) -> tuple[dict[int, Position], list[str]]:
    """The points among the rows, by their place in the list, and a line for each that is none on this world."""
    centres: dict[int, Position] = {}
    problems: list[str] = []
    for number, (row, id_) in enumerate(zip(rows, ids, strict=True)):
        if (point := _lone_point(row.geometry)) is None:
            continue
        try:
            centres[number] = position_of(point, 1)
        except PydanticCustomError as error:
            problems.append(f"{row.where} (area `{id_}`): geometry {error.message()}")
    return centres, problems


def _lone_point(geometry: Mapping[str, object] | None) -> object:
    """The coordinates of a Point, or of a MultiPoint of one; None for everything else."""
    if not isinstance(geometry, Mapping) or "coordinates" not in geometry:
        return None
    coordinates = geometry["coordinates"]
    if geometry.get("type") == "Point":
        return coordinates
    lone = geometry.get("type") == "MultiPoint" and isinstance(coordinates, list | tuple) and len(coordinates) == 1
    return coordinates[0] if lone else None  # type: ignore[index]


def circles_around(centres: Sequence[Position]) -> list[Mapping[str, object]]:
    """Draw a circle of `POINT_RADIUS_M` around each point.

    Parameters
    ----------
    centres
        (longitude, latitude) in degrees.

    Returns
    -------
    list of Mapping, a GeoJSON Polygon in (longitude, latitude) for each point, in the same order.
    """
    circles: list[Mapping[str, object]] = [{}] * len(centres)
    zones = np.array([utm_epsg(*centre) for centre in centres])
    for zone in np.unique(zones):
        places = np.flatnonzero(zones == zone).tolist()
        ground = to_utm(shapely.points([centres[place] for place in places]), int(zone))
        discs = to_lonlat(shapely.buffer(ground, POINT_RADIUS_M, quad_segs=16), int(zone))
        rings = shapely.get_coordinates(discs).round(DECIMALS).reshape(len(places), -1, 2)
        for place, ring in zip(places, rings.tolist(), strict=True):
            circles[place] = {"type": "Polygon", "coordinates": [ring]}
    return circles


def _notes(rows: Sequence[ListRow], ids: Sequence[str], kind: AreaKind) -> list[str]:
    """A sentence on each thing that the list did not say and that was settled for it."""
    paired = list(zip(rows, ids, strict=True))
    points = [id_ for row, id_ in paired if _lone_point(row.geometry) is not None]
    unnamed = [id_ for row, id_ in paired if not slug(row.values.get("id")) and not slug(row.values.get("name"))]
    by_name = [id_ for row, id_ in paired if not slug(row.values.get("id")) and slug(row.values.get("name"))]
    changed = [
        f"{shown(str(row.values['id']))} → {id_}"
        for row, id_ in paired
        if slug(row.values.get("id")) and str(row.values["id"]) != id_
    ]
    unkind = [id_ for row, id_ in paired if "kind" not in row.values]
    notes = {
        f"drawn as a circle of {POINT_RADIUS_M:.0f} m radius around the point": points,
        "given an id made from the name": by_name,
        "given an id made from the file's name and the place in the list": unnamed,
        "given another id, as the one in the list is taken or has more than a-z, 0-9 and hyphens": changed,
        f"taken to be a {kind.value}, as the list does not say the kind": unkind,
    }
    return [f"{note}: {_listed(found)}" for note, found in notes.items() if found]


def _listed(names: Sequence[str]) -> str:
    """The names, after the tenth only their number."""
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more
