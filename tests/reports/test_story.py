"""The story of the week: who was seen, what is counted, what the first paragraph says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flows.reports.inputs import ReportInputs, WeekSeen
from flows.reports.report_page import page_of
from flows.reports.week_summary import WeekVisibility, headline, look_at
from flows.reports.words import words_for


def paragraph(inputs: ReportInputs) -> str:
    page = page_of(inputs)
    return headline(page.tally, page.week, words_for("en"))


def test_the_paragraph_counts_alerts_places_and_what_was_hidden(week_inputs: ReportInputs) -> None:
    assert paragraph(week_inputs) == (
        "In the week of 16 to 22 November 2026, Sitewatch watched 7 areas. "
        "There are 2 new alerts, all for construction. "
        "Of the earlier alerts, 2 changed: 1 is confirmed and 1 is retracted. All of this concerns 3 places. "
        "One further event is on record; its evidence is too weak for an alert. "
        "At 2 of 7 areas, the ground could not be seen well enough. Processing failed for 1 area. "
        "There, no alert does not mean that nothing changed."
    )


def test_several_kinds_are_told_apart(make_view, make_area, make_event, report_week) -> None:
    events = [
        make_event("a", "x", new=True),
        make_event("b", "x", new=True),
        make_event("c", "x", new=True, change="fencing"),
    ]
    said = paragraph(ReportInputs(report_week, "stac", (make_view(make_area("x"), *events),)))
    assert "There are 3 new alerts: 2 for construction and 1 for a fence or wall." in said
    assert "No earlier alert changed. All of this concerns one place." in said


def test_a_quiet_week_that_was_seen_says_so(make_view, make_area, report_week) -> None:
    said = paragraph(ReportInputs(report_week, "stac", (make_view(make_area("x")),)))
    assert "No new alert was raised, and no earlier alert changed. All of the ground was seen well enough" in said


def test_a_week_without_areas_is_not_called_calm(report_week) -> None:
    said = paragraph(ReportInputs(report_week, "stac", ()))
    assert said.endswith("no area was on the watch list, so Sitewatch watched nothing.")


@pytest.mark.parametrize(
    ("share", "sight"),
    [
        (0.0, WeekVisibility.NONE),
        (0.01, WeekVisibility.HARDLY),
        (0.49, WeekVisibility.HARDLY),
        (0.5, WeekVisibility.SEEN),
        (1.0, WeekVisibility.SEEN),
    ],
)
def test_half_of_the_ground_is_enough(make_view, make_area, report_week, share: float, sight: WeekVisibility) -> None:
    assert look_at(make_view(make_area("x"), last_share=share), report_week).sight is sight


def test_weeks_without_enough_are_counted_back_to_the_last_good_one(make_view, make_area, report_week) -> None:
    shares = [0.9, 0.2, 0.9, 0.3, 0.0, 0.1]
    clear = report_week.plus(-3).first_day
    weeks = tuple(WeekSeen(report_week.plus(i - 5), share, 1, clear) for i, share in enumerate(shares))
    look = look_at(make_view(make_area("x"), weeks=weeks), report_week)
    assert (look.weeks_running, look.days_since) == (3, 27)


def test_a_missing_or_later_record_is_not_taken_for_this_week(make_view, make_area, report_week) -> None:
    view = make_view(make_area("x"))
    earlier = replace(view, weeks=(WeekSeen(report_week.plus(-1), 0.9, 2, None),))
    later = replace(view, weeks=(WeekSeen(report_week.plus(1), 0.9, 2, report_week.plus(1).first_day),))
    assert look_at(earlier, report_week).sight is WeekVisibility.NONE
    assert look_at(later, report_week).last_clear_look is None


def test_a_failed_area_is_failed_however_well_it_was_seen(make_view, make_area, report_week) -> None:
    assert look_at(make_view(make_area("x"), failure="disk full"), report_week).sight is WeekVisibility.FAILED
