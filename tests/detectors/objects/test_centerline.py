"""The middle line of a patch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from detectors.morphology import EIGHT
from detectors.objects.centerline import line_length, thinned

QUICK = settings(deadline=None, max_examples=40, derandomize=True)


def patchwork(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return ndimage.gaussian_filter(rng.normal(size=(30, 34)), rng.uniform(0.7, 2.5)) > 0.05


@QUICK
@given(seed=st.integers(0, 5000))
def test_a_middle_line_lies_within_and_hangs_together_as_its_patch_does(seed):
    mask = patchwork(seed)
    middle = thinned(mask)
    assert not (middle & ~mask).any()
    assert ndimage.label(middle, EIGHT)[1] == ndimage.label(mask, EIGHT)[1]
    assert ndimage.label(~np.pad(middle, 1))[1] == ndimage.label(~np.pad(mask, 1))[1], "holes stay holes"


@QUICK
@given(seed=st.integers(0, 5000))
def test_thinning_again_changes_nothing(seed):
    middle = thinned(patchwork(seed))
    assert np.array_equal(thinned(middle), middle)


@pytest.mark.parametrize("turn", range(4))
def test_length_does_not_depend_on_where_and_how_a_line_lies(turn):
    line = np.zeros((40, 50), bool)
    line[10, 5:30] = line[10:25, 29] = True
    there = np.roll(np.rot90(line, turn), (3, 4), axis=(0, 1))
    assert line_length(there) == pytest.approx(line_length(line), abs=1.5)
    assert line_length(line) == pytest.approx(39, rel=0.1)


@pytest.mark.parametrize("pixels", [1, 2, 3])
def test_a_speck_is_about_as_long_as_it_is(pixels):
    speck = np.zeros((5, 5), bool)
    speck[2, 1 : 1 + pixels] = True
    assert line_length(speck) == pytest.approx(pixels, abs=0.6)
