"""Which event is which: pure rules by which an event keeps its id although its detectors call it by another name.

Detectors name an event after where and when it was first seen. A replay with more or other scenes may see the same
clearing a week earlier, or strongest one pixel further, and so name it anew. Nobody is to hear of that as one event
withdrawn and another found.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, count

import shapely
from shapely.geometry.base import BaseGeometry

from detectors.records import Change, State
from flows.ledger.ids import double_id
from flows.records.events import EventRecord, EventsById
from flows.records.ids import EventId

SAME_GROUND = 0.5
"""Share of the smaller of two grounds that both hold, from which on they are one; chosen on 2026-11-24."""
SAME_TIME_DAYS = 60
"""How far apart the days may be on which one event is first seen; a late scene moves it by weeks, while the next change
on the same ground begins later. Chosen on 2026-11-24."""


@dataclass(frozen=True)
class Names:
    """By which ids the ledger knows the events of a recording.

    `own` leads from the id that detectors give to the ledger's. `kept` holds those that were matched by their ground,
    `split` those whose ground was part of an event that another one now continues: the ledger's id to that event's.
    """

    own: Mapping[EventId, EventId] = field(default_factory=dict)
    kept: Collection[EventId] = frozenset()
    split: Mapping[EventId, EventId] = field(default_factory=dict)


def names_of(
    given: EventsById,
    *,
    area_id: str,
    before: EventsById,
    current: EventsById,
    later: EventsById,
) -> Names:
    """Find the ledger's ids of the events that a recording of a week lists.

    An event goes on under the id that it had the week before (`before`), in an earlier recording of the week
    (`current`), or in one of a later week (`later`). One that the ledger never met takes the id of an unlisted one
    that held the same ground at the same time, the best match first; each id goes to one event only.
    """
    own = _carried(given, (before, current, later))
    known = {**later, **current, **before}
    strangers = sorted(given.keys() - own.keys())
    candidates = sorted(known.keys() - set(own.values()) - _closed(known, before)) if strangers else []
    pairs = _pairs({name: given[name] for name in strangers}, {name: known[name] for name in candidates})
    split: dict[EventId, EventId] = {}
    kept: set[EventId] = set()
    for _, _, candidate, stranger in pairs:
        if stranger not in own and candidate not in kept:
            own[stranger] = candidate
            kept.add(candidate)
    for stranger in strangers:
        if stranger not in own:
            own[stranger] = _free(area_id, stranger, {*own.values(), *known})
            former = next((candidate for _, _, candidate, name in pairs if name == stranger), None)
            split |= {own[stranger]: former} if former else {}
    return Names(own, frozenset(kept), split)


class Successors:
    """The listed events of a week, of which one may hold the ground of an event that is not listed."""

    def __init__(self, listed: EventsById) -> None:
        """Look among these, by id; nothing is measured before somebody asks."""
        self.listed = {name: one for name, one in listed.items() if one.state is not State.RETRACTED}

    @cached_property
    def _grounds(self) -> tuple[list[EventId], list[BaseGeometry], shapely.STRtree]:
        grounds = [_ground(event) for event in self.listed.values()]
        return list(self.listed), grounds, shapely.STRtree(grounds)

    def of(self, gone: EventRecord) -> EventId | None:
        """Find the event that holds most of the ground of one that is not listed; None if none holds half of it.

        It is a gain if that one was, and was first seen before it or soon after.
        """
        ground, found = _ground(gone), []
        names, grounds, tree = self._grounds
        for index in tree.query(ground, predicate="intersects"):
            event = self.listed[names[index]]
            share = ground.intersection(grounds[index]).area / (ground.area or 1.0)
            is_earlier = _days(event, gone) <= SAME_TIME_DAYS
            if share >= SAME_GROUND and is_earlier and _is_gain(event) is _is_gain(gone):
                found.append((-round(share, 6), names[index]))
        return min(found)[1] if found else None


def _carried(given: EventsById, tellings: tuple[EventsById, ...]) -> dict[EventId, EventId]:
    """The ids of those that go on, by the first telling that knows them; then of those that have their own back."""
    own: dict[EventId, EventId] = {}
    met = {name: event for known in reversed(tellings) for name, event in known.items()}
    for known in tellings:
        names = _carriers(known, met)
        taken = set(own.values())
        own |= {one: names[one] for one in given.keys() - own.keys() if one in names and names[one] not in taken}
    taken = set(own.values())
    return own | {one: one for one in given.keys() - own.keys() if one in met and one not in taken}


def _carriers(known: EventsById, met: EventsById) -> dict[EventId, EventId]:
    """What detectors call each event, with its first id; of one that was found again, what they called it last.

    `met` holds every event that the ledger knows, also where a replay has not come to it yet.
    """
    last: dict[EventId, tuple[int, EventId]] = {}
    for name, event in known.items():
        base, times = name, 0
        while (former := met[base].reopens) is not None:
            base, times = former, times + 1
        last[base] = max(last.get(base, (-1, base)), (times, event.detected_as or base))
    return {given: base for base, (_, given) in sorted(last.items())}


def _free(area_id: str, stranger: EventId, taken: Collection[EventId]) -> EventId:
    """The id of a new event: its own, or one that stands for it where that is in use."""
    doubles = (double_id(area_id, stranger, number) for number in count(1))
    return next(name for name in chain([stranger], doubles) if name not in taken)


def _closed(known: EventsById, before: EventsById) -> set[EventId]:
    """Events whose id nobody may take: those that were retracted by the week before, and those that came after one."""
    retracted = {name for name, event in before.items() if event.state is State.RETRACTED}
    return retracted | {name for name, event in known.items() if event.reopens is not None}


def _pairs(strangers: EventsById, candidates: EventsById) -> list[tuple[float, int, EventId, EventId]]:
    """Who may be whom: (minus the share of ground, days apart, candidate, stranger), the best first."""
    grounds = {name: _ground(event) for name, event in candidates.items()}
    names = list(grounds)
    tree = shapely.STRtree(list(grounds.values()))
    found = []
    for stranger, event in strangers.items():
        ground = _ground(event)
        for candidate in (names[index] for index in tree.query(ground, predicate="intersects")):
            other = candidates[candidate]
            smaller = min(ground.area, grounds[candidate].area) or 1.0
            share = ground.intersection(grounds[candidate]).area / smaller
            days = abs(_days(event, other))
            if share >= SAME_GROUND and days <= SAME_TIME_DAYS and _is_gain(event) is _is_gain(other):
                found.append((-round(share, 6), days, candidate, stranger))
    return sorted(found)


def _ground(event: EventRecord) -> BaseGeometry:
    return shapely.make_valid(event.ground)


def _days(one: EventRecord, other: EventRecord) -> int:
    """How many days after the other one was first seen."""
    return (one.first_seen - other.first_seen).days


def _is_gain(event: EventRecord) -> bool:
    return event.change is not Change.DEMOLITION
