"""Jobs run in processes, and on how many dates their events were confirmed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import replay
import series
from left_out import LeftOut, OtherGround
from rich.progress import track

Jobs = list[tuple[Any, ...]]


class Runner:
    """Runs the jobs of a section; `confirmed_on` grows by the dates behind every event that was confirmed.

    With `left_out`, jobs that are not about one of its grounds or materials give no result, and the others are watched
    with parameters fitted without it.
    """

    def __init__(self, pool: Executor, *, left_out: LeftOut | None = None) -> None:
        self._pool, self.left_out = pool, left_out
        self.confirmed_on: list[int] = []

    def __call__(self, work: Callable[..., Any], jobs: Jobs, what: str) -> list[Any]:
        """The results of every job, in order; the last of a job's arguments holds its keywords."""
        futures = [self._pool.submit(_with_dates, self.left_out, work, *job[:-1], **job[-1]) for job in jobs]
        done = [future.result() for future in track(futures, description=what)]
        kept = [some for some in done if some is not None]
        self.confirmed_on += [n for _, dates in kept for n in dates]
        return [result for result, _ in kept]


def _with_dates(
    left_out: LeftOut | None, work: Callable[..., Any], *where: Any, **keywords: Any
) -> tuple[Any, tuple[int, ...]] | None:
    replay.CONFIRMED_ON.clear()
    series.READ.clear()
    replay.LEFT_OUT[:] = [left_out] if left_out else []
    try:
        result = work(*where, **keywords)
    except OtherGround:
        return None
    finally:
        replay.LEFT_OUT.clear()
    return result, tuple(replay.CONFIRMED_ON)
