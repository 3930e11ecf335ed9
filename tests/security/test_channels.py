"""Attacks on what leaves the house: broken channels, greedy readers, invented alerts, forged and stale links."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server
from typing import Any

import httpx
import pytest
from child import Child
from fuzzing import assert_one_clear_line
from loopback import free_port
from lxml import etree
from post_office import REFERENCES, Office, P

from flows.alerts import Acknowledgement, AlertsError, make_token, parcel_key, read_routes, read_token
from flows.alerts.apprise_channel import complaints_about, notify
from flows.alerts.prefect_events import events_of
from flows.alerts.route_settings import check_channels, doubts_about, message_routes, routes_of
from flows.alerts.timing import ATTEMPTS
from flows.config.settings import SettingsError, load_settings
from flows.jobs.call_check import check_call, tell_routes
from flows.ledger.ids import alert_id, event_id
from flows.pipeline.period import RunRequest
from flows.records.message_json import content_json
from flows.records.messages import DispatchRecord

SECRET = "sixteen letters or more"
X = alert_id(event_id("pier-1", "p1_x"))
SCENES = ["sentinel-1_20260910T181100_r86", "sentinel-2_20260914T102907"]
CRITERIA = [{"name": "shape", "value": 0.5, "weight": 0.1, "detail": "r86"}]
PASS = re.compile(rb"\d{8}T\d{4,6}|_r\d+|sentinel-\d_|18:11|10:29")
"""The second of a pass, or its orbit: each leads to the place."""
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Callable[..., Office]]:
    """Makes an office whose routes are given as TOML."""
    opened: list[Office] = []

    def office(routes: str = "", **settings: Any) -> Office:
        path = tmp_path / "routes.toml"
        path.write_text(routes)
        opened.append(Office(f"sqlite:///{tmp_path / 'ledger.sqlite'}", tmp_path, alert_routes=path, **settings))
        return opened[-1]

    yield office
    for one in opened:
        one.ledger.close()


def hook(name: str, url: str) -> str:
    return f'[channels.{name}]\nkind = "webhook"\nurl = "{url}"\nsecret = "{SECRET}"\n'


def folder(kind: str, path: Path) -> str:
    return f'[channels.{kind}]\nkind = "{kind}"\npath = "{path}"\n'


def route(name: str, *channels: str, **options: Any) -> str:
    lines = [f"{key} = {json.dumps(value)}" for key, value in options.items()]
    return "\n".join(["[[routes]]", f'name = "{name}"', f"channels = {json.dumps(channels)}", *lines, ""])


def every_kind(tmp_path: Path, web_server: Any, mail_server: Any) -> str:
    """A channel of each kind."""
    post = f'[channels.mail]\nurl = "{mail_server.url}"\n[channels.chat]\nurl = "{web_server.url("/chat", "json")}"\n'
    files = "".join(folder(kind, tmp_path / "out" / kind) for kind in ("cap", "geojson"))
    return hook("hook", web_server.url()) + post + files + folder("atom", tmp_path / "out" / "feed.xml")


ALL = ("hook", "mail", "chat", "cap", "geojson", "atom")


def whatever_left(tmp_path: Path, web_server: Any, mail_server: Any) -> dict[str, bytes]:
    """Every byte that left, by where it went."""
    left = {
        f"post {n}": repr(sorted(post.headers.items())).encode() + post.body for n, post in enumerate(web_server.posts)
    }
    left |= {f"mail {n}": mail.as_bytes() for n, mail in enumerate(mail_server.mails)}
    for n, mail in enumerate(mail_server.mails):
        for kind in ("plain", "html"):
            left[f"mail {n} {kind}"] = mail.get_body((kind,)).get_content().encode()
    return left | {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}


# One channel's error is that channel's


@pytest.fixture
def broken(web_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Routes to channels that can never work, before and between two that do."""
    monkeypatch.setenv("HALF_A_CHARACTER", "http://\udcff.example/t0ken")
    bad = {
        "port": "http://127.0.0.1:99999/t0ken",
        "name": "http://xn--/t0ken",
        "half": "env:HALF_A_CHARACTER",
        "scheme": "gopher://127.0.0.1/t0ken",
    }
    channels = "".join(hook(name, url) for name, url in bad.items())
    channels += '[channels.chat]\nurl = "json://127.0.0.1:99999/t0ken"\n[channels.nonsense]\nurl = "t0ken"\n'
    channels += folder("atom", tmp_path / "feed.xml") + hook("good", web_server.url())
    return channels + route("all", *bad, "chat", "nonsense", "atom", "good")


