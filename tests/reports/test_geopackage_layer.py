"""The GeoPackage that we write, read by GDAL and by SQLite's own checks."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pyogrio
import shapely
from shapely.geometry import MultiPolygon, box

from flows.reports.geopackage_layer import geopackage_of

OUTLINES = [MultiPolygon([box(88.4, 7.8, 88.5, 7.9)]), MultiPolygon([box(1, 2, 3, 4), box(5, 6, 7, 8)])]
COLUMNS = {"event_id": str, "area_m2": float}
ROWS = [(OUTLINES[0], "héron-1", 120.5), (OUTLINES[1], None, None)]


def test_gdal_reads_what_was_written(tmp_path):
    path = tmp_path / "events.gpkg"
    path.write_bytes(geopackage_of("events", COLUMNS, ROWS))
    assert pyogrio.list_layers(path).tolist() == [["events", "MultiPolygon"]]
    meta, _, outlines, (ids, sizes) = pyogrio.raw.read(path)
    info = pyogrio.read_info(path)
    assert (meta["crs"], list(meta["fields"])) == ("EPSG:4326", ["event_id", "area_m2"])
    assert info["total_bounds"] == (1, 2, 88.5, 8)
    assert info["features"] == 2
    assert (ids.tolist(), sizes[0]) == (["héron-1", None], 120.5)
    assert [shapely.from_wkb(each) for each in outlines] == OUTLINES


def test_the_file_is_whole_and_says_what_it_is(tmp_path):
    path = tmp_path / "events.gpkg"
    path.write_bytes(geopackage_of("events", COLUMNS, ROWS))
    with closing(sqlite3.connect(path)) as base:
        assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert base.execute("PRAGMA foreign_key_check").fetchall() == []
        assert base.execute("PRAGMA application_id").fetchone() == (0x47504B47,)
        systems = base.execute("SELECT srs_id FROM gpkg_spatial_ref_sys ORDER BY srs_id").fetchall()
        assert systems == [(-1,), (0,), (4326,)]


def test_the_same_rows_give_the_same_bytes():
    assert geopackage_of("events", COLUMNS, ROWS) == geopackage_of("events", COLUMNS, ROWS)
    assert geopackage_of("events", COLUMNS, ROWS)[96:100] == bytes(4)  # not the release of SQLite
    assert geopackage_of("events", COLUMNS, []) != geopackage_of("events", COLUMNS, ROWS)
