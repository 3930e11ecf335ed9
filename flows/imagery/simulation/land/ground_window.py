"""A piece of the ground as an instrument meets it on a day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt

from flows.imagery.simulation.land.canvas import Field
from flows.imagery.simulation.land.pixel_view import LandSurface

_TILT = np.linspace(-1, 1, 7, dtype=np.float32)  # blue to shortwave infrared: a surface browner or bluer than its kind


@dataclass(frozen=True)
class GroundWindow:
    """What lies in a window of pixels.

    Per pixel, (y, x): `field_of` (the field that a pixel lies in), `vigour` (how well things grow there, deviation 1),
    `texture` (band, y, x: brightness of a pixel against its cover), `slope` (east and north, small), `surface`.
    Per field: `is_paddy`, `rank` (how low it lies). `place` names it in every random draw; places of one `country`
    have the years in common. `broken_on` is the day on which the story first breaks ground, if it does.
    """

    place: int
    country: int | None
    is_paddy: npt.NDArray[np.bool_] = field(repr=False)
    rank: npt.NDArray[np.float64] = field(repr=False)
    broken_on: date | None
    field_of: npt.NDArray[np.integer] = field(repr=False)
    vigour: Field = field(repr=False)
    texture: Field = field(repr=False)
    slope: Field = field(repr=False)
    surface: LandSurface = field(repr=False)


def texture_of(brightness: Field, hue: Field) -> Field:
    """Brightness of every pixel and band against the mean of its cover, around 1; from two fields of deviation 1."""
    texture = 1 + 0.075 * brightness + 0.035 * hue * _TILT[:, None, None]
    return np.asarray(np.clip(texture, 0.6, 1.5), np.float32)
