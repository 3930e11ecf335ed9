"""The write-once archive: scenes as they were received, for every rerun and for every doubt."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

from aois.grid import Grid
from flows.imagery.archive_file import decode, encode
from flows.imagery.archive_index import ArchivedScene, Index, checked_content, entry_of
from flows.imagery.archive_mirror import Mirror
from flows.imagery.scene import ImageryError, Scene

__all__ = ["Archive", "ArchivedScene"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
INCOMING_NAME = ".incoming.tmp"  # one a folder: who writes holds the folder's lock, so what is there is stale
LOCK_NAME = ".lock"


class Archive:
    """Scenes by area, source and grid: ``<root>/<area_id>/<source>-<digest of the grid>/<scene_id>-<sha>.tif``.

    A scene id is written once and for all. Several threads and processes may share one root. With a mirror, each
    folder is brought level with the object store when it is first used, and every new scene goes there too.
    """

    def __init__(self, root: Path, mirror: Mirror | None = None) -> None:
        """Of a root folder that need not exist yet."""
        self._root = root
        self._mirror = mirror
        self._level: dict[Path, threading.Lock] = {}
        self._indexes: dict[Path, Index] = {}
        self._lock = threading.Lock()

    @property
    def root(self) -> Path:
        """The folder that holds everything."""
        return self._root

    def put(self, area_id: str, source_name: str, grid: Grid, scene: Scene) -> Scene:
        """The scene stands in the archive and is returned as read back from it.

        Where the archive holds the scene's id already, nothing is written and the scene that is there is returned,
        whatever its content. Raises `ImageryError` when the scene does not fit the grid or cannot be stored.
        """
        folder, index = self._folder(area_id, source_name, grid)
        _check_name("scene id", scene.scene_id)
        if index.find(scene.scene_id) is None:
            content = encode(scene, grid)
            with _locked(folder):
                if index.find(scene.scene_id) is None:  # nobody else put it there meanwhile
                    entry = _store(content, scene, folder, index)
                    self._copy(entry.path, content)
        return self.get(area_id, source_name, grid, scene.scene_id)

    def get(self, area_id: str, source_name: str, grid: Grid, scene_id: str) -> Scene:
        """The scene as it was archived; raises `ImageryError` when it is not there, or its file is damaged."""
        folder, index = self._folder(area_id, source_name, grid)
        entry = index.find(scene_id)
        if entry is None:
            raise ImageryError(f"scene `{scene_id}` is not in the archive at {folder}; fetch it first")
        archived = decode(checked_content(entry), sha256=entry.sha256)
        if archived.grid != grid:
            raise ImageryError(f"archived scene {entry.path} lies on another grid, {archived.grid}; move it away")
        return archived.scene

    def has(self, area_id: str, source_name: str, grid: Grid, scene_id: str) -> bool:
        """True where the archive holds the scene; the file is not opened."""
        return self._folder(area_id, source_name, grid)[1].find(scene_id) is not None

    def list(self, area_id: str, source_name: str, grid: Grid) -> list[ArchivedScene]:
        """The archived scenes, sorted by (acquired, scene_id), from the index alone."""
        return self._folder(area_id, source_name, grid)[1].all()

    def _folder(self, area_id: str, source_name: str, grid: Grid) -> tuple[Path, Index]:
        _check_name("area id", area_id)
        _check_name("source", source_name)
        folder = self._root / area_id / f"{source_name}-{grid_digest(grid)}"
        self._bring_level(folder)
        with self._lock:
            return folder, self._indexes.setdefault(folder, Index(folder))

    def _bring_level(self, folder: Path) -> None:
        """Folder and object store hold the same files; once for each folder, whatever a kill left undone."""
        if self._mirror is None:
            return
        with self._lock:
            turn = self._level.setdefault(folder, threading.Lock())
        with turn:
            if folder not in self._indexes:
                there, here = self._mirror.names(self._key(folder)), {path.name for path in folder.glob("*.tif")}
                for name in sorted(there - here):
                    _take_in(folder / name, self._mirror.get(self._key(folder), name))
                for name in sorted(here - there):
                    self._copy(folder / name, (folder / name).read_bytes())

    def _copy(self, path: Path, content: bytes) -> None:
        if self._mirror is not None:
            self._mirror.put(self._key(path.parent), path.name, content)

    def _key(self, folder: Path) -> str:
        return folder.relative_to(self._root).as_posix()


@lru_cache(maxsize=256)
def grid_digest(grid: Grid) -> str:
    """Eight hexadecimal digits that tell one grid from another."""
    return hashlib.sha256(json.dumps(asdict(grid), sort_keys=True).encode()).hexdigest()[:8]


def _check_name(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ImageryError(f"{what} `{name}` cannot name a file; use letters, digits, `.`, `_` and `-`")


def _take_in(path: Path, content: bytes) -> None:
    """A file of the object store stands in its folder; the index finds it there."""
    with _locked(path.parent):
        try:
            _write(path.with_name(INCOMING_NAME), content)
            path.with_name(INCOMING_NAME).replace(path)
        except OSError as error:
            raise ImageryError(f"archived scene {path} cannot be written ({error}); free space") from error


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _store(content: bytes, scene: Scene, folder: Path, index: Index) -> ArchivedScene:
    """The content has its name in the folder, whole, or not at all; its entry is returned.

    The folder itself is not flushed: if the power fails, the name may be lost but never half a file behind it, and a
    lost scene is fetched again.
    """
    entry = entry_of(scene, folder, sha256=hashlib.sha256(content).hexdigest())
    incoming = folder / INCOMING_NAME
    try:
        _write(incoming, content)
        index.add(entry)
        incoming.replace(entry.path)
    except OSError as error:
        raise ImageryError(
            f"scene `{scene.scene_id}` cannot be archived in {folder} ({error}); free space or change the folder"
        ) from error
    return entry


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer a folder, over threads and processes; the system frees the lock of a process that is killed."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK_NAME).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
