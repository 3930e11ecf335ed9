"""A series of looks: which are used, what they are compared with, and what is kept of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from detectors.acquisition import Acquisition
from detectors.evidence.signatures import ONE_SCENE, SEASONS
from detectors.preprocessing.align import align_acquisition, reference_image
from detectors.preprocessing.masks import clear_of
from detectors.rounding import coded_said, coded_z, decoded_said, decoded_z
from detectors.sensor_series.series import (
    RECENT_ACQUISITIONS,
    append_acquisition,
    build_series,
    compare,
    observed_again,
    reset_baseline,
)

SHAPE = (64, 64)
EVERYWHERE = np.ones(SHAPE, bool)
NOWHERE = np.zeros(SHAPE, bool)
NEVER = np.zeros(SHAPE, np.int32)
START = date(2024, 3, 4)


@pytest.fixture(scope="module")
def ground(scenery):
    return scenery()


@pytest.fixture(scope="module")
def history(ground) -> list[Acquisition]:
    return [ground.optical(START + timedelta(days=10 * n)) for n in range(12)]


@pytest.fixture(scope="module")
def series(history):
    return build_series(history, monitored_mask=EVERYWHERE, since=NEVER)[0]


def seen(series, acquisition):
    """The series after one more acquisition, which says how many days it came after the first, and the opposite."""
    reading = align_acquisition(acquisition, reference=series.reference, monitored_mask=EVERYWHERE)
    residual = compare(series, reading.features, day=reading.report.day, stable_mask=EVERYWHERE)
    said = np.full((2, *SHAPE), reading.report.day - START.toordinal(), np.float32)
    said[1] *= -1
    z = residual.z[[series.names.index(name) for name in series.z_names]]
    return append_acquisition(series, acquisition, coded_z(z), coded_said(said), reading.report)


def again(series):
    """What the last acquisitions of a series show, measured again."""
    return lambda number: observed_again(series, number)


def test_a_clear_acquisition_is_used(ground, series):
    report = align_acquisition(
        ground.optical(date(2024, 8, 1)), reference=series.reference, monitored_mask=EVERYWHERE
    ).report
    assert (report.status, report.clear_share, report.note) == ("used", 1.0, "")
    assert report.shift.is_known
    assert report.residual_px < 0.1


@pytest.mark.parametrize(("cloud", "status"), [(0.3, "used"), (0.97, "unseen")])
def test_a_clouded_acquisition_is_not_seen(ground, series, cloud, status):
    reading = align_acquisition(
        ground.optical(date(2024, 8, 1), cloud=cloud), reference=series.reference, monitored_mask=EVERYWHERE
    )
    assert reading.report.status == status
    assert reading.report.clear_share < 1 - cloud
    assert bool(reading.report.note) == (status == "unseen")


def test_only_the_watched_ground_is_counted(ground, series):
    acquisition = ground.optical(date(2024, 8, 1), cloud=0.5)
    clear = clear_of(acquisition)
    report = align_acquisition(acquisition, reference=series.reference, monitored_mask=clear).report
    assert (report.status, report.clear_share) == ("used", 1.0)
    assert align_acquisition(acquisition, reference=series.reference, monitored_mask=~clear).report.clear_share == 0.0


@pytest.mark.parametrize("shift", [(0.6, -0.4), (-1.5, 1.1)])
def test_a_shifted_acquisition_is_brought_back(scenery, series, shift):
    ground, day = scenery(noise=0.0005), date(2024, 8, 1)
    straight = align_acquisition(ground.optical(day), reference=series.reference, monitored_mask=EVERYWHERE)
    moved = align_acquisition(ground.optical(day, shift=shift), reference=series.reference, monitored_mask=EVERYWHERE)
    as_it_came = align_acquisition(ground.optical(day, shift=shift), reference=None, monitored_mask=EVERYWHERE)
    assert (moved.report.shift.dy, moved.report.shift.dx) == pytest.approx(shift, abs=0.11)
    assert moved.report.residual_px <= 0.2
    assert as_it_came.report.residual_px is None
    inner = np.s_[straight.features.names.index("brightness"), 12:-12, 12:-12]
    left, without = (np.abs(r.features.values - straight.features.values)[inner].mean() for r in (moved, as_it_came))
    assert left < 0.4 * without


def test_a_slight_slip_is_measured_and_left_as_it_is(scenery, series):
    acquisition = scenery(noise=0.0005).optical(date(2024, 8, 1), shift=(0.15, -0.12))
    reading = align_acquisition(acquisition, reference=series.reference, monitored_mask=EVERYWHERE)
    assert (reading.report.shift.dy, reading.report.shift.dx) == pytest.approx((0.15, -0.12), abs=0.08)
    assert reading.report.residual_px == reading.report.shift.length
    as_it_came = align_acquisition(acquisition, reference=None, monitored_mask=EVERYWHERE)
    assert np.array_equal(reading.features.values, as_it_came.features.values, equal_nan=True)


def test_an_acquisition_too_far_off_is_refused_with_the_reason(ground, series):
    report = align_acquisition(
        ground.optical(date(2024, 8, 1), shift=(3.5, 0.0)), reference=series.reference, monitored_mask=EVERYWHERE
    ).report
    assert report.status == "refused"
    assert "3.5 px" in report.note


def test_reading_leaves_the_acquisition_as_it_was(ground, series):
    acquisition = ground.optical(date(2024, 8, 1), shift=(0.6, -0.4), cloud=0.2)
    copies = acquisition.pixels.copy(), acquisition.valid.copy(), acquisition.scl.copy()
    align_acquisition(acquisition, reference=series.reference, monitored_mask=EVERYWHERE)
    for now, then in zip((acquisition.pixels, acquisition.valid, acquisition.scl), copies, strict=True):
        assert np.array_equal(now, then)


def test_the_reference_is_that_of_the_clearest_and_not_of_the_clouds(ground, history):
    hidden = [ground.optical(START + timedelta(days=10 * n + 3), cloud=0.4) for n in range(12)]
    reference = reference_image([*history, *hidden])
    plain = np.median([k.pixels[:3].mean(axis=0) for k in history], axis=0)
    assert np.abs(reference - plain)[8:-8, 8:-8].mean() < 0.005


def test_radar_has_no_reference(ground):
    assert reference_image([ground.radar(START)]) is None


def test_a_history_of_nothing_but_cloud_founds_nothing(ground):
    series, reports = build_series([ground.optical(START, cloud=0.98)], monitored_mask=EVERYWHERE, since=NEVER)
    assert series is None
    assert [r.status for r in reports] == ["unseen"]


def test_bands_that_measure_nothing_found_nothing(ground):
    series, (report,) = build_series([ground.optical(START, bands=("nir",))], monitored_mask=EVERYWHERE, since=NEVER)
    assert series is None
    assert report.status == "refused", "a look that measures nothing is no look"
    assert "nir" in report.note


def test_a_series_has_the_features_that_all_its_acquisitions_have(ground):
    acquisitions = [ground.optical(START), ground.optical(START + timedelta(days=5), bands=("blue", "green", "red"))]
    series, _ = build_series(acquisitions, monitored_mask=EVERYWHERE, since=NEVER)
    assert set(series.names) == {"redness", "brightness", "contrast", "texture"}


def test_an_acquisition_that_lacks_a_band_is_silent_on_it(ground, series):
    narrow = ground.optical(date(2024, 8, 1), bands=("blue", "green", "red"))
    after = seen(series, narrow)
    z = dict(zip(series.z_names, decoded_z(after.recent.z[-1]), strict=True))
    assert np.isnan(z["vegetation"]).all()
    assert np.isfinite(z["brightness"][8:-8, 8:-8]).all()


def test_acquisitions_before_the_ground_changed_are_left_out(ground, history):
    since = NEVER.copy()
    since[:, :32] = (START + timedelta(days=65)).toordinal()
    series, _ = build_series(history, monitored_mask=EVERYWHERE, since=since)
    inner = series.baseline.acquisitions[8:-8]
    assert (inner[:, 8:32] == 5).all()
    assert (inner[:, 32:-8] == 12).all()


def test_the_last_acquisitions_are_kept_oldest_first(ground, series):
    days = [date(2024, 8, 1) + timedelta(days=5 * n) for n in range(RECENT_ACQUISITIONS + 3)]
    for day in days:
        series = seen(series, ground.optical(day))
    assert series.recent.days == tuple(d.toordinal() for d in days[-RECENT_ACQUISITIONS:])
    assert len(series.recent.z) == len(series.recent.acquisitions) == len(series.recent.said) == RECENT_ACQUISITIONS
    said = decoded_said(np.stack(series.recent.said))
    assert np.array_equal(said[:, 0, 0, 0] + START.toordinal(), series.recent.days)
    assert np.array_equal(said[:, 1], -said[:, 0])
    assert (series.looked, series.last_day) == (len(days), days[-1].toordinal())


def test_rebased_ground_is_expected_as_it_is_now(ground, scenery, series):
    block = ground.box(20, 20, 8, 8)
    built = ground.with_patch("roof", block)
    first = date(2024, 8, 1)
    for n in range(5):
        series = seen(series, built.optical(first + timedelta(days=5 * n)))
    fresh, done = reset_baseline(
        series,
        block,
        NOWHERE,
        since=np.full(block.shape, first.toordinal(), np.int32),
        fewest=5,
        observed=again(series),
    )
    assert np.array_equal(done, block)
    assert np.array_equal(fresh.baseline.coefficients[..., ~block], series.baseline.coefficients[..., ~block])
    acquisition = built.optical(first + timedelta(days=40))
    reading = align_acquisition(acquisition, reference=series.reference, monitored_mask=EVERYWHERE)
    z = [
        np.abs(compare(c, reading.features, day=reading.report.day, stable_mask=~block).of("vegetation"))[block]
        for c in (series, fresh)
    ]
    assert np.median(z[0]) > 5
    assert np.median(z[1]) < 1.5


def test_the_rim_of_a_change_keeps_its_season_and_is_shifted(ground, series):
    """A roof darkens its neighbours' contrast: they are what they were, beside something bright."""
    block = ground.box(20, 20, 8, 8)
    rim = ground.box(16, 16, 16, 16) & ~block
    built = ground.with_patch("roof", block)
    first = date(2024, 8, 1)
    for n in range(5):
        series = seen(series, built.optical(first + timedelta(days=5 * n)))
    since = np.full(block.shape, first.toordinal(), np.int32)
    fresh, done = reset_baseline(series, block, rim, since=since, fewest=5, observed=again(series))
    assert np.array_equal(done, block | rim)
    before, after = series.baseline, fresh.baseline
    assert np.array_equal(after.coefficients[:, 1:, rim], before.coefficients[:, 1:, rim])
    assert np.array_equal(after.spread[:, rim], before.spread[:, rim])
    contrast = series.names.index("contrast")
    assert (after.coefficients[contrast, 0] < before.coefficients[contrast, 0])[rim].mean() > 0.95
    reading = align_acquisition(
        built.optical(first + timedelta(days=40)), reference=series.reference, monitored_mask=EVERYWHERE
    )
    z = [
        np.abs(compare(c, reading.features, day=reading.report.day, stable_mask=~(block | rim)).of("texture"))[rim]
        for c in (series, fresh)
    ]
    assert np.median(z[1]) < 1.5 < np.median(z[0])


