"""The seasonal fit: what was put in comes out, and what was never seen is not made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.baseline.harmonic import (
    Baseline,
    BaselineParameters,
    believe,
    design,
    fit_baseline,
    fit_pixels,
    fit_pixels_plain,
    harmonic_pairs,
    measure_history,
    predict,
    prediction_factor,
)
from detectors.baseline.harmonic_numba import median_network
from detectors.baseline.uncertainty import FLOORS, UNSEEN_SEASON

START = date(2022, 1, 1).toordinal()
QUICK = settings(deadline=None, max_examples=15, derandomize=True)
SIZE = (6, 7)


def dates(acquisitions: int, days_apart: int) -> np.ndarray:
    return START + days_apart * np.arange(acquisitions, dtype=np.int64)


def history(
    days: np.ndarray, coefficients: list[float], *, noise: float, seed: int = 1, outliers: float = 0.0
) -> np.ndarray:
    """Readings (time, 1, y, x) of a wave with noise; a share of them is far off."""
    rng = np.random.default_rng(seed)
    pairs = (len(coefficients) - 1) // 2
    wave = design(days, pairs) @ np.array(coefficients)
    values = wave[:, None, None, None] + rng.normal(0, noise, (len(days), 1, *SIZE))
    wild = rng.random(values.shape) < outliers
    return np.where(wild, values + rng.choice([-0.6, 0.6], values.shape), values).astype(np.float32)


def fitted(values: np.ndarray, days: np.ndarray, **more: Any) -> Baseline:
    return fit_baseline(values, days, names=("vegetation",), **more)


@QUICK
@given(
    seed=st.integers(0, 1000),
    level=st.floats(0.1, 0.9),
    waves=st.lists(st.floats(-0.2, 0.2), min_size=4, max_size=4),
)
def test_a_season_is_recovered_from_noise_and_outliers(seed, level, waves):
    days, truth = dates(110, 7), [level, *waves]
    noise = 0.06
    baseline = fitted(history(days, truth, noise=noise, seed=seed, outliers=0.1), days)
    assert baseline.pairs == 2
    found = baseline.coefficients[0].reshape(5, -1)
    assert np.abs(found.mean(axis=1) - truth).max() < 0.02
    assert np.abs(found - np.array(truth)[:, None]).max() < 0.06
    assert np.median(baseline.spread) == pytest.approx(noise, rel=0.2)


def test_a_year_predicts_itself():
    days, truth = dates(110, 7), [0.5, 0.2, -0.1, 0.05, 0.03]
    baseline = fitted(history(days, truth, noise=0.02), days)
    for day in range(START + 800, START + 1165, 30):
        expected = (design(np.array([day]), 2) @ np.array(truth))[0]
        np.testing.assert_allclose(predict(baseline, day), expected, atol=0.05)


def test_an_outlier_moves_nothing():
    days, truth = dates(60, 13), [0.5, 0.1, 0.1, 0.0, 0.0]
    clean = history(days, truth, noise=0.02)
    struck = clean.copy()
    struck[[5, 17, 40]] += 3.0
    a, b = fitted(clean, days), fitted(struck, days)
    np.testing.assert_allclose(a.coefficients, b.coefficients, atol=0.02)


def test_unseen_pixels_have_no_expectation():
    days = dates(12, 30)
    values = history(days, [0.5], noise=0.02)
    values[:, :, 2, 3] = np.nan
    baseline = fitted(values, days)
    assert np.isnan(baseline.coefficients[:, :, 2, 3]).all()
    assert np.isnan(predict(baseline, START + 400)[:, 2, 3]).all()
    assert baseline.acquisitions[2, 3] == 0
    assert np.isfinite(np.delete(baseline.coefficients.reshape(baseline.terms, -1), 2 * SIZE[1] + 3, axis=1)).all()
    assert (np.delete(baseline.acquisitions.ravel(), 2 * SIZE[1] + 3) == 12).all()


def test_cloud_in_a_pixel_leaves_its_neighbours_alone():
    days = dates(60, 13)
    values = history(days, [0.5, 0.1, 0.1, 0.0, 0.0], noise=0.02)
    gappy = values.copy()
    gappy[::2, :, 1, 1] = np.nan
    a, b = fitted(values, days), fitted(gappy, days)
    elsewhere = np.ones(SIZE, bool)
    elsewhere[1, 1] = False
    np.testing.assert_allclose(a.coefficients[:, :, elsewhere], b.coefficients[:, :, elsewhere], atol=1e-5)
    assert b.acquisitions[1, 1] == 30


@pytest.mark.parametrize(
    ("acquisitions", "days_apart", "pairs"),
    [
        (0, 1, 0),
        (1, 1, 0),
        (9, 40, 0),  # nearly a year, too few
        (10, 40, 1),
        (60, 5, 0),  # enough, in ten months
        (29, 30, 1),  # two years and more, too few for two
        (30, 25, 2),
        (30, 12, 1),  # enough for two, in a year
    ],
)
def test_harmonics_follow_the_length_of_the_history(acquisitions, days_apart, pairs):
    assert harmonic_pairs(dates(acquisitions, days_apart), BaselineParameters()) == pairs


def test_harmonics_ask_for_the_seasons_too():
    summers = np.concatenate([START + 365 * year + 150 + np.arange(0, 90, 4) for year in range(3)])
    assert harmonic_pairs(summers, BaselineParameters()) == 0


def test_a_shorter_history_is_fitted_by_what_it_bears():
    for acquisitions, days_apart, terms in ((5, 20, 1), (20, 25, 3), (60, 13, 5)):
        days = dates(acquisitions, days_apart)
        assert fitted(history(days, [0.5], noise=0.02), days).coefficients.shape == (1, terms, *SIZE)


@pytest.mark.parametrize(("acquisitions", "days_apart"), [(1, 1), (3, 30), (20, 25), (60, 13)])
def test_a_prediction_is_never_surer_than_a_reading(acquisitions, days_apart):
    days = dates(acquisitions, days_apart)
    baseline = fitted(history(days, [0.5], noise=0.05), days)
    factors = [prediction_factor(baseline, START + day) for day in range(0, 1100, 37)]
    assert min(factors) >= 1.0
    assert max(factors) < 5.0


def test_a_longer_history_predicts_better():
    few, many = (
        prediction_factor(fitted(history(dates(n, 7), [0.5], noise=0.05), dates(n, 7)), START + 900) for n in (2, 40)
    )
    assert 1.0 < many < few


def test_a_season_that_was_never_seen_clearly_is_predicted_less_surely():
    """Two years in which every winter was under cloud."""
    days = dates(110, 7)
    values = history(days, [0.5, 0.1, 0.1, 0.0, 0.0], noise=0.02)
    winter = np.isin([date.fromordinal(int(d)).month for d in days], (11, 12, 1, 2))
    values[winter] = np.nan
    baseline = fitted(values, days)
    january, july = (date(2024, month, 5).toordinal() for month in (1, 7))
    assert prediction_factor(baseline, january) > prediction_factor(baseline, july) + 0.02


@QUICK
@given(seed=st.integers(0, 1000), acquisitions=st.integers(1, 80), days_apart=st.integers(1, 20))
def test_spread_never_falls_under_the_floor(seed, acquisitions, days_apart):
    days = dates(acquisitions, days_apart)
    baseline = fitted(history(days, [0.5], noise=0.001, seed=seed), days)
    assert baseline.spread.min() >= FLOORS["vegetation"] * (1 - 1e-6)


def test_a_history_without_seasons_allows_for_them():
    """SCIENCE.md: with under a year of history, fewer terms; what a season does is added to the spread."""
    days = dates(8, 10)
    baseline = fitted(history(days, [0.5], noise=0.001), days)
    assert baseline.pairs == 0
    expected = np.hypot(FLOORS["vegetation"], UNSEEN_SEASON["vegetation"])
    np.testing.assert_allclose(baseline.spread, expected, rtol=1e-4)


def test_one_acquisition_is_a_baseline():
    days = dates(1, 1)
    baseline = fitted(history(days, [0.5], noise=0.02), days)
    np.testing.assert_allclose(predict(baseline, START + 200), baseline.coefficients[:, 0])
    assert (baseline.acquisitions == 1).all()


def test_with_few_acquisitions_a_pixel_is_not_believed_to_be_calmer_than_the_area():
    days = dates(5, 10)
    values = history(days, [0.5], noise=0.2)
    values[:, :, 0, 0] = 0.5
    baseline = fitted(values, days)
    assert baseline.spread[0, 0, 0] > 0.1
    assert baseline.spread[0, 0, 0] == baseline.spread.min()


def test_blocks_of_pixels_leave_no_seam():
    """More pixels than go into one block: the same column of numbers everywhere gives the same fit everywhere."""
    days = dates(12, 31)
    column = history(days, [0.5], noise=0.05)[:, :, :1, :1]
    wide = np.broadcast_to(column, (12, 1, 100, 100)).astype(np.float32)
    baseline = fitted(wide, days)
    assert np.ptp(baseline.coefficients, axis=(2, 3)).max() < 1e-5
    assert np.ptp(baseline.spread) < 1e-5


def test_fitting_leaves_the_history_as_it_was():
    days = dates(30, 10)
    values = history(days, [0.5], noise=0.05, outliers=0.1)
    values[3] = np.nan
    before = values.copy()
    baseline = fitted(values, days)
    assert np.array_equal(values, before, equal_nan=True)
    again = fitted(values, days)
    for name in ("coefficients", "spread", "acquisitions", "information"):
        assert np.array_equal(getattr(baseline, name), getattr(again, name), equal_nan=True)
    assert replace(baseline, pairs=0).terms == 1


# -- the compiled form ----------------------------------------------------------------------------------------------

NAMES = ("vegetation", "texture")


def patchy(seed: int, days: np.ndarray) -> np.ndarray:
    """Two features of a season with outliers and gaps, some pixels hardly ever seen, (time, feature, y, x)."""
    rng = np.random.default_rng(seed)
    wave = 0.5 + 0.1 * np.cos(2 * np.pi * days / 365.25)
    values = wave[:, None, None, None] + rng.normal(0, 0.03, (len(days), 2, 9, 67))
    values[rng.random(values.shape) < 0.05] += 0.6
    values[rng.random(values.shape) < rng.uniform(0.0, 1.0, (9, 67))] = np.nan
    return values.astype(np.float32)


@QUICK
@given(seed=st.integers(0, 999), history=st.sampled_from([(1, 5), (2, 30), (7, 40), (13, 31), (24, 30), (45, 17)]))
def test_the_compiled_fit_agrees_with_the_plain_one(seed, history):
    """To 1e-3 of a spread, and 1e-5 where a few acquisitions are met exactly."""
    days = dates(*history)
    values = patchy(seed, days)
    fit, plain = fit_pixels(values, days), fit_pixels_plain(values, days)
    np.testing.assert_allclose(fit.spread, plain.spread, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(fit.coefficients, plain.coefficients, atol=1e-4)
    assert np.array_equal(fit.acquisitions, plain.acquisitions)


def test_blocks_of_a_history_give_the_bytes_of_the_whole():
    days = dates(24, 30)
    values = patchy(5, days)
    seen = tuple(float(np.isfinite(layer).mean()) for layer in values[:, 0])
    scene = measure_history(seen, fit_pixels(values, days), names=NAMES)
    whole = fit_baseline(values, days, names=NAMES)
    for block in ((slice(0, 4), slice(0, 30)), (slice(4, 9), slice(13, 67))):
        part = believe(fit_pixels(values[:, :, *block], days), scene, days, names=NAMES)
        assert part.coefficients.tobytes() == whole.coefficients[:, :, *block].tobytes()
        assert part.spread.tobytes() == whole.spread[:, *block].tobytes()
        assert np.array_equal(part.information, whole.information)


@pytest.mark.parametrize("count", [*range(1, 20), 32, 61])
def test_the_network_finds_the_middle(count):
    rows = np.random.default_rng(count).integers(0, 9, (count, 200))
    middle = np.sort(rows, axis=0)
    for low, high in median_network(count):
        rows[[low, high]] = np.sort(rows[[low, high]], axis=0)
    for place in (max(0, count // 2 - 1), count // 2):
        assert np.array_equal(rows[place], middle[place])


@pytest.mark.parametrize("acquisitions", [0, 3])
def test_a_fit_without_an_acquisition_or_with_too_few_days_is_refused(acquisitions):
    with pytest.raises(ValueError, match="at least one acquisition and a day for each"):
        fit_pixels(np.zeros((acquisitions, 1, 2, 2), np.float32), dates(2 if acquisitions else 0, 5))
