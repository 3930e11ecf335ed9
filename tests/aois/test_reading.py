import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Point, Polygon

from aois.area import Area, AreaError, AreaKind, ListedClaim, Response, Sensitivity, Status
from aois.reading import check_features, read_areas, to_feature_collection


def refusal(path):
    with pytest.raises(AreaError) as caught:
        read_areas(path)
    return str(caught.value)


def test_every_property_is_read(feature, write, square):
    responses = [
        {"date": "2026-02-16", "action": "intervened", "claim": "8 buildings demolished", "source": "a ministry"},
        {"date": "2025-06-03", "action": "investigated"},
    ]
    path = write(
        feature(name="Yard", status="suspected", margin_m=250, responses=responses, sensitivity="public", colour="red")
    )
    assert read_areas(path) == (
        Area(
            id="yard",
            kind=AreaKind.SITE,
            geometry=Polygon(square),
            name="Yard",
            status=Status.SUSPECTED,
            margin_m=250.0,
            responses=(
                Response(date(2026, 2, 16), "intervened", "8 buildings demolished", "a ministry"),
                Response(date(2025, 6, 3), "investigated"),
            ),
            sensitivity=Sensitivity.PUBLIC,
        ),
    )


def test_claims_of_a_response_are_read_and_written(feature, write):
    claims = [{"kind": "demolished", "number": 413, "date": "2026-02-20", "words": None}, {"kind": "sealed"}]
    responses = [{"date": "2026-02-16", "action": "intervened", "claims": claims}]
    [area] = read_areas(write(feature(status="suspected", responses=responses)))
    assert area.responses[0].claims == (
        ListedClaim("demolished", number=413, date=date(2026, 2, 20)),
        ListedClaim("sealed"),
    )
    assert check_features(to_feature_collection([area])["features"])[0] == (area,)


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({"kind": "razed"}, "responses 1, claims, 1, kind `razed` cannot be used; write `demolished`"),
        ({"kind": "demolished", "number": 0}, "number `0` cannot be used; write how many structures"),
        ({"kind": "demolished", "nummer": 3}, "claims, 1: `nummer` is not known; write a list"),
        ({"kind": "sealed", "number": 3}, "says `sealed` with a number or an area"),
    ],
)
def test_a_claim_that_cannot_be_checked_is_refused(feature, write, claim, words):
    responses = [{"date": "2026-02-16", "action": "intervened", "claims": [claim]}]
    assert words in refusal(write(feature(status="suspected", responses=responses)))


def test_what_is_left_out_or_null_takes_the_defaults(feature, write):
    blanks = dict.fromkeys(["name", "status", "margin_m", "responses", "sensitivity"])
    bare, blank = read_areas(write(feature("bare"), feature("blank", **blanks)))
    for area in (bare, blank):
        assert (area.name, area.status, area.margin_m, area.responses) == ("", None, 500.0, ())
        assert area.sensitivity is Sensitivity.RESTRICTED


@pytest.mark.parametrize(("slip", "meant"), [("margin", "margin_m"), ("stauts", "status"), ("Responses", "responses")])
def test_a_slip_in_a_name_is_refused(feature, write, slip, meant):
    """Left to itself a mistyped margin would silently be 500 m."""
    message = refusal(write(feature(**{slip: 250})))
    assert f"`{slip}` is not a property that counts; write `{meant}`, or rename it" in message


def test_the_id_may_stand_among_the_properties(feature, write):
    inner = feature(None, id="inner")
    both = feature("outer", id="inner")
    assert [area.id for area in read_areas(write(inner, both))] == ["inner", "outer"]


def test_a_region_reads_as_one(feature, write):
    assert read_areas(write(feature(kind="region")))[0].kind is AreaKind.REGION


def test_heights_are_dropped_and_rings_turned_as_the_standard_asks(feature, write, square):
    clockwise = [[*point, 12.5] for point in reversed(square)]
    (area,) = read_areas(write(feature(rings=[clockwise])))
    assert not area.geometry.has_z
    assert area.geometry.exterior.is_ccw


