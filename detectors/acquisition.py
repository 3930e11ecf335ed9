"""What a detector is given of a scene."""

from __future__ import annotations

import math
from dataclasses import dataclass
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
