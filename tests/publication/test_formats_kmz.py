"""The KMZ: valid, with pictures in its balloons, time and styles, and nothing in it that runs or asks a server."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import format_subjects
import pyogrio
import pytest
import shapely
from format_subjects import HOSTILE, OUTLINE, SHOAL, Made
from lxml import etree, html

KML = "{http://www.opengis.net/kml/2.2}"
ORDER = {
    "Document": ("name", "open", "description", "Style", "Folder"),
    "Style": ("LineStyle", "PolyStyle", "BalloonStyle"),
    "LineStyle": ("color", "width"),
    "PolyStyle": ("color",),
    "BalloonStyle": ("text",),
    "Folder": ("name", "Placemark"),
    "Placemark": ("name", "description", "TimeSpan", "styleUrl", "ExtendedData", "Polygon", "MultiGeometry"),
    "TimeSpan": ("begin", "end"),
    "ExtendedData": ("Data",),
    "Data": ("value",),
    "MultiGeometry": ("Polygon",),
    "Polygon": ("tessellate", "outerBoundaryIs", "innerBoundaryIs"),
    "outerBoundaryIs": ("LinearRing",),
    "innerBoundaryIs": ("LinearRing",),
    "LinearRing": ("coordinates",),
}
"""Which elements the schema of KML 2.2 (ogckml22.xsd) lets stand in which, in its order, of those that we write."""

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with format_subjects.opened(tmp_path_factory.mktemp("kmz") / "outputs") as made:
        yield made


@pytest.fixture(scope="module")
def kmz(made: Made) -> bytes:
    return made.files()["events.kmz"]


@pytest.fixture(scope="module")
def document(kmz: bytes) -> etree._Element:
    with zipfile.ZipFile(io.BytesIO(kmz)) as archive:
        assert archive.namelist()[0] == "doc.kml"
        return etree.fromstring(archive.read("doc.kml"))


BUILT = 2  # events come in the order of their days and ids


def marks_of(document: etree._Element) -> list[etree._Element]:
    """The placemarks of events at the place with the hostile name."""
    folder = document.findall(f"{KML}Document/{KML}Folder")[1]
    return folder.findall(f"{KML}Placemark")[1:]


def test_gdal_reads_the_outlines_and_the_days(kmz: bytes, tmp_path: Path) -> None:
    path = tmp_path / "events.kmz"
    path.write_bytes(kmz)
    layers = pyogrio.list_layers(path)[:, 0].tolist()
    assert len(layers) == 2
    meta, _, outlines, fields = pyogrio.raw.read(path, layer=layers[1])
    said = dict(zip(meta["fields"], fields, strict=True))
    assert len(outlines) == 6
    assert shapely.from_wkb(outlines[1]).equals(OUTLINE.geoms[0])
    assert str(said["begin"][1])[:10].replace("/", "-") == "2026-09-10"
    assert str(said["end"][1])[:10].replace("/", "-") == "2026-09-27"
    assert said["event_id"][1] == "ev-clearing-confirmed"
    assert said["Name"][5] == "Fence or wall, confirmed"


def test_every_element_stands_where_the_schema_has_it(document: etree._Element) -> None:
    assert [child.tag for child in document] == [f"{KML}Document"]
    for element in document.iter():
        name = element.tag.removeprefix(KML)
        children = [child.tag.removeprefix(KML) for child in element]
        places = [ORDER[name].index(child) for child in children] if children and name != "kml" else []
        assert places == sorted(places), (name, children)


def test_each_kind_of_change_has_a_style_and_each_event_its_time(document: etree._Element) -> None:
    styles = {one.get("id"): etree.tostring(one) for one in document.iter(f"{KML}Style")}
    marks = marks_of(document)
    used = [one.findtext(f"{KML}styleUrl").removeprefix("#") for one in marks]
    assert used == [
        "clearing-held",
        "clearing-provisional",
        "construction-held",
        "demolition-held",
        "fencing-held",
    ]  # what became part of another event is drawn as that one
    assert len({styles[name].split(b">", 1)[1] for name in used}) == 5
    assert {one.findtext(f"{KML}TimeSpan/{KML}begin") for one in marks} == {"2026-09-10"}
    assert {one.findtext(f"{KML}TimeSpan/{KML}end") for one in marks} == {"2026-09-27"}


def test_balloons_show_the_pictures_that_are_in_the_archive(kmz: bytes, document: etree._Element) -> None:
    with zipfile.ZipFile(io.BytesIO(kmz)) as archive:
        held = [name for name in archive.namelist() if name.startswith("pictures/")]
    assert len(held) == 4  # none of a place whose id begins the same, no GeoTIFF, nothing twice, nothing that moves
    balloons = [one.text for one in document.iter(f"{KML}description")]
    shown = [str(one.get("src")) for text in balloons for one in html.fromstring(text).iter("img")]
    assert sorted(map(unquote, shown)) == sorted(held)
    first = html.fromstring(marks_of(document)[BUILT].findtext(f"{KML}description"))
    assert [one.get("alt") for one in first.iter("img")] == [
        "Before, 3 August 2026, Sentinel-2, &",
        "radar pair",
        "After, 22 September 2026, Sentinel-2",
    ]


def test_balloons_say_what_it_is_and_what_else_it_may_be(document: etree._Element) -> None:
    text = html.fromstring(marks_of(document)[BUILT].findtext(f"{KML}description")).text_content()
    for words in (
        "2,400 m²",
        "between 1,800 m² and 3,000 m²",
        "a new roof or fresh paint on an old building",
        "It is never an accusation.",
        "Contains modified Copernicus Sentinel data 2025–2026.",
    ):
        assert words in text
    assert "Restricted: this file shows where places lie." in document.findtext(f"{KML}Document/{KML}description")


def test_text_from_the_list_runs_nowhere(document: etree._Element) -> None:
    for text in [one.text for one in document.iter(f"{KML}description")]:
        assert not list(html.fromstring(text).iter("script", "iframe", "a"))
    names = [one.text for one in document.iter(f"{KML}name")]
    assert HOSTILE.replace("\x08", " ") in names
    assert {one.text for one in document.iter(f"{KML}text")} == {"$[description]"}


def test_it_asks_no_server_for_anything(kmz: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(kmz)) as archive:
        text = archive.read("doc.kml").decode()
    assert set(re.findall(r"https?://[^\"<&\s]+", text)) == {"http://www.opengis.net/kml/2.2"}
    assert SHOAL in text


def test_it_is_the_same_when_made_again_and_french_in_french(made: Made, kmz: bytes) -> None:
    assert made.files()["events.kmz"] == kmz
    with zipfile.ZipFile(io.BytesIO(made.files("fr")["events.kmz"])) as archive:
        text = archive.read("doc.kml").decode()
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert "Clôture ou mur, confirmé" in text
    assert "Ce n’est jamais une accusation." in text
