"""Parcels to real receivers on loopback, kind and hostile."""

from __future__ import annotations

import json
import logging
import re
import socket
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from aois.week import Week
from flows.alerts import AlertsError, Channel, Setting, parcel, parcel_key, send, verify
from flows.alerts.apprise_channel import notify
from flows.alerts.delivery import SENDERS
from flows.alerts.outgoing import with_references
from flows.alerts.routes import ChannelKind
from flows.alerts.webhook import post
from flows.ledger.references import References

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
SECRET = "a secret of at least sixteen characters"
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def content(feature):
    """Makes the content of a parcel with one alert."""

    def content(*, key="sw-0123456789ab", message="al-0123456789ab:confirmed", setting=None, **properties):
        setting = setting or Setting("https://watch.example.org/2026-W47/index.html")
        one = feature(**{"name": "Old Pier", "news": ["state"], **properties})
        return parcel([one], Week(2026, 47), setting, key=key, messages={one.alert_id: [message]})

    return content


def delivered(content, now=NOW, **channel):
    return send(content, Channel(**channel), made_at=NOW, now=now)


def test_a_mail_is_a_page_and_a_text_and_has_the_key(content, mail_server):
    assert delivered(content(), url=mail_server.url) == ""
    (mail,) = mail_server.mails
    assert mail["Subject"] == "Sitewatch 2026-W47: 1 alert at 1 place"
    assert (mail["X-Sitewatch-Key"], mail["Auto-Submitted"]) == ("sw-0123456789ab", "auto-generated")
    page, text = (mail.get_body((kind,)).get_content() for kind in ("html", "plain"))
    for body in (page, text):
        assert "al-0123456789ab" in body
        assert "2,400 m²" in body
        assert "sw-0123456789ab" in body
        assert "0.1234" not in body
        assert "Old Pier" not in body


def test_a_chat_gets_plain_text(content, web_server):
    assert delivered(content(), url=web_server.url(scheme="json")) == ""
    (sent,) = web_server.posts
    assert json.loads(sent.body)["message"].strip() == content().text.strip()


def test_a_webhook_is_signed_and_the_same_at_every_attempt_but_for_its_time(content, web_server):
    for minutes in (0, 7):
        at = NOW + timedelta(minutes=minutes)
        assert delivered(content(), now=at, kind="webhook", url=web_server.url(), secret=SECRET) == ""
    first, second = web_server.posts
    assert first.body == second.body
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == "sw-0123456789ab"
    assert verify(SECRET, first.headers, first.body, now=NOW) == "sw-0123456789ab"
    body = json.loads(first.body)
    (alert,) = body["alerts"]
    assert alert["properties"]["messages"] == ["al-0123456789ab:confirmed"]
    assert alert["geometry"] is None
    assert "html" not in body


def test_a_webhook_that_is_old_or_changed_or_signed_by_another_is_not_genuine(content, web_server):
    delivered(content(), kind="webhook", url=web_server.url(), secret=SECRET)
    (sent,) = web_server.posts
    with pytest.raises(AlertsError, match="more than 300 s"):
        verify(SECRET, sent.headers, sent.body, now=NOW + timedelta(seconds=301))
    for secret, headers, body in (
        ("another secret, long enough too", sent.headers, sent.body),
        (SECRET, sent.headers, sent.body + b" "),
        (SECRET, sent.headers | {"webhook-id": "sw-other"}, sent.body),
        (SECRET, sent.headers | {"webhook-timestamp": "1"}, sent.body),
        (SECRET, {}, sent.body),
    ):
        with pytest.raises(AlertsError, match="does not fit"):
            verify(secret, headers, body, now=NOW)


@pytest.mark.parametrize(("status", "reason"), [(409, ""), (204, ""), (302, "points elsewhere"), (500, "answered 500")])
def test_what_a_receiver_answers(content, web_server, status, reason):
    web_server.answers["/hook"] = status
    said = delivered(content(), kind="webhook", url=web_server.url(), secret=SECRET)
    assert (reason in said) if reason else (said == "")
    assert [sent.path for sent in web_server.posts] == ["/hook"], "no redirect is followed"


def slow(connection):
    for letter in b"HTTP/1.1 200 OK\r\nX-Endless: " + b"x" * 1000:
        connection.sendall(bytes([letter]))
        time.sleep(0.1)


def silent(_connection):
    time.sleep(5)


