"""The commands about incidents, over a record without imagery."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from post_office import C, Office, P

from flows.ledger.ids import alert_id, event_id
from flows.ledger.ledger import open_ledger

X, Y = (alert_id(event_id("pier-1", key)) for key in ("p1_x", "p1_y"))
INCIDENT = X.replace("al-", "in-")
SOON = str((datetime.now(UTC) + timedelta(days=10)).date())


@pytest.fixture
def desk(tmp_path, call):
    """Types commands over two weeks of two places."""
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    office = Office(f"sqlite:///{outputs / 'ledger.sqlite'}", outputs)
    office.watch(0, p1_x=(C,))
    office.watch(1, p1_x=(C,), p1_y=(P,), p2_w=(C,))
    office.ledger.close()

    def typed(*arguments):
        return call("alerts", "incidents", *arguments, cwd=tmp_path)

    desk: Any = typed
    desk.ledger = lambda: open_ledger(office.url)
    desk.folder = tmp_path
    return desk


def test_an_incident_is_acknowledged_and_judged_as_one(desk):
    assert "0 of 2" in desk("list").out
    assert (
        desk("acknowledge", INCIDENT, "--by", "Anna").out == f"{INCIDENT}: 2 alerts at pier-1 acknowledged by Anna.\n"
    )
    assert INCIDENT not in desk("list", "--open").out
    assert desk("judge", INCIDENT, "rejected", "--reason", "season", "--by", "Ben").status == 0
    with desk.ledger() as ledger:
        taken = {one.alert_id: one.acknowledged_by for one in ledger.alert_records()}
        assert (taken[X], taken[Y], sum(one is None for one in taken.values())) == ("Anna", "Anna", 1)
        assert {one.event_id for one in ledger.verdicts()} == {event_id("pier-1", key) for key in ("p1_x", "p1_y")}
    shown = json.loads(desk("show", INCIDENT).out)
    assert [(one["alert_id"], one["verdicts"][0]["by"]) for one in shown["alerts"]] == [(X, "Ben"), (Y, "Ben")]
    assert "geometry" not in str(shown)


def test_a_verdict_that_lacks_its_reason_is_recorded_for_no_alert(desk):
    said = desk("judge", INCIDENT, "rejected", "--by", "Ben")
    assert said.status == 2
    with desk.ledger() as ledger:
        assert ledger.verdicts() == []


def test_a_mute_is_shown_and_ended(desk):
    assert desk("mute", INCIDENT, "--until", SOON, "--by", "Anna", "--why", "known works").status == 0
    assert f"muted until {SOON}" in desk("list").out
    assert json.loads(desk("show", INCIDENT).out)["muted_until"] == SOON
    assert desk("unmute", INCIDENT, "--by", "Ben", "--why", "they grew").status == 0
    shown = json.loads(desk("show", INCIDENT).out)
    assert (shown["muted_until"], [one["why"] for one in shown["decisions"]]) == (None, ["known works", "they grew"])


def test_an_export_holds_the_alerts_of_the_incident_for_its_owner_alone(desk):
    target = desk.folder / "incident.geojson"
    said = desk("export", INCIDENT, "--to", "incident.geojson")
    assert "only for people who may know the place" in said.out
    assert {one["id"] for one in json.loads(target.read_text())["features"]} == {X, Y}
    assert target.stat().st_mode & 0o777 == 0o600
    again = desk("export", INCIDENT, "--to", "incident.geojson")
    assert (again.status, "is there already" in again.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("show", "in-0"), "incident `in-0` is not on record"),
        (("list", "--area", "pier-9"), "area `pier-9` is not in the ledger"),
        (("mute", INCIDENT, "--until", "soon", "--by", "A", "--why", "b"), "--until `soon` is not a date"),
        (("mute", INCIDENT, "--until", "2090-01-01", "--by", "A", "--why", "b"), "a mute lasts 13 weeks at most"),
        (("mute", INCIDENT, "--until", SOON, "--by", "A", "--why", " "), "needs a name and a reason"),
    ],
)
def test_calls_that_are_wrong_change_nothing(desk, arguments, complaint):
    said = desk(*arguments)
    assert (said.status, complaint in said.err) == (2, True)
    with desk.ledger() as ledger:
        assert ledger.mutes.all() == []
