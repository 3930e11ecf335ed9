# mypy: disable-error-code="no-untyped-def,return-value"
# mypy: strict-optional=False
"""Buildings put into real series: are they found, when, as what, and how large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from replay import Watched, watch
from scipy import ndimage
from scoring import Figure, counted, median, of_missed, share
from series import measured, real_series, shape_of

from detectors.acquisition import Acquisition
from detectors.preprocessing.masks import clear_of
from detectors.records import Change
from detectors.sensitivity.injection import Injected, block, injected

SIZES, LARGEST = (4, 5, 6, 7, 8, 12, 16, 25, 36, 60), 100
ROOFS = ("metal", "blue sheet", "dark tile", "concrete")
MORE_ROOFS = ("thatch", "rusted sheet", "shade net", "tarpaulin", "asphalt", "solar panel", "concrete frame")
SPANS = {
    "romania": ((date(2019, 1, 7), date(2020, 12, 27)),),
    "mine-1": ((date(2020, 1, 6), date(2020, 12, 27)), (date(2023, 10, 2), date(2024, 12, 22))),
}
SEEN_ACQUISITIONS, WITHIN_DAYS, IN_TIME_DAYS = 4, 150, 40
ALONE = 0.8  # of an event's pixels, for its area to be compared with what was put in


@dataclass(frozen=True)
class Trial:
    """What became of one building.

    `looks` are the clear looks at it within `WITHIN_DAYS`, `third` the days to the third of them: nothing is confirmed
    before. `first_days` count to the first look that its event claims to show it. `area_ratio` and `covered` are of
    events that `is_alone`: nobody knows the true area of one that took in ground on which nothing was put.
    """

    series: str
    pixels: int
    mixing: float
    material: str
    acquisitions: int
    third: int
    found: bool
    days: int | None = None
    change: str | None = None
    first_days: int | None = None
    is_alone: bool = False
    area_ratio: float | None = None
    covered: bool | None = None


def trials(
    series: str, since: date, until: date, *, seed: int, mixing: float, roofs: Sequence[str] = ROOFS
) -> list[Trial]:
    """Buildings of every size at places where nothing else happened, watched together."""
    acquisitions = real_series(series)
    placed = places_for(acquisitions, since, until, seed=seed, mixing=mixing, roofs=roofs)
    changed = injected(acquisitions, [change for _, change in placed])
    seen = watch(changed, since=since, until=until)
    return [judged(series, pixels, mixing, change, seen, acquisitions) for pixels, change in placed]


def places_for(
    acquisitions: tuple[Acquisition, ...],
    since: date,
    until: date,
    *,
    seed: int,
    mixing: float,
    roofs: Sequence[str] = ROOFS,
) -> list[tuple[int, Injected]]:
    """Buildings of every size, each with its pixels, where nothing else happened."""
    shape = shape_of(acquisitions)
    barred = real_change(acquisitions, since, until) | ~measured(acquisitions)
    taken = np.zeros(shape, bool)
    rng = np.random.default_rng(seed)
    placed = []
    for n, pixels in enumerate((*rng.permutation(SIZES), LARGEST)):
        at = free_place(barred, taken, int(pixels), rng)
        if at is not None:
            material = roofs[int(rng.integers(len(roofs)))]
            begins = since + timedelta(days=int(rng.integers(30, (until - since).days - WITHIN_DAYS)))
            image = block(shape, at, int(pixels), mixing=mixing, rng=rng)
            placed.append((int(pixels), Injected("building", material, image, begins, seed * 100 + n)))
    return placed


def free_place(barred: np.ndarray, taken: np.ndarray, pixels: int, rng: np.random.Generator):
    """A place five pixels from real change and well apart from the others; marks it as taken."""
    reach = int(np.sqrt(pixels)) + 9
    for _ in range(200):
        row, column = (float(rng.uniform(8, size - 8)) for size in barred.shape)
        around = _window(row, column, reach)
        if not taken[around].any() and not barred[_window(row, column, 5)].any():
            taken[around] = True
            return row, column
    return None


def _window(row: float, column: float, reach: int) -> tuple[slice, slice]:
    return tuple(slice(max(0, int(v) - reach), int(v) + reach + 1) for v in (row, column))


def real_change(acquisitions: tuple[Acquisition, ...], since: date, until: date) -> np.ndarray:
    """Where the summer's median NDVI fell by 0.06 against the year before: ground on which something happens anyway."""
    summers = {year: _summer(acquisitions, year) for year in range(since.year - 2, until.year + 1)}
    known = [image for image in summers.values() if image is not None]
    changed = np.zeros(shape_of(acquisitions), bool)
    for before, after in pairwise(known):
        fall = after - before
        fall = np.nan_to_num(fall - np.nanmedian(fall))
        changed |= ndimage.uniform_filter(fall, 3) < -0.06
    return np.asarray(ndimage.binary_dilation(changed, iterations=2))


def _summer(acquisitions: tuple[Acquisition, ...], year: int) -> np.ndarray | None:
    chosen = [k for k in acquisitions if k.day.year == year and 6 <= k.day.month <= 9]
    if len(chosen) < 2:
        return None
    ratios = [(k.band("nir") - k.band("red")) / (k.band("nir") + k.band("red")) for k in chosen]
    return np.nanmedian([np.where(clear_of(k), r, np.nan) for k, r in zip(chosen, ratios, strict=True)], axis=0)