BAD = ("port", "name", "half", "scheme", "chat", "nonsense")


def test_channels_that_cannot_work_stop_no_other(office, broken, web_server, tmp_path):
    one = office(broken)
    one.watch(0, p1_x=(P,))
    outcome = one.deliver()
    assert len(web_server.posts) == 1
    assert REFERENCES.of(X) in (tmp_path / "feed.xml").read_text()
    reasons = {reason.split(":")[0]: reason for reason in outcome.failed}
    assert reasons.keys() == set(BAD)
    assert reasons["port"] == "port: the port of the address is not between 1 and 65535"
    assert "t0ken" not in str(outcome)
    waiting = {one.channel: (one.attempts, one.last_error) for one in one.ledger.outbox.unsent()}
    assert waiting == {name: (1, reason) for name, reason in reasons.items()}


def test_a_channel_that_cannot_work_is_given_up_with_its_reason(office):
    one = office(hook("port", "http://127.0.0.1:99999/t0ken") + route("r", "port"))
    one.watch(0, p1_x=(P,))
    for _ in range(ATTEMPTS):
        outcome = one.deliver(only_due=True)
        one.later(hours=13)
    assert outcome.given_up == ("port: the port of the address is not between 1 and 65535",)
    (dead,) = one.ledger.outbox.unsent(dead=True)
    assert dead.last_error == outcome.given_up[0]


def test_an_error_that_nobody_foresaw_is_its_channels_too(office, web_server, tmp_path):
    """A feed that holds an instruction where an entry should be, and a folder that became a file."""
    (tmp_path / "feed.xml").write_text(f'<feed xmlns="{ATOM[1:-1]}"><entry/></feed>')
    (tmp_path / "cap").write_text("a file")
    routes = folder("atom", tmp_path / "feed.xml") + folder("cap", tmp_path / "cap") + hook("good", web_server.url())
    one = office(routes + route("all", "atom", "cap", "good"))
    one.watch(0, p1_x=(P,))
    outcome = one.deliver()
    assert len(web_server.posts) == 1
    assert all(reason.startswith(("atom: ", "cap: ")) for reason in outcome.failed)


def test_a_signal_that_raises_stops_nobody(office, web_server):
    one = office(hook("good", web_server.url()) + route("all", "good"))
    one.watch(0, p1_x=(P,))

    def broken(*_: object) -> str:
        raise KeyError("t0ken")

    outcome = one.deliver(signal=broken)
    assert len(web_server.posts) == 1
    assert outcome.failed == ("Prefect events: it failed in a way that nobody foresaw (KeyError); see the log",)


def test_an_alert_that_cannot_be_told_holds_back_its_channel_alone(office, web_server, tmp_path):
    """A record with a geometry that is none, which only a restricted route would read."""
    routes = hook("a", web_server.url("/a")) + hook("b", web_server.url("/b"))
    one = office(routes + route("r", "a", restricted=True) + route("s", "b"))
    one.watch(0, p1_x=(P,))
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection, connection:
        for table in ("events", "event_versions"):
            connection.execute(f'UPDATE {table} SET geometry = \'{{"type": "Nothing"}}\'')
    outcome = one.deliver()
    assert [post.path for post in web_server.posts] == ["/b"]
    assert outcome.failed[0].startswith("a: the message could not be made (")


# Routes are checked whole


