"""How an event goes from one week to the next: pure rules, without a database.

A recording of a week lists the events that its detectors know. Set against the week before (`before`) and against an
earlier recording of the same week (`current`), each event gets one content for the week, or none. Because no rule looks
at anything later than its week, replaying the same recordings in order settles everything as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from aois.week import Week
from detectors.records import State, Transition
from flows.ledger.errors import LedgerError
from flows.ledger.event_identity import Names, Successors, names_of
from flows.ledger.growth_steps import measured_steps
from flows.ledger.ids import occurrence_id
from flows.ledger.types import canonical_json
from flows.records.event_json import geometry_of, stored_properties
from flows.records.events import DetectedEvent, EventRecord, EventsById, RemarkKind
from flows.records.ids import EventId

RANK = {State.PROVISIONAL: 0, State.CONFIRMED: 1, State.FINISHED: 2, State.RETRACTED: 3}
NOT_FOUND = "no longer found in this week"
NOT_FOUND_IN_REPLAY = "no longer found when earlier weeks were worked through again"
TAKEN_OVER = "its ground is now part of another event"


@dataclass(frozen=True)
class Remark:
    """What is said of an event beside its states: since which day, and about what."""

    kind: RemarkKind
    on: date
    about: str


@dataclass(frozen=True)
class Settled:
    """What a week says of one event: `event` is None where it is not known as early as that."""

    event_id: EventId
    event: EventRecord | None
    transitions: tuple[Transition, ...] = ()
    note: str = ""
    alert: bool = False
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True)
class Known:
    """The events of an area as the ledger has them, by id.

    `before` is the end of the week before, `current` the end of this week by an earlier recording of it, `later` the
    end of the latest week on record.
    """

    before: EventsById
    current: EventsById
    later: EventsById


def settle(events: Iterable[DetectedEvent], known: Known, *, week: Week, is_latest: bool) -> list[Settled]:
    """Decide what a recording of `week` makes of every event of its area, sorted by id.

    `is_latest` says that no later week was recorded. Raises `LedgerError` for an event that breaks the contract of
    `DetectedEvent`.
    """
    listed = _listed(list(events), known, week)
    successors = Successors({name: one.event for name, one in listed.items() if one.event is not None})
    missing = (known.before.keys() | known.current.keys()) - listed.keys()
    settled = [*listed.values(), *(_without(name, known, week, is_latest, successors) for name in missing)]
    return sorted(settled, key=lambda one: one.event_id)


def _listed(events: list[DetectedEvent], known: Known, week: Week) -> dict[EventId, Settled]:
    """The listed events by the ids under which they live."""
    for one in events:
        _check(one)
    given = {one.event.event_id: one.event for one in events}
    area_id = events[0].event.area_id if events else ""
    names = names_of(given, area_id=area_id, before=known.before, current=known.current, later=known.later)
    lives = {one: _occurrence(area_id, names.own[one], given[one].state, known.before) for one in given}
    settled = (_carry_on(one, lives, names, known, week) for one in events)
    return {one.event_id: one for one in settled}


def _carry_on(
    detected: DetectedEvent,
    lives: Mapping[EventId, tuple[EventId, EventId | None]],
    names: Names,
    known: Known,
    week: Week,
) -> Settled:
    """A listed event, never behind the state it had reached the week before."""
    given = detected.event
    name, previous = lives[given.event_id]
    earlier = known.before.get(name)
    days, whole = [step.on for step in given.steps], given.merged_into
    event = replace(
        given,
        event_id=name,
        reopens=previous,
        detected_as=None if names.own[given.event_id] == given.event_id else given.event_id,
        merged_into=lives[whole][0] if whole is not None and whole in lives else whole,
        steps=measured_steps(days, given.area_m2, earlier) if days else (),
        split_from=names.split.get(name) or (earlier or known.current.get(name) or given).split_from,
        is_simulated=False,  # rows do not say it: the scenes of the area do
    )
    remarks = _remarks(event, names, earlier, week)
    if earlier is None:
        return Settled(name, event, detected.transitions, alert=detected.alert, remarks=remarks)
    if RANK[given.state] < RANK[earlier.state]:
        event = replace(event, state=earlier.state, confirmed_on=earlier.confirmed_on)
    steps = tuple(step for step in detected.transitions if RANK[step.state] > RANK[earlier.state])
    return Settled(name, event, steps, alert=detected.alert, remarks=remarks)


def _remarks(event: EventRecord, names: Names, earlier: EventRecord | None, week: Week) -> tuple[Remark, ...]:
    """What a week says of a listed event beside its state; said again in a replay, it is the same remark."""
    name, whole = event.event_id, event.merged_into
    said = [
        Remark(RemarkKind.STEP, step.on, str(number)) for number, step in enumerate(event.steps, start=1) if number > 1
    ]
    if whole and (earlier is None or earlier.merged_into != whole):
        said.append(Remark(RemarkKind.MERGED, week.last_day, whole))
    if name in names.kept and event.detected_as is not None:
        said.append(Remark(RemarkKind.KEPT, week.last_day, event.detected_as))
    if name in names.split:
        said.append(Remark(RemarkKind.SPLIT, week.last_day, names.split[name]))
    return tuple(said)


def _occurrence(area_id: str, base: EventId, state: State, before: EventsById) -> tuple[EventId, EventId | None]:
    """The id under which a listed event lives now, and the one before it if it was retracted and found again.

    A retracted event stays so. When its detectors find it again it is a new event that names the old one: neither a
    step backwards nor something that nobody is told.
    """
    number, name = 1, base
    previous: EventId | None = None
    while name in before and before[name].state is State.RETRACTED:
        following = occurrence_id(area_id, base, number + 1)
        if state is State.RETRACTED and following not in before:
            break
        number, name, previous = number + 1, following, name
    return name, previous


def _without(name: EventId, known: Known, week: Week, is_latest: bool, successors: Successors) -> Settled:
    """An event that the recording does not list although the ledger knows it."""
    if name in known.before:
        event = known.before[name]
        is_over = event.state in (State.FINISHED, State.RETRACTED)
        return Settled(name, event) if is_over else _gone(event, week, NOT_FOUND, successors)
    recorded = known.current[name]
    if recorded.withdrawn == NOT_FOUND_IN_REPLAY:
        return Settled(name, recorded)
    if is_latest:
        return _gone(recorded, week, NOT_FOUND_IN_REPLAY, successors)
    return Settled(name, None)  # the replay may still meet it in a later week, as the same event


def _gone(event: EventRecord, week: Week, note: str, successors: Successors) -> Settled:
    """The event part of the one that has its ground now, or withdrawn where none has."""
    heir = None if event.state is State.RETRACTED else successors.of(event)
    if heir is None:
        return _retracted(event, week, note)
    is_open = {event.state, successors.listed[heir].state} == {State.PROVISIONAL}
    state = State.PROVISIONAL if is_open else State.FINISHED
    steps = () if event.state is state else (Transition(state, week.last_day, ""),)
    remarks = () if event.merged_into == heir else (Remark(RemarkKind.MERGED, week.last_day, heir),)
    taken_over = replace(event, state=state, merged_into=heir)
    return Settled(event.event_id, taken_over, steps, TAKEN_OVER, remarks=remarks)


def _retracted(event: EventRecord, week: Week, note: str) -> Settled:
    """The event withdrawn, from the last day of the week if it had not been before."""
    steps = () if event.state is State.RETRACTED else (Transition(State.RETRACTED, week.last_day, ""),)
    return Settled(event.event_id, replace(event, state=State.RETRACTED, withdrawn=note), steps, note)


def _check(detected: DetectedEvent) -> None:
    """Raise `LedgerError` for an event that the database could not give back, or whose life does not lead to it."""
    event = detected.event
    try:
        canonical_json([stored_properties(event), geometry_of(event.ground)])
    except (TypeError, ValueError) as error:
        raise LedgerError(
            f"event `{event.event_id}`: not JSON ({error}); pass plain numbers, texts and a geometry"
        ) from error
    steps = detected.transitions
    forward = all(a.on <= b.on and RANK[a.state] < RANK[b.state] for a, b in pairwise(steps))
    if not steps or not forward or steps[-1].state is not event.state:
        life = ", ".join(f"{step.state} {step.on}" for step in steps) or "none"
        raise LedgerError(
            f"event `{event.event_id}`: transitions ({life}) must lead forward in time and end in its state "
            f"`{event.state}`; correct the detector that gave them"
        )
