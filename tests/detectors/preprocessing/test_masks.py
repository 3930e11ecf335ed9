"""The cloud mask and the snow mask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from detectors.preprocessing.masks import MaskParameters, clear_mask, dilated, snow_mask

SHAPE = (40, 50)
VALID = np.ones(SHAPE, bool)
VEGETATION, CLOUD, SHADOW, CIRRUS, SNOW, WATER = 4, 9, 3, 10, 11, 6
QUICK = settings(deadline=None, max_examples=25, derandomize=True)


def classes(fill: int = VEGETATION) -> np.ndarray:
    return np.full(SHAPE, fill, np.uint8)


@pytest.mark.parametrize("cover", [2, 4, 5, 6, 7])
def test_a_scene_that_shows_the_ground_is_clear(cover):
    assert clear_mask(VALID, classes(cover)).all()


@pytest.mark.parametrize("cover", [0, 1, 3, 8, 9, 10, 11])
def test_a_scene_that_does_not_is_not(cover):
    assert not clear_mask(VALID, classes(cover)).any()


def test_without_a_classification_every_measured_pixel_is_clear_but_the_rim_beside_what_was_not():
    valid = VALID.copy()
    valid[:, :5] = False
    clear = clear_mask(valid, None)
    assert np.array_equal(clear[:, 6:], valid[:, 6:])
    assert not clear[:, :6].any()
    assert valid[:, 5].all(), "what was given stays as it was"


@pytest.mark.parametrize("cover", [SHADOW, CLOUD, CIRRUS])
def test_cloud_and_shadow_are_widened_by_40_m(cover):
    scl = classes()
    scl[10:20, 10:20] = cover
    dropped = ~clear_mask(VALID, scl)
    assert dropped[10:20, 6:24].all()
    assert not dropped[10:20, :6].any()
    assert not dropped[10:20, 24:].any()
    assert not dropped[6, 6], "a disk, not a square"


def test_snow_is_dropped_but_not_widened():
    scl = classes()
    scl[10:20, 10:20] = SNOW
    assert np.array_equal(~clear_mask(VALID, scl), scl == SNOW)


def test_a_speck_of_cloud_is_a_roof_and_a_larger_one_is_cloud():
    scl = classes()
    scl[5:8, 5:8] = CLOUD
    assert clear_mask(VALID, scl).all()
    scl[8, 8] = CLOUD  # the tenth pixel, by its corner
    assert not clear_mask(VALID, scl)[5:8, 5:8].any()


def test_a_speck_beside_a_cloud_goes_under_its_rim():
    scl = classes()
    scl[10:20, 10:20] = CLOUD
    scl[15, 22] = CLOUD
    assert not clear_mask(VALID, scl)[15, 22]


@QUICK
@given(seed=st.integers(0, 500), spread=st.integers(0, 6))
def test_a_wider_rim_only_takes_away_and_nothing_unmeasured_is_clear(seed, spread):
    rng = np.random.default_rng(seed)
    scl = rng.choice([VEGETATION, CLOUD, SHADOW, SNOW, WATER], SHAPE, p=[0.9, 0.04, 0.02, 0.02, 0.02]).astype(np.uint8)
    valid = rng.random(SHAPE) < 0.9
    narrow = clear_mask(valid, scl, parameters=MaskParameters(spread_px=spread, smallest_cloud_px=3))
    wide = clear_mask(valid, scl, parameters=MaskParameters(spread_px=spread + 1, smallest_cloud_px=3))
    assert not (wide & ~narrow).any()
    assert not (narrow & ~valid).any()


def test_snow_is_known_by_its_colour():
    visible, short = np.full(SHAPE, 0.08, np.float32), np.full(SHAPE, 0.2, np.float32)
    visible[20, 20], short[20, 20] = 0.5, 0.1
    snow = snow_mask(visible, short)
    assert snow[20, 20]
    assert snow[18:23, 20].all(), "widened by two pixels"
    assert snow.sum() == 13


@pytest.mark.parametrize(("visible", "short"), [(0.35, 0.32), (0.05, 0.01), (0.2, 0.3)], ids=["roof", "water", "soil"])
def test_roofs_water_and_soil_are_not_snow(visible, short):
    assert not snow_mask(np.full(SHAPE, visible, np.float32), np.full(SHAPE, short, np.float32)).any()


def test_unmeasured_pixels_are_not_snow():
    nothing = np.full(SHAPE, np.nan, np.float32)
    assert not snow_mask(nothing, nothing).any()


@pytest.mark.parametrize("half_widths", [(0,), (1, 1), (4, 3, 3, 2, 0), (2, 1, 0), (0, 0, 3)])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5])
@pytest.mark.parametrize("shape", [(6, 40), (2, 3), (1, 1)])
def test_a_mask_is_grown_as_scipy_does(half_widths, share, shape):
    mask = np.random.default_rng(3).random(shape) < share
    y, x = np.mgrid[-4:5, -4:5]
    structure = np.abs(x) <= np.array([*half_widths, *[-1] * 9])[np.abs(y)]
    assert np.array_equal(dilated(mask, half_widths), ndimage.binary_dilation(mask, structure=structure))
