"""Which features come of which bands, and what leaves them unmoved."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from detectors.acquisition import OPTICAL, RADAR, Acquisition
from detectors.array_space import InMemory
from detectors.baseline.uncertainty import FLOORS, UNSEEN_SEASON
from detectors.morphology import widen
from detectors.preprocessing.features import (
    Features,
    features_by_strips,
    features_of,
    features_plain,
    halo_px,
    registration_image,
)
from detectors.preprocessing.masks import clear_of, mask_halo_px

SHAPE = (40, 40)
CLEAR = np.ones(SHAPE, bool)
QUICK = settings(deadline=None, max_examples=20, derandomize=True)
RATIOS = ("vegetation", "greenness", "built", "redness")


def acquisition(bands: tuple[str, ...], seed: int = 1, *, gain: float = 1.0, resolution_px: float = 1.0) -> Acquisition:
    """A look of reflectance between 0.05 and 0.45, the same for a band whatever others there are."""
    sensor = RADAR if {"vv", "vh"} & set(bands) else OPTICAL
    drawn = [np.random.default_rng((seed, *map(ord, b))).uniform(0.05, 0.45, SHAPE) for b in bands]
    pixels = gain * np.array(drawn, np.float32).reshape(len(bands), *SHAPE)
    return Acquisition(
        "x", sensor, date(2024, 5, 1), bands, pixels.astype(np.float32), CLEAR, resolution_px=resolution_px
    )


def layer(features: Features, name: str) -> np.ndarray:
    return features.values[features.names.index(name)]


@pytest.mark.parametrize(
    ("bands", "names"),
    [
        (
            ("blue", "green", "red", "nir", "nir08", "swir16", "swir22"),
            {"vegetation", "built", "redness", "brightness", "contrast", "texture"},
        ),
        (("blue", "green", "red"), {"greenness", "redness", "brightness", "contrast", "texture"}),
        (("blue", "red"), {"redness", "brightness", "contrast", "texture"}),
        (("green",), {"brightness", "contrast", "texture"}),
        (("red", "nir"), {"vegetation", "brightness", "contrast", "texture"}),
        (("red", "nir08"), {"vegetation", "brightness", "contrast", "texture"}),
        (("nir", "swir16"), {"built"}),
        (("nir",), set()),
        (("swir22",), set()),
        (("vv",), {"vv"}),
        (("vh",), {"vh"}),
        (("vv", "vh"), {"vv", "vh"}),
    ],
    ids=lambda x: "+".join(x) if isinstance(x, tuple) else "",
)
def test_bands_give_the_features_they_can(bands, names):
    features = features_of(acquisition(bands), CLEAR)
    assert set(features.names) == names
    assert features.values.shape == (len(names), *SHAPE)
    assert features.values.dtype == np.float32
    assert np.isfinite(features.values).all()


def test_every_feature_has_its_floor_and_its_season():
    everything = {
        *features_of(acquisition(("blue", "green", "red", "nir", "swir16")), CLEAR).names,
        "greenness",
        "vv",
        "vh",
    }
    assert everything == set(FLOORS) == set(UNSEEN_SEASON)
    assert min(FLOORS.values()) > 0


@QUICK
@given(seed=st.integers(0, 1000), gain=st.floats(0.3, 3.0))
def test_ratios_do_not_see_the_light(seed, gain):
    bands = ("blue", "green", "red", "nir", "swir16")
    for chosen in (bands, ("blue", "green", "red")):
        here, there = (features_of(acquisition(chosen, seed, gain=g), CLEAR) for g in (1.0, gain))
        for name in set(RATIOS) & set(here.names):
            np.testing.assert_allclose(layer(here, name), layer(there, name), atol=1e-5)
            assert np.abs(layer(here, name)).max() <= 1.0


@QUICK
@given(seed=st.integers(0, 1000), haze=st.floats(0, 0.2))
def test_contrast_and_texture_do_not_see_uniform_haze(seed, haze):
    clean = acquisition(("blue", "green", "red"), seed)
    hazy = Acquisition(clean.scene_id, OPTICAL, clean.day, clean.bands, clean.pixels + np.float32(haze), CLEAR)
    here, there = features_of(clean, CLEAR), features_of(hazy, CLEAR)
    for name in ("contrast", "texture"):
        np.testing.assert_allclose(layer(here, name), layer(there, name), atol=1e-4)
    np.testing.assert_allclose(layer(there, "brightness") - layer(here, "brightness"), haze, atol=1e-5)


def test_vegetation_is_the_ndvi_and_built_the_ndbi():
    full = acquisition(("blue", "green", "red", "nir", "swir16"))
    red, near, short = (full.band(b) for b in ("red", "nir", "swir16"))
    features = features_of(full, CLEAR)
    np.testing.assert_allclose(layer(features, "vegetation"), (near - red) / (near + red), rtol=1e-5)
    np.testing.assert_allclose(layer(features, "built"), (short - near) / (short + near), rtol=1e-5, atol=1e-6)


def test_the_narrow_near_infrared_stands_in_only_where_the_wide_one_lacks():
    both = features_of(acquisition(("red", "nir", "nir08")), CLEAR)
    assert np.array_equal(
        layer(both, "vegetation"), layer(features_of(acquisition(("red", "nir")), CLEAR), "vegetation")
    )
    narrow = features_of(acquisition(("red", "nir08")), CLEAR)
    assert not np.array_equal(layer(narrow, "vegetation"), layer(both, "vegetation"))


def test_masked_pixels_have_no_value_and_give_none_to_their_neighbours():
    clear = np.random.default_rng(3).random(SHAPE) < 0.8
    for bands in (("blue", "green", "red", "nir", "swir16"), ("vv", "vh")):
        clean = acquisition(bands)
        spoilt = Acquisition(
            "x", clean.sensor, clean.day, bands, np.where(clear, clean.pixels, 7.0).astype(np.float32), CLEAR
        )
        here, there = features_of(clean, clear), features_of(spoilt, clear)
        assert np.isnan(here.values[:, ~clear]).all()
        assert np.array_equal(here.values, there.values, equal_nan=True)


def test_backscatter_is_the_logarithm_of_averaged_power():
    power = np.full((1, *SHAPE), 0.1, np.float32)
    power[0, 20, 20] = 1.0
    features = features_of(Acquisition("x", RADAR, date(2024, 5, 1), ("vv",), power, CLEAR), CLEAR)
    assert features.values[0, 0, 0] == pytest.approx(np.log(0.1), abs=1e-5)
    assert features.values[0, 19, 21] == pytest.approx(np.log((8 * 0.1 + 1.0) / 9), abs=1e-5)


def test_twice_the_power_is_one_step_everywhere():
    once, twice = (features_of(acquisition(("vv", "vh"), gain=g), CLEAR).values for g in (1.0, 2.0))
    np.testing.assert_allclose(twice - once, np.log(2), atol=1e-5)


def test_no_power_at_all_is_still_a_number():
    nothing = Acquisition("x", RADAR, date(2024, 5, 1), ("vv",), np.zeros((1, *SHAPE), np.float32), CLEAR)
    assert np.isfinite(features_of(nothing, CLEAR).values).all()


def test_coarse_products_are_measured_in_wider_windows():
    fine, coarse = (features_of(acquisition(("red",), resolution_px=r), CLEAR) for r in (1.0, 3.0))
    assert layer(coarse, "texture").std() < 0.7 * layer(fine, "texture").std()


def test_acquisitions_are_registered_on_what_is_visible():
    full = acquisition(("blue", "green", "red", "nir"))
    np.testing.assert_allclose(registration_image(full), full.pixels[:3].mean(axis=0), atol=1e-6)
    infrared = acquisition(("nir", "swir16"))
    np.testing.assert_allclose(registration_image(infrared), infrared.pixels.mean(axis=0), atol=1e-6)
    assert registration_image(acquisition(("vv", "vh"))) is None


def test_masks_widen_in_all_directions():
    mask = np.zeros((9, 9), bool)
    mask[4, 4] = True
    assert widen(mask, 2)[2:7, 2:7].all()
    assert widen(mask, 2).sum() == 25
    assert np.array_equal(widen(mask, 0), mask)


EVERY_BAND = ("blue", "green", "red", "nir", "nir08", "swir16", "swir22")


@QUICK
@given(seed=st.integers(0, 999), bands=st.sampled_from([EVERY_BAND, ("green", "red"), ("vv", "vh")]))
def test_the_compiled_features_agree_with_the_plain_ones(seed, bands):
    rng = np.random.default_rng(seed)
    made = acquisition(bands, seed, resolution_px=rng.choice([1.0, 2.0]))
    clear = rng.random(SHAPE) < rng.uniform(0.2, 1.0)
    made.pixels[:, ~clear] = rng.choice([np.nan, 7.0])
    compiled, plain = features_of(made, clear), features_plain(made, clear)
    assert compiled.names == plain.names
    np.testing.assert_allclose(compiled.values, plain.values, atol=2e-4 if "texture" in plain.names else 1e-6)


@QUICK
@given(seed=st.integers(0, 999), bands=st.sampled_from([EVERY_BAND, ("vv", "vh")]))
def test_a_block_with_a_halo_gives_the_bytes_of_the_whole(seed, bands):
    """From the classification on: clouds, specks of cloud and snow cross the border of the block."""
    shape, rng = (96, 110), np.random.default_rng(seed)
    sensor = RADAR if "vv" in bands else OPTICAL
    pixels = rng.uniform(0.05, 0.6, (len(bands), *shape)).astype(np.float32)
    rough = ndimage.gaussian_filter(rng.normal(size=shape), rng.uniform(0.8, 3.0))
    scl = np.where(rough > np.quantile(rough, 0.93), 9, 4).astype(np.uint8)
    valid = ndimage.gaussian_filter(rng.normal(size=shape), 4) > -0.1
    whole = Acquisition("x", sensor, date(2024, 5, 1), bands, pixels, valid, scl)
    halo = halo_px(whole) + mask_halo_px()
    block = (slice(40, 60), slice(50, 75))
    wide = tuple(slice(max(0, s.start - halo), min(n, s.stop + halo)) for s, n in zip(block, shape, strict=True))
    inside = tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(block, wide, strict=True))
    part = replace(whole, pixels=pixels[:, *wide], valid=valid[wide], scl=scl[wide])
    of_whole, of_part = (features_of(one, clear_of(one)).values for one in (whole, part))
    assert of_part[:, *inside].tobytes() == of_whole[:, *block].tobytes()


@pytest.mark.parametrize("sensor", [OPTICAL, RADAR])
def test_strips_of_any_size_give_the_features_of_the_whole_byte_for_byte(sensor):
    rng = np.random.default_rng(4)
    bands = ("blue", "green", "red", "nir", "swir16") if sensor == OPTICAL else ("vv", "vh")
    pixels = rng.uniform(0.01, 0.5, (len(bands), 120, 70)).astype(np.float32)
    clear = rng.random((120, 70)) < 0.8
    whole = Acquisition("s", sensor, date(2026, 3, 1), bands, pixels, np.ones((120, 70), bool), resolution_px=2.0)
    expected = features_of(whole, clear)
    for strip_px in (70, 1000, 5000, 20_000):
        space = InMemory()
        space.strip_px = strip_px
        found = features_by_strips(whole, clear, space=space)
        assert found.names == expected.names
        assert found.values.tobytes() == expected.values.tobytes()
