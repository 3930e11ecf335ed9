"""The record goes away under the desk, or what it has prepared is torn: people read words, the log has a line."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from loopback import served
from starlette.requests import Request
from starlette.routing import Route

from flows.desk.backend.wiring import open_desk
from flows.desk.cookies import LANGUAGE_COOKIE, LOGIN_COOKIE, SESSION_COOKIE
from flows.desk.failures import log_failure
from flows.desk.guard import key_hash
from flows.desk.headers import SECURITY
from flows.imagery.archive.store import Archive
from flows.ledger import open_ledger
from flows.web.log_limit import RepetitionFilter
from tests.desk.conftest import PASSWORD, PEOPLE, copied, prepared, record, serving

__all__ = ["prepared"]


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What the desk's log says."""
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda line: said.append(handler.format(line))  # type: ignore[assignment]
    logging.getLogger("sitewatch.web").addHandler(handler)
    yield said
    logging.getLogger("sitewatch.web").removeHandler(handler)


@contextlib.contextmanager
def desk_over(url: str, outputs: Path, name: str) -> Iterator[httpx.Client]:
    """Somebody's browser at a desk over a database."""
    with open_ledger(url) as ledger:
        record(ledger)
        now = datetime.now(UTC)
        for one, role in PEOPLE.items():
            ledger.accounts.add(one, role=role, sees_positions=False, password_hash="-", at=now)
        account = ledger.accounts.find(name)
        assert account is not None
        ends_at = now + timedelta(hours=1)
        ledger.accounts.open_session(key_hash("key"), "form", account=account.number, at=now, ends_at=ends_at)
        app, _ = open_desk(ledger, Archive(outputs / "archive"), outputs)
        cookies = {SESSION_COOKIE: "key", LOGIN_COOKIE: "mine"}
        with served(app) as address, httpx.Client(base_url=address, cookies=cookies, timeout=60) as client:
            yield client


def test_a_null_character_is_refused_in_words_whatever_the_database(new_url: str, tmp_path: Path) -> None:
    with desk_over(new_url, tmp_path, "rita") as client:
        answers = [
            client.post("/login", data={"form_key": "mine", "name": "ri\0ta", "password": PASSWORD}),
            client.post("/cases/ev-a1/verdicts", data={"form_key": "form", "verdict": "unsure", "note": "a\0"}),
            client.get("/cases/ev%00"),
        ]
        assert [answer.status_code for answer in answers] == [400] * 3
        assert all("cannot read this request" in answer.text for answer in answers)
        assert client.post("/login", data={"form_key": "mine", "name": "ﷺ" * 90, "password": "x"}).status_code == 403


@pytest.mark.parametrize(
    ("lang", "words"), [("en", "The record cannot be reached now"), ("fr", "Le registre ne répond")]
)
def test_a_database_that_goes_away_is_said_in_words(
    lang: str, words: str, tmp_path: Path, lines: list[str], break_database: tuple[str, Callable[[], None]]
) -> None:
    url, breaks = break_database
    with desk_over(url, tmp_path / "desk", "ada") as client:
        client.cookies.set(LANGUAGE_COOKIE, lang)
        assert client.get("/accounts").status_code == 200
        breaks()
        for path in ("/accounts", "/", "/cases/ev-a1", "/runs"):
            answer = client.get(path)
            assert answer.status_code == 503
            assert words in answer.text
            assert {name: answer.headers.get(name) for name in SECURITY} == SECURITY
        login = client.post("/login", data={"form_key": "mine", "name": "rita", "password": PASSWORD})
        assert login.status_code == 503
    assert len(lines) == 5
    assert all("\n" not in line and "LedgerUnavailableError" in line for line in lines)


@pytest.fixture(params=["sqlite", "postgresql"])
def break_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """A database, and how it goes away."""
    if request.param == "sqlite":
        file = tmp_path / "new" / "ledger.sqlite"

        def damage() -> None:
            for one in file.parent.glob("ledger.sqlite*"):
                one.write_bytes(b"\xff" * 8192)

        yield f"sqlite:///{file}", damage
        return
    postgres = request.getfixturevalue("postgres")
    name = postgres.create()
    yield postgres.url(name), lambda: postgres.drop(name)


def test_an_error_that_nobody_thought_of_is_a_page_and_one_line(
    prepared: Path, tmp_path: Path, lines: list[str]
) -> None:
    with serving(copied(prepared, tmp_path / "outputs")) as desk:
        shutil.rmtree(desk.outputs / "desk" / "cases")
        (desk.outputs / "desk" / "cases").write_text("a file in place of the folder")
        with desk.client("rita") as client:
            answer = client.get("/cases/ev-a1")
            assert answer.status_code == 500
            assert "because of an error of its own" in answer.text
            assert {name: answer.headers.get(name) for name in SECURITY} == SECURITY
            assert client.get("/").status_code == 200
    (line,) = lines
    assert "GET /cases/{event_id}: NotADirectoryError" in line


def test_many_failures_of_one_page_silence_no_other(lines: list[str]) -> None:
    kept = RepetitionFilter()
    logger = logging.getLogger("sitewatch.web")
    logger.addFilter(kept)

    def asked(path: str, method: str = "GET") -> Request:
        return Request({"type": "http", "method": method, "headers": [], "route": Route(path, lambda _: None)})

    try:
        for n in range(50):
            log_failure(asked("/tiles/{x}"), OSError(f"tile {n} of 100%"))
            log_failure(asked("/tiles/{x}", method=f"MADE-UP-{n}"), OSError("x"))
        log_failure(asked("/cases/{event_id}"), OSError("gone"))
        log_failure(asked("/tiles/{x}"), KeyError("y"))
    finally:
        logger.removeFilter(kept)
    assert len(lines) == 12
    assert lines[0] == "the desk could not answer: GET /tiles/{x}: OSError: tile 0 of 100%"
    assert lines[-2:] == [
        "the desk could not answer: GET /cases/{event_id}: OSError: gone",
        "the desk could not answer: GET /tiles/{x}: KeyError: 'y'",
    ]


@pytest.mark.parametrize("torn", [b"{}", b'{"fragments": {"en": "<p', b"\xff\0"])
def test_a_torn_case_is_prepared_again(prepared: Path, tmp_path: Path, torn: bytes) -> None:
    with serving(copied(prepared, tmp_path / "outputs")) as desk:
        (case,) = desk.outputs.glob("desk/cases/heron/*/ev-a1.json")
        good = json.loads(case.read_bytes())
        case.unlink()
        case.write_bytes(torn)
        with desk.client("rita") as client:
            assert client.get("/cases/ev-a1").status_code == 200
        assert json.loads(case.read_bytes())["fragments"] == good["fragments"]
