# mypy: disable-error-code="arg-type,assignment"
# mypy: strict-optional=False
"""The real archives against truth drawn by eye, and the radar catalogs as ground on which nothing happens.

The polygons lie in `truth/`, one file a catalog, each with its reason. `seen_by` is the first clear look that shows the
change and `not_before` the last that does not: delays count from the former. What the eye was not sure of is neither
asked for nor held against the detectors.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from ground_truth import COVERED, NEAR_PX, TRUTH, UNCHANGED
from rasterio.features import rasterize
from replay import Watched, watch
from scipy import ndimage
from scoring import Figure, counted, median, rate, ratio, share
from series import grid_over, measured, real_series
from shapely.geometry import shape

from aois.grid import Grid, to_utm
from detectors.acquisition import Acquisition
from detectors.monitor.state import AreaState
from detectors.records import Event
from detectors.sensitivity.detectability import ground_held

SPANS = {
    "romania": ((date(2018, 1, 1), date(2020, 12, 27)),),
    "mine-1": ((date(2020, 1, 6), date(2020, 12, 27)),),
}
PAIRS = ("suburb-apex-haddonhall", "suburb-houston-spring", "suburb-raleigh-northhills")
QUIET = ("s1-t137-292319-iw2", "s1-t137-292321-iw2", "s1-t137-292323-iw2")
QUIET_SPAN = (date(2022, 10, 31), date(2025, 1, 5))
WITHIN_DAYS = 150


@dataclass(frozen=True)
class TruePatch:
    """One digitised change on its series' grid; `mask` bool (y, x)."""

    name: str
    change: str
    mask: np.ndarray
    not_before: date
    seen_by: date
    is_sure: bool


@dataclass(frozen=True)
class Met:
    """What became of one sure patch; days count from the first look that shows it, `ratio` is area found to true."""

    series: str
    pixels: int
    change: str
    told: str | None
    first_days: int | None
    confirmed_days: int | None
    ratio: float | None


@dataclass(frozen=True)
class Scored:
    """One catalog: its patches, its events as (pixels, pixels of them on a patch), and the ground in km² · years."""

    series: str
    met: tuple[Met, ...]
    events: tuple[tuple[int, int], ...]
    km2_years: float


def read_truth(series: str, grid: Grid, *, since: date, until: date) -> list[TruePatch]:
    """The patches of a catalog whose change shows within the watched time, and all that are not sure."""
    found = []
    for feature in json.loads((TRUTH / f"{series}.geojson").read_text())["features"]:
        p = feature["properties"]
        if p["change"] == UNCHANGED:
            continue
        outline = to_utm(shape(feature["geometry"]), grid.epsg)
        mask = rasterize([(outline, 1)], grid.shape, transform=grid.transform, dtype="uint8").astype(bool)
        patch = TruePatch(
            p["id"],
            p["change"],
            mask,
            date.fromisoformat(p["not_before"]),
            date.fromisoformat(p["seen_by"]),
            p["is_sure"],
        )
        if mask.any() and (not patch.is_sure or since <= patch.seen_by <= until):
            found.append(patch)
    return found


def scored(series: str, since: date, until: date, *, looks: Sequence[Acquisition] | None = None) -> Scored:
    """One span of a series, watched and set against its truth; `looks` are watched in place of its own."""
    acquisitions = real_series(series)
    patches = read_truth(series, grid_over(series), since=since, until=until)
    weeks: list[tuple[date, np.ndarray, np.ndarray]] = []

    def note(day: date, state: AreaState) -> None:
        weeks.append((day, *ground_held(state)))

    seen = watch(acquisitions if looks is None else looks, since=since, until=until, on_week=note)
    met = tuple(_met(series, patch, weeks, seen) for patch in patches if patch.is_sure)
    return Scored(series, met, _events(seen.confirmed(), patches), _km2_years(acquisitions, (until - since).days))


def _met(series: str, patch: TruePatch, weeks: Sequence[tuple[date, np.ndarray, np.ndarray]], seen: Watched) -> Met:
    before = [w for w in weeks if w[0] <= patch.not_before]
    old = before[-1][1] if before else np.zeros_like(patch.mask)
    end = patch.seen_by + timedelta(days=WITHIN_DAYS)
    due = [w for w in weeks if patch.not_before < w[0] <= end]
    days = []
    for layer in (1, 2):  # what holds, what is confirmed
        hits = [w[0] for w in due if (w[layer] & ~old)[patch.mask].mean() >= COVERED]
        days.append(max((hits[0] - patch.seen_by).days, 0) if hits else None)
    mine = [e for e in seen.confirmed() if (e.footprint.frame() & patch.mask).any()]
    best = max(mine, key=lambda e: (e.footprint.frame() & patch.mask).sum(), default=None)
    told = best.change.value if best is not None and days[1] is not None else None
    ratio = None
    if told is not None:
        around = ndimage.binary_dilation(patch.mask, iterations=NEAR_PX)
        found = np.any([e.footprint.frame() for e in mine], axis=0) & around
        ratio = float(found.sum() / patch.mask.sum())
    return Met(series, int(patch.mask.sum()), patch.change, told, days[0], days[1], ratio)


