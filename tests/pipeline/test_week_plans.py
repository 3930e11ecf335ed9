"""A planned acquisition that did not come is a line of its week, which a replay writes again."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from plan_kml import Planned, Ring, file_name, ring, sentinel_1_plan
from sea_watch import HALFWAY, Bench

from aois.week import week_of
from flows.imagery.plan_files import FOLDER, keep_plans
from flows.records.observations import ObservationRecord

WEEK = week_of(HALFWAY).plus(1)
SEA, FAR = ring(2.0, 0.0, 4.0, 4.0), ring(40.0, 0.0, 43.0, 4.0)


def pass_that_never_comes(bench: Bench) -> tuple[int, date]:
    """The orbit of a radar series that has come, and a day of the week on which it does not."""
    names = [path.name for path in bench.outputs.glob("archive/*/*/sentinel-1_*.tif")]
    orbit = int(re.search(r"_r(\d+)", names[0])[1])
    days = [WEEK.first_day + timedelta(days=n) for n in range(7)]
    return orbit, next(day for day in days if not any(f"_{day:%Y%m%d}T" in name for name in names))


def plan(bench: Bench, tmp_path: Path, name: str, *, over: Ring, first: date = HALFWAY) -> None:
    """A plan of which a copy is kept, with a pass over some ground."""
    orbit, day = pass_that_never_comes(bench)
    begin = datetime.combine(first, time(), UTC)
    folder = tmp_path / name
    folder.mkdir()
    take = Planned("S1A", datetime.combine(day, time(5), UTC), orbit, over)
    path = folder / f"{file_name('S1A', begin, begin + timedelta(days=20))}.kml"
    path.write_bytes(sentinel_1_plan(take))
    assert keep_plans([str(folder)], bench.outputs / FOLDER) == 1


def watched(bench: Bench) -> ObservationRecord:
    """The observation of the week after it was worked through, for the first time or again."""
    bench.watch(since=WEEK.first_day, until=WEEK.last_day, replay=True)
    (found,) = [one for one in bench.record()["observations"] if one.week == WEEK]
    return found


def test_a_replay_finds_what_was_planned_without_the_plans_and_whatever_they_say_later(
    half: Bench, tmp_path: Path
) -> None:
    plan(half, tmp_path, "first", over=SEA)
    orbit, day = pass_that_never_comes(half)
    said = watched(half)
    assert f"Sentinel-1, orbit {orbit}, {day.day} {day:%B} (planned)" in said.note
    plan(half, tmp_path, "changed", over=FAR, first=WEEK.first_day)
    assert watched(half) == said
    shutil.rmtree(half.outputs / FOLDER)
    assert watched(half) == said
    again = Bench(tmp_path / "again", half.areas, source=None)
    shutil.copytree(half.outputs / "archive", again.outputs / "archive")
    assert watched(again).note == said.note


@pytest.mark.parametrize("is_at_hand", [False, True])
def test_a_week_that_was_recorded_without_plans_stays_without(half: Bench, tmp_path: Path, is_at_hand: bool) -> None:
    said = watched(half)
    assert "planned" not in said.note
    if is_at_hand:
        plan(half, tmp_path, "late", over=SEA)
    assert watched(half) == said
    assert not list(half.outputs.rglob("*.plan.json"))
