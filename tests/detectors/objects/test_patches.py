"""From confidence to objects, and the geometry of what is found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from detectors.evidence.accumulate import Cue, no_evidence
from detectors.morphology import EIGHT
from detectors.objects.centerline import line_length
from detectors.objects.patches import (
    ObjectParameters,
    anchor,
    area_interval,
    find_objects,
    gain_confidence,
    is_line,
    is_ring,
    loss_confidence,
    mean_width,
    ring_closure,
    touching,
)

SHAPE = (60, 60)
P = ObjectParameters()
QUICK = settings(deadline=None, max_examples=30, derandomize=True)
SEEDS = st.integers(0, 2000)


def box(top: int, left: int, height: int, width: int) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[top : top + height, left : left + width] = True
    return mask


def found(confidence: np.ndarray, *, acquisitions: float = 3.0, **more: Any):
    counts = np.where(confidence > 0, acquisitions, 0).astype(np.float32)
    arguments = {"resolution_px": 1.0, "has_short_history": False} | more
    return find_objects(confidence.astype(np.float32), counts, **arguments)


def masks_of(confidence: np.ndarray, **more: Any) -> list[np.ndarray]:
    return [item.mask for item in found(confidence, **more)]


def test_no_confidence_is_no_object():
    assert found(np.zeros(SHAPE)) == ()
    assert found(np.full(SHAPE, P.least - 0.1)) == ()


@pytest.mark.parametrize(("side", "count"), [((1, 3), 0), ((1, 4), 1), ((2, 2), 1), ((5, 5), 1)])
def test_an_object_has_at_least_four_pixels(side, count):
    assert len(found(box(10, 10, *side) * 40.0)) == count


@pytest.mark.parametrize(("resolution", "count"), [(1.0, 1), (2.0, 1), (3.0, 0)])
def test_a_coarse_product_asks_for_native_pixels(resolution, count):
    """Five by five pixels of the grid are hardly three of 30 m."""
    assert len(found(box(10, 10, 5, 5) * 40.0, resolution_px=resolution)) == count


def test_an_object_of_one_acquisition_reaches_as_far_as_its_edge_but_needs_a_core():
    metric = box(10, 10, 7, 7) * (P.single_edge + 0.1)
    assert found(metric, acquisitions=1.0, has_short_history=True) == ()
    metric[12, 12:15] = P.single_acquisition + 0.1
    (item,) = found(metric, acquisitions=1.0, has_short_history=True)
    assert np.array_equal(item.mask, box(10, 10, 7, 7))
    assert np.array_equal(item.core, metric > P.single_acquisition)


def test_one_acquisition_is_no_object_where_there_is_a_history():
    assert found(box(10, 10, 8, 8) * 100.0, acquisitions=1.0) == ()


def test_one_acquisition_must_do_where_there_is_none():
    roof = box(10, 10, 4, 4) * (P.single_acquisition + 0.1)
    assert len(found(roof, acquisitions=1.0, has_short_history=True)) == 1
    assert found(box(10, 10, 3, 3) * 9.0, acquisitions=1.0, has_short_history=True) == (), "twelve pixels are asked"
    assert found(box(10, 10, 4, 4) * (P.single_acquisition - 0.1), acquisitions=1.0, has_short_history=True) == ()


def test_after_one_acquisition_the_roofs_of_a_yard_count_together():
    roofs = [box(10, 10, 2, 3), box(10, 16, 2, 3), box(15, 10, 2, 3)]
    strong = np.any(roofs, axis=0) * (P.single_acquisition + 0.1)
    (yard,) = found(strong, acquisitions=1.0, has_short_history=True)
    assert yard.mask.sum() == 18
    assert found(roofs[0] * (P.single_acquisition + 0.1), acquisitions=1.0, has_short_history=True) == ()


@pytest.mark.parametrize(("gap", "count"), [(1, 1), (4, 1), (5, 2), (10, 2)])
def test_patches_close_by_are_one_object(gap, count):
    """Two pixels of reach on either side."""
    two = box(10, 10, 5, 5) | box(10, 15 + gap, 5, 5)
    assert len(found(two * 40.0)) == count


@QUICK
@given(seed=SEEDS)
def test_objects_share_no_pixel_and_hold_only_what_was_given(seed):
    rng = np.random.default_rng(seed)
    confidence = (ndimage.gaussian_filter(rng.normal(size=SHAPE), 2.5) * 120).clip(0)
    objects = found(confidence)
    total = np.zeros(SHAPE, int)
    for item in objects:
        total += item.mask
        assert item.mask.sum() >= P.smallest_px
        assert not (item.core & ~item.mask).any()
    assert total.max(initial=0) <= 1
    assert not (total.astype(bool) & (confidence < P.least)).any()
    for item, again in zip(objects, found(confidence), strict=True):
        assert np.array_equal(item.mask, again.mask)


@QUICK
@given(seed=SEEDS, more=st.floats(1.0, 3.0))
def test_more_confidence_never_takes_a_pixel_away(seed, more):
    confidence = (ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=SHAPE), 2.5) * 100).clip(0)
    less, greater = (np.any([np.zeros(SHAPE, bool), *masks_of(c)], axis=0) for c in (confidence, more * confidence))
    assert not (less & ~greater).any()


# -- confidence of both instruments ---------------------------------------------------------------------------------


def evidence_with(**layers: Any):
    """Evidence of two looks, of the given confidence in the named cues everywhere."""
    evidence = no_evidence(SHAPE)
    count, acquisitions, total = evidence.count.copy(), evidence.acquisitions.copy(), evidence.total.copy()
    for name, confidence in layers.items():
        cue = Cue[name.upper()]
        count[cue], acquisitions[cue], total[cue] = 2, 2, confidence / 2
    return replace(evidence, count=count, acquisitions=acquisitions, total=total)


ALL, NONE = np.ones(SHAPE, bool), np.zeros(SHAPE, bool)


def test_two_instruments_that_agree_add_up():
    both, _ = gain_confidence(evidence_with(exposure=10.0, backscatter_up=7.0), ALL)
    np.testing.assert_allclose(both, 17.0)
    optical, _ = gain_confidence(evidence_with(exposure=10.0, structure=12.0), ALL)
    np.testing.assert_allclose(optical, 12.0), "two cues of one instrument do not"
    hidden, counts = gain_confidence(evidence_with(exposure=10.0), NONE)
    assert not hidden.any()
    assert not counts.any()


def test_falling_backscatter_speaks_only_where_something_stood():
    flood = evidence_with(backscatter_down=20.0)
    assert not loss_confidence(flood, NONE, ALL)[0].any()
    np.testing.assert_allclose(loss_confidence(flood, ALL, ALL)[0], 20.0)


def test_fading_texture_speaks_only_where_radar_does_not_rule_it_out():
    ploughed = evidence_with(removal=20.0)
    assert not loss_confidence(ploughed, ALL, NONE)[0].any()
    np.testing.assert_allclose(loss_confidence(ploughed, NONE, ALL)[0], 20.0)


# -- sizes ----------------------------------------------------------------------------------------------------------


@QUICK
@given(seed=SEEDS, pixel=st.sampled_from([1.0, 100.0]))
def test_area_lies_within_its_interval(seed, pixel):
    rng = np.random.default_rng(seed)
    mask = ndimage.gaussian_filter(rng.normal(size=SHAPE), rng.uniform(0.5, 5)) > 0
    core = mask & (rng.random(SHAPE) < 0.5)
    area, low, high = area_interval(mask, core, pixel_area_m2=pixel)
    assert area == mask.sum() * pixel
    assert 0 < low <= area < high
    assert low >= 0.5 * core.sum() * pixel


def test_the_interval_is_narrower_for_compact_ground():
    square, line = (area_interval(m, m, pixel_area_m2=1.0) for m in (box(5, 5, 8, 8), box(5, 0, 1, 60)))
    relative = [(high - low) / area for area, low, high in (square, line)]
    assert relative[0] < relative[1]


@pytest.mark.parametrize("offset", [0.0, 0.2, 0.45])
@pytest.mark.parametrize("side", [3.0, 4.5, 6.0, 10.0])
def test_the_interval_holds_a_square_wherever_it_falls_on_the_grid(side, offset):
    """Pixels are counted where half of them or more lies within the square."""
    edges = np.clip(np.minimum(np.arange(60) + 1, 20 + offset + side) - np.maximum(np.arange(60), 20 + offset), 0, 1)
    mask = np.outer(edges, edges) >= 0.5
    _, low, high = area_interval(mask, mask, pixel_area_m2=1.0)
    assert low <= side**2 <= high


@pytest.mark.parametrize(("width", "expected"), [(1, 1.0), (3, 3.0), (5, 5.0), (9, 9.0)])
def test_the_width_of_a_strip(width, expected):
    assert mean_width(box(20, 5, width, 50)) == pytest.approx(expected, abs=0.6)


def test_nothing_has_no_width_and_no_length():
    assert mean_width(NONE) == 0.0
    assert line_length(NONE) == 0.0
    assert not is_line(NONE)
    assert ring_closure(NONE) == 0.0


# -- lines ----------------------------------------------------------------------------------------------------------


def stroke(angle: float, length: float, width: float) -> np.ndarray:
    """A straight line through the middle; the angle in degrees from the rows."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] - 30.0
    a = np.deg2rad(angle)
    along, across = columns * np.cos(a) + rows * np.sin(a), rows * np.cos(a) - columns * np.sin(a)
    # a hair's breadth to one side, so that no pixel lies exactly on an edge
    return (np.abs(along) <= length / 2) & (np.abs(across + 1e-3 if width % 2 else across + 0.501) <= width / 2)


