"""Run as a script: record a week in a copy of a ledger and be killed, without warning, before its n-th statement.

    crash_child.py LEDGER FOLDER

Copies go to FOLDER, one for each n, until one recording comes through alive.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from itertools import count
from pathlib import Path

from conftest import event, observation  # type: ignore[import-not-found]
from sqlalchemy import Engine
from sqlalchemy import event as hook

from detectors.records import State
from flows.ledger import open_ledger

WEEK = (
    observation(1),
    [
        event("x", State.PROVISIONAL, State.CONFIRMED),
        event("z"),
    ],
)


def killed_before(statement: int, path: Path) -> bool:
    """Whether the recording was killed."""
    pid = os.fork()
    if pid == 0:
        record(statement, path)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


def record(statement: int, path: Path) -> None:
    """Record the week; the commit counts as a statement."""
    seen = count()

    def kill(*_: object) -> None:
        if next(seen) == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    ledger = open_ledger(f"sqlite:///{path}")
    hook.listen(Engine, "before_cursor_execute", kill)
    hook.listen(Engine, "commit", kill)
    ledger.record_week(*WEEK)


if __name__ == "__main__":
    original, folder = map(Path, sys.argv[1:])
    for number in count():
        copy = Path(shutil.copy(original, folder / f"{number:03d}.sqlite"))
        if not killed_before(number, copy):
            break
