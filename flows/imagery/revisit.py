"""What the orbits promise: each satellite comes back over a place on a fixed day of its cycle.

The promise is learnt from the scenes that came. Sentinel-1 repeats its orbit every 12 days and Sentinel-2 every 10,
each satellite by itself; so several satellites on one orbit are several repeats of one series, and nothing has to be
known of how they share it. Where acquisition plans are known, a planned pass is promised too, and a repeat is not on a
day on which its satellite is planned to do something else.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flows.imagery.acquisition_plans import NO_PLAN, AreaPlan, PlannedPass
from flows.imagery.scene import Sensor
from flows.records.acquisitions import Arrivals, DueAcquisition, Silence
from flows.records.ids import scene_name

# Repeat cycles of one satellite, days (ESA, SentiWiki: S1 Mission, S2 Mission).
CYCLE_DAYS = {Sensor.SENTINEL_1: 12, Sensor.SENTINEL_2: 10}
LEARNT, ENOUGH = 4, 3  # a repeat is promised where it came in so many of its last cycles; chosen on 2026-11-30
ENDED = 6  # cycles without it after which it is promised no more: the satellite is gone, or flies another orbit
SILENT = 3  # promised acquisitions of a series that have not come, one after the other, before somebody is told
SAME_PASS = timedelta(hours=1)  # between the planned beginning of a pass and the time of its scene
TRACK_DAYS = 5  # Sentinel-2's ids have no orbit; two satellites share a track, and come back to it every five days
_ORBIT = re.compile(r"_r(\d{1,4})\b")
_DAY = timedelta(days=1)

Series = tuple[Sensor, int | None]


@dataclass(frozen=True)
class Repeat:
    """One satellite's repeat over a place: the last day on which it came, and every `cycle` days again."""

    sensor: Sensor
    orbit: int | None
    last: date

    def due(self, first: date, until: date) -> list[DueAcquisition]:
        """List the acquisitions that are promised between two days, both included, until it counts as ended."""
        cycle = CYCLE_DAYS[self.sensor]
        days = [self.last + n * cycle * _DAY for n in range(1, ENDED + 1)]
        return [DueAcquisition(self.sensor.value, self.orbit, day) for day in days if first <= day <= until]


def arrivals_between(
    scenes: Iterable[tuple[str, datetime]], first: date, until: date, *, plan: AreaPlan = NO_PLAN
) -> Arrivals:
    """Compare what was promised between two days, both included, with what came.

    `scenes` are ids and times of all that came to one place; those before `first` say what was promised, beside `plan`.
    """
    known = _of_satellites(scenes)
    planned = [one for one in _planned(known, plan) if first <= one.day <= until]
    due = _beside(planned, [one for repeat in _repeats(known, before=first) for one in repeat.due(first, until)], plan)
    came = {(*_series_of(scene_id), day) for scene_id, day in _local_days(known)}
    missing = [one for one in due if (Sensor(one.sensor), one.orbit, one.day) not in came]
    missing += [_due(one) for one in planned if not any(_is_of(one, *scene) for scene in known)]
    expected = len(due) + len(planned)
    return Arrivals(expected, expected - len(missing), tuple(sorted(missing, key=_order)))


def next_due(scenes: Iterable[tuple[str, datetime]], after: date, *, plan: AreaPlan = NO_PLAN) -> DueAcquisition | None:
    """Return the first acquisition that is promised after a day; None where nothing is."""
    known = _of_satellites(scenes)
    planned = [one for one in _planned(known, plan) if one.day > after]
    repeats = _repeats(known, before=after + _DAY)
    later = _beside(planned, [one for repeat in repeats for one in repeat.due(after + _DAY, date.max)], plan)
    return min([*later, *map(_due, planned)], key=lambda one: (one.day, *_order(one)), default=None)


def silences(scenes: Iterable[tuple[str, datetime]], until: date) -> list[Silence]:
    """List the series of which `SILENT` promised acquisitions or more have not come since their last, up to a day."""
    days: dict[Series, list[date]] = defaultdict(list)
    known = [one for one in scenes if one[1].date() <= until]
    for scene_id, day in _local_days(known):
        days[_series_of(scene_id)].append(day)
    due: dict[Series, list[date]] = defaultdict(list)
    for repeat in _repeats(known, before=until + _DAY):
        series = (repeat.sensor, repeat.orbit)
        due[series] += [one.day for one in repeat.due(max(days[series]) + _DAY, until)]
    return [
        Silence(sensor.value, orbit, max(days[sensor, orbit]), tuple(sorted(missed)))
        for (sensor, orbit), missed in sorted(due.items(), key=lambda one: (one[0][0], one[0][1] or 0))
        if len(missed) >= SILENT
    ]


