"""Find files that others on this machine can read or change, and should not."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flows.config.settings import Settings

OTHERS = 0o077
SQLITE = "sqlite:///"


@dataclass(frozen=True)
class LoosePath:
    """A file or folder that is open to others, and what it holds."""

    path: Path
    mode: int
    holds: str

    @property
    def words(self) -> str:
        """What is open to whom."""
        return f"`{self.path}` ({self.holds}) is open to other users of this machine: mode {self.mode:04o}"

    @property
    def mend(self) -> str:
        """The command that closes it."""
        return f"chmod go-rwx {shlex.quote(str(self.path))}"


def loose_paths(settings: Settings, *, folder: Path) -> list[LoosePath]:
    """Return what is open to others of the files that hold secrets or coordinates.

    Parameters
    ----------
    settings
        They name the files.
    folder
        Where ``.env`` lies.

    Returns
    -------
    list of LoosePath
        Those with any permission for group or others: ``.env``, the routes, the signing key, the watch list, the
        outputs, and a ledger in SQLite. What is not there is left out; a system without such modes has none.
    """
    found = []
    for path, holds in _kept(settings, folder):
        with suppress(OSError):
            mode = stat.S_IMODE(path.stat().st_mode)
            if os.name == "posix" and mode & OTHERS:
                found.append(LoosePath(path, mode, holds))
    return found


def _kept(settings: Settings, folder: Path) -> Iterator[tuple[Path, str]]:
    yield folder / ".env", "secrets"
    if settings.alert_routes is not None:
        yield settings.alert_routes, "who hears what, and secrets"
    if settings.signing_key is not None:
        yield settings.signing_key, "the key that signs evidence"
    if settings.areas is not None:
        yield settings.areas, "where places lie"
    yield settings.outputs, "where places lie"
    if settings.ledger.startswith(SQLITE):
        yield Path(settings.ledger.removeprefix(SQLITE).partition("?")[0]), "the record"
