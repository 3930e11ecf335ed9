"""The structures of a site: imported footprints, and roofs that the watch saw for the first time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import shapely

from aois.area import Area
from aois.grid import grid_of, to_utm
from aois.week import Week
from detectors.records import Change, State
from flows.ledger.claim_rows import structure_id_of
from flows.ledger.ledger import Ledger
from flows.records.claims import StructureRecord
from flows.records.events import EventRecord
from flows.records.ids import AreaId

HELD = (State.CONFIRMED, State.FINISHED)
OWN_SHARE = 0.3  # of a first-seen roof that footprints cover, from which it is one of them
LEAST_ROOF_M2 = 100.0
CLOSED_AFTER = timedelta(days=30)  # from the slab to the roof


def structures_of(area: Area, *, by: date, until: Week, ledger: Ledger) -> tuple[StructureRecord, ...]:
    """The structures that stood at a site by a day, as a week's end knows them."""
    footprints = ledger.claims.structures(area.id)
    known = shapely.union_all([one.geometry for one in footprints])
    roofs = [
        roof
        for event in ledger.events(area.id, as_of=until)
        if event.change is Change.CONSTRUCTION and event.state in HELD and not event.merged_into
        if event.first_seen <= by
        for roof in _roofs_of(event, area)
        if roof.geometry.intersection(known).area <= OWN_SHARE * roof.geometry.area
    ]
    return (*footprints, *roofs)


def _roofs_of(event: EventRecord, area: Area) -> Iterator[StructureRecord]:
    """The roofs of a construction: the parts of its ground that do not touch."""
    epsg = grid_of(area).epsg
    for part in shapely.get_parts(event.ground):
        size = float(to_utm(part, epsg).area)
        if size >= LEAST_ROOF_M2:
            name = structure_id_of(area.id, part.wkb_hex)
            built = event.first_seen + CLOSED_AFTER
            yield StructureRecord(name, AreaId(area.id), part, round(size, 1), event.event_id, built)
