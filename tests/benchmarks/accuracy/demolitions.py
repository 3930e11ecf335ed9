# mypy: disable-error-code="var-annotated"
# mypy: strict-optional=False
"""Demolitions put into real series: are they found, when, and as what.

Three kinds. A building that was put into all of the Romanian series, or of the mine's, and is pulled down, bare soil in
its place; the same with another ending: rubble, walls without a roof, or soil that is grown over; and real roofs, those
of the suburb of Apex, replaced by the ground around them. Of the suburb there are two looks, too few to watch, so its
first is repeated on the clear dates of the Romanian series with noise, light and misregistration of every date: real
roofs and streets, a made-up series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from buildings import SPANS, free_place, real_change
from replay import watch
from scipy import ndimage
from scoring import Figure, counted, median, share
from series import measured, real_series, shape_of

from detectors.acquisition import Acquisition, Floats, Mask
from detectors.monitor.state import AreaState
from detectors.preprocessing.masks import clear_of
from detectors.records import Change
from detectors.sensitivity.detectability import ground_held
from detectors.sensitivity.injection import SURROUNDINGS, Injected, block, injected

SIZES = (6, 9, 12, 16, 25, 36)
ROOFS = ("metal", "blue sheet", "concrete")
SOIL, RUBBLE, WALLS, REGROWN = "soil", "rubble", "walls without a roof", "soil, grown over"
ENDINGS, REGROWN_DAYS = (SOIL, RUBBLE, WALLS, REGROWN), 60
WITHIN_DAYS, SEEN_ACQUISITIONS, COVERED, MIXING = 150, 4, 0.25, 0.9
SUBURB, DATES_OF = "suburb-apex-haddonhall", "romania"
SUBURB_SPAN = (date(2019, 1, 7), date(2020, 12, 27))
NOISE, LIGHT, SHIFT_PX, OFFSET = 0.03, 0.04, 0.15, 0.1
ROOF_BRIGHTNESS, CROP = 0.18, (slice(40, 200), slice(30, 190))


@dataclass(frozen=True)
class Torn:
    """What became of one building pulled down; `third` are the days to the third clear look of the `looks` after it."""

    series: str
    pixels: int
    acquisitions: int
    third: int | None
    found: bool
    days: int | None
    change: str | None
    ending: str = SOIL


def trials(series: str, since: date, until: date, *, seed: int, ending: str = SOIL) -> list[Torn]:
    """What became of buildings that stood through the history and are pulled down within the span."""
    acquisitions, torn = torn_buildings(series, since, until, seed=seed, ending=ending)
    return [replace(one, ending=ending) for one in _judged(series, torn, acquisitions, since, until)]


def torn_buildings(
    series: str, since: date, until: date, *, seed: int, ending: str = SOIL
) -> tuple[tuple[Acquisition, ...], list[tuple[int, Injected]]]:
    """A real series with buildings that make room for soil or another ending, and these with their pixels."""
    acquisitions = real_series(series)
    shape = shape_of(acquisitions)
    rng = np.random.default_rng(500 + seed)
    barred, taken = real_change(acquisitions, since, until) | ~measured(acquisitions), np.zeros(shape, bool)
    changes, torn = [], []
    for n, pixels in enumerate(rng.permutation(SIZES)):
        at = free_place(barred, taken, int(pixels), rng)
        if at is None:
            continue
        image = block(shape, at, int(pixels), mixing=MIXING, rng=rng)
        day = since + timedelta(days=int(rng.integers(30, (until - since).days - WITHIN_DAYS)))
        roof = Injected("building", str(rng.choice(ROOFS)), image, day, seed * 100 + n, lost=True)
        changes += [roof, *_left(ending, image, day, seed * 100 + 50 + n)]
        torn.append((int(pixels), roof))
    return injected(acquisitions, changes), torn


def _left(ending: str, image: Floats, day: date, seed: int) -> list[Injected]:
    """What stands in a building's place from the day on which it goes."""
    material = {RUBBLE: "rubble", WALLS: "concrete frame"}.get(ending, "soil")
    left = [Injected("rubble", material, image, day, seed)]
    if ending == REGROWN:
        left.append(Injected("growth", SURROUNDINGS, image, day + timedelta(days=REGROWN_DAYS), seed + 25))
    return left


def suburb(*, seed: int) -> list[Torn]:
    """What became of real roofs that give way to the ground around them."""
    acquisitions, torn = torn_suburb(seed=seed)
    return _judged("suburb", torn, acquisitions, *SUBURB_SPAN)


def torn_suburb(*, seed: int) -> tuple[tuple[Acquisition, ...], list[tuple[int, Injected]]]:
    """Looks at the suburb with a third of its roofs gone, and these with their pixels."""
    acquisitions = _repeated(seed=seed)
    rng = np.random.default_rng(900 + seed)
    since, until = SUBURB_SPAN
    torn = []
    for n, mask in enumerate(_some(_roofs(acquisitions), rng)):
        soft = ndimage.gaussian_filter(ndimage.binary_dilation(mask).astype(np.float32), 0.45)
        day = since + timedelta(days=int(rng.integers(30, (until - since).days - WITHIN_DAYS)))
        torn.append((int(mask.sum()), Injected("gone", SURROUNDINGS, soft, day, seed * 100 + n)))
    return injected(acquisitions, [t for _, t in torn]), torn


