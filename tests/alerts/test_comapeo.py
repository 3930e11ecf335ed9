"""Alerts on a CoMapeo server: as it takes them, each once, and only by routes that may tell positions."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest
from comapeo_server import PROJECT, TOKEN, comapeo_server, complaint_about
from post_office import C, Office, P, R
from shapely.geometry import box

from aois.week import Week
from flows.alerts import AlertsError, Channel, Setting, parcel, read_routes, send
from flows.alerts.comapeo import CoMapeoProject, post_alerts
from flows.alerts.routes import ChannelKind
from flows.ledger.ids import alert_id, event_id

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
X, Y = (alert_id(event_id("pier-1", f"p1_{key}")) for key in "xy")


@pytest.fixture
def server():
    """A CoMapeo server with one project."""
    with comapeo_server() as one:
        yield one


@pytest.fixture
def content(feature):
    """Makes what a restricted route tells of some alerts."""

    def content(number=1, *, restricted=True, **setting):
        given = Setting("report", is_restricted=restricted, **setting)
        alerts = [feature(alert_id=f"al-{n:012d}", event_id=f"ev-{n:012d}") for n in range(number)]
        messages = {one.alert_id: [f"{one.alert_id}:confirmed"] for one in alerts}
        return parcel(alerts, Week(2026, 47), given, key="sw-0123456789ab", messages=messages)

    return content


def sent(content, server, **changed):
    given = {"kind": "comapeo", "url": server.url, "project": PROJECT, "secret": TOKEN} | changed
    return send(content, Channel(**given), made_at=NOW, now=NOW)


def test_an_alert_is_a_point_on_its_ground_with_its_days_and_plain_words(content, server):
    told = content()
    assert sent(told, server) == ""
    (alert,) = server.alerts
    assert complaint_about(alert) == ""
    assert alert["sourceId"] == "sitewatch:al-000000000000:confirmed"
    assert (alert["detectionDateStart"], alert["metadata"]["month_detec"]) == ("2026-11-03T00:00:00Z", "11")
    assert told.alerts[0].ground.buffer(1e-6).contains(box(*alert["geometry"]["coordinates"] * 2))
    assert alert["metadata"]["alert_type"] == "confirmed: construction, beyond the perimeter"
    assert "never an accusation" in alert["metadata"]["caution"]
    assert alert["metadata"]["simulated"] is False
    assert "Old Pier" not in str(alert)


def test_phones_read_the_language_of_the_route_and_that_nobody_has_reviewed_it(content, server):
    assert sent(content(lang="km", is_simulated=True), server) == ""
    (alert,) = server.alerts
    assert alert["metadata"]["alert_type"].startswith("ការក្លែងធ្វើ៖ ")
    assert alert["metadata"]["caution"].endswith("no native speaker has checked these words yet.")
    assert alert["metadata"]["simulated"] is True


def test_a_second_attempt_posts_what_is_missing_and_nothing_twice(content, server):
    server.fails_after = 2
    assert sent(content(5), server) == "answered 503; check the server"
    server.fails_after = None
    assert sent(content(5), server) == ""
    assert sent(content(5), server) == ""
    assert sorted(server.source_ids) == [f"sitewatch:al-{n:012d}:confirmed" for n in range(5)]
    assert server.posts == 6


def test_an_alert_that_was_taken_without_an_answer_is_not_posted_again(content, server):
    server.forgets_to_answer = True
    assert sent(content(), server).startswith("not reached (")
    assert sent(content(), server) == ""
    assert server.source_ids == ["sitewatch:al-000000000000:confirmed"]


@pytest.mark.parametrize(
    ("changed", "state", "reason"),
    [
        ({"secret": "another-token"}, {}, "answered 401; check the secret, which is the server's bearer token"),
        ({"project": "b2" * 26}, {}, "answered 404; check the project's public id"),
        ({}, {"redirect": "http://127.0.0.1:1/"}, "answered 307, which points elsewhere"),
        ({}, {"listing": b"<html>"}, "its list of alerts cannot be read"),
        ({}, {"listing": b'{"data": [1]}'}, "its list of alerts cannot be read"),
        ({}, {"listing": b"[" * 100_000}, "its list of alerts cannot be read"),
        ({}, {"listing": b" " * 16_000_001}, "its list of alerts is over 16 MB"),
    ],
)
def test_what_goes_wrong_is_a_reason_without_address_and_token(content, server, caplog, changed, state, reason):
    for name, value in state.items():
        setattr(server, name, value)
    with caplog.at_level(logging.DEBUG):
        said = sent(content(), server, **changed)
    assert said.startswith(reason)
    for secret in (TOKEN, str(server.port), PROJECT):
        assert secret not in said
        assert secret not in "".join(one.getMessage() for one in caplog.records if one.name.startswith("http"))
    assert server.alerts == []


def test_a_server_that_is_not_there_or_never_answers_is_a_reason(content, unused_port, server):
    there = CoMapeoProject(f"http://127.0.0.1:{unused_port}", PROJECT, TOKEN)
    assert post_alerts(there, content()).startswith("not reached (ConnectError)")
    assert post_alerts(CoMapeoProject(server.url, PROJECT, TOKEN), content(), deadline_s=0.0).startswith("no answer")


def test_what_was_made_without_positions_is_not_sent(content, server):
    assert sent(content(restricted=False), server).startswith("phones need positions")
    assert server.posts == 0


ROUTES = """
[channels.phones]
kind = "comapeo"
url = "{url}"
project = "{project}"
secret = "{token}"

