"""What waits goes out once to every channel, whatever the channels do."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from post_office import FIRST, REFERENCES, C, Office, P, R
from prefect.settings import PREFECT_API_URL, temporary_settings

from aois.week import Week
from flows.alerts import Acknowledgement, AlertsError, make_token, read_token
from flows.alerts.acknowledge_page import answers
from flows.alerts.dispatch_content import notice
from flows.alerts.prefect_events import TOLD, events_of, send_signals
from flows.alerts.route_settings import routes_of
from flows.alerts.sending import Delivery
from flows.alerts.timing import ATTEMPTS
from flows.config.settings import SettingsError
from flows.ledger import Judgement, LedgerError, Reason, Verdict
from flows.ledger.ids import alert_id, event_id
from flows.pipeline.ledger_access import recorded_ledger

SECRET = "sixteen letters or more"
X = alert_id(event_id("pier-1", "p1_x"))
TOLD_X = REFERENCES.of(X)


@pytest.fixture
def office(tmp_path):
    """Makes an office whose routes are given as TOML."""
    opened = []

    def office(routes="", **settings):
        path = tmp_path / "routes.toml"
        path.write_text(routes)
        opened.append(Office(f"sqlite:///{tmp_path / 'ledger.sqlite'}", tmp_path, alert_routes=path, **settings))
        return opened[-1]

    yield office
    for one in opened:
        one.ledger.close()


def hook(name, web_server, path):
    return f'[channels.{name}]\nkind = "webhook"\nurl = "{web_server.url(path)}"\nsecret = "{SECRET}"\n'


def route(name, *channels, **options):
    lines = [f"{key} = {json.dumps(value)}" for key, value in options.items()]
    return "\n".join(["[[routes]]", f'name = "{name}"', f"channels = {json.dumps(channels)}", *lines, ""])


@pytest.fixture
def two(office, web_server):
    """Two channels, one of which refuses everything for now."""
    web_server.answers["/b"] = 503
    return office(hook("a", web_server, "/a") + hook("b", web_server, "/b") + route("all", "a", "b"))


def told(web_server, path="/a"):
    """The keys of messages that arrived at a path, once for each time."""
    bodies = [json.loads(post.body) for post in web_server.posts if post.path == path]
    return [key for body in bodies for alert in body["alerts"] for key in alert["properties"]["messages"]]


def test_a_channel_that_fails_makes_no_other_hear_twice(two, web_server):
    two.watch(0, p1_x=(P,))
    first = two.deliver()
    assert (first.waiting, first.sent, len(first.failed)) == (1, 1, 1)
    assert first.failed[0].startswith("b: answered 503")
    two.later(minutes=5)
    web_server.answers.clear()
    assert two.deliver().sent == 1
    assert two.deliver().waiting == 0
    assert [post.path for post in web_server.posts] == ["/a", "/b", "/b"]
    assert web_server.posts[1].body == web_server.posts[2].body
    assert len({post.headers["webhook-id"] for post in web_server.posts}) == 2


def test_what_failed_is_left_alone_until_it_is_due_and_given_up_in_the_end(two, web_server):
    two.watch(0, p1_x=(P,))
    two.deliver()
    tries = 1
    for _ in range(24 * 8):
        two.later(hours=1)
        outcome = two.deliver(only_due=True)
        tries = len([post for post in web_server.posts if post.path == "/b"])
        if outcome.given_up:
            break
    assert tries == ATTEMPTS
    assert two.deliver().waiting == 0
    (dead,) = two.ledger.outbox.unsent(dead=True)
    assert (dead.channel, dead.last_error) == ("b", "b: answered 503; check the receiver and the secret")
    web_server.answers.clear()
    assert two.ledger.outbox.revive() == 1
    assert two.deliver().sent == 1
    assert told(web_server, "/b") == [f"{TOLD_X}:provisional"] * (ATTEMPTS + 1)


def test_a_clock_that_is_put_back_neither_loses_nor_repeats_anything(two, web_server):
    two.later(days=400)
    two.watch(0, p1_x=(P,))
    two.deliver()
    two.later(days=-400)
    web_server.answers.clear()
    two.watch(1, p1_x=(P, C))
    two.deliver(only_due=True)
    assert told(web_server) == [f"{TOLD_X}:provisional", f"{TOLD_X}:confirmed"]
    assert sorted(set(told(web_server, "/b"))) == [f"{TOLD_X}:confirmed", f"{TOLD_X}:provisional"]
    assert two.deliver().waiting == 0


def test_routes_choose_by_place_state_and_language(office, web_server, mail_server):
    routes = hook("a", web_server, "/a") + f'[channels.post]\nurl = "{mail_server.url}"\n'
    routes += route("coast", "post", areas=["pier-2"], lang="fr") + route("sure", "a", states=["confirmed"])
    one = office(routes)
    one.watch(0, p1_x=(P,), p2_y=(P,))
    one.watch(1, p1_x=(P, C), p2_y=(P,))
    assert one.deliver().waiting == 3
    assert told(web_server) == [f"{TOLD_X}:confirmed"]
    (mail,) = mail_server.mails
    text = mail.get_body(("plain",)).get_content()
    assert mail["Subject"] == "Sitewatch 2026-W39 : 1 alerte dans 1 lieu"
    assert "PROVISOIRE : construction, au-delà du périmètre" in text
    assert "Exercice" not in text
    assert "dernière image claire le 14 septembre 2026" in text
    assert "pier-1" not in text


def test_a_message_tells_a_confidence_that_reviewers_contradict_as_a_word(office, mail_server, monkeypatch):
    monkeypatch.setattr("flows.ledger.precision.FEWEST", 1)
    one = office(f'[channels.post]\nurl = "{mail_server.url}"\n' + route("all", "post"))
    one.watch(0, p1_x=(P, C))
    one.deliver()
    one.ledger.judge(event_id("pier-1", "p1_x"), Judgement(Verdict.REJECTED, by="Ben", reason=Reason.OLD), at=one.now)
    one.watch(1, p1_x=(P, C), p1_y=(P, C))
    one.deliver()
    before, after = (mail.get_body(("plain",)).get_content() for mail in mail_server.mails)
    assert "confidence 0.80, seen by" in before
    assert "confidence high, seen by" in after


def test_two_routes_to_one_channel_tell_it_once(office, web_server):
    one = office(hook("a", web_server, "/a") + route("r", "a") + route("s", "a", kinds=["expansion"]))
    one.watch(0, p1_x=(P,))
    one.deliver()
    assert told(web_server) == [f"{TOLD_X}:provisional"]


def test_quiet_hours_and_weekly_digests_are_kept(office, web_server):
    routes = hook("a", web_server, "/a") + hook("b", web_server, "/b")
    routes += route("night", "a", quiet_hours="05:00-07:30") + route("digest", "b", schedule="weekly", weekday=3)
    one = office(routes)
    one.watch(0, p1_x=(P,))
    one.deliver()
    assert told(web_server) + told(web_server, "/b") == []
    one.later(hours=2)
    one.watch(1, p1_x=(P, C))
    assert one.deliver().sent == 2
    assert told(web_server) == [f"{TOLD_X}:confirmed", f"{TOLD_X}:provisional"]
    one.later(days=2)
    one.deliver()
    assert len([post for post in web_server.posts if post.path == "/b"]) == 1
    assert told(web_server, "/b") == [f"{TOLD_X}:confirmed", f"{TOLD_X}:provisional"]


def test_an_alert_that_nobody_acknowledges_goes_to_somebody_else_once(office, web_server):
    routes = hook("a", web_server, "/a") + hook("chief", web_server, "/chief")
    one = office(routes + route("r", "a", escalate_after_hours=24, escalate_to=["chief"]))
    one.watch(0, p1_x=(P,), p1_y=(P,), p2_z=(P,))
    one.deliver()
    one.ledger.acknowledge(alert_id(event_id("pier-1", "p1_y")), by="Anna", on=one.now.date())
    one.watch(1, p1_x=(P,), p1_y=(P,), p2_z=(P, R))
    one.later(hours=23)
    one.deliver()
    assert told(web_server, "/chief") == []
    for _ in range(3):
        one.later(hours=2)
        one.deliver()
    assert told(web_server, "/chief") == [f"{TOLD_X}:provisional"]
    assert "nobody has acknowledged" in json.loads(web_server.posts[-1].body)["title"]


def test_links_acknowledge_for_the_channel_that_got_them(office, web_server):
    routes = f'acknowledge_base = "https://desk.example.org/a"\nacknowledge_secret = "{SECRET}"\n'
    routes += 'report_base = "https://watch.example.org/sitewatch/"\n'
    one = office(routes + hook("a", web_server, "/a") + route("r", "a"))
    one.watch(0, p1_x=(P,))
    one.deliver()
    text = json.loads(web_server.posts[0].body)["text"]
    assert "Report: https://watch.example.org/sitewatch/2026-W39/index.html" in text
    token = text.split("https://desk.example.org/a?token=")[1].split()[0]
    answer = read_token(SECRET, token, now=one.now + timedelta(days=59))
    assert (answer.alert_id, answer.by) == (TOLD_X, "a")
    with pytest.raises(AlertsError, match="expired"):
        read_token(SECRET, token, now=one.now + timedelta(days=61))


def test_a_link_acknowledges_in_the_ledger(office, web_server):
    routes = f'acknowledge_base = "https://desk.example.org/a"\nacknowledge_secret = "{SECRET}"\n'
    one = office(routes + hook("a", web_server, "/a") + route("r", "a"))
    one.later(days=(datetime.now(UTC) - one.now).days)
    one.watch(0, p1_x=(P,))
    one.deliver()
    token = json.loads(web_server.posts[0].body)["text"].split("?token=")[1].split()[0]
    unknown = make_token(SECRET, Acknowledgement("al-0", "a"), expires=one.now + timedelta(days=9))

    async def ask(method, token):
        transport = httpx.ASGITransport(answers(routes_of(one.settings), lambda: recorded_ledger(one.settings)))
        async with httpx.AsyncClient(transport=transport, base_url="https://desk.example.org") as client:
            return await client.request(method, "/acknowledge", params={"token": token})

    assert asyncio.run(ask("GET", token)).status_code == 200
    assert one.ledger.alert(X).acknowledged_by is None
    assert asyncio.run(ask("POST", token)).status_code == 200
    assert one.ledger.alert(X).acknowledged_by == "a (by link)"
    assert "alert `al-0`: the answer could not be noted" in asyncio.run(ask("POST", unknown)).text


def test_without_a_secret_there_is_no_page_for_links(office):
    with pytest.raises(SettingsError, match="no acknowledge_secret"):
        answers(routes_of(office().settings), lambda: recorded_ledger(office().settings))


def test_a_channel_that_is_gone_from_the_routes_is_a_reason_and_stops_no_other(two, web_server):
    two.watch(0, p1_x=(P,))
    two.deliver()
    two.settings.alert_routes.write_text(hook("a", web_server, "/a") + route("all", "a"))
    two.watch(1, p1_x=(P, C))
    outcome = two.deliver()
    assert outcome.failed == ("b: there is no such channel any more; name it again in the routes",)
    assert told(web_server) == [f"{TOLD_X}:provisional", f"{TOLD_X}:confirmed"]


def test_a_second_delivery_at_the_same_time_waits_its_turn_or_says_so(two):
    two.watch(0, p1_x=(P,))
    with (
        two.ledger.exclusively("delivery", complaint=""),
        pytest.raises(LedgerError, match="another process is sending"),
    ):
        two.deliver(patience_s=0.2)


def test_without_a_channel_everything_waits_and_then_goes_out(office, web_server):
    one = office()
    one.watch(0, p1_x=(P,))
    assert (one.deliver().waiting, one.deliver().sent) == (1, 0)
    one.settings.alert_routes.write_text(hook("a", web_server, "/a") + route("r", "a"))
    assert one.deliver().sent == 1


def test_a_flood_is_told_in_one_mail_and_in_portions_to_programs(office, web_server, mail_server, monkeypatch):
    monkeypatch.setattr("flows.alerts.dispatch_plan.LARGEST", {"webhook": 50})
    routes = hook("a", web_server, "/a") + f'[channels.post]\nurl = "{mail_server.url}"\n' + route("r", "a", "post")
    one = office(routes)
    one.watch(0, **{f"p1_{n}": (P,) for n in range(120)})
    assert one.deliver().sent == 120
    assert len(told(web_server)) == len(set(told(web_server))) == 120
    assert len(web_server.posts) == 3
    (mail,) = mail_server.mails
    assert "and 60 more alerts, in the report" in mail.get_body(("plain",)).get_content()


def grown(office, *, weeks=2):
    """A place that grows by a step in its second week, and one that then becomes part of another."""
    stories = {
        "p1_x": {"again": (FIRST.plus(1).first_day,), "area_m2": 4400.0},
        "p2_z": {"merged_into": event_id("pier-2", "p2_w")},
    }
    for number in range(weeks):
        office.watch(number, stories if number else {}, p1_x=(C,), p2_w=(C,), p2_z=(P,))


def test_routes_choose_by_news(office, web_server):
    routes = hook("a", web_server, "/a") + hook("b", web_server, "/b")
    one = office(routes + route("steps", "a", news=["step"]) + route("mergers", "b", news=["merged", "parted"]))
    grown(one)
    assert one.deliver().sent == 2
    assert told(web_server) == [f"{TOLD_X}:step-2"]
    assert told(web_server, "/b") == [f"{REFERENCES.of(event_id('pier-2', 'p2_z'))}:merged"]
    text = json.loads(web_server.posts[0].body)["text"]
    assert "  NEW: second step; +2,000 m² since 14 September 2026\n" in text
    whole = REFERENCES.of(event_id("pier-2", "p2_w"))
    assert f"  NEW: now part of alert {whole}\n" in json.loads(web_server.posts[1].body)["text"]
    grown(one)
    assert one.deliver().waiting == 0


class Program:
    """A program that keeps what it is told, or does not take it."""

    def __init__(self):
        self.heard, self.complaint = [], ""

    def __call__(self, content, made_at):
        if not self.complaint:
            self.heard += [(event.id, event.event, event.payload["news"]) for event in events_of(content, made_at)]
        return self.complaint


def test_programs_hear_every_message_once_whoever_else_does(office):
    one, program = office(), Program()
    grown(one)
    for _ in range(2):
        assert one.deliver(signal=program) == Delivery(5), "people are told nothing, and all of it waits for them"
    assert sorted(news for _, _, news in program.heard) == ["issued"] * 3 + ["merged", "step"]
    assert {name for _, name, news in program.heard if news == "issued"} == {"sitewatch.alert.issued"}
    assert {name for _, name, news in program.heard if news != "issued"} == {"sitewatch.alert.changed"}
    assert len({identity for identity, _, _ in program.heard}) == 5


def test_what_programs_could_not_hear_waits_until_they_can(office):
    one, program = office(), Program()
    grown(one, weeks=1)
    program.complaint = "gone"
    assert one.deliver(signal=program).failed == ("Prefect events: gone",)
    assert one.deliver().sent == 0, "nobody to tell from there"
    program.complaint = ""
    one.later(minutes=5)
    one.deliver(signal=program, only_due=True)
    assert len(program.heard) == 3


def test_programs_hear_ids_and_figures_and_no_places(office):
    one = office()
    grown(one)
    contents: list[Any] = []
    one.deliver(signal=lambda content, made_at: contents.extend(events_of(content, made_at)) or "")
    assert len(contents) == 5
    for event in contents:
        assert event.occurred == one.now
        assert event.payload.keys() == {*TOLD, "news", "message"}
        assert event.related[0]["prefect.resource.id"].startswith("sitewatch.area.pier-")


def test_a_server_that_is_not_there_or_talks_nonsense_is_a_reason(unused_port, web_server):
    content = notice("x", [], Week(2026, 47), key="sw-1")
    for url in (f"http://127.0.0.1:{unused_port}/api", web_server.url("/api")):
        with temporary_settings({PREFECT_API_URL: url}):
            said = send_signals(content, datetime.now(UTC))
        assert said.startswith("Prefect's server did not take the events (")
        assert "check PREFECT_API_URL" in said


def test_what_was_told_of_an_area_is_told_again_only_when_asked_for(office, web_server):
    one = office(hook("a", web_server, "/a") + route("all", "a"))
    one.watch(0, p1_x=(P,), p2_y=(P,))
    one.deliver()
    one.watch(1, p1_x=(P, C), p2_y=(P, C))
    one.deliver()
    one.later(hours=1)
    one.deliver()
    assert len(web_server.posts) == 2
    outcome = one.deliver(again="pier-1")
    *before, again = [json.loads(post.body) for post in web_server.posts]
    assert (outcome.sent, len(before)) == (1, 2)
    assert again["key"] not in {sent["key"] for sent in before}
    said = [alert["properties"] for alert in again["alerts"]]
    assert [(alert["area_id"], alert["state"]) for alert in said] == [("pier-1", "confirmed")]
    one.deliver()
    assert len(web_server.posts) == 3
