"""What one acquisition says: for what, by how much at most, and of which ground nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.acquisition import OPTICAL, RADAR
from detectors.evidence.belief import BeliefParameters
from detectors.evidence.emission import (
    EmissionParameters,
    hold,
    hold_plain,
    log_ratios,
    measure_calm,
    measure_null,
    ratios_over,
    ratios_over_plain,
)
from detectors.evidence.signatures import (
    CLASSES,
    ONE_SCENE,
    PLACES,
    SEASONS,
    UNCHANGED,
    Signature,
    SignatureTable,
    load_signatures,
)

SIDE = 60
SHAPE = (SIDE, SIDE)
EVERYWHERE = np.ones(SHAPE, bool)
BLOCK = np.zeros(SHAPE, bool)
BLOCK[20:40, 20:40] = True
FITTED = load_signatures()
P = EmissionParameters()
SCALES = {SEASONS: 1, ONE_SCENE: 1 + len(P.places_px)}
MOST = -np.log(P.least_false)
KINDS = ((OPTICAL, SEASONS), (OPTICAL, ONE_SCENE), (RADAR, SEASONS))
QUICK = settings(deadline=None, max_examples=15, derandomize=True)
BANDS = FITTED.features[OPTICAL]

# Three kinds of change, each along a feature of its own, and places whose pixels lie anywhere around them.
PLAIN = ("a", "b", "c")


def plain_table(*, lacking: tuple[str, ...] = ()) -> SignatureTable:
    rows = {UNCHANGED: Signature(np.zeros(3), 0.4 * np.eye(3))}
    rows |= {name: Signature(3.0 * np.eye(3)[n], 0.3 * np.eye(3)) for n, name in enumerate(CLASSES)}
    rows |= {name: Signature(0.8 * np.eye(3)[n], 1.2 * np.eye(3)) for n, name in enumerate(PLACES)}
    some = {(OPTICAL, h, g): row for g, row in rows.items() if g not in lacking for h in (SEASONS, ONE_SCENE)}
    return SignatureTable({OPTICAL: PLAIN}, some, {}, {})


def quiet(sensor: str, history: str, *, table: SignatureTable = FITTED, seed: int = 1, side: int = SIDE) -> np.ndarray:
    """asinh(z) of ground that the table calls unchanged, (feature, y, x)."""
    row = table.row(sensor, history, UNCHANGED)
    drawn = np.random.default_rng(seed).multivariate_normal(row.mean, row.covariance, (side, side))
    return np.moveaxis(drawn, -1, 0)


def said(
    x: np.ndarray,
    sensor: str = OPTICAL,
    history: str = SEASONS,
    *,
    table: SignatureTable = FITTED,
    names: tuple[str, ...] | None = None,
    stable_mask: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    forward, turned, *_ = log_ratios(
        np.sinh(x).astype(np.float32),
        names or table.features[sensor],
        sensor=sensor,
        history=history,
        stable_mask=np.ones(x.shape[1:], bool) if stable_mask is None else stable_mask,
        resolution_px=1.0,
        table=table,
    )
    return forward, turned


def with_block(
    ground: str, sensor: str = OPTICAL, history: str = SEASONS, *, table: SignatureTable = FITTED
) -> np.ndarray:
    """Quiet ground, but for a block that looks as the mean of a row."""
    x = quiet(sensor, history, table=table)
    x[:, BLOCK] = table.row(sensor, history, ground).mean[:, None]
    return x


def of_block(
    x: np.ndarray, sensor: str = OPTICAL, history: str = SEASONS, *, table: SignatureTable = FITTED
) -> np.ndarray:
    """What is said of each class on the pixels of the block, (class,)."""
    ratios = said(x, sensor, history, table=table, stable_mask=~BLOCK)[0][0, : len(CLASSES)]
    return np.median(ratios[:, BLOCK], axis=1)


# -- what is said ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(CLASSES)), ids=CLASSES)
def test_what_looks_like_a_row_speaks_for_its_class_and_against_the_others(number):
    table = plain_table()
    values = of_block(with_block(CLASSES[number], table=table), table=table)
    assert values[number] > 0
    assert (np.delete(values, number) < 0).all()


TOLD_APART = [
    *((OPTICAL, history, ground) for history in (SEASONS, ONE_SCENE) for ground in CLASSES),
    (RADAR, SEASONS, "built"),
    (RADAR, SEASONS, "removed"),
]


@pytest.mark.parametrize(("sensor", "history", "ground"), TOLD_APART)
def test_the_fitted_table_tells_its_own_rows_apart(sensor, history, ground):
    """By radar, bared ground is told from none; after one scene ranks say how rare it is, for either class of gains."""
    values = of_block(with_block(ground, sensor, history), sensor, history)
    own = values[CLASSES.index(ground)]
    assert own > 0
    assert own == values.max()
    others = [n for n, name in enumerate(CLASSES) if (name == "removed") != (ground == "removed")]
    assert (values[others] < own).all()
    assert history == ONE_SCENE or (values[others] < 0).all()


@pytest.mark.parametrize(("sensor", "history"), [(OPTICAL, SEASONS), (RADAR, SEASONS)])
def test_what_looks_as_ever_speaks_against_every_change(sensor, history):
    assert (of_block(with_block(UNCHANGED, sensor, history), sensor, history) < 0).all()


@pytest.mark.parametrize(("sensor", "history"), KINDS)
def test_shapes_and_kinds_of_numbers(sensor, history):
    forward, turned = said(quiet(sensor, history), sensor, history)
    for values in (forward, turned):
        spoken_of = len(CLASSES) + (history == SEASONS)  # and of water
        assert values.shape == (SCALES[history], spoken_of, *SHAPE)
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
    assert turned.any() == (history == ONE_SCENE), "after a history nothing is turned"


def test_a_place_of_mixed_pixels_speaks_though_its_pixels_do_not():
    """Each pixel is as likely a quiet one; that so many lean the same way is not."""
    table, rng = plain_table(), np.random.default_rng(5)
    row = table.row(OPTICAL, ONE_SCENE, "built place")
    x = quiet(OPTICAL, ONE_SCENE, table=table)
    x[:, BLOCK] = rng.multivariate_normal(row.mean, row.covariance, int(BLOCK.sum())).T
    values = said(x, history=ONE_SCENE, table=table, stable_mask=~BLOCK)[0][:, CLASSES.index("built")]
    middle = values[:, 26:34, 26:34].reshape(len(values), -1)
    calm = values[:, :8, :8].reshape(len(values), -1)
    least = BeliefParameters().rank_told
    assert np.median(middle[0]) < least, "half of its pixels by themselves are not held to have changed"
    assert middle[1:].max(axis=0).min() >= least, "the place says it of every one of them"
    assert (calm[1:] < 0.5 * least).all()


def test_a_class_without_a_row_is_not_spoken_of():
    table = plain_table(lacking=("removed",))
    x = with_block("built", table=table)
    np.testing.assert_allclose(said(x, table=table)[0][0, CLASSES.index("removed")], 0.0, atol=1e-5)


@pytest.mark.parametrize(("sensor", "history"), KINDS)
def test_the_lead_says_which_of_the_gains_it_rather_is(sensor, history):
    leads = {}
    for ground in ("built", "cleared"):
        z = np.sinh(with_block(ground, sensor, history)).astype(np.float32)
        z[:, 0, 0] = np.nan
        *_, lead = log_ratios(
            z,
            FITTED.features[sensor],
            sensor=sensor,
            history=history,
            stable_mask=~BLOCK,
            resolution_px=1.0,
            table=FITTED,
        )
        assert lead.shape == SHAPE
        assert np.isnan(lead[0, 0])
        leads[ground] = float(np.median(lead[BLOCK]))
    assert leads["cleared"] < 0 < leads["built"]


# -- how much is said -----------------------------------------------------------------------------------------------


@QUICK
@given(seed=st.integers(0, 999), strength=st.floats(0.1, 6.0), kind=st.sampled_from(KINDS))
def test_no_acquisition_says_more_than_its_least_share_allows(seed, strength, kind):
    """Nor less than the floor, whatever was measured."""
    x = strength * np.random.default_rng(seed).normal(size=quiet(*kind).shape)
    forward, turned = said(x, *kind)
    assert max(forward.max(), turned.max()) <= MOST + 1e-3
    assert forward.min() >= (0.0 if kind[1] == ONE_SCENE else np.log(P.floor) - 1e-3)


def test_what_much_quiet_ground_says_too_is_held_by_its_share():
    x = with_block("built")
    strange = np.random.default_rng(3).random(SHAPE) < 0.1
    x[:, strange] = FITTED.row(OPTICAL, SEASONS, "built").mean[:, None]
    built = CLASSES.index("built")
    few, many = (said(with_block("built"), stable_mask=~BLOCK), said(x, stable_mask=~BLOCK))
    share = (strange & ~BLOCK).sum() / (~BLOCK).sum()
    assert many[0][0, built][BLOCK].max() <= -np.log(0.9 * share)
    assert of_block(x)[built] < np.median(few[0][0, built][BLOCK])


STRONG = {
    "built": {"vegetation": -20, "built": 7, "redness": -1.2, "brightness": 43, "contrast": 32, "texture": 40},
    "cleared": {"vegetation": -17, "built": 11, "redness": 1.4, "brightness": 16, "contrast": 15, "texture": 14},
}


@pytest.mark.parametrize("ground", STRONG)
def test_what_is_held_by_its_share_still_tells_a_roof_from_bare_ground(ground):
    """z of a wood that went, in a restless scene: three such must outweigh a prior of two to one, tempered."""
    x = 1.6 * quiet(OPTICAL, SEASONS)
    x[BANDS.index("greenness")] = np.nan
    for name, z in STRONG[ground].items():
        x[BANDS.index(name)][BLOCK] = np.arcsinh(z)
    values = of_block(x)
    other = "cleared" if ground == "built" else "built"
    assert values[CLASSES.index(ground)] > values[CLASSES.index(other)] + 0.5


@pytest.mark.parametrize(("sensor", "history"), [(OPTICAL, SEASONS), (RADAR, SEASONS)])
def test_a_scene_that_scatters_says_less(sensor, history):
    calm = with_block("built", sensor, history)
    restless = np.where(BLOCK, calm, 2.5 * calm)
    built = CLASSES.index("built")
    assert of_block(restless, sensor, history)[built] < of_block(calm, sensor, history)[built]


def test_ground_of_known_events_does_not_set_the_null():
    x = with_block("built")
    x[:, :, :25] = FITTED.row(OPTICAL, SEASONS, "built").mean[:, None, None]
    apart = np.ones(SHAPE, bool)
    apart[:, :25] = False
    built = CLASSES.index("built")
    known, unknown = (said(x, stable_mask=mask)[0][0, built][:, :25] for mask in (apart & ~BLOCK, EVERYWHERE))
    assert np.median(known) > np.median(unknown)


# -- which bands ----------------------------------------------------------------------------------------------------


@QUICK
@given(kept=st.sets(st.sampled_from(BANDS), min_size=1), history=st.sampled_from([SEASONS, ONE_SCENE]))
def test_any_set_of_bands_will_do(kept, history):
    """Left out, unseen, or not in the table at all: a feature that is lacking drops out with its row and column."""
    names = tuple(n for n in BANDS if n in kept)
    at = np.array([BANDS.index(n) for n in names])
    whole = with_block("built", OPTICAL, history)
    unseen = np.full_like(whole, np.nan)
    unseen[at] = whole[at]
    rows = {
        key: Signature(row.mean[at], row.covariance[np.ix_(at, at)])
        for key, row in FITTED.rows.items()
        if key[0] == OPTICAL
    }
    features: Mapping[str, tuple[str, ...]] = {OPTICAL: names}
    narrow = SignatureTable(features, rows, {}, {})
    left_out = said(whole[at], OPTICAL, history, names=names)
    for other in (said(unseen, OPTICAL, history), said(whole[at], OPTICAL, history, table=narrow)):
        for one, two in zip(left_out, other, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-3, atol=2e-3)
    assert np.isfinite(left_out[0]).all()


def test_the_order_of_bands_and_bands_that_no_row_knows_do_not_matter():
    x = with_block("built")
    order = np.random.default_rng(2).permutation(len(BANDS))
    names = (*(BANDS[n] for n in order), "moisture")
    more = np.concatenate([x[order], np.full((1, *SHAPE), 9.0)])
    assert np.array_equal(said(x)[0], said(more, names=names)[0])


def test_red_green_blue_alone_still_show_a_roof():
    names = ("greenness", "brightness", "redness", "contrast", "texture")
    at = [BANDS.index(n) for n in names]
    values, _ = said(with_block("built")[at], names=names, stable_mask=~BLOCK)
    assert np.median(values[0, CLASSES.index("built")][BLOCK]) > 0


# -- what was not seen ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sensor", "history"), KINDS)
def test_pixels_that_were_not_seen_say_nothing(sensor, history):
    x, cloud = quiet(sensor, history), np.zeros(SHAPE, bool)
    cloud[:, :40] = True
    x[:, cloud] = np.nan
    values, _ = said(x, sensor, history)
    assert np.array_equal(np.isnan(values[0]), np.broadcast_to(cloud, values[0].shape))
    assert np.isnan(values[:, :, :, 0]).all(), "nor do places of which nothing was seen"
    assert np.isfinite(values[:, :, :, -1]).all()


@pytest.mark.parametrize(("sensor", "history"), [(OPTICAL, SEASONS), (RADAR, SEASONS)])
def test_an_acquisition_of_nothing_but_cloud_says_nothing(sensor, history):
    assert np.isnan(said(np.full_like(quiet(sensor, history), np.nan), sensor, history)[0]).all()


def test_with_too_little_ground_to_rank_against_pixels_not_seen_stay_unseen():
    x, few = quiet(OPTICAL, ONE_SCENE), np.zeros(SHAPE, bool)
    few[:5, :5] = True
    x[:, BLOCK] = np.nan
    values, _ = said(x, OPTICAL, ONE_SCENE, stable_mask=few)
    assert not values[0][:, ~BLOCK].any()
    assert np.isnan(values[0][:, BLOCK]).all()


def test_with_no_quiet_ground_to_measure_nothing_is_said():
    values, _ = said(with_block("built"), stable_mask=~EVERYWHERE)
    np.testing.assert_allclose(values[0], 0.0, atol=1e-5)


# -- after one scene ------------------------------------------------------------------------------------------------


def mirrored() -> np.ndarray:
    """Ground on which as much went one way as the other, so that nothing but chance can be seen."""
    x = quiet(OPTICAL, ONE_SCENE)
    return np.concatenate([x, -x], axis=2)


@pytest.mark.parametrize("rank", [1.0, 2.0, 3.0, 4.0])
def test_a_rank_is_the_logarithm_of_the_share_that_chance_brings(rank):
    values, _ = said(mirrored(), OPTICAL, ONE_SCENE)
    share = (values[0] >= rank).mean(axis=(1, 2))
    assert share == pytest.approx(np.exp(-rank), rel=0.1)


def test_where_before_and_after_are_alike_the_turned_acquisition_says_the_same():
    forward, turned = said(mirrored(), OPTICAL, ONE_SCENE)
    np.testing.assert_allclose(forward[0][..., :SIDE], turned[0][..., SIDE:], atol=1e-4)
    np.testing.assert_allclose(forward[0][..., SIDE:], turned[0][..., :SIDE], atol=1e-4)


def test_before_and_after_swapped_swaps_what_is_said_and_what_is_turned():
    x = with_block("built", OPTICAL, ONE_SCENE)
    (forward, turned), (back, back_turned) = said(x, OPTICAL, ONE_SCENE), said(-x, OPTICAL, ONE_SCENE)
    for one, two in ((forward, back_turned), (turned, back)):
        assert np.abs(one[0] - two[0]).mean() < 0.1 * np.abs(one[0]).mean()


# -- repeatability --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sensor", "history"), KINDS)
def test_the_same_acquisition_says_the_same_and_is_left_as_it_was(sensor, history):
    z = np.sinh(with_block("built", sensor, history)).astype(np.float32)
    z[:, 3, 3] = np.nan
    kept, more = z.copy(), {"sensor": sensor, "history": history, "stable_mask": EVERYWHERE, "resolution_px": 1.0}
    first, again = (log_ratios(z, FITTED.features[sensor], table=FITTED, **more) for _ in range(2))
    for one, two in zip(first, again, strict=True):
        assert np.array_equal(one, two, equal_nan=True)
    assert np.array_equal(z, kept, equal_nan=True)


def test_a_coarse_product_has_places_as_large_on_the_ground():
    """A window counts native pixels, so that a block fills a smaller part of it."""
    z = np.sinh(with_block("built", OPTICAL, ONE_SCENE)).astype(np.float32)
    more: dict[str, Any] = {"sensor": OPTICAL, "history": ONE_SCENE, "stable_mask": ~BLOCK, "table": FITTED}
    fine, coarse = (log_ratios(z, BANDS, resolution_px=r, **more)[0] for r in (1.0, 2.0))
    assert np.array_equal(fine[0], coarse[0])
    built, near = CLASSES.index("built"), np.s_[30, 12]
    assert fine[1, built][near] < coarse[1, built][near], "what lies eight pixels off is in the larger window alone"


# -- the compiled form ----------------------------------------------------------------------------------------------


@QUICK
@given(seed=st.integers(0, 999), kind=st.sampled_from(KINDS), width=st.sampled_from([40, 700]))
def test_the_compiled_densities_agree_with_the_plain_ones(seed, kind, width):
    """Whichever features are missing, by pixels or altogether, in strips of one kind of ground and of many."""
    rng, (sensor, history) = np.random.default_rng(seed), kind
    names = FITTED.features[sensor]
    z = (3 * rng.standard_t(2, (len(names), 25, width))).astype(np.float32)
    z[rng.random(z.shape) < rng.choice([0.0, 0.02, 0.3])] = np.nan
    z[:, rng.random(z.shape[1:]) < 0.2] = np.nan
    if sensor == OPTICAL and rng.random() < 0.5:
        z, names = z[[0, 2, 3, 5, 6]], tuple(names[n] for n in (0, 2, 3, 5, 6))
    stable_mask = rng.random(z.shape[1:]) < 0.8
    null = measure_null(z, names, sensor=sensor, history=history, stable_mask=stable_mask, table=FITTED)
    ratios, plain = (form(z, names, null, resolution_px=1.0, table=FITTED) for form in (ratios_over, ratios_over_plain))
    np.testing.assert_allclose(ratios, plain, rtol=1e-5, atol=1e-4)
    if history != SEASONS:
        return
    calm = measure_calm(ratios[0], null, stable_mask=stable_mask, table=FITTED)
    held = hold_plain(ratios[0], known=calm.known, stable_mask=stable_mask)
    np.testing.assert_allclose(hold(ratios[0], calm), held, atol=1e-5)


def test_a_table_of_more_features_than_are_compiled_is_refused():
    names = tuple("abcdefgh")
    wide = SignatureTable({OPTICAL: names}, {}, {}, {})
    z = np.zeros((8, 20, 20), np.float32)
    with pytest.raises(ValueError, match="at most 7 features"):
        log_ratios(
            z,
            names,
            sensor=OPTICAL,
            history=SEASONS,
            stable_mask=np.ones((20, 20), bool),
            resolution_px=1.0,
            table=wide,
        )
