"""A simulated site with a year of archived scenes and its events on record, without a run of the detectors: seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from detected import detected_event
from shapely.geometry import box

from aois.area import Area, AreaKind, Sensitivity
from aois.grid import grid_of, to_lonlat
from aois.week import week_of
from detectors.footprint import footprint_in
from detectors.preprocessing.masks import clear_of
from detectors.records import State, Transition
from flows.evidence.outlines import outline_of
from flows.imagery.archive.store import Archive
from flows.imagery.detector_inputs import acquisition_of
from flows.imagery.scene import Sensor
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.imagery.source import Source
from flows.ledger.ledger import Ledger, open_ledger
from flows.publication.pack_subject import PackStores, PackSubject
from flows.records.events import DetectedEvent
from flows.records.observations import ObservationRecord

EPSG = 32631  # the Gulf of Guinea, far from any shore
FIRST, UNTIL = date(2025, 5, 5), date(2026, 3, 15)
STORY_END = date(2026, 2, 22)  # in the dry season, when clear images come
SOURCE = "simulated"
CLEAR_FROM = (date(2025, 1, 10), date(2026, 2, 1), date(2026, 2, 22))
LIFE = (State.PROVISIONAL, State.CONFIRMED)


@dataclass(frozen=True)
class PicturedSite:
    """A site, its record and its archive."""

    area: Area
    outputs: Path
    ledger: Ledger

    @property
    def stores(self) -> PackStores:
        """What packs are made from."""
        return PackStores(self.outputs, self.ledger, Archive(self.outputs / "archive"), SOURCE)

    def subject(self, *, events: int | None = None) -> PackSubject:
        """The site with its first events, or with all of them."""
        return PackSubject(self.area, tuple(self.ledger.events(self.area.id))[:events], FIRST, UNTIL)

    def restricted(self, sensitivity: Sensitivity) -> PicturedSite:
        """The same site with another sensitivity."""
        return replace(self, area=replace(self.area, sensitivity=sensitivity))


def site_at_sea(area_id: str, *, east_m: float = 0.0) -> Area:
    """A square site; which story it lives through is drawn from its id."""
    left = 500_000 + east_m
    ground = to_lonlat(box(left, 200_000, left + 300, 200_300), EPSG)
    return Area(area_id, AreaKind.SITE, ground, f"Heron Flats {area_id}", margin_m=250.0)


@contextmanager
def pictured_site(outputs: Path, area: Area, *, every: int | None = None) -> Iterator[PicturedSite]:
    """The record of a site; of its scenes every so many of each sensor are archived, or else a few clear ones."""
    source = SimulatedSource(STORY_END, 1)
    if every is None:
        keep_clear_scenes(outputs, area, source)
    else:
        keep_scenes(outputs, area, source, every=every)
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger:
        ledger.record_areas([area])
        record_events(ledger, area, source)
        yield PicturedSite(area, outputs, ledger)


def keep_scenes(outputs: Path, area: Area, source: Source, *, every: int) -> None:
    """Archive the scenes of two years."""
    archive, grid = Archive(outputs / "archive"), grid_of(area)
    refs = source.search(area, grid, since=FIRST - timedelta(days=365), until=UNTIL)
    for sensor in sorted({ref.sensor for ref in refs}):
        for ref in [ref for ref in refs if ref.sensor is sensor][::every]:
            archive.put(area.id, SOURCE, grid, source.fetch(area, grid, ref))


def keep_clear_scenes(outputs: Path, area: Area, source: Source) -> None:
    """Archive a clear optical scene of a year before the last, and two of the last weeks."""
    archive, grid = Archive(outputs / "archive"), grid_of(area)
    for day in CLEAR_FROM:
        refs = source.search(area, grid, since=day, until=UNTIL)
        fetched = (source.fetch(area, grid, ref) for ref in refs if ref.sensor is Sensor.SENTINEL_2)
        clear = (one for one in fetched if clear_of(acquisition_of(one, grid)).mean() > 0.97)
        archive.put(area.id, SOURCE, grid, next(clear))


def record_events(ledger: Ledger, area: Area, source: SimulatedSource) -> None:
    """Put what truly happens on record at the end of every fourth week, as it would be known by then."""
    week = week_of(FIRST)
    while week.last_day <= UNTIL:
        known = [e for e in _events(area, source, week.last_day) if e.event.first_seen <= week.last_day]
        ledger.record_week(ObservationRecord(area.id, week, (), (), 0.9, week.last_day, str(week)), known)
        week = week.plus(4)


def _events(area: Area, source: SimulatedSource, day: date) -> list[DetectedEvent]:
    grid, found = grid_of(area), []
    for number, change in enumerate(source.truth_changes(area, grid)):
        days = [change.begins + timedelta(days=12 * i) for i in range(len(LIFE))]
        told = tuple(Transition(s, on, "scene") for s, on in zip(LIFE, days, strict=True) if on <= day)
        if not told:
            continue
        properties = {
            "kind": "expansion", "change": change.change.value, "state": told[-1].state.value,
            "first_seen": change.begins.isoformat(), "area_m2": change.area_m2, "area_m2_low": 0.8 * change.area_m2,
            "area_m2_high": 1.2 * change.area_m2, "length_m": change.length_m, "confidence": 0.9,
            "sensors": ["sentinel-2"], "scenes": [f"sentinel-2_{change.begins:%Y%m%d}T102847"], "is_simulated": True,
        }  # fmt: skip
        outline = outline_of(footprint_in(change.footprint), grid)
        found.append(detected_event(area.id, f"ev-{area.id}-{number}", properties, outline, told, True))
    return found
