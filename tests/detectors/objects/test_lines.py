# mypy: disable-error-code="arg-type"
"""Lines in noise: those that are there, and those that only seem to be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from detectors.footprint import footprint_in
from detectors.objects.lines import (
    FencingParameters,
    beyond_flanks,
    find_lines,
    line_kernels,
    line_response,
    old_lines,
)

SHAPE = (72, 72)
QUICK = settings(deadline=None, max_examples=12, derandomize=True)
SEEDS = st.integers(0, 1000)


def calm(seed: int, sigma: float = 0.6) -> np.ndarray:
    """What the median of several quiet dates looks like, in σ: noise that holds together over a pixel or two."""
    field = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=SHAPE), 0.7)
    return (sigma * field / field.std()).astype(np.float32)


def stroke(angle: float, length: float = 40.0, across_px: float = 0.0) -> np.ndarray:
    """A line one pixel wide through the middle, or so many pixels beside it."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] - 35.5
    a = np.deg2rad(angle)
    along, across = columns * np.cos(a) + rows * np.sin(a), rows * np.cos(a) - columns * np.sin(a) - across_px
    return (np.abs(along) <= length / 2) & (np.abs(across) <= 0.55)


def covered(lines, truth: np.ndarray) -> float:
    """The share of the truth that lies within a pixel of a line found."""
    near = np.zeros(SHAPE, bool)
    for line in lines:
        near |= ndimage.binary_dilation(line.mask.frame(), structure=np.ones((3, 3)))
    return float(near[truth].mean())


@QUICK
@given(seed=SEEDS, angle=st.integers(0, 179))
def test_a_line_in_noise_is_found_whatever_its_direction(seed, angle):
    truth = stroke(angle)
    lines = find_lines(calm(seed) + 5.0 * truth)
    assert lines
    assert covered(lines, truth) > 0.7
    for line in lines:
        assert line.length_px >= FencingParameters().shortest_px
        assert covered([type(line)(footprint_in(truth), 0.0, 0.0)], line.mask.frame()) > 0.7, "and nothing but the line"


@QUICK
@given(seed=SEEDS)
def test_noise_holds_no_line(seed):
    assert find_lines(calm(seed)) == ()


@QUICK
@given(seed=SEEDS, angle=st.integers(0, 179), step=st.floats(2, 8))
def test_an_edge_between_two_fields_is_no_line(seed, angle, step):
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] - 35.5
    field = rows * np.cos(np.deg2rad(angle)) > columns * np.sin(np.deg2rad(angle))
    assert find_lines(calm(seed) + np.float32(step) * field) == ()


@pytest.mark.parametrize("angle", [0, 30, 90])
def test_a_row_of_things_of_different_strength_is_no_wall(angle):
    truth, steps = stroke(angle), np.indices(SHAPE).sum(axis=0) // 5
    row = calm(3, 0.3) + np.where(steps % 2 == 0, 12.0, 4.5).astype(np.float32) * truth
    anything = FencingParameters(uneven=9.0, faded=0.0)
    assert covered(find_lines(row, parameters=anything), truth) > 0.6
    assert covered(find_lines(row, parameters=replace(anything, uneven=0.27)), truth) < 0.2


def test_a_darker_line_is_left_to_an_image_turned_around():
    truth = stroke(20)
    assert find_lines(calm(1) - 5.0 * truth) == ()
    assert covered(find_lines(-(calm(1) - 5.0 * truth)), truth) > 0.7


def test_a_road_that_was_there_before_is_nothing_new():
    truth = stroke(30)
    image = (calm(2) + 5.0 * truth).astype(np.float32)
    before = (0.01 * calm(3) + 0.05 * truth).astype(np.float32)
    assert find_lines(image, old=old_lines(0.01 * calm(3)))
    assert find_lines(image, old=old_lines(before)) == ()


