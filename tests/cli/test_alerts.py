"""The commands about alerts, over a record without imagery."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from post_office import FIRST, C, Office, P, R

from flows.ledger.ids import alert_id, event_id
from flows.ledger.ledger import open_ledger

X, Y, W, Z = (
    alert_id(event_id(area, key))
    for area, key in (("pier-1", "p1_x"), ("pier-1", "p1_y"), ("pier-2", "p2_w"), ("pier-2", "p2_z"))
)


@pytest.fixture
def desk(tmp_path, call, monkeypatch):
    """Types commands over two weeks of two places, and answers their questions."""
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    office = Office(f"sqlite:///{outputs / 'ledger.sqlite'}", outputs)
    stories: dict[str, Any] = {
        "p1_x": {"again": (FIRST.plus(1).first_day,), "area_m2": 4400.0},
        "p2_z": {"merged_into": event_id("pier-2", "p2_w")},
    }
    office.watch(0, p1_x=(C,), p1_y=(P,), p2_z=(P,))
    office.watch(1, stories, p1_x=(C,), p1_y=(P, R), p2_w=(C,), p2_z=(P,))
    office.ledger.close()

    def typed(*arguments, answer=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        return call("alerts", *arguments, cwd=tmp_path)

    desk: Any = typed
    desk.ledger = lambda: open_ledger(office.url)
    return desk


def acknowledged(desk):
    with desk.ledger() as ledger:
        return {one.alert_id: one.acknowledged_by for one in ledger.alert_records() if one.acknowledged_by}


def test_lists_are_narrowed_down(desk):
    whole = desk("list").out
    assert all(alert in whole for alert in (X, Y, W, Z))
    assert "step 2" in whole
    assert whole.count("nobody yet") == 4
    for options, expected in (
        (("--area", "pier-1"), {X, Y}),
        (("--state", "retracted"), {Y}),
        (("--week", str(FIRST.plus(1))), {W}),
        (("--area", "pier-2", "--state", "provisional"), {Z}),
    ):
        told = desk("list", *options).out
        assert {alert for alert in (X, Y, W, Z) if alert in told} == expected
    assert desk("list", "--area", "pier-1", "--state", "finished").out == "No alert matches (4 on record).\n"
    desk("acknowledge", X, "--by", "Anna")
    assert X not in desk("list", "--open").out
    assert "Anna" in desk("list").out


def test_all_are_acknowledged_only_when_somebody_says_so(desk):
    refused = desk("acknowledge", "--all", "--by", "Anna", answer="n\n")
    assert (refused.status, acknowledged(desk)) == (1, {})
    assert "Acknowledge 4 alerts at 2 places for Anna?" in refused.out
    assert desk("acknowledge", "--all", "--by", "Anna").status == 1, "nobody there to answer"
    assert acknowledged(desk) == {}
    assert desk("acknowledge", "--all", "--by", "Anna", "--area", "pier-1", answer="y\n").status == 0
    assert acknowledged(desk) == {X: "Anna", Y: "Anna"}
    said = desk("acknowledge", "--all", "--by", "Ben", "--yes")
    assert said.out == "2 alerts at 1 place acknowledged by Ben.\n"
    assert acknowledged(desk) == {X: "Anna", Y: "Anna", W: "Ben", Z: "Ben"}
    assert desk("acknowledge", "--all", "--by", "Ben").out == "0 alerts at 0 places acknowledged by Ben.\n"


def test_all_of_a_week_are_acknowledged(desk):
    assert desk("acknowledge", "--all", "--week", str(FIRST), "--by", "Anna", "--yes").status == 0
    assert set(acknowledged(desk)) == {X, Y, Z}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("acknowledge", "--by", "Anna"), "name one alert, or use --all"),
        (("acknowledge", X, "--all", "--by", "Anna"), "name one alert, or use --all"),
        (("acknowledge", X, "--area", "pier-1", "--by", "Anna"), "name one alert, or use --all"),
        (("acknowledge", "--all", "--area", "pier-9", "--by", "Anna"), "area `pier-9` is not in the ledger"),
        (("acknowledge", "--all", "--by", " ", "--yes"), "needs a name"),
        (("list", "--week", "W47"), "week `W47` is not an ISO week; write it as 2026-W47"),
    ],
)
def test_calls_that_are_wrong_change_nothing(desk, arguments, complaint):
    said = desk(*arguments)
    assert (said.status, complaint in said.err) == (2, True)
    assert acknowledged(desk) == {}


def test_an_alert_is_shown_with_its_whole_story(desk):
    shown = json.loads(desk("show", X).out)
    assert [step["added_m2"] for step in shown["steps"]] == [2400.0, 2000.0]
    assert shown["history"] == [f"{FIRST.first_day} confirmed", f"{FIRST.plus(1).first_day} step 2"]
    assert json.loads(desk("show", Z).out)["history"][-1] == (
        f"{FIRST.plus(1).last_day} now part of {event_id('pier-2', 'p2_w')}"
    )
