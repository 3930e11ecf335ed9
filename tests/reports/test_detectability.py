"""The drawing, the table and the words of what would have been seen."""

from __future__ import annotations

import csv
import io
import json
from xml.etree import ElementTree

import pytest

from detectors.sensitivity.detectability import Curve, CurvePoint, ProbeKind
from flows.reports.detectability_curve import Detectability, smallest_words, to_csv, to_json, to_svg

SVG = "{http://www.w3.org/2000/svg}"
SMALL = CurvePoint(4, 8, 2, 1, 0.25, 0.07, 0.59, 12.0, 40.0)
LARGE = CurvePoint(16, 8, 8, 7, 1.0, 0.68, 1.0, 9.0, 31.0)
ROOF = Curve(ProbeKind("building", "bright roof", 0.9), (SMALL, LARGE), 16)
WALL = Curve(ProbeKind("wall", "wall", 0.4), (CurvePoint(20, 8, 3, 0, 0.375, 0.14, 0.69, 20.0, None),), None)


@pytest.fixture
def found():
    curves: dict[str, tuple[Curve, ...]] = {"sentinel-2": (ROOF, WALL), "both": (ROOF, WALL)}
    return Detectability("pier & yard", "2026-05-25", "2026-11-22", "2024-05-25", 250, 8, 120, 0.8, 1.2, curves)


def test_words_give_size_and_delay_or_say_that_it_was_not_reached():
    assert smallest_words(ROOF, 0.8) == (
        "bright roof over 0.9 of a pixel: 1,600 m² (8 of 8 seen), first seen after 9 days, confirmed after 31 days"
    )
    assert smallest_words(WALL, 0.8) == "wall covering 0.4 of a pixel: not reached; 3 of 8 of 200 m seen"


def test_the_drawing_is_whole_and_names_itself(found):
    root = ElementTree.fromstring(to_svg(found))
    assert root.find(f"{SVG}title").text == "What would have been seen at pier & yard, 2026-05-25 to 2026-11-22"
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert "Sentinel-2 alone" in words
    assert "both together" in words
    assert "1,600" in words
    assert sum(w.endswith("not reached") for w in words) == 2


def test_marks_stand_at_the_shares_seen(found):
    root = ElementTree.fromstring(to_svg(found))
    frames = [r for r in root.iter(f"{SVG}rect") if r.get("stroke")]
    top, height = float(frames[0].get("y")), float(frames[0].get("height"))
    circles = sorted({float(c.get("cy")) for c in root.iter(f"{SVG}circle")})
    assert circles[0] == pytest.approx(top)
    assert top + 0.75 * height in [pytest.approx(c) for c in circles]


def test_nothing_tried_is_said(found):
    curves: dict[str, tuple[Curve, ...]] = {"sentinel-1": (WALL,)}
    bare = Detectability("pier-1", "2026-05-25", "2026-11-22", "2024-05-25", 9, 1, 120, 0.8, 0.1, curves)
    assert "nothing was tried" in to_svg(bare)


def test_a_row_for_every_size(found):
    rows = list(csv.DictReader(io.StringIO(to_csv(found))))
    assert len(rows) == 6
    assert (rows[0]["size"], rows[0]["unit"], rows[2]["size"], rows[2]["unit"]) == ("400", "m²", "200", "m")
    assert rows[2]["days_to_confirmation"] == ""


def test_json_holds_the_smallest_size(found):
    said = json.loads(to_json(found))
    assert [c["smallest_px"] for c in said["curves"]] == [16, None, 16, None]
    assert said["curves"][0]["sizes"][0]["tried"] == 8
