"""A tile searched over weeks: same calls, later looks, kills, refits; always the same bytes."""

import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio

from detectors.tile_search.places import places_of
from flows.tile_search.baseline_plan import alone
from flows.tile_search.cached_look import CachedLook
from flows.tile_search.local_file_look import MosaicLook
from flows.tile_search.look import WindowPixels, hidden
from flows.tile_search.search_tile import SearchPeriod, search_tile
from flows.tile_search.tile import WideError, Window

SINCE, HALFWAY, END = date(2024, 6, 1), date(2024, 8, 20), date(2024, 10, 30)


def run(land, folder, until=END, *, looks=None, since=SINCE, **how):
    return search_tile(
        land.tile(folder), land.looks(until) if looks is None else looks, SearchPeriod(since, until), **how
    )


@pytest.fixture(scope="module")
def done(land, tmp_path_factory):
    """The state of one search to the end, and its folder."""
    folder = tmp_path_factory.mktemp("done")
    return run(land, folder), folder


def test_the_yard_is_found_and_nothing_else(land, done):
    state, _ = done
    places, too_large = places_of(state.objects, shape=land.shape, pixel_size_m=10, today=state.last)
    assert [(p.top, p.left, p.bottom, p.right) for p in places] == [(60, 500, 90, 530)]
    assert (places[0].area_px, too_large) == (900, 0)
    assert abs((places[0].first_seen - land.built_on).days) <= 18


def test_a_search_says_what_it_rests_on(done, land):
    state, _ = done
    assert state.watched_share == 1.0
    assert state.looks == state.taken == len([d for d in land.days(END) if d >= SINCE])
    assert state.late == 0
    assert state.baseline.until == date(2024, 5, 31)


def test_the_same_search_twice_changes_nothing(land, done, bytes_of):
    state, folder = done
    before, stamps = bytes_of(folder), {p: p.stat().st_mtime_ns for p in folder.glob("*.tif")}
    again = run(land, folder)
    assert again.taken == 0
    assert bytes_of(folder) == before
    assert {p: p.stat().st_mtime_ns for p in folder.glob("*.tif")} == stamps
    np.testing.assert_array_equal(again.objects.area_px, state.objects.area_px)


def test_week_by_week_and_at_once_end_in_the_same_bytes(land, done, tmp_path, bytes_of):
    for until in [*land.days(HALFWAY)[-3:], END]:
        run(land, tmp_path, until)
    assert bytes_of(tmp_path) == bytes_of(done[1])


def test_threads_do_not_show(land, done, tmp_path, bytes_of):
    run(land, tmp_path, threads=1)
    assert bytes_of(tmp_path) == bytes_of(done[1])


@pytest.mark.parametrize("files", [1, 3])
def test_killed_anywhere_the_next_run_ends_in_the_same_bytes(land, done, tmp_path, bytes_of, files):
    child = Path(__file__).parents[1] / "helpers" / "search_child.py"
    died = subprocess.run([sys.executable, child, tmp_path, land.folder, str(END), str(files)], check=False)
    assert died.returncode == -9
    assert len(list(tmp_path.glob("[sd]*.tif"))) <= files
    run(land, tmp_path)
    assert bytes_of(tmp_path) == bytes_of(done[1])
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_damaged_strip_is_made_again(land, done, tmp_path, bytes_of):
    run(land, tmp_path)
    (tmp_path / "dynamic-00512.tif").write_bytes(b"torn")
    run(land, tmp_path)
    assert bytes_of(tmp_path) == bytes_of(done[1])


def test_a_late_look_is_left_out_and_said(land, tmp_path):
    looks = land.looks(END)
    late = looks[-4]
    run(land, tmp_path, looks=[look for look in looks if look is not late])
    assert run(land, tmp_path, looks=looks).late == 1


def test_a_year_later_the_baseline_is_fitted_anew_and_holds_the_yard(land, tmp_path):
    run(land, tmp_path)
    later = date(2025, 8, 30)
    state = run(land, tmp_path, later, looks=land.looks(later))
    assert state.baseline.until == date(2025, 5, 31)
    assert not len(state.objects.area_px)
    assert state.looks == len([d for d in land.days(later) if d > state.baseline.until])


def test_too_short_a_history_is_refused_with_its_mend(land, tmp_path):
    with pytest.raises(WideError, match=r"`green-1`: 5 looks .* at least 12; .*--since"):
        run(land, tmp_path, since=land.days(END)[5])


def test_two_runs_over_a_tile_exclude_each_other(land, tmp_path):
    with alone(land.tile(tmp_path)), pytest.raises(WideError, match="another run"):
        run(land, tmp_path)


