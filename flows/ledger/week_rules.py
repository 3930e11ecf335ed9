"""How an event goes from one week to the next: pure rules, without a database.

A recording of a week lists the events that its detectors know. Set against the week before (`before`) and against an
earlier recording of the same week (`current`), each event gets one content for the week, or none. Because no rule looks
at anything later than its week, replaying the same recordings in order settles everything as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from aois.week import Week
from detectors.records import State, Transition
from flows.ledger.errors import LedgerError
from flows.ledger.event_content import MERGED_INTO, STEPS, Content, measured_steps
from flows.ledger.event_identity import DETECTED_AS, REOPENS, Names, Successors, names_of
from flows.ledger.ids import occurrence_id
from flows.ledger.types import canonical_json
from flows.records.events import EVENT_PROPERTIES, EventRecord, RemarkKind

RANK = {State.PROVISIONAL: 0, State.CONFIRMED: 1, State.FINISHED: 2, State.RETRACTED: 3}
WITHDRAWN = "withdrawn"
"""Extra property of an event that the ledger retracted because its detectors no longer named it."""
SPLIT_FROM = "split_from"
"""Extra property of an event that a replay found on ground which had been part of another one."""
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
    """What a week says of one event: no content where the event is not known as early as that."""

    event_id: str
    content: Content | None
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

    before: Mapping[str, Content]
    current: Mapping[str, Content]
    later: Mapping[str, Content]


def settle(events: Iterable[EventRecord], known: Known, *, week: Week, is_latest: bool) -> list[Settled]:
    """Decide what a recording of `week` makes of every event of its area, sorted by id.

    `is_latest` says that no later week was recorded. Raises `LedgerError` for an event record that breaks the contract
    of `EventRecord`.
    """
    listed = _listed(list(events), known, week)
    contents = {name: one.content for name, one in listed.items() if one.content is not None}
    successors = Successors(contents)
    missing = (known.before.keys() | known.current.keys()) - listed.keys()
    settled = [*listed.values(), *(_without(name, known, week, is_latest, successors) for name in missing)]
    return sorted(settled, key=lambda one: one.event_id)


def _listed(events: list[EventRecord], known: Known, week: Week) -> dict[str, Settled]:
    """The listed events by the ids under which they live."""
    given = {event.event_id: _content(event) for event in events}
    area_id = events[0].area_id if events else ""
    names = names_of(given, area_id=area_id, before=known.before, current=known.current, later=known.later)
    lives = {one: _occurrence(area_id, names.own[one], given[one].state, known.before) for one in given}
    settled = (_carry_on(event, given[event.event_id], lives, names, known, week) for event in events)
    return {one.event_id: one for one in settled}


def _carry_on(
    event: EventRecord,
    given: Content,
    lives: Mapping[str, tuple[str, str]],
    names: Names,
    known: Known,
    week: Week,
) -> Settled:
    """A listed event, never behind the state it had reached the week before."""
    name, previous = lives[event.event_id]
    earlier = known.before.get(name)
    properties = {**given.properties, "event_id": name}
    if previous:
        properties[REOPENS] = previous
    if names.own[event.event_id] != event.event_id:
        properties[DETECTED_AS] = event.event_id
    if given.merged_into is not None and given.merged_into in lives:
        properties[MERGED_INTO] = lives[given.merged_into][0]
    if event.steps:
        properties[STEPS] = measured_steps(event.steps, properties["area_m2"], earlier)
    former = names.split.get(name) or (earlier or known.current.get(name) or given).properties.get(SPLIT_FROM)
    if former:
        properties[SPLIT_FROM] = former
    remarks = _remarks(name, Content(properties, given.geometry), names, earlier, week)
    if earlier is None:
        return Settled(name, Content(properties, given.geometry), event.transitions, alert=event.alert, remarks=remarks)
    if RANK[given.state] < RANK[earlier.state]:
        properties |= {key: earlier.properties[key] for key in ("state", "confirmed_on")}
    steps = tuple(step for step in event.transitions if RANK[step.state] > RANK[earlier.state])
    return Settled(name, Content(properties, given.geometry), steps, alert=event.alert, remarks=remarks)


def _remarks(name: str, content: Content, names: Names, earlier: Content | None, week: Week) -> tuple[Remark, ...]:
    """What a week says of a listed event beside its state; said again in a replay, it is the same remark."""
    said = [
        Remark(RemarkKind.STEP, date.fromisoformat(step["on"]), str(number))
        for number, step in enumerate(content.steps, start=1)
        if number > 1
    ]
    if content.merged_into and (earlier is None or earlier.merged_into != content.merged_into):
        said.append(Remark(RemarkKind.MERGED, week.last_day, content.merged_into))
    if name in names.kept:
        said.append(Remark(RemarkKind.KEPT, week.last_day, content.properties[DETECTED_AS]))
    if name in names.split:
        said.append(Remark(RemarkKind.SPLIT, week.last_day, names.split[name]))
    return tuple(said)


def _occurrence(area_id: str, base: str, state: State, before: Mapping[str, Content]) -> tuple[str, str]:
    """The id under which a listed event lives now, and the one before it if it was retracted and found again.

    A retracted event stays so. When its detectors find it again it is a new event that names the old one: neither a
    step backwards nor something that nobody is told.
    """
    number, name, previous = 1, base, ""
    while name in before and before[name].state is State.RETRACTED:
        following = occurrence_id(area_id, base, number + 1)
        if state is State.RETRACTED and following not in before:
            break
        number, name, previous = number + 1, following, name
    return name, previous


def _without(name: str, known: Known, week: Week, is_latest: bool, successors: Successors) -> Settled:
    """An event that the recording does not list although the ledger knows it."""
    if name in known.before:
        content = known.before[name]
        is_over = content.state in (State.FINISHED, State.RETRACTED)
        return Settled(name, content) if is_over else _gone(name, content, week, NOT_FOUND, successors)
    recorded = known.current[name]
    if recorded.properties.get(WITHDRAWN) == NOT_FOUND_IN_REPLAY:
        return Settled(name, recorded)
    if is_latest:
        return _gone(name, recorded, week, NOT_FOUND_IN_REPLAY, successors)
    return Settled(name, None)  # the replay may still meet it in a later week, as the same event


def _gone(name: str, content: Content, week: Week, note: str, successors: Successors) -> Settled:
    """The event part of the one that has its ground now, or withdrawn where none has."""
    heir = None if content.state is State.RETRACTED else successors.of(content)
    if heir is None:
        return _retracted(name, content, week, note)
    is_open = {content.state, successors.listed[heir].state} == {State.PROVISIONAL}
    state = State.PROVISIONAL if is_open else State.FINISHED
    properties = {**content.properties, "state": state.value, MERGED_INTO: heir}
    steps = () if content.state is state else (Transition(state, week.last_day, ""),)
    remarks = () if content.merged_into == heir else (Remark(RemarkKind.MERGED, week.last_day, heir),)
    return Settled(name, Content(properties, content.geometry), steps, TAKEN_OVER, remarks=remarks)


def _retracted(name: str, content: Content, week: Week, note: str) -> Settled:
    """The event withdrawn, from the last day of the week if it had not been before."""
    properties = {**content.properties, "state": State.RETRACTED.value, WITHDRAWN: note}
    steps = () if content.state is State.RETRACTED else (Transition(State.RETRACTED, week.last_day, ""),)
    return Settled(name, Content(properties, content.geometry), steps, note)


def _content(event: EventRecord) -> Content:
    """An event record checked, and as it will come back from the database."""
    properties = {**event.properties, "event_id": event.event_id, "area_id": event.area_id}
    missing = [name for name in EVENT_PROPERTIES if name not in properties]
    if missing:
        raise LedgerError(
            f"event `{event.event_id}`: properties lack {', '.join(missing)}; give all of them, null if unknown"
        )
    try:
        content = Content(*json.loads(canonical_json([properties, event.geometry])))
    except (TypeError, ValueError) as error:
        raise LedgerError(
            f"event `{event.event_id}`: not JSON ({error}); pass plain numbers, texts and lists"
        ) from error
    _check_life(event, content.properties["state"])
    return content


def _check_life(event: EventRecord, state: str) -> None:
    """Raise `LedgerError` unless the transitions lead forward to the event's state."""
    steps = event.transitions
    forward = all(a.on <= b.on and RANK[a.state] < RANK[b.state] for a, b in pairwise(steps))
    if not steps or not forward or steps[-1].state != state:
        life = ", ".join(f"{step.state} {step.on}" for step in steps) or "none"
        raise LedgerError(
            f"event `{event.event_id}`: transitions ({life}) must lead forward in time and end in its state `{state}`; "
            "correct the detector that gave them"
        )
