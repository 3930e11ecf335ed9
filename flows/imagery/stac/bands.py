"""Which asset of a STAC item holds which band, by the names that catalogs give them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pystac import Asset, Item

from flows.imagery.catalog_item import BandAsset
from flows.imagery.catalog_rules import RefusedPlaceError
from flows.imagery.scene import OPTICAL_BANDS, RADAR_BANDS, ImageryError
from flows.printable import printable

SCL = "scl"
SENTINEL_NAMES = {
    "blue": "b02",
    "green": "b03",
    "red": "b04",
    "nir": "b08",
    "nir08": "b8a",
    "swir16": "b11",
    "swir22": "b12",
}
# A rendered picture carries the common names of its three channels, which only its own coding turns to reflectance.
_PICTURE_ROLES = {"visual", "overview", "thumbnail", "metadata"}
_TRUE_COLOUR_KEYS = {"visual", "tci"}
_CHANNELS = ("red", "green", "blue")
_PICTURE_KEYS = {"visual", "overview", "thumbnail", "preview", "tci"}
MOST_BANDS = 256  # of one file; the largest products have some 30
_RESOLUTION = re.compile(r"_(\d+)m$")


Locate = Callable[[Asset], str]


def as_named(asset: Asset) -> str:
    """Return the address of an asset as its item names it."""
    return asset.get_absolute_href() or asset.href


@dataclass(frozen=True)
class _Layer:
    """One band of one asset, with the names it goes by in lower case ('' where it has none)."""

    key: str
    common_name: str
    name: str
    rank: tuple[bool, int, str]
    asset: Asset
    asset_key: str
    index: int
    fields: Mapping[str, object]
    is_picture: bool = False


def find_bands(item: Item, locate: Locate = as_named) -> dict[str, BandAsset]:
    """The item's measurement bands and `scl`, by common name, in the order of `OPTICAL_BANDS` and `RADAR_BANDS`.

    An asset is found by its key, else by the common name of one of its bands, else by Sentinel's own band name. Of
    several, a GeoTIFF goes before other formats and the finest resolution before the others; one that `locate` refuses
    with an `ImageryError` goes last. Where no optical band is measured, red, green and blue are those of a true-colour
    picture.

    Raises
    ------
    ImageryError
        For a scale, offset or nodata that is not a number, and for a band of which every file is refused.
    """
    layers = list(_layers(item))
    found = {band: _find(layers, band) for band in (*OPTICAL_BANDS, *RADAR_BANDS, SCL)}
    if not any(found[band] for band in (*OPTICAL_BANDS, *RADAR_BANDS)):
        pictures = list(_picture_layers(item))
        found |= {band: _find(pictures, band) for band in OPTICAL_BANDS}
    return {band: _first_allowed(item, candidates, locate) for band, candidates in found.items() if candidates}


def _find(layers: list[_Layer], band: str) -> list[_Layer]:
    """The layers of a band, the best first."""
    names = {band, SENTINEL_NAMES.get(band, band)}
    ways = (
        [layer for layer in layers if layer.key == band],
        [layer for layer in layers if layer.common_name == band],
        [layer for layer in layers if names & {layer.name, _RESOLUTION.sub("", layer.key)}],
    )
    return [layer for way in ways for layer in sorted(way, key=lambda layer: layer.rank)]


def _first_allowed(item: Item, candidates: list[_Layer], locate: Locate) -> BandAsset:
    refused = None
    for layer in candidates:
        try:
            return _band_asset(item, layer, locate(layer.asset))
        except RefusedPlaceError as error:
            refused = refused or ImageryError(f"asset `{printable(layer.asset_key)}`: {error}")
    raise refused or AssertionError("no layer")


def _layers(item: Item) -> Iterator[_Layer]:
    for key, asset in item.assets.items():
        if _is_picture(key, asset):
            continue
        bands = _described_bands(asset)
        for index, fields in enumerate(bands, start=1):
            yield _Layer(
                key=key.lower() if len(bands) == 1 else "",
                common_name=str(fields.get("common_name", "")).lower(),
                name=str(fields.get("name", "")).lower(),
                rank=("tif" not in (asset.media_type or asset.href).lower(), _resolution(key), key),
                asset=asset,
                asset_key=key,
                index=index,
                fields=fields,
            )


def _picture_layers(item: Item) -> Iterator[_Layer]:
    """The channels of true-colour pictures: as they are described, else red, green and blue in this order."""
    for key, asset in item.assets.items():
        if _RESOLUTION.sub("", key.lower()) not in _TRUE_COLOUR_KEYS:
            continue
        bands = _described_bands(asset)
        if len(bands) == 1:  # what is said of the whole asset holds for each channel
            bands = [dict(bands[0]) for _ in _CHANNELS]
        for index, (channel, fields) in enumerate(zip(_CHANNELS, bands, strict=False), start=1):
            yield _Layer(
                key="",
                common_name=str(fields.get("common_name") or channel).lower(),
                name="",
                rank=("tif" not in (asset.media_type or asset.href).lower(), _resolution(key), key),
                asset=asset,
                asset_key=key,
                index=index,
                fields=fields,
                is_picture=True,
            )


def _is_picture(key: str, asset: Asset) -> bool:
    return bool(_PICTURE_ROLES & set(asset.roles or ())) or _RESOLUTION.sub("", key.lower()) in _PICTURE_KEYS


def _resolution(key: str) -> int:
    suffix = _RESOLUTION.search(key.lower())
    return int(suffix[1]) if suffix else 0


def _described_bands(asset: Asset) -> list[dict[str, object]]:
    """What is said of each band, whether by STAC 1.1's `bands` or by `eo:bands` and `raster:bands`; never empty."""
    extra = asset.extra_fields
    lists = [extra.get(field) or [] for field in ("eo:bands", "raster:bands", "bands")]
    whole = _plain({key: extra[key] for key in ("raster:scale", "raster:offset", "nodata") if key in extra})
    count = max(1, *map(len, lists))
    if count > MOST_BANDS:
        raise ImageryError(f"an asset has {count} bands, and {MOST_BANDS} are the most")
    bands = [dict(whole) for _ in range(count)]
    for described in lists:
        for band, fields in zip(bands, described, strict=False):
            band.update(_plain(fields))
    for older, newer in zip(lists[1], lists[2], strict=False):
        _check_agreement(_plain(older), _plain(newer))
    return bands


