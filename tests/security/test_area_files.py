"""Lists of areas that lie, break or cost: every one is refused in words, and none is placed where it is not."""

from __future__ import annotations

import json
import sqlite3
import struct
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fuzzing import bounded
from geopackage_files import cell, geopackage
from shapely.geometry import Point, box

from aois import geopackage as geopackage_module
from aois import json_document, placemarks, reading
from aois.area import AreaError
from aois.importing import import_areas, make_ids
from aois.list_limits import LIMITS
from aois.reading import check_features, read_areas
from aois.rows import ListRow

SQUARE = [[0.5, 0.5], [0.51, 0.5], [0.51, 0.51], [0.5, 0.51], [0.5, 0.5]]
RING = "0.5,0.5 0.51,0.5 0.51,0.51 0.5,0.51 0.5,0.5"
YARD = box(0.5, 0.5, 0.51, 0.51)
SLIPS = ["margin", "stauts", "sensitivty", "respones"]


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., str]:
    """Writes a list and says in which words it is refused, within the limits of time and memory."""

    def import_of(content: str | bytes, name: str = "list.kml", *, check: bool = False) -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        return refusal_of(path, check=check)

    return import_of


def refusal_of(path: Path, *, check: bool = False) -> str:
    with pytest.raises(AreaError) as caught, bounded():
        read_areas(path) if check else import_areas(path)
    message = str(caught.value)
    assert all(c.isprintable() for c in message.replace("\n", "")), message
    return message


def kml(*placemarks: str, head: str = "") -> str:
    return f'{head}<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{"".join(placemarks)}</Document></kml>'


def point(coordinates: str, *, name: str = "North yard", data: str = "") -> str:
    place = f"<Point><coordinates>{coordinates}</coordinates></Point>"
    return f"<Placemark><name>{name}</name>{data}{place}</Placemark>"


def polygon(ring: str) -> str:
    edge = f"<outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs>"
    return f"<Placemark><name>North yard</name><Polygon>{edge}</Polygon></Placemark>"


def collection(*features: object) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features})


def feature(id_: object = "yard", **properties: Any) -> dict[str, Any]:
    shape = {"type": "Polygon", "coordinates": [SQUARE]}
    return {"type": "Feature", "id": id_, "properties": {"kind": "site", **properties}, "geometry": shape}


@pytest.mark.parametrize(
    "coordinates",
    [
        "a,b", "nan,nan", "inf,0.5", "", "104.9", "104.9 11.5", "104.9,", ",11.5", "104.9,11.5,high", "1_0,0.5",
        "104.9;11.5", "104.9, 11.5", "0x10,0.5", "१०४,११", "104.9,<b>1</b>1.5", "1e999,0.5", "104.9°,11.5",
    ],
)  # fmt: skip
def test_kml_coordinates_that_cannot_be_read_are_refused_with_the_placemarks_name(refused, coordinates):
    """They were taken for 0°, 0°, and the watch looked at the sea."""
    message = refused(kml(point("0.7,0.7", name="Pin"), point(coordinates)))
    assert "refused whole for 1 problem\n- placemark 2 `North yard`: " in message
    assert "104.9" not in message  # a position is not shown


@pytest.mark.parametrize("coordinates", ["104,9,11,5", "104,9,11,5,0", "104,9,11,5,0,0", "104,9,11"])
def test_decimal_commas_of_kml_are_named_as_such(refused, coordinates):
    """They placed it 300 km off."""
    message = refused(kml(point(coordinates)))
    assert "placemark 1 `North yard`: its Point, point 1 seems to have decimal commas; write 0.75, not 0,75" in message


def test_a_corner_that_cannot_be_read_is_refused_and_not_put_at_zero(refused):
    message = refused(kml(polygon("0.5,0.5 0.51,0.5 0.01,x 0.5,0.5")))
    assert "- placemark 1 `North yard`: ring 1, point 3 cannot be read; write each as longitude,latitude" in message


def test_a_kml_position_outside_the_world_is_named(refused):
    assert "`North yard`: ring 1, point 2 has latitude 104.9" in refused(kml(polygon("11.5,10.4 11.5,104.9 11.6,10")))
    assert "`North yard`: its Point, point 1 has longitude 200.0" in refused(kml(point("200,5")))


