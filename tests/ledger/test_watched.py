from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from shapely.geometry import MultiPolygon, box

from aois.area import Area, AreaKind, Sensitivity
from detectors.records import UnfamiliarGround
from flows.ledger import LedgerError, RunRecord, SceneRecord, alert_id, event_id

SCENE = SceneRecord(
    "sentinel-2_20260907T033539",
    "sentinel-2",
    datetime(2026, 9, 7, 3, 35, 39, tzinfo=UTC),
    "0" * 64,
    "simulated",
    0.82,
    0.31,
    "used",
)


def test_areas_come_back_as_they_were_with_their_responses_and_are_never_dropped(ledger, given):
    region = Area("region-1", AreaKind.REGION, MultiPolygon([box(1, 1, 2, 2)]), sensitivity=Sensitivity.PUBLIC)
    ledger.record_areas([region])
    ledger.record_areas([replace(given.area(), name="Pier")])
    assert ledger.areas() == [region, replace(given.area(), name="Pier")]


def test_scenes_are_updated_and_come_back_in_order(ledger, given, url):
    refused = replace(SCENE, scene_id="a", shift_px=None, status="refused", note="shift of 2.1 px")
    earlier = replace(SCENE, scene_id="z", acquired=SCENE.acquired - timedelta(days=5))
    ledger.record_scenes("site-a", [SCENE, earlier, replace(refused, status="used")])
    ledger.record_scenes("site-a", [refused])
    assert ledger.scenes("site-a") == [earlier, refused, SCENE]
    before = given.dump(url)
    ledger.record_scenes("site-a", [SCENE, refused])
    assert given.dump(url) == before


def test_times_are_kept_as_instants(ledger):
    local = SCENE.acquired.astimezone(timezone(timedelta(hours=7)))
    ledger.record_scenes("site-a", [replace(SCENE, acquired=local)])
    (read,) = ledger.scenes("site-a")
    assert (read.acquired, read.acquired.tzinfo) == (SCENE.acquired, UTC)


def test_scenes_of_an_unknown_area_are_refused(ledger):
    with pytest.raises(LedgerError, match=r"area `site-z` is not in the ledger"):
        ledger.record_scenes("site-z", [SCENE])


def test_a_week_in_which_nothing_was_seen_is_on_record(ledger, given):
    unseen = replace(given.observation(1), scenes=(), sensors=(), seen_share=0.0, last_clear_look=None, note="cloud")
    ledger.record_week(given.observation(0), [])
    ledger.record_week(unseen, [])
    assert ledger.observations() == [given.observation(0), unseen]
    assert ledger.observations(until=given.week(0)) == [given.observation(0)]
    assert ledger.last_observed("site-a") == given.week(1)
    assert ledger.last_observed("site-z") is None


def test_unfamiliar_ground_is_on_record(ledger, given):
    strange = replace(given.observation(0), unfamiliar=UnfamiliarGround(0.62, "brightness", True))
    ledger.record_week(strange, [])
    assert ledger.observations() == [strange]
    ledger.record_week(given.observation(0), [])
    assert ledger.observations() == [given.observation(0)]


def test_runs_are_on_record_from_start_to_end(ledger):
    started = datetime(2026, 11, 23, 6, tzinfo=UTC)
    ledger.start_run(RunRecord("run-1", started, "0.1.0", {"source": "simulated"}))
    ledger.start_run(RunRecord("run-2", started + timedelta(days=7), "0.1.0"))
    ledger.finish_run("run-1", status="failed", summary={"failed": ["site-a"]}, at=started + timedelta(minutes=3))
    latest, first = ledger.runs()
    assert (latest.run_id, latest.status, latest.finished_at) == ("run-2", "running", None)
    assert (first.status, first.summary, first.settings) == ("failed", {"failed": ["site-a"]}, {"source": "simulated"})
    assert first.finished_at == started + timedelta(minutes=3)
    assert [run.run_id for run in ledger.runs(limit=1)] == ["run-2"]


def test_runs_cannot_share_an_id_or_end_before_they_start(ledger):
    run = RunRecord("run-1", datetime(2026, 11, 23, tzinfo=UTC), "0.1.0")
    ledger.start_run(run)
    with pytest.raises(LedgerError, match="in the ledger already"):
        ledger.start_run(run)
    with pytest.raises(LedgerError, match="start it before"):
        ledger.finish_run("run-9", status="done", summary={}, at=run.started_at)


def test_ids_are_the_same_for_ever():
    assert event_id("site-a", "x") == "ev-31b3ab89f762"
    assert alert_id("ev-31b3ab89f762") == "al-143b298cc168"
    assert event_id("a", "bc") != event_id("ab", "c")