def huge(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    for _ in range(2000):
        connection.sendall(b"x" * (1 << 20))


def huge_head(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(2000):
        connection.sendall(b"X-Head: " + b"x" * (1 << 20) + b"\r\n")


def closing(_connection):
    pass


def babbling(connection):
    connection.sendall(b"\x00\xff not HTTP at all\r\n\r\n")


@contextmanager
def hostile(behave):
    """A receiver that reads a request and then behaves badly; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                with suppress(OSError):  # the sender has had enough, as it should
                    behave(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (slow, "no answer within 1 s"),
        (silent, "no answer within 1 s"),
        (huge, ""),  # it said 200, and not a byte more is read
        (huge_head, "not reached"),
        (closing, "not reached"),
        (babbling, "not reached"),
    ],
)
def test_a_hostile_receiver_of_a_webhook_does_no_harm(behave, reason):
    with hostile(behave) as port:
        began = time.monotonic()
        said = post(f"http://127.0.0.1:{port}/", b"{}", {}, deadline_s=1.0)
        assert time.monotonic() - began < 4.0
    assert said.startswith(reason) if reason else said == ""


@pytest.mark.parametrize("behave", [slow, huge])
def test_a_hostile_receiver_of_a_chat_does_no_harm(behave):
    with hostile(behave) as port:
        began = time.monotonic()
        said = notify(f"json://127.0.0.1:{port}/", title="t", text="t", html="t", key="k", deadline_s=6.0)
        assert time.monotonic() - began < 12.0
    assert said != ""


def test_secrets_are_neither_in_reasons_nor_in_logs(content, caplog, web_server):
    caplog.set_level(logging.NOTSET)
    web_server.answers["/refuse-t0ken"] = 403
    reasons = [
        delivered(content(), url=f"json://anna:hunter2@127.0.0.1:{web_server.port}/refuse-t0ken"),
        delivered(content(), url="slack://t0ken/hunter2"),
        delivered(content(), url="nosuchscheme://hunter2"),
        delivered(content(), kind="webhook", url=web_server.url("/refuse-t0ken"), secret=SECRET),
        delivered(content(), kind="webhook", url="http://t0ken:x/hunter2", secret=SECRET),
    ]
    assert all(reasons)
    for text in (*reasons, caplog.text, repr(Channel(url="json://hunter2"))):
        assert "hunter2" not in text
        assert "t0ken" not in text
        assert SECRET not in text


def test_a_feed_grows_by_an_entry_a_parcel_and_the_same_again_changes_nothing(content, tmp_path):
    path = tmp_path / "feed.xml"
    for key in ("sw-1", "sw-2"):
        assert delivered(content(key=key), kind="atom", path=path) == ""
    before = path.read_bytes()
    assert delivered(content(key="sw-1"), kind="atom", path=path) == ""
    assert path.read_bytes() == before
    root = etree.fromstring(before)
    assert [entry.findtext(f"{ATOM}id") for entry in root.findall(f"{ATOM}entry")] == [
        "urn:sitewatch:sw-2",
        "urn:sitewatch:sw-1",
    ]
    assert root.findtext(f"{ATOM}updated") == "2026-11-23T06:00:00+00:00"
    entry = root.find(f"{ATOM}entry")
    assert entry.find(f"{ATOM}link").get("href") == "https://watch.example.org/2026-W47/index.html"
    assert "ref-…" in entry.findtext(f"{ATOM}content"), "an id that was left in is told by no entry"
    assert b"al-0123456789ab" not in before
    assert b"0.1234" not in before


def test_cap_messages_follow_one_another(content, tmp_path):
    told = ("provisional", "confirmed", "retracted")
    for state in told:
        one = content(state=state, message=f"al-0123456789ab:{state}")
        assert delivered(one, kind="cap", path=tmp_path, sender="watch@example.org") == ""
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    roots = [etree.fromstring(written[f"al-0123456789ab.{state}.xml"]) for state in told]
    assert [root.findtext(f"{CAP}msgType") for root in roots] == ["Alert", "Update", "Cancel"]
    first = "watch@example.org,al-0123456789ab.provisional,2026-11-23T06:00:00-00:00"
    assert [root.findtext(f"{CAP}references") for root in roots] == [None, first, first]
    certain = [root.findtext(f"{CAP}info/{CAP}certainty") for root in roots]
    assert certain == ["Possible", "Observed", "Unlikely"]
    assert roots[0].findtext(f"{CAP}info/{CAP}area/{CAP}areaDesc") == "pier-1"
    assert b"polygon" not in b"".join(written.values())
    delivered(
        content(state="provisional", message="al-0123456789ab:provisional"),
        kind="cap",
        path=tmp_path,
        sender="watch@example.org",
    )
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == written


def test_a_cap_message_by_reference_follows_the_one_that_an_earlier_version_named_by_its_id(content, tmp_path):
    references = References("ab" * 32)
    name = references.of("al-0123456789ab")
    before = content(state="provisional", message="al-0123456789ab:provisional")
    assert delivered(before, kind="cap", path=tmp_path, sender="watch@example.org") == ""
    later = with_references(content(state="retracted", message="al-0123456789ab:retracted"), references)
    channel = Channel(kind="cap", path=tmp_path, sender="watch@example.org")
    assert send(later, channel, made_at=NOW, now=NOW, references=references) == ""
    root = etree.fromstring((tmp_path / f"{name}.retracted.xml").read_bytes())
    assert root.findtext(f"{CAP}msgType") == "Cancel"
    assert root.findtext(f"{CAP}references").startswith("watch@example.org,al-0123456789ab.provisional,")


def test_elements_of_cap_stand_in_the_order_of_the_standard(content, tmp_path):
    restricted = Setting("https://watch.example.org/x", lang="fr", is_restricted=True, is_simulated=True)
    assert delivered(content(setting=restricted), kind="cap", path=tmp_path) == ""
    (path,) = tmp_path.iterdir()
    root = etree.fromstring(path.read_bytes())
    assert [one.tag.removeprefix(CAP) for one in root] == [
        *("identifier", "sender", "sent", "status", "msgType", "scope", "restriction", "info"),
    ]
    info = root.find(f"{CAP}info")
    order = ["language", "category", "event", "urgency", "severity", "certainty", "senderName"]
    order += ["headline", "description", "instruction", "web", "parameter", "area"]
    seen = list(dict.fromkeys(one.tag.removeprefix(CAP) for one in info))
    assert seen == order
    assert root.findtext(f"{CAP}status") == "Exercise"
    ring = info.findtext(f"{CAP}area/{CAP}polygon").split()
    assert ring[0] == ring[-1] == "0.000000,0.123457"


def test_geojson_has_places_only_where_the_route_is_restricted(content, tmp_path):
    assert delivered(content(), kind="geojson", path=tmp_path) == ""
    careful = json.loads((tmp_path / "sw-0123456789ab.geojson").read_text())
    restricted = content(key="sw-2", setting=Setting("x", is_restricted=True))
    assert delivered(restricted, kind="geojson", path=tmp_path) == ""
    assert careful["features"][0]["geometry"] is None
    assert json.loads((tmp_path / "sw-2.geojson").read_text())["features"][0]["geometry"]["type"] == "Polygon"


def test_files_that_cannot_be_written_are_a_reason(content, tmp_path):
    (tmp_path / "taken").write_text("a file where a folder should be")
    (tmp_path / "broken.xml").write_text("no feed")
    for kind, path, reason in (
        ("geojson", tmp_path / "taken", "cannot be written"),
        ("atom", tmp_path / "broken.xml", "is not XML"),
    ):
        assert reason in delivered(content(), kind=kind, path=path)
    assert (tmp_path / "broken.xml").read_text() == "no feed"


def test_a_key_is_that_of_the_messages_and_of_nothing_else():
    key = parcel_key("mail", "alert", ["al-1:confirmed", "al-2:provisional"])
    assert key == parcel_key("mail", "alert", ["al-2:provisional", "al-1:confirmed"])
    others = [
        parcel_key("hook", "alert", ["al-1:confirmed", "al-2:provisional"]),
        parcel_key("mail", "escalation", ["al-1:confirmed", "al-2:provisional"]),
        parcel_key("mail", "alert", ["al-1:confirmed"]),
    ]
    assert len({key, *others}) == 4


def test_a_defect_in_a_channel_leaves_its_place_in_the_log_and_no_value(content, monkeypatch, caplog):
    def broken(*_):
        raise KeyError("hunter2")

    monkeypatch.setitem(SENDERS, ChannelKind.ATOM, broken)
    reason = delivered(content(), kind="atom", path="/nowhere/feed.xml")
    assert reason.startswith("it failed in a way that nobody foresaw (KeyError)")
    (line,) = caplog.messages
    assert re.fullmatch(r"channel of kind atom: KeyError at delivery\.py:\d+, test_delivery\.py:\d+", line)
