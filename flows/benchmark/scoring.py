"""The programme's figures of broad-area search: which true sites were found, when, and how many alarms were false.

The rules are those of its own test harness (pubgeo/IARPA-SMART, ``iarpa_smart_metrics``, activity ``overall``), written
anew: a true site is found when in at least `rho` of its observations the proposal of that day overlaps it by `tau`
(intersection over union, or else over the true site), and when both overlap in time. Several proposals that touch a
site may stand for it together. Sites under `small_m2` and those that are marked so count neither way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import TypeAlias

import numpy as np
import shapely
from shapely import STRtree

from aois.grid import utm_epsg
from detectors.inference.exact_intervals import IntervalEstimate, share_interval
from detectors.inference.quiet_sample import CLASS_LIMITS, SeenClass
from flows.benchmark.site_stacks import RegionScale, SiteStack
from flows.records.site_models import RegionModel, SiteModel

PROPOSED = "system_confirmed"
SIZES_M2 = (20_000.0, 100_000.0)
BASELINE = {"F1": 0.42, "TPR": 0.69}
"""What the programme published for its baseline, as the mean over regions."""
SeenShare: TypeAlias = Callable[[date, date], float | None]
"""How much of the ground was seen in a week between two days."""


@dataclass(frozen=True)
class ScoreParameters:
    """The thresholds of the programme's harness."""

    tau: float = 0.2
    rho: float = 0.5
    temporal_iot: float = 0.2
    temporal_iop: float = 0.1
    small_m2: float = 9000.0


@dataclass(frozen=True)
class SiteScore:
    """One true site that counts: its size, when it really began and ended, and what found it.

    `found_by` are the ids of the proposals, empty for a miss. Errors are days, late above 0; None for a miss, and for
    the end of works that had not ended. `seen` is the share of the ground seen in a week of its works, None where that
    is not on record.
    """

    site_id: str
    area_m2: float
    start: date
    end: date
    found_by: tuple[str, ...]
    start_error: int | None
    end_error: int | None
    seen: float | None


@dataclass(frozen=True)
class ClassScore:
    """The true sites of one class, how many of them were found, and the exact interval of that share."""

    name: str
    sites: int
    found: int
    share: IntervalEstimate


@dataclass(frozen=True)
class RegionScore:
    """The figures of one region.

    `false_alarms` are proposals that belong to no true site, and true sites that are none and were proposed all the
    same. `far` is false alarms per km². `by_size` and `by_seen` tell the found share apart.
    """

    region_id: str
    km2: float
    true_positives: int
    false_alarms: int
    missed: int
    ignored: int
    proposals: int
    sites: tuple[SiteScore, ...]
    by_size: tuple[ClassScore, ...]
    by_seen: tuple[ClassScore, ...]

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        held = self.true_positives
        return held / (held + 0.5 * (self.false_alarms + self.missed)) if held else 0.0

    @property
    def tpr(self) -> float:
        """The share of true sites that were found."""
        held = self.true_positives
        return held / (held + self.missed) if held else 0.0

    @property
    def precision(self) -> float:
        """The share of what was proposed that is true."""
        held = self.true_positives
        return held / (held + self.false_alarms) if held else 0.0

    @property
    def far(self) -> float:
        """False alarms per km²."""
        return self.false_alarms / self.km2

    @property
    def start_errors(self) -> tuple[int, ...]:
        """Days by which the beginnings of the sites found are off."""
        return tuple(one.start_error for one in self.sites if one.start_error is not None)

    @property
    def end_errors(self) -> tuple[int, ...]:
        """Days by which the ends of the sites found are off."""
        return tuple(one.end_error for one in self.sites if one.end_error is not None)


def score_region(
    region: RegionModel,
    truth: Sequence[SiteModel],
    proposals: Sequence[SiteModel],
    *,
    seen_share: SeenShare = lambda _first, _last: None,
    parameters: ScoreParameters | None = None,
) -> RegionScore:
    """Score proposals for a region against its true sites; only proposals with status ``system_confirmed`` count.

    `seen_share` says how much of the ground was seen in a week between two days, for telling sites apart by it.
    """
    p = parameters or ScoreParameters()
    middle = region.geometry.centroid
    scale = RegionScale(region, utm_epsg(middle.x, middle.y))
    proposed = [stack for site in proposals if site.status == PROPOSED and (stack := scale.proposal(site)) is not None]
    true = [stack for site in truth if (stack := scale.truth(site, small_m2=p.small_m2)) is not None]
    tree = STRtree([stack.union for stack in proposed])
    matched: dict[str, list[SiteStack]] = {}
    scores: list[SiteScore] = []
    tally = dict.fromkeys(("tp", "fp", "fn", "ignored"), 0)
    for stack in true:
        near = [proposed[n] for n in tree.query(stack.union, predicate="intersects")] if proposed else []
        members = _match(stack, sorted(near, key=lambda one: one.site_id), p)
        for one in members:
            matched.setdefault(one.site_id, []).append(stack)
        if stack.kind == "positive":
            tally["tp" if members else "fn"] += 1
            scores.append(_score(stack, members, seen_share))
        elif stack.kind == "negative":
            tally["fp"] += bool(members)
        else:
            tally["ignored"] += 1
    tally["fp"] += sum(stack.site_id not in matched for stack in proposed)
    return RegionScore(
        region_id=region.region_id,
        km2=scale.km2,
        true_positives=tally["tp"],
        false_alarms=tally["fp"],
        missed=tally["fn"],
        ignored=tally["ignored"],
        proposals=len(proposed),
        sites=tuple(scores),
        by_size=_classes({one.site_id: _size_name(one.area_m2) for one in scores}, scores, _size_names()),
        by_seen=_classes(
            {one.site_id: _seen_name(one.seen) for one in scores if one.seen is not None}, scores, list(SeenClass)
        ),
    )


