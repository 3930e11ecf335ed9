"""Which archived files may go when the archive is too old or too large."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from flows.imagery.archive.quarantine import FOLDER as QUARANTINE
from flows.imagery.scene import ImageryError

_NAMED = re.compile(r"(?P<scene_id>.+)-[0-9a-f]{12}\.(tif|bin|json)")
_TIME = re.compile(r"_(\d{8})T\d{6}")


@dataclass(frozen=True)
class ArchivedFile:
    """A file of the archive: the area it shows, the folder of its source and grid, its scene, its day and its size.

    `path` is where it is on disk, or would be if it is in the object store alone. `folder` is relative to the archive,
    with slashes. `day` is that of the scene, where its name tells it, else that of the file.
    """

    path: Path
    area_id: str
    folder: str
    scene_id: str
    day: date
    size_bytes: int

    @property
    def is_quarantined(self) -> bool:
        """True for what was never let in."""
        return self.folder.startswith(f"{QUARANTINE}/")

    @property
    def shown(self) -> tuple[str, str]:
        """The area and the pass, whichever second and version of it this is."""
        return shown_by(self.area_id, self.scene_id)


def shown_by(area_id: str, scene_id: str) -> tuple[str, str]:
    """An area and a pass over it, which is a scene's id without the time of day."""
    return area_id, _TIME.sub(r"_\1", scene_id)


def files_of(root: Path, stored: Mapping[str, int] | None = None) -> list[ArchivedFile]:
    """Every scene and every quarantined file under an archive's root, in the order of their paths.

    `stored` are the files of an object store behind it, by their places under the root, with their bytes.
    """
    patterns = ("[!.]*/*/*.tif", f"{QUARANTINE}/*/*/*.bin", f"{QUARANTINE}/*/*/*.json")
    here = {path: _file(path, root) for pattern in patterns for path in root.glob(pattern)}
    there = {root / name: size for name, size in (stored or {}).items() if name.endswith(".tif")}
    away = {path: _file(path, root, size_bytes=size) for path, size in there.items() if path not in here}
    return [file for _, file in sorted((here | away).items())]


def prunable(
    files: Iterable[ArchivedFile],
    *,
    is_needed: Callable[[ArchivedFile], bool],
    before: date | None,
    most_bytes: int | None,
) -> list[ArchivedFile]:
    """The files to delete, oldest first: those not needed of a day before `before`, then, while the archive holds more
    than `most_bytes`, others that are not needed.

    What is needed is never among them, even where the archive stays larger than it should be.
    """
    all_files = list(files)
    spare = sorted((f for f in all_files if not is_needed(f)), key=lambda f: (f.day, str(f.path)))
    chosen = [f for f in spare if before is not None and f.day < before]
    left = sum(f.size_bytes for f in all_files) - sum(f.size_bytes for f in chosen)
    for file in spare[len(chosen) :]:
        if most_bytes is None or left <= most_bytes:
            break
        chosen.append(file)
        left -= file.size_bytes
    return chosen


def delete(files: Iterable[ArchivedFile]) -> None:
    """The files are gone; raises `ImageryError` at the first that cannot be deleted."""
    for file in files:
        try:
            file.path.unlink(missing_ok=True)
        except OSError as error:
            raise ImageryError(f"archived file {file.path} cannot be deleted ({error}); check its owner") from error


def _file(path: Path, root: Path, *, size_bytes: int | None = None) -> ArchivedFile:
    folder, named = path.parent.relative_to(root), _NAMED.fullmatch(path.name)
    scene_id = named["scene_id"] if named else path.stem
    area_id = folder.parts[1] if folder.parts[0] == QUARANTINE else folder.parts[0]
    size = path.stat().st_size if size_bytes is None else size_bytes
    return ArchivedFile(path, area_id, folder.as_posix(), scene_id, _day(path, scene_id), size)


def _day(path: Path, scene_id: str) -> date:
    """The day of the scene, else that of the file, else the last of all days: nobody knows how old it is."""
    told = _TIME.search(scene_id)
    if told:
        return datetime.strptime(told[1], "%Y%m%d").replace(tzinfo=UTC).date()
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date() if path.exists() else date.max
