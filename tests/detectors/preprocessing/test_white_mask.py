"""Clouds, snow and shadows told by colour and extent, where there is no scene classification."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from detectors.acquisition import Acquisition
from detectors.preprocessing.masks import MaskParameters, clear_mask, clear_of, white_mask

SHAPE = (80, 90)
RGB = ("red", "green", "blue")
FIELDS, FOREST, DESERT = (0.11, 0.09, 0.06), (0.025, 0.035, 0.025), (0.39, 0.29, 0.195)
SNOW, CLOUD, ROOF, PALE_SOIL = (0.72, 0.74, 0.75), (0.55, 0.56, 0.58), (0.50, 0.50, 0.50), (0.42, 0.36, 0.27)
AIR = (0.02, 0.04, 0.08)
PATCH = (slice(20, 50), slice(30, 60))


def scene(ground: tuple[float, ...], *, bands: tuple[str, ...] = RGB) -> Acquisition:
    """Ground of one colour with a fifth of texture, and a strip of water."""
    texture = 1 + 0.1 * np.random.default_rng(4).normal(size=SHAPE)
    pixels = np.stack([level * texture for level in ground]).astype(np.float32)
    pixels[:, :4] = 0.02
    return Acquisition("s", "sentinel-2", date(2018, 1, 20), bands, pixels, np.ones(SHAPE, bool))


def painted(some: Acquisition, colour: tuple[float, ...], where: tuple[slice, slice]) -> Acquisition:
    pixels = some.pixels.copy()
    pixels[(slice(None), *where)] = np.array(colour)[:, None, None]
    return replace(some, pixels=pixels)


def under_air(some: Acquisition) -> Acquisition:
    """The same scene at the top of the atmosphere."""
    return replace(some, pixels=(0.92 * some.pixels + np.array(AIR)[:, None, None]).astype(np.float32))


@pytest.mark.parametrize("ground", [FIELDS, FOREST, DESERT])
@pytest.mark.parametrize("seen", [lambda some: some, under_air])
def test_bare_ground_of_any_colour_is_clear(ground, seen):
    assert not white_mask(seen(scene(ground))).any()


@pytest.mark.parametrize("white", [SNOW, CLOUD])
@pytest.mark.parametrize("seen", [lambda some: some, under_air])
def test_snow_and_cloud_are_marked_with_40_m_around_them(white, seen):
    marked = white_mask(seen(painted(scene(FIELDS), white, PATCH)))
    assert marked[16:54, 26:64].all()
    assert not marked[8:14].any()
    assert not marked[8:, 66:].any()


@pytest.mark.parametrize("colour", [ROOF, SNOW])
@pytest.mark.parametrize("side", [2, 8, 14])
def test_a_roof_of_up_to_140_m_stays_however_white(colour, side):
    assert not white_mask(painted(scene(FIELDS), colour, (slice(30, 30 + side), slice(40, 70)))).any()


def test_wide_pale_soil_is_no_snow():
    assert not white_mask(painted(scene(FIELDS), PALE_SOIL, PATCH)).any()


def test_in_a_scene_that_is_white_in_most_parts_the_last_patches_are_snow_and_else_they_may_be_roofs():
    patch = (slice(70, 73), slice(10, 13))
    some = painted(scene(FIELDS), SNOW, patch)
    for row in (0, 21, 41, 62):
        for column in (5, 28, 50, 73):
            some = painted(some, SNOW, (slice(row + 2, row + 4), slice(column, column + 9)))
    assert not white_mask(some).any(), "white roofs all over a town"
    assert white_mask(painted(some, SNOW, (slice(40, 50), slice(40, 50))))[patch].all()
    assert not white_mask(painted(painted(scene(FIELDS), SNOW, PATCH), SNOW, patch))[patch].any()


def test_snow_over_the_whole_scene_leaves_nothing_clear():
    assert white_mask(painted(scene(FIELDS), SNOW, (slice(None), slice(None)))).all()


def test_the_shadow_of_a_cloud_is_marked_and_dark_ground_under_a_clear_sky_is_not():
    shaded = painted(scene(FIELDS), tuple(0.3 * level for level in FIELDS), (slice(55, 70), slice(40, 70)))
    assert white_mask(painted(shaded, CLOUD, PATCH))[57:68, 42:68].all()
    assert not white_mask(shaded).any()


def test_bright_rock_is_told_from_cloud_by_the_short_wave_infrared():
    bands = (*RGB, "nir", "swir16")
    rock = painted(scene((*FIELDS, 0.3, 0.25), bands=bands), (0.42, 0.42, 0.42, 0.45, 0.70), PATCH)
    cloud = painted(scene((*FIELDS, 0.3, 0.25), bands=bands), (0.42, 0.42, 0.42, 0.50, 0.40), PATCH)
    assert not white_mask(rock).any()
    assert white_mask(cloud)[PATCH].all()


def test_wide_ground_at_the_ceiling_of_8_bits_is_not_seen_and_a_roof_there_is():
    ceiling = 0.2
    desert = scene(DESERT)
    cut = replace(desert, pixels=np.minimum(desert.pixels, ceiling), ceiling=ceiling)
    assert white_mask(replace(cut, pixels=np.minimum(cut.pixels + 0.1, ceiling)))[10:].all()
    roof = painted(scene(FIELDS), (ceiling,) * 3, (slice(30, 36), slice(40, 46)))
    assert not white_mask(replace(roof, ceiling=ceiling)).any()
    cloud = painted(scene(FIELDS), (ceiling,) * 3, PATCH)
    assert white_mask(replace(cloud, ceiling=ceiling))[PATCH].all()


@pytest.mark.parametrize("bands", [("red",), ("red", "nir"), ("green", "blue")])
def test_without_all_three_colours_nothing_is_marked(bands):
    assert not white_mask(scene((0.7,) * len(bands), bands=bands)).any()


def test_a_classification_is_believed_and_the_mask_is_not_asked():
    snowed = painted(scene(FIELDS), SNOW, PATCH)
    scl = np.full(SHAPE, 4, np.uint8)
    assert np.array_equal(clear_of(replace(snowed, scl=scl)), clear_mask(snowed.valid, scl))
    assert not clear_of(snowed)[PATCH].any()


def test_unmeasured_ground_is_neither_white_nor_counted():
    valid = np.ones(SHAPE, bool)
    valid[:, 60:] = False
    some = painted(scene(FIELDS), SNOW, PATCH)
    some = replace(some, valid=valid, pixels=np.where(valid, some.pixels, np.nan))
    assert white_mask(some)[20:50, 30:60].all()
    assert not white_mask(replace(some, valid=np.zeros(SHAPE, bool))).any()


def test_a_higher_threshold_marks_no_more():
    snowed = painted(scene(FIELDS), (0.33, 0.34, 0.35), PATCH)
    strict = white_mask(snowed, parameters=MaskParameters(white=0.5))
    assert white_mask(snowed)[PATCH].all()
    assert not strict.any()
