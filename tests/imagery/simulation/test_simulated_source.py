"""The simulated source keeps the contract of every source, and gives the same bytes to everyone."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from pyproj import Transformer
from shapely.geometry import MultiPolygon, box

from aois.area import Area, AreaKind
from aois.grid import grid_of, to_lonlat, utm_epsg
from flows.imagery.scene import ImageryError, Scene, Sensor
from flows.imagery.simulation.simulated_source import SimulatedSource

STORY_END = date(2026, 11, 22)
WEEK = {"since": date(2026, 3, 2), "until": date(2026, 3, 15)}


def area_at(
    longitude: float, latitude: float, *, name: str = "somewhere", side_m: float = 120.0, kind: AreaKind = AreaKind.SITE
) -> Area:
    epsg = utm_epsg(longitude, latitude)
    x, y = Transformer.from_crs(4326, epsg, always_xy=True).transform(longitude, latitude)
    square = box(x - side_m / 2, y - side_m / 2, x + side_m / 2, y + side_m / 2)
    return Area(name, kind, to_lonlat(square, epsg), margin_m=150.0)


def scenes_of(source: SimulatedSource, area: Area, *, since: date, until: date) -> list[Scene]:
    grid = grid_of(area)
    return [source.fetch(area, grid, ref) for ref in source.search(area, grid, since=since, until=until)]


def digest(scenes: list[Scene]) -> str:
    total = hashlib.sha256()
    for scene in scenes:
        total.update(scene.scene_id.encode())
        total.update(scene.pixels.tobytes())
        total.update(b"" if scene.scl is None else scene.scl.tobytes())
    return total.hexdigest()


def test_search_gives_both_calendars_in_order_with_both_days_included() -> None:
    area = area_at(0.5, 0.8)
    grid = grid_of(area)
    source = SimulatedSource(STORY_END)
    refs = source.search(area, grid, since=date(2026, 1, 1), until=date(2026, 6, 29))
    assert refs == sorted(refs, key=lambda ref: (ref.acquired, ref.scene_id))
    for sensor, days, count in ((Sensor.SENTINEL_2, 5, 36), (Sensor.SENTINEL_1, 12, 15)):
        passes = [ref.acquired.date() for ref in refs if ref.sensor is sensor]
        assert len(passes) == count
        assert {later - earlier for earlier, later in pairwise(passes)} == {timedelta(days=days)}
    first, last = refs[0].acquired.date(), refs[-1].acquired.date()
    assert source.search(area, grid, since=first, until=last) == refs
    assert source.search(area, grid, since=first, until=first)[0] == refs[0]
    assert source.search(area, grid, since=last, until=first) == []


def test_calendar_does_not_move_with_the_story() -> None:
    area = area_at(0.5, 0.8)
    one, other = (SimulatedSource(end).search(area, grid_of(area), **WEEK) for end in (STORY_END, date(2020, 1, 1)))
    assert one == other


def test_names_say_sensor_area_and_time() -> None:
    area = area_at(0.5, 0.8, name="demo-wall")
    refs = SimulatedSource(STORY_END).search(area, grid_of(area), **WEEK)
    optical = next(ref for ref in refs if ref.sensor is Sensor.SENTINEL_2)
    radar = next(ref for ref in refs if ref.sensor is Sensor.SENTINEL_1)
    assert optical.scene_id == f"sentinel-2_{optical.acquired:%Y%m%dT%H%M%S}"
    assert optical.item_ids == (f"sim-s2-demo-wall-{optical.acquired:%Y%m%d}",)
    assert radar.scene_id.startswith(f"sentinel-1_{radar.acquired:%Y%m%dT%H%M%S}_r")


@pytest.mark.parametrize(
    ("longitude", "latitude"), [(0.5, 0.8), (98.5, 16.7), (-60.2, -33.4), (28.0, 61.0), (179.95, -10.0)]
)
def test_scene_is_whole_in_any_zone_and_hemisphere(longitude: float, latitude: float) -> None:
    area = area_at(longitude, latitude)
    grid = grid_of(area)
    scenes = scenes_of(SimulatedSource(STORY_END), area, **WEEK)
    assert {scene.sensor for scene in scenes} == set(Sensor)
    for scene in scenes:
        assert scene.pixels.shape == (len(scene.bands), *grid.shape)
        assert scene.pixels.dtype == np.float32
        assert np.isfinite(scene.pixels).all()
        assert scene.pixels.min() > 0
        assert scene.valid.shape == grid.shape
        assert scene.valid.all()
        if scene.sensor is Sensor.SENTINEL_2:
            assert scene.scl is not None
            assert scene.scl.dtype == np.uint8
            assert set(np.unique(scene.scl)) <= {3, 4, 5, 6, 8, 9, 10, 11}
            assert scene.provenance.offset_applied == 0.0
            assert scene.provenance.processing_baseline == "05.11"
        else:
            assert scene.scl is None
            assert scene.provenance.relative_orbit is not None
            assert scene.scene_id.endswith(f"_r{scene.provenance.relative_orbit}")


def test_rains_come_half_a_year_later_south_of_the_equator() -> None:
    def cloudiness(latitude: float, month: int) -> float:
        area = area_at(30.0, latitude, side_m=30.0)
        since = date(2025, month, 1)
        scenes = scenes_of(SimulatedSource(STORY_END), area, since=since, until=since + timedelta(days=59))
        return float(np.mean([np.isin(scene.scl, (8, 9, 10)).mean() for scene in scenes if scene.scl is not None]))

    assert cloudiness(12.0, 7) > cloudiness(12.0, 1) + 0.3
    assert cloudiness(-12.0, 1) > cloudiness(-12.0, 7) + 0.3


def test_two_sources_and_many_threads_give_the_same_bytes() -> None:
    area = area_at(0.5, 0.8, name="demo-expansion")
    grid = grid_of(area)
    alone = digest(scenes_of(SimulatedSource(STORY_END), area, **WEEK))
    shared = SimulatedSource(STORY_END)
    refs = shared.search(area, grid, **WEEK)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda ref: shared.fetch(area, grid, ref), refs))
    assert digest(together) == alone
    assert digest(scenes_of(SimulatedSource(STORY_END, seed=2), area, **WEEK)) != alone


def test_another_process_gives_the_same_bytes() -> None:
    code = (
        f"import runpy; t = runpy.run_path({__file__!r}); a = t['area_at'](0.5, 0.8); "
        "print(t['digest'](t['scenes_of'](t['SimulatedSource'](t['STORY_END']), a, **t['WEEK'])))"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        capture_output=True,
        text=True,
        check=True,
    )
    here = digest(scenes_of(SimulatedSource(STORY_END), area_at(0.5, 0.8), **WEEK))
    assert elsewhere.stdout == here + "\n"


def test_order_of_fetching_does_not_matter() -> None:
    area = area_at(0.5, 0.8, name="demo-expansion")
    grid = grid_of(area)
    span = {"since": date(2026, 6, 1), "until": STORY_END}
    forward = scenes_of(SimulatedSource(STORY_END), area, **span)
    source = SimulatedSource(STORY_END)
    refs = source.search(area, grid, **span)
    backward = [source.fetch(area, grid, ref) for ref in reversed(refs)]
    assert digest(backward[::-1]) == digest(forward)


def test_reference_of_another_area_is_refused() -> None:
    here, there = area_at(0.5, 0.8, name="here"), area_at(0.5, 0.8, name="there")
    source = SimulatedSource(STORY_END)
    ref = source.search(there, grid_of(there), **WEEK)[0]
    with pytest.raises(ImageryError, match=r"scene `.*`: .* over area `here`; fetch a reference that its search gives"):
        source.fetch(here, grid_of(here), ref)


@pytest.mark.parametrize("name", ["demo-expansion", "demo-wall", "demo-demolition", "demo-clearing", "demo-region"])
@pytest.mark.parametrize(("side_m", "margin_m"), [(11.0, 0.0), (30.0, 60.0)])
def test_story_fits_itself_into_the_smallest_area(name: str, side_m: float, margin_m: float) -> None:
    kind = AreaKind.REGION if name == "demo-region" else AreaKind.SITE
    ground = area_at(0.5, 0.8, side_m=side_m).geometry
    area = Area(name, kind, ground, margin_m=margin_m)
    source = SimulatedSource(STORY_END)
    assert scenes_of(source, area, since=STORY_END - timedelta(days=12), until=STORY_END)
    assert all(change.footprint.shape == grid_of(area).shape for change in source.truth_changes(area, grid_of(area)))


def test_every_part_of_a_site_gets_its_compound() -> None:
    west, east = area_at(98.5, 16.7).geometry, area_at(98.504, 16.7).geometry
    both = Area("demo-quiet-paddy", AreaKind.SITE, MultiPolygon([west, east]), margin_m=100.0)
    grid = grid_of(both)
    radar = [s for s in scenes_of(SimulatedSource(STORY_END), both, **WEEK) if s.sensor is Sensor.SENTINEL_1]
    vv = np.mean([scene.pixels[0] for scene in radar], axis=0)
    middle = grid.width // 2
    assert vv[:, : middle - 8].max() > 0.5
    assert vv[:, middle + 8 :].max() > 0.5
