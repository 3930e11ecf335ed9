"""The GeoPackage with its styles, and GeoParquet: as others read them."""

from __future__ import annotations

import json
import sqlite3
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import format_subjects
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from format_subjects import HOSTILE, OUTLINE, Made

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with format_subjects.opened(tmp_path_factory.mktemp("layers") / "outputs") as made:
        yield made


@pytest.fixture
def package(made: Made, tmp_path: Path) -> Path:
    path = tmp_path / "events.gpkg"
    path.write_bytes(made.files("fr")["events.gpkg"])
    return path


def test_it_holds_events_and_places(package: Path) -> None:
    layers = {str(name): kind for name, kind in pyogrio.list_layers(package)}
    assert {name: layers[name] for name in ("events", "sites")} == {"events": "MultiPolygon", "sites": "MultiPolygon"}
    meta, _, outlines, fields = pyogrio.raw.read(package, layer="sites")
    said = dict(zip(meta["fields"], fields, strict=True))
    assert said["area_id"].tolist() == ["reef-1", "shoal-2"]
    assert said["area_name"][1] == HOSTILE
    assert said["responses"][0] == "2026-05-02 investigated"
    assert meta["crs"] == "EPSG:4326"
    assert len(outlines) == 2
    info = pyogrio.read_info(package, layer="events")
    assert info["features"] == 8
    assert str(dict(zip(info["fields"], info["dtypes"], strict=True))["first_seen"]) == "datetime64[D]"


def test_each_layer_has_a_default_style_with_classes_and_labels(package: Path) -> None:
    with closing(sqlite3.connect(package)) as base:
        assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert base.execute("PRAGMA foreign_key_check").fetchall() == []
        rows = base.execute("SELECT f_table_name, f_geometry_column, useAsDefault, styleQML FROM layer_styles")
        styles = {name: (column, default, ET.fromstring(text)) for name, column, default, text in rows}
    assert {name: styles[name][:2] for name in styles} == {"events": ("geom", 1), "sites": ("geom", 1)}
    events = styles["events"][2]
    labels = [rule.get("label") for rule in events.iter("rule")]
    assert labels[:4] == ["Construction", "Construction, provisoire", "Clôture ou mur", "Clôture ou mur, provisoire"]
    assert len(labels) == len(events.findall("renderer-v2/symbols/symbol")) == 8
    assert events.find("labeling/settings/text-style").get("fieldName").startswith("CASE WHEN")
    assert events.find("temporal").get("startField") == "first_seen"
    assert styles["sites"][2].find("labeling") is not None


def test_geoparquet_says_where_it_lies_and_by_which_system(made: Made, tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    path.write_bytes(made.files()["events.parquet"])
    table = pq.read_table(path)
    geo = json.loads(table.schema.metadata[b"geo"])["columns"]["geometry"]
    assert geo["crs"]["id"] == {"authority": "OGC", "code": "CRS84"}
    assert geo["bbox"] == [0.001, 0.001, 1.002, 1.002]
    assert set(geo["covering"]["bbox"]) == {"xmin", "ymin", "xmax", "ymax"}
    assert table["bbox"][7].as_py() == dict(zip(("xmin", "ymin", "xmax", "ymax"), OUTLINE.bounds, strict=True))
    assert shapely.from_wkb(table["geometry"][7].as_py()).equals(OUTLINE)


def test_they_are_the_same_when_made_again(made: Made) -> None:
    first, second = made.files(), made.files()
    assert first == second
    assert list(first) == ["hectares_by_month.csv", "events.kmz", "events.gpkg", "events.parquet", "sitewatch.qgz"]
