"""Incidents: which alerts are one, what a mute keeps back, and that nothing is lost or sent twice."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import date, timedelta

import pytest
from post_office import FIRST, MONDAY, REFERENCES, C, Office, P, R, week
from shapely.geometry import box

from detectors.records import AlertKind, Change, State
from flows.ledger import LedgerError
from flows.ledger.ids import alert_id, event_id
from flows.records.events import Alert
from flows.records.ids import AlertId, AreaId, EventId
from flows.records.incidents import IncidentRule, Incidents, incidents_of

SECRET = "sixteen letters or more"
X, Y, Z = (alert_id(event_id("pier-1", f"p1_{key}")) for key in "xyz")
W = alert_id(event_id("pier-2", "p2_w"))


def alert(number: int, area: str, day: date, *, at: float = 0.0, kind: AlertKind = AlertKind.EXPANSION) -> Alert:
    """An alert with ten metres of ground, `at` metres east of the first."""
    west = at / 111_320
    return Alert(
        event_id=EventId(f"ev-{number:012d}"),
        alert_id=AlertId(f"al-{number:012d}"),
        area_id=AreaId(area),
        kind=kind,
        change=Change.CONSTRUCTION,
        state=State.CONFIRMED,
        first_seen=day,
        issued_on=day,
        area_m2=900.0,
        area_m2_low=800.0,
        area_m2_high=1000.0,
        confidence=0.8,
        geometry=box(west, 0, west + 1e-4, 1e-4),
    )


def groups(alerts, rule=None):
    return [[int(name[3:]) for name in one.alert_ids] for one in incidents_of(alerts, rule)]


DAY = date(2026, 1, 4)


def weeks(number: int) -> date:
    return DAY + timedelta(weeks=number)


def test_alerts_of_a_site_are_one_incident_while_each_follows_the_last_in_time():
    told = [alert(n, "site", weeks(at)) for n, at in ((1, 0), (2, 13), (3, 26), (4, 40))]
    assert groups(told) == [[1, 2, 3], [4]]
    assert groups(told, IncidentRule(weeks=12)) == [[1], [2], [3], [4]]
    assert groups([*told, alert(5, "other", weeks(1))]) == [[5], [1, 2, 3], [4]]


def test_an_incident_is_named_after_its_first_alert_whatever_the_order():
    told = [alert(n, "site", weeks(n)) for n in range(8)]
    named = [(one.incident_id, one.alert_ids) for one in incidents_of(told)]
    random.Random(1).shuffle(told)
    assert [(one.incident_id, one.alert_ids) for one in incidents_of(told)] == named
    assert named[0][0] == "in-000000000000"


def test_new_suspect_sites_are_one_incident_only_near_one_another_and_no_incident_creeps():
    far = AlertKind.NEW_SUSPECT_SITE
    told = [alert(n, "sea", weeks(n), at=at, kind=far) for n, at in ((1, 0), (2, 200), (3, 400), (4, 5_000))]
    assert groups(told) == [[1, 2], [3], [4]]
    assert groups([replace(one, geometry=None) for one in told]) == [[1], [2], [3], [4]]


def test_a_new_suspect_site_never_joins_the_incident_of_a_site():
    told = [alert(1, "sea", weeks(0)), alert(2, "sea", weeks(0), kind=AlertKind.NEW_SUSPECT_SITE)]
    assert groups(told) == [[1], [2]]


def test_an_id_still_names_its_incident_when_a_late_scene_adds_an_alert_before_it():
    known = Incidents(incidents_of([alert(n, "site", weeks(n)) for n in (1, 2, 3)]))
    assert known.named("in-000000000002") == known.all[0]
    assert known.named("in-000000000009") is None


@pytest.fixture
def office(tmp_path, web_server):
    """An office with one webhook for everything, which says how long it waits for an answer."""
    path = tmp_path / "routes.toml"
    path.write_text(
        f'[channels.a]\nkind = "webhook"\nurl = "{web_server.url("/a")}"\nsecret = "{SECRET}"\n'
        '[channels.boss]\nkind = "webhook"\n'
        f'url = "{web_server.url("/boss")}"\nsecret = "{SECRET}"\n'
        '[[routes]]\nname = "all"\nchannels = ["a"]\nescalate_after_hours = 24\nescalate_to = ["boss"]\n'
    )
    one = Office(f"sqlite:///{tmp_path / 'ledger.sqlite'}", tmp_path, alert_routes=path)
    yield one
    one.ledger.close()


def bodies(web_server, path="/a"):
    return [json.loads(post.body) for post in web_server.posts if post.path == path]


def told(web_server, path="/a"):
    return [key for body in bodies(web_server, path) for one in body["alerts"] for key in one["properties"]["messages"]]


called = REFERENCES.of


def mute(office, alert=X, days=20):
    until = (office.now + timedelta(days=days)).date()
    office.ledger.mutes.mute(alert, until=until, by="Anna", why="works are known", at=office.now)


def test_a_later_alert_of_a_place_says_what_was_told_before(office, web_server):
    office.watch(0, p1_x=(P,))
    office.deliver()
    office.watch(1, p1_x=(P,), p1_y=(P,))
    office.watch(2, p1_x=(P,), p1_y=(P,), p1_z=(P,), p2_w=(P,))
    office.deliver()
    text = bodies(web_server)[1]["text"]
    assert "further change at a place told on 13 September 2026 (1 alert before)" in text
    assert "further change at a place told on 20 September 2026 (2 alerts before)" in text
    assert text.count("further change") == 2, "the first alert of another place follows nothing"
    said = {one["id"]: one["properties"] for one in bodies(web_server)[1]["alerts"]}
    assert (said[called(Z)]["incident_id"], said[called(Z)]["alerts_before"], said[called(Z)]["told_before"]) == (
        called(X),
        2,
        "2026-09-20",
    )
    assert said[called(W)]["alerts_before"] == 0


def test_what_is_muted_stays_on_record_and_goes_out_in_no_channel_not_even_later(office, web_server):
    heard: list[str] = []

    def programs(content, _made_at):
        heard.extend(key for one in content.alerts for key in one.messages)
        return ""

    office.watch(0, p1_x=(P,))
    office.deliver(signal=programs)
    mute(office)
    office.watch(1, p1_x=(P, C), p1_y=(P,), p2_w=(P,))
    outcome = office.deliver(signal=programs)
    assert (outcome.muted, outcome.sent) == (2, 1)
    assert told(web_server) == heard == [f"{called(X)}:provisional", f"{called(W)}:provisional"]
    text = bodies(web_server)[1]["text"]
    assert "Muted until 18 October 2026 by the decision of a person: pier-1, incident ref-" in text
    assert "2 messages were not sent." in text
    assert {one.key for one in office.ledger.mutes.messages()} == {f"{X}:confirmed", f"{Y}:provisional"}
    assert {one.alert_id for one in office.ledger.alerts()} == {X, Y, W}
    office.later(days=25)
    office.deliver(signal=programs)
    assert len(told(web_server)) == len(heard) == 2, "nothing floods when it ends"
    office.watch(2, p1_x=(P, C), p1_y=(P, C), p1_z=(P,), p2_w=(P,))
    office.deliver(signal=programs)
    assert set(told(web_server)[2:]) == {f"{called(Y)}:confirmed", f"{called(Z)}:provisional"}
    assert (
        "told on 13 September 2026 (2 alerts before, of which 1 was muted and not sent)"
        in bodies(web_server)[2]["text"]
    )
    assert "Muted until" not in bodies(web_server)[2]["text"]


def test_a_mute_ends_at_once_when_somebody_says_so_and_what_it_kept_back_stays_back(office, web_server):
    office.watch(0, p1_x=(P,))
    office.deliver()
    mute(office)
    office.watch(1, p1_x=(P,), p1_y=(P,))
    office.deliver()
    office.ledger.mutes.end(X, by="Ben", why="works went on", at=office.now)
    assert office.deliver().waiting == 0
    office.watch(2, p1_x=(P,), p1_y=(P,), p1_z=(P,))
    office.deliver()
    assert told(web_server) == [f"{called(X)}:provisional", f"{called(Z)}:provisional"]
    acts = [(one.act, one.detail) for one in office.ledger.accounts.acts()]
    assert acts == [
        ("unmuted", "by Ben (command line), works went on"),
        ("muted", "by Anna (command line), until 2026-10-18: works are known"),
    ]


def test_that_a_told_alert_does_not_hold_is_told_in_spite_of_a_mute(office, web_server):
    office.watch(0, p1_x=(P,))
    office.deliver()
    mute(office)
    office.watch(1, p1_x=(P,), p1_y=(P,))
    office.deliver()
    office.watch(2, p1_x=(P, R), p1_y=(P, R))
    office.deliver()
    assert told(web_server) == [f"{called(X)}:provisional", f"{called(X)}:retracted"]
    office.later(days=60)
    assert office.deliver().sent == 0


def test_nobody_hears_that_an_alert_does_not_hold_of_which_nobody_was_told(office, web_server):
    office.watch(0, p1_x=(P,))
    office.deliver()
    mute(office)
    office.watch(1, p1_x=(P,), p1_y=(P,))
    office.deliver()
    office.later(days=60)
    office.watch(2, p1_x=(P,), p1_y=(P, R))
    office.deliver()
    assert told(web_server) == [f"{called(X)}:provisional"]


def test_an_alert_and_its_retraction_that_come_at_once_are_both_kept_back(office, web_server):
    office.watch(0, p1_x=(P,))
    office.deliver()
    mute(office)
    office.watch(1, p1_x=(P,), p1_y=(P,))
    office.watch(2, p1_x=(P,), p1_y=(P, R))
    assert office.deliver().muted == 2
    assert told(web_server) == [f"{called(X)}:provisional"]


def test_a_mute_holds_where_no_channel_was_given_at_the_time(office, web_server):
    office.watch(0, p1_x=(P,))
    office.deliver()
    mute(office)
    office.watch(1, p1_x=(P,), p1_y=(P,))
    routes = office.settings.alert_routes
    office.settings = office.settings.model_copy(update={"alert_routes": None})
    assert office.deliver().muted == 1
    office.settings = office.settings.model_copy(update={"alert_routes": routes})
    office.later(days=60)
    office.deliver()
    assert told(web_server) == [f"{called(X)}:provisional"]


def test_nobody_else_is_called_while_an_incident_is_muted_and_the_clock_starts_again_after(office, web_server):
    office.watch(0, p1_x=(P,))
    office.deliver()
    mute(office, days=3)
    office.later(days=3)
    office.deliver()
    assert told(web_server, "/boss") == []
    office.later(days=1)
    office.deliver()
    assert told(web_server, "/boss") == [], "the mute ended this night"
    office.later(days=1)
    office.deliver()
    assert told(web_server, "/boss") == [f"{called(X)}:provisional"]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"until": MONDAY.date() - timedelta(days=1)}, "2026-09-27 is past; give a day from today to 2026-12-28"),
        ({"until": date(2030, 1, 1)}, "a mute lasts 13 weeks at most; give a day up to 2026-12-28, then decide again"),
        ({"by": " "}, "a mute needs a name and a reason"),
        ({"why": ""}, "a mute needs a name and a reason"),
        ({"alert_id": AlertId("al-0")}, "incident `in-0` is not in the ledger"),
    ],
)
def test_a_mute_has_a_name_a_reason_and_an_end(office, given, complaint):
    office.watch(0, p1_x=(P,))
    said = {"alert_id": X, "until": date(2026, 10, 4), "by": "Anna", "why": "known", "at": office.now} | given
    with pytest.raises(LedgerError, match=complaint):
        office.ledger.mutes.mute(said.pop("alert_id"), **said)
    assert office.ledger.mutes.all() == []
    assert office.ledger.accounts.acts() == []


def test_alerts_of_one_week_do_not_follow_one_another(office):
    office.watch(0, p1_x=(P,), p1_y=(P,))
    (incident,) = office.ledger.incidents().all
    assert [incident.before(one) for one in incident.alert_ids] == [(), ()]
    assert (incident.first_on, week(0)) == (FIRST.last_day, FIRST)


def test_a_mute_begins_on_the_day_on_which_it_was_decided(office):
    """A route that is tried over past weeks would else call nobody in weeks before the mute."""
    office.watch(0, p1_x=(P,))
    mute(office)
    incidents = office.ledger.incidents(IncidentRule())
    [incident] = incidents.all
    today = office.now.date()
    assert incidents.mute_on(incident, today - timedelta(days=1)) is None
    assert incidents.mute_on(incident, today) is not None
