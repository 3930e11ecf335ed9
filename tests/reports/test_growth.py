"""A site through time: paces with intervals, the drawing, the sums in words, the history in order."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from aois.area import Response
from detectors.records import State
from flows.reports.bar_chart import Bars
from flows.reports.build import build_report
from flows.reports.growth import FRAME, growth_of, paces_of
from flows.reports.history import history_of
from flows.reports.inputs import AreaTotals, Extent, ReportInputs, StateStep
from flows.reports.report_page import page_of

NOTHING = Extent(0.0, 0.0, 0.0)


def standing(day: str, built: float = 0.0, *, demolished: float = 0.0, line_m: float = 0.0) -> AreaTotals:
    sums = [Extent(value, 0.8 * value, 1.3 * value) for value in (built, demolished)]
    return AreaTotals(date.fromisoformat(day), sums[0], NOTHING, sums[1], line_m, 0.4 if line_m else None)


QUARTERS = (standing("2026-03-31"), standing("2026-06-30", 3000.0), standing("2026-09-30", 3000.0, demolished=6000.0))


def test_the_pace_is_what_a_quarter_gained_by_month_with_its_interval() -> None:
    second, third = paces_of(QUARTERS)
    assert (second.year, second.quarter, second.days) == (2026, 2, 91)
    assert second.built.value == pytest.approx(3000 / (91 / 30.4375))
    assert second.built.low == pytest.approx(0.8 * second.built.value)
    assert second.built.high == pytest.approx(1.3 * second.built.value)
    assert third.built == NOTHING
    assert third.demolished.value == pytest.approx(6000 / (92 / 30.4375))


def test_months_within_a_quarter_count_once_and_a_few_days_have_no_pace() -> None:
    months = (standing("2026-03-31"), standing("2026-04-26", 500.0), standing("2026-06-28", 900.0))
    (pace,) = paces_of((*months, standing("2026-07-05", 5000.0)))
    assert pace.built.value == pytest.approx(900 / (89 / 30.4375))


def test_a_size_that_was_corrected_downwards_gives_a_pace_below_nothing_in_order() -> None:
    (_, third) = paces_of((QUARTERS[0], QUARTERS[1], standing("2026-09-30", 2000.0)))
    assert third.built.low < third.built.value < third.built.high < 0


def test_without_two_standings_or_without_anything_built_nothing_is_drawn() -> None:
    assert growth_of(QUARTERS[:1], []) is None
    calm = growth_of((standing("2026-03-31"), standing("2026-06-30")), [])
    assert calm is not None
    assert (calm.charts, calm.bars) == ((), None)


def test_bars_stand_on_nothing_and_whiskers_hold_the_value() -> None:
    growth = growth_of(QUARTERS, [date(2026, 5, 1)])
    assert growth is not None
    assert growth.bars is not None
    (zero,) = [y for y, value in growth.bars.ticks if value == 0]
    assert {bar.top + bar.height for bar in growth.bars.rows[0]} == {zero}
    assert growth.bars.rows[0][1].height == 0
    assert growth.bars.rows[1][1].high_y < growth.bars.rows[1][1].top < growth.bars.rows[1][1].low_y
    assert len(growth.charts[0].response_xs) == 1


def test_a_long_watch_is_counted_from_its_beginning_though_the_last_years_alone_are_drawn(
    make_view, make_area, make_weeks, report_week
) -> None:
    weeks = make_weeks(3, count=200)
    held = make_view(make_area("x"), weeks=weeks, standings=QUARTERS)
    (place,) = (
        page_of(ReportInputs(report_week, "stac", (held,))).places
        or page_of(ReportInputs(report_week, "stac", (held,))).quiet
    )
    assert place.growth is not None
    assert place.growth.since == weeks[0].week.first_day < QUARTERS[0].day


def test_the_history_is_in_order_and_responses_come_first_on_their_day(week_inputs: ReportInputs) -> None:
    heron = next(place for place in page_of(week_inputs).places if place.area.id == "heron-1")
    assert [(entry.day, entry.state) for entry in heron.history] == [
        (date(2025, 9, 12), None),
        (date(2026, 3, 4), None),
        (date(2026, 3, 20), State.PROVISIONAL),
        (date(2026, 5, 2), State.CONFIRMED),
        (date(2026, 10, 8), State.PROVISIONAL),
        (date(2026, 10, 8), State.PROVISIONAL),
        (date(2026, 11, 17), State.CONFIRMED),
    ]


def test_states_that_only_the_ledger_dates_are_in_the_history(make_area, make_event, make_view, report_week) -> None:
    event = replace(make_event("e", "x", state="finished"), steps=(StateStep(State.FINISHED, date(2026, 11, 3)),))
    area = make_area("x", responses=(Response(date(2026, 11, 3), "investigated"),))
    page = page_of(ReportInputs(report_week, "stac", (make_view(area, event),)))
    last = history_of(area, page.places[0].cases)[-2:]
    assert [(entry.response is not None, entry.state) for entry in last] == [(True, None), (False, State.FINISHED)]


def test_the_page_says_the_sums_with_their_intervals(make_area, make_view, report_week, tmp_path: Path) -> None:
    standings = (standing("2026-05-24"), standing("2026-11-22", 6120.0, demolished=1500.0, line_m=263.0))
    view = make_view(make_area("x"), standings=standings)
    text = build_report(ReportInputs(report_week, "stac", (view,)), tmp_path).read_text()
    assert "Newly built ground: 6,100 m² (between 4,900 m² and 8,000 m²)." in text
    assert "Demolished: 1,500 m² (between 1,200 m² and 2,000 m²)." in text
    assert "New fences and walls: 260 m. The longest covers 40 % of a closed ring." in text
    assert "Known perimeter: " in text
    assert "Counted from 24 May 2026" in text
    assert 'class="bar-built"' in text


@pytest.mark.parametrize("quarters", [1, 2, 6, 12, 40])
def test_names_of_quarters_leave_room_for_one_another(quarters):
    centres = tuple(FRAME.left + (FRAME.right - FRAME.left) / quarters * (n + 0.5) for n in range(quarters))
    named = Bars(FRAME, (), centres, ()).labelled
    assert named[-1] == quarters - 1
    assert all(centres[b] - centres[a] >= 50 for a, b in pairwise(named))
