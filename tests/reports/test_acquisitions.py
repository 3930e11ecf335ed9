"""What should have come, when the next comes, what clouds always hide, and how providers answered: on the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from plan_kml import Planned, file_name, ring, sentinel_1_plan

from aois.area import Area, Sensitivity
from aois.week import Week
from flows.imagery.acquisition_plans import read_plan
from flows.records.acquisitions import Arrivals, DueAcquisition
from flows.records.observations import SceneRecord
from flows.records.provider_weeks import ProviderWeek
from flows.reports.build import build_report
from flows.reports.data.acquisitions import cloudy_weeks, with_acquisitions
from flows.reports.edition import public_inputs
from flows.reports.inputs import CloudyWeeks, ReportInputs
from flows.reports.report_page import page_of
from flows.reports.restricted_totals import RestrictedTotals
from flows.reports.sketch import CloudCover
from flows.reports.words import Words

MISSED = Arrivals(2, 1, (DueAcquisition("sentinel-1", 91, date(2026, 11, 18)),))
NEXT = DueAcquisition("sentinel-2", None, date(2026, 11, 25))


def clouds(share: float, *always: int) -> CloudyWeeks:
    """Two years and a half, of which so much is hidden, some weeks of the year in each year."""
    calendar = [(3 if n in always else n % 2, 3 if n <= 26 else 2) for n in range(1, 53)]
    return CloudyWeeks(100, round(100 * share), (*((min(hid, years), years) for hid, years in calendar), (0, 0)))


def scene(day: date, clear: float, status: str = "used", sensor: str = "sentinel-2") -> SceneRecord:
    at = datetime(day.year, day.month, day.day, 3, 30, tzinfo=UTC)
    orbit = "_r91" if sensor == "sentinel-1" else ""
    return SceneRecord(f"{sensor}_{at:%Y%m%dT%H%M%S}{orbit}", sensor, at, "0" * 64, "stac", clear, 0.0, status)


@pytest.fixture
def text_of(tmp_path: Path) -> Callable[..., str]:
    """The words of a page."""

    def text_of(inputs: ReportInputs, lang: str = "en") -> str:
        html = build_report(inputs, tmp_path, lang=lang).read_text()
        return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"<(style|script).*?</\1>", "", html, flags=re.S)).split())

    return text_of


def test_a_week_is_hidden_where_no_scene_of_it_was_half_clear_and_refused_ones_do_not_count() -> None:
    monday = Week(2025, 30).first_day
    scenes = [scene(monday, 0.2), scene(monday + timedelta(days=5), 0.6)]  # seen
    scenes += [scene(monday + timedelta(days=7), 0.49, "unseen")]  # hidden
    scenes += [scene(monday + timedelta(days=14), 0.1, "refused"), scene(monday, 1.0, sensor="sentinel-1")]
    found = cloudy_weeks(scenes)
    assert found is not None
    assert (found.passed, found.hidden, found.share) == (2, 1, 0.5)
    assert (found.calendar[29], found.calendar[30], found.calendar[31]) == ((0, 1), (1, 1), (0, 0))
    assert (found.always, found.told) == ((), 0)
    again = cloudy_weeks([*scenes, *(scene(Week(2026, n).first_day, 0.1) for n in (30, 31))])
    assert again is not None
    assert (again.always, again.told) == ((31,), 2)
    assert cloudy_weeks([scene(monday, 1.0, sensor="sentinel-1")]) is None


def test_only_what_was_on_record_at_the_end_of_the_week_counts(make_view: Any, make_area: Any) -> None:
    week = Week(2026, 40)
    days = [week.first_day + timedelta(days=12 * n) for n in range(-6, 4)]
    radar = [scene(day, 1.0, sensor="sentinel-1") for day in days]
    view = with_acquisitions(make_view(make_area("a")), [one for one in radar if one.acquired.date() != days[6]], week)
    assert view.arrivals == Arrivals(1, 0, (DueAcquisition("sentinel-1", 91, week.first_day),))
    assert view.next_due == DueAcquisition("sentinel-1", 91, days[7])
    assert with_acquisitions(view, radar, week).arrivals == Arrivals(1, 1)
    assert with_acquisitions(view, radar[:7], week) == with_acquisitions(view, radar, week)


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        (
            "en",
            (
                "Pier : expected 2, received 1: Sentinel-1, orbit 91, 18 November 2026",
                "Next acquisition due: Sentinel-2, 25 November 2026.",
                "62 % of 100 weeks",
                "26–28 and 31",
            ),
        ),
        (
            "fr",
            (
                "attendues 2, reçues 1 : Sentinel-1, orbite 91, 18 novembre 2026",
                "Prochaine acquisition attendue : Sentinel-2, 25 novembre 2026.",
                "62 % de 100 semaines",
                "26–28 et 31",
            ),
        ),
    ],
)
def test_the_page_says_what_did_not_come_when_the_next_is_due_and_what_clouds_hide(
    make_view: Any, make_area: Any, report_week: Week, text_of: Callable[..., str], lang: str, said: tuple[str, ...]
) -> None:
    view = make_view(make_area("x", "Pier"), arrivals=MISSED, next_due=NEXT, clouds=clouds(0.62, 26, 27, 28, 31))
    other = make_view(make_area("y"), arrivals=Arrivals(3, 3), next_due=None, clouds=None)
    text = text_of(ReportInputs(report_week, "stac", (view, other)), lang).replace("\u00a0", " ").replace("\u202f", " ")
    for words in said:
        assert words in text
    assert text.count(said[0].partition(":")[2]) == 1
    assert Words(lang)("acquisitions.none").replace("\u00a0", " ") in text


def test_nothing_is_said_where_all_came_and_nothing_is_known_of_clouds_and_providers(
    make_view: Any, make_area: Any, report_week: Week, text_of: Callable[..., str]
) -> None:
    text = text_of(ReportInputs(report_week, "stac", (make_view(make_area("x"), arrivals=Arrivals(3, 3)),)))
    for title in ("Acquisitions that did not come", "Weeks that clouds hide", "How the providers"):
        assert title not in text


def test_a_planned_pass_that_did_not_come_and_the_next_planned_one_are_on_the_page(
    make_view: Any, make_area: Any, report_week: Week, text_of: Callable[..., str]
) -> None:
    area, first = make_area("x", "Pier"), report_week.first_day
    west, south, east, north = area.geometry.bounds
    over = ring(west - 1, south - 1, east + 1, north + 1)
    at = datetime(first.year, first.month, first.day, 22, 45, tzinfo=UTC)
    takes = [Planned("S1C", at + timedelta(days=days), 91, over) for days in (2, 9)]
    plan = read_plan(file_name("s1c", at, at + timedelta(days=20)), sentinel_1_plan(*takes))
    scenes = [scene(first - timedelta(days=10), 1.0, sensor="sentinel-1")]
    view = with_acquisitions(make_view(area), scenes, report_week, [plan])
    assert view.arrivals is not None
    assert [str(one) for one in view.arrivals.missing] == [f"Sentinel-1, orbit 91, {_day(first, 2)} (planned)"]
    assert str(view.next_due) == f"Sentinel-1, orbit 91, {_day(first, 9)} (planned)"
    assert with_acquisitions(view, scenes, report_week.plus(-1), [plan]).next_due is None, "it had not begun"
    inputs = ReportInputs(report_week, "stac", (view,))
    assert text_of(inputs).count("(planned)") == 2
    assert text_of(inputs, "fr").count("(prévue)") == 2


def _day(first: date, days: int) -> str:
    day = first + timedelta(days=days)
    return f"{day.day} {day:%B}"


def test_the_map_of_clouds_shows_positions_of_public_places_alone_and_of_all_on_the_restricted_page(
    make_view: Any, make_area: Any, report_week: Week
) -> None:
    shares = {"a": 0.8, "b": 0.5, "c": 0.3, "d": 0.1}
    views = tuple(
        make_view(
            make_area(name, sensitivity=Sensitivity.PUBLIC if name == "b" else Sensitivity.RESTRICTED),
            clouds=clouds(share),
        )
        for name, share in shares.items()
    )
    inputs = ReportInputs(report_week, "stac", (*views, make_view(make_area("e"))))
    page = page_of(inputs)
    assert [mark.tone for mark in page.cloud_map.marks] == [
        CloudCover.MOST,
        CloudCover.HALF,
        CloudCover.SOME,
        CloudCover.FEW,
        CloudCover.UNKNOWN,
    ]
    assert [mark.area.id for mark in page.cloud_map.marks] == [mark.area.id for mark in page.sketch.marks]
    assert [pin.mark.area.id for pin in page.cloud_map.pins] == ["b"]
    assert len(page_of(replace(inputs, is_restricted=True)).cloud_map.pins) == 5
    assert [place.area.id for place in page.clouded] == ["a", "b", "c", "d"]


def test_the_public_edition_tells_no_pass_no_clouds_and_no_provider(
    make_view: Any, make_area: Any, report_week: Week, text_of: Callable[..., str]
) -> None:
    pier: Area = make_area("x", "Pier", sensitivity=Sensitivity.PUBLIC)
    view = make_view(pier, arrivals=MISSED, next_due=NEXT, clouds=clouds(0.62, 26))
    weeks = (ProviderWeek("catalog.example.org", "stac", report_week, 100, 3),)
    inputs = ReportInputs(report_week, "stac", (view,), providers=weeks)
    assert "catalog.example.org" in text_of(inputs)
    public = public_inputs(inputs, shown={"x"}, counts=(), crowd=RestrictedTotals(0))
    text = text_of(public)
    for words in ("orbit 91", "25 November", "clouds hide", "catalog.example.org", "expected 2"):
        assert words not in text


def test_a_provider_that_gets_worse_is_said_beside_its_last_week(
    make_view: Any, make_area: Any, report_week: Week, text_of: Callable[..., str]
) -> None:
    good = [ProviderWeek("catalog.example.org", "stac", report_week.plus(-n), 1000, 4, 12, 1, 0, 2) for n in (3, 2, 1)]
    last = ProviderWeek("catalog.example.org", "stac", report_week, 800, 80, 9, 3, 0, 1)
    view = make_view(make_area("x"))
    text = text_of(ReportInputs(report_week, "stac", (view,), providers=(*good, last)))
    assert text.count("catalog.example.org : clearly more went wrong than in the weeks before") == 1
    assert "Went wrong 4 4 4 80 Share that went wrong 1 % 1 % 1 % 10 %" in text
    assert "Scenes refused 2 2 2 1" in text
    assert "clearly more" not in text_of(ReportInputs(report_week, "stac", (view,), providers=tuple(good)))
