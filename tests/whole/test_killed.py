"""A watch that dies without warning, again and again, ends where an undisturbed one does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from child import Child

CHILD = Path(__file__).parents[1] / "helpers" / "watch_child.py"
MOMENTS = (
    ("fetch", 1),  # one scene in the archive
    ("fetch", 60),
    ("detect", 1),  # one week recorded, no state saved
    ("detect", 10),  # all weeks of the first place recorded, nothing written
    ("fetch", 90),  # in the middle of the second place
    ("detect", 4),
)


def start(outputs: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", str(CHILD), str(outputs)]
    return Child(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill_at(outputs: Path, stage: str, number: int) -> None:
    """Start the watch and kill it when it says that it has done a step."""
    with start(outputs) as child:
        for line in child.stdout:
            if line.startswith(f"{stage} {number} "):
                child.kill()
                break
        child.communicate(timeout=60)
    assert child.returncode == -9, f"it ended before {stage} {number}"


def finish(outputs: Path) -> None:
    with start(outputs) as child:
        said, complaints = child.communicate(timeout=300)
    assert child.returncode == 0, complaints
    assert said.endswith("end\n")


@pytest.fixture(scope="module")
def places(made):
    return made.site(made.WALLED), made.site(made.QUIET, east_m=5_000)


def test_kills_at_any_step_leave_no_trace(tmp_path, undisturbed, made, places):
    smooth = undisturbed.copy(tmp_path / "smooth")
    smooth.areas = places
    smooth.watch()
    killed = made.Bench(tmp_path / "killed", places)
    killed.outputs.mkdir()
    for moment in MOMENTS:
        kill_at(killed.outputs, *moment)
    finish(killed.outputs)
    expected = smooth.record()
    assert len(expected["alerts"]) > 0
    assert killed.record() == expected
    shown = [
        {p.relative_to(b.outputs) for p in b.outputs.rglob("*.tif") if not p.name.startswith(".")}
        for b in (smooth, killed)
    ]
    assert shown[0] == shown[1]
