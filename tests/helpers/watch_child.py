"""Run as a script: for each line on standard input, the watch over a list, until it ends or is killed.

    watch_child.py OUTPUTS

Each watch is a process of its own, forked from this one, which has loaded all there is to load. Standard output has its
id, each of its steps, and with what status it ended.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import sea_watch
from sea_watch import QUIET, WALLED, Bench, site


def tell(stage: str, done: int, total: int) -> None:
    """One line a step; whoever reads it may kill this process."""
    print(stage, done, total, flush=True)


def watch(outputs: Path) -> None:
    """Watch both places, and end this process."""
    print("begun", os.getpid(), flush=True)
    try:
        Bench(outputs, (site(WALLED), site(QUIET, east_m=5_000))).watch()
        os._exit(0)
    finally:
        traceback.print_exc()
        os._exit(1)


if __name__ == "__main__":
    sea_watch.nobody = tell  # type: ignore[assignment]
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            watch(Path(sys.argv[1]))
        print("ended", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
