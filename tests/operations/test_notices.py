"""What an operator is told of the watch itself, once."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import ValidationError

from aois.week import week_of
from flows.alerts.operator_notices import Condition, conditions_of, post_notices, silence_conditions
from flows.alerts.route_settings import message_routes
from flows.alerts.routes import Routes
from flows.alerts.sending import deliver_pending
from flows.config.deployment import Operating
from flows.config.settings import Settings
from flows.ledger.ledger import open_ledger
from flows.records.observations import ObservationRecord, SceneRecord

SECRET = "sixteen letters or more"
OPERATING = Operating(unseen_weeks=4, late_hours=48, _env_file=None)
MONDAY = datetime(2026, 11, 23, 6, tzinfo=UTC)
W47 = week_of(date(2026, 11, 22))


def seen(area_id: str, *, until=W47, look: date | None, weeks: int = 8) -> list[ObservationRecord]:
    """The weeks of an area up to one, all with the same last clear look."""
    return [ObservationRecord(area_id, until.plus(-n), (), (), 0.0, look, f"chain-{n}") for n in reversed(range(weeks))]


def names(observations, *listed: str, now: datetime = MONDAY) -> list[str]:
    return [one.name for one in conditions_of(observations, listed, OPERATING, now=now)]


def test_an_area_that_was_seen_lately_is_no_matter():
    assert names(seen("a", look=date(2026, 11, 2)), "a") == []


@pytest.mark.parametrize(
    ("look", "name"),
    [(date(2026, 10, 25), ["unseen:2026-W47"]), (date(2026, 10, 18), ["unseen:2026-W46"]), (date(2026, 10, 26), [])],
)
def test_four_weeks_without_a_clear_look_are_told_in_the_week_that_fills_them(look, name):
    assert names(seen("a", look=look), "a") == name


def test_an_area_that_was_never_seen_counts_from_its_first_week():
    assert names(seen("a", look=None, weeks=3), "a") == []
    (told,) = conditions_of(seen("a", look=None, weeks=8), ["a"], OPERATING, now=MONDAY)
    assert "a: never seen clearly since 2026-09-28" in told.lines


def test_the_condition_keeps_its_name_while_it_lasts_and_has_another_when_it_comes_again():
    later = seen("a", until=W47.plus(2), look=date(2026, 10, 25), weeks=10)
    assert names(later, "a", now=MONDAY + timedelta(weeks=2)) == ["unseen:2026-W47"]
    again = seen("a", until=W47.plus(9), look=date(2026, 12, 6), weeks=10)
    assert names(again, "a", now=MONDAY + timedelta(weeks=9)) == ["unseen:2026-W53"]


def test_areas_that_came_to_it_in_one_week_are_told_together_and_unlisted_ones_not_at_all():
    observations = [o for a in "abc" for o in seen(a, look=date(2026, 10, 25))]
    (told,) = conditions_of(observations, ["a", "b"], OPERATING, now=MONDAY)
    assert told.title == "Sitewatch: 2 areas not seen for 4 weeks"
    assert not any(line.startswith("c:") for line in told.lines)


def test_a_week_is_late_from_its_hours_on_and_for_those_that_lack_it():
    observations = [
        *seen("a", look=date(2026, 11, 16)),
        *seen("b", until=W47.plus(-1), look=date(2026, 11, 16)),
    ]
    due = datetime(2026, 11, 25, tzinfo=UTC)
    assert names(observations, "a", "b", now=due - timedelta(minutes=1)) == []
    (told,) = conditions_of(observations, ["a", "b"], OPERATING, now=due)
    assert (told.name, told.title) == ("late:2026-W47", "Sitewatch: week 2026-W47 is late for 1 area")
    assert "b" in told.lines


def radar(orbit: int, last: date, *, repeats: int = 6) -> list[SceneRecord]:
    """Radar scenes of one orbit, every 12 days up to the last."""
    days = [last - timedelta(days=12 * n) for n in reversed(range(repeats))]
    times = [datetime(day.year, day.month, day.day, 22, 45, tzinfo=UTC) for day in days]
    return [
        SceneRecord(f"sentinel-1_{t:%Y%m%dT%H%M%S}_r{orbit}", "sentinel-1", t, "0" * 64, "stac", 1.0, 0.0, "used")
        for t in times
    ]


def test_a_series_that_stopped_coming_keeps_its_name_and_areas_of_one_week_are_told_together():
    late, on = radar(91, date(2026, 10, 15)), radar(128, date(2026, 11, 20))
    scenes = {"a": [*late, *on], "b": late, "c": on, "d": radar(91, date(2026, 10, 16)), "e": []}
    found = {}
    for weeks in (0, 1, 2):
        until = W47.plus(weeks)
        observations = [one for area_id in "abcde" for one in seen(area_id, until=until, look=until.last_day)]
        (found[weeks],) = silence_conditions(observations, scenes) or [None]
    told = found[0]
    assert told.name == "silent:stac:sentinel-1:2026-W47"
    assert told.title == "Sitewatch: Sentinel-1 has stopped coming at 3 areas"
    assert "a: Sentinel-1, orbit 91, last 2026-10-15, 3 missed since" in told.lines
    assert {one.name for one in found.values()} == {told.name}
    observations = [one for area_id in "abcde" for one in seen(area_id, until=W47.plus(-1), look=W47.last_day)]
    assert silence_conditions(observations, scenes) == []


def test_a_condition_is_told_once_to_each_channel_of_the_operator_and_to_nobody_else(tmp_path, web_server):
    web_server.answers["/ops"] = 503
    routes = tmp_path / "routes.toml"
    routes.write_text(
        'operator = ["ops"]\n'
        f'[channels.ops]\nkind = "webhook"\nurl = "{web_server.url("/ops")}"\nsecret = "{SECRET}"\n'
        f'[channels.people]\nkind = "webhook"\nurl = "{web_server.url("/people")}"\nsecret = "{SECRET}"\n'
        '[[routes]]\nname = "all"\nchannels = ["people"]\n'
    )
    settings = Settings(outputs=tmp_path, alert_routes=routes, source="stac", _env_file=None)
    condition = Condition("late:2026-W47", "Sitewatch: week 2026-W47 is late for 1 area", ("b",))
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:

        def tell(now: datetime, *conditions: Condition) -> None:
            assert post_notices(ledger, message_routes(settings), conditions, now=now) == 1
            deliver_pending(ledger, message_routes(settings), week=W47, clock=lambda: now)

        tell(MONDAY, condition)
        tell(MONDAY + timedelta(hours=1), condition)
        web_server.answers["/ops"] = 200
        for hours in (2, 3, 4):
            tell(MONDAY + timedelta(hours=hours), condition)
        assert [post.path for post in web_server.posts] == ["/ops"] * 3  # twice in vain
        assert len({post.body for post in web_server.posts}) == 1
        told = json.loads(web_server.posts[-1].body)
        assert (told["title"], told["alerts"]) == (condition.title, [])
        tell(MONDAY + timedelta(weeks=1), Condition("late:2026-W48", "Sitewatch: another", ("b",)))
        assert len(web_server.posts) == 4


def test_an_operators_mail_is_enough_and_alerts_go_on_waiting(tmp_path, mail_server):
    settings = Settings(outputs=tmp_path, operator_urls=mail_server.url, source="stac", _env_file=None)
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        condition = Condition("late:2026-W47", "Sitewatch: late", ("b",))
        post_notices(ledger, message_routes(settings), [condition], now=MONDAY)
        outcome = deliver_pending(ledger, message_routes(settings), week=W47, clock=lambda: MONDAY)
        assert outcome.failed == ()
    (mail,) = mail_server.mails
    assert mail["subject"] == "Sitewatch: late"
    assert "\r\nb\r\n" in mail.get_body(("plain",)).get_content()


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        ({}, "operator names channel `ops`, which is not in the file"),
        ({"ops": {"kind": "cap", "path": "x"}}, "takes only alerts"),
    ],
)
def test_an_operators_channel_that_cannot_be_one_is_refused(channel, message):
    with pytest.raises(ValidationError, match=message):
        Routes.model_validate({"operator": ["ops"], "channels": channel})
