"""What was planned for a week stays as it was kept, on the disk and in the object store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aois.grid import Grid
from aois.week import Week
from flows.imagery.acquisition_plans import AreaPlan, PlannedPass, PlannedTime
from flows.imagery.archive.remote_copy import is_named_by
from flows.imagery.archive.store import Archive
from flows.imagery.archive.week_plans import WeekPlan
from flows.imagery.scene import ImageryError, Sensor

WEEK = Week(2026, 46)
START = datetime(2026, 11, 14, 22, 45, 12, tzinfo=UTC)
PLACE = ("at-sea", "stac", Grid(32631, 500_000, 200_000, 10, 10))


def week_plan(orbit: int = 91) -> WeekPlan:
    some_days = PlannedTime(frozenset({"sentinel-1c"}), START - timedelta(days=9), START + timedelta(days=9))
    return WeekPlan(WEEK, AreaPlan((PlannedPass("sentinel-1c", Sensor.SENTINEL_1, orbit, START),), (some_days,)))


def test_what_was_planned_is_read_as_it_was_kept_and_never_replaced(tmp_path: Path) -> None:
    for orbit in (91, 18):
        Archive(tmp_path).keep_week_plan(*PLACE, week_plan(orbit))
    assert Archive(tmp_path).week_plans(*PLACE) == {WEEK: week_plan(91)}
    assert Archive(tmp_path).list(*PLACE) == []


def test_its_name_holds_its_hash_as_all_that_goes_to_the_object_store() -> None:
    assert is_named_by(week_plan().file_name, week_plan().content())
    assert not is_named_by(week_plan().file_name, week_plan(18).content())


DAMAGED = (b"", b"[]", b"{}", b'{"week": "2026-11-09", "passes": 5}', week_plan(18).content())


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_one_is_refused(tmp_path: Path, content: bytes) -> None:
    Archive(tmp_path).keep_week_plan(*PLACE, week_plan())
    (path,) = tmp_path.rglob("*.plan.json")
    path.write_bytes(content)
    with pytest.raises(ImageryError, match=r"restore it from a copy$"):
        Archive(tmp_path).week_plans(*PLACE)
