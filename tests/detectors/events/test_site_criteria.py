"""Reasons why a new place resembles the known ones: each of its own size, all told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from detectors.events.site_criteria import (
    RURAL,
    RURAL_SHARE,
    SiteCandidate,
    SuspectParameters,
    criteria_of,
    suspect_score,
)
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
    assert sum(c.weight for c in criteria if c.name not in RURAL) == pytest.approx(1.0)
    assert sum(c.weight for c in criteria if c.name in RURAL) == pytest.approx(1.0)
    assert len({c.name for c in criteria}) == len(criteria) == len(SuspectParameters().weights) + len(RURAL)
    assert 0.0 <= suspect_score(criteria) <= 1.0


def test_no_criterion_carries_half():
    assert max(*SuspectParameters().weights, *SuspectParameters().rural_weights) < 0.5


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


TRACKED = box(25, 20, 8, 10) | box(28, 30, 1, 24)
"""A clearing of 80 pixels with a strip of 24 that leads away from it."""
RURAL_PLACE = replace(
    PLAIN, footprint=TRACKED, built=box(26, 22, 2, 3) | box(30, 22, 2, 2), older_built_distance_m=280.0
)


def test_a_small_rural_site_has_a_fair_chance():
    marks = values(RURAL_PLACE)
    assert marks["first-roofs"] == 1.0
    assert marks["new-access-track"] == 1.0
    assert marks["small-clearing"] == pytest.approx(0.99)
    assert marks["isolation"] == pytest.approx(0.28, abs=0.03)
    compound = [c for c in criteria_of(RURAL_PLACE, pixel_size_m=10.0) if c.name not in RURAL]
    score = suspect_score(criteria_of(RURAL_PLACE, pixel_size_m=10.0))
    assert score > 0.6 > suspect_score(compound)
    assert score <= RURAL_SHARE


def test_a_field_without_a_roof_is_no_rural_site():
    field = criteria_of(replace(RURAL_PLACE, built=NONE), pixel_size_m=10.0)
    assert suspect_score(field) == suspect_score([c for c in field if c.name not in RURAL])


def test_a_large_compound_is_scored_as_before():
    large = replace(PLAIN, footprint=box(15, 15, 30, 30), built=box(16, 16, 20, 20), lines=RING)
    criteria = criteria_of(large, pixel_size_m=10.0)
    assert suspect_score(criteria) == suspect_score([c for c in criteria if c.name not in RURAL])


@pytest.mark.parametrize(
    ("footprint", "lines", "metres"),
    [
        (TRACKED, NONE, 240),
        (box(25, 20, 8, 10), box(28, 30, 1, 24), 240),
        (box(25, 20, 8, 10), NONE, 0),
        (box(25, 20, 8, 10) | box(28, 30, 1, 6), NONE, 0),
        (box(25, 20, 8, 10), box(23, 18, 12, 14) - box(24, 19, 10, 12), 0),
        (box(28, 30, 1, 24), NONE, 0),
        (box(25, 20, 8, 10), box(5, 40, 1, 15), 0),
    ],
    ids=["strip", "line", "none", "short", "ring around", "line alone", "line elsewhere"],
)
def test_a_track_is_a_thin_strip_that_leads_away(footprint, lines, metres):
    found = told(replace(PLAIN, footprint=footprint, lines=lines))["new-access-track"]
    assert found.value == pytest.approx(min(1.0, metres / 200), abs=0.06)
    assert found.detail.startswith("no thin strip" if not metres else "a thin strip leads 24")


@pytest.mark.parametrize(("side", "value"), [(2, 0.4), (4, 1.0), (10, 1.0), (20, 0.25), (40, 0.0)])
def test_a_clearing_is_small_and_no_field(side, value):
    assert values(replace(PLAIN, footprint=box(5, 5, side, side)))["small-clearing"] == pytest.approx(value)
