"""The small map: what may be shown where, and what a place is marked for."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import box

from aois.area import Area, AreaKind, Sensitivity
from flows.reports.build import build_report
from flows.reports.inputs import ReportInputs
from flows.reports.report_page import page_of
from flows.reports.sketch import HEIGHT, WIDTH, MapMark, MapStatus, sketch_of


def place(area_id: str, west: float, south: float, **given: Any) -> MapMark:
    ground = box(west, south, west + 0.01, south + 0.01)
    return MapMark(Area(area_id, AreaKind.SITE, ground, **given), f"place-{area_id}", area_id, MapStatus.QUIET)


PUBLIC = {"sensitivity": Sensitivity.PUBLIC}


def test_restricted_places_are_tiles_in_the_order_of_their_ids_and_never_pins() -> None:
    sketch = sketch_of([place("b", 1, 1), place("a", 2, 2)], is_restricted=False)
    assert [mark.area.id for mark in sketch.marks] == ["a", "b"]
    assert sketch.pins == ()


def test_a_restricted_place_does_not_move_the_public_ones() -> None:
    public = [place("a", 1, 1, **PUBLIC), place("c", 1.5, 1.2, **PUBLIC)]
    alone = sketch_of(public, is_restricted=False)
    beside = sketch_of([*public, place("b", 40, 9)], is_restricted=False)
    assert [(pin.x, pin.y) for pin in alone.pins] == [(pin.x, pin.y) for pin in beside.pins]
    assert [pin.number for pin in beside.pins] == [1, 3]


def test_north_is_up_east_is_right_and_the_scale_fits() -> None:
    south_west, north_east = place("a", 1, 1), place("b", 1.4, 1.3)
    first, second = sketch_of([south_west, north_east], is_restricted=True).pins
    assert first.x < second.x
    assert first.y > second.y
    assert all(0 < pin.x < WIDTH and 0 < pin.y < HEIGHT for pin in (first, second))
    sketch = sketch_of([south_west, north_east], is_restricted=True)
    across_km = 0.4 * 111.32
    assert (second.x - first.x) / sketch.scale_px * sketch.scale_km == pytest.approx(across_km, rel=0.06)


def test_a_single_place_is_in_the_middle() -> None:
    (pin,) = sketch_of([place("a", 1, 1)], is_restricted=True).pins
    assert (pin.x, pin.y) == (WIDTH // 2, HEIGHT // 2)


def test_places_are_marked_for_the_most_urgent(week_inputs: ReportInputs) -> None:
    tones = {mark.area.id: mark.tone for mark in page_of(week_inputs).sketch.marks}
    assert tones == {
        "heron-1": MapStatus.NEW,
        "delta-north": MapStatus.NEW,
        "bittern-2": MapStatus.CHANGED,
        "crane-4": MapStatus.EARLIER,
        "rail-6": MapStatus.QUIET,
        "teal-5": MapStatus.UNSEEN,
        "ibis-7": MapStatus.FAILED,
    }


def test_only_a_restricted_page_draws_restricted_places_and_only_its_owner_reads_it(
    week_inputs: ReportInputs, tmp_path: Path
) -> None:
    usual = build_report(week_inputs, tmp_path)
    restricted = build_report(replace(week_inputs, is_restricted=True), tmp_path)
    assert 'class="pin' not in usual.read_text()
    assert restricted.name == "restricted.html"
    assert restricted.read_text().count('class="pin') == len(week_inputs.areas)
    assert "Restricted: this page shows where places lie." in restricted.read_text()
    assert stat.S_IMODE(restricted.stat().st_mode) == 0o600


def test_the_weeks_before_are_set_against_this_one(
    week_inputs: ReportInputs, tmp_path: Path, make_counts: Callable
) -> None:
    text = build_report(replace(week_inputs, counts=make_counts((1, 0, 2, 0, 5))), tmp_path).read_text()
    row = text[text.index('<th scope="row">expansion</th>') :]
    assert row.startswith(
        '<th scope="row">expansion</th><td>1</td><td>0</td><td>2</td><td>0</td>'
        '<td class="now">5</td><td class="mean">0.8</td>'
    )
