"""Make GeoPackages of a few features by hand, so that a test can bend whatever it likes."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import shapely
from shapely.geometry.base import BaseGeometry

TABLES = """
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT, srs_id INTEGER PRIMARY KEY, organization TEXT,
  organization_coordsys_id INTEGER, definition TEXT, description TEXT);
CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT, identifier TEXT, description TEXT,
  last_change TEXT, min_x REAL, min_y REAL, max_x REAL, max_y REAL, srs_id INTEGER);
CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, geometry_type_name TEXT, srs_id INTEGER,
  z INTEGER, m INTEGER);
INSERT INTO gpkg_spatial_ref_sys VALUES ('WGS 84', 4326, 'EPSG', 4326, '', ''),
  ('Zone 31', 32631, 'EPSG', 32631, '', ''), ('site grid', 100001, 'NONE', 100001, '', ''),
  ('undefined', -1, 'NONE', -1, 'undefined', ''), ('undefined', 0, 'NONE', 0, 'undefined', '');
"""


def cell(geometry: BaseGeometry | bytes, srs_id: int = 4326) -> bytes:
    """A cell of a geometry column."""
    wkb = geometry if isinstance(geometry, bytes) else shapely.to_wkb(geometry, flavor="iso")
    return struct.pack("<2sBBi", b"GP", 0, 1, srs_id) + wkb


def geopackage(
    path: Path,
    rows: Iterable[Sequence[object]],
    *,
    columns: Sequence[str] = ("name",),
    srs_id: int = 4326,
    more: str = "",
) -> Path:
    """A GeoPackage with the layer `places`; a row is its geometry's cell, then its columns; `more` is SQL run last."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA synchronous = OFF")
        base.executescript(TABLES)
        names = "".join(f', "{name}"' for name in columns)
        base.execute(f"CREATE TABLE places (fid INTEGER PRIMARY KEY, geom BLOB{names})")
        base.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, srs_id) VALUES ('places', 'features', ?)", (srs_id,)
        )
        base.execute("INSERT INTO gpkg_geometry_columns VALUES ('places', 'geom', 'GEOMETRY', ?, 0, 0)", (srs_id,))
        marks = ", ".join("?" * (1 + len(columns)))
        base.executemany(f"INSERT INTO places (geom{names}) VALUES ({marks})", rows)
        base.executescript(more)
        base.commit()
    return path
