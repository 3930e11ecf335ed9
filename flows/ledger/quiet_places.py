"""Places of which nothing was told, drawn for people to look at, and what they answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import shapely
from shapely.geometry import shape
from sqlalchemy import func, select

from aois.week import Week
from detectors.inference.quiet_sample import SeenClass
from flows.ledger import accounts
from flows.ledger.errors import LedgerError
from flows.ledger.outbox import Transaction
from flows.ledger.tables import AccountRow, QuietAnswerRow, QuietPlaceRow
from flows.records.quiet_places import QuietAnswer, QuietKind, QuietPlace, QuietReview

MOST_CHANGES = 50  # in one place: more is a slip of the hand


@dataclass(frozen=True)
class QuietPlaces:
    """Each method is one transaction."""

    reading: Transaction
    writing: Transaction

    def record(self, week: Week, places: Sequence[QuietPlace]) -> int:
        """Record the sample of a week, unless it has one: the first draw stays. Return how many were added."""
        with self.writing() as session:
            if session.scalar(select(func.count()).where(QuietPlaceRow.week == week)):
                return 0
            session.add_all(_row(place) for place in places)
            return len(places)

    def places(self, *, until: Week | None = None) -> list[QuietPlace]:
        """List every place that was drawn, up to a week (all if None), in the order of the draws."""
        query = select(QuietPlaceRow).order_by(QuietPlaceRow.id)
        with self.reading() as session:
            return [_place(row) for row in session.scalars(query) if until is None or row.week <= until]

    def reviews(self) -> list[QuietReview]:
        """List every answer in the order in which they were given."""
        query = select(QuietAnswerRow, AccountRow.name).join(AccountRow, AccountRow.id == QuietAnswerRow.account_id)
        with self.reading() as session:
            rows = session.execute(query.order_by(QuietAnswerRow.id))
            return [
                QuietReview(row.place_id, QuietAnswer(row.answer), row.changes, row.note, name, row.at)
                for row, name in rows
            ]

    def answer(
        self, place: int, answer: QuietAnswer, *, changes: int = 0, note: str = "", account: int, at: datetime
    ) -> None:
        """Record what somebody says of a place; raises `LedgerError` for a place or a number that cannot be."""
        least = 1 if answer is QuietAnswer.MISSED else 0
        if not least <= changes <= least * MOST_CHANGES:
            raise LedgerError(
                f"answer `{answer}` with {changes} changes: `missed` takes 1 to {MOST_CHANGES}, any other answer none"
            )
        with self.writing() as session:
            if session.get(QuietPlaceRow, place) is None:
                raise LedgerError(f"place {place} is in no sample; take the number from the page of the sample")
            session.add(
                QuietAnswerRow(
                    place_id=place, answer=answer.value, changes=changes, note=note, account_id=account, at=at
                )
            )
            accounts.note(session, f"quiet-{answer.value}", by=account, subject=str(place), at=at)


def _row(place: QuietPlace) -> QuietPlaceRow:
    given = {name: getattr(place, name) for name in ("key", "week", "area_id", "seen_share", "of", "since", "until")}
    return QuietPlaceRow(
        **given,
        kind=place.kind.value,
        seen_class=place.seen_class.value,
        km2=place.km2,
        geometry=json.loads(shapely.to_geojson(place.geometry)),
    )


def _place(row: QuietPlaceRow) -> QuietPlace:
    return QuietPlace(
        key=row.key,
        week=row.week,
        area_id=row.area_id,
        kind=QuietKind(row.kind),
        seen_class=SeenClass(row.seen_class),
        seen_share=row.seen_share,
        of=row.of,
        since=row.since,
        until=row.until,
        km2=row.km2,
        geometry=shape(row.geometry),
        number=row.id,
    )
