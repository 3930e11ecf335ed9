"""What of the archive is needed, and the deletion of what is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from aois.area import Area
from aois.grid import grid_of
from flows.imagery.archive import grid_digest
from flows.imagery.archive_mirror import Mirror
from flows.imagery.pruning import ArchivedFile, delete, files_of, prunable
from flows.ledger.ledger import Ledger
from flows.settings import Settings


@dataclass(frozen=True)
class Pruning:
    """What would go or went, of how much; bytes."""

    files: tuple[ArchivedFile, ...]
    all_bytes: int

    @property
    def freed_bytes(self) -> int:
        """The size of the files."""
        return sum(file.size_bytes for file in self.files)


def find_prunable(
    settings: Settings, ledger: Ledger, areas: Sequence[Area], *, before: date | None, most_bytes: int | None
) -> Pruning:
    """What may be deleted within the limits; nothing is.

    Kept are the scenes that are evidence for an event or an alert, and for every area of the watch list those of its
    source and grid that its watch rests on: from its history on, and all of them as long as it has not begun.
    """
    files = files_of(settings.outputs / "archive")
    is_needed = _needed(settings, ledger, areas)
    chosen = prunable(files, is_needed=is_needed, before=before, most_bytes=most_bytes)
    return Pruning(tuple(chosen), sum(file.size_bytes for file in files))


def delete_files(settings: Settings, files: Sequence[ArchivedFile]) -> None:
    """The files are gone from the object store and from the disk; a kill in between leaves some for the next time."""
    if settings.archive_url is not None:
        mirror = Mirror(settings.archive_url)
        for file in files:
            if not file.is_quarantined:
                mirror.delete(file.folder, file.path.name)
    delete(files)


def _needed(settings: Settings, ledger: Ledger, areas: Sequence[Area]) -> Callable[[ArchivedFile], bool]:
    evidence = _evidence(ledger)
    since = {_folder(area, settings): _history_from(area, settings, ledger) for area in areas}

    def is_needed(file: ArchivedFile) -> bool:
        if file.is_quarantined:
            return False
        is_watched = file.folder in since and file.day >= since[file.folder]
        return is_watched or (file.area_id, file.scene_id) in evidence

    return is_needed


def _evidence(ledger: Ledger) -> set[tuple[str, str]]:
    told = [feature["properties"] for feature in ledger.alerts()]
    for area_id in {observation.area_id for observation in ledger.observations()}:
        told += [feature["properties"] for feature in ledger.events(area_id)]
    return {(properties["area_id"], scene_id) for properties in told for scene_id in properties["scenes"]}


def _folder(area: Area, settings: Settings) -> str:
    return f"{area.id}/{settings.source}-{grid_digest(grid_of(area))}"


def _history_from(area: Area, settings: Settings, ledger: Ledger) -> date:
    first = min(ledger.chains(area.id), default=None)
    return date.min if first is None else first.first_day - timedelta(days=settings.history_days)
