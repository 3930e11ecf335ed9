"""What ESA plans to take: the passes of its acquisition plans, which plans are in force, and which passes see an area.

ESA publishes a KML file for each satellite: some 20 days of Sentinel-1, 10 to 15 of Sentinel-2. Times are in UTC, a
later file takes the place of an earlier one, and Sentinel-2's swaths are simplified (sentinels.copernicus.eu,
Acquisition Plans). A planned pass counts for an area if its footprint covers half of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from lxml import etree
from shapely import Polygon, STRtree, make_valid
from shapely.geometry.base import BaseGeometry

from aois.area import Area
from flows.imagery.scene import ImageryError, Sensor
from flows.printable import printable

# Sentinel-1's wide swath, in which land is taken, and Sentinel-2's nominal observation: ESA distributes no other.
MODES = ("IW", "NOBS", "NOMINAL")
COVERED = 0.5  # of an area's ground; chosen on 2026-11-30
WIDEST = 180.0  # degrees; what crosses the antimeridian is drawn around the world
ORBITS = {Sensor.SENTINEL_1: 175, Sensor.SENTINEL_2: 143}
_SATELLITE = re.compile(r"S(?:ENTINEL-?)?([12])_?([A-Z])(?![A-Z])", re.IGNORECASE)
_STAMPS = re.compile(r"(\d{8}T\d{6})_(\d{8}T\d{6})", re.IGNORECASE)
_DAY = timedelta(days=1)


NO_GROUND = Polygon()


@dataclass(frozen=True)
class PlannedPass:
    """One planned acquisition: its satellite, its relative orbit, when it begins, and the ground that it sees.

    The ground is empty where the pass was kept for an area that it sees.
    """

    platform: str
    sensor: Sensor
    orbit: int
    start: datetime
    footprint: BaseGeometry = NO_GROUND

    @property
    def day(self) -> date:
        """The day on which it begins, UTC."""
        return self.start.date()


@dataclass(frozen=True)
class PlannedTime:
    """A time for which it is known what some satellites do."""

    platforms: frozenset[str]
    first: datetime
    until: datetime

    def holds(self, platform: str, at: datetime) -> bool:
        """Return whether it is known what a satellite does at a time."""
        return platform in self.platforms and self.first <= at <= self.until


@dataclass(frozen=True)
class AcquisitionPlan:
    """One file: the time that it plans, and the passes in it."""

    name: str
    first: datetime
    until: datetime
    passes: tuple[PlannedPass, ...]

    @property
    def platforms(self) -> frozenset[str]:
        """The satellites that it plans."""
        return frozenset(one.platform for one in self.passes)

    @cached_property
    def _footprints(self) -> STRtree:
        return STRtree([one.footprint for one in self.passes])

    def passes_over(self, ground: BaseGeometry) -> list[PlannedPass]:
        """Return the passes whose footprint covers enough of some ground, in the order of the file."""
        near = [self.passes[n] for n in sorted(self._footprints.query(ground))]
        return [one for one in near if one.footprint.intersection(ground).area >= COVERED * ground.area]

    @property
    def time(self) -> PlannedTime:
        """The time that it plans, and for whom."""
        return PlannedTime(self.platforms, self.first, self.until)


@dataclass(frozen=True)
class AreaPlan:
    """What the plans in force say of one area: the passes over it, in order, and for which times they say it."""

    passes: tuple[PlannedPass, ...] = ()
    times: tuple[PlannedTime, ...] = ()

    def covers(self, platform: str, day: date) -> bool:
        """Return whether it is known what a satellite does on a whole day."""
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return all(any(time.holds(platform, at) for time in self.times) for at in (begin, begin + _DAY))


NO_PLAN = AreaPlan()


def plan_over(area: Area, plans: Iterable[AcquisitionPlan], *, known_by: date) -> AreaPlan:
    """Return what plans that had begun by a day say of an area; of two plans for one time the later file counts."""
    known = sorted((p for p in plans if p.first.date() <= known_by), key=lambda p: (p.first, p.name))
    times = tuple(plan.time for plan in known)
    found = {
        (one.platform, one.start): one
        for n, plan in enumerate(known)
        for one in plan.passes_over(area.geometry)
        if not any(later.holds(one.platform, one.start) for later in times[n + 1 :])
    }
    return AreaPlan(tuple(sorted(found.values(), key=lambda one: (one.start, one.platform))), times)


def read_plan(name: str, content: bytes) -> AcquisitionPlan:
    """Return the plan in a KML file; `name` is the file's own, which says what time it plans.

    Raises `ImageryError` for what is no plan. A placemark that is none, or of another mode, is passed over.
    """
    shown = printable(name, longest=120)
    root = _parsed(shown, content)
    passes = tuple(one for mark in root.iter("{*}Placemark") if (one := _pass_of(mark, name)) is not None)
    if not passes:
        raise ImageryError(
            f"acquisition plan `{shown}`: it holds no planned pass of Sentinel-1 or -2; name ESA's KML files, a folder "
            f"of them, or the page that links to them"
        )
    starts = [one.start for one in passes]
    first, until = planned_time(name) or (min(starts), max(starts))
    return AcquisitionPlan(name, first, until, passes)


def planned_time(name: str) -> tuple[datetime, datetime] | None:
    """Return the time that a file plans by its name, None where the name does not say."""
    stamps = _STAMPS.search(name)
    first, until = map(_time, stamps.groups()) if stamps else (None, None)
    return None if first is None or until is None else (first, until)


def _parsed(shown: str, content: bytes) -> etree._Element:
    """The document, of which no entity and no address is followed."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ImageryError(
            f"acquisition plan `{shown}`: it is not XML ({printable(error, longest=160)}); fetch the KML file again"
        ) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise ImageryError(f"acquisition plan `{shown}`: it declares a document type, which no KML needs; leave it out")
    return root


