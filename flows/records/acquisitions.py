"""Acquisitions that the orbits promise, and those that did not come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

_NAMES = {"sentinel-1": "Sentinel-1", "sentinel-2": "Sentinel-2"}


@dataclass(frozen=True, order=True)
class DueAcquisition:
    """One pass of a satellite over a place, as its orbit promises it, or as it is planned.

    Attributes
    ----------
    sensor
        Which instrument, ``sentinel-1`` or ``sentinel-2``.
    orbit
        The relative orbit; None where the series has none, as for Sentinel-2.
    day
        The day of it, UTC.
    is_planned
        Whether an acquisition plan says so.
    """

    sensor: str
    orbit: int | None
    day: date
    is_planned: bool = False

    def __str__(self) -> str:
        """The acquisition in words."""
        orbit = "" if self.orbit is None else f"orbit {self.orbit}, "
        planned = " (planned)" if self.is_planned else ""
        return f"{_NAMES.get(self.sensor, self.sensor)}, {orbit}{self.day.day} {self.day:%B}{planned}"


@dataclass(frozen=True)
class Arrivals:
    """What was promised in a time, and what came.

    Attributes
    ----------
    expected, received
        Acquisitions that the orbits promised, and how many of these came.
    missing
        Those that did not, by sensor, orbit and day.
    """

    expected: int
    received: int
    missing: tuple[DueAcquisition, ...] = ()

    @property
    def words(self) -> str:
        """Return one line for a person; empty where nothing is missing."""
        if not self.missing:
            return ""
        return f"expected {self.expected}, received {self.received}: {'; '.join(map(str, self.missing))}"


@dataclass(frozen=True)
class Silence:
    """A series that stopped coming.

    Attributes
    ----------
    sensor, orbit
        As `DueAcquisition`.
    last
        The day of its last acquisition, UTC.
    missed
        The promised days since, in order.
    """

    sensor: str
    orbit: int | None
    last: date
    missed: tuple[date, ...]

    @property
    def name(self) -> str:
        """Return the series in words."""
        orbit = "" if self.orbit is None else f", orbit {self.orbit}"
        return f"{_NAMES.get(self.sensor, self.sensor)}{orbit}"
