"""Nobody gets from a message or a page of the desk to a pixel by trying all of them."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from id_attacker import IdAttacker, key_of
from post_office import FIRST, MONDAY, C, Office, P, R, event, record, site
from sea_alert import KNOWN

from flows.alerts.outgoing import as_it_leaves
from flows.alerts.prefect_events import events_of
from flows.alerts.route_settings import incident_rule
from flows.alerts.routes import ChannelKind
from flows.alerts.signing import Acknowledgement, make_token, read_token
from flows.ledger import LedgerError, open_ledger
from flows.ledger.ids import alert_id, event_id
from flows.ledger.references import References, incident_named
from flows.records.ids import EventId
from flows.records.message_json import content_json, content_of
from flows.records.messages import DispatchContent

SECRET = "sixteen letters or more"
CHANNELS = ("hook", "post", "atom", "cap", "geojson")
KEYS = [key_of(FIRST.first_day + timedelta(days=day), 3 * day, 11) for day in range(3)]
ALERTS = [alert_id(event_id("pier-1", key)) for key in KEYS]
LINKS = f'acknowledge_base = "https://desk.example.org/answer/by/link"\nacknowledge_secret = "{SECRET}"\n'


@pytest.fixture(scope="module")
def attacker() -> IdAttacker:
    return IdAttacker("pier-1", FIRST.first_day, 4, 12, CHANNELS)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Callable[[str], Office]]:
    opened: list[Office] = []

    def office(routes: str) -> Office:
        path = tmp_path / "routes.toml"
        path.write_text(routes)
        opened.append(Office(f"sqlite:///{tmp_path / 'ledger.sqlite'}", tmp_path, alert_routes=path))
        return opened[-1]

    yield office
    for one in opened:
        one.ledger.close()


def channels(tmp_path: Path, web_server: Any, mail_server: Any) -> str:
    files = "".join(
        f'[channels.{kind}]\nkind = "{kind}"\npath = "{tmp_path / "sent" / name}"\n'
        for kind, name in (("atom", "feed.xml"), ("cap", "cap"), ("geojson", "geojson"))
    )
    hook = f'[channels.hook]\nkind = "webhook"\nurl = "{web_server.url("/hook")}"\nsecret = "{SECRET}"\n'
    return f'{LINKS}{hook}[channels.post]\nurl = "{mail_server.url}"\n{files}'


def route(restricted: str = "false") -> str:
    return f'[[routes]]\nname = "r"\nchannels = {json.dumps(CHANNELS)}\nrestricted = {restricted}\n'


def tell_all(one: Office, programs: list[DispatchContent]) -> None:
    """Alerts that are new, confirmed, joined to another and retracted, and a place that somebody muted."""

    def signal(content: DispatchContent, _made_at: Any) -> str:
        programs.append(content)
        return ""

    first, second, third = KEYS
    one.watch(0, {}, **dict.fromkeys(KEYS, (P,)))
    assert not one.deliver(signal=signal).failed
    whole = {second: {"merged_into": event_id("pier-1", first)}}
    one.watch(1, whole, **{first: (P, C), second: (P,), third: (P, R)})
    assert not one.deliver(signal=signal).failed
    last = one.now.date() + timedelta(days=7)
    one.ledger.mutes.mute(alert_id(event_id("pier-1", first)), until=last, by="Ann", why="known", at=one.now)
    one.watch(2, p2_x=(P,))
    assert not one.deliver(signal=signal).failed


def sent(tmp_path: Path, web_server: Any, mail_server: Any) -> dict[str, bytes]:
    """All bytes that left, by what they left in, with names of files and headers."""
    found = {"hook": b"", "post": b""}
    for post in web_server.posts:
        found["hook"] += repr((post.path, dict(post.headers))).encode() + post.body
    for mail in mail_server.mails:
        found["post"] += mail.as_bytes()
    for kind in ("atom", "cap", "geojson"):
        found[kind] = b""
    for path in sorted((tmp_path / "sent").rglob("*")):
        if path.is_file():
            kind = "atom" if path.suffix == ".xml" and path.parent.name == "sent" else path.parent.name
            found[kind] += path.name.encode() + b"\n" + path.read_bytes()
    return found


def test_no_message_of_a_careful_route_leads_to_a_pixel(office, attacker, tmp_path, web_server, mail_server):
    programs: list[DispatchContent] = []
    one = office(channels(tmp_path, web_server, mail_server) + route())
    tell_all(one, programs)
    left = sent(tmp_path, web_server, mail_server)
    left["prefect"] = "".join(
        event.model_dump_json() for content in programs for event in events_of(content, one.now)
    ).encode()
    references = one.ledger.references()
    for kind, content in left.items():
        assert attacker.found_in(content) == set(), kind
        assert references.of(ALERTS[0]).encode() in content, f"{kind} names its alert"
        assert re.search(rb"\b(?:al|ev|in)-[0-9a-f]{4}", content) is None, kind
    assert b"ref-" in left["hook"].split(b"is muted")[0]
    with sqlite3.connect(tmp_path / "ledger.sqlite") as record:
        waiting = "".join(row[0] for row in record.execute("SELECT payload FROM dispatches")).encode()
    assert attacker.found_in(waiting) >= set(KEYS), "he would have found them by ids"


def test_texts_of_a_restricted_route_have_references_and_its_programs_both(office, attacker, tmp_path, web_server):
    hook = channels(tmp_path, web_server, _NoMail()).split("[channels.post]")[0]
    one = office(hook + '[[routes]]\nname = "r"\nchannels = ["hook"]\nrestricted = true\n')
    one.watch(0, **{KEYS[0]: (P,)})
    one.deliver()
    (post,) = web_server.posts
    body = json.loads(post.body)
    (alert,) = body["alerts"]
    assert attacker.found_in((body["text"] + body["key"]).encode()) == set()
    assert alert["properties"]["alert_id"] == ALERTS[0]
    assert alert["properties"]["reference"] == one.ledger.references().of(ALERTS[0])
    assert alert["properties"]["reference"] in body["text"]
    assert attacker.found_in(post.body) == {KEYS[0]}, "with its place"


class _NoMail:
    url = "mailto://nobody@127.0.0.1"


@pytest.mark.parametrize(
    "leak",
    [
        ALERTS[0],
        f"event_{event_id('pier-1', KEYS[0])}_en.zip",
        f"x{ALERTS[0][3:11]}x",
        "P2FsLQ" + __import__("base64").urlsafe_b64encode(f"{ALERTS[0]}\n1\nhook".encode()).decode(),
    ],
    ids=["an id", "a name", "the beginning of an id", "a token"],
)
def test_the_attacker_finds_what_is_planted(attacker: IdAttacker, leak: str) -> None:
    text = leak if not leak.startswith("P2Fs") else leak[6:]
    assert attacker.found_in(f"see {text}.".encode()) == {KEYS[0]}


def packed_earlier() -> DispatchContent:
    """A parcel of an earlier release: ids everywhere, a whole token, and the beginning of an id that a page shows."""
    token = make_token(SECRET, Acknowledgement(ALERTS[0], "hook"), expires=MONDAY)
    link, waiting = (f"https://d.example/a?token={one}" for one in (token, ALERTS[0]))
    page = f'<p>x<br><a href="{link}">{link[:48]}...</a><br><a href="{waiting}" rel="x">{waiting[:35]}...</a></p>'
    known = KNOWN | {"alert_id": ALERTS[0], "event_id": event_id("pier-1", KEYS[0])}
    payload: dict[str, Any] = dict.fromkeys(("key", "week", "lang", "title", "report"), "") | {
        "text": f"- {ALERTS[0]}\n  Acknowledge: {link}\n",
        "html": page,
        "alerts": [{"type": "Feature", "geometry": None, "properties": known}],
    }
    return content_of(payload)


def test_what_an_earlier_release_packed_leaves_without_ids(attacker: IdAttacker) -> None:
    references, content = References("5a" * 32), packed_earlier()
    assert attacker.found_in(content_bytes(content)) == {KEYS[0]}
    for token_of in (None, lambda _: "a-new.token"):
        for kind in ChannelKind:
            left = as_it_leaves(content, kind, report="", references=references, token_of=token_of)
            assert attacker.found_in(content_bytes(left)) == set(), kind
    assert left.text == f"- {references.of(ALERTS[0])}\n", "a file has no link"
    spoken = as_it_leaves(content, ChannelKind.WEBHOOK, report="", references=references, token_of=lambda _: "a.b")
    assert spoken.text.endswith("?token=a.b\n"), "its reader was given that right"
    assert spoken.html.count('?token=a.b"') == 2
    assert as_it_leaves(spoken, ChannelKind.ATOM, report="", references=references, token_of=None).text == left.text


def content_bytes(content: DispatchContent) -> bytes:
    return json.dumps(content_json(content)).encode()


def test_an_attempt_after_a_kill_sends_the_same_bytes(office, tmp_path, web_server):
    hook = channels(tmp_path, web_server, _NoMail()).split("[channels.post]")[0]
    one = office(hook + '[[routes]]\nname = "r"\nchannels = ["hook"]\n')
    one.watch(0, **{KEYS[0]: (P,)})
    web_server.answers["/hook"] = 503
    one.deliver()
    one.ledger.close()
    web_server.answers.clear()
    again = Office(one.url, tmp_path, alert_routes=tmp_path / "routes.toml")
    again.later(minutes=5)
    again.deliver()
    again.ledger.close()
    first, second = web_server.posts
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])


def test_a_link_acknowledges_by_reference(office, tmp_path, web_server):
    hook = channels(tmp_path, web_server, _NoMail()).split("[channels.post]")[0]
    one = office(hook + '[[routes]]\nname = "r"\nchannels = ["hook"]\n')
    one.watch(0, **{KEYS[0]: (P,)})
    one.deliver()
    token = re.search(r"\?token=(\S+)", json.loads(web_server.posts[0].body)["text"])
    assert token is not None
    answer = read_token(SECRET, token[1], now=one.now)
    assert answer.alert_id == one.ledger.references().of(ALERTS[0])
    one.ledger.acknowledge(answer.alert_id, by=answer.by, on=date(2026, 9, 28))
    assert one.ledger.alert(ALERTS[0]).acknowledged_by == "hook"


def test_what_people_type_may_be_a_reference(office):
    one = office("")
    one.watch(0, **dict.fromkeys(KEYS, (P,)))
    references, incidents = one.ledger.references(), one.ledger.incidents(incident_rule(one.settings))
    for alert in ALERTS:
        assert one.ledger.alert(references.of(alert)).alert_id == alert
        assert one.ledger.alert(f" {references.of(alert).upper()} ").alert_id == alert
        incident = incident_named(incidents, references.of(alert), references)
        assert incident is not None
        assert alert in incident.alert_ids
    with pytest.raises(LedgerError, match="`ref-000000000000` is not in the ledger"):
        one.ledger.alert("ref-000000000000")


# The secret


def test_the_secret_is_made_once_and_others_have_others(tmp_path: Path) -> None:
    made = []
    for name in ("a", "a", "b"):
        with open_ledger(f"sqlite:///{tmp_path / name}.sqlite") as ledger:
            made.append(ledger.references())
    assert made[0] == made[1] != made[2]
    assert made[0].of(ALERTS[0]) != made[2].of(ALERTS[0])
    assert len(bytes.fromhex(made[0].secret)) == 32
    assert made[0].secret not in repr(made[0])


def test_a_backup_brings_the_secret_back(tmp_path: Path) -> None:
    early, late = tmp_path / "early.sqlite", tmp_path / "late.sqlite"
    with (
        open_ledger(f"sqlite:///{tmp_path / 'a.sqlite'}") as ledger,
        open_ledger(f"sqlite:///{tmp_path / 'b'}") as other,
    ):
        ledger.record_areas([site("pier-1")])
        record(ledger, 0, "pier-1", event("pier-1", KEYS[0], P))
        ledger.back_up(early)
        reference = ledger.references().of(ALERTS[0])
        ledger.back_up(late)
        other.restore(late, replace=False, tell=lambda _: None)
        assert other.alert(reference).alert_id == ALERTS[0]
        ledger.restore(early, replace=True, tell=lambda _: None)
        assert ledger.alert(reference).alert_id == ALERTS[0], "a backup from before the secret keeps it"


def test_an_event_its_alert_and_its_incident_have_one_reference() -> None:
    references = References("5a" * 32)
    event = event_id("pier-1", KEYS[0])
    names = (event, ALERTS[0], f"in-{ALERTS[0][3:]}")
    assert len({references.of(name) for name in names}) == 1
    assert references.named(references.of(event), [EventId(event)]) == event
    assert references.of("pier-1") == "pier-1"
