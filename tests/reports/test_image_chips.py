"""Pictures and curves for the report: which looks are chosen, how they are drawn, and what is left out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from aois.grid import Grid, grid_of
from aois.week import Week
from detectors.acquisition import Acquisition
from flows.imagery.archive.store import Archive
from flows.imagery.scene import Provenance, Scene, Sensor
from flows.reports.data import scene_stack
from flows.reports.data.image_chips import false_colour_pair, overview, picture_pair, radar_pair, timeline
from flows.reports.data.scene_stack import WHOLE, Album, MaskedScene, albums_in_turn, crop_around, open_albums
from flows.reports.data.time_series import curves

SHAPE = (24, 30)
FIRST_SEEN = date(2026, 9, 1)
BANDS = ("blue", "green", "red", "nir")


def optical(day: date, *, clear: float = 1.0, level: float = 0.1, bands: tuple[str, ...] = BANDS) -> MaskedScene:
    rng = np.random.default_rng(day.toordinal())
    pixels = (level + rng.normal(0, 0.005, (len(bands), *SHAPE))).astype(np.float32)
    seen = np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE) < clear * SHAPE[0] * SHAPE[1]
    return MaskedScene(
        Acquisition(f"sentinel-2_{day:%Y%m%d}T100000", "sentinel-2", day, bands, pixels, np.ones(SHAPE, bool)), seen
    )


def radar(day: date, *, track: str = ":r7", power: float = 0.1) -> MaskedScene:
    pixels = np.full((2, *SHAPE), power, np.float32)
    valid = np.ones(SHAPE, bool)
    name = f"sentinel-1_{day:%Y%m%d}T180000"
    return MaskedScene(Acquisition(name, "sentinel-1", day, ("vv", "vh"), pixels, valid, track=track), valid)


def days(first: date, step: int, count: int) -> list[date]:
    return [first + timedelta(days=step * i) for i in range(count)]


def test_the_earlier_picture_is_of_the_same_season_and_the_later_the_last_clear_one() -> None:
    pages = [optical(day) for day in days(date(2025, 9, 20), 30, 12)]
    album = Album((*pages, optical(date(2026, 9, 18)), optical(date(2026, 10, 1), clear=0.2)))
    pair = picture_pair(album, first_seen=FIRST_SEEN)
    assert pair is not None
    assert (pair.after.day, pair.before.day) == (date(2026, 9, 18), date(2025, 9, 20))


def test_the_earlier_picture_is_of_late_years_rather_than_of_the_very_day_long_ago() -> None:
    years = [optical(date(2021, 9, 18)), optical(date(2025, 10, 20))]
    pair = picture_pair(Album((*years, optical(date(2026, 9, 18)))), first_seen=FIRST_SEEN)
    assert pair.before.day == date(2025, 10, 20)
    winter = [optical(date(2024, 9, 18)), optical(date(2026, 2, 10))]
    pair = picture_pair(Album((*winter, optical(date(2026, 9, 18)))), first_seen=FIRST_SEEN)
    assert pair.before.day == date(2024, 9, 18), "half a year of season is worth more than a year"


def test_false_colour_shows_the_same_looks_and_says_which_bands() -> None:
    album = Album((optical(date(2025, 9, 20)), optical(date(2026, 9, 18))))
    pair = false_colour_pair(album, first_seen=FIRST_SEEN)
    assert (pair.kind, pair.before.day, pair.after.day) == ("false-nir", date(2025, 9, 20), date(2026, 9, 18))
    no_green = ("blue", "red", "nir", "swir16")
    album = Album((optical(date(2025, 9, 20), bands=no_green), optical(date(2026, 9, 18), bands=no_green)))
    assert false_colour_pair(album, first_seen=FIRST_SEEN).kind == "false-swir"
    rgb = ("blue", "green", "red")
    album = Album((optical(date(2025, 9, 20), bands=rgb), optical(date(2026, 9, 18), bands=rgb)))
    assert false_colour_pair(album, first_seen=FIRST_SEEN) is None


def test_radar_averages_looks_of_one_track_and_never_mixes_them() -> None:
    since = [radar(day) for day in days(date(2026, 9, 2), 12, 4)] + [radar(date(2026, 9, 30), track=":r9", power=9.0)]
    earlier = [radar(day, power=0.01) for day in days(date(2026, 7, 1), 12, 2)]
    pair = radar_pair(Album((*earlier, *since)), first_seen=FIRST_SEEN)
    assert (pair.before.looks, pair.after.looks) == (2, 3)
    assert pair.after.day == date(2026, 10, 8)
    alone = radar_pair(Album((*earlier, *since[:-1])), first_seen=FIRST_SEEN)
    assert np.array_equal(pair.after.rgb, alone.after.rgb)
    assert pair.after.rgb[..., 0].mean() > pair.before.rgb[..., 0].mean()


def test_a_mean_of_looks_is_taken_over_what_each_measured() -> None:
    half = radar(date(2026, 9, 14), power=0.1)
    valid = half.look.valid.copy()
    valid[:, 15:] = False
    gap = MaskedScene(
        Acquisition("s", "sentinel-1", half.look.day, ("vv", "vh"), half.look.pixels, valid, track=":r7"), valid
    )
    pair = radar_pair(Album((gap, radar(date(2026, 9, 26)))), first_seen=FIRST_SEEN)
    assert pair.before is None
    assert len(np.unique(pair.after.rgb.reshape(-1, 3), axis=0)) == 1


def test_the_timeline_is_even_in_time_small_and_leaves_cloudy_looks_out() -> None:
    clear = [optical(day) for day in days(date(2025, 1, 1), 10, 64)]
    cloudy = [optical(day + timedelta(days=3), clear=0.1) for day in days(date(2025, 1, 1), 10, 64)]
    thumbs = timeline(Album(tuple(sorted([*clear, *cloudy], key=lambda p: p.look.day))), first_seen=FIRST_SEEN)
    assert len(thumbs) == 8
    gaps = [(b.day - a.day).days for a, b in pairwise(thumbs)]
    assert max(gaps) - min(gaps) <= 20
    assert thumbs[0].day >= FIRST_SEEN - timedelta(days=370)
    assert {(thumb.day - date(2025, 1, 1)).days % 10 for thumb in thumbs} == {0}


def test_without_any_clear_look_there_is_no_picture() -> None:
    album = Album((optical(date(2026, 9, 18), clear=0.1),))
    assert picture_pair(album, first_seen=FIRST_SEEN) is None
    assert overview(album) is None
    assert timeline(album, first_seen=FIRST_SEEN) == ()
    assert overview(Album((radar(date(2026, 9, 18)),))).caption == "radar"


def test_curves_over_a_window_are_those_over_the_whole_ground() -> None:
    album = Album(tuple(optical(day) for day in days(date(2025, 1, 1), 20, 30)))
    mask = np.zeros(SHAPE, bool)
    mask[8:12, 10:14] = True
    window = crop_around(mask, margin_px=2, least_px=8)
    whole = curves(album, mask, first_seen=FIRST_SEEN)
    cut = curves(album.cut(window), mask[window], first_seen=FIRST_SEEN)
    assert [s.label for s in whole] == [s.label for s in cut] == ["vegetation", "brightness"]
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_allclose(one.values, other.values, rtol=1e-5)


def test_the_radar_curve_is_that_of_the_track_with_most_looks() -> None:
    often = [radar(day) for day in days(date(2026, 1, 1), 12, 6)]
    other = [radar(day, track=":r9", power=5.0) for day in days(date(2026, 1, 3), 30, 2)]
    (series,) = curves(Album((*often, *other)), np.ones(SHAPE, bool), first_seen=FIRST_SEEN)
    assert series.days == tuple(page.look.day for page in often)
    assert series.values == pytest.approx(np.full(6, -10.0), abs=0.01)


def test_an_album_holds_the_last_months_and_the_year_before_each_older_change(tmp_path, made) -> None:
    area = made.site("yard", size_m=100, margin_m=0)
    grid, archive = grid_of(area), Archive(tmp_path)
    for year in range(2020, 2027):
        for month in (3, 9):
            archive.put(area.id, "stac", grid, scene(datetime(year, month, 5, tzinfo=UTC), grid))
    given: dict[str, Any] = {"source_name": "stac", "until": Week(2026, 47).last_day, "days": 400}
    (recent,) = open_albums(area, grid, archive, (WHOLE,), **given)
    assert [page.look.day.year for page in recent.pages] == [2026, 2026]
    (older,) = open_albums(area, grid, archive, (WHOLE,), **given, changes=[date(2023, 4, 1)])
    assert [str(page.look.day)[:7] for page in older.pages] == ["2022-09", "2023-03", "2026-03", "2026-09"]


def test_windows_of_a_large_area_show_what_those_of_one_in_memory_do(tmp_path, made, monkeypatch) -> None:
    area = made.site("yard", size_m=200, margin_m=0)
    grid, archive = grid_of(area), Archive(tmp_path)
    for month in (3, 6, 9):
        archive.put(area.id, "stac", grid, scene(datetime(2026, month, 5, tzinfo=UTC), grid))
    windows = [(slice(None, None, 3), slice(None, None, 3)), (slice(2, 7), slice(1, 9)), (slice(0, 4), slice(5, 11))]
    given: dict[str, Any] = {"source_name": "stac", "until": date(2026, 11, 1), "days": 400}
    small = list(albums_in_turn(area, grid, archive, windows, **given))
    monkeypatch.setattr(scene_stack, "is_large", lambda grid: True)
    large = albums_in_turn(area, grid, archive, windows, **given)
    for one, other in zip(small, large, strict=True):
        assert len(other.pages) == 3
        for page, same in zip(one.pages, other.pages, strict=True):
            for name in ("scene_id", "day", "sensor", "series", "clear_share"):
                assert getattr(page, name) == getattr(same, name)
            np.testing.assert_equal(page.brightest, same.brightest)
            assert np.array_equal(page.look.pixels, same.look.pixels, equal_nan=True)
            assert np.array_equal(page.clear, same.clear)


def scene(acquired: datetime, grid: Grid) -> Scene:
    pixels = np.full((1, *grid.shape), 0.1, np.float32)
    name = f"sentinel-2_{acquired:%Y%m%dT%H%M%S}"
    valid = np.ones(grid.shape, bool)
    return Scene(name, Sensor.SENTINEL_2, acquired, ("red",), pixels, valid, None, Provenance("stac", (name,)))
