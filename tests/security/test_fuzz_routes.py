"""Generated files of routes, settings, links and requests: each ends in success or in one clear line."""

from __future__ import annotations

import copy
import json
import math
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fuzzing import assert_one_clear_line, bounded, fuzzed
from hypothesis import given
from hypothesis import strategies as st
from loopback import served

from flows.alerts import Acknowledgement, AlertsError, Routes, make_token, read_routes, read_token
from flows.alerts.answering import answer_app
from flows.alerts.channel_check import faults_of
from flows.alerts.route_settings import doubts_about, report_link, routes_of
from flows.alerts.routes import ChannelKind
from flows.alerts.timing import after_quiet_hours, next_weekly
from flows.config.deployment import Operating, load_operating
from flows.config.settings import Settings, SettingsError, load_settings
from flows.jobs.setting_names import check_setting_names, known_names, unknown_names
from flows.records.event_json import ALERT_PROPERTIES, alert_of, event_of
from flows.records.ids import AlertId

NOW = datetime(2026, 9, 28, 6, tzinfo=UTC)
SECRET = "sixteen letters or more"
VALID: dict[str, Any] = {
    "report_base": "https://watch.example.org/sitewatch",
    "restricted_report_base": "https://inside.example.org:8443/reports/",
    "acknowledge_base": "https://desk.example.org/acknowledge",
    "acknowledge_secret": [SECRET, "another of sixteen letters"],
    "operator": ["hook"],
    "channels": {
        "hook": {"kind": "webhook", "url": "https://hooks.example.org/a?b=c", "secret": SECRET},
        "feed": {"kind": "atom", "path": "outputs/feed.xml"},
        "cap": {"kind": "cap", "path": "outputs/cap", "sender": "watch@example.org"},
    },
    "routes": [
        {
            **{"name": "coast", "channels": ["hook", "cap"], "areas": ["pier-*"], "kinds": ["expansion"]},
            **{"changes": ["fencing"], "states": ["confirmed"], "news": ["issued"], "min_confidence": 0.5},
            **{"min_area_m2": 500, "quiet_hours": "22:00-07:00", "timezone": "Europe/Paris", "lang": "fr"},
            **{"restricted": True, "simulated": False, "escalate_after_hours": 48, "escalate_to": ["feed"]},
        },
        {"name": "digest", "channels": ["feed"], "schedule": "weekly", "weekday": 3, "hour": 7},
    ],
}
EVENT = event_of(
    dict.fromkeys(ALERT_PROPERTIES)
    | {
        "alert_id": "al-1", "event_id": "ev-1", "area_id": "pier-1", "kind": "expansion", "change": "fencing",
        "state": "confirmed", "first_seen": "2026-09-07", "issued_on": "2026-09-13", "area_m2": 900.0,
        "area_m2_low": 700.0, "area_m2_high": 1100.0, "confidence": 0.8,
    },
    None,
)  # fmt: skip
ALERT = alert_of(EVENT, AlertId("al-1"), date(2026, 9, 13))
WORDS = ["", " ", "\u202e", "é" * 300, "a" * 5000, "[", "pier-[", "..", "/", "\x7f", "Europe", "../../etc/passwd"]
WORDS += [
    "env:",
    "env:PATH",
    "env:NOT_THERE",
    "http://[",
    "http://xn--/",
    "https://h:99999/",
    "https://h:0/",
    "confirmd",
]
WORDS += ["22:00Z-07:00", "24:00-07:00", "1-2-3", "{}", "{0.__class__}", "%s", "json://127.0.0.1", "weekly", "CET"]
scalars = st.one_of(
    st.sampled_from([None, True, False, 0, -1, 2**64, 10**400, 1e308, math.inf, -math.inf, math.nan, date(2026, 1, 1)]),
    st.sampled_from(WORDS),
    st.text(max_size=30),
    st.integers(),
    st.floats(),
)
LIKELY: list[Any] = [
    "pier-1",
    "*",
    "hook",
    "feed",
    "confirmed",
    "expansion",
    "UTC",
    "00:00-06:30",
    "en",
    "https://a.example.org",
]
LIKELY += [["hook"], ["*"], ["confirmed", "retracted"], [], "atom", "cap", "geojson", "immediate", 1, 0.5, True, False]
values = st.sampled_from(LIKELY) | st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def toml(value: Any) -> str:
    """A value as TOML, tables in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(name))} = {toml(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value.encode("utf-8", "replace").decode()).replace("\x7f", "\\u007f")
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "inf", -math.inf: "-inf"}.get(value, "nan")
    return "[]" if value is None else value.isoformat() if isinstance(value, date) else str(value).lower()


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every entry of a document."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places_in(value[key], (*path, key))


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """A valid file of routes with some entries replaced, misspelt, left out or doubled, and some bytes changed."""
    document = copy.deepcopy(VALID)
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(list(places_in(document))))
        holder = document
        for key in way:
            holder = holder[key]
        deed = draw(st.sampled_from(["replace", "drop", "misspell", "double"]))
        if deed == "replace":
            like = [one for one in LIKELY if type(one) is type(holder[last])]
            holder[last] = copy.deepcopy(draw(st.sampled_from(like) | values if like else values))
        elif deed == "drop":
            del holder[last]
        elif isinstance(holder, list):
            holder.append(copy.deepcopy(holder[last]) if deed == "double" else draw(values))
        else:
            holder[draw(st.text(max_size=12)) if deed == "double" else f"{last}s"] = holder[last]
    text = "".join(f"{toml(name)} = {toml(value)}\n" for name, value in document.items()).encode()
    return draw(mutated(text)) if draw(st.integers(0, 4)) == 4 else text


def mutated(content: bytes, most: int = 4) -> st.SearchStrategy[bytes]:
    """The content with some bytes put in, taken out or changed."""
    put_in = st.text(st.characters(max_codepoint=0x7E), max_size=3).map(str.encode) | st.binary(max_size=2)
    edits = st.tuples(st.integers(0, len(content)), st.integers(0, 3), put_in)

    def apply(changes: list[tuple[int, int, bytes]]) -> bytes:
        found = content
        for place, taken, put in changes:
            found = found[:place] + put + found[place + taken :]
        return found

    return st.lists(edits, min_size=1, max_size=most).map(apply)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzzed")


def use(routes: Routes, settings: Settings) -> None:
    """Do with accepted routes all that a run does, but for sending."""
    for route in routes.routes:
        route.wants(replace(ALERT, is_simulated=route.simulated), "confirmed", "issued")
        after_quiet_hours(NOW, route.quiet_hours, route.timezone)
        next_weekly(NOW, weekday=route.weekday, hour=route.hour, timezone=route.timezone)
        NOW + timedelta(hours=route.escalate_after_hours or 0.0)
        assert report_link(
            routes, settings.outputs, "2026-W39", route.lang, is_restricted=route.restricted
        ).isprintable()
    for doubt in doubts_about(routes, ["pier-1"]):
        assert len(doubt) < 5500
    written = {name: one for name, one in routes.channels.items() if one.kind is not ChannelKind.APPRISE}
    assert all(reason and reason.isprintable() for reason in faults_of(written).values())
    for secret in routes.link_secrets:
        make_token(secret, Acknowledgement("al-0", "hook"), expires=NOW)


@fuzzed
@given(content=documents())
def test_a_file_of_routes_works_or_is_refused_in_a_line(place, content):
    path = place / "routes.toml"
    path.write_bytes(content)
    with bounded():
        try:
            routes = read_routes(path)
        except AlertsError as error:
            assert_one_clear_line(error, AlertsError)
            return
        settings = Settings(outputs=place, alert_routes=path, source="stac", _env_file=None)
        use(routes, settings)
        routes_of(settings)


def test_the_file_that_is_mutated_works(place):
    (place / "valid.toml").write_text("".join(f"{toml(name)} = {toml(value)}\n" for name, value in VALID.items()))
    assert len(read_routes(place / "valid.toml").routes) == 2


# Settings


texts = st.binary(max_size=40).map(lambda raw: raw.replace(b"\0", b"").decode("utf-8", "surrogateescape"))
names = st.integers(0, 5).flatmap(
    lambda die: st.sampled_from(known_names() if die else [name[:-1] for name in known_names()])
)
USUAL = ["1", "5", "20", "2.5", "stac", "UTC", "outputs", "0 1 * * *", "off", "json", "INFO", "json://a mailto://b"]
given_values = (
    st.sampled_from(USUAL)
    | texts
    | st.sampled_from([*WORDS[:12], "1e999", "-1", "nan", "true", "10**400", "[]", "{", "* * * * *"])
)


@fuzzed
@given(environment=st.dictionaries(names, given_values.filter(lambda text: "\0" not in text), max_size=4))
def test_settings_of_the_environment_work_or_are_refused_in_a_line(place, environment):
    with bounded(), pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for name, value in environment.items():
            patch.setenv(name, value)
        for read in (load_settings, load_operating, check_setting_names, unknown_names):
            try:
                found = read()
            except SettingsError as error:
                assert_one_clear_line(error, SettingsError)
                continue
            if isinstance(found, Settings):
                json.dumps(found.without_secrets())


ENV = b"".join(f"{name}={value}\n".encode() for name, value in (("SITEWATCH_SEED", 3), ("SITEWATCH_WORKERS", "4")))
ENV += b"# a comment\nexport SITEWATCH_ALERT_URLS='json://a json://b'\nSITEWATCH_TIMEZONE=\"Europe/Paris\"\nOTHER=${HOME}\n"


@fuzzed
@given(content=mutated(ENV, most=8))
def test_a_file_of_settings_works_or_is_refused_in_a_line(place, content):
    folder = place / "dotenv"
    folder.mkdir(exist_ok=True)
    (folder / ".env").write_bytes(content)
    with bounded(), pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for read in (load_settings, load_operating, check_setting_names):
            try:
                read()
            except SettingsError as error:
                assert_one_clear_line(error, SettingsError)
    assert (folder / ".env").read_bytes() == content


def test_every_setting_has_a_name_that_is_known():
    assert len(known_names()) == len(Settings.model_fields) + len(Operating.model_fields)
    assert len(set(known_names())) == len(known_names())


# Links and the page behind them


TOKEN = make_token(SECRET, Acknowledgement("al-0123456789ab", "mail"), expires=NOW)


@fuzzed
@given(token=mutated(TOKEN.encode()).map(lambda raw: raw.decode("utf-8", "surrogateescape")) | st.text())
def test_a_link_is_the_one_that_was_made_or_is_refused_in_a_line(token):
    with bounded():
        try:
            answer = read_token([SECRET, "another of sixteen letters"], token, now=NOW)
        except AlertsError as error:
            assert_one_clear_line(error, AlertsError)
        else:
            assert (token, answer) == (TOKEN, Acknowledgement("al-0123456789ab", "mail"))


@pytest.fixture(scope="module")
def noted() -> list[Acknowledgement]:
    return []


@pytest.fixture(scope="module")
def port(noted: list[Acknowledgement]) -> Iterator[int]:
    """Where the page behind the links is served."""

    def acknowledge(answer: Acknowledgement) -> bool:
        noted.append(answer)
        return True

    app = answer_app(SECRET, acknowledge, clock=lambda: NOW, hosts=("127.0.0.1",))
    with served(app) as address:
        yield int(address.rsplit(":", 1)[1])


FORGED = TOKEN[:-4] + "AAAA"
REQUEST = (
    f"POST /acknowledge?token={FORGED} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\nCookie: a=b\r\nContent-Length: 7\r\n"
    "Connection: close\r\n\r\na=b&c=d"
).encode()


def asked(port: int, request: bytes, *, ends: bool = True) -> bytes:
    """What the server answers to these bytes; nothing more is sent after them."""
    with socket.create_connection(("127.0.0.1", port), timeout=5.0) as connection:
        connection.sendall(request)
        if ends:  # a request cut short is waited for no longer; a server may close before it has answered a whole one
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(1 << 16):
            answer += part
        return answer


@fuzzed
@given(request=mutated(REQUEST, most=6))
def test_a_request_with_a_forged_link_changes_nothing_and_breaks_nothing(port, noted, request):
    with bounded():
        answer = asked(port, request)
    assert not answer.startswith(b"HTTP/1.1 5"), answer
    assert b"Traceback" not in answer
    assert noted == []


def test_a_request_that_is_genuine_is_noted(port, noted):
    assert asked(port, REQUEST.replace(FORGED.encode(), TOKEN.encode()), ends=False).startswith(b"HTTP/1.1 200")
    assert noted.pop() == Acknowledgement("al-0123456789ab", "mail")
