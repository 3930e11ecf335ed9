"""Places of which nothing was told: drawn once a week, answered by people, never changed."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from shapely.geometry import box

from aois.area import Area, AreaKind
from aois.week import Week
from detectors.inference.quiet_sample import SeenClass
from flows.ledger import LedgerError, open_ledger
from flows.records.ids import AreaId
from flows.records.quiet_places import QuietAnswer, QuietKind, QuietPlace

WEEK, NOW = Week(2026, 47), datetime(2026, 11, 23, tzinfo=UTC)
GROUND = box(0, 0, 0.01, 0.01)


def place(key: str = "site-a", week: Week = WEEK) -> QuietPlace:
    return QuietPlace(
        key,
        week,
        AreaId("site-a"),
        QuietKind.SITE,
        SeenClass.WELL,
        0.7,
        12,
        date(2026, 8, 24),
        week.last_day,
        1.2,
        GROUND,
    )


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as held:
        held.record_areas([Area("site-a", AreaKind.SITE, GROUND)])
        yield held


@pytest.fixture
def anna(ledger):
    return ledger.accounts.add("anna", role="reviewer", sees_positions=False, password_hash="h", at=NOW).number


def test_the_first_draw_of_a_week_stays(ledger):
    assert ledger.quiet.record(WEEK, [place(), place("site-b")]) == 2
    assert ledger.quiet.record(WEEK, [place("site-c")]) == 0
    first, second = ledger.quiet.places()
    assert (first.key, second.key, first.geometry.equals(GROUND)) == ("site-a", "site-b", True)
    assert first.years == pytest.approx(91 / 365.25)
    assert ledger.quiet.places(until=WEEK.plus(-1)) == []


def test_answers_are_added_and_noted_in_the_audit_log(ledger, anna):
    ledger.quiet.record(WEEK, [place()])
    (drawn,) = ledger.quiet.places()
    ledger.quiet.answer(drawn.number, QuietAnswer.MISSED, changes=2, note="a long roof", account=anna, at=NOW)
    ledger.quiet.answer(drawn.number, QuietAnswer.NOTHING, account=anna, at=NOW)
    assert [(one.answer, one.changes, one.by) for one in ledger.quiet.reviews()] == [
        (QuietAnswer.MISSED, 2, "anna"),
        (QuietAnswer.NOTHING, 0, "anna"),
    ]
    assert [act.act for act in ledger.accounts.acts(limit=2)] == ["quiet-nothing", "quiet-missed"]


@pytest.mark.parametrize(
    ("number", "answer", "changes", "words"),
    [
        (99, QuietAnswer.NOTHING, 0, "place 99 is in no sample"),
        (1, QuietAnswer.MISSED, 0, "`missed` takes 1 to 50"),
        (1, QuietAnswer.MISSED, 51, "`missed` takes 1 to 50"),
        (1, QuietAnswer.UNSURE, 1, "any other answer none"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_and_nothing_is_lost(ledger, anna, number, answer, changes, words):
    ledger.quiet.record(WEEK, [place()])
    with pytest.raises(LedgerError, match=words):
        ledger.quiet.answer(number, answer, changes=changes, account=anna, at=NOW)
    assert ledger.quiet.reviews() == []
