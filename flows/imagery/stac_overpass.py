"""The items of one day and one sensor, which make one scene."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import combinations

import numpy as np

from aois.grid import Grid
from flows.imagery.radiometry import baseline_number
from flows.imagery.raster_files import RasterFiles
from flows.imagery.scene import ImageryError, Provenance, Scene, SceneRef, Sensor
from flows.imagery.stac_item import SceneItem
from flows.imagery.stac_read import ItemPixels, read_item


@dataclass(frozen=True)
class Overpass:
    """What one satellite saw of an area in one UTC day: items of one sensor, for radar also of one orbit.

    `items` is sorted by processing baseline, the newest first, then by id: the order in which the mosaic is laid, so
    that of a tile that is listed twice the newer version wins.
    """

    items: tuple[SceneItem, ...]

    @property
    def first(self) -> SceneItem:
        """The item that names the day's sensor and orbit."""
        return self.items[0]

    @property
    def acquired(self) -> datetime:
        """The earliest of the items' times."""
        return min(item.acquired for item in self.items)

    @property
    def scene_id(self) -> str:
        """The name of its scene."""
        orbit = self.first.relative_orbit
        is_told_by_orbit = self.first.sensor is Sensor.SENTINEL_1 and orbit is not None
        suffix = f"_r{orbit}" if is_told_by_orbit else ""
        return f"{self.first.sensor}_{self.acquired:%Y%m%dT%H%M%S}{suffix}"

    @property
    def ref(self) -> SceneRef:
        """The overpass as a search result."""
        ids = tuple(item.id for item in self.items)
        baseline = self.first.processing_baseline
        return SceneRef(self.scene_id, self.first.sensor, self.acquired, ids, baseline, self._repeats())

    @property
    def bands(self) -> tuple[str, ...]:
        """The bands that every item has, in their fixed order: a pixel never mixes items."""
        return tuple(band for band in self.first.bands if all(band in item.bands for item in self.items))

    def _repeats(self) -> tuple[str, ...]:
        pairs = [pair for pair in combinations(self.items, 2) if pair[0].is_version_of(pair[1])]
        return tuple(sorted({item.id for pair in pairs for item in pair}))


def overpasses(items: Iterable[SceneItem]) -> list[Overpass]:
    """The items by UTC day, sensor and (radar) relative orbit and direction, sorted by (acquired, scene_id)."""
    groups: dict[tuple[date, Sensor, int | None, str | None], list[SceneItem]] = defaultdict(list)
    for item in items:
        is_radar = item.sensor is Sensor.SENTINEL_1
        orbit = (item.relative_orbit, item.orbit_direction) if is_radar else (None, None)
        groups[item.acquired.date(), item.sensor, *orbit].append(item)
    found = [Overpass(tuple(sorted(group, key=_place_in_mosaic))) for group in groups.values()]
    return sorted(found, key=lambda overpass: (overpass.acquired, overpass.scene_id))


def without_crowds(found: Iterable[Overpass], most: int) -> tuple[list[Overpass], dict[str, str]]:
    """Return the overpasses of at most so many items, and by its name why each of the others is passed over."""
    kept, crowds = [], {}
    for overpass in found:
        if len(overpass.items) <= most:
            kept.append(overpass)
        else:
            name = f"{overpass.first.sensor} of {overpass.acquired.date()}"
            crowds[name] = f"{len(overpass.items)} items, and {most} are the most"
    return kept, crowds


def _place_in_mosaic(item: SceneItem) -> tuple[float, str, str]:
    return -baseline_number(item.processing_baseline), item.id, item.collection


def read_overpass(overpass: Overpass, grid: Grid, *, source: str, catalog: str, files: RasterFiles) -> Scene:
    """The overpass on the grid as one scene, read from the files of its catalog.

    The first valid pixel wins, in the order of the items; items after the last gap is filled are not read.
    Raises `ImageryError` when an asset cannot be read, or when the items have no band in common.
    """
    bands, ref = overpass.bands, overpass.ref
    if not bands:
        raise ImageryError(
            f"scene `{ref.scene_id}`: items {', '.join(ref.item_ids)} share no band; correct the catalog"
        )
    mosaic, read = _mosaic(overpass, grid, files)
    pixels = np.where(mosaic.valid, mosaic.pixels, np.float32(np.nan))
    is_optical = ref.sensor is Sensor.SENTINEL_2
    collections = ", ".join(sorted({item.collection for item in read if item.collection}))
    provenance = Provenance(
        source=source,
        item_ids=tuple(item.id for item in read),
        request=f"stac {catalog}; collection {collections or 'none'}; bands {', '.join(bands)}",
        processing_baseline=overpass.first.processing_baseline,
        offset_applied=mosaic.offset if is_optical else None,
        resolution_m=mosaic.resolution_m,
        relative_orbit=overpass.first.relative_orbit,
        orbit_direction=overpass.first.orbit_direction,
        offered=ref.item_ids,
    )
    return Scene(ref.scene_id, ref.sensor, ref.acquired, bands, pixels, mosaic.valid, mosaic.scl, provenance)


def _mosaic(overpass: Overpass, grid: Grid, files: RasterFiles) -> tuple[ItemPixels, list[SceneItem]]:
    read = [overpass.first]
    mosaic = read_item(overpass.first, grid, overpass.bands, files=files)
    for item in overpass.items[1:]:
        if mosaic.valid.all():
            break
        mosaic = _filled(mosaic, read_item(item, grid, overpass.bands, files=files))
        read.append(item)
    return mosaic, read


def _filled(under: ItemPixels, over: ItemPixels) -> ItemPixels:
    """`under`, its gaps filled from `over`."""
    gap = ~under.valid & over.valid
    scl = under.scl
    if over.scl is not None:
        scl = np.where(gap, over.scl, np.zeros_like(over.scl) if scl is None else scl)
    return replace(
        under,
        pixels=np.where(gap, over.pixels, under.pixels),
        valid=under.valid | over.valid,
        scl=scl,
        resolution_m=min(under.resolution_m, over.resolution_m),
    )