def test_a_kml_point_that_may_be_half_of_one_is_not_placed(refused):
    """104,9 is a place at sea, or the longitude 104.9 whose latitude was lost."""
    assert "write 104.0,9.0 where whole degrees are meant" in refused(kml(point("104,9")))


def test_a_name_with_a_counting_number_is_no_slip(tmp_path):
    """Administrative areas come with NAME_1 and the like."""
    path = tmp_path / "list.csv"
    path.write_text("id,lon,lat,NAME_1,STATUS_1,name_2\na,0.5,0.5,Sea,none,Bay\n")
    assert [one.id for one in import_areas(path)[0]] == ["a"]


def test_whole_degrees_of_kml_are_read_where_they_are_plain(tmp_path):
    path = tmp_path / "list.kml"
    path.write_text(kml(point("104.0,9.0"), point("105,9,0"), polygon(RING)))
    places = [area.geometry.centroid.coords[0] for area in import_areas(path)[0]]
    assert places == [pytest.approx(place, abs=1e-5) for place in [(104, 9), (105, 9), (0.505, 0.505)]]


def test_decimal_commas_of_a_csv_do_not_move_a_place(refused):
    """Cells beyond the header were dropped, and 104,9 and 11,5 became 104 and 9."""
    message = refused("id,lon,lat\na,104,9,11,5\n", "list.csv")
    assert "- row 2: has 5 cells, the first row has 3; write decimal points" in message


@pytest.mark.parametrize("number", ["1_0", "nan", "inf", "0x1", "१०", "1e5555"])
def test_csv_takes_plain_numbers_only(refused, number):
    assert "row 2" in refused(f"id,lon,lat\na,{number},0.5\n", "list.csv")
    assert "`a`: margin_m" in refused(f"id,lon,lat,margin_m\na,0.5,0.5,{number}\n", "list.csv")


@pytest.mark.parametrize("slip", SLIPS)
def test_an_import_refuses_the_properties_that_the_check_refuses(refused, tmp_path, slip):
    """A misspelt margin was dropped, and 500 m watched in place of 5 km."""
    said = f"`{slip}` is not a property that counts; write `"
    data = f'<ExtendedData><Data name="{slip}"><value>9</value></Data></ExtendedData>'
    schema = f'<ExtendedData><SchemaData><SimpleData name="{slip}">9</SimpleData></SchemaData></ExtendedData>'
    own = f"<ExtendedData><{slip}>9</{slip}></ExtendedData>"
    assert said in refused(f"id,lon,lat,{slip}\na,0.5,0.5,9\n", "list.csv")
    for extended in (data, schema, own):
        assert said in refused(kml(point("0.5,0.5", data=extended)))
    assert said in refused(collection(feature(**{slip: 9})), "list.geojson")
    assert said in refusal_of(geopackage(tmp_path / "l.gpkg", [(cell(YARD), 9)], columns=[slip]))


@pytest.mark.parametrize(
    ("bent", "message"),
    [
        ({"properties": [1]}, "feature 1: properties are not an object"),
        ({"type": "Place"}, "feature 1: is not of type `Feature`"),
        ({"id": ["a"]}, "feature 1: id is neither text nor a number"),
        ({"id": True}, "feature 1: id is neither text nor a number"),
        ({"properties": {"margin_m": float("nan")}}, "margin_m `NaN` cannot be used"),
        ({"properties": {"margin_m": 100, "Margin_M": 900}}, "feature 1: `margin_m` is given twice; keep one"),
        ({"properties": {"name": True}}, "name `true` cannot be used"),
    ],
)
def test_an_import_of_geojson_drops_nothing_that_counts(refused, bent, message):
    assert message in refused(collection(feature() | bent), "list.geojson")


def test_a_name_given_twice_in_one_object_is_refused(refused):
    """Of two positions or margins one was lost without a word."""
    text = collection(feature(margin_m=100)).replace('"margin_m": 100', '"margin_m": 100, "margin_m": 9000')
    for check in (True, False):
        assert "gives `margin_m` twice in one object" in refused(text, "list.geojson", check=check)
    assert "column `lon` is given twice" in refused("id,lon,lat,lon\na,1,2,3\n", "list.csv")


