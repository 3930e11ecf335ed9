"""Places nobody flagged, in the order in which they resemble known ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from detectors.events.site_criteria import RURAL, suspect_score
from detectors.records import AlertKind, Criterion, State
from flows.reports.case import Case


@dataclass(frozen=True)
class Suspect:
    """A place: its best case with its rank, its score (by its criteria) and its criteria by name.

    `beside` are the cases near it that score no higher: a compound's fence is no second suspect.
    """

    rank: int
    case: Case
    score: float
    criteria: dict[str, Criterion]
    beside: tuple[Case, ...]


@dataclass(frozen=True)
class Ranking:
    """The suspects, best resemblance first, and the names and weights of all their criteria."""

    suspects: tuple[Suspect, ...]
    weights: dict[str, float]

    @property
    def compound(self) -> tuple[str, ...]:
        """The criteria of a large compound."""
        return tuple(name for name in self.weights if name not in RURAL)

    @property
    def rural(self) -> tuple[str, ...]:
        """The criteria of a small rural site; none in weeks that were recorded before there were any."""
        return tuple(name for name in self.weights if name in RURAL)


def ranking_of(cases: Iterable[Case]) -> Ranking:
    """Rank what stands in searched ground; what was retracted or taken over by another event is left out."""
    held = [
        case
        for case in cases
        if case.facts.kind is AlertKind.NEW_SUSPECT_SITE
        and case.facts.criteria
        and case.facts.state is not State.RETRACTED
        and not case.facts.merged_into
    ]
    ordered = sorted(held, key=lambda case: (-suspect_score(case.facts.criteria), case.facts.event_id))
    suspects = tuple(
        Suspect(rank, case, suspect_score(case.facts.criteria), {c.name: c for c in case.facts.criteria}, tuple(beside))
        for rank, (case, *beside) in enumerate(_places(ordered), start=1)
    )
    weights = {name: c.weight for suspect in suspects for name, c in suspect.criteria.items()}
    return Ranking(suspects, weights)


def _places(ordered: Iterable[Case]) -> list[list[Case]]:
    """Each case with the best before it that it is near to; not with what is near to that, or all would be one."""
    places: list[list[Case]] = []
    for case in ordered:
        place = next((place for place in places if case.facts.event_id in place[0].near), None)
        if place is None:
            places.append([case])
        else:
            place.append(case)
    return places
