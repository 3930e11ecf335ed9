"""How an event goes from one week to the next: pure rules, without a database.

A recording of a week lists the events that its detectors know. Set against the week before (`before`) and against an
earlier recording of the same week (`current`), each event gets one content for the week, or none. Because no rule looks
at anything later than its week, replaying the same recordings in order settles everything as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from aois.week import Week
from detectors.records import State, Transition
from flows.ledger.errors import LedgerError
from flows.ledger.ids import occurrence_id
from flows.ledger.records import EVENT_PROPERTIES, EventRecord
from flows.ledger.types import canonical_json

RANK = {State.PROVISIONAL: 0, State.CONFIRMED: 1, State.FINISHED: 2, State.RETRACTED: 3}
WITHDRAWN = "withdrawn"
"""Extra property of an event that the ledger retracted because its detectors no longer named it."""
NOT_FOUND = "no longer found in this week"
NOT_FOUND_IN_REPLAY = "no longer found when earlier weeks were worked through again"


@dataclass(frozen=True)
class Content:
    """What is known of an event in a week, as JSON."""

    properties: dict[str, Any]
    geometry: dict[str, Any]

    @property
    def state(self) -> State:
        """Its state in that week."""
        return State(self.properties["state"])


@dataclass(frozen=True)
class Settled:
    """What a week says of one event: no content where the event is not known as early as that."""

    event_id: str
    content: Content | None
    transitions: tuple[Transition, ...] = ()
    note: str = ""
    alert: bool = False


def settle(
    events: Iterable[EventRecord],
    *,
    before: Mapping[str, Content],
    current: Mapping[str, Content],
    week: Week,
    is_latest: bool,
) -> list[Settled]:
    """What a recording of `week` makes of every event of its area, sorted by id.

    `before` and `current` hold the events known at the end of the week before and, from an earlier recording, of this
    one; `is_latest` says that no later week was recorded. Raises `LedgerError` for an event record that breaks the
    contract of `EventRecord`.
    """
    listed = {settled.event_id: settled for settled in (_carry_on(event, before) for event in events)}
    missing = (before.keys() | current.keys()) - listed.keys()
    settled = [*listed.values(), *(_without(name, before, current, week, is_latest) for name in missing)]
    return sorted(settled, key=lambda one: one.event_id)


def _carry_on(event: EventRecord, before: Mapping[str, Content]) -> Settled:
    """A listed event, never behind the state it had reached the week before."""
    given = _content(event)
    name, previous = _occurrence(event, given.state, before)
    properties = {**given.properties, "event_id": name}
    if name != event.event_id:
        properties["reopens"] = previous
    earlier = before.get(name)
    if earlier is None:
        return Settled(name, Content(properties, given.geometry), event.transitions, alert=event.alert)
    if RANK[given.state] < RANK[earlier.state]:
        properties |= {key: earlier.properties[key] for key in ("state", "confirmed_on")}
    steps = tuple(step for step in event.transitions if RANK[step.state] > RANK[earlier.state])
    return Settled(name, Content(properties, given.geometry), steps, alert=event.alert)


def _occurrence(event: EventRecord, state: State, before: Mapping[str, Content]) -> tuple[str, str]:
    """The id under which a listed event lives now, and the one before it.

    A retracted event stays so. When its detectors find it again it is a new event that names the old one: neither a
    step backwards nor something that nobody is told.
    """
    number, name, previous = 1, event.event_id, ""
    while name in before and before[name].state is State.RETRACTED:
        following = occurrence_id(event.area_id, event.event_id, number + 1)
        if state is State.RETRACTED and following not in before:
            break
        number, name, previous = number + 1, following, name
    return name, previous


def _without(
    name: str, before: Mapping[str, Content], current: Mapping[str, Content], week: Week, is_latest: bool
) -> Settled:
    """An event that the recording does not list although the ledger knows it."""
    if name in before:
        is_over = before[name].state in (State.FINISHED, State.RETRACTED)
        return Settled(name, before[name]) if is_over else _retracted(name, before[name], week, NOT_FOUND)
    recorded = current[name]
    if recorded.properties.get(WITHDRAWN) == NOT_FOUND_IN_REPLAY:
        return Settled(name, recorded)
    if is_latest:
        return _retracted(name, recorded, week, NOT_FOUND_IN_REPLAY)
    return Settled(name, None)  # the replay may still meet it in a later week, as the same event


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
