"""A series of looks: which are used, what they are compared with, and what is kept of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from detectors.look import Look
from detectors.preprocessing.align import read_look, reference_image
from detectors.preprocessing.masks import clear_of
from detectors.sensor_series.channel import RECENT_LOOKS, compare, found_channel, rebase, remember

SHAPE = (64, 64)
EVERYWHERE = np.ones(SHAPE, bool)
NOWHERE = np.zeros(SHAPE, bool)
NEVER = np.zeros(SHAPE, np.int32)
START = date(2024, 3, 4)


@pytest.fixture(scope="module")
def ground(scenery):
    return scenery()


@pytest.fixture(scope="module")
def history(ground) -> list[Look]:
    return [ground.optical(START + timedelta(days=10 * n)) for n in range(12)]


@pytest.fixture(scope="module")
def channel(history):
    return found_channel(history, watched=EVERYWHERE, since=NEVER)[0]


def seen(channel, look):
    """The channel after one more look."""
    reading = read_look(look, reference=channel.reference, watched=EVERYWHERE)
    residual, metric, _ = compare(channel, reading.features, day=reading.report.day, settled=EVERYWHERE)
    return remember(channel, residual, metric, reading.report)


def test_a_clear_look_is_used(ground, channel):
    report = read_look(ground.optical(date(2024, 8, 1)), reference=channel.reference, watched=EVERYWHERE).report
    assert (report.status, report.clear_share, report.note) == ("used", 1.0, "")
    assert report.shift.is_known
    assert report.residual_px < 0.1


@pytest.mark.parametrize(("cloud", "status"), [(0.3, "used"), (0.97, "unseen")])
def test_a_clouded_look_is_not_seen(ground, channel, cloud, status):
    reading = read_look(ground.optical(date(2024, 8, 1), cloud=cloud), reference=channel.reference, watched=EVERYWHERE)
    assert reading.report.status == status
    assert reading.report.clear_share < 1 - cloud
    assert bool(reading.report.note) == (status == "unseen")


def test_only_the_watched_ground_is_counted(ground, channel):
    look = ground.optical(date(2024, 8, 1), cloud=0.5)
    clear = clear_of(look)
    report = read_look(look, reference=channel.reference, watched=clear).report
    assert (report.status, report.clear_share) == ("used", 1.0)
    assert read_look(look, reference=channel.reference, watched=~clear).report.clear_share == 0.0


@pytest.mark.parametrize("shift", [(0.6, -0.4), (-1.5, 1.1)])
def test_a_shifted_look_is_brought_back(scenery, channel, shift):
    ground, day = scenery(noise=0.0005), date(2024, 8, 1)
    straight = read_look(ground.optical(day), reference=channel.reference, watched=EVERYWHERE)
    moved = read_look(ground.optical(day, shift=shift), reference=channel.reference, watched=EVERYWHERE)
    as_it_came = read_look(ground.optical(day, shift=shift), reference=None, watched=EVERYWHERE)
    assert (moved.report.shift.dy, moved.report.shift.dx) == pytest.approx(shift, abs=0.11)
    assert moved.report.residual_px <= 0.2
    assert as_it_came.report.residual_px is None
    inner = np.s_[straight.features.names.index("brightness"), 12:-12, 12:-12]
    left, without = (np.abs(r.features.values - straight.features.values)[inner].mean() for r in (moved, as_it_came))
    assert left < 0.4 * without


def test_a_slight_slip_is_measured_and_left_as_it_is(scenery, channel):
    look = scenery(noise=0.0005).optical(date(2024, 8, 1), shift=(0.15, -0.12))
    reading = read_look(look, reference=channel.reference, watched=EVERYWHERE)
    assert (reading.report.shift.dy, reading.report.shift.dx) == pytest.approx((0.15, -0.12), abs=0.08)
    assert reading.report.residual_px == reading.report.shift.length
    as_it_came = read_look(look, reference=None, watched=EVERYWHERE)
    assert np.array_equal(reading.features.values, as_it_came.features.values, equal_nan=True)


def test_a_look_too_far_off_is_refused_with_the_reason(ground, channel):
    report = read_look(
        ground.optical(date(2024, 8, 1), shift=(3.5, 0.0)), reference=channel.reference, watched=EVERYWHERE
    ).report
    assert report.status == "refused"
    assert "3.5 px" in report.note


def test_reading_leaves_the_look_as_it_was(ground, channel):
    look = ground.optical(date(2024, 8, 1), shift=(0.6, -0.4), cloud=0.2)
    copies = look.pixels.copy(), look.valid.copy(), look.scl.copy()
    read_look(look, reference=channel.reference, watched=EVERYWHERE)
    for now, then in zip((look.pixels, look.valid, look.scl), copies, strict=True):
        assert np.array_equal(now, then)


def test_the_reference_is_that_of_the_clearest_and_not_of_the_clouds(ground, history):
    hidden = [ground.optical(START + timedelta(days=10 * n + 3), cloud=0.4) for n in range(12)]
    reference = reference_image([*history, *hidden])
    plain = np.median([k.pixels[:3].mean(axis=0) for k in history], axis=0)
    assert np.abs(reference - plain)[8:-8, 8:-8].mean() < 0.005


def test_radar_has_no_reference(ground):
    assert reference_image([ground.radar(START)]) is None


def test_a_history_of_nothing_but_cloud_founds_nothing(ground):
    channel, reports = found_channel([ground.optical(START, cloud=0.98)], watched=EVERYWHERE, since=NEVER)
    assert channel is None
    assert [r.status for r in reports] == ["unseen"]


def test_bands_that_measure_nothing_found_nothing(ground):
    channel, (report,) = found_channel([ground.optical(START, bands=("nir",))], watched=EVERYWHERE, since=NEVER)
    assert channel is None
    assert report.status == "refused", "a look that measures nothing is no look"
    assert "nir" in report.note


def test_a_channel_has_the_features_that_all_its_looks_have(ground):
    looks = [ground.optical(START), ground.optical(START + timedelta(days=5), bands=("blue", "green", "red"))]
    channel, _ = found_channel(looks, watched=EVERYWHERE, since=NEVER)
    assert set(channel.names) == {"redness", "brightness", "contrast", "texture"}


def test_a_look_that_lacks_a_band_is_silent_on_it(ground, channel):
    narrow = ground.optical(date(2024, 8, 1), bands=("blue", "green", "red"))
    after = seen(channel, narrow)
    z = dict(zip(channel.names, after.recent.z[-1], strict=True))
    assert np.isnan(z["vegetation"]).all()
    assert np.isfinite(z["brightness"][8:-8, 8:-8]).all()


def test_looks_before_the_ground_changed_are_left_out(ground, history):
    since = NEVER.copy()
    since[:, :32] = (START + timedelta(days=65)).toordinal()
    channel, _ = found_channel(history, watched=EVERYWHERE, since=since)
    inner = channel.baseline.looks[8:-8]
    assert (inner[:, 8:32] == 5).all()
    assert (inner[:, 32:-8] == 12).all()


def test_the_last_looks_are_kept_oldest_first(ground, channel):
    days = [date(2024, 8, 1) + timedelta(days=5 * n) for n in range(RECENT_LOOKS + 3)]
    for day in days:
        channel = seen(channel, ground.optical(day))
    assert channel.recent.days == tuple(d.toordinal() for d in days[-RECENT_LOOKS:])
    assert len(channel.recent.z) == len(channel.recent.observed) == len(channel.recent.metric) == RECENT_LOOKS
    assert (channel.looked, channel.last_day) == (len(days), days[-1].toordinal())


def test_rebased_ground_is_expected_as_it_is_now(ground, scenery, channel):
    block = ground.box(20, 20, 8, 8)
    built = ground.with_patch("roof", block)
    first = date(2024, 8, 1)
    for n in range(5):
        channel = seen(channel, built.optical(first + timedelta(days=5 * n)))
    fresh, done = rebase(channel, block, NOWHERE, since=np.full(block.shape, first.toordinal(), np.int32), fewest=5)
    assert np.array_equal(done, block)
    assert np.array_equal(fresh.baseline.coefficients[..., ~block], channel.baseline.coefficients[..., ~block])
    look = built.optical(first + timedelta(days=40))
    reading = read_look(look, reference=channel.reference, watched=EVERYWHERE)
    z = [
        np.abs(compare(c, reading.features, day=reading.report.day, settled=~block)[0].of("vegetation"))[block]
        for c in (channel, fresh)
    ]
    assert np.median(z[0]) > 5
    assert np.median(z[1]) < 1.5


def test_the_rim_of_a_change_keeps_its_season_and_is_shifted(ground, channel):
    """A roof darkens its neighbours' contrast: they are what they were, beside something bright."""
    block = ground.box(20, 20, 8, 8)
    rim = ground.box(16, 16, 16, 16) & ~block
    built = ground.with_patch("roof", block)
    first = date(2024, 8, 1)
    for n in range(5):
        channel = seen(channel, built.optical(first + timedelta(days=5 * n)))
    fresh, done = rebase(channel, block, rim, since=np.full(block.shape, first.toordinal(), np.int32), fewest=5)
    assert np.array_equal(done, block | rim)
    before, after = channel.baseline, fresh.baseline
    assert np.array_equal(after.coefficients[:, 1:, rim], before.coefficients[:, 1:, rim])
    assert np.array_equal(after.spread[:, rim], before.spread[:, rim])
    contrast = channel.names.index("contrast")
    assert (after.coefficients[contrast, 0] < before.coefficients[contrast, 0])[rim].mean() > 0.95
    reading = read_look(built.optical(first + timedelta(days=40)), reference=channel.reference, watched=EVERYWHERE)
    z = [
        np.abs(compare(c, reading.features, day=reading.report.day, settled=~(block | rim))[0].of("texture"))[rim]
        for c in (channel, fresh)
    ]
    assert np.median(z[1]) < 1.5 < np.median(z[0])


@pytest.mark.parametrize("late", [0, 1])
def test_ground_is_rebased_only_on_enough_looks_since_it_changed(ground, channel, late):
    block, first = ground.box(20, 20, 8, 8), date(2024, 8, 1)
    for n in range(5):
        channel = seen(channel, ground.optical(first + timedelta(days=5 * n)))
    same, done = rebase(
        channel, block, NOWHERE, since=np.full(block.shape, first.toordinal() + late, np.int32), fewest=5 + 1 - late
    )
    assert not done.any()
    assert same is channel


def test_radar_tracks_are_channels_of_their_own(ground):
    one, two = ground.radar(START, track=":r1"), ground.radar(START, track=":r2")
    assert one.channel == "sentinel-1:r1" != two.channel
    assert ground.optical(START).channel == "sentinel-2"


def test_a_single_history_look_is_scarce(ground, history, channel):
    assert found_channel(history[:1], watched=EVERYWHERE, since=NEVER)[0].is_scarce
    assert not channel.is_scarce
    assert replace(channel, history=2).is_scarce
