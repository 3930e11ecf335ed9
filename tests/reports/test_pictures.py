"""Pictures: the same stretch for both dates, outlines along pixel edges, honest enlargement."""

from __future__ import annotations

import base64
import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from flows.reports import pictures
from flows.reports.figures import data_uri, path_of


def all_valid(bands: np.ndarray) -> np.ndarray:
    return np.ones(bands.shape[1:], dtype=bool)


def test_one_surface_has_one_colour_in_both_pictures_of_a_pair() -> None:
    rng = np.random.default_rng(1)
    before = rng.uniform(0.02, 0.2, (3, 30, 30))
    after = before.copy()
    after[:, :8, :8] = 0.6
    valid = [all_valid(before), all_valid(after)]
    limits = pictures.limits_of([before, after], valid=valid)
    first, second = (
        pictures.stretch(bands, valid=mask, limits=limits) for bands, mask in zip([before, after], valid, strict=True)
    )
    unchanged = np.ones((30, 30), dtype=bool)
    unchanged[:8, :8] = False
    assert np.array_equal(first[unchanged], second[unchanged])
    assert (second[:8, :8] == 255).all()
    assert first[unchanged].std() > 20


def test_even_ground_is_not_stretched_into_structure() -> None:
    bands = 0.1 + np.random.default_rng(2).normal(0, 0.001, (3, 40, 40))
    limits = pictures.limits_of([bands], valid=[all_valid(bands)])
    assert pictures.stretch(bands, valid=all_valid(bands), limits=limits).std() < 8


def test_ground_without_a_measurement_is_grey_and_sets_no_limit() -> None:
    bands = np.random.default_rng(3).uniform(0.0, 0.3, (3, 10, 10)).astype(np.float32)
    valid = all_valid(bands)
    valid[0, :] = False
    bands[:, 1, :] = np.nan
    bands[:, 0, :] = 99.0
    limits = pictures.limits_of([bands], valid=[valid])
    rgb = pictures.stretch(bands, valid=valid, limits=limits)
    assert limits.max() < 0.5
    assert (rgb[:2] == pictures.NOT_SEEN).all()
    assert not (rgb[2:] == pictures.NOT_SEEN).all(axis=2).any()


def test_nothing_valid_still_makes_a_picture() -> None:
    bands = np.full((3, 4, 5), np.nan)
    nothing = np.zeros((4, 5), dtype=bool)
    limits = pictures.limits_of([bands], valid=[nothing])
    assert (pictures.stretch(bands, valid=nothing, limits=limits) == pictures.NOT_SEEN).all()


def test_radar_tells_metal_from_water_and_grey_from_unseen() -> None:
    vv, vh = np.array([[1.0, 0.003, np.nan]]), np.array([[0.2, 0.0005, np.nan]])
    rgb = pictures.radar_rgb(vv, vh, valid=np.isfinite(vv)).astype(int)
    assert rgb[0, 0, :2].min() > rgb[0, 1, :2].max() + 100
    assert (rgb[0, 2] == pictures.NOT_SEEN).all()


def test_the_outline_of_one_pixel_is_its_four_edges() -> None:
    mask = np.zeros((3, 4), dtype=bool)
    mask[1, 2] = True
    (ring,) = pictures.outline_of(mask)
    assert set(ring) == {(2, 1), (3, 1), (3, 2), (2, 2)}
    assert ring[0] == ring[-1]


def test_a_hole_has_its_own_ring_and_nothing_has_none() -> None:
    mask = np.ones((5, 5), dtype=bool)
    mask[2, 2] = False
    assert len(pictures.outline_of(mask)) == 2
    assert pictures.outline_of(np.zeros((5, 5), dtype=bool)) == ()
    assert path_of(None) == ""


def shoelace(ring: pictures.Ring) -> float:
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(ring)) / 2


@given(hnp.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_outlines_enclose_exactly_the_true_pixels(mask: np.ndarray) -> None:
    assert abs(sum(shoelace(ring) for ring in pictures.outline_of(mask))) == mask.sum()


def test_reducing_averages_whole_blocks() -> None:
    rgb = np.zeros((5, 4, 3), dtype=np.uint8)
    rgb[:2, :2] = [[[0, 0, 0], [40, 0, 0]], [[80, 0, 0], [120, 0, 0]]]
    smaller = pictures.reduce_by(rgb, factor=2)
    assert smaller.shape == (2, 2, 3)
    assert smaller[0, 0].tolist() == [60, 0, 0]


@pytest.mark.parametrize(("shape", "factor"), [((400, 300), 1), ((841, 300), 3), ((5000, 2), 2), ((1, 1), 1)])
def test_overviews_are_reduced_to_what_a_page_needs(shape: tuple[int, int], factor: int) -> None:
    assert pictures.reduction_for(shape, side_px=420) == factor


def decoded(uri: str) -> np.ndarray:
    start, _, content = uri.partition(",")
    assert start == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB"))


def test_what_is_evidence_keeps_every_pixel_and_the_rest_is_smaller() -> None:
    rgb = np.random.default_rng(5).integers(0, 256, (12, 9, 3), dtype=np.uint8)
    kept, compressed = data_uri(rgb, lossless=True), data_uri(rgb, lossless=False)
    assert np.array_equal(decoded(kept), rgb)
    assert kept == data_uri(rgb.copy(), lossless=True)
    assert compressed == data_uri(rgb.copy(), lossless=False)
    assert decoded(compressed).shape == rgb.shape
    assert len(compressed) < len(kept)
