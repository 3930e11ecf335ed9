"""From what a source offers to what the archive holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aois.area import Area
from aois.grid import Grid
from flows.imagery.archive import Archive, ArchivedScene
from flows.imagery.scene import ImageryError, SceneRef
from flows.imagery.source import Source


@dataclass(frozen=True)
class FetchReport:
    """What a fetch came to: the ids of the scenes it put into the archive, and (id, reason) of those that failed."""

    fetched: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]


def missing(refs: Iterable[SceneRef], archived: Iterable[ArchivedScene]) -> list[SceneRef]:
    """The scenes that the archive does not hold yet, in the order given."""
    held = {entry.scene_id for entry in archived}
    return [ref for ref in refs if ref.scene_id not in held]


def fetch_missing(
    source: Source,
    archive: Archive,
    area: Area,
    grid: Grid,
    refs: Iterable[SceneRef],
    *,
    on_scene: Callable[[SceneRef], None],
) -> FetchReport:
    """Every scene that the archive lacked was fetched and put there, or failed and is reported.

    `on_scene` is called after each of them, for progress. A scene that fails does not stop the others.
    """
    fetched: list[str] = []
    failed: list[tuple[str, str]] = []
    for ref in missing(refs, archive.list(area.id, source.name, grid)):
        try:
            archive.put(area.id, source.name, grid, source.fetch(area, grid, ref))
            fetched.append(ref.scene_id)
        except ImageryError as error:
            failed.append((ref.scene_id, str(error)))
        on_scene(ref)
    return FetchReport(tuple(fetched), tuple(failed))