def _events(events: Sequence[Event], patches: Sequence[TruePatch]) -> tuple[tuple[int, int], ...]:
    near = np.zeros(events[0].footprint.shape if events else (1, 1), bool)
    for patch in patches if events else ():
        near |= ndimage.binary_dilation(patch.mask, iterations=NEAR_PX)
    return tuple((e.footprint.pixels, int((e.footprint.frame() & near).sum())) for e in events)


def _km2_years(acquisitions: Sequence[object], days: int) -> float:
    return float(measured(acquisitions).sum()) * 1e-4 * days / 365.25


def pair(series: str) -> Scored:
    """A suburb of which there are two looks: the first is the whole history, and every event stays provisional."""
    acquisitions = real_series(series)
    before, after = acquisitions[0].day, acquisitions[-1].day
    monday = after - timedelta(days=after.weekday())
    patches = read_truth(series, grid_over(series), since=before, until=after)
    days = (after - before).days + 30
    seen = watch(acquisitions, since=monday, until=monday + timedelta(days=6), history_days=days)
    held = seen.held()
    met = []
    for patch in (p for p in patches if p.is_sure):
        mine = [e for e in held if (e.footprint.frame() & patch.mask).any()]
        covered = np.any([e.footprint.frame() for e in mine], axis=0)[patch.mask].mean() if mine else 0.0
        best = max(mine, key=lambda e: (e.footprint.frame() & patch.mask).sum(), default=None)
        told = best.change.value if best is not None and covered >= COVERED else None
        met.append(Met(series, int(patch.mask.sum()), patch.change, told, None, None, None))
    return Scored(series, tuple(met), _events(held, patches), 0.0)


def quiet(series: str) -> tuple[int, float, int]:
    """Confirmed events on radar over ground where nothing was built, km² · years, and looks used."""
    acquisitions = real_series(series)
    seen = watch(acquisitions, since=QUIET_SPAN[0], until=QUIET_SPAN[1])
    return len(seen.confirmed()), _km2_years(acquisitions, (QUIET_SPAN[1] - QUIET_SPAN[0]).days), seen.used


def figures(results: Sequence[Scored], calm: Sequence[tuple[int, float, int]]) -> list[Figure]:
    """The lines of the table for real truth."""
    out = []
    for series in sorted({r.series for r in results}):
        some = [r for r in results if r.series == series]
        met = [m for r in some for m in r.met]
        events = [e for r in some for e in r.events]
        is_pair = series in PAIRS
        kind = "provisional, one look" if is_pair else f"confirmed within {WITHIN_DAYS} days"
        out.append(share(f"{series}: true changes found ({kind})", [m.told is not None for m in met]))
        out.append(share(f"{series}: events that lie on a true change", [on > 0 for _, on in events]))
        true_px, told_px = ([e[n] for e in events] for n in (1, 0))
        out.append(ratio(f"{series}: share of the ground told that truly changed", true_px, told_px))
        told = [m for m in met if m.told is not None]
        other = counted(f"{m.change} told as {m.told}" for m in told if m.told != m.change)
        out.append(share(f"{series}: told as what it is", [m.told == m.change for m in told], "≥ 0.90", why=other))
        if not is_pair:
            grown = sum(m.ratio > 1 for m in told)
            why = f"{grown} of {len(told)} measured larger than drawn, whose own outlines are within a pixel"
            out.append(median(f"{series}: area measured / true", [m.ratio for m in told], "0.8 to 1.2", why=why))
            first = [m.first_days for m in met if m.first_days is not None]
            claimed = median(f"{series}: days from the first look that shows it to the first event", first)
            days, why = [m.confirmed_days for m in told], f"the first event comes after {claimed.value:.0f} days"
            out += [claimed, median(f"{series}: days from that look to confirmation", days, "≤ 40", why=why)]
            false = [px for px, on in events if on == 0]
            exposure = sum(r.km2_years for r in some)
            what = f"{series}: false confirmed events a km² and year"
            why = f"events of {', '.join(map(str, sorted(false)))} px, over {exposure:.1f} km² and years"
            out.append(rate(what, len(false), exposure, "≤ 0.05", why=why))
    exposure = sum(years for _, years, _ in calm)
    false, what = sum(n for n, _, _ in calm), "radar over quiet ground: false confirmed events a km² and year"
    out.append(rate(what, false, exposure, "≤ 0.05"))
    return out
