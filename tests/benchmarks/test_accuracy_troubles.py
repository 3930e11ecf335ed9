"""What is put into looks for the accuracy benchmark, and the peers that read radar."""

from dataclasses import replace
from datetime import date, timedelta

import demolitions
import numpy as np
import pytest
import sequential_peers
from nuisances import Days, burning, desert, flood, four_months_of_cloud, haze, new_roofs, slips
from scipy import stats
from troubles import (
    dust,
    eight_bits,
    longer_shadows,
    one_askew,
    ploughing,
    ponds,
    smoke,
    snow_melt,
    town_flood,
)

from detectors.acquisition import OPTICAL, RADAR, Acquisition
from detectors.preprocessing.masks import clear_of
from detectors.sensitivity.injection import SURROUNDINGS

SIZE = 40
CHANGED = np.zeros((SIZE, SIZE), bool)
CHANGED[10:14, 20:25] = True


@pytest.fixture(scope="module")
def acquisitions():
    rng = np.random.default_rng(5)
    bands = ("blue", "green", "red", "nir", "nir08", "swir16", "swir22")
    colour = np.array([0.05, 0.08, 0.09, 0.25, 0.26, 0.25, 0.2], np.float32)[:, None, None]
    optical, radar = [], []
    for n in range(20):
        day = date(2026, 1, 1) + timedelta(days=14 * n)
        pixels = (colour * rng.normal(1, 0.05, (7, SIZE, SIZE))).astype(np.float32)
        pixels[3:, :10, :10] = pixels[2, :10, :10] * 1.2  # some of it is built over
        scl = np.full((SIZE, SIZE), 4, np.uint8)
        valid = np.ones((SIZE, SIZE), bool)
        optical.append(Acquisition(f"o{n}", OPTICAL, day, bands, pixels, valid, scl))
        power = rng.gamma(4.4, 0.02, (2, SIZE, SIZE)).astype(np.float32)
        radar.append(Acquisition(f"r{n}", RADAR, day, ("vv", "vh"), power, valid, None, ":r1"))
    return tuple(optical + radar)


@pytest.mark.parametrize("nuisance", [desert, haze, slips, four_months_of_cloud, flood, burning, new_roofs])
def test_nuisances_change_some_acquisitions_and_none_that_they_were_given(nuisance, acquisitions):
    days = Days(date(2026, 4, 1), date(2026, 9, 30))
    copies = [acquisition.pixels.copy() for acquisition in acquisitions]
    troubled = nuisance(acquisitions, days, np.random.default_rng(11))
    assert all((acquisition.pixels == copy).all() for acquisition, copy in zip(acquisitions, copies, strict=True))
    assert [k.scene_id for k in troubled] == [k.scene_id for k in acquisitions]
    changed = [k.scene_id for k, old in zip(troubled, acquisitions, strict=True) if (k.pixels != old.pixels).any()]
    assert changed
    assert all(np.isfinite(k.pixels).all() for k in troubled)
    assert nuisance is flood or not any(name.startswith("r") for name in changed)


TROUBLES = [dust, eight_bits, longer_shadows, one_askew, ploughing, ponds, smoke, snow_melt, town_flood]
SEEN_BY_RADAR = {ploughing, ponds, town_flood}


@pytest.mark.parametrize("nuisance", TROUBLES)
def test_troubles_change_some_acquisitions_and_none_that_they_were_given(nuisance, acquisitions):
    days = Days(date(2026, 4, 1), date(2026, 9, 30))
    copies = [acquisition.pixels.copy() for acquisition in acquisitions]
    troubled = {k.scene_id: k for k in nuisance(acquisitions, days, np.random.default_rng(11))}
    assert all((acquisition.pixels == copy).all() for acquisition, copy in zip(acquisitions, copies, strict=True))
    olds = [k for k in acquisitions if k.sensor == OPTICAL or nuisance is not eight_bits]
    assert list(troubled) == [k.scene_id for k in olds]
    pairs = [(old, troubled[old.scene_id]) for old in olds]
    changed = [old for old, new in pairs if old.pixels.shape != new.pixels.shape or (old.pixels != new.pixels).any()]
    assert changed
    assert all(np.isfinite(new.pixels).all() for new in troubled.values())
    assert (RADAR in {k.sensor for k in changed}) is (nuisance in SEEN_BY_RADAR)


@pytest.mark.parametrize("nuisance", [dust, one_askew, ploughing, smoke, town_flood])
def test_troubles_of_the_watch_leave_its_history_alone(nuisance, acquisitions):
    days = Days(date(2026, 4, 1), date(2026, 9, 30))
    troubled = nuisance(acquisitions, days, np.random.default_rng(3))
    for new, old in zip(troubled, acquisitions, strict=True):
        assert old.day >= days.since or (new.pixels == old.pixels).all()


def test_snow_has_thawed_a_month_into_the_watch(acquisitions):
    days = Days(date(2026, 4, 1), date(2026, 9, 30))
    new = {k.scene_id: k for k in snow_melt(acquisitions, days, np.random.default_rng(3))}
    brightness = {k.day: float(new[k.scene_id].band("red").mean()) for k in acquisitions if k.sensor == OPTICAL}
    assert brightness[date(2026, 3, 26)] > 0.3
    assert max(value for day, value in brightness.items() if day > days.after(5)) < 0.12