def _pass_of(mark: etree._Element, file: str) -> PlannedPass | None:
    data = {
        re.sub(r"\W", "", one.get("name", "")).lower(): (one.findtext("{*}value") or "").strip()
        for one in mark.iter("{*}Data")
    }
    satellite = _SATELLITE.search(data.get("satelliteid") or file)
    start = _time(data.get("observationtimestart") or mark.findtext(".//{*}begin") or "")
    footprint = _footprint(mark.findtext(".//{*}coordinates") or "")
    orbit = data.get("orbitrelative", "")
    if satellite is None or start is None or footprint is None or not re.fullmatch(r"\d{1,3}", orbit):
        return None
    sensor = Sensor(f"sentinel-{satellite[1]}")
    if (data.get("mode") or _folder(mark)).upper() not in MODES or not 1 <= int(orbit) <= ORBITS[sensor]:
        return None
    return PlannedPass(f"{sensor}{satellite[2].lower()}", sensor, int(orbit), start, footprint)


def _folder(mark: etree._Element) -> str:
    """The name of the folder around a placemark; Sentinel-2's are named by their mode."""
    folder = next(mark.iterancestors("{*}Folder"), None)
    return "" if folder is None else (folder.findtext("{*}name") or "").strip()


def _time(words: str) -> datetime | None:
    """A time in UTC, which the files do not say; None where it is none."""
    try:
        time = datetime.fromisoformat(words.strip().upper())
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _footprint(words: str) -> BaseGeometry | None:
    """The ground within a ring of ``lon,lat[,height]``; None where it is no ring on the globe."""
    points = list(_points(words))
    if len(points) < 3 or not all(abs(lon) <= 180 and abs(lat) <= 90 for lon, lat in points):
        return None
    longitudes = [lon for lon, _ in points]
    if max(longitudes) - min(longitudes) > WIDEST:
        return None
    polygon = Polygon(points)
    return polygon if polygon.is_valid else make_valid(polygon)


def _points(words: str) -> Iterator[tuple[float, float]]:
    for word in words.split():
        try:
            lon, lat = (float(number) for number in word.split(",")[:2])
        except ValueError:
            lon = lat = math.inf
        yield lon, lat


def latest(plans: Sequence[AcquisitionPlan]) -> dict[str, datetime]:
    """Return until when each satellite is planned."""
    ends: dict[str, datetime] = {}
    for plan in plans:
        for platform in plan.platforms:
            ends[platform] = max(plan.until, ends.get(platform, plan.until))
    return dict(sorted(ends.items()))
