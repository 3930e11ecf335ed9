# mypy: disable-error-code="arg-type"
# mypy: strict-optional=False
"""Walls put into real and simulated series: chance of detection by length, share of a pixel, contrast, form, sensor.

The Romanian series is real and has Sentinel-2 alone; the radar archives have pixels of 30 m, in which a wall is
nothing. So Sentinel-1, and both together, are asked on simulated dry country, with Sentinel-2 there beside them. A
wall throws back three or four times what the scene does, over its share of a pixel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from buildings import real_change
from made import END, place
from replay import Watched, watch
from scipy import ndimage
from scoring import Figure, counted, median, of_missed, ratio, share
from series import measured, real_series

from detectors.acquisition import OPTICAL, RADAR, Acquisition, Mask
from detectors.objects.patches import ring_closure
from detectors.records import Change
from detectors.sensitivity.injection import Injected, injected, wall
from flows.imagery.detector_inputs import acquisition_of
from flows.imagery.simulation.land.land_mix import DRY
from flows.imagery.simulation.scenario.presets import AreaPreset, Story
from flows.imagery.simulation.simulated_source import SimulatedSource

SPAN = (date(2019, 1, 7), date(2019, 12, 29))
FRACTIONS = (0.1, 0.2, 0.4, 0.7, 1.0)
LENGTHS = (10, 20, 40, 80)
FORMS = ("straight", "L", "ring")
MATERIALS = ("metal", "concrete", "dark tile")  # bright, middling, hardly another brightness than the ground's
APART_PX, SIDE_PX, WEEKS, HISTORY_DAYS = 8, 150, 26, 365
REAL, MADE = "Romania", "simulated dry country"
SENSORS = {"Sentinel-2": (OPTICAL,), "Sentinel-1": (RADAR,), "both": (OPTICAL, RADAR)}
GOAL_FRACTION, GOAL_LENGTH, CLOSURE_ERROR = 0.4, 20, 0.15


@dataclass(frozen=True)
class Fenced:
    """What became of one wall: `covered` is the share of its course that its event holds.

    `closure_error` and `length_error` (a share) are there where it was told as fencing.
    """

    ground: str
    sensors: str
    fraction: float
    length: int
    form: str
    material: str
    found: bool
    change: str | None = None
    covered: float = 0.0
    closure_error: float | None = None
    length_error: float | None = None


def trials(*, seed: int, fraction: float) -> list[Fenced]:
    """Twelve walls of every length and form in the Romanian series, watched together."""
    acquisitions = real_series("romania")
    barred = real_change(acquisitions, *SPAN) | ~measured(acquisitions)
    begins, rng = date(2019, 5, 1), np.random.default_rng(1000 + seed)
    placed = _walls(barred, fraction, begins, rng, seed)
    seen = watch(injected(acquisitions, [w for _, _, w in placed]), since=SPAN[0], until=SPAN[1])
    return [_judged(REAL, "Sentinel-2", fraction, wall_, seen) for wall_ in placed]


def simulated(*, seed: int, fraction: float) -> list[Fenced]:
    """The same on simulated dry country with each sensor alone and with both."""
    changed, since, placed = put_on_made(seed=seed, fraction=fraction)
    out = []
    for name, sensors in SENSORS.items():
        some = [k for k in changed if k.sensor in sensors]
        seen = watch(some, since=since, until=END, history_days=HISTORY_DAYS)
        out += [_judged(MADE, name, fraction, wall_, seen) for wall_ in placed]
    return out


def put_on_made(*, seed: int, fraction: float) -> tuple[tuple[Acquisition, ...], date, list[tuple[int, str, Injected]]]:
    """Looks at simulated dry country with walls put in, the first day of the watch, and the walls."""
    acquisitions = _made(seed)
    since = END - timedelta(days=7 * WEEKS - 1)
    begins, rng = since + timedelta(days=21), np.random.default_rng(2000 + seed)
    placed = _walls(np.zeros(acquisitions[0].valid.shape, bool), fraction, begins, rng, seed)
    return injected(acquisitions, [w for _, _, w in placed]), since, placed


@lru_cache(maxsize=1)
def _made(seed: int) -> tuple[Acquisition, ...]:
    area, grid = place(AreaPreset(DRY, Story.QUIET), seed=seed, side_px=SIDE_PX)
    source = SimulatedSource(END, seed)
    since = END - timedelta(days=7 * WEEKS + HISTORY_DAYS)
    return tuple(
        acquisition_of(source.fetch(area, grid, r), grid) for r in source.search(area, grid, since=since, until=END)
    )


def _walls(
    taken: Mask, fraction: float, begins: date, rng: np.random.Generator, seed: int
) -> list[tuple[int, str, Injected]]:
    placed = []
    drawn = rng.permutation([(n, f) for n in LENGTHS for f in FORMS])
    for n, (length, form) in enumerate(sorted(drawn, key=lambda one: -int(one[0]))):  # the longest find room first
        image = _placed(taken, int(length), str(form), fraction, rng)
        if image is not None:
            taken = taken | ndimage.binary_dilation(image > 0, iterations=APART_PX)
            material = MATERIALS[int(rng.integers(len(MATERIALS)))]
            placed.append((int(length), str(form), Injected("wall", material, image, begins, seed * 100 + n)))
    return placed


def _placed(taken: np.ndarray, length: int, form: str, fraction: float, rng: np.random.Generator) -> np.ndarray | None:
    """A wall whose whole course lies on free ground, or None where a hundred tries find none."""
    for _ in range(100):
        at = tuple(float(rng.uniform(6, size - 6)) for size in taken.shape)
        image = wall(taken.shape, at, length, form, fraction=fraction, angle=float(rng.uniform(0, np.pi)))
        whole = image.sum() > 0.95 * fraction * length * 0.9
        if whole and not (taken & (image > 0.05 * fraction)).any():
            return image
    return None


def _judged(
    ground: str,
    sensors: str,
    fraction: float,
    placed: tuple[int, str, Injected],
    seen: Watched,
) -> Fenced:
    length, form, change = placed
    course = change.share > 0.25 * fraction
    mine = [
        e
        for e in seen.confirmed()
        if e.first_seen >= change.since - timedelta(15) and (e.footprint.frame() & course).sum() >= 0.3 * course.sum()
    ]
    best = max(mine, key=lambda e: (e.footprint.frame() & course).sum(), default=None)
    if best is None:
        return Fenced(ground, sensors, fraction, length, form, change.material, found=False)
    closure = None if best.closure is None else abs(best.closure - ring_closure(course))
    error = None if best.length_m is None else best.length_m / 10.0 / length - 1.0
    covered = float((best.footprint.frame() & course).sum() / course.sum())
    kind = best.change.value
    return Fenced(ground, sensors, fraction, length, form, change.material, True, kind, covered, closure, error)


def figures(rows: Sequence[Fenced]) -> list[Figure]:
    """The curves, and the lines that the goals name."""
    real, made = ([r for r in rows if r.ground == ground] for ground in (REAL, MADE))
    out = []
    for fraction in FRACTIONS:
        for length in LENGTHS:
            some = [r for r in real if (r.fraction, r.length) == (fraction, length)]
            goal = "≥ 0.80" if fraction >= GOAL_FRACTION and length >= GOAL_LENGTH else ""
            out.append(_found(f"Romania, wall of {length} px covering {fraction:.1f} of a pixel", some, goal))
    for sensors in SENSORS:
        seen = [r for r in made if r.sensors == sensors]
        for fraction in FRACTIONS:
            some = [r for r in seen if r.fraction == fraction and r.length >= GOAL_LENGTH]
            what = f"{MADE}, {sensors}: walls of 20 px and more covering {fraction:.1f} of a pixel"
            out.append(_found(what, some, "≥ 0.80" if fraction >= GOAL_FRACTION else ""))
        for length in LENGTHS:
            some = [r for r in seen if r.fraction >= GOAL_FRACTION and r.length == length]
            out.append(_found(f"{MADE}, {sensors}: walls of {length} px covering 0.4 and more", some))
    return out + _by_contrast(rows) + _by_form(rows) + _measures(rows)


HARD = {
    "dark tile": lambda r: r.material == "dark tile",
    "of 20 px": lambda r: r.length == GOAL_LENGTH,
    "rings": lambda r: r.form == "ring",
}


def _found(what: str, some: Sequence[Fenced], goal: str = "") -> Figure:
    return share(f"{what}: found", [r.found for r in some], goal, why=of_missed([r for r in some if not r.found], HARD))


def _within_goal(rows: Sequence[Fenced]) -> list[Fenced]:
    return [r for r in rows if r.fraction >= GOAL_FRACTION and r.length >= GOAL_LENGTH]


def _panels(rows: Sequence[Fenced]) -> list[tuple[str, str]]:
    """Every ground with the sensors that it was watched by."""
    panels = [(REAL, "Sentinel-2"), *((MADE, sensors) for sensors in SENSORS)]
    return [p for p in panels if any((r.ground, r.sensors) == p for r in rows)]


def _by_contrast(rows: Sequence[Fenced]) -> list[Figure]:
    out = []
    for panel in _panels(rows):
        for material in MATERIALS:
            some = [r for r in _within_goal(rows) if (r.ground, r.sensors, r.material) == (*panel, material)]
            out.append(_found(f"{', '.join(panel)}: walls of {material}, 20 px and more, 0.4 and more", some))
    return out


def _by_form(rows: Sequence[Fenced]) -> list[Figure]:
    out = []
    for form in FORMS:
        some = [r for r in _within_goal(rows) if r.form == form and r.sensors in ("Sentinel-2", "both")]
        out.append(_found(f"walls, {form}, 20 px and more, 0.4 and more, Sentinel-2 or both", some, "≥ 0.80"))
    return out


def _measures(rows: Sequence[Fenced]) -> list[Figure]:
    found = [r for r in rows if r.found]
    told = [r for r in found if r.closure_error is not None]
    rings = [r for r in told if r.form == "ring"]
    other = [r for r in found if r.change != Change.FENCING.value]
    names = f"told as {counted(f'{r.change} by {r.sensors}' for r in other)}"
    long = [r for r in found if r.length >= GOAL_LENGTH]
    long_names = (
        f"told as {counted(f'{r.change} by {r.sensors}, {r.form} of {r.length} px' for r in long if r in other)}"
    )
    course = f"of the course of these rings their events hold {np.mean([r.covered for r in rings] or [0]):.0%}"
    within = [r for r in _within_goal(rows) if r.sensors != "Sentinel-1"]
    lengths = [r.length for r in within]
    return [
        share("walls found: told as fencing", [r.change == Change.FENCING.value for r in found], "≥ 0.90", why=names),
        share(
            "walls of 20 px and more found: told as fencing",
            [r.change == Change.FENCING.value for r in long],
            "≥ 0.90",
            why=long_names,
        ),
        ratio(
            "walls of 20 px and more, 0.4 and more, Sentinel-2 or both: share of their length found",
            [r.covered * r.length for r in within],
            lengths,
        ),
        median("walls told as fencing: length measured / true − 1", [r.length_error for r in told]),
        median("walls told as fencing: closure, error", [r.closure_error for r in told], "≤ 0.15"),
        share("walls told as fencing: closure within 0.15", [r.closure_error <= CLOSURE_ERROR for r in told]),
        median("rings told as fencing: closure, error", [r.closure_error for r in rings], "≤ 0.15", why=course),
    ]


def plot(rows: Sequence[Fenced], to: Path) -> None:
    """``walls.png``: chance against share of a pixel, a column for each ground and sensor.

    The upper row has a line for each length, the lower one for each material in walls of 20 px and more.
    """
    from matplotlib.figure import Figure as Page

    panels = _panels(rows)
    page = Page(figsize=(3.4 * len(panels), 6.4), layout="constrained")
    grid = page.subplots(2, len(panels), sharex=True, sharey=True, squeeze=False)
    long = [r for r in rows if r.length >= GOAL_LENGTH]
    for column, panel in zip(grid.T, panels, strict=True):
        _curves(
            column[0], [r for r in rows if (r.ground, r.sensors) == panel], "length", {n: f"{n} px" for n in LENGTHS}
        )
        _curves(column[1], [r for r in long if (r.ground, r.sensors) == panel], "material", {m: m for m in MATERIALS})
        column[0].set_title(",\n".join(panel))
        column[1].set_xlabel("share of a pixel that the wall covers")
    for row, title in zip(grid, ("length", "walls of 20 px and more, of"), strict=True):
        row[0].set_ylabel("found and confirmed")
        row[-1].legend(title=title, loc="upper left", bbox_to_anchor=(1.02, 1.0))
    to.mkdir(parents=True, exist_ok=True)
    page.savefig(to / "walls.png", dpi=110)


def _curves(axes: Any, rows: Sequence[Fenced], by: str, names: Mapping[Any, str]) -> None:
    """The chance at every share of a pixel with its interval, a line for each value of one field."""
    for n, (value, name) in enumerate(names.items()):
        some = [r for r in rows if getattr(r, by) == value]
        line = [share("", [r.found for r in some if r.fraction == f]) for f in FRACTIONS]
        beside = np.array(FRACTIONS) + 0.015 * (n - 1.5)  # intervals side by side, not on one another
        values, low, high = (np.array([getattr(f, limit) for f in line]) for limit in ("value", "low", "high"))
        axes.errorbar(beside, values, (values - low, high - values), marker="o", elinewidth=0.7, label=name)
    axes.axhline(0.8, color="0.6", linestyle="--", linewidth=0.8)
    axes.axvline(GOAL_FRACTION - 0.05, color="0.6", linestyle="--", linewidth=0.8)
    axes.set(ylim=(-0.03, 1.03))
