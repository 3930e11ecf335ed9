"""An expansion in phases is one event with steps, and people hear of each step once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from aois.week import Week
from detectors.records import State
from flows.ledger import alert_id, event_id
from flows.ledger.database import writing
from flows.ledger.growth_steps import measured_steps
from flows.records.events import GrowthStep, RemarkKind
from flows.records.messages import News

P, C, F, R = State.PROVISIONAL, State.CONFIRMED, State.FINISHED, State.RETRACTED
X = event_id("site-a", "x")
ALERT = alert_id(X)
FIRST, SECOND, THIRD = date(2026, 9, 7), date(2026, 9, 21), date(2026, 10, 5)


@pytest.fixture
def grown(ledger, given):
    """Records weeks of one event: the area it has, and its steps so far."""

    def grown(*sizes, since=0, states=(P, C)):
        for number, (area, *steps) in enumerate(sizes, start=since):
            outcome = ledger.record_week(
                given.observation(number), [given.event("x", *states, area_m2=area, steps=tuple(steps))]
            )
        return outcome

    return grown


def steps(ledger):
    (feature,) = ledger.events("site-a")
    return [(str(step.on), step.added_m2) for step in feature.steps]


def messages(ledger):
    return [(message.key, message.news) for message in ledger.pending_messages()]


STORY = (
    (1000.0, FIRST),
    (1400.0, FIRST),
    (2000.0, FIRST, SECOND),
    (2100.0, FIRST, SECOND),
    (2900.0, FIRST, SECOND, THIRD),
)


def test_each_step_has_the_area_that_it_added(ledger, grown):
    grown(*STORY)
    assert steps(ledger) == [("2026-09-07", 1400.0), ("2026-09-21", 700.0), ("2026-10-05", 800.0)]
    (feature,) = ledger.events("site-a")
    assert sum(area for _, area in steps(ledger)) == feature.area_m2


def test_each_step_is_told_once_and_no_replay_tells_it_again(ledger, grown, given, url):
    grown(*STORY)
    assert messages(ledger) == [
        (f"{ALERT}:confirmed", News.ISSUED),
        (f"{ALERT}:step-2", News.STEP),
        (f"{ALERT}:step-3", News.STEP),
    ]
    assert [(one.kind, one.on, one.about) for one in ledger.remarks(X)] == [
        (RemarkKind.STEP, SECOND, "2"),
        (RemarkKind.STEP, THIRD, "3"),
    ]
    before = given.dump(url)
    grown(*STORY)
    assert given.dump(url) == before


def test_a_replay_that_brings_two_steps_tells_of_them_once(ledger, grown):
    grown(*[(1000.0, FIRST)] * 5)
    grown(*STORY)
    assert messages(ledger)[1:] == [(f"{ALERT}:step-3", News.STEP)]


def test_a_new_state_and_a_new_step_are_one_message(ledger, grown):
    grown((1000.0, FIRST), states=(P,))
    grown((1600.0, FIRST, SECOND), since=1)
    grown((1700.0, FIRST, SECOND), since=2)
    assert messages(ledger)[1:] == [(f"{ALERT}:confirmed", News.STATE)]


def test_nobody_hears_of_steps_of_what_was_withdrawn(ledger, grown):
    grown((1000.0, FIRST), states=(P,))
    grown((1000.0, FIRST), since=1, states=(P, R))
    grown((1000.0, FIRST, SECOND), since=2, states=(P, R))
    assert [news for _, news in messages(ledger)] == [News.ISSUED, News.STATE]


def test_what_earlier_releases_told_is_not_told_again(ledger, grown, given):
    grown(*STORY[:3])
    with writing(ledger._engine).begin() as connection:
        connection.exec_driver_sql("DELETE FROM messages WHERE news = 'step'")
        connection.exec_driver_sql("UPDATE messages SET told = NULL")
    grown((1000.0, FIRST), (1000.0, FIRST), (2000.0, FIRST, date(2026, 9, 10)), states=(P, C))
    assert [news for _, news in messages(ledger)] == [News.ISSUED], "that step began in the week that was told"
    grown((2900.0, FIRST, date(2026, 9, 10), THIRD), since=3)
    assert [news for _, news in messages(ledger)] == [News.ISSUED, News.STEP]
    assert len(ledger.outbox.unsignalled()) == 1, "programs heard of the first message otherwise"


@pytest.mark.parametrize(
    ("earlier", "expected"),
    [
        (None, [None, None]),  # met when it had two already
        ([], [None, None]),  # known to an earlier release
        ([(FIRST, 500.0)], [500.0, 400.0]),
        ([(FIRST, 500.0), (SECOND, 100.0)], [500.0, 500.0]),
        ([(FIRST, None), (SECOND, None)], [None, None]),
        ([(SECOND, 600.0)], [None, 1000.0]),  # a replay put another before it
    ],
)
def test_a_step_that_nobody_measured_is_not_given_a_size(given, earlier, expected):
    held = None
    if earlier is not None:
        known = tuple(GrowthStep(day, area) for day, area in earlier)
        held = replace(given.event("x").event, steps=known, area_m2=600.0)
    found = measured_steps([FIRST, SECOND], 1000.0, held)
    assert [step.added_m2 for step in found] == expected


def test_steps_of_a_week_long_ago_are_those_of_that_week(ledger, grown, given):
    grown(*STORY)
    (feature,) = ledger.events("site-a", as_of=given.week(2))
    assert [step.added_m2 for step in feature.steps] == [1400.0, 600.0]
    assert given.week(2) == Week(2026, 39)