def test_holes_and_parts_are_kept(write, feature, square):
    hole = [[0.504, 0.504], [0.506, 0.504], [0.506, 0.506], [0.504, 0.504]]
    other = [[x + 0.02, y] for x, y in square]
    several = feature("parts") | {"geometry": {"type": "MultiPolygon", "coordinates": [[square, hole], [other]]}}
    (area,) = read_areas(write(several))
    assert area.geometry.geom_type == "MultiPolygon"
    assert area.geometry.area == pytest.approx(2e-4 - 2e-6)


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"kind": "compound"}, "kind `compound` cannot be used; write `site` for"),
        ({"kind": None}, "kind is missing; write `site` for"),
        ({"status": "maybe"}, "status `maybe` cannot be used; write `identified` or `suspected`"),
        ({"sensitivity": "secret"}, "sensitivity `secret` cannot be used; write `restricted` or `public`"),
        ({"name": 5}, "name `5` cannot be used; write text"),
        ({"margin_m": -1}, "margin_m `-1` cannot be used; write a number of metres from 0 to 20000"),
        ({"margin_m": 20_001}, "margin_m `20001` cannot be used; write a number"),
        ({"margin_m": "500"}, "margin_m `500` cannot be used; write a number of metres from 0 to 20000, without quot"),
        ({"margin_m": float("nan")}, "margin_m `NaN` cannot be used"),
        ({"margin_m": True}, "margin_m `true` cannot be used"),
        ({"responses": "raid"}, "responses `raid` cannot be used; write a list"),
        ({"responses": ["raid"]}, "responses 1 `raid` cannot be used; write a list"),
        ({"responses": [{"action": "investigated"}]}, "responses 1, date is missing; write the day as 2026-11-24"),
        ({"responses": [{"date": "2026-02-30", "action": "intervened"}]}, "responses 1, date `2026-02-30` cannot"),
        ({"responses": [{"date": "3.6.2026", "action": "intervened"}]}, "responses 1, date `3.6.2026` cannot"),
        ({"responses": [{"date": 20260603, "action": "intervened"}]}, "responses 1, date `20260603` cannot"),
        ({"responses": [{"date": "2026-06-03"}]}, "responses 1, action is missing; write `investigated`"),
        ({"responses": [{"date": "2026-06-03", "action": "raided"}]}, "responses 1, action `raided` cannot be used"),
    ],
)
def test_a_wrong_property_is_named_with_its_value_and_mend(feature, write, properties, message):
    text = refusal(write(feature(**properties)))
    assert f"- area `yard`: {message}" in text
    assert "refused whole for 1 problem\n" in text


@pytest.mark.parametrize("id_", ["North Yard", "-yard", "y" * 65, "", "yard\n", 12, "cour-à-l-est"])
def test_a_wrong_id_is_refused(feature, write, id_):
    assert "cannot be used; write 1 to 64 lower-case letters, digits and hyphens" in refusal(write(feature(id_)))


def test_a_missing_id_is_told_by_position(feature, write):
    assert "- feature 2: id is missing; write" in refusal(write(feature(), feature(None)))


def test_an_id_given_twice_is_refused_with_both_places(feature, write):
    text = refusal(write(feature("a"), feature("b"), feature("a")))
    assert "- area `a`: id `a` is given to features 1 and 3; give each feature its own" in text


NAN = float("nan")
CROSSED = [[0.5, 0.5], [0.51, 0.51], [0.51, 0.5], [0.5, 0.51], [0.5, 0.5]]
SWAPPED = [[11.5, 104.8], [11.5, 104.9], [11.6, 104.9], [11.5, 104.8]]
METRES = [[500_000, 77_000], [500_300, 77_000], [500_300, 77_300], [500_000, 77_000]]
TINY = [[0.5, 0.5], [0.50004, 0.5], [0.50004, 0.50004], [0.5, 0.50004], [0.5, 0.5]]


