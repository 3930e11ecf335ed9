"""Shifts put in by hand are found and undone; where nothing can be told, nothing is moved."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from detectors.preprocessing.registration import UNKNOWN, Shift, apply_shift, measure_shift

SIDE = 64
FINE = 8  # a landscape is drawn at an eighth of a pixel, so that a shift of eighths is exact
QUICK = settings(deadline=None, max_examples=20, derandomize=True)
EIGHTHS = st.integers(-16, 16).map(lambda n: n / FINE)
SEEDS = st.integers(0, 9)
CLEAR = np.ones((SIDE, SIDE), bool)


@lru_cache
def landscape(seed: int) -> np.ndarray:
    """Fields and grain, drawn finely and blurred by half a pixel as an instrument would; reflectance."""
    rng = np.random.default_rng(seed)
    side = (SIDE + 12) * FINE
    corners, values = rng.uniform(0, side, (120, 2)), rng.uniform(0, 0.2, 120)
    rows, columns = np.mgrid[:side:4, :side:4]
    near = ((rows[..., None] - corners[:, 0]) ** 2 + (columns[..., None] - corners[:, 1]) ** 2).argmin(-1)
    grain = ndimage.gaussian_filter(rng.normal(size=(side, side)), FINE) * 0.5
    return ndimage.gaussian_filter(np.kron(values[near], np.ones((4, 4))) + grain, FINE / 2).astype(np.float32)


def seen_from(fine: np.ndarray, dy: float, dx: float, *, noise: int) -> np.ndarray:
    """The landscape moved south by `dy` and east by `dx`, in pixels, with the noise of the instrument."""
    top, left = round((6 - dy) * FINE), round((6 - dx) * FINE)
    part = fine[top : top + SIDE * FINE, left : left + SIDE * FINE]
    image = part.reshape(SIDE, FINE, SIDE, FINE).mean((1, 3))
    return (image + np.random.default_rng(noise).normal(0, 0.002, image.shape)).astype(np.float32)


def cloud(share: float, seed: int) -> np.ndarray:
    field = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(SIDE, SIDE)), 8, mode="wrap")
    return field > np.quantile(field, 1 - share)


def error_of(found: Shift, dy: float, dx: float) -> float:
    return max(abs(found.dy - dy), abs(found.dx - dx))


@QUICK
@given(seed=SEEDS, dy=EIGHTHS, dx=EIGHTHS)
def test_a_shift_is_found_to_a_tenth_of_a_pixel(seed, dy, dx):
    fine = landscape(seed)
    found = measure_shift(seen_from(fine, 0, 0, noise=1), seen_from(fine, dy, dx, noise=2), clear=CLEAR)
    assert found.is_known
    assert error_of(found, dy, dx) <= 0.1


@QUICK
@given(seed=SEEDS, dy=EIGHTHS, dx=EIGHTHS)
def test_a_shift_is_found_under_cloud_to_a_fifth_of_a_pixel(seed, dy, dx):
    fine, covered = landscape(seed), cloud(0.4, seed)
    image = np.where(covered, 0.6, seen_from(fine, dy, dx, noise=2)).astype(np.float32)
    found = measure_shift(seen_from(fine, 0, 0, noise=1), image, clear=~covered)
    assert found.is_known
    assert error_of(found, dy, dx) <= 0.2


@QUICK
@given(seed=SEEDS, dy=EIGHTHS, dx=EIGHTHS)
def test_before_and_after_swapped_turns_the_sign(seed, dy, dx):
    fine = landscape(seed)
    a, b = seen_from(fine, 0, 0, noise=1), seen_from(fine, dy, dx, noise=2)
    there, back = measure_shift(a, b, clear=CLEAR), measure_shift(b, a, clear=CLEAR)
    assert (there.dy + back.dy, there.dx + back.dx) == pytest.approx((0, 0), abs=0.051)


def test_an_image_does_not_lie_beside_itself():
    image = seen_from(landscape(3), 0, 0, noise=1)
    found = measure_shift(image, image, clear=CLEAR)
    assert (found.dy, found.dx, found.is_known) == (0.0, 0.0, True)


@pytest.mark.parametrize("gain", [0.5, 3.0])
def test_brightness_and_contrast_do_not_move_an_image(gain):
    fine = landscape(4)
    a, b = seen_from(fine, 0, 0, noise=1), seen_from(fine, 1, -0.5, noise=2)
    assert error_of(measure_shift(a, gain * b + np.float32(0.1), clear=CLEAR), 1, -0.5) <= 0.1


def test_what_lies_under_a_mask_does_not_matter():
    fine, covered = landscape(5), cloud(0.3, 5)
    a, b = seen_from(fine, 0, 0, noise=1), seen_from(fine, 0.5, 0.5, noise=2)
    readings = [
        measure_shift(a, np.where(covered, under, b).astype(np.float32), clear=~covered) for under in (0, 9, np.nan)
    ]
    assert readings[0] == readings[1] == readings[2]


def test_unmeasured_pixels_count_as_masked():
    fine, covered = landscape(5), cloud(0.3, 5)
    a, b = seen_from(fine, 0, 0, noise=1), seen_from(fine, 0.5, 0.5, noise=2)
    with_gaps = np.where(covered, np.nan, b).astype(np.float32)
    assert measure_shift(a, with_gaps, clear=CLEAR) == measure_shift(a, b, clear=~covered)


@pytest.mark.parametrize(
    "image",
    [np.full((SIDE, SIDE), 0.1, np.float32), np.zeros((SIDE, SIDE), np.float32)],
    ids=["grey", "black"],
)
def test_featureless_ground_tells_no_shift(image):
    found = measure_shift(image, image, clear=CLEAR)
    assert (found.dy, found.dx, found.is_known) == (0.0, 0.0, False)


def test_two_landscapes_with_nothing_in_common_tell_no_shift():
    for seed in range(8):
        a, b = seen_from(landscape(seed), 0, 0, noise=1), seen_from(landscape(seed + 50), 0, 0, noise=2)
        assert not measure_shift(a, b, clear=CLEAR).is_known


@pytest.mark.parametrize("share", [0.75, 1.0])
def test_a_mostly_masked_scene_tells_no_shift(share):
    fine = landscape(6)
    a, b = seen_from(fine, 0, 0, noise=1), seen_from(fine, 1, 1, noise=2)
    assert measure_shift(a, b, clear=~cloud(share, 6)) == UNKNOWN


@pytest.mark.parametrize("distance", [3.0, 4.0])
def test_a_shift_too_large_to_undo_is_told_as_such(distance):
    fine = landscape(7)
    found = measure_shift(seen_from(fine, 0, 0, noise=1), seen_from(fine, distance, 0, noise=2), clear=CLEAR)
    assert found.length > 2.5


@QUICK
@given(seed=SEEDS, dy=EIGHTHS, dx=EIGHTHS)
def test_a_shift_applied_brings_the_image_back(seed, dy, dx):
    fine = landscape(seed)
    still = seen_from(fine, 0, 0, noise=1)
    moved, kept = apply_shift(seen_from(fine, dy, dx, noise=2)[None], CLEAR, Shift(dy, dx, 20.0, is_known=True))
    away = np.abs(seen_from(fine, dy, dx, noise=2) - still)
    inner = (slice(4, -4), slice(4, -4))
    assert kept[inner].all()
    assert np.median(np.abs(moved[0] - still)[inner]) < 0.004
    if np.hypot(dy, dx) > 0.5:
        assert np.mean(np.abs(moved[0] - still)[inner]) < 0.4 * np.mean(away[inner])


def test_no_shift_changes_nothing():
    pixels, valid = seen_from(landscape(8), 0, 0, noise=1)[None], ~cloud(0.3, 8)
    for shift in (UNKNOWN, Shift(0.03, -0.03, 30.0, is_known=True)):
        same, kept = apply_shift(pixels, valid, shift)
        assert np.array_equal(same, pixels)
        assert np.array_equal(kept, valid)


def test_whole_pixels_are_moved_exactly_and_the_rim_is_lost():
    pixels = np.random.default_rng(0).random((2, SIDE, SIDE)).astype(np.float32)
    moved, kept = apply_shift(pixels, CLEAR, Shift(2.0, -1.0, 30.0, is_known=True))
    assert np.allclose(moved[:, :-2, 1:], pixels[:, 2:, :-1], atol=1e-5)
    assert kept[:-2, 1:].all()
    assert not kept[-2:].any()
    assert not kept[:, 0].any()


def test_nothing_is_read_from_unmeasured_pixels():
    valid = ~cloud(0.2, 9)
    image = seen_from(landscape(9), 0, 0, noise=1)
    readings = []
    for under in (0.0, 50.0):
        pixels = np.where(valid, image, np.nan)[None].astype(np.float32)
        moved, kept = apply_shift(pixels, valid, Shift(0.4, 0.3, 30.0, is_known=True))
        assert np.isnan(moved[0][~kept]).all()
        assert np.isfinite(moved[0][kept]).all()
        assert kept.sum() < valid.sum()
        readings.append(np.where(kept, moved[0], under))
    assert np.array_equal(readings[0] == 0.0, readings[1] == 50.0)


def test_a_scene_without_a_measured_pixel_stays_so():
    pixels = np.full((3, SIDE, SIDE), np.nan, np.float32)
    moved, kept = apply_shift(pixels, np.zeros((SIDE, SIDE), bool), Shift(1.0, 1.0, 30.0, is_known=True))
    assert not kept.any()
    assert np.isnan(moved).all()


def test_arguments_are_left_as_they_were():
    image, valid = seen_from(landscape(2), 1, 1, noise=1), ~cloud(0.3, 2)
    reference = seen_from(landscape(2), 0, 0, noise=1)
    copies = image.copy(), reference.copy(), valid.copy()
    apply_shift(image[None], valid, measure_shift(reference, image, clear=valid))
    for now, then in zip((image, reference, valid), copies, strict=True):
        assert np.array_equal(now, then)
