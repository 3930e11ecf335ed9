"""The whole watch over small grounds: what happens is found and named, what does not is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from detectors.acquisition import Acquisition
from detectors.baseline.harmonic import predict
from detectors.events.alert_rules import deserves_alert
from detectors.evidence.belief import held_mask
from detectors.ground import Ground
from detectors.monitor.steps import begin, end_week, is_refit_due, observe, refit
from detectors.records import Change, State

SHAPE = (56, 56)
PAST, SINCE, UNTIL = date(2022, 7, 4), date(2024, 4, 1), date(2024, 9, 29)
JUNE = date(2024, 6, 3)
OPTICAL_ONLY, RADAR_ONLY, BOTH = (True, False), (False, True), (True, True)


@pytest.fixture(scope="module")
def acquisitions_at(every) -> Callable[..., list[Acquisition]]:
    """The looks of a ground: weekly in the time that is watched, and clouded now and then."""

    def of(ground, sensors=BOTH, until: date = UNTIL) -> list[Acquisition]:
        past = SINCE - timedelta(days=1)
        found = []
        if sensors[0]:
            dates = [*every(PAST, past, 18), *every(SINCE, until, 7)]
            found += [ground.optical(d, cloud=(0, 0, 0.3, 0, 0.95)[n % 5]) for n, d in enumerate(dates)]
        if sensors[1]:
            found += [ground.radar(d) for d in [*every(PAST, past, 24), *every(SINCE, until, 12)]]
        return found

    return of


@pytest.fixture(scope="module")
def monitored_mask(acquisitions_at, watch):
    """What the watch makes of a ground."""

    def over(ground, sensors=BOTH, until: date = UNTIL):
        return watch(acquisitions_at(ground, sensors, until), since=SINCE, until=until)

    return over


def the_event(outcome):
    (event,) = [e for e in outcome.ever_confirmed() if e.merged_into is None]
    return event


def acquisitions_until_confirmed(event, step: int = 7) -> float:
    return (event.confirmed_on - JUNE).days / step


# -- nothing happens ------------------------------------------------------------------------------------------------


def test_the_same_scene_again_and_again_is_no_event(scenery, every, watch):
    scene = scenery(shape=SHAPE).optical(date(2024, 5, 1))
    days = [*every(PAST, SINCE, 24), *every(SINCE + timedelta(days=1), UNTIL, 12)]
    outcome = watch([replace(scene, day=d, scene_id=f"{d}") for d in days], since=SINCE, until=UNTIL)
    assert outcome.state.event_states == ()
    assert not held_mask(outcome.state.evidence).any()


@pytest.mark.parametrize("seed", range(5))
def test_sixty_acquisitions_of_noise_confirm_nothing(scenery, every, watch, seed):
    ground = scenery(shape=(48, 48), seed=100 + seed)
    days = [*every(date(2023, 1, 2), date(2023, 12, 25), 15), *every(date(2024, 1, 1), date(2024, 10, 21), 5)][
        : 24 + 60
    ]
    outcome = watch([ground.optical(d) for d in days], since=date(2024, 1, 1), until=days[-1])
    assert outcome.ever_confirmed() == []


@pytest.mark.parametrize("seed", range(5))
def test_sixty_acquisitions_of_speckle_confirm_nothing(scenery, every, watch, seed):
    ground = scenery(seed=200 + seed)
    days = [*every(date(2021, 1, 4), date(2021, 12, 31), 12), *every(date(2022, 1, 3), date(2023, 12, 12), 12)]
    outcome = watch([ground.radar(d) for d in days], since=date(2022, 1, 3), until=days[-1])
    assert outcome.ever_confirmed() == []


@pytest.mark.parametrize("cover", ["vegetation", "desert"])
def test_a_season_and_clouds_are_no_event(scenery, monitored_mask, cover):
    assert monitored_mask(scenery(shape=SHAPE, cover=cover)).ever_confirmed() == []


@pytest.mark.parametrize("cover", ["water", "shadow", "soil"])
@pytest.mark.parametrize("acquisitions", [1, 2])
def test_what_passes_is_not_confirmed(scenery, monitored_mask, cover, acquisitions):
    """A flood, a shadow that the mask let through, a harvest misread: gone after one look or two."""
    ground = scenery(shape=SHAPE)
    gone = JUNE + timedelta(days=7 * acquisitions)
    outcome = monitored_mask(ground.with_patch(cover, ground.box(15, 15, 20, 12), JUNE, gone), OPTICAL_ONLY)
    assert outcome.ever_confirmed() == []
    assert all(event.state is State.RETRACTED for event in outcome.events)


def test_a_flood_of_two_months_is_no_event_to_either_instrument(scenery, monitored_mask):
    ground = scenery(shape=SHAPE)
    flooded = ground.with_patch("water", ground.box(15, 10, 25, 12), JUNE, JUNE + timedelta(days=60))
    assert monitored_mask(flooded).ever_confirmed() == []


def test_haze_over_the_whole_scene_is_no_event(scenery, acquisitions_at, watch):
    ground = scenery(shape=SHAPE)
    hazy = [
        ground.optical(k.day, haze=0.05) if JUNE <= k.day < JUNE + timedelta(days=30) else k
        for k in acquisitions_at(ground, OPTICAL_ONLY)
    ]
    assert watch(hazy, since=SINCE, until=UNTIL).ever_confirmed() == []


def test_scenes_out_of_place_are_no_event(scenery, acquisitions_at, watch):
    """Each scene lies up to a pixel and a half beside the last: edges must not light up."""
    ground = scenery(shape=SHAPE)
    ground = ground.with_patch("soil", ground.box(8, 8, 20, 30)).with_patch("roof", ground.box(14, 14, 6, 8))
    rng = np.random.default_rng(4)
    acquisitions = [
        ground.optical(k.day, shift=tuple(rng.uniform(-1, 1, 2))) for k in acquisitions_at(ground, OPTICAL_ONLY)
    ]
    assert watch(acquisitions, since=SINCE, until=UNTIL).ever_confirmed() == []


def test_orbits_are_never_mixed(scenery, every, watch):
    """Two geometries that see the same ground 3 dB apart, in turns."""
    ground = scenery(shape=SHAPE)
    days = every(date(2023, 1, 2), UNTIL, 6)
    acquisitions = [ground.radar(d, track=(":r1", ":r2")[n % 2], gain=(1.0, 2.0)[n % 2]) for n, d in enumerate(days)]
    outcome = watch(acquisitions, since=SINCE, until=UNTIL)
    assert outcome.state.event_states == ()
    levels = [float(np.median(c.baseline.coefficients[0, 0])) for c in outcome.state.all_series]
    assert [c.name for c in outcome.state.all_series] == ["sentinel-1:r1", "sentinel-1:r2"]
    assert levels[1] - levels[0] == pytest.approx(np.log(2), abs=0.05)


# -- something happens ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("cover", ["vegetation", "desert"])
def test_a_block_of_five_pixels_is_construction(scenery, monitored_mask, cover, seed):
    ground = scenery(shape=SHAPE, cover=cover, seed=seed)
    block = ground.box(24, 24, 5, 5)
    event = the_event(monitored_mask(ground.with_patch("roof", block, JUNE), OPTICAL_ONLY))
    assert event.change is Change.CONSTRUCTION
    assert 0 <= (event.first_seen - JUNE).days <= 14
    assert acquisitions_until_confirmed(event) <= 5
    assert event.area_m2 == pytest.approx(2500, rel=0.4)
    assert event.area_m2_low <= 2500 <= event.area_m2_high
    assert (event.footprint.frame() & block).sum() >= 20
    assert len(event.scenes) >= 3


def test_two_instruments_that_agree_are_told_as_both_and_sooner(scenery, monitored_mask):
    ground = scenery(shape=SHAPE)
    built = ground.with_patch("roof", ground.box(24, 24, 5, 5), JUNE)
    both, alone = the_event(monitored_mask(built)), the_event(monitored_mask(built, OPTICAL_ONLY))
    assert both.change is Change.CONSTRUCTION
    assert both.sensors == ("sentinel-1", "sentinel-2")
    assert alone.sensors == ("sentinel-2",)
    assert both.confirmed_on <= alone.confirmed_on
    assert 1 <= both.area_m2 / 2500 <= 2, "radar is averaged over three pixels, so that a roof gains a rim"


def test_radar_alone_finds_a_building(scenery, monitored_mask):
    ground = scenery(shape=SHAPE)
    event = the_event(monitored_mask(ground.with_patch("roof", ground.box(24, 24, 5, 5), JUNE), RADAR_ONLY))
    assert event.change is Change.CONSTRUCTION
    assert event.sensors == ("sentinel-1",)
    assert (event.first_seen - JUNE).days <= 24
    assert acquisitions_until_confirmed(event, 12) <= 4


@pytest.mark.parametrize("sensors", [OPTICAL_ONLY, BOTH], ids=["optical", "both"])
def test_trees_that_go_are_a_clearing(scenery, monitored_mask, sensors):
    ground = scenery(shape=SHAPE)
    event = the_event(monitored_mask(ground.with_patch("soil", ground.box(20, 20, 12, 9), JUNE), sensors))
    assert event.change is Change.CLEARING
    assert event.area_m2 == pytest.approx(10_800, rel=0.4)
    assert (event.first_seen - JUNE).days <= 14


@pytest.mark.parametrize("sensors", [OPTICAL_ONLY, BOTH], ids=["optical", "both"])
def test_a_building_that_goes_is_a_demolition(scenery, monitored_mask, sensors):
    ground = scenery(shape=SHAPE).with_patch("soil", scenery(shape=SHAPE).box(14, 14, 26, 26))
    house = ground.box(24, 24, 6, 6)
    event = the_event(monitored_mask(ground.with_patch("roof", house, until=JUNE), sensors))
    assert event.change is Change.DEMOLITION
    assert event.area_m2 == pytest.approx(3600, rel=0.4)
    assert (event.first_seen - JUNE).days <= 14


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_wall_around_a_yard_is_fencing(scenery, monitored_mask, seed):
    ground = scenery(shape=SHAPE, seed=seed)
    ring = ground.box(13, 13, 30, 30) & ~ground.box(14, 14, 28, 28)
    event, *_ = monitored_mask(ground.with_patch("strip", ring, JUNE), OPTICAL_ONLY).ever_confirmed()
    assert event.change is Change.FENCING
    assert event.closure > 0.95
    assert event.footprint.frame()[ring].mean() > 0.9
    assert (event.first_seen - JUNE).days <= 14


def test_ground_that_is_not_watched_is_not_told_of(scenery, acquisitions_at, watch):
    ground = scenery(shape=SHAPE)
    block = ground.box(24, 24, 6, 6)
    elsewhere = Ground(~ground.box(14, 14, 26, 26), np.zeros(SHAPE, bool), is_region=True)
    acquisitions = acquisitions_at(ground.with_patch("roof", block, JUNE))
    assert watch(acquisitions, since=SINCE, until=UNTIL, ground=elsewhere).state.event_states == ()


@pytest.mark.parametrize("seed", [3, 4])
def test_phases_are_steps_of_one_event(scenery, monitored_mask, seed):
    """Ground is broken in April, and roofs stand on it from August."""
    ground = scenery(shape=SHAPE, seed=seed)
    broken = ground.with_patch("soil", ground.box(20, 20, 12, 12), date(2024, 4, 15))
    outcome = monitored_mask(broken.with_patch("roof", ground.box(23, 23, 6, 6), date(2024, 8, 5)), OPTICAL_ONLY)
    event = the_event(outcome)
    (event_state,) = [t for t in outcome.state.event_states if t.key == event.key]
    first, *_, last = [date.fromordinal(day) for day in event_state.steps]
    assert first < date(2024, 5, 13)
    assert date(2024, 8, 5) <= last <= date(2024, 8, 26)
    changes = [
        t.change
        for _, state in outcome.weeks
        for t in state.event_states
        if t.key == event.key and t.confirmed_day is not None
    ]
    assert changes[-1] is Change.CONSTRUCTION
    assert State.CONFIRMED in [t.state for t in event.transitions]


def test_a_bright_block_after_a_single_scene_of_desert_is_provisional(scenery, every, watch):
    """Nothing but red, green and blue, and one scene of history: shown at once, and marked as unsure."""
    desert = scenery(cover="desert")
    block = desert.box(30, 30, 6, 6)
    built = desert.with_patch("roof", block, JUNE)
    bands = ("blue", "green", "red")
    acquisitions = [built.optical(date(2023, 6, 5), bands=bands), built.optical(JUNE, bands=bands)]
    (event,) = watch(acquisitions, since=JUNE, until=JUNE + timedelta(days=6)).events
    assert event.state is State.PROVISIONAL
    assert event.change is Change.CONSTRUCTION
    assert event.area_m2 == pytest.approx(3600, rel=0.4)
    assert event.confidence < 0.9
    assert event.scenes == ("s2-20240603",)
    assert deserves_alert(event)


@pytest.mark.parametrize("bands", [("blue", "red"), ("blue", "green", "red"), ("red", "nir"), ("red", "nir", "swir16")])
def test_a_large_roof_is_found_with_whatever_bands_there_are(scenery, every, watch, bands):
    ground = scenery(shape=SHAPE, cover="soil")
    built = ground.with_patch("roof", ground.box(24, 24, 6, 6), JUNE)
    days = [*every(PAST, SINCE, 24), *every(SINCE + timedelta(days=1), date(2024, 7, 28), 7)]
    outcome = watch([built.optical(d, bands=bands) for d in days], since=SINCE, until=date(2024, 7, 28))
    assert the_event(outcome).change is Change.CONSTRUCTION


def test_two_changes_apart_are_two_events_in_the_order_in_which_they_were_seen(scenery, monitored_mask):
    ground = scenery(shape=SHAPE)
    later = ground.with_patch("soil", ground.box(8, 8, 8, 8), JUNE + timedelta(days=42))
    outcome = monitored_mask(later.with_patch("roof", ground.box(36, 36, 6, 6), JUNE), OPTICAL_ONLY)
    changes = [(e.change, e.first_seen < JUNE + timedelta(days=21)) for e in outcome.ever_confirmed()]
    assert changes == [(Change.CONSTRUCTION, True), (Change.CLEARING, False)]


def test_a_confirmed_event_ends_after_it_was_quiet_for_long_and_looked_at(scenery, acquisitions_at, watch):
    ground, late = scenery(shape=SHAPE), date(2025, 4, 27)
    acquisitions = acquisitions_at(ground.with_patch("roof", ground.box(24, 24, 6, 6), JUNE), OPTICAL_ONLY, late)
    ended = the_event(watch(acquisitions, since=SINCE, until=late))
    assert [t.state for t in ended.transitions] == [State.PROVISIONAL, State.CONFIRMED, State.FINISHED]
    assert (ended.transitions[-1].on - ended.confirmed_on).days >= 180
    blind = [k for k in acquisitions if k.day <= date(2024, 9, 1)]
    assert the_event(watch(blind, since=SINCE, until=late)).state is State.CONFIRMED


# -- history --------------------------------------------------------------------------------------------------------


def test_a_week_without_acquisitions_changes_nothing(scenery, acquisitions_at):
    ground = scenery(shape=SHAPE)
    state, _ = begin(Ground(np.ones(SHAPE, bool), np.zeros(SHAPE, bool), is_region=True), acquisitions_at(ground)[:20])
    assert end_week(state, today=UNTIL.toordinal()) is state


def test_without_any_history_the_first_acquisition_becomes_it(scenery):
    ground = scenery(shape=SHAPE)
    empty, reports = begin(Ground(np.ones(SHAPE, bool), np.zeros(SHAPE, bool), is_region=True), [])
    assert (empty.all_series, reports) == ((), ())
    state, report = observe(empty, ground.optical(JUNE))
    assert report.status == "used"
    assert [c.history for c in state.all_series] == [1]
    unseen, report = observe(empty, ground.optical(JUNE, cloud=0.98))
    assert report.status == "unseen"
    assert unseen.all_series == ()


def test_baselines_are_fitted_again_as_history_grows(scenery, every):
    ground = scenery(shape=SHAPE)
    days = every(SINCE, UNTIL, 7)
    acquisitions = [ground.optical(d) for d in days]
    state, _ = begin(Ground(np.ones(SHAPE, bool), np.zeros(SHAPE, bool), is_region=True), acquisitions[:2])
    name = acquisitions[0].series
    assert not is_refit_due(state, name, day=days[2].toordinal())
    assert not is_refit_due(state, "sentinel-1:r9", day=days[2].toordinal())
    state, _ = observe(state, acquisitions[2])
    assert is_refit_due(state, name, day=days[3].toordinal()), "the third look"
    state = refit(state, name, acquisitions[:3], day=days[3].toordinal())
    assert (state.series(name).history, state.series(name).looked) == (3, 0)
    assert not is_refit_due(state, name, day=days[4].toordinal() + 400), "no look since"
    state, _ = observe(state, acquisitions[3])
    assert not is_refit_due(state, name, day=days[4].toordinal())
    assert is_refit_due(state, name, day=days[3].toordinal() + 182), "half a year"


def test_a_fit_does_not_swallow_a_change_that_is_under_way(scenery, every):
    ground = scenery(shape=SHAPE)
    block = ground.box(24, 24, 6, 6)
    built = ground.with_patch("roof", block, JUNE)
    past, now = every(PAST, date(2024, 5, 27), 20), every(JUNE, date(2024, 7, 1), 7)
    acquisitions = [built.optical(d) for d in [*past, *now]]
    state, _ = begin(Ground(np.ones(SHAPE, bool), np.zeros(SHAPE, bool), is_region=True), acquisitions[: len(past)])
    for acquisition in acquisitions[len(past) :]:
        state, _ = observe(state, acquisition)
    name = acquisitions[0].series
    after = refit(state, name, acquisitions, day=date(2024, 7, 8).toordinal())
    old, new = (predict(s.series(name).baseline, date(2024, 7, 8).toordinal()) for s in (state, after))
    held = held_mask(state.evidence)
    assert held[block].all()
    np.testing.assert_allclose(old[:, held], new[:, held], rtol=1e-5)
    assert not np.allclose(old[:, ~held], new[:, ~held], rtol=1e-3)
