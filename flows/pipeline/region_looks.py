"""The looks of a region for the wide search, from whichever source the settings name.

Files whose pixels are the region's own are read where they are; everything else is brought onto its grid first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

import numpy as np

from aois.area import Area
from aois.grid import Grid
from detectors.preprocessing.masks import clear_mask
from detectors.tile_search.update import ZERO
from flows.config.settings import Settings, SourceName
from flows.imagery.catalog_item import BandAsset, SceneItem
from flows.imagery.catalog_presets import chosen_catalog
from flows.imagery.georeference import is_coincident
from flows.imagery.limits import USUAL_LIMITS
from flows.imagery.overpass import Overpass, overpasses
from flows.imagery.radiometry import REFLECTANCE_SCALE, StoredBand, calibration
from flows.imagery.raster_files import RasterFiles
from flows.imagery.scene import OpticalProduct, Scene, SceneRef, Sensor
from flows.imagery.source import Source
from flows.imagery.stac.catalog import Catalog, open_catalog
from flows.imagery.stac.mosaic import read_overpass, without_crowds
from flows.imagery.stac.planetary_computer import Signer
from flows.imagery.stac.read import opened
from flows.imagery.unused_items import ItemKind
from flows.pipeline.sources import open_source
from flows.telemetry.logs import log
from flows.tile_search.cached_look import CachedLook
from flows.tile_search.local_file_look import BandFile, FileLook, MosaicLook
from flows.tile_search.look import WideLook, WindowPixels
from flows.tile_search.tile import Tile, Window

BANDS = ("red", "nir")
CLASSES_PIXEL_M = 20
_RIM_PX = 8  # clouds beyond a strip spread into it
_LARGEST = 65_534
MOST_PASSED_OVER = 20  # items that the log names


def looks_of(settings: Settings, region: Area, tile: Tile, *, since: date, until: date) -> list[WideLook]:
    """List every Sentinel-2 look of a region that has red and near infrared of the surface, in order of time.

    Both days are included. What a catalog holds as Level-1C or as a picture alone is left out.

    Raises `ImageryError` when the source cannot be asked.
    """
    if settings.source is SourceName.STAC:
        return _from_catalog(settings, tile, since=since, until=until)
    source = open_source(settings, story_end=until)
    refs = source.search(region, tile.grid, since=since, until=until)
    draws_whole = settings.source is SourceName.SIMULATED  # a made-up world belongs to its grid
    return [
        CachedLook(ref.scene_id, ref.acquired.date(), tile, _fetch(source, region, tile.grid, ref, whole=draws_whole))
        for ref in refs
        if ref.sensor is Sensor.SENTINEL_2 and ref.product is OpticalProduct.LEVEL_2A
    ]


def _from_catalog(settings: Settings, tile: Tile, *, since: date, until: date) -> list[WideLook]:
    choice = chosen_catalog(settings.catalog_address)
    signer = Signer() if choice.is_signed else None
    catalog = open_catalog(choice.location, collections=choice.collections, page_size=100, hosts=settings.catalog_hosts)
    bounds = tile.grid.bounds_lonlat
    near = [
        item
        for item in catalog.items(bounds, since=since, until=until)
        if item.sensor is Sensor.SENTINEL_2 and item.may_touch(bounds) and since <= item.acquired.date() <= until
    ]
    for item in near:
        if item.product is not OpticalProduct.LEVEL_2A:
            kind = ItemKind(item.collection, item.product.words)
            catalog.unused.add(item.id, kind, "the search of regions reads Level-2A alone")
    items = [
        replace(item, bands={band: item.bands[band] for band in BANDS})
        for item in near
        if item.product is OpticalProduct.LEVEL_2A and set(BANDS) <= set(item.bands)
    ]
    kept, crowds = without_crowds(overpasses(items), USUAL_LIMITS.items_a_scene)
    passed = {**catalog.passed_over, **crowds}
    for name, words in islice(passed.items(), MOST_PASSED_OVER):
        log.warning("passed over: item %s: %s", name, words)
    for of, words in islice(catalog.unused.words.items(), MOST_PASSED_OVER):
        log.warning("not used: %s: %s", of, words)
    return [_look(overpass, tile, signer, catalog) for overpass in kept]


def _look(overpass: Overpass, tile: Tile, signer: Signer | None, catalog: Catalog) -> WideLook:
    look_id, day = overpass.ref.scene_id, overpass.acquired.date()
    if signer is None:
        found = (_as_files(item, tile.grid, catalog.files, look_id, day) for item in overpass.items)
        parts = [part for part in found if part is not None]
        if len(parts) == len(overpass.items):
            return parts[0] if len(parts) == 1 else MosaicLook(look_id, day, tuple(parts))

    def read(grid: Grid) -> Scene:
        items = overpass.items if signer is None else tuple(signer.signed(item) for item in overpass.items)
        return read_overpass(
            replace(overpass, items=items), grid, source="stac", catalog=catalog.label, files=catalog.files
        )

    return CachedLook(look_id, day, tile, lambda window: _ground(read, tile.grid, window))


def _as_files(item: SceneItem, grid: Grid, files: RasterFiles, look_id: str, day: date) -> FileLook | None:
    """The item as files on the grid's own pixels, or None where they are not, or not in plain uint16 reflectance."""
    bands = [_on_grid(item, item.bands[name], grid, files) for name in BANDS]
    red, nir = bands
    if red is None or nir is None or red.added != nir.added:
        return None
    classes = None if item.scl is None else _classes_on_grid(item, item.scl, grid, files)
    if item.scl is not None and classes is None:
        return None
    return FileLook(look_id, day, red.file, nir.file, classes, red.added)


