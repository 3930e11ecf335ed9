"""An object store that holds the archive: what one machine has fetched, another need not fetch again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import obstore
from obstore.exceptions import AlreadyExistsError

from flows.imagery.archive.entry import SHA_IN_NAME
from flows.imagery.archive.versions import ADOPTION_SUFFIX
from flows.imagery.archive.week_plans import WEEK_PLAN_SUFFIX
from flows.imagery.network.bucket import Bucket
from flows.imagery.scene import ImageryError

SUFFIXES = (".tif", ADOPTION_SUFFIX, WEEK_PLAN_SUFFIX)
AT_ONCE = 8  # files fetched at the same time for a disk that has none


class Mirror:
    """Archived files in an object store, under the same names as on disk. Safe to use from several threads.

    A file is written once: its name holds the start of its hash.
    """

    def __init__(self, url: str) -> None:
        """Of a `Bucket`'s address; nothing is asked yet, and an address of none raises `ImageryError`."""
        self._bucket = Bucket(url, holds="archive")
        self._store = self._bucket.store
        self._told = self._bucket.told

    def names(self, folder: str) -> set[str]:
        """The names of the archived files in a folder."""
        names = {path.removeprefix(f"{folder}/") for path, _ in self._listed(f"{folder}/")}
        return {name for name in names if "/" not in name}

    def sizes(self) -> dict[str, int]:
        """The bytes of every archived file, by its folder and name."""
        return {path: size for path, size in self._listed(None) if path.count("/") == 2}

    def folders(self, area_id: str) -> set[str]:
        """The names of an area's folders."""
        return {path.split("/")[1] for path, _ in self._listed(f"{area_id}/") if path.count("/") == 2}

    def get(self, folder: str, name: str) -> bytes:
        """A file's content; raises `ImageryError` unless it is what its name says."""
        with self._told():
            content = bytes(obstore.get(self._store, f"{folder}/{name}").bytes())
        if not is_named_by(name, content):
            raise ImageryError(
                f"{self._bucket.name}: {folder}/{name} is damaged, its SHA-256 begins with {_start(content)}; take "
                f"it out of the object store to have it fetched again"
            )
        return content

    def get_all(self, folder: str, names: list[str]) -> Iterator[tuple[str, bytes]]:
        """Each of the files with its content, in the order given, some fetched at the same time."""
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            for start in range(0, len(names), AT_ONCE):
                some = names[start : start + AT_ONCE]
                yield from zip(some, pool.map(lambda name: self.get(folder, name), some), strict=True)

    def put(self, folder: str, name: str, content: bytes) -> None:
        """The file stands in the store; one that is there already stays."""
        with self._told():
            try:
                obstore.put(self._store, f"{folder}/{name}", content, mode="create")
            except AlreadyExistsError:
                return

    def delete(self, folder: str, name: str) -> None:
        """The file is no longer in the store."""
        with self._told():
            try:
                obstore.delete(self._store, f"{folder}/{name}")
            except FileNotFoundError:
                return

    def _listed(self, prefix: str | None) -> list[tuple[str, int]]:
        with self._told():
            pages = list(obstore.list(self._store, prefix=prefix))
        return [(e["path"], e["size"]) for page in pages for e in page if e["path"].endswith(SUFFIXES)]


def is_named_by(name: str, content: bytes) -> bool:
    """True where a file's name holds the start of the hash of its content."""
    return name.endswith(tuple(f"-{_start(content)}{suffix}" for suffix in SUFFIXES))


def _start(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:SHA_IN_NAME]
