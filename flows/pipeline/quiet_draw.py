"""Draw the week's sample of sites and ground of which nothing was told, for people to look what was missed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import shapely
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from aois.area import Area, AreaKind
from aois.grid import grid_of, to_lonlat, to_utm
from aois.week import Week, week_of, weeks_between
from detectors.acquisition import OPTICAL
from detectors.inference.quiet_sample import QuietUnit, draw_sample
from detectors.records import State
from flows.ledger.ledger import Ledger
from flows.records.events import Alert
from flows.records.ids import AreaId
from flows.records.quiet_places import QuietKind, QuietPlace

SIZE = 10  # a week: a quarter of an hour of somebody's time
WINDOW_WEEKS = 13  # what a question is about: long enough for works to show, short enough to remember
CELL_M = 500.0  # a piece of a region: a compound and its surroundings
LEAST_OF_A_CELL = 0.5


def draw_quiet_places(ledger: Ledger, areas: Sequence[Area], week: Week) -> int:
    """Record the sample of a week and return how many places it holds; a week that has one keeps it.

    Half of them are sites and half ground of regions, more of one where there is less of the other. What was drawn in
    the weeks that a question is about is not drawn again, so that nothing is counted twice.
    """
    first = week.plus(1 - WINDOW_WEEKS)
    drawn = ledger.quiet.places(until=week)
    if any(place.week == week for place in drawn):
        return 0
    lately = {place.key for place in drawn if place.week >= first}
    units = [unit for area in areas for unit in _units_of(area, ledger, week, first)]
    by_kind = {kind: [unit for unit in units if unit.kind is kind] for kind in QuietKind}
    free = {kind: sum(unit.key not in lately for unit in held) for kind, held in by_kind.items()}
    sites = min(free[QuietKind.SITE], max(SIZE // 2, SIZE - free[QuietKind.GROUND]))
    sizes = {QuietKind.SITE: sites, QuietKind.GROUND: SIZE - sites}
    places: list[QuietPlace] = []
    for kind, held in by_kind.items():
        known = {unit.key: unit for unit in held}
        asked = (QuietUnit(unit.key, unit.seen_share) for unit in held)
        for one in draw_sample(asked, size=sizes[kind], seed=str(week), but=lately):
            places.append(replace(known[one.unit.key], seen_class=one.unit.seen_class, of=one.of))
    return ledger.quiet.record(week, places)


def _units_of(area: Area, ledger: Ledger, week: Week, first: Week) -> Iterator[QuietPlace]:
    """The site, or the cells of the region, of which nothing was told since the first week; none if it was not seen."""
    seen = [one.week for one in ledger.observations(until=week, area_id=area.id)]
    if not seen or seen[-1] != week:
        return
    since = max(first, seen[0]).first_day
    told = [alert for alert in ledger.alerts(as_of=week, area_id=area.id) if _is_told(alert, since)]
    share = _seen_share(area, ledger, since, week)
    unit = _Unit(area, week, since, share)
    if area.kind is AreaKind.REGION:
        yield from _cells(unit, told)
    elif not told:
        yield unit.place(area.id, QuietKind.SITE, _with_margin(area))


@dataclass(frozen=True)
class _Unit:
    """What all units of one area have in common."""

    area: Area
    week: Week
    since: date
    seen_share: float

    def place(self, key: str, kind: QuietKind, geometry: BaseGeometry) -> QuietPlace:
        ground = to_utm(geometry, grid_of(self.area).epsg)
        asked = QuietUnit(key, self.seen_share)
        return QuietPlace(
            key=key,
            week=self.week,
            area_id=AreaId(self.area.id),
            kind=kind,
            seen_class=asked.seen_class,
            seen_share=self.seen_share,
            of=0,
            since=self.since,
            until=self.week.last_day,
            km2=round(float(ground.area) / 1e6, 4),
            geometry=geometry,
        )


def _with_margin(area: Area) -> BaseGeometry:
    """A site with the ground around it that is watched too."""
    epsg = grid_of(area).epsg
    return shapely.set_precision(to_lonlat(to_utm(area.geometry, epsg).buffer(area.margin_m), epsg), 1e-7)


def _cells(unit: _Unit, told: Sequence[Alert]) -> Iterator[QuietPlace]:
    epsg = grid_of(unit.area).epsg
    ground = to_utm(unit.area.geometry, epsg)
    taken = shapely.union_all([to_utm(event.ground, epsg) for event in told])
    left, bottom, right, top = (math.floor(edge / CELL_M) for edge in ground.bounds)
    for row in range(bottom, top + 1):
        for column in range(left, right + 1):
            cell = box(column * CELL_M, row * CELL_M, (column + 1) * CELL_M, (row + 1) * CELL_M)
            inside = cell.intersection(ground)
            if inside.area >= LEAST_OF_A_CELL * cell.area and not cell.intersects(taken):
                outline = shapely.set_precision(to_lonlat(inside, epsg), 1e-7)
                yield unit.place(f"{unit.area.id}:{row}:{column}", QuietKind.GROUND, outline)


def _is_told(alert: Alert, since: date) -> bool:
    """Whether an alert told of anything since a day: one that was retracted since told of nothing."""
    days = [alert.first_seen, alert.issued_on, *(step.on for step in alert.steps)]
    return alert.state is not State.RETRACTED and max(days) >= since


def _seen_share(area: Area, ledger: Ledger, since: date, week: Week) -> float:
    """The mean over weeks of the clearest optical look; radar, which sees through cloud, finds less and is left out."""
    best: dict[Week, float] = defaultdict(float)
    for scene in ledger.scenes(area.id):
        day = scene.acquired.date()
        if scene.sensor == OPTICAL and scene.status == "used" and since <= day <= week.last_day:
            of = week_of(day)
            best[of] = max(best[of], scene.clear_share)
    weeks = list(weeks_between(since, week.last_day))
    return round(sum(best[one] for one in weeks) / len(weeks), 4)
