"""Two readings must agree before a cue speaks: what each lets through and what it holds back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.baseline.harmonic import Baseline, design
from detectors.baseline.residual import Residual
from detectors.baseline.uncertainty import FLOORS
from detectors.evidence.accumulate import Cue, EvidenceParameters
from detectors.evidence.cues import CueParameters, familiar_mask, optical_metric, radar_metric

SHAPE = (3, 4)
LOW = EvidenceParameters().low
SIGMA = {"vegetation": 0.05, "brightness": 0.01, "built": 0.05, "contrast": 0.01, "texture": 0.005, "greenness": 0.03}
SIGMA["redness"] = 0.05
QUICK = settings(deadline=None, max_examples=60, derandomize=True)

FOREST = {"vegetation": 0.75, "brightness": 0.05, "built": -0.3, "contrast": -0.005, "texture": 0.005}
SOIL = {"vegetation": 0.18, "brightness": 0.15, "built": 0.1, "contrast": 0.0, "texture": 0.006}
ROOF = {"vegetation": 0.05, "brightness": 0.32, "built": -0.02, "contrast": 0.15, "texture": 0.06}
WATER = {"vegetation": -0.4, "brightness": 0.04, "built": -0.4, "contrast": 0.0, "texture": 0.004}


def residual(before: dict[str, float], after: dict[str, float], *, level: dict[str, float] | None = None) -> Residual:
    """A scene in which every pixel read `before` and now reads `after`, over the features both have."""
    names = tuple(n for n in before if n in after)
    filled = [np.full(SHAPE, 1.0) for _ in names]
    was, now = (np.stack([d[n] * f for n, f in zip(names, filled, strict=True)]) for d in (before, after))
    mean = np.stack([(level or before)[n] * f for n, f in zip(names, filled, strict=True)])
    sigma = np.array([SIGMA[n] for n in names])[:, None, None]
    return Residual(names, ((now - was) / sigma).astype(np.float32), *(a.astype(np.float32) for a in (now, was, mean)))


def metric(before: dict[str, float], after: dict[str, float], cue: Cue, **more: Any) -> float:
    return float(optical_metric(residual(before, after, **more))[cue].max())


def spoken(before: dict[str, float], after: dict[str, float]) -> set[Cue]:
    values = optical_metric(residual(before, after))
    return {cue for cue in (Cue.EXPOSURE, Cue.STRUCTURE, Cue.REMOVAL) if np.nanmax(values[cue]) >= LOW}


@pytest.mark.parametrize(
    ("before", "after", "cues"),
    [
        (FOREST, FOREST, set()),
        (FOREST, SOIL, {Cue.EXPOSURE}),
        (FOREST, ROOF, {Cue.EXPOSURE, Cue.STRUCTURE}),
        (SOIL, ROOF, {Cue.STRUCTURE}),
        (ROOF, SOIL, {Cue.REMOVAL}),
        (SOIL, FOREST, set()),
        (ROOF, FOREST, {Cue.REMOVAL}),
        (FOREST, WATER, set()),
        (SOIL, WATER, set()),
        (ROOF, WATER, set()),
        (WATER, SOIL, set()),
    ],
    ids=[
        "calm",
        "cleared",
        "built in a forest",
        "built on bare ground",
        "pulled down",
        "greened",
        "overgrown",
        "forest flooded",
        "soil flooded",
        "roofs flooded",
        "pond dried",
    ],
)
def test_what_a_change_of_cover_says(before, after, cues):
    assert spoken(before, after) - {Cue.EXPOSURE} == cues - {Cue.EXPOSURE}
    if before is not SOIL or after is not ROOF:  # a roof may be less green than soil and so bare it further
        assert (Cue.EXPOSURE in spoken(before, after)) == (Cue.EXPOSURE in cues)


def test_before_and_after_swapped_turns_structure_into_removal():
    assert metric(SOIL, ROOF, Cue.STRUCTURE) >= metric(ROOF, SOIL, Cue.REMOVAL) > 5.0, "a roof shows by its hue too"
    assert metric(ROOF, SOIL, Cue.STRUCTURE) == metric(SOIL, ROOF, Cue.REMOVAL) == 0.0


@pytest.mark.parametrize(("redness", "says"), [(0.29, False), (0.05, True)], ids=["bare plot", "grey roof"])
def test_a_bare_plot_overgrown_is_no_roof_pulled_down(redness, says):
    hue = {"redness": redness}
    values = optical_metric(residual(ROOF | hue, FOREST | {"redness": 0.1}))[Cue.REMOVAL]
    assert np.isfinite(values).all() == says
    assert not says or (values > LOW).all()
    assert metric(ROOF | hue, SOIL | hue, Cue.REMOVAL) > LOW


GRASS = {"vegetation": 0.7, "brightness": 0.06, "built": -0.2, "contrast": 0.0, "texture": 0.006, "redness": 0.12}
HALF_SHEET = GRASS | {"vegetation": 0.6, "brightness": 0.11, "contrast": 0.05, "texture": 0.012, "redness": 0.0}


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({}, True),
        ({"redness": 0.2}, False),
        ({"vegetation": 0.75}, False),
        ({"brightness": 0.07}, False),
        ({"vegetation": 0.85}, False),
        ({"contrast": -0.05}, False),
    ],
    ids=["half a roof", "redder", "greener", "no brighter", "overgrown", "darker than all around"],
)
def test_a_roof_over_half_a_pixel_of_grass_is_structure(other, says):
    grass = GRASS | ({"vegetation": 0.9} if other.get("vegetation") == 0.85 else {})
    assert (metric(grass, HALF_SHEET | other, Cue.STRUCTURE) >= LOW) == says


POND = {"vegetation": -0.02, "brightness": 0.06, "built": 0.1, "contrast": -0.03, "texture": 0.01, "redness": 0.03}
WHITE = {"vegetation": 0.0, "brightness": 0.25, "built": 0.0, "contrast": 0.16, "texture": 0.06, "redness": 0.03}


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (POND, WHITE, False),
        (POND, WHITE | {"vegetation": 0.15}, True),
        (POND | {"brightness": 0.12}, WHITE, True),
        (POND | {"vegetation": 0.08}, WHITE, True),
    ],
    ids=["glint", "filled up", "a paved yard", "dark ground"],
)
def test_the_glint_of_a_pond_is_no_roof(before, after, says):
    assert (metric(before, after, Cue.STRUCTURE) >= LOW) == says


RED_SOIL = SOIL | {"redness": 0.3, "contrast": 0.03}
CONCRETE = RED_SOIL | {"brightness": 0.155, "contrast": 0.035, "texture": 0.008, "redness": 0.15}


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (RED_SOIL, CONCRETE, True),
        (RED_SOIL, CONCRETE | {"vegetation": 0.3, "redness": -0.1}, True),
        (RED_SOIL, CONCRETE | {"vegetation": 0.3}, False),
        (RED_SOIL, CONCRETE | {"brightness": 0.14}, False),
        (RED_SOIL, CONCRETE | {"redness": 0.25}, False),
        (RED_SOIL | {"redness": 0.15}, CONCRETE | {"redness": 0.0}, False),
    ],
    ids=["concrete", "blue sheet", "grass", "a pond dug", "hardly less red", "grey before"],
)
def test_soil_that_turns_grey_is_built_on(before, after, says):
    assert (metric(before, after, Cue.STRUCTURE) >= LOW) == says


PALE = ROOF | {"brightness": 0.16, "contrast": 0.07, "texture": 0.02, "redness": 0.05}
BLUE = PALE | {"vegetation": 0.4, "redness": -0.2}
RUBBLE = SOIL | {"brightness": 0.15, "contrast": 0.06, "texture": 0.018, "redness": 0.28}


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (PALE, RUBBLE, True),
        (BLUE, RUBBLE, True),
        (PALE | {"redness": 0.2}, RUBBLE | {"redness": 0.4}, False),
        (PALE | {"vegetation": 0.4}, RUBBLE, False),
        (PALE | {"contrast": 0.0}, RUBBLE | {"contrast": 0.0}, False),
        (PALE, RUBBLE | {"contrast": 0.09}, False),
        (PALE, PALE | {"redness": 0.28, "texture": 0.03}, False),
        (PALE, RUBBLE | {"redness": 0.05}, False),
    ],
    ids=[
        "grey roof",
        "blue roof",
        "soil redder still",
        "a green field",
        "nothing that stood out",
        "stands out more",
        "rust",
        "as grey as before",
    ],
)
def test_a_pale_roof_that_gives_way_to_soil_is_told_by_its_colour(before, after, says):
    assert (metric(before, after, Cue.REMOVAL) >= LOW) == says


@QUICK
@given(
    before=st.fixed_dictionaries({n: st.floats(-0.2, 0.3) for n in FOREST}),
    after=st.fixed_dictionaries({n: st.floats(-0.2, 0.3) for n in FOREST}),
)
def test_no_pixel_gains_and_loses_structure_at_once(before, after):
    values = optical_metric(residual(before, after))
    assert not ((values[Cue.STRUCTURE] > 0) & (values[Cue.REMOVAL] > 0)).any()


@QUICK
@given(change=st.fixed_dictionaries({n: st.floats(-8, 8) for n in FOREST}))
def test_a_cue_needs_both_of_its_readings(change):
    """The stronger lends a quarter of what it has beyond 2.5 σ, no more."""
    after = {n: FOREST[n] + change[n] * SIGMA[n] for n in FOREST}
    values = optical_metric(residual(FOREST, after))[:, 0, 0]
    agreement_credit = 0.25 * (8.0 - 2.5)
    assert values[Cue.EXPOSURE] <= max(0.0, -change["vegetation"] + agreement_credit) + 1e-3
    assert values[Cue.EXPOSURE] <= max(0.0, max(change["brightness"], change["built"]) + agreement_credit) + 1e-3
    assert values[Cue.STRUCTURE] <= max(0.0, 0.5 + 1.5 * change["texture"] + agreement_credit) + 1e-3
    assert values[Cue.STRUCTURE] <= abs(change["contrast"]) + 1e-3
    assert values[Cue.REMOVAL] <= max(0.0, 0.5 - 1.5 * change["texture"]) + 1e-3


@pytest.mark.parametrize(
    "change",
    [
        {"brightness": 0.08},
        {"vegetation": 0.15, "brightness": 0.08},
        {"brightness": -0.03, "vegetation": -0.3},
        {"vegetation": -0.4},
        {"texture": 0.02},
        {"contrast": 0.05},
        {"brightness": -0.02, "contrast": -0.02},
    ],
    ids=["haze", "haze on bare ground", "shadow", "withering", "texture alone", "contrast alone", "dark"],
)
@pytest.mark.parametrize("cover", [FOREST, SOIL], ids=["forest", "soil"])
def test_one_reading_alone_moves_nothing(cover, change):
    after = {n: cover[n] + change.get(n, 0.0) for n in cover}
    assert spoken(cover, after) == set()


def test_a_field_that_was_bare_for_a_season_is_no_building_pulled_down():
    bare_now = {**ROOF, "contrast": 0.05}
    assert metric(bare_now, SOIL, Cue.REMOVAL) >= LOW
    assert metric(bare_now, SOIL, Cue.REMOVAL, level={**bare_now, "vegetation": 0.5}) == 0.0


def test_texture_in_standing_vegetation_is_no_building():
    sparkling = {**FOREST, "contrast": 0.1, "texture": 0.05}
    assert metric(FOREST, sparkling, Cue.STRUCTURE) == 0.0


@pytest.mark.parametrize("lacking", ["vegetation", "brightness", "contrast", "texture"])
def test_a_cue_whose_bands_are_lacking_says_nothing(lacking):
    def without(cover):
        return {n: v for n, v in cover.items() if n != lacking}

    values = optical_metric(residual(without(FOREST), without(ROOF)))
    silent = {Cue.EXPOSURE} if lacking in ("vegetation", "brightness") else {Cue.STRUCTURE, Cue.REMOVAL}
    for cue in (Cue.EXPOSURE, Cue.STRUCTURE, Cue.REMOVAL):
        assert np.isnan(values[cue]).all() == (cue in silent)


def test_red_green_blue_alone_still_shows_a_clearing():
    before = {"greenness": 0.2, "brightness": 0.05, "contrast": 0.0, "texture": 0.005}
    after = {"greenness": -0.15, "brightness": 0.15, "contrast": 0.05, "texture": 0.02}
    assert {Cue.EXPOSURE, Cue.STRUCTURE} <= spoken(before, after)


def test_unseen_pixels_say_nothing():
    scene = residual(FOREST, ROOF)
    z, observed = scene.z.copy(), scene.observed.copy()
    z[:, 0, 0] = observed[:, 0, 0] = np.nan
    values = optical_metric(replace(scene, z=z, observed=observed))
    assert np.isnan(values[:, 0, 0]).all()
    assert np.isfinite(values[:, 1:]).all()


@QUICK
@given(vv=st.floats(-10, 10), vh=st.floats(-10, 10))
def test_backscatter_up_is_the_opposite_of_down(vv, vh):
    z = np.stack([np.full(SHAPE, vv), np.full(SHAPE, vh)]).astype(np.float32)
    up, down = radar_metric(Residual(("vv", "vh"), z, z, z, z))
    np.testing.assert_array_equal(up, -down)
    straight = z + np.float32(CueParameters().skew / -6.0) * np.clip(z, -4, 4) ** 2
    np.testing.assert_allclose(up, straight.sum(axis=0) / np.sqrt(2.6), rtol=1e-4, atol=1e-5)
    alone, _ = radar_metric(Residual(("vv",), z[:1], z[:1], z[:1], z[:1]))
    np.testing.assert_allclose(alone, straight[0], rtol=1e-5, atol=1e-6)


def test_even_ground_that_scatters_less_than_foreseen_narrows_sigma_so_far():
    rng = np.random.default_rng(1)
    z = rng.normal(0.0, 0.7, (2, 80, 80)).astype(np.float32)
    everywhere = np.ones((80, 80), bool)
    residual = Residual(("vv", "vh"), z, z, z, z)
    up, _ = radar_metric(residual, stable_mask=everywhere, parameters=CueParameters(skew=0.0))
    assert 0.95 < float(up.std()) < 1.05
    z[:, :10, :10] += 3.0
    stronger, _ = radar_metric(residual, stable_mask=everywhere, parameters=CueParameters(skew=0.0))
    assert float(stronger[:10, :10].mean()) > 4.5
    held, _ = radar_metric(Residual(("vv", "vh"), 0.1 * z, z, z, z), stable_mask=everywhere)
    assert float(held.std()) < 0.5


DAY = date(2024, 7, 1).toordinal()


def known(pairs: int, swing: float = 0.3) -> Baseline:
    """A baseline that has read vegetation from 0.2 to 0.8 and brightness from 0.05 to 0.15, greenest in July."""
    full = np.ones((2, *SHAPE), np.float32)
    low, high = (np.array(v, np.float32)[:, None, None] * full for v in ((0.2, 0.05), (0.8, 0.15)))
    spread = np.array([FLOORS["vegetation"], FLOORS["brightness"]], np.float32)[:, None, None] * full
    coefficients = np.zeros((2, 1 + 2 * pairs, *SHAPE), np.float32)
    coefficients[:, 0] = np.array([0.5, 0.1])[:, None, None]
    if pairs:
        summer = design(np.array([DAY]), 1)[0, 1:]
        coefficients[0, 1:3] = swing * summer[:, None, None]
        coefficients[1, 1:3] = -swing / 6 * summer[:, None, None]
    return Baseline(
        ("vegetation", "brightness"), pairs, coefficients, spread, low, high, np.full(SHAPE, 40, np.int16), np.eye(1)
    )


def is_familiar(vegetation: float, brightness: float, *, day: int, pairs: int = 2) -> bool:
    reading = {"vegetation": vegetation, "brightness": brightness}
    (found,) = np.unique(familiar_mask(residual(reading, reading), known(pairs=pairs), day=day))
    return bool(found)


@pytest.mark.parametrize(
    ("vegetation", "brightness", "expected"),
    [(0.75, 0.06, True), (0.6, 0.08, True), (0.05, 0.06, False), (0.75, 0.2, False), (float("nan"), 0.06, False)],
)
def test_familiar_is_what_was_read_before_at_about_that_time(vegetation, brightness, expected):
    assert is_familiar(vegetation, brightness, day=DAY) is expected
    assert not is_familiar(vegetation, brightness, day=DAY, pairs=0)


@pytest.mark.parametrize(("days", "expected"), [(0, False), (60, False), (120, True), (182, True), (245, True)])
def test_bare_in_winter_does_not_make_bare_in_summer_familiar(days, expected):
    assert is_familiar(0.25, 0.14, day=DAY + days) is expected


@QUICK
@given(day=st.integers(0, 365), vegetation=st.floats(0.2, 0.8), brightness=st.floats(0.05, 0.15))
def test_familiar_repeats_every_year(day, vegetation, brightness):
    years = [is_familiar(vegetation, brightness, day=DAY + day + shift) for shift in (0, 1461)]
    assert years[0] == years[1]
