"""The watch over one area: every week idempotent, and the same record however it was arrived at."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest

from aois.area import Area, AreaError, AreaKind
from aois.grid import Grid
from aois.week import week_of, weeks_between
from flows.evidence.array_files import ArrayFiles
from flows.imagery import detector_inputs
from flows.imagery.scene import ImageryError, Scene, SceneRef
from flows.imagery.source import Source
from flows.pipeline import area_replay, area_size
from flows.records.ids import scene_name


@dataclass(frozen=True)
class Withholding:
    """A source that does not offer some scenes yet, or cannot deliver them."""

    source: Source
    unlisted: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    name: str = "simulated"

    def search(self, area: Area, grid: Grid, *, since: date, until: date) -> list[SceneRef]:
        found = self.source.search(area, grid, since=since, until=until)
        return [ref for ref in found if ref.scene_id not in self.unlisted]

    def fetch(self, area: Area, grid: Grid, ref: SceneRef) -> Scene:
        if ref.scene_id in self.broken:
            raise ImageryError(f"scene `{ref.scene_id}`: the wire broke; try again")
        return self.source.fetch(area, grid, ref)


def scenes_in(bench, first: date, last: date) -> list[str]:
    """The scenes that the undisturbed watch used between two days."""
    with bench.ledger() as ledger:
        scenes = ledger.scenes(bench.areas[0].id)
    return [s.scene_id for s in scenes if s.status == "used" and first <= s.acquired.date() <= last]


def states_of(record: dict) -> dict[str, bytes]:
    return {name: content for name, content in record["files"].items() if "/state/" in name}


def without_issue_dates(features: Sequence[dict]) -> list[dict]:
    return [f | {"properties": {k: v for k, v in f["properties"].items() if k != "issued_on"}} for f in features]


def test_the_watch_finds_the_wall_and_records_every_week(undisturbed, made):
    record = undisturbed.record()
    assert [o.week for o in record["observations"]] == list(weeks_between(made.SINCE, made.UNTIL))
    assert {a["properties"]["kind"] for a in record["alerts"]} == {"expansion"}
    assert any(a["properties"]["state"] == "confirmed" for a in record["alerts"])
    assert len(record["messages"]) >= len(record["alerts"])
    assert {s.status for s in record["scenes"][made.WALLED]} >= {"used", "unseen"}


def test_the_same_call_twice_changes_nothing(bench):
    before = bench.record()
    (outcome,) = bench.watch()
    assert (outcome.weeks, outcome.fetched, outcome.issued, outcome.changed) == (0, 0, [], [])
    assert bench.record() == before


def test_ten_weeks_in_two_calls_are_ten_weeks_in_one(half, undisturbed):
    assert len(half.record()["observations"]) == 5
    (outcome,) = half.watch(since=None)
    assert outcome.weeks == 5
    assert half.record() == undisturbed.record()


def test_week_by_week_is_the_same_as_in_one_go(fetched, undisturbed, made):
    weekly = fetched()
    for week in weeks_between(made.SINCE, made.UNTIL):
        (outcome,) = weekly.watch(until=week.last_day)
        assert outcome.weeks == 1
    assert weekly.record() == undisturbed.record()


def test_missed_weeks_are_caught_up_to_the_latest_complete_one(half, undisturbed):
    (outcome,) = half.watch(since=None, until=None)
    assert outcome.weeks == 5
    assert half.record() == undisturbed.record()


def test_an_area_too_large_for_memory_gets_the_same_record(fetched, undisturbed, made, monkeypatch):
    """Its scenes are read when they are asked for, and its arrays lie in files."""
    for module in (area_replay, detector_inputs):
        monkeypatch.setattr(module, "is_large", lambda grid: True)
    in_files = partial(ArrayFiles, strip_px=700, smallest_bytes=512)
    monkeypatch.setattr(area_replay, "ArrayFiles", in_files)
    large, middle = fetched(), list(weeks_between(made.SINCE, made.UNTIL))[4].last_day
    large.watch(until=middle)
    large.watch(since=None)
    assert large.record() == undisturbed.record()
    assert list((large.outputs / ".arrays").iterdir()) == []


def test_states_on_disk_only_spare_time(bench, undisturbed):
    shutil.rmtree(bench.outputs / "areas" / bench.areas[0].id / "state")
    (outcome,) = bench.watch()
    assert outcome.weeks == 0
    (outcome,) = bench.watch(replay=True)
    assert outcome.weeks == 10
    assert bench.record() == undisturbed.record()


@pytest.mark.parametrize("damage", [b"", b"no archive at all", None], ids=["empty", "other", "torn"])
def test_a_damaged_state_is_passed_over(half, undisturbed, damage):
    (path,) = (half.outputs / "areas" / half.areas[0].id / "state").glob("*.npz")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    half.watch()
    assert half.record() == undisturbed.record()


def test_a_damaged_state_is_replaced_in_a_replay(half):
    (path,) = (half.outputs / "areas" / half.areas[0].id / "state").glob("*.npz")
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    half.watch(until=date(2024, 5, 26), replay=True)
    assert path.read_bytes() == whole


def test_a_damaged_scene_that_ground_is_rebased_on_stops_the_area_until_it_is_moved_away(half, undisturbed):
    """Nothing goes on record meanwhile; fetched again, it leads to the same record."""
    before = half.record()
    seen = {one.scene_id for one in before["scenes"][half.areas[0].id] if one.acquired.date() >= date(2024, 4, 22)}
    files = [p for p in (half.outputs / "archive").rglob("*.tif") if p.name.rsplit("-", 1)[0] in seen]
    for path in files:
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ImageryError, match=r"is damaged.*restore it from a copy, or move it away"):
        half.watch()
    after = half.record()
    assert after["observations"][:5] == before["observations"]
    assert len(after["observations"]) < 10
    for path in files:
        path.unlink()
    half.watch()
    assert half.record() == undisturbed.record()


def test_scenes_that_are_gone_for_good_are_left_out_of_a_replay(half):
    """A state that rests on them is not used: what it would measure again is not there."""
    seen = {
        one.scene_id for one in half.record()["scenes"][half.areas[0].id] if one.acquired.date() >= date(2024, 5, 1)
    }
    for path in (half.outputs / "archive").rglob("*.tif"):
        if path.name.rsplit("-", 1)[0] in seen:
            path.unlink()
    half.source = Withholding(half.source, unlisted=frozenset(seen))
    (outcome,) = half.watch()
    assert outcome.weeks == 9
    assert len(half.record()["observations"]) == 10


def test_the_archive_alone_gives_the_same_record(fetched, undisturbed):
    alone = fetched(source=None)
    alone.watch()
    assert alone.record() == undisturbed.record()


def test_a_replay_changes_nothing(bench, undisturbed):
    (outcome,) = bench.watch(replay=True)
    assert (outcome.weeks, outcome.issued, outcome.changed) == (10, [], [])
    assert bench.record() == undisturbed.record()


@pytest.mark.parametrize(("since", "weeks"), [(date(2024, 6, 12), 3), (date(2024, 6, 30), 1)])
def test_a_replay_begins_where_it_is_told_to(bench, undisturbed, since, weeks):
    (outcome,) = bench.watch(since=since, replay=True)
    assert outcome.weeks == weeks
    assert bench.record() == undisturbed.record()


def test_a_late_scene_is_worked_in_from_its_week_on(undisturbed, fetched, made):
    late = scenes_in(undisturbed, date(2024, 5, 27), date(2024, 6, 2))[:1]
    bench = fetched(without=late, source=Withholding(undisturbed.source, unlisted=frozenset(late)))
    bench.watch()
    before = bench.record()
    assert before["observations"] != undisturbed.record()["observations"]
    bench.source = undisturbed.source
    (outcome,) = bench.watch()
    assert (outcome.fetched, outcome.weeks) == (1, 5)
    after, expected = bench.record(), undisturbed.record()
    assert after["observations"] == expected["observations"]
    assert after["scenes"] == expected["scenes"]
    assert [o.chain for o in after["observations"][:5]] == [o.chain for o in before["observations"][:5]]
    held = [e for e in after["events"][made.WALLED] if "withdrawn" not in e["properties"]]
    assert held == expected["events"][made.WALLED]
    ids = {a["id"] for a in expected["alerts"]}
    assert without_issue_dates([a for a in after["alerts"] if a["id"] in ids]) == without_issue_dates(
        expected["alerts"]
    )
    assert states_of(after) == states_of(expected)


def test_a_scene_that_cannot_be_fetched_is_named_and_worked_in_once_it_can(undisturbed, fetched):
    broken = scenes_in(undisturbed, date(2024, 6, 17), date(2024, 6, 30))[-1]
    bench = fetched(without=[broken], source=Withholding(undisturbed.source, broken=frozenset({broken})))
    (outcome,) = bench.watch()
    assert outcome.failed_scenes == ((broken, f"scene `{broken}`: the wire broke; try again"),)
    bench.source = undisturbed.source
    (outcome,) = bench.watch()
    assert outcome.fetched == 1
    assert bench.record()["observations"] == undisturbed.record()["observations"]


def test_an_acquisition_that_was_promised_and_did_not_come_is_a_line_of_its_week(undisturbed, fetched):
    missing = scenes_in(undisturbed, date(2024, 6, 17), date(2024, 6, 30))[-1]
    bench = fetched(without=[missing], source=None)
    bench.watch()
    said = {o.week: o.note for o in bench.record()["observations"] if "expected" in o.note}
    day = scene_name(missing).day
    ((week, line),) = said.items()
    assert week == week_of(day)
    assert re.fullmatch(rf".*expected (\d), received \d: Sentinel-\d, (orbit \d+, )?{day.day} {day:%B}", line)
    assert not any("expected" in o.note for o in undisturbed.record()["observations"])


def test_an_earlier_start_replays_all_under_the_same_ids(fetched, undisturbed, made):
    bench = fetched()
    bench.watch(since=date(2024, 5, 20))
    told = {a["id"]: a["properties"]["state"] for a in bench.record()["alerts"]}
    (outcome,) = bench.watch(since=made.SINCE)
    assert outcome.weeks == 10
    assert bench.record()["observations"] == undisturbed.record()["observations"]
    found = {e["id"] for e in undisturbed.record()["events"][made.WALLED]}
    held = [e for e in bench.record()["events"][made.WALLED] if e["properties"]["state"] != "retracted"]
    assert {e["properties"].get("detected_as", e["id"]) for e in held} == found
    after = {a["id"]: a["properties"]["state"] for a in bench.record()["alerts"]}
    assert told
    assert {one: after[one] for one in told} == told


def test_a_site_added_inside_a_region_replays_the_region(tmp_path, made):
    region = replace(made.site("ground-1", size_m=600), kind=AreaKind.REGION)
    bench = made.Bench(tmp_path, areas=(region,), history_days=120)
    bench.watch(since=date(2024, 6, 17))
    assert bench.watch(since=None)[0].weeks == 0
    bench.sites = (made.site("inside-1", east_m=500, size_m=60, margin_m=0),)
    (outcome,) = bench.watch(since=None)
    assert outcome.weeks == 2


def test_the_last_clear_look_is_never_a_later_one(undisturbed, fetched):
    """A week without a scene, replayed from a saved state, says when the ground was seen before it, not after."""
    bench = fetched(without=scenes_in(undisturbed, date(2024, 5, 20), date(2024, 6, 16)), source=None)
    bench.watch(until=date(2024, 5, 19))
    bench.watch()
    once = bench.record()["observations"]
    assert all(o.last_clear_look <= o.week.last_day for o in once)
    assert len({o.last_clear_look for o in once if date(2024, 5, 19) <= o.week.last_day <= date(2024, 6, 16)}) == 1
    assert once[-1].last_clear_look > date(2024, 6, 16)
    bench.watch(since=date(2024, 5, 20), replay=True)
    assert bench.record()["observations"] == once


def test_weeks_without_a_scene_are_on_record_as_not_seen(undisturbed, fetched, made):
    scenes = undisturbed.record()["scenes"][made.WALLED]
    bench = fetched(without=[s.scene_id for s in scenes if s.acquired.date() >= date(2024, 6, 17)], source=None)
    bench.watch()
    unseen = [o for o in bench.record()["observations"] if o.week >= week_of(date(2024, 6, 17))]
    assert [(o.scenes, o.seen_share) for o in unseen] == [((), 0.0)] * 2


def test_an_area_without_any_scene_fails_and_says_so(tmp_path, made):
    bench = made.Bench(tmp_path, source=None)
    with pytest.raises(ImageryError, match=r"area `yard-2`: no scene between .*; check that the catalog covers"):
        bench.watch()
    assert bench.record()["observations"] == []


def test_an_area_whose_scenes_all_fail_says_why(tmp_path, made):
    bench = made.Bench(tmp_path, areas=(made.site("jammed"),), history_days=10)
    made.block_archive(tmp_path, bench.areas[0])
    with pytest.raises(ImageryError, match=r"none of \d+ scenes .* could be fetched; .*cannot be archived in"):
        bench.watch(since=made.UNTIL - timedelta(days=6))


def test_rasters_stand_beside_every_week_that_brought_news(undisturbed, made):
    with undisturbed.ledger() as ledger:
        issued = {ledger.alert(a.alert_id).issued_on for a in ledger.alerts()}
    folder: Path = undisturbed.outputs / "areas" / made.WALLED
    for day in issued | {made.UNTIL}:
        assert {p.name for p in (folder / day.isoformat()).iterdir()} == {"score.tif", "change.tif", "first_seen.tif"}


def test_what_changed_is_what_differs_at_the_end_of_a_run(half):
    """However many weeks are worked through: the states before against the states after."""
    with half.ledger() as ledger:
        before = {a.alert_id: a.state for a in ledger.alerts()}
    (outcome,) = half.watch()
    with half.ledger() as ledger:
        after = {a.alert_id: a.state for a in ledger.alerts()}
    assert outcome.issued == sorted(after.keys() - before.keys())
    assert outcome.changed == sorted(a for a in before if before[a] != after.get(a))
    (again,) = half.watch(replay=True)
    assert (again.issued, again.changed) == ([], [])
    assert again.weeks > 0


def test_a_single_scene_of_each_sensor_is_said_to_be_blind(fetched, undisturbed):
    with undisturbed.ledger() as ledger:
        known = ledger.scenes(undisturbed.areas[0].id)
    last = [max(s.scene_id for s in known if s.sensor == sensor) for sensor in ("sentinel-1", "sentinel-2")]
    bench = fetched(without={s.scene_id for s in known} - set(last), source=None)
    (outcome,) = bench.watch()
    assert "nothing to compare it with; set an earlier --since" in outcome.not_comparable_reason
    assert outcome.weeks == 10


def test_an_area_that_memory_cannot_hold_after_one_or_two_scenes_is_refused(fetched, undisturbed, made, monkeypatch):
    """What such a history takes is known once the scenes are; one scene of radar takes no more than many."""
    monkeypatch.setattr(area_size, "is_large", lambda grid: True)
    monkeypatch.setattr(area_size, "_memory_bytes", lambda: 701_000_000)
    with undisturbed.ledger() as ledger:
        known = ledger.scenes(undisturbed.areas[0].id)
    optical, radar = (
        [s.scene_id for s in known if s.sensor == sensor and s.acquired.date() < made.SINCE]
        for sensor in ("sentinel-2", "sentinel-1")
    )
    fetched(without=set(radar[:-1]), source=None).watch()
    for left_out in (optical, optical[:-1], optical[:-2]):
        with pytest.raises(AreaError, match="where at most two scenes of Sentinel-2 came before the first week"):
            fetched(without=set(left_out), source=None).watch()