@pytest.mark.parametrize("seed", range(4))
def test_a_short_line_is_none(seed):
    """The kernel is 11 px long, so that a line seems longer than it is by up to its half at either end."""
    assert find_lines(calm(seed) + 5.0 * stroke(20 * seed, length=6)) == ()


def test_a_faint_line_is_none():
    assert find_lines(calm(5) + 0.8 * stroke(0)) == ()


def test_a_glaring_roof_is_no_line():
    image = calm(6)
    image[30:33, 30:33] = 60.0
    assert find_lines(image) == ()


@pytest.mark.parametrize("fill", [0.0, 3.0, float("nan")], ids=["nothing", "even", "unseen"])
def test_an_empty_image_holds_no_line(fill):
    image = np.full(SHAPE, fill, np.float32)
    assert find_lines(image) == ()
    assert not line_response(image).any()


def test_the_rim_of_what_was_seen_is_no_line():
    image = calm(7) + 4.0
    image[:, 30:] = np.nan
    assert find_lines(image) == ()


def test_a_line_under_cloud_is_not_made_up():
    truth = stroke(0)
    image = (calm(8) + 5.0 * truth).astype(np.float32)
    image[:, :40] = np.nan
    lines = find_lines(image)
    assert not any(line.mask.left < 40 for line in lines)


@pytest.mark.parametrize("gain", [1.5, 4.0])
def test_a_response_is_told_in_the_scatter_of_the_area(gain):
    image = calm(9) + 5.0 * stroke(40)
    np.testing.assert_allclose(line_response(image), line_response(np.float32(gain) * image), atol=0.02)


def test_a_closed_wall_is_one_line():
    ring = np.zeros(SHAPE, bool)
    ring[20:52, 20:52] = True
    ring[21:51, 21:51] = False
    lines = find_lines(calm(10) + 5.0 * ring)
    assert covered(lines, ring) > 0.8
    assert max(line.length_px for line in lines) > 60


def test_search_leaves_the_image_as_it_was():
    image = (calm(11) + 5.0 * stroke(0)).astype(np.float32)
    image[0, :5] = np.nan
    copy = image.copy()
    first, again = find_lines(image, old=old_lines(image)), find_lines(image, old=old_lines(image))
    assert np.array_equal(image, copy, equal_nan=True)
    assert len(first) == len(again)
    one, two = find_lines(image), find_lines(image)
    for a, b in zip(one, two, strict=True):
        assert a.mask == b.mask
        assert (a.length_px, a.response) == (b.length_px, b.response)


@QUICK
@given(seed=SEEDS, corner=st.tuples(st.integers(0, 20), st.integers(0, 20)))
def test_a_part_of_an_image_gives_what_the_whole_gives(seed, corner):
    """Where the kernels and the rim of nine pixels do not reach the part's own edge, byte for byte."""
    image, (top, left) = calm(seed), corner
    whole, part = (beyond_flanks(i) for i in (image, image[top : top + 40, left : left + 40]))
    assert np.array_equal(part[9:-9, 9:-9], whole[top + 9 : top + 31, left + 9 : left + 31])


def test_a_line_is_measured_against_the_brighter_of_its_flanks():
    """As correlations with each kernel, shifted to both sides, give it."""
    image, p = calm(12), FencingParameters()
    padded = np.pad(image, 20, mode="reflect").astype(np.float64)
    best = np.full(padded.shape, -np.inf)
    for taps, (down, right) in line_kernels(p.directions, p.kernel_px, p.flank_px):
        kernel = np.zeros((13, 13))
        kernel[taps.rows + 6, taps.columns + 6] = taps.weights
        on = ndimage.correlate(padded, kernel, mode="constant")
        flank = np.maximum(np.roll(on, (down, right), (0, 1)), np.roll(on, (-down, -right), (0, 1)))
        best = np.maximum(best, on - flank)
    np.testing.assert_allclose(beyond_flanks(image), best[20:-20, 20:-20], atol=1e-5)
