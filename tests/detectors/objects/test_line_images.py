"""Lines in the looks of two instruments: what each of them must show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from detectors.acquisition import OPTICAL, RADAR
from detectors.objects.line_images import (
    LineImage,
    ViewParameters,
    earlier_lines,
    line_images_of,
    lines_of,
    summed_image,
)

SHAPE = (72, 72)
NOWHERE = np.zeros(SHAPE, bool)
QUICK = settings(deadline=None, max_examples=10, derandomize=True)


def stroke(angle: float, length: float = 40.0) -> np.ndarray:
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] - 35.5
    a = np.deg2rad(angle)
    along, across = columns * np.cos(a) + rows * np.sin(a), rows * np.cos(a) - columns * np.sin(a)
    return (np.abs(along) <= length / 2) & (np.abs(across) <= 0.55)


def line_image(
    sensor: str, strength: float, *, seed: int, angle: float = 30.0, old=NOWHERE, since: int = 0
) -> LineImage:
    """Eight looks, five days apart, with a wall in them from one of them on, and their median."""
    rng = np.random.default_rng((seed, sensor == RADAR))
    noise = ndimage.gaussian_filter(rng.normal(size=(8, *SHAPE)), (0, 0.7, 0.7))
    acquisitions = (noise / noise.std()).astype(np.float32)
    acquisitions[since:] += np.float32(strength) * stroke(angle)
    days = tuple(range(100, 140, 5))
    scenes = tuple(f"{sensor}-{day}" for day in days)
    return LineImage(sensor, np.median(acquisitions, axis=0), old, lambda box: acquisitions[:, *box], days, scenes)


def both(optical: LineImage, radar: LineImage) -> tuple[LineImage, ...]:
    return optical, radar, summed_image((optical, radar))


@QUICK
@given(seed=st.integers(0, 500), angle=st.integers(0, 179))
def test_what_both_show_faintly_is_found_in_their_sum(seed, angle):
    pair = both(line_image(OPTICAL, 1.5, seed=seed, angle=angle), line_image(RADAR, 1.5, seed=seed, angle=angle))
    near = np.any([ndimage.binary_dilation(found.line.mask.frame()) for found in lines_of(pair)], axis=0)
    assert near[stroke(angle)].mean() > 0.5
    assert lines_of(pair[:1]) == (), "which Sentinel-2 by itself does not show"


@QUICK
@given(seed=st.integers(0, 500))
def test_two_views_of_noise_hold_no_line(seed):
    assert lines_of(both(line_image(OPTICAL, 0.0, seed=seed), line_image(RADAR, 0.0, seed=seed))) == ()


def test_a_line_that_radar_should_see_and_does_not_is_none():
    furrow, nothing = line_image(OPTICAL, 2.8, seed=1), line_image(RADAR, 0.0, seed=1)
    assert len(lines_of((furrow,))) == 1, "with no radar there it is told"
    assert lines_of((furrow,))[0].line.response < ViewParameters().alone
    assert lines_of(both(furrow, nothing)) == ()
    assert len(lines_of(both(furrow, line_image(RADAR, 1.1, seed=1)))) == 1


def test_a_line_that_was_there_before_is_nothing_new():
    road = ndimage.binary_dilation(stroke(30.0), iterations=2)
    assert lines_of((line_image(RADAR, 3.0, seed=2),))
    assert lines_of((line_image(RADAR, 3.0, seed=2, old=road),)) == ()


@pytest.mark.parametrize("since", [0, 2, 3])
def test_a_line_dates_from_the_acquisitions_that_show_it(since):
    (found,) = lines_of((line_image(RADAR, 3.0, seed=3, since=since),))
    rows = found.line_image.shown(found.line.mask)
    assert rows[0] == (100 + 5 * since, f"{RADAR}-{100 + 5 * since}", RADAR)
    assert len(rows) == 8 - since


def test_where_nothing_was_looked_at_there_is_no_view():
    assert line_images_of((), np.ones(SHAPE, bool), acquisitions=8, earlier=earlier_lines(())) == ()
    assert lines_of(()) == ()
