"""Lists of places as other programs keep them, read into plain rows: CSV, KML, GeoPackage, GeoJSON."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyogrio
import pyogrio.raw
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import Transformer
from pyproj.exceptions import ProjError
from shapely.errors import ShapelyError
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from aois.area import AreaError
from aois.reading import load_features, read_text
from aois.rows import Row, Table, known

DECIMALS = 7  # of a degree: about a centimetre, the same on every machine after a reprojection

_LONGITUDES = ("lon", "lng", "long", "longitude", "x")
_LATITUDES = ("lat", "latitude", "y")
_WKT = ("wkt", "geometry", "geom", "the_geom")


class _UnreadableCell(ValueError):
    """A cell that holds no place; the message is the field, the value and the mend."""


def read_table(path: Path) -> Table:
    """The rows of a list; raises `AreaError` for a file that cannot be opened as what its ending says."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        endings = ", ".join(_READERS)
        raise AreaError(f"{path}: ending `{path.suffix}` is not one that can be imported; save the list as {endings}")
    table = reader(path)
    if not table.rows and not table.problems:
        raise AreaError(f"{path}: has no rows; add at least one place")
    return table


def _read_csv(path: Path) -> Table:
    text = read_text(path)
    first_line = text.partition("\n")[0]
    delimiter = max(",;\t", key=first_line.count)
    try:
        lines = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise AreaError(f"{path}: not a table that can be read ({error}); save it again as CSV") from None
    header = [cell.strip().lower() for cell in lines[0]] if lines else []
    place = _place_columns(header, path)
    rows, problems = [], []
    for number, line in enumerate(lines[1:], start=2):
        cells = dict(zip(header, (cell.strip() for cell in line), strict=False))
        if not any(cells.values()):
            continue
        try:
            rows.append(Row(f"row {number}", known(cells), place(cells)))
        except _UnreadableCell as error:
            problems.append(f"row {number}: {error}")
    return Table(tuple(rows), problems=tuple(problems))


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
    raise AreaError(
        f"{path}: columns `{', '.join(header)[:80]}` hold no place; name two of them lon and lat, or one wkt, in the "
        f"first row"
    )


def _degrees(column: str, text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise _UnreadableCell(f"{column} {_cell_trouble(text)}; write decimal degrees such as 0.75") from None


def _cell_trouble(text: str) -> str:
    """What is wrong with a cell, showing its text only when that cannot be a position."""
    if not text:
        return "is empty"
    return "is not a plain number" if any(map(str.isdigit, text)) else f"`{text[:40]}` is not a number"


def _from_wkt(column: str, text: str) -> Mapping[str, object]:
    try:
        geometry = shapely.from_wkt(text)
    except ShapelyError as error:
        raise _UnreadableCell(f"{column} {_geometry_trouble(error)}") from None
    return _as_mapping(geometry)


def _geometry_trouble(error: ShapelyError) -> str:
    if "closed linestring" in str(error):
        return "has a ring that is not closed; repeat its first point as the last"
    if "Invalid number of points" in str(error):
        return "has a ring with too few points; draw at least 4, the last the same as the first"
    return "is not a geometry that can be read; write it as POLYGON ((lon lat, lon lat, …))"


def _read_geojson(path: Path) -> Table:
    rows, problems = [], []
    for number, feature in enumerate(load_features(path), start=1):
        if isinstance(feature, dict):
            rows.append(_geojson_row(feature, f"feature {number}"))
        else:
            problems.append(f"feature {number}: is not an object; write a GeoJSON Feature")
    return Table(tuple(rows), problems=tuple(problems))


def _geojson_row(feature: dict[str, Any], where: str) -> Row:
    properties = feature.get("properties")
    said = {str(name).lower(): value for name, value in properties.items()} if isinstance(properties, dict) else {}
    if feature.get("id") is not None:
        said["id"] = feature["id"]
    return Row(where, known(said), feature.get("geometry"))


def _read_layers(path: Path) -> Table:
    """Every layer with geometry of a file that GDAL reads: the folders of a KML are layers too."""
    if not path.is_file():
        raise AreaError(f"{path}: cannot be read (no such file); check the path")
    try:
        layers = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        tables = [_read_layer(path, layer) for layer in layers]
    except (DataSourceError, DataLayerError) as error:
        raise AreaError(f"{path}: cannot be read ({error}); export the list again, or as GeoJSON") from None
    notes = [note for table in tables for note in table.notes]
    if len(layers) > 1:
        notes.insert(0, f"read {len(layers)} layers: {', '.join(layers)}")
    return Table(
        tuple(row for table in tables for row in table.rows),
        tuple(notes),
        tuple(problem for table in tables for problem in table.problems),
    )


def _read_layer(path: Path, layer: str) -> Table:
    with warnings.catch_warnings():
        # GDAL warns of a ring that is not closed; it is refused below in our own words.
        warnings.filterwarnings("ignore", message="Non closed ring", category=RuntimeWarning)
        meta, _, shapes, columns = pyogrio.raw.read(path, layer=layer)
    names = _kml_names(meta["fields"]) if path.suffix.lower() in (".kml", ".kmz") else [*meta["fields"]]
    to_lonlat, notes = _projection(meta["crs"], path=path, layer=layer)
    rows, problems = [], []
    for number, (shape, *cells) in enumerate(zip(shapes, *columns, strict=True), start=1):
        where = f"feature {number} of layer `{layer}`"
        said = {name.lower(): value for name, value in zip(names, cells, strict=True)}
        try:
            geometry = None if shape is None else _as_mapping(to_lonlat(shapely.from_wkb(shape)))
            rows.append(Row(where, known(said), geometry))
        except ShapelyError as error:
            problems.append(f"{where}: geometry {_geometry_trouble(error)}")
    return Table(tuple(rows), notes, tuple(problems))


def _kml_names(fields: Iterator[str]) -> list[str]:
    """KML's own id is a serial number of the drawing program; an id that a person gave comes as `id2`."""
    return [{"id": "kml_id", "id2": "id"}.get(name, name) for name in fields]


def _projection(
    crs: str | None, *, path: Path, layer: str
) -> tuple[Callable[[BaseGeometry], BaseGeometry], tuple[str, ...]]:
    """How to bring a layer into longitude and latitude, and a note where that was not plain."""
    if crs is None:
        return lambda shape: shape, (f"layer `{layer}` names no coordinate system; read as longitude and latitude",)
    if crs == "EPSG:4326":
        return lambda shape: shape, ()
    try:
        transformer = Transformer.from_crs(crs, 4326, always_xy=True)
    except ProjError:
        raise AreaError(
            f"{path}: layer `{layer}` has coordinate system `{crs[:60]}`, which cannot be converted; "
            f"save it in EPSG:4326"
        ) from None

    def degrees(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])).round(DECIMALS)

    return lambda shape: shapely.transform(shape, degrees), (f"layer `{layer}` was converted from {crs[:60]}",)


def _as_mapping(shape: BaseGeometry) -> Mapping[str, object]:
    plain: Mapping[str, object] = mapping(shapely.force_2d(shape))
    return plain


_READERS: Mapping[str, Callable[[Path], Table]] = {
    ".csv": _read_csv,
    ".kml": _read_layers,
    ".kmz": _read_layers,
    ".gpkg": _read_layers,
    ".geojson": _read_geojson,
    ".json": _read_geojson,
}
