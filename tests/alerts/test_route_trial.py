"""What a trial of routes counts is what deliveries of the same weeks send."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from post_office import C, Office, P, R, week

from aois.week import week_of
from flows.alerts.route_settings import message_routes
from flows.alerts.route_trial import masked, run_after, try_routes
from flows.alerts.routes import Channel
from flows.ledger.ids import alert_id, event_id

SECRET = "sixteen letters or more"
Y = alert_id(event_id("pier-1", "p1_y"))
STORY: tuple[dict[str, Any], ...] = (
    {"p1_x": (P,), "p2_v": (P,)},
    {"p1_x": (P, C), "p1_y": (P,), "p2_v": (P,)},
    {"p1_x": (P, C), "p1_y": (P, R), "p1_z": (P,), "p2_v": (P, C), "p2_w": (P,)},
)


def routes(web_server):
    hooks = "".join(
        f'[channels.{name}]\nkind = "webhook"\nurl = "{web_server.url("/" + name)}"\nsecret = "{SECRET}"\n'
        for name in ("now", "boss", "digest", "quiet")
    )
    return hooks + (
        '[[routes]]\nname = "at once"\nchannels = ["now"]\nescalate_after_hours = 48\nescalate_to = ["boss"]\n'
        '[[routes]]\nname = "weekly"\nchannels = ["digest", "now"]\nschedule = "weekly"\nweekday = 3\nhour = 7\n'
        'timezone = "Asia/Bangkok"\nlang = "fr"\n'
        '[[routes]]\nname = "night"\nchannels = ["quiet"]\nareas = ["pier-2"]\nquiet_hours = "12:00-18:00"\n'
    )


@pytest.fixture
def office(tmp_path, web_server):
    path = tmp_path / "routes.toml"
    path.write_text(routes(web_server))
    one = Office(f"sqlite:///{tmp_path / 'ledger.sqlite'}", tmp_path, alert_routes=path)
    yield one
    one.ledger.close()


def delivered(office, web_server):
    """Three weeks as they happen, with a delivery every six hours: the posts by channel and week."""
    counts: Counter[tuple[str, str]] = Counter()
    for number, found in enumerate(STORY):
        office.now = run_after(week(number))
        office.watch(number, **found)
        if number == 1:
            office.ledger.acknowledge(Y, by="Anna", on=office.now.date() + timedelta(days=1))
        while office.now < run_after(week(number + 1)):
            before = len(web_server.posts)
            office.deliver(only_due=True)
            new = web_server.posts[before:]
            counts.update((post.path[1:], str(week_of(office.now.date()))) for post in new)
            office.later(hours=6)
    return counts


def test_a_trial_counts_what_deliveries_would_send_and_changes_nothing(office, web_server):
    counts = delivered(office, web_server)
    before, posts = office.ledger.journal_head(), len(web_server.posts)
    trial = try_routes(office.ledger, message_routes(office.settings), last=week(2))
    assert office.ledger.journal_head() == before
    assert len(web_server.posts) == posts
    tried: Counter[tuple[str, str]] = Counter()
    for one in trial.sendings:
        tried[one.channel, str(one.week)] += one.messages
    assert tried == counts
    assert {one.channel for one in trial.sendings} == {"now", "boss", "digest", "quiet"}
    assert sum(counts.values()) > 8


def test_what_was_muted_is_left_out_and_counted(office):
    office.watch(0, p1_x=(P,))
    office.deliver()
    x = alert_id(event_id("pier-1", "p1_x"))
    until = office.now.date() + timedelta(days=30)
    office.ledger.mutes.mute(x, until=until, by="Anna", why="known", at=office.now)
    office.watch(1, p1_x=(P,), p1_y=(P,))
    office.deliver()
    trial = try_routes(office.ledger, message_routes(office.settings), last=week(2))
    assert trial.muted == 1
    assert sum(one.alerts for one in trial.sendings if one.channel == "digest") == 1


def test_weeks_before_the_last_26_are_not_counted(office):
    office.watch(0, p1_x=(P,))
    assert try_routes(office.ledger, message_routes(office.settings), last=week(25)).sendings
    assert not try_routes(office.ledger, message_routes(office.settings), last=week(26)).sendings


@pytest.mark.parametrize(
    ("channel", "shown"),
    [
        ({"url": "mailto://user:password@mail.example.org"}, "apprise, mailto://…"),
        ({"url": "slack://tokenA/tokenB/tokenC"}, "apprise, slack://…"),
        ({"kind": "webhook", "url": "https://h.example.org/key", "secret": SECRET}, "webhook, https://…"),
        ({"kind": "atom", "path": "/srv/feed.xml"}, "atom, a file"),
        ({"kind": "cap", "path": "/srv/cap"}, "cap, a folder"),
    ],
)
def test_an_address_is_shown_without_what_may_be_a_secret(channel, shown):
    assert masked(Channel.model_validate(channel)) == shown


def test_the_command_tells_messages_by_route_channel_and_week(office, web_server, tmp_path, call):
    office.watch(0, **STORY[0])
    office.ledger.close()
    (tmp_path / "outputs").mkdir()
    (tmp_path / "ledger.sqlite").rename(tmp_path / "outputs" / "ledger.sqlite")
    told = call("alerts", "routes", "--try", "--routes", "routes.toml", cwd=tmp_path)
    assert told.status == 0, told.err
    assert "route at once: 2 messages, at most 2 in a week; at once; language en" in told.out
    assert "route weekly: 1 message, at most 1 in a week; weekly, weekday 3 at 07:00 Asia/Bangkok; l" in told.out
    assert "  digest (webhook, http://…): 1 message" in told.out
    assert "2026-W38" in told.out
    assert SECRET not in told.out
    assert str(web_server.port) not in told.out
    refused = call("alerts", "routes", cwd=tmp_path)
    assert (refused.status, "needs --try" in refused.err) == (2, True)
    nothing = call("alerts", "routes", "--try", cwd=tmp_path)
    assert (nothing.status, "there is no route to try" in nothing.err) == (2, True)


def test_the_clock_of_a_week_is_the_monday_after_it():
    assert run_after(week(0)) == datetime(2026, 9, 14, 15, tzinfo=UTC)