def _check_agreement(older: Mapping[str, object], newer: Mapping[str, object]) -> None:
    """Refuse a band of which `raster:bands` and `bands` say different scales or offsets."""
    for field in ("scale", "offset"):
        one, other = older.get(field), newer.get(field)
        if one is not None and other is not None and float(str(one)) != float(str(other)):
            raise ImageryError(
                f"a band has the {field} {printable(one)} in `raster:bands` and {printable(other)} in `bands`; ask the "
                f"owner of the catalog to correct it"
            )


def _plain(fields: Mapping[str, object]) -> dict[str, object]:
    """The fields that say something, without the prefix of their extension."""
    return {re.sub("^(eo|raster):", "", key): value for key, value in fields.items() if value is not None}


def _band_asset(item: Item, layer: _Layer, href: str) -> BandAsset:
    key = printable(layer.asset_key, longest=100)
    try:
        scale, offset, nodata = (_number(layer.fields.get(field)) for field in ("scale", "offset", "nodata"))
        if not all(math.isfinite(number) for number in (scale, offset) if number is not None):
            raise ValueError("it is not finite")
    except (TypeError, ValueError, OverflowError) as error:
        raise ImageryError(
            f"item `{printable(item.id)}`: asset `{key}` has a scale, offset or nodata that is not a number "
            f"({printable(error)}); correct the item"
        ) from error
    return BandAsset(key, href, layer.index, scale, offset, nodata, layer.is_picture)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
