"""Prefect homes whose database is there: making it takes longer than all else that a server does at its start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from made_once import made_once

COMMAND = (sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y")
OWN = ("PREFECT_", "SITEWATCH_")


def prefect_home(folder: Path) -> Path:
    """Make a folder a Prefect home with an empty database, as a first start leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in made_once("prefect", _upgrade).glob("prefect.db*"):
        shutil.copy2(path, folder / path.name)
    return folder


def _upgrade(home: Path) -> None:
    given = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
    given["PREFECT_HOME"] = str(home)
    subprocess.run(COMMAND, env=given, umask=0o077, check=True, capture_output=True)
