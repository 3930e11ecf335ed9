"""When the satellites pass: a calendar of days that no story moves."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from flows.imagery.scene import Sensor
from flows.imagery.simulation.random_streams import number_of

REPEAT_DAYS = {Sensor.SENTINEL_2: 5, Sensor.SENTINEL_1: 12}
_LOCAL_HOUR = {
    Sensor.SENTINEL_2: 10.5,
    Sensor.SENTINEL_1: 18.2,
}  # local solar time of the descending and ascending pass


def overpasses(area_id: str, longitude: float, sensor: Sensor, *, since: date, until: date) -> list[datetime]:
    """Every pass from one day to another, both included, in order, UTC."""
    repeat = REPEAT_DAYS[sensor]
    phase = number_of("calendar", area_id, sensor.value) % repeat
    first = since.toordinal() + (phase - since.toordinal()) % repeat
    days = (date.fromordinal(ordinal) for ordinal in range(first, until.toordinal() + 1, repeat))
    return [datetime.combine(day, _time_of(sensor, longitude), UTC) for day in days]


def _time_of(sensor: Sensor, longitude: float) -> time:
    """The minute of the pass in UTC; around the date line the day stays that of the calendar."""
    minutes = round((_LOCAL_HOUR[sensor] - longitude / 15) * 60) % (24 * 60)
    return time(*divmod(minutes, 60))


def relative_orbit(area_id: str) -> int:
    """The one Sentinel-1 orbit (1 to 175) that sees an area."""
    return number_of("orbit", area_id) % 175 + 1
