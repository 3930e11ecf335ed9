"""From scores to objects, how likely they are, and the geometry of what is found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from detectors.footprint import footprint_in
from detectors.objects.centerline import line_length
from detectors.objects.patches import (
    GroundObject,
    LikelyObject,
    ObjectParameters,
    anchor,
    area_interval,
    find_objects,
    is_line,
    is_ring,
    mean_width,
    ring_closure,
    without_chance,
)

SHAPE = (60, 60)
P = ObjectParameters()
QUICK = settings(deadline=None, max_examples=30, derandomize=True)
SEEDS = st.integers(0, 2000)


def box(top: int, left: int, height: int, width: int) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[top : top + height, left : left + width] = True
    return mask


NONE = np.zeros(SHAPE, bool)
LEAST, CORE = 1.0, 3.0
EQUAL = (0.0, 0.0, 0.0, 0.0)


def found(score: np.ndarray, **more: Any) -> tuple[LikelyObject, ...]:
    arguments: dict[str, Any] = {"least": LEAST, "core": CORE, "resolution_px": 1.0, "weights": EQUAL} | more
    return find_objects(score.astype(np.float32), **arguments)


def masks_of(score: np.ndarray, **more: Any) -> list[np.ndarray]:
    return [item.object.mask.frame() for item in found(score, **more)]


def drawn(mask: np.ndarray, inside: float = 2 * CORE, outside: float = -np.inf) -> np.ndarray:
    return np.where(mask, inside, outside)


def test_no_score_is_no_object():
    assert found(np.full(SHAPE, -np.inf)) == ()
    assert found(np.full(SHAPE, LEAST - 0.1)) == ()


@pytest.mark.parametrize(("side", "count"), [((1, 3), 0), ((1, 4), 1), ((2, 2), 1), ((5, 5), 1)])
def test_an_object_has_at_least_four_pixels(side, count):
    assert len(found(drawn(box(10, 10, *side)))) == count


@pytest.mark.parametrize(("resolution", "count"), [(1.0, 1), (2.0, 1), (3.0, 0)])
def test_a_coarse_product_asks_for_native_pixels(resolution, count):
    """Five by five pixels of the grid are hardly three of 30 m."""
    assert len(found(drawn(box(10, 10, 5, 5)), resolution_px=resolution)) == count


def test_an_object_reaches_as_far_as_the_least_score_and_its_core_is_what_is_surest():
    score = drawn(box(10, 10, 7, 7), LEAST)
    score[12, 12:15] = CORE
    (item,) = found(score)
    assert np.array_equal(item.object.mask.frame(), box(10, 10, 7, 7))
    assert np.array_equal(item.object.core.frame(), box(12, 12, 1, 3))


def test_an_object_without_a_sure_pixel_has_a_core_all_the_same():
    """The best quarter of it: what is followed must lie somewhere."""
    score = drawn(box(10, 10, 8, 8), LEAST)
    score[10:12, 10:18] = LEAST + 0.5
    (item,) = found(score)
    assert np.array_equal(item.object.core.frame(), box(10, 10, 2, 8))


@pytest.mark.parametrize(("beyond", "count"), [(0, 1), (1, 2), (6, 2)])
def test_patches_close_by_are_one_object(beyond, count):
    """Each reaches `join_px` on either side, so that the roofs of a yard count together."""
    gap = 2 * P.join_px + beyond
    two = box(10, 10, 5, 5) | box(10, 15 + gap, 5, 5)
    objects = masks_of(drawn(two))
    assert len(objects) == count
    assert np.array_equal(np.any(objects, axis=0), two), "what lies between is not in it"
    assert len(found(drawn(box(10, 10, 5, 5) | box(10, 16, 5, 5)), parameters=replace(P, join_px=0))) == 2


@QUICK
@given(seed=SEEDS)
def test_objects_share_no_pixel_and_hold_only_what_was_given(seed):
    rng = np.random.default_rng(seed)
    score = ndimage.gaussian_filter(rng.normal(size=SHAPE), 2.5) * 30
    objects = found(score)
    total = np.zeros(SHAPE, int)
    for item in objects:
        mask, core = item.object.mask, item.object.core
        total += mask.frame()
        assert mask.pixels >= P.smallest_px
        assert not core - mask
        assert core
    assert total.max(initial=0) <= 1
    assert not (total.astype(bool) & (score < LEAST)).any()
    for item, again in zip(objects, found(score), strict=True):
        assert item.object.mask == again.object.mask
        assert item.measured == again.measured


@QUICK
@given(seed=SEEDS, more=st.floats(0.0, 3.0))
def test_a_higher_score_never_takes_a_pixel_away(seed, more):
    score = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=SHAPE), 2.5) * 20
    less, greater = (np.any([NONE, *masks_of(c)], axis=0) for c in (score, score + more))
    assert not (less & ~greater).any()


# -- how likely an object is ----------------------------------------------------------------------------------------


def test_an_object_is_measured_by_its_scores_and_its_size():
    score = drawn(box(10, 10, 6, 10), 2.0)
    score[10, 10:20] = 8.0
    (item,) = found(score)
    assert item.measured == pytest.approx((3.0, 8.0, np.log(60), 1.0))
    (coarse,) = found(score, resolution_px=2.0)
    assert coarse.measured[2] == pytest.approx(np.log(15)), "native pixels count"


WEIGHTS = st.tuples(*[st.floats(-1, 1)] * 4)


@QUICK
@given(weights=WEIGHTS, side=st.integers(2, 20), height=st.floats(LEAST, 9.0))
def test_the_probability_is_the_logistic_function_of_what_was_measured(weights, side, height):
    (item,) = found(drawn(box(10, 10, side, side), height), weights=weights)
    assert item.probability == pytest.approx(1 / (1 + np.exp(-np.dot(weights, item.measured))), rel=1e-5)
    assert 0 < item.probability < 1


def test_objects_that_are_too_unlikely_are_left_out():
    two = np.where(box(5, 5, 3, 3) | box(30, 30, 20, 20), 5.0, -np.inf)
    by_size = (0.0, 0.0, 1.0, -np.log(60))
    assert len(found(two, weights=by_size)) == 2
    (large,) = found(two, weights=by_size, least_probability=0.5)
    assert np.array_equal(large.object.mask.frame(), box(30, 30, 20, 20))


# -- decoys ---------------------------------------------------------------------------------------------------------

PROBABILITIES = st.lists(st.floats(0.01, 0.99), max_size=12)


def likely(probability: float) -> LikelyObject:
    return LikelyObject(GroundObject(*[footprint_in(box(5, 5, 3, 3))] * 2), probability, EQUAL)


def competed(found: list[float], decoys: list[float]) -> list[float]:
    left = without_chance(tuple(map(likely, found)), tuple(map(likely, decoys)))
    return [item.probability for item in left]


@QUICK
@given(targets=PROBABILITIES)
def test_without_decoys_all_stays_as_it_is(targets):
    assert competed(targets, []) == targets


@QUICK
@given(targets=PROBABILITIES, decoys=PROBABILITIES)
def test_decoys_only_lower_and_more_of_them_lower_more(targets, decoys):
    left, fewer = competed(targets, decoys), competed(targets, decoys[1:])
    assert all(0 <= a <= b <= c for a, b, c in zip(left, fewer, targets, strict=True))


@QUICK
@given(targets=PROBABILITIES)
def test_as_many_decoys_as_objects_leave_nothing(targets):
    """Turned round, chance brings as much as was found."""
    assert competed(targets, targets) == [0.0] * len(targets)


def test_the_share_of_false_ones_is_that_among_the_objects_at_least_as_likely():
    assert competed([0.9, 0.8, 0.6, 0.4], [0.7, 0.3]) == pytest.approx([0.9, 0.8, 0.6 * 2 / 3, 0.4 * 3 / 4])


def test_decoys_take_away_no_object_and_change_nothing_else():
    items = tuple(likely(p) for p in (0.9, 0.5))
    left = without_chance(items, (likely(0.95),))
    assert [item.object for item in left] == [item.object for item in items]
    assert [item.measured for item in left] == [item.measured for item in items]
    assert [item.probability for item in items] == [0.9, 0.5]


# -- sizes ----------------------------------------------------------------------------------------------------------


@QUICK
@given(seed=SEEDS, pixel=st.sampled_from([1.0, 100.0]))
def test_area_lies_within_its_interval(seed, pixel):
    rng = np.random.default_rng(seed)
    mask = ndimage.gaussian_filter(rng.normal(size=SHAPE), rng.uniform(0.5, 5)) > 0
    core = mask & (rng.random(SHAPE) < 0.5)
    area, low, high = area_interval(footprint_in(mask), footprint_in(core), pixel_area_m2=pixel)
    assert area == mask.sum() * pixel
    assert 0 < low <= area < high
    assert low >= 0.5 * core.sum() * pixel


def test_the_interval_is_narrower_for_compact_ground():
    square, line = (
        area_interval(footprint_in(m), footprint_in(m), pixel_area_m2=1.0) for m in (box(5, 5, 8, 8), box(5, 0, 1, 60))
    )
    relative = [(high - low) / area for area, low, high in (square, line)]
    assert relative[0] < relative[1]


@pytest.mark.parametrize("offset", [0.0, 0.2, 0.45])
@pytest.mark.parametrize("side", [3.0, 4.5, 6.0, 10.0])
def test_the_interval_holds_a_square_wherever_it_falls_on_the_grid(side, offset):
    """Pixels are counted where half of them or more lies within the square."""
    edges = np.clip(np.minimum(np.arange(60) + 1, 20 + offset + side) - np.maximum(np.arange(60), 20 + offset), 0, 1)
    mask = np.outer(edges, edges) >= 0.5
    _, low, high = area_interval(footprint_in(mask), footprint_in(mask), pixel_area_m2=1.0)
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
    assert anchor(footprint_in(box(10, 12, 3, 3)), strength) == (10, 12)
    strength[11, 13] = 5.0
    strength[50, 50] = 9.0
    assert anchor(footprint_in(box(10, 12, 3, 3)), strength) == (11, 13)
