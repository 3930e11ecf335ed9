"""What imagery costs: requests, processing units and bytes, foreseen, limited and counted."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from aois.grid import Grid
from flows.imagery.scene import ImageryError, SceneRef

MINUTE_S = 60.0


class BudgetError(ImageryError):
    """The run would spend more processing units than it may."""


@dataclass(frozen=True)
class Cost:
    """Requests, the provider's processing units, and bytes received."""

    requests: int = 0
    units: float = 0.0
    received_bytes: int = 0

    def __str__(self) -> str:
        """The figures in words."""
        units = f"{self.units:.2f} processing units, " if self.units else ""
        return f"{self.requests} requests, {units}{self.received_bytes / 1e6:.2f} MB"

    def __add__(self, other: Cost) -> Cost:
        """Both together."""
        return Cost(
            self.requests + other.requests, self.units + other.units, self.received_bytes + other.received_bytes
        )


@runtime_checkable
class Priced(Protocol):
    """A source that can say what a scene costs before it is fetched."""

    def price(self, grid: Grid, ref: SceneRef) -> Cost:
        """What fetching a scene of the last search costs when nothing goes wrong; bytes before compression."""
        ...


@runtime_checkable
class Metered(Protocol):
    """A source that counts what it spends."""

    @property
    def spent(self) -> Cost:
        """What was really spent, searches and repetitions included."""
        ...


class Meter:
    """Counts what is spent and stops before a budget of processing units is passed; for several threads."""

    def __init__(self, budget_units: float | None = None) -> None:
        """With a budget for the run, or none."""
        self._budget = budget_units
        self._spent = Cost()
        self._reserved = 0.0
        self._lock = threading.Lock()

    @property
    def spent(self) -> Cost:
        """Everything settled so far."""
        with self._lock:
            return self._spent

    def reserve(self, units: float) -> None:
        """Set aside units for a request about to be sent; raises `BudgetError` where they would pass the budget."""
        with self._lock:
            committed = self._spent.units + self._reserved
            if self._budget is not None and committed + units > self._budget:
                raise BudgetError(
                    f"the budget of {self._budget:g} processing units would be exceeded: {committed:.2f} are spent and "
                    f"the next request needs {units:.2f}; raise SITEWATCH_BUDGET_UNITS, or continue on another day: "
                    f"what was fetched is kept"
                )
            self._reserved += units

    def settle(self, reserved_units: float, spent: Cost) -> None:
        """What a request for which units were set aside has really cost."""
        with self._lock:
            self._reserved -= reserved_units
            self._spent += spent


class Limiter:
    """Lets through so many requests and processing units in any minute; for several threads of one process.

    The library `limits`, which counts logins, does not fit: it counts whole hits by the wall clock, and here units are
    fractions, both limits hold at once, and who is over a limit waits.
    """

    def __init__(
        self,
        requests_per_minute: int,
        units_per_minute: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Both limits hold at once; clock and sleep in seconds."""
        self._most = (requests_per_minute, units_per_minute)
        self._clock, self._sleep = clock, sleep
        self._recent: deque[tuple[float, int, float]] = deque()
        self._lock = threading.Lock()

    def wait_for(self, units: float = 0.0, *, requests: int = 1) -> None:
        """Return once so many requests of so many units may be sent; above a limit they go when they are alone."""
        while (wait_s := self._enter(units, requests)) > 0:
            self._sleep(wait_s)

    def _enter(self, units: float, requests: int) -> float:
        """0 and the requests are entered, or the seconds until another try is worth it."""
        with self._lock:
            now = self._clock()
            while self._recent and self._recent[0][0] <= now - MINUTE_S:
                self._recent.popleft()
            sent, used = (sum(entry[n] for entry in self._recent) for n in (1, 2))
            is_full = sent + requests > self._most[0] or used + units > self._most[1]
            if self._recent and is_full:
                return self._recent[0][0] + MINUTE_S - now
            self._recent.append((now, requests, units))
            return 0.0


def minutes_for(cost: Cost, *, requests_per_minute: int, units_per_minute: float, seconds_each: float) -> float:
    """How long a cost takes: what the quota or the answers' time allows, whichever is slower.

    `seconds_each` is the time of one answer divided by the number of downloads at the same time.
    """
    return max(
        cost.requests / requests_per_minute, cost.units / units_per_minute, cost.requests * seconds_each / MINUTE_S
    )
