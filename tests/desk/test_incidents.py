"""Incidents at the desk: shown once, and acknowledged, judged, exported and muted as one."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any

import pytest

HERON, IBIS = ("ev-a1", "ev-a2"), ("ev-b1", "ev-b2")


def incident_of(desk: Any, event_id: str) -> Any:
    return next(one for one in desk.ledger.incidents().all if event_id in one.event_ids)


def press(desk: Any, name: str, event_id: str, form: str, **given: str) -> Any:
    """Somebody presses a button of the page of an incident."""
    with desk.client(name) as client:
        incident = incident_of(desk, event_id)
        fields = {"form_key": desk.form_key_of(name), "number": str(len(incident.alerts)), **given}
        return client.post(f"/incidents/{incident.incident_id}/{form}", data=fields)


def page(desk: Any, name: str, path: str) -> str:
    with desk.client(name) as client:
        return unescape(client.get(path).text)


def test_the_queue_shows_an_incident_once_with_its_alerts_inside(shared: Any) -> None:
    text = page(shared, "rolf", "/")
    heads = re.findall(r'class="incident">.*?href="/incidents/(ref-[0-9a-f]+)"', text)
    references = shared.ledger.references()
    assert heads == [references.of(incident_of(shared, one).incident_id) for one in ("ev-a1", "ev-b1")]
    first, second = text.split('class="incident"')[1:]
    assert re.findall(r'href="/cases/(ev-\w+)"', first) == list(HERON)
    assert re.findall(r'href="/cases/(ev-\w+)"', second) == list(IBIS)
    assert "2 alerts of one place" in first


def test_acknowledging_an_incident_acknowledges_all_its_alerts_and_no_other(desk: Any) -> None:
    assert press(desk, "rita", "ev-a1", "acknowledgement").status_code == 303
    taken = {one.event_id: one.acknowledged_by for one in desk.ledger.alert_records()}
    assert [taken[one] for one in (*HERON, *IBIS)] == ["rita", "rita", None, None]
    (act,) = (one for one in desk.ledger.accounts.acts() if one.act == "acknowledged")
    assert (act.by, act.subject, act.detail) == ("rita", incident_of(desk, "ev-a1").incident_id, "2")
    shown = page(desk, "vera", f"/incidents/{act.subject}")
    assert shown.count("<bdi>rita</bdi>") == 2
    assert "acknowledgement" not in shown, "a viewer cannot"


@pytest.mark.parametrize("form", ["acknowledgement", "verdicts"])
def test_an_alert_that_came_while_the_page_was_open_is_not_taken_up_unseen(desk: Any, form: str) -> None:
    """Nobody else would be called for it, and it would leave the list of what is open."""
    address = f"/incidents/{incident_of(desk, 'ev-a1').incident_id}"
    assert page(desk, "rita", address).count('name="number" value="2"') == 2
    refused = press(desk, "rita", "ev-a1", form, number="1", verdict="confirmed")
    assert (refused.status_code, "Nothing was recorded" in refused.text) == (422, True)
    assert desk.ledger.verdicts() == []
    assert {one.acknowledged_by for one in desk.ledger.alert_records()} == {None}


def test_a_verdict_on_an_incident_is_one_on_each_alert_or_on_none(desk: Any) -> None:
    refused = press(desk, "rita", "ev-a1", "verdicts", verdict="rejected:other")
    assert (refused.status_code, "needs a note" in refused.text) == (422, True)
    assert desk.ledger.verdicts() == []
    assert press(desk, "rita", "ev-a1", "verdicts", verdict="rejected:season").status_code == 303
    assert {one.event_id for one in desk.ledger.verdicts()} == set(HERON)
    assert re.findall(r'href="/cases/(ev-\w+)"', page(desk, "rita", "/")) == list(IBIS)
    with desk.client("rita") as client:
        client.post("/verdicts/1/undo", data={"form_key": desk.form_key_of("rita")})
    assert len(desk.ledger.verdicts()) == 1, "each can be taken back by itself"


def test_a_mute_is_said_on_every_page_and_ended_by_a_person(desk: Any) -> None:
    until = datetime.now(UTC).date() + timedelta(days=10)
    assert press(desk, "rita", "ev-a1", "mute", until=str(until), why="known works").status_code == 303
    incident = incident_of(desk, "ev-a1")
    said = f"messages muted until {until.day} {until:%B %Y}"
    assert said in page(desk, "vera", "/")
    assert said in page(desk, "vera", f"/incidents/{incident.incident_id}")
    assert said not in page(desk, "vera", f"/incidents/{incident_of(desk, 'ev-b1').incident_id}")
    assert press(desk, "rolf", "ev-a1", "mute", what="end", why="they grew").status_code == 303
    assert [one.why for one in desk.ledger.incidents().decisions(incident)] == ["known works", "they grew"]
    assert said not in page(desk, "vera", "/")
    assert [(one.act, one.by) for one in desk.ledger.accounts.acts()][:2] == [("unmuted", "rolf"), ("muted", "rita")]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"until": "soon", "why": "x"}, "This day cannot be used"),
        ({"until": str(date(2090, 1, 1)), "why": "x"}, "This day cannot be used"),
        ({"until": str(date(2020, 1, 1)), "why": "x"}, "This day cannot be used"),
        ({"until": str(datetime.now(UTC).date()), "why": " "}, "A reason is missing"),
    ],
)
def test_a_mute_that_lacks_something_is_asked_for_again(shared: Any, given: dict[str, str], complaint: str) -> None:
    answer = press(shared, "rita", "ev-a1", "mute", **given)
    assert (answer.status_code, complaint in answer.text) == (422, True)
    assert shared.ledger.mutes.all() == []


def test_only_those_who_may_see_positions_export_an_incident(shared: Any) -> None:
    address = f"/incidents/{incident_of(shared, 'ev-a1').incident_id}/alerts.geojson"
    with shared.client("otto") as client:
        answer = client.get(address)
        assert (answer.status_code, {one["properties"]["event_id"] for one in answer.json()["features"]}) == (
            200,
            set(HERON),
        )
    for name in ("vera", "rita"):
        with shared.client(name) as client:
            assert client.get(address).status_code == 403
            assert "geojson" not in page(shared, name, address.rpartition("/")[0])
    with shared.client("rita") as client:
        assert client.get("/incidents/in-0").status_code == 404