def test_filled_ponds_were_water_and_are_not(acquisitions):
    days = Days(date(2026, 4, 1), date(2026, 9, 30))
    new = [k for k in ponds(acquisitions, days, np.random.default_rng(3)) if k.sensor == OPTICAL]
    water = [(k.band("nir") < 0.08) for k in new]
    assert (water[0] & ~water[-1]).sum() > 20
    assert (water[-1] & ~water[0]).sum() > 20


def test_true_colour_of_eight_bits_has_three_bands_and_at_most_256_levels(acquisitions):
    days = Days(date(2026, 4, 1), date(2026, 9, 30))
    for look in eight_bits(acquisitions, days, np.random.default_rng(3)):
        assert set(look.bands) == {"red", "green", "blue"}
        assert len(np.unique(look.pixels)) <= 256


def test_what_is_left_of_a_building_is_soil_until_it_is_grown_over():
    image, day = np.ones((3, 3), np.float32), date(2026, 5, 1)
    left = {ending: demolitions._left(ending, image, day, 1) for ending in demolitions.ENDINGS}
    assert [c.material for c in left[demolitions.RUBBLE]] == ["rubble"]
    assert [c.material for c in left[demolitions.WALLS]] == ["concrete frame"]
    soil, growth = left[demolitions.REGROWN]
    assert (soil.material, growth.material) == ("soil", SURROUNDINGS)
    assert (growth.since - soil.since).days == demolitions.REGROWN_DAYS


def test_months_of_cloud_hide_all_ground_and_burning_leaves_the_time_before_alone(acquisitions):
    days = Days(date(2026, 4, 1), date(2026, 9, 30))
    hidden = four_months_of_cloud(acquisitions, days, np.random.default_rng(1))
    assert not any(
        clear_of(k).any() for k in hidden if k.sensor == OPTICAL and date(2026, 5, 1) < k.day < days.after(20)
    )
    burnt = burning(acquisitions, days, np.random.default_rng(1))
    early = [(a, b) for a, b in zip(burnt, acquisitions, strict=True) if b.day < days.since]
    assert early
    assert all(a is b for a, b in early)


DAYS = np.arange(0, 720, 12)


def reading(value, *, of_change, since=40, sign=1, deviation=1.0):
    """A season and noise, with a step in one pixel of two from the look `of_change` on."""
    rng = np.random.default_rng(2)
    season = 3 * np.cos(2 * np.pi * DAYS / 365.25)
    index = (season[:, None, None] + deviation * rng.normal(size=(len(DAYS), 1, 2))).astype(np.float32)
    index[of_change:, 0, 0] += value
    return sequential_peers.Reading(index[:since], DAYS[:since], index[since:], DAYS[since:], sign)


@pytest.mark.parametrize("sign", [1, -1])
def test_bayts_flags_what_moves_its_way_and_lets_the_rest_go(sign):
    _, odds = sequential_peers.bayts([reading(6.0 * sign, of_change=48, sign=sign)])
    assert odds[-1, 0, 0] > 10
    assert odds[:, 0, 1].max() < 6
    assert sequential_peers.bayts([reading(-6.0 * sign, of_change=48, sign=sign)])[1][-1, 0, 0] == 0


def test_bayts_updates_odds_as_its_paper_does():
    p = 0.8
    one = sequential_peers.Reading(*(np.zeros((1, 1, 1), np.float32), np.zeros(1, np.int64)) * 2, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequential_peers, "changed_probability", lambda _: np.full((1, 1, 1), p, np.float32))
        _, odds = sequential_peers.bayts([one, one])
    posterior = p * p / (p * p + (1 - p) * (1 - p))
    assert odds[1, 0, 0] == pytest.approx(np.log(posterior / (1 - posterior)), rel=1e-4)


def test_bayts_leaves_a_look_that_saw_nothing_out():
    seen = reading(6.0, of_change=48)
    dark = replace(seen, seen=np.where(np.arange(len(seen.days))[:, None, None] % 2, np.nan, seen.seen))
    odds = sequential_peers.bayts([dark])[1]
    np.testing.assert_array_equal(odds[1::2], odds[::2][: len(odds[1::2])])


def test_the_t_of_pwtt_is_that_of_a_pooled_t_test():
    rng = np.random.default_rng(4)
    drawn = rng.normal(size=(9, 2, 1, 1)), rng.normal(1, 1, (4, 2, 1, 1))
    before, after = (np.tile(values, (5, 5)).astype(np.float32) for values in drawn)
    test = stats.ttest_ind(after.astype(np.float64), before.astype(np.float64), axis=0)
    expected = np.abs(test.statistic).max(axis=0)
    np.testing.assert_allclose(sequential_peers._t_of(before, after), expected, rtol=1e-5)


def test_pwtt_finds_what_grows_bright_to_the_radar_in_every_orbit_by_itself(acquisitions):
    since = date(2026, 6, 1)
    bright = [
        replace(k, pixels=np.where(CHANGED & (k.day >= since), 8 * k.pixels, k.pixels).astype(np.float32))
        for k in acquisitions
    ]
    whole = np.ones((SIZE, SIZE), bool)
    for is_smoothed in (False, True):
        days, scores = sequential_peers.pwtt(
            bright, since=since.toordinal(), monitored_mask=whole, is_smoothed=is_smoothed
        )
        assert len(days) == len(scores) == sum(k.sensor == RADAR and k.day >= since for k in acquisitions)
        assert scores[-1][CHANGED].min() > np.quantile(scores[-1][~CHANGED], 0.9)
    assert sequential_peers.pwtt([], since=0, monitored_mask=whole)[1].shape == (0, SIZE, SIZE)