def _of_satellites(scenes: Iterable[tuple[str, datetime]]) -> list[tuple[str, datetime]]:
    return [one for one in scenes if scene_name(one[0]).sensor in tuple(Sensor)]


def _planned(scenes: Sequence[tuple[str, datetime]], plan: AreaPlan) -> list[PlannedPass]:
    """The planned passes of series that have come; of an instrument of which nothing has come, all."""
    days: dict[Series, set[date]] = defaultdict(set)
    for scene_id, acquired in scenes if plan.passes else ():
        days[_series_of(scene_id)].add(acquired.date())
    new = set(Sensor) - {sensor for sensor, _ in days}

    def has_come(one: PlannedPass) -> bool:
        if one.sensor is Sensor.SENTINEL_1:
            return (one.sensor, one.orbit) in days
        return any((one.day - day).days % TRACK_DAYS == 0 for day in days[one.sensor, None])

    return [one for one in plan.passes if one.sensor in new or has_come(one)]


def _beside(planned: Sequence[PlannedPass], due: Iterable[DueAcquisition], plan: AreaPlan) -> list[DueAcquisition]:
    """What the rhythm promises beside the planned passes, less what the plan of its satellite does not hold."""
    return [
        one
        for one in due
        if not any(_is_same(one, p) and abs((p.day - one.day).days) <= 1 for p in planned) and not _is_denied(one, plan)
    ]


def _is_denied(due: DueAcquisition, plan: AreaPlan) -> bool:
    """True where it is known which satellites fly a repeat, and what each of them does on that day."""
    cycle = CYCLE_DAYS[Sensor(due.sensor)]
    flown_by = {p.platform for p in plan.passes if _is_same(due, p) and (p.day - due.day).days % cycle == 0}
    return bool(flown_by) and all(plan.covers(platform, due.day) for platform in flown_by)


def _is_same(due: DueAcquisition, one: PlannedPass) -> bool:
    """True for a pass of the same series; that of Sentinel-2 has no orbit."""
    return due.sensor == one.sensor and due.orbit in (None, one.orbit)


def _is_of(one: PlannedPass, scene_id: str, acquired: datetime) -> bool:
    sensor, orbit = _series_of(scene_id)
    return sensor is one.sensor and orbit in (None, one.orbit) and abs(acquired - one.start) <= SAME_PASS


def _due(one: PlannedPass) -> DueAcquisition:
    orbit = one.orbit if one.sensor is Sensor.SENTINEL_1 else None
    return DueAcquisition(one.sensor.value, orbit, one.day, is_planned=True)


def _order(one: DueAcquisition) -> tuple[str, int, date]:
    return one.sensor, one.orbit or 0, one.day


def _repeats(scenes: Sequence[tuple[str, datetime]], *, before: date) -> list[Repeat]:
    """The repeats that the scenes before a day show: those that came in most of their last cycles."""
    phases: Mapping[tuple[Sensor, int | None, int], set[date]] = defaultdict(set)
    for scene_id, day in _local_days(scenes):
        sensor, orbit = _series_of(scene_id)
        if day < before:
            phases[sensor, orbit, day.toordinal() % CYCLE_DAYS[sensor]].add(day)
    found = []
    for (sensor, orbit, _), days in phases.items():
        last, span = max(days), (LEARNT - 1) * CYCLE_DAYS[sensor] * _DAY
        if sum(day >= last - span for day in days) >= ENOUGH:
            found.append(Repeat(sensor, orbit, last))
    return sorted(found, key=lambda one: (one.sensor, one.orbit or 0, one.last))


def _local_days(scenes: Iterable[tuple[str, datetime]]) -> list[tuple[str, date]]:
    """Each scene of a series that is told by its orbit, with its day; a pass at midnight UTC stays on one day."""
    series: dict[Series, list[tuple[str, datetime]]] = defaultdict(list)
    for scene_id, acquired in sorted(scenes, key=lambda one: (one[1], one[0])):
        name = scene_name(scene_id)
        if name.sensor in tuple(Sensor) and (name.sensor == Sensor.SENTINEL_2 or _ORBIT.search(scene_id)):
            series[_series_of(scene_id)].append((scene_id, acquired))
    days = []
    for members in series.values():
        start = members[0][1]
        for scene_id, acquired in members:
            days.append((scene_id, start.date() + round((acquired - start) / _DAY) * _DAY))
    return days


def _series_of(scene_id: str) -> Series:
    orbit = _ORBIT.search(scene_id)
    return Sensor(scene_name(scene_id).sensor), int(orbit[1]) if orbit else None
