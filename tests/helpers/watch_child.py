"""Run as a script: the watch over a list, saying each step on standard output, until it ends or is killed.

watch_child.py OUTPUTS
"""

from __future__ import annotations

import sys
from pathlib import Path

import sea_watch
from sea_watch import QUIET, WALLED, Bench, site


def tell(stage: str, done: int, total: int) -> None:
    """One line a step; whoever reads it may kill this process."""
    print(stage, done, total, flush=True)


if __name__ == "__main__":
    sea_watch.nobody = tell  # type: ignore[assignment]
    Bench(Path(sys.argv[1]), (site(WALLED), site(QUIET, east_m=5_000))).watch()
    print("end", flush=True)
