"""Area files: read whole or refused whole, and written back."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import shapely
from pydantic import ValidationError
from shapely.geometry.base import BaseGeometry

from aois.area import Area, AreaError, Response
from aois.feature import FeatureEntry, problems_of, stated_id
from aois.grid import grid_of
from aois.json_document import DocumentError, json_document
from aois.list_limits import LIMITS
from aois.outline import point_count, word_for
from aois.wording import shown

SMALLER = "split the list, or simplify its outlines"
_LONGITUDE_LATITUDE = re.compile(r"(.*CRS84|.*EPSG:([0-9.]*:)?4326)", re.IGNORECASE)


def read_areas(path: Path, *, has_grids: bool = True) -> tuple[Area, ...]:
    """Read every area of a GeoJSON FeatureCollection.

    Parameters
    ----------
    path
        The file: UTF-8, (longitude, latitude) in degrees, EPSG:4326.
    has_grids
        Whether each area must have a grid (`grid_of`); not where regions are cut into parts before they are watched.

    Returns
    -------
    tuple of Area, in the order of the file.

    Raises
    ------
    AreaError
        With all problems of the file, a line each, when there is any: a file is taken whole or not at all.
    """
    areas, problems = check_features(load_features(path), has_grids=has_grids)
    refuse_if_any(problems, path=path)
    return areas


def check_features(features: Sequence[object], *, has_grids: bool = True) -> tuple[tuple[Area, ...], tuple[str, ...]]:
    """Check GeoJSON features and make areas of those that are right.

    Parameters
    ----------
    features
        Features as JSON gives them, (longitude, latitude) in degrees.
    has_grids
        As for `read_areas`.

    Returns
    -------
    tuple of Area, tuple of str
        The areas, in order, and a line for each problem with the features that describe none. No area where the
        outlines together have more points than `LIMITS` allow.
    """
    if (points := sum(point_count(raw) for raw in features)) > LIMITS.points:
        return (), (f"the outlines have {points} points, more than {LIMITS.points}; simplify them or split the list",)
    areas: list[Area] = []
    problems: list[str] = []
    for number, raw in enumerate(features, start=1):
        try:
            area = FeatureEntry.model_validate(raw).area()
            if has_grids:
                grid_of(area)
            areas.append(area)
        except ValidationError as error:
            problems.extend(problems_of(error, label=_label(raw, number)))
        except AreaError as error:
            problems.append(str(error))
    return tuple(areas), (*problems, *_duplicates(features))


def refuse_if_any(problems: Sequence[str], *, path: Path) -> None:
    """Refuse a list that has problems.

    Parameters
    ----------
    problems
        A line each; nothing happens where there is none.
    path
        The file, for the message.

    Raises
    ------
    AreaError
        With every problem on a line of its own; after `LIMITS.listed` only the number of the others.
    """
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        told = [f"- {each}" for each in problems[: LIMITS.listed]]
        more = [f"- and {len(problems) - LIMITS.listed} more"] if len(problems) > LIMITS.listed else []
        raise AreaError("\n".join([f"{path}: refused whole for {count}", *told, *more]))


def load_features(path: Path) -> list[object]:
    """Load the features of a GeoJSON file as they stand, unchecked.

    Parameters
    ----------
    path
        The file, in UTF-8.

    Returns
    -------
    list of object, at least one and at most `LIMITS.areas`.

    Raises
    ------
    AreaError
        When the file cannot be read, is no FeatureCollection, has no features, too many of them or too many names of
        properties, or names a coordinate system other than longitude and latitude.
    """
    try:
        document = json_document(read_text(path))
    except DocumentError as error:
        raise AreaError(f"{path}: {error}") from None
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        found = f"of type `{shown(document['type'])}`" if _is_typed(document) else word_for(document)
        raise AreaError(f"{path}: not a FeatureCollection but {found}; wrap its features in one")
    _refuse_other_coordinates(document, path)
    features = document.get("features")
    if not isinstance(features, list) or not features:
        raise AreaError(f"{path}: the FeatureCollection has no features; add at least one area")
    refuse_too_many(len(features), path=path)
    _refuse_many_names(features, path)
    return features


def refuse_too_many(count: int, *, path: Path) -> None:
    """Refuse a list that has more places than `LIMITS` allow.

    Parameters
    ----------
    count
        Places found so far.
    path
        The file, for the message.

    Raises
    ------
    AreaError
        When the count is over `LIMITS.areas`.
    """
    if count > LIMITS.areas:
        raise AreaError(f"{path}: has more than {LIMITS.areas} places; split it into several lists")


def read_bytes(path: Path) -> bytes:
    """Read a file, unless it is larger than `LIMITS` allow.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    bytes, at most `LIMITS.file_bytes`.

    Raises
    ------
    AreaError
        When the file cannot be read or is larger.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LIMITS.file_bytes + 1)
    except OSError as error:
        raise AreaError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    if len(content) > LIMITS.file_bytes:
        raise AreaError(f"{path}: larger than {LIMITS.file_bytes // 1_000_000} MB; {SMALLER}")
    return content


