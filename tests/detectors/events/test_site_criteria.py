"""Reasons why a new place resembles the known ones: each of its own size, all told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from detectors.events.site_criteria import SiteCandidate, SuspectParameters, criteria_of, suspect_score
from detectors.footprint import Footprint, empty, footprint_in
from detectors.records import Change, Criterion

SHAPE = (60, 60)
NONE = empty(SHAPE)
FAR = float("inf")
QUICK = settings(deadline=None, max_examples=40, derandomize=True)


def box(top: int, left: int, height: int, width: int) -> Footprint:
    return Footprint(SHAPE, top, left, np.ones((height, width), bool))


RING = box(15, 15, 30, 30) - box(16, 16, 28, 28)
PLAIN = SiteCandidate(box(20, 20, 10, 10), NONE, NONE, FAR, (Change.CLEARING,), 60, FAR)


def told(candidate: SiteCandidate, *, pixel_size_m: float = 10.0) -> dict[str, Criterion]:
    return {c.name: c for c in criteria_of(candidate, pixel_size_m=pixel_size_m)}


def values(candidate: SiteCandidate) -> dict[str, float]:
    return {name: c.value for name, c in told(candidate).items()}


@QUICK
@given(
    seed=st.integers(0, 500),
    days=st.integers(1, 3000),
    distance=st.one_of(st.just(FAR), st.floats(0, 100_000)),
)
def test_every_criterion_lies_between_nought_and_one(seed, days, distance):
    rng = np.random.default_rng(seed)
    footprint, built, lines = (
        footprint_in(ndimage.gaussian_filter(rng.normal(size=SHAPE), 3) > level) for level in (0.02, 0.05, 0.1)
    )
    candidate = SiteCandidate(footprint | box(30, 30, 1, 1), built, lines, distance, (), days, distance)
    criteria = criteria_of(candidate, pixel_size_m=10.0)
    assert all(0.0 <= c.value <= 1.0 and 0.0 < c.weight < 1.0 and c.detail for c in criteria)
    assert sum(c.weight for c in criteria) == pytest.approx(1.0)
    assert len({c.name for c in criteria}) == len(criteria) == len(SuspectParameters().weights)
    assert 0.0 <= suspect_score(criteria) <= 1.0


def test_no_criterion_carries_half():
    assert max(SuspectParameters().weights) < 0.5


@QUICK
@given(
    base=st.lists(st.floats(0, 1), min_size=6, max_size=6),
    index=st.integers(0, 5),
    more=st.floats(0, 1),
)
def test_the_score_never_falls_when_a_criterion_rises(base, index, more):
    weights = SuspectParameters().weights
    low = [Criterion(str(n), v, w, "") for n, (v, w) in enumerate(zip(base, weights, strict=True))]
    high = [replace(c, value=max(c.value, more)) if n == index else c for n, c in enumerate(low)]
    assert suspect_score(high) >= suspect_score(low)


def test_full_marks_are_a_score_of_one_and_none_is_nought():
    weights = SuspectParameters().weights
    assert suspect_score([Criterion("x", 1.0, w, "") for w in weights]) == 1.0
    assert suspect_score([Criterion("x", 0.0, w, "") for w in weights]) == 0.0
    assert suspect_score([]) == 0.0


def test_half_a_hectare_within_a_year_is_full_marks():
    hectare = replace(PLAIN, built=box(20, 20, 5, 10), footprint=box(20, 20, 5, 10))
    assert values(hectare)["new-built-area"] == 1.0
    assert values(replace(hectare, built=box(20, 20, 5, 5)))["new-built-area"] == 0.5
    assert values(replace(hectare, days=730))["new-built-area"] == 0.5
    assert values(replace(hectare, days=365))["cleared-ground"] == 1.0


def test_sizes_follow_the_pixel():
    fine = told(replace(PLAIN, built=box(20, 20, 5, 10)), pixel_size_m=5.0)
    assert fine["new-built-area"].value == 0.25
    assert "1,250 m²" in fine["new-built-area"].detail


def test_separate_large_roofs_are_counted():
    roofs = box(10, 10, 2, 2) | box(10, 20, 4, 4) | box(30, 30, 3, 5)
    specks = box(40, 40, 1, 3) | box(50, 50, 1, 1)
    criterion = told(replace(PLAIN, built=roofs | specks))["large-buildings"]
    assert criterion.value == 0.75
    assert criterion.detail == "room for 3 large roofs"
    assert told(replace(PLAIN, built=box(10, 10, 5, 8)))["large-buildings"].value == 0.5, (
        "two roofs' ground in one patch"
    )


def test_a_line_around_is_told_and_none_where_there_is_none():
    assert values(replace(PLAIN, lines=RING))["enclosing-line"] > 0.95
    assert values(PLAIN)["enclosing-line"] == 0.0


def test_distance_to_older_buildings_is_told():
    assert values(PLAIN)["apart-from-built-land"] == 1.0
    near = replace(PLAIN, older_built_distance_m=160.0)
    assert told(near)["apart-from-built-land"].detail.startswith("160 m")
    assert values(near)["apart-from-built-land"] == pytest.approx(160 / 300, abs=1e-3)


@pytest.mark.parametrize(("metres", "value"), [(0.0, 1.0), (10_000.0, 0.5), (20_000.0, 0.0), (90_000.0, 0.0), (FAR, 0)])
def test_groups_move_to_places_near_those_they_left(metres, value):
    assert values(replace(PLAIN, intervention_distance_m=metres))["near-an-intervention"] == value


def test_nothing_is_called_by_a_name_it_may_not_deserve():
    for candidate in (PLAIN, replace(PLAIN, built=box(20, 20, 8, 8), lines=RING, intervention_distance_m=5.0)):
        for criterion in criteria_of(candidate, pixel_size_m=10.0):
            assert not {"scam", "traffick", "prison", "camp"} & set(criterion.detail.lower().split())
