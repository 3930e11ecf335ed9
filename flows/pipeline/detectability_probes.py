"""An area's own archive asked how small a change it would have shown: rounds of probes on several processes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy import ndimage

from aois.area import Area
from aois.grid import grid_of
from aois.week import week_of
from detectors.acquisition import OPTICAL, RADAR, Acquisition, Mask
from detectors.ground import Ground
from detectors.monitor.state import AreaState
from detectors.monitor.steps import begin
from detectors.monitor.weeks import watch_weeks
from detectors.sensitivity.detectability import (
    Curve,
    DetectabilityParameters,
    Visibility,
    cropped,
    curves_of,
    draw_probes,
    ground_held,
    watch_probes,
)
from flows.config.settings import SettingsError
from flows.imagery.archive.store import Archive
from flows.imagery.detector_inputs import acquisition_of, ground_of
from flows.ledger.worlds import World, world_of
from flows.reports.detectability_curve import Detectability

WEEKS, FEWEST_WEEKS = 26, 13
THOROUGH = 4  # times the rounds of an ordinary call
SIDE_PX = 180
OWN_CHANGE_PX = 6
BOTH = "both"


@dataclass(frozen=True)
class ArchiveSelection:
    """Which archived looks are asked: of one area from one source, with the whole list around it."""

    archive: Path
    area: Area
    source: str
    sites: tuple[Area, ...]
    history_days: int


@dataclass(frozen=True)
class WatchedPeriod:
    """The watched time: first and last day, both of whole weeks."""

    since: date
    until: date


def detectability_of(
    series: ArchiveSelection, *, rounds: int, thorough: bool, workers: int, progress: Callable[[int, int], None]
) -> Detectability:
    """Measure what would have been seen in an area over the last half year of its archive.

    Where `thorough`, also over the half year before.

    The same archive gives the same answer. Raises `SettingsError` where there is no archive, or too short a one.
    """
    looks, ground = _looks(series)
    spans = _spans(looks, series.area.id, count=2 if thorough else 1)
    rounds = rounds * THOROUGH // len(spans) if thorough else rounds
    sets = _sensor_sets(looks, spans)
    jobs = [(series, span, sensors, n) for span in spans for sensors in sets for n in range(rounds)]
    visibilities: dict[str, list[Visibility]] = {sensors: [] for sensors in sets}
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(run_round, *job): job[2] for job in jobs}
        for done, future in enumerate(as_completed(waiting), start=1):
            visibilities[waiting[future]].extend(future.result())
            progress(done, len(jobs))
    p = DetectabilityParameters()
    curves: dict[str, tuple[Curve, ...]] = {sensors: curves_of(found) for sensors, found in visibilities.items()}
    return Detectability(
        area_id=series.area.id,
        first=spans[-1].since.isoformat(),
        last=spans[0].until.isoformat(),
        history_from=min(k.day for k in looks).isoformat(),
        scenes=len(looks),
        rounds=rounds * len(spans),
        within_days=p.within_days,
        goal=p.goal,
        ground_km2=round(float(ground.monitored_mask.sum()) * ground.pixel_area_m2 / 1e6, 2),
        curves=curves,
        simulated=world_of(series.source) is World.SIMULATED,
    )


def run_round(series: ArchiveSelection, span: WatchedPeriod, sensors: str, number: int) -> tuple[Visibility, ...]:
    """Watch one round of probes, on ground where nothing else happened, by some of the sensors."""
    state, looks, free = _begun(series, span, sensors)
    p = DetectabilityParameters()
    last = max(span.since, span.until - timedelta(days=p.within_days))
    seed = int.from_bytes(hashlib.sha256(series.area.id.encode()).digest()[:4])
    probes = draw_probes(free, since=span.since, last=last, number=number, seed=seed)
    return watch_probes(probes, state, looks, since=span.since, until=span.until, history_days=series.history_days)


@lru_cache(maxsize=4)
def _begun(
    series: ArchiveSelection, span: WatchedPeriod, sensors: str
) -> tuple[AreaState, tuple[Acquisition, ...], Mask]:
    """The state before the first week, the looks from the history on, and the ground that is free for probes."""
    everything, ground = _looks(series)
    earliest = span.since - timedelta(days=series.history_days)
    recent = tuple(k for k in everything if earliest <= k.day <= span.until)
    looks = tuple(k for k in recent if sensors in (BOTH, k.sensor))
    state, _ = begin(ground, [k for k in looks if k.day < span.since])
    return state, looks, ground.monitored_mask & ~_own_change(series, span)


@lru_cache(maxsize=2)
def _own_change(series: ArchiveSelection, span: WatchedPeriod) -> Mask:
    """Where something happened anyway, and its surroundings."""
    everything, ground = _looks(series)
    earliest = span.since - timedelta(days=series.history_days)
    looks = [k for k in everything if earliest <= k.day <= span.until]
    state, _ = begin(ground, [k for k in looks if k.day < span.since])
    state, _ = watch_weeks(state, looks, since=span.since, until=span.until, history_days=series.history_days)
    held, _ = ground_held(state)
    return np.asarray(ndimage.binary_dilation(held, iterations=OWN_CHANGE_PX))


@lru_cache(maxsize=2)
def _looks(series: ArchiveSelection) -> tuple[tuple[Acquisition, ...], Ground]:
    grid = grid_of(series.area)
    archive = Archive(series.archive)
    held = archive.list(series.area.id, series.source, grid)
    if not held:
        raise SettingsError(
            f"area `{series.area.id}` has no scene from source `{series.source}` in the archive at {series.archive}; "
            "run `sitewatch watch` for it first"
        )
    looks = [acquisition_of(archive.get(series.area.id, series.source, grid, s.scene_id), grid) for s in held]
    return cropped(looks, ground_of(series.area, grid, sites=series.sites), side_px=SIDE_PX)


def _spans(looks: Sequence[Acquisition], area_id: str, *, count: int) -> tuple[WatchedPeriod, ...]:
    """Whole weeks up to the last look: half a year, or half of what there is; further ones before it."""
    first, last = looks[0].day, max(k.day for k in looks)
    whole = (last - first).days // 7
    weeks = min(WEEKS, whole // 2)
    if weeks < FEWEST_WEEKS:
        raise SettingsError(
            f"area `{area_id}`: its archive spans {whole} weeks, and {2 * FEWEST_WEEKS} are needed, half of them as "
            "history; watch it for longer, or from an earlier --since"
        )
    end = week_of(last)
    spans = [
        WatchedPeriod(end.plus(1 - weeks * (n + 1)).first_day, end.plus(-weeks * n).last_day) for n in range(count)
    ]
    return tuple(s for s in spans if (s.since - first).days >= 7 * weeks)


def _sensor_sets(looks: Sequence[Acquisition], spans: Sequence[WatchedPeriod]) -> tuple[str, ...]:
    """The sensors with a history before and looks within every span, and both together where both have."""
    kept = [sensor for sensor in (OPTICAL, RADAR) if all(_is_watched(looks, sensor, span) for span in spans)]
    return (*kept, BOTH) if len(kept) == 2 else tuple(kept)


def _is_watched(looks: Sequence[Acquisition], sensor: str, span: WatchedPeriod) -> bool:
    days = [k.day for k in looks if k.sensor == sensor]
    return any(d < span.since for d in days) and any(span.since <= d <= span.until for d in days)


def folder_of(outputs: Path, area_id: str) -> Path:
    """Return the folder of an area's results."""
    return outputs / "areas" / area_id


def lines_of(found: Detectability) -> Iterator[str]:
    """Word the result for a person, a line for every curve."""
    from flows.reports.detectability_curve import SENSOR_WORDS, smallest_words

    for sensors, curves in found.curves.items():
        yield f"{SENSOR_WORDS[sensors]}:"
        for curve in curves:
            yield f"  {smallest_words(curve, found.goal)}"
