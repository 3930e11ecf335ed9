"""A GeoPackage of layers with their styles, written by SQLite alone (OGC 12-128r19, version 1.4)."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date

import shapely
from shapely.geometry import MultiPolygon

APPLICATION_ID = 0x47504B47  # "GPKG"
VERSION = 10400
WRITER_AT = 96  # of the four bytes that name the release of SQLite that wrote the file, which readers do not ask for
WRITTEN = "2000-01-01T00:00:00.000Z"  # the day of writing would make every file another
KINDS: dict[type, str] = {float: "REAL", bool: "BOOLEAN", str: "TEXT", date: "DATE"}
WGS84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,'
    'AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]'
)
# The tables that the standard asks for, with the three coordinate systems that it asks for.
TABLES = """
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY,
  organization TEXT NOT NULL, organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '', last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL,
  geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name), CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
INSERT INTO gpkg_spatial_ref_sys VALUES
  ('Undefined Cartesian SRS', -1, 'NONE', -1, 'undefined', 'undefined Cartesian coordinate reference system'),
  ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', 'undefined geographic coordinate reference system');
"""
STYLES = """
CREATE TABLE layer_styles (id INTEGER PRIMARY KEY NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
  f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
  useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME)
"""


@dataclass(frozen=True)
class GeopackageLayer:
    """Multipolygons in longitude and latitude (EPSG:4326) with what is said of each.

    Attributes
    ----------
    name
        Its name.
    columns
        The names of its columns, in order, each `float`, `bool`, `str` or `date` (given as text, YYYY-MM-DD).
    rows
        A multipolygon, then a value or None for each column.
    style
        The style by which QGIS draws the layer when it is opened; empty for none.
    """

    name: str
    columns: Mapping[str, type]
    rows: Sequence[Sequence[object]]
    style: bytes = b""


def geopackage_of(layer: str, columns: Mapping[str, type], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a GeoPackage with one layer without a style; its parameters are those of `GeopackageLayer`."""
    return geopackage_with([GeopackageLayer(layer, columns, list(rows))])


def geopackage_with(layers: Sequence[GeopackageLayer]) -> bytes:
    """Return a GeoPackage with some layers, each with its style; the same layers give the same bytes.

    Parameters
    ----------
    layers
        In the order in which readers list them.

    Returns
    -------
    bytes
        The file.
    """
    with closing(sqlite3.connect(":memory:")) as base:
        base.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        base.execute(f"PRAGMA user_version = {VERSION}")
        base.executescript(TABLES)
        base.execute("INSERT INTO gpkg_spatial_ref_sys VALUES ('WGS 84', 4326, 'EPSG', 4326, ?, '')", (WGS84,))
        for layer in layers:
            _add(layer, base)
        if styled := [layer for layer in layers if layer.style]:
            _add_styles(styled, base)
        base.commit()
        content = base.serialize()
    return content[:WRITER_AT] + bytes(4) + content[WRITER_AT + 4 :]


def _add(layer: GeopackageLayer, base: sqlite3.Connection) -> None:
    outlines = [outline for outline, *_ in layer.rows]
    kinds = ", ".join(f'"{name}" {KINDS[kind]}' for name, kind in layer.columns.items())
    marks = ", ".join("?" * (1 + len(layer.columns)))
    bounds = shapely.total_bounds(outlines).tolist() if outlines else [None] * 4
    base.execute(
        "INSERT INTO gpkg_contents VALUES (?, 'features', ?, '', ?, ?, ?, ?, ?, 4326)",
        (layer.name, layer.name, WRITTEN, *bounds),
    )
    base.execute("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', 'MULTIPOLYGON', 4326, 0, 0)", (layer.name,))
    base.execute(f'CREATE TABLE "{layer.name}" (fid INTEGER PRIMARY KEY NOT NULL, geom MULTIPOLYGON, {kinds})')
    names = ", ".join(f'"{name}"' for name in layer.columns)
    filled = ((_cell(outline), *values) for outline, *values in layer.rows)
    base.executemany(f'INSERT INTO "{layer.name}" (geom, {names}) VALUES ({marks})', filled)


def _add_styles(layers: Sequence[GeopackageLayer], base: sqlite3.Connection) -> None:
    """The table in which QGIS looks for the style of a layer."""
    base.execute(STYLES)
    base.execute(
        "INSERT INTO gpkg_contents VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?, NULL, NULL, NULL, NULL,"
        " 0)",
        (WRITTEN,),
    )
    base.executemany(
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, "
        "styleQML, styleSLD, useAsDefault, description, owner, ui, update_time) "
        "VALUES ('', '', ?, 'geom', ?, ?, '', 1, '', '', NULL, ?)",
        [(layer.name, layer.name, layer.style.decode(), WRITTEN) for layer in layers],
    )


def _cell(outline: MultiPolygon) -> bytes:
    """The header of the standard, little-endian, with the bounds, then well-known binary."""
    west, south, east, north = outline.bounds
    head = struct.pack("<2sBBi4d", b"GP", 0, 0b011, 4326, west, east, south, north)
    return head + bytes(shapely.to_wkb(outline, byte_order=1, flavor="iso"))
