"""One threshold over all grounds: how many changes are found before the first, fourth and ninth false object.

Every event is ranked by the confidence that it stated last, confirmed or not. A change is found at a threshold when the
events that reach it cover enough of it together; an event is false when it touches nothing that happened, on ground of
which that is known. Cases are those of `reliability`: seeds, and real grounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from cases import case
from ground_truth import COVERED
from grounds import is_in_time, run_ground, truth_on
from replay import watch
from scoring import Figure, share

from detectors.records import Event, State

GOALS = {1: "≥ 0.85", 4: "≥ 0.90", 9: "≥ 0.92"}
LEAST = 1e-9  # of a change, where any of it is enough


@dataclass(frozen=True)
class Ranked:
    """One watch: the confidence at which each change is found, 0 for never, and those of its false events."""

    source: str
    found_at: tuple[float, ...]
    false: tuple[float, ...]


def of_case(*where: Any, **keywords: Any) -> Ranked:
    """The ranks of one case of `cases`."""
    some = case(*where, **keywords)
    seen = watch(
        some.acquisitions, since=some.since, until=some.until, ground=some.ground, history_days=some.history_days
    )
    held = held_of(seen.events)
    found = [
        found_at(true.mask, [e for e in held if e.last_seen >= true.begins], share_of=max(some.least_share, LEAST))
        for true in some.changes
    ]
    false = [e.confidence for e in held if not (e.footprint.frame() & some.anything).any()]
    return Ranked("real series" if some.is_real else "drawn ground", tuple(found), tuple(false))


def of_ground(name: str) -> Ranked:
    """The ranks of one real ground."""
    outcome, events = run_ground(name)
    held = held_of(events)
    found = [
        found_at(change.mask, [e for e in held if is_in_time(e, change)], share_of=COVERED)
        for change in truth_on(name).changes
        if change.is_sure
    ]
    false = [fate.confidence for fate in outcome.false("held")]
    return Ranked("real grounds, truth drawn by eye", tuple(found), tuple(false))


def held_of(events: Sequence[Event]) -> list[Event]:
    """Events that were not taken back and did not go up into another."""
    return [e for e in events if e.state is not State.RETRACTED and e.merged_into is None]


def found_at(mask: np.ndarray, events: Sequence[Event], *, share_of: float) -> float:
    """The highest confidence at which the events that reach it cover such a share of a change; 0 where none do."""
    covered = np.zeros(int(mask.sum()), bool)
    for event in sorted(events, key=lambda e: -e.confidence):
        covered |= event.footprint.frame()[mask]
        if covered.mean() >= share_of:
            return event.confidence
    return 0.0


def figures(ranked: Sequence[Ranked]) -> list[Figure]:
    """Recall before the first, fourth and ninth false object, over everything and over each kind of ground."""
    kinds = dict.fromkeys(r.source for r in ranked)
    out = _lines("all grounds", ranked, GOALS)
    for kind in kinds:
        out += _lines(kind, [r for r in ranked if r.source == kind], dict.fromkeys(GOALS, ""))
    return out


def _lines(name: str, ranked: Sequence[Ranked], goals: dict[int, str]) -> list[Figure]:
    found = [at for r in ranked for at in r.found_at]
    out = []
    for false, goal in goals.items():
        threshold = threshold_for([p for r in ranked for p in r.false], false)
        hits = [at > threshold for at in found]
        why = f"{sum(hits)} of {len(hits)} at a confidence over {threshold:.2f}"
        out.append(share(f"{name}: recall at {false} false objects, one threshold", hits, goal, why=why))
    return out


def threshold_for(false: Sequence[float], allowed: int) -> float:
    """The confidence over which no more than so many events are false; 0 where there are no more in all."""
    ordered = sorted(false, reverse=True)
    return ordered[allowed] if len(ordered) > allowed else 0.0
