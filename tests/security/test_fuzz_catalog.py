"""Generated items, catalogs and answers, begun from valid ones: each is used, passed over by name, or refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fuzzing import assert_one_clear_line, bounded, fuzzed
from hostile_items import AREA, GRID, catalog_of, geotiff, item_links, item_of
from hostile_web import HostileWeb, hostile_web
from hypothesis import given
from hypothesis import strategies as st

from flows.imagery.archive.store import Archive
from flows.imagery.catalog_rules import RefusedPlaceError, rules_for
from flows.imagery.fetching import fetch_missing
from flows.imagery.scene import ImageryError, Sensor
from flows.imagery.sentinelhub.items import item_of as service_item_of
from flows.imagery.stac.item import MALFORMED
from flows.imagery.stac.stac_source import StacSource

YEAR = {"since": date(2024, 1, 1), "until": date(2024, 12, 31)}
NASTY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(10**400), max_value=10**400),
    st.floats(),
    st.text(max_size=30),
    st.text(alphabet="\x1b[]0;\x07\u202e\ud800/.:?#%\\`$<>&'\"", max_size=30),
    st.sampled_from(
        [
            "/etc/passwd",
            "file:///etc/passwd",
            "../../../etc/passwd",
            "/vsicurl/http://127.0.0.1:1/x",
            "http://169.254.169.254/",
            "http://[",
            "s3://bucket/key",
            "9999-12-31T23:59:59-23:59",
            "0001-01-01T00:00:00+23:59",
            "2024-02-30T00:00:00Z",
            "²",
            "05.11",
            [],
            {},
            [[]],
            [{}],
            [1],
            [None] * 4,
            ["a"] * 4,
            [180, 91, -181, -91],
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]},
            {"type": "GeometryCollection", "geometries": [{"type": "Point"}]},
        ]
    ),
    st.recursive(st.none(), lambda inner: st.lists(inner, max_size=2), max_leaves=80),
)
VALID = item_of(
    "S2A_MSIL2A_20240501T100000_N0510_R022_T31NEA_20240501T120000",
    {
        "red": {
            "href": "good.tif",
            "type": "image/tiff",
            "roles": ["data"],
            "eo:bands": [{"name": "B04", "common_name": "red"}],
            "raster:bands": [{"scale": 1e-4, "offset": -0.1, "nodata": 0}],
        },
        "nir": {"href": "good.tif", "bands": [{"name": "B08", "eo:common_name": "nir"}]},
        "scl": {"href": "classes.tif", "roles": ["data"]},
    },
    properties={
        "datetime": "2024-05-01T10:00:00Z",
        "platform": "sentinel-2a",
        "s2:processing_baseline": "05.10",
        "sat:relative_orbit": 22,
        "sat:orbit_state": "descending",
        "earthsearch:boa_offset_applied": False,
    },
    links=[{"rel": "self", "href": "i.json"}, {"rel": "collection", "href": "c.json"}],
    stac_extensions=["https://stac-extensions.github.io/eo/v1.1.0/schema.json"],
)


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield from places_in(below, (*path, key))


@st.composite
def mutated(draw: st.DrawFn, valid: Any) -> Any:
    """A valid document with one to four places changed, taken out, or doubled."""
    said = deepcopy(valid)
    for _ in range(draw(st.integers(1, 4))):
        places = list(places_in(said))
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        holder = said
        for step in way:
            holder = holder[step]
        action = draw(st.sampled_from(["change", "change", "change", "drop", "rename"]))
        if action == "drop":
            del holder[last]
        elif action == "rename" and isinstance(holder, dict):
            holder[draw(st.text(max_size=12))] = holder.pop(last)
        else:
            holder[last] = deepcopy(draw(NASTY))
    return said


@pytest.fixture(scope="module")
def web() -> Iterator[HostileWeb]:
    with hostile_web() as server:
        server.put("/good.tif", geotiff())
        server.put("/classes.tif", geotiff(4, dtype="uint8"))
        server.put("/good.json", json.dumps(item_of("good", {"red": {"href": "good.tif"}}, day=9)).encode())
        yield server


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archive")


def watched(location: str, root: Path) -> tuple[set[str], StacSource]:
    """The items that a watch brought into the archive; everything else must have been said in one line."""
    source = StacSource(location)
    refs = source.search(AREA, GRID, **YEAR)
    report = fetch_missing(source, Archive(root), AREA, GRID, refs, on_scene=lambda _: None)
    for name, words in (*source.passed_over.items(), *report.failed, *report.revised, *report.completed):
        assert_one_clear_line(ImageryError(f"{name}: {words}"), ImageryError)
    held = Archive(root).list(AREA.id, "stac", GRID)
    return {item for entry in held for item in entry.items}, source


@fuzzed
@given(said=mutated(VALID))
def test_any_item_is_used_or_passed_over_and_the_good_one_comes(web: HostileWeb, archive: Path, said: Any) -> None:
    before = len(web.asked)
    web.put("/evil.json", json.dumps(said).encode())
    location = web.put("/catalog.json", catalog_of(item_links(["evil.json", "good.json"])))
    with bounded():
        found, _ = watched(location, archive)
    assert "good" in found
    assert len(web.asked) - before < 40


CATALOG = json.loads(
    catalog_of(
        [
            {"rel": "root", "href": "catalog.json"},
            {"rel": "child", "href": "child.json", "title": "x"},
            {"rel": "item", "href": "good.json"},
        ]
    )
)


@fuzzed
@given(said=mutated(CATALOG), child=mutated(CATALOG))
def test_any_catalog_is_read_or_refused_in_one_line(web: HostileWeb, archive: Path, said: Any, child: Any) -> None:
    location = web.put("/catalog.json", json.dumps(said).encode())
    web.put("/child.json", json.dumps(child).encode())
    with bounded():
        try:
            watched(location, archive)
        except ImageryError as error:
            assert_one_clear_line(error, ImageryError)


PAGE = {
    "type": "FeatureCollection",
    "features": [VALID],
    "links": [{"rel": "next", "href": "search?page=2", "method": "POST", "body": {"page": 2}, "merge": True}],
}


@fuzzed
@given(page=mutated(PAGE), landing=mutated({"links": [{"rel": "search", "href": "search", "method": "POST"}]}))
def test_any_answer_of_a_search_is_read_or_refused_in_one_line(
    web: HostileWeb, archive: Path, page: Any, landing: Any
) -> None:
    location = web.put("/api", json.dumps(landing).encode())
    web.put("/search", json.dumps(page).encode())
    before = len(web.asked)
    with bounded():
        try:
            watched(location, archive)
        except ImageryError as error:
            assert_one_clear_line(error, ImageryError)
    assert len(web.asked) - before < 40


@fuzzed
@given(content=st.binary(max_size=60), at=st.floats(0, 1), taken=st.integers(0, 40))
def test_any_bytes_of_a_page_are_read_or_refused_in_one_line(
    web: HostileWeb, archive: Path, content: bytes, at: float, taken: int
) -> None:
    whole = json.dumps(CATALOG).encode()
    place = int(at * len(whole))
    location = web.put("/catalog.json", whole[:place] + content + whole[place + taken :])
    with bounded():
        try:
            watched(location, archive)
        except ImageryError as error:
            assert_one_clear_line(error, ImageryError)


NAMES = st.one_of(
    st.text(max_size=60),
    st.builds(
        "{}{}{}{}{}".format,
        st.sampled_from(
            ["", "http://", "https://", "//", "/", "\\\\", "file:", "s3://", "http:", "HTTP://", "hTTps:/"]
        ),
        st.sampled_from(
            ["", "stac.example.org", "stac.example.org@", "x@stac.example.org:1@", "127.1", "[::1]", "a.b"]
        ),
        st.sampled_from(
            ["", ".", ":443", ":80", ":0", ":99999", "@evil.org", "#@evil.org", "\\@evil.org", "%2eevil.org"]
        ),
        st.sampled_from(["", "/", "/x.tif", "/../..", "/vsicurl/", "?x", "#x", "\n", "\u3002evil.org"]),
        st.text(max_size=8),
    ),
)


@fuzzed
@given(name=NAMES)
def test_whatever_is_named_lies_where_it_may(name: str) -> None:
    rules = rules_for("https://stac.example.org/v1/catalog.json", ["files.example.org"])
    on_disk = rules_for("/data/stac/catalog.json")
    with bounded():
        try:
            place = rules.resolved("https://stac.example.org/v1/catalog.json", name)
            url = rules.check(place)
            assert url.scheme == "https"
            assert (url.host.rstrip("."), url.port) in (("stac.example.org", None), ("files.example.org", None))
        except RefusedPlaceError as error:
            assert_one_clear_line(error, RefusedPlaceError)
        try:
            place = on_disk.resolved("/data/stac/i.json", name)
            assert place.startswith("/data/stac/")
            assert "/../" not in place
        except RefusedPlaceError as error:
            assert_one_clear_line(error, RefusedPlaceError)


FEATURE = {key: VALID[key] for key in ("id", "collection", "bbox", "properties")}


@fuzzed
@given(said=mutated(FEATURE), sensor=st.sampled_from(Sensor))
def test_any_feature_of_a_service_is_an_item_or_refused(said: Any, sensor: Sensor) -> None:
    with bounded():
        try:
            item = service_item_of(said, sensor)
            assert item.bounds is None or all(isinstance(number, float) for number in item.bounds)
            assert_one_clear_line(ImageryError(f"{item.id} {item.collection} {item.processing_baseline}"), ImageryError)
        except ImageryError as error:
            assert_one_clear_line(error, ImageryError)
        except MALFORMED:
            pass  # the source passes it over by name
