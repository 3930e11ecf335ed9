"""Where the sun stands at the overpass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

MAX_DECLINATION = 23.44  # degrees
_HOUR_ANGLE = -22.5  # degrees: 10:30 local solar time


@dataclass(frozen=True)
class Sun:
    """Unit vector on the ground towards the sun (east, north) and the tangent of its elevation."""

    east: float
    north: float
    tangent: float


def declination(day: date) -> float:
    """Degrees north of the equator where the sun is overhead (Cooper 1969)."""
    return MAX_DECLINATION * float(np.sin(2 * np.pi * (284 + day.timetuple().tm_yday) / 365))


def sun_at(latitude: float, declination_deg: float) -> Sun:
    """The sun at 10:30 local solar time; held at 15° or more above the horizon."""
    lat, dec, hour = np.radians([latitude, declination_deg, _HOUR_ANGLE])
    up = np.sin(lat) * np.sin(dec) + np.cos(lat) * np.cos(dec) * np.cos(hour)
    east = -np.cos(dec) * np.sin(hour)
    north = np.cos(lat) * np.sin(dec) - np.sin(lat) * np.cos(dec) * np.cos(hour)
    level = float(np.hypot(east, north))
    return Sun(float(east) / level, float(north) / level, max(float(up) / level, float(np.tan(np.radians(15)))))
