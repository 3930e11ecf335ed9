"""Random histories of an area: what must hold whatever detectors say and in whatever order weeks are worked through."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import Phase, settings
from hypothesis import given as drawn
from hypothesis import strategies as st

from detectors.records import State
from flows.ledger import open_ledger

LIVES = [
    (State.PROVISIONAL,),
    (State.PROVISIONAL, State.CONFIRMED),
    (State.PROVISIONAL, State.CONFIRMED, State.FINISHED),
    (State.PROVISIONAL, State.CONFIRMED, State.RETRACTED),
    (State.PROVISIONAL, State.RETRACTED),
    (State.CONFIRMED,),
]
RANK = {"provisional": 0, "confirmed": 1, "finished": 2, "retracted": 3}
TIDY = settings(max_examples=20, deadline=None, derandomize=True)

sightings = st.tuples(st.sampled_from(LIVES), st.sampled_from([100.0, 900.0]), st.booleans(), st.integers(1, 3))
weeks = st.dictionaries(st.sampled_from("abc"), sightings, max_size=3)
histories = st.lists(weeks, min_size=1, max_size=6)


NAMES = {"a": 0.0, "b": 1.0, "c": 2.0, "anew": 0.2, "bnew": 1.2, "cnew": 1.8, "wide": 0.0}


def place(key):
    """A box for each key; a key that starts like another has most of its ground, and `wide` has that of two."""
    west = NAMES[key] / 100
    return west, 0.0, west + (0.02 if key == "wide" else 0.005), 0.001


@pytest.fixture(scope="module")
def room(fresh_file, given):
    """Ledgers of their own for every example."""

    def first_day(number):
        return given.week(number).first_day

    class Room:
        def __init__(self, fresh=fresh_file):
            self.place = fresh()

        def __enter__(self):
            self.url = self.place.__enter__()
            self.ledger = open_ledger(self.url)
            return self

        def __exit__(self, *_):
            self.ledger.close()
            self.place.__exit__(None, None, None)

        def record(self, number, week):
            listed = [
                given.event(
                    key, *life, area_m2=size, alert=alert, ground=place(key), steps=tuple(map(first_day, range(count)))
                )
                for key, (life, size, alert, count) in week.items()
            ]
            return self.ledger.record_week(
                given.observation(number, chain=sha256(repr(week).encode()).hexdigest()), listed
            )

        def play(self, history, *, since=0):
            return [self.record(number, week) for number, week in enumerate(history) if number >= since]

        def dump(self):
            return given.dump(self.url)

        def views(self, history):
            return [
                {one.event_id: one for one in self.ledger.events("site-a", as_of=given.week(number))}
                for number in range(len(history))
            ]

    return Room


@TIDY
@drawn(history=histories)
def test_recording_twice_is_the_same_as_once(room, history):
    with room() as once, room() as twice:
        once.play(history)
        for number, week in enumerate(history):
            twice.record(number, week)
            again = twice.record(number, week)
            assert (again.issued, again.changed) == ((), ())
        assert twice.dump() == once.dump()


def without_names(view):
    """Events as they are, whatever their detectors call them."""
    return {name: replace(one, geometry=None, detected_as=None) for name, one in view.items()}


@settings(TIDY, max_examples=12)
@drawn(history=histories)
def test_a_replay_that_names_everything_anew_keeps_every_id_and_tells_nobody(room, history):
    renamed = [{f"{key}new": one for key, one in week.items()} for week in history]
    with room() as played:
        played.play(history)
        views, told = played.views(history), played.ledger.pending_messages()
        alerts = [(one.alert_id, one.issued_on) for one in played.ledger.alerts()]
        assert all((one.issued, one.changed) == ((), ()) for one in played.play(renamed))
        assert list(map(without_names, played.views(history))) == list(map(without_names, views))
        assert [(one.alert_id, one.issued_on) for one in played.ledger.alerts()] == alerts
        assert played.ledger.pending_messages() == told
        settled = played.dump()
        played.play(renamed)
        assert played.dump() == settled
        played.play(history)
        assert played.views(history) == views
        assert played.ledger.pending_messages() == told


anything = st.lists(st.dictionaries(st.sampled_from(sorted(NAMES)), sightings, max_size=4), min_size=4, max_size=4)


@settings(TIDY, max_examples=12, phases=[Phase.generate])
@drawn(tellings=st.lists(anything, min_size=2, max_size=3), since=st.integers(0, 3))
def test_whatever_replays_call_things_one_id_is_one_event_and_a_replay_is_settled(room, tellings, since):
    with room() as played:
        for telling in tellings:
            played.play(telling)
            for number, week in enumerate(telling):
                held = played.views(telling)[number].values()
                assert len(held) >= len(week), "two that were listed have one id"
        settled = played.dump()
        outcomes = played.play(tellings[-1], since=since)
        assert played.dump() == settled
        assert all((one.issued, one.changed) == ((), ()) for one in outcomes)
        reached: dict[str, int] = {}
        for view in played.views(tellings[-1]):
            assert reached.keys() <= view.keys()
            now = {name: RANK[one.state] for name, one in view.items()}
            assert all(now[name] >= rank for name, rank in reached.items())
            reached = now


@TIDY
@drawn(history=histories, data=st.data())
def test_a_replay_in_order_changes_nothing(room, history, data):
    with room() as played:
        played.play(history)
        original = played.dump()
        since = data.draw(st.integers(0, len(history) - 1))
        outcomes = played.play(history, since=since)
        assert played.dump() == original
        assert all((one.issued, one.changed) == ((), ()) for one in outcomes)


@TIDY
@drawn(history=histories)
def test_no_event_goes_backwards(room, history):
    with room() as played:
        played.play(history)
        reached: dict[str, int] = {}
        for view in played.views(history):
            assert reached.keys() <= view.keys(), "an event disappeared"
            now = {name: RANK[one.state] for name, one in view.items()}
            assert all(now[name] >= rank for name, rank in reached.items())
            reached = now
        for name in reached:
            ranks = [RANK[step.state] for step in played.ledger.history(name)]
            assert ranks == sorted(set(ranks))
            assert ranks[-1] == reached[name]


@TIDY
@drawn(first=histories, second=histories, data=st.data())
def test_a_replay_with_late_scenes_ends_like_a_fresh_ledger(room, first, second, data):
    since = data.draw(st.integers(0, len(first) - 1))
    second = first[:since] + (second + first)[: len(first) - since]
    with room() as replayed, room() as fresh:
        replayed.play(first)
        replayed.play(second, since=since)
        fresh.play(second)
        leftover = [
            {name: one for name, one in old.items() if name not in new}
            for old, new in zip(replayed.views(second), fresh.views(second), strict=True)
        ]
        assert [
            {name: one for name, one in view.items() if name not in left}
            for view, left in zip(replayed.views(second), leftover, strict=True)
        ] == fresh.views(second)
        assert not any(leftover[:-1])
        assert all(one.state == "retracted" for one in leftover[-1].values())
        settled = replayed.dump()
        replayed.play(second)
        assert replayed.dump() == settled


@TIDY
@drawn(first=histories, second=histories)
def test_history_is_only_ever_added_to(room, first, second):
    with room() as played:
        played.play(first)
        before = played.dump()
        played.play(second)
        after = played.dump()
        for table in ("event_transitions", "event_versions", "event_remarks"):
            assert after[table][: len(before[table])] == before[table]
        issued = {row[0]: row for row in after["alerts"]}
        assert all(issued[row[0]] == row for row in before["alerts"])
        assert {row[0] for row in before["events"]} <= {row[0] for row in after["events"]}


@TIDY
@drawn(first=histories, second=histories)
def test_people_last_hear_what_is_true(room, first, second):
    with room() as played:
        played.play(first)
        played.play((second + first)[: len(first)])
        told = {message.alert_id: message.state for message in played.ledger.pending_messages()}
        for alert in played.ledger.alerts():
            state = alert.state
            assert (told[alert.alert_id] == "retracted") == (state == "retracted")
            if state == "confirmed":
                assert told[alert.alert_id] == "confirmed"
        assert told.keys() == {alert.alert_id for alert in played.ledger.alerts()}


@settings(TIDY, max_examples=4, phases=[Phase.generate])
@drawn(first=histories, second=histories)
def test_both_databases_tell_the_same(room, fresh_database, first, second):
    with room() as file, room(fresh_database) as database:
        for history in (first, second):
            assert file.play(history) == database.play(history)
            assert file.views(history) == database.views(history)
        assert file.ledger.alerts() == database.ledger.alerts()
        assert file.ledger.pending_messages() == database.ledger.pending_messages()
        for name in file.views(first)[-1]:
            assert file.ledger.history(name) == database.ledger.history(name)
