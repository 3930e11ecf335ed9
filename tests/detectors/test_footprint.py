"""Sets of pixels in windows: the same as masks of the whole area, and no larger than they must be."""

from __future__ import annotations

from operator import and_, or_, sub

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from detectors.footprint import Footprint, empty, footprint_in, trimmed

SHAPE = (40, 50)
QUICK = settings(deadline=None, max_examples=60, derandomize=True)
SEEDS = st.integers(0, 10_000)


def drawn(seed: int) -> np.ndarray:
    """Blobs in a corner or over the whole area, or nothing."""
    rng = np.random.default_rng(seed)
    mask = ndimage.gaussian_filter(rng.normal(size=SHAPE), 2.0) > rng.choice([0.05, 0.1, 1.0])
    top, left = rng.integers(0, 30, 2)
    mask[:top], mask[:, :left] = False, False
    return np.asarray(mask)


@QUICK
@given(seed=SEEDS)
def test_a_mask_comes_back_and_the_window_is_as_small_as_can_be(seed):
    mask = drawn(seed)
    footprint = footprint_in(mask)
    assert np.array_equal(footprint.frame(), mask)
    assert footprint.pixels == mask.sum()
    assert bool(footprint) == mask.any()
    if footprint:
        assert all(
            side.any() for side in (footprint.mask[0], footprint.mask[-1], footprint.mask[:, 0], footprint.mask[:, -1])
        )


@QUICK
@given(one=SEEDS, other=SEEDS, how=st.sampled_from([and_, or_, sub]))
def test_sets_are_those_of_masks(one, other, how):
    a, b = drawn(one), drawn(other)
    expected = a & ~b if how is sub else how(a, b)
    assert how(footprint_in(a), footprint_in(b)) == footprint_in(expected)


@QUICK
@given(seed=SEEDS, pixels=st.integers(0, 4))
def test_it_grows_as_a_mask_does_and_not_beyond_the_area(seed, pixels):
    mask = drawn(seed)
    grown = ndimage.binary_dilation(mask, structure=np.ones((3, 3)), iterations=pixels) if pixels else mask
    assert footprint_in(mask).widened(pixels) == footprint_in(grown)


@QUICK
@given(seed=SEEDS, top=st.integers(0, 30), left=st.integers(0, 40))
def test_a_window_of_it_is_that_of_the_mask(seed, top, left):
    mask, box = drawn(seed), (slice(top, top + 9), slice(left, left + 9))
    footprint = footprint_in(mask)
    assert np.array_equal(footprint.within(box), mask[box])
    assert trimmed(mask[box], box, SHAPE) == footprint & Footprint(SHAPE, top, left, np.ones((9, 9), bool))


def test_values_are_read_in_raster_order():
    layer = np.arange(2 * SHAPE[0] * SHAPE[1]).reshape(2, *SHAPE)
    mask = drawn(3)
    assert np.array_equal(footprint_in(mask).values(layer), layer[:, mask])


def test_the_empty_set_is_in_all_others():
    nothing, some = empty(SHAPE), footprint_in(drawn(3))
    assert not nothing
    assert nothing | some == some == some - nothing
    assert some & nothing == nothing == nothing - some == nothing.widened(3)
    assert not nothing.overlaps((slice(0, 40), slice(0, 50)))
    assert nothing.values(np.zeros(SHAPE)).size == 0


@pytest.mark.parametrize("shape", [(40, 51), (39, 50)])
def test_areas_of_other_shapes_have_other_sets(shape):
    assert empty(SHAPE) != empty(shape)
