"""Jobs run in processes, and on how many dates their events were confirmed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import replay
from rich.progress import track

Jobs = list[tuple[Any, ...]]


class Runner:
    """Runs the jobs of a section; `confirmed_on` grows by the dates behind every event that was confirmed."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self.confirmed_on: list[int] = []

    def __call__(self, work: Callable[..., Any], jobs: Jobs, what: str) -> list[Any]:
        """The results of every job, in order; the last of a job's arguments holds its keywords."""
        futures = [self._pool.submit(_with_dates, work, *job[:-1], **job[-1]) for job in jobs]
        done = [future.result() for future in track(futures, description=what)]
        self.confirmed_on += [n for _, dates in done for n in dates]
        return [result for result, _ in done]


def _with_dates(work: Callable[..., Any], *where: Any, **keywords: Any) -> tuple[Any, tuple[int, ...]]:
    replay.CONFIRMED_ON.clear()
    result = work(*where, **keywords)
    return result, tuple(replay.CONFIRMED_ON)
