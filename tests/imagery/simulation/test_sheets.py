"""Areas too large for one piece: sheets fit together, nothing repeats, and the story is told as for small ones."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import binary_dilation
from shapely.geometry import MultiPolygon, box, shape

from aois.area import Area, AreaKind
from aois.grid import Grid, grid_of, to_lonlat, to_utm
from detectors.records import Change
from flows.imagery.scene import ImageryError, Scene, Sensor
from flows.imagery.simulation.land.canvas import RIM
from flows.imagery.simulation.land.land_mix import TOWN
from flows.imagery.simulation.land.sun import sun_at
from flows.imagery.simulation.noise import fractal_window, smooth_noise, smooth_window, white_rows
from flows.imagery.simulation.random_streams import generator
from flows.imagery.simulation.scenario.presets import AreaPreset, Story
from flows.imagery.simulation.sheets.large_world import LargeWorld, build_large_world
from flows.imagery.simulation.sheets.layout import lay_out
from flows.imagery.simulation.sheets.sheet_file import SheetFile, rows_of_surface, surface_of_rows
from flows.imagery.simulation.sheets.sheet_settings import settings_of
from flows.imagery.simulation.sheets.wide_sky import WideSky, draw_wide_sky
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.imagery.simulation.truth import TrueChange
from flows.imagery.simulation.world import WorldSetting, draw_world

STORY_END = date(2026, 11, 22)
LONG_AGO = STORY_END + timedelta(days=3650)  # a story that is still far away
SHEET_PX = 64
NORTH = 1_200_000


def region(width_px: int, height_px: int, name: str = "somewhere", kind: AreaKind = AreaKind.REGION) -> Area:
    left, top = 500_000 + 10 * width_px, NORTH + 10 * height_px
    return Area(name, kind, to_lonlat(box(500_000, NORTH, left, top).buffer(-1), 32648), margin_m=0.0)


REGION = region(135, 121)
GRID = grid_of(REGION)


def source(story_end: date = STORY_END, *, seed: int = 1) -> SimulatedSource:
    return SimulatedSource(story_end, seed, whole_px=100, sheet_px=SHEET_PX)


TOLD, UNTOLD = source(), source(LONG_AGO)


def scenes(of: SimulatedSource, area: Area = REGION, *, days: int = 14, until: date = STORY_END) -> list[Scene]:
    refs = of.search(area, grid_of(area), since=until - timedelta(days=days), until=until)
    return [of.fetch(area, grid_of(area), ref) for ref in refs]


def digest(some: list[Scene]) -> str:
    total = sha256()
    for scene in some:
        total.update(scene.pixels.tobytes())
        total.update(b"" if scene.scl is None else scene.scl.tobytes())
    return total.hexdigest()


@cache
def clear_scene(of: SimulatedSource, sensor: Sensor, day: date = STORY_END) -> Scene:
    """The last scene of a sensor until a day without clouds."""
    for ref in reversed(of.search(REGION, GRID, since=day - timedelta(days=150), until=day)):
        if ref.sensor is sensor:
            scene = of.fetch(REGION, GRID, ref)
            if scene.scl is None or not np.isin(scene.scl, (3, 8, 9, 10, 11)).any():
                return scene
    raise AssertionError("no clear scene")


@cache
def truth() -> tuple[TrueChange, ...]:
    return TOLD.truth_changes(REGION, GRID)


def test_area_beyond_what_is_drawn_in_one_piece_is_seen_whole() -> None:
    area = region(1_050, 12)
    some = scenes(SimulatedSource(STORY_END), area)
    assert {scene.sensor for scene in some} == set(Sensor)
    for scene in some:
        assert scene.pixels.shape == (len(scene.bands), 12, 1_050)
        assert scene.pixels.dtype == np.float32
        assert scene.pixels.min() > 0
        assert np.isfinite(scene.pixels).all()
        assert scene.valid.all()
        if scene.scl is not None:
            assert set(np.unique(scene.scl)) <= {3, 4, 5, 6, 8, 9, 10, 11}


def test_area_up_to_that_size_has_nothing_to_do_with_sheets() -> None:
    area = region(100, 30)
    one, other = (SimulatedSource(STORY_END, whole_px=100, sheet_px=side) for side in (32, 64))
    assert digest(scenes(one, area)) == digest(scenes(other, area)) == digest(scenes(SimulatedSource(STORY_END), area))
    wider = region(101, 30)
    assert digest(scenes(one, wider)) != digest(scenes(SimulatedSource(STORY_END), wider))


@pytest.mark.parametrize(("height", "width"), [(500, 300), (129, 700), (63, 65), (191, 193)])
def test_sheets_show_every_pixel_once_and_begin_on_even_ones(height: int, width: int) -> None:
    layout = lay_out(Grid(32648, 500_000, NORTH, width, height), 128)
    shown = np.zeros((height + 2 * RIM, width + 2 * RIM), int)
    for place in layout.places():
        rows, columns = layout.shown(place)
        shown[rows.start : rows.stop, columns.start : columns.stop] += 1
        assert all(start % 2 == 0 for start in layout.begin(place))
        sheet = layout.grid_of(place)
        assert (sheet.top, sheet.left) == (NORTH - 10 * layout.begin(place)[0], 500_000 + 10 * layout.begin(place)[1])
        assert len(layout.across(rows)) >= layout.shape[1]
    assert (shown == 1).all()


def test_threads_and_order_make_no_difference() -> None:
    alone = scenes(source(), days=12)
    shared = source()
    refs = shared.search(REGION, GRID, since=STORY_END - timedelta(days=12), until=STORY_END)
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda ref: shared.fetch(REGION, GRID, ref), reversed(refs)))
    assert digest(together[::-1]) == digest(alone)
    assert digest(scenes(source(seed=2), days=12)) != digest(alone)


def test_another_process_gives_the_same_bytes() -> None:
    code = f"import runpy; t = runpy.run_path({__file__!r}); print(t['digest'](t['scenes'](t['source'](), days=8)))"
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == digest(scenes(TOLD, days=8)) + "\n"


def test_window_of_a_field_is_the_same_in_any_window() -> None:
    words = ("a field", 3)
    whole = fractal_window(words, range(-20, 90), range(70), (13.0, 2.5))
    part = fractal_window(words, range(17, 40), range(9, 55), (13.0, 2.5))
    np.testing.assert_allclose(part, whole[37:60, 9:55], atol=1e-5)
    assert np.array_equal(
        white_rows(words, range(5, 9), 30, layers=2)[:, 2], white_rows(words, range(7, 8), 30, layers=2)[:, 0]
    )


def test_endless_field_is_as_rough_as_a_whole_one() -> None:
    endless = smooth_window(("rough", 1), range(600), range(600), 7.0)
    whole = smooth_noise(np.random.default_rng(1), (600, 600), 7.0)
    for field in (endless, whole):
        assert abs(field.mean()) < 0.05
        assert field.std() == pytest.approx(1.0, abs=0.04)
        assert np.abs(np.diff(field, axis=1)).mean() == pytest.approx(np.abs(np.diff(whole, axis=0)).mean(), rel=0.05)


def some_sky(share: float) -> WideSky:
    return WideSky(("a day",), 300, share, 0.3, (30, -20), 0.03)


def test_clouds_shadows_and_haze_run_over_the_ends_of_strips() -> None:
    whole, slipped = some_sky(0.5).over(range(256), (2, -2))
    parts = [some_sky(0.5).over(range(start, start + 64), (2, -2)) for start in range(0, 256, 64)]
    for name in ("cloud", "shadow", "haze", "billow"):
        joined = np.concatenate([getattr(seen, name) for seen, _ in parts])
        np.testing.assert_allclose(joined, getattr(whole, name), atol=1e-5)
    joined = np.concatenate([classified.shadow for _, classified in parts])
    np.testing.assert_allclose(joined, slipped.shadow, atol=1e-5)
    assert np.array_equal(slipped.shadow[2:, :-2], whole.shadow[:-2, 2:])


@pytest.mark.parametrize("share", [0.0, 0.2, 0.7, 1.0])
def test_clouds_cover_the_share_that_they_should(share: float) -> None:
    sky = WideSky(("wide",), 1_200, share, 0.2, (0, 0), 0.0)
    covered = float(
        np.mean([(sky.over(range(at, at + 100), (0, 0))[0].cloud > 0.01).mean() for at in range(0, 9_000, 900)])
    )
    assert covered == pytest.approx(share, abs=0.12)


def test_some_days_are_clear_and_some_are_not() -> None:
    shares = [draw_wide_sky((n,), 10, sun_at(12.0, 0.0), 0.5, generator("sky", n)).share for n in range(80)]
    assert 0.1 < np.mean(np.array(shares) == 0) < 0.7
    assert max(shares) > 0.9


def test_borders_of_sheets_are_no_rougher_than_the_ground_beside_them() -> None:
    red = clear_scene(UNTOLD, Sensor.SENTINEL_2).pixels[2]
    step = np.abs(np.diff(np.log(red), axis=1))
    at = SHEET_PX - 1
    beside = np.delete(step[:, at - 20 : at + 21], (19, 20, 21), axis=1).mean()
    assert step[:, at - 1 : at + 2].mean() < 1.4 * beside


@pytest.mark.parametrize("sensor", list(Sensor))
def test_noise_of_one_sheet_is_not_that_of_another(sensor: Sensor) -> None:
    one = clear_scene(UNTOLD, sensor)
    other = clear_scene(UNTOLD, sensor, one.acquired.date() - timedelta(days=1))
    noise = np.log(one.pixels[0] / other.pixels[0])
    noise = noise[1:] - noise[:-1]
    first = noise[:56, :56]
    for down, right in ((0, SHEET_PX), (SHEET_PX, 0)):
        second = noise[down : down + 56, right : right + 56]
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.05


def test_years_are_early_or_late_everywhere() -> None:
    """Sheets have one weather, one flood and one lateness, so that none stands out."""
    scene = clear_scene(UNTOLD, Sensor.SENTINEL_2)
    medians = [
        np.median(scene.pixels[3][rows, columns]) for rows in quarters(GRID.height) for columns in quarters(GRID.width)
    ]
    assert max(medians) < 1.3 * min(medians)


def quarters(length: int) -> tuple[slice, slice]:
    return slice(0, SHEET_PX), slice(SHEET_PX, length)


@pytest.mark.parametrize("sensor", list(Sensor))
def test_story_changes_its_own_ground_and_no_other(sensor: Sensor) -> None:
    told, untold = clear_scene(TOLD, sensor), clear_scene(UNTOLD, sensor)
    footprint = np.any([change.footprint for change in truth()], axis=0)
    difference = np.abs(np.log(told.pixels / untold.pixels)).max(axis=0)
    assert (difference[footprint] > 0.1).mean() > 0.5
    assert not difference[~binary_dilation(footprint, iterations=9)].any()


def test_region_has_new_compounds_and_ordinary_changes() -> None:
    changes = truth()
    assert [change.begins for change in changes] == sorted(change.begins for change in changes)
    assert {change.change for change in changes if not change.ordinary} >= {Change.FENCING, Change.CONSTRUCTION}
    assert {"house", "ploughing"} <= {change.phase for change in changes if change.ordinary}
    assert all(change.footprint.shape == GRID.shape for change in changes)
    assert all(change.pixels.mask.size < 0.2 * GRID.width * GRID.height for change in changes)


def test_most_of_a_wide_region_is_quiet() -> None:
    layout = lay_out(grid_of(region(2_200, 2_210)), 256)
    settings = settings_of(region(2_200, 2_210), layout, story_end=STORY_END, seed=1)
    stories = [setting.preset.story for setting in settings.values()]
    assert len(stories) == 81
    assert (stories.count(Story.NEW_COMPOUND), stories.count(Story.ORDINARY)) == (3, 9)


def test_truth_file_tells_where_changes_are(tmp_path: Path) -> None:
    TOLD.write_truth(tmp_path / "truth.geojson", [(REGION, GRID)])
    features = json.loads((tmp_path / "truth.geojson").read_text(encoding="utf-8"))["features"]
    assert len(features) == len(truth())
    for feature, change in zip(features, truth(), strict=True):
        drawn = to_utm(shape(feature["geometry"]), GRID.epsg)
        rows, columns = change.pixels.box
        assert drawn.area == pytest.approx(100 * change.pixels.pixels, rel=1e-3)
        assert drawn.bounds[0] == pytest.approx(GRID.left + 10 * columns.start, abs=0.01)
        assert drawn.bounds[3] == pytest.approx(GRID.top - 10 * rows.start, abs=0.01)


def test_kept_ground_is_the_drawn_one_at_every_step_of_a_story() -> None:
    world = build_large_world(REGION, GRID, story_end=STORY_END, seed=1, side_px=SHEET_PX)
    layout = lay_out(GRID, SHEET_PX)
    settings = settings_of(REGION, layout, story_end=STORY_END, seed=1)
    place, setting = next((p, s) for p, s in settings.items() if s.preset.story is Story.NEW_COMPOUND)
    drawn = draw_world(layout.grid_of(place), setting)
    (top, left), (height, width) = layout.begin(place), layout.grid_of(place).shape
    for day in {step.begins for step in drawn.plan.steps}:
        kept = shares_of(world, range(top, top + height), day)[:, RIM:-RIM, RIM + left : RIM + left + width]
        np.testing.assert_allclose(kept, drawn.ground(day).surface.shares[:, RIM:-RIM, RIM:-RIM], atol=0.02)


def shares_of(world: LargeWorld, rows: range, day: date) -> np.ndarray:
    return world.look(rows, day, lambda ground: ground.surface.shares, layers=16)


def test_what_is_kept_of_a_drawing_is_close_and_adds_up() -> None:
    setting = WorldSetting("a", 5, 12.0, AreaPreset(TOWN, Story.QUIET), STORY_END)
    surface = draw_world(Grid(32648, 500_000, NORTH, 40, 30), setting).ground(STORY_END).surface
    again = surface_of_rows(rows_of_surface(surface), slice(None))
    np.testing.assert_allclose(again.shares, surface.shares, atol=0.012)
    np.testing.assert_allclose(again.shares.sum(0), 1, atol=1e-5)
    np.testing.assert_allclose(again.shadow, surface.shadow, atol=0.003)
    np.testing.assert_allclose(again.corners, surface.corners, rtol=1e-3, atol=1e-3)


def test_forked_process_writes_over_nothing_of_its_parent() -> None:
    world = build_large_world(REGION, GRID, story_end=STORY_END, seed=1, side_px=SHEET_PX)
    alone = shares_of(world, range(GRID.height), STORY_END)
    forked = build_large_world(REGION, GRID, story_end=STORY_END, seed=1, side_px=SHEET_PX)
    shares_of(forked, range(8), STORY_END)  # draws the sheets of the first row
    child = os.fork()
    if not child:
        shares_of(forked, range(GRID.height), STORY_END)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert np.array_equal(shares_of(forked, range(GRID.height), STORY_END), alone)


def test_full_disk_is_told_in_one_sentence() -> None:
    rows = np.zeros(4, np.dtype([("field_of", "u2", (1_000,))]))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    file = SheetFile()
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))
    try:
        with pytest.raises(ImageryError, match=r"cannot be kept in .* free some space there, or name another folder"):
            file.keep(rows)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_every_part_of_a_wide_site_gets_its_compound_and_one_its_story() -> None:
    west, east = (box(500_000 + x, NORTH, 500_150 + x, NORTH + 150) for x in (0, 2_500))
    site = Area("demo-expansion", AreaKind.SITE, to_lonlat(MultiPolygon([west, east]), 32648), margin_m=100.0)
    grid = grid_of(site)
    radar = [scene for scene in scenes(TOLD, site, days=40) if scene.sensor is Sensor.SENTINEL_1]
    vv = np.mean([scene.pixels[0] for scene in radar], axis=0)
    assert vv[:, :60].max() > 0.5
    assert vv[:, -60:].max() > 0.5
    assert Change.FENCING in {change.change for change in TOLD.truth_changes(site, grid) if not change.ordinary}
