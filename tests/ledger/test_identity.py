"""An event keeps its id when a replay finds it under another name, and the ledger says so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from detectors.records import State
from flows.ledger import alert_id, event_id
from flows.records.events import RemarkKind

P, C, F, R = State.PROVISIONAL, State.CONFIRMED, State.FINISHED, State.RETRACTED
X, Y, NEW = (event_id("site-a", key) for key in ("x", "y", "new"))
HERE = (0.0, 0.0, 0.004, 0.001)
WEST, EAST = (0.0, 0.0, 0.0025, 0.001), (0.0025, 0.0, 0.004, 0.001)


@pytest.fixture
def record(ledger, given):
    def record(number, *events):
        return ledger.record_week(given.observation(number), list(events))

    return record


def present(ledger):
    return {one.event_id: one for one in ledger.events("site-a")}


def keys(ledger):
    return [message.key for message in ledger.pending_messages()]


def remarks(ledger, name):
    return [(one.kind, one.about) for one in ledger.remarks(name)]


def test_a_replay_that_names_the_same_ground_anew_tells_nobody(ledger, given, record):
    for number in range(3):
        record(number, given.event("x", P, C, ground=HERE))
    told, alerts = keys(ledger), ledger.alerts()
    for number in range(3):
        outcome = record(number, given.event("new", P, C, ground=WEST))
        assert (outcome.issued, outcome.changed) == ((), ())
    assert keys(ledger) == told
    assert [one.alert_id for one in ledger.alerts()] == [one.alert_id for one in alerts]
    (found,) = present(ledger).values()
    assert (found.event_id, found.detected_as, found.state) == (X, NEW, "confirmed")
    assert remarks(ledger, X) == [(RemarkKind.KEPT, NEW)]
    assert ledger.remarks(X)[0].on == given.week(0).last_day


def test_an_event_that_a_replay_sees_earlier_or_later_is_the_same(ledger, given, record):
    late = {"start": 2, "ground": HERE}
    record(0)
    record(1, given.event("x", ground=HERE, start=1))
    record(2, given.event("x", ground=HERE, start=1))
    for seen_from in (0, 2):
        for number in range(3):
            record(number, *[given.event(f"new{seen_from}", **late | {"start": seen_from})][: number >= seen_from])
        assert list(present(ledger)) == [X]
    assert [one.news for one in ledger.pending_messages()] == ["issued"]


def test_the_first_telling_again_gives_the_name_back(ledger, given, record):
    record(0, given.event("x", ground=HERE))
    before = ledger.events("site-a")
    record(0, given.event("new", ground=WEST))
    record(0, given.event("x", ground=HERE))
    assert ledger.events("site-a") == before


@pytest.mark.parametrize(
    "other",
    [
        {"ground": (0.0025, 0.0, 0.008, 0.001)},  # under half of it
        {"ground": HERE, "change": "demolition"},
        {"ground": HERE, "first_seen": "far"},
    ],
)
def test_another_change_on_the_ground_is_another_event(ledger, given, record, other):
    record(0, given.event("x", ground=HERE))
    if other.get("first_seen"):
        other = {**other, "first_seen": (given.week(0).first_day + timedelta(days=61)).isoformat()}
    record(0, given.event("new", **other))
    found = present(ledger)
    assert {name: one.state for name, one in found.items()} == {X: "retracted", NEW: "provisional"}
    assert found[NEW].detected_as is None


def test_what_was_retracted_the_week_before_is_found_again_as_a_new_event(ledger, given, record):
    record(0, given.event("x", ground=HERE))
    record(1)
    record(2, given.event("new", ground=HERE))
    assert {name: one.state for name, one in present(ledger).items()} == {X: "retracted", NEW: "provisional"}


def test_of_two_that_were_one_the_larger_share_keeps_the_id_and_the_other_says_whence_it_came(ledger, given, record):
    record(0, given.event("x", P, ground=HERE))
    for _ in range(2):
        record(0, given.event("a", P, ground=EAST), given.event("b", P, ground=(0.0, 0.0, 0.0025, 0.0012)))
        found = present(ledger)
        split = event_id("site-a", "b")
        assert found.keys() == {X, split}
        assert found[X].detected_as == event_id("site-a", "a"), "all of it lies on the old ground"
        assert found[split].split_from == X
    assert remarks(ledger, split) == [(RemarkKind.SPLIT, X)]
    assert keys(ledger) == [f"{alert_id(X)}:provisional", f"{alert_id(split)}:provisional"]


@pytest.mark.parametrize(
    ("states", "heir", "expected"),
    [((P, C), (P, C), "finished"), ((P,), (P, C), "finished"), ((P,), (P,), "provisional")],
)
def test_of_two_that_are_one_the_other_says_where_it_went(ledger, given, record, states, heir, expected):
    record(0, given.event("x", P, ground=WEST), given.event("y", P, ground=EAST))
    record(1, given.event("x", *heir, ground=WEST), given.event("y", *states, ground=EAST))
    for number in (0, 1, 1):
        record(number, given.event("x", *(heir if number else (P,)), ground=HERE))
    found = present(ledger)
    assert (found[Y].merged_into, found[Y].state) == (X, expected)
    assert not found[Y].withdrawn
    assert remarks(ledger, Y) == [(RemarkKind.MERGED, X)]
    assert keys(ledger)[-1] == f"{alert_id(Y)}:merged"
    assert sum("merged" in key for key in keys(ledger)) == 1
    record(2, given.event("x", *heir, ground=HERE))
    assert sum("merged" in key for key in keys(ledger)) == 1
    record(3, given.event("x", *heir, ground=WEST), given.event("y", *states, ground=EAST))
    parted = [key for key in keys(ledger) if "parted" in key]
    assert parted == [f"{alert_id(Y)}:parted"]


def test_a_merged_event_follows_one_that_is_retracted(ledger, given, record):
    record(0, given.event("x", P, ground=WEST), given.event("y", P, ground=EAST))
    record(0, given.event("x", P, ground=HERE))
    record(1, given.event("x", P, R, ground=HERE))
    assert {one.state for one in present(ledger).values()} == {"retracted"}


def test_two_that_go_by_one_name_are_told_apart(ledger, given, record):
    """A replay names the old ground anew, and uses the old name for another place a week later."""
    elsewhere = (1.0, 0.0, 1.001, 0.001)
    for number in range(2):
        record(number, given.event("x", ground=HERE))
    for _ in range(2):
        record(0, given.event("new", ground=HERE))
        record(1, given.event("new", ground=HERE), given.event("x", ground=elsewhere, merged_into=NEW))
        found = present(ledger)
        (double,) = found.keys() - {X}
        assert found[X].detected_as == NEW
        assert found[double].detected_as == X
        assert found[double].merged_into == X
    assert [one.event_id for one in ledger.alerts()] == [X]


def test_a_piece_of_what_people_know_is_told_once_it_is_an_event_by_itself(ledger, given, record):
    record(0, given.event("x", P, ground=WEST), given.event("y", P, ground=EAST, alert=False))
    told = [f"{alert_id(X)}:provisional"]
    assert keys(ledger) == told
    record(1, given.event("x", P, ground=WEST), given.event("y", P, C, F, ground=EAST, merged_into=X))
    assert keys(ledger) == told, "it would tell the same ground twice"
    record(2, given.event("x", P, ground=WEST), given.event("y", P, C, F, ground=EAST))
    assert keys(ledger) == [*told, f"{alert_id(Y)}:finished"]


@pytest.mark.parametrize("whole", [{"alert": False}, {}], ids=["not worth an alert", "withdrawn"])
def test_a_piece_is_told_where_nobody_hears_of_the_whole(ledger, given, record, whole):
    states = (P,) if whole else (P, R)
    record(0, given.event("x", *states, ground=WEST, **whole), given.event("y", P, C, ground=EAST, merged_into=X))
    assert keys(ledger) == [f"{alert_id(Y)}:confirmed"]


def test_names_hold_for_events_that_were_found_again(ledger, given, record):
    def play(key):
        record(0, given.event(key, ground=HERE))
        record(1)
        record(2, given.event(key, ground=HERE))

    play("x")
    told = keys(ledger)
    play("new")
    assert keys(ledger) == told
    again = next(one for one in present(ledger).values() if one.state == "provisional")
    assert again.reopens == X
