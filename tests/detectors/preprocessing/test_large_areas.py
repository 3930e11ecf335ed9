"""Of a large area shifts are measured on tiles spread over it: whatever hides its middle hides a part of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import pytest
from scipy import ndimage

from detectors.acquisition import OPTICAL, Acquisition
from detectors.ground import Ground
from detectors.monitor.steps import begin, refit
from detectors.preprocessing.align import align_acquisition, reference_image
from detectors.preprocessing.registration import TILE_PX, TILES, WHOLE_PX, registration_part, tiles_of
from detectors.sensor_series.series import build_series

SIDE, CLOUD, LAND = 1040, 9, 4
MIDDLE = slice(120, 920), slice(120, 920)  # more than the 768 pixels on which shifts were measured once
EVERYWHERE = np.ones((SIDE, SIDE), bool)
FIRST = date(2025, 1, 6)


@lru_cache
def land() -> np.ndarray:
    rng = np.random.default_rng(0)
    field = sum(ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), width) * width for width in (1.5, 6.0))
    return (0.1 + 0.02 * field).clip(0.01).astype(np.float32)


def scene(number: int, *, down: int = 0, ground: np.ndarray | None = None) -> Acquisition:
    """What an instrument shows on a day, `down` pixels to the south of where it lies."""
    noise = np.random.default_rng(number + 1).normal(0, 0.002, (SIDE, SIDE))
    pixels = (np.roll(land() if ground is None else ground, down, axis=0) + noise).astype(np.float32)[None]
    scl, day = np.full((SIDE, SIDE), LAND, np.uint8), FIRST + timedelta(days=5 * number)
    return Acquisition(f"{OPTICAL}_{day}", OPTICAL, day, ("red",), pixels, EVERYWHERE.copy(), scl)


def under_cloud(acquisition: Acquisition, where: tuple[slice, slice]) -> Acquisition:
    pixels, scl = acquisition.pixels.copy(), acquisition.scl.copy()
    pixels[:, *where], scl[where] = 0.6, CLOUD
    return replace(acquisition, pixels=pixels, scl=scl)


def outside(acquisition: Acquisition) -> Acquisition:
    valid = acquisition.valid.copy()
    valid[MIDDLE] = False
    return replace(acquisition, valid=valid)


def at_sea(acquisition: Acquisition) -> Acquisition:
    """Waves, that no two scenes have in common."""
    pixels, seed = acquisition.pixels.copy(), acquisition.day.toordinal()
    pixels[0][MIDDLE] = 0.03 + np.random.default_rng(seed).normal(0, 0.004, (800, 800))
    return replace(acquisition, pixels=pixels)


HIDDEN = {"under cloud": lambda one: under_cloud(one, MIDDLE), "not in the scene": outside, "at sea": at_sea}


@pytest.mark.parametrize("hide", HIDDEN.values(), ids=HIDDEN)
def test_a_scene_askew_is_put_right_though_its_middle_shows_nothing(hide):
    reference = reference_image([registration_part(scene(0))])
    report = align_acquisition(hide(scene(1, down=1)), reference=reference, monitored_mask=EVERYWHERE).report
    assert (report.status, report.note) == ("used", "")
    assert (report.shift.dy, report.shift.dx) == pytest.approx((1.0, 0.0), abs=0.1)
    assert report.residual_px < 0.1


def test_so_it_is_where_the_middle_is_not_monitored():
    monitored_mask = EVERYWHERE.copy()
    monitored_mask[MIDDLE] = False
    reference = reference_image([registration_part(outside(scene(0)))])
    report = align_acquisition(outside(scene(1, down=1)), reference=reference, monitored_mask=monitored_mask).report
    assert report.shift.is_known
    assert report.shift.dy == pytest.approx(1.0, abs=0.1)


def test_of_a_scene_whose_shift_cannot_be_measured_the_report_says_so():
    reference = reference_image([registration_part(scene(0))])
    flat = scene(1, ground=np.full((SIDE, SIDE), 0.1, np.float32))
    report = align_acquisition(flat, reference=reference, monitored_mask=EVERYWHERE).report
    assert (report.status, report.shift.is_known) == ("used", False)
    assert report.note == "used as it lies: its shift could not be measured"


def test_after_a_first_scene_that_is_all_cloud_the_next_one_is_the_reference():
    since, everything = np.zeros((SIDE, SIDE), np.int32), (slice(None), slice(None))
    cloudy, reports = build_series([under_cloud(scene(0), everything)], monitored_mask=EVERYWHERE, since=since)
    assert (cloudy, reports[0].status) == (None, "unseen")
    founded, _ = build_series([under_cloud(scene(1), MIDDLE)], monitored_mask=EVERYWHERE, since=since)
    report = align_acquisition(scene(2, down=1), reference=founded.reference, monitored_mask=EVERYWHERE).report
    assert report.status == "used"
    assert report.shift.dy == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("reference", [None, np.full((96, 96), np.nan, np.float32)], ids=["none", "of nothing"])
def test_a_reference_that_shows_too_little_is_made_anew_with_the_baseline(reference):
    box = slice(0, 96), slice(0, 96)
    scenes = [scene(number).at(box) for number in range(2)]
    mask = np.ones((96, 96), bool)
    state, _ = begin(Ground(mask, ~mask, is_region=True), scenes[:1])
    (series,) = state.all_series
    blind = replace(state, all_series=(replace(series, reference=reference),))
    renewed, known = (refit(one, series.name, scenes, day=FIRST.toordinal() + 20) for one in (blind, state))
    assert np.isfinite(renewed.all_series[0].reference).mean() > 0.9
    assert known.all_series[0].reference is series.reference


@pytest.mark.parametrize("shape", [(2196, 2196), (10980, 10980), (90, 12_000), (300, 4000), (1025, 1024)])
def test_tiles_lie_in_the_area_and_show_as_much_of_each_part(shape):
    rows = np.broadcast_to(np.arange(shape[0], dtype=np.float32)[:, None], shape)
    seen = np.broadcast_to(np.uint8(1), shape)
    tiles, shown = tiles_of(rows), tiles_of(seen)
    assert tiles.size < WHOLE_PX
    assert TILES // 2 * min(TILE_PX, *shape) ** 2 <= shown.sum() <= TILES * TILE_PX**2
    assert tiles[shown > 0].mean() == pytest.approx((shape[0] - 1) / 2, abs=1)


def test_a_small_area_is_one_tile():
    acquisition = scene(0).at((slice(0, 1024), slice(0, 1024)))
    assert registration_part(acquisition) is acquisition
