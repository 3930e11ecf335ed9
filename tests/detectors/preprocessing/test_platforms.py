"""Where radar platforms lie against each other: measured where it can be known, corrected, and else kept apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from detectors.preprocessing.align import align_acquisition
from detectors.preprocessing.platforms import PlatformPosition, fit_positions, is_apart, place_acquisition

START = date(2024, 1, 3)
EVERYWHERE = np.ones((64, 64), bool)
A, C = "sentinel-1a", "sentinel-1c"


@pytest.fixture(scope="module")
def ground(scenery):
    """Ground with some roofs, so that radar has something to be registered on."""
    town = scenery(seed=3)
    for top, left in ((8, 9), (14, 40), (30, 22), (37, 50), (52, 12), (50, 36)):
        town = town.with_patch("roof", town.box(top, left, 3, 5))
    return town


def passes(ground, platform, count, *, since=0, **wrong):
    days = [START + timedelta(days=12 * n + since) for n in range(count)]
    return [ground.radar(day, platform=platform, **wrong) for day in days]


@pytest.mark.parametrize("shift", [(0.5, 0.0), (-0.7, 0.7), (1.4, -1.4)])
def test_the_shift_and_the_gain_of_a_platform_are_measured(ground, shift):
    fitted = fit_positions([*passes(ground, A, 10), *passes(ground, C, 4, since=126, shift=shift, gain=10**0.1)])
    home, other = fitted.positions
    assert (home.platform, home.dy, home.dx, home.gains) == (A, 0.0, 0.0, (0.0, 0.0))
    assert (other.platform, other.acquisitions) == (C, 4)
    assert (other.dy, other.dx) == pytest.approx(shift, abs=0.11)
    assert other.gains == pytest.approx((0.23, 0.23), abs=0.03)


def test_a_corrected_acquisition_is_that_of_the_reference(ground):
    fitted = fit_positions([*passes(ground, A, 10), *passes(ground, C, 4, since=126, shift=(1.0, 1.0), gain=1.26)])
    straight, moved = ground.radar(START), ground.radar(START, platform=C, shift=(1.0, 1.0), gain=1.26)
    read = align_acquisition(moved, reference=fitted.reference, monitored_mask=EVERYWHERE, positions=fitted.positions)
    as_it_came = align_acquisition(moved, reference=None, monitored_mask=EVERYWHERE)
    assert read.report.status == "used"
    assert read.report.residual_px < 0.2
    true = align_acquisition(straight, reference=None, monitored_mask=EVERYWHERE).features.values
    inner = np.s_[:, 8:-8, 8:-8]
    left, without = (np.abs(k.features.values - true)[inner].mean() for k in (read, as_it_came))
    assert left < 0.7 * without


def test_a_platform_of_few_acquisitions_is_kept_apart(ground):
    fitted = fit_positions([*passes(ground, A, 10), *passes(ground, C, 2, since=126)])
    assert [position.platform for position in fitted.positions] == [A]
    assert is_apart(ground.radar(START, platform=C), fitted.positions)
    assert not is_apart(ground.radar(START, platform=A), fitted.positions)


def test_ground_without_features_leaves_a_platform_apart(scenery):
    rng = np.random.default_rng(1)
    bare = scenery().radar(START)
    looks = [
        replace(
            bare,
            scene_id=f"{platform}-{n}",
            day=START + timedelta(days=n),
            platform=platform,
            pixels=rng.gamma(4.4, 0.02, bare.pixels.shape).astype(np.float32),
        )
        for platform, count in ((A, 8), (C, 6))
        for n in range(count)
    ]
    assert [position.platform for position in fit_positions(looks).positions] == [A]


def test_radar_of_one_platform_is_left_as_it_is(ground):
    looks = passes(ground, A, 8)
    fitted = fit_positions(looks)
    assert [(p.platform, p.dy, p.dx, p.gains) for p in fitted.positions] == [(A, 0.0, 0.0, (0.0, 0.0))]
    for look in looks:
        placed = place_acquisition(look, reference=fitted.reference, positions=fitted.positions)
        assert placed.acquisition is look
        assert (placed.note, placed.residual_px < 0.3) == ("", True)


def test_scenes_that_name_no_platform_are_of_one_platform(ground):
    looks = passes(ground, "", 8)
    fitted = fit_positions(looks)
    assert [position.platform for position in fitted.positions] == [""]
    assert not is_apart(looks[0], fitted.positions)


def test_a_jump_of_the_whole_series_is_out_of_register(ground):
    fitted = fit_positions(passes(ground, A, 8))
    jumped = ground.radar(START + timedelta(days=200), platform=A, shift=(1.5, 1.2))
    read = align_acquisition(jumped, reference=fitted.reference, monitored_mask=EVERYWHERE, positions=fitted.positions)
    assert read.report.status == "refused"
    assert read.report.note.startswith("radar out of register: 1.9 px")


def test_a_platform_may_lie_at_two_places(ground):
    looks = [
        *passes(ground, A, 10),
        *passes(ground, C, 5, since=126, shift=(0.0, 1.0)),
        *passes(ground, C, 4, since=192, shift=(-1.0, 0.0)),
    ]
    found = fit_positions(looks).positions[1:]
    assert [(round(p.dy), round(p.dx), p.acquisitions) for p in found] == [(0, 1, 5), (-1, 0, 4)]


def test_what_is_known_stays_when_more_is_measured(ground):
    first = fit_positions(passes(ground, A, 6))
    more = [*passes(ground, A, 2, since=80), *passes(ground, C, 9, since=86, shift=(1.0, 0.0))]
    later = fit_positions(more, reference=first.reference, positions=first.positions)
    assert [position.platform for position in later.positions] == [A, C], "the commoner one does not take its place"
    assert later.positions[0] == first.positions[0]
    assert np.array_equal(later.reference, first.reference, equal_nan=True), "fewer acquisitions make no better one"


def test_an_acquisition_of_one_polarisation_is_placed_by_it(ground):
    fitted = fit_positions(passes(ground, A, 8))
    position = PlatformPosition(C, 0.0, 1.0, (0.2, 0.3), 3)
    look = ground.radar(START, bands=("vv",), platform=C, shift=(0.0, 1.0), gain=float(np.exp(0.2)))
    placed = place_acquisition(look, reference=fitted.reference, positions=(*fitted.positions, position))
    assert placed.residual_px < 0.3
    assert np.nanmedian(np.log(placed.acquisition.pixels[0] / look.pixels[0])) == pytest.approx(-0.2, abs=0.1)
    assert np.nanmin(placed.acquisition.pixels) > 0