def test_channels_that_cannot_work_are_named_whole_and_stop_no_watch(office, broken, caplog):
    one = office(broken, source="simulated")
    with pytest.raises(AlertsError) as caught:
        check_channels(routes_of(one.settings))
    assert all(f"channel `{name}`: " in str(caught.value) for name in BAD)
    assert "channel `good`" not in str(caught.value)
    assert "t0ken" not in str(caught.value)
    assert_one_clear_line(caught.value, AlertsError)
    check_call(one.settings, RunRequest(None, None, one.now.date()))
    tell_routes(message_routes(one.settings))
    assert caplog.messages == [f"messages will wait: {caught.value}"]


def test_a_machine_without_time_or_memory_for_a_check_blames_no_address(monkeypatch):
    urls = ["json://127.0.0.1/a", "json://127.0.0.1/b"]
    assert complaints_about(urls, deadline_s=0.0001) == ["", ""]
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    assert complaints_about(urls) == ["", ""]


def test_a_route_for_areas_that_are_not_there_is_a_doubt(office):
    one = office(hook("a", "https://hooks.example.org/") + route("coast", "a", areas=["pier-*", "peir-1"]))
    assert list(doubts_about(routes_of(one.settings), ["pier-1", "pier-2"])) == [
        "route `coast`: no area of the list is called like `peir-1`; mend it, or leave it out"
    ]


def test_a_report_base_of_the_time_before_is_a_doubt(office):
    one = office('report_base = "https://watch.example.org/reports/"\n')
    (doubt,) = doubts_about(routes_of(one.settings), [])
    assert "now where outputs/public can be opened" in doubt


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"a = " + b"[" * 2000 + b"]" * 2000, "nested too deeply"),
        (b"a = " + b"{a = " * 2000 + b"1" + b"}" * 2000, "nested too deeply"),
        (b'report_base = "\xff"', "are not UTF-8"),
        (b"#" * 1_000_001, "more than 1,000,000 bytes"),
        (b"a = 9" + b"9" * 5000, "are not TOML"),
    ],
    ids=["lists", "tables", "latin", "large", "number"],
)
def test_a_file_of_routes_that_is_meant_to_hurt_is_refused_in_a_line(tmp_path, content, complaint):
    (tmp_path / "routes.toml").write_bytes(content)
    with pytest.raises(AlertsError, match=complaint) as caught:
        read_routes(tmp_path / "routes.toml")
    assert_one_clear_line(caught.value, AlertsError)


# Settings that nothing reads


def sitewatch(*arguments: str, patch: pytest.MonkeyPatch, capsys: Any, **environment: str) -> tuple[int, str]:
    """Call the command line in this process; its status, and what it said on standard error."""
    from flows.cli.main import main

    for name, value in environment.items():
        patch.setenv(name, value)
    patch.setattr(sys, "argv", ["sitewatch", *arguments])
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0), capsys.readouterr().err
    return 0, capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SITEWATCH_ALERT_ROUTE", "SITEWATCH_ALERT_ROUTES"),
        ("SITEWATCH_ROUTES", "SITEWATCH_ALERT_ROUTES"),
        ("SITEWATCH_ALERTURLS", "SITEWATCH_ALERT_URLS"),
        ("SITEWATCH_SORCE", "SITEWATCH_SOURCE"),
        ("sitewatch_ledger_ulr", "SITEWATCH_LEDGER_URL"),
        ("SITEWATCH_UNSEEN_WEEK", "SITEWATCH_UNSEEN_WEEKS"),
    ],
)
@pytest.mark.parametrize("place", ["environment", "file"])
def test_a_misspelt_setting_is_refused_with_the_name_that_was_meant(name, meant, place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if place == "file":
        (tmp_path / ".env").write_text(f"{name}=hunter2\n")
    given = {name: "hunter2"} if place == "environment" else {}
    status, said = sitewatch("watch", patch=monkeypatch, capsys=capsys, **given)
    assert status == 2
    assert f"`{name.upper()}` is no setting (did you mean `{meant}`?)" in said
    assert "hunter2" not in said
    assert list(tmp_path.iterdir()) == ([tmp_path / ".env"] if place == "file" else []), "nothing was begun"


def test_names_of_other_programs_and_of_routes_stop_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routes.toml").write_text(
        hook("a", "https://h.example.org/").replace(SECRET, "env:SITEWATCH_ALERT_URL")
    )
    given = {"SITEWATCH_IMAGE": "x", "SITEWATCH_ALERT_ROUTES": "routes.toml", "SITEWATCH_ALERT_URL": SECRET}
    status, said = sitewatch("areas", "list", patch=monkeypatch, capsys=capsys, **given)
    assert (status, said) == (0, "")