@pytest.mark.parametrize(
    ("wkt", "message"),
    [
        ("CURVEPOLYGON(CIRCULARSTRING(0 0,1 1,2 0,1 -1,0 0))", "wkt has curves; draw the outline with straight lines"),
        ("COMPOUNDCURVE((0 0,1 1))", "wkt has curves"),
        ("GEOMETRYCOLLECTION(" * 20_000 + "POINT(1 1)" + ")" * 20_000, "not a table that can be read"),
        ("GEOMETRYCOLLECTION(" * 5_000 + "POINT(1 1)" + ")" * 5_000, "wkt is a collection; keep only"),
        ("(" * 100_000, "wkt is not a geometry that can be read"),
        ("POINT(nan 0.5)", "wkt is not a geometry that can be read"),
        ("POINT(0x10 0.5)", "wkt is not a geometry that can be read"),
        ("POINT(104,9 11,5)", "wkt is not a geometry that can be read"),
        ("TIN(((0 0,1 1,1 0,0 0)))", "wkt is not a geometry that can be read"),
    ],
)
def test_wkt_of_curves_and_of_any_depth_is_refused(refused, wkt, message):
    assert message in refused(f'id,wkt\na,"{wkt}"\n', "list.csv")


def test_json_of_any_depth_is_refused(refused):
    deep = "[" * 500 + "]" * 500
    assert "`a`: responses `[[[" in refused(f"id,lon,lat,responses\na,1,1,{'[' * 99_000}\n", "list.csv")
    assert "`a`: responses `[[[" in refused(f"id,lon,lat,responses\na,1,1,{deep}\n", "list.csv")
    for check in (True, False):
        nested = collection(feature()).replace('"kind": "site"', f'"kind": "site", "note": {deep}')
        assert "is nested deeper than 32 levels" in refused(nested, "list.geojson", check=check)
        assert "not JSON that can be read" in refused("[" * 200_000, "list.geojson", check=check)


@pytest.mark.parametrize(
    "text", ["\ud800", "a\x1b]0;owned\x07", "two\nlines", "a\x00b", "yard \u202egnp", "a\u2028b", "\x9b31m"]
)
def test_hidden_characters_in_names_are_refused(refused, text):
    """`\\ud800` passed the check and ended the watch; escape sequences went to the terminal."""
    for check in (True, False):
        message = refused(collection(feature(name=text)), "list.geojson", check=check)
        assert "- area `yard`: name holds the hidden character U+" in message
    response = {"date": "2026-02-16", "action": "intervened", "claim": text.replace("\n", "\x1b"), "source": "x"}
    said = refused(collection(feature(responses=[response])), "list.geojson", check=True)
    assert "- area `yard`: responses 1, claim holds the hidden character U+" in said


def test_the_invisible_characters_that_scripts_need_are_taken():
    names = ["ភ្នំ\u200bពេញ", "မြန်\u200cမာ", "می\u200cخواهم", "\u200fחצר", "👷\u200d♀️ yard"]
    areas, problems = check_features([feature(f"a-{n}", name=name) for n, name in enumerate(names)])
    assert not problems
    assert [area.name for area in areas] == names


def test_a_claim_may_have_lines(tmp_path):
    response = {"date": "2026-02-16", "action": "intervened", "claim": "one\ntwo\tthree", "source": "x"}
    areas, problems = check_features([feature(responses=[response])])
    assert not problems
    assert areas[0].responses[0].claim == "one\ntwo\tthree"


def test_long_texts_and_many_responses_are_refused(refused):
    response = {"date": "2026-02-16", "action": "intervened"}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"name": "n" * 201}, "name has 201 characters; shorten it to 200"),
        ({"responses": [response | {"source": "s" * 4001}]}, "responses 1, source has 4001 characters"),
        ({"responses": [response] * 101}, "responses are 101; keep at most 100"),
    ]
    for properties, message in cases:
        assert message in refused(collection(feature(**properties)), "list.geojson", check=True)


