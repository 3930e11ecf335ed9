"""One scene, whatever it came from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from aois.errors import UserError

OPTICAL_BANDS = ("blue", "green", "red", "nir", "nir08", "swir16", "swir22")
RADAR_BANDS = ("vv", "vh")


class ImageryError(UserError):
    """A source or the archive cannot give what was asked; the message says what, the value, and what to do."""


class Sensor(StrEnum):
    """The two instruments."""

    SENTINEL_1 = "sentinel-1"
    SENTINEL_2 = "sentinel-2"


class OpticalProduct(StrEnum):
    """What the numbers of an optical scene are; scenes of different products share no baseline.

    The value is what names carry: nothing for surface reflectance (Level-2A), and nothing for radar.
    """

    LEVEL_2A = ""
    LEVEL_1C = "l1c"
    LEVEL_2A_PICTURE = "visual"
    LEVEL_1C_PICTURE = "l1c_visual"

    @property
    def is_level_1c(self) -> bool:
        """True for reflectance at the top of the atmosphere."""
        return self in (OpticalProduct.LEVEL_1C, OpticalProduct.LEVEL_1C_PICTURE)

    @property
    def is_picture(self) -> bool:
        """True for true colour of 8 bits."""
        return self in (OpticalProduct.LEVEL_2A_PICTURE, OpticalProduct.LEVEL_1C_PICTURE)

    @property
    def words(self) -> str:
        """The product for a person."""
        return ("Level-1C" if self.is_level_1c else "Level-2A") + (" true colour" if self.is_picture else "")


def product_of(scene_id: str) -> OpticalProduct:
    """Return the product that the id of a scene names; surface reflectance where it names none."""
    ending = scene_id.split("_", 2)[2:]
    return OpticalProduct(ending[0]) if ending and ending[0] in set(OpticalProduct) else OpticalProduct.LEVEL_2A


@dataclass(frozen=True)
class Provenance:
    """Where a scene came from, enough to ask for it again.

    `resolution_m` is the coarsest native pixel among the bands read at their best (10 for Sentinel-2 visible, 30 for a
    30 m product): objects smaller than a few native pixels mean nothing. `offset_applied` is what was added to the
    digital numbers after scaling, in reflectance (−0.1 from processing baseline 04.00 on); None when not optical.
    `platform` is the satellite (`sentinel-1c`), None where the source does not say.
    `item_ids` are the items whose pixels were read, `offered` all that the source listed for the pass by then.
    `product` says what the numbers are; `ceiling` is the reflectance at which numbers of 8 bits end, None for others.
    """

    source: str
    item_ids: tuple[str, ...]
    request: str = ""
    processing_baseline: str | None = None
    offset_applied: float | None = None
    resolution_m: float = 10.0
    relative_orbit: int | None = None
    orbit_direction: str | None = None
    offered: tuple[str, ...] = ()
    platform: str | None = None
    product: OpticalProduct = OpticalProduct.LEVEL_2A
    ceiling: float | None = None


@dataclass(frozen=True)
class SceneRef:
    """What a search finds: enough to decide whether to fetch, and to fetch. `scene_id` is the name for life:
    `<sensor>_<YYYYMMDDTHHMMSS>` plus `_r<relative orbit>` for radar, `_<product>` for optics that are not surface
    reflectance, and anything the source needs to be unique.
    `baseline` is the processing baseline in which the source offers it now, None where that is not known. `repeats`
    are those of its items that are versions of one another: they show the same ground at the same moment."""

    scene_id: str
    sensor: Sensor
    acquired: datetime
    item_ids: tuple[str, ...]
    baseline: str | None = None
    repeats: tuple[str, ...] = ()

    @property
    def product(self) -> OpticalProduct:
        """What its numbers are, by its name."""
        return product_of(self.scene_id)


@dataclass(frozen=True)
class Scene:
    """A scene on its area's grid.

    `pixels` is float32 (band, y, x) in the order of `bands`: reflectance (0 to about 1, can exceed; of the surface
    unless the product says otherwise) for optical, linear backscatter power for radar; NaN where not valid. `valid` is
    bool (y, x), True where every band holds a measurement. `scl` is the Sentinel-2 scene classification, uint8 (y, x),
    0 where unknown, or None when the source has none: clouds are judged by the detectors, not here. `sha256` is that of
    the archived file, empty before the scene is archived.
    """

    scene_id: str
    sensor: Sensor
    acquired: datetime
    bands: tuple[str, ...]
    pixels: npt.NDArray[np.float32]
    valid: npt.NDArray[np.bool_]
    scl: npt.NDArray[np.uint8] | None
    provenance: Provenance
    sha256: str = ""
