"""The filter over states: what time does, what acquisitions add, what takes it back, and what is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.acquisition import OPTICAL, RADAR
from detectors.evidence.belief import (
    BUILT,
    CLEARED,
    REMOVED,
    SENSORS,
    STATES,
    BeliefParameters,
    Evidence,
    add_ranks,
    add_ratios,
    add_ratios_plain,
    clear_evidence,
    held_mask,
    log_odds,
    no_evidence,
    ranks_of,
    sensor_gain,
    settle_ranks,
)
from detectors.evidence.emission import EmissionParameters
from detectors.evidence.signatures import CLASSES

SHAPE = (4, 5)
DAY = 739_000
P = BeliefParameters()
MOST = float(-np.log(EmissionParameters().least_false))
LEAST = float(np.log(EmissionParameters().floor))
QUICK = settings(deadline=None, max_examples=40, derandomize=True)
NOTHING = np.zeros(SHAPE, bool)
PRIOR = log_odds(no_evidence(SHAPE))[:, 0, 0]
SCALES = 1 + len(EmissionParameters().places_px)
RATIOS = st.one_of(st.floats(LEAST, MOST), st.just(float("nan")))
ANY = st.lists(
    st.tuples(st.tuples(RATIOS, RATIOS, RATIOS), st.integers(0, 400), st.sampled_from(SENSORS)),
    min_size=1,
    max_size=10,
)


def ratios(*said: float) -> np.ndarray:
    """What an acquisition says of the three classes, the same on every pixel."""
    return np.broadcast_to(np.array(said, np.float32)[:, None, None], (len(CLASSES), *SHAPE)).copy()


def of_class(number: int, value: float, *, otherwise: float = 0.0) -> np.ndarray:
    return ratios(*(value if n == number else otherwise for n in range(len(CLASSES))))


def fed(
    said: Sequence[np.ndarray], *, sensor: str = OPTICAL, step: int = 10, start: Evidence | None = None, day: int = DAY
) -> Evidence:
    """What is believed after acquisitions some days apart."""
    evidence = start or no_evidence(SHAPE)
    for n, one in enumerate(said):
        evidence = add_ratios(evidence, one, sensor=sensor, day=day + n * step)
    return evidence


def with_ranks(evidence: Evidence, ranks: np.ndarray, turned: np.ndarray, *, day: int) -> Evidence:
    """What is believed after one acquisition more that was ranked; it says built rather than cleared by a nat."""
    return add_ranks(evidence, ranks, turned, np.ones(SHAPE, np.float32), day=day)


def same(a: Evidence, b: Evidence) -> bool:
    return all(np.array_equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(Evidence))


def pixel(values: np.ndarray) -> np.ndarray:
    """The one value that all pixels have."""
    first = values[..., :1, :1]
    np.testing.assert_allclose(values, np.broadcast_to(first, values.shape), rtol=1e-5)
    return first[..., 0, 0]


UNSEEN = np.full((len(CLASSES), *SHAPE), np.nan, np.float32)


def wet(*said: float, water: float) -> np.ndarray:
    """What an acquisition says of the three classes, and of water after them."""
    return np.concatenate([ratios(*said), np.full((1, *SHAPE), water, np.float32)])


# -- probabilities and time -----------------------------------------------------------------------------------------


@QUICK
@given(history=ANY)
def test_probabilities_add_up_to_one_and_stay_sound(history):
    evidence, day = no_evidence(SHAPE), DAY
    for said, passed, sensor in history:
        day += passed
        evidence = add_ratios(evidence, ratios(*said), sensor=sensor, day=day)
        assert (evidence.probability >= 0).all()
        np.testing.assert_allclose(evidence.probability.sum(axis=1), 1.0, atol=1e-4)
        assert np.isfinite(log_odds(evidence)).all()
        assert evidence.since.max() <= day
        assert evidence.probability.dtype == np.float32


def test_before_any_acquisition_nothing_is_held():
    evidence = no_evidence(SHAPE)
    assert evidence.shape == SHAPE
    assert not held_mask(evidence).any()
    assert (log_odds(evidence) < 0).all()


@QUICK
@given(first=st.integers(0, 800), second=st.integers(0, 800), said=st.tuples(*[st.floats(LEAST, MOST)] * 3))
def test_time_passes_alike_in_one_step_and_in_two(first, second, said):
    start = fed([ratios(*said)])
    at_once = add_ratios(start, UNSEEN, sensor=OPTICAL, day=DAY + first + second)
    stop = add_ratios(start, UNSEEN, sensor=OPTICAL, day=DAY + first)
    in_two = add_ratios(stop, UNSEEN, sensor=OPTICAL, day=DAY + first + second)
    np.testing.assert_allclose(at_once.probability, in_two.probability, rtol=1e-3, atol=1e-6)


def test_clouds_change_nothing_but_the_time():
    one = fed([of_class(BUILT, 4.0)])
    cloud = add_ratios(one, UNSEEN, sensor=OPTICAL, day=DAY)
    np.testing.assert_allclose(cloud.probability, one.probability, rtol=1e-5)
    assert np.array_equal(cloud.since, one.since)
    hidden = of_class(BUILT, 4.0)
    hidden[..., 1, 1] = np.nan
    half = fed([hidden])
    assert np.array_equal(np.isclose(half.probability[0, -2], no_evidence(SHAPE).probability[0, -2]), at(1, 1))


def at(row: int, column: int) -> np.ndarray:
    mask = NOTHING.copy()
    mask[row, column] = True
    return mask


def test_what_is_believed_of_a_building_outlasts_what_is_believed_of_a_clearing():
    """Ground that was bared grows over or is built on; what is built stays."""
    left = []
    for number in (CLEARED, BUILT):
        told = fed([of_class(number, 6.0)] * 3)
        later = add_ratios(told, UNSEEN, sensor=OPTICAL, day=DAY + 20 + 2 * 365)
        state = STATES.index(CLASSES[number])
        left.append(float(pixel(later.probability[0, state]) / pixel(told.probability[0, state])))
    assert left[0] < left[1]


def test_an_anomaly_passes_in_weeks():
    strange = fed([of_class(BUILT, 2.0)])
    anomaly = STATES.index("anomaly")
    assert pixel(strange.probability[0, anomaly]) > pixel(no_evidence(SHAPE).probability[0, anomaly])
    weeks = add_ratios(strange, UNSEEN, sensor=OPTICAL, day=DAY + 120)
    assert pixel(weeks.probability[0, anomaly]) < pixel(strange.probability[0, anomaly])


@pytest.mark.parametrize("number", range(len(CLASSES)), ids=CLASSES)
def test_what_comes_and_goes_within_weeks_is_not_told(number):
    """Dust, wet soil or a field that was burnt: an acquisition or two show it, the next ones do not."""
    strange, calm = of_class(number, 3.0, otherwise=-2.0), ratios(LEAST, LEAST, LEAST)
    evidence = fed([strange, strange, calm, calm, calm])
    assert not held_mask(evidence).any()
    assert (log_odds(evidence) < 0).all()


# -- acquisitions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(CLASSES)), ids=CLASSES)
def test_one_acquisition_tells_little_and_three_that_agree_tell(number):
    odds = [pixel(log_odds(fed([of_class(number, 0.9 * MOST, otherwise=-1.0)] * n)))[number] for n in (1, 2, 3)]
    assert odds[0] < 0, "likelier unchanged than not"
    assert odds[0] < odds[1] < odds[2]
    assert odds[2] > 0


@QUICK
@given(said=st.lists(st.floats(0.1, MOST), min_size=1, max_size=8), number=st.sampled_from(range(3)))
def test_what_agrees_is_named_by_what_it_says(said, number):
    odds = pixel(log_odds(fed([of_class(number, v, otherwise=-1.0) for v in said]))) - PRIOR
    assert odds.argmax() == number
    assert odds[number] > 0


@QUICK
@given(more=st.integers(1, 6), number=st.sampled_from(range(3)))
def test_acquisitions_that_look_unchanged_pull_it_back(more, number):
    told = fed([of_class(number, 5.0)] * 3)
    calm = fed([ratios(LEAST, LEAST, LEAST)] * more, start=told, day=DAY + 30)
    assert (log_odds(calm)[number] < log_odds(told)[number]).all()
    many = fed([ratios(LEAST, LEAST, LEAST)] * 8, start=told, day=DAY + 30)
    assert not held_mask(many).any()


@QUICK
@given(low=st.floats(LEAST, MOST), more=st.floats(0.1, 3.0), number=st.sampled_from(range(3)))
def test_more_for_a_class_never_makes_it_less_likely(low, more, number):
    less, greater = (fed([of_class(number, min(v, MOST + 3.0))]) for v in (low, low + more))
    odds = [pixel(log_odds(one))[number] for one in (less, greater)]
    assert odds[0] <= odds[1] + 1e-4


def test_bared_ground_that_is_built_on_is_built():
    bared = fed([of_class(CLEARED, 5.0, otherwise=-2.0)] * 3)
    built = fed([of_class(BUILT, 5.0, otherwise=-2.0)] * 6, start=bared, day=DAY + 90)
    assert pixel(log_odds(bared)).argmax() == CLEARED
    assert pixel(log_odds(built)).argmax() == BUILT


# -- sensors --------------------------------------------------------------------------------------------------------


@QUICK
@given(optical=st.tuples(*[st.floats(LEAST, MOST)] * 3), radar=st.tuples(*[st.floats(LEAST, MOST)] * 3))
def test_sensors_add_up(optical, radar):
    by_optics, by_radar = fed([ratios(*optical)]), fed([ratios(*radar)], sensor=RADAR)
    both = fed([ratios(*radar)], sensor=RADAR, start=by_optics)
    gains = [pixel(log_odds(one)) - PRIOR for one in (by_optics, by_radar, both)]
    np.testing.assert_allclose(gains[0] + gains[1], gains[2], atol=1e-3)


@pytest.mark.parametrize(("sensor", "other"), [SENSORS, SENSORS[::-1]])
def test_a_sensor_moves_only_its_own_belief(sensor, other):
    evidence = fed([of_class(BUILT, 6.0)] * 2, sensor=sensor)
    assert held_mask(evidence, sensor=sensor).all()
    assert not held_mask(evidence, sensor=other).any()
    assert held_mask(evidence).all()
    assert (sensor_gain(evidence, sensor)[BUILT] >= P.told).all()
    np.testing.assert_allclose(sensor_gain(evidence, other)[BUILT], 0.0, atol=1e-5)
    assert evidence.updated[SENSORS.index(sensor)] == DAY + 10
    assert evidence.updated[SENSORS.index(other)] == 0


# -- days -----------------------------------------------------------------------------------------------------------


def test_a_class_is_held_since_the_acquisition_with_which_it_began():
    evidence = fed([ratios(0, 0, 0), *[of_class(BUILT, 6.0, otherwise=-2.0)] * 3])
    assert (evidence.since[0, BUILT] == DAY + 10).all()
    assert not evidence.since[0, REMOVED].any()


def test_what_was_lost_begins_anew():
    there, gone = of_class(BUILT, 6.0), ratios(LEAST, LEAST, LEAST)
    lost = fed([there, *[gone] * 6])
    assert not lost.since.any()
    again = fed([there] * 3, start=lost, day=DAY + 200)
    assert again.since[0, BUILT].min() >= DAY + 200


def test_each_pixel_has_a_day_of_its_own():
    first = of_class(BUILT, 6.0)
    first[:, :2] = 0.0
    evidence = fed([first, *[of_class(BUILT, 6.0)] * 2])
    assert (evidence.since[0, BUILT, 2:] == DAY).all()
    assert (evidence.since[0, BUILT, :2] == DAY + 10).all()


# -- clearing -------------------------------------------------------------------------------------------------------


def full() -> Evidence:
    """Evidence of both sensors, and ranks."""
    evidence = fed([of_class(BUILT, 6.0)] * 2, start=fed([of_class(BUILT, 6.0)] * 2, sensor=RADAR))
    return with_ranks(evidence, of_built(7.0), ranks(1, 1, 1), day=DAY + 30)


@pytest.mark.parametrize("sensors", [SENSORS, (OPTICAL,), (RADAR,)], ids=", ".join)
def test_clearing_begins_anew_where_and_for_whom_it_is_told_to(sensors):
    evidence, where, start = full(), at(1, 2), no_evidence(SHAPE)
    cleared = clear_evidence(evidence, where, sensors=sensors)
    for n, sensor in enumerate(SENSORS):
        expected = start if sensor in sensors else evidence
        assert np.array_equal(cleared.probability[n][..., where], expected.probability[n][..., where])
        assert np.array_equal(cleared.since[n][..., where], expected.since[n][..., where])
    expected = start if OPTICAL in sensors else evidence
    assert np.array_equal(cleared.ranks[..., where], expected.ranks[..., where]), "ranks are of optics"
    assert np.array_equal(cleared.ranked[where], expected.ranked[where])
    assert np.array_equal(cleared.lead[where], expected.lead[where])
    for f in fields(Evidence):
        now, then = getattr(cleared, f.name), getattr(evidence, f.name)
        assert now.dtype == then.dtype
        if f.name != "updated":
            assert np.array_equal(now[..., ~where], then[..., ~where])


def test_clearing_nothing_changes_nothing():
    assert same(clear_evidence(full(), NOTHING), full())


@pytest.mark.parametrize("years", [1, 5, 20])
def test_years_without_a_look_are_no_evidence(years):
    """Corners of a frame that no image reaches were told as construction: time alone had made it likelier."""
    evidence = no_evidence(SHAPE)
    unseen = np.full((len(CLASSES), *SHAPE), np.nan, np.float32)
    for n in range(years * 30):
        evidence = add_ratios(evidence, unseen, sensor=OPTICAL, day=DAY + 12 * n)
    assert not held_mask(evidence).any()
    assert not evidence.since.any()
    assert (log_odds(evidence) <= log_odds(no_evidence(SHAPE)) + 1e-4).all()
    assert sensor_gain(evidence, OPTICAL).max() <= 1e-4


# -- ranks after one scene ------------------------------------------------------------------------------------------


def ranks(*said: float, place: Sequence[float] = (0.0, 0.0, 0.0)) -> np.ndarray:
    """What an acquisition after one scene says: of pixels, and of the places around them."""
    return np.stack([ratios(*said), *(ratios(*place) for _ in range(SCALES - 1))])


def of_built(rank: float, *, place: float = 0.0) -> np.ndarray:
    return ranks(0.0, rank, 0.0, place=(0.0, place, 0.0))


def ranked(values: Sequence[float], *, place: float = 0.0) -> Evidence:
    evidence = no_evidence(SHAPE)
    for n, value in enumerate(values):
        said = of_built(value, place=place)
        evidence = with_ranks(evidence, said, ranks(0.5, 0.5, 0.5), day=DAY + 10 * n)
    return evidence


@QUICK
@given(values=st.lists(st.floats(0, MOST), min_size=1, max_size=6))
def test_ranks_are_averaged_and_do_not_add_up(values):
    """All rest on the same first scene: what that showed strangely is strange in each of them."""
    evidence = ranked(values)
    np.testing.assert_allclose(ranks_of(evidence).whole[BUILT], np.mean(values), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ranks_of(evidence).turned, 0.5, rtol=1e-5)
    np.testing.assert_allclose(evidence.lead, len(values), err_msg="the lead adds up, and is averaged where it is read")
    assert (evidence.ranked == len(values)).all()
    assert held_mask(evidence, sensor=OPTICAL).all() == (np.mean(values) >= P.rank_told)
    np.testing.assert_array_equal(evidence.probability, no_evidence(SHAPE).probability)


def test_an_acquisition_that_did_not_see_a_pixel_is_not_averaged_in():
    hidden = of_built(6.5)
    hidden[..., 1, 2] = np.nan
    evidence = with_ranks(ranked([6.5]), hidden, hidden, day=DAY + 10)
    assert np.array_equal(evidence.ranked, np.where(at(1, 2), 1, 2))
    np.testing.assert_allclose(ranks_of(evidence).whole[BUILT], 6.5, rtol=1e-5)
    np.testing.assert_allclose(evidence.lead, evidence.ranked)


def test_a_place_lends_to_the_ranks_of_its_pixels_only_what_is_rare():
    plain = ranks_of(ranked([2.0])).whole[BUILT]
    lending = ranks_of(ranked([2.0], place=P.rank_place + 2.0))
    np.testing.assert_allclose(lending.lent[BUILT], 2.0, rtol=1e-5)
    np.testing.assert_array_equal(ranks_of(ranked([2.0], place=P.rank_place)).whole[BUILT], plain)
    np.testing.assert_allclose(lending.whole[BUILT], plain + 2.0)
    np.testing.assert_array_equal(lending.own[BUILT], plain)


def test_ground_that_does_not_rank_itself_borrows_nothing():
    """What lies beside a change, within its window, takes no part in it."""
    beside = ranks_of(ranked([P.rank_place - 0.1], place=P.rank_place + 2.0))
    np.testing.assert_allclose(beside.lent[BUILT], 2.0, rtol=1e-5)
    np.testing.assert_array_equal(beside.whole[BUILT], beside.own[BUILT])


def test_a_larger_place_lends_only_where_the_smaller_ranks():
    for smaller, lent in ((P.rank_place - 0.1, 0.0), (P.rank_place, 3.0)):
        said = np.zeros((3, len(CLASSES), *SHAPE), np.float32)
        said[:, BUILT] = np.array([2.0, smaller, P.rank_place + 3.0], np.float32)[:, None, None]
        evidence = add_ranks(no_evidence(SHAPE), said, np.zeros_like(said), np.ones(SHAPE, np.float32), day=DAY)
        np.testing.assert_allclose(ranks_of(evidence).lent[BUILT], lent, rtol=1e-5)


def test_ranks_count_as_a_gain_of_optics():
    evidence = ranked([P.rank_told + 1.0])
    assert (sensor_gain(evidence, OPTICAL)[BUILT] >= P.told).all()
    assert (sensor_gain(evidence, RADAR)[BUILT] < P.told).all()


@pytest.mark.parametrize(("rank", "is_believed"), [(P.rank_told - 0.1, False), (P.rank_told + 0.1, True)])
def test_ranks_settle_once_there_is_a_history(rank, is_believed):
    before = ranked([rank, rank])
    settled = settle_ranks(before)
    assert not settled.ranks.any()
    assert not settled.ranked.any()
    assert not settled.lead.any()
    np.testing.assert_allclose(settled.probability.sum(axis=1), 1.0, atol=1e-5)
    gained = pixel(log_odds(settled)) - PRIOR
    assert (gained[BUILT] > P.told) == is_believed
    assert np.abs(np.delete(gained, BUILT)).max() < 0.5
    assert np.array_equal(settled.since, before.since)
    assert same(settle_ranks(settled), settled)


def test_without_ranks_there_is_nothing_to_settle():
    evidence = fed([of_class(BUILT, 6.0)] * 2)
    assert settle_ranks(evidence) is evidence


# -- pixels, and what was handed in ---------------------------------------------------------------------------------


@QUICK
@given(seed=st.integers(0, 1000), acquisitions=st.integers(1, 6))
def test_pixels_do_not_know_of_each_other(seed, acquisitions):
    rng = np.random.default_rng(seed)
    said = rng.uniform(LEAST, MOST, (acquisitions, len(CLASSES), *SHAPE)).astype(np.float32)
    said[:, :, rng.random(SHAPE) < 0.2] = np.nan
    order = rng.permutation(SHAPE[0] * SHAPE[1])

    def shuffled(values: np.ndarray) -> np.ndarray:
        return values.reshape(*values.shape[:-2], -1)[..., order].reshape(values.shape)

    plain, mixed = fed(list(said)), fed([shuffled(one) for one in said])
    np.testing.assert_allclose(shuffled(plain.probability), mixed.probability, rtol=1e-4, atol=1e-7)
    assert np.array_equal(shuffled(plain.since), mixed.since)


def test_the_same_acquisitions_give_the_same_and_nothing_handed_in_is_changed():
    evidence, said = full(), of_class(BUILT, 5.0)
    said[..., 0, 0] = np.nan
    copies, kept = {f.name: getattr(evidence, f.name).copy() for f in fields(Evidence)}, said.copy()
    for step in (
        lambda: add_ratios(evidence, said, sensor=OPTICAL, day=DAY + 99),
        lambda: with_ranks(evidence, of_built(5.0), ranks(1, 1, 1), day=DAY + 99),
        lambda: settle_ranks(evidence),
        lambda: clear_evidence(evidence, ~NOTHING),
    ):
        assert same(step(), step())
    assert np.array_equal(said, kept, equal_nan=True)
    for name, copy in copies.items():
        assert np.array_equal(getattr(evidence, name), copy)


# -- water ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(CLASSES)), ids=CLASSES)
def test_a_flood_is_no_change_however_much_it_looks_like_one(number):
    looks = [3.0 if n == number else 0.0 for n in range(len(CLASSES))]
    flooded, changed = (fed([wet(*looks, water=water)] * 5) for water in (5.0, 0.0))
    assert pixel(log_odds(changed))[number] > 0 > pixel(log_odds(flooded))[number]
    assert held_mask(changed).all()
    assert not held_mask(flooded).any()


def test_ground_that_a_flood_has_left_is_told_like_any_other():
    flooded = fed([wet(0.0, 0.0, 0.0, water=5.0)] * 3)
    later = fed([wet(0.0, 4.0, 0.0, water=-4.0)] * 5, start=flooded, day=DAY + 60)
    assert pixel(log_odds(later))[CLASSES.index("built")] > 0


def test_acquisitions_that_know_no_water_are_weighed_as_before():
    said = [of_class(1, 3.0)] * 3
    assert same(fed(said), fed([np.concatenate([one, np.zeros((1, *SHAPE), np.float32)]) for one in said]))


@QUICK
@given(seed=st.integers(0, 999), passed=st.integers(0, 800), with_water=st.booleans())
def test_the_compiled_filter_agrees_with_the_plain_one(seed, passed, with_water):
    """After some acquisitions of every strength, pixels without any among them."""
    rng = np.random.default_rng(seed)
    evidence = plain = no_evidence((7, 90))
    for n in range(4):
        said = rng.uniform(LEAST, MOST, (len(CLASSES) + with_water, 7, 90)).astype(np.float32)
        said[:, rng.random((7, 90)) < 0.3] = np.nan
        day = DAY + n * passed
        evidence = add_ratios(evidence, said, sensor=SENSORS[n % 2], day=day)
        plain = add_ratios_plain(plain, said, sensor=SENSORS[n % 2], day=day)
    np.testing.assert_allclose(evidence.probability, plain.probability, rtol=1e-4, atol=1e-7)
    assert (evidence.since != plain.since).mean() < 1e-3
    assert np.array_equal(evidence.updated, plain.updated)
