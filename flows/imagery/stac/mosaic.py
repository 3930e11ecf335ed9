"""The items of one day and one sensor, which make one scene."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from aois.grid import Grid
from flows.imagery.catalog_item import SceneItem
from flows.imagery.overpass import Overpass
from flows.imagery.raster_files import RasterFiles
from flows.imagery.scene import ImageryError, Provenance, Scene, Sensor
from flows.imagery.stac.read import ItemPixels, read_item


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
        platform=overpass.platform,
        product=ref.product,
        ceiling=mosaic.ceiling,
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