@dataclass(frozen=True)
class _OnGrid:
    file: BandFile
    added: int


def _on_grid(item: SceneItem, asset: BandAsset, grid: Grid, files: RasterFiles) -> _OnGrid | None:
    with opened(files, item, asset) as file:
        at = asset.index - 1
        stored = StoredBand(file.dtypes[at], file.scales[at], file.offsets[at], file.nodatavals[at])
        how = calibration(item, asset, stored)
        is_plain = stored.dtype == "uint16" and math.isclose(how.scale, REFLECTANCE_SCALE) and how.nodata == 0
        added = ZERO + round(how.offset / how.scale)
        if not is_plain or not is_coincident(file, grid) or not 0 <= added <= ZERO:
            return None
        top, left = _place(file.transform.c, file.transform.f, grid)
    return _OnGrid(BandFile(asset.href, asset.index, top, left, files.open), added)


def _classes_on_grid(item: SceneItem, asset: BandAsset, grid: Grid, files: RasterFiles) -> BandFile | None:
    with opened(files, item, asset) as file:
        corner = round(file.transform.c), round(file.transform.f)
        of_classes = Grid(grid.epsg, *corner, file.width, file.height, CLASSES_PIXEL_M)
        between = (corner[0] - grid.left) % grid.pixel_size_m or (corner[1] - grid.top) % grid.pixel_size_m
        if file.dtypes[asset.index - 1] != "uint8" or not is_coincident(file, of_classes) or between:
            return None
        top, left = _place(file.transform.c, file.transform.f, grid)
    return BandFile(asset.href, asset.index, top, left, files.open)


def _place(left_m: float, top_m: float, grid: Grid) -> tuple[int, int]:
    """The file's row and column of the grid's first pixel, in pixels of the grid."""
    return round((top_m - grid.top) / grid.pixel_size_m), round((grid.left - left_m) / grid.pixel_size_m)


def _fetch(source: Source, region: Area, grid: Grid, ref: SceneRef, *, whole: bool) -> Callable[[Window], WindowPixels]:
    def read(part: Grid) -> Scene:
        return source.fetch(region, part, ref)

    return lambda window: _ground(read, grid, window, whole=whole)


def _ground(read: Callable[[Grid], Scene], grid: Grid, window: Window, *, whole: bool = False) -> WindowPixels:
    """A strip of a scene as numbers, read with a rim for the clouds beyond it, or cut from the whole."""
    top = 0 if whole else max(0, window.top - _RIM_PX)
    bottom = grid.height if whole else min(grid.height, window.top + window.rows + _RIM_PX)
    size = grid.pixel_size_m
    scene = read(replace(grid, top=grid.top - top * size, height=bottom - top))
    clear = clear_mask(scene.valid, scene.scl)
    cut = (slice(window.top - top, window.top - top + window.rows), slice(None))
    red, nir = (_numbers(scene.pixels[scene.bands.index(name)][cut]) for name in BANDS)
    return WindowPixels(red, nir, clear[cut].astype(np.uint8))


def _numbers(reflectance: np.ndarray) -> np.ndarray:
    numbers = np.clip(np.rint(np.nan_to_num(reflectance, nan=-1) * 10_000) + ZERO, 1, _LARGEST)
    return np.where(np.isfinite(reflectance), numbers, 0).astype(np.uint16)
