"""What one STAC item offers the watch: its sensor, its time, its ground and its bands."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from pystac import Item, STACError, STACTypeError
from shapely.errors import ShapelyError
from shapely.geometry import shape

from flows.imagery.catalog_item import BandAsset, Bounds, SceneItem
from flows.imagery.platform_names import platform_of
from flows.imagery.scene import OPTICAL_BANDS, RADAR_BANDS, ImageryError, OpticalProduct, Sensor
from flows.imagery.stac.bands import SCL, Locate, as_named, find_bands
from flows.imagery.unused_items import ItemKind, UnusedItemError
from flows.printable import printable
from flows.records.json_object import JsonObject

_SENTINEL = re.compile(r"(?:sentinel[-_ ]?|\bs)([12])")
# Named after another satellite: their numbers do not mean what the detectors take them for.
_FOREIGN = re.compile(r"landsat|modis|viirs|naip")
_LEVEL = re.compile(r"level[-_ ]?([0-3][abc]?)(?![a-z0-9])|(?<![a-z])l([0-3][abc]?)(?![a-z0-9])|msi([0-3][abc])", re.I)
_PRODUCT_LEVEL = re.compile(r"_MSI(L[12][ABC])_|_(L[12][ABC])(?:_|$)")
_NAMED_BASELINE = re.compile(r"_N(\d{2})(\d{2})_")
MOST_ASSETS = 8  # of an item that cannot be used, that are named
# What reading an item raises that is not one: pystac and shapely fail with whatever they stumble over.
MALFORMED = (
    STACError,
    STACTypeError,
    ShapelyError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)


def read_scene_item(said: JsonObject, *, href: str | None, locate: Locate) -> SceneItem:
    """Return what the JSON of an item at an address offers; as `scene_item`.

    Raises `ImageryError` for one that is malformed, in whatever way.
    """
    try:
        return scene_item(Item.from_dict(said, href=href, preserve_dict=False), locate)
    except MALFORMED as error:
        words = printable(error, longest=120)
        raise ImageryError(f"it is malformed ({type(error).__name__}{f': {words}' if words else ''})") from error


def scene_item(item: Item, locate: Locate = as_named) -> SceneItem:
    """What the item offers.

    Raises `UnusedItemError` when it is of neither sensor, has none of their bands, or has no date, and `ImageryError`
    for an asset whose scale, offset or nodata is not a number, for one that `locate` refuses, and for an id, a bounding
    box or a processing baseline that is none.
    """
    check_id(item.id)
    found = find_bands(item, locate)
    sensor = _sensor(item, found)
    acquired = item.datetime or item.common_metadata.start_datetime
    if acquired is None:
        raise UnusedItemError(kind_of(item), "it has no date")
    said = item.properties
    names = RADAR_BANDS if sensor is Sensor.SENTINEL_1 else OPTICAL_BANDS
    is_level_1c, is_picture = _is_level_1c(item), any(found[b].is_picture for b in OPTICAL_BANDS if b in found)
    product = OpticalProduct.LEVEL_2A
    if sensor is Sensor.SENTINEL_2:
        product = _PRODUCTS[is_level_1c, is_picture]
    return SceneItem(
        id=item.id,
        collection=printable(item.collection_id or "", longest=100),
        sensor=sensor,
        acquired=acquired.replace(tzinfo=acquired.tzinfo or UTC).astimezone(UTC),
        bounds=_bounds(item),
        bands={name: found[name] for name in names if name in found},
        scl=found.get(SCL) if sensor is Sensor.SENTINEL_2 else None,
        processing_baseline=baseline_of(
            said.get("s2:processing_baseline") or said.get("processing:version") or _named_baseline(item, product)
        ),
        has_offset_removed=_flag(said.get("earthsearch:boa_offset_applied")),
        relative_orbit=orbit_of(said.get("sat:relative_orbit")),
        orbit_direction=_text(said.get("sat:orbit_state")),
        platform=platform_of(said.get("platform"), item.id),
        product=product,
    )


_PRODUCTS = {
    (False, False): OpticalProduct.LEVEL_2A,
    (True, False): OpticalProduct.LEVEL_1C,
    (False, True): OpticalProduct.LEVEL_2A_PICTURE,
    (True, True): OpticalProduct.LEVEL_1C_PICTURE,
}


def kind_of(item: Item) -> ItemKind:
    """Return what the item says of its collection and its processing level."""
    return ItemKind(printable(item.collection_id or "", longest=100), _level(item))


def _level(item: Item) -> str:
    """The processing level that the properties name, else the collection, else the product's name; empty for none."""
    said = item.properties
    for words in (said.get("processing:level"), said.get("s2:product_type"), item.collection_id):
        match = _LEVEL.search(str(words)) if words else None
        if match:
            return f"Level-{next(filter(None, match.groups())).upper()}"
    match = _PRODUCT_LEVEL.search(item.id)
    return f"Level-{(match[1] or match[2])[1:]}" if match else ""


