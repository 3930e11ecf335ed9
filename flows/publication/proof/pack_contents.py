"""Read a pack that somebody gave us, folder or zip, without believing a name in it."""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO

from flows.evidence.manifests import EvidenceError
from flows.printable import printable

MOST_FILES = 200_000
MOST_BYTES = 2_000_000_000  # of one file; a timelapse has some tens of MB
MOST_IN_ALL = 50_000_000_000
MOST_READ = 200_000_000  # of a file that is read whole
PIECE = 1_000_000
UNREADABLE = (KeyError, OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
"""What reading raises where a file is not there, is damaged, wants a password, or is packed in a way not known here."""


@dataclass(frozen=True)
class PackContents:
    """The files of a pack by their paths in it, and what is wrong with the pack as such, a line each."""

    problems: tuple[str, ...]
    _openers: Mapping[str, Callable[[], IO[bytes]]] = field(repr=False)

    @property
    def names(self) -> list[str]:
        """Return the paths of all files that can be read, in order."""
        return sorted(self._openers)

    def read(self, name: str) -> bytes | None:
        """Return what a file holds; None where it is not there, cannot be read, or is too large to be read whole."""
        try:
            with self._openers[name]() as file:
                content = file.read(MOST_READ + 1)
        except UNREADABLE:
            return None
        return content if len(content) <= MOST_READ else None

    def digest(self, name: str) -> str | None:
        """Compute the SHA-256 of a file, in hexadecimal; None where it cannot be read to its end."""
        found, size = sha256(), 0
        try:
            with self._openers[name]() as file:
                while piece := file.read(PIECE):
                    found.update(piece)
                    size += len(piece)
                    if size > MOST_BYTES:
                        return None
        except UNREADABLE:
            return None
        return found.hexdigest()


def is_pack(path: Path) -> bool:
    """Return whether a path looks like a pack and not like outputs: a zip, or a folder with its index or proof."""
    is_zip = path.is_file() and (path.suffix.lower() == ".zip" or zipfile.is_zipfile(path))
    return is_zip or (path / "index.json").is_file() or (path / "proof" / "outputs").is_dir()


@contextmanager
def opened_pack(path: Path) -> Iterator[PackContents]:
    """Open a pack for the length of a ``with``; raises `EvidenceError` where it cannot be opened at all."""
    if path.is_dir():
        yield _folder(path)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            yield _zip(archive)
    except (OSError, zipfile.BadZipFile) as error:
        raise EvidenceError(
            f"pack `{printable(path)}` cannot be opened ({printable(error)}); ask for it again"
        ) from None


def _folder(path: Path) -> PackContents:
    problems: list[str] = []
    openers: dict[str, Callable[[], IO[bytes]]] = {}
    for place, folders, files in os.walk(path, followlinks=False):
        for name in sorted((*folders, *files)):
            one = Path(place) / name
            inner = one.relative_to(path).as_posix()
            mode = one.lstat().st_mode
            if stat.S_ISLNK(mode):
                problems.append(f"{printable(inner)} is a link, which may lead anywhere")
            elif stat.S_ISREG(mode):
                openers[inner] = _opener(one)
            elif not stat.S_ISDIR(mode):
                problems.append(f"{printable(inner)} is neither a file nor a folder")
    return PackContents((*problems, *_clashes(openers)), openers)


def _opener(path: Path) -> Callable[[], IO[bytes]]:
    return lambda: path.open("rb")


def _zip(archive: zipfile.ZipFile) -> PackContents:
    problems: list[str] = []
    openers: dict[str, Callable[[], IO[bytes]]] = {}
    members = archive.infolist()
    if len(members) > MOST_FILES or sum(member.file_size for member in members) > MOST_IN_ALL:
        raise EvidenceError(
            f"the pack has more than {MOST_FILES} files or {MOST_IN_ALL // 10**9} GB; none of Sitewatch's is so large"
        )
    for name, count in Counter(member.orig_filename for member in members).items():
        if count > 1:
            problems.append(f"{printable(name)} is in the zip {count} times: programs differ in which one they show")
    for member in members:
        name = member.orig_filename
        kind = stat.S_IFMT(member.external_attr >> 16)
        if member.is_dir():
            continue
        if not _is_inside(name):
            problems.append(f"{printable(name)} is the name of a file outside the pack")
        elif kind == stat.S_IFLNK:
            problems.append(f"{printable(name)} is a link, which may lead anywhere")
        elif member.flag_bits & 1:
            problems.append(f"{printable(name)} is encrypted")
        else:
            openers[name] = _member(archive, member)
    return PackContents((*problems, *_clashes(openers)), openers)


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: archive.open(member)


def _is_inside(name: str) -> bool:
    """Whether a name of a zip means a file below the place where it is unpacked, on every system."""
    path = PurePosixPath(name)
    plain = not path.is_absolute() and ".." not in path.parts and "\\" not in name and ":" not in name
    return plain and bool(path.parts) and path.as_posix() == name and printable(name, longest=len(name)) == name


def _clashes(names: Mapping[str, object]) -> list[str]:
    """Names that are one and the same on systems which do not tell upper from lower case."""
    counts = Counter(name.casefold() for name in names)
    return [
        f"{printable(name)} has the name of another file but for its case"
        for name in sorted(names)
        if counts[name.casefold()] > 1
    ]
