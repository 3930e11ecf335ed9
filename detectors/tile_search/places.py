"""From objects of the wide search to places worth a close look, ranked.

A place is a *physical pattern*: ground that lost its green or brightened, and stayed so. It is no event and no alert;
it is where the detectors proper should be set to watch.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy import ndimage

from detectors.events.site_criteria import SuspectParameters, suspect_score
from detectors.morphology import EIGHT
from detectors.records import Criterion
from detectors.tile_search.objects import Objects
from detectors.tile_search.update import day_of


@dataclass(frozen=True)
class PlaceParameters:
    """Thresholds of places.

    Objects under `smallest_px` (SCIENCE.md: 4 for buildings) are left out; those in the same or touching cells of
    `cell_px` (100 m) make one place. Places between `least_px` (0.2 ha) and `most_px` (1 km²) are listed: larger ones
    are fields, fires and floods. `strong` is the evidence with full marks, `dense` the share of its box that a place
    of full marks fills. Chosen on simulated tiles.
    """

    smallest_px: int = 4
    cell_px: int = 10
    least_px: int = 20
    most_px: int = 10_000
    strong: float = 8.0
    dense: float = 0.5
    weights: tuple[float, float, float, float] = (0.35, 0.3, 0.2, 0.15)


@dataclass(frozen=True)
class CandidatePlace:
    """A place worth a close look, in pixels of the tile.

    The box `top`, `left`, `bottom`, `right` (the last two one beyond); `pieces` objects make it up; `evidence` in σ.
    `first_row`, `first_column` is the pixel that stood out first, on `first_seen`: it names the place for as long as it
    stands out. `criteria` say why it ranks where it does.
    """

    area_px: int
    pieces: int
    top: int
    left: int
    bottom: int
    right: int
    evidence: float
    first_seen: date
    first_row: int
    first_column: int
    criteria: tuple[Criterion, ...]

    @property
    def score(self) -> float:
        """The weighted mean of the criteria, 0 to 1."""
        return suspect_score(self.criteria)


def places_of(
    objects: Objects,
    *,
    shape: tuple[int, int],
    pixel_size_m: float,
    today: date,
    parameters: PlaceParameters | None = None,
) -> tuple[tuple[CandidatePlace, ...], int]:
    """The places that the objects make, the highest score first, and how many were too large to be listed.

    `shape` is that of the tile; `today` the day of the last look, from which a place's age is counted.
    """
    p = parameters or PlaceParameters()
    kept = np.flatnonzero(objects.area_px >= p.smallest_px)
    groups = _groups(objects, kept, shape, p.cell_px)
    areas = np.bincount(groups, weights=objects.area_px[kept]).astype(int) if kept.size else np.empty(0, int)
    listed = np.flatnonzero((areas >= p.least_px) & (areas <= p.most_px))
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(areas.size + 1))
    places = [
        _place(objects, kept[order[starts[g] : starts[g + 1]]], pixel_size_m=pixel_size_m, today=today, parameters=p)
        for g in listed
    ]
    ranked = sorted(places, key=lambda place: (-place.score, -place.area_px, place.top, place.left))
    return tuple(ranked), int((areas > p.most_px).sum())


def _groups(
    objects: Objects, kept: np.typing.NDArray[np.int64], shape: tuple[int, int], cell: int
) -> np.typing.NDArray[np.int64]:
    """The number of the place that each kept object belongs to, from 0."""
    cells = np.zeros((-(-shape[0] // cell), -(-shape[1] // cell)), bool)
    for n in kept:
        cells[
            objects.top[n] // cell : (objects.bottom[n] - 1) // cell + 1,
            objects.left[n] // cell : (objects.right[n] - 1) // cell + 1,
        ] = True
    labels, _ = ndimage.label(cells, structure=EIGHT)
    return np.asarray(labels[objects.top[kept] // cell, objects.left[kept] // cell], np.int64) - 1


def _place(
    objects: Objects,
    members: np.typing.NDArray[np.int64],
    *,
    pixel_size_m: float,
    today: date,
    parameters: PlaceParameters,
) -> CandidatePlace:
    area = int(objects.area_px[members].sum())
    top, left = int(objects.top[members].min()), int(objects.left[members].min())
    bottom, right = int(objects.bottom[members].max()), int(objects.right[members].max())
    evidence = float((objects.evidence[members] * objects.area_px[members]).sum() / area) / 100
    oldest = members[np.lexsort((objects.first_column[members], objects.first_row[members], objects.first[members]))[0]]
    first = day_of(int(objects.first[oldest]))
    filled = area / ((bottom - top) * (right - left))
    criteria = _criteria(area * pixel_size_m**2, (today - first).days, evidence, filled, parameters)
    return CandidatePlace(
        area,
        len(members),
        top,
        left,
        bottom,
        right,
        round(evidence, 2),
        first,
        int(objects.first_row[oldest]),
        int(objects.first_column[oldest]),
        criteria,
    )


def _criteria(area_m2: float, days: int, evidence: float, filled: float, p: PlaceParameters) -> tuple[Criterion, ...]:
    suspect = SuspectParameters()
    fast = 1.0 if days <= suspect.within_days else suspect.within_days / days
    rows = (
        ("changed-ground", min(1.0, area_m2 / suspect.large_m2) * fast, f"{area_m2:,.0f} m² stand out"),
        ("strength", min(1.0, evidence / p.strong), f"{evidence:.1f} σ from the season foretold, over several looks"),
        ("density", min(1.0, filled / p.dense), f"{filled:.0%} of the rectangle around it"),
        ("recency", fast, f"first stood out {days} days before the last look"),
    )
    return tuple(
        Criterion(name, round(float(value), 3), weight, words)
        for (name, value, words), weight in zip(rows, p.weights, strict=True)
    )
