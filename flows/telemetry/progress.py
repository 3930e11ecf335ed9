"""Progress of a run in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from aois.area import Area

T = TypeVar("T")
WORDS = {"fetch": "fetching scenes", "detect": "working through weeks", "done": "done", "failed": "failed"}
ENDS = ("done", "failed")


class Board:
    """One line an area: what is being done, how far it is. Plain lines where there is no terminal."""

    def __init__(self, areas: Sequence[Area]) -> None:
        """Lines for these areas, on standard error so that results can be piped."""
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.fields[area]}"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=False,
            disable=not self._console.is_terminal,
        )
        self._ended: set[str] = set()
        self._lines: dict[str, TaskID] = {
            a.id: self._progress.add_task("waiting", area=a.id, total=1, start=False) for a in areas
        }

    def __enter__(self) -> Board:
        """Show it."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last lines standing."""
        self._progress.stop()

    def follow(self, area_id: str, work: Callable[[Callable[[str, int, int], None]], T]) -> T:
        """Do one area's work with its line moving along."""
        outcome = "failed"
        try:
            result = work(lambda stage, done, total: self.tell(area_id, stage, done, total))
            outcome = "done"
            return result
        finally:
            self.tell(area_id, outcome, 0, 0)

    def tell(self, area_id: str, stage: str, done: int, total: int) -> None:
        """Move an area's line along; `done` and `failed` are its ends, and what comes after an end is not shown."""
        line, is_end = self._lines[area_id], stage in ENDS
        if area_id in self._ended:
            return
        self._progress.start_task(line)
        if not is_end:
            self._progress.update(line, description=WORDS[stage], completed=done, total=total)
            return
        self._ended.add(area_id)
        self._progress.update(line, description=WORDS[stage])
        if not self._console.is_terminal:
            self._console.print(f"{area_id}: {WORDS[stage]}", highlight=False)