def judged(
    series: str, pixels: int, mixing: float, change: Injected, seen: Watched, acquisitions: tuple[Acquisition, ...]
) -> Trial:
    """What became of one building in a watch; `acquisitions` say when it could be seen."""
    at = np.unravel_index(int(np.argmax(change.share)), change.share.shape)
    end = change.since + timedelta(days=WITHIN_DAYS)
    seen_on = sorted({k.day for k in acquisitions if change.since <= k.day <= end and clear_of(k)[at]})
    clear = len(seen_on)
    third = (seen_on[2] - change.since).days if clear >= 3 else WITHIN_DAYS
    mine = [
        event
        for event in seen.confirmed()
        if (event.footprint.frame() & (change.share > 0.25)).any()
        and any(timedelta(-15) <= step - change.since <= timedelta(200) for step in event.steps)
    ]
    first = min(mine, key=lambda e: e.confirmed_on, default=None)
    days = None if first is None else max((first.confirmed_on - change.since).days, 0)
    if first is None or days > WITHIN_DAYS:
        return Trial(series, pixels, mixing, change.material, clear, third, found=False)
    since_it = [step for step in first.steps if step - change.since >= timedelta(-15)]
    first_days = max((min(since_it) - change.since).days, 0)
    seen_as = (True, days, first.change.value, first_days)
    if (first.footprint.frame() & (change.share > 0.02)).sum() < ALONE * first.footprint.pixels:
        return Trial(series, pixels, mixing, change.material, clear, third, *seen_as)
    truth = float(change.share.sum()) / mixing * 100.0
    is_covered = first.area_m2_low <= truth <= first.area_m2_high
    return Trial(
        series, pixels, mixing, change.material, clear, third, *seen_as, True, first.area_m2 / truth, is_covered
    )


HARD = {
    "dark tile": lambda t: t.material == "dark tile",
    f"seen clearly under {SEEN_ACQUISITIONS} times": lambda t: t.acquisitions < SEEN_ACQUISITIONS,
    "over no more than 0.6 of their pixels": lambda t: t.mixing < 0.7,
}


def figures(results: list[Trial]) -> list[Figure]:
    """The lines of the table for buildings."""
    out = []
    for series in sorted({t.series for t in results}):
        for low, high, goal in ((4, 7, "≥ 0.85"), (8, 100, "≥ 0.95")):
            some = [t for t in results if t.series == series and low <= t.pixels <= high]
            often = [t for t in some if t.acquisitions >= SEEN_ACQUISITIONS]
            name = f"{series}, buildings of {low} to {high} px"
            cases = (
                (f"found within {WITHIN_DAYS} days", some),
                (f"the same where {SEEN_ACQUISITIONS} looks were clear", often),
            )
            for what, these in cases:
                why = of_missed([t for t in these if not t.found], HARD)
                out.append(share(f"{name}: {what}", [t.found for t in these], goal, why=why))
    found = [t for t in results if t.found]
    out.append(median("days to the first look that an event claims", [t.first_days for t in found]))
    third = median("days to the third clear look at the same buildings", [t.third for t in found])
    why = f"nothing is confirmed before a third clear look, which comes after {third.value:.0f} days"
    out += [median("days to confirmation", [t.days for t in found], "≤ 40", why=why), third]
    in_time = [t for t in found if t.third <= IN_TIME_DAYS]
    late = [t for t in in_time if t.days is not None and t.days > IN_TIME_DAYS]
    why = f"of {len(in_time)} {len(late)} were confirmed later: " + counted(
        f"{t.material} over {t.mixing:g} of {t.pixels} px" for t in late
    )
    name = f"days to confirmation where a third clear look came within {IN_TIME_DAYS} days"
    out.append(median(name, [t.days for t in in_time], "≤ 40", why=why))
    other = [t.change for t in found if t.change != Change.CONSTRUCTION.value]
    told = [t.change == Change.CONSTRUCTION.value for t in found]
    out.append(share("told as construction", told, "≥ 0.90", why=f"told as {counted(other)}"))
    out.append(
        share("events that took in other ground besides, whose area is not compared", [not t.is_alone for t in found])
    )
    found = [t for t in found if t.is_alone]
    ratios = [t.area_ratio for t in found]
    sizes = ((4, 7), (8, 16), (17, 100))
    of = {size: [t.area_ratio for t in found if size[0] <= t.pixels <= size[1]] for size in sizes}
    why = ", ".join(f"{np.median(some):.2f} for {low} to {high} px" for (low, high), some in of.items() if some)
    out.append(median("area measured / true", ratios, "0.8 to 1.2", why=why))
    missed = [t for t in found if not t.covered]
    larger = sum(t.area_ratio > 1 for t in missed)
    why = f"{larger} measured too large and {len(missed) - larger} too small by more than the interval"
    out.append(share("true area within the interval", [bool(t.covered) for t in found], "≥ 0.90", why=why))
    return out + material_figures(results, ROOFS)


def material_figures(results: Sequence[Trial], roofs: Sequence[str]) -> list[Figure]:
    """For each material: is it found, and told as construction."""
    out = []
    for roof in roofs:
        some = [t for t in results if t.material == roof]
        out.append(share(f"roofs of {roof}: found", [t.found for t in some]))
        found = [t for t in some if t.found]
        other = counted(t.change for t in found if t.change != Change.CONSTRUCTION.value)
        told = [t.change == Change.CONSTRUCTION.value for t in found]
        out.append(share(f"roofs of {roof}: told as construction", told, why=f"told as {other}"))
    return out
