"""The answers to claims about a site: its structures, their looks from the archive, and what follows of each claim."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256

import numpy as np
from rasterio.features import rasterize
from rasterio.transform import Affine
from shapely.geometry.base import BaseGeometry

from aois.area import Area, AreaKind
from aois.grid import Grid, grid_of, to_utm
from aois.week import Week
from detectors.acquisition import OPTICAL, Acquisition
from detectors.claims.claim_rules import (
    Amount,
    ClaimKind,
    WatchedSince,
    WorkBeginning,
    judge_demolition,
    judge_unmeasurable,
    judge_works_stopped,
    tally_structures,
)
from detectors.claims.structure_cover import StructureCover, cover_structures
from detectors.claims.structure_series import StructureSeries, read_structures
from detectors.claims.structure_states import baseline_end, read_states
from detectors.ground import Ground
from detectors.preprocessing.align import reference_image
from detectors.records import Change, State
from flows.imagery.archive.store import ArchivedScene
from flows.imagery.detector_inputs import acquisition_of, ground_of
from flows.pipeline.area_replay import Stores
from flows.records.claims import AnswerRecord, ClaimRecord, StructureRecord, StructureResult
from flows.records.ids import scene_name
from flows.records.observations import ObservationRecord
from flows.reports.data.site_structures import structures_of
from flows.reports.week_summary import ENOUGH_SHARE
from flows.telemetry.run_record import VERSION

HISTORY = timedelta(days=730)
FINE = 5  # cells along a pixel's side: 2 m
HELD = (State.CONFIRMED, State.FINISHED)
SURE = 0.9  # stated confidence: of what stated so much, 59 of 60 alerts were true where none were fitted
DRAWN_SHARE = 0.1  # by which the area of a footprint that somebody drew may be wrong


def answer_claims(area: Area, week: Week, stores: Stores) -> int:
    """Bring the answers to the claims about a site up to a week, and return how many were recorded.

    Answers of weeks that are on record and rest on the same scenes stay as they are.
    """
    ledger = stores.ledger
    claims = [c for c in ledger.claims.all(area.id) if not c.is_withdrawn and c.said_on <= week.last_day]
    if not claims or area.kind is not AreaKind.SITE:
        return 0
    chains = {one: chain for one, chain in ledger.chains(area.id).items() if one <= week}
    if not chains:
        return 0
    site = _Site(area, week, stores, chains)
    return sum(site.answer(claim) for claim in claims)


def doubts_about(claims: Sequence[ClaimRecord], *, known: int, first_look: date | None) -> list[str]:
    """Word what makes claims about one site hard to check, a line each."""
    lines = []
    for claim in claims:
        where = f"claim {claim.claim_id} about `{claim.area_id}` of {claim.said_on}"
        if first_look is not None and claim.said_on < first_look:
            lines.append(f"{where}: it is before the first look of {first_look}, so nothing shows how it was before")
        if claim.number is not None and claim.number > known:
            lines.append(
                f"{where}: {claim.number} structures are claimed and {known} are known there; import footprints with "
                f"`sitewatch claims footprints {claim.area_id} FILE`"
            )
    by_day = defaultdict(list)
    for claim in claims:
        if claim.number is not None and not claim.is_withdrawn:
            by_day[claim.said_on].append(claim)
    for day, several in by_day.items():
        if len({claim.number for claim in several}) > 1:
            numbers = " and ".join(f"{claim.number} ({claim.claim_id})" for claim in several)
            lines.append(f"claims of {day} give {numbers}; each is answered, so withdraw the one that was not said")
    return lines


def _looks(observations: Sequence[ObservationRecord]) -> list[date]:
    return sorted({o.last_clear_look for o in observations if o.last_clear_look is not None})


@dataclass
class _Site:
    """One site while its claims are answered: what is read of the archive serves all claims of one day."""

    area: Area
    week: Week
    stores: Stores
    chains: Mapping[Week, str]

    def __post_init__(self) -> None:
        self.grid: Grid = grid_of(self.area)
        self.observations = self.stores.ledger.observations(until=self.week, area_id=self.area.id)
        self.read: dict[date, _Read] = {}

    def answer(self, claim: ClaimRecord) -> int:
        """Record the answers to a claim of the weeks that lack one, or whose scenes are others now."""
        known = {answer.week: answer for answer in self.stores.ledger.claims.answers(claim.claim_id)}
        basis = self._basis(claim)
        due = [
            week
            for week, chain in sorted(self.chains.items())
            if week.last_day >= claim.said_on and not _holds(known.get(week), chain, basis, is_last=week == self.week)
        ]
        answers = [replace(self._answer(claim, week), basis=f"{self.chains[week][:16]}-{basis}") for week in due]
        self.stores.ledger.claims.record_answers(answers)
        return len(answers)

    def _basis(self, claim: ClaimRecord) -> str:
        """A hash of all but scenes that an answer rests on."""
        names = [one.structure_id for one in self._structures(claim.said_on)]
        return sha256("\0".join([VERSION, *names]).encode()).hexdigest()[:16]

    def _structures(self, by: date) -> tuple[StructureRecord, ...]:
        return structures_of(self.area, by=by, until=self.week, ledger=self.stores.ledger)

    def _answer(self, claim: ClaimRecord, week: Week) -> AnswerRecord:
        if claim.kind is ClaimKind.DEMOLISHED:
            return self._demolished(claim, week)
        watched, works = self._watched(claim, week), self._works(week)
        stopped = claim.kind is ClaimKind.WORKS_STOPPED
        finding = (
            judge_works_stopped(works, watched, claimed_on=claim.said_on, today=week.last_day)
            if stopped
            else judge_unmeasurable()
        )
        again = [w for w in works if stopped and w.is_confirmed and w.earliest > claim.said_on]
        first = min(again, key=lambda w: w.latest, default=None)
        return AnswerRecord(
            claim_id=claim.claim_id,
            week=week,
            answer=finding.answer,
            rule=finding.rule,
            works_from=None if first is None else first.earliest,
            works_to=None if first is None else first.latest,
            weeks=watched.weeks,
            weeks_seen=watched.weeks_seen,
            last_look=watched.last_clear_look,
        )

    def _works(self, week: Week) -> list[WorkBeginning]:
        """Every beginning of building or fencing that is on record by a week."""
        looks = _looks([o for o in self.observations if o.week <= week])
        since = self.observations[0].week.first_day
        open_states = (*HELD, State.PROVISIONAL)
        works = []
        for event in self.stores.ledger.events(self.area.id, as_of=week):
            if event.change not in (Change.CONSTRUCTION, Change.FENCING) or event.merged_into:
                continue
            is_sure = event.state in HELD and event.confidence >= SURE and not event.is_unfamiliar
            if event.state in open_states:
                for day in {event.first_seen, *(step.on for step in event.steps)}:
                    before = max((look for look in looks if look < day), default=since)
                    works.append(WorkBeginning(before, day, is_sure))
        return works

    def _watched(self, claim: ClaimRecord, week: Week) -> WatchedSince:
        since = [o for o in self.observations if claim.said_on <= o.week.first_day and o.week <= week]
        seen = sum(o.seen_share >= ENOUGH_SHARE for o in since)
        looks = _looks([o for o in self.observations if o.week <= week])
        return WatchedSince(len(since), seen, looks[-1] if looks else None)

    def _demolished(self, claim: ClaimRecord, week: Week) -> AnswerRecord:
        if claim.said_on not in self.read:
            self.read[claim.said_on] = self._read(claim.said_on)
        read, watched = self.read[claim.said_on], self._watched(claim, week)
        readings = read_states(
            read.series,
            read.cover,
            before=read.before,
            since=claim.said_on,
            until=week.last_day,
            built=[one.built_after for one in read.structures],
        )
        share = DRAWN_SHARE
        areas = [Amount((1 - share) * one.area_m2, (1 + share) * one.area_m2) for one in read.structures]
        tally = tally_structures(readings, areas)
        finding = judge_demolition(
            readings,
            tally,
            number=claim.number,
            area_m2=claim.area_m2,
            is_complete=any(one.built_after is None for one in read.structures),
        )
        return AnswerRecord(
            claim_id=claim.claim_id,
            week=week,
            answer=finding.answer,
            rule=finding.rule,
            low=None if finding.interval is None else finding.interval.low,
            high=None if finding.interval is None else finding.interval.high,
            area_m2_low=tally.area_m2.low,
            area_m2_high=tally.area_m2.high,
            known=tally.known,
            standing=tally.standing,
            changed=tally.changed,
            gone=tally.gone,
            not_seen=tally.not_seen,
            last_look=tally.last_look,
            weeks=watched.weeks,
            weeks_seen=watched.weeks_seen,
            structures=tuple(
                StructureResult(
                    one.structure_id,
                    one.area_m2,
                    one.source,
                    reading.state,
                    reading.earliest,
                    reading.latest,
                    reading.looks,
                    reading.last_look,
                    "" if reading.reason is None else reading.reason.value,
                )
                for one, reading in zip(read.structures, readings, strict=True)
            ),
        )

    def _read(self, claimed_on: date) -> _Read:
        """Read the structures that stood on a day off every archived look."""
        structures = self._structures(claimed_on)
        ground = ground_of(self.area, self.grid, sites=())
        cover = _cover([one.geometry for one in structures], self.grid, ground)
        held = self.stores.archive.list(self.area.id, self.stores.source_name, self.grid)
        scenes = [s for s in held if claimed_on - HISTORY <= s.acquired.date() <= self.week.last_day]
        before = baseline_end(claimed_on, [s.acquired.date() for s in scenes if _is_optical(s)])
        series = [self._series([s for s in scenes if _is_optical(s)], cover, before)] if structures else []
        for part in self._radar([s for s in scenes if not _is_optical(s)]) if structures else ():
            series.append(read_structures(part, cover, reference=None))
        return _Read(structures, cover, before, tuple(one for one in series if one is not None))

    def _series(self, scenes: Sequence[ArchivedScene], cover: StructureCover, before: date) -> StructureSeries | None:
        looks = _Looks(self, scenes)
        early = _Looks(self, [s for s in scenes if s.acquired.date() < before])
        return read_structures(looks, cover, reference=reference_image(early if len(early) else looks))

    def _radar(self, scenes: Sequence[ArchivedScene]) -> list[list[Acquisition]]:
        """Radar by its tracks, which are not to be mixed."""
        tracks: dict[str, list[Acquisition]] = defaultdict(list)
        for look in _Looks(self, scenes):
            tracks[look.series].append(look)
        return [tracks[name] for name in sorted(tracks)]

    def look(self, scene: ArchivedScene) -> Acquisition:
        """Return an archived scene as numbers."""
        found = self.stores.archive.get(self.area.id, self.stores.source_name, self.grid, scene.scene_id)
        return acquisition_of(found, self.grid)


@dataclass(frozen=True)
class _Read:
    """The structures that stood on a day, and every look at them."""

    structures: tuple[StructureRecord, ...]
    cover: StructureCover
    before: date
    series: tuple[StructureSeries, ...]


class _Looks(Sequence[Acquisition]):
    """Archived scenes as looks, each read when it is asked for."""

    def __init__(self, site: _Site, scenes: Sequence[ArchivedScene]) -> None:
        self._site, self._scenes = site, scenes

    def __len__(self) -> int:
        return len(self._scenes)

    def __getitem__(self, at: int) -> Acquisition:  # type: ignore[override]
        return self._site.look(self._scenes[at])


def _is_optical(scene: ArchivedScene) -> bool:
    return scene_name(scene.scene_id).sensor == OPTICAL


def _holds(answer: AnswerRecord | None, chain: str, basis: str, *, is_last: bool) -> bool:
    """Whether an answer on record still rests on the same: for weeks before the last, on the same scenes."""
    if answer is None:
        return False
    scenes, _, rest = answer.basis.rpartition("-")
    return scenes == chain[:16] and (rest == basis or not is_last)


def _cover(outlines: Sequence[BaseGeometry], grid: Grid, ground: Ground) -> StructureCover:
    """Lay outlines on the grid in cells of 2 m; where two overlap, the later has the cell."""
    size = grid.pixel_size_m / FINE
    transform = Affine(size, 0, grid.left, 0, -size, grid.top)
    shapes = [(to_utm(outline, grid.epsg), number) for number, outline in enumerate(outlines, start=1)]
    shape = (grid.height * FINE, grid.width * FINE)
    labels = rasterize(shapes, shape, transform=transform, dtype="int32") if shapes else np.zeros(shape, np.int32)
    return cover_structures(labels, len(outlines), fine=FINE, monitored_mask=ground.monitored_mask)
