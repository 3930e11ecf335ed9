"""Outputs are for their owner alone: every file that is made, and every one that an earlier version made for others."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flows.files import OWNER_FILE, OWNER_FOLDER

OURS = (
    ".ledger.sqlite.locks",
    "alerts",
    "archive",
    "areas",
    "backups",
    "desk",
    "evidence",
    "metrics",
    "public-crowd",
    "reports",
    "search",
    "catalog.json",
    "ledger.sqlite",
    "ledger.sqlite-shm",
    "ledger.sqlite-wal",
    "public-pictures.json",
    "run-settings.json",
)
"""What Sitewatch makes in a folder of outputs for its owner."""
FOR_ALL = ("public", "demonstration")
"""What else it makes there: pages for others to read, and another folder of outputs, which has its own rights."""
FOR_OTHERS = 0o077


@contextmanager
def private_files() -> Iterator[None]:
    """As long as a ``with`` lasts, this process and its children make files that their owner alone may use.

    What is meant for others gets its mode by name (`flows.files.SHARED_FILE`). The umask belongs to the whole process:
    where several threads are in such a ``with`` at once, the last one that leaves restores it.
    """
    _UMASK.begin()
    try:
        yield
    finally:
        _UMASK.end()


class _Umask:
    """The umask of the process while it makes private files: set by the first that asks, restored by the last."""

    def __init__(self) -> None:
        self._lock, self._askers, self._before = threading.Lock(), 0, 0

    def begin(self) -> None:
        with self._lock:
            if self._askers == 0:
                self._before = os.umask(FOR_OTHERS)
            self._askers += 1

    def end(self) -> None:
        with self._lock:
            self._askers -= 1
            if self._askers == 0:
                os.umask(self._before)


_UMASK = _Umask()


def mend_modes(outputs: Path) -> int:
    """Take from others what an earlier version let them read of the outputs; how many files and folders.

    Nothing that Sitewatch did not make is touched, nor what belongs to another user. The folder itself is closed only
    where all that is in it is Sitewatch's, beside what begins with a dot: a folder that people share stays shared. What
    lies in a folder that others cannot enter is not looked at.
    """
    if not outputs.is_dir():
        return 0
    found = [path for name in OURS for path in _open_below(outputs / name)]
    if _is_ours(outputs):
        found.append(outputs)
    return sum(_close(path) for path in found)


def _is_ours(outputs: Path) -> bool:
    """Whether a folder holds what Sitewatch makes, and nothing else."""
    home = {Path.cwd(), Path.home(), *Path.cwd().parents, *Path.home().parents}
    there = {path.name for path in outputs.iterdir() if not path.name.startswith(".")}
    return outputs.resolve() not in home and bool(there) and there <= {*OURS, *FOR_ALL}


def _open_below(top: Path) -> Iterator[Path]:
    """A file or folder and all that is in it, without what a link leads to, nor what lies in a closed folder."""
    if not top.exists():
        return
    yield top
    if top.is_dir() and not top.is_symlink() and not _is_open(top):
        return
    for folder, folders, files in os.walk(top):
        yield from (Path(folder, name) for name in (*folders, *files))
        folders[:] = [name for name in folders if _is_open(Path(folder, name))]


def _is_open(path: Path) -> bool:
    return bool(path.lstat().st_mode & FOR_OTHERS)


def _close(path: Path) -> bool:
    with suppress(OSError):  # gone meanwhile, or another user's: `doctor` tells
        if _is_open(path) and not path.is_symlink():
            path.chmod(OWNER_FOLDER if path.is_dir() else OWNER_FILE)
            return True
    return False
