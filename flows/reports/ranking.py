"""Places nobody flagged, in the order in which they resemble known ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from detectors.records import Criterion, Place, State
from detectors.suspects import suspect_score
from flows.reports.case import Case


@dataclass(frozen=True)
class Suspect:
    """A case with its rank, its score (the weighted mean of its criteria) and its criteria by name."""

    rank: int
    case: Case
    score: float
    criteria: dict[str, Criterion]


@dataclass(frozen=True)
class Ranking:
    """The suspects, best resemblance first, and the names and weights of all their criteria."""

    suspects: tuple[Suspect, ...]
    weights: dict[str, float]


def ranking_of(cases: Iterable[Case]) -> Ranking:
    """Rank what stands in searched ground; what was retracted or taken over by another event is left out."""
    held = [
        case
        for case in cases
        if case.facts.kind is Place.NEW_SUSPECT_SITE
        and case.facts.criteria
        and case.facts.state is not State.RETRACTED
        and not case.facts.merged_into
    ]
    ordered = sorted(held, key=lambda case: (-suspect_score(case.facts.criteria), case.facts.event_id))
    suspects = tuple(
        Suspect(rank, case, suspect_score(case.facts.criteria), {c.name: c for c in case.facts.criteria})
        for rank, case in enumerate(ordered, start=1)
    )
    weights = {name: c.weight for suspect in suspects for name, c in suspect.criteria.items()}
    return Ranking(suspects, weights)