def test_the_state_opens_as_rasters_on_the_tile(land, done):
    with rasterio.open(done[1] / "static-00512.tif") as file:
        assert (file.height, file.width, file.count) == (28, 580, 7)
        assert file.bounds.top == land.grid.top - 5120
        assert file.descriptions == ("mean", "cos1", "sin1", "cos2", "sin2", "sigma", "red")
        assert file.block_shapes[0] == (512, 512)
        assert file.read(1).mean() == pytest.approx(790, abs=40)


def test_clouds_are_not_looked_at(land):
    cloudy = next(look for look in land.looks(END) if look.day.toordinal() % 5 == 0)
    with cloudy.open() as reader:
        assert reader.read(Window(0, 0, 100, 200)) is None
        ground = reader.read(Window(0, 256, 100, 256))
    assert not ground.clear[:, : 300 - 256 + 4].any()
    assert ground.clear[:, 300 - 256 + 4 :].all()


def test_beyond_a_file_nothing_is_measured(land):
    look = land.looks(END)[3]
    moved = replace(look, red=replace(look.red, top=-50), nir=replace(look.nir, top=-50), classes=None)
    with moved.open() as reader, look.open() as straight:
        ground = reader.read(Window(0, 0, 80, 64))
        assert reader.read(Window(0, 580, 64, 64)) is None
        np.testing.assert_array_equal(ground.red[50:], straight.read(Window(0, 0, 30, 64)).red)
    assert not ground.red[:50].any()


def test_numbers_without_the_offset_are_lifted_and_nodata_stays(land):
    look = land.looks(END)[3]
    with look.open() as reader, replace(look, added=1000).open() as lifted:
        window = Window(0, 0, 64, 64)
        np.testing.assert_array_equal(lifted.read(window).red, reader.read(window).red + 1000)


def test_parts_of_a_day_fill_each_others_gaps(land):
    look = land.looks(END)[3]
    below = replace(look, red=replace(look.red, top=-50), nir=replace(look.nir, top=-50), classes=None)
    mosaic = MosaicLook("both", look.day, (below, look))
    with mosaic.open() as reader, look.open() as second, below.open() as first:
        window = Window(0, 0, 80, 64)
        ground = reader.read(window)
        np.testing.assert_array_equal(ground.red[:50], second.read(window).red[:50])
        np.testing.assert_array_equal(ground.red[50:], first.read(window).red[50:])


def test_a_kept_look_is_fetched_once_and_forgotten(land, tmp_path):
    tile, asked = land.tile(tmp_path), []
    rng = np.random.default_rng(0)
    whole = rng.integers(1, 9000, (2, *land.shape)).astype(np.uint16)

    def fetch(window):
        asked.append(window)
        rows = slice(window.top, window.top + window.rows)
        clear = np.ones((window.rows, window.columns), np.uint8)
        clear[:, :7] = 0
        return WindowPixels(whole[0, rows], whole[1, rows], clear)

    look = CachedLook("one", END, tile, fetch)
    look.prepare()
    look.prepare()
    assert asked == list(tile.strips)
    with look.open() as reader:
        ground = reader.read(Window(100, 0, 50, 60))
    np.testing.assert_array_equal(ground.nir[:, 7:], whole[1, 100:150, 7:60])
    assert not ground.red[:, :7].any()
    look.forget()
    assert not list((tmp_path / "looks").iterdir())


def test_a_look_that_shows_nothing_changes_no_pixel(land, done, tmp_path):
    run(land, tmp_path, HALFWAY)
    with rasterio.open(tmp_path / "dynamic-00000.tif") as file:
        before = file.read()
    blind = CachedLook("blind", date(2024, 8, 21), land.tile(tmp_path), hidden)
    state = run(land, tmp_path, date(2024, 8, 21), looks=[*land.looks(HALFWAY), blind])
    with rasterio.open(tmp_path / "dynamic-00000.tif") as file:
        np.testing.assert_array_equal(file.read(), before)
    assert (state.taken, state.clear_share) == (1, 0.0)


def test_a_look_that_cannot_be_read_is_named_with_its_mend(land, tmp_path):
    look = land.looks(END)[-1]
    torn = tmp_path / "torn.tif"
    torn.write_bytes(Path(look.nir.path).read_bytes()[:50_000])
    gone = replace(look, red=replace(look.red, path=str(tmp_path / "gone.tif")))
    for broken in (gone, replace(look, nir=replace(look.nir, path=str(torn)))):
        with pytest.raises(WideError, match=rf"`{look.look_id}`: a file of it cannot be read; .* fetch it again"):
            run(land, tmp_path / "state", looks=[*land.looks(END)[:-1], broken])


def test_what_a_killed_run_had_fetched_does_not_stay(land, tmp_path):
    tile = land.tile(tmp_path)
    old = CachedLook("old", date(2023, 1, 1), tile, hidden)
    old.prepare()
    (tmp_path / "looks" / ".half.tif.1.tmp").touch()
    run(land, tmp_path, looks=[old, *land.looks(END)])
    assert not list((tmp_path / "looks").iterdir())