def test_services_of_kubernetes_are_no_slips_and_slips_that_look_like_them_are(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    host, port = "10.0.0.11", "tcp://10.0.0.11:9464"
    given = {"SERVICE_HOST": host, "SERVICE_PORT": "9464", "SERVICE_PORT_METRICS": "9464", "PORT": port}
    given |= {"PORT_9464_TCP": port, "PORT_9464_TCP_PORT": "9464", "PORT_9464_TCP_ADDR": host, "METRIC_PORT": port}
    services = {f"SITEWATCH_{name}": value for name, value in given.items()}
    assert sitewatch("areas", "list", patch=monkeypatch, capsys=capsys, **services) == (0, "")
    status, said = sitewatch("areas", "list", patch=monkeypatch, capsys=capsys, SITEWATCH_METRIC_PORT="9000")
    assert (status, "did you mean `SITEWATCH_METRICS_PORT`" in said) == (2, True)


@pytest.mark.parametrize("content", [b"SITEWATCH_SEED=\xff\n", b"\xff\xfe\x00S\x00I"])
def test_a_file_of_settings_in_another_encoding_is_named(tmp_path, monkeypatch, capsys, content):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(SettingsError, match=r"`.env` cannot be read: it is not UTF-8 text") as caught:
        load_settings()
    assert_one_clear_line(caught.value, SettingsError)
    assert sitewatch("areas", "list", patch=monkeypatch, capsys=capsys)[0] == 2


# What messages give away


def told(one: Office, **stories: Any) -> Office:
    one.ledger.claim(one.settings.source.value)
    one.watch(0, {"p1_x": {"scenes": SCENES, **stories}}, p1_x=(P,), p2_y=(P,))
    return one


def test_no_way_out_leads_to_a_place_unless_its_route_is_restricted(office, tmp_path, web_server, mail_server):
    routes = every_kind(tmp_path, web_server, mail_server)
    one = told(office(routes + route("all", *ALL)), criteria=CRITERIA)
    signals: list[Any] = []
    assert one.deliver(signal=lambda content, at: signals.append(content) or "").failed == ()
    left = whatever_left(tmp_path, web_server, mail_server)
    assert {name.split()[0].partition(".")[2] or name.split()[0] for name in left} >= {"post", "mail", "xml", "geojson"}
    for name, content in left.items():
        for forbidden in (*map(str.encode, SCENES), str(tmp_path).encode(), b"criteria", b'"coordinates"'):
            assert forbidden not in content, name
        is_head_of_mail = re.fullmatch(r"mail \d+", name)  # which says when it was sent, as all mail does
        assert is_head_of_mail or not PASS.search(content), name
    for event in (event.model_dump_json() for content in signals for event in events_of(content, one.now)):
        assert not any(scene in event for scene in SCENES)
    assert not any(scene in json.dumps(content_json(content)) for scene in SCENES for content in signals), (
        "nor does the ledger hold them"
    )


def test_a_restricted_route_is_told_everything(office, tmp_path, web_server, mail_server):
    routes = every_kind(tmp_path, web_server, mail_server)
    one = told(office(routes + route("all", *ALL, restricted=True)))
    one.deliver()
    (body,) = [json.loads(post.body) for post in web_server.posts if post.path == "/hook"]
    (alert,) = [alert for alert in body["alerts"] if alert["id"] == X]
    assert alert["properties"]["scenes"] == SCENES
    assert alert["geometry"]["type"] == "Polygon"


@pytest.mark.parametrize(
    ("is_restricted", "bases", "said"),
    [
        (False, True, "https://public.example.org/w/2026-W39/index.html"),
        (True, True, "https://inside.example.org/r/2026-W39/index.html"),
        (False, False, "in the outputs of the watch, public/2026-W39/index.html"),
        (True, False, "in the outputs of the watch, reports/2026-W39/index.html"),
    ],
)
def test_messages_lead_to_the_edition_that_their_readers_may_have(office, web_server, is_restricted, bases, said):
    routes = 'report_base = "https://public.example.org/w"\nrestricted_report_base = "https://inside.example.org/r/"\n'
    routes = (routes if bases else "") + hook("a", web_server.url()) + route("r", "a", restricted=is_restricted)
    one = told(office(routes))
    one.deliver()
    text = json.loads(web_server.posts[0].body)["text"]
    assert f"Report: {said}\n" in text
    assert ("inside" in text) is (is_restricted and bases)


def test_a_french_reader_is_led_to_the_french_page(office, web_server, tmp_path):
    page = tmp_path / "public" / "2026-W39" / "index.fr.html"
    page.parent.mkdir(parents=True)
    page.touch()
    one = office('report_base = "https://w.example.org"\n' + hook("a", web_server.url()) + route("r", "a", lang="fr"))
    told(one).deliver()
    assert "https://w.example.org/2026-W39/index.fr.html" in json.loads(web_server.posts[0].body)["text"]


# Parcels that an earlier release settled


def of_earlier_release(channel: str, one: Office, **changes: Any) -> DispatchRecord:
    """A parcel with the ids of scenes, the path of a report on that machine, and a live link."""
    report = "/srv/watch/outputs/reports/2026-W39/index.html"
    token = make_token(SECRET, Acknowledgement(X, channel), expires=datetime.now(UTC) + timedelta(days=9))
    link = f"https://desk.example.org/a?token={token}"
    properties = {
        "alert_id": X,
        "event_id": "ev-1",
        "area_id": "pier-1",
        "confirmed_on": None,
        "issued_on": "2026-09-13",
        "area_m2": 900.0,
        "area_m2_low": 700.0,
        "area_m2_high": 1100.0,
        "length_m": None,
        "closure": None,
        "confidence": 0.8,
        "sensors": ["sentinel-2"],
        "scenes": SCENES,
        "messages": [f"{X}:provisional"],
        "news": ["issued"],
    }
    properties |= {"state": "provisional", "kind": "expansion", "change": "fencing", "first_seen": "2026-09-07"}
    key = parcel_key(channel, "alert", [f"{X}:provisional"])
    content: dict[str, Any] = {
        "key": key,
        "week": "2026-W39",
        "lang": "en",
        "exercise": False,
        "title": "Sitewatch 2026-W39",
        "text": f"- {X}\n  Acknowledge: {link}\n\nReport: {report}\n",
        "html": f'<p>{X}<br>Acknowledge: <a href="{link}" rel="noreferrer">x</a></p>\n<p>Report: {report}</p>',
        "report": report,
        "alerts": [{"type": "Feature", "id": X, "properties": properties, "geometry": None}],
    }
    return DispatchRecord(key, channel, (), content | changes, one.now)


def test_what_an_earlier_release_settled_is_cleaned_as_it_leaves_under_its_key(office, tmp_path, web_server):
    links = f'acknowledge_base = "https://desk.example.org/a"\nacknowledge_secret = "{SECRET}"\n'
    files = folder("atom", tmp_path / "feed.xml") + folder("geojson", tmp_path / "geojson")
    one = office(links + hook("hook", web_server.url()) + files + route("r", "hook", "atom", "geojson"))
    old = [of_earlier_release(name, one) for name in ("hook", "atom", "geojson")]
    for dispatch in old:
        one.ledger.outbox.pack(dispatch)
    web_server.answers["/hook"] = 503
    one.deliver()
    web_server.answers.clear()
    one.later(minutes=5)
    assert one.deliver().failed == ()
    first, second = web_server.posts
    assert first.body == second.body, "every attempt sends the same"
    body = json.loads(second.body)
    assert body["key"] == second.headers["webhook-id"] == old[0].key
    assert "scenes" not in body["alerts"][0]["properties"]
    assert body["alerts"][0]["properties"]["simulated"] is False
    assert "Report: in the outputs of the watch, public/2026-W39/index.html" in body["text"]
    assert "?token=" in body["text"], "its reader was given that right"
    feed, geojson = (tmp_path / "feed.xml").read_text(), (tmp_path / "geojson" / f"{old[2].key}.geojson").read_text()
    for content in (second.body.decode(), feed, geojson):
        assert not any(scene in content for scene in SCENES)
        assert "/srv/watch" not in content
    assert "?token=" not in feed


def test_what_an_earlier_release_settled_for_a_restricted_route_is_sent_as_it_was(office, web_server):
    one = office(hook("hook", web_server.url()) + route("r", "hook", restricted=True))
    old = of_earlier_release("hook", one)
    place = {"type": "Point", "coordinates": [0.5, 0.5]}
    payload: dict[str, Any] = {**old.payload}
    payload["alerts"] = [{**payload["alerts"][0], "geometry": place}]
    one.ledger.outbox.pack(replace(old, payload=payload))
    one.deliver()
    (alert,) = json.loads(web_server.posts[0].body)["alerts"]
    assert (alert["geometry"], alert["properties"]["scenes"]) == (place, SCENES)


def test_what_an_earlier_release_settled_of_the_simulated_world_is_given_up(office, web_server):
    one = office(hook("hook", web_server.url()) + route("r", "hook"))
    one.ledger.outbox.pack(of_earlier_release("hook", one, exercise=True))
    (reason,) = one.deliver().given_up
    assert "it is of the simulated world, and no route of this channel says simulated = true" in reason
    assert web_server.posts == []


# What is invented reaches nobody who does not ask for it


def test_simulated_alerts_leave_by_no_channel_that_does_not_ask_for_them(office, tmp_path, web_server, mail_server):
    routes = every_kind(tmp_path, web_server, mail_server) + route("all", *ALL)
    one = told(office(routes, source="simulated", alert_urls=web_server.url("/urls", "json")))
    outcome = one.deliver()
    assert (outcome.waiting, outcome.simulated, outcome.sent) == (2, 2, 0)
    assert whatever_left(tmp_path, web_server, mail_server) == {}


def test_simulated_alerts_say_so_wherever_they_go(office, tmp_path, web_server, mail_server):
    routes = every_kind(tmp_path, web_server, mail_server)
    asks = route("drill", *ALL, simulated=True) + route("never", "hook")
    one = told(office(routes + asks, source="simulated", alert_urls=web_server.url("/urls", "json")))
    signals: list[Any] = []
    outcome = one.deliver(signal=lambda content, at: signals.append(content) or "")
    assert (outcome.failed, outcome.simulated) == ((), 0)
    assert {post.path for post in web_server.posts} == {"/hook", "/chat"}, "the plain list of addresses never hears it"
    (body,) = [json.loads(post.body) for post in web_server.posts if post.path == "/hook"]
    assert body["simulated"] is True
    assert {alert["properties"]["simulated"] for alert in body["alerts"]} == {True}
    assert body["title"].startswith("SIMULATED: ")
    for name, content in whatever_left(tmp_path, web_server, mail_server).items():
        assert b"simulated" in content.lower(), name
    cap = etree.parse(next((tmp_path / "out" / "cap").glob("*.xml"))).getroot()
    assert cap.findtext(f"{CAP}status") == "Exercise"
    named = {p.findtext(f"{CAP}valueName"): p.findtext(f"{CAP}value") for p in cap.iter(f"{CAP}parameter")}
    assert named["simulated"] == "true"
    entry = etree.parse(tmp_path / "out" / "feed.xml").find(f"{ATOM}entry")
    assert entry.find(f"{ATOM}category").get("term") == "simulated"
    told_programs = [event.payload["simulated"] for content in signals for event in events_of(content, one.now)]
    assert told_programs == [True, True]


def test_a_real_alert_says_that_it_is_real(office, tmp_path, web_server, mail_server):
    one = told(office(every_kind(tmp_path, web_server, mail_server) + route("all", *ALL, simulated=True)))
    one.deliver()
    (body,) = [json.loads(post.body) for post in web_server.posts if post.path == "/hook"]
    assert body["simulated"] is False
    assert {alert["properties"]["simulated"] for alert in body["alerts"]} == {False}
    cap = etree.parse(next((tmp_path / "out" / "cap").glob("*.xml"))).getroot()
    assert cap.findtext(f"{CAP}status") == "Actual"
    assert all("SIMULATED" not in mail["Subject"] for mail in mail_server.mails)


# Links by which a reader acknowledges


LINKS = f'acknowledge_base = "https://desk.example.org/a"\nacknowledge_secret = "{SECRET}"\n'


def test_neither_files_nor_the_record_hold_a_live_link(office, tmp_path, web_server, mail_server):
    one = told(office(LINKS + every_kind(tmp_path, web_server, mail_server) + route("all", *ALL)))
    one.deliver()
    (body,) = [json.loads(post.body) for post in web_server.posts if post.path == "/hook"]
    tokens = re.findall(r"\?token=(\S+)", body["text"])
    assert [read_token(SECRET, token, now=one.now).by for token in tokens] == ["hook", "hook"]
    html = mail_server.mails[0].get_body(("html",)).get_content()
    hrefs = re.findall(r'href="[^"]*\?token=([^"]+)"', html)
    assert [read_token(SECRET, token, now=one.now).by for token in hrefs] == ["mail", "mail"]
    for path in (tmp_path / "out").rglob("*"):
        assert path.is_dir() or b"token=" not in path.read_bytes(), path
    one.ledger.close()
    record = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.sqlite*"))
    assert X.encode() in record
    for token in (*tokens, *hrefs):
        assert token.encode() not in record


def test_links_of_an_earlier_release_go_from_a_feed_with_its_next_entry(office, tmp_path):
    old = '<feed xmlns="{0}"><entry><id>urn:sitewatch:sw-0</id><updated>2026-09-01T00:00:00+00:00</updated>'
    old += "<content>- al-1\n  Acknowledge: https://desk.example.org/a?token=bGl2ZQ.bGl2ZQ\n\nthe rest</content>"
    old += "</entry></feed>"
    (tmp_path / "feed.xml").write_text(old.format(ATOM[1:-1]))
    told(office(LINKS + folder("atom", tmp_path / "feed.xml") + route("r", "atom"))).deliver()
    feed = (tmp_path / "feed.xml").read_text()
    assert "token=" not in feed
    assert "the rest" in feed
    assert feed.count("<entry>") == 2


def test_a_new_secret_signs_while_links_of_the_old_one_go_on(office, web_server):
    secrets = 'acknowledge_secret = ["a new secret, long enough", "sixteen letters or more"]\n'
    one = told(office(LINKS.splitlines()[0] + "\n" + secrets + hook("a", web_server.url()) + route("r", "a")))
    one.deliver()
    token = re.search(r"\?token=(\S+)", json.loads(web_server.posts[0].body)["text"])[1]
    known = routes_of(one.settings).link_secrets
    assert read_token("a new secret, long enough", token, now=one.now).alert_id
    old = make_token(SECRET, Acknowledgement(X, "a"), expires=one.now)
    assert read_token(known, old, now=one.now) == Acknowledgement(X, "a")
    with pytest.raises(AlertsError, match="not genuine"):
        read_token("a new secret, long enough", old, now=one.now)


def test_a_token_is_written_in_one_way_alone():
    now = datetime(2026, 9, 28, tzinfo=UTC)
    token = make_token(SECRET, Acknowledgement(X, "mail"), expires=now)
    text, mac = token.split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(mac[-1]) ^ 1]  # bits that base64 leaves unused
    for other in (
        f"{text}!.{mac}",
        f"{text}=.{mac}",
        f"{text}.{mac}==",
        f"{text}\n.{mac}",
        f"{text}.{mac[:-1]}{last}",
        f" {token}",
    ):
        with pytest.raises(AlertsError, match="not genuine"):
            read_token(SECRET, other, now=now)
    assert read_token(SECRET, token, now=now) == Acknowledgement(X, "mail")


