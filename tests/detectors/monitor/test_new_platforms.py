"""A new radar platform in a watch: apart until it is known where it lies, then as good as the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from detectors.evidence.belief import held_mask
from detectors.ground import whole
from detectors.monitor.steps import begin, is_refit_due, observe, refit
from detectors.monitor.weeks import acquisitions_before
from detectors.preprocessing.align import align_acquisition
from detectors.rounding import decoded_z
from detectors.sensor_series.series import observed_again

START = date(2024, 1, 3)
A, C = "sentinel-1a", "sentinel-1c"


@pytest.fixture(scope="module")
def ground(scenery):
    town = scenery(seed=3)
    for top, left in ((8, 9), (14, 40), (30, 22), (37, 50), (52, 12), (50, 36)):
        town = town.with_patch("roof", town.box(top, left, 3, 5))
    return town


def passes(ground, platform, count, *, since=0, **wrong):
    return [ground.radar(START + timedelta(days=12 * n + since), platform=platform, **wrong) for n in range(count)]


def begun(history):
    return begin(whole((64, 64)), history)[0]


def names(state):
    return [series.name for series in state.all_series]


def test_a_new_platform_says_nothing_until_three_of_it_are_averaged(ground):
    history, new = passes(ground, A, 8), passes(ground, C, 4, since=102, shift=(1.5, 1.0))
    state = begun(history)
    before = state.evidence
    for n, look in enumerate(new[:3]):
        assert not is_refit_due(state, "sentinel-1:r1:sentinel-1c", day=look.day.toordinal())
        state, report = observe(state, look)
        assert n == 0 or (report.status, report.note[:10]) == ("refused", "kept apart")
    assert names(state) == ["sentinel-1:r1", "sentinel-1:r1:sentinel-1c"]
    assert np.array_equal(state.evidence.probability, before.probability), "what it shows mixes into no residual"
    assert is_refit_due(state, "sentinel-1:r1:sentinel-1c", day=new[3].day.toordinal())

    known = acquisitions_before(new[3].day, [*history, *new], "sentinel-1:r1")
    state = refit(state, "sentinel-1:r1:sentinel-1c", known, day=new[3].day.toordinal())
    assert names(state) == ["sentinel-1:r1"]
    placed = state.all_series[0].positions[1]
    assert placed.platform == C
    assert (placed.dy, placed.dx) == pytest.approx((1.5, 1.0), abs=0.11)
    state, report = observe(state, new[3])
    assert report.status == "used"
    assert state.all_series[0].recent.scene_ids == (new[3].scene_id,)
    assert np.nanstd(decoded_z(state.all_series[0].recent.z[0])) < 1.4
    series = state.all_series[0]
    (placement,) = series.recent.placements
    assert (placement.dy, placement.dx) == (placed.dy, placed.dx)
    reading = align_acquisition(
        new[3], reference=series.reference, monitored_mask=state.ground.monitored_mask, positions=series.positions
    )
    assert observed_again(series, 0).tobytes() == reading.features.values.tobytes()


def test_a_platform_that_cannot_be_placed_becomes_a_series_of_its_own(ground):
    rng = np.random.default_rng(1)
    history, clear = passes(ground, A, 8), passes(ground, C, 5, since=102)
    new = [replace(k, pixels=rng.gamma(4.4, 0.02, k.pixels.shape).astype(np.float32)) for k in clear]
    state = begun(history)
    for look in new[:3]:
        state, _ = observe(state, look)
    name, day = "sentinel-1:r1:sentinel-1c", new[3].day
    state = refit(state, name, acquisitions_before(day, [*history, *new], "sentinel-1:r1"), day=day.toordinal())
    assert names(state) == ["sentinel-1:r1", name]
    state, report = observe(state, new[3])
    assert report.status == "used"
    own, other = state.series(name), state.series("sentinel-1:r1")
    assert (own.history, own.recent.scene_ids, other.recent.scene_ids) == (3, (new[3].scene_id,), ())


def test_platforms_of_a_history_are_told_apart_when_a_watch_begins(ground):
    history = [*passes(ground, A, 8), *passes(ground, C, 4, since=54, shift=(1.0, 0.0))]
    known = begun(sorted(history, key=lambda look: look.day))
    assert names(known) == ["sentinel-1:r1"]
    assert known.all_series[0].history == 12
    few = begun([*passes(ground, A, 8), *passes(ground, C, 2, since=54, shift=(1.0, 0.0))])
    assert [(series.name, series.history) for series in few.all_series] == [
        ("sentinel-1:r1", 8),
        ("sentinel-1:r1:sentinel-1c", 2),
    ]


def test_a_jump_is_refused_until_it_has_been_measured(ground):
    history, jumped = passes(ground, A, 8), passes(ground, A, 4, since=102, shift=(1.5, 1.0))
    state = begun(history)
    for look in jumped[:3]:
        assert not is_refit_due(state, "sentinel-1:r1", day=look.day.toordinal())
        state, report = observe(state, look)
        assert (report.status, report.note[:21]) == ("refused", "radar out of register")
    day = jumped[3].day
    assert is_refit_due(state, "sentinel-1:r1", day=day.toordinal())
    known = acquisitions_before(day, [*history, *jumped], "sentinel-1:r1")
    state = refit(state, "sentinel-1:r1", known, day=day.toordinal())
    assert len(state.all_series[0].positions) == 2
    assert observe(state, jumped[3])[1].status == "used"


def test_an_unusable_acquisition_founds_no_series(ground):
    state = begun(passes(ground, A, 8))
    state, report = observe(state, ground.radar(date(2025, 5, 1), platform=C))
    assert report.note.startswith("unusable, because")
    assert names(state) == ["sentinel-1:r1"]


def test_one_stray_acquisition_of_a_platform_does_not_hold_up_the_others(ground, watch):
    since = START + timedelta(days=240)
    built = ground.with_patch("roof", ground.box(20, 40, 12, 12), since + timedelta(days=20))
    looks = passes(built, A, 36)
    stray = built.radar(since + timedelta(days=5), platform=C)
    span = {"since": since, "until": since + timedelta(days=180)}
    alone, both = (watch(some, **span).state for some in (looks, [*looks, stray]))
    assert alone.event_states[0].rebased
    assert names(both) == ["sentinel-1:r1", "sentinel-1:r1:sentinel-1c"]
    assert np.array_equal(held_mask(alone.evidence), held_mask(both.evidence))
