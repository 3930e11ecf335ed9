"""What of the archive is needed, on disk and in the object store, and the deletion of what is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from aois.area import Area
from aois.grid import grid_of
from flows.config.settings import Settings
from flows.imagery.archive.pruning import ArchivedFile, delete, files_of, prunable, shown_by
from flows.imagery.archive.remote_copy import Mirror
from flows.imagery.archive.store import grid_digest
from flows.imagery.scene import ImageryError
from flows.ledger.ledger import Ledger
from flows.ledger.worlds import World, world_of
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


def find_prunable(
    settings: Settings, ledger: Ledger, areas: Sequence[Area], *, before: date | None, most_bytes: int | None
) -> Pruning:
    """Find what may be deleted within the limits; nothing is deleted.

    Kept are the scenes that are evidence for an event or an alert, in every version; for every area of the watch list
    those of its source and grid that its watch rests on: from its history on, and all of them as long as it has not
    begun; all of an area that this record knows nothing of, and all of the other world, simulated or real, since what
    they are evidence for stands in another.
    """
    stored = {} if settings.archive_url is None else Mirror(settings.archive_url).sizes()
    files = files_of(settings.outputs / "archive", stored)
    is_needed = _needed(settings, ledger, areas)
    chosen = prunable(files, is_needed=is_needed, before=before, most_bytes=most_bytes)
    return Pruning(tuple(chosen), sum(file.size_bytes for file in files))


def limits_of(settings: Settings, *, today: date) -> tuple[date | None, int | None]:
    """Return the first day to keep and the most bytes to hold, by the settings; None where there is no limit."""
    days, size_gb = settings.archive_max_days, settings.archive_max_gb
    before = None if days is None else today - timedelta(days=days)
    return before, None if size_gb is None else round(size_gb * GB)


def words_of_limits(settings: Settings, ledger: Ledger, areas: Sequence[Area], *, today: date) -> str:
    """Tell a person what may go by the limits of the settings.

    Empty where nothing may, or nothing is limited.
    """
    before, most_bytes = limits_of(settings, today=today)
    if before is None and most_bytes is None:
        return ""
    try:
        found = find_prunable(settings, ledger, areas, before=before, most_bytes=most_bytes)
    except ImageryError as error:
        return f"archive: its limits cannot be checked: {error}"
    size = f"{found.freed_bytes / 1e6:.2f} of {found.all_bytes / 1e6:.2f} MB"
    told = f"archive: {len(found.files)} files, {size}, may go by the limits; `sitewatch archive prune` names them"
    return told if found.files else ""


def delete_files(settings: Settings, files: Sequence[ArchivedFile]) -> None:
    """Delete files from the object store and from the disk; a kill in between leaves some for the next time."""
    if settings.archive_url is not None:
        mirror = Mirror(settings.archive_url)
        for file in files:
            if not file.is_quarantined:
                mirror.delete(file.folder, file.path.name)
    delete(files)


def _needed(settings: Settings, ledger: Ledger, areas: Sequence[Area]) -> Callable[[ArchivedFile], bool]:
    evidence, recorded = _evidence(ledger), {observation.area_id for observation in ledger.observations()}
    listed = {area.id for area in areas}
    since = {_folder(area, settings): _history_from(area, settings, ledger) for area in areas}

    def is_needed(file: ArchivedFile) -> bool:
        if file.is_quarantined:
            return False
        is_watched = file.folder in since and file.day >= since[file.folder]
        is_another_s = file.area_id not in recorded | listed or _world_of(file) is not world_of(settings.source)
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


def _folder(area: Area, settings: Settings) -> str:
    return f"{area.id}/{settings.source}-{grid_digest(grid_of(area))}"


def _history_from(area: Area, settings: Settings, ledger: Ledger) -> date:
    first = min(ledger.chains(area.id), default=None)
    return date.min if first is None else first.first_day - timedelta(days=settings.history_days)
