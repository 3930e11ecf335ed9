"""The commands about claims, over a small record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import box, mapping
from small_record import AREA, make, sitewatch


@pytest.fixture
def claims(tmp_path: Path):
    """Types a command about claims."""
    record = make(tmp_path / "outputs")

    def typed(*arguments: object) -> Any:
        return sitewatch("claims", *arguments, "--outputs", record.outputs, cwd=tmp_path)

    return typed


def test_a_claim_is_added_listed_shown_and_withdrawn(claims):
    added = claims(
        "add", AREA, "demolished", "--number", "413", "--on", "2026-08-24", "--words", "Razed.", "--by", "Ada"
    )
    assert (added.status, "1 of 1 claims are new" in added.out) == (0, True)
    claim_id = added.out.split()[0]
    assert "413 structures are claimed and 3 are known there" in added.out
    listed = claims("list").out
    assert f"{claim_id}  {AREA}  2026-08-24  demolished 413  no answer yet" in listed
    assert "contradicted (between 0 and 0), 2026-W38" in listed
    assert "withdrawn: misread" in listed
    assert json.loads(claims("show", claim_id).out)["words"] == "Razed."
    assert claims("withdraw", claim_id, "--by", "Ada", "--why", "a rumour").status == 0
    assert "withdrawn: a rumour" in claims("list", "--area", AREA).out


def test_two_numbers_of_one_day_are_both_kept_and_said(claims):
    for number in (31, 413):
        said = claims("add", AREA, "demolished", "--number", number, "--on", "2026-08-24", "--by", "Ada").out
    assert "claims of 2026-08-24 give 31 (cl-" in said
    assert "withdraw the one that was not said" in said


def test_a_claim_before_the_first_look_is_said_to_be_so(claims):
    said = claims("add", AREA, "sealed", "--on", "2020-01-01", "--by", "Ada").out
    assert "it is before the first look of" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((AREA, "razed", "--on", "2026-08-24"), "kind `razed` is none of demolished, sealed"),
        ((AREA, "sealed", "--on", "24 August"), "said_on `24 August` is no date"),
        ((AREA, "sealed", "--on", "2999-01-01"), "dated in the future"),
        ((AREA, "demolished", "--number", "2.5", "--on", "2026-08-24"), "is no whole number"),
        (("nowhere", "sealed", "--on", "2026-08-24"), "area `nowhere` is not in the ledger"),
        ((AREA, "sealed"), "a claim needs a site, a kind and --on"),
    ],
)
def test_what_cannot_be_checked_is_refused_in_one_line(claims, arguments, words):
    answer = claims("add", *arguments, "--by", "Ada")
    assert answer.status == 2
    assert words in answer.err


def test_a_file_is_taken_whole_or_not_at_all(claims, tmp_path):
    file = tmp_path / "claims.csv"
    good = f'area_id,kind,said_on,number,words\n{AREA},demolished,2026-08-24,12,"All, razed"\n'
    file.write_text(good + f"{AREA},gone,2026-08-24,,\n{AREA},sealed,soon,,\n")
    refused = claims("add", "--file", file, "--by", "Ada")
    assert refused.status == 2
    assert "row 3: kind `gone`" in refused.err
    assert "row 4: said_on `soon`" in refused.err
    assert "demolished 12" not in claims("list").out
    file.write_text(good)
    assert "1 of 1 claims are new" in claims("add", "--file", file, "--by", "Ada").out
    assert "0 of 1 claims are new" in claims("add", "--file", file, "--by", "Ada").out


def test_footprints_that_overlap_or_lie_outside_are_named_and_left_out(claims, tmp_path):
    boxes = [box(x, 0.002, x + 0.0003, 0.0023) for x in (0.002, 0.00201, 0.004, 1.0)]
    geometries = [mapping(one) for one in boxes] + [{"type": "Point", "coordinates": [0, 0]}, None]
    features = [{"type": "Feature", "properties": {"building": "yes"}, "geometry": one} for one in geometries]
    file = tmp_path / "roofs.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    said = claims("footprints", AREA, file, "--by", "Ada").out
    assert "feature 2: it overlaps feature 1" in said
    assert f"feature 4: it lies outside `{AREA}` and its margin" in said
    assert "feature 5: it is no outline of a building" in said
    assert "2 structures of `reef-1` are on record as import 2; 2 left out." in said


def test_open_buildings_come_as_csv(claims, tmp_path):
    file = tmp_path / "open_buildings.csv"
    file.write_text(
        f'latitude,longitude,area_in_meters,confidence,geometry\n0,0,9,0.8,"{box(0.002, 0.002, 0.0023, 0.0023).wkt}"\n'
    )
    assert "1 structures of `reef-1`" in claims("footprints", AREA, file, "--by", "Ada").out


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("roofs.txt", "", "is none of .geojson, .gpkg and .csv"),
        ("roofs.geojson", "{", "not JSON at line 1"),
        ("roofs.geojson", "[]", "is no GeoJSON FeatureCollection"),
        ("roofs.csv", "a,b\n1,2\n", "has no column `geometry`"),
        ("roofs.csv", "geometry\nPOINT (0 0)\n", "holds no outline of a building"),
    ],
)
def test_a_file_without_footprints_is_refused(claims, tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    answer = claims("footprints", AREA, tmp_path / name, "--by", "Ada")
    assert answer.status == 2
    assert words in answer.err
