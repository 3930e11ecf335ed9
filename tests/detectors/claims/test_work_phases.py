"""The clock of works: phases with their earliest and latest day, pauses, and works that no response stopped."""

from datetime import date, timedelta

from detectors.claims.work_phases import SMART_PHASES, PhaseSpan, WorkPhase, WorkSign, clock_of, never_stopped_after
from detectors.records import Change

SINCE = date(2025, 1, 6)
LOOKS = [SINCE + timedelta(days=10 * n) for n in range(80)]


def sign(change: Change, look: int) -> WorkSign:
    return WorkSign(change, LOOKS[look - 1], LOOKS[look])


def phases(*signs: WorkSign, today: int) -> list[WorkPhase]:
    return [s.phase for s in clock_of(signs, watched_since=SINCE, looks=LOOKS, today=LOOKS[today]).spans]


def test_a_site_goes_through_the_phases_of_smart_in_their_order():
    works = [sign(Change.CLEARING, 5), sign(Change.FENCING, 8), sign(Change.CONSTRUCTION, 11)]
    assert phases(*works, today=4) == [WorkPhase.NO_WORKS]
    assert phases(*works, today=6)[-1] is WorkPhase.GROUND_BROKEN
    assert phases(*works, today=12)[-1] is WorkPhase.STRUCTURES_RISING
    assert phases(*works, today=40) == list(SMART_PHASES)
    assert [SMART_PHASES[p] for p in phases(*works, today=40)] == [
        "No Activity",
        "Site Preparation",
        "Active Construction",
        "Post Construction",
    ]


def test_a_phase_has_the_days_that_the_looks_allow():
    clock = clock_of([sign(Change.CONSTRUCTION, 11)], watched_since=SINCE, looks=LOOKS, today=LOOKS[40])
    assert clock.spans[1] == PhaseSpan(WorkPhase.STRUCTURES_RISING, LOOKS[10], LOOKS[11])
    assert clock.present == PhaseSpan(WorkPhase.FINISHED, LOOKS[11], LOOKS[12])


def test_ground_that_is_broken_while_structures_rise_is_no_step_back():
    works = [sign(Change.CONSTRUCTION, 5), sign(Change.CLEARING, 7)]
    assert phases(*works, today=8) == [WorkPhase.NO_WORKS, WorkPhase.STRUCTURES_RISING]


def test_what_is_torn_down_is_being_taken_down():
    fallen = sign(Change.DEMOLITION, 5)
    assert phases(fallen, today=7)[-1] is WorkPhase.TAKEN_DOWN
    assert phases(fallen, today=40)[-1] is WorkPhase.NO_WORKS
    assert clock_of([fallen], watched_since=SINCE, looks=LOOKS, today=LOOKS[14]).paused_since is None


def test_a_pause_and_its_end_are_told():
    works = [sign(Change.CONSTRUCTION, 5), sign(Change.CONSTRUCTION, 15)]
    paused = clock_of(works, watched_since=SINCE, looks=LOOKS, today=LOOKS[12])
    assert (paused.paused_since, paused.resumed_on) == (LOOKS[5], None)
    resumed = clock_of(works, watched_since=SINCE, looks=LOOKS, today=LOOKS[16])
    assert (resumed.paused_since, resumed.resumed_on.latest) == (None, LOOKS[15])


def test_weeks_without_a_look_are_no_pause():
    works, seen = [sign(Change.CONSTRUCTION, 5)], LOOKS[:7]
    assert clock_of(works, watched_since=SINCE, looks=seen, today=LOOKS[40]).paused_since is None


def test_works_that_went_on_never_stopped_after_the_response():
    works = [sign(Change.CONSTRUCTION, n) for n in (5, 9, 13)]
    assert never_stopped_after(works, LOOKS[7], today=LOOKS[15])
    assert not never_stopped_after(works, LOOKS[7], today=LOOKS[30])
    assert not never_stopped_after(works[:1], LOOKS[7], today=LOOKS[15])
    assert not never_stopped_after([works[0], sign(Change.CONSTRUCTION, 20)], LOOKS[7], today=LOOKS[21])
