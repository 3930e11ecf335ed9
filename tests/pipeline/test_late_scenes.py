"""Scenes that come late make detectors name the same ground anew; the record, and people, know it by its first id."""

from __future__ import annotations

import shutil

import pytest

from flows.records.events import RemarkKind
from flows.records.messages import News


@pytest.fixture
def come_late(fetched, undisturbed, made):
    """A watch that lacked scenes, after they have come: the record before and after, and the ledger."""

    def come_late(*scene_ids):
        bench = fetched(without=scene_ids, source=None)
        bench.watch()
        before = bench.record()
        for scene_id in scene_ids:
            (late,) = undisturbed.outputs.glob(f"archive/*/*/{scene_id}-*.tif")
            shutil.copy(late, bench.outputs / late.relative_to(undisturbed.outputs))
        bench.watch()
        return before, bench.record(), bench

    return come_late


def alive(record, area):
    return {e["id"]: e["properties"] for e in record["events"][area] if e["properties"]["state"] != "retracted"}


def test_the_same_wall_seen_by_one_radar_scene_more_keeps_its_id_and_its_alert(come_late, undisturbed, made):
    before, after, bench = come_late("sentinel-1_20240508T180000_r169")
    expected = undisturbed.record()
    (alert,), (known,) = before["alerts"], expected["alerts"]
    assert known["properties"]["event_id"] not in alive(before, made.WALLED), "its detectors call it something else"
    assert [one["id"] for one in after["alerts"]] == [alert["id"]]
    properties = after["alerts"][0]["properties"]
    assert properties["event_id"] == alert["properties"]["event_id"]
    assert properties["detected_as"] == known["properties"]["event_id"]
    assert after["messages"] == before["messages"], "nobody hears anything"
    for name in ("state", "first_seen", "confirmed_on", "area_m2", "scenes"):
        assert properties[name] == known["properties"][name]
    with bench.ledger() as ledger:
        kept = [one for one in ledger.remarks(properties["event_id"]) if one.kind is RemarkKind.KEPT]
    assert [one.about for one in kept] == [properties["detected_as"]]
    assert bench.watch()[0].weeks == 0
    bench.watch(replay=True)
    assert bench.record() == after


def test_two_pieces_that_late_scenes_show_to_be_one_are_said_to_be_one(come_late):
    before, after, _bench = come_late(
        "sentinel-2_20240527T101800", "sentinel-2_20240601T101800", "sentinel-1_20240601T180000_r169"
    )
    assert [a["properties"]["state"] for a in before["alerts"]] == ["confirmed", "confirmed"]
    assert not any("merged_into" in a["properties"] for a in before["alerts"])
    found = {a["id"]: a["properties"] for a in after["alerts"]}
    known = {a["id"] for a in before["alerts"]}
    parts = {one for one, properties in found.items() if "merged_into" in properties}
    (whole,) = found.keys() - parts
    assert parts <= known <= found.keys(), "whoever knows an alert still finds it"
    assert {found[part]["merged_into"] for part in parts} == {found[whole]["event_id"]}
    told = {key for key, _ in after["messages"]} - {key for key, _ in before["messages"]}
    assert {f"{part}:merged" for part in parts} <= told
    assert {key.split(":")[0] for key in told} == parts | ({whole} - known), "the whole is news where nobody knew it"


def test_steps_reach_the_record_with_their_areas(undisturbed, made):
    for feature in undisturbed.record()["events"][made.WALLED]:
        steps = feature["properties"]["steps"]
        assert steps[0]["on"] == feature["properties"]["first_seen"]
        assert sum(step["added_m2"] for step in steps) == pytest.approx(feature["properties"]["area_m2"])
    with undisturbed.ledger() as ledger:
        assert {message.news for message in ledger.pending_messages()} >= {News.ISSUED}
