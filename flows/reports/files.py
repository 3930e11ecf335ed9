"""A report's files: replaced whole or not at all, each with the rights of its edition."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from flows.files import OWNER_FILE, SHARED_FILE, SHARED_FOLDER, atomic_write, private_folder
from flows.reports.inputs import Edition

BUILT = ".built-pages"
"""The folder in the outputs of what is known of pages that were built; all of it can be deleted."""
MODES = {Edition.OWNER: OWNER_FILE, Edition.PUBLIC: SHARED_FILE}


def replace_file(target: Path, content: bytes, *, edition: Edition, at: datetime | None = None) -> None:
    """Make the file hold the content, in one step; leave it untouched where it does already.

    Parameters
    ----------
    target
        The file; its folder must be there.
    content
        What it is to hold.
    edition
        The owner's files are read by their owner alone, public ones by everybody.
    at
        The time that the file is to bear, so that it does not tell when the page was built; left alone without it.

    Raises
    ------
    OSError
        When it cannot be written; it is then as it was.
    """
    mode = MODES[edition]
    if not target.is_file() or target.read_bytes() != content:
        atomic_write(target, content, mode=mode)
    elif target.stat().st_mode & 0o777 != mode:
        target.chmod(mode)
    if at is not None and target.stat().st_mtime != at.timestamp():
        os.utime(target, (at.timestamp(), at.timestamp()))


def edition_folder(folder: Path, edition: Edition) -> Path:
    """Make a week's folder with the rights of its edition, and return it. Raises `OSError` when it cannot be made."""
    if edition is Edition.OWNER:
        private_folder(folder.parent)
        return private_folder(folder)
    for one in (folder.parent, folder):
        one.mkdir(parents=True, exist_ok=True)
        one.chmod(SHARED_FOLDER)
    return folder
