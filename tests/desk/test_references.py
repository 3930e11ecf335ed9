"""The desk names cases by references: on pages, in addresses, and in what leads on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx
import pytest
from id_attacker import IdAttacker, key_of
from loopback import served
from post_office import FIRST, C, P, event, record, site

from flows.desk.backend.wiring import open_desk
from flows.desk.cookies import SESSION_COOKIE
from flows.desk.guard import key_hash
from flows.imagery.archive.store import Archive
from flows.ledger import Ledger, open_ledger
from flows.ledger.ids import alert_id, event_id
from flows.records.reviews import Judgement, Verdict

KEYS = [key_of(FIRST.first_day + timedelta(days=day), day, 5) for day in range(2)]
EVENTS = [event_id("pier-1", key) for key in KEYS]
INCIDENT = f"in-{alert_id(EVENTS[0])[3:]}"
ANY_ID = re.compile(r"\b(?:al|ev|in)-[0-9a-f]{4,}")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A site with two events, one of which a note names by its id."""
    outputs = tmp_path_factory.mktemp("outputs")
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger:
        ledger.record_areas([site("pier-1")])
        record(ledger, 0, "pier-1", event("pier-1", KEYS[0], P))
        record(ledger, 1, "pier-1", event("pier-1", KEYS[0], P, C), event("pier-1", KEYS[1], P))
        words = Judgement(Verdict.UNSURE, by="Ann", note=f"the same as {EVENTS[1]}, see {alert_id(EVENTS[0])}")
        ledger.judge(EVENTS[0], words, at=datetime(2026, 9, 28, tzinfo=UTC))
        for name, role in (("vera", "viewer"), ("rita", "reviewer"), ("adam", "admin")):
            at = datetime(2026, 9, 28, tzinfo=UTC)
            ledger.accounts.add(name, role=role, sees_positions=False, password_hash="!", at=at)
        yield ledger


@pytest.fixture(scope="module")
def url(ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    outputs = tmp_path_factory.mktemp("desk")
    app, _ = open_desk(ledger, Archive(outputs / "archive"), outputs)
    with served(app) as address:
        yield address


def browser(ledger: Ledger, url: str, name: str) -> httpx.Client:
    account, now = ledger.accounts.find(name), datetime.now(UTC)
    assert account is not None
    key = f"{name}-{now.timestamp()}"
    ends_at = now + timedelta(hours=1)
    ledger.accounts.open_session(key_hash(key), "form", account=account.number, at=now, ends_at=ends_at)
    return httpx.Client(base_url=url, cookies={SESSION_COOKIE: key}, timeout=60)


def test_no_page_and_no_address_leads_to_a_pixel(ledger: Ledger, url: str) -> None:
    references = ledger.references()
    attacker = IdAttacker("pier-1", FIRST.first_day, 2, 8)
    case, incident = references.of(EVENTS[0]), references.of(INCIDENT)
    paths = ["/", "/?show=all", f"/?show=all&text={case}", f"/cases/{case}", f"/incidents/{incident}"]
    paths += [f"/packs?event={case}", "/sites", "/precision", f"/language/fr?next={quote(f'/cases/{case}')}"]
    with browser(ledger, url, "vera") as vera, browser(ledger, url, "adam") as adam:
        answers = [vera.get(path) for path in paths] + [adam.get(path) for path in (*paths, "/acts", "/runs")]
    for answer in answers:
        assert answer.status_code in (200, 303), answer.url
        said = repr(dict(answer.headers)).encode() + answer.content
        assert attacker.found_in(said) == set(), answer.url
        assert ANY_ID.search(answer.text) is None, answer.url
    queue = answers[1].text
    assert f'href="/cases/{case}' in queue
    assert f'href="/incidents/{incident}' in queue
    assert f"the same as {references.of(EVENTS[1])}" in answers[3].text, "also where a person wrote an id"
    assert case in answers[2].text, "people search by what they were told"
    assert answers[0].headers["referrer-policy"] == "same-origin"


def test_what_is_done_under_a_reference_is_done_to_its_case(ledger: Ledger, url: str) -> None:
    references = ledger.references()
    case, incident = references.of(EVENTS[1]), references.of(INCIDENT)
    with browser(ledger, url, "rita") as rita:
        given = {"verdict": "confirmed", "form_key": "form"}
        answer = rita.post(f"/cases/{case}/verdicts", data=given)
        assert answer.status_code == 303
        assert ANY_ID.search(answer.headers["location"]) is None
        assert ledger.verdicts(EVENTS[1])[-1].judgement.verdict is Verdict.CONFIRMED
        number = len(ledger.incidents().all[0].alerts)
        taken = rita.post(f"/incidents/{incident}/acknowledgement", data={"form_key": "form", "number": str(number)})
        assert taken.headers["location"] == f"/incidents/{incident}"
        assert ledger.alert(alert_id(EVENTS[0])).acknowledged_by == "rita"
        undone = rita.post("/verdicts/2/undo", data={"form_key": "form"})
        assert undone.headers["location"].startswith(f"/cases/{case}?")


def test_an_id_that_somebody_types_is_understood_and_not_repeated(ledger: Ledger, url: str) -> None:
    with browser(ledger, url, "rita") as rita:
        for path in (f"/cases/{EVENTS[0]}", f"/incidents/{INCIDENT}", f"/?text={EVENTS[0]}&show=all"):
            answer = rita.get(path)
            assert answer.status_code == 200, path
            assert ANY_ID.search(answer.text) is None, path
        assert rita.get("/cases/ref-000000000000").status_code == 404
        assert rita.get("/incidents/ref-000000000000").status_code == 404
