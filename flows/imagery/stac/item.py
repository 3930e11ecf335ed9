"""What one STAC item offers the watch: its sensor, its time, its ground and its bands."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from datetime import UTC
from typing import Any

from pystac import Item, STACError, STACTypeError
from shapely.errors import ShapelyError
from shapely.geometry import shape

from flows.imagery.catalog_item import Bounds, SceneItem
from flows.imagery.platform_names import platform_of
from flows.imagery.scene import OPTICAL_BANDS, RADAR_BANDS, ImageryError, Sensor
from flows.imagery.stac.bands import SCL, Locate, as_named, find_bands
from flows.printable import printable
from flows.records.json_object import JsonObject

_SENTINEL = re.compile(r"(?:sentinel[-_ ]?|\bs)([12])")
# Named after another satellite, or top-of-atmosphere: their numbers do not mean what the detectors take them for.
_FOREIGN = re.compile(r"landsat|modis|viirs|naip|l1c")
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


def read_scene_item(said: JsonObject, *, href: str | None, locate: Locate) -> SceneItem | None:
    """Return what the JSON of an item at an address offers; as `scene_item`.

    Raises `ImageryError` for one that is malformed, in whatever way.
    """
    try:
        return scene_item(Item.from_dict(said, href=href, preserve_dict=False), locate)
    except MALFORMED as error:
        words = printable(error, longest=120)
        raise ImageryError(f"it is malformed ({type(error).__name__}{f': {words}' if words else ''})") from error


def scene_item(item: Item, locate: Locate = as_named) -> SceneItem | None:
    """What the item offers, or None when it is of neither sensor, has none of their bands, or has no date.

    Raises `ImageryError` for an asset whose scale, offset or nodata is not a number, for one that `locate` refuses, and
    for an id, a bounding box or a processing baseline that is none.
    """
    check_id(item.id)
    found = find_bands(item, locate)
    sensor = _sensor(item, found)
    acquired = item.datetime or item.common_metadata.start_datetime
    if sensor is None or acquired is None:
        return None
    said = item.properties
    names = RADAR_BANDS if sensor is Sensor.SENTINEL_1 else OPTICAL_BANDS
    return SceneItem(
        id=item.id,
        collection=printable(item.collection_id or "", longest=100),
        sensor=sensor,
        acquired=acquired.replace(tzinfo=acquired.tzinfo or UTC).astimezone(UTC),
        bounds=_bounds(item),
        bands={name: found[name] for name in names if name in found},
        scl=found.get(SCL) if sensor is Sensor.SENTINEL_2 else None,
        processing_baseline=baseline_of(said.get("s2:processing_baseline") or said.get("processing:version")),
        has_offset_removed=_flag(said.get("earthsearch:boa_offset_applied")),
        relative_orbit=orbit_of(said.get("sat:relative_orbit")),
        orbit_direction=_text(said.get("sat:orbit_state")),
        platform=platform_of(said.get("platform"), item.id),
    )


def _sensor(item: Item, bands: Collection[str]) -> Sensor | None:
    """The sensor that the collection or the platform names; without a name, the one whose bands are there."""
    declared = (item.collection_id, item.properties.get("platform"), item.properties.get("constellation"))
    words = " ".join(str(word) for word in declared if word).lower()
    has_radar, has_optical = (any(band in bands for band in names) for names in (RADAR_BANDS, OPTICAL_BANDS))
    named = _SENTINEL.search(words)
    if _FOREIGN.search(words) or not (has_radar or has_optical):
        return None
    if named is None:
        return Sensor.SENTINEL_1 if has_radar else Sensor.SENTINEL_2
    if named[1] == "1":
        return Sensor.SENTINEL_1 if has_radar else None
    return Sensor.SENTINEL_2 if has_optical else None


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
