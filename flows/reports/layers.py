"""The week's events as map layers with their outlines, in longitude and latitude."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely
from shapely.geometry import MultiPolygon, shape

LAYER = "events"
CRS = "EPSG:4326"
WRITTEN = "2000-01-01T00:00:00Z"  # the day of writing would make every file another
NUMBERS = (
    "area_m2", "area_m2_low", "area_m2_high", "length_m", "closure", "confidence", "suspect_score",
)  # fmt: skip
FLAGS = ("simulated",)
COLOURS = {"construction": "178,58,0", "fencing": "122,16,32", "clearing": "201,138,0", "demolition": "29,79,124"}
Rows = Sequence[Mapping[str, Any]]
Features = Sequence[Mapping[str, Any]]


def geojson(features: Features) -> bytes:
    """A FeatureCollection (RFC 7946) with one feature a line."""
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False, allow_nan=False) for feature in features)
    return f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n'.encode()


def geopackage(rows: Rows, features: Features, columns: Sequence[str]) -> bytes:
    """A GeoPackage with one layer."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": WRITTEN})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.gpkg"
        pyogrio.raw.write(
            path,
            geometry=np.array(_outlines(features), dtype=object),
            field_data=[_column(rows, name) for name in columns],
            fields=list(columns),
            geometry_type="MultiPolygon",
            crs=CRS,
            driver="GPKG",
            layer=LAYER,
        )
        return path.read_bytes()


def geoparquet(rows: Rows, features: Features, columns: Sequence[str]) -> bytes:
    """A GeoParquet file (version 1.1.0, outlines as WKB, OGC:CRS84)."""
    types = {name: _arrow_type(name) for name in columns}
    arrays = [pa.array([_plain(row[name], name) for row in rows], kind) for name, kind in types.items()]
    outlines = pa.array(_outlines(features), pa.binary())
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


def _outlines(features: Features) -> list[bytes]:
    shapes = [shape(feature["geometry"]) for feature in features]
    parts = [s if s.geom_type == "MultiPolygon" else MultiPolygon([s]) for s in shapes]
    return [shapely.to_wkb(part) for part in parts]


def _column(rows: Rows, name: str) -> np.ndarray[Any, Any]:
    values = [_plain(row[name], name) for row in rows]
    if name in NUMBERS:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return np.array(values, dtype=bool if name in FLAGS else object)


def _arrow_type(name: str) -> pa.DataType:
    if name in FLAGS:
        return pa.bool_()
    return pa.float64() if name in NUMBERS else pa.string()


def _plain(value: object, name: str) -> float | str | bool | None:
    if name in FLAGS:
        return bool(value)
    if value is None or value == "":
        return None
    return float(str(value)) if name in NUMBERS else str(value)
