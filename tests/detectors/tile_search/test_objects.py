"""Objects by their runs against scipy's labels, and the places they make."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from detectors.tile_search.clear_mask import clear_strip
from detectors.tile_search.objects import join_runs, runs_of_mask, runs_of_state
from detectors.tile_search.places import places_of
from detectors.tile_search.update import FLAGGED, day_number

TODAY = date(2024, 11, 24)
EIGHT = np.ones((3, 3), bool)


def in_strips(mask, rows):
    return join_runs([runs_of_mask(mask[top : top + rows], top=top) for top in range(0, len(mask), rows)])


def assert_as_scipy(mask, found):
    labels, count = ndimage.label(mask, EIGHT)
    assert len(found.area_px) == count
    np.testing.assert_array_equal(found.area_px, np.bincount(labels.ravel(), minlength=count + 1)[1:])
    boxes = [(y.start, x.start, y.stop, x.stop) for y, x in ndimage.find_objects(labels)]
    assert boxes == list(zip(found.top, found.left, found.bottom, found.right, strict=True))
    if count:
        centres = np.array(ndimage.center_of_mass(mask, labels, range(1, count + 1)))
        np.testing.assert_allclose(centres, np.column_stack([found.row, found.column]))


@given(arrays(bool, st.tuples(st.integers(1, 24), st.integers(1, 24))), st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_objects_are_those_of_scipy_whatever_the_strips(mask, rows):
    assert_as_scipy(mask, in_strips(mask, rows))


@pytest.mark.parametrize("share", [0.02, 0.4, 0.6, 1.0])
def test_objects_of_a_large_mask(share):
    mask = np.random.default_rng(3).random((400, 333)) < share
    assert_as_scipy(mask, in_strips(mask, 64))


def state_of(mask, *, evidence=500, first=date(2024, 9, 1)):
    dynamic = np.zeros((3, *mask.shape), np.int16)
    dynamic[0][mask], dynamic[1][mask], dynamic[2][mask] = evidence, FLAGGED + 5, day_number(first)
    return dynamic


def test_evidence_and_first_day_of_an_object():
    mask = np.zeros((20, 20), bool)
    mask[3:9, 4:10] = True
    dynamic = state_of(mask)
    dynamic[0, 3:6], dynamic[2, 7, 6] = 900 * mask[3:6], day_number(date(2024, 8, 2))
    found = join_runs([runs_of_state(dynamic[:, :6]), runs_of_state(dynamic[:, 6:], top=6)])
    assert found.evidence == pytest.approx([700])
    assert (found.first_row[0], found.first_column[0]) == (7, 6)
    assert found.first[0] == day_number(date(2024, 8, 2))


def places(mask, **how):
    objects = join_runs([runs_of_state(state_of(mask, **how))])
    return places_of(objects, shape=mask.shape, pixel_size_m=10, today=TODAY)


def test_pieces_near_each_other_are_one_place_and_specks_are_none():
    mask = np.zeros((200, 200), bool)
    mask[20:26, 20:26] = mask[20:26, 30:36] = True
    mask[100:106, 100:106] = True
    mask[150, 150] = True
    found, too_large = places(mask)
    assert [(p.area_px, p.pieces) for p in found] == [(72, 2), (36, 1)]
    assert too_large == 0


def test_a_landscape_that_changed_is_counted_and_not_listed():
    mask = np.zeros((200, 200), bool)
    mask[:120, :120] = True
    assert places(mask) == ((), 1)


def test_a_stronger_place_ranks_higher_and_says_why():
    mask = np.zeros((100, 100), bool)
    mask[10:18, 10:18] = True
    (strong,), _ = places(mask, evidence=900)
    (weak,), _ = places(mask, evidence=320)
    assert strong.score > weak.score
    assert {c.name: c.value for c in strong.criteria} == {
        "changed-ground": 1.0,
        "strength": 1.0,
        "density": 1.0,
        "recency": 1.0,
    }
    assert "6,400 m²" in strong.criteria[0].detail


def test_an_empty_state_has_no_place():
    assert places(np.zeros((50, 50), bool)) == ((), 0)


def test_clear_strip_is_the_dilated_classification_whatever_the_halo():
    classes = np.random.default_rng(0).choice(
        np.array([0, 3, 4, 5, 9], np.uint8), (40, 33), p=[0.02, 0.02, 0.5, 0.44, 0.02]
    )
    hidden = ndimage.binary_dilation(np.isin(classes, (3, 9)), np.ones((5, 5))) | (classes == 0)
    expected = np.kron(~hidden, np.ones((2, 2)))
    np.testing.assert_array_equal(clear_strip(classes, halo=(0, 0)), expected)
    np.testing.assert_array_equal(clear_strip(classes[8:30], halo=(2, 2)), expected[20:56])
