"""How far a change in open ground resembles the beginnings of a known site.

A candidate is a *physical pattern*, never an accusation. Each criterion has its own value and weight, so that a
reader sees why a place is high on the list (SCIENCE.md, "New suspect sites").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from detectors.acquisition import Mask
from detectors.footprint import Footprint
from detectors.morphology import EIGHT
from detectors.objects.patches import ring_closure
from detectors.records import Change, Criterion


@dataclass(frozen=True)
class SuspectParameters:
    """Weights and scales of the criteria.

    `large_m2` and `within_days`: new built area of 0.5 ha within 12 months (SCIENCE.md); `building_px` the least size
    of a large building (400 m²); `many_buildings` gives full marks; `distance_m` from older built-up land,
    `intervention_m` to a place where authorities intervened, both with full marks at the ends named. Weights chosen
    so that no single criterion carries half.
    """

    large_m2: float = 5000.0
    within_days: int = 365
    building_px: int = 4
    many_buildings: int = 4
    distance_m: float = 300.0
    intervention_m: float = 20000.0
    weights: tuple[float, float, float, float, float, float] = (0.25, 0.2, 0.2, 0.15, 0.15, 0.05)


@dataclass(frozen=True)
class SiteCandidate:
    """A place in a region: its footprint and what it is made of.

    `built` are the pixels on which something stands now; `lines` those of lines found; `older_built_distance_m` how far
    what was built before lies, infinite where there is none.
    """

    footprint: Footprint
    built: Footprint
    lines: Footprint
    older_built_distance_m: float
    changes: tuple[Change, ...]
    days: int
    intervention_distance_m: float


def criteria_of(
    candidate: SiteCandidate, *, pixel_size_m: float, parameters: SuspectParameters | None = None
) -> tuple[Criterion, ...]:
    """Measure by which criteria a candidate resembles the known places.

    Parameters
    ----------
    candidate
        A new event of a region, with its ground and surroundings.
    pixel_size_m
        Side of a pixel, m, over 0.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    tuple of Criterion: each a value of 0 to 1, its weight, and words that say what was measured.
    """
    p = parameters or SuspectParameters()
    built_m2 = candidate.built.pixels * pixel_size_m**2
    ground_m2 = candidate.footprint.pixels * pixel_size_m**2
    closure = ring_closure(candidate.lines.mask) if candidate.lines else 0.0
    buildings = _buildings(candidate.built.mask, p.building_px)
    apart = candidate.older_built_distance_m
    fast = 1.0 if candidate.days <= p.within_days else p.within_days / candidate.days
    near = max(0.0, 1.0 - candidate.intervention_distance_m / p.intervention_m)
    rows = (
        (
            "new-built-area",
            min(1.0, built_m2 / p.large_m2) * fast,
            f"{built_m2:,.0f} m² newly built in {candidate.days} days",
        ),
        (
            "large-buildings",
            min(1.0, buildings / p.many_buildings),
            f"room for {buildings} large roof{'' if buildings == 1 else 's'}",
        ),
        ("enclosing-line", closure, f"a line stands in {closure:.0%} of the directions around"),
        ("cleared-ground", min(1.0, ground_m2 / p.large_m2) * fast, f"{ground_m2:,.0f} m² of ground changed"),
        ("apart-from-built-land", min(1.0, apart / p.distance_m), _apart_words(apart)),
        ("near-an-intervention", near, _near_words(candidate.intervention_distance_m)),
    )
    return tuple(
        Criterion(name, round(float(value), 3), weight, words)
        for (name, value, words), weight in zip(rows, p.weights, strict=True)
    )


def suspect_score(criteria: Sequence[Criterion]) -> float:
    """Compute the weighted mean of the criteria.

    Parameters
    ----------
    criteria
        As `criteria_of` gives them.

    Returns
    -------
    float, 0 to 1.
    """
    total = sum(c.weight for c in criteria)
    return round(sum(c.value * c.weight for c in criteria) / total, 3) if total else 0.0


def _buildings(built: Mask, least_px: int) -> int:
    """How many large roofs there are: each patch one, or as many as its ground is four times a large roof's."""
    labels, count = ndimage.label(built, structure=EIGHT)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    return int(np.maximum(1, sizes[sizes >= least_px] // (4 * least_px)).sum())


def _apart_words(distance_m: float) -> str:
    return (
        "no older built-up land in the area"
        if np.isinf(distance_m)
        else f"{distance_m:,.0f} m from older built-up land"
    )


def _near_words(distance_m: float) -> str:
    if np.isinf(distance_m):
        return "no intervention on record in the list"
    return f"{distance_m / 1000:,.0f} km from the nearest site at which authorities intervened"