@pytest.mark.parametrize(
    ("ring", "message"),
    [
        ([[0.5, 0.5], [0.51, 0.5], [0.51, 0.51], [0.5, 0.501]], "ring 1 is not closed: about 111.3 m lie between"),
        ([[0.5, 0.5], [0.51, 0.5], [0.5, 0.5]], "ring 1 has 3 points; draw at least 4"),
        ([], "ring 1 has 0 points"),
        (CROSSED, "ring 1 crosses or touches itself near point"),
        ([[0, 0], [1, 1], [2, 2], [0, 0]], "ring 1 has all its points on one line"),
        ([[0, 0]] * 4, "ring 1 has all its points on one line"),
        (SWAPPED, "ring 1 point 1 has latitude 104.8, outside the world (-90 to 90); did you swap"),
        (METRES, "ring 1 point 1 has longitude 500000.0, outside the world; write degrees"),
        ([[0.5, 0.5], [0.5, 90.01]], "ring 1 point 2 has latitude 90.1, outside the world"),
        ([[NAN, 0.5]], "ring 1 point 1 is not a number (NaN)"),
        ([[10**400, 0.5]], "ring 1 point 1 has longitude beyond 1e9, outside the world"),
        ([["0.5", 0.5]], "ring 1 point 1 holds text where a number belongs"),
        ([[0.5, None]], "ring 1 point 1 holds null where a number belongs"),
        ([[0.5, True]], "ring 1 point 1 holds true or false where a number belongs"),
        ([[0.5]], "ring 1 point 1 is a list of 1; write it as [longitude, latitude]"),
        ([0.5, 0.5], "ring 1 point 1 is a number; write it as"),
        ("round", "ring 1 is text; write a list of"),
    ],
)
def test_a_wrong_ring_is_named_with_the_mend(feature, write, ring, message):
    assert f"- area `yard`: geometry, {message}" in refusal(write(feature(rings=[ring])))


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        (None, "geometry is missing; draw its polygon"),
        ({"type": "Polygon", "coordinates": []}, "geometry is empty; draw its polygon"),
        ({"type": "MultiPolygon", "coordinates": []}, "geometry is empty; draw its polygon"),
        ({"type": "Polygon", "coordinates": 5}, "geometry has a number for its rings; write a list of rings"),
        ({"type": "Polygon"}, "geometry is missing; draw its polygon"),
        ({"coordinates": [[0.5, 0.5]]}, "geometry is an object without a type; write a Polygon"),
        ("POLYGON ((0 0))", "geometry is text without a type; write a Polygon"),
        ({"type": "Point", "coordinates": [0.5, 0.5]}, "geometry is a `Point`; import the list with"),
        ({"type": "LineString", "coordinates": []}, "geometry is a `LineString`; draw the perimeter as a Polygon"),
        ({"type": "GeometryCollection", "geometries": []}, "geometry is a `GeometryCollection`; keep only its"),
        ({"type": "Circle"}, "geometry is a `Circle`; write a Polygon or MultiPolygon"),
    ],
)
def test_a_wrong_geometry_is_named_with_the_mend(feature, write, geometry, message):
    assert f"- area `yard`: {message}" in refusal(write(feature() | {"geometry": geometry}))


def test_a_feature_without_any_geometry_is_refused(feature, write):
    bare = feature()
    del bare["geometry"]
    assert "- area `yard`: geometry is missing" in refusal(write(bare))


def test_properties_that_are_no_object_are_refused(feature, write):
    text = refusal(write(feature("list") | {"properties": [1]}, feature("null") | {"properties": None}))
    assert "- area `list`: properties `[1]` cannot be used; write an object of names and values" in text
    assert "- area `null`: kind is missing" in text


def test_rings_that_do_not_fit_each_other_are_refused(feature, write, square):
    away = [[x + 1, y] for x, y in square]
    beside = [[x + 0.005, y] for x, y in square]
    overlapping = {"type": "MultiPolygon", "coordinates": [[square], [beside]]}
    text = refusal(write(feature("hole", rings=[square, away]), feature("parts") | {"geometry": overlapping}))
    assert "- area `hole`: geometry is not valid: a hole lies outside its outer ring; move it inside" in text
    assert "- area `parts`: geometry is not valid: its rings cross or overlap each other" in text


def test_a_ring_of_a_part_is_found_by_both_numbers(feature, write, square):
    broken = {"type": "MultiPolygon", "coordinates": [[square], [square[:-1]]]}
    assert "geometry, part 2, ring 1 is not closed" in refusal(write(feature() | {"geometry": broken}))


def test_sizes_that_no_grid_holds_are_refused(feature, write):
    large = [[1, 1], [3, 1], [3, 3], [1, 3], [1, 1]]
    text = refusal(write(feature("tiny", rings=[TINY]), feature("large", rings=[large], kind="region")))
    assert "- area `tiny`: polygon is 0.44 px wide at 10 m; enlarge it" in text
    assert "- area `large`: geometry spans 223 km, over one tile of 110 km; draw it as several areas" in text


def test_all_problems_of_a_file_are_listed_at_once(feature, write):
    path = write(
        feature("good"),
        feature("two", status="maybe", margin_m=-1),
        feature("ring", rings=[CROSSED]),
        feature("good"),
        "text",
        None,
    )
    lines = refusal(path).splitlines()
    assert lines[0] == f"{path}: refused whole for 6 problems"
    assert [line.split(":")[0] for line in lines[1:]] == [
        "- area `two`",
        "- area `two`",
        "- area `ring`",
        "- feature 5",
        "- feature 6",
        "- area `good`",
    ]