def circle(radius: float, thick: float) -> np.ndarray:
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] - 29.5
    return np.abs(np.hypot(rows, columns) - radius) <= thick / 2


def square_ring(side: int, wall: int = 1) -> np.ndarray:
    corner = (SHAPE[0] - side) // 2
    return box(corner, corner, side, side) & ~box(corner + wall, corner + wall, side - 2 * wall, side - 2 * wall)


ANGLES = [0, 15, 30, 45, 60, 90, 120, 160]


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("angle", ANGLES)
def test_the_length_of_a_straight_line(angle, width):
    assert line_length(stroke(angle, 40, width)) == pytest.approx(40, rel=0.15)


@pytest.mark.parametrize("wall", [1, 2])
def test_the_length_of_a_wall_around_a_yard(wall):
    assert line_length(square_ring(30, wall)) == pytest.approx(4 * (30 - wall), rel=0.15)


@pytest.mark.parametrize("thick", [1.0, 1.5, 2.0])
def test_the_length_of_a_round_wall(thick):
    assert line_length(circle(20, thick)) == pytest.approx(2 * np.pi * 20, rel=0.15)


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("angle", ANGLES)
def test_thin_and_long_is_a_line(angle, width):
    assert is_line(stroke(angle, 40, width))


@pytest.mark.parametrize(
    "mask",
    [square_ring(30), square_ring(30, 2), circle(18, 1.5), stroke(20, 30, 1) | box(10, 10, 2, 2)],
    ids=["wall", "thick wall", "round wall", "line and speck"],
)
def test_a_wall_is_a_line_whatever_its_course(mask):
    assert is_line(mask)


