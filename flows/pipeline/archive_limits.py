"""What of the archive is needed, on disk and in the object store, and the deletion of what is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from aois.area import Area
from aois.grid import grid_of
from flows.imagery.archive.pruning import ArchivedFile, delete, files_of, prunable, shown_by
from flows.imagery.archive.store import Archive, grid_digest
from flows.imagery.scene import ImageryError
from flows.ledger.ledger import Ledger
from flows.ledger.worlds import World, world_of
from flows.pipeline.area_replay import Stores
from flows.records.events import EventRecord

GB = 1e9


@dataclass(frozen=True)
class Pruning:
    """What would go or went, of how much; bytes."""

    files: tuple[ArchivedFile, ...]
    all_bytes: int

    @property
    def freed_bytes(self) -> int:
        """Return the size of the files, bytes."""
        return sum(file.size_bytes for file in self.files)


def find_prunable(stores: Stores, areas: Sequence[Area], *, before: date | None, most_bytes: int | None) -> Pruning:
    """Find what may be deleted within the limits; nothing is deleted.

    Kept are the scenes that are evidence for an event or an alert, in every version; for every area of the watch list
    those of its source and grid that its watch rests on: from its history on, and all of them as long as it has not
    begun; all of an area that this record knows nothing of, and all of the other world, simulated or real, since what
    they are evidence for stands in another.
    """
    archive = stores.archive
    files = files_of(archive.root, {} if archive.mirror is None else archive.mirror.sizes())
    is_needed = _needed(stores, areas)
    chosen = prunable(files, is_needed=is_needed, before=before, most_bytes=most_bytes)
    return Pruning(tuple(chosen), sum(file.size_bytes for file in files))


def limits_of(days: int | None, size_gb: float | None, *, today: date) -> tuple[date | None, int | None]:
    """Return the first day to keep and the most bytes to hold; None where there is no limit."""
    before = None if days is None else today - timedelta(days=days)
    return before, None if size_gb is None else round(size_gb * GB)


def words_of_limits(stores: Stores, areas: Sequence[Area], limits: tuple[date | None, int | None]) -> str:
    """Tell a person what may go by the limits (`limits_of`).

    Empty where nothing may, or nothing is limited.
    """
    before, most_bytes = limits
    if before is None and most_bytes is None:
        return ""
    try:
        found = find_prunable(stores, areas, before=before, most_bytes=most_bytes)
    except ImageryError as error:
        return f"archive: its limits cannot be checked: {error}"
    size = f"{found.freed_bytes / 1e6:.2f} of {found.all_bytes / 1e6:.2f} MB"
    told = f"archive: {len(found.files)} files, {size}, may go by the limits; `sitewatch archive prune` names them"
    return told if found.files else ""


def delete_files(archive: Archive, files: Sequence[ArchivedFile]) -> None:
    """Delete files from the object store and from the disk; a kill in between leaves some for the next time."""
    if archive.mirror is not None:
        for file in files:
            if not file.is_quarantined:
                archive.mirror.delete(file.folder, file.path.name)
    delete(files)


def _needed(stores: Stores, areas: Sequence[Area]) -> Callable[[ArchivedFile], bool]:
    ledger = stores.ledger
    evidence, recorded = _evidence(ledger), {observation.area_id for observation in ledger.observations()}
    listed = {area.id for area in areas}
    since = {_folder(area, stores.source_name): _history_from(area, stores) for area in areas}

    def is_needed(file: ArchivedFile) -> bool:
        if file.is_quarantined:
            return False
        is_watched = file.folder in since and file.day >= since[file.folder]
        is_another_s = file.area_id not in recorded | listed or _world_of(file) is not world_of(stores.source_name)
        return is_watched or is_another_s or file.shown in evidence

    return is_needed


def _evidence(ledger: Ledger) -> set[tuple[str, str]]:
    """The areas and passes that events and alerts rest on."""
    told: list[EventRecord] = [*ledger.alerts()]
    for area_id in {observation.area_id for observation in ledger.observations()}:
        told += ledger.events(area_id)
    return {shown_by(event.area_id, scene_id) for event in told for scene_id in event.scenes}


def _world_of(file: ArchivedFile) -> World:
    """By the name of its folder: the area's, then the source's with a point or a dash behind it."""
    source = re.split(r"[.-]", file.folder.split("/")[1])[0]
    return world_of(source)


def _folder(area: Area, source_name: str) -> str:
    return f"{area.id}/{source_name}-{grid_digest(grid_of(area))}"


def _history_from(area: Area, stores: Stores) -> date:
    first = min(stores.ledger.chains(area.id), default=None)
    return date.min if first is None else first.first_day - timedelta(days=stores.history_days)