def test_what_an_acquisition_showed_is_measured_again_to_the_last_byte(ground, series):
    """Also one that was moved, and after the series has been given another reference."""
    for shift in ((0.0, 0.0), (0.7, -0.9)):
        acquisition = ground.optical(date(2024, 8, 1), shift=shift, cloud=0.2)
        shown = align_acquisition(acquisition, reference=series.reference, monitored_mask=EVERYWHERE)
        assert (shown.report.placement.shift.length > 0.5) == any(shift)
        later = replace(seen(series, acquisition), reference=np.roll(series.reference, 1, axis=0))
        assert observed_again(later, 0).tobytes() == shown.features.values.tobytes()


def test_no_acquisition_is_read_again_where_none_can_be_rebased(ground, series):
    block, first = ground.box(20, 20, 8, 8), date(2024, 8, 1)
    for n in range(5):
        series = seen(series, ground.optical(first + timedelta(days=5 * n)))
    recent = series.recent
    hidden = tuple(z if n < 2 else coded_z(np.full(z.shape, np.nan, np.float32)) for n, z in enumerate(recent.z))
    series = replace(series, recent=replace(recent, z=hidden))
    since = np.full(block.shape, first.toordinal(), np.int32)
    same, done = reset_baseline(series, block, NOWHERE, since=since, fewest=3, observed=lambda _: pytest.fail("read"))
    assert not done.any()
    assert same is series