@pytest.mark.parametrize(
    "mask",
    [box(10, 10, 10, 10), box(10, 10, 30, 6), box(10, 10, 4, 20), box(10, 10, 1, 8), circle(3, 8), square_ring(16, 5)],
    ids=["square", "hall", "strip of four", "short", "disk", "thick ring"],
)
def test_a_blob_is_none(mask):
    assert not is_line(mask)


def test_a_line_beside_a_larger_blob_does_not_make_it_one():
    assert not is_line(stroke(0, 30, 1) | box(5, 5, 12, 12))


# -- closure --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ring", [circle(20, 1.5), square_ring(30), square_ring(24, 2)])
def test_a_full_ring_is_closed(ring):
    assert ring_closure(ring) == pytest.approx(1.0, abs=0.03)


def test_half_a_ring_is_half_closed():
    assert ring_closure(circle(20, 1.5) & box(0, 0, 30, 60)) == pytest.approx(0.5, abs=0.1)


def test_a_gap_opens_a_ring():
    gate = circle(20, 1.5) & ~box(0, 20, 30, 20)
    assert 0.7 < ring_closure(gate) < 0.95


def test_a_straight_line_encloses_next_to_nothing():
    assert ring_closure(stroke(0, 40, 1)) < 0.15


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (circle(12, 2.5), True),
        (square_ring(24, 2), True),
        (circle(12, 2.5) & box(0, 0, 30, 60), True),
        (circle(12, 2.5) | box(28, 28, 5, 5), True),
        (square_ring(6), True),
        (square_ring(9, 3), False),
        (circle(3, 8), False),
        (box(10, 10, 14, 14), False),
        (box(10, 10, 12, 4) | box(10, 18, 12, 4) | box(10, 26, 12, 4) | box(24, 10, 4, 20), False),
        (box(10, 10, 14, 4) | box(20, 10, 4, 14), False),
        (NONE, False),
    ],
    ids=[
        "ring",
        "square",
        "half",
        "with a roof",
        "small",
        "yard",
        "disk",
        "block",
        "roofs",
        "angled hall",
        "nothing",
    ],
)
def test_a_ring_runs_around_open_ground(mask, expected):
    assert is_ring(mask) is expected


# -- small tools ----------------------------------------------------------------------------------------------------


def test_the_anchor_is_the_strongest_pixel_and_the_first_among_equals():
    strength = np.zeros(SHAPE, np.float32)
    assert anchor(box(10, 12, 3, 3), strength) == (10, 12)
    strength[11, 13] = 5.0
    strength[50, 50] = 9.0
    assert anchor(box(10, 12, 3, 3), strength) == (11, 13)


@pytest.mark.parametrize(("gap", "expected"), [(0, True), (1, True), (2, False)])
def test_touching_is_within_so_many_pixels(gap, expected):
    a, b = box(10, 10, 4, 4), box(10, 14 + gap, 4, 4)
    assert touching(a, b, within_px=2) is (gap <= 1)
    assert touching(a, b, within_px=2) == touching(b, a, within_px=2) == expected


def test_a_diagonal_neighbour_touches():
    assert touching(box(10, 10, 2, 2), box(12, 12, 2, 2), within_px=1)
    assert EIGHT.all()
