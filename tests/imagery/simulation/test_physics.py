"""The simulated pictures are as hard to read as real ones: cloud, speckle, shift, season, noise."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import rasterio

from aois.demonstration import demonstration
from aois.grid import Grid, grid_of
from flows.imagery.scene import Scene, Sensor
from flows.imagery.simulation.land.canvas import RIM, Canvas
from flows.imagery.simulation.land.sun import declination, sun_at
from flows.imagery.simulation.season.crops import fields_on
from flows.imagery.simulation.season.weather import weather_on
from flows.imagery.simulation.sensors.optical import misregistration, shift_pixels
from flows.imagery.simulation.sensors.radar import LOOKS, speckled
from flows.imagery.simulation.sensors.surface_fractions import surfaces_on
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.imagery.simulation.world import build_world

STORY_END = date(2026, 11, 22)
AREAS = {area.id: area for area in demonstration()}
ARCHIVES = Path(__file__).parents[3].parent / "shared" / "archives"
HIDDEN = (3, 8, 9, 10, 11)
Pixels = npt.NDArray[np.float32]


@cache
def scenes(name: str, sensor: Sensor) -> tuple[Scene, ...]:
    """Two years over one area."""
    area = AREAS[name]
    source = SimulatedSource(STORY_END)
    refs = source.search(area, grid_of(area), since=date(2023, 11, 1), until=date(2025, 10, 31))
    return tuple(source.fetch(area, grid_of(area), ref) for ref in refs if ref.sensor is sensor)


def clear_share(scene: Scene) -> float:
    return float(1 - np.isin(scene.scl, HIDDEN).mean())


def median_ndvi(name: str, months: Iterable[int]) -> float:
    """Median over the clear pixels of an area in some months."""
    values = []
    for scene in scenes(name, Sensor.SENTINEL_2):
        if scene.acquired.month in months and clear_share(scene) > 0.6:
            red, nir = (scene.pixels[scene.bands.index(band)] for band in ("red", "nir"))
            values.append(np.median(((nir - red) / (nir + red))[~np.isin(scene.scl, HIDDEN)]))
    return float(np.median(values))


def test_monsoon_hides_most_scenes_and_the_dry_months_few() -> None:
    shares: dict[str, list[float]] = {"wet": [], "dry": []}
    for scene in scenes("demo-quiet-paddy", Sensor.SENTINEL_2):
        shares["wet" if 5 <= scene.acquired.month <= 10 else "dry"].append(1 - clear_share(scene))
    wet, dry = np.array(shares["wet"]), np.array(shares["dry"])
    assert (wet > 0.5).mean() > 0.55
    assert 0.1 < (wet > 0.99).mean() < 0.5
    assert (wet < 0.15).mean() > 0.03
    assert (dry < 0.15).mean() > 0.7
    assert (dry > 0.5).mean() > 0.01


def test_classification_misses_some_cloud_and_little_else() -> None:
    """Bright pixels in what is called clear, against the same pixel's median: present, but few."""
    clear = [scene for scene in scenes("demo-quiet-paddy", Sensor.SENTINEL_2) if clear_share(scene) > 0.3]
    blue = np.stack([np.where(np.isin(scene.scl, HIDDEN), np.nan, scene.pixels[0]) for scene in clear])
    excess = blue - np.nanmedian(blue, axis=0)
    leaks = float(np.nanmean(excess > 0.04))
    assert 0.005 < leaks < 0.10


def test_paddies_follow_the_rains() -> None:
    assert median_ndvi("demo-quiet-paddy", (2, 3)) < 0.4
    assert median_ndvi("demo-quiet-paddy", (9,)) > 0.6


def test_harvest_moves_from_year_to_year_and_field_to_field() -> None:
    rank = np.linspace(0.3, 1, 400)
    paddies = np.ones(400, bool)
    per_year = []
    for year in range(2018, 2026):
        harvests = np.full(400, np.nan)
        for day in range(260, 350, 2):
            when = date.fromordinal(date(year, 1, 1).toordinal() + day - 1)
            green = fields_on(7, paddies, rank, weather_on(7, when, southern=False)).green
            harvests = np.where(green > 0.3, day, harvests)
        per_year.append(np.nanmedian(harvests))
        assert 6 < np.nanstd(harvests) < 25
    assert 3 < np.std(per_year) < 20


@pytest.mark.parametrize("day", [date(2025, month, 15) for month in range(1, 13)])
def test_fields_always_add_up(day: date) -> None:
    state = fields_on(3, np.arange(300) % 3 > 0, np.linspace(0, 1, 300), weather_on(3, day, southern=False))
    parts = np.stack([state.mud, state.green, state.straw, state.char, state.weeds, state.soil])
    assert parts.min() >= 0
    assert np.allclose(parts.sum(axis=0), 1)


@pytest.mark.parametrize("day", [date(2026, 2, 1), date(2026, 7, 20), STORY_END])
def test_surfaces_always_add_up(day: date) -> None:
    area = AREAS["demo-expansion"]
    world = build_world(area, grid_of(area), story_end=STORY_END, seed=1)
    shares = surfaces_on(world.ground(day), world.weather(day))
    assert shares.min() >= 0
    assert np.allclose(shares.sum(axis=0), 1, atol=1e-4)


