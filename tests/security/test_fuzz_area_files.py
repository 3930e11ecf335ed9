"""Right lists, bent in their structure or their bytes: read where they say, or refused in clear lines.

Whatever comes through has its outlines at positions that the bent list still holds, and can be written and read back.
"""

from __future__ import annotations

import copy
import json
import re
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import shapely
from fuzzing import assert_one_clear_line, bounded, fuzzed
from geopackage_files import cell, geopackage
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Point, box

from aois.area import Area, AreaError
from aois.importing import import_areas
from aois.reading import check_features, read_areas, to_feature_collection

YARD, PIER = box(3.5, 1.5, 3.51, 1.51), MultiPolygon([box(3.7, 1.7, 3.71, 1.71), box(3.72, 1.7, 3.73, 1.71)])
POINT = Point(3.9, 1.9)
RESPONSE = {"date": "2026-02-16", "action": "intervened", "claim": "8 buildings", "source": "a ministry"}
PROPERTIES = {"kind": "site", "name": "Yard", "status": "suspected", "margin_m": 250, "responses": [RESPONSE]}
ODD_TEXTS = ["", "nan", "inf", "1_0", "0x1", "3,5", "3;5", "\ud800", "\x1b]0;x\x07", "\u202e", "a" * 5_000, "[" * 2_000,
             "POINT(3 nan)", "-0", "1e999", "180.0000001", "१", "\x00", "margin", "name", "id", "region"]  # fmt: skip
ODD_VALUES = [None, True, 0, -1, 10**400, 1e308, float("nan"), float("inf"), [], {}, [[]], [[[]]], [None], "Polygon",
              "MultiPolygon", "Point", "GeometryCollection", *ODD_TEXTS]  # fmt: skip


def geojson() -> Any:
    def feature(id_: str, shape: Any) -> dict[str, Any]:
        drawn = json.loads(json.dumps(shape.__geo_interface__))
        return {"type": "Feature", "id": id_, "properties": copy.deepcopy(PROPERTIES), "geometry": drawn}

    return {
        "type": "FeatureCollection",
        "features": [feature("yard", YARD), feature("pier", PIER), feature("pin", POINT)],
    }


