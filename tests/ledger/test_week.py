"""What recording a week does, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from shapely.geometry import Point

from detectors.records import State, Transition
from flows.ledger import LedgerError, alert_id, event_id
from flows.records.event_json import feature_of, geometry_of

P, C, F, R = State.PROVISIONAL, State.CONFIRMED, State.FINISHED, State.RETRACTED
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
X = event_id("site-a", "x")


@pytest.fixture
def record(ledger, given):
    def record(number, *events, **observed):
        return ledger.record_week(given.observation(number, **observed), list(events))

    return record


def states(ledger, **asked):
    return {event.event_id: event.state for event in ledger.events("site-a", **asked)}


def keys(ledger):
    return [message.key for message in ledger.pending_messages()]


def test_an_alert_is_issued_once_and_keeps_its_day(ledger, given, record):
    first = record(0, given.event("x", alert=False))
    second = record(1, given.event("x"))
    third = record(2, given.event("x"))
    assert (first.issued, second.issued, third.issued) == ((), (alert_id(X),), ())
    assert [one.issued_on for one in ledger.alerts()] == [given.week(1).last_day]
    assert keys(ledger) == [f"{alert_id(X)}:provisional"]


def test_people_are_told_when_an_alert_is_confirmed_or_retracted_but_not_when_it_finishes(ledger, given, record):
    record(0, given.event("x"), given.event("y"))
    confirmed = record(1, given.event("x", P, C), given.event("y"))
    finished = record(2, given.event("x", P, C, F))
    y = alert_id(event_id("site-a", "y"))
    assert confirmed.changed == (alert_id(X),)
    assert finished.changed == tuple(sorted((alert_id(X), y)))
    assert keys(ledger)[2:] == [f"{alert_id(X)}:confirmed", f"{y}:retracted"]


def test_an_event_withdrawn_before_anybody_heard_of_it_gives_no_alert(ledger, given, record):
    record(0, given.event("x", P, R))
    assert ledger.alerts() == []


def test_an_event_that_is_no_longer_listed_is_retracted_at_the_end_of_the_week(ledger, given, record):
    record(0, given.event("x"))
    record(1)
    (event,) = ledger.events("site-a")
    assert event.state == "retracted"
    assert event.withdrawn == "no longer found in this week"
    assert [(step.state, step.on) for step in ledger.history(X)][1:] == [(R, given.week(1).last_day)]


def test_a_finished_event_that_is_no_longer_listed_stays_finished(ledger, given, record):
    record(0, given.event("x", P, C, F))
    record(1)
    assert states(ledger) == {X: "finished"}


def test_a_state_never_goes_backwards(ledger, given, record):
    record(0, given.event("x"))
    record(1, given.event("x", P, C))
    record(2, given.event("x", area_m2=9000.0))
    (event,) = ledger.events("site-a")
    assert (event.state, event.confirmed_on) == ("confirmed", given.week(1).first_day)
    assert event.area_m2 == 9000.0


def test_an_event_found_again_after_its_retraction_is_a_new_one_that_names_the_old(ledger, given, record):
    record(0, given.event("x"))
    record(1)
    outcome = record(2, given.event("x"))
    record(3, given.event("x", P, C))
    again = next(one for one in ledger.events("site-a") if one.event_id != X)
    assert states(ledger) == {X: "retracted", again.event_id: "confirmed"}
    assert again.reopens == X
    assert outcome.issued == (alert_id(again.event_id),)


def test_a_detectors_own_retraction_is_kept_as_it_says(ledger, given, record):
    record(0, given.event("x"))
    record(1, given.event("x", P, R))
    record(2, given.event("x", P, R))
    assert states(ledger) == {X: "retracted"}
    assert [step.state for step in ledger.history(X)] == [P, R]


def test_an_old_week_can_be_read_as_it_was(ledger, given, record):
    record(0, given.event("x", area_m2=100.0))
    record(1, given.event("x", area_m2=100.0))
    record(2, given.event("x", P, C, area_m2=500.0), given.event("y"))
    old = ledger.alerts(as_of=given.week(1))
    assert [(one.state, one.area_m2) for one in old] == [("provisional", 100.0)]
    assert len(ledger.alerts()) == 2
    assert ledger.alerts(as_of=given.week(-1)) == []


def test_recording_an_old_week_anew_changes_that_week_and_no_later_one(ledger, given, record):
    for number in range(3):
        record(number, given.event("x", area_m2=100.0))
    record(0, given.event("x", area_m2=700.0), chain="late scene")
    sizes = [ledger.events("site-a", as_of=given.week(n))[0].area_m2 for n in range(3)]
    assert sizes == [700.0, 100.0, 100.0]
    assert ledger.chains("site-a") == {
        given.week(0): "late scene",
        given.week(1): "chain-1",
        given.week(2): "chain-2",
    }


def test_an_event_that_a_replay_meets_later_than_before_stays_the_same_event(ledger, given, record):
    for number in range(3):
        record(number, given.event("x"))
    record(0)
    assert states(ledger, as_of=given.week(0)) == {}
    record(1, given.event("x"))
    record(2, given.event("x"))
    assert states(ledger) == {X: "provisional"}
    assert keys(ledger) == [f"{alert_id(X)}:provisional"]
    assert [step.state for step in ledger.history(X)] == [P]


def test_an_event_that_a_replay_never_meets_is_retracted_when_the_replay_arrives(ledger, given, record):
    for number in range(3):
        record(number, given.event("x"))
    for number in range(3):
        assert states(ledger) == {X: "provisional"}
        record(number)
    assert states(ledger) == {X: "retracted"}
    assert keys(ledger) == [f"{alert_id(X)}:provisional", f"{alert_id(X)}:retracted"]
    record(3)
    before = ledger.events("site-a", as_of=given.week(2)), ledger.alerts(), keys(ledger)
    for number in range(4):
        record(number)
    assert (ledger.events("site-a", as_of=given.week(2)), ledger.alerts(), keys(ledger)) == before


def test_a_replay_tells_people_what_is_true_now_and_not_what_was_thought_in_between(ledger, given, record):
    record(0, given.event("x"))
    for number in range(1, 4):
        record(number)  # retracted, and told
    record(1, given.event("x"))  # a late scene brings it back
    record(2, given.event("x", P, C))
    assert len(keys(ledger)) == 2
    record(3, given.event("x", P, C))
    assert keys(ledger)[2:] == [f"{alert_id(X)}:confirmed"]
    record(1)
    record(2)
    record(3)
    assert keys(ledger)[3:] == [f"{alert_id(X)}:retracted:2"]


def test_people_hear_when_a_late_scene_undoes_a_retraction(ledger, given, record):
    record(0, given.event("x"))
    record(1)
    record(1, given.event("x"))
    assert states(ledger) == {X: "provisional"}
    assert keys(ledger)[1:] == [f"{alert_id(X)}:retracted", f"{alert_id(X)}:provisional:2"]


@pytest.mark.parametrize(
    ("change", "life", "complaint"),
    [
        ({}, (), "none"),
        ({}, (Transition(C, date(2026, 9, 7), "s"), Transition(P, date(2026, 9, 8), "s")), "lead forward"),
        ({}, (Transition(P, date(2026, 9, 7), "s"), Transition(C, date(2026, 9, 8), "s")), "lead forward"),
        ({"geometry": Point(float("nan"), 0.0)}, None, "not JSON"),
        ({"geometry": None}, None, "without its ground"),
        ({"confidence": float("inf")}, None, "not JSON"),
        ({"area_id": "site-b"}, None, "of area `site-b`"),
    ],
)
def test_an_event_that_breaks_the_contract_is_refused_and_nothing_is_recorded(
    ledger, given, url, change, life, complaint
):
    before, event = given.dump(url), given.event("x")
    wrong = replace(
        event, event=replace(event.event, **change), transitions=event.transitions if life is None else life
    )
    with pytest.raises(LedgerError, match=complaint):
        ledger.record_week(given.observation(0), [given.event("y"), wrong])
    assert given.dump(url) == before


def test_an_event_listed_twice_and_an_unknown_area_are_refused(ledger, given):
    with pytest.raises(LedgerError, match="listed twice"):
        ledger.record_week(given.observation(0), [given.event("x"), given.event("x")])
    with pytest.raises(LedgerError, match=r"`site-z` is not in the ledger"):
        ledger.record_week(given.observation(0, area_id="site-z"), [])


def test_features_have_the_fixed_names_first_and_are_in_order(ledger, given, record):
    criteria = [{"name": "size", "value": 1, "weight": 0.5, "detail": ""}]
    record(0, given.event("later", start=1), given.event("x", criteria=criteria))
    first, second = (dict[str, Any](feature_of(alert)) for alert in ledger.alerts())
    assert list(first["properties"]) == [
        *("alert_id", "event_id", "area_id", "kind", "change", "state", "first_seen", "confirmed_on", "issued_on"),
        *("area_m2", "area_m2_low", "area_m2_high", "length_m", "closure", "confidence", "sensors", "scenes"),
        *("criteria", "simulated"),
    ]
    assert first["properties"]["first_seen"] < second["properties"]["first_seen"]
    assert (first["type"], first["id"]) == ("Feature", alert_id(X))
    event = ledger.events("site-a")[0]
    of_event: dict[str, Any] = {**feature_of(event)}
    assert {"alert_id", "issued_on"}.isdisjoint(of_event["properties"])
    assert of_event["geometry"] == first["geometry"] == geometry_of(given.event("x").event.ground)


def test_of_new_suspect_sites_those_that_most_resemble_known_ones_are_alerted_first_and_the_others_wait(ledger, given):
    scores = {"a": 0.2, "b": 0.9, "c": 0.5, "d": 0.7}

    def suspects(*keys: str, **more: Any):
        return [given.event(key, kind="new-suspect-site", suspect_score=scores[key], **more) for key in keys]

    def alerted(outcome):
        return {key for key in scores if alert_id(event_id("site-a", key)) in outcome.issued}

    def recorded(number, events):
        return ledger.record_week(given.observation(number), events, most_suspects=2)

    first = recorded(0, [*suspects("a", "b", "c"), given.event("yard")])
    assert (alerted(first), len(first.issued), first.waiting) == ({"b", "c"}, 3, 1), "growth of a site has no limit"
    (seen,) = ledger.observations()
    assert seen.note == "1 more wait: at most 2 new suspect sites are alerted a week"
    assert len(ledger.events("site-a")) == 4, "what waits is on record"
    again = recorded(0, [*suspects("a", "b", "c"), given.event("yard")])
    assert (again.issued, again.waiting) == ((), 1), "the same week has no more room the second time"
    second = recorded(1, [*suspects("a", "b", "c", "d"), given.event("yard")])
    assert (alerted(second), second.waiting) == ({"a", "d"}, 0), "its turn comes in a week that brings fewer"
    assert not ledger.observations()[-1].note