def test_twenty_thousand_places_of_one_name_take_seconds(tmp_path, refused):
    """Making their ids was quadratic: over 40 s."""
    with bounded():
        rows = [ListRow("row", {"name": "yard"}, None) for _ in range(20_000)]
        alike = [ListRow("row", {"name": "y" * 57 + f"{n % 9_000:07d}"}, None) for n in range(18_000)]
        assert len(set(make_ids(rows, stem="list"))) == 20_000
        assert len(set(make_ids(alike, stem="list"))) == 18_000
    path = tmp_path / "list.kml"
    path.write_text(kml(*[point(f"{n % 99},0.5", name="yard") for n in range(1_000)]))
    with bounded():
        assert len(import_areas(path)[0]) == 1_000


@pytest.mark.parametrize(
    ("name", "head", "line"),
    [
        ("list.csv", "name,lon,lat\n", "yard,0.5,0.5\n"),
        ("list.kml", "<kml>", point("0.5,0.5")),
        ("list.geojson", "", ""),
    ],
)
def test_more_places_than_are_watched_are_refused_at_once(refused, name, head, line):
    """A hundred thousand took over 40 s."""
    end = "</kml>" if head == "<kml>" else ""
    many = collection(*[{"type": "Feature"}] * 30_000) if name == "list.geojson" else head + line * 30_000 + end
    assert "has more than 20000 places; split it into several lists" in refused(many, name)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path):
    for name in ("list.csv", "list.kml", "list.kmz", "list.gpkg", "list.geojson"):
        path = tmp_path / name
        with path.open("wb") as file:
            file.truncate(60_000_000)  # without content on the disk
        assert "larger than 50 MB" in refusal_of(path)
        path.unlink()


