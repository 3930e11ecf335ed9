# mypy: strict-optional=False
"""Every step of the chain left out by itself: what gets worse without it.

A step is left out by exchanging one function, or one number of a frozen parameter record, for the time of a run. The
same looks with the same changes are watched once with everything and once without each step, so that the difference
is the step's alone. What is read and fitted alike is read and fitted once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import buildings
import numpy as np
from cases import Case, Happened, case
from replay import Watched, watch
from scoring import Figure, median, rate, share
from steps import ABLATIONS, ALONE, EVERYTHING, Ablation, one_step_at_a_time
from swapping import Factory, remembering, swapped

from detectors.records import Event

EARLY_DAYS = -15


@dataclass(frozen=True)
class Run:
    """One watch under one ablation: of each true change whether it was found, when, rightly named, and how large.

    No days are counted where the event was there before, of an earlier phase; `areas` are pixels found to true;
    `case` names the looks, which an ablation that needs an instrument they lack leaves out.
    """

    ablation: str
    is_real: bool
    found: tuple[bool, ...]
    days: tuple[int | None, ...]
    named: tuple[bool | None, ...]
    false: int
    km2_years: float
    areas: tuple[float | None, ...] = ()
    case: str = ""


def case_runs(kind: str, *where: Any, **keywords: Any) -> list[Run]:
    """All runs of a case: everything, then without each step."""
    found = runs(case(kind, *where, **keywords), ABLATIONS)
    return [replace(one, case=repr((kind, where, keywords))) for one in found]


def alone_runs(kind: str, *where: Any, **keywords: Any) -> list[Run]:
    """The same with every detector by itself in place of every step left out."""
    return runs(case(kind, *where, **keywords), ALONE)


def remembered() -> dict[str, Factory]:
    """Name what every run of a case reads and fits alike, so that it is done once."""
    memory: dict[tuple[Any, ...], Any] = {}
    reading = ("align_acquisition", "reference_image", "fit_baseline")
    shared = {f"detectors.sensor_series.series.{name}": remembering(memory) for name in reading}
    shared["detectors.monitor.steps.align_acquisition"] = remembering(memory)
    return shared


def watched_by(shared: Mapping[str, Factory] | None = None) -> dict[str, Factory]:
    """Name what every run of a case exchanges: the pass of its steps, and what is remembered."""
    return one_step_at_a_time() | dict(shared or {})


def runs(some: Case, ablations: Sequence[Ablation]) -> list[Run]:
    """One case watched under each ablation."""
    shared = remembered()
    out = []
    for ablation in ablations:
        acquisitions = tuple(k for k in some.acquisitions if ablation.sensor in (None, k.sensor))
        is_as_before = (
            ablation.sensor is not None and not ablation.swaps and len(acquisitions) == len(some.acquisitions)
        )
        if not acquisitions or is_as_before:
            continue
        with swapped(watched_by({} if ablation.is_read_anew else shared)), swapped(ablation.swaps):
            span: dict[str, Any] = {"since": some.since, "until": some.until, "history_days": some.history_days}
            seen = watch(acquisitions, ground=some.ground, **span)
        out.append(_run(ablation.name, some, seen))
    return out


def _run(name: str, some: Case, seen: Watched) -> Run:
    told = seen.held() if some.is_provisional else seen.confirmed()
    last = timedelta(buildings.WITHIN_DAYS)
    mine = [
        [e for e in told if _is_of(e, true, some.least_share) and _told_on(e) - true.begins <= last]
        for true in some.changes
    ]
    days, named, areas = [], [], []
    for events, true in zip(mine, some.changes, strict=True):
        new = [(_told_on(e) - true.begins).days for e in events if (e.first_seen - true.begins).days >= EARLY_DAYS]
        days.append(max(min(new), 0) if new else None)
        event = max(events, key=lambda e: int((e.footprint.frame() & true.mask).sum()), default=None)
        lies_on = [] if event is None else [t for t in some.changes if _holds(event, t, 0.2)]
        named.append(None if event is None else event.change in {t.change for t in lies_on or [true]})
        is_alone = event is not None and len(lies_on) <= 1 and true.pixels is not None
        areas.append(event.footprint.pixels / true.pixels if is_alone else None)
    km2 = float((~some.anything).sum()) * some.ground.pixel_area_m2 / 1e6
    return Run(
        name,
        some.is_real,
        tuple(bool(es) for es in mine),
        tuple(days),
        tuple(named),
        sum(not (e.footprint.frame() & some.anything).any() for e in told),
        km2 * (some.until - some.since).days / 365.25,
        tuple(areas),
    )


def _told_on(event: Event) -> date:
    return event.confirmed_on or event.first_seen


def _holds(event: Event, true: Happened, share_: float) -> bool:
    return bool((event.footprint.frame() & true.mask).sum() >= max(1, share_ * true.mask.sum()))


def _is_of(event: Event, true: Happened, share_: float) -> bool:
    """True where an event holds so much of a change; where that is nothing, it took a step of its own about then."""
    is_timely = share_ > 0 or any(EARLY_DAYS <= (s - true.begins).days <= 200 for s in event.steps)
    return is_timely and _holds(event, true, share_)


def alone_figures(found: Sequence[Run]) -> list[Figure]:
    """Three lines for every detector by itself and for all together, on what is drawn and on real series."""
    out = []
    for is_real, where in ((False, "simulated ground"), (True, "real series")):
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
    "| median days | rightly named | area / true | worse without it | better without it |",
    "|---|---|---|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True)
class Measured:
    """What runs come to: true changes found and lost one by one, false events, and the usual delay, name and area."""

    hits: np.ndarray
    false: int
    km2_years: float
    days: float
    named: float
    area: float


def _measured(some: list[Run]) -> Measured:
    days = [d for r in some for d in r.days if d is not None]
    named = [n for r in some for n in r.named if n is not None]
    areas = [a for r in some for a in r.areas if a is not None]
    return Measured(
        np.array([h for r in some for h in r.found], float),
        sum(r.false for r in some),
        sum(r.km2_years for r in some),
        float(np.median(days)) if days else float("nan"),
        float(np.mean(named)) if named else float("nan"),
        float(np.median(areas)) if areas else float("nan"),
    )


def table(found: list[Run]) -> list[str]:
    """The table of all ablations; differences to the whole chain on the same cases in brackets, with 95 % intervals.

    The last columns name what moved by two changes or false events, 4 days, 3 % of names or 5 % of area, and more.
    """
    per_step = {a.name: [r for r in found if r.ablation == a.name] for a in ABLATIONS}
    return [*HEAD, *(_row(name, some, per_step[EVERYTHING]) for name, some in per_step.items() if some)]


def _row(name: str, some: list[Run], everything: list[Run]) -> str:
    everything = [r for r in everything if r.case in {s.case for s in some}]
    moved: dict[str, float] = {}
    recalls, falses = [], []
    for is_real, where in ((True, "real"), (False, "simulated")):
        own, base = (_measured([r for r in runs if r.is_real is is_real]) for runs in (some, everything))
        recalls.append(_recall(own, base) if own.hits.size else "")
        falses.append(f"{own.false / own.km2_years:.2f} ({own.false - base.false:+d})" if own.km2_years else "")
        if own.km2_years:
            moved[f"recall, {where}"] = (base.hits.sum() - own.hits.sum()) / 2
            moved[f"false events, {where}"] = (own.false - base.false) / 2
    own, base = _measured(some), _measured(everything)
    moved |= {"delay": (own.days - base.days) / 4, "names": (base.named - own.named) / 0.03}
    moved["area"] = (abs(own.area - 1) - abs(base.area - 1)) / 0.05
    late, named = f"{own.days:.0f} ({own.days - base.days:+.0f})", f"{own.named:.2f} ({own.named - base.named:+.2f})"
    worse = ", ".join(what for what, by in moved.items() if by >= 1) or "**nothing**"
    better = ", ".join(what for what, by in moved.items() if by <= -1)
    area = f"{own.area:.2f} ({own.area - base.area:+.2f})"
    cells = [name, *recalls, *falses, late, named, area, *(("", "") if name == EVERYTHING else (worse, better))]
    return "| " + " | ".join(cells) + " |"


def _recall(own: Measured, base: Measured) -> str:
    drawn = np.random.default_rng(0).integers(own.hits.size, size=(2000, own.hits.size))
    low, high = np.percentile((own.hits - base.hits)[drawn].mean(axis=1), (2.5, 97.5))
    return f"{own.hits.mean():.2f} ({own.hits.mean() - base.hits.mean():+.2f}, {low:+.2f} to {high:+.2f})"
