"""Whether growth and new suspects lie nearer to responses elsewhere than chance would have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations

import numpy as np
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

from aois.area import Area, AreaKind, Response
from aois.week import Week
from detectors.inference.knox import DatedPlaces, RelocationTest, relocation_test
from detectors.records import Change, State
from flows.records.events import EventRecord
from flows.reports.inputs import ReportError

HELD = (State.CONFIRMED, State.FINISHED)
GROWTH = (Change.CONSTRUCTION, Change.FENCING, Change.CLEARING)
USUAL_KM, USUAL_DAYS = (10.0, 30.0), (90, 180)
LEAST_SITES = 8  # a list of fewer has no distances of its own
NEAR_SHARES = (5, 15)  # per cent of all pairs of sites: near, and not so near
ONE_GROWTH_DAYS = 60  # what begins at one place within two months is one decision to build
MOST_PAIRS = 20
PERMUTATIONS = 999


@dataclass(frozen=True)
class GrowthStart:
    """A place that began to grow, or a new suspect: where, and on which day."""

    area: Area
    event: EventRecord
    day: date


@dataclass(frozen=True)
class NamedPair:
    """Growth elsewhere soon after a response: how far and how many days later. For those who may see positions."""

    response_area: Area
    response: Response
    growth: GrowthStart
    km: float
    days: int


@dataclass(frozen=True)
class RelocationFigures:
    """The test, None where there is too little for one, and its pairs by name, the nearest first.

    `is_of_the_list` where the distances come from those between the sites of the list.
    """

    test: RelocationTest | None
    pairs: tuple[NamedPair, ...]
    responses: int
    growth: int
    is_of_the_list: bool


def relocation_figures(
    areas: Sequence[Area],
    events: Mapping[str, Sequence[EventRecord]],
    first_weeks: Mapping[str, Week],
    *,
    until: date,
    km: Sequence[float] = (),
    days: Sequence[int] = (),
) -> RelocationFigures:
    """Test the record up to a day.

    `events` are those of each area, `first_weeks` when its watch began: days are permuted among places whose watch
    began together. Distances of the list and usual lags stand where none are given. Raises `ReportError` for a distance
    or a lag that is none.
    """
    _check(km, days)
    raids = [(area, one) for area in areas for one in area.responses if one.date <= until]
    grown = [start for area in areas for start in _starts(area, events.get(area.id, ()), until)]
    near, is_listed = (tuple(km), False) if km else _distances_of(areas)
    if not raids or len(grown) < 2:
        return RelocationFigures(None, (), len(raids), len(grown), is_listed)
    plane = _plane([area.geometry for area in areas])
    number = {area.id: n for n, area in enumerate(areas)}
    responses = _dated(plane, [(a.geometry, one.date, number[a.id]) for a, one in raids])
    growth = _dated(plane, [(g.event.ground, g.day, number[g.area.id]) for g in grown])
    weeks = sorted(set(first_weeks.values()))
    blocks = np.array([weeks.index(first_weeks[g.area.id]) if g.area.id in first_weeks else -1 for g in grown])
    test = relocation_test(
        responses,
        growth,
        distances_m=[1000.0 * one for one in near],
        lags_days=tuple(days) or USUAL_DAYS,
        blocks=blocks,
        permutations=PERMUTATIONS,
    )
    assert test is not None  # there are both
    pairs = tuple(_named(raids[r], grown[g], responses, growth, (r, g)) for r, g in test.pairs[:MOST_PAIRS])
    return RelocationFigures(test, pairs, len(raids), len(grown), is_listed)


def _check(km: Sequence[float], days: Sequence[int]) -> None:
    for one in km:
        if not 0 < one <= 2000:
            raise ReportError(f"distance {one:g} km is not between 0 and 2,000; give the kilometres that count as near")
    for lag in days:
        if not 0 < lag <= 3650:
            raise ReportError(f"lag of {lag} days is not between 1 and 3,650; give the days that count as soon after")


def _starts(area: Area, events: Sequence[EventRecord], until: date) -> list[GrowthStart]:
    """The beginnings of growth at an area, one where several follow one another; in a region each place is its own."""
    held = [
        event
        for event in events
        if event.state in HELD and event.change in GROWTH and not event.merged_into and event.first_seen <= until
    ]
    found: list[GrowthStart] = []
    last: dict[str, date] = {}
    for event in sorted(held, key=lambda one: (one.first_seen, one.event_id)):
        owner = area.id if area.kind is AreaKind.SITE else event.event_id
        if owner not in last or (event.first_seen - last[owner]).days > ONE_GROWTH_DAYS:
            found.append(GrowthStart(area, event, event.first_seen))
        last[owner] = event.first_seen
    return found


def _plane(grounds: Sequence[BaseGeometry]) -> Transformer:
    """Metres in a plane around the middle of all; over a country distances are right to a part in a thousand."""
    middles = [ground.centroid for ground in grounds]
    lon, lat = (float(np.median([getattr(one, axis) for one in middles])) for axis in "xy")
    return Transformer.from_crs(4326, f"+proj=aeqd +lat_0={lat:.6f} +lon_0={lon:.6f} +datum=WGS84", always_xy=True)


def _dated(plane: Transformer, rows: Sequence[tuple[BaseGeometry, date, int]]) -> DatedPlaces:
    middles = [ground.centroid for ground, _, _ in rows]
    x, y = plane.transform([one.x for one in middles], [one.y for one in middles])
    days = np.array([day.toordinal() for _, day, _ in rows])
    return DatedPlaces(np.asarray(x), np.asarray(y), days, np.array([owner for _, _, owner in rows]))


def _distances_of(areas: Sequence[Area]) -> tuple[tuple[float, ...], bool]:
    """The distances within which a small share of the list's sites lie from one another, in whole kilometres."""
    sites = [area.geometry for area in areas if area.kind is AreaKind.SITE]
    if len(sites) < LEAST_SITES:
        return USUAL_KM, False
    plane = _plane(sites)
    x, y = plane.transform([s.centroid.x for s in sites], [s.centroid.y for s in sites])
    apart = [np.hypot(x[a] - x[b], y[a] - y[b]) / 1000 for a, b in combinations(range(len(sites)), 2)]
    return tuple(sorted({max(1.0, float(np.ceil(np.percentile(apart, share)))) for share in NEAR_SHARES})), True


def _named(
    raid: tuple[Area, Response],
    grown: GrowthStart,
    responses: DatedPlaces,
    growth: DatedPlaces,
    pair: tuple[int, int],
) -> NamedPair:
    r, g = pair
    km = float(np.hypot(responses.x_m[r] - growth.x_m[g], responses.y_m[r] - growth.y_m[g])) / 1000
    return NamedPair(*raid, grown, round(km, 1), int(growth.days[g] - responses.days[r]))
