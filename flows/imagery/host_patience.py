"""How often the hosts of one catalog may be slow or busy before they are left alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from flows.imagery.limits import Limits
from flows.imagery.network.retry import BusyError
from flows.imagery.scene import ImageryError

GIVEN_BACK_EVERY = 100  # answers in time that make up for one late one


class SlowError(ImageryError):
    """A server took longer than it may; asking again at once would not help."""


class TooOftenError(SlowError):
    """A catalog's hosts were slow so often that they are left alone until the next run."""


class HostPatience:
    """Counts late and busy answers of one catalog's hosts. Safe to use from several threads."""

    def __init__(self, limits: Limits, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with hosts of which nothing is known."""
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._late = self._in_time = self._busy = 0
        self._rests_until = 0.0

    def check(self) -> None:
        """Return where the hosts may be asked.

        Raises `TooOftenError` where they were late too often for this run, and `BusyError` while they are given a rest.
        """
        with self._lock:
            late, busy, rest_s = self._late, self._busy, self._rests_until - self._clock()
        if late >= self._limits.late:
            raise TooOftenError("its hosts were too slow too often in this run; the next run asks again")
        if busy >= self._limits.busy and rest_s > 0:
            words = f"its hosts were busy too often and are left alone for {max(1, round(rest_s))} s"
            raise BusyError(f"{words}; the next run asks again", wait_s=rest_s)

    def note_answer(self) -> None:
        """Count an answer that came in time, whatever it says."""
        with self._lock:
            self._in_time += 1
            if self._in_time % GIVEN_BACK_EVERY == 0:
                self._late = max(0, self._late - 1)

    def note_late(self) -> None:
        """Count an answer that did not come in time."""
        with self._lock:
            self._late += 1

    def note_busy(self) -> None:
        """Count an answer that asks to come again later; after too many in a row the hosts get a rest."""
        with self._lock:
            self._busy += 1
            self._rests_until = self._clock() + self._limits.longest_wait_s

    def note_success(self) -> None:
        """Forget that the hosts were busy."""
        with self._lock:
            self._busy = 0
