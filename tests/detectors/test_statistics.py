"""Local statistics against a loop that anybody can read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.statistics import (
    local_deviation,
    local_mean,
    local_mean_and_deviation,
    local_mean_and_deviation_plain,
    median,
    median_of,
    median_plain,
    middle_and_spread,
    reaching,
    size_quantiles,
    sorted_values,
)

QUICK = settings(deadline=None, max_examples=15, derandomize=True)
SEEDS = st.integers(0, 1000)


def drawn(seed: int, shape: tuple[int, int] = (14, 17)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    image, clear = rng.normal(0.2, 0.05, shape).astype(np.float32), rng.random(shape) < rng.uniform(0.2, 1)
    return np.where(clear, image, np.nan).astype(np.float32), clear


def by_hand(image: np.ndarray, clear: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the clear pixels of each window; beyond the edge the image is mirrored."""
    half = size // 2
    values, shown = (np.pad(a, half, mode="symmetric") for a in (np.where(clear, image, 0.0), clear))
    mean, deviation = np.full(image.shape, np.nan), np.full(image.shape, np.nan)
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            window = (slice(row, row + size), slice(column, column + size))
            inside = values[window][shown[window]]
            if inside.size / size**2 > 0.25:
                mean[row, column], deviation[row, column] = inside.mean(), inside.std()
    return mean, deviation


@QUICK
@given(seed=SEEDS, size=st.sampled_from([3, 5, 9]))
def test_mean_and_deviation_agree_with_a_loop(seed, size):
    image, clear = drawn(seed)
    mean, deviation = by_hand(image, clear, size)
    np.testing.assert_allclose(local_mean(image, clear, size_px=size), mean, atol=1e-5)
    np.testing.assert_allclose(local_deviation(image, clear, size_px=size), deviation, atol=2e-4)


@pytest.mark.parametrize("level", [0.0, 0.1, 0.9, 12.5])
def test_constant_ground_has_no_deviation(level):
    image = np.full((30, 30), level, np.float32)
    clear = np.random.default_rng(1).random(image.shape) < 0.8
    assert not local_deviation(image, clear, size_px=9).any()


@QUICK
@given(seed=SEEDS)
def test_unmeasured_pixels_stay_out(seed):
    image, clear = drawn(seed)
    other = np.where(clear, image, 1e6).astype(np.float32)
    for statistic in (local_mean, local_deviation):
        assert np.array_equal(statistic(image, clear, size_px=5), statistic(other, clear, size_px=5), equal_nan=True)


@QUICK
@given(seed=SEEDS, offset=st.floats(-0.1, 0.1), gain=st.floats(0.5, 4))
def test_deviation_ignores_an_offset_and_follows_a_gain(seed, offset, gain):
    image, clear = drawn(seed)
    changed = (gain * image + offset).astype(np.float32)
    before, after = (local_deviation(i, clear, size_px=5) for i in (image, changed))
    np.testing.assert_allclose(after, gain * before, atol=5e-4)


def test_a_scene_without_a_clear_pixel_says_nothing():
    image, none = np.full((8, 8), np.nan, np.float32), np.zeros((8, 8), bool)
    assert np.isnan(local_mean(image, none, size_px=3)).all()
    assert np.isnan(local_deviation(image, none, size_px=3)).all()


def test_robust_spread_is_that_of_the_bulk():
    values = np.random.default_rng(2).normal(5, 0.3, 4000).astype(np.float32)
    values[:400] = 1e4
    values[400:500] = np.nan
    assert middle_and_spread(values)[1] == pytest.approx(0.3, rel=0.15)


def test_middle_and_spread_of_nothing_are_unknown():
    assert np.isnan(middle_and_spread(np.full(5, np.nan, np.float32))).all()
    assert middle_and_spread(np.full(5, 2.0, np.float32)) == (2.0, 0.0)


@QUICK
@given(seed=SEEDS)
def test_middle_and_spread_are_those_of_numpy(seed):
    image, _ = drawn(seed, (40, 31))
    seen = image[np.isfinite(image)]
    middle = np.median(seen)
    assert middle_and_spread(image) == (middle, np.float32(1.4826) * np.median(np.abs(seen - middle)))


@QUICK
@given(seed=SEEDS, times=st.integers(1, 13))
def test_the_compiled_median_over_time_is_the_plain_one(seed, times):
    stack = np.stack([drawn(seed + n, (30, 41))[0] for n in range(times)])
    stack[:, :3] = np.nan
    np.testing.assert_array_equal(median(stack), median_plain(stack))


@QUICK
@given(seed=SEEDS, size=st.sampled_from([3, 9, 25]), wide=st.booleans())
def test_window_statistics_agree_with_the_plain_form(seed, size, wide):
    """Also where an image is smaller than its window, or wider than a strip."""
    image, clear = drawn(seed, (19, 300) if wide else (14, 17))
    image[3, 4], clear[3, 4] = np.nan, True
    for compiled, plain in zip(
        local_mean_and_deviation(image, clear, size_px=size),
        local_mean_and_deviation_plain(image, clear, size_px=size),
        strict=True,
    ):
        np.testing.assert_allclose(compiled, plain, atol=2e-4)


@QUICK
@given(seed=SEEDS, top=st.integers(0, 40), left=st.integers(0, 300))
def test_a_block_with_a_halo_gives_the_bytes_of_the_whole(seed, top, left):
    size, (height, width) = 9, (60, 340)
    image, clear = drawn(seed, (height, width))
    wide = (slice(max(0, top - 4), min(height, top + 24)), slice(max(0, left - 4), min(width, left + 44)))
    inside = (
        slice(top - wide[0].start, top - wide[0].start + 20),
        slice(left - wide[1].start, left - wide[1].start + 40),
    )
    whole = local_mean_and_deviation(image, clear, size_px=size)
    block = local_mean_and_deviation(image[wide], clear[wide], size_px=size)
    for w, b in zip(whole, block, strict=True):
        assert b[inside].tobytes() == w[top : top + 20, left : left + 40].tobytes()


@QUICK
@given(seed=SEEDS, count=st.integers(1, 60))
def test_ranks_are_those_of_numpy(seed, count):
    rng = np.random.default_rng(seed)
    values = rng.choice([rng.normal(0, 1e3, count), rng.normal(0, 1e-3, count), np.round(rng.normal(0, 2, count))])
    values = values.astype(np.float32)
    values[rng.random(count) < 0.2] = rng.choice([np.nan, np.inf])
    where = rng.random(count) < 0.7
    known = values[where & np.isfinite(values)]
    middle, sizes = median_of(values, where), size_quantiles(values, where, (0.5, 0.9))
    if not known.size:
        assert middle is None
        assert sizes is None
        return
    assert middle == float(np.median(known))
    np.testing.assert_allclose(sizes, np.percentile(np.abs(known), (50, 90)), rtol=1e-6)


@QUICK
@given(seed=SEEDS, count=st.integers(0, 400))
def test_values_are_sorted_and_counted_as_numpy_does(seed, count):
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(0, 3, count), rng.integers(0, 4)).astype(np.float32)
    values[rng.random(count) < 0.1] = np.nan
    where = rng.random(count) < 0.8
    ordered = np.sort(values[where & np.isfinite(values)])
    assert np.array_equal(sorted_values(values, where), ordered)
    asked = np.append(rng.permutation(values), np.array([-1e9, 1e9, 0.0, -0.0], np.float32))
    expected = ordered.size - np.searchsorted(ordered, np.nan_to_num(asked, nan=-1e30), side="left")
    assert np.array_equal(reaching(asked, ordered), expected)
