"""Claims at the desk: a page a site, the form for a claim, its audit trail, and what each role may do."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest

from aois.week import Week
from detectors.claims.claim_rules import ClaimAnswer, ClaimRule
from detectors.claims.structure_states import StructureState
from flows.records.claims import AnswerRecord, StructureResult

CLAIM = {"kind": "demolished", "said_on": "2026-09-01", "number": "12", "words": "All <b>razed</b>.", "source": "radio"}


def enter(desk: Any, name: str, **given: str) -> Any:
    with desk.client(name) as client:
        return client.post("/sites/heron/claims", data={**CLAIM, **given, "form_key": desk.form_key_of(name)})


def page(desk: Any, name: str = "vera", path: str = "/sites/heron") -> str:
    with desk.client(name) as client:
        return unescape(client.get(path).text)


def test_a_claim_is_entered_shown_and_on_the_trail(desk: Any) -> None:
    assert enter(desk, "rita").headers["location"] == "/sites/heron"
    text = page(desk)
    assert "12 buildings demolished" in text
    assert "All <b>razed</b>." in text  # unescaped here
    assert "No answer yet." in text
    assert "at the desk" in text
    [claim] = desk.ledger.claims.all("heron")
    assert (claim.entered_by, claim.origin) == ("rita", "desk")
    assert [(a.by, a.act, a.detail) for a in desk.ledger.accounts.acts(subject=claim.claim_id)] == [
        ("rita", "claim", "heron")
    ]
    assert "12 buildings demolished" in page(desk, path="/sites")


def test_an_answer_is_shown_with_each_structure_and_without_positions(desk: Any) -> None:
    enter(desk, "rita")
    [claim] = desk.ledger.claims.all("heron")
    roofs = tuple(StructureResult(f"st-{n}", 300.0, "roofs", state, looks=5) for n, state in enumerate(StructureState))
    answer = AnswerRecord(
        claim_id=claim.claim_id,
        week=Week(2026, 47),
        answer=ClaimAnswer.NOT_SEEN,
        rule=ClaimRule.FEWER_KNOWN,
        known=4,
        gone=1,
        changed=1,
        not_seen=1,
        standing=1,
        structures=roofs,
    )
    desk.ledger.claims.record_answers([answer])
    hidden, text = page(desk), page(desk, "rita")
    assert "Counts, days and structures are shown to reviewers." in hidden
    assert not any(words in hidden for words in ("between 1 and 3", "Phase of works:", "st-0"))
    assert "between 1 and 3 of 4 known structures: roof no longer there" in text
    assert "gone: roof no longer there" in text
    assert "Fewer structures are known than are claimed to be demolished." in text
    assert "Phase of works:" in text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"said_on": "soon"}, "The day is not a date."),
        ({"said_on": "2999-01-01"}, "dated in the future"),
        ({"number": "many"}, "Only “demolished” takes a number"),
        ({"kind": "sealed"}, "Only “demolished” takes a number"),
    ],
)
def test_what_cannot_be_checked_is_asked_for_again_and_nothing_typed_is_lost(desk: Any, given: Any, words: str) -> None:
    answer = enter(desk, "rita", **given)
    assert answer.status_code == 422
    assert words in unescape(answer.text)
    assert "radio" in answer.text
    assert desk.ledger.claims.all() == []


def test_a_claim_is_withdrawn_for_a_reason(desk: Any) -> None:
    enter(desk, "rita")
    [claim] = desk.ledger.claims.all("heron")
    with desk.client("rolf") as client:
        form = {"form_key": desk.form_key_of("rolf")}
        assert client.post(f"/claims/{claim.claim_id}/withdrawal", data=form | {"why": " "}).status_code == 422
        assert client.post(f"/claims/{claim.claim_id}/withdrawal", data=form | {"why": "misread"}).status_code == 303
        assert client.post("/claims/cl-0/withdrawal", data=form | {"why": "misread"}).status_code == 404
    text = page(desk)
    assert "misread" in text
    assert "withdrawn" in text


def test_a_viewer_reads_and_enters_nothing(desk: Any) -> None:
    assert enter(desk, "vera").status_code == 403
    assert "Enter the claim" not in page(desk)
    with desk.client("vera") as client:
        assert client.get("/sites/nowhere").status_code == 404
    with desk.client() as client:
        assert client.get("/sites").headers["location"].startswith("/login")
