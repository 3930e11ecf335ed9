"""The figures as files: what they hold, who may read them, and that positions stay where they belong."""

from __future__ import annotations

import csv
import io
import json
import stat
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from shapely.geometry import MultiPolygon, box

from aois.area import Response
from flows.reports.exports import OWNER_EVENT_COLUMNS, write_figures
from flows.reports.inputs import ReportInputs

OUTLINE = MultiPolygon([box(88.4351, 7.8791, 88.4356, 7.8795), box(88.4361, 7.8791, 88.4362, 7.8795)])


@pytest.fixture(scope="module")
def drawn(week_inputs: ReportInputs) -> ReportInputs:
    """The week with outlines that are polygons."""
    areas = tuple(
        replace(
            view,
            events=tuple(replace(e, event=replace(e.event, geometry=OUTLINE)) for e in view.events),
        )
        for view in week_inputs.areas
    )
    return replace(week_inputs, areas=areas)


@pytest.fixture(scope="module")
def folder(drawn: ReportInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("figures") / "2026-W47"
    write_figures(drawn, folder)
    return folder


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def test_tables_hold_every_event_and_site_and_no_position(folder: Path, drawn: ReportInputs) -> None:
    events, sites = table(folder / "events.csv"), table(folder / "sites.csv")
    assert len(events) == sum(len(view.events) for view in drawn.areas) == 10
    first = next(row for row in events if row["event_id"] == "heron-1-b")
    assert (first["length_m"], first["closure"], first["confirmed_on"]) == ("863.0", "0.86", "2026-11-17")
    assert first["sensors"] == "sentinel-2 sentinel-1"
    assert [row["reference"] for row in events] == [e.reference for view in drawn.areas for e in view.events]
    assert sites[0]["area_id"] == "heron-1"
    assert (sites[0]["response"], sites[0]["outcome_since"]) == ("intervened", "expanded")
    assert "88.43" not in (folder / "events.csv").read_text() + (folder / "sites.csv").read_text()


def test_layers_hold_the_same_events_with_their_outlines(folder: Path, drawn: ReportInputs) -> None:
    restricted = folder / "restricted"
    features = json.loads((restricted / "events.geojson").read_text())["features"]
    ids = [feature["properties"]["event_id"] for feature in features]
    meta, _, outlines, fields = pyogrio.raw.read(restricted / "events.gpkg", layer="events")
    assert meta["crs"] == "EPSG:4326"
    assert list(fields[list(meta["fields"]).index("event_id")]) == ids
    references = [e.reference for view in drawn.areas for e in view.events]
    assert list(fields[list(meta["fields"]).index("reference")]) == references
    assert shapely.from_wkb(outlines[0]).equals(OUTLINE)
    parquet = pq.read_table(restricted / "events.parquet")
    assert parquet.column_names == [*OWNER_EVENT_COLUMNS, "bbox", "geometry"]
    assert parquet["event_id"].to_pylist() == ids
    assert parquet["reference"].to_pylist() == references
    assert parquet["area_m2"].to_pylist() == [feature["properties"]["area_m2"] for feature in features]
    assert shapely.from_wkb(parquet["geometry"][0].as_py()).equals(OUTLINE)
    geo = json.loads(parquet.schema.metadata[b"geo"])
    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "geometry")
    column = geo["columns"]["geometry"]
    assert (column["encoding"], column["geometry_types"]) == ("WKB", ["MultiPolygon"])
    assert column["crs"]["id"] == {"authority": "OGC", "code": "CRS84"}
    assert column["bbox"] == list(OUTLINE.bounds)
    assert column["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
    assert parquet["bbox"][0].as_py() == dict(zip(("xmin", "ymin", "xmax", "ymax"), OUTLINE.bounds, strict=True))


def test_days_are_days_in_the_layers(folder: Path) -> None:
    """QGIS runs through time by them."""
    info = pyogrio.read_info(folder / "restricted" / "events.gpkg")
    kinds = dict(zip(info["fields"], info["dtypes"], strict=True))
    assert {str(kinds[name]) for name in ("first_seen", "confirmed_on", "issued_on")} == {"datetime64[D]"}
    parquet = pq.read_table(folder / "restricted" / "events.parquet")
    assert {str(parquet.schema.field(name).type) for name in ("first_seen", "confirmed_on")} == {"date32[day]"}


def test_positions_are_for_the_owner_alone(folder: Path) -> None:
    assert stat.S_IMODE((folder / "restricted").stat().st_mode) == 0o700
    files = list((folder / "restricted").iterdir())
    assert sorted(path.suffix for path in files) == [".geojson", ".gpkg", ".parquet", ".qml"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_without_pyarrow_the_other_files_are_whole(drawn: ReportInputs, tmp_path: Path, monkeypatch) -> None:
    write_figures(drawn, tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "restricted").iterdir()}
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    written = write_figures(drawn, tmp_path)
    # One of the earlier run would hold other events than the files beside it.
    assert "events.parquet" not in {path.name for path in written}
    assert not (tmp_path / "restricted" / "events.parquet").exists()
    del before["events.parquet"]
    assert {path.name: path.read_bytes() for path in (tmp_path / "restricted").iterdir()} == before


def test_the_style_has_a_symbol_for_every_rule(folder: Path) -> None:
    renderer = ET.fromstring((folder / "restricted" / "events.qml").read_text()).find("renderer-v2")
    rules, symbols = renderer.findall("rules/rule"), renderer.findall("symbols/symbol")
    assert {rule.get("symbol") for rule in rules} == {symbol.get("name") for symbol in symbols}
    assert len(rules) == 8
    assert "\"change\" = 'fencing' AND \"state\" = 'provisional'" in {rule.get("filter") for rule in rules}


def test_the_same_week_gives_the_same_bytes_and_touches_nothing(
    drawn: ReportInputs, folder: Path, tmp_path: Path
) -> None:
    written = write_figures(drawn, tmp_path)
    before = [path.stat().st_mtime_ns for path in written]
    assert [path.stat().st_mtime_ns for path in write_figures(drawn, tmp_path)] == before
    for path in written:
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes(), path.name


def test_a_week_without_an_event_has_empty_files(tmp_path: Path, make_view, make_area, report_week) -> None:
    write_figures(ReportInputs(report_week, "stac", (make_view(make_area("x")),)), tmp_path)
    assert table(tmp_path / "events.csv") == []
    assert [row["area_id"] for row in table(tmp_path / "sites.csv")] == ["x"]
    assert json.loads((tmp_path / "restricted" / "events.geojson").read_text())["features"] == []
    assert pyogrio.read_info(tmp_path / "restricted" / "events.gpkg")["features"] == 0
    assert pq.read_table(tmp_path / "restricted" / "events.parquet").num_rows == 0


def test_text_that_a_spreadsheet_would_run_is_kept_from_running(
    tmp_path: Path, make_view, make_area, report_week
) -> None:
    claim = '=HYPERLINK("http://example.org")'
    area = make_area("x", "+1", responses=(Response(report_week.first_day, "intervened", claim, "@x"),))
    write_figures(ReportInputs(report_week, "stac", (make_view(area),)), tmp_path)
    (row,) = table(tmp_path / "sites.csv")
    assert (row["area_name"], row["claim"], row["source"]) == ("'+1", f"'{claim}", "'@x")
