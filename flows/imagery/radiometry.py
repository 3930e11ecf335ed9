"""From the numbers in a file to reflectance or linear power."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from flows.imagery.catalog_item import BandAsset, SceneItem
from flows.imagery.scene import ImageryError, OpticalProduct, Sensor

REFLECTANCE_SCALE = 0.0001
# "The saturation level of 255 digital counts correspond to a level of 3558 for L1C products or 2000 for L2A products
# (0.3558 and 0.2 in reflectance value respectively)": ESA, Sentinel-2 MSI User Guide, Definitions, TCI
# (sentinel.esa.int/web/sentinel/user-guides/sentinel-2-msi/definitions; looked up on 2026-11-30). Not measured: no
# archive at hand has a picture and reflectance of one pass.
PICTURE_CEILING = {OpticalProduct.LEVEL_1C_PICTURE: 0.3558, OpticalProduct.LEVEL_2A_PICTURE: 0.2}
EIGHT_BITS, HIGHEST_OF_EIGHT_BITS = "uint8", 255
# From processing baseline 04.00 (2022-01-25) ESA adds 1000 to the digital numbers of Sentinel-2.
BASELINE_WITH_OFFSET = 4.00
BASELINE_OFFSET = -0.1
_BASELINE = re.compile(r"N?(\d{1,2})\.?(\d{2})")


@dataclass(frozen=True)
class StoredBand:
    """What a raster file says of one of its bands: numpy dtype name, scale, offset, nodata."""

    dtype: str
    scale: float
    offset: float
    nodata: float | None

    @property
    def is_integer(self) -> bool:
        """True where the band holds whole numbers."""
        return bool(np.issubdtype(np.dtype(self.dtype), np.integer))

    @property
    def is_scaled(self) -> bool:
        """True where the file gives a scale or an offset of its own."""
        return (self.scale, self.offset) != (1.0, 0.0)


@dataclass(frozen=True)
class Calibration:
    """Measurement = number × `scale` + `offset`; a number equal to `nodata` (NaN for NaN) is no measurement.

    `ceiling` is the measurement at which numbers of 8 bits end, None for others.
    """

    scale: float
    offset: float
    nodata: float
    ceiling: float | None = None


def calibration(item: SceneItem, asset: BandAsset, stored: StoredBand) -> Calibration:
    """How to read a band: the item is believed first, then the file, then what the mission does.

    Where nobody gives a nodata value it is 0 for whole numbers, as Sentinel-2 has it, and NaN for floats. Raises
    `ImageryError` for radar in whole numbers without a scale, which is amplitude before calibration, not power; for 8
    bits of which nobody gives the scale; and for an item that contradicts itself about the offset of processing
    baseline 04.00.
    """
    scale = _scale(item, asset, stored)
    offset = _offset(item, asset, stored, scale=scale)
    ceiling = HIGHEST_OF_EIGHT_BITS * scale + offset if stored.dtype == EIGHT_BITS else None
    return Calibration(scale, offset, _nodata(asset, stored), ceiling)


def _scale(item: SceneItem, asset: BandAsset, stored: StoredBand) -> float:
    if asset.scale is not None:
        return asset.scale
    if stored.is_scaled or not stored.is_integer:
        return stored.scale
    if item.sensor is Sensor.SENTINEL_1:
        raise ImageryError(
            f"item `{item.id}`: asset `{asset.key}` holds {stored.dtype} numbers without a scale, which is "
            f"uncalibrated radar; name a collection of terrain-corrected linear power (RTC)"
        )
    if stored.dtype == EIGHT_BITS:
        return _scale_of_eight_bits(item, asset)
    return REFLECTANCE_SCALE


def _scale_of_eight_bits(item: SceneItem, asset: BandAsset) -> float:
    """ESA's own for its true-colour image, which is 1 to 255; any other has to be declared."""
    if not asset.is_picture:
        raise ImageryError(
            f"item `{item.id}`: asset `{asset.key}` holds numbers of 8 bits, and nobody says which reflectance they "
            f"stand for; add `raster:bands` with its scale (0.4 / 255 for true colour of gain 2.5)"
        )
    return PICTURE_CEILING[item.product] / HIGHEST_OF_EIGHT_BITS


def _offset(item: SceneItem, asset: BandAsset, stored: StoredBand, *, scale: float) -> float:
    """The declared offset, else the file's, else that of the processing baseline unless it was removed already."""
    declared = asset.offset if asset.offset is not None else stored.offset if stored.is_scaled else None
    if declared is not None:
        if item.sensor is Sensor.SENTINEL_2 and stored.is_integer and math.isclose(scale, REFLECTANCE_SCALE):
            _check_offset(item, asset, declared)
        return declared
    if item.sensor is Sensor.SENTINEL_1 or item.has_offset_removed:
        return 0.0
    is_raw = stored.is_integer and math.isclose(scale, REFLECTANCE_SCALE)
    return BASELINE_OFFSET if is_raw and baseline_number(item.processing_baseline) >= BASELINE_WITH_OFFSET else 0.0


def _check_offset(item: SceneItem, asset: BandAsset, declared: float) -> None:
    """Nothing else that the item says denies the declared offset of its raw numbers."""
    baseline = baseline_number(item.processing_baseline)
    denial = None
    if item.has_offset_removed and declared != 0:
        denial = "`earthsearch:boa_offset_applied` says that it was taken off already"
    elif item.has_offset_removed is False and declared == 0 and baseline >= BASELINE_WITH_OFFSET:
        denial = f"processing baseline {item.processing_baseline} has one, and it was not taken off"
    elif 0 < baseline < BASELINE_WITH_OFFSET and math.isclose(declared, BASELINE_OFFSET):
        denial = f"processing baseline {item.processing_baseline} has none"
    if denial:
        raise ImageryError(
            f"item `{item.id}`: asset `{asset.key}` declares an offset of {declared:g}, but {denial}; its reflectance "
            f"could be wrong by 0.1, so it is left out: ask the owner of the catalog to correct it, or name another"
        )


def baseline_number(baseline: str | None) -> float:
    """A processing baseline, such as 05.09 or N0509, as a number; 0 when it is unknown."""
    match = _BASELINE.fullmatch(baseline or "")
    return float(f"{match[1]}.{match[2]}") if match else 0.0


def _nodata(asset: BandAsset, stored: StoredBand) -> float:
    said = (asset.nodata, stored.nodata)
    unsaid = 0.0 if stored.is_integer else math.nan
    return next((value for value in said if value is not None and _can_hold(stored, value)), unsaid)


def _can_hold(stored: StoredBand, value: float) -> bool:
    """False for a nodata value that the file's own type cannot hold, such as -9999 in uint16."""
    if not stored.is_integer:
        return True
    limits = np.iinfo(stored.dtype)
    return math.isfinite(value) and limits.min <= value <= limits.max
