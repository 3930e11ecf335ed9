"""A pack on the disk, a folder or one zip: written whole or not at all, with the same bytes each time."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from uuid import uuid4

from flows.files import OWNER_FILE, OWNER_FOLDER
from flows.printable import printable
from flows.publication.errors import PublicationError
from flows.publication.pack_subject import PackFile

FIXED_TIME = datetime(1980, 1, 1, tzinfo=UTC)
"""The time that all files of a pack bear: the first that a zip can write. So none says when a pack was made."""
ZIP = ".zip"


def check_target(target: Path) -> None:
    """Refuse a place where something is already, and one whose folder is not there."""
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise PublicationError(
            f"`{printable(target)}` is there already; name another folder or zip, or delete it first"
        )
    if not target.absolute().parent.is_dir():
        raise PublicationError(f"folder `{printable(target.absolute().parent)}` is not there; make it first")


@contextmanager
def pack_at(target: Path) -> Iterator[Path]:
    """Give a folder to put the files of a pack into; where the ``with`` ends well, it becomes the folder or zip.

    Files and folders are their owner's alone. Where it does not end well, nothing is left.

    Raises `PublicationError` for a target that is there already.
    """
    check_target(target)
    staging = target.absolute().with_name(f".{target.name}.{uuid4().hex[:8]}.tmp")
    staging.mkdir(mode=OWNER_FOLDER)
    try:
        yield staging
        if target.suffix.lower() == ZIP:
            _zip(staging, target.absolute())
        else:
            _set_times(staging)
            staging.replace(target.absolute())
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def put(folder: Path, file: PackFile) -> None:
    """Put one file of a pack into its folder; raises `PublicationError` for a path that leads out or is there."""
    path = PurePosixPath(file.path)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise PublicationError(f"`{printable(file.path)}` does not lie within the pack; this is a defect of Sitewatch")
    target = folder / path
    if target.exists():
        raise PublicationError(f"`{printable(file.path)}` was made twice; this is a defect of Sitewatch")
    for above in reversed(path.parents[:-1]):
        (folder / above).mkdir(mode=OWNER_FOLDER, exist_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_FILE), "wb") as handle:
        handle.write(file.content)


def files_in(folder: Path) -> list[tuple[str, Path]]:
    """List the files of a pack by their paths within it, in order."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted((path.relative_to(folder).as_posix(), path) for path in found)


def _zip(folder: Path, target: Path) -> None:
    """One zip of a folder, stored without compression, so that no version of a library changes its bytes."""
    temporary = folder.with_suffix(ZIP)
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as held:
            for name, path in files_in(folder):
                member = zipfile.ZipInfo(name, FIXED_TIME.timetuple()[:6])
                member.create_system, member.external_attr = 3, (0o100000 | OWNER_FILE) << 16
                member.file_size = path.stat().st_size
                with path.open("rb") as source, held.open(member, "w") as sink:
                    shutil.copyfileobj(source, sink)
        temporary.chmod(OWNER_FILE)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _set_times(folder: Path) -> None:
    at = FIXED_TIME.timestamp()
    for path in sorted(folder.rglob("*"), reverse=True):
        os.utime(path, (at, at))
    os.utime(folder, (at, at))
