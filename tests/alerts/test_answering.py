"""The page behind a link, as people and as mail filters open it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from flows.alerts import Acknowledgement, AlertsError, make_token
from flows.alerts.answering import answer_app

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
SECRET = "sixteen letters or more"
ANSWER = Acknowledgement("al-0123456789ab", "<desk>")


@pytest.fixture
def answers():
    return []


@pytest.fixture
def client(answers):
    def acknowledge(answer):
        if answer.alert_id == "al-unknown":
            raise AlertsError("alert `al-unknown` is not in the ledger")
        answers.append(answer)
        return answers[0] == answer

    app = answer_app(SECRET, acknowledge, clock=lambda: NOW, hosts=("desk",))

    def client(method, given):
        async def ask():
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://desk") as one:
                return await one.request(method, "/acknowledge", params={"token": given})

        return asyncio.run(ask())

    return client


def token(answer=ANSWER, **late):
    return make_token(SECRET, answer, expires=NOW + timedelta(days=1) - timedelta(**late))


def test_opening_a_link_changes_nothing_and_its_button_acknowledges(client, answers):
    for _ in range(3):
        page = client("GET", token())
        assert page.status_code == 200
    assert answers == []
    assert "al-0123456789ab" in page.text
    assert "<desk>" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    done = client("POST", token())
    assert (done.status_code, answers) == (200, [ANSWER])
    assert "is acknowledged for &lt;desk&gt;" in done.text


DOTTED = (f"{token()[:8]}.{token()[8:]}", f".{token()}", token().replace(".", ".."))
"""A genuine link with a dot too many, which decoding passes over."""


@pytest.mark.parametrize("bad", ["", "made.up", token(days=2), token()[:-2], *DOTTED])
def test_a_link_that_is_not_genuine_or_too_old_is_refused(client, answers, bad):
    assert client("GET", bad).status_code == 403
    assert client("POST", bad).status_code == 403
    assert answers == []


def test_who_comes_second_is_told_that_somebody_else_is_on_record(client, answers):
    client("POST", token())
    said = client("POST", token(Acknowledgement("al-0123456789ab", "another")))
    assert "has already acknowledged alert" in said.text
    assert "&lt;desk&gt;" not in said.text, "readers do not learn of one another"
    assert "is acknowledged for &lt;desk&gt;" in client("POST", token()).text, "who comes again is on record"


def test_what_the_ledger_refuses_is_said(client, answers):
    refused = client("POST", token(Acknowledgement("al-unknown", "x")))
    assert (refused.status_code, answers) == (403, [])
    assert "al-unknown" in refused.text