@pytest.fixture
def page(office, tmp_path) -> Iterator[tuple[Office, str]]:
    """The page behind the links, served by its command."""
    one = told(office(LINKS))
    port = free_port()
    command = [str(Path(sysconfig.get_path("scripts")) / "sitewatch"), "alerts", "answer", "--port", str(port)]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "SITEWATCH_OUTPUTS": str(tmp_path)}
    environment |= {"SITEWATCH_ALERT_ROUTES": str(tmp_path / "routes.toml")}
    with Child(command, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        address = f"http://127.0.0.1:{port}"
        for _ in range(300):
            with suppress(httpx.TransportError):
                httpx.get(address)
                break
            time.sleep(0.1)
        yield one, address
        process.terminate()


def test_the_page_of_links_is_for_its_own_name_and_in_no_frame(page):
    one, address = page
    with httpx.Client(base_url=address) as client:
        token = make_token(SECRET, Acknowledgement(X, "desk"), expires=datetime.now(UTC) + timedelta(days=9))
        asked = {
            "shown": client.get("/acknowledge", params={"token": token}),
            "by its name": client.get("/acknowledge", params={"token": token}, headers={"Host": "desk.example.org"}),
            "another host": client.post("/acknowledge", params={"token": token}, headers={"Host": "evil.example"}),
            "forged": client.post("/acknowledge", params={"token": "a.b"}),
            "elsewhere": client.get("/elsewhere"),
            "other method": client.put("/acknowledge"),
        }
        statuses = {name: answer.status_code for name, answer in asked.items()}
        assert statuses == {
            **{"shown": 200, "by its name": 200, "another host": 400},
            **{"forged": 403, "elsewhere": 404, "other method": 405},
        }
        for name, answer in asked.items():
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], name
            assert answer.headers["x-content-type-options"] == "nosniff", name
            assert "server" not in answer.headers, name
        assert one.ledger.alert(X).acknowledged_by is None
        assert "acknowledged for desk" in client.post("/acknowledge", params={"token": token}).text
        other = make_token(SECRET, Acknowledgement(X, "chief"), expires=datetime.now(UTC) + timedelta(days=9))
        assert "Somebody else has already acknowledged" in client.post("/acknowledge", params={"token": other}).text
    assert one.ledger.alert(X).acknowledged_by == "desk (by link)"


