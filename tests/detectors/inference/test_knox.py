"""Knox's test: it holds its level where nothing moved, and finds what was scripted to move."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.inference.knox import DatedPlaces, relocation_test

DISTANCES, LAGS = (10_000.0, 30_000.0), (90, 180)


def scattered(rng: np.random.Generator, size: int, owners: np.ndarray) -> DatedPlaces:
    x, y = rng.uniform(0, 150_000, (2, size))
    return DatedPlaces(x, y, rng.integers(0, 1500, size), owners)


def world(seed: int, *, responses: int = 20, growth: int = 60, moved: int = 0) -> tuple[DatedPlaces, DatedPlaces]:
    """Responses and growth at random; after `moved` of the responses growth follows nearby within two months."""
    rng = np.random.default_rng(seed)
    raids = scattered(rng, responses, np.arange(responses))
    grown = scattered(rng, growth, np.arange(1000, 1000 + growth))
    for n in range(moved):
        grown.x_m[n], grown.y_m[n] = raids.x_m[n] + rng.normal(0, 4000), raids.y_m[n] + rng.normal(0, 4000)
        grown.days[n] = raids.days[n] + rng.integers(5, 60)
    return raids, grown


def p_of(seed: int, **given: int) -> float:
    raids, grown = world(seed, **given)
    found = relocation_test(raids, grown, distances_m=DISTANCES, lags_days=LAGS, permutations=199, seed=seed)
    return found.p


def test_it_holds_its_level_where_nothing_moved():
    rejected = np.mean([p_of(seed) <= 0.05 for seed in range(400)])
    assert 0.03 <= rejected <= 0.07


def test_it_finds_a_scripted_relocation():
    found = [p_of(seed, moved=12) for seed in range(30)]
    assert np.mean([p <= 0.05 for p in found]) >= 0.9


def test_days_that_are_the_same_everywhere_are_no_relocation():
    raids, grown = world(3)
    grown.days[:] = 700
    found = relocation_test(raids, grown, distances_m=DISTANCES, lags_days=LAGS)
    assert found.p == 1.0
    assert all(one.p == 1.0 for one in found.counts)


def test_observed_and_expected_pairs_and_their_names():
    raids = DatedPlaces(np.array([0.0]), np.array([0.0]), np.array([100]), np.array([7]))
    grown = DatedPlaces(
        np.array([5_000.0, 1_000.0, 90_000.0, 0.0]), np.zeros(4), np.array([150, 400, 120, 110]), np.array([1, 2, 3, 7])
    )
    found = relocation_test(raids, grown, distances_m=(10_000.0,), lags_days=(90,))
    (count,) = found.counts
    assert (count.observed, found.pairs) == (1, ((0, 0),)), "growth at the place of the response is not elsewhere"
    assert count.expected == pytest.approx(2 * 3 / 4, abs=0.1)


def test_few_events_see_little_and_many_see_more():
    few = relocation_test(*world(1, responses=2, growth=4), distances_m=(10_000.0,), lags_days=(90,)).counts[0]
    many = relocation_test(*world(1, responses=60, growth=300), distances_m=(10_000.0,), lags_days=(90,)).counts[0]
    assert many.detectable is not None
    assert few.detectable is None or few.detectable > 2 * many.detectable


def test_days_are_permuted_within_blocks_alone():
    raids, grown = world(5)
    blocks = np.arange(len(grown.days))
    assert relocation_test(raids, grown, distances_m=DISTANCES, lags_days=LAGS, blocks=blocks).p == 1.0


def test_nothing_is_tested_without_responses_or_growth():
    raids, grown = world(1)
    nobody = DatedPlaces(*(np.empty(0),) * 2, *(np.empty(0, np.int64),) * 2)
    assert relocation_test(nobody, grown, distances_m=DISTANCES, lags_days=LAGS) is None
    assert relocation_test(raids, nobody, distances_m=DISTANCES, lags_days=LAGS) is None
