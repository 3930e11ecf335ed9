"""The write-once archive: scenes as they were received, for every rerun and for every doubt."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

from aois.grid import Grid
from aois.week import Week
from flows.files import locked
from flows.imagery.archive.entry import ArchivedScene, checked_content, entry_of
from flows.imagery.archive.geotiff import decode, decode_head, encode
from flows.imagery.archive.index import Index
from flows.imagery.archive.remote_copy import SUFFIXES, Mirror, is_named_by
from flows.imagery.archive.versions import Adoption
from flows.imagery.archive.week_plans import WEEK_PLAN_SUFFIX, WeekPlan, read_week_plan
from flows.imagery.scene import ImageryError, Scene

__all__ = ["Archive", "ArchivedScene"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
INCOMING_NAME = ".incoming.tmp"  # one a folder: who writes holds the folder's lock, so what is there is stale
LOCK_NAME = ".lock"


class Archive:
    """Scenes by area, source and grid: ``<root>/<area_id>/<source>-<digest of the grid>/<scene_id>-<sha>.tif``.

    A file is written once and for all; of a pass there may be several versions, one of which is in use (`versions`).
    Several threads and processes may share one root. With a mirror, each folder is brought level with the object store
    when it is first used, and every new file goes there before it stands on the disk: what is used is in the store.
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

    @property
    def mirror(self) -> Mirror | None:
        """The object store behind it, if it has one."""
        return self._mirror

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
                    self._store(content, _entry(scene, content, folder), index)
        return self.get(area_id, source_name, grid, scene.scene_id)

    def add(self, area_id: str, source_name: str, grid: Grid, scene: Scene) -> ArchivedScene:
        """A further version of a pass stands beside those that are there; its entry is returned.

        Raises `ImageryError` when the scene does not fit the grid or cannot be stored.
        """
        folder, index = self._folder(area_id, source_name, grid)
        _check_name("scene id", scene.scene_id)
        return self._add(encode(scene, grid), scene, folder, index)

    def adopt(self, area_id: str, source_name: str, grid: Grid, version: ArchivedScene, adoption: Adoption) -> None:
        """The version, from whichever folder, is in use from now on, and the decision is kept beside it.

        The decision is written first: a kill leaves one without its file, which does not count, and never a file that
        nobody decided on. Raises `ImageryError` when the version is damaged, or cannot be stored.
        """
        content, said = checked_content(version), adoption.content()
        folder, index = self._folder(area_id, source_name, grid)
        path = folder / adoption.file_name
        self._copy(path, said)
        _take_in(path, said)
        self._add(content, decode(content, sha256=version.sha256).scene, folder, index)

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

    def head(self, area_id: str, source_name: str, grid: Grid, scene_id: str) -> Scene:
        """The scene as it was archived, without its pixels; raises `ImageryError` when it is not there.

        What it says is believed only once `get` has checked the file.
        """
        folder, index = self._folder(area_id, source_name, grid)
        entry = index.find(scene_id)
        if entry is None:
            raise ImageryError(f"scene `{scene_id}` is not in the archive at {folder}; fetch it first")
        return decode_head(entry.path, sha256=entry.sha256)

    def has(self, area_id: str, source_name: str, grid: Grid, scene_id: str) -> bool:
        """True where the archive holds the scene; the file is not opened."""
        return self._folder(area_id, source_name, grid)[1].find(scene_id) is not None

    def list(self, area_id: str, source_name: str, grid: Grid) -> list[ArchivedScene]:
        """The version in use of every archived pass, sorted by (acquired, scene_id), from the index alone."""
        return self._folder(area_id, source_name, grid)[1].all()

    def versions(self, area_id: str, source_name: str, grid: Grid) -> tuple[ArchivedScene, ...]:
        """Every version of every archived pass, sorted by (acquired, scene_id, SHA-256)."""
        return tuple(self._folder(area_id, source_name, grid)[1].versions())

    def adoptions(self, area_id: str, source_name: str, grid: Grid) -> tuple[Adoption, ...]:
        """What was decided about the versions of a source's passes, in the order of time."""
        found = self._folder(area_id, source_name, grid)[1].adoptions()
        return tuple(sorted(found, key=lambda adoption: (adoption.at, adoption.sha256)))

    def keep_week_plan(self, area_id: str, source_name: str, grid: Grid, week_plan: WeekPlan) -> None:
        """What was planned for a week stands beside its scenes, unless something does already.

        Raises `ImageryError` when it cannot be stored.
        """
        if week_plan.week in self.week_plans(area_id, source_name, grid):
            return
        path, content = self.folder(area_id, source_name, grid) / week_plan.file_name, week_plan.content()
        self._copy(path, content)
        _take_in(path, content)

    def week_plans(self, area_id: str, source_name: str, grid: Grid) -> Mapping[Week, WeekPlan]:
        """What was planned for each week of which that is kept; of two plans for a week the first by its name.

        Raises `ImageryError` for a file that is damaged.
        """
        folder = self.folder(area_id, source_name, grid)
        found = [read_week_plan(path) for path in sorted(folder.glob(f"[!.]*{WEEK_PLAN_SUFFIX}"), reverse=True)]
        return {one.week: one for one in found}

    def source_names(self, area_id: str, grid: Grid) -> tuple[str, ...]:
        """The names under which the archive holds scenes of an area on a grid, revised ones among them."""
        _check_name("area id", area_id)
        here = {path.name for path in (self._root / area_id).glob("*/")}
        there = set() if self._mirror is None else self._mirror.folders(area_id)
        ending = f"-{grid_digest(grid)}"
        return tuple(sorted(name.removesuffix(ending) for name in here | there if name.endswith(ending)))

    def folder(self, area_id: str, source_name: str, grid: Grid) -> Path:
        """Return where the scenes of an area from a source lie, whether or not there are any."""
        return self._folder(area_id, source_name, grid)[0]

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
                there, here = self._mirror.names(self._key(folder)), _names(folder)
                # Decisions before scenes, so that no version is there without the decision that it rests on.
                for name, content in self._mirror.get_all(self._key(folder), _decisions_first(there - here)):
                    _take_in(folder / name, content)
                for name in _decisions_first(here - there):
                    self._copy(folder / name, _whole(folder / name))

    def _add(self, content: bytes, scene: Scene, folder: Path, index: Index) -> ArchivedScene:
        entry = _entry(scene, content, folder)
        with _locked(folder):
            if not entry.path.exists():
                self._store(content, entry, index)
        return entry

    def _store(self, content: bytes, entry: ArchivedScene, index: Index) -> None:
        """The content has its name in the object store, then in the folder: whole, or not at all.

        The folder itself is not flushed: if the power fails, the name may be lost but never half a file behind it, and
        a lost scene is fetched again.
        """
        self._copy(entry.path, content)
        incoming = entry.path.with_name(INCOMING_NAME)
        try:
            _write(incoming, content)
            index.add(entry)
            incoming.replace(entry.path)
        except OSError as error:
            raise ImageryError(
                f"scene `{entry.scene_id}` cannot be archived in {entry.path.parent} ({error}); free space or change "
                f"the folder"
            ) from error

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


def _entry(scene: Scene, content: bytes, folder: Path) -> ArchivedScene:
    return entry_of(scene, folder, sha256=hashlib.sha256(content).hexdigest())


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("[!.]*") if path.name.endswith(SUFFIXES)}


def _decisions_first(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (name.endswith(".tif"), name))


def _whole(path: Path) -> bytes:
    """A file's content on its way to the object store; raises `ImageryError` unless it is what its name says."""
    content = path.read_bytes()
    if not is_named_by(path.name, content):
        raise ImageryError(f"archived file {path} is damaged and not sent to the object store; restore it from a copy")
    return content


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer a folder, over threads and processes; the system frees the lock of a process that is killed."""
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / LOCK_NAME):
        yield
