"""Charts: what is drawn where, with gaps, single values and no baseline."""

from __future__ import annotations

import math
import re
from datetime import date, timedelta

import numpy as np
import pytest

from flows.reports import charts
from flows.reports.captions import chart_text, chart_title
from flows.reports.charts import chart_of
from flows.reports.inputs import ReportError, Series
from flows.reports.words import words_for

DAY = date(2026, 1, 1)


def some_series(values: list[float], **given: np.ndarray) -> Series:
    days = tuple(DAY + timedelta(days=20 * i) for i in range(len(values)))
    return Series("Brightness", "", days, np.array(values), **given)


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]


def test_dots_outside_the_band_are_told_from_those_inside() -> None:
    flat = np.full(5, 0.2)
    series = some_series([0.2, 0.21, math.nan, 0.19, 0.9], expected=flat, spread=flat * 0.1)
    chart = chart_of(series, first_seen=DAY + timedelta(days=80), confirmed_on=None)
    assert chart is not None
    assert len(points(chart.inside)) == 3
    assert len(points(chart.outside)) == 1
    assert points(chart.outside)[0][1] < min(y for _, y in points(chart.inside))
    assert chart.summary.count == 4
    assert chart.confirmed_x is None


def test_everything_lies_inside_the_frame_and_time_runs_right() -> None:
    rng = np.random.default_rng(1)
    series = some_series(list(rng.normal(0, 1, 60)), expected=rng.normal(0, 1, 60), spread=np.ones(60))
    chart = chart_of(series, first_seen=DAY, confirmed_on=DAY + timedelta(days=5000))
    assert chart is not None
    drawn = points(chart.inside + chart.outside + chart.band + chart.expected + chart.line)
    assert all(charts.LEFT <= x <= charts.RIGHT and charts.TOP <= y <= charts.BOTTOM for x, y in drawn)
    assert [x for x, _ in points(chart.line)] == sorted(x for x, _ in points(chart.line))
    assert chart.first_seen_x == charts.LEFT
    assert chart.confirmed_x == charts.RIGHT


def test_a_band_with_a_gap_is_drawn_in_two_pieces() -> None:
    expected = np.array([1.0, 1.0, np.nan, 1.0, 1.0])
    chart = chart_of(some_series([1.0] * 5, expected=expected, spread=np.ones(5)), first_seen=DAY, confirmed_on=None)
    assert chart is not None
    assert chart.band.count("Z") == 2
    assert chart.outside == ""


@pytest.mark.parametrize("values", [[], [math.nan, math.nan], [math.inf]])
def test_nothing_seen_is_no_chart(values: list[float]) -> None:
    assert chart_of(some_series(values), first_seen=DAY, confirmed_on=None) is None


@pytest.mark.parametrize("value", [0.0, -3.5, 1e-9, 4e6])
def test_a_single_value_has_an_axis_with_marks(value: float) -> None:
    chart = chart_of(some_series([value]), first_seen=DAY, confirmed_on=None)
    assert chart is not None
    assert chart.value_ticks
    assert chart.day_ticks
    assert len(points(chart.inside)) == 1


@pytest.mark.parametrize("count", [2, 12, 40, 140, 300])
def test_the_time_axis_is_never_crowded(count: int) -> None:
    chart = chart_of(some_series([0.1] * count), first_seen=DAY, confirmed_on=None)
    assert chart is not None
    assert 1 <= len(chart.day_ticks) <= charts.MOST_DAY_TICKS
    assert 1 <= len(chart.value_ticks) <= 6
    assert chart.day_ticks[0].with_year


def test_the_text_says_what_the_picture_shows(make_event) -> None:
    series = Series(
        "Brightness",
        "dB",
        (DAY, DAY + timedelta(days=31)),
        np.array([1.0, 5.0]),
        np.array([1.0, 1.0]),
        np.array([0.5, 0.5]),
    )
    facts = make_event("a", "b", first_seen="2026-02-01", confirmed_on="2026-03-01").event
    chart = chart_of(series, first_seen=facts.first_seen, confirmed_on=facts.confirmed_on)
    words = words_for("en")
    assert chart is not None
    assert chart_title(words, chart) == "Brightness, dB"
    assert chart_text(words, chart, facts) == (
        "2 clear measurements from 1 January 2026 to 1 February 2026, between 1.0 dB and 5.0 dB. "
        "The last one is 5.0 dB; the expected value was 1.0 dB, plus or minus 1.0 dB. "
        "The change was first seen on 1 February 2026. It was confirmed on 1 March 2026."
    )


def test_arrays_of_another_length_are_refused() -> None:
    with pytest.raises(ReportError, match=r"series `Brightness`: spread has shape \(2,\) for 3 days"):
        some_series([1.0, 2.0, 3.0], spread=np.ones(2))


def test_nothing_is_drawn_over_years_without_a_look() -> None:
    days = (DAY, DAY + timedelta(days=20), DAY + timedelta(days=900), DAY + timedelta(days=920))
    flat = np.full(4, 0.2)
    chart = chart_of(Series("Brightness", "", days, flat, flat, flat * 0.1), first_seen=DAY, confirmed_on=None)
    assert chart is not None
    assert [path.count("M") for path in (chart.line, chart.expected, chart.band)] == [2, 2, 2]


def test_what_was_expected_is_thinned_and_what_was_measured_is_not() -> None:
    days = tuple(DAY + timedelta(days=5 * i) for i in range(200))
    wave = 0.2 + 0.05 * np.sin(np.arange(200) / 12)
    chart = chart_of(Series("Brightness", "", days, wave, wave, wave * 0.1), first_seen=DAY, confirmed_on=None)
    assert chart is not None
    assert len(points(chart.expected)) == charts.MOST_CURVE_POINTS
    assert len(points(chart.line)) == len(points(chart.inside)) == 200
    assert points(chart.expected)[0][0] == points(chart.line)[0][0]
    assert points(chart.expected)[-1] == points(chart.line)[-1]
