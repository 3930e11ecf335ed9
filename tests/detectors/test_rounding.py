"""What is rounded stays where it is when it is rounded again, and near what it was."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.rounding import (
    are_known,
    coded_said,
    coded_z,
    decoded_said,
    decoded_z,
    rounded_coefficients,
    rounded_probability,
    rounded_spread,
)

RNG = np.random.default_rng(5)
LEAST = (0.035, 0.003, 0.18)
VALUES = np.append(RNG.normal(0, 3, 2000), [np.nan, 0.0, -0.0, 1e-9, -1e-9]).astype(np.float32)
FLOORS = np.array(LEAST, np.float32)[:, None]
LAYERS = FLOORS * VALUES
POSITIVE = np.maximum(np.abs(LAYERS), FLOORS)


@pytest.mark.parametrize(
    ("rounded", "values", "most"),
    [
        (lambda v: decoded_z(coded_z(v)), VALUES, 1 / 1024),
        (lambda v: rounded_coefficients(v, LEAST), LAYERS, FLOORS / 2**15),
        (lambda v: rounded_spread(v, LEAST), POSITIVE, FLOORS / 2**14),
        (rounded_probability, np.exp(-np.abs(VALUES) * 9), np.exp(-np.abs(VALUES) * 9) / 2**13),
    ],
    ids=["z", "coefficients", "spread", "probability"],
)
def test_rounding_is_near_and_holds(rounded, values, most):
    once = rounded(values)
    assert (np.isnan(once) == np.isnan(values)).all()
    assert (np.abs(once - values) <= most)[np.isfinite(values)].all()
    assert rounded(once).tobytes() == once.tobytes()


def test_a_spread_never_comes_under_the_least_that_is_believed():
    spread = rounded_spread(POSITIVE, LEAST)
    assert (spread >= FLOORS)[np.isfinite(spread)].all()


def test_zeros_and_gaps_are_one_and_the_same_bytes():
    values = np.array([[-0.0, 0.0, np.nan, -np.nan]], np.float32)
    rounded = rounded_coefficients(values, LEAST[:1]).view(np.uint32)[0]
    assert rounded[0] == rounded[1]
    assert rounded[2] == rounded[3]


def test_what_was_said_is_rounded_coarsely_where_it_is_plainly_nothing():
    said = decoded_said(coded_said(VALUES))
    assert (np.abs(said - VALUES) <= np.where(VALUES < -1, 1 / 16, 1 / 64))[np.isfinite(VALUES)].all()
    assert decoded_said(coded_said(said)).tobytes() == said.tobytes()


def test_large_differences_are_rounded_coarsely():
    z = np.linspace(-500, 500, 4001, dtype=np.float32)
    rounded = decoded_z(coded_z(z))
    assert (np.abs(rounded - z) <= np.where(np.abs(z) < 32, 1 / 1024, 1 / 64)).all()
    assert (np.diff(rounded) > 0).all()
    assert decoded_z(coded_z(rounded)).tobytes() == rounded.tobytes()


def test_differences_beyond_all_ground_are_cut_off_and_gaps_stay():
    codes = coded_z(np.array([1e6, -1e6, np.inf, np.nan], np.float32))
    assert decoded_z(codes)[:3].tolist() == [544 - 1 / 32, 1 / 32 - 544, 544 - 1 / 32]
    assert are_known(codes).tolist() == [True, True, True, False]
