"""From what a source offers to what the archive holds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace

from aois.area import Area
from aois.grid import Grid
from flows.imagery.archive.quarantine import set_aside
from flows.imagery.archive.store import Archive
from flows.imagery.inventory import Completed, Revised, completed, missing, revised
from flows.imagery.network.quota import BudgetError
from flows.imagery.same_pass import is_same_pass
from flows.imagery.scene import ImageryError, Scene, SceneRef
from flows.imagery.scene_check import BadContentError, check_scene
from flows.imagery.source import Source

__all__ = ["FetchReport", "ToFetch", "fetch_missing", "missing", "to_fetch"]

TRIES_OF_CONTENT = 3  # what came damaged may come whole the next time

Outcome = Scene | ImageryError
SceneNotes = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class FetchReport:
    """What a fetch came to.

    The ids of the scenes it put into the archive, (id, reason) of those that failed, and (id, words) of those that
    the source offers in another version than the archive holds, and of those that were fetched again with tiles that
    came late.
    """

    fetched: tuple[str, ...]
    failed: SceneNotes
    revised: SceneNotes = ()
    completed: SceneNotes = ()


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
    """Every scene that the archive lacked, in whole or in part, was fetched and put there, or failed and is reported.

    Up to `parallel` are fetched at the same time and put into the archive in the order given. `on_scene` is called
    after each of them, for progress. A scene that fails does not stop the others; raises `BudgetError` when the run
    may spend no more, after what had come was archived.
    """
    work = _Work(source, archive, area, grid, on_scene, parallel)
    to_do = to_fetch(source.name, archive, area, grid, refs)
    fetched, failed = work.bring(to_do.missing, work.put)
    more, failed_more = work.bring([found.ref for found in to_do.completed], work.add)
    told = tuple((c.ref.scene_id, c.words) for c in to_do.completed if c.ref.scene_id in more)
    return FetchReport(tuple(fetched), (*failed, *failed_more), work.keep_revised(to_do), told)


@dataclass(frozen=True)
class ToFetch:
    """What of a search is to be fetched: what is missing, what has more tiles now, and new versions.

    Of the new versions in `revised`, those in `kept` stand in the archive already.
    """

    missing: tuple[SceneRef, ...]
    completed: tuple[Completed, ...]
    revised: tuple[Revised, ...]
    kept: tuple[Revised, ...]

    @property
    def refs(self) -> list[SceneRef]:
        """All that would be fetched."""
        new = [found.ref for found in self.revised if found not in self.kept]
        return [*self.missing, *(found.ref for found in self.completed), *new]


def to_fetch(source_name: str, archive: Archive, area: Area, grid: Grid, refs: Iterable[SceneRef]) -> ToFetch:
    """What a run would fetch of a search; nothing is."""
    found, held = list(refs), archive.list(area.id, source_name, grid)
    new = revised(found, held)

    def has(ref: SceneRef, name: str) -> bool:
        """True where a version of just these items is kept under that name."""
        versions = archive.versions(area.id, name, grid)
        return any(is_same_pass(v, ref) and set(v.items) == set(ref.item_ids) for v in versions)

    kept = [revision for revision in new if has(revision.ref, revised_name(source_name, revision.ref))]
    # One that is there and not in use was decided against.
    more = [late for late in completed(found, held) if not has(late.ref, source_name)]
    return ToFetch(tuple(missing(found, held)), tuple(more), tuple(new), tuple(kept))


def revised_name(source_name: str, ref: SceneRef) -> str:
    """The name under which the archive keeps a new version beside the old."""
    return f"{source_name}.revised-{ref.baseline or 'items'}"


@dataclass(frozen=True)
class _Work:
    """Fetching for one area."""

    source: Source
    archive: Archive
    area: Area
    grid: Grid
    on_scene: Callable[[SceneRef], None]
    parallel: int

    def bring(
        self, refs: Iterable[SceneRef], keep: Callable[[Scene], object]
    ) -> tuple[list[str], list[tuple[str, str]]]:
        """The scenes are fetched and kept; the ids of those that are, and (id, reason) of the others."""
        fetched: list[str] = []
        failed: list[tuple[str, str]] = []
        with closing(_in_order(refs, self.fetch, parallel=self.parallel)) as outcomes:
            for ref, outcome in outcomes:
                try:
                    keep(_scene(outcome))
                    fetched.append(ref.scene_id)
                except BudgetError:
                    raise
                except ImageryError as error:
                    failed.append((ref.scene_id, str(error)))
                self.on_scene(ref)
        return fetched, failed

    def put(self, scene: Scene) -> None:
        """The scene stands in the archive, where there was none."""
        self.archive.put(self.area.id, self.source.name, self.grid, scene)

    def add(self, scene: Scene) -> None:
        """The scene stands in the archive beside the version that has fewer tiles."""
        self.archive.add(self.area.id, self.source.name, self.grid, scene)

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

    def keep_revised(self, to_do: ToFetch) -> SceneNotes:
        """New versions of archived scenes stand beside them, under a source name of their own."""
        told = []
        for revision in to_do.revised:
            scene_id = revision.held.scene_id
            if revision not in to_do.kept:
                outcome = self.fetch(revision.ref)
                if isinstance(outcome, ImageryError):
                    told.append((scene_id, f"a new version could not be fetched: {outcome}"))
                    continue
                name = revised_name(self.source.name, revision.ref)
                self.archive.add(self.area.id, name, self.grid, replace(outcome, scene_id=scene_id))
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
