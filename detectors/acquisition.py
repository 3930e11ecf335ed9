"""What a detector is given of a scene."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

OPTICAL = "sentinel-2"
RADAR = "sentinel-1"


@dataclass(frozen=True)
class Acquisition:
    """One scene of an area, as numbers.

    `pixels` is float32 (band, y, x) in the order of `bands`: reflectance or linear power, NaN where not measured;
    `valid` is bool (y, x), True where measured; `scl` is uint8 (y, x) or None. `track` keeps radar geometries apart
    (one baseline per relative orbit), and what is not surface reflectance from what is; it is empty for that.
    `resolution_px` is the native pixel in units of the grid's pixel, at least 1. `platform` is the satellite
    (`sentinel-1c`), empty where it is not known. `ceiling` is the reflectance at which numbers of 8 bits end: what is
    brighter is written so.
    """

    scene_id: str
    sensor: str
    day: date
    bands: tuple[str, ...]
    pixels: Floats
    valid: Mask
    scl: npt.NDArray[np.uint8] | None = None
    track: str = ""
    resolution_px: float = 1.0
    platform: str = ""
    ceiling: float = math.inf

    @property
    def series(self) -> str:
        """Name the series this acquisition belongs to: acquisitions of one series share a baseline."""
        return f"{self.sensor}{self.track}"

    def band(self, name: str) -> Floats | None:
        """Return one band, float32 (y, x), or None where the acquisition lacks it."""
        return self.pixels[self.bands.index(name)] if name in self.bands else None

    def loaded(self) -> Acquisition:
        """Return itself: its pixels are there."""
        return self

    def at(self, box: tuple[slice, slice]) -> Acquisition:
        """Return a window of it, with pixels of its own."""
        return replace(
            self,
            pixels=self.pixels[:, *box].copy(),
            valid=self.valid[box].copy(),
            scl=None if self.scl is None else self.scl[box].copy(),
        )


@dataclass(frozen=True)
class StoredAcquisition:
    """One scene of an area whose pixels are read when they are asked for: many do not fit into memory.

    `read` gives the acquisition; the other fields are those of `Acquisition`.
    """

    scene_id: str
    sensor: str
    day: date
    track: str
    platform: str
    read: Callable[[], Acquisition]

    @property
    def series(self) -> str:
        """Name the series this acquisition belongs to."""
        return f"{self.sensor}{self.track}"

    def loaded(self) -> Acquisition:
        """Read its pixels."""
        return replace(self.read(), track=self.track)


AnyAcquisition = Acquisition | StoredAcquisition
