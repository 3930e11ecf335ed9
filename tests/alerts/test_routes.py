"""Who hears what, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.alerts import Acknowledgement, AlertsError, Route, make_token, read_routes, read_token
from flows.alerts.timing import ATTEMPTS, after_quiet_hours, hours_of, is_due, next_attempt, next_weekly

FULL = """
report_base = "https://watch.example.org/reports"
acknowledge_base = "https://desk.example.org/acknowledge"
acknowledge_secret = "env:LINK_SECRET"

[channels.mail]
url = "env:MAIL_URL"

[channels.hook]
kind = "webhook"
url = "https://hooks.example.org/sitewatch"
secret = "sixteen letters or more"

[channels.feed]
kind = "atom"
path = "outputs/alerts/feed.xml"

[[routes]]
name = "coast"
channels = ["mail", "hook"]
areas = ["pier-*"]
states = ["confirmed"]
min_confidence = 0.7
quiet_hours = "22:00-07:00"
timezone = "Europe/Paris"
lang = "fr"
escalate_after_hours = 48
escalate_to = ["hook"]

[[routes]]
name = "all of it"
channels = ["feed"]
schedule = "weekly"
"""
SECRET = "sixteen letters or more"
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
instants = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
zones = st.sampled_from(["UTC", "Europe/Paris", "Asia/Shanghai", "America/St_Johns", "Asia/Kathmandu"])
spans = st.sampled_from(["22:00-07:00", "00:00-06:30", "12:00-13:00", "23:59-00:01", "07:00-06:59"])


@pytest.fixture
def routes(tmp_path, monkeypatch):
    """Reads a file of routes."""
    monkeypatch.setenv("MAIL_URL", "mailto://user:hunter2@mail.example.org")
    monkeypatch.setenv("LINK_SECRET", SECRET)

    def routes(text):
        (tmp_path / "routes.toml").write_text(text)
        return read_routes(tmp_path / "routes.toml")

    return routes


def test_a_file_of_routes_is_read_with_its_secrets_from_the_environment(routes):
    read = routes(FULL)
    assert read.channels["mail"].url.get_secret_value() == "mailto://user:hunter2@mail.example.org"
    assert [route.name for route in read.routes] == ["coast", "all of it"]
    assert "hunter2" not in repr(read)
    assert SECRET not in repr(read)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('["mail", "hook"]', '["mail", "fax"]', "route `coast` names channel `fax`, which is not in the file"),
        ('name = "all of it"', 'name = "coast"', "two routes are called `coast`"),
        ('lang = "fr"', 'lang = "xx"', r"routes.0.lang: .*`xx` has no catalog; use one of en, fr"),
        ('"22:00-07:00"', '"at night"', "`at night` is not a span of hours; write it as 22:00-07:00"),
        ('"Europe/Paris"', '"Moon/Crater"', "`Moon/Crater` is not a time zone"),
        ('secret = "sixteen letters or more"', 'secret = "short"', "a webhook needs a secret of at least 16"),
        ("min_confidence = 0.7", "min_confidence = 7", r"routes.0.min_confidence: .*less than or equal to 1"),
        (
            "min_confidence = 0.7",
            "min_confidense = 0.7",
            "routes.0.min_confidense: there is no such entry .did you mean `min_confidence`",
        ),
        ("escalate_after_hours = 48", "", "escalate_after_hours and escalate_to go together"),
        ('path = "outputs/alerts/feed.xml"', "", "a channel of kind `atom` needs a path"),
        ("env:LINK_SECRET", "short", "each acknowledge_secret needs at least 16"),
        ('acknowledge_secret = "env:LINK_SECRET"', "", "acknowledge_base needs an acknowledge_secret"),
        ("env:LINK_SECRET", "env:NOT_THERE", "the environment has no `NOT_THERE`"),
        ("[[routes]]", "[[routes]", "are not TOML"),
        (
            '["confirmed"]',
            '["confirmd"]',
            "`confirmd` is no state .did you mean `confirmed`.*; use provisional, confirmed",
        ),
        ('states = ["confirmed"]', 'kinds = ["expantion"]', "`expantion` is no kind .did you mean `expansion`"),
        (
            'states = ["confirmed"]',
            'changes = ["constrution"]',
            "`constrution` is no change .did you mean `construction`",
        ),
        ('states = ["confirmed"]', 'news = ["isued"]', "`isued` is no reason for a message .did you mean `issued`"),
        ('["mail", "hook"]', '["mail", "hok"]', "`hok`, which is not in the file .did you mean `hook`"),
        ('"Europe/Paris"', '"Europe/Pariss"', "`Europe/Pariss` is not a time zone .did you mean `Europe/Paris`"),
        ('"22:00-07:00"', '"22:00Z-07:00Z"', "names a time zone"),
        ("escalate_after_hours = 48", "escalate_after_hours = 1e300", "less than or equal to 8784"),
        ('report_base = "https:', 'report_base = "htp:', "report_base: the address is not on the web"),
        ("watch.example.org/reports", "u:hunter2@watch.example.org/reports", "leave out the user and the password"),
        ("desk.example.org/acknowledge", "desk.example.org:99999/", "port of the address is not between 1 and 65535"),
        ('kind = "atom"', 'kind = "atm"', "did you mean `atom`"),
        ("[channels.feed]", '[channels."Prefect events"]', "a channel cannot be called `Prefect events`"),
        ('lang = "fr"', 'lang = "env:MAIL_URL"', "`env:MAIL_URL` has no catalog"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong_and_without_secrets(routes, old, new, complaint):
    with pytest.raises(AlertsError, match=complaint) as caught:
        routes(FULL.replace(old, new))
    assert "hunter2" not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(AlertsError, match=r"cannot be read .*SITEWATCH_ALERT_ROUTES"):
        read_routes(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("limits", "is_wanted"),
    [
        ({}, True),
        ({"areas": ("pier-?",)}, True),
        ({"areas": ("quay-*", "dock")}, False),
        ({"kinds": ("change",)}, False),
        ({"changes": ("construction", "fencing")}, True),
        ({"states": ("provisional",)}, False),
        ({"states": ("retracted", "confirmed")}, True),
        ({"min_confidence": 0.824}, True),
        ({"min_confidence": 0.83}, False),
        ({"min_area_m2": 2500}, False),
    ],
)
def test_a_route_wants_what_is_within_its_limits(feature, limits, is_wanted):
    route = Route(name="r", channels=("mail",), **limits)
    assert route.wants(feature(), "confirmed") is is_wanted


@given(now=instants, span=spans, zone=zones)
def test_nothing_goes_out_in_quiet_hours_and_nothing_waits_longer_than_they_last(now, span, zone):
    due = after_quiet_hours(now, span, zone)
    start, end = hours_of(span)
    clock = due.astimezone(ZoneInfo(zone)).time()
    is_quiet = start <= clock < end if start < end else clock >= start or clock < end
    assert not is_quiet
    assert now <= due <= now + timedelta(hours=25)
    assert due == now or clock == end


@given(now=instants, weekday=st.integers(1, 7), hour=st.integers(0, 23), zone=zones)
def test_a_weekly_digest_goes_out_within_the_week_at_its_hour(now, weekday, hour, zone):
    due = next_weekly(now, weekday=weekday, hour=hour, timezone=zone)
    local = due.astimezone(ZoneInfo(zone))
    assert now <= due <= now + timedelta(days=7, hours=1)
    assert local.isoweekday() == weekday
    assert abs(local.hour - hour) <= 1  # an hour that a change of clocks skips
    assert local.minute == 0


def test_waits_grow_until_it_is_given_up():
    waits = [next_attempt(n, NOW) for n in range(1, ATTEMPTS)]
    assert [(one - NOW) for one in waits[:3]] == [timedelta(minutes=1), timedelta(minutes=4), timedelta(minutes=16)]
    assert waits == sorted(waits)
    assert sum((one - NOW for one in waits), timedelta()) > timedelta(days=3)
    assert next_attempt(ATTEMPTS, NOW) is None


def test_a_clock_that_was_put_back_lets_nothing_wait():
    ahead = NOW + timedelta(days=400)
    assert not is_due(ahead + timedelta(hours=1), set_at=ahead, now=ahead)
    assert is_due(ahead + timedelta(hours=1), set_at=ahead, now=NOW)
    assert is_due(None, set_at=None, now=NOW)
    assert is_due(NOW, set_at=NOW - timedelta(hours=1), now=NOW)


@given(alert=st.from_regex(r"al-[0-9a-f]{12}", fullmatch=True), by=st.text(max_size=40))
def test_a_link_says_who_acknowledges_what(alert, by):
    token = make_token(SECRET, Acknowledgement(alert, by), expires=NOW)
    assert read_token(SECRET, token, now=NOW) == Acknowledgement(alert, by)
    with pytest.raises(AlertsError, match="expired on 2026-11-23"):
        read_token(SECRET, token, now=NOW + timedelta(seconds=1))


def test_a_link_of_the_version_before_stays_good_until_it_expires():
    """Made by the code that signed links by hand."""
    sent = "YWwtMDEyMzQ1Njc4OWFiCjE4MDA1OTc2MDAKw6lxdWlwZSBkZSB2ZWlsbGU.yAJ4rJ4Rx732vB9d86wh2aYLDy_Jm-mpD5Xtq7DSEA4"
    expires = datetime(2027, 1, 22, 6, tzinfo=UTC)
    said = Acknowledgement("al-0123456789ab", "équipe de veille")
    secret = "sixteen letters or more"
    assert read_token(["a newer secret, long enough", secret], sent, now=expires) == said
    assert make_token(secret, said, expires=expires) == sent, "and who was not upgraded yet reads ours"
    with pytest.raises(AlertsError, match="expired on 2027-01-22"):
        read_token(secret, sent, now=expires + timedelta(seconds=1))


@given(position=st.integers(0, 200), letter=st.sampled_from("Aa0-_."), token=st.text(max_size=60))
def test_a_link_that_was_changed_or_made_up_is_refused(position, letter, token):
    genuine = make_token(SECRET, Acknowledgement("al-0123456789ab", "mail"), expires=NOW)
    place = position % len(genuine)
    changed = genuine[:place] + letter + genuine[place + 1 :]
    for text in (changed, token, genuine + genuine, genuine.split(".")[0]):
        if text != genuine:
            with pytest.raises(AlertsError, match="not genuine"):
                read_token(SECRET, text, now=NOW)
    with pytest.raises(AlertsError, match="not genuine"):
        read_token("another secret, long enough", genuine, now=NOW)


def test_a_secret_that_can_be_guessed_makes_no_link():
    with pytest.raises(AlertsError, match="has 5 characters; use at least 16"):
        make_token("short", Acknowledgement("al-1", "x"), expires=NOW)


@pytest.mark.parametrize("line", ['lang = "env:LONG"', 'timezone = "env:LONG"', 'quiet_hours = "env:LONG"'])
def test_of_a_long_secret_in_the_wrong_place_no_part_is_shown(tmp_path, monkeypatch, line):
    monkeypatch.setenv("LONG", "hunter2-" * 60)
    (tmp_path / "routes.toml").write_text(f'[[routes]]\nname = "r"\nchannels = []\n{line}\n')
    with pytest.raises(AlertsError) as caught:
        read_routes(tmp_path / "routes.toml")
    assert "hunter2" not in str(caught.value)
    assert "env:LONG" in str(caught.value) or "lang" not in line
