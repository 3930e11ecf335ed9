"""What reviewers say, and the live precision that follows from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from scipy.stats import binomtest

from detectors.records import State
from flows.ledger import Judgement, LedgerError, Reason, Split, Verdict, VerdictRecord, event_id
from flows.ledger.precision import Judged, contradicted_in, precision_of, reliability_of, wilson

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
X, Y, Z = (event_id("site-a", key) for key in "xyz")
HELD = Judgement(Verdict.CONFIRMED, by="Anna")
FELL = Judgement(Verdict.REJECTED, by="Ben", reason=Reason.SEASON, note="the field is ploughed every autumn")
DOUBT = Judgement(Verdict.UNSURE, by="Anna", note="cloud since")


@pytest.fixture
def found(ledger, given):
    """A ledger with three alerts and one event that no alert was issued for."""
    events = [
        given.event("x", confidence=0.95),
        given.event("y", confidence=0.62, change="clearing"),
        given.event("z", confidence=0.65, change="clearing"),
        given.event("quiet", alert=False),
    ]
    ledger.record_week(given.observation(0), events)
    return ledger


def test_verdicts_are_added_and_come_back_in_order(found):
    assert found.judge(X, DOUBT, at=NOW)
    assert found.judge(Y, FELL, at=NOW)
    assert found.judge(X, HELD, at=NOW + timedelta(hours=1))
    assert found.verdicts(X) == [VerdictRecord(X, DOUBT, NOW), VerdictRecord(X, HELD, NOW + timedelta(hours=1))]
    assert [one.event_id for one in found.verdicts()] == [X, Y, X]
    assert found.verdicts(Z) == []


def test_the_same_words_again_add_nothing_but_a_change_of_mind_does(found):
    assert found.judge(X, HELD, at=NOW)
    assert not found.judge(X, HELD, at=NOW + timedelta(minutes=1))
    assert found.judge(X, FELL, at=NOW)
    assert found.judge(X, HELD, at=NOW)
    assert [one.judgement for one in found.verdicts(X)] == [HELD, FELL, HELD]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (Judgement(Verdict.REJECTED, by="Ben"), "needs a reason; give one of cloud, season, water"),
        (Judgement(Verdict.CONFIRMED, by="Ben", reason=Reason.CLOUD), "takes no reason; leave `cloud` out"),
        (Judgement(Verdict.REJECTED, by="Ben", reason=Reason.OTHER, note=" "), "`other` needs a note"),
        (Judgement(Verdict.UNSURE, by=" "), "needs a name"),
    ],
)
def test_a_verdict_that_lacks_what_it_needs_is_refused(found, words, complaint):
    with pytest.raises(LedgerError, match=complaint):
        found.judge(X, words, at=NOW)
    assert found.verdicts() == []


def test_a_verdict_needs_an_event(found):
    with pytest.raises(LedgerError, match=r"event `ev-0` is not in the ledger"):
        found.judge("ev-0", HELD, at=NOW)


def test_no_run_and_no_replay_touches_a_verdict(found, given, url):
    found.judge(X, FELL, at=NOW)
    before = given.dump(url)["verdicts"]
    found.record_week(given.observation(0, chain="late"), [given.event("x", confidence=0.99)])
    found.record_week(given.observation(1), [given.event("x", State.PROVISIONAL, State.CONFIRMED)])
    found.record_week(given.observation(1, chain="late"), [])
    assert given.dump(url)["verdicts"] == before
    assert found.verdicts(X) == [VerdictRecord(X, FELL, NOW)]


def test_an_event_counts_as_its_reviewer_saw_it(found, given):
    found.judge(Y, FELL, at=NOW)
    found.record_week(given.observation(1), [given.event(key, change="demolition") for key in "xyz"])
    kinds = {one.group: (one.rejected, one.waiting) for one in found.precision(by=Split.CHANGE)}
    assert kinds == {"clearing": (1, 0), "demolition": (0, 2)}


def test_a_confidence_counts_as_its_alert_stated_it_whatever_is_known_since(found, given):
    found.record_week(given.observation(1), [given.event(key, confidence=0.85) for key in "xyz"])
    found.record_week(given.observation(0, chain="late"), [given.event(key, confidence=0.75) for key in "xyz"])
    found.judge(Y, FELL, at=NOW)
    found.judge(X, HELD, at=NOW)
    found.judge(Z, DOUBT, at=NOW)
    bands = {one.group: (one.confirmed, one.rejected, one.unsure) for one in found.precision(by=Split.CONFIDENCE)}
    assert bands == {"0.6 to 0.7": (0, 1, 1), "0.9 to 1.0": (1, 0, 0)}
    assert [(one.low, one.high, one.reviewed, one.borne_out) for one in found.reliability()] == [
        (0.6, 0.7, 1, 0),
        (0.9, 1.0, 1, 1),
    ]


def test_an_alert_on_an_event_that_was_known_before_states_what_the_week_of_the_alert_said(ledger, given):
    ledger.record_week(given.observation(0), [given.event("x", confidence=0.3, alert=False)])
    ledger.record_week(given.observation(1), [given.event("x", confidence=0.72)])
    ledger.record_week(given.observation(2), [given.event("x", confidence=0.97)])
    ledger.judge(X, HELD, at=NOW)
    assert [one.low for one in ledger.reliability()] == [0.7]


def test_verdicts_contradict_a_band_when_their_whole_interval_lies_under_it():
    def band(confidence, held, fell):
        verdicts = [Verdict.CONFIRMED] * held + [Verdict.REJECTED] * fell + [Verdict.UNSURE] * 3 + [None] * 4
        (one,) = reliability_of(Judged("a", "clearing", confidence, verdict) for verdict in verdicts)
        return one

    twelve = band(0.93, 12, 2)
    assert (twelve.low, twelve.high, twelve.reviewed, twelve.borne_out) == (0.9, 1.0, 14, 12)
    assert (twelve.least, twelve.most) == wilson(12, 14)
    assert not twelve.is_contradicted
    assert band(0.93, 5, 5).is_contradicted
    assert not band(0.65, 5, 5).is_contradicted, "5 of 10 may well be 0.65"
    assert band(0.65, 1, 9).is_contradicted
    assert not band(0.95, 0, 4).is_contradicted, "four verdicts say too little"
    assert not band(0.3, 0, 20).is_contradicted, "ranks state no number"
    assert contradicted_in([twelve, band(0.8, 1, 9), band(0.65, 1, 9)]) == {0.6, 0.8}


def test_live_precision_is_told_apart_by_area_change_and_confidence(found):
    assert [(one.share, one.waiting) for one in found.precision()] == [(None, 3)]
    found.judge(X, FELL, at=NOW)
    found.judge(X, HELD, at=NOW)
    found.judge(Y, FELL, at=NOW)
    found.judge(Z, DOUBT, at=NOW)
    found.judge(event_id("site-a", "quiet"), HELD, at=NOW)
    (all_of_them,) = found.precision()
    assert (all_of_them.confirmed, all_of_them.rejected, all_of_them.unsure, all_of_them.waiting) == (1, 1, 1, 0)
    assert all_of_them.share == 0.5
    assert [one.group for one in found.precision(by=Split.AREA)] == ["site-a"]
    assert [(one.group, one.share) for one in found.precision(by=Split.CHANGE)] == [
        ("clearing", 0.0),
        ("construction", 1.0),
    ]
    assert [(one.group, one.share) for one in found.precision(by=Split.CONFIDENCE)] == [
        ("0.6 to 0.7", 0.0),
        ("0.9 to 1.0", 1.0),
    ]


@drawn(decided=st.integers(1, 500), data=st.data())
def test_the_interval_is_wilsons(decided, data):
    held = data.draw(st.integers(0, decided))
    low, high = wilson(held, decided)
    assert (low, high) == pytest.approx(binomtest(held, decided).proportion_ci(0.95, method="wilson"), abs=1e-12)
    assert low <= held / decided <= high
    assert high - low > 0


judgements = st.builds(
    Judged, st.sampled_from("ab"), st.sampled_from(["clearing", "fencing"]), st.floats(0, 1), st.sampled_from(Verdict)
)


@drawn(judged=st.lists(judgements, max_size=30), by=st.sampled_from(Split))
def test_every_alert_is_counted_in_one_group(judged, by):
    groups = precision_of(judged, by=by)
    assert sum(one.confirmed + one.rejected + one.unsure + one.waiting for one in groups) == len(judged)
    for one in groups:
        assert (one.share is None) == (one.confirmed + one.rejected == 0)
        if one.share is not None:
            assert 0 <= one.low <= one.share <= one.high <= 1
