"""The sample of quiet ground: seeded, stratified, and an interval that covers what was really missed."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.inference.quiet_sample import QuietUnit, SeenClass, StratumAnswers, draw_sample, missed_of

UNITS = [QuietUnit(f"site-{n}", share) for n, share in enumerate([0.9] * 40 + [0.45] * 10 + [0.1] * 2)]


def test_the_same_seed_draws_the_same_and_another_seed_others():
    first = draw_sample(UNITS, size=10, seed="2026-W47")
    assert first == draw_sample(list(reversed(UNITS)), size=10, seed="2026-W47")
    assert first != draw_sample(UNITS, size=10, seed="2026-W48")


def test_each_stratum_has_its_part_and_says_of_how_many():
    drawn = draw_sample(UNITS, size=10, seed="a")
    by_class = {name: [d for d in drawn if d.unit.seen_class is name] for name in SeenClass}
    assert {name: len(held) for name, held in by_class.items()} == {
        SeenClass.WELL: 4,
        SeenClass.PARTLY: 4,
        SeenClass.HARDLY: 2,
    }
    assert {d.of for d in by_class[SeenClass.WELL]} == {40}
    assert len({d.unit.key for d in drawn}) == 10


def test_fewer_are_drawn_where_there_are_fewer():
    assert len(draw_sample(UNITS[:3], size=10, seed="a")) == 3
    assert draw_sample([], size=10, seed="a") == ()


def test_what_was_looked_at_lately_is_not_drawn_and_counts_all_the_same():
    lately = {d.unit.key for d in draw_sample(UNITS, size=10, seed="a")}
    again = draw_sample(UNITS, size=10, seed="a", but=lately)
    assert not lately & {d.unit.key for d in again}
    assert {d.of for d in again if d.unit.seen_class is SeenClass.WELL} == {40}


def test_a_unit_that_joins_moves_no_other_one():
    before = {d.unit.key for d in draw_sample(UNITS[:40], size=8, seed="a")}
    after = {d.unit.key for d in draw_sample([*UNITS[:40], QuietUnit("new", 0.9)], size=8, seed="a")}
    assert len(before & after) >= 7


def test_each_unit_of_a_stratum_is_as_likely_to_be_drawn():
    counts = dict.fromkeys((u.key for u in UNITS[:40]), 0)
    for seed in range(2000):
        for drawn in draw_sample(UNITS[:40], size=4, seed=str(seed)):
            counts[drawn.unit.key] += 1
    assert np.ptp(list(counts.values())) < 100
    assert np.mean(list(counts.values())) == pytest.approx(200)


def test_nobody_has_looked_is_no_estimate():
    assert missed_of([]) is None
    assert missed_of([StratumAnswers(SeenClass.WELL, 10.0, 0.0, 0, 0, 2, 3)]) is None


def test_a_stratum_that_nobody_answered_is_not_covered():
    found = missed_of(
        [
            StratumAnswers(SeenClass.WELL, 30.0, 5.0, 20, 1, 0, 0),
            StratumAnswers(SeenClass.HARDLY, 10.0, 0.0, 0, 0, 4, 0),
        ]
    )
    assert found is not None
    assert found.covered == pytest.approx(0.75)
    assert set(found.by_class) == {SeenClass.WELL}
    assert found.total.value == pytest.approx(0.2)


def test_the_interval_covers_the_scripted_misses():
    """Sixty sites, a quarter of a year each; what was missed is scripted, ten are drawn, and people answer right."""
    quarter, held, seeds = 0.25, 0, 200
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        units = [QuietUnit(f"s{n}", share) for n, share in enumerate(rng.choice([0.9, 0.45, 0.1], 60))]
        rate = {SeenClass.WELL: 0.4, SeenClass.PARTLY: 1.0, SeenClass.HARDLY: 2.0}
        missed = {u.key: int(rng.poisson(rate[u.seen_class] * quarter)) for u in units}
        drawn = draw_sample(units, size=10, seed=str(seed))
        strata = []
        for name in SeenClass:
            own = [d for d in drawn if d.unit.seen_class is name]
            of = sum(u.seen_class is name for u in units)
            k = sum(missed[d.unit.key] for d in own)
            strata.append(StratumAnswers(name, of * quarter, len(own) * quarter, len(own), k, 0, 0))
        total = missed_of(strata).total
        held += total.low <= sum(missed.values()) / (len(units) * quarter) <= total.high
    assert held >= 0.95 * seeds
