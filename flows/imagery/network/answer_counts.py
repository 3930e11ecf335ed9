"""How a provider answered: counted, so that one that gets worse shows before it fails."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable


class AnswerFault(StrEnum):
    """What can be wrong with an answer; a request that is tried again counts each time."""

    REFUSED = "refused"  # 4xx
    BUSY = "busy"  # 429, 503
    BROKEN = "broken"  # any other 5xx
    LATE = "late"  # slower than allowed
    LOST = "lost"  # not reached, or the connection broke
    ODD = "odd"  # 200 with a page for people, where data was asked for


@dataclass(frozen=True)
class AnswerCounts:
    """Requests that were sent, and how many of them ended in which fault.

    `clock_ahead_s` is by how much this machine's clock is ahead of the provider's, 0 where no answer said.
    """

    asked: int = 0
    refused: int = 0
    busy: int = 0
    broken: int = 0
    late: int = 0
    lost: int = 0
    odd: int = 0
    clock_ahead_s: float = 0.0

    @property
    def faults(self) -> int:
        """How many requests did not bring what was asked for."""
        return self.refused + self.busy + self.broken + self.late + self.lost + self.odd

    def __add__(self, other: AnswerCounts) -> AnswerCounts:
        """Both together; of two clocks the one that differs more."""
        return AnswerCounts(
            self.asked + other.asked,
            self.refused + other.refused,
            self.busy + other.busy,
            self.broken + other.broken,
            self.late + other.late,
            self.lost + other.lost,
            self.odd + other.odd,
            max(self.clock_ahead_s, other.clock_ahead_s, key=abs),
        )


@runtime_checkable
class Counted(Protocol):
    """A source that counts how its provider answers."""

    @property
    def provider(self) -> str:
        """The provider's name: its host, or that it is a catalog on disk; without secrets."""
        ...

    @property
    def answers(self) -> AnswerCounts:
        """How it has answered so far."""
        ...


class AnswerCounter:
    """Counts the answers of one provider. Safe to use from several threads."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._asked = 0
        self._faults: Counter[AnswerFault] = Counter()
        self._clock_ahead_s = 0.0

    def note(self, fault: AnswerFault | None = None) -> None:
        """Count a request, and what was wrong with its answer."""
        with self._lock:
            self._asked += 1
            if fault is not None:
                self._faults[fault] += 1

    def note_odd(self) -> None:
        """Add that an answer which was counted as good is none."""
        with self._lock:
            self._faults[AnswerFault.ODD] += 1

    def note_clock(self, ahead_s: float) -> None:
        """Keep by how much this machine's clock is ahead of the provider's."""
        with self._lock:
            self._clock_ahead_s = ahead_s

    @property
    def counts(self) -> AnswerCounts:
        """All so far."""
        with self._lock:
            faults = {fault.value: self._faults[fault] for fault in AnswerFault}
            return AnswerCounts(self._asked, **faults, clock_ahead_s=round(self._clock_ahead_s, 1))
