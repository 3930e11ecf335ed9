"""A vote on clouds as a change of the looks: what it drops, what counts as haze, and a section on one tiny ground."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import cloud_vote
import haze
import numpy as np
import pytest
from cloud_vote import CLOUD, SHADOW, Vote, opinions_on, veil_of, voted
from scipy import ndimage
from worlds import END, WEEKS

from detectors.acquisition import OPTICAL, Acquisition
from detectors.ground import Ground, whole
from detectors.preprocessing.masks import clear_of

SIDE = 40
BANDS = ("blue", "green", "red", "nir")
GROUND = np.array([0.04, 0.06, 0.05, 0.25])
VEIL = np.array([0.06, 0.05, 0.04, 0.02])
BEGINS = END - timedelta(days=7 * WEEKS - 1)


def look(day: date, *, veil: float = 0.0) -> Acquisition:
    """Flat ground with noise, under a veil that is larger in blue."""
    noise = np.random.default_rng(day.toordinal()).normal(0, 0.002, (4, SIDE, SIDE))
    pixels = (GROUND + veil * VEIL)[:, None, None] + noise
    scl = np.full((SIDE, SIDE), 4, np.uint8)
    return Acquisition(f"{day}", OPTICAL, day, BANDS, pixels.astype(np.float32), np.ones((SIDE, SIDE), bool), scl)


def square(value: int, size: int = 8) -> np.ndarray:
    opinion = np.zeros((SIDE, SIDE), np.uint8)
    opinion[10 : 10 + size, 10 : 10 + size] = value
    return opinion


@pytest.mark.parametrize(
    ("vote", "value", "size", "drops"),
    [
        (Vote.WITHOUT, CLOUD, 8, False),
        (Vote.CLOUD, CLOUD, 8, True),
        (Vote.CLOUD, CLOUD, 3, False),  # a speck, as a roof is
        (Vote.CLOUD, SHADOW, 8, False),
        (Vote.SHADOW, SHADOW, 8, True),
        (Vote.VEILED, CLOUD, 8, False),  # the ground below is as clear as ever
    ],
)
def test_a_vote_drops_what_its_model_flags_and_no_specks(vote: Vote, value: int, size: int, drops: bool) -> None:
    looks = [look(END - timedelta(days=n)) for n in (300, 365, 370, 0)]
    opinions = {looks[-1].scene_id: square(value, size)}
    changed = voted(looks, opinions, by=vote, since=END)
    assert [bool((clear_of(b) & ~clear_of(a)).any()) for a, b in zip(changed, looks, strict=True)] == [False] * 3 + [
        drops
    ]
    assert all(a.pixels is b.pixels for a, b in zip(changed, looks, strict=True))


def test_a_cloud_that_is_veiled_is_dropped() -> None:
    looks = [look(END - timedelta(days=n)) for n in (365, 370)] + [look(END, veil=1.0)]
    changed = voted(looks, {looks[-1].scene_id: square(CLOUD)}, by=Vote.VEILED, since=END)
    assert not clear_of(changed[-1])[14, 14]


def test_haze_is_what_lies_above_the_season_in_blue_less_half_of_red() -> None:
    looks = [look(END - timedelta(days=n)) for n in (365, 375, 180, 730)] + [look(END, veil=1.0)]
    veils = veil_of(looks, looks)
    np.testing.assert_allclose(veils[looks[-1].scene_id], 0.06 - 0.04 / 2, atol=2e-3)
    assert looks[2].scene_id not in veils, "no other look of that season"


def test_only_looks_with_four_bands_and_clear_ground_are_asked() -> None:
    clear = look(END)
    hidden = Acquisition("hidden", OPTICAL, END, BANDS, clear.pixels, clear.valid, np.full((SIDE, SIDE), 9, np.uint8))
    without = Acquisition("rgb", OPTICAL, END, BANDS[:3], clear.pixels[:3], clear.valid, clear.scl)
    assert list(opinions_on([clear, hidden, without], lambda _: square(CLOUD))) == [clear.scene_id]


def test_a_quiet_ground_is_watched_with_and_without_the_vote(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = tuple(look(BEGINS + timedelta(days=20 * n)) for n in range(-20, 9))

    def tiny(*_: object, seed: int) -> tuple[tuple[Acquisition, ...], Ground, tuple[()]]:
        return looks, whole((SIDE, SIDE)), ()

    monkeypatch.setattr(haze, "acquisitions_at", tiny)
    watches, flagged = haze.measured("quiet", seed=3, votes=tuple(Vote), ask=lambda _: square(CLOUD))
    assert flagged == []
    by = {one.vote: one for one in watches}
    assert {one.false for one in watches} == {0}
    assert by[Vote.WITHOUT].dropped == 0 < by[Vote.CLOUD].dropped < by[Vote.CLOUD].clear
    rows = [line.what for line in haze.figures(watches, flagged) if np.isfinite(line.value)]
    assert "quiet ground, cloud: share of clear pixels dropped" in rows
    assert "quiet ground, without: false confirmed events a km² and year" in rows


def test_without_the_model_the_watch_alone_is_measured() -> None:
    jobs = haze.jobs(range(2), has_real=True, has_model=False)
    assert [job[0] for job in jobs] == ["cleared", "built", "built", *["tropical", "quiet"] * 2]
    assert {job[-1]["votes"] for job in jobs} == {(Vote.WITHOUT,)}
    assert ("suburbs", {}) in haze.jobs(range(1), has_real=True, has_model=True)


@pytest.mark.filterwarnings("ignore:Your input image is smaller:UserWarning")
def test_the_model_is_asked_as_its_package_asks_it() -> None:
    """The one session that is kept, and ground that was not measured, change nothing."""
    package = pytest.importorskip("ukis_csmask.mask", reason="the extra `bench-clouds` is not installed")
    billow = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(SIDE, SIDE)), 3)
    opacity = np.clip(0.6 * billow / billow.std(), 0, 1)
    pixels = look(END).pixels * (1 - opacity) + opacity * 0.63
    cloudy = replace(look(END), pixels=pixels.astype(np.float32))
    image = np.moveaxis(cloudy.pixels, 0, -1).copy()
    own = package.CSmask(image, list(BANDS), product_level="l2a", providers=["CPUExecutionProvider"]).csm[..., 0]
    assert (own == CLOUD)[opacity > 0.5].mean() > 0.9
    for _ in range(2):
        np.testing.assert_array_equal(cloud_vote.asked(cloudy), own)
