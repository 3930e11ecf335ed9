"""Exact intervals: known values, and how often they hold the truth, counted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from detectors.inference.exact_intervals import rate_interval, share_interval, weighted_rate_interval


@pytest.mark.parametrize(("held", "decided"), [(0, 10), (10, 10), (7, 9), (1, 40)])
def test_a_share_is_that_of_clopper_and_pearson(held, decided):
    known = binomtest(held, decided).proportion_ci(0.95, "exact")
    found = share_interval(held, decided)
    assert (found.low, found.high) == pytest.approx((known.low, known.high))


def test_rates_are_those_of_the_tables():
    none = rate_interval(0, 2.0)
    assert (none.value, none.low, none.high) == pytest.approx((0.0, 0.0, 3.6889 / 2), abs=1e-4)
    five = rate_interval(5, 1.0)
    assert (five.low, five.high) == pytest.approx((1.6235, 11.6683), abs=1e-4)


@pytest.mark.parametrize("rates", [(0.2, 0.2, 0.2), (0.05, 0.3, 1.5), (0.0, 0.0, 0.4)])
def test_the_interval_over_strata_holds_the_truth_as_often_as_it_says(rates):
    rng, shares, exposures = np.random.default_rng(4), np.array([0.6, 0.3, 0.1]), np.array([10.0, 6.0, 4.0])
    true, weights = float((shares * rates).sum()), (shares / exposures).tolist()
    counts = rng.poisson(np.array(rates) * exposures, (2000, 3)).tolist()
    held = [weighted_rate_interval(row, weights) for row in counts]
    assert np.mean([one.low <= true <= one.high for one in held]) >= 0.945
