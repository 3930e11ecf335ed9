"""The week's events as map layers with their outlines, in longitude and latitude."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from xml.sax.saxutils import quoteattr

import shapely
from shapely.geometry import MultiPolygon
from shapely.geometry.base import BaseGeometry

from flows.records.event_json import feature_of
from flows.records.events import EventRecord
from flows.reports.geopackage_layer import geopackage_of

LAYER = "events"
WITHOUT_GEOPARQUET = (
    "GeoParquet is left out, as pyarrow is not installed; to have it: "
    ".venv/bin/pip install -c requirements.lock -e '.[exports]'"
)
NUMBERS = (
    "area_m2", "area_m2_low", "area_m2_high", "looks", "length_m", "closure", "confidence", "suspect_score",
)  # fmt: skip
FLAGS = ("simulated",)
COLOURS = {"construction": "178,58,0", "fencing": "122,16,32", "clearing": "201,138,0", "demolition": "29,79,124"}
Rows = Sequence[Mapping[str, object]]
Events = Sequence[EventRecord]
Outlines = Sequence[BaseGeometry]


def geojson(events: Events) -> bytes:
    """A FeatureCollection (RFC 7946) with one feature a line."""
    lines = ",\n".join(json.dumps(feature_of(event), ensure_ascii=False, allow_nan=False) for event in events)
    return f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n'.encode()


def geopackage(rows: Rows, events: Events, columns: Sequence[str]) -> bytes:
    """A GeoPackage with one layer."""
    kinds = {name: _kind(name) for name in columns}
    values = ([_plain(row[name], name) for name in columns] for row in rows)
    return geopackage_of(
        LAYER, kinds, ([outline, *cells] for outline, cells in zip(_outlines(events), values, strict=True))
    )


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
    kinds = {name: _kind(name) for name in columns}
    values = ([_plain(row.get(name), name) for name in columns] for row in rows)
    shapes = [one if isinstance(one, MultiPolygon) else MultiPolygon([one]) for one in outlines]
    return geopackage_of(layer, kinds, ([shape, *cells] for shape, cells in zip(shapes, values, strict=True)))


def has_geoparquet() -> bool:
    """True where pyarrow is installed, by the extra `exports`."""
    return find_spec("pyarrow") is not None


def geoparquet(rows: Rows, events: Events, columns: Sequence[str]) -> bytes:
    """A GeoParquet file (version 1.1.0, outlines as WKB, OGC:CRS84); only where `has_geoparquet`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {float: pa.float64(), bool: pa.bool_(), str: pa.string()}
    types = {name: kinds[_kind(name)] for name in columns}
    arrays = [pa.array([_plain(row[name], name) for row in rows], kind) for name, kind in types.items()]
    outlines = pa.array([shapely.to_wkb(outline) for outline in _outlines(events)], pa.binary())
    table = pa.table([*arrays, outlines], names=[*columns, "geometry"])
    geo = {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {"geometry": {"encoding": "WKB", "geometry_types": ["MultiPolygon"]}},
    }
    held = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), held, compression="zstd")
    return held.getvalue()


def style() -> bytes:
    """A QGIS style: one outline a kind of change, dashed while provisional."""
    kinds = [(change, state) for change in COLOURS for state in ("held", "provisional")]
    rules = "".join(_rule(i, change, state) for i, (change, state) in enumerate(kinds))
    symbols = "".join(_symbol(i, COLOURS[change], state) for i, (change, state) in enumerate(kinds))
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
        '<qgis version="3.34" styleCategories="Symbology|Labeling">'
        f'<renderer-v2 type="RuleRenderer" symbollevels="0"><rules key="all">{rules}</rules>'
        f"<symbols>{symbols}</symbols></renderer-v2></qgis>\n"
    ).encode()


def _rule(number: int, change: str, state: str) -> str:
    test = f"\"change\" = '{change}' AND \"state\" {'=' if state == 'provisional' else '<>'} 'provisional'"
    label = f"{change}, provisional" if state == "provisional" else change
    return f'<rule key="r{number}" symbol="{number}" filter={quoteattr(test)} label={quoteattr(label)}/>'


def _symbol(number: int, colour: str, state: str) -> str:
    dash = "dash" if state == "provisional" else "solid"
    options = {"color": f"{colour},40", "outline_color": f"{colour},255", "outline_style": dash, "outline_width": "0.5"}
    inner = "".join(f'<Option name="{name}" type="QString" value="{value}"/>' for name, value in options.items())
    return (
        f'<symbol type="fill" name="{number}" alpha="1"><layer class="SimpleFill" enabled="1">'
        f'<Option type="Map">{inner}</Option></layer></symbol>'
    )


def _outlines(events: Events) -> list[MultiPolygon]:
    return [s if isinstance(s := event.ground, MultiPolygon) else MultiPolygon([s]) for event in events]


def _kind(name: str) -> type:
    return bool if name in FLAGS else float if name in NUMBERS else str


def _plain(value: object, name: str) -> float | str | bool | None:
    if name in FLAGS:
        return bool(value)
    if value is None or value == "":
        return None
    return float(str(value)) if name in NUMBERS else str(value)