def _some(roofs: Sequence[Mask], rng: np.random.Generator) -> list[Mask]:
    """A third of the roofs, no two of them near each other."""
    taken, chosen = np.zeros(roofs[0].shape, bool), []
    for n in rng.permutation(len(roofs)):
        wide = ndimage.binary_dilation(roofs[n], iterations=9)
        if not (taken & roofs[n]).any() and len(chosen) < max(1, len(roofs) // 3):
            taken |= wide
            chosen.append(roofs[n])
    return chosen


def _roofs(acquisitions: Sequence[Acquisition]) -> list[Mask]:
    """Bright patches of 6 to 60 px that stand out of what lies around them."""
    clean = acquisitions[0]
    visible = np.nan_to_num(np.mean([clean.band(b) for b in ("blue", "green", "red")], axis=0))
    labels, count = ndimage.label(visible > ROOF_BRIGHTNESS)
    masks = [labels == n for n in range(1, count + 1)]
    inner = np.zeros(visible.shape, bool)
    inner[8:-8, 8:-8] = True
    return [m for m in masks if 6 <= m.sum() <= 60 and not (m & ~inner).any()]


def _repeated(*, seed: int) -> tuple[Acquisition, ...]:
    """The suburb of 2017 on every date on which the Romanian scene was clear; the composite's offset taken off."""
    first = real_series(SUBURB)[0]
    rng = np.random.default_rng(seed)
    ground = np.nan_to_num(first.pixels[:, CROP[0], CROP[1]] - OFFSET, nan=0.05)
    valid = first.valid[CROP]
    whole = max(clear_of(k).mean() for k in real_series(DATES_OF))
    days = [k.day for k in real_series(DATES_OF) if clear_of(k).mean() > 0.9 * whole]
    acquisitions = []
    for n, day in enumerate(days):
        dy, dx = rng.normal(0, SHIFT_PX, 2)
        moved = np.stack([ndimage.shift(band, (dy, dx), order=1, mode="nearest") for band in ground])
        noise = rng.normal(1.0, NOISE, moved.shape) * rng.normal(1.0, LIGHT)
        pixels = np.maximum(moved * noise, 1e-3).astype(np.float32)
        acquisitions.append(replace(first, scene_id=f"suburb-{n:03d}", day=day, pixels=pixels, valid=valid, scl=None))
    return tuple(acquisitions)


def _judged(
    series: str, torn: Sequence[tuple[int, Injected]], acquisitions: Sequence[Acquisition], since: date, until: date
) -> list[Torn]:
    weeks: list[tuple[date, Mask, Mask]] = []

    def note(day: date, state: AreaState) -> None:
        weeks.append((day, *ground_held(state)))

    seen = watch(acquisitions, since=since, until=until, on_week=note)
    out = []
    for pixels, change in torn:
        mask = change.share >= 0.5 * change.share.max()
        end = change.since + timedelta(days=WITHIN_DAYS)
        clear = sorted(k.day for k in acquisitions if change.since <= k.day <= end and clear_of(k)[mask].mean() > 0.5)
        third = (clear[2] - change.since).days if len(clear) > 2 else None
        hits = [day for day, _, sure in weeks if change.since <= day <= end and sure[mask].mean() >= COVERED]
        mine = [e for e in seen.confirmed() if (e.footprint.frame() & mask).any() and e.confirmed_on >= change.since]
        best = max(mine, key=lambda e: (e.footprint.frame() & mask).sum(), default=None)
        found = bool(hits) and best is not None
        days = (hits[0] - change.since).days if found else None
        out.append(Torn(series, pixels, len(clear), third, found, days, best.change.value if found else None))
    return out


def jobs(seeds: Sequence[int]) -> list[tuple[object, ...]]:
    """The calls of `trials` that make up a run."""
    spans = [(name, *span) for name, found in SPANS.items() for span in found]
    plain: list[tuple[object, ...]] = [(*span, {"seed": seed}) for span in spans for seed in seeds]
    return plain + [(*spans[0], {"seed": seed, "ending": e}) for seed in seeds for e in ENDINGS if e != SOIL]


def figures(results: Sequence[Torn]) -> list[Figure]:
    """The lines of the table for demolitions."""
    out = []
    for series, ending in sorted({(t.series, t.ending) for t in results}):
        some = [t for t in results if (t.series, t.ending) == (series, ending)]
        often = [t for t in some if t.acquisitions >= SEEN_ACQUISITIONS]
        name = "real roofs of a suburb" if series == "suburb" else f"{series}, buildings put in"
        name += "" if ending == SOIL else f", {ending} left"
        for low, high in ((4, 11), (12, 100)):
            hits = [t.found for t in often if low <= t.pixels <= high]
            what = f"{name}, pulled down, {low} to {high} px"
            out.append(share(f"{what}: found where {SEEN_ACQUISITIONS} looks were clear", hits))
        found = [t for t in often if t.found]
        told = [t.change == Change.DEMOLITION.value for t in found]
        why = f"told as {counted(t.change for t in found if t.change != Change.DEMOLITION.value)}"
        out.append(share(f"{name}: told as demolition", told, "≥ 0.90", why=why))
        third = median("", [t.third for t in found if t.third is not None]).value
        why = f"the third clear look comes after {third:.0f} days"
        out.append(median(f"{name}: days to confirmation", [t.days for t in found], "≤ 40", why=why))
    return out
