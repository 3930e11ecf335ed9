"""Which asset of a STAC item holds which band, by the names that catalogs give them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pystac import Asset, Item

from flows.imagery.scene import OPTICAL_BANDS, RADAR_BANDS, ImageryError

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
# A rendered picture carries the common names of its three channels but holds no reflectance.
_PICTURE_ROLES = {"visual", "overview", "thumbnail", "metadata"}
_PICTURE_KEYS = {"visual", "overview", "thumbnail", "preview", "tci"}
_RESOLUTION = re.compile(r"_(\d+)m$")


@dataclass(frozen=True)
class BandAsset:
    """One band of one asset. `scale`, `offset` and `nodata` are None where the item does not say.

    `key` is the asset's name in its item; `index` counts the bands of the file from 1.
    """

    key: str
    href: str
    index: int
    scale: float | None
    offset: float | None
    nodata: float | None


@dataclass(frozen=True)
class _Layer:
    """One band of one asset, with the names it goes by in lower case ('' where it has none)."""

    key: str
    common_name: str
    name: str
    rank: tuple[bool, int, str]
    asset: BandAsset


def find_bands(item: Item) -> dict[str, BandAsset]:
    """The item's measurement bands and `scl`, by common name, in the order of `OPTICAL_BANDS` and `RADAR_BANDS`.

    An asset is found by its key, else by the common name of one of its bands, else by Sentinel's own band name. Of
    several, a GeoTIFF goes before other formats and the finest resolution before the others. Raises `ImageryError`
    for a scale, offset or nodata that is not a number.
    """
    layers = list(_layers(item))
    found = {band: _find(layers, band) for band in (*OPTICAL_BANDS, *RADAR_BANDS, SCL)}
    return {band: layer.asset for band, layer in found.items() if layer is not None}


def _find(layers: list[_Layer], band: str) -> _Layer | None:
    names = {band, SENTINEL_NAMES.get(band, band)}
    ways = (
        [layer for layer in layers if layer.key == band],
        [layer for layer in layers if layer.common_name == band],
        [layer for layer in layers if names & {layer.name, _RESOLUTION.sub("", layer.key)}],
    )
    first = next((layers_found for layers_found in ways if layers_found), [])
    return min(first, key=lambda layer: layer.rank, default=None)


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
                asset=_band_asset(item, key, index, fields),
            )


def _is_picture(key: str, asset: Asset) -> bool:
    return bool(_PICTURE_ROLES & set(asset.roles or ())) or _RESOLUTION.sub("", key.lower()) in _PICTURE_KEYS


def _resolution(key: str) -> int:
    suffix = _RESOLUTION.search(key.lower())
    return int(suffix[1]) if suffix else 0


def _described_bands(asset: Asset) -> list[dict[str, Any]]:
    """What is said of each band, whether by STAC 1.1's `bands` or by `eo:bands` and `raster:bands`; never empty."""
    extra = asset.extra_fields
    lists = [extra.get(field) or [] for field in ("eo:bands", "raster:bands", "bands")]
    whole = _plain({key: extra[key] for key in ("raster:scale", "raster:offset", "nodata") if key in extra})
    count = max(1, *map(len, lists))
    bands = [dict(whole) for _ in range(count)]
    for described in lists:
        for band, fields in zip(bands, described, strict=False):
            band.update(_plain(fields))
    return bands


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that say something, without the prefix of their extension."""
    return {re.sub("^(eo|raster):", "", key): value for key, value in fields.items() if value is not None}


def _band_asset(item: Item, key: str, index: int, fields: Mapping[str, Any]) -> BandAsset:
    asset = item.assets[key]
    try:
        scale, offset, nodata = (
            None if fields.get(field) is None else float(fields[field]) for field in ("scale", "offset", "nodata")
        )
    except (TypeError, ValueError) as error:
        raise ImageryError(
            f"item `{item.id}`: asset `{key}` has a scale, offset or nodata that is not a number ({error}); "
            f"correct the item"
        ) from error
    return BandAsset(key, _location(asset), index, scale, offset, nodata)


def _location(asset: Asset) -> str:
    """The asset's address. A path from the root that exists here is meant so, even in the answer of an API."""
    if asset.href.startswith("/") and Path(asset.href).exists():
        return asset.href
    return asset.get_absolute_href() or asset.href
