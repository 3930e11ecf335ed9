"""`sitewatch detectability`: from the archive alone, the same again, and one clear message where it cannot be said."""

from __future__ import annotations

import csv
import json
from datetime import date
from xml.etree import ElementTree

import pytest

from flows.config.settings import SettingsError
from flows.pipeline.detectability_probes import ArchiveSelection, detectability_of


@pytest.fixture(scope="module")
def said(undisturbed, tmp_path_factory, call, made):
    """The bench after a short call of the command, and what that said."""
    bench = undisturbed.copy(tmp_path_factory.mktemp("asked") / "outputs")
    listed = made.write_list(bench.outputs.parent / "areas.geojson", bench.areas)
    answer = call(
        "detectability", made.WALLED, "--areas", listed, "--outputs", bench.outputs, "--rounds", 1, cwd=bench.outputs
    )
    return bench, answer, listed


def test_it_says_what_would_have_been_seen(said, made):
    bench, answer, _ = said
    assert answer.status == 0, answer.err
    folder = bench.outputs / "areas" / made.WALLED
    assert f"{made.WALLED}: the smallest change seen with a chance of 80%" in answer.out
    assert "Sentinel-2 alone:" in answer.out
    assert "both together:" in answer.out
    assert str(folder / "detectability.svg") in answer.out
    found = json.loads((folder / "detectability.json").read_text())
    assert {c["sensors"] for c in found["curves"]} == {"sentinel-2", "sentinel-1", "both"}
    rows = list(csv.DictReader((folder / "detectability.csv").read_text().splitlines()))
    assert len(rows) == sum(len(c["sizes"]) for c in found["curves"])
    assert sum(int(r["tried"]) for r in rows) >= 6
    ElementTree.parse(folder / "detectability.svg")


def test_neither_record_nor_scenes_are_touched(said, undisturbed):
    bench, _, _ = said
    assert bench.record() == undisturbed.record()


def test_no_place_is_given_away(said, made):
    bench, _, _ = said
    folder = bench.outputs / "areas" / made.WALLED
    west, south, east, north = bench.areas[0].geometry.bounds
    for ending in ("json", "csv", "svg"):
        content = (folder / f"detectability.{ending}").read_text()
        assert not any(f"{value:.3f}" in content for value in (west, south, east, north))


def test_without_a_record_it_says_to_watch_first(call, tmp_path, made):
    listed = made.write_list(tmp_path / "areas.geojson", [made.site("pier-1")])
    answer = call("detectability", "pier-1", "--areas", listed, "--outputs", tmp_path / "none", cwd=tmp_path)
    assert answer.status == 2
    assert "run `sitewatch watch` first" in answer.err


def test_an_unknown_area_is_named(said, call):
    bench, _, listed = said
    answer = call("detectability", "pier-9", "--areas", listed, "--outputs", bench.outputs, cwd=bench.outputs)
    assert answer.status == 2
    assert "area `pier-9` is not in the list" in answer.err


def test_an_area_without_scenes_says_so(said, call, made):
    bench, _, _ = said
    listed = made.write_list(bench.outputs.parent / "more.geojson", [*bench.areas, made.site("pier-1", east_m=5_000)])
    answer = call("detectability", "pier-1", "--areas", listed, "--outputs", bench.outputs, cwd=bench.outputs)
    assert answer.status == 2
    assert "area `pier-1` has no scene from source `simulated` in the archive" in answer.err


def test_too_short_an_archive_says_how_long_it_is(bench, made):
    for path in bench.outputs.glob("archive/*/*/*.tif"):
        if "_2024" not in path.name or path.name.split("_")[1][:8] < f"{date(2024, 3, 1):%Y%m%d}":
            path.unlink()
    series = ArchiveSelection(bench.outputs / "archive", bench.areas[0], "simulated", (), 365)
    with pytest.raises(SettingsError, match=r"its archive spans 1\d weeks, and 26 are needed"):
        detectability_of(series, rounds=1, thorough=False, workers=1, progress=lambda done, total: None)
