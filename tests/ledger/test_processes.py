"""What other processes and sudden death do to a ledger."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from detectors.records import State
from flows.ledger import open_ledger

HERE = Path(__file__).parent


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", str(HERE / script), *map(str, arguments)]
    helpers = {"PYTHONPATH": str(HERE.with_name("helpers"))}
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | helpers)


def finish(process: subprocess.Popen[str]) -> None:
    _, complaints = process.communicate(timeout=120)
    assert process.returncode == 0, complaints


def test_two_processes_make_one_ledger_and_record_two_areas_at_once(new_url):
    for process in [start("record_child.py", new_url, area) for area in ("site-a", "site-b")]:
        finish(process)
    with open_ledger(new_url) as ledger:
        assert [len(ledger.chains(area)) for area in ("site-a", "site-b")] == [20, 20]
        alerts = ledger.alerts()
        assert ledger.alerts(area_id="site-b") == alerts[3:]
        assert [o.area_id for o in ledger.observations(area_id="site-b")] == ["site-b"] * 20
    assert [alert.area_id for alert in alerts] == ["site-a"] * 3 + ["site-b"] * 3
    assert {alert.area_m2 for alert in alerts} == {119.0}


def test_a_kill_at_any_moment_leaves_the_week_recorded_or_not_and_a_second_run_mends_it(path, tmp_path, given):
    with open_ledger(f"sqlite:///{path}") as ledger:
        ledger.record_week(given.observation(0), [given.event("x"), given.event("y")])
    old = given.dump(path)
    whole = Path(shutil.copy(path, tmp_path / "whole.sqlite"))
    week = given.observation(1), [given.event("x", State.PROVISIONAL, State.CONFIRMED), given.event("z")]
    with open_ledger(f"sqlite:///{whole}") as undisturbed:
        undisturbed.record_week(*week)
    new = given.dump(whole)
    folder = tmp_path / "killed"
    folder.mkdir()
    finish(start("crash_child.py", path, folder))
    *killed, survivor = sorted(folder.glob("*.sqlite"))
    assert len(killed) > 15
    assert all(given.dump(copy) == old for copy in killed)
    assert given.dump(survivor) == new
    with open_ledger(f"sqlite:///{killed[-1]}") as mended:
        mended.record_week(*week)
    assert given.dump(killed[-1]) == new