def _is_level_1c(item: Item) -> bool:
    return _level(item) == "Level-1C"


def _named_baseline(item: Item, product: OpticalProduct) -> str | None:
    """The processing baseline in the name of a Level-1C product, whose catalogs often give it nowhere else."""
    match = _NAMED_BASELINE.search(item.id) if product.is_level_1c else None
    return f"{match[1]}.{match[2]}" if match else None


def _sensor(item: Item, bands: Mapping[str, BandAsset]) -> Sensor:
    """The sensor that the collection or the platform names; without a name, the one whose bands are measured.

    Raises `UnusedItemError` where neither says.
    """
    declared = (item.collection_id, item.properties.get("platform"), item.properties.get("constellation"))
    words = " ".join(str(word) for word in declared if word).lower()
    has_radar, has_optical = (any(band in bands for band in names) for names in (RADAR_BANDS, OPTICAL_BANDS))
    named, foreign = _SENTINEL.search(words), _FOREIGN.search(words)
    if foreign:
        raise UnusedItemError(kind_of(item), f"of another satellite ({foreign[0]})")
    if named is None and any(bands[b].is_picture for b in OPTICAL_BANDS if b in bands):
        raise UnusedItemError(kind_of(item), "a picture, and neither collection nor platform names Sentinel-2")
    if named is None and (has_radar or has_optical):
        return Sensor.SENTINEL_1 if has_radar else Sensor.SENTINEL_2
    if named is not None and named[1] == "1" and has_radar:
        return Sensor.SENTINEL_1
    if named is not None and named[1] == "2" and has_optical:
        return Sensor.SENTINEL_2
    wanted = OPTICAL_BANDS if named is None or named[1] == "2" else RADAR_BANDS
    keys = [printable(key, longest=30) for key in sorted(item.assets)]
    there = ", ".join(keys[:MOST_ASSETS]) + (", …" if len(keys) > MOST_ASSETS else "")
    raise UnusedItemError(kind_of(item), f"none of their assets is a band ({', '.join(wanted)}); there are: {there}")


def check_id(item_id: object) -> str:
    """Return an item's id, a text that can be printed and kept; raises `ImageryError` for anything else."""
    if not isinstance(item_id, str) or not item_id.strip() or printable(item_id) != item_id:
        raise ImageryError("its id is empty, too long, has hidden characters, or is no text")
    return item_id


def bounds_of(box: Sequence[float]) -> Bounds:
    """Return a bounding box without its heights; raises `ImageryError` for one that is none."""
    if len(box) not in (4, 6) or not all(math.isfinite(number) for number in box):
        raise ImageryError("its bounding box is not of four or six numbers")
    half = len(box) // 2
    return float(box[0]), float(box[1]), float(box[half]), float(box[half + 1])


def _bounds(item: Item) -> Bounds | None:
    box = item.bbox or (shape(item.geometry).bounds if item.geometry else None)
    return bounds_of(box) if box else None


def orbit_of(value: Any) -> int | None:
    """Return a relative orbit, None for what is none."""
    return int(value) if re.fullmatch(r"[0-9]{1,4}", str(value)) else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    return None if value is None else printable(value, longest=40)


def baseline_of(value: Any) -> str | None:
    """Return a processing baseline, which also names a folder of the archive; raises `ImageryError` for nonsense."""
    if value is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,39}", str(value)):
        raise ImageryError(f"its processing baseline is `{printable(value, longest=60)}`")
    return None if value is None else str(value)
