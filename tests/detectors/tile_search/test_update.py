"""One look taken into the state: the compiled kernel against the plain one, and what both must hold to."""

from datetime import date, timedelta

import numpy as np
import pytest

from detectors.tile_search import update_numba as wide_kernels
from detectors.tile_search.update import (
    BLOCK,
    FLAGGED,
    ZERO,
    WideParameters,
    common_shift,
    day_number,
    day_of,
    season_weights,
    update_plain,
)

P = WideParameters()
FIRST = date(2024, 3, 1)


def stacked(shape, rng):
    """A baseline with pixels of every kind, some without one: int16 (7, y, x)."""
    spread = [(500, 200), (50, 40), (50, 40), (20, 20), (20, 20), (35, 18), (60, 15)]
    static = np.stack([rng.normal(mean, width, shape) for mean, width in spread]).astype(np.int16)
    static[5] = np.maximum(static[5], 0)
    return static


def drawn(shape, rng):
    red = (ZERO + rng.gamma(9, 80, shape)).astype(np.uint16)
    nir = (ZERO + rng.gamma(16, 130, shape)).astype(np.uint16)
    red[rng.random(shape) < 0.05] = 0
    return {"red": red, "nir": nir, "clear": (rng.random(shape) < 0.8).astype(np.uint8)}


def step(static, dynamic, day, ground, *, shifts=None):
    weights = season_weights(day)
    shifts = common_shift(static, weights, **ground, parameters=P) if shifts is None else shifts
    return {"weights": weights, "shifts": shifts, "day": day_number(day), "parameters": P, **ground}


def calm(shape=(4, 6), red=400, nir=3600):
    """Ground just as its baseline foretells."""
    ndvi = 1000 * (nir - red) / (nir + red)
    static = np.zeros((7, *shape), np.int16)
    static[0], static[5], static[6] = round(ndvi), 30, red // 10
    return static, {
        "red": np.full(shape, ZERO + red, np.uint16),
        "nir": np.full(shape, ZERO + nir, np.uint16),
        "clear": np.ones(shape, np.uint8),
    }


def after(static, grounds, *, start=None):
    """The state after looks eight days apart, none of them shifted."""
    dynamic = np.zeros((3, *static.shape[1:]), np.int16) if start is None else start
    none = np.zeros(-(-static.shape[2] // BLOCK), np.float32)
    for n, ground in enumerate(grounds):
        dynamic = update_plain(static, dynamic, **step(static, dynamic, FIRST + timedelta(8 * n), ground, shifts=none))
    return dynamic


@pytest.mark.parametrize("shape", [(512, 700), (3, 5), (20, 1), (1, 1025)])
def test_compiled_and_plain_give_the_same_numbers(shape):
    rng = np.random.default_rng(1)
    static, dynamic = stacked(shape, rng), np.zeros((3, *shape), np.int16)
    for n in range(8):
        how = step(static, dynamic, FIRST + timedelta(n), drawn(shape, rng))
        plain = update_plain(static, dynamic, **how)
        wide_kernels.update(static, dynamic, **how)
        np.testing.assert_array_equal(dynamic, plain)
    assert dynamic.any()


def test_ground_as_foretold_gathers_no_evidence():
    static, ground = calm()
    assert not after(static, [ground] * 6).any()


def test_bare_ground_where_green_was_is_flagged_at_the_third_look_and_keeps_its_first_day():
    static, ground = calm()
    bare = {**ground, "red": np.full_like(ground["red"], ZERO + 2400), "nir": np.full_like(ground["nir"], ZERO + 3000)}
    flags = [int((after(static, [ground] + [bare] * n)[1] >= FLAGGED).sum()) for n in range(5)]
    assert flags == [0, 0, 0, 24, 24]
    assert day_of(int(after(static, [ground] + [bare] * 4)[2, 0, 0])) == FIRST + timedelta(8)


def test_a_flood_is_not_flagged_since_it_does_not_brighten():
    static, ground = calm()
    water = {**ground, "red": np.full_like(ground["red"], ZERO + 200), "nir": np.full_like(ground["nir"], ZERO + 150)}
    assert not (after(static, [water] * 8)[1] >= FLAGGED).any()


def test_ground_that_greens_again_is_let_go():
    static, ground = calm()
    bare = {**ground, "red": np.full_like(ground["red"], ZERO + 2400), "nir": np.full_like(ground["nir"], ZERO + 3000)}
    state = after(static, [bare] * 5 + [ground] * 8)
    assert not state[1:].any()


def test_hidden_unmeasured_and_unknown_pixels_stay_as_they_were():
    static, ground = calm((1, 4))
    start = np.full((3, 1, 4), 7, np.int16)
    ground["clear"][0, 0], ground["red"][0, 1], static[5, 0, 2] = 0, 0, 0
    state = after(static, [ground], start=start)
    assert (state[:, 0, :3] == 7).all()
    assert (state[:, 0, 3] != 7).any()


def test_common_motion_of_a_block_is_taken_off_and_a_change_in_a_corner_is_not():
    static, ground = calm((128, 2 * BLOCK))
    ground["nir"][:, BLOCK:] = ZERO + 2400
    corner = {**ground, "red": ground["red"].copy()}
    corner["red"][:16, :16] = ZERO + 3000
    shifts = common_shift(static, season_weights(FIRST), **corner, parameters=P)
    ndvi = 1000 * (2400 - 400) / (2400 + 400)
    np.testing.assert_allclose(shifts, [0, ndvi - 800], atol=1)


def test_few_clear_pixels_give_no_shift():
    static, ground = calm((64, 64))
    ground["nir"][:] = ZERO + 2400
    ground["clear"][8:] = 0
    assert not common_shift(static, season_weights(FIRST), **ground, parameters=P).any()


def test_days_come_back_and_those_before_the_satellites_are_refused():
    assert day_of(day_number(FIRST)) == FIRST
    with pytest.raises(ValueError, match="2014-06-01"):
        day_number(date(2014, 6, 1))