def paths_of(document: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of every value in a document."""
    steps = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [at, *(path for step, value in steps for path in paths_of(value, (*at, step)))]


PATHS = paths_of(geojson())[1:]
WORDS = [path for path in PATHS if "coordinates" not in path]
WITHOUT_POINTS = {"type": "FeatureCollection", "features": geojson()["features"][:2]}


@st.composite
def bent_documents(draw: Callable[[Any], Any]) -> Any:
    """A FeatureCollection with one to four values replaced, deleted, doubled, renamed or moved."""
    document = geojson()
    if draw(st.booleans()):
        del document["features"][2]  # a point, which only an import takes
    for path in draw(st.lists(st.sampled_from(WORDS) | st.sampled_from(PATHS), min_size=1, max_size=3)):
        *inner, last = path
        holder = document
        try:
            for step in inner:
                holder = holder[step]
            value = holder[last]
        except (KeyError, IndexError, TypeError):
            continue
        if not isinstance(holder, dict | list):
            continue
        match draw(st.sampled_from(["replace", "delete", "double", "rename", "wrap", "shift"])):
            case "delete":
                del holder[last]
            case "double" if isinstance(holder, list):
                holder.insert(last, copy.deepcopy(value))
            case "rename" if isinstance(holder, dict):
                holder[draw(st.sampled_from([f"{last}s", str(last).upper(), str(last)[:-1], *ODD_TEXTS]))] = holder.pop(
                    last
                )
            case "wrap":
                holder[last] = [value]
            case "shift" if isinstance(value, int | float):
                holder[last] = draw(st.floats(-400, 400) | st.integers(-(10**30), 10**30))
            case _:
                holder[last] = copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))
    return document


def bent_bytes(content: bytes, *words: bytes) -> st.SearchStrategy[bytes]:
    """The bytes with some of them replaced, cut out, doubled or cut off, or a word of the format put in."""

    def bend(edits: Sequence[tuple[str, int, int, bytes]]) -> bytes:
        bent = bytearray(content)
        for kind, at, length, new in edits:
            start = at % (len(bent) + 1)
            part = bytes(bent[start : start + length])
            bent[start : start + length] = {"cut": b"", "double": part * 2, "put": new + part, "end": part}.get(
                kind, new
            )
            if kind == "end":
                del bent[start:]
        return bytes(bent)

    new = st.binary(max_size=4) | st.sampled_from([b"\0", b"\xff", b",", b" ", b".", b"<", b'"', b"\n", *words])
    edit = st.tuples(
        st.sampled_from(["over", "cut", "double", "put", "end"]), st.integers(0, 2**20), st.integers(0, 40), new
    )
    return st.lists(edit, min_size=1, max_size=3).map(bend)


def read(name: str, content: bytes, *, check: bool = False) -> tuple[Area, ...]:
    """The areas of a list, none where it is refused in clear lines; it must be one or the other."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            with bounded():
                areas = read_areas(path) if check else import_areas(path)[0]
        except AreaError as error:
            for line in str(error).split("\n"):
                assert_one_clear_line(AreaError(line), AreaError)
            return ()
        finally:
            assert [each.name for each in Path(folder).iterdir()] == [name]
            assert path.read_bytes() == content
    written = json.loads(json.dumps(to_feature_collection(areas)))["features"]
    again, problems = check_features(written)
    assert not problems
    assert [area.id for area in again] == [area.id for area in areas]
    return areas


def assert_placed(areas: Sequence[Area], said: Sequence[float]) -> None:
    """Every outline has its corners, or its middle where it is a circle, at numbers of the list."""
    numbers = {round(number, 6) for number in said}
    for area in areas:
        corners = shapely.get_coordinates(area.geometry)
        middle = area.geometry.centroid
        is_circle = len(corners) == 65
        places = [(middle.x, middle.y)] if is_circle else corners.tolist()
        for place in places:
            for degrees in place:
                near = numbers if not is_circle else {n for n in numbers if abs(n - degrees) < 2e-5}
                assert near if is_circle else round(degrees, 6) in numbers, (area.id, place)


def numbers_in(text: str) -> list[float]:
    """Every whole number that a text holds, with a point or a comma, also where XML's own marks stand within it."""
    plain = re.sub(r"<!--.*?-->|<\?.*?\?>|<!\[CDATA\[|\]\]>", "", text, flags=re.DOTALL)
    forms = [r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", r"[+-]?[0-9]*,[0-9]+"]
    return [float(each.replace(",", ".")) for form in forms for one in (text, plain) for each in re.findall(form, one)]


@fuzzed
@given(bent_documents())
def test_fuzz_geojson(document):
    text = json.dumps(document).encode()
    for check in (True, False):
        assert_placed(read("list.geojson", text, check=check), numbers_in(text.decode()))


@fuzzed
@given(bent_bytes(json.dumps(WITHOUT_POINTS).encode(), b"[[", b"]]", b"\\ud800", b"NaN", b"1e999", b'{"a":', b"null"))
def test_fuzz_geojson_bytes(content):
    for check in (True, False):
        assert_placed(read("list.geojson", content, check=check), numbers_in(content.decode("utf-8", "replace")))


CSV = (
    "id;name;kind;lon;lat;margin_m;responses\n"
    'a;Yard;site;3,5;1,5;250;"[{""date"": ""2026-02-16"", ""action"": ""intervened""}]"\n'
    "b;Pier;region;3.7;1.7;;\n"
)
WKT = f'id,wkt,status\na,"{YARD.wkt}",suspected\nb,"{PIER.wkt}",\nc,POINT ({POINT.x} {POINT.y}),identified\n'


@st.composite
def bent_tables(draw: Callable[[Any], Any]) -> bytes:
    """A table with cells replaced, deleted, doubled or moved to another row."""
    text, mark = draw(st.sampled_from([(CSV, ";"), (WKT, ",")]))
    rows = [line.split(mark) for line in text.splitlines()]
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.sampled_from(rows))
        if not row:
            continue
        at = draw(st.integers(0, len(row) - 1))
        match draw(st.sampled_from(["replace", "delete", "double", "swap", "number"])):
            case "delete":
                del row[at]
            case "double":
                row.insert(at, row[at])
            case "swap":
                row[at], row[0] = row[0], row[at]
            case "number":
                row[at] = str(draw(st.floats(-400, 400) | st.integers(-(10**9), 10**9)))
            case _:
                row[at] = draw(st.sampled_from(ODD_TEXTS) | st.text(max_size=9))
    return "\n".join(mark.join(row) for row in rows).encode("utf-8", "surrogatepass")


@fuzzed
@given(bent_tables())
def test_fuzz_csv(content):
    assert_placed(read("list.csv", content), numbers_in(content.decode("utf-8", "replace")))


@fuzzed
@given(bent_bytes(WKT.encode(), b"EMPTY", b"((", b"))", b" Z ", b"CURVEPOLYGON", b"GEOMETRYCOLLECTION(", b"nan", b'"'))
def test_fuzz_csv_bytes(content):
    assert_placed(read("list.csv", content), numbers_in(content.decode("utf-8", "replace")))


RING = "3.5,1.5,4 3.51,1.5,4 3.51,1.51,4 3.5,1.51,4 3.5,1.5,4"
EDGE = f"<outerBoundaryIs><LinearRing><coordinates>{RING}</coordinates></LinearRing></outerBoundaryIs>"
KML = f"""<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder><name>Walls</name>
<Placemark><name>Yard</name><ExtendedData><Data name="margin_m"><value>250</value></Data></ExtendedData>
<Polygon>{EDGE}</Polygon></Placemark>
<Placemark><name>Pier</name><ExtendedData><SchemaData><SimpleData name="status">suspected</SimpleData></SchemaData>
</ExtendedData><MultiGeometry><Polygon>{EDGE.replace("3.5", "3.7")}</Polygon></MultiGeometry></Placemark></Folder>
<Placemark><name>Pin</name><Point><coordinates>3.9,1.9</coordinates></Point></Placemark></Document></kml>"""
TAGS = sorted({*re.findall(r"</?[A-Za-z][^>]*>", KML)})
TOKENS = re.findall(r"<[^>]*>|[^<]+", KML)
KML_WORDS = [*TAGS, "<![CDATA[", "]]>", "<!-- x -->", "<?x?>", "&lt;", "&e;", "<!DOCTYPE kml>", "<Track/>", "nan,nan",
             "<NetworkLink/>", "3,9,1,9", "3.9 1.9", "3.9, 1.9", "1e999,1", "3.9,1.9,x", "200,1", "1.9,104",
             *ODD_TEXTS]  # fmt: skip


@st.composite
def bent_kml(draw: Callable[[Any], Any]) -> bytes:
    """A KML with tags and texts replaced, deleted, doubled or swapped."""
    tokens = list(TOKENS)
    for _ in range(draw(st.integers(1, 3))):
        at, other = (draw(st.integers(0, len(tokens) - 1)) for _ in range(2))
        match draw(st.sampled_from(["replace", "delete", "double", "swap", "number"])):
            case "delete" if len(tokens) > 1:
                del tokens[at]
            case "double":
                tokens.insert(at, tokens[at])
            case "swap":
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case "number":
                pieces = re.split(r"([ ,.])", tokens[at])
                pieces[draw(st.integers(0, len(pieces) - 1))] = str(draw(st.integers(-400, 400) | st.floats(-99, 99)))
                tokens[at] = "".join(pieces)
            case _:
                tokens[at] = draw(st.sampled_from(KML_WORDS))
    return "".join(tokens).encode("utf-8", "surrogatepass")


@fuzzed
@given(bent_kml())
def test_fuzz_kml(content):
    assert_placed(read("list.kml", content), numbers_in(content.decode("utf-8", "replace")))


@fuzzed
@given(bent_bytes(KML.encode(), b"&e;", b"<!DOCTYPE kml [", b"<!ENTITY e 'x'>", b"]>", b"</", b"<![CDATA[", b"nan"))
def test_fuzz_kml_bytes(content):
    assert_placed(read("list.kml", content), numbers_in(content.decode("utf-8", "replace")))


def base_package(folder: Path) -> bytes:
    rows = [(cell(shape, 4326), name, 250) for shape, name in ((YARD, "Yard"), (PIER, "Pier"), (POINT, "Pin"))]
    return geopackage(folder / "base.gpkg", rows, columns=["name", "margin_m"]).read_bytes()


with tempfile.TemporaryDirectory() as _folder:
    PACKAGE = base_package(Path(_folder))


@fuzzed
@given(bent_bytes(PACKAGE, b"GP\0\1", b"\1\3\0\0\0", b"CREATE VIEW", b"places", b"gpkg_contents", b"\x7f\xf8"))
def test_fuzz_geopackage_bytes(content):
    """A file whose positions are themselves bent stands elsewhere, as the file says: only the end is asserted."""
    read("list.gpkg", content)


@st.composite
def bent_cells(draw: Callable[[Any], Any]) -> tuple[bytes | object, ...]:
    shape = draw(st.sampled_from([YARD, PIER, POINT, box(3.5, 1.5, 3.51, 1.51, ccw=False)]))
    whole = cell(shapely.to_wkb(shape, byte_order=draw(st.sampled_from([0, 1])), flavor="iso"))
    blob = draw(
        bent_bytes(whole, b"\1\6\0\0\0", b"\0\0\0\7", b"\xff\xff\xff\xff")
        | st.just(whole)
        | st.sampled_from(ODD_VALUES[:4])
    )
    return blob if isinstance(blob, bytes | None) else 5, *draw(
        st.tuples(*[st.sampled_from([*ODD_TEXTS[:5], 7, None, b"x", 2.5])] * 2)
    )


UPDATES = [f"UPDATE gpkg_{table} SET {{}}" for table in ("contents", "geometry_columns", "spatial_ref_sys")]
SETS = ["table_name = 'x'", "data_type = 'tiles'", "srs_id = 32631", "srs_id = 'a'", "srs_id = NULL",
        "column_name = 'name'", "column_name = NULL", "table_name = char(0)", "organization = 'ESRI'",
        "organization = NULL",
        "organization_coordsys_id = 4978", "organization_coordsys_id = 'EPSG:1'", "table_name = x'ff'"]  # fmt: skip


@fuzzed
@given(
    st.lists(bent_cells(), min_size=1, max_size=3),
    st.lists(st.tuples(st.sampled_from(UPDATES), st.sampled_from(SETS)), max_size=2),
)
def test_fuzz_geopackage(rows, updates):
    with tempfile.TemporaryDirectory() as folder:
        path = geopackage(
            Path(folder) / "made.gpkg",
            [(r[0], *(storable(v) for v in r[1:])) for r in rows],
            columns=["name", "margin_m"],
        )
        with closing(sqlite3.connect(path)) as base:
            for update, what in updates:
                try:
                    base.execute(update.format(what))
                except sqlite3.Error:
                    continue
            base.commit()
        content = path.read_bytes()
    read("list.gpkg", content)


def storable(value: object) -> object:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
