"""What the tasks of a run came to, area by area."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from aois.area import Area
from flows.printable import printable

T = TypeVar("T")


def collect_results(
    areas: Sequence[Area], futures: Sequence[Any], kind: type[T]
) -> tuple[tuple[T, ...], dict[str, str]]:
    """Wait for the task of every area: the outcomes of those that are done, and why the others failed, by their id."""
    outcomes: list[T] = []
    failures: dict[str, str] = {}
    for area, future in zip(areas, futures, strict=True):
        try:
            future.wait()
            result = future.result(raise_on_failure=False)
        except Exception as error:  # noqa: BLE001 - of the engine, not of the task: no other area is to wait for it
            failures[area.id] = _words_of(error)
            continue
        if isinstance(result, kind):
            outcomes.append(result)
        else:
            failures[area.id] = str(future.state.message)
    return tuple(outcomes), failures


def _words_of(error: Exception) -> str:
    """Why the engine could not work on an area."""
    if isinstance(error, BrokenProcessPool) or type(error).__name__ == "KilledWorker":  # the latter is Dask's
        return "the process that worked on it, or beside it, was killed; what is on record stands, so run it again"
    if type(error).__name__ == "NoWorkerError":  # Dask's too
        return "no process could be started to work on it; what is on record stands, so run it again"
    return f"the engine failed: {type(error).__name__}: {printable(error)}"
