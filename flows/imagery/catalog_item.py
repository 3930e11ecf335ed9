"""One item of a catalog: a scene and the files of its bands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from flows.imagery.scene import OpticalProduct, Sensor


@dataclass(frozen=True)
class BandAsset:
    """One band of one asset. `scale`, `offset` and `nodata` are None where the item does not say.

    `key` is the asset's name in its item; `index` counts the bands of the file from 1. `is_picture` for a band of a
    true-colour picture.
    """

    key: str
    href: str
    index: int
    scale: float | None
    offset: float | None
    nodata: float | None
    is_picture: bool = False


# What a product's name says of ground and moment: satellite, start (and end), tile; the rest tells its version.
_PRODUCT = re.compile(
    r"(S2[A-Z]_MSIL(?:1C|2A)_\d{8}T\d{6})_.*_(T\d\d[A-Z]{3})|(S1[A-Z]_IW_GRDH_\w{4}_\d{8}T\d{6}_\d{8}T\d{6})_"
)


SAME_BOUNDS_SHARE = 0.05  # of a side: footprints of two versions differ by less, those of two parts of a tile by more


Bounds = tuple[float, float, float, float]


@dataclass(frozen=True)
class SceneItem:
    """A STAC item of one of the two sensors.

    `bounds` are west, south, east, north in degrees, None when the item does not say where it lies. `bands` holds
    the measurement bands by common name, `scl` the scene classification if there is one. `has_offset_removed` says
    whether the item's numbers were already lowered by the offset of baseline 04.00, None where it does not say.
    `platform` is the satellite that took it. `product` says what the numbers of an optical item are.
    """

    id: str
    collection: str
    sensor: Sensor
    acquired: datetime
    bounds: Bounds | None
    bands: dict[str, BandAsset]
    scl: BandAsset | None
    processing_baseline: str | None
    has_offset_removed: bool | None
    relative_orbit: int | None
    orbit_direction: str | None
    platform: str | None = None
    product: OpticalProduct = OpticalProduct.LEVEL_2A

    def may_touch(self, bounds: Bounds) -> bool:
        """False where the item says that it lies elsewhere."""
        return self.bounds is None or _meet(self.bounds, bounds)

    @property
    def ground_shown(self) -> tuple[tuple[str, ...], Bounds | None]:
        """What it shows, and of which ground: `is_part_of` looks at nothing else."""
        return _subject(self), self.bounds

    def is_version_of(self, other: SceneItem) -> bool:
        """True where both show the same ground at the same moment, by their names or their times, and their bounds."""
        if _subject(self) != _subject(other):
            return False
        if self.bounds is None or other.bounds is None:
            return True
        return _are_alike(self.bounds, other.bounds)

    def is_part_of(self, other: SceneItem) -> bool:
        """True where the other shows the same moment, and all the ground of this one with more around it."""
        if self.bounds is None or other.bounds is None or _subject(self) != _subject(other):
            return False
        return _lies_within(self.bounds, other.bounds) and not _are_alike(self.bounds, other.bounds)


def _subject(item: SceneItem) -> tuple[str, ...]:
    match = _PRODUCT.match(item.id)
    return tuple(match.groups("")) if match else (f"{item.acquired:%Y%m%dT%H%M%S}",)


def _are_alike(one: Bounds, other: Bounds) -> bool:
    sides = (one[2] - one[0], one[3] - one[1]) * 2
    return all(abs(a - b) <= SAME_BOUNDS_SHARE * side for a, b, side in zip(one, other, sides, strict=True))


def _lies_within(inner: Bounds, outer: Bounds) -> bool:
    width, height = (SAME_BOUNDS_SHARE * (outer[n + 2] - outer[n]) for n in (0, 1))
    return (
        outer[0] - width <= inner[0]
        and outer[1] - height <= inner[1]
        and inner[2] <= outer[2] + width
        and inner[3] <= outer[3] + height
    )


def _meet(one: Bounds, other: Bounds) -> bool:
    """True where two boxes meet; one with west beyond east crosses the antimeridian."""
    if one[1] > other[3] or other[1] > one[3]:
        return False
    return any(a[0] <= b[1] and b[0] <= a[1] for a in _longitudes(one) for b in _longitudes(other))


def _longitudes(bounds: Bounds) -> list[tuple[float, float]]:
    west, _, east, _ = bounds
    return [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