@pytest.mark.parametrize("late", [0, 1])
def test_ground_is_rebased_only_on_enough_acquisitions_since_it_changed(ground, series, late):
    block, first = ground.box(20, 20, 8, 8), date(2024, 8, 1)
    for n in range(5):
        series = seen(series, ground.optical(first + timedelta(days=5 * n)))
    since = np.full(block.shape, first.toordinal() + late, np.int32)
    same, done = reset_baseline(series, block, NOWHERE, since=since, fewest=5 + 1 - late, observed=again(series))
    assert not done.any()
    assert same is series


def test_radar_tracks_are_series_of_their_own(ground):
    one, two = ground.radar(START, track=":r1"), ground.radar(START, track=":r2")
    assert one.series == "sentinel-1:r1" != two.series
    assert ground.optical(START).series == "sentinel-2"


def test_an_acquisition_is_compared_in_sigma_of_its_own_past(scenery, ground, series):
    """Calm ground reads about nought, changed ground far off, and neither the series nor what was seen changes."""
    block = ground.box(20, 20, 8, 8)
    acquisition = ground.with_patch("soil", block).optical(date(2024, 8, 1))
    reading = align_acquisition(acquisition, reference=series.reference, monitored_mask=EVERYWHERE)
    residual = compare(series, reading.features, day=reading.report.day, stable_mask=EVERYWHERE)
    assert residual.names == series.names
    assert residual.z.shape == (len(series.names), *SHAPE)
    vegetation = residual.of("vegetation")
    assert np.median(vegetation[block]) < -5
    assert abs(np.median(vegetation[~block])) < 0.5
    assert residual.of("moisture") is None
    again = compare(series, reading.features, day=reading.report.day, stable_mask=EVERYWHERE)
    assert np.array_equal(residual.z, again.z, equal_nan=True)


