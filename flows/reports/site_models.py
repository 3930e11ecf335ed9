"""Sites of works as SMART site models, from the events on record."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import shapely
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from aois.area import Area
from aois.grid import to_lonlat, to_utm, utm_epsg
from detectors.records import Change, State
from flows.files import private_folder
from flows.records.events import EventRecord
from flows.records.ids import EventId
from flows.records.site_models import Phase, RegionModel, SiteModel, SiteObservation, region_document, site_document
from flows.records.site_phases import phases_of
from flows.reports.files import replace_file
from flows.reports.inputs import Edition

NEAR_M, NEAR_DAYS = 50.0, 180  # what lies closer, and began within half a year, is one site of works
HELD = (State.CONFIRMED, State.FINISHED)
Phases = Callable[[Sequence[EventRecord], Mapping[EventId, date]], tuple[tuple[date, Phase], ...]]


def site_models_of(
    events: Sequence[EventRecord],
    finished: Mapping[EventId, date],
    *,
    region_id: str,
    until: date,
    phases: Phases = phases_of,
) -> tuple[SiteModel, ...]:
    """The sites of works that events make, in the order of their beginnings.

    What lies within 50 m and began within half a year is one site.

    Confirmed ones have the status ``system_confirmed``, those that wait for confirmation ``system_proposed``.
    Demolitions and what was retracted make no site: SMART has no phase for them. `phases` says when each phase began.
    """
    works = [
        event
        for event in events
        if event.change is not Change.DEMOLITION and event.state is not State.RETRACTED and not event.merged_into
    ]
    found = []
    for members in _groups(sorted(works, key=lambda event: (event.first_seen, event.event_id))):
        held = [event for event in members if event.state in HELD]
        told = held or members
        if starts := phases(told, finished):
            found.append(_site(told, starts, is_held=bool(held), region_id=region_id, until=until))
    return tuple(replace(site, site_id=f"{region_id}_{number:04d}") for number, site in enumerate(found))


def write_site_models(folder: Path, region: RegionModel, sites: Sequence[SiteModel]) -> tuple[Path, ...]:
    """The region and its sites lie in ``region_models`` and ``site_models`` of a folder for its owner alone.

    Site models of an earlier export of the region that is no longer true go.
    """
    private_folder(folder)
    models = private_folder(folder / "site_models")
    documents = {
        private_folder(folder / "region_models") / f"{region.region_id}.geojson": region_document(region, sites)
    }
    documents |= {models / f"{site.site_id}.geojson": site_document(site) for site in sites}
    for old in models.glob(f"{region.region_id}_*.geojson"):
        if old not in documents:
            old.unlink()
    for path, document in documents.items():
        replace_file(path, (json.dumps(document, indent=1) + "\n").encode(), edition=Edition.OWNER)
    return tuple(documents)


def region_around(areas: Sequence[Area], region_id: str, *, start: date, end: date) -> RegionModel:
    """A region that holds some areas."""
    ground = shapely.union_all([area.geometry for area in areas]).envelope
    return RegionModel(region_id, ground, start, end)


def _groups(events: Sequence[EventRecord]) -> list[list[EventRecord]]:
    """Events that lie and began near one another, directly or by others between."""
    if not events:
        return []
    middle = events[0].ground.centroid
    epsg = utm_epsg(middle.x, middle.y)
    grounds = [to_utm(event.ground, epsg) for event in events]
    ones, others = STRtree(grounds).query(grounds, predicate="dwithin", distance=NEAR_M)
    owner = list(range(len(events)))

    def root(number: int) -> int:
        while owner[number] != number:
            number = owner[number]
        return number

    for one, other in zip(ones.tolist(), others.tolist(), strict=True):
        if abs((events[one].first_seen - events[other].first_seen).days) <= NEAR_DAYS:
            first, second = sorted((root(one), root(other)))
            owner[second] = first
    return [[e for n, e in enumerate(events) if root(n) == group] for group in sorted({root(n) for n in owner})]


def _site(
    events: Sequence[EventRecord],
    starts: Sequence[tuple[date, Phase]],
    *,
    is_held: bool,
    region_id: str,
    until: date,
) -> SiteModel:
    score = max(event.confidence for event in events)
    days = sorted({day for day, _ in starts} | {event.first_seen for event in events} | {until})
    observations = tuple(
        SiteObservation(day, (phase,), _ground(events, day), score)
        for day in days
        if (phase := next((name for began, name in reversed(starts) if began <= day), None)) is not None
    )
    ended = next((day for day, name in starts if name is Phase.POST_CONSTRUCTION), until)
    return SiteModel(
        site_id="",
        region_id=region_id,
        status="system_confirmed" if is_held else "system_proposed",
        geometry=_ground(events, until),
        start=starts[0][0],
        end=ended,
        observations=observations,
        score=score,
    )


def _ground(events: Sequence[EventRecord], day: date) -> BaseGeometry:
    """What had begun by a day as one outline: the gaps between its pieces are part of a site of works."""
    begun = [event.ground for event in events if event.first_seen <= day] or [events[0].ground]
    middle = begun[0].centroid
    epsg = utm_epsg(middle.x, middle.y)
    pieces = shapely.union_all([to_utm(one, epsg) for one in begun]).buffer(NEAR_M / 2).buffer(-NEAR_M / 2)
    whole = pieces if pieces.geom_type == "Polygon" else pieces.convex_hull
    return to_lonlat(shapely.Polygon(whole.exterior), epsg)
