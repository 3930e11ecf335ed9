"""The bookkeeping of DIST-ALERT: what a look adds, what it takes away, and what it leaves alone."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.baseline.harmonic import fit_baseline
from detectors.baseline.residual import standardise
from detectors.evidence.accumulate import Cue, Evidence, EvidenceParameters, add_evidence, clear_evidence, no_evidence

SHAPE = (5, 6)
UNKNOWN = np.zeros(SHAPE, bool)
LIMITS = EvidenceParameters()
QUICK = settings(deadline=None, max_examples=40, derandomize=True)
READINGS = st.lists(st.one_of(st.floats(-12, 15), st.just(float("nan"))), min_size=1, max_size=12)


def fed(readings: list[float], *, cue: Cue = Cue.EXPOSURE, familiar: bool = False, start: Evidence | None = None):
    """The evidence after looks that read the same everywhere, ten days apart."""
    evidence = start or no_evidence(SHAPE)
    for n, reading in enumerate(readings):
        metric = np.full((1, *SHAPE), reading, np.float32)
        evidence = add_evidence(evidence, metric, day=1000 + 10 * n, familiar=np.full(SHAPE, familiar), cues=(cue,))
    return evidence


def same(a: Evidence, b: Evidence) -> bool:
    return all(np.array_equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(Evidence))


@QUICK
@given(readings=st.lists(st.floats(-20, 2.499), max_size=12))
def test_without_disturbance_nothing_is_held(readings):
    assert same(fed(readings), no_evidence(SHAPE))


@QUICK
@given(readings=st.lists(st.floats(2.5, 30), min_size=1, max_size=12))
def test_confidence_is_mean_times_count_squared(readings):
    capped = np.minimum(readings, LIMITS.cap)
    evidence = fed(readings)
    np.testing.assert_allclose(evidence.confidence[0], capped.mean() * len(readings) ** 2, rtol=1e-4)
    assert (evidence.acquisitions[0] == len(readings)).all()
    assert (evidence.first[0] == 1000).all()
    assert (evidence.last[0] == 1000 + 10 * (len(readings) - 1)).all()


def test_one_metric_cannot_outweigh_all_others():
    assert fed([1e6]).confidence[0].max() == LIMITS.cap


@QUICK
@given(readings=READINGS)
def test_no_record_contradicts_itself(readings):
    evidence = fed(readings)
    held = evidence.count > 0
    assert (evidence.first[held] >= 1000).all()
    assert (evidence.first <= evidence.last).all()
    assert (evidence.count <= evidence.acquisitions + 1e-6).all()
    assert (evidence.misses <= evidence.acquisitions).all()
    assert (evidence.mean <= LIMITS.cap).all()
    assert (evidence.confidence >= 0).all()
    for f in fields(Evidence):
        assert not getattr(evidence, f.name)[~held].any(), "nothing is held, so nothing is written"


def test_two_clear_acquisitions_without_disturbance_lose_weak_evidence():
    one_miss = fed([6.0, 0.0])
    assert (one_miss.count[0] == 1).all()
    assert (one_miss.misses[0] == 1).all()
    assert same(fed([6.0, 0.0, 0.0]), no_evidence(SHAPE))


def test_a_disturbance_between_keeps_it():
    evidence = fed([6.0, 0.0, 6.0, 0.0])
    assert (evidence.count[0] == 2).all()
    assert (evidence.misses[0] == 1).all()


def test_strong_evidence_outlives_two_misses_until_half_the_acquisitions_disagree():
    strong = [8.0] * 5
    assert (fed([*strong, 0.0, 0.0, 0.0]).count[0] == 5).all()
    assert same(fed([*strong, *[0.0] * 6]), no_evidence(SHAPE))


def test_evidence_that_was_lost_begins_anew():
    evidence = fed([6.0, 0.0, 0.0, 6.0])
    assert (evidence.count[0] == 1).all()
    assert (evidence.first[0] == 1030).all()


@QUICK
@given(readings=READINGS, where=st.integers(0, 12))
def test_an_acquisition_that_says_nothing_changes_nothing(readings, where):
    """Cloud: the days of the other looks are kept apart from their number, so they are fed one by one."""
    cloud = np.full((1, *SHAPE), np.nan, np.float32)
    evidence = fed(readings[:where])
    assert same(add_evidence(evidence, cloud, day=5000, familiar=UNKNOWN, cues=(Cue.EXPOSURE,)), evidence)


@QUICK
@given(readings=st.lists(st.floats(2.5, 10), min_size=1, max_size=8))
def test_a_familiar_reading_counts_less(readings):
    new, familiar = fed(readings), fed(readings, familiar=True)
    np.testing.assert_allclose(familiar.count[0], LIMITS.familiar_weight * new.count[0], rtol=1e-5)
    assert (familiar.confidence[0] < new.confidence[0]).all()


@QUICK
@given(seed=st.integers(0, 1000), acquisitions=st.integers(1, 8))
def test_pixels_do_not_know_of_each_other(seed, acquisitions):
    rng = np.random.default_rng(seed)
    metric = rng.normal(2, 4, (acquisitions, 3, *SHAPE)).astype(np.float32)
    metric[rng.random(metric.shape) < 0.2] = np.nan
    familiar = rng.random((acquisitions, *SHAPE)) < 0.3
    order = rng.permutation(SHAPE[0] * SHAPE[1])
    cues = (Cue.EXPOSURE, Cue.STRUCTURE, Cue.REMOVAL)

    def shuffled(values: np.ndarray) -> np.ndarray:
        return values.reshape(*values.shape[:-2], -1)[..., order].reshape(values.shape)

    plain, mixed = no_evidence(SHAPE), no_evidence(SHAPE)
    for n in range(acquisitions):
        plain = add_evidence(plain, metric[n], day=n + 1, familiar=familiar[n], cues=cues)
        mixed = add_evidence(mixed, shuffled(metric[n]), day=n + 1, familiar=shuffled(familiar[n]), cues=cues)
    for f in fields(Evidence):
        assert np.array_equal(shuffled(getattr(plain, f.name)), getattr(mixed, f.name))


@pytest.mark.parametrize("cue", list(Cue))
def test_each_cue_has_its_own_layer(cue):
    evidence = fed([6.0, 6.0], cue=cue)
    others = [c for c in Cue if c is not cue]
    assert (evidence.count[cue] == 2).all()
    assert not evidence.count[others].any()


def test_clearing_empties_only_where_it_is_told_to():
    evidence, where = fed([6.0, 6.0]), np.zeros(SHAPE, bool)
    where[1, 2] = True
    cleared = clear_evidence(evidence, where)
    for f in fields(Evidence):
        values = getattr(cleared, f.name)
        assert values.dtype == getattr(evidence, f.name).dtype
        assert not values[:, 1, 2].any()
        assert np.array_equal(values[:, ~where], getattr(evidence, f.name)[:, ~where])


def test_what_was_handed_in_is_left_as_it_was():
    evidence = fed([6.0, 3.0])
    copies = {f.name: getattr(evidence, f.name).copy() for f in fields(Evidence)}
    metric = np.full((1, *SHAPE), 7.0, np.float32)
    metric[0, 0, 0] = np.nan
    kept = metric.copy()
    add_evidence(evidence, metric, day=2000, familiar=UNKNOWN, cues=(Cue.EXPOSURE,))
    clear_evidence(evidence, ~UNKNOWN)
    assert np.array_equal(metric, kept, equal_nan=True)
    for name, copy in copies.items():
        assert np.array_equal(getattr(evidence, name), copy)


# -- residuals ------------------------------------------------------------------------------------------------------

BIG = (40, 40)
EVERYWHERE = np.ones(BIG, bool)


def stable_baseline():
    rng = np.random.default_rng(5)
    days = np.arange(60, dtype=np.int64) * 13 + 700000
    values = rng.normal(0.5, 0.05, (60, 1, *BIG)).astype(np.float32)
    return fit_baseline(values, days, names=("vegetation",))


def z_of(observed: np.ndarray, *, stable_mask: np.ndarray = EVERYWHERE, factor: float = 1.0, floors=None) -> np.ndarray:
    baseline = stable_baseline()
    expected = np.full((1, *BIG), 0.5, np.float32)
    return standardise(
        observed.astype(np.float32), expected, baseline, factor=factor, stable_mask=stable_mask, floors=floors
    ).z


def noise(sigma: float, seed: int = 1) -> np.ndarray:
    return 0.5 + np.random.default_rng(seed).normal(0, sigma, (1, *BIG))


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
    assert np.isnan(z_of(np.full((1, *BIG), np.nan))).all()