def test_rain_wets_the_ground_and_drought_dries_it() -> None:
    moisture = {
        month: np.mean([weather_on(place, date(2024, month, 20), southern=False).moisture for place in range(40)])
        for month in (2, 8)
    }
    assert moisture[2] < 0.2
    assert moisture[8] > 0.4


def test_speckle_has_its_looks_and_keeps_the_mean() -> None:
    speckle = speckled(np.full((600, 600), 0.1, np.float32), np.random.default_rng(5))
    assert speckle.mean() == pytest.approx(0.1, rel=0.01)
    assert speckle.mean() ** 2 / speckle.var() == pytest.approx(LOOKS, rel=0.04)
    assert LOOKS == 4.4
    alike = np.corrcoef(speckle[:, :-1].ravel(), speckle[:, 1:].ravel())[0, 1]
    assert 0.05 < alike < 0.4


def test_radar_sees_water_dark_and_the_compound_bright() -> None:
    area = AREAS["demo-quiet-paddy"]
    radar = scenes(area.id, Sensor.SENTINEL_1)
    decibels = 10 * np.log10(np.mean([scene.pixels[0] for scene in radar], axis=0))
    world = build_world(area, grid_of(area), story_end=STORY_END, seed=1)
    inner = (slice(RIM, -RIM), slice(RIM, -RIM))
    water, built = (
        world.ground(STORY_END).surface.shares[0][inner] > 0.95,
        world.ground(STORY_END).surface.corners[inner] > 1.0,
    )
    assert np.median(decibels[water]) < -15
    assert np.median(decibels[built]) > -5
    assert -14 < np.median(decibels) < -8


def test_misregistration_is_as_measured_on_real_pairs() -> None:
    rng = np.random.default_rng(3)
    distance = np.hypot(*np.array([misregistration(rng) for _ in range(8000)]).T)
    assert np.median(distance) == pytest.approx(0.35, abs=0.02)
    assert np.quantile(distance, 0.9) == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (1.0, -2.0), (-2.0, 1.0)])
def test_whole_shift_moves_pixels_unchanged(shift: tuple[float, float]) -> None:
    canvas = np.random.default_rng(1).random((2, 40, 45)).astype(np.float32)
    down, right = int(shift[0]), int(shift[1])
    expected = np.roll(canvas, (down, right), (1, 2))[:, RIM:-RIM, RIM:-RIM]
    assert np.allclose(shift_pixels(canvas, shift), expected, atol=1e-5)


def test_part_shift_moves_a_smooth_picture_down_and_right() -> None:
    rows, columns = np.mgrid[0:60, 0:60].astype(np.float32)

    def picture(down: float, right: float) -> Pixels:
        return np.exp(-((rows - 30 - down) ** 2 + (columns - 28 - right) ** 2) / 40)

    moved = shift_pixels(picture(0, 0), (0.37, -0.81))
    assert np.allclose(moved, picture(0.37, -0.81)[RIM:-RIM, RIM:-RIM], atol=0.004)


def test_sun_stands_in_the_south_east_in_a_northern_winter_and_higher_in_summer() -> None:
    winter, summer = (sun_at(16.7, declination(day)) for day in (date(2025, 12, 21), date(2025, 6, 21)))
    assert winter.east > 0 > winter.north
    assert summer.tangent > winter.tangent
    assert declination(date(2025, 6, 21)) == pytest.approx(23.44, abs=0.1)


def test_rim_lies_around_the_grid() -> None:
    canvas = Canvas(Grid(32631, 500_000, 100_000, 7, 5))
    assert canvas.shape == (5 + 2 * RIM, 7 + 2 * RIM)
    east, north = canvas.centres()
    assert (east[RIM, RIM], north[RIM, RIM]) == (500_005, 99_995)


def pair_noise(frames: list[tuple[Pixels, npt.NDArray[np.bool_]]]) -> float:
    """Median over successive frames of the robust deviation of their difference, as of one frame."""
    spreads = []
    for (before, was_clear), (after, is_clear) in pairwise(frames):
        difference = (after - before)[was_clear & is_clear]
        difference = difference - np.median(difference)
        spreads.append(1.4826 * np.median(np.abs(difference)) / np.sqrt(2))
    return float(np.median(spreads))


@pytest.mark.skipif(not (ARCHIVES / "mine-1").exists(), reason="the real archives are not on this machine")
@pytest.mark.parametrize("band", ["blue", "red", "nir", "swir16"])
def test_noise_is_about_that_of_a_real_series_in_a_monsoon_climate(band: str) -> None:
    real = []
    for item in sorted((ARCHIVES / "mine-1" / "sentinel-2-l2a").glob("*/")):
        with rasterio.open(item / f"{band}.tif") as pixels, rasterio.open(item / "scl.tif") as classes:
            values, scl = pixels.read(1) * 1e-4, classes.read(1)
        clear = np.isin(scl, (2, 4, 5, 6, 7)) & (values > 0)
        if clear.mean() > 0.6:
            real.append((values, clear))
    simulated = [
        (scene.pixels[scene.bands.index(band)], ~np.isin(scene.scl, HIDDEN))
        for scene in scenes("demo-quiet-paddy", Sensor.SENTINEL_2)
        if clear_share(scene) > 0.9
    ]
    assert 0.7 < pair_noise(simulated) / pair_noise(real) < 2.0
