"""Every step of the chain left out by itself: what gets worse without it.

A step is left out by exchanging one function, or one number of a frozen parameter record, for the time of a run. The
same looks with the same changes are watched once with everything and once without each step, so that the difference
is the step's alone. What is read and fitted alike is read and fitted once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import buildings
import numpy as np
from replay import Watched, watch
from scipy import ndimage
from scoring import Figure, median, rate, share
from series import measured, real_series, shape_of
from steps import ABLATIONS, ALONE, EVERYTHING, Ablation
from swapping import remembering, swapped
from worlds import END, WEEKS, place_of

from detectors.ground import Ground, whole
from detectors.injection import injected
from detectors.look import Look, Mask
from detectors.records import Change, Event

NEAR_PX = 4


@dataclass(frozen=True)
class Run:
    """One watch under one ablation: of each true change whether it was found, when, and rightly named."""

    ablation: str
    is_real: bool
    found: tuple[bool, ...]
    days: tuple[int | None, ...]
    named: tuple[bool | None, ...]
    false: int
    km2_years: float


@dataclass(frozen=True)
class Case:
    """Looks in which something happens, over some ground: the true changes, and ground on which events count false."""

    looks: tuple[Look, ...]
    ground: Ground
    since: date
    until: date
    changes: tuple[tuple[Mask, date, Change], ...]
    anything: Mask
    least_share: float
    is_real: bool


def built_case(series: str, since: date, until: date, *, seed: int, mixing: float) -> Case:
    """Buildings put into a real series."""
    looks = real_series(series)
    placed = [change for _, change in buildings._places(looks, since, until, seed=seed, mixing=mixing)]
    shape = shape_of(looks)
    built = np.any([c.share > 0.02 for c in placed], axis=0) if placed else np.zeros(shape, bool)
    anything = buildings.real_change(looks, since, until) | ~measured(looks) | _wide(built)
    changes = tuple((c.share > 0.25, c.since, Change.CONSTRUCTION) for c in placed)
    return Case(injected(looks, placed), whole(shape), since, until, changes, anything, 0.0, True)


def place_case(area_id: str, *, seed: int) -> Case:
    """A simulated place with its story."""
    looks, ground, truth = place_of(area_id, seed=seed)
    since = END - timedelta(days=7 * WEEKS - 1)
    told = tuple((t.footprint, t.begins, t.change) for t in truth if not t.ordinary and t.begins >= since)
    happened = np.any([t.footprint for t in truth], axis=0) if truth else np.zeros(ground.shape, bool)
    return Case(looks, ground, since, END, told, _wide(happened) | ~ground.watched, 0.2, False)


def _wide(mask: Mask) -> Mask:
    return np.asarray(ndimage.binary_dilation(mask, iterations=NEAR_PX))


def case_runs(kind: str, *where: Any, **keywords: Any) -> list[Run]:
    """All runs of a case: `kind` is ``built`` or ``place``, and the rest is what `built_case` or `place_case` takes."""
    return runs({"built": built_case, "place": place_case}[kind](*where, **keywords), ABLATIONS)


def alone_runs(kind: str, *where: Any, **keywords: Any) -> list[Run]:
    """The same with every detector by itself in place of every step left out."""
    return runs({"built": built_case, "place": place_case}[kind](*where, **keywords), ALONE)


def runs(case: Case, ablations: Sequence[Ablation]) -> list[Run]:
    """The case watched with everything, and without each step."""
    memory: dict[tuple[Any, ...], Any] = {}
    reading = ("read_look", "reference_image", "fit_baseline")
    shared = {f"detectors.channel.{name}": remembering(memory) for name in reading}
    shared["detectors.monitor.read_look"] = remembering(memory)
    out = []
    for ablation in ablations:
        looks = tuple(k for k in case.looks if ablation.sensor in (None, k.sensor))
        is_as_before = ablation.sensor is not None and not ablation.swaps and len(looks) == len(case.looks)
        if not looks or is_as_before:
            continue
        with swapped({} if ablation.is_read_anew else shared), swapped(ablation.swaps):
            seen = watch(looks, since=case.since, until=case.until, ground=case.ground)
        out.append(_run(ablation.name, case, seen))
    return out


def _run(name: str, case: Case, seen: Watched) -> Run:
    steps = {t.key: t.steps for t in seen.state.tracks}
    confirmed = seen.confirmed()
    within = timedelta(buildings.WITHIN_DAYS)
    mine = [
        [
            e
            for e in confirmed
            if _is_of(e, steps, footprint, begins, case.least_share) and e.confirmed_on - begins <= within
        ]
        for footprint, begins, _ in case.changes
    ]
    days = [
        min(((e.confirmed_on - begins).days for e in es), default=None)
        for es, (_, begins, _) in zip(mine, case.changes, strict=True)
    ]
    named = [_is_named(es, case, footprint) for es, (footprint, _, _) in zip(mine, case.changes, strict=True)]
    km2 = float((~case.anything).sum()) * case.ground.pixel_area_m2 / 1e6
    false = sum(not (e.footprint & case.anything).any() for e in confirmed)
    return Run(
        name,
        case.is_real,
        tuple(bool(es) for es in mine),
        tuple(None if d is None else max(d, 0) for d in days),
        tuple(named),
        false,
        km2 * (case.until - case.since).days / 365.25,
    )


def _is_of(event: Event, steps: dict[str, tuple[int, ...]], footprint: Mask, begins: date, share: float) -> bool:
    """True where an event lies on a change and took a step of its own about then."""
    over = (event.footprint & footprint).sum()
    first = begins.toordinal()
    return bool(over >= max(1, share * footprint.sum()) and any(-15 <= s - first <= 200 for s in steps[event.key]))


def _is_named(events: list[Event], case: Case, footprint: Mask) -> bool | None:
    """Whether the event of a change bears the name of one of the changes it lies on; None where it was not found."""
    if not events:
        return None
    event = max(events, key=lambda e: int((e.footprint & footprint).sum()))
    lies_on = {change for mask, _, change in case.changes if (event.footprint & mask).sum() >= 0.2 * mask.sum()}
    return event.change in lies_on


def alone_figures(found: Sequence[Run]) -> list[Figure]:
    """Three lines for every detector by itself and for all together, on each kind of ground."""
    out = []
    for is_real, where in ((False, "simulated sites"), (True, "buildings in real series")):
        for name in (one.name for one in ALONE):
            some = [r for r in found if r.ablation == name and r.is_real is is_real]
            if some:
                days = [d for r in some for d in r.days if d is not None]
                km2_years = sum(r.km2_years for r in some)
                out.append(share(f"{where}, {name}: recall", [hit for r in some for hit in r.found]))
                false = sum(r.false for r in some)
                out.append(rate(f"{where}, {name}: false confirmed events a km² and year", false, km2_years))
                out.append(median(f"{where}, {name}: days to confirmation", days))
    return out


# --- the table ------------------------------------------------------------------------------------------------------

HEAD = (
    "| left out | recall, real | recall, simulated | false a km² and year, real | the same, simulated "
    "| median days | rightly named | worse without it | better without it |",
    "|---|---|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True)
class Measured:
    """What runs come to: true changes found and lost one by one, false events, and the usual delay and naming."""

    hits: np.ndarray
    false: int
    km2_years: float
    days: float
    named: float


def _measured(some: list[Run]) -> Measured:
    days = [d for r in some for d in r.days if d is not None]
    named = [n for r in some for n in r.named if n is not None]
    return Measured(
        np.array([h for r in some for h in r.found], float),
        sum(r.false for r in some),
        sum(r.km2_years for r in some),
        float(np.median(days)) if days else float("nan"),
        float(np.mean(named)) if named else float("nan"),
    )


def table(found: list[Run]) -> list[str]:
    """The table of all ablations; differences to the whole chain in brackets, with 95 % intervals where changes pair.

    The last columns name what moved by two true changes, two false events, 4 days or 3 % of names, and more.
    """
    per_step = {a.name: [r for r in found if r.ablation == a.name] for a in ABLATIONS}
    return [*HEAD, *(_row(name, some, per_step[EVERYTHING]) for name, some in per_step.items() if some)]


def _row(name: str, some: list[Run], everything: list[Run]) -> str:
    moved: dict[str, float] = {}
    recalls, falses = [], []
    for is_real, where in ((True, "real"), (False, "simulated")):
        own, base = (_measured([r for r in runs if r.is_real is is_real]) for runs in (some, everything))
        recalls.append(_recall(own, base) if own.hits.size else "")
        falses.append(f"{own.false / own.km2_years:.2f} ({own.false - base.false:+d})" if own.km2_years else "")
        if own.km2_years:
            moved[f"recall, {where}"] = (base.hits.sum() - own.hits.sum()) / 2
            moved[f"false events, {where}"] = (own.false - base.false) / 2
    own, base = _measured(some), _measured([r for r in everything if r.is_real in {s.is_real for s in some}])
    moved |= {"delay": (own.days - base.days) / 4, "names": (base.named - own.named) / 0.03}
    late, named = f"{own.days:.0f} ({own.days - base.days:+.0f})", f"{own.named:.2f} ({own.named - base.named:+.2f})"
    worse = ", ".join(what for what, by in moved.items() if by >= 1) or "**nothing**"
    better = ", ".join(what for what, by in moved.items() if by <= -1)
    cells = [name, *recalls, *falses, late, named, *(("", "") if name == EVERYTHING else (worse, better))]
    return "| " + " | ".join(cells) + " |"


def _recall(own: Measured, base: Measured) -> str:
    drawn = np.random.default_rng(0).integers(own.hits.size, size=(2000, own.hits.size))
    low, high = np.percentile((own.hits - base.hits)[drawn].mean(axis=1), (2.5, 97.5))
    return f"{own.hits.mean():.2f} ({own.hits.mean() - base.hits.mean():+.2f}, {low:+.2f} to {high:+.2f})"
