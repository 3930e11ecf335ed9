"""What the orbits promise, learnt from what came: two satellites, gaps, an end, midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from flows.imagery.revisit import ENDED, arrivals_between, next_due, silences
from flows.records.acquisitions import Arrivals, DueAcquisition

Scenes = list[tuple[str, datetime]]
START = datetime(2026, 6, 1, 22, 45, 12, tzinfo=UTC)


def radar(orbit: int, *days: int, start: datetime = START) -> Scenes:
    """Passes so many days after the start, each some seconds earlier or later."""
    times = [start + timedelta(days=day, seconds=day * 37 % 90) for day in days]
    return [(f"sentinel-1_{one:%Y%m%dT%H%M%S}_r{orbit}", one) for one in times]


def optical(*days: int) -> Scenes:
    times = [datetime(2026, 6, 1, 3, 30, tzinfo=UTC) + timedelta(days=day, minutes=day % 3 * 8) for day in days]
    return [(f"sentinel-2_{one:%Y%m%dT%H%M%S}", one) for one in times]


def day(number: int) -> date:
    return START.date() + timedelta(days=number)


def test_what_is_missing_of_two_that_were_promised_is_a_line() -> None:
    scenes = radar(91, 0, 12, 24, 36) + radar(128, 5, 17, 29, 41, 53)
    found = arrivals_between(scenes, day(48), day(54))
    assert found == Arrivals(2, 1, (DueAcquisition("sentinel-1", 91, day(48)),))
    assert found.words == "expected 2, received 1: Sentinel-1, orbit 91, 19 July"
    assert arrivals_between([*scenes, *radar(91, 48)], day(48), day(54)) == Arrivals(2, 2)
    assert Arrivals(2, 2).words == ""


def test_each_satellite_of_an_orbit_has_a_rhythm_of_its_own() -> None:
    both = radar(91, *range(0, 60, 6))
    one_failed = both + radar(91, 60, 72)
    found = arrivals_between(one_failed, day(60), day(78))
    assert [one.day for one in found.missing] == [day(66), day(78)]
    assert (found.expected, found.received) == (4, 2)
    assert silences(one_failed, day(78)) == []


def test_sentinel_2_is_promised_by_its_days_without_an_orbit() -> None:
    scenes = optical(*range(0, 40, 5), 45)
    assert arrivals_between(scenes, day(40), day(46)).words == "expected 2, received 1: Sentinel-2, 11 July"
    assert next_due(scenes, day(46)) == DueAcquisition("sentinel-2", None, day(50))


def test_what_comes_without_a_rhythm_or_too_seldom_promises_nothing() -> None:
    assert arrivals_between(radar(91, 0, 12), day(24), day(30)) == Arrivals(0, 0)
    assert arrivals_between(radar(91, 0, 36, 72), day(84), day(120)) == Arrivals(0, 0)
    assert arrivals_between(optical(0, 3, 11, 19, 28, 44), day(45), day(60)) == Arrivals(0, 0)
    unknown_orbit = [(scene_id.rpartition("_")[0], time) for scene_id, time in radar(1, 0, 12, 24, 36)]
    assert arrivals_between(unknown_orbit, day(48), day(54)) == Arrivals(0, 0)
    assert next_due([], day(0)) is None


def test_one_gap_does_not_end_a_rhythm_and_six_cycles_do() -> None:
    scenes = radar(91, 0, 12, 36, 48)
    assert arrivals_between(scenes, day(60), day(66)).expected == 1
    assert arrivals_between(scenes, day(48 + 12 * ENDED), day(54 + 12 * ENDED)).expected == 1
    assert arrivals_between(scenes, day(60 + 12 * ENDED), day(66 + 12 * ENDED)).expected == 0


def test_a_scene_of_the_week_itself_is_no_reason_to_expect_it() -> None:
    assert arrivals_between(radar(91, 0, 12, 24), day(24), day(30)) == Arrivals(0, 0)


def test_a_pass_at_midnight_is_of_one_day() -> None:
    start = datetime(2026, 6, 1, 23, 59, 40, tzinfo=UTC)
    scenes = radar(91, 0, 12, 24, 36, 48, start=start)
    assert len({time.hour for _, time in scenes}) == 2
    found = arrivals_between(scenes, start.date() + timedelta(days=47), start.date() + timedelta(days=49))
    assert found == Arrivals(1, 1)


@pytest.mark.parametrize(("until", "missed"), [(83, 0), (84, 3), (100, 4), (900, ENDED)])
def test_a_series_is_silent_from_the_third_acquisition_on_that_did_not_come(until: int, missed: int) -> None:
    scenes = radar(91, 0, 12, 24, 36, 48) + radar(128, *range(5, 900, 12))
    found = silences(scenes, day(until))
    assert [len(one.missed) for one in found] == ([missed] if missed else [])
    if found:
        assert (found[0].name, found[0].last, found[0].missed[2]) == ("Sentinel-1, orbit 91", day(48), day(84))


def test_the_next_acquisition_is_the_first_of_all_series() -> None:
    scenes = radar(91, 0, 12, 24, 36) + radar(128, 5, 17, 29, 41)
    assert next_due(scenes, day(41)) == DueAcquisition("sentinel-1", 91, day(48))
    assert next_due(scenes, day(48)) == DueAcquisition("sentinel-1", 128, day(53))
    assert next_due(scenes, day(41 + 12 * ENDED)) is None
