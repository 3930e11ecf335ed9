"""What the desk shows of places of which nothing was told: pictures before and after the weeks asked about."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from aois.grid import Grid, grid_of
from flows.desk.backend.case_pages import drawn_from
from flows.desk.errors import DeskError
from flows.desk.inputs import QuietDetail, QuietPair
from flows.evidence.outlines import footprint_of
from flows.imagery.archive.store import Archive, ArchivedScene
from flows.imagery.scene import ImageryError
from flows.ledger.errors import LedgerError, LedgerUnavailableError
from flows.ledger.ledger import Ledger
from flows.records.desk import Account
from flows.records.quiet_places import QuietAnswer, QuietPlace, QuietReview
from flows.reports.data.image_chips import false_colour_pair, picture_pair, radar_pair
from flows.reports.data.recorded_weeks import source_of
from flows.reports.data.scene_stack import Album, Window, albums_in_turn, crop_around
from flows.reports.figures import path_of
from flows.reports.inputs import Pair
from flows.reports.missed import MissedFigures, missed_figures
from flows.reports.without_folders import without_folders

ALBUM_DAYS = 211  # the 13 weeks asked about and 120 days before: what changed earlier is not what is asked
KEPT = 200  # places whose pictures are known by heart


@dataclass
class DeskQuietPlaces:
    """Places of the sample, their pictures and answers. Safe to use from several threads."""

    ledger: Ledger
    archive: Archive
    _prepared: dict[int, QuietDetail] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def places(self) -> Sequence[QuietPlace]:
        """Every place that was drawn, in the order of the draws."""
        return self.ledger.quiet.places()

    def reviews(self) -> Sequence[QuietReview]:
        """Every answer, in order."""
        return self.ledger.quiet.reviews()

    def figures(self) -> MissedFigures:
        """What the answers of the year before the last draw say."""
        places = self.places()
        week = max((place.week for place in places), default=None)
        if week is None:
            return MissedFigures((), 0, 0, 0, None)
        return missed_figures(places, self.reviews(), self.ledger.precision(), week=week)

    def name_of(self, area_id: str) -> str:
        """The name that the list gives an area, or its id."""
        return next((area.name or area.id for area in self.ledger.areas() if area.id == area_id), area_id)

    def detail(self, number: int) -> QuietDetail | None:
        """A place with its pictures; those of its area and week are prepared together, which takes seconds."""
        with self._turn:
            if number not in self._prepared:
                places = self.places()
                place = next((one for one in places if one.number == number), None)
                if place is None:
                    return None
                while len(self._prepared) > KEPT:
                    self._prepared.pop(next(iter(self._prepared)))
                alike = [one for one in places if (one.area_id, one.week) == (place.area_id, place.week)]
                self._prepared |= {one.number: said for one, said in zip(alike, self._read(alike), strict=True)}
            return self._prepared[number]

    def answer(self, number: int, *, answer: str, changes: str, note: str, account: Account, at: datetime) -> None:
        """The answer is on record; raises `DeskError` when it lacks something."""
        if answer not in list(QuietAnswer):
            raise DeskError(f"answer `{answer[:20]}` is unknown; use the buttons of the page", key="quiet.no_answer")
        is_missed, given = answer == QuietAnswer.MISSED, changes.strip() or "1"
        found = (int(given[:6]) if given.isascii() and given.isdigit() else -1) if is_missed else 0
        try:
            self.ledger.quiet.answer(
                number, QuietAnswer(answer), changes=found, note=note, account=account.number, at=at
            )
        except LedgerUnavailableError:
            raise
        except LedgerError as error:
            raise DeskError(str(error), key="quiet.no_answer") from None

    def _read(self, places: Sequence[QuietPlace]) -> list[QuietDetail]:
        """Places of one area and week with their pictures."""
        area = next(area for area in self.ledger.areas() if area.id == places[0].area_id)
        grid, source = grid_of(area), source_of(self.ledger, area.id)
        windows = [crop_around(footprint_of(place.geometry, grid)) for place in places]
        until = places[0].week.last_day
        albums = albums_in_turn(area, grid, self.archive, windows, source_name=source, until=until, days=ALBUM_DAYS)
        try:
            files = {str(entry.scene_id): entry for entry in self.archive.list(area.id, source, grid)}
            return [
                _detail(place, grid, window, cut, files)
                for place, window, cut in zip(places, windows, albums, strict=True)
            ]
        except ImageryError as error:
            failure, nothing = without_folders(str(error)), Album(())
            return [
                replace(_detail(place, grid, window, nothing, {}), failure=failure)
                for place, window in zip(places, windows, strict=True)
            ]


def _detail(
    place: QuietPlace, grid: Grid, window: Window, cut: Album, files: Mapping[str, ArchivedScene]
) -> QuietDetail:
    mask = footprint_of(place.geometry, grid)
    kinds = [make(cut, first_seen=place.since) for make in (picture_pair, false_colour_pair, radar_pair)]
    pairs = {pair.kind: pair for pair in kinds if pair is not None}

    def drawn(pair: Pair) -> QuietPair:
        before, after = (drawn_from(chip, grid, files, window) for chip in (pair.before, pair.after))
        days = tuple(None if chip is None else chip.day for chip in (pair.before, pair.after))
        return QuietPair(pair.kind or "colour", before, after, (days[0], days[1]))

    inside = mask[window]
    return QuietDetail(place, tuple(map(drawn, pairs.values())), path_of(inside), inside.shape, "")
