"""Every step of the chain left out by itself: what gets worse without it.

A step is left out by exchanging one function, or one number of a frozen parameter record, for the time of a run. The
same looks with the same changes are watched once with everything and once without each step, so that the difference
is the step's alone. What is read and fitted alike is read and fitted once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import buildings
import numpy as np
from injection import injected
from replay import Watched, watch
from scipy import ndimage
from series import measured, real_series, shape_of
from swapping import Factory, remembering, swapped
from worlds import END, WEEKS, place_of

from detectors.baseline import BaselineParameters
from detectors.cues import OPTICAL_CUES, CueParameters
from detectors.evidence import Cue, EvidenceParameters, Residual
from detectors.ground import Ground, whole
from detectors.look import OPTICAL, RADAR, Look, Mask
from detectors.masks import MaskParameters
from detectors.monitor import MonitorParameters
from detectors.objects import UP_CUES, ObjectParameters
from detectors.records import Change, Event
from detectors.registration import UNKNOWN
from detectors.tracking import TrackingParameters

NEAR_PX = 4
EVERYTHING = "everything"


@dataclass(frozen=True)
class Ablation:
    """One step left out: its name, what is exchanged for what, which instrument is left, whether looks read anew."""

    name: str
    swaps: Mapping[str, Factory] = field(default_factory=dict)
    sensor: str | None = None
    is_read_anew: bool = False


def _given(**parameters: Any) -> Factory:
    """The same function with parameters of our own, whatever it is called with."""
    return lambda original: lambda *a, **k: original(*a, **(k | parameters))


def _always(result: Any) -> Factory:
    return lambda original: lambda *a, **k: result


def _like_first(value: Any) -> Factory:
    """A mask of the shape of the first argument, True or False throughout."""
    return lambda original: lambda first, *a, **k: np.full(_shape_of(first), value)


def _shape_of(first: Any) -> tuple[int, int]:
    """Rows and columns of a residual, an area's state, a channel or an array."""
    if isinstance(first, np.ndarray):
        return first.shape[-2], first.shape[-1]
    if isinstance(first, Residual):
        return first.z.shape[-2], first.z.shape[-1]
    return first.ground.shape if hasattr(first, "ground") else first.baseline.looks.shape


def _first_argument(original: Any) -> Any:
    return lambda first, *a, **k: first


def _item_itself(original: Any) -> Any:
    return lambda state, item, *a, **k: item


def _without_cues(*cues: Cue) -> Factory:
    """The optical metric with some cues silent."""
    silent = [OPTICAL_CUES.index(cue) for cue in cues]

    def factory(original: Any) -> Any:
        def metric(residual: Residual, **keywords: Any) -> Any:
            out = original(residual, **keywords)
            out[silent] = np.nan
            return out

        return metric

    return factory


def _unsettled(original: Any) -> Any:
    """Residuals as they are, with nothing that the scene has in common taken off."""
    return lambda *a, settled, **k: original(*a, settled=np.zeros_like(settled), **k)


def _without_hue(original: Any) -> Any:
    def metric(residual: Residual, **keywords: Any) -> Any:
        names = tuple("" if name == "redness" else name for name in residual.names)
        return original(replace(residual, names=names), **keywords)

    return metric


def _greater_of_two(original: Any) -> Any:
    """Gains by the instrument that holds more, in place of the sum of both."""

    def confidence(evidence: Any, optical: Mask) -> Any:
        _, counts = original(evidence, optical)
        seen = evidence.confidence[list(UP_CUES)].max(axis=0) * optical
        return np.maximum(seen, evidence.confidence[Cue.BACKSCATTER_UP]), counts

    return confidence


def _monitor(**parameters: Any) -> dict[str, Factory]:
    return {"replay.begin": _given(parameters=MonitorParameters(**parameters))}


def _cues(**parameters: Any) -> dict[str, Factory]:
    return {"detectors.channel.optical_metric": _given(parameters=CueParameters(**parameters))}


def _masks(**parameters: Any) -> dict[str, Factory]:
    return {"detectors.channel.clear_mask": _given(parameters=MaskParameters(**parameters))}


def _objects(**parameters: Any) -> dict[str, Factory]:
    return {"detectors.sightings.find_objects": _given(parameters=ObjectParameters(**parameters))}