def test_a_supposed_sigma_is_narrowed_by_a_calm_scene(ground, history):
    """Two scenes of one season differ by less than seasons do anywhere; what was measured stays as it is."""
    spread = {}
    for count in (1, len(history)):
        series, _ = build_series(history[:count], monitored_mask=EVERYWHERE, since=NEVER)
        after = seen(series, ground.optical(history[count - 1].day + timedelta(days=5)))
        inner = slice(8, -8), slice(8, -8)
        z = after.recent.z_at(-1, series.z_names.index("vegetation"), inner)
        wide = replace(series, history=len(history))
        plain = seen(wide, ground.optical(history[count - 1].day + timedelta(days=5))).recent
        spread[count] = (z.std(), plain.z_at(-1, series.z_names.index("vegetation"), inner).std())
    assert spread[1][0] > spread[1][1]
    assert spread[len(history)][0] == spread[len(history)][1]


@pytest.mark.parametrize(("count", "kind"), [(1, ONE_SCENE), (2, ONE_SCENE), (3, SEASONS)])
def test_the_rows_that_fit_are_those_of_the_history(ground, history, count, kind):
    optical, _ = build_series(history[:count], monitored_mask=EVERYWHERE, since=NEVER)
    radar = [ground.radar(START + timedelta(days=12 * n)) for n in range(count)]
    assert optical.history_kind == kind
    assert build_series(radar, monitored_mask=EVERYWHERE, since=NEVER)[0].history_kind == SEASONS


def test_a_single_history_acquisition_is_scarce(ground, history, series):
    assert build_series(history[:1], monitored_mask=EVERYWHERE, since=NEVER)[0].has_short_history
    assert not series.has_short_history
    assert replace(series, history=2).has_short_history
