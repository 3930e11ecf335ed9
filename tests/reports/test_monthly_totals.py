"""What had been measured by each month's end, from a real ledger."""

from __future__ import annotations

from datetime import date

import pytest
from detected import detected_event

from aois.week import Week
from detectors.records import State, Transition
from flows.ledger.ledger import Ledger, open_ledger
from flows.records.event_json import EVENT_PROPERTIES
from flows.records.events import DetectedEvent
from flows.records.observations import ObservationRecord
from flows.reports.data.monthly_totals import area_totals_of, standings_of, steps_of
from flows.reports.inputs import Extent

FIRST = Week(2026, 18)  # 27 April to 3 May
LAST = Week(2026, 30)  # to 26 July
SQUARE = {"type": "MultiPolygon", "coordinates": [[[[0, 0], [0.01, 0], [0.01, 0.01], [0, 0.01], [0, 0]]]]}


def event(number: int, change: str, area_m2: float, state: State = State.CONFIRMED, **given: object) -> DetectedEvent:
    properties = dict.fromkeys(EVENT_PROPERTIES) | {
        "kind": "expansion", "change": change, "state": state.value, "first_seen": "2026-05-01",
        "area_m2": area_m2, "area_m2_low": area_m2 - 100, "area_m2_high": area_m2 + 200,
    }  # fmt: skip
    steps = [State.PROVISIONAL] if state is State.PROVISIONAL else [State.PROVISIONAL, State.CONFIRMED]
    steps += [State.FINISHED] if state is State.FINISHED else []
    transitions = tuple(Transition(s, date(2026, 5, 1 + i), "scene") for i, s in enumerate(steps))
    return detected_event("yard", f"ev-{number}", properties | given, SQUARE, transitions, False)


@pytest.fixture
def ledger(tmp_path, made):
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as opened:
        opened.record_areas([made.site("yard")])
        yield opened


def record(ledger: Ledger, week: Week, *events: DetectedEvent) -> None:
    ledger.record_week(ObservationRecord("yard", week, (), (), 1.0, None, str(week)), list(events))


def test_each_month_is_told_as_its_last_week_knew_it(ledger) -> None:
    week = FIRST
    while week <= LAST:
        known = [event(1, "construction", 1000.0)] if week >= Week(2026, 21) else []
        known = [event(1, "construction", 1500.0), event(2, "construction", 500.0)] if week >= LAST else known
        record(ledger, week, *known)
        week = week.plus(1)
    told = standings_of("yard", since=FIRST, week=LAST, ledger=ledger, is_quiet=False)
    assert [(s.day, s.built.value) for s in told] == [
        (date(2026, 4, 26), 0.0),
        (date(2026, 5, 31), 1000.0),
        (date(2026, 6, 28), 1000.0),
        (date(2026, 7, 26), 2000.0),
    ]
    assert told[-1].built == Extent(2000.0, 1800.0, 2400.0)
    quiet = standings_of("yard", since=FIRST, week=LAST, ledger=ledger, is_quiet=True)
    assert [s.day for s in quiet] == [s.day for s in told]
    assert {s.built.high for s in quiet} == {0.0}


def test_only_what_held_counts_and_what_was_taken_over_counts_once() -> None:
    events = [
        event(1, "construction", 900.0),
        event(2, "construction", 800.0, State.PROVISIONAL),
        event(3, "construction", 700.0, merged_into="ev-1"),
        event(4, "demolition", 600.0, State.FINISHED),
        event(5, "fencing", 500.0, length_m=250.0, closure=0.3),
        event(6, "fencing", 500.0, length_m=100.0, closure=0.5),
        event(7, "clearing", 400.0, State.RETRACTED),
    ]
    told = area_totals_of(date(2026, 7, 1), [one.event for one in events])
    assert told.built.value == 900.0
    assert told.demolished == Extent(600.0, 500.0, 800.0)
    assert (told.line_m, told.closure) == (350.0, 0.5)
    assert told.cleared.value == 0.0


def test_steps_are_those_known_by_the_week(ledger) -> None:
    record(ledger, FIRST, event(1, "construction", 900.0, State.PROVISIONAL))
    record(ledger, FIRST.plus(1), event(1, "construction", 900.0, State.FINISHED))
    (early,) = steps_of("ev-1", until=FIRST, state=State.PROVISIONAL, ledger=ledger)
    assert (early.state, early.on) == (State.PROVISIONAL, date(2026, 5, 1))
    later = steps_of("ev-1", until=FIRST.plus(1), state=State.FINISHED, ledger=ledger)
    assert [step.state for step in later] == [State.PROVISIONAL, State.CONFIRMED, State.FINISHED]
