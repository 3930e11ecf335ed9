"""The cases that the table of signatures is fitted on: changes put into real series, drawn places, and real pairs.

Seeds under 100 only: those of the benchmark from 100 on chose nothing. Each case bears the ground it lies on, so that a
table can be fitted without that ground.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import variety
from cases import Case, Happened, arid, built, cleared, place, pulled, sky, walled
from grounds import QUIET_SPAN, truth_on
from nuisances import Days, flood
from series import measured, real_series, shape_of
from worlds import END, WEEKS

from aois.demonstration import demonstration
from detectors.acquisition import OPTICAL, Acquisition, Mask
from detectors.ground import whole
from detectors.preprocessing.masks import clear_of
from detectors.records import Change
from flows.imagery.simulation.land.land_mix import RURAL

SEEDS = (1, 2, 3)
ROMANIA, MINE = (date(2019, 1, 7), date(2020, 12, 27)), (date(2020, 1, 6), date(2020, 12, 27))
CLEARED = {"romania": (date(2018, 1, 1), date(2020, 12, 27)), "mine-1": MINE}
PAIRS = (
    "suburb-apex-haddonhall",
    "suburb-houston-spring",
    "suburb-raleigh-northhills",
    "newcapital-egypt",
    "slovenia-medvode",
)
QUIET = ("s1-t137-292319-iw2", "s1-t137-292321-iw2", "s1-t137-292323-iw2")
MIXING = {1: 0.7, 2: 0.5, 3: 0.8}
SKIES = (0, 1, 2, 3, 4, 5, 7)
VISIBLE = ("blue", "green", "red")
CLEAR, A_YEAR, SEASON_DAYS, PAIRS_A_CASE = 0.93, 200, 50, 2


@dataclass(frozen=True)
class FitCase:
    """One case with its name and the ground that it lies on, an archive's name or a kind of drawn ground.

    `water` bool (y, x) marks, by series and day number, what lies under water.
    """

    name: str
    ground: str
    case: Case
    water: Mapping[tuple[str, int], Mask] = field(default_factory=dict)


def fit_cases() -> Iterator[FitCase]:
    """Make every case, series first, each followed by pairs of its scenes."""
    for one in _series():
        yield one
        yield from _pairs_of(one)
        if one.name.endswith("-1"):
            bare = replace(one, name=f"{one.name}-rgb", case=_visible(one.case))
            yield bare
            yield from _pairs_of(bare)
    for name in PAIRS:
        yield FitCase(name, name, _real_pair(name))
    for name in QUIET:
        yield FitCase(name, name, _quiet(name))
    for seed in SEEDS:
        yield FitCase(f"desert-{seed}", "drawn desert", arid(seed=seed))
        yield _flooded(seed)


def _series() -> Iterator[FitCase]:
    for series, span in CLEARED.items():
        yield FitCase(f"cleared-{series}-1", series, cleared(series, *span))
    for seed in SEEDS:
        mixing = MIXING[seed]
        yield FitCase(f"built-romania-{seed}", "romania", built("romania", *ROMANIA, seed=seed, mixing=mixing))
        soil = built("romania", *ROMANIA, seed=seed + 50, mixing=max(mixing, 0.7), on_soil=True)
        yield FitCase(f"soil-romania-{seed}", "romania", soil)
        yield FitCase(f"built-mine-{seed}", "mine-1", built("mine-1", *MINE, seed=seed, mixing=mixing))
        yield FitCase(f"pulled-romania-{seed}", "romania", pulled("romania", *ROMANIA, seed=seed))
        yield FitCase(f"pulled-mine-{seed}", "mine-1", pulled("mine-1", *MINE, seed=seed))
        yield FitCase(f"walls-{seed}", "drawn dry ground", walled(seed=seed))
        for number in SKIES:
            yield FitCase(f"sky-{number}-{seed}", "drawn ground", sky(number, seed=seed))
        if seed < SEEDS[-1]:
            for area in demonstration():
                yield FitCase(f"{area.id}-{seed}", "drawn places", place(area.id, seed=seed))


def _visible(case: Case) -> Case:
    """The same case with red, green and blue alone, as many archives have it."""
    acquisitions = []
    for one in case.acquisitions:
        if one.sensor == OPTICAL:
            kept = [n for n, band in enumerate(one.bands) if band in VISIBLE]
            acquisitions.append(replace(one, bands=tuple(one.bands[n] for n in kept), pixels=one.pixels[kept]))
    return replace(case, acquisitions=tuple(acquisitions))


def _pairs_of(one: FitCase) -> Iterator[FitCase]:
    """Two clear scenes of about the same season, before anything happened and after all of it."""
    case = one.case
    optical = sorted((k for k in case.acquisitions if k.sensor == OPTICAL), key=lambda k: (k.day, k.scene_id))
    clear = [k for k in optical if clear_of(k)[case.ground.monitored_mask].mean() >= CLEAR]
    last = max((change.begins for change in case.changes), default=case.since)
    older, newer = [k for k in clear if k.day < case.since], [k for k in clear if k.day > last + timedelta(days=5)]
    chosen = [(a, b) for a in older for b in newer if _same_season(a, b)]
    rng = np.random.default_rng(len(chosen))
    for n, at in enumerate(rng.permutation(len(chosen))[:PAIRS_A_CASE]):
        yield replace(one, name=f"pair {n} of {one.name}", case=_as_pair(case, *chosen[at]))


def _same_season(a: Acquisition, b: Acquisition) -> bool:
    apart = abs((a.day.timetuple().tm_yday - b.day.timetuple().tm_yday + 182) % 365 - 182)
    return apart <= SEASON_DAYS and (b.day - a.day).days >= A_YEAR


def _as_pair(case: Case, before: Acquisition, after: Acquisition) -> Case:
    monday = after.day - timedelta(days=after.day.weekday())
    changes = tuple(c for c in case.changes if before.day < c.begins <= after.day)
    return replace(
        case,
        acquisitions=(before, after),
        since=monday,
        until=monday + timedelta(days=6),
        changes=changes,
        least_share=case.least_share or 0.1,
        is_provisional=True,
        history_days=(after.day - before.day).days + 30,
    )


def _real_pair(name: str) -> Case:
    """Two real scenes with their drawn truth; where that is not exhaustive, only its quiet ground counts as quiet."""
    acquisitions = real_series(name)
    before, after = acquisitions[0], acquisitions[-1]
    truth = truth_on(name)
    changes = tuple(
        Happened(c.mask, after.day, Change(c.accepted[0])) for c in truth.changes if c.is_sure and c.accepted
    )
    monday = after.day - timedelta(days=after.day.weekday())
    return Case(
        acquisitions,
        whole(shape_of(acquisitions)),
        monday,
        monday + timedelta(days=6),
        changes,
        ~truth.quiet,
        0.1,
        True,
        True,
        (after.day - before.day).days + 30,
    )


def _quiet(name: str) -> Case:
    """A series of radar over ground on which nothing was built."""
    acquisitions = real_series(name)
    return Case(acquisitions, whole(shape_of(acquisitions)), *QUIET_SPAN, (), ~measured(acquisitions), 0.1, True)


def _flooded(seed: int) -> FitCase:
    """Fields under water for weeks: only what lies under water is known there."""
    dry, ground = variety._quiet_ground(RURAL, seed)
    days = Days(END - timedelta(days=7 * WEEKS - 1), END)
    wet = flood(dry, days, np.random.default_rng(seed))
    water = {
        (after.series, after.day.toordinal()): np.asarray((after.pixels <= 0.5 * before.pixels).any(axis=0))
        for before, after in zip(dry, wet, strict=True)
        if after is not before and after.sensor == OPTICAL  # to the radar it is as smooth as ground without its roofs
    }
    everything = np.ones(ground.shape, bool)
    return FitCase(
        f"flood-{seed}", "drawn ground", Case(wet, ground, days.since, days.until, (), everything, 0.1, False), water
    )
