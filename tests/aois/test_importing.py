import json
import math
import warnings
import zipfile

import numpy as np
import pyogrio.raw
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPoint, Point, box

from aois.area import AreaError, AreaKind, Status
from aois.feature import ID_PATTERN
from aois.grid import to_utm
from aois.importing import import_areas, make_ids, slug
from aois.reading import check_features, to_feature_collection
from aois.rows import ListRow

KML = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document>
<Schema id="s" name="s"><SimpleField name="status" type="string"/><SimpleField name="id" type="string"/></Schema>
<Folder><name>Walls</name><Placemark id="0A1B"><name>Cour à l'est</name><ExtendedData><SchemaData schemaUrl="#s">
<SimpleData name="status">identified</SimpleData></SchemaData></ExtendedData><Polygon><outerBoundaryIs><LinearRing>
<coordinates>0.5,0.5,12 0.51,0.5,12 0.51,0.51,12 {end}</coordinates></LinearRing></outerBoundaryIs></Polygon>
</Placemark></Folder>
<Folder><name>Pins</name><Placemark><name>Pin</name><Point><coordinates>0.7,0.7,3</coordinates></Point></Placemark>
</Folder></Document></kml>"""


@pytest.fixture
def csv_file(tmp_path):
    def to_file(text, name="list.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_text(text, encoding=encoding)
        return path

    return to_file


@pytest.fixture
def gpkg(tmp_path):
    def to_file(*shapes, crs="EPSG:4326", layer="places", append=False, **columns):
        path = tmp_path / "list.gpkg"
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="'crs' was not provided")
            pyogrio.raw.write(
                path,
                shapely.to_wkb(np.array(shapes)),
                [np.array(values) for values in columns.values()],
                list(columns),
                crs=crs,
                geometry_type="Unknown",
                layer=layer,
                append=append,
            )
        return path

    return to_file


def refusal(path):
    with pytest.raises(AreaError) as caught:
        import_areas(path)
    return str(caught.value)


def ids_of(path):
    return [area.id for area in import_areas(path)[0]]


@pytest.mark.parametrize("header", ["name,lon,lat", "Name,Longitude,Latitude", "NAME,x,y", "title,lng,lat"])
def test_a_point_becomes_a_circle_of_150_metres(csv_file, header):
    (area,), notes = import_areas(csv_file(f"{header}\nNorth yard,0.5,0.6\n"))
    ground = to_utm(area.geometry, 32631)
    assert ground.area == pytest.approx(math.pi * 150**2, rel=0.01)
    assert ground.centroid.distance(to_utm(Point(0.5, 0.6), 32631)) < 0.1
    assert (area.id, area.name, area.kind, area.status) == ("north-yard", "North yard", AreaKind.SITE, None)
    assert "drawn as a circle of 150 m radius around the point: north-yard" in notes
    assert "taken to be a site, as the list does not say the kind: north-yard" in notes


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_usual_separators_and_decimal_commas_are_read(csv_file, mark):
    path = csv_file(mark.join(["id", "lon", "lat"]) + "\n" + mark.join(["a", '"0,5"', '"0,6"']) + "\n")
    (area,), _ = import_areas(path)
    assert area.geometry.centroid.distance(Point(0.5, 0.6)) < 1e-6


def test_wkt_goes_before_points_and_drops_heights(csv_file):
    path = csv_file(
        'id,lon,lat,WKT\na,9,9,"POLYGON Z((0.5 0.5 3,0.51 0.5 3,0.51 0.51 3,0.5 0.5 3))"\nb,9,9,POINT(1 1)\n'
    )
    (polygon, circle), notes = import_areas(path, kind=AreaKind.REGION)
    assert polygon.geometry.equals(shapely.from_wkt("POLYGON((0.5 0.5,0.51 0.5,0.51 0.51,0.5 0.5))"))
    assert not polygon.geometry.has_z
    assert circle.geometry.centroid.distance(Point(1, 1)) < 1e-6
    assert polygon.kind is AreaKind.REGION
    assert "drawn as a circle of 150 m radius around the point: b" in notes


def test_what_a_table_says_is_kept_and_blanks_are_left_out(csv_file):
    said = '[{""date"": ""2026-02-16"", ""action"": ""intervened""}]'
    path = csv_file(
        "id,kind,status,margin_m,responses,sensitivity,lon,lat,colour\n"
        f'a,Region,Identified,250,"{said}",public,0.5,0.6,red\n'
        "\n"
        "b,,,,,,0.6,0.6,\n"
    )
    (full, bare), notes = import_areas(path)
    assert (full.kind, full.status, full.margin_m) == (AreaKind.REGION, Status.IDENTIFIED, 250.0)
    assert full.responses[0].action == "intervened"
    assert (bare.kind, bare.status, bare.margin_m, bare.responses) == (AreaKind.SITE, None, 500.0, ())
    assert "taken to be a site, as the list does not say the kind: b" in notes


def test_ids_come_from_id_then_name_then_the_file(csv_file):
    path = csv_file("id,name,lon,lat\nMine 7,x,0.1,0.6\n,Éast yard,0.2,0.6\n,ស្រុក,0.3,0.6\n,,0.4,0.6\n", "My list.csv")
    areas, notes = import_areas(path)
    assert [area.id for area in areas] == ["mine-7", "east-yard", "my-list-003", "my-list-004"]
    assert "given an id made from the name: east-yard" in notes
    assert "given an id made from the file's name and the place in the list: my-list-003, my-list-004" in notes
    assert any("Mine 7 → mine-7" in note for note in notes)


def test_a_taken_id_gets_a_number(csv_file):
    path = csv_file("name,lon,lat\nYard,0.1,0.6\nYard 2,0.2,0.6\nyard,0.3,0.6\nYARD,0.4,0.6\n")
    assert ids_of(path) == ["yard", "yard-2", "yard-3", "yard-4"]


@settings(deadline=None, max_examples=100, derandomize=True)
@given(st.lists(st.dictionaries(st.sampled_from(["id", "name"]), st.text() | st.integers() | st.floats()), max_size=9))
def test_ids_are_right_and_unique_whatever_the_list_says(values):
    rows = [ListRow("row", value, None) for value in values]
    ids = make_ids(rows, stem="x" * 80)
    assert all(ID_PATTERN.fullmatch(each) for each in ids)
    assert len(set(ids)) == len(rows)
    assert ids == make_ids(rows, stem="x" * 80)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("  Øst – Gård #2 ", "st-gard-2"), (17.0, "17"), (None, ""), ("--", ""), ("a" * 63 + " b", "a" * 63)],
)
def test_slugs(value, expected):
    assert slug(value) == expected


def test_problems_of_a_table_are_listed_by_row(csv_file):
    path = csv_file(
        "id,lon,lat,status\na,east,0.5,\nb,11.5,104.8,\n\nc,0.5,,\nd,0.5,0.5,maybe\ne,11°33',1,\nf,nan,1,\n"
    )
    assert refusal(path).splitlines() == [
        f"{path}: refused whole for 6 problems",
        "- row 2: lon `east` is not a number; write decimal degrees such as 0.75",
        "- row 5: lat is empty; write decimal degrees such as 0.75",
        "- row 7: lon is not a plain number; write decimal degrees such as 0.75",
        "- row 8: lon `nan` is not a number; write decimal degrees such as 0.75",
        "- row 3 (area `b`): geometry point 1 has latitude 104.8, outside the world (-90 to 90); did you swap "
        "longitude and latitude? Longitude comes first",
        "- area `d`: status `maybe` cannot be used; write `identified` or `suspected`, or leave it out",
    ]


@pytest.mark.parametrize(
    ("wkt", "message"),
    [
        ("POLYGON((0 0,1 0,1 1))", "row 2: wkt has a ring that is not closed; repeat its first point"),
        ("near the river", "row 2: wkt is not a geometry that can be read; write it as POLYGON"),
        ("", "row 2: wkt is not a geometry that can be read"),
        ("LINESTRING(0 0,1 1)", "area `a`: geometry is a `LineString`; draw the perimeter as a Polygon, not as a line"),
        ("POINT EMPTY", "row 2 (area `a`): geometry point 1 is a list of 0"),
        ("POLYGON EMPTY", "area `a`: geometry is empty"),
        ("POLYGON((0 0,1 1,1 0,0 1,0 0))", "area `a`: geometry, ring 1 crosses or touches itself"),
    ],
)
def test_wkt_passes_the_same_checks(csv_file, wkt, message):
    assert f"- {message}" in refusal(csv_file(f'id,wkt\na,"{wkt}"\n'))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns `` hold no place; name two of them lon and lat, or one wkt"),
        ("name,where\nYard,here\n", "columns `name, where` hold no place"),
        ("lon,lat\n", "has no rows; add at least one place"),
    ],
)
def test_tables_without_places_are_refused(csv_file, text, message):
    assert message in refusal(csv_file(text))


def test_a_table_in_another_encoding_is_refused(csv_file):
    assert "not text in UTF-8" in refusal(csv_file("name,lon,lat\nÉast,0.5,0.5\n", encoding="latin-1"))


def test_an_unknown_ending_is_refused(tmp_path):
    assert "ending `.docx` is not one that can be imported; save the list as .csv" in refusal(tmp_path / "a.docx")


def test_every_folder_of_a_kml_is_read(tmp_path):
    path = tmp_path / "list.kml"
    path.write_text(KML.format(end="0.5,0.5,12"), encoding="utf-8")
    areas, notes = import_areas(path)
    # The placemark's own id, `0A1B`, is the drawing program's and means nothing to a person.
    assert [(area.id, area.status) for area in areas] == [("cour-a-l-est", Status.IDENTIFIED), ("pin", None)]
    assert not any(area.geometry.has_z for area in areas)
    assert areas[1].geometry.centroid.distance(Point(0.7, 0.7)) < 1e-6
    assert "read 2 folders: Walls, Pins" in notes


def test_a_zipped_kml_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "list.kmz", "w") as archive:
        archive.writestr("doc.kml", KML.format(end="0.5,0.5,12"))
    assert ids_of(tmp_path / "list.kmz") == ["cour-a-l-est", "pin"]


def test_an_unclosed_ring_of_a_kml_is_refused(tmp_path):
    path = tmp_path / "list.kml"
    path.write_text(KML.format(end="0.5,0.51,12"), encoding="utf-8")
    assert (
        "- area `cour-a-l-est`: geometry, ring 1 is not closed: about 1113.2 m lie between its ends; repeat"
        in refusal(path)
    )


def test_a_geopackage_is_brought_to_degrees(gpkg):
    yard = box(499_000, 88_000, 499_300, 88_300)
    areas, notes = import_areas(
        gpkg(yard, Point(500_000, 90_000, 5), crs="EPSG:32631", name=["Yard", "Pin"], margin_m=[250.0, np.nan])
    )
    assert to_utm(areas[0].geometry, 32631).symmetric_difference(yard).area < 20
    assert [area.margin_m for area in areas] == [250.0, 500.0]
    assert to_utm(areas[1].geometry, 32631).centroid.distance(Point(500_000, 90_000)) < 0.1
    assert "layer `places` was converted from EPSG:32631" in notes


def test_all_layers_of_a_geopackage_are_read(gpkg):
    gpkg(box(0.5, 0.5, 0.51, 0.51), layer="one", name=["A"])
    path = gpkg(MultiPoint([(0.7, 0.7)]), layer="two", append=True, name=["B"])
    areas, notes = import_areas(path)
    assert [area.id for area in areas] == ["a", "b"]
    assert "read 2 layers: one, two" in notes


def test_a_layer_without_a_coordinate_system_is_read_as_degrees_and_noted(gpkg):
    areas, notes = import_areas(gpkg(box(0.5, 0.5, 0.51, 0.51), crs=None, name=["A"]))
    assert areas[0].geometry.equals(box(0.5, 0.5, 0.51, 0.51))
    assert "layer `places` names no coordinate system; read as longitude and latitude" in notes


def test_lines_and_empty_rows_of_a_geopackage_are_refused(gpkg):
    text = refusal(gpkg(LineString([(0, 0), (1, 1)]), None, MultiPoint([(0, 0), (1, 1)]), name=["A", "B", "C"]))
    assert "- area `a`: geometry is a `LineString`; draw the perimeter as a Polygon" in text
    assert "- area `b`: geometry is missing" in text
    assert "- area `c`: geometry is a `MultiPoint`; give each point a feature of its own" in text


def test_a_coordinate_system_of_no_place_is_refused(gpkg):
    engineering = 'LOCAL_CS["site grid",UNIT["metre",1]]'
    assert "layer `places` has coordinate system" in refusal(gpkg(Point(1, 1), crs=engineering, name=["A"]))


def test_files_that_are_not_what_their_ending_says_are_refused(tmp_path):
    (tmp_path / "list.gpkg").write_text("not a package")
    assert "cannot be read (" in refusal(tmp_path / "list.gpkg")
    assert "cannot be read (No such file or directory); check the path" in refusal(tmp_path / "none.kml")


def test_geojson_without_ids_is_given_some(write, feature):
    named = feature(None, Name="North yard", status="suspected")
    point = {"type": "Feature", "properties": None, "geometry": {"type": "Point", "coordinates": [1, 1, 5]}}
    numbered = feature(7)
    areas, notes = import_areas(write(named, point, numbered))
    assert [area.id for area in areas] == ["north-yard", "list-002", "7"]
    assert areas[0].status is Status.SUSPECTED
    assert "drawn as a circle of 150 m radius around the point: list-002" in notes


def test_geojson_problems_are_listed_together(write):
    def bare(kind, coordinates):
        return {"type": "Feature", "properties": {}, "geometry": {"type": kind, "coordinates": coordinates}}

    text = refusal(write(bare("Point", [11.5, 104.8]), bare("Point", []), bare("LineString", [[0, 0], [1, 1]]), 5))
    assert "- feature 4: is not an object; write a GeoJSON Feature" in text
    assert "- feature 1 (area `list-001`): geometry point 1 has latitude 104.8" in text
    assert "- feature 2 (area `list-002`): geometry point 1 is a list of 0" in text
    assert "- area `list-003`: geometry is a `LineString`" in text


def test_a_list_already_in_our_form_comes_through_unchanged(write, feature):
    path = write(feature("a", status="suspected", responses=[{"date": "2026-02-16", "action": "intervened"}]))
    areas, notes = import_areas(path)
    assert notes == ()
    assert areas == check_features(json.loads(path.read_text())["features"])[0]


def test_what_is_imported_can_be_read_back(csv_file):
    areas, _ = import_areas(csv_file("name,lon,lat\nA,0.5,0.6\nB,104.9,-11.5\n"))
    again, problems = check_features(to_feature_collection(areas)["features"])
    assert (again, problems) == (areas, ())


def test_a_long_note_stops_after_ten(csv_file):
    lines = "".join(f"n{n},{n / 10},0.5\n" for n in range(12))
    _, notes = import_areas(csv_file("id,lon,lat\n" + lines))
    assert notes[0].endswith("n8, n9 and 2 more")
