"""From archived scenes to what the detectors are given."""

from __future__ import annotations

import hashlib
import json
import math
from functools import partial

import numpy as np
import numpy.typing as npt

from aois.area import Area, AreaKind
from aois.grid import Grid, perimeter_mask
from detectors.acquisition import Acquisition, AnyAcquisition, StoredAcquisition
from detectors.array_space import STRIP_PX
from detectors.ground import Ground
from flows.imagery.archive.store import Archive
from flows.imagery.platform_names import platform_of
from flows.imagery.scene import Scene, Sensor

SITE_CLEARANCE_M = 500.0
# What clear air adds to reflectance at the top of the atmosphere: Rayleigh's scattering once, τ P / (4 cos θ), with τ =
# 0.0088 λ^−4.05 (Leckner 1978), the sun 40° from the zenith and the view from there. Without it blue hides colours.
AIR = {"blue": 0.060, "green": 0.036, "red": 0.018, "nir": 0.007, "nir08": 0.006}


def acquisition_of(scene: Scene, grid: Grid) -> Acquisition:
    """A scene as a look.

    Radar is kept apart by relative orbit, or by direction where the orbit is not known; optics by what their numbers
    are, and by 8 bits. Level-1C is lowered by what clear air adds. The platform of what was archived before platforms
    were recorded is told by the ids of its items, where these begin with one.
    """
    ceiling, air = scene.provenance.ceiling, _air_of(scene)
    track = "".join(f":{name}" for name in (scene.provenance.product, "8bit" if ceiling else "") if name)
    if scene.sensor is Sensor.SENTINEL_1:
        p = scene.provenance
        track = f":r{p.relative_orbit}" if p.relative_orbit is not None else f":{p.orbit_direction or 'any'}"
    return Acquisition(
        scene.scene_id,
        scene.sensor.value,
        scene.acquired.date(),
        scene.bands,
        scene.pixels - air[:, None, None] if air.any() else scene.pixels,
        scene.valid,
        scene.scl,
        track,
        max(1.0, scene.provenance.resolution_m / grid.pixel_size_m),
        scene.provenance.platform or platform_of(*scene.provenance.item_ids) or "",
        math.inf if ceiling is None else ceiling - float(air.max()),
    )


def stored_acquisition_of(
    archive: Archive, area_id: str, source_name: str, grid: Grid, scene_id: str
) -> AnyAcquisition:
    """An archived scene as a look; that of a large area is read when it is asked for."""
    read = partial(archived_acquisition, archive, area_id, source_name, grid, scene_id)
    if not is_large(grid):
        return read()
    head = acquisition_of(archive.head(area_id, source_name, grid, scene_id), grid)
    return StoredAcquisition(head.scene_id, head.sensor, head.day, head.track, head.platform, read)


def archived_acquisition(archive: Archive, area_id: str, source_name: str, grid: Grid, scene_id: str) -> Acquisition:
    """Read an archived scene as a look."""
    return acquisition_of(archive.get(area_id, source_name, grid, scene_id), grid)


def is_large(grid: Grid) -> bool:
    """Whether the scenes and the state of an area are too large to be in memory together."""
    return grid.height * grid.width > STRIP_PX


def _air_of(scene: Scene) -> npt.NDArray[np.float32]:
    """What clear air adds to each band of a scene; nothing where that was taken off already."""
    is_lowered = scene.provenance.product.is_level_1c
    return np.array([AIR.get(band, 0.0) if is_lowered else 0.0 for band in scene.bands], np.float32)


def ground_of(area: Area, grid: Grid, *, sites: tuple[Area, ...]) -> Ground:
    """What the detectors are told of an area.

    In a region, the known sites and what lies within 500 m of them are left to their own watch.
    """
    if area.kind is AreaKind.SITE:
        monitored_mask = perimeter_mask(area, grid, buffer_m=area.margin_m)
        return Ground(
            monitored_mask, perimeter_mask(area, grid), is_region=False, pixel_size_m=float(grid.pixel_size_m)
        )
    monitored_mask = perimeter_mask(area, grid)
    for site in sites:
        if site.geometry.distance(area.geometry) < 0.02:
            monitored_mask &= ~perimeter_mask(site, grid, buffer_m=max(SITE_CLEARANCE_M, site.margin_m))
    return Ground(
        monitored_mask,
        monitored_mask & False,
        is_region=True,
        pixel_size_m=float(grid.pixel_size_m),
        intervention_distance_m=_intervention_distance_m(area, sites),
    )


def digest_of(ground: Ground) -> str:
    """The SHA-256 of all that the detectors are told of an area."""
    told = [ground.shape, ground.is_region, ground.pixel_size_m, ground.intervention_distance_m]
    masks = ground.monitored_mask.tobytes() + ground.perimeter.tobytes()
    return hashlib.sha256(json.dumps(told).encode() + masks).hexdigest()


def _intervention_distance_m(area: Area, sites: tuple[Area, ...]) -> float:
    """How far the nearest site with an intervention lies, at 111 km a degree; infinite when there is none."""
    places = [s.geometry for s in sites if any(r.action == "intervened" for r in s.responses)]
    return min((float(g.distance(area.geometry)) * 111_000.0 for g in places), default=float("inf"))