def read_text(path: Path) -> str:
    """Read a file as text in UTF-8, with or without a byte order mark.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    str, without the mark.

    Raises
    ------
    AreaError
        When the file cannot be read, is larger than `LIMITS` allow, or is no text in UTF-8.
    """
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise AreaError(f"{path}: not text in UTF-8; save it again with that encoding") from None


def to_feature_collection(areas: Iterable[Area]) -> dict[str, Any]:
    """Write areas as the GeoJSON that `read_areas` reads back as the same areas, in the same order.

    Parameters
    ----------
    areas
        The areas.

    Returns
    -------
    dict
        A FeatureCollection of plain lists and dicts, (longitude, latitude) in degrees.
    """
    return {"type": "FeatureCollection", "features": [_feature_of(area) for area in areas]}


def _feature_of(area: Area) -> dict[str, Any]:
    said = {
        "kind": area.kind.value,
        "name": area.name,
        "margin_m": area.margin_m,
        "responses": [_response_of(response) for response in area.responses],
        "sensitivity": area.sensitivity.value,
    }
    if area.status is not None:
        said["status"] = area.status.value
    return {"type": "Feature", "id": area.id, "properties": said, "geometry": _geometry_of(area.geometry)}


def _response_of(response: Response) -> dict[str, Any]:
    said = {
        "date": response.date.isoformat(),
        "action": response.action,
        "claim": response.claim,
        "source": response.source,
    }
    claims = [
        {name: str(v) if isinstance(v, date) else v for name, v in vars(one).items() if v not in (None, "")}
        for one in response.claims
    ]
    return said | ({"claims": claims} if claims else {})


def _geometry_of(geometry: BaseGeometry) -> dict[str, Any]:
    """A polygon or several as GeoJSON, in plain lists."""
    parts = [
        [shapely.get_coordinates(ring).tolist() for ring in shapely.get_rings(part)]
        for part in shapely.get_parts(geometry)
    ]
    return {"type": geometry.geom_type, "coordinates": parts[0] if geometry.geom_type == "Polygon" else parts}


def _label(raw: object, number: int) -> str:
    found = stated_id(raw)
    return f"area `{shown(found)}`" if isinstance(found, str) and found else f"feature {number}"


def _duplicates(features: Sequence[object]) -> list[str]:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for number, raw in enumerate(features, start=1):
        if isinstance(found := stated_id(raw), str):
            places[found].append(str(number))
    return [
        f"area `{shown(found)}`: id `{shown(found)}` is given to features {_several(numbers)}; "
        f"give each feature its own"
        for found, numbers in places.items()
        if len(numbers) > 1
    ]


def _several(numbers: Sequence[str]) -> str:
    more = f" and {len(numbers) - 3} more" if len(numbers) > 3 else ""
    return " and ".join(numbers[:3]) + more


def _refuse_many_names(features: Sequence[object], path: Path) -> None:
    names: set[str] = set()
    for raw in features:
        properties = raw.get("properties") if isinstance(raw, dict) else None
        names.update(properties if isinstance(properties, dict) else ())
        if len(names) > LIMITS.columns:
            raise AreaError(f"{path}: has more than {LIMITS.columns} names of properties; keep those that count")


def _is_typed(document: object) -> bool:
    return isinstance(document, dict) and isinstance(document.get("type"), str)


def _refuse_other_coordinates(document: dict[str, Any], path: Path) -> None:
    """Refuse a `crs` of the older GeoJSON that is not longitude and latitude: 300 m of datum shift go unseen."""
    crs = document.get("crs")
    if crs is None:
        return
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(name, str) or not _LONGITUDE_LATITUDE.fullmatch(name):
        raise AreaError(f"{path}: crs `{shown(str(name))}` is not longitude and latitude; export the list in EPSG:4326")