# Processes that send


def test_the_process_that_sends_knows_no_secret_but_its_own(monkeypatch):
    monkeypatch.setenv("SH_CLIENT_SECRET", "hunter2")
    monkeypatch.setenv("SITEWATCH_LEDGER_URL", "postgresql://u:hunter2@h/x")
    monkeypatch.setenv("LINK_SECRET", "hunter2")
    with create_server(("127.0.0.1", 0)) as listener:
        url = f"json://127.0.0.1:{listener.getsockname()[1]}/"
        sending = threading.Thread(
            target=notify,
            args=(url,),
            kwargs={**dict.fromkeys(("title", "text", "html", "key"), "x"), "deadline_s": 8.0},
        )
        sending.start()
        connection, _ = listener.accept()  # the child waits for an answer now
        with connection:
            held = [environment for environment in map(environment_of, Path("/proc").glob("[0-9]*")) if environment]
        sending.join()
    assert len(held) == 1
    assert b"PATH=" in held[0]
    assert b"hunter2" not in held[0]


def environment_of(process: Path) -> bytes:
    """The environment of a process that sends by Apprise for this one; empty for any other."""
    try:
        parent = re.search(r"PPid:\s+(\d+)", (process / "status").read_text())
        is_ours = parent is not None and int(parent[1]) == os.getpid()
        is_sender = b"apprise_child" in (process / "cmdline").read_bytes()
        return (process / "environ").read_bytes() if is_ours and is_sender else b""
    except OSError:
        return b""