def test_no_message_prints_a_position(feature, write):
    ring = [[104.8123, 11.5123], [104.8223, 11.5123], [104.8223, 11.5223], [104.8123, 11.5124]]
    swapped = [[y, x] for x, y in ring]
    crossed = [ring[0], ring[2], ring[1], [104.8123, 11.5223], ring[0]]
    text = refusal(write(*(feature(f"f{n}", rings=[each]) for n, each in enumerate([ring, swapped, crossed]))))
    assert "3 problems" in text
    assert not any(digits in text for digits in ("8123", "8223", "5123", "5223"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{'type': 1}", "not JSON at line 1, column 2"),
        ("", "not JSON at line 1, column 1"),
        ("[" * 100_000, "not JSON that can be read"),
        ("[]", "not a FeatureCollection but a list of 0; wrap"),
        ("{}", "not a FeatureCollection but an object; wrap"),
        ('{"type": "Feature"}', "not a FeatureCollection but of type `Feature`; wrap"),
        ('{"type": "FeatureCollection"}', "has no features; add at least one"),
        ('{"type": "FeatureCollection", "features": []}', "has no features; add at least one"),
    ],
)
def test_a_file_that_is_no_collection_is_refused(tmp_path, text, message):
    path = tmp_path / "list.geojson"
    path.write_text(text)
    assert refusal(path).startswith(f"{path}: ")
    assert message in refusal(path)


def test_files_that_cannot_be_opened_are_refused(tmp_path):
    assert "cannot be read (No such file or directory); check the path" in refusal(tmp_path / "none.geojson")
    (tmp_path / "latin.geojson").write_bytes(b'{"name": "\xe9"}')
    assert "not text in UTF-8; save it again with that encoding" in refusal(tmp_path / "latin.geojson")


def test_a_byte_order_mark_does_no_harm(feature, write):
    path = write(feature())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_areas(path)) == 1


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:EPSG::32648", "EPSG:4240", None])
def test_another_coordinate_system_is_refused(feature, write, name):
    path = write(feature(), crs={"type": "name", "properties": {"name": name}})
    assert f"crs `{name}` is not longitude and latitude; export the list in EPSG:4326" in refusal(path)


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326", "EPSG:4326"])
def test_the_usual_coordinate_system_may_be_said(feature, write, name):
    assert read_areas(write(feature(), crs={"type": "name", "properties": {"name": name}}))


PLACES = st.tuples(st.floats(-170, 170), st.floats(-70, 70)).map(lambda place: Point(place).buffer(0.01, quad_segs=3))
TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
TEXTS = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters=TURNING)
RESPONSES = st.builds(
    Response,
    st.dates(date(2000, 1, 1), date(2099, 1, 1)),
    st.sampled_from(["investigated", "intervened"]),
    st.text(TEXTS, max_size=9),
    st.text(TEXTS, max_size=9),
)
AREAS = st.builds(
    Area,
    id=st.from_regex(r"[a-z0-9][a-z0-9-]{0,63}", fullmatch=True),
    kind=st.sampled_from(AreaKind),
    geometry=PLACES | PLACES.map(lambda polygon: MultiPolygon([polygon])),
    name=st.text(TEXTS, max_size=20),
    status=st.none() | st.sampled_from(Status),
    margin_m=st.floats(0, 20_000),
    responses=st.lists(RESPONSES, max_size=3).map(tuple),
    sensitivity=st.sampled_from(Sensitivity),
)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.lists(AREAS, max_size=4, unique_by=lambda area: area.id))
def test_what_is_written_is_read_back_the_same(areas):
    text = json.dumps(to_feature_collection(areas), sort_keys=True)
    again, problems = check_features(json.loads(text)["features"])
    assert not problems
    assert [_said(area) for area in again] == [_said(area) for area in areas]
    assert all(one.geometry.equals(other.geometry) for one, other in zip(again, areas, strict=True))
    # Read and written once more there is not a byte of difference.
    settled = json.dumps(to_feature_collection(again), sort_keys=True)
    third, _ = check_features(json.loads(settled)["features"])
    assert json.dumps(to_feature_collection(third), sort_keys=True) == settled


def _said(area):
    return (area.id, area.kind, area.name, area.status, area.margin_m, area.responses, area.sensitivity)
