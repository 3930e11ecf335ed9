"""Residuals in σ: freed of what the whole scene has in common, wider where it scatters, and one figure of radar."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.baseline.harmonic import fit_baseline, predict
from detectors.baseline.residual import (
    CORRELATION,
    SAMPLE_PX,
    SKEW,
    STRATA,
    apply_motion,
    combined_backscatter,
    measure_motion,
    residual_numbers,
    standardise,
    standardise_plain,
)

QUICK = settings(deadline=None, max_examples=40, derandomize=True)
SHAPE = (40, 40)
EVERYWHERE = np.ones(SHAPE, bool)


def stable_baseline():
    rng = np.random.default_rng(5)
    days = np.arange(60, dtype=np.int64) * 13 + 700000
    values = rng.normal(0.5, 0.05, (60, 1, *SHAPE)).astype(np.float32)
    return fit_baseline(values, days, names=("vegetation",))


def z_of(observed: np.ndarray, *, stable_mask: np.ndarray = EVERYWHERE, factor: float = 1.0, floors=None) -> np.ndarray:
    fitted = stable_baseline()
    season = np.zeros_like(fitted.coefficients)
    season[:, 0] = 0.5
    baseline = replace(fitted, coefficients=season)
    given = {"day": 701000, "factor": factor, "stable_mask": stable_mask, "floors": floors}
    z, plain = (form(observed.astype(np.float32), baseline, **given).z for form in (standardise, standardise_plain))
    np.testing.assert_allclose(z, plain, rtol=1e-5, atol=1e-5)
    return z


def noise(sigma: float, seed: int = 1) -> np.ndarray:
    return 0.5 + np.random.default_rng(seed).normal(0, sigma, (1, *SHAPE))


def test_calm_ground_scatters_by_one_sigma():
    assert z_of(noise(0.05)).std() == pytest.approx(1.0, abs=0.15)


@QUICK
@given(offset=st.floats(-0.3, 0.3))
def test_what_the_whole_scene_has_in_common_is_taken_off(offset):
    np.testing.assert_allclose(z_of(noise(0.05) + offset), z_of(noise(0.05)), atol=1e-3)


def test_a_scene_that_scatters_more_than_its_history_is_believed_less():
    wild = z_of(noise(0.25))
    assert np.percentile(np.abs(wild), 90) == pytest.approx(1.645, rel=0.1)
    patchy = noise(0.05)
    patchy[:, :, :8] += 0.4  # a fifth of the area, as harvest takes it
    assert np.abs(z_of(patchy)[:, :, :8]).max() < np.abs((patchy[:, :, :8] - 0.5) / 0.05).max() / 3


def test_a_small_change_is_not_talked_down_by_its_own_size():
    changed = noise(0.05)
    changed[:, 10:15, 10:15] -= 0.5
    z = z_of(changed)
    assert z[:, 10:15, 10:15].max() < -5
    assert np.delete(z.ravel(), np.s_[: 15 * 40]).std() == pytest.approx(1.0, abs=0.15)


def test_ground_of_known_events_does_not_set_the_scale():
    changed = noise(0.05)
    changed[:, :, :20] -= 0.4
    stable_mask = EVERYWHERE.copy()
    stable_mask[:, :20] = False
    assert np.median(z_of(changed, stable_mask=stable_mask)[:, :, :20]) < -5
    assert np.median(z_of(changed)[:, :, :20]) > -3


def seasonal_baseline(amplitude: np.ndarray):
    """A level of 0.5 and a season of one wave a year, of the amplitude given, whose σ is 0.05."""
    rng = np.random.default_rng(7)
    days = np.arange(24, dtype=np.int64) * 25 + 700000
    values = rng.normal(0.5, 0.05, (24, 1, *amplitude.shape)).astype(np.float32)
    fitted = fit_baseline(values, days, names=("vegetation",))
    assert fitted.pairs == 1
    coefficients = np.zeros_like(fitted.coefficients)
    coefficients[0, 0], coefficients[0, 1] = 0.5, amplitude
    return replace(fitted, coefficients=coefficients, spread=np.full_like(fitted.spread, 0.05))


def z_after_seasons(apart: np.ndarray, amplitude: np.ndarray) -> np.ndarray:
    """z of a scene that differs from its expectation by so much."""
    baseline = seasonal_baseline(amplitude)
    observed = (predict(baseline, 701000)[0] + apart)[None].astype(np.float32)
    z, plain = (
        form(observed, baseline, day=701000, factor=1.0, stable_mask=np.ones(apart.shape, bool)).z
        for form in (standardise, standardise_plain)
    )
    np.testing.assert_allclose(z, plain, rtol=1e-4, atol=1e-5)
    return z[0]


def fields_and_forest() -> tuple[np.ndarray, np.ndarray]:
    """Fields on the left, whose season is strong and differs from its history by 0.2; forest on the right."""
    rng = np.random.default_rng(3)
    amplitude = np.tile(np.where(np.arange(80) < 40, 0.3, 0.02), (60, 1)) * rng.uniform(0.8, 1.2, (60, 80))
    return amplitude, rng.normal(0, 1, (60, 80)) * np.where(np.arange(80) < 40, 0.2, 0.05)


def test_ground_with_a_strong_season_is_widened_by_its_own_scatter_and_calm_ground_is_not():
    amplitude, apart = fields_and_forest()
    z = z_after_seasons(apart, amplitude)
    assert z[:, :40].std() == pytest.approx(1.0, abs=0.15)
    assert z[:, 40:].std() == pytest.approx(1.0, abs=0.15)


def test_strata_never_narrow_a_measured_spread():
    amplitude, apart = fields_and_forest()
    z = z_after_seasons(apart / 10, amplitude)
    np.testing.assert_allclose(z, (apart / 10 - np.median(apart / 10)) / 0.05, atol=1e-3)


@pytest.mark.parametrize(("share", "least"), [(0.02, 6.0), (0.05, 4.0), (0.08, 2.5)])
def test_a_change_of_one_kind_of_land_is_not_talked_down_by_its_own_size(share, least):
    """All of it in one stratum, the fifth of the area whose season is strong: it falls by 8 σ."""
    rng = np.random.default_rng(3)
    amplitude = np.tile(np.where(np.arange(100) < 80, 0.03, 0.3), (100, 1)) * rng.uniform(0.8, 1.2, (100, 100))
    apart = rng.normal(0, 0.05, (100, 100))
    changed = np.s_[: round(share * 100 * 100 / 20), 80:]
    apart[changed] -= 0.4
    assert np.median(z_after_seasons(apart, amplitude)[changed]) < -least


@pytest.mark.parametrize("share", [0.1, 0.25])
def test_few_fields_are_widened_too_and_forest_stays_near_one_sigma(share):
    rng = np.random.default_rng(3)
    is_field = np.tile(np.arange(100) < 100 * share, (100, 1))
    amplitude = np.where(is_field, 0.3, 0.02) * rng.uniform(0.8, 1.2, (100, 100))
    z = z_after_seasons(rng.normal(0, 1, (100, 100)) * np.where(is_field, 0.2, 0.05), amplitude)
    assert z[is_field].std() < 0.6 * 0.2 / 0.05  # not 1: where a stratum holds both kinds, it is between them
    assert z[~is_field].std() == pytest.approx(1.0, abs=0.15)


def test_ground_without_a_season_is_one_stratum_beside_fields():
    """Two strata of the same amplitude, 0, and three of fields."""
    rng = np.random.default_rng(3)
    amplitude, apart = fields_and_forest()
    amplitude[:, 40:] = 0.0
    z = z_after_seasons(apart, amplitude)
    assert z[:, :40].std() == pytest.approx(1.0, abs=0.2)
    assert z[:, 40:].std() == pytest.approx(1.0, abs=0.2)
    assert np.isfinite(z_after_seasons(rng.normal(0, 0.0, amplitude.shape), amplitude)).all()


def test_a_small_area_counts_its_strata_in_proportion():
    """From little for 10 × 10 pixels to all of it for 5,000: no cloud over a pixel switches them on."""
    stds = []
    for side in (10, 40, 71):
        rng = np.random.default_rng(9)
        is_field = np.tile(np.arange(side) < side // 2, (side, 1))
        apart = rng.normal(0, 1, (side, side)) * np.where(is_field, 0.2, 0.05)
        z = z_after_seasons(apart, np.where(is_field, 0.3, 0.02) * rng.uniform(0.8, 1.2, (side, side)))
        stds.append(z[~is_field].std())
    assert stds[0] < 0.4 < stds[1] < 0.6 < 0.9 < stds[2] < 1.1


def test_strata_of_a_large_area_are_measured_on_some_of_its_pixels():
    """More than are sampled, so that both forms have to take the same."""
    rng = np.random.default_rng(3)
    shape = (250, 240)
    assert shape[0] * shape[1] > SAMPLE_PX
    z_after_seasons(rng.normal(0, 0.1, shape), rng.uniform(0.02, 0.3, shape))


def test_the_compiled_form_takes_as_many_strata_as_there_are():
    baseline = seasonal_baseline(np.full(SHAPE, 0.1))
    motion = measure_motion(baseline.coefficients[:, 0], baseline, day=701000, factor=1.0, stable_mask=EVERYWHERE)
    pieces = residual_numbers(baseline, motion, day=701000, factor=1.0)[-1]
    assert pieces.shape == (1, 2 * STRATA) == (1, 10)


def test_ground_without_any_season_is_no_strata():
    apart = np.random.default_rng(4).normal(0, 0.15, (60, 80))
    z = z_after_seasons(apart, np.zeros((60, 80)))
    assert np.percentile(np.abs(z), 90) == pytest.approx(1.645, rel=0.02)


def test_a_calm_scene_narrows_a_supposed_spread_down_to_its_floor_and_no_other():
    calm = noise(0.01)
    assert z_of(calm).std() == pytest.approx(0.2, abs=0.04)
    assert z_of(calm, floors={"vegetation": 0.005}).std() == pytest.approx(1.0, abs=0.1)
    assert z_of(calm, floors={"vegetation": 0.02}).std() == pytest.approx(0.5, abs=0.05)
    np.testing.assert_allclose(z_of(noise(0.25), floors={"vegetation": 0.005}), z_of(noise(0.25)), atol=1e-4)


def test_an_uncertain_prediction_makes_a_reading_count_less():
    np.testing.assert_allclose(z_of(noise(0.01), factor=2.0), z_of(noise(0.01)) / 2.0, atol=1e-4)


def test_unseen_pixels_stay_unseen_and_a_scene_of_them_is_no_scene():
    observed = noise(0.05)
    observed[:, 3, 3] = np.nan
    assert np.isnan(z_of(observed)[0, 3, 3])
    assert np.isfinite(np.delete(z_of(observed).ravel(), 3 * 40 + 3)).all()
    assert np.isnan(z_of(np.full((1, *SHAPE), np.nan))).all()


@QUICK
@given(seed=st.integers(0, 999), history=st.sampled_from([(8, 20), (14, 40), (40, 25)]), is_supposed=st.booleans())
def test_the_compiled_form_agrees_with_the_plain_one(seed, history, is_supposed):
    """Whatever the history, and where some features, pixels or all of the stable ground were not seen."""
    rng, names = np.random.default_rng(seed), ("vegetation", "texture")
    acquisitions, step = history
    values = rng.normal(0.3, 0.05, (acquisitions + 1, 2, 48, 41)).astype(np.float32)
    values[rng.random(values.shape) < 0.3] = np.nan
    baseline = fit_baseline(values[:-1], 700000 + step * np.arange(acquisitions), names=names)
    stable_mask = rng.random((48, 41)) < rng.choice([0.0, 0.01, 0.9])
    floors = {"vegetation": 0.02, "texture": 0.01} if is_supposed else None
    given = {"day": 702000, "factor": 1.3, "stable_mask": stable_mask, "floors": floors}
    z, plain = (form(values[-1], baseline, **given).z for form in (standardise, standardise_plain))
    np.testing.assert_allclose(z, plain, rtol=1e-5, atol=1e-5)


def test_a_block_of_a_scene_is_judged_as_in_the_whole():
    rng = np.random.default_rng(7)
    observed, day = rng.normal(0.5, 0.05, (1, *SHAPE)).astype(np.float32), 701000
    baseline, block = stable_baseline(), (slice(5, 21), slice(8, 40))
    motion = measure_motion(observed, baseline, day=day, factor=1.1, stable_mask=EVERYWHERE)
    part = apply_motion(observed[:, *block], baseline.at(block), motion, day=day, factor=1.1)
    whole = standardise(observed, baseline, day=day, factor=1.1, stable_mask=EVERYWHERE)
    assert np.array_equal(part.z, whole.z[:, *block])


# -- both polarisations of radar ------------------------------------------------------------------------------------


@QUICK
@given(vv=st.floats(-10, 10), vh=st.floats(-10, 10))
def test_both_polarisations_add_up_with_their_lean_straightened(vv, vh):
    z = np.stack([np.full(SHAPE, vv), np.full(SHAPE, vh)]).astype(np.float32)
    straight = z - np.float32(SKEW / 6.0) * np.clip(z, -4, 4) ** 2
    both = combined_backscatter(z)
    assert both.shape == SHAPE
    assert both.dtype == np.float32
    np.testing.assert_allclose(both, straight.sum(axis=0) / np.sqrt(2 + 2 * CORRELATION), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(combined_backscatter(z[:1]), straight[0], rtol=1e-5, atol=1e-6)


def test_a_polarisation_that_was_not_seen_leaves_the_sum_unseen():
    z = np.zeros((2, *SHAPE), np.float32)
    z[1, 3, 3] = np.nan
    both = combined_backscatter(z)
    assert np.isnan(both[3, 3])
    assert np.isfinite(both).sum() == both.size - 1


def test_correlated_speckle_of_both_scatters_by_one_sigma():
    z = np.random.default_rng(1).multivariate_normal([0, 0], [[1, CORRELATION], [CORRELATION, 1]], (200, 200))
    assert combined_backscatter(np.moveaxis(z, -1, 0).astype(np.float32)).std() == pytest.approx(1.0, abs=0.03)
