# mypy: strict-optional=False
"""Radar of which a second platform takes over, off its place or brighter: what is false, with correction and without.

All is radar alone on ground where nothing happens: simulated towns and paddies, and the quiet Sentinel-1 series, whose
later acquisitions are shifted to order. Without the correction every acquisition is compared as it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from replay import watch
from scipy import ndimage
from scoring import Figure, rate
from series import measured, real_series
from swapping import swapped
from truth import QUIET_SPAN
from worlds import END, WEEKS

from aois.area import AreaKind
from aois.demonstration import demonstration
from aois.grid import grid_of
from detectors.acquisition import Acquisition
from detectors.ground import Ground, whole
from detectors.preprocessing.platforms import FittedPositions
from flows.imagery.detector_inputs import acquisition_of, ground_of
from flows.imagery.scene import Sensor
from flows.imagery.simulation.sensors.radar_platforms import RadarPlatform
from flows.imagery.simulation.simulated_source import SimulatedSource

STEPS = ((0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (2.0, 0.0), (0.0, 1.0))  # a shift in native pixels, a gain in dB
PLACES = ("demo-quiet-town", "demo-quiet-paddy")
REAL = "s1-t137-292319-iw2"
OLD, NEW = "sentinel-1a", "sentinel-1b"
UNPLACED = {
    "detectors.sensor_series.series.fit_positions": lambda _: lambda *_, **__: FittedPositions(None, (), {}),
}
DIRECTION = (0.6, 0.8)  # rows and columns of a shift of one pixel


@dataclass(frozen=True)
class Takeover:
    """One series of which a second platform takes over: events on record and confirmed, with and without correction."""

    place: str
    shift_px: float
    gain_db: float
    is_corrected: bool
    held: int
    confirmed: int
    km2_years: float


def takeover(place: str, shift_px: float, gain_db: float, *, seed: int, is_corrected: bool) -> Takeover:
    """Watch one series of radar whose platform changes when the watch has begun."""
    maker = real if place == REAL else simulated
    acquisitions, ground, since, until = maker(place, shift_px, gain_db, seed=seed)
    with swapped({} if is_corrected else UNPLACED):
        seen = watch(acquisitions, since=since, until=until, ground=ground)
    area_km2 = float(ground.monitored_mask.sum()) * ground.pixel_area_m2 / 1e6
    years = (until - since).days / 365.25
    return Takeover(place, shift_px, gain_db, is_corrected, len(seen.held()), len(seen.confirmed()), area_km2 * years)


def simulated(
    place: str, shift_px: float, gain_db: float, *, seed: int, sensors: Sequence[Sensor] = (Sensor.SENTINEL_1,)
) -> tuple[list[Acquisition], Ground, date, date]:
    """Half a year of a place of the demonstration after two of history; the second platform flies from week five on."""
    area = next(area for area in demonstration() if area.id == place)
    grid, since = grid_of(area), END - timedelta(days=7 * WEEKS - 1)
    change = since + timedelta(days=30)
    off = (DIRECTION[0] * shift_px, DIRECTION[1] * shift_px)
    fleet = (
        RadarPlatform(OLD, last=change - timedelta(days=1)),
        RadarPlatform(NEW, first=change, shift_px=off, gain_db=gain_db),
    )
    source = SimulatedSource(END, seed, radar_platforms=fleet)
    refs = source.search(area, grid, since=since - timedelta(days=730), until=END)
    looks = [acquisition_of(source.fetch(area, grid, ref), grid) for ref in refs if ref.sensor in sensors]
    ground = ground_of(area, grid, sites=tuple(a for a in demonstration() if a.kind is AreaKind.SITE))
    return looks, ground, since, END


def real(place: str, shift_px: float, gain_db: float, *, seed: int) -> tuple[list[Acquisition], Ground, date, date]:
    """A quiet Sentinel-1 series whose acquisitions from the first watched month on are moved and brightened."""
    acquisitions = real_series(place)
    since, until = QUIET_SPAN
    change = since + timedelta(days=30)
    looks = [_wrong(k, shift_px, gain_db) if k.day >= change else replace(k, platform=OLD) for k in acquisitions]
    return looks, replace(whole(looks[0].valid.shape), monitored_mask=measured(acquisitions)), since, until


def _wrong(acquisition: Acquisition, shift_px: float, gain_db: float) -> Acquisition:
    """An acquisition of the second platform, so many native pixels off and so much brighter."""
    off = [shift_px * acquisition.resolution_px * part for part in DIRECTION]
    filled = np.where(acquisition.valid, acquisition.pixels, np.float32(0.01))
    moved = filled if shift_px == 0 else np.stack([ndimage.shift(b, off, order=1, mode="nearest") for b in filled])
    seen = ndimage.shift(acquisition.valid.astype(np.float32), off, order=1, cval=0.0) > 0.99
    pixels = np.where(seen, moved * 10 ** (gain_db / 10), np.nan).astype(np.float32)
    return replace(acquisition, pixels=pixels, valid=seen, platform=NEW)


def jobs(seeds: range, *, has_real: bool) -> list[tuple[object, ...]]:
    """Every step at every place, corrected and not; real ground is the same under every seed."""
    some = [(place, seed) for seed in seeds for place in PLACES] + [(REAL, seeds.start)] * has_real
    return [
        (place, shift, gain, {"seed": seed, "is_corrected": is_corrected})
        for place, seed in some
        for shift, gain in STEPS
        for is_corrected in (True, False)
    ]


def figures(found: Sequence[Takeover]) -> list[Figure]:
    """False events a km² and year by step, corrected and not; the goal is that none is above that of no step."""
    out = []
    for name, places in (("simulated quiet places", PLACES), ("quiet Sentinel-1 series", (REAL,))):
        for shift, gain in STEPS:
            for is_corrected in (True, False):
                some = [
                    t
                    for t in found
                    if t.place in places and (t.shift_px, t.gain_db, t.is_corrected) == (shift, gain, is_corrected)
                ]
                step = f"{gain:g} dB brighter" if gain else f"{shift:g} px off"
                how = "corrected" if is_corrected else "as it came"
                years, goal = sum(t.km2_years for t in some), "≤ 0.05" if is_corrected else ""
                what = f"{name}, {step}, {how}: false {{}} a km² and year"
                out.append(rate(what.format("confirmed events"), sum(t.confirmed for t in some), years, goal))
                out.append(rate(what.format("events on record"), sum(t.held for t in some), years))
    return out
