"""The baseline fit and its medians against plain numpy."""

from datetime import date, timedelta

import numpy as np
import pytest

from detectors.tile_search.fit import fit_baseline
from detectors.tile_search.median import MISSING, masked_median, network_of
from detectors.tile_search.update import STATIC_LAYERS, ZERO, WideParameters, season_weights

P = WideParameters()
DAYS = [date(2022, 1, 3) + timedelta(days=12 * n) for n in range(60)]
WEIGHTS = np.stack([season_weights(day) for day in DAYS])
SEASON = np.array([600, 100, -50, 20, 10], np.float32)


def history(pixels, *, noise=20.0, outliers=0.0, clear=0.6, seed=0):
    """Numbers whose NDVI follows `SEASON`: what `fit_baseline` takes, and the NDVI."""
    rng = np.random.default_rng(seed)
    ndvi = (WEIGHTS @ SEASON)[:, None] + rng.normal(0, noise, (len(DAYS), pixels))
    ndvi[rng.random(ndvi.shape) < outliers] = 100
    total = 4000.0
    red = (ZERO + total * (1 - ndvi / 1000) / 2).astype(np.uint16)
    nir = (ZERO + total * (1 + ndvi / 1000) / 2).astype(np.uint16)
    return (red, nir, (rng.random(ndvi.shape) < clear).astype(np.uint8)), ndvi


@pytest.mark.parametrize("count", [1, 2, 3, 7, 16, 44, 61])
def test_median_is_that_of_numpy(count):
    rng = np.random.default_rng(count)
    values = rng.integers(0, 65_000, (count, 1500)).astype(np.uint16)
    values[rng.random(values.shape) < 0.4] = MISSING
    measured = np.where(values == MISSING, np.nan, values)
    some = ~np.isnan(measured).all(axis=0)
    found = masked_median(values)
    np.testing.assert_array_equal(found[some], np.nanmedian(measured[:, some], axis=0).astype(np.float32))
    assert np.isnan(found[~some]).all()


@pytest.mark.parametrize("count", [5, 8, 23])
def test_network_sorts_every_input_of_zeros_and_ones(count):
    tried = ((np.arange(1 << min(count, 12))[:, None] >> np.arange(count)) & 1).astype(np.uint8).T.copy()
    for low, high in network_of(count):
        tried[low], tried[high] = np.minimum(tried[low], tried[high]), np.maximum(tried[low], tried[high])
    assert (np.diff(tried.astype(int), axis=0) >= 0).all()


def test_least_squares_are_those_of_numpy():
    (red, nir, clear), _ = history(300)
    static = fit_baseline(red, nir, clear, weights=WEIGHTS, parameters=P, reweightings=0)
    r, n = (band.astype(float) - ZERO for band in (red, nir))
    ndvi = 1000 * (n - r) / (n + r)
    doubt = np.diag(np.sqrt([1e-3, 0.5, 0.5, 0.5, 0.5]))
    for pixel in range(300):
        seen = clear[:, pixel] > 0
        x, y = np.vstack([WEIGHTS[seen], doubt]), np.concatenate([ndvi[seen, pixel], np.zeros(5)])
        expected = np.linalg.lstsq(x, y, rcond=None)[0]
        np.testing.assert_allclose(static[:5, pixel], expected, atol=0.6)


def test_outliers_do_not_move_the_robust_fit():
    (red, nir, clear), _ = history(400, outliers=0.1, clear=0.8)
    plain, robust = (
        fit_baseline(red, nir, clear, weights=WEIGHTS, parameters=P, reweightings=n)[0].mean() for n in (0, 3)
    )
    assert abs(robust - SEASON[0]) < 3
    assert plain < SEASON[0] - 30


def test_spread_is_that_of_the_noise_and_never_below_the_floor():
    (red, nir, clear), _ = history(2000, noise=60)
    noisy = fit_baseline(red, nir, clear, weights=WEIGHTS, parameters=P)[STATIC_LAYERS.index("sigma")]
    assert 50 < noisy.mean() < 65
    (red, nir, clear), _ = history(50, noise=1)
    assert (fit_baseline(red, nir, clear, weights=WEIGHTS, parameters=P)[5] == 30).all()


def test_red_is_the_median_of_clear_looks():
    (red, nir, clear), _ = history(100)
    expected = np.nanmedian(np.where(clear > 0, red.astype(float), np.nan), axis=0)
    static = fit_baseline(red, nir, clear, weights=WEIGHTS, parameters=P)
    np.testing.assert_allclose(static[6], (expected - ZERO) / 10, atol=0.51)


def test_too_few_looks_give_no_baseline():
    (red, nir, clear), _ = history(10)
    clear[:] = 0
    clear[: P.least_looks - 1, :5] = 1
    clear[: P.least_looks, 5:] = 1
    static = fit_baseline(red, nir, clear, weights=WEIGHTS, parameters=P)
    assert not static[:, :5].any()
    assert (static[5, 5:] > 0).all()


def test_a_pixel_does_not_depend_on_its_neighbours():
    (red, nir, clear), _ = history(700, outliers=0.05)
    whole = fit_baseline(red, nir, clear, weights=WEIGHTS, parameters=P)
    part = [np.ascontiguousarray(a[:, 311:340]) for a in (red, nir, clear)]
    np.testing.assert_array_equal(fit_baseline(*part, weights=WEIGHTS, parameters=P), whole[:, 311:340])
