"""The life of an event: every step it may take, and that it takes no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.events.lifecycle import (
    EventState,
    LifecycleParameters,
    confirm,
    extend,
    follow_merged,
    ground_of_events,
    merge_events,
    open_event,
    owners_of,
    update_state,
)
from detectors.footprint import Footprint
from detectors.objects.object_record import Detection
from detectors.objects.patches import GroundObject
from detectors.records import Change, State

SHAPE = (40, 40)
P = LifecycleParameters()
MONDAY = date(2024, 6, 3).toordinal()
OVER = P.quiet_days + 1
FLAT = np.zeros(SHAPE, np.float32)
LATER_STATES = {
    State.PROVISIONAL: {State.PROVISIONAL, State.CONFIRMED, State.RETRACTED},
    State.CONFIRMED: {State.CONFIRMED, State.FINISHED},
    State.FINISHED: {State.FINISHED},
    State.RETRACTED: {State.RETRACTED},
}
QUICK = settings(deadline=None, max_examples=60, derandomize=True)


def box(top: int, left: int, height: int, width: int) -> Footprint:
    return Footprint(SHAPE, top, left, np.ones((height, width), bool))


BLOCK, WALL = box(10, 10, 5, 5), box(10, 5, 1, 30)


def detection(mask: Footprint = BLOCK, *, dates: int = 1, change: Change = Change.CONSTRUCTION, **more) -> Detection:
    arguments: dict[str, Any] = {
        "gain": change is not Change.DEMOLITION,
        "first_day": MONDAY - 3,
        "strength": 20.0,
        "sure_px": 25,
    }
    arguments |= {"scenes": ("s2-a",), "sensors": ("sentinel-2",)} | more
    return Detection(GroundObject(mask, mask), change=change, dates=dates, **arguments)


def opened(mask: Footprint = BLOCK, *, taken: frozenset[str] = frozenset(), **more) -> EventState:
    return open_event(detection(mask, **more), FLAT, today=MONDAY, taken=taken)


def confirmed(mask: Footprint = BLOCK, **more) -> EventState:
    return confirm(opened(mask, dates=4, **more), sure_px=25, today=MONDAY, parameters=P)


def finished(mask: Footprint = BLOCK) -> EventState:
    return update_state(
        confirmed(mask), held_share=1.0, last_acquisition=MONDAY + OVER, today=MONDAY + OVER + 3, parameters=P
    )


def retracted(mask: Footprint = BLOCK) -> EventState:
    return update_state(opened(mask), held_share=0.0, last_acquisition=MONDAY + 7, today=MONDAY + 10, parameters=P)


def states(event_state: EventState) -> list[State]:
    return [t.state for t in event_state.transitions]


# -- each step ------------------------------------------------------------------------------------------------------


def test_an_event_begins_provisional():
    event_state = opened()
    assert states(event_state) == [State.PROVISIONAL]
    assert event_state.is_open
    assert event_state.confirmed_day is None
    assert event_state.transitions[0].on == date.fromordinal(MONDAY)
    assert event_state.transitions[0].scene_id == "s2-a"


def test_provisional_to_confirmed():
    event_state = confirmed()
    assert states(event_state) == [State.PROVISIONAL, State.CONFIRMED]
    assert event_state.confirmed_day == MONDAY
    assert event_state.is_open


def test_unfamiliar_ground_needs_a_fourth_date():
    strange = opened(dates=3, is_unfamiliar=True)
    assert confirm(strange, sure_px=25, today=MONDAY, parameters=P).state is State.PROVISIONAL
    sighted = extend(strange, detection(dates=4, is_unfamiliar=True), today=MONDAY + 7)
    late = confirm(sighted, sure_px=25, today=MONDAY + 7, parameters=P)
    assert (late.state, late.is_unfamiliar) == (State.CONFIRMED, True)
    line = opened(WALL, change=Change.FENCING, dates=4, is_ridge=True, is_unfamiliar=True)
    later = MONDAY + P.line_days
    assert confirm(line, sure_px=30, today=later, parameters=P).state is State.PROVISIONAL
    assert confirm(replace(line, dates=5), sure_px=30, today=later, parameters=P).state is State.CONFIRMED


@pytest.mark.parametrize("is_ridge", [False, True])
def test_what_was_unfamiliar_is_judged_anew_each_week_by_all_of_its_objects(is_ridge):
    strange, known = (detection(is_unfamiliar=strange, is_ridge=is_ridge) for strange in (True, False))
    event_state = opened(is_unfamiliar=True, is_ridge=is_ridge)
    assert not extend(event_state, known, today=MONDAY + 7).is_unfamiliar
    for objects in ((strange, known), (known, strange)):
        found = event_state
        for one in objects:
            found = extend(found, one, today=MONDAY + 7)
        assert found.is_unfamiliar
    assert not extend(confirmed(), strange, today=MONDAY + 7).is_unfamiliar, "what is confirmed stays so"


def test_provisional_to_retracted():
    event_state = retracted()
    assert states(event_state) == [State.PROVISIONAL, State.RETRACTED]
    assert not event_state.is_open
    assert event_state.confirmed_day is None


def test_confirmed_to_finished():
    event_state = finished()
    assert states(event_state) == [State.PROVISIONAL, State.CONFIRMED, State.FINISHED]
    assert not event_state.is_open


@pytest.mark.parametrize("dates", [0, 1, 2])
@pytest.mark.parametrize("sure", [25, 10_000])
def test_never_confirmed_on_fewer_than_three_dates(dates, sure):
    event_state = opened(dates=dates, strength=1e6)
    assert confirm(event_state, sure_px=sure, today=MONDAY, parameters=P).state is State.PROVISIONAL


@pytest.mark.parametrize(
    ("sensors", "sure", "state"),
    [
        (("sentinel-1",), 8, State.PROVISIONAL),
        (("sentinel-1",), 9, State.CONFIRMED),
        (("sentinel-2",), 8, State.CONFIRMED),
        (("sentinel-1", "sentinel-2"), 8, State.CONFIRMED),
    ],
)
def test_radar_alone_confirms_nothing_smaller_than_its_window(sensors, sure, state):
    small = opened(box(12, 12, 4, 4), dates=4, sensors=sensors)
    assert confirm(small, sure_px=sure, today=MONDAY, parameters=P).state is state


def test_a_closed_wall_gets_no_longer_by_what_is_built_within():
    roofs = detection(box(12, 12, 4, 4), change=Change.FENCING, length_px=90.0, closure=1.0)
    for closure, length in ((0.7, 90.0), (1.0, 60.0)):
        wall = confirmed(change=Change.FENCING, length_px=60.0, closure=closure)
        assert extend(wall, roofs, today=MONDAY + 7).length_px == length


def test_ground_bared_where_a_wall_stands_makes_it_no_clearing_and_beside_it_is_an_event_of_its_own():
    wall = confirmed(WALL, change=Change.FENCING, length_px=30.0, closure=0.0)
    on, beside = (detection(mask, change=Change.CLEARING) for mask in (box(10, 5, 1, 20), box(11, 5, 6, 12)))
    assert owners_of(on, [(0, wall)], reach_px=2) == (0,)
    assert extend(wall, on, today=MONDAY + 7).change is Change.FENCING
    assert owners_of(beside, [(0, wall)], reach_px=2) == ()


def test_a_line_needs_a_fourth_date():
    line = opened(WALL, change=Change.FENCING, dates=3, is_ridge=True)
    later = MONDAY + P.line_days
    assert confirm(line, sure_px=30, today=later, parameters=P).state is State.PROVISIONAL
    assert confirm(replace(line, dates=4), sure_px=30, today=later, parameters=P).state is State.CONFIRMED


def test_a_line_must_have_stood_for_four_weeks():
    line = opened(WALL, change=Change.FENCING, dates=9, is_ridge=True)
    for days, state in ((P.line_days - 1, State.PROVISIONAL), (P.line_days, State.CONFIRMED)):
        assert confirm(line, sure_px=30, today=MONDAY + days, parameters=P).state is state


@pytest.mark.parametrize(("sure", "state"), [(12, State.PROVISIONAL), (13, State.CONFIRMED)])
def test_half_of_its_pixels_must_be_sure(sure, state):
    assert confirm(opened(dates=3), sure_px=sure, today=MONDAY, parameters=P).state is state


def test_a_small_event_needs_three_sure_pixels_and_a_large_one_twenty():
    small, large = opened(box(0, 0, 2, 2), dates=3), opened(box(0, 0, 20, 20), dates=3)
    assert confirm(small, sure_px=2, today=MONDAY, parameters=P) == small
    assert confirm(small, sure_px=3, today=MONDAY, parameters=P).state is State.CONFIRMED
    assert confirm(large, sure_px=19, today=MONDAY, parameters=P) == large
    assert confirm(large, sure_px=20, today=MONDAY, parameters=P).state is State.CONFIRMED


@pytest.mark.parametrize(
    ("held", "state"), [(0.33, State.RETRACTED), (0.34, State.PROVISIONAL), (1, State.PROVISIONAL)]
)
def test_a_third_of_its_evidence_keeps_a_provisional_event(held, state):
    assert update_state(opened(), held_share=held, last_acquisition=MONDAY, today=MONDAY, parameters=P).state is state


def test_finished_only_after_having_been_looked_at():
    """Months without a clear look are not calm."""
    event_state = confirmed()
    for today in (MONDAY + OVER, MONDAY + 400):
        for last_acquisition in (MONDAY, MONDAY + P.quiet_days):
            assert (
                update_state(event_state, held_share=1.0, last_acquisition=last_acquisition, today=today, parameters=P)
                == event_state
            )
    looked = update_state(
        event_state, held_share=1.0, last_acquisition=MONDAY + OVER, today=MONDAY + OVER + 3, parameters=P
    )
    assert looked.state is State.FINISHED


def test_growth_puts_off_the_end():
    event_state = extend(confirmed(), detection(box(10, 10, 5, 9)), today=MONDAY + 100)
    assert (
        update_state(event_state, held_share=1.0, last_acquisition=MONDAY + OVER, today=MONDAY + OVER, parameters=P)
        == event_state
    )


def test_being_seen_again_without_growth_does_not():
    event_state = extend(confirmed(), detection(), today=MONDAY + 100)
    assert event_state.sighted_day == MONDAY + 100
    assert (
        update_state(
            event_state, held_share=1, last_acquisition=MONDAY + OVER, today=MONDAY + OVER + 3, parameters=P
        ).state
        is State.FINISHED
    )


def test_a_pixel_more_at_the_rim_is_no_growth():
    event_state = extend(confirmed(box(10, 10, 6, 6)), detection(box(16, 12, 1, 1)), today=MONDAY + 100)
    assert event_state.mask.pixels == 37
    assert (
        update_state(event_state, held_share=1, last_acquisition=MONDAY + OVER, today=MONDAY + OVER, parameters=P).state
        is State.FINISHED
    )


@pytest.mark.parametrize("event_state", [confirmed(), finished(), retracted()], ids=lambda t: t.state.value)
def test_what_is_past_is_not_taken_back(event_state):
    for held in (0.0, 1.0):
        stable_mask = update_state(
            event_state, held_share=held, last_acquisition=MONDAY, today=MONDAY + 7, parameters=P
        )
        assert stable_mask == event_state
    assert confirm(replace(event_state, dates=9), sure_px=99, today=MONDAY + 7, parameters=P).state is event_state.state


def test_a_line_that_both_instruments_show_waits_half_as_long():
    line = opened(WALL, change=Change.FENCING, dates=9, is_ridge=True, sensors=("sentinel-1", "sentinel-2"))
    for days, state in ((P.line_days // 2 - 1, State.PROVISIONAL), (P.line_days // 2, State.CONFIRMED)):
        assert confirm(line, sure_px=30, today=MONDAY + days, parameters=P).state is state


def test_a_line_joins_what_is_a_wall_and_only_that():
    line = opened(WALL, change=Change.FENCING, is_ridge=True)
    piece = detection(WALL, change=Change.FENCING)
    assert owners_of(piece, [(0, line)], reach_px=2) == (0,)
    assert owners_of(detection(WALL), [(0, line)], reach_px=2) == ()
    assert not extend(line, piece, today=MONDAY + 7).is_ridge, "evidence holds it now, which needs no fourth date"


def test_what_was_seen_of_a_wall_first_is_renamed_once_it_is_a_small_part_of_it():
    whole = detection(WALL | box(10, 10, 2, 6), change=Change.FENCING)
    assert extend(confirmed(box(10, 10, 2, 6)), whole, today=MONDAY + 7).change is Change.FENCING
    assert extend(confirmed(box(5, 5, 12, 12)), whole, today=MONDAY + 7).change is Change.CONSTRUCTION


@QUICK
@given(
    weeks=st.lists(
        st.tuples(
            st.booleans(), st.integers(0, 6), st.integers(0, 40), st.floats(0, 1), st.integers(0, 20), st.booleans()
        ),
        max_size=12,
    ),
    is_ridge=st.booleans(),
)
def test_no_history_ever_runs_backwards(weeks, is_ridge):
    """Whatever the weeks bring: seen or not, dates, sure pixels, evidence held, the last look, growth."""
    event_state = opened(is_ridge=is_ridge)
    today = MONDAY
    for seen, dates, sure, held, lag, grows in weeks:
        today += 40
        before = event_state
        if seen and event_state.is_open:
            event_state = extend(
                event_state, detection(box(10, 10, 5, 9) if grows else BLOCK, dates=dates), today=today
            )
            event_state = confirm(event_state, sure_px=sure, today=today, parameters=P)
        if event_state.is_open:
            event_state = update_state(
                event_state, held_share=held, last_acquisition=today - lag, today=today, parameters=P
            )
        # confirmed and finished in one week would be two steps
        for earlier, later in zip(states(event_state), states(event_state)[1:], strict=False):
            assert later in LATER_STATES[earlier]
        assert event_state.transitions[: len(before.transitions)] == before.transitions
        assert event_state.state is event_state.transitions[-1].state
        assert (event_state.confirmed_day is not None) == (State.CONFIRMED in states(event_state))
        assert State.CONFIRMED not in states(event_state) or event_state.dates >= 3 + event_state.is_ridge
        days = [t.on for t in event_state.transitions]
        assert days == sorted(days)


# -- growth ---------------------------------------------------------------------------------------------------------


def week(event_state: EventState, *, held: float, today: int) -> EventState:
    """The end of a week in which nothing was found at an event."""
    return update_state(event_state, held_share=held, last_acquisition=today, today=today, parameters=P)


def test_what_fades_before_it_is_confirmed_is_as_likely_as_its_last_week():
    event_state = opened(strength=0.9)
    assert extend(event_state, detection(strength=0.4), today=MONDAY + 7).strength == 0.4
    same_week = extend(event_state, detection(strength=0.4), today=MONDAY)
    assert same_week.strength == 0.9, "of the objects of one week the likeliest counts"
    assert week(event_state, held=0.5, today=MONDAY + 7).strength == pytest.approx(0.45)
    assert week(event_state, held=1.0, today=MONDAY + 7).strength == 0.9


def test_what_is_confirmed_stays_as_likely_as_in_its_surest_week():
    event_state = confirmed(strength=0.9)
    assert extend(event_state, detection(strength=0.4), today=MONDAY + 28).strength == 0.9
    assert week(event_state, held=0.0, today=MONDAY + 28).strength == 0.9


def test_growth_adds_ground_scenes_and_sensors():
    more = detection(
        box(10, 13, 5, 6), dates=4, scenes=("s2-a", "s1-b"), sensors=("sentinel-1",), strength=5.0, first_day=MONDAY + 3
    )
    event_state = extend(opened(dates=2), more, today=MONDAY + 7)
    assert event_state.mask == box(10, 13, 5, 6), "what is provisional is drawn anew"
    again = extend(event_state, detection(BLOCK), today=MONDAY + 7)
    assert again.mask == BLOCK | box(10, 13, 5, 6), "all objects of a week are its ground"
    sure = extend(confirmed(), more, today=MONDAY + 7)
    assert sure.mask == BLOCK | box(10, 13, 5, 6), "what is confirmed stays"
    assert event_state.scenes == ("s2-a", "s1-b")
    assert event_state.sensors == ("sentinel-1", "sentinel-2")
    assert (event_state.strength, event_state.dates, event_state.grown_day) == (5.0, 4, MONDAY + 7)
    assert (event_state.key, event_state.first_day) == (opened().key, MONDAY - 3)


@pytest.mark.parametrize(
    ("was", "comes", "becomes"),
    [
        (Change.CLEARING, Change.CONSTRUCTION, Change.CONSTRUCTION),
        (Change.CONSTRUCTION, Change.CLEARING, Change.CONSTRUCTION),
        (Change.CLEARING, Change.CLEARING, Change.CLEARING),
        (Change.FENCING, Change.CONSTRUCTION, Change.CONSTRUCTION),
        (Change.FENCING, Change.CLEARING, Change.FENCING),
    ],
)
def test_clearing_becomes_construction_and_never_the_reverse(was, comes, becomes):
    assert extend(confirmed(change=was), detection(change=comes), today=MONDAY + 7).change is becomes


@pytest.mark.parametrize("was", [Change.CLEARING, Change.CONSTRUCTION, Change.FENCING])
@pytest.mark.parametrize("comes", [Change.CLEARING, Change.CONSTRUCTION, Change.FENCING])
def test_what_a_provisional_event_is_is_judged_anew_each_week(was, comes):
    assert extend(opened(change=was), detection(change=comes), today=MONDAY + 7).change is comes


def test_a_wall_stays_one_while_the_whole_is_a_line():
    longer = box(10, 5, 1, 33)
    assert extend(
        opened(WALL, change=Change.FENCING), detection(longer, change=Change.FENCING), today=MONDAY
    ).change is (Change.FENCING)


def test_a_small_building_does_not_make_a_large_clearing_a_building_site():
    field = confirmed(box(5, 5, 20, 20), change=Change.CLEARING)
    assert extend(field, detection(box(10, 10, 4, 4)), today=MONDAY + 7).change is Change.CLEARING


def test_a_demolition_stays_one():
    event_state = opened(change=Change.DEMOLITION)
    assert extend(event_state, detection(change=Change.DEMOLITION), today=MONDAY + 7).change is Change.DEMOLITION


def test_a_strip_beside_a_clearing_makes_it_no_wall():
    strip = detection(WALL, change=Change.FENCING)
    assert extend(confirmed(change=Change.CLEARING), strip, today=MONDAY + 7).change is Change.CLEARING


def test_what_is_built_on_a_clearing_is_a_step_dated_by_what_stands():
    cleared = confirmed(box(10, 10, 8, 8), change=Change.CLEARING)
    for days, steps in ((10, 1), (40, 2)):
        roofs = detection(box(10, 10, 6, 6), built_day=MONDAY + days)
        grown = extend(cleared, roofs, today=MONDAY + 60)
        assert grown.change is Change.CONSTRUCTION
        assert len(grown.steps) == steps
    assert grown.steps[-1] == MONDAY + 40


def test_growth_by_a_quarter_is_a_step_of_its_own_after_a_fortnight():
    def steps(mask, first_day):
        return extend(opened(), detection(mask, first_day=first_day), today=first_day + 4).steps

    assert steps(box(10, 10, 5, 7), MONDAY + 30) == (MONDAY - 3, MONDAY + 30)
    assert steps(box(10, 10, 5, 6), MONDAY + 30) == (MONDAY - 3,), "five pixels more are not"
    assert steps(box(10, 10, 5, 7), MONDAY + 10) == (MONDAY - 3,), "nor what comes a week later"


def test_a_change_on_rebased_ground_is_a_step_however_small():
    event_state = extend(replace(confirmed(), rebased=True), detection(first_day=MONDAY + 50), today=MONDAY + 53)
    assert event_state.steps == (MONDAY - 3, MONDAY + 50)
    assert not event_state.rebased
    assert event_state.grown_day == MONDAY + 53
    assert event_state.state is State.CONFIRMED


def test_a_line_is_redrawn_not_heaped_up():
    line = opened(WALL, change=Change.FENCING, is_ridge=True, length_px=30.0, closure=0.1)
    shifted = detection(box(10, 8, 1, 30), change=Change.FENCING, is_ridge=True, length_px=31.0, closure=0.2, dates=5)
    redrawn = extend(line, shifted, today=MONDAY + 7)
    assert redrawn.mask == shifted.object.mask
    assert (redrawn.length_px, redrawn.closure, redrawn.dates) == (31.0, 0.2, 5)
    piece = detection(box(10, 5, 1, 12), change=Change.FENCING, is_ridge=True, length_px=12.0)
    kept = extend(line, piece, today=MONDAY + 7)
    assert kept.mask == WALL
    assert kept.length_px == 30.0
    assert kept.sighted_day == MONDAY + 7


# -- whose is it ----------------------------------------------------------------------------------------------------


def test_an_object_belongs_to_the_open_events_it_touches_oldest_first():
    event_states = (opened(box(0, 0, 3, 3)), opened(BLOCK), opened(box(17, 10, 3, 3)))
    assert owners_of(detection(box(15, 10, 1, 5)), enumerate(event_states), reach_px=2) == (1, 2)
    assert owners_of(detection(box(30, 30, 3, 3)), enumerate(event_states), reach_px=2) == ()


@pytest.mark.parametrize("event_state", [finished(), retracted()], ids=lambda t: t.state.value)
def test_an_event_that_is_over_takes_nothing_more(event_state):
    assert owners_of(detection(), [(0, event_state)], reach_px=2) == ()


def test_what_is_built_within_a_closed_wall_is_an_event_of_its_own():
    ring = box(10, 10, 12, 12) - box(12, 12, 8, 8)
    roof, rebuilt = detection(box(13, 13, 3, 3)), detection(box(10, 10, 2, 6))
    wall = confirmed(ring, change=Change.FENCING, length_px=44.0, closure=1.0)
    assert owners_of(roof, [(0, wall)], reach_px=2) == ()
    assert owners_of(rebuilt, [(0, wall)], reach_px=2) == (0,)
    assert owners_of(roof, [(0, replace(wall, closure=0.5))], reach_px=2) == (0,)


def test_building_and_pulling_down_are_two_events_and_a_line_a_third():
    event_states = (opened(), opened(WALL, change=Change.FENCING, is_ridge=True))
    assert owners_of(detection(change=Change.DEMOLITION), enumerate(event_states), reach_px=2) == ()
    assert owners_of(detection(), enumerate(event_states), reach_px=2) == (0,)
    assert owners_of(detection(WALL, change=Change.FENCING, is_ridge=True), enumerate(event_states), reach_px=2) == (1,)


# -- two that grow together -----------------------------------------------------------------------------------------

LEFT, RIGHT = box(10, 5, 5, 5), box(10, 14, 5, 5)


def test_the_older_takes_the_ground_of_the_younger():
    older, younger = merge_events(
        opened(LEFT), opened(RIGHT, scenes=("s1-b",), sensors=("sentinel-1",), dates=3), today=MONDAY + 7
    )
    assert older.mask == LEFT | RIGHT
    assert older.scenes == ("s1-b", "s2-a")
    assert older.sensors == ("sentinel-1", "sentinel-2")
    assert (older.dates, older.grown_day) == (3, MONDAY + 7)
    assert younger.merged_into == older.key
    assert not younger.is_open
    assert owners_of(detection(RIGHT), enumerate((older, younger)), reach_px=2) == (0,)


@pytest.mark.parametrize(
    ("younger", "into", "path"),
    [
        (opened(RIGHT), opened(LEFT), [State.PROVISIONAL]),
        (opened(RIGHT), retracted(LEFT), [State.PROVISIONAL, State.RETRACTED]),
        (opened(RIGHT), confirmed(LEFT), [State.PROVISIONAL, State.CONFIRMED, State.FINISHED]),
        (opened(RIGHT), finished(LEFT), [State.PROVISIONAL, State.CONFIRMED, State.FINISHED]),
        (confirmed(RIGHT), opened(LEFT), [State.PROVISIONAL, State.CONFIRMED, State.FINISHED]),
        (confirmed(RIGHT), retracted(LEFT), [State.PROVISIONAL, State.CONFIRMED, State.FINISHED]),
        (finished(RIGHT), retracted(LEFT), [State.PROVISIONAL, State.CONFIRMED, State.FINISHED]),
        (retracted(RIGHT), confirmed(LEFT), [State.PROVISIONAL, State.RETRACTED]),
    ],
    ids=lambda x: x.state.value if isinstance(x, EventState) else "",
)
def test_a_merged_event_shares_the_fate_of_the_other_and_takes_nothing_back(younger, into, path):
    merged = replace(younger, merged_into=into.key)
    moved = follow_merged(merged, into, today=MONDAY + 200)
    assert states(moved) == path
    assert (moved.confirmed_day is not None) == (State.CONFIRMED in path)
    assert states(follow_merged(moved, into, today=MONDAY + 300)) == path


# -- names ----------------------------------------------------------------------------------------------------------


def test_a_key_says_what_when_and_where():
    strength = FLAT.copy()
    strength[12, 13] = 3.0
    event_state = open_event(detection(), strength, today=MONDAY, taken=frozenset())
    assert event_state.key == "g20240531-12-13"
    assert opened(change=Change.DEMOLITION).key.startswith("l2024")
    assert opened(change=Change.FENCING, is_ridge=True).key.startswith("f2024")


def test_keys_are_unique():
    taken: frozenset[str] = frozenset()
    for _ in range(4):
        event_state = opened(taken=taken)
        assert event_state.key not in taken
        taken |= {event_state.key}
    assert len(taken) == 4


def test_a_key_does_not_depend_on_the_week_in_which_it_was_given():
    a, b = (open_event(detection(), FLAT, today=MONDAY + n, taken=frozenset()) for n in (0, 7))
    assert a.key == b.key


def test_footprints_leave_out_what_was_retracted():
    event_states = (opened(LEFT), retracted(RIGHT), finished(BLOCK))
    assert np.array_equal(ground_of_events(event_states, SHAPE), (LEFT | BLOCK).frame())
    assert not ground_of_events((), SHAPE).any()


def test_where_something_stood_is_remembered_after_the_evidence_is_gone():
    left, right = box(10, 10, 2, 2), box(12, 12, 2, 2)
    event_state = extend(confirmed(built=left), detection(built=right), today=MONDAY + 7)
    assert event_state.built == left | right
    assert extend(event_state, detection(), today=MONDAY + 14).built == left | right
    older, _ = merge_events(opened(built=left), opened(box(12, 12, 5, 5), built=right), today=MONDAY + 7)
    assert older.built == left | right
    assert extend(opened(built=left), detection(built=right), today=MONDAY + 7).built == right
