"""Write files whole or not at all, for their owner alone, and hold the lock of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

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


@contextmanager
def locked(path: Path, *, patience_s: float | None = None, busy: Exception | None = None) -> Iterator[None]:
    """Hold the lock of a file as long as the ``with`` lasts; over threads and processes, one at a time holds it.

    The system frees the lock of a process that is killed. The file stays, and its content is not touched.

    Parameters
    ----------
    path
        The file; it is made for its owner alone if it is missing, and its folder must be there.
    patience_s
        Seconds to wait for somebody else to let go; as long as it takes if left out, one try for 0.
    busy
        What is raised if nobody lets go in time.

    Raises
    ------
    TimeoutError
        When nobody lets go in time and no `busy` is given.
    OSError
        When the folder is missing or cannot be written, or has no locks that end with their holder.
    """
    lock = FileLock(
        path,
        timeout=-1 if patience_s is None else patience_s,
        poll_interval=0.01,  # many threads store scenes in one folder, for some milliseconds each
        mode=OWNER_FILE,
        thread_local=False,
        fallback_to_soft=False,  # a soft lock would outlive a holder that is killed
    )
    try:
        lock.acquire()
    except Timeout as error:
        raise (error if busy is None else busy) from None
    try:
        yield
    finally:
        lock.release()
