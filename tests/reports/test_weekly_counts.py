"""The weeks in figures, from a real ledger."""

from __future__ import annotations

from datetime import date

import pytest
from detected import detected_event

from aois.week import Week
from detectors.records import AlertKind, State, Transition
from flows.ledger.ledger import Ledger, open_ledger
from flows.records.event_json import EVENT_PROPERTIES
from flows.records.observations import ObservationRecord
from flows.reports.data.weekly_counts import counts_of

WEEK = Week(2026, 20)
SQUARE = {"type": "MultiPolygon", "coordinates": [[[[0, 0], [0.01, 0], [0.01, 0.01], [0, 0.01], [0, 0]]]]}


@pytest.fixture
def ledger(tmp_path, made):
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as opened:
        opened.record_areas([made.site("yard"), made.site("reef", east_m=5000)])
        yield opened


def record(ledger: Ledger, week: Week, state: State | None, *, seen: float = 1.0) -> None:
    events = []
    if state is not None:
        steps = [State.PROVISIONAL, state] if state is not State.PROVISIONAL else [state]
        properties = dict.fromkeys(EVENT_PROPERTIES) | {
            "kind": "expansion", "change": "construction", "state": state.value, "first_seen": "2026-04-01"
        }  # fmt: skip
        transitions = tuple(Transition(s, date(2026, 4, 1), "scene") for s in steps)
        events = [detected_event("yard", "ev-1", properties, SQUARE, transitions, True)]
    ledger.record_week(ObservationRecord("yard", week, (), (), seen, None, str(week)), events)


def test_alerts_are_counted_in_the_week_they_went_out_and_states_in_the_week_they_were_reached(ledger) -> None:
    for back, state in ((4, None), (3, None), (2, State.PROVISIONAL), (1, State.PROVISIONAL), (0, State.CONFIRMED)):
        record(ledger, WEEK.plus(-back), state, seen=0.2 if back == 3 else 0.9)
    counts = counts_of(WEEK, ledger=ledger, area_ids={"yard", "reef"}, observations=ledger.observations(until=WEEK))
    assert [c.week for c in counts] == [WEEK.plus(-back) for back in (4, 3, 2, 1, 0)]
    assert [c.issued[AlertKind.EXPANSION] for c in counts] == [0, 0, 1, 0, 0]
    assert [c.entered[State.PROVISIONAL] for c in counts] == [0, 0, 1, 0, 0]
    assert [c.entered[State.CONFIRMED] for c in counts] == [0, 0, 0, 0, 1]
    assert [(c.seen, c.watched) for c in counts] == [(1, 2), (0, 2), (1, 2), (1, 2), (1, 2)]


def test_areas_that_are_not_in_the_report_are_not_counted(ledger) -> None:
    record(ledger, WEEK, State.PROVISIONAL)
    (only,) = counts_of(WEEK, ledger=ledger, area_ids={"reef"}, observations=ledger.observations(until=WEEK))
    assert (only.issued[AlertKind.EXPANSION], only.seen, only.watched) == (0, 0, 1)
