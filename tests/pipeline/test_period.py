"""Which weeks a run works through, and what makes it work through them again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest
from shapely.geometry import box

from aois.area import Area, AreaKind
from aois.week import Week, parse_week, weeks_between
from flows.config.settings import SettingsError
from flows.pipeline.period import Period, RunRequest, last_week, period_of
from flows.pipeline.week_digests import SceneFingerprint, scenes_of, week_digests

TODAY = date(2026, 11, 24)  # a Tuesday
AREA = Area("site-a", AreaKind.SITE, box(0, 0, 0.01, 0.01))
PERIOD = Period(tuple(weeks_between(date(2026, 11, 2), date(2026, 11, 22))), date(2025, 11, 2))


def asked(since: str | None = None, until: str | None = None) -> RunRequest:
    days = [None if text is None else date.fromisoformat(text) for text in (since, until)]
    return RunRequest(days[0], days[1], TODAY)


def recorded(first: str, last: str) -> list[Week]:
    """Weeks on record, in no order."""
    return list(weeks_between(parse_week(first).first_day, parse_week(last).last_day))[::-1]


def span(call: RunRequest, known: list[Week]) -> tuple[str, str]:
    period = period_of(call, recorded=known, history_days=365, lookback_weeks=26)
    assert list(period.weeks) == list(weeks_between(period.weeks[0].first_day, period.last.last_day))
    assert (period.weeks[0].first_day - period.history_from).days == 365
    return str(period.weeks[0]), str(period.last)


@pytest.mark.parametrize(
    ("call", "known", "expected"),
    [
        (asked(), [], ("2026-W22", "2026-W47")),
        (asked("2026-11-09"), [], ("2026-W46", "2026-W47")),
        (asked(until="2026-06-30"), [], ("2026-W02", "2026-W27")),
        (asked("2026-06-01", "2026-06-30"), [], ("2026-W23", "2026-W27")),
        (asked(), recorded("2026-W40", "2026-W46"), ("2026-W40", "2026-W47")),
        (asked(), recorded("2026-W40", "2026-W42"), ("2026-W40", "2026-W47")),
        (asked(), [*recorded("2026-W40", "2026-W41"), parse_week("2026-W45")], ("2026-W40", "2026-W47")),
        (asked("2026-08-03"), recorded("2026-W40", "2026-W46"), ("2026-W32", "2026-W47")),
        (asked("2026-08-03", "2026-10-25"), recorded("2026-W40", "2026-W46"), ("2026-W32", "2026-W46")),
        (asked("2026-11-09"), recorded("2026-W40", "2026-W46"), ("2026-W40", "2026-W47")),
        (asked(until="2026-10-25"), recorded("2026-W40", "2026-W46"), ("2026-W40", "2026-W43")),
        (asked("2026-11-23", "2026-11-24"), [], ("2026-W48", "2026-W48")),
    ],
    ids=[
        "a first run looks back",
        "a first run since a day",
        "a first run until a day",
        "a first run between days",
        "the next week",
        "missed weeks are caught up",
        "a gap in the record is filled",
        "an earlier start begins there",
        "an earlier start goes on to the end of the record",
        "a later start leaves no hole",
        "an earlier end stops there",
        "a week that is not over when it is asked for",
    ],
)
def test_the_period(call, known, expected):
    assert span(call, known) == expected


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (asked(until="2026-11-25"), "--until 2026-11-25 lies in the future; leave it out for the latest complete week"),
        (
            asked("2026-11-20", "2026-11-18"),
            "--since 2026-11-20 lies after the end of the run, 2026-11-18; swap or correct the dates",
        ),
        (
            asked("2026-11-23"),
            "--since 2026-11-23 lies after the end of the run, 2026-11-22; swap or correct the dates",
        ),
    ],
)
def test_dates_that_no_run_can_have_are_refused(call, message):
    with pytest.raises(SettingsError) as refused:
        last_week(call)
    assert str(refused.value) == message
    with pytest.raises(SettingsError):
        period_of(call, recorded=[], history_days=365, lookback_weeks=26)


def stamp(day: str, sha: str = "a") -> SceneFingerprint:
    when = datetime.combine(date.fromisoformat(day), time(10), UTC)
    return SceneFingerprint(f"sentinel-2_{when:%Y%m%dT%H%M%S}", when, sha * 64)


SCENES = [stamp(day) for day in ("2026-10-28", "2026-11-02", "2026-11-08", "2026-11-11", "2026-11-22")]


def changed(
    *,
    area: Area = AREA,
    period: Period = PERIOD,
    scenes: list[SceneFingerprint] | None = None,
    source="stac",
    ground="g",
    plans: dict[Week, str] | None = None,
) -> list[str]:
    """The weeks whose digest is another than that of the plain case."""
    plain = week_digests(AREA, PERIOD, SCENES, source="stac", ground="g")
    given = SCENES if scenes is None else scenes
    other = week_digests(area, period, given, source=source, ground=ground, plans=plans or {})
    return [str(week) for week in other if other[week] != plain.get(week)]


def test_the_same_scenes_give_the_same_digests():
    assert changed() == []
    digests = list(week_digests(AREA, PERIOD, SCENES, source="stac", ground="g").values())
    assert len(set(digests)) == 3


def test_what_was_planned_for_a_week_changes_that_week_and_the_later_ones():
    assert changed(plans={Week(2026, 46): "p"}) == ["2026-W46", "2026-W47"]
    assert changed(plans={Week(2026, 40): "p"}) == []


@pytest.mark.parametrize(
    ("scenes", "weeks"),
    [
        ([*SCENES[:1], stamp("2026-10-30"), *SCENES[1:]], ["2026-W45", "2026-W46", "2026-W47"]),
        ([*SCENES[:3], stamp("2026-11-09"), *SCENES[3:]], ["2026-W46", "2026-W47"]),
        ([*SCENES, stamp("2026-11-22", "b")], ["2026-W47"]),
        ([*SCENES[:3], stamp("2026-11-11", "b"), *SCENES[4:]], ["2026-W46", "2026-W47"]),
        (SCENES[:2] + SCENES[3:], ["2026-W45", "2026-W46", "2026-W47"]),
        ([*SCENES, stamp("2026-11-23")], []),
        ([], ["2026-W45", "2026-W46", "2026-W47"]),
    ],
    ids=["history grew", "late scene", "last day", "other content", "scene lost", "after the end", "none"],
)
def test_scenes_change_every_week_from_theirs_on(scenes, weeks):
    assert changed(scenes=scenes) == weeks


@pytest.mark.parametrize(
    "other",
    [
        {"area": replace(AREA, geometry=box(0, 0, 0.01, 0.0101))},
        {"area": replace(AREA, margin_m=400.0)},
        {"area": replace(AREA, kind=AreaKind.REGION)},
        {"area": replace(AREA, id="site-b")},
        {"source": "simulated"},
        {"ground": "h"},
        {"period": replace(PERIOD, history_from=date(2025, 1, 1))},
        {"period": Period(tuple(weeks_between(date(2026, 10, 26), date(2026, 11, 22))), PERIOD.history_from)},
    ],
    ids=["perimeter", "margin", "kind", "id", "source", "ground", "history", "start"],
)
def test_another_question_changes_every_week(other):
    assert changed(**other)[-3:] == ["2026-W45", "2026-W46", "2026-W47"]


def test_names_and_responses_do_not_change_what_was_seen():
    assert changed(area=replace(AREA, name="another name")) == []


def test_a_later_end_leaves_the_weeks_before_it_alone():
    longer = Period(tuple(weeks_between(date(2026, 11, 2), date(2026, 12, 6))), PERIOD.history_from)
    assert changed(period=longer) == ["2026-W48", "2026-W49"]


def test_a_week_holds_its_monday_and_its_sunday():
    assert [scenes_of(week, SCENES) for week in PERIOD.weeks] == [SCENES[1:3], SCENES[3:4], SCENES[4:5]]
