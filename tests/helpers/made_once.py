"""What takes long to make is made by one process of a session, and read by the others."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

FOLDER = "PYTEST_MADE_ONCE"  # set by the process that begins the session; those that it starts inherit it

if FOLDER not in os.environ:
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="sitewatch-made-once-")
    atexit.register(shutil.rmtree, os.environ[FOLDER], ignore_errors=True)


def made_once(name: str, make: Callable[[Path], object]) -> Path:
    """The folder of that name; whichever process of the session asks first has it made, the others wait for that.

    It goes with the session. Nobody may write to it.
    """
    folder = Path(os.environ[FOLDER]) / name
    done = folder.with_suffix(".done")
    with FileLock(folder.with_suffix(".lock")):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of one who failed
            folder.mkdir()
            make(folder)
            done.touch()
    return folder
