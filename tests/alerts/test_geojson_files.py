from __future__ import annotations

import json
import os
import stat
from dataclasses import replace

import pytest
from sea_alert import KNOWN
from shapely.geometry import MultiPolygon, Polygon, shape

from flows.evidence.geojson_files import write_alerts, write_events
from flows.evidence.manifests import EvidenceError


@pytest.fixture(params=[write_alerts, write_events])
def write(request):
    return request.param


def test_a_file_is_a_feature_collection_by_the_right_hand_rule(write, feature, tmp_path):
    path = tmp_path / "alerts" / "alerts.geojson"
    assert write([feature()], path)
    text = path.read_text(encoding="utf-8")
    collection = json.loads(text)
    assert collection["type"] == "FeatureCollection"
    (written,) = collection["features"]
    assert written["properties"] == {**KNOWN, "simulated": False}
    assert list(written["properties"]) == [*KNOWN, "simulated"]
    ring = written["geometry"]["coordinates"][0]
    assert Polygon(ring).exterior.is_ccw
    assert {x for x, _ in ring} == {0.123457, 1.0}
    assert "-0.0" not in text
    assert Polygon(ring).equals_exact(feature().ground.reverse().normalize(), 1e-6, normalize=True)


def test_holes_turn_the_other_way(feature, tmp_path):
    outer = [[0, 0], [0, 4], [4, 4], [4, 0], [0, 0]]
    hole = [[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]
    one = replace(feature(), geometry=MultiPolygon([(outer, [hole])]))
    write_alerts([one], tmp_path / "a.geojson")
    (polygon,) = shape(json.loads((tmp_path / "a.geojson").read_text())["features"][0]["geometry"]).geoms
    assert polygon.exterior.is_ccw
    assert not polygon.interiors[0].is_ccw


def test_the_order_given_does_not_matter(write, feature, tmp_path):
    features = [
        feature(area_id="pier-2"),
        feature(first_seen="2026-11-04"),
        feature(alert_id="al-2"),
        feature(alert_id="al-1"),
    ]
    write(features, tmp_path / "a")
    write(features[::-1], tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    ids = [(one["id"], one["properties"]["area_id"]) for one in json.loads((tmp_path / "a").read_text())["features"]]
    assert ids == [
        ("al-1", "pier-1"),
        ("al-2", "pier-1"),
        ("al-0123456789ab", "pier-1"),
        ("al-0123456789ab", "pier-2"),
    ]


def test_a_file_that_would_not_change_is_not_touched(write, feature, tmp_path):
    path = tmp_path / "alerts.geojson"
    assert write([feature()], path)
    os.utime(path, ns=(1, 1))
    inode = path.stat().st_ino
    assert not write([feature()], path)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (1, inode)
    assert write([], path)
    assert json.loads(path.read_text()) == {"type": "FeatureCollection", "features": []}


def test_only_the_owner_reads_it_and_nothing_else_is_left_behind(write, feature, tmp_path):
    path = tmp_path / "alerts.geojson"
    write([feature()], path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_says_so(feature, tmp_path):
    (tmp_path / "alerts").write_text("a file where a folder should be")
    with pytest.raises(EvidenceError, match=r"cannot be written .*check the folder"):
        write_alerts([feature()], tmp_path / "alerts" / "alerts.geojson")


def test_an_alert_without_its_ground_is_refused_by_its_id(feature, tmp_path):
    path = tmp_path / "alerts.geojson"
    write_alerts([feature()], path)
    before = path.read_bytes()
    with pytest.raises(EvidenceError, match="al-0123456789ab"):
        write_alerts([replace(feature(), geometry=None)], path)
    assert path.read_bytes() == before