[[routes]]
name = "field"
channels = ["phones"]
restricted = {restricted}
"""


def written(tmp_path, server, **changed):
    path = tmp_path / "routes.toml"
    given = {"url": server.url, "project": PROJECT, "token": TOKEN, "restricted": "true"} | changed
    path.write_text(ROUTES.format(**given))
    return path


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"restricted": "false"}, r"route `field` leads to channel `phones`, which puts positions on phones"),
        ({"url": "http://comapeo.example.org"}, "its address must begin with https://"),
        ({"url": "https://comapeo.example.org/?key=1"}, "leave out `\\?` and `#`"),
        ({"project": "short"}, "needs a project: its public id of 52 letters and digits"),
        ({"token": "two words"}, "needs a secret: the bearer token of the server"),
    ],
)
def test_a_file_of_routes_is_refused_where_positions_could_go_astray(tmp_path, server, changed, complaint):
    with pytest.raises(AlertsError, match=complaint) as error:
        read_routes(written(tmp_path, server, **changed))
    assert TOKEN not in str(error.value)


def test_an_operators_notice_goes_to_no_phone(tmp_path, server):
    path = written(tmp_path, server)
    path.write_text('operator = ["phones"]\n' + path.read_text())
    with pytest.raises(AlertsError, match="operator names channel `phones`, which takes only alerts"):
        read_routes(path)
    with pytest.raises(ValueError, match="has no project"):
        Channel(kind=ChannelKind.WEBHOOK, url="https://a.example.org", secret=TOKEN, project=PROJECT)


def test_each_news_of_an_alert_is_on_the_phones_once(tmp_path, server):
    office = Office(f"sqlite:///{tmp_path / 'ledger.sqlite'}", tmp_path, alert_routes=written(tmp_path, server))
    office.watch(0, p1_x=(P,))
    office.deliver()
    office.watch(1, p1_x=(P, C), p1_y=(P,))
    office.deliver()
    office.deliver(again="pier-1")
    office.watch(2, p1_x=(P, C, R), p1_y=(P,))
    office.deliver()
    office.ledger.close()
    wanted = [f"{X}:provisional", f"{X}:confirmed", f"{Y}:provisional", f"{X}:retracted"]
    assert sorted(server.source_ids) == sorted(f"sitewatch:{key}" for key in wanted)
    (last,) = (one for one in server.alerts if one["sourceId"].endswith(":retracted"))
    assert last["metadata"]["alert_type"].startswith("RETRACTED, no longer valid: ")
