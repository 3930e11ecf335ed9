"""Outputs are for their owner alone: every file that is made, and every one that an earlier version made for others."""

from __future__ import annotations

import os
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
"""What Sitewatch makes in a folder of outputs; `public` is left out, since it is for others to read."""
FOR_OTHERS = 0o077


@contextmanager
def private_files() -> Iterator[None]:
    """As long as a ``with`` lasts, this process and its children make files that their owner alone may use.

    What is meant for others gets its mode by name (`flows.files.SHARED_FILE`).
    """
    before = os.umask(FOR_OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def mend_modes(outputs: Path) -> int:
    """Take from others what an earlier version let them read of the outputs; how many files and folders.

    Nothing that Sitewatch did not make is touched, nor what belongs to another user. The folder itself is closed too,
    unless it is one that a person lives in: the present folder, their home, or one above.
    """
    found = [path for name in OURS for path in _below(outputs / name)]
    home = {Path.cwd(), Path.home(), *Path.cwd().parents, *Path.home().parents}
    if outputs.is_dir() and outputs.resolve() not in home:
        found.append(outputs)
    return sum(_close(path) for path in found)


def _below(top: Path) -> Iterator[Path]:
    """A file or folder and all that is in it, without what a link leads to."""
    if top.exists():
        yield top
    for folder, folders, files in os.walk(top):
        yield from (Path(folder, name) for name in (*folders, *files))


def _close(path: Path) -> bool:
    with suppress(OSError):  # gone meanwhile, or another user's: `doctor` tells
        state = path.lstat()
        if state.st_mode & FOR_OTHERS and not path.is_symlink():
            path.chmod(OWNER_FOLDER if path.is_dir() else OWNER_FILE)
            return True
    return False