@pytest.fixture
def smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that are reached sooner, for what takes a while to reach."""
    small = replace(LIMITS, points=30_000, elements=1_000, containers=50_000)
    for module in (json_document, placemarks, reading):
        monkeypatch.setattr(module, "LIMITS", small)


@pytest.mark.usefixtures("smaller")
def test_outlines_of_too_many_points_are_refused(refused):
    ring = [[0.5 + n * 1e-6, 0.5] for n in range(5_001)]
    shape = {"type": "Polygon", "coordinates": [ring]}
    several = {"type": "MultiPolygon", "coordinates": [[[*SQUARE[:1] * 6_000]], [[*SQUARE[:1] * 6_000]]]}
    assert "ring 1 has 5001 points" in refused(collection(feature() | {"geometry": shape}), "list.geojson")
    message = refused(collection(*[feature() | {"geometry": several}] * 3), "list.geojson", check=True)
    assert "the outlines have 36000 points, more than 30000" in message
    message = refused(collection(*[feature() | {"geometry": several}] * 5), "list.geojson", check=True)
    assert "has more than 50000 lists and objects" in message


def test_many_problems_are_counted_and_the_first_ones_told(refused):
    message = refused("id,lon,lat\n" + "a,x,y\n" * 5_000, "list.csv")
    assert "refused whole for 5000 problems" in message
    assert message.endswith("\n- and 4900 more")
    assert len(message.splitlines()) == 102


ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """The address of a server on loopback, and what it is asked for."""
    seen: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    thread.join()
    server.server_close()


def test_xml_expands_no_entity_reads_no_file_and_asks_nobody(refused, tmp_path, asked):
    address, seen = asked
    (tmp_path / "secret.txt").write_text("0.5,0.5")
    secret = (tmp_path / "secret.txt").as_uri()
    for head, body in [
        (f'<!DOCTYPE kml [<!ENTITY e0 "ha">{ENTITIES}]>', point("0.5,0.5", name="&e9;")),
        (f'<!DOCTYPE kml [<!ENTITY big "{"a" * 100_000}">]>', point("0.5,0.5", name="&big;" * 10_000)),
        (f'<!DOCTYPE kml [<!ENTITY x SYSTEM "{secret}">]>', point("&x;")),
        (f'<!DOCTYPE kml [<!ENTITY x SYSTEM "{address}/entity">]>', point("&x;")),
        (f'<!DOCTYPE kml SYSTEM "{address}/kml.dtd">', point("0.5,0.5")),
        (f'<!DOCTYPE kml [<!ENTITY % p SYSTEM "{address}/parameter">%p;]>', point("0.5,0.5")),
        ("", point("&unknown;")),
    ]:
        message = refused(kml(body, head=head))
        assert "has a DOCTYPE, which KML does not need" in message or "not KML that can be read" in message
    utf16 = kml(point("0.5,0.5"), head='<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE kml [<!ENTITY a "b">]>')
    assert "has a DOCTYPE" in refused(utf16.encode("utf-16"))
    link = f"<NetworkLink><name>More</name><Link><href>{address}/more.kml</href></Link></NetworkLink>"
    message = refused(kml(point("0.5,0.5"), link))
    assert "- network link `More` leads to another file, which is not fetched; save what it shows as KML" in message
    xinclude = f'<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="{secret}"/>'
    assert "`North yard`: its Point has no coordinates" in refused(kml(point(xinclude)))
    assert seen == []


@pytest.mark.usefixtures("smaller")
def test_kml_of_any_depth_or_size_is_refused(refused):
    assert "not KML that can be read" in refused("<kml>" + "<Folder>" * 100_000)
    assert "has more than 1000 elements" in refused("<kml>" + "<a/>" * 10_000 + "</kml>")
    deep = "<MultiGeometry>" * 200 + "</MultiGeometry>" * 200
    assert "holds a MultiGeometry without parts" in refused(kml(f"<Placemark>{deep}</Placemark>"))


@pytest.mark.parametrize("names", [[], ["a.kml", "b.kml"]])
def test_a_kmz_of_none_or_several_lists_is_refused(tmp_path, names):
    """Reading the first of two would leave places unseen."""
    with zipfile.ZipFile(tmp_path / "list.kmz", "w") as archive:
        for name in names:
            archive.writestr(name, kml(point("0.5,0.5")))
    assert f"holds {len(names)} KML files" in refusal_of(tmp_path / "list.kmz")


def test_a_kmz_that_unpacks_without_end_is_refused(tmp_path, refused):
    with (
        zipfile.ZipFile(tmp_path / "list.kmz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("d.kml", "w") as file,
    ):
        for _ in range(60):
            file.write(b" " * 10_000_000)
    assert "larger than 50 MB unpacked" in refusal_of(tmp_path / "list.kmz")
    assert "not a KMZ that can be read" in refused("no zip", "list.kmz")


SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000000000)"


@pytest.mark.parametrize(
    "more",
    [
        f"ALTER TABLE places RENAME TO hidden; CREATE VIEW places AS {SLOW} SELECT hidden.* FROM hidden, n;",
        f"DROP TABLE gpkg_contents; CREATE VIEW gpkg_contents AS {SLOW} SELECT 'places' AS table_name, 'features' AS "
        f"data_type FROM n;",
        "DROP TABLE places; CREATE VIRTUAL TABLE places USING fts5(name, geom);",
        "ALTER TABLE places ADD COLUMN status AS (hex(zeroblob(400000000)));",
        "INSERT INTO gpkg_contents (table_name, data_type) VALUES ('elsewhere', 'features');",
        "INSERT INTO gpkg_geometry_columns VALUES ('elsewhere', 'geom', 'POINT', 4326, 0, 0);",
    ],
)
def test_a_geopackage_runs_nothing_of_its_own(tmp_path, more):
    """A view took over 40 s and 2.5 GB."""
    path = geopackage(tmp_path / "list.gpkg", [(cell(YARD), "a")], more=more)
    before = path.read_bytes()
    with bounded():
        refusal_of(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["list.gpkg"]


def test_a_layer_as_long_as_a_file_allows_is_read_within_limits(tmp_path):
    rows = [(cell(Point(0.5, 0.5)), "a")]
    path = geopackage(tmp_path / "list.gpkg", rows, more=(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
        "INSERT INTO places (geom, name) SELECT geom, i FROM places, n;"
    ))  # fmt: skip
    assert "has more than 20000 places" in refusal_of(path)


def nested(levels: int) -> bytes:
    return struct.pack("<BII", 1, 7, 1) * levels + struct.pack("<BIdd", 1, 1, 0.5, 0.5)


@pytest.mark.parametrize(
    ("blob", "message"),
    [
        (cell(nested(500_000)), "is a `GeometryCollection`; keep only its Polygon"),
        (cell(struct.pack("<BII", 1, 6, 1) * 100_000), "geometry is damaged"),
        (cell(struct.pack("<BII", 1, 3, 0xFFFFFFFF)), "geometry has 4294967295 parts"),
        (cell(struct.pack("<BIII", 1, 3, 1, 4_999)), "geometry is damaged"),
        (cell(YARD)[:-8], "geometry is damaged"),
        (cell(YARD) + b"\0", "geometry is damaged"),
        (cell(YARD, 32631), "geometry names coordinate system 32631, its layer 4326"),
        (b"GP", "geometry is damaged"),
        (b"", "geometry is damaged"),
        ("POINT(0.5 0.5)", "is not the geometry of a GeoPackage"),
        (cell(struct.pack("<BII", 1, 10, 0)), "is a `CurvePolygon`; write a Polygon"),
        (cell(Point()), "is not a number (NaN)"),
    ],
)
def test_a_damaged_geometry_is_refused(tmp_path, blob, message):
    assert message in refusal_of(geopackage(tmp_path / "list.gpkg", [(cell(YARD), "a"), (blob, "b")]))


def test_a_geopackage_that_is_open_elsewhere_is_refused(tmp_path):
    """What another program has not yet brought into the file would be missed without a word."""
    path = geopackage(tmp_path / "list.gpkg", [(cell(YARD), "a")])
    with closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("INSERT INTO places (geom, name) VALUES (?, 'b')", (cell(Point(0.7, 0.7)),))
        base.commit()
        assert "another program has it open" in refusal_of(path)
        (tmp_path / "link.gpkg").symlink_to(path)
        assert "another program has it open" in refusal_of(tmp_path / "link.gpkg")
    assert len(import_areas(path)[0]) == 2
    (tmp_path / "list.gpkg-journal").write_bytes(b"half a change")
    assert "another program has it open" in refusal_of(path)


def test_an_endless_table_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(geopackage_module, "LIMITS", replace(LIMITS, table_steps=0))
    columns = ["name", "kind", "status", "title", "label", "site_id"]
    rows = [(cell(YARD), *columns)] * 19_000
    path = geopackage(tmp_path / "list.gpkg", rows, columns=columns)
    assert "cannot be read (it takes too long)" in refusal_of(path)


def test_a_coordinate_system_that_the_file_makes_up_is_refused(tmp_path):
    for srs_id in (100001, -1, 77):
        path = geopackage(tmp_path / "list.gpkg", [(cell(YARD, srs_id), "a")], srs_id=srs_id)
        assert "layer `places` has coordinate system" in refusal_of(path)


def test_no_escape_sequence_reaches_the_terminal(tmp_path):
    """Property names, values, layers and file names came out raw: they cleared the screen and set its title."""
    escape = "\x1b]0;owned\x07\x1b[2J"
    wrong = tmp_path / "wrong.geojson"
    wrong.write_text(collection(feature(kind=escape), feature(f"b{escape}", name=escape, **{f"margin{escape[:1]}": 1})))
    (tmp_path / "list.csv").write_text(f"{escape},name\n1,2\n")
    (tmp_path / f"a{escape[:6]}.geojson").write_text(collection(feature(kind=1)))
    command = [sys.executable, "-c", RUN, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert "kind `�]0;owned" in done.stderr
    assert done.stderr.count("error:") == 4
    said = (done.stdout + done.stderr).replace("\n", "")
    assert all(c.isprintable() for c in said), said


RUN = """
import sys
from pathlib import Path
from flows.cli.main import main
folder = Path(sys.argv[1])
calls = [("check", f) for f in sorted(folder.glob("*.geojson"))]
calls += [("import", folder / "list.csv"), ("list", "--areas", folder / "wrong.geojson")]
for call in calls:
    sys.argv = ["sitewatch", "areas", *map(str, call)]
    try:
        main()
    except SystemExit as ended:
        assert ended.code == 2, ended.code
"""