def _match(truth: SiteStack, near: Sequence[SiteStack], p: ScoreParameters) -> tuple[SiteStack, ...]:
    """The proposals that stand for a true site together: as many as can, else fewer, the worst left out one by one."""
    alone = {one.site_id: _overlap(truth, (one,), p) for one in near}
    ordered = sorted(near, key=lambda one: (alone[one.site_id], one.site_id))
    attempts = [tuple(ordered[n:]) for n in range(len(ordered))] + [(one,) for one in reversed(ordered)]
    return next((some for some in attempts if _is_found(truth, some, p)), ())


def _is_found(truth: SiteStack, some: Sequence[SiteStack], p: ScoreParameters) -> bool:
    active = np.logical_or.reduce([one.active for one in some])
    iop = float((truth.possible & active).sum() / active.sum())
    if truth.kind == "ignore":
        return _overlap(truth, some, p, by="ignore") >= p.rho and iop >= p.temporal_iop
    if not truth.sure.any():
        return False
    iot = float((truth.sure & active).sum() / truth.sure.sum())
    return _overlap(truth, some, p) >= p.rho and iop >= p.temporal_iop and iot >= p.temporal_iot


def _overlap(truth: SiteStack, some: Sequence[SiteStack], p: ScoreParameters, *, by: str = "") -> float:
    """The share of the true site's observations that overlap what was proposed by their day."""
    compared = truth.compared
    if by == "ignore":
        compared = [*compared[:1], *compared[-1:]]
    shares = []
    for day, ground in compared:
        grounds = [one for stack in some if (one := stack.at(day)) is not None]
        proposed = shapely.union_all(grounds) if grounds else None
        common = 0.0 if proposed is None else float(ground.intersection(proposed).area)
        if proposed is None or common == 0.0:
            shares.append((0.0, 0.0, 0.0))
        else:
            both = float(ground.union(proposed).area)
            shares.append((common / both, common / float(ground.area), common / float(proposed.area)))
    if not shares:
        return 0.0
    iou, iot, iop = (sum(one[n] >= p.tau for one in shares) / len(shares) for n in range(3))
    return iop if by == "ignore" else iou if iou >= p.rho else iot


def _score(
    truth: SiteStack, members: Sequence[SiteStack], seen_share: Callable[[date, date], float | None]
) -> SiteScore:
    assert truth.start is not None
    assert truth.end is not None
    begun = min((one.start for one in members if one.start is not None), default=None)
    ended = max((one.end for one in members if one.end is not None), default=None)
    return SiteScore(
        truth.site_id,
        truth.area_m2,
        truth.start,
        truth.end,
        tuple(one.site_id for one in members),
        None if begun is None else _days_off(begun, truth.earliest or truth.start, truth.start),
        None if ended is None or not truth.is_ended else (ended - truth.end).days,
        seen_share(truth.start, truth.end),
    )


def _days_off(day: date, earliest: date, latest: date) -> int:
    """Days after the latest or before the earliest day; none between them."""
    return max((day - latest).days, 0) + min((day - earliest).days, 0)


def _size_names() -> list[str]:
    edges = [f"{edge:,.0f}" for edge in SIZES_M2]
    return [f"up to {edges[0]} m²", f"{edges[0]} to {edges[1]} m²", f"over {edges[1]} m²"]


def _size_name(area_m2: float) -> str:
    return _size_names()[sum(area_m2 > edge for edge in SIZES_M2)]


def _seen_name(share: float) -> str:
    return next(name for name, least in CLASS_LIMITS.items() if share >= least)


def _classes(names: Mapping[str, str], scores: Sequence[SiteScore], order: Sequence[str]) -> tuple[ClassScore, ...]:
    told = []
    for name in order:
        own = [one for one in scores if names.get(one.site_id) == name]
        found = sum(bool(one.found_by) for one in own)
        if own:
            told.append(ClassScore(str(name), len(own), found, share_interval(found, len(own))))
    return tuple(told)


def median_days(errors: Sequence[int]) -> str:
    """The middle of some errors in days, and the largest of the better four fifths, as people read it."""
    if not errors:
        return "none to compare"
    sizes = sorted(abs(one) for one in errors)
    return f"median {median(errors):+.0f} days, four of five within {sizes[max(0, int(0.8 * len(sizes)) - 1)]} days"
