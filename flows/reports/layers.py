"""The week's events as map layers with their outlines, in longitude and latitude."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.util import find_spec

import shapely
from pyproj import CRS
from shapely.geometry import MultiPolygon
from shapely.geometry.base import BaseGeometry

from flows.records.event_json import feature_of
from flows.records.events import EventRecord
from flows.reports.geopackage_layer import GeopackageLayer, geopackage_with

LAYER = "events"
WITHOUT_GEOPARQUET = (
    "GeoParquet is left out, as pyarrow is not installed; to have it: "
    ".venv/bin/pip install -c requirements.lock -e '.[exports]'"
)
NUMBERS = (
    "area_m2", "area_m2_low", "area_m2_high", "looks", "length_m", "closure", "confidence", "suspect_score", "margin_m",
)  # fmt: skip
FLAGS = ("simulated",)
DAYS = ("first_seen", "confirmed_on", "issued_on")
BOX = ("xmin", "ymin", "xmax", "ymax")
Rows = Sequence[Mapping[str, object]]
Events = Sequence[EventRecord]
Outlines = Sequence[BaseGeometry]


def geojson(events: Events) -> bytes:
    """A FeatureCollection (RFC 7946) with one feature a line."""
    lines = ",\n".join(json.dumps(feature_of(event), ensure_ascii=False, allow_nan=False) for event in events)
    return f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n'.encode()


def geopackage(rows: Rows, events: Events, columns: Sequence[str]) -> bytes:
    """A GeoPackage with one layer."""
    return geopackage_with([event_layer(rows, events, columns)])


def event_layer(rows: Rows, events: Events, columns: Sequence[str], *, style: bytes = b"") -> GeopackageLayer:
    """Events as a layer of a GeoPackage, with the style by which QGIS draws them."""
    return outline_layer(LAYER, rows, _outlines(events), columns, style=style)


def outline_layer(
    name: str, rows: Rows, outlines: Outlines, columns: Sequence[str], *, style: bytes = b""
) -> GeopackageLayer:
    """Outlines of any kind as a layer of a GeoPackage, with the style by which QGIS draws them."""
    values = ([_plain(row.get(name), name) for name in columns] for row in rows)
    shapes = [one if isinstance(one, MultiPolygon) else MultiPolygon([one]) for one in outlines]
    filled = [[shape, *cells] for shape, cells in zip(shapes, values, strict=True)]
    return GeopackageLayer(name, {name: _kind(name) for name in columns}, filled, style)


def outlines_geojson(rows: Rows, outlines: Outlines, columns: Sequence[str]) -> bytes:
    """A FeatureCollection of other outlines than events, one feature a line."""
    lines = ",\n".join(
        json.dumps(
            {
                "type": "Feature",
                "geometry": json.loads(shapely.to_geojson(outline)),
                "properties": {name: _plain(row.get(name), name) for name in columns},
            },
            ensure_ascii=False,
            allow_nan=False,
        )
        for row, outline in zip(rows, outlines, strict=True)
    )
    return f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n'.encode()


def outlines_geopackage(layer: str, rows: Rows, outlines: Outlines, columns: Sequence[str]) -> bytes:
    """A GeoPackage with one layer of other outlines than events."""
    return geopackage_with([outline_layer(layer, rows, outlines, columns)])


def has_geoparquet() -> bool:
    """True where pyarrow is installed, by the extra `exports`."""
    return find_spec("pyarrow") is not None


def geoparquet(rows: Rows, events: Events, columns: Sequence[str]) -> bytes:
    """A GeoParquet file (version 1.1.0, outlines as WKB, OGC:CRS84); only where `has_geoparquet`.

    The column `bbox` holds the box of each outline, by which readers pass over those that lie elsewhere.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {float: pa.float64(), bool: pa.bool_(), str: pa.string(), date: pa.date32()}
    types = {name: kinds[_kind(name)] for name in columns}
    arrays = [pa.array([_typed(row[name], name) for row in rows], kind) for name, kind in types.items()]
    shapes = _outlines(events)
    outlines = pa.array([shapely.to_wkb(outline) for outline in shapes], pa.binary())
    boxes = pa.array(
        [dict(zip(BOX, outline.bounds, strict=True)) for outline in shapes],
        pa.struct([(side, pa.float64()) for side in BOX]),
    )
    table = pa.table([*arrays, boxes, outlines], names=[*columns, "bbox", "geometry"])
    column = {
        "encoding": "WKB",
        "geometry_types": ["MultiPolygon"],
        "crs": CRS("OGC:CRS84").to_json_dict(),
        "covering": {"bbox": {side: ["bbox", side] for side in BOX}},
    }
    if shapes:
        column["bbox"] = shapely.total_bounds(shapes).tolist()
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    held = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), held, compression="zstd")
    return held.getvalue()


def _outlines(events: Events) -> list[MultiPolygon]:
    return [s if isinstance(s := event.ground, MultiPolygon) else MultiPolygon([s]) for event in events]


def _kind(name: str) -> type:
    return bool if name in FLAGS else float if name in NUMBERS else date if name in DAYS else str


def _plain(value: object, name: str) -> float | str | bool | None:
    if name in FLAGS:
        return bool(value)
    if value is None or value == "":
        return None
    return float(str(value)) if name in NUMBERS else str(value)


def _typed(value: object, name: str) -> float | str | bool | date | None:
    plain = _plain(value, name)
    return date.fromisoformat(plain) if name in DAYS and isinstance(plain, str) else plain
