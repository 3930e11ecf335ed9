"""How small a change of a place would still have been seen, and how late.

Buildings and walls are put into an area's own looks at places and dates drawn by chance from a seed, the detectors work
through the weeks, and each probe is asked for: in which week did an event first lie on it, did it hold, when was it
confirmed. The chance of being seen can only grow with size, so the shares found are made to (isotonic regression,
Barlow 1972, weighted by the trials), and the smallest size is the first from which that curve stays at the goal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import product

import numpy as np
from scipy import ndimage

from detectors.acquisition import Acquisition, Floats, Mask
from detectors.events.lifecycle import ground_of_events
from detectors.ground import Ground
from detectors.monitor.state import AreaState
from detectors.monitor.weeks import HISTORY_DAYS, watch_weeks
from detectors.sensitivity.injection import Injected, block, injected, wall

BUILDING, WALL = "building", "wall"


@dataclass(frozen=True)
class DetectabilityParameters:
    """What is put in, and what counts as seen.

    Sizes are pixels of 100 m² for buildings, pixels along the course for walls. `mixings` is the share of a pixel that
    a roof covers, `fractions` the same for a wall. A probe is seen when events that hold cover `covered` of it within
    `within_days`; `goal` is the chance asked for. Probes keep `apart_px` from each other and from `own` change of the
    place. A pixel belongs to a probe where it covers half of the most that it covers anywhere. Sizes and shares are
    those of SCIENCE.md, the rest chosen so that a site of 1.5 km² holds fifteen to twenty probes at a time.
    """

    building_px: tuple[int, ...] = (4, 6, 9, 16, 36)
    mixings: tuple[float, ...] = (0.9, 0.6)
    bright: tuple[str, ...] = ("metal", "blue sheet", "concrete")
    dark: tuple[str, ...] = ("dark tile",)
    wall_px: tuple[int, ...] = (12, 20, 40)
    fractions: tuple[float, ...] = (1.0, 0.4, 0.2)
    forms: tuple[str, ...] = ("straight", "L", "ring")
    within_days: int = 120
    covered: float = 0.25
    goal: float = 0.8
    apart_px: int = 7
    tries: int = 40


@dataclass(frozen=True, order=True)
class ProbeKind:
    """What is put in, less its size: a building by its roof and mixing, or a wall by its share of a pixel."""

    what: str
    material: str
    share: float


@dataclass(frozen=True)
class Probe:
    """One change to be put in: its kind, its size in pixels and the change itself."""

    kind: ProbeKind
    size_px: int
    change: Injected

    @property
    def footprint(self) -> Mask:
        """Mark the pixels in which it shows, bool (y, x)."""
        return np.asarray(self.change.share >= 0.5 * self.change.share.max())


@dataclass(frozen=True)
class Visibility:
    """What became of one probe: days until an event first lay on it and until that was confirmed, None for never.

    `seen` is False where no event held that long. `acquisitions` counts the looks at it in that time, clear or not.
    """

    kind: ProbeKind
    size_px: int
    seen: bool
    seen_days: int | None
    confirmed_days: int | None
    acquisitions: int


@dataclass(frozen=True)
class CurvePoint:
    """One point of a curve: the share seen of so many tried, its 95 % interval (Wilson), and how late (medians)."""

    size_px: int
    tried: int
    seen: int
    confirmed: int
    chance: float
    low: float
    high: float
    seen_days: float | None
    confirmed_days: float | None


@dataclass(frozen=True)
class Curve:
    """Chance of being seen by size for one kind of change; `smallest_px` is None where no size reaches the goal."""

    kind: ProbeKind
    sizes: tuple[CurvePoint, ...]
    smallest_px: int | None


def kinds_of(parameters: DetectabilityParameters) -> tuple[tuple[ProbeKind, int], ...]:
    """List every kind and size that is tried.

    Parameters
    ----------
    parameters
        What is put in, and what counts as seen.

    Returns
    -------
    tuple of (Kind, int): kind and size in pixels.
    """
    p = parameters
    roofs = [*product(("bright roof",), p.mixings), ("dark roof", max(p.mixings))]
    built = [(ProbeKind(BUILDING, roof, mixing), n) for (roof, mixing), n in product(roofs, p.building_px)]
    return (*built, *((ProbeKind(WALL, "wall", f), n) for f, n in product(p.fractions, p.wall_px)))


def draw_probes(
    free: Mask, *, since: date, last: date, number: int, seed: int, parameters: DetectabilityParameters | None = None
) -> tuple[Probe, ...]:
    """Draw the probes of one round, as many as find room; the same call gives the same.

    Parameters
    ----------
    free
        bool (y, x), ground where nothing else happened.
    since
        The first day on which a probe may begin.
    last
        The last day on which one may.
    number
        Which round: kinds and sizes come in turn, so that a place with room for few still tries all.
    seed
        Of the random generator.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    tuple of Probe.
    """
    p = parameters or DetectabilityParameters()
    rng = np.random.default_rng((seed, number))
    cells = kinds_of(p)
    order = np.random.default_rng(seed).permutation(len(cells))
    taken, probes = ~free, []
    for n in range(len(cells)):
        kind, size = cells[order[(n + number * (len(cells) // 3 + 1)) % len(cells)]]
        image = _placed(kind, size, taken, rng, p)
        if image is None:
            continue
        taken = taken | ndimage.binary_dilation(image > 0, iterations=p.apart_px)
        begins = since + timedelta(days=int(rng.integers(0, max((last - since).days, 0) + 1)))
        material = "concrete" if kind.what == WALL else str(rng.choice(p.dark if "dark" in kind.material else p.bright))
        identity = int(rng.integers(2**31))
        probes.append(Probe(kind, size, Injected(kind.what, material, image, begins, identity)))
    return tuple(probes)


def _placed(
    kind: ProbeKind, size: int, taken: Mask, rng: np.random.Generator, p: DetectabilityParameters
) -> Floats | None:
    """The shares of a probe whose whole figure lies on free ground, or None."""
    shape = (taken.shape[0], taken.shape[1])
    places = np.argwhere(~taken)
    for _ in range(p.tries if len(places) else 0):
        row, column = places[int(rng.integers(len(places)))] + rng.uniform(0, 1, 2)
        at = (float(row), float(column))
        if kind.what == WALL:
            form = str(rng.choice(p.forms))
            image = wall(shape, at, size, form, fraction=kind.share, angle=float(rng.uniform(0, np.pi)))
            whole = 0.85 * kind.share * size
        else:
            image = block(shape, at, size, mixing=kind.share, rng=rng)
            whole = 0.9 * kind.share * size
        if image.sum() >= whole and not (taken & (image > 0.02)).any():
            return image
    return None


def watch_probes(
    probes: Sequence[Probe],
    state: AreaState,
    acquisitions: Sequence[Acquisition],
    *,
    since: date,
    until: date,
    history_days: int = HISTORY_DAYS,
    parameters: DetectabilityParameters | None = None,
) -> tuple[Visibility, ...]:
    """Put probes into the acquisitions, watch them together, and tell what becomes of each.

    Parameters
    ----------
    probes
        Changes to put in; none begins before `since`.
    state
        What the watch had learned before the first week, from the untouched history.
    acquisitions
        Scenes as numbers, oldest first.
    since
        The first day that is watched.
    until
        The last day that is watched.
    history_days
        How many days before a week a baseline is fitted on.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    tuple of Visibility, one a probe.
    """
    p = parameters or DetectabilityParameters()
    days: dict[int, dict[date, tuple[bool, bool]]] = {n: {} for n in range(len(probes))}
    footprints = [probe.footprint for probe in probes]

    def note(last: date, now: AreaState) -> None:
        held, sure = ground_held(now)
        for n, mask in enumerate(footprints):
            days[n][last] = (held[mask].mean() >= p.covered, sure[mask].mean() >= p.covered)

    watch_weeks(
        state,
        injected(acquisitions, [probe.change for probe in probes]),
        since=since,
        until=until,
        history_days=history_days,
        on_week=note,
    )
    return tuple(_visibility(probe, days[n], acquisitions, p) for n, probe in enumerate(probes))


def ground_held(state: AreaState) -> tuple[Mask, Mask]:
    """Mark where events lie that hold, and where confirmed ones do.

    Parameters
    ----------
    state
        What the watch has learned so far.

    Returns
    -------
    bool (y, x), bool (y, x).
    """
    shape = state.ground.shape
    confirmed = (t for t in state.event_states if t.confirmed_day is not None)
    return ground_of_events(state.event_states, shape), ground_of_events(confirmed, shape)


def _visibility(
    probe: Probe, days: dict[date, tuple[bool, bool]], acquisitions: Sequence[Acquisition], p: DetectabilityParameters
) -> Visibility:
    begins = probe.change.since
    end = begins + timedelta(days=p.within_days)
    weeks = [(day, marks) for day, marks in sorted(days.items()) if begins <= day <= end]
    seen = [(day - begins).days for day, (is_seen, _) in weeks if is_seen]
    sure = [(day - begins).days for day, (_, is_sure) in weeks if is_sure]
    holds = bool(weeks) and weeks[-1][1][0]
    return Visibility(
        probe.kind,
        probe.size_px,
        holds,
        seen[0] if holds else None,
        sure[0] if holds and sure else None,
        sum(begins <= acquisition.day <= end for acquisition in acquisitions),
    )


def curves_of(
    visibilities: Iterable[Visibility], *, parameters: DetectabilityParameters | None = None
) -> tuple[Curve, ...]:
    """Draw up the curves of all kinds that were tried, buildings first.

    Parameters
    ----------
    visibilities
        What became of each probe.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    tuple of Curve.
    """
    p = parameters or DetectabilityParameters()
    found = list(visibilities)
    return tuple(_curve(kind, [s for s in found if s.kind == kind], p) for kind in _kinds(found, p))


def _kinds(visibilities: Sequence[Visibility], p: DetectabilityParameters) -> Iterator[ProbeKind]:
    tried = {s.kind for s in visibilities}
    yield from (kind for kind in dict.fromkeys(kind for kind, _ in kinds_of(p)) if kind in tried)


def _curve(kind: ProbeKind, visibilities: Sequence[Visibility], p: DetectabilityParameters) -> Curve:
    from scipy import optimize  # here, since every command would wait for it; `stats` below likewise

    sizes = sorted({s.size_px for s in visibilities})
    groups = [[s for s in visibilities if s.size_px == size] for size in sizes]
    shares = np.array([np.mean([s.seen for s in group]) for group in groups])
    weights = np.array([float(len(group)) for group in groups])
    chances = optimize.isotonic_regression(shares, weights=weights).x
    rows = tuple(_size(size, group, float(c)) for size, group, c in zip(sizes, groups, chances, strict=True))
    smallest = next((row.size_px for row in rows if row.chance >= p.goal - 1e-9), None)
    return Curve(kind, rows, smallest)


def _size(size: int, visibilities: Sequence[Visibility], chance: float) -> CurvePoint:
    from scipy import stats

    seen = [s for s in visibilities if s.seen]
    interval = stats.binomtest(len(seen), len(visibilities)).proportion_ci(method="wilson")
    return CurvePoint(
        size,
        len(visibilities),
        len(seen),
        sum(s.confirmed_days is not None for s in seen),
        round(chance, 3),
        round(float(interval.low), 3),
        round(float(interval.high), 3),
        _median(s.seen_days for s in seen),
        _median(s.confirmed_days for s in seen),
    )


def _median(days: Iterable[int | None]) -> float | None:
    known = [d for d in days if d is not None]
    return float(np.median(known)) if known else None


def cropped(
    acquisitions: Sequence[Acquisition], ground: Ground, *, side_px: int
) -> tuple[tuple[Acquisition, ...], Ground]:
    """Crop to at most a square around the middle of the watched ground, so that the time this takes is bounded.

    Parameters
    ----------
    acquisitions
        Scenes as numbers, oldest first.
    ground
        The area on its grid.
    side_px
        Side of the square, pixels.

    Returns
    -------
    tuple of Acquisition, Ground: as they were where they are no larger.
    """
    if max(ground.shape) <= side_px:
        return tuple(acquisitions), ground
    rows, columns = np.nonzero(ground.monitored_mask)
    box = tuple(
        _span(int(np.median(part)) if part.size else size // 2, size, side_px)
        for part, size in ((rows, ground.shape[0]), (columns, ground.shape[1]))
    )
    part = replace(ground, monitored_mask=ground.monitored_mask[box], perimeter=ground.perimeter[box])
    return tuple(_cropped(acquisition, box) for acquisition in acquisitions), part


def _span(middle: int, size: int, side: int) -> slice:
    first = min(max(0, middle - side // 2), max(0, size - side))
    return slice(first, min(size, first + side))


def _cropped(acquisition: Acquisition, box: tuple[slice, ...]) -> Acquisition:
    scl = None if acquisition.scl is None else acquisition.scl[box]
    return replace(acquisition, pixels=acquisition.pixels[(slice(None), *box)], valid=acquisition.valid[box], scl=scl)
