"""The simulated source: a made-up world with known changes, seen by made-up satellites. No network, no account."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path

import numpy as np

from aois.area import Area
from aois.grid import Grid
from flows.imagery.scene import OPTICAL_BANDS, RADAR_BANDS, ImageryError, Provenance, Scene, SceneRef, Sensor
from flows.imagery.simulation import truth
from flows.imagery.simulation.cache import Cache
from flows.imagery.simulation.sensors.optical import take_picture
from flows.imagery.simulation.sensors.radar import take_radar_picture
from flows.imagery.simulation.sensors.radar_platforms import ONE_PLATFORM, RadarPlatform, passing
from flows.imagery.simulation.sensors.schedule import REPEAT_DAYS, overpasses, relative_orbit
from flows.imagery.simulation.sheets.large_world import LargeWorld, build_large_world
from flows.imagery.simulation.sheets.strips import take_large_picture, take_large_radar_picture
from flows.imagery.simulation.truth import TrueChange
from flows.imagery.simulation.world import SimulatedWorld, build_world

_WORLDS_KEPT = 16
_WHOLE_PX = 1_000  # drawing one of that size in one piece takes some 2.5 GB and a minute
_SHEET_PX = 256
_PROCESSING_BASELINE = "05.11"
_SHORT = {Sensor.SENTINEL_1: "s1", Sensor.SENTINEL_2: "s2"}


class SimulatedSource:
    """Sentinel-2 every 5 days and Sentinel-1 every 12 over worlds drawn from the areas themselves.

    The world of an area depends on its id, geometry and grid, on `story_end` (the last day of the watched period,
    which the story leads up to) and on `seed`; a scene depends on that and its day. Two sources made alike give the
    same bytes. Safe to use from several threads.
    """

    name = "simulated"

    def __init__(
        self,
        story_end: date,
        seed: int = 1,
        *,
        radar_platforms: Sequence[RadarPlatform] = ONE_PLATFORM,
        whole_px: int = _WHOLE_PX,
        sheet_px: int = _SHEET_PX,
    ) -> None:
        """A source whose stories lead up to one day; `radar_platforms` take turns in passing.

        Areas of more than `whole_px` pixels a side are drawn in sheets of `sheet_px`, an even number.
        """
        self._story_end = story_end
        self._seed = seed
        self._radar_platforms = tuple(radar_platforms)
        self._whole_px = whole_px
        self._sheet_px = sheet_px
        self._worlds: Cache[tuple[str, str, Grid], SimulatedWorld | LargeWorld] = Cache(_WORLDS_KEPT)

    def search(self, area: Area, grid: Grid, *, since: date, until: date) -> list[SceneRef]:
        """Every scene of both sensors from one day to another, both included, in order of time."""
        refs = [
            _reference(area, sensor, acquired)
            for sensor in REPEAT_DAYS
            for acquired in overpasses(area.id, area.geometry.centroid.x, sensor, since=since, until=until)
        ]
        return sorted(refs, key=lambda ref: (ref.acquired, ref.scene_id))

    def fetch(self, area: Area, grid: Grid, ref: SceneRef) -> Scene:
        """The scene of a reference; raises `ImageryError` for one that `search` does not give for this area."""
        day = ref.acquired.date()
        if ref not in self.search(area, grid, since=day, until=day):
            raise ImageryError(
                f"scene `{ref.scene_id}`: the simulated source has none of that name over area `{area.id}`; "
                f"fetch a reference that its search gives"
            )
        world = self._world(area, grid)
        if ref.sensor is Sensor.SENTINEL_2:
            return _optical(world, ref)
        return _radar(world, ref, passing(self._radar_platforms, ref.acquired.date()))

    def truth_changes(self, area: Area, grid: Grid) -> tuple[TrueChange, ...]:
        """Every change of an area, in order of time; empty where nothing happens."""
        world = self._world(area, grid)
        return world.changes() if isinstance(world, LargeWorld) else truth.truth_of(world)

    def write_truth(self, path: Path, watched: Iterable[tuple[Area, Grid]]) -> None:
        """Write every change of the watched areas as one GeoJSON file."""
        per_area = (truth.truth_features(area.id, grid, self.truth_changes(area, grid)) for area, grid in watched)
        truth.write_truth(path, [feature for features in per_area for feature in features])

    def _world(self, area: Area, grid: Grid) -> SimulatedWorld | LargeWorld:
        return self._worlds.get((area.id, area.geometry.wkb_hex, grid), lambda: self._build(area, grid))

    def _build(self, area: Area, grid: Grid) -> SimulatedWorld | LargeWorld:
        if max(grid.shape) <= self._whole_px:
            return build_world(area, grid, story_end=self._story_end, seed=self._seed)
        return build_large_world(area, grid, story_end=self._story_end, seed=self._seed, side_px=self._sheet_px)


def _reference(area: Area, sensor: Sensor, acquired: datetime) -> SceneRef:
    orbit = f"_r{relative_orbit(area.id)}" if sensor is Sensor.SENTINEL_1 else ""
    return SceneRef(
        scene_id=f"{sensor.value}_{acquired:%Y%m%dT%H%M%S}{orbit}",
        sensor=sensor,
        acquired=acquired,
        item_ids=(f"sim-{_SHORT[sensor]}-{area.id}-{acquired:%Y%m%d}",),
    )


def _optical(world: SimulatedWorld | LargeWorld, ref: SceneRef) -> Scene:
    day = ref.acquired.date()
    pixels, scl = take_large_picture(world, day) if isinstance(world, LargeWorld) else take_picture(world, day)
    provenance = Provenance(
        source=SimulatedSource.name,
        item_ids=ref.item_ids,
        processing_baseline=_PROCESSING_BASELINE,
        offset_applied=0.0,
        platform="sentinel-2a",
    )
    return _scene(ref, OPTICAL_BANDS, pixels, scl=scl, provenance=provenance)


def _radar(world: SimulatedWorld | LargeWorld, ref: SceneRef, platform: RadarPlatform) -> Scene:
    provenance = Provenance(
        source=SimulatedSource.name,
        item_ids=ref.item_ids,
        relative_orbit=relative_orbit(world.area_id),
        orbit_direction="ascending",
        platform=platform.name,
    )
    day = ref.acquired.date()
    if isinstance(world, LargeWorld):
        pixels = take_large_radar_picture(world, day, platform)
    else:
        pixels = take_radar_picture(world, day, platform)
    return _scene(ref, RADAR_BANDS, pixels, scl=None, provenance=provenance)


def _scene(
    ref: SceneRef,
    bands: tuple[str, ...],
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    *,
    scl: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None,
    provenance: Provenance,
) -> Scene:
    valid = np.ones(pixels.shape[1:], bool)
    return Scene(ref.scene_id, ref.sensor, ref.acquired, bands, pixels, valid, scl, provenance)
