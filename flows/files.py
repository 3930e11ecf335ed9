"""Write files whole or not at all, for their owner alone."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

OWNER_FILE = 0o600
OWNER_FOLDER = 0o700
SHARED_FILE = 0o644
SHARED_FOLDER = 0o755


def atomic_write(path: Path, content: bytes | str, *, mode: int = OWNER_FILE) -> None:
    """Replace a file by new content in one step.

    The content is written to a temporary file in the same folder first, so after a kill the file is the old one or
    the new one, never a part. The mode is set on the new file whatever the umask and the old file's mode say.

    Parameters
    ----------
    path
        The file; its folder must be there.
    content
        What it is to hold; text is written as UTF-8.
    mode
        Its permissions: `OWNER_FILE` (0600), or `SHARED_FILE` (0644) for what may leave the house.

    Raises
    ------
    OSError
        When the folder is missing or cannot be written; the file is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            os.fchmod(handle.fileno(), mode)
            handle.write(content.encode() if isinstance(content, str) else content)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def private_folder(path: Path) -> Path:
    """Make a folder, with those above it, that its owner alone may enter; return it.

    One that is there already gets the mode too. Raises `OSError` when it cannot be made.
    """
    path.mkdir(mode=OWNER_FOLDER, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o777 != OWNER_FOLDER:
        path.chmod(OWNER_FOLDER)
    return path
