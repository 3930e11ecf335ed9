"""Claims on record: each said once, withdrawn beside it, answered week by week, with what is news."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from shapely.geometry import box

from aois.area import Area, AreaKind, ListedClaim, Response
from aois.week import Week
from detectors.claims.claim_rules import ClaimAnswer, ClaimKind, ClaimRule
from flows.ledger import Ledger, LedgerError, open_ledger
from flows.ledger.claim_rows import changes_of, claim_id_of
from flows.records.claims import AnswerRecord, ClaimOrigin, ClaimRecord, StructureRecord
from flows.records.ids import AreaId

NOW = datetime(2026, 9, 7, 12, tzinfo=UTC)
CLAIM = ClaimRecord(
    claim_id="",
    area_id=AreaId("reef-1"),
    kind=ClaimKind.DEMOLISHED,
    said_on=date(2026, 8, 24),
    number=413,
    words="All buildings were razed.",
    source="an office",
    origin=ClaimOrigin.COMMAND,
    entered_by="Anna",
    entered_at=NOW,
)


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as opened:
        opened.record_areas([Area("reef-1", AreaKind.SITE, box(0, 0, 0.01, 0.01))])
        yield opened


def answer(week: int, said: ClaimAnswer, **more: Any) -> AnswerRecord:
    rule = ClaimRule.WITHIN if said is ClaimAnswer.NOT_SEEN else ClaimRule.AT_MOST_TOO_FEW
    return AnswerRecord(claim_id=claim_id_of(CLAIM), week=Week(2026, week), answer=said, rule=rule, **more)


def test_the_same_claim_is_on_record_once_and_another_number_is_another_claim(ledger):
    assert ledger.claims.add([CLAIM, CLAIM, replace(CLAIM, number=31)]) == 2
    assert ledger.claims.add([replace(CLAIM, entered_by="Ben", origin=ClaimOrigin.DESK)]) == 0
    assert [(c.number, c.entered_by) for c in ledger.claims.all("reef-1")].count((413, "Anna")) == 1
    assert ledger.claims.all("reef-2") == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"said_on": date(2026, 9, 8)}, "dated in the future"),
        ({"number": 0}, "number 0 is under 1"),
        ({"number": None, "area_m2": -1.0}, "is no area"),
        ({"kind": ClaimKind.SEALED}, "takes no number"),
        ({"entered_by": " "}, "needs a name"),
        ({"area_id": "reef-9"}, "is not in the ledger"),
    ],
)
def test_a_claim_that_nobody_could_check_is_refused_and_nothing_is_written(ledger, wrong, words):
    with pytest.raises(LedgerError, match=words):
        ledger.claims.add([CLAIM, replace(CLAIM, **wrong)])
    assert ledger.claims.all() == []


def test_a_withdrawn_claim_stays_on_record_and_is_not_asked_any_more(ledger):
    ledger.claims.add([CLAIM])
    claim_id = claim_id_of(CLAIM)
    with pytest.raises(LedgerError, match="a name and a reason"):
        ledger.claims.withdraw(claim_id, by="Anna", why="", at=NOW)
    ledger.claims.withdraw(claim_id, by="Anna", why="misread", at=NOW)
    assert [c.withdrawn_why for c in ledger.claims.all()] == ["misread"]
    assert ledger.claims.checked(as_of=Week(2026, 37)) == []
    assert len(ledger.claims.checked(as_of=Week(2026, 36))) == 1


def test_claims_of_the_list_come_with_their_response(ledger):
    claim = ListedClaim("demolished", number=12)
    response = Response(date(2026, 8, 24), "intervened", "All razed.", "an office", (claim,))
    area = Area("reef-1", AreaKind.SITE, box(0, 0, 0.01, 0.01), responses=(response,))
    ledger.record_areas([area])
    assert ledger.areas() == [area]
    assert [ledger.claims.take_list([area], at=NOW) for _ in range(2)] == [[], []]
    [found] = ledger.claims.all()
    assert (found.said_on, found.words, found.source) == (response.date, "All razed.", "an office")


def test_a_claim_of_the_list_that_is_dated_in_the_future_waits_for_its_day(ledger):
    claim = ListedClaim("sealed", date=date(2026, 9, 9))
    response = Response(date(2026, 8, 24), "intervened", claims=(claim,))
    area = Area("reef-1", AreaKind.SITE, box(0, 0, 0.01, 0.01), responses=(response,))
    [line] = ledger.claims.take_list([area], at=NOW)
    assert "dated in the future, and is taken when that day has come" in line
    assert ledger.claims.all() == []
    assert ledger.claims.take_list([area], at=NOW.replace(day=9)) == []
    assert len(ledger.claims.all()) == 1


def test_answers_are_kept_by_week_and_the_same_again_adds_nothing(ledger, tmp_path):
    ledger.claims.add([CLAIM])
    first = answer(36, ClaimAnswer.NOT_SEEN, low=3.0, high=500.0, last_look=date(2026, 9, 1))
    ledger.claims.record_answers([first])
    head = ledger.journal_head()
    ledger.claims.record_answers([first])
    assert ledger.journal_head() == head
    again = answer(36, ClaimAnswer.CONTRADICTED, low=3.0, high=50.0)
    ledger.claims.record_answers([again])
    assert ledger.claims.answers(claim_id_of(CLAIM)) == [again]
    assert [c.answer for c in ledger.claims.checked(as_of=Week(2026, 35))] == [None]


def test_the_last_import_of_footprints_counts(ledger):
    def roof(name: str) -> StructureRecord:
        return StructureRecord(name, AreaId("reef-1"), box(0, 0, 0.001, 0.001), 100.0, "roofs.geojson")

    assert ledger.claims.add_structures("reef-1", [roof("st-1")], by="Anna", at=NOW) == 1
    assert ledger.claims.add_structures("reef-1", [roof("st-2"), roof("st-3")], by="Anna", at=NOW) == 2
    assert [s.structure_id for s in ledger.claims.structures("reef-1")] == ["st-2", "st-3"]


def test_a_first_answer_that_says_nothing_is_no_news_and_each_change_is():
    said = [ClaimAnswer.NOT_SEEN, ClaimAnswer.CONTRADICTED, ClaimAnswer.CONTRADICTED, ClaimAnswer.NOT_SEEN]
    changes = changes_of(CLAIM, [answer(30 + n, one) for n, one in enumerate(said)])
    assert [(c.before, c.now.answer, c.number) for c in changes] == [
        (None, ClaimAnswer.CONTRADICTED, 1),
        (ClaimAnswer.CONTRADICTED, ClaimAnswer.NOT_SEEN, 2),
    ]


def test_what_is_done_at_the_desk_is_in_the_audit_log(ledger: Ledger):
    anna = ledger.accounts.add("anna", role="operator", sees_positions=False, password_hash="h", at=NOW)
    ledger.claims.add([CLAIM], account=anna.number)
    ledger.claims.withdraw(claim_id_of(CLAIM), by="anna", why="misread", at=NOW, account=anna.number)
    acts = [entry.act for entry in ledger.accounts.acts()]
    assert {"claim", "claim-withdrawn"} <= set(acts)
