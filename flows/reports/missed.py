"""What may have been missed, and how often alerts hold: exact intervals from the answers of people who looked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aois.week import Week
from detectors.inference.exact_intervals import IntervalEstimate, share_interval
from detectors.inference.quiet_sample import MissedEstimate, SeenClass, StratumAnswers, missed_of
from flows.ledger.precision import Precision
from flows.records.quiet_places import QuietAnswer, QuietKind, QuietPlace, QuietReview

YEAR_WEEKS = 52  # answers about older weeks say little of the detectors of today


@dataclass(frozen=True)
class MissedPart:
    """Sites, or ground of regions, of which nothing was told: how many were drawn, and what was answered.

    `estimate` is per site and year, or per km² and year; None where nobody has answered.
    """

    kind: QuietKind
    drawn: int
    strata: tuple[StratumAnswers, ...]
    estimate: MissedEstimate | None

    @property
    def answered(self) -> int:
        """How many were answered with yes or no."""
        return sum(one.answered for one in self.strata)

    @property
    def unsure(self) -> int:
        """How many could not be told from the pictures."""
        return sum(one.unsure for one in self.strata)

    @property
    def missed(self) -> int:
        """How many changes were missed at those answered."""
        return sum(one.missed for one in self.strata)


@dataclass(frozen=True)
class MissedFigures:
    """Both parts, and how many of the alerts that were judged held; `held` is None where none was judged."""

    parts: tuple[MissedPart, ...]
    confirmed: int
    decided: int
    waiting: int
    held: IntervalEstimate | None


def missed_figures(
    places: Iterable[QuietPlace], reviews: Iterable[QuietReview], precision: Sequence[Precision], *, week: Week
) -> MissedFigures:
    """Put together what the answers of the year before a week's end say; the last answer about a place counts."""
    last = {one.place: one for one in reviews}
    first = week.plus(1 - YEAR_WEEKS)
    by_kind: dict[QuietKind, list[QuietPlace]] = defaultdict(list)
    for place in places:
        if first <= place.week <= week:
            by_kind[place.kind].append(place)
    confirmed, rejected = (sum(getattr(one, name) for one in precision) for name in ("confirmed", "rejected"))
    decided = confirmed + rejected
    return MissedFigures(
        parts=tuple(_part(kind, by_kind[kind], last) for kind in QuietKind if by_kind[kind]),
        confirmed=confirmed,
        decided=decided,
        waiting=sum(one.waiting + one.unsure for one in precision),
        held=share_interval(confirmed, decided) if decided else None,
    )


def _part(kind: QuietKind, places: Sequence[QuietPlace], last: dict[int, QuietReview]) -> MissedPart:
    strata = tuple(
        _stratum(name, own, last) for name in SeenClass if (own := [p for p in places if p.seen_class is name])
    )
    return MissedPart(kind, len(places), strata, missed_of(strata))


def _stratum(name: SeenClass, places: Sequence[QuietPlace], last: dict[int, QuietReview]) -> StratumAnswers:
    told = [(p, last[p.number]) for p in places if p.number in last]
    counted = [(p, said) for p, said in told if said.answer is not QuietAnswer.UNSURE]
    populations = {p.week: p.of * p.years for p in places}
    return StratumAnswers(
        seen_class=name,
        population=sum(populations.values()),
        exposure=sum(p.years * (p.km2 if p.kind is QuietKind.GROUND else 1.0) for p, _ in counted),
        answered=len(counted),
        missed=sum(said.changes for _, said in counted),
        unsure=len(told) - len(counted),
        waiting=len(places) - len(told),
    )