METRIC = "detectors.channel.optical_metric"
ABLATIONS: tuple[Ablation, ...] = (
    Ablation(EVERYTHING),
    Ablation("registration", {"detectors.channel.measure_shift": _always(UNKNOWN)}, is_read_anew=True),
    Ablation("clouds widened by 40 m", _masks(spread_px=0), is_read_anew=True),
    Ablation("specks of cloud kept as ground", _masks(smallest_cloud_px=0), is_read_anew=True),
    Ablation("snow that the classification leaves", {"detectors.channel.snow_mask": _like_first(False)}, None, True),
    Ablation("seasons in the baseline", {"detectors.baseline.harmonic_pairs": _always(0)}, None, True),
    Ablation("robust fit", {"detectors.channel.fit_baseline": _given(parameters=BaselineParameters(rounds=1))}),
    Ablation("uncertainty of the prediction", {"detectors.channel.prediction_factor": _always(1.0)}),
    Ablation("common motion and wider σ", {"detectors.channel.standardise": _unsettled}),
    Ablation("wider σ in restless scenes", {"detectors.evidence._excess": _always(1.0)}),
    Ablation("familiar looks count less", {"detectors.channel.familiar_mask": _like_first(False)}),
    Ablation("lending between readings", _cues(lent=0.0)),
    Ablation("hue bears contrast out", {METRIC: _without_hue}),
    Ablation("texture bears contrast out", {"detectors.cues._backing": _like_first(np.float32(99.0))}),
    Ablation("contrast on bare ground only", _cues(built_vegetation=2.0, dark_roof_vegetation=2.0)),
    Ablation("open water told apart", _cues(water=-2.0)),
    Ablation("cue: exposure", {METRIC: _without_cues(Cue.EXPOSURE)}),
    Ablation("cue: structure", {METRIC: _without_cues(Cue.STRUCTURE)}),
    Ablation("cue: removal", {METRIC: _without_cues(Cue.REMOVAL)}),
    Ablation("all but exposure", {METRIC: _without_cues(Cue.STRUCTURE, Cue.REMOVAL)}),
    Ablation("radar (optical alone)", sensor=OPTICAL),
    Ablation("optics (radar alone)", sensor=RADAR),
    Ablation("the sum of both instruments", {"detectors.sightings.gain_confidence": _greater_of_two}),
    Ablation(
        "confidence of 36 (22.5 as published)",
        {"detectors.sightings.EvidenceParameters": _always(EvidenceParameters(confirmed=22.5))},
    ),
    Ablation("three dates to confirm", _monitor(tracking=TrackingParameters(confirming_dates=1))),
    Ablation(
        "evidence lives through one calm look",
        {"detectors.monitor.add_look": _given(parameters=EvidenceParameters(lost_after=1))},
    ),
    Ablation("hysteresis", _objects(edge=ObjectParameters().core)),
    Ablation("patches joined", _objects(join_px=0)),
    Ablation("fringe taken off", {"detectors.sightings._without_fringe": _item_itself}),
    Ablation("lines", {"detectors.sightings._line_sightings": _always([])}),
    Ablation("rings are fences", {"detectors.sightings.is_ring": _always(False)}),
    Ablation("colour of the change", {"detectors.sightings._is_grey": _like_first(False)}),
    Ablation("radar says what stood", {"detectors.sightings._was_built": _like_first(True)}),
    Ablation("radar says what cannot have stood", {"detectors.sightings._may_be_built": _like_first(True)}),
    Ablation("changed ground made the baseline", {"detectors.monitor._rebased": _first_argument}),
    Ablation("baselines fitted again", _monitor(refit_at=(), refit_days=100_000)),
)


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
    return runs({"built": built_case, "place": place_case}[kind](*where, **keywords))


def runs(case: Case) -> list[Run]:
    """The case watched with everything, and without each step."""
    memory: dict[tuple[Any, ...], Any] = {}
    reading = ("read_look", "reference_image", "fit_baseline")
    shared = {f"detectors.channel.{name}": remembering(memory) for name in reading}
    shared["detectors.monitor.read_look"] = remembering(memory)
    out = []
    for ablation in ABLATIONS:
        looks = tuple(k for k in case.looks if ablation.sensor in (None, k.sensor))
        if not looks or (ablation.sensor is not None and len(looks) == len(case.looks)):
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
