from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aois.area import AreaError
from aois.week import Week, parse_week, week_of, weeks_between

DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))


@pytest.mark.parametrize(
    ("day", "week"),
    [
        (date(2026, 11, 24), "2026-W48"),
        (date(2026, 1, 1), "2026-W01"),
        (date(2024, 12, 30), "2025-W01"),  # the Monday belongs to the year after
        (date(2027, 1, 3), "2026-W53"),  # the Sunday belongs to the year before
        (date(2021, 1, 1), "2020-W53"),
    ],
)
def test_a_day_lies_in_its_iso_week(day, week):
    assert str(week_of(day)) == week


@given(DAYS)
def test_a_week_is_seven_days_and_holds_its_day(day):
    week = week_of(day)
    assert week.first_day <= day <= week.last_day
    assert (week.last_day - week.first_day).days == 6
    assert week.first_day.isoweekday() == 1
    assert parse_week(str(week)) == week


@given(DAYS, st.integers(-300, 300))
def test_weeks_add_up_across_year_ends(day, count):
    week = week_of(day)
    assert (week.plus(count).first_day - week.first_day).days == 7 * count
    assert week.plus(count).plus(-count) == week


@given(DAYS, DAYS)
def test_weeks_are_ordered_as_their_days_and_as_their_text(one, other):
    first, second = week_of(one), week_of(other)
    assert (first < second) == (first.first_day < second.first_day)
    assert (first < second) == (str(first) < str(second))


def test_the_end_is_the_first_instant_after_sunday():
    assert Week(2026, 53).end == datetime(2027, 1, 4, tzinfo=UTC)


def test_a_long_year_has_a_week_53():
    assert parse_week("2026-W53").plus(1) == Week(2027, 1)
    assert parse_week("2027-W01").plus(-1) == Week(2026, 53)


@pytest.mark.parametrize(
    "text", ["2026-W54", "2025-W53", "2026-W00", "2026-W7", "2026W47", "2026-47", "0000-W01", "2026-W47\n", "", "W47"]
)
def test_what_is_no_week_is_refused_with_the_value_and_the_mend(text):
    with pytest.raises(AreaError, match="write it as 2026-W47") as caught:
        parse_week(text)
    assert f"`{text}`" in str(caught.value)


def test_weeks_between_holds_both_ends():
    weeks = [str(week) for week in weeks_between(date(2026, 12, 27), date(2027, 1, 4))]
    assert weeks == ["2026-W52", "2026-W53", "2027-W01"]


def test_weeks_between_days_of_one_week_is_that_week():
    assert list(weeks_between(date(2026, 11, 25), date(2026, 11, 26))) == [Week(2026, 48)]


def test_no_weeks_before_the_beginning():
    assert list(weeks_between(date(2026, 11, 24), date(2026, 11, 17))) == []
