"""A watch that dies without warning, again and again, ends where an undisturbed one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from child import Child

CHILD = Path(__file__).parents[1] / "helpers" / "watch_child.py"
MOMENTS = (
    "fetch 1",  # one scene in the archive
    "fetch 60",
    "detect 1",  # one week recorded, no state saved
    "detect 10",  # all weeks of the first place recorded, nothing written
    "fetch 90",  # in the middle of the second place
    "detect 4",
)


@contextmanager
def watches(outputs: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that begins a watch, in a process of its own, whenever it is sent a line."""
    command = [sys.executable, "-W", "error", str(CHILD), str(outputs)]
    with Child(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        yield child
    assert child.returncode == 0


def watched(child: subprocess.Popen[str], kill_at: str = "never") -> int:
    """Have a watch begun, and killed when it says that it has done a step; the status that it ended with."""
    child.stdin.write("\n")
    child.stdin.flush()
    pid = 0
    for line in child.stdout:
        word, number, *_ = line.split()
        if word == "begun":
            pid = int(number)
        elif word == "ended":
            return int(number)
        elif f"{word} {number}" == kill_at:
            os.kill(pid, signal.SIGKILL)
    raise AssertionError("the process that begins watches has ended")


@pytest.fixture(scope="module")
def places(made):
    return made.site(made.WALLED), made.site(made.QUIET, east_m=5_000)


def test_kills_at_any_step_leave_no_trace(tmp_path, undisturbed, made, places):
    smooth = undisturbed.copy(tmp_path / "smooth")
    smooth.areas = places
    smooth.watch()
    killed = made.Bench(tmp_path / "killed", places)
    killed.outputs.mkdir()
    with watches(killed.outputs) as child:
        for moment in MOMENTS:
            assert watched(child, moment) == -signal.SIGKILL, f"it ended before {moment}"
        assert watched(child) == 0
    expected = smooth.record()
    assert len(expected["alerts"]) > 0
    assert killed.record() == expected
    shown = [
        {p.relative_to(b.outputs) for p in b.outputs.rglob("*.tif") if not p.name.startswith(".")}
        for b in (smooth, killed)
    ]
    assert shown[0] == shown[1]
