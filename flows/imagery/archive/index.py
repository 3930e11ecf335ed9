"""The list of a folder's scenes: one line each in a file that is only ever added to, and can be built again."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from flows.imagery.archive.entry import ArchivedScene, entry_of
from flows.imagery.archive.geotiff import decode
from flows.imagery.archive.versions import ADOPTION_SUFFIX, Adoption, in_use, read_adoption
from flows.imagery.scene import ImageryError, Sensor

INDEX_NAME = "index.jsonl"


class Index:
    """The entries of one folder.

    The files are the truth, the index only saves opening them: a line torn by a kill is passed over, a line whose
    file is gone does not count, and a file without a line is read and gets one. A line is written before its file
    takes its name, so a kill in between leaves nothing that a later run would miss.
    """

    def __init__(self, folder: Path) -> None:
        """Of a folder that need not exist yet; nothing is read."""
        self._folder = folder
        self._path = folder / INDEX_NAME
        self._read_bytes = 0
        self._is_healed = False
        self._names: set[str] = set()
        self._of_scene: dict[str, list[ArchivedScene]] = {}
        self._adoptions: tuple[Adoption, ...] = ()
        self._lock = threading.Lock()

    def find(self, scene_id: str) -> ArchivedScene | None:
        """The entry of the scene's version in use, or None where no file holds the scene."""
        with self._lock:
            if not self._is_healed:
                self._heal()
            self._read_on()
            entries, adoptions = tuple(self._of_scene.get(scene_id, ())), self._adoptions
        there = in_use((entry for entry in entries if entry.path.exists()), adoptions)
        return there[0] if there else None

    def all(self) -> list[ArchivedScene]:
        """The version in use of every pass in the folder, sorted by (acquired, scene_id)."""
        return in_use(self.versions(), self._adoptions)

    def versions(self) -> list[ArchivedScene]:
        """Every version of every pass in the folder, sorted by (acquired, scene_id, SHA-256)."""
        with self._lock:
            names = self._heal()
            found = [entry for entries in self._of_scene.values() for entry in entries if entry.path.name in names]
        return sorted(found, key=lambda entry: (entry.acquired, entry.scene_id, entry.sha256))

    def adoptions(self) -> tuple[Adoption, ...]:
        """The decisions kept in the folder, in the order of their names."""
        with self._lock:
            self._heal()
            return self._adoptions

    def add(self, entry: ArchivedScene) -> None:
        """The entry's line stands in the index; the caller holds the folder's lock."""
        # The leading line break ends a line that a kill may have torn.
        with self._path.open("a", encoding="utf-8") as index:
            index.write("\n" + _line(entry) + "\n")

    def _heal(self) -> set[str]:
        """Every archived file in the folder has its entry; their names are returned."""
        names = {path.name for path in self._folder.iterdir()} if self._folder.is_dir() else set()
        decided = sorted(name for name in names if name.endswith(ADOPTION_SUFFIX))
        self._adoptions = tuple(read_adoption(self._folder / name) for name in decided)
        names = {name for name in names if name.endswith(".tif")}
        self._read_on()  # after the names: a file that has its name has its line already
        for name in sorted(names - self._names):
            entry = _entry_from_file(self._folder / name)
            self._take(entry)
            with suppress(OSError):  # an archive on a read-only disk is as good, only slower
                self.add(entry)
        self._is_healed = True
        return names

    def _read_on(self) -> None:
        """Take in the lines that were added since the last look."""
        size = self._path.stat().st_size if self._path.exists() else 0
        if size < self._read_bytes:  # the folder was cleared under our feet
            self._read_bytes = 0
        if size == self._read_bytes:
            return
        with self._path.open("rb") as index:
            index.seek(self._read_bytes)
            added = index.read()
        whole = added[: added.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        for entry in _entries(whole.splitlines(), self._folder):
            self._take(entry)

    def _take(self, entry: ArchivedScene) -> None:
        if entry.path.name not in self._names:
            self._names.add(entry.path.name)
            self._of_scene.setdefault(entry.scene_id, []).append(entry)


def _line(entry: ArchivedScene) -> str:
    said = {
        "file": entry.path.name,
        "scene_id": entry.scene_id,
        "sensor": entry.sensor,
        "acquired": entry.acquired.isoformat(),
        "sha256": entry.sha256,
        "baseline": entry.baseline,
        "items": entry.items,
    }
    return json.dumps(said, sort_keys=True)


def _entries(lines: Iterable[bytes], folder: Path) -> Iterable[ArchivedScene]:
    for line in lines:
        # Torn by a kill, or from before baselines or items were listed; its file, if there is one, is read instead.
        with suppress(ValueError, KeyError, TypeError):
            said = json.loads(line)
            yield ArchivedScene(
                scene_id=said["scene_id"],
                sensor=Sensor(said["sensor"]),
                acquired=datetime.fromisoformat(said["acquired"]),
                sha256=said["sha256"],
                path=folder / said["file"],
                baseline=said["baseline"],
                items=tuple(said["items"]),
            )


def _entry_from_file(path: Path) -> ArchivedScene:
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        entry = entry_of(decode(content, sha256=sha256).scene, path.parent, sha256=sha256)
    except ImageryError as error:
        raise ImageryError(f"{path} is not an archived scene: {error}; move it away") from error
    if entry.path != path:
        raise ImageryError(f"archived scene {path} does not have the content that its name says; move it away")
    return entry
