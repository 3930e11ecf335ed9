"""What the review desk keeps: accounts, sessions, who gave which verdict, and what was taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flows.ledger import Judgement, LedgerError, Reason, Verdict, event_id

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
X, Y = (event_id("site-a", key) for key in "xy")
HELD = Judgement(Verdict.CONFIRMED, by="anna")
FELL = Judgement(Verdict.REJECTED, by="ben", reason=Reason.SEASON)


def account(ledger, name="Anna", role="reviewer"):
    return ledger.accounts.add(name, role=role, sees_positions=False, password_hash="$argon2id$", at=NOW)


@pytest.fixture
def found(ledger, given):
    ledger.record_week(given.observation(0), [given.event("x"), given.event("y", alert=False)])
    return ledger


def test_names_that_look_alike_are_one(ledger):
    anna = account(ledger, "  Ánna \uff22erg ")
    assert anna.name == "ánna berg"
    assert ledger.accounts.find("ÁNNA  Berg") == anna
    with pytest.raises(LedgerError, match=r"`ánna berg` is there already"):
        account(ledger, "ánna berg")
    for bad in ("", " ", "a" * 65, "<b>", "a\u202eb"):
        with pytest.raises(LedgerError, match="cannot be used"):
            account(ledger, bad)


def test_a_session_lasts_until_its_end_or_a_change_of_its_account(ledger):
    anna, ben = account(ledger), account(ledger, "Ben")
    for key, who in (("a1", anna), ("a2", anna), ("b", ben)):
        ledger.accounts.open_session(key, f"form-{key}", account=who.number, at=NOW, ends_at=NOW + timedelta(hours=1))
    assert ledger.accounts.session("a1", at=NOW).form_key == "form-a1"
    assert ledger.accounts.session("a1", at=NOW + timedelta(hours=1)) is None
    assert ledger.accounts.session("c", at=NOW) is None
    ledger.accounts.close_session("a2")
    assert ledger.accounts.session("a2", at=NOW) is None
    assert ledger.accounts.change("anna", role="viewer").role == "viewer"
    assert ledger.accounts.session("a1", at=NOW) is None
    assert ledger.accounts.session("b", at=NOW).account == ben
    ledger.accounts.change("ben", closed_at=NOW)
    assert [one.closed_at for one in ledger.accounts.all()] == [None, NOW]
    with pytest.raises(LedgerError, match="`nobody` is not there"):
        ledger.accounts.change("nobody", role="admin")


def test_a_verdict_taken_back_stays_on_record_and_speaks_no_more(found):
    anna, ben = account(found), account(found, "Ben")
    first = found.reviews.judge(X, HELD, account=anna.number, at=NOW)
    second = found.reviews.judge(X, FELL, account=ben.number, at=NOW)
    with pytest.raises(LedgerError, match="not yours"):
        found.reviews.withdraw(second.number, account=anna.number, at=NOW)
    with pytest.raises(LedgerError, match="not yours"):
        found.reviews.withdraw(99, account=anna.number, at=NOW)
    back = found.reviews.withdraw(second.number, account=ben.number, at=NOW + timedelta(minutes=1))
    assert found.reviews.withdraw(second.number, account=ben.number, at=NOW + timedelta(days=1)) == back
    assert found.reviews.opinions(X) == [first, back]
    assert (back.withdrawn_at, back.seen_state) == (NOW + timedelta(minutes=1), "provisional")
    assert [one.judgement for one in found.verdicts(X)] == [HELD]
    assert [one.confirmed for one in found.precision()] == [1]
    again = found.reviews.judge(X, FELL, account=ben.number, at=NOW)
    assert again.number > second.number
    assert [one.act for one in found.accounts.acts(subject=X)] == ["rejected", "undo", "rejected", "confirmed"]


def test_the_same_words_again_are_the_same_verdict(found):
    anna = account(found)
    found.judge(X, HELD, at=NOW)
    assert found.reviews.opinions(X)[0].account is None
    first = found.reviews.judge(X, HELD, account=anna.number, at=NOW)
    assert found.reviews.judge(X, HELD, account=anna.number, at=NOW) == first
    assert [one.account for one in found.reviews.opinions()] == [anna.number]


def test_cases_are_all_events_and_the_generation_tells_when_they_are_others(found, given):
    before = found.reviews.generation()
    assert [(one.event_id, bool(one.alert_id)) for one in found.reviews.cases()] == sorted([(X, True), (Y, False)])
    found.judge(X, HELD, at=NOW)
    assert found.reviews.generation() == before
    found.record_week(given.observation(1), [given.event("x", confidence=0.9), given.event("y", alert=False)])
    assert found.reviews.generation() != before


def test_a_backup_keeps_accounts_and_what_was_taken_back(found, tmp_path):
    anna = account(found)
    said = found.reviews.judge(X, HELD, account=anna.number, at=NOW)
    found.reviews.withdraw(said.number, account=anna.number, at=NOW)
    found.back_up(tmp_path / "backup")
    found.restore(tmp_path / "backup", replace=True)
    assert found.accounts.all() == [anna]
    assert found.reviews.opinions(X)[0].withdrawn_at == NOW
    assert account(found, "Ben").number > anna.number
