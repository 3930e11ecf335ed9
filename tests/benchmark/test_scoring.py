"""The programme's figures on simulated truth: what counts as found, as false, and as neither."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from smart_truth import BUILT, LIFE, NONE, OVER, PREPARED, REGION, proposal, true_site, write_truth

from flows.benchmark.annotations import read_region
from flows.benchmark.scoring import median_days, score_region


def score(truth, proposals, **given):
    return score_region(REGION, truth, proposals, **given)


def counts(found):
    return found.true_positives, found.missed, found.false_alarms, found.ignored


def test_what_was_proposed_as_it_is_is_found():
    found = score([true_site(1), true_site(2)], [proposal(1), proposal(2)])
    assert counts(found) == (2, 0, 0, 0)
    assert (found.f1, found.tpr, found.far) == (1.0, 1.0, 0.0)
    assert found.start_errors == (0, 0)
    assert found.end_errors == (27, 27)


def test_misses_and_false_alarms_are_counted_by_their_formulas():
    found = score([true_site(n) for n in range(4)], [proposal(0), proposal(1), proposal(20)])
    assert counts(found) == (2, 2, 1, 0)
    assert found.f1 == pytest.approx(2 / (2 + 0.5 * (1 + 2)))
    assert found.tpr == 0.5
    assert found.far == pytest.approx(1 / 100, rel=1e-3)


def test_nothing_proposed_finds_nothing():
    assert counts(score([true_site(1)], [])) == (0, 1, 0, 0)


@pytest.mark.parametrize(("shift", "is_found"), [(0.0, True), (100.0, True), (150.0, True), (180.0, False)])
def test_overlap_decides(shift, is_found):
    """Of two squares shifted by half, 0.33 of the union is common; by three quarters 0.25 of the true site is."""
    assert score([true_site(1)], [proposal(1, shift=shift)]).true_positives == int(is_found)


def test_a_proposal_long_after_the_works_is_no_find():
    assert counts(score([true_site(1)], [proposal(1, late=400)])) == (0, 1, 1, 0)


def test_one_that_lasts_for_years_is_no_find_of_a_short_one():
    short = true_site(1, life=((date(2020, 5, 30), NONE), (date(2020, 6, 1), PREPARED), (date(2020, 6, 20), OVER)))
    assert counts(score([short], [proposal(1, days=500)])) == (0, 1, 1, 0)


def test_several_proposals_stand_for_one_site_together():
    parts = [proposal(1, part=n, of=8) for n in range(8)]
    found = score([true_site(1)], parts)
    assert counts(found) == (1, 0, 0, 0), "an eighth alone overlaps too little"
    assert len(found.sites[0].found_by) == 8


def test_one_proposal_over_two_sites_finds_both_and_is_no_false_alarm():
    wide = replace(proposal(1), geometry=true_site(1).geometry.union(true_site(2).geometry).envelope)
    wide = replace(wide, observations=(replace(wide.observations[0], geometry=wide.geometry),))
    assert counts(score([true_site(1), true_site(2)], [wide])) == (2, 0, 0, 0)


def test_sites_that_are_none_are_false_alarms_and_those_to_ignore_are_neither():
    truth = [
        true_site(1, "negative"),
        true_site(2, "positive_excluded"),
        true_site(3, "ignore"),
        true_site(4, "negative"),
    ]
    found = score(truth, [proposal(1), proposal(3)])
    assert counts(found) == (0, 0, 1, 1)


def test_small_sites_and_works_from_before_the_region_count_neither_way():
    small = true_site(1, side=90.0)
    before = true_site(2, life=((date(2019, 6, 1), BUILT), (date(2020, 9, 1), BUILT), (date(2021, 3, 1), OVER)))
    open_ = replace(true_site(3), end=None)
    found = score([small, before, open_], [replace(proposal(1), geometry=small.geometry)])
    assert (found.true_positives, found.missed, found.ignored) == (0, 0, 3)


def test_what_waits_for_confirmation_is_not_scored():
    assert counts(score([true_site(1)], [replace(proposal(1), status="system_proposed")])) == (0, 1, 0, 0)


@pytest.mark.parametrize(("late", "error"), [(0, 0), (-60, 0), (-120, -28), (30, 30)])
def test_the_beginning_is_compared_with_the_days_between_which_it_lies(late, error):
    assert score([true_site(1)], [proposal(1, late=late)]).start_errors == (error,)


def test_found_shares_are_told_apart_by_size_and_by_how_well_the_ground_was_seen():
    truth = [true_site(n, side=side) for n, side in enumerate((120.0, 120.0, 200.0, 400.0))]
    proposals = [proposal(n) for n in (0, 2, 3)]
    share = lambda first, _last: 0.7 if first == LIFE[1][0] else 0.1  # noqa: E731
    found = score(truth, proposals, seen_share=share)
    assert [(one.name, one.sites, one.found) for one in found.by_size] == [
        ("up to 20,000 m²", 2, 1),
        ("20,000 to 100,000 m²", 1, 1),
        ("over 100,000 m²", 1, 1),
    ]
    assert [(one.name, one.sites, one.found) for one in found.by_seen] == [("well", 4, 3)]
    assert found.by_size[0].share.low == pytest.approx(0.0126, abs=1e-3)


def test_the_figures_are_the_same_for_truth_that_went_through_files(tmp_path):
    truth = [true_site(1), true_site(2, "negative"), true_site(3), true_site(4, "ignore")]
    proposals = [proposal(1, late=10), proposal(2), proposal(30)]
    region, read = read_region(write_truth(tmp_path / "t", truth), "XX_R001")
    ours, theirs = score(truth, proposals), score_region(region, read, proposals)
    assert counts(ours) == counts(theirs) == (1, 1, 2, 1)
    assert ours.start_errors == theirs.start_errors == (10,)


def test_errors_in_days_are_said_in_words():
    assert median_days([]) == "none to compare"
    assert median_days([3, -2, 40, 5, 4]) == "median +4 days, four of five within 5 days"
