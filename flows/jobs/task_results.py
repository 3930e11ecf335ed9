"""What the tasks of a run came to, area by area."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from aois.area import Area

T = TypeVar("T")


def collect_results(
    areas: Sequence[Area], futures: Sequence[Any], kind: type[T]
) -> tuple[tuple[T, ...], dict[str, str]]:
    """Wait for the task of every area: the outcomes of those that are done, and why the others failed, by their id."""
    outcomes: list[T] = []
    failures: dict[str, str] = {}
    for area, future in zip(areas, futures, strict=True):
        future.wait()
        result = future.result(raise_on_failure=False)
        if isinstance(result, kind):
            outcomes.append(result)
        else:
            failures[area.id] = str(future.state.message)
    return tuple(outcomes), failures
