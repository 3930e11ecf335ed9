"""From what a source offers to what the archive holds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace

from aois.area import Area
from aois.grid import Grid
from flows.imagery.archive import Archive
from flows.imagery.holding import missing, revised
from flows.imagery.metering import BudgetError
from flows.imagery.quarantine import set_aside
from flows.imagery.scene import ImageryError, Scene, SceneRef
from flows.imagery.scene_check import BadContentError, check_scene
from flows.imagery.source import Source

__all__ = ["FetchReport", "fetch_missing", "missing"]

TRIES_OF_CONTENT = 3  # what came damaged may come whole the next time

Outcome = Scene | ImageryError


@dataclass(frozen=True)
class FetchReport:
    """What a fetch came to.

    The ids of the scenes it put into the archive, (id, reason) of those that failed, and (id, words) of those that
    the source offers in another version than the archive holds.
    """

    fetched: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    revised: tuple[tuple[str, str], ...] = ()


def fetch_missing(
    source: Source,
    archive: Archive,
    area: Area,
    grid: Grid,
    refs: Iterable[SceneRef],
    *,
    on_scene: Callable[[SceneRef], None],
    parallel: int = 1,
) -> FetchReport:
    """Every scene that the archive lacked was fetched and put there, or failed and is reported.

    Up to `parallel` are fetched at the same time and put into the archive in the order given. `on_scene` is called
    after each of them, for progress. A scene that fails does not stop the others; raises `BudgetError` when the run
    may spend no more, after what had come was archived.
    """
    found, held = list(refs), archive.list(area.id, source.name, grid)
    fetched: list[str] = []
    failed: list[tuple[str, str]] = []
    work = _Work(source, archive, area, grid)
    with closing(_in_order(missing(found, held), work.fetch, parallel=parallel)) as outcomes:
        for ref, outcome in outcomes:
            try:
                archive.put(area.id, source.name, grid, _scene(outcome))
                fetched.append(ref.scene_id)
            except BudgetError:
                raise
            except ImageryError as error:
                failed.append((ref.scene_id, str(error)))
            on_scene(ref)
    return FetchReport(tuple(fetched), tuple(failed), work.keep_revised(found))


@dataclass(frozen=True)
class _Work:
    """Fetching for one area."""

    source: Source
    archive: Archive
    area: Area
    grid: Grid

    def fetch(self, ref: SceneRef) -> Outcome:
        """The scene, checked, or why there is none; what came damaged is set aside and asked for again."""
        for _ in range(TRIES_OF_CONTENT):
            try:
                scene = self.source.fetch(self.area, self.grid, ref)
                check_scene(scene, self.grid)
                return scene
            except BadContentError as error:
                last = error
                set_aside(self.archive.root, self.area.id, self.source.name, ref, error)
            except ImageryError as error:
                return error
        return ImageryError(f"{last}; {TRIES_OF_CONTENT} times, kept in the archive's .quarantine; ask the provider")

    def keep_revised(self, refs: list[SceneRef]) -> tuple[tuple[str, str], ...]:
        """New versions of archived scenes stand beside them, under a source name of their own."""
        told = []
        for revision in revised(refs, self.archive.list(self.area.id, self.source.name, self.grid)):
            name, scene_id = f"{self.source.name}.revised-{revision.ref.baseline}", revision.held.scene_id
            if not self.archive.has(self.area.id, name, self.grid, scene_id):
                outcome = self.fetch(revision.ref)
                if isinstance(outcome, ImageryError):
                    told.append((scene_id, f"a new version could not be fetched: {outcome}"))
                    continue
                self.archive.put(self.area.id, name, self.grid, replace(outcome, scene_id=scene_id))
            told.append((scene_id, revision.words))
        return tuple(told)


def _scene(outcome: Outcome) -> Scene:
    if isinstance(outcome, ImageryError):
        raise outcome
    return outcome


def _in_order(
    refs: Iterable[SceneRef], fetch: Callable[[SceneRef], Outcome], *, parallel: int
) -> Generator[tuple[SceneRef, Outcome], None, None]:
    """Each reference with its outcome, in order; never more than `parallel` fetched and not yet taken."""
    waiting: deque[tuple[SceneRef, Future[Outcome]]] = deque()
    with ThreadPoolExecutor(max_workers=parallel) as pool:
        try:
            for ref in refs:
                waiting.append((ref, pool.submit(fetch, ref)))
                if len(waiting) >= parallel:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _, future in waiting:
                future.cancel()
