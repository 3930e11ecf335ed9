"""Which event is which: pure rules by which an event keeps its id although its detectors call it by another name.

Detectors name an event after where and when it was first seen. A replay with more or other scenes may see the same
clearing a week earlier, or strongest one pixel further, and so name it anew. Nobody is to hear of that as one event
withdrawn and another found.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import chain, count
from typing import Any

import shapely
from shapely.geometry import shape

from detectors.records import Change, State
from flows.ledger.event_content import Content
from flows.ledger.ids import double_id

DETECTED_AS = "detected_as"
"""Extra property of an event that its detectors now call by another id than its own."""
REOPENS = "reopens"
"""Extra property of an event that was found again after it had been retracted: the id it had before."""

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

    own: Mapping[str, str] = field(default_factory=dict)
    kept: Collection[str] = frozenset()
    split: Mapping[str, str] = field(default_factory=dict)


def names_of(
    given: Mapping[str, Content],
    *,
    area_id: str,
    before: Mapping[str, Content],
    current: Mapping[str, Content],
    later: Mapping[str, Content],
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
    split: dict[str, str] = {}
    kept: set[str] = set()
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

    def __init__(self, listed: Mapping[str, Content]) -> None:
        """Look among these, by id; nothing is measured before somebody asks."""
        self.listed = {name: one for name, one in listed.items() if one.state is not State.RETRACTED}

    @cached_property
    def _grounds(self) -> tuple[list[str], list[Any], shapely.STRtree]:
        grounds = [_ground(content) for content in self.listed.values()]
        return list(self.listed), grounds, shapely.STRtree(grounds)

    def of(self, gone: Content) -> str | None:
        """Find the event that holds most of the ground of one that is not listed; None if none holds half of it.

        It is a gain if that one was, and was first seen before it or soon after.
        """
        ground, found = _ground(gone), []
        names, grounds, tree = self._grounds
        for index in tree.query(ground, predicate="intersects"):
            content = self.listed[names[index]]
            share = ground.intersection(grounds[index]).area / (ground.area or 1.0)
            is_earlier = _days(content, gone) <= SAME_TIME_DAYS
            if share >= SAME_GROUND and is_earlier and _is_gain(content) is _is_gain(gone):
                found.append((-round(share, 6), names[index]))
        return min(found)[1] if found else None


def _carried(given: Mapping[str, Content], tellings: tuple[Mapping[str, Content], ...]) -> dict[str, str]:
    """The ids of those that go on, by the first telling that knows them; then of those that have their own back."""
    own: dict[str, str] = {}
    met = {name: content for known in reversed(tellings) for name, content in known.items()}
    for known in tellings:
        names = _carriers(known, met)
        taken = set(own.values())
        own |= {one: names[one] for one in given.keys() - own.keys() if one in names and names[one] not in taken}
    taken = set(own.values())
    return own | {one: one for one in given.keys() - own.keys() if one in met and one not in taken}


def _carriers(known: Mapping[str, Content], met: Mapping[str, Content]) -> dict[str, str]:
    """What detectors call each event, with its first id; of one that was found again, what they called it last.

    `met` holds every event that the ledger knows, also where a replay has not come to it yet.
    """
    last: dict[str, tuple[int, str]] = {}
    for name, content in known.items():
        base, times = name, 0
        while REOPENS in met[base].properties:
            base, times = met[base].properties[REOPENS], times + 1
        last[base] = max(last.get(base, (-1, "")), (times, content.properties.get(DETECTED_AS, base)))
    return {given: base for base, (_, given) in sorted(last.items())}


def _free(area_id: str, stranger: str, taken: Collection[str]) -> str:
    """The id of a new event: its own, or one that stands for it where that is in use."""
    doubles = (double_id(area_id, stranger, number) for number in count(1))
    return next(name for name in chain([stranger], doubles) if name not in taken)


def _closed(known: Mapping[str, Content], before: Mapping[str, Content]) -> set[str]:
    """Events whose id nobody may take: those that were retracted by the week before, and those that came after one."""
    retracted = {name for name, content in before.items() if content.state is State.RETRACTED}
    return retracted | {name for name, content in known.items() if REOPENS in content.properties}


def _pairs(strangers: Mapping[str, Content], candidates: Mapping[str, Content]) -> list[tuple[float, int, str, str]]:
    """Who may be whom: (minus the share of ground, days apart, candidate, stranger), the best first."""
    grounds = {name: _ground(content) for name, content in candidates.items()}
    names = list(grounds)
    tree = shapely.STRtree(list(grounds.values()))
    found = []
    for stranger, content in strangers.items():
        ground = _ground(content)
        for candidate in (names[index] for index in tree.query(ground, predicate="intersects")):
            other = candidates[candidate]
            smaller = min(ground.area, grounds[candidate].area) or 1.0
            share = ground.intersection(grounds[candidate]).area / smaller
            days = abs(_days(content, other))
            if share >= SAME_GROUND and days <= SAME_TIME_DAYS and _is_gain(content) is _is_gain(other):
                found.append((-round(share, 6), days, candidate, stranger))
    return sorted(found)


def _ground(content: Content) -> Any:
    return shapely.make_valid(shape(content.geometry))


def _days(one: Content, other: Content) -> int:
    """How many days after the other one was first seen."""
    first, second = (date.fromisoformat(content.properties["first_seen"]) for content in (one, other))
    return (first - second).days


def _is_gain(content: Content) -> bool:
    return bool(content.properties["change"] != Change.DEMOLITION)
