"""What happened at a place, in the order of time: its events and what authorities did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from aois.area import Area, Response
from detectors.records import State
from flows.reports.case import Case


@dataclass(frozen=True)
class HistoryEntry:
    """One day's entry: either an official response, or a case that came into a state (first seen: provisional)."""

    day: date
    response: Response | None = None
    case: Case | None = None
    state: State | None = None


def history_of(area: Area, cases: Iterable[Case]) -> tuple[HistoryEntry, ...]:
    """Every response, and every state that a case reached, oldest first."""
    entries = [HistoryEntry(response.date, response=response) for response in area.responses]
    for case in cases:
        entries.append(HistoryEntry(case.facts.first_seen, case=case, state=State.PROVISIONAL))
        reached = {step.state: step.on for step in case.steps}
        if case.facts.confirmed_on is not None:
            reached[State.CONFIRMED] = case.facts.confirmed_on
        entries += [HistoryEntry(day, case=case, state=s) for s, day in reached.items() if s is not State.PROVISIONAL]
    return tuple(sorted(entries, key=_order))


def _order(entry: HistoryEntry) -> tuple[date, bool, int, str]:
    rank = list(State).index(entry.state) if entry.state is not None else 0
    return entry.day, entry.case is not None, rank, entry.case.anchor if entry.case is not None else ""
