"""Lists of places as other programs keep them, read into plain rows: CSV, KML, GeoPackage, GeoJSON."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import mapping

from aois.area import AreaError
from aois.geopackage import read_geopackage
from aois.placemarks import read_kml, read_kmz
from aois.reading import load_features, read_text, refuse_too_many
from aois.rows import COUNTING, ListRow, RowError, Table, known, name_problems, plain_number, said_once
from aois.wording import shown

_LONGITUDES = ("lon", "lng", "long", "longitude", "x")
_LATITUDES = ("lat", "latitude", "y")
_WKT = ("wkt", "geometry", "geom", "the_geom")
_WKT_WORDS = {"", "POINT", "MULTIPOINT", "LINESTRING", "MULTILINESTRING", "POLYGON", "MULTIPOLYGON", "EMPTY"}
_CURVES = ("CIRCULARSTRING", "COMPOUNDCURVE", "CURVEPOLYGON", "MULTICURVE", "MULTISURFACE")


def read_table(path: Path) -> Table:
    """Read the rows of a list.

    Parameters
    ----------
    path
        The list; its ending says what it is: .csv, .kml, .kmz, .gpkg, .geojson or .json.

    Returns
    -------
    Table
        At least one row or problem; geometries are GeoJSON in (longitude, latitude), degrees.

    Raises
    ------
    AreaError
        For an ending that is none of these, a file that cannot be read as what its ending says, and a list that has no
        rows or more places than `LIMITS` allow.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        endings = ", ".join(_READERS)
        ending = shown(path.suffix)
        raise AreaError(f"{path}: ending `{ending}` is not one that can be imported; save the list as {endings}")
    table = reader(path)
    if not table.rows and not table.problems:
        raise AreaError(f"{path}: has no rows; add at least one place")
    refuse_too_many(len(table.rows), path=path)
    return table


def _read_csv(path: Path) -> Table:
    lines = _csv_lines(path)
    header = [cell.strip().lower() for cell in next(lines, [])]
    place = _place_columns(header, path)
    problems = name_problems(header, counting={*COUNTING, *_LONGITUDES, *_LATITUDES, *_WKT})
    rows: list[ListRow] = []
    for number, line in enumerate(lines, start=2):
        if not any(map(str.strip, line)):
            continue
        try:
            cells = _cells(header, line)
            rows.append(ListRow(f"row {number}", known(cells), place(cells)))
        except RowError as error:
            problems.append(f"row {number}: {error}")
        refuse_too_many(len(rows) + len(problems), path=path)
    return Table(tuple(rows), problems=tuple(problems))


def _csv_lines(path: Path) -> Iterator[list[str]]:
    text = read_text(path)
    first_line = text.partition("\n")[0]
    delimiter = max(",;\t", key=first_line.count)
    try:
        yield from csv.reader(io.StringIO(text), delimiter=delimiter)
    except csv.Error as error:
        raise AreaError(f"{path}: not a table that can be read ({error}); save it again as CSV") from None


def _cells(header: Sequence[str], line: Sequence[str]) -> dict[str, str]:
    """The cells of a line by their columns; a decimal comma outside quotation marks gives one cell too many."""
    if any(map(str.strip, line[len(header) :])):
        raise RowError(
            f"has {len(line)} cells, the first row has {len(header)}; write decimal points, such as 0.75, or put a "
            f"cell that holds a comma in quotation marks"
        )
    return dict(zip(header, map(str.strip, line), strict=False))


def _place_columns(header: list[str], path: Path) -> Callable[[Mapping[str, str]], Mapping[str, object]]:
    """How to read a row's geometry: from WKT when there is such a column, else from longitude and latitude."""
    wkt, longitude, latitude = (
        next((name for name in names if name in header), None) for names in (_WKT, _LONGITUDES, _LATITUDES)
    )
    if wkt:
        return lambda cells: _from_wkt(wkt, cells.get(wkt, ""))
    if longitude and latitude:
        return lambda cells: {
            "type": "Point",
            "coordinates": [_degrees(name, cells.get(name, "")) for name in (longitude, latitude)],
        }
    columns = shown(", ".join(header), longest=80)
    raise AreaError(
        f"{path}: columns `{columns}` hold no place; name two of them lon and lat, or one wkt, in the first row"
    )


def _degrees(column: str, text: str) -> float:
    number = plain_number(text.replace(",", "."))
    if number is None:
        raise RowError(f"{column} {_cell_trouble(text)}; write decimal degrees such as 0.75")
    return number


def _cell_trouble(text: str) -> str:
    """What is wrong with a cell, showing its text only when that cannot be a position."""
    if not text:
        return "is empty"
    return "is not a plain number" if any(map(str.isdigit, text)) else f"`{shown(text)}` is not a number"


def _from_wkt(column: str, text: str) -> Mapping[str, object]:
    if trouble := _wkt_trouble(text):
        raise RowError(f"{column} {trouble}")
    try:
        found: Mapping[str, object] = mapping(shapely.force_2d(shapely.from_wkt(text)))
    except ShapelyError as error:
        raise RowError(f"{column} {_geometry_trouble(error)}") from None
    return found


def _wkt_trouble(text: str) -> str | None:
    """What keeps a text from the parser, which takes hex and NaN for numbers and collections of any depth."""
    words = [token.upper() for token in re.split(r"[\s(),]+", text) if plain_number(token) is None]
    if any(word.startswith(_CURVES) for word in words):
        return "has curves; draw the outline with straight lines"
    if any(word.startswith("GEOMETRYCOLLECTION") for word in words):
        return "is a collection; keep only its POLYGON or MULTIPOLYGON"
    return None if {word.rstrip("ZM") for word in words} <= _WKT_WORDS else _NO_WKT


_NO_WKT = "is not a geometry that can be read; write it as POLYGON ((lon lat, lon lat, …)) with decimal points"


def _geometry_trouble(error: ShapelyError) -> str:
    if "closed linestring" in str(error):
        return "has a ring that is not closed; repeat its first point as the last"
    if "Invalid number of points" in str(error):
        return "has a ring with too few points; draw at least 4, the last the same as the first"
    return _NO_WKT


def _read_geojson(path: Path) -> Table:
    rows, problems = [], []
    for number, feature in enumerate(load_features(path), start=1):
        try:
            rows.append(_geojson_row(feature, f"feature {number}"))
        except RowError as error:
            problems.append(f"feature {number}: {error}")
    return Table(tuple(rows), problems=tuple(problems))


def _geojson_row(feature: object, where: str) -> ListRow:
    if not isinstance(feature, dict):
        raise RowError("is not an object; write a GeoJSON Feature")
    if feature.get("type") != "Feature":
        raise RowError("is not of type `Feature`; write a GeoJSON Feature")
    properties: Any = feature.get("properties")
    if not isinstance(properties, dict | None):
        raise RowError("properties are not an object; write an object of names and values")
    said = said_once((properties or {}).items())
    if feature.get("id") is not None:
        said["id"] = feature["id"]
    return ListRow(where, known(said), feature.get("geometry"))


_READERS: Mapping[str, Callable[[Path], Table]] = {
    ".csv": _read_csv,
    ".kml": read_kml,
    ".kmz": read_kmz,
    ".gpkg": read_geopackage,
    ".geojson": _read_geojson,
    ".json": _read_geojson,
}
