"""Claims against amounts: which answer follows from which counts, and by which rule."""

from datetime import date

import pytest

from detectors.claims.claim_rules import (
    Amount,
    ClaimAnswer,
    ClaimRule,
    WatchedSince,
    WorkBeginning,
    judge_demolition,
    judge_unmeasurable,
    judge_works_stopped,
    tally_structures,
)
from detectors.claims.structure_states import StructureReading, StructureState, Unseen

CLAIM, TODAY = date(2026, 6, 1), date(2026, 9, 6)
SEEN = WatchedSince(weeks=13, weeks_seen=10, last_clear_look=date(2026, 8, 30))


def readings(**counts: int) -> list[StructureReading]:
    names = {"gone": StructureState.GONE, "changed": StructureState.CHANGED, "standing": StructureState.STANDING}
    return [StructureReading(names.get(k, StructureState.NOT_SEEN)) for k, n in counts.items() for _ in range(n)]


@pytest.mark.parametrize(
    ("counts", "claimed", "answer", "rule"),
    [
        ({"gone": 10, "standing": 5}, 10, ClaimAnswer.SUPPORTED, ClaimRule.MOST_GONE),
        ({"gone": 8, "changed": 2, "standing": 5}, 10, ClaimAnswer.SUPPORTED, ClaimRule.MOST_GONE),
        ({"gone": 7, "changed": 3, "standing": 5}, 10, ClaimAnswer.NOT_SEEN, ClaimRule.WITHIN),
        ({"gone": 3, "unseen": 4, "standing": 5}, 10, ClaimAnswer.CONTRADICTED, ClaimRule.AT_MOST_TOO_FEW),
        ({"gone": 3, "unseen": 7, "standing": 5}, 10, ClaimAnswer.NOT_SEEN, ClaimRule.WITHIN),
        ({"gone": 3, "standing": 5}, 10, ClaimAnswer.NOT_SEEN, ClaimRule.FEWER_KNOWN),
        ({}, 10, ClaimAnswer.NOT_SEEN, ClaimRule.NO_STRUCTURES),
        ({"gone": 1, "standing": 9}, None, ClaimAnswer.SUPPORTED, ClaimRule.MOST_GONE),
        ({"standing": 9}, None, ClaimAnswer.CONTRADICTED, ClaimRule.AT_MOST_TOO_FEW),
    ],
)
def test_demolition(counts, claimed, answer, rule):
    found = readings(**counts)
    tally = tally_structures(found, [Amount(90.0, 110.0)] * len(found))
    finding = judge_demolition(found, tally, number=claimed, area_m2=None)
    assert (finding.answer, finding.rule) == (answer, rule)


def test_a_claim_of_ground_is_set_against_ground():
    found = readings(gone=4, changed=1, standing=5)
    tally = tally_structures(found, [Amount(90.0, 110.0)] * 10)
    finding = judge_demolition(found, tally, number=None, area_m2=900.0)
    assert finding.interval == Amount(360.0, 550.0)
    assert finding.answer is ClaimAnswer.CONTRADICTED


def test_of_more_ground_than_is_known_and_of_new_roofs_alone_nothing_is_contradicted():
    found = readings(standing=5)
    tally = tally_structures(found, [Amount(90.0, 110.0)] * 5)
    assert judge_demolition(found, tally, number=None, area_m2=900.0).rule is ClaimRule.FEWER_KNOWN
    finding = judge_demolition(found, tally, number=3, area_m2=None, is_complete=False)
    assert (finding.answer, finding.rule) == (ClaimAnswer.NOT_SEEN, ClaimRule.ONLY_NEW_ROOFS)


def test_a_claim_before_the_first_look_is_not_answered():
    found = [StructureReading(StructureState.NOT_SEEN, reason=Unseen.NO_LOOK_BEFORE)] * 3
    finding = judge_demolition(found, tally_structures(found, [Amount(1, 1)] * 3), number=3, area_m2=None)
    assert finding.rule is ClaimRule.BEFORE_FIRST_LOOK


@pytest.mark.parametrize(
    ("work", "watched", "answer"),
    [
        (None, SEEN, ClaimAnswer.SUPPORTED),
        ((date(2026, 6, 10), True), SEEN, ClaimAnswer.CONTRADICTED),
        ((date(2026, 5, 25), True), SEEN, ClaimAnswer.NOT_SEEN),
        ((date(2026, 6, 10), False), SEEN, ClaimAnswer.NOT_SEEN),
        (None, WatchedSince(6, 6, date(2026, 8, 30)), ClaimAnswer.NOT_SEEN),
        (None, WatchedSince(13, 5, date(2026, 8, 30)), ClaimAnswer.NOT_SEEN),
        (None, WatchedSince(13, 13, date(2026, 7, 1)), ClaimAnswer.NOT_SEEN),
    ],
)
def test_works_stopped(work, watched, answer):
    works = [] if work is None else [WorkBeginning(work[0], date(2026, 6, 14), work[1])]
    assert judge_works_stopped(works, watched, claimed_on=CLAIM, today=TODAY).answer is answer


def test_sealed_and_abandoned_are_not_guessed():
    assert judge_unmeasurable().answer is ClaimAnswer.NOT_MEASURABLE
