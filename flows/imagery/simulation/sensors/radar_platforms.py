"""Which satellite takes a radar picture, and how wrong its pictures are: shifts, gains and bad times to order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import hypot

from flows.imagery.scene import ImageryError, Sensor
from flows.imagery.simulation.sensors.schedule import REPEAT_DAYS

MOST_PX = 3.0


@dataclass(frozen=True)
class RadarPlatform:
    """One satellite from a day to another, both included, and what is wrong with its pictures meanwhile.

    `shift_px` is how far, in pixels down and right, its pictures lie off their place, 3 at most; `gain_db` how much
    brighter they are. One satellite may be named twice: with another shift from a day on, its images jump; with another
    gain until a day, it is not calibrated before.
    """

    name: str = "sentinel-1a"
    first: date = date.min
    last: date = date.max
    shift_px: tuple[float, float] = (0.0, 0.0)
    gain_db: float = 0.0


ONE_PLATFORM = (RadarPlatform(),)


def passing(platforms: Sequence[RadarPlatform], day: date) -> RadarPlatform:
    """The platform of a day's pass: those in service take turns.

    Raises `ImageryError` where none is in service, or the shift is more than is drawn beyond the grid.
    """
    serving = [p for p in platforms if p.first <= day <= p.last]
    if not serving:
        raise ImageryError(f"no simulated radar satellite is in service on {day}; give one without a last day")
    platform = serving[day.toordinal() // REPEAT_DAYS[Sensor.SENTINEL_1] % len(serving)]
    if hypot(*platform.shift_px) > MOST_PX:
        raise ImageryError(
            f"the simulated {platform.name} is {hypot(*platform.shift_px):.1f} px off, and {MOST_PX:g} px is the most; "
            f"give it a smaller shift"
        )
    return platform
