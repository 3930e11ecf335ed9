# mypy: disable-error-code="no-any-return"
"""Times that mean something on a machine that others use too: ratios within one round, medians over rounds."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import median
from typing import Any

MIB = 2**20


@dataclass(frozen=True)
class Line:
    """A line of the table: what was measured, its figure in words, the goal, and whether it was met (None: no goal)."""

    what: str
    figure: str
    goal: str = ""
    is_met: bool | None = None

    def row(self) -> str:
        """The line in Markdown."""
        met = {None: "", True: "yes", False: "**no**"}[self.is_met]
        return f"| {self.what} | {self.figure} | {self.goal} | {met} |"


def ratio_line(what: str, rate: str, ratio: float, *, excellent: float, floor: float, at_most: bool = False) -> Line:
    """A ratio against its goals: at least `excellent`, or at most it."""
    goal = f"{'≤' if at_most else '≥'} {excellent:g} (floor {floor:g})"
    return Line(what, f"{rate}; {ratio:.3g}", goal, ratio <= excellent if at_most else ratio >= excellent)


def interleaved(works: Sequence[Callable[[], Any]], *, rounds: int) -> list[list[float]]:
    """Processor seconds of each work in each round, in turn, so that a busy moment meets all; once unmeasured."""
    for work in works:
        work()
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for mine, work in zip(times, works, strict=True):
            begun = time.process_time()
            work()
            mine.append(time.process_time() - begun)
    return times


def ratio(slow: Sequence[float], fast: Sequence[float]) -> float:
    """How many times as long the first took, the median of the rounds."""
    return median(a / b for a, b in zip(slow, fast, strict=True))


@dataclass(frozen=True)
class Spent:
    """What a piece of work in a process of its own took: seconds, its result, and memory in MiB."""

    seconds: float
    result: Any
    peak_mib: float
    before_mib: float


def in_a_process(work: Callable[..., Any], *given: Any) -> Spent:
    """Run `work` in a fresh process."""
    context = get_context("spawn")
    queue = context.Queue()
    child = context.Process(target=_child, args=(work, given, queue))
    child.start()
    spent = queue.get()
    child.join()
    if isinstance(spent, BaseException):
        raise spent
    return spent


def _child(work: Callable[..., Any], given: tuple[Any, ...], queue: Any) -> None:
    try:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        begun = time.perf_counter()
        result = work(*given)
        seconds = time.perf_counter() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        queue.put(Spent(seconds, result, peak, before))
    except BaseException as error:  # noqa: BLE001 - handed on to the parent, which raises it
        queue.put(error)
