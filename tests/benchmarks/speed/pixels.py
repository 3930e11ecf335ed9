# mypy: disable-error-code="no-any-return"
"""The pixel stage of the detector that alerts: masks to evidence, and the fit of a history, block by block."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import product
from statistics import median
from typing import Any

import numpy as np
from kernels import fill_monitor
from measuring import Line, interleaved, ratio, ratio_line
from scipy import ndimage

from detectors.acquisition import OPTICAL, RADAR, Acquisition
from detectors.baseline.harmonic import Baseline, fit_baseline
from detectors.evidence.belief import SENSORS, no_evidence, step_filter, transition
from detectors.evidence.signatures import load_signatures
from detectors.lattice import lattice_of
from detectors.preprocessing.features import features_of, halo_px
from detectors.preprocessing.masks import clear_of, mask_halo_px
from detectors.sensor_series.scene import apply_scene, measure_scene

BANDS = {OPTICAL: ("blue", "green", "red", "nir", "nir08", "swir16", "swir22"), RADAR: ("vv", "vh")}
NAMES = {OPTICAL: ("vegetation", "built", "redness", "brightness", "contrast", "texture"), RADAR: ("vv", "vh")}
LEVELS = {OPTICAL: (0.05, 0.08, 0.08, 0.30, 0.30, 0.20, 0.12), RADAR: (0.08, 0.02)}
DAY = date(2024, 5, 1)
BLOCK = (128, 512)
TABLE = load_signatures()


@dataclass
class Watched:
    """An acquisition of a sensor, its baseline, and what is believed before and after, all of one area."""

    acquisition: Acquisition
    baseline: Baseline
    probability: Any
    since: Any
    features: Any
    out: tuple[Any, Any]

    def step(self) -> None:
        """Take the acquisition in: masks, features, the scene, and evidence, in blocks with a halo."""
        features = self._features()
        shape, day = self.acquisition.valid.shape, DAY.toordinal()
        some = lattice_of(shape)
        everywhere = np.ones(shape, bool)
        sensor = self.acquisition.sensor
        measures = measure_scene(
            features[:, *some],
            self.baseline.at(some),
            sensor=sensor,
            day=day,
            stable_mask=everywhere[some],
            table=TABLE,
        )
        move = transition(6)
        for block in blocks(shape):
            _, said = apply_scene(features[:, *block], self.baseline.at(block), measures, table=TABLE)
            now = (np.empty((6, *said.shape[1:]), np.float32), np.empty((3, *said.shape[1:]), np.int32))
            before = self.probability[:, *block], self.since[:, *block]
            step_filter(said, *before, move=move, day=day, out=now)
            for whole, part in zip(self.out, now, strict=True):
                whole[:, *block] = part

    def _features(self) -> Any:
        shape, halo = self.acquisition.valid.shape, halo_px(self.acquisition) + mask_halo_px()
        for block in blocks(shape, (512, 512)):
            wide = tuple(
                slice(max(0, s.start - halo), min(n, s.stop + halo)) for s, n in zip(block, shape, strict=True)
            )
            inside = tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(block, wide, strict=True))
            a = self.acquisition
            scl = None if a.scl is None else a.scl[wide]
            part = replace(a, pixels=np.ascontiguousarray(a.pixels[:, *wide]), valid=a.valid[wide], scl=scl)
            self.features[:, *block] = features_of(part, clear_of(part)).values[:, *inside]
        return self.features


def blocks(shape: tuple[int, int], size: tuple[int, int] = BLOCK) -> list[tuple[slice, slice]]:
    """The blocks of an area, row by row."""
    rows, columns = (
        [slice(n, min(n + s, whole)) for n in range(0, whole, s)] for whole, s in zip(shape, size, strict=True)
    )
    return list(product(rows, columns))


def watched(sensor: str, side: int) -> Watched:
    """An area of `side`² pixels with clouds and a baseline of five terms for optics and three for radar."""
    rng, names, bands = np.random.default_rng(5), NAMES[sensor], BANDS[sensor]
    shape = (side, side)
    pixels = np.empty((len(bands), *shape), np.float32)
    for layer, level in zip(pixels, LEVELS[sensor], strict=True):
        layer[...] = level * (1 + 0.2 * rng.standard_normal(shape, dtype=np.float32))
    np.maximum(pixels, 1e-4, out=pixels)
    rough = np.repeat(np.repeat(ndimage.gaussian_filter(rng.normal(size=(side // 8,) * 2), 4), 8, axis=0), 8, axis=1)
    clouds = (rough > np.quantile(rough, 0.6)) | (rng.random(shape, dtype=np.float32) < 3e-4)
    scl = np.where(clouds, 9, 4).astype(np.uint8) if sensor == OPTICAL else None
    acquisition = Acquisition("x", sensor, DAY, bands, pixels, np.ones(shape, bool), scl)
    usual = features_of(replace(acquisition, scl=None), np.ones(shape, bool)).values
    pairs = 2 if sensor == OPTICAL else 1
    coefficients = np.zeros((len(names), 1 + 2 * pairs, *shape), np.float32)
    coefficients[:, 0] = np.median(usual, axis=(1, 2))[:, None, None]
    spread = np.broadcast_to(usual.std(axis=(1, 2))[:, None, None], usual.shape).astype(np.float32)
    baseline = Baseline(names, pairs, coefficients, spread, np.full(shape, 40, np.int16), 40.0 * np.eye(1 + 2 * pairs))
    start, s = no_evidence(shape), SENSORS.index(sensor)
    probability, since = start.probability[s].copy(), start.since[s].copy()
    return Watched(acquisition, baseline, probability, since, np.empty_like(usual), (probability.copy(), since.copy()))


def lines(*, sides: tuple[int, ...], rounds: int) -> list[Line]:
    """The pixel stage at some sizes, and the fit of a history, each beside nrt's EWMA in the same rounds."""
    return [*(line for side in sides for line in _steps(side, rounds)), *_fits(rounds)]


def _steps(side: int, rounds: int) -> list[Line]:
    optical, radar = (watched(sensor, side) for sensor in (OPTICAL, RADAR))
    peer, what = _nrt(side)
    works: list[Callable[[], Any]] = [optical.step, radar.step, peer]
    times = interleaved(works, rounds=rounds)
    megapixels = side * side / 1e6
    of_optical, of_radar, of_peer = (megapixels / median(t) for t in times)
    features = len(NAMES[OPTICAL])
    each = features * ratio(times[2], times[0])
    return [
        Line(
            f"Sentinel-2, seven bands, masks to evidence, {side}², one core",
            f"{of_optical:.1f} Mpx/s; {what} {of_peer:.0f}, so {each:.2g} for each feature",
            "≥ 12 Mpx/s",
            of_optical >= 12,
        ),
        Line(
            f"Sentinel-1, two polarisations, masks to evidence, {side}², one core",
            f"{of_radar:.1f} Mpx/s",
            "≥ 30 Mpx/s",
            of_radar >= 30,
        ),
    ]


def _nrt(side: int) -> tuple[Callable[[], Any], str]:
    """One date of nrt's EWMA over as many pixels, or a copy of one band where nrt is not installed."""
    index = np.random.default_rng(6).normal(0.6, 0.1, (side, side)).astype(np.float32)
    try:
        from nrt.monitor.ewma import EWMA
    except ImportError:
        copy = np.empty_like(index)
        return (lambda: np.copyto(copy, index)), "a copy of one band"
    monitor = EWMA(trend=False, harmonic_order=2)
    fill_monitor(monitor, side, np.random.default_rng(7))
    return (lambda: monitor.monitor(index, datetime(DAY.year, DAY.month, DAY.day))), "nrt EWMA"  # noqa: DTZ001


def _fits(rounds: int) -> list[Line]:
    """The fit of 24 and 60 dates over a block, beside nrt's least squares and robust fit of one index."""
    from nrt.fit_methods import rirls
    from nrt.stats import nanlstsq

    found = []
    for count, step in ((24, 30), (60, 12)):
        rng, names = np.random.default_rng(8), NAMES[OPTICAL]
        days = (DAY - timedelta(days=step * count)).toordinal() + step * np.arange(count)
        values = rng.normal(0.5, 0.05, (count, len(names), 128, 256)).astype(np.float32)
        values[np.broadcast_to(rng.random((count, 1, 128, 256)) < 0.5, values.shape)] = np.nan
        turn = 2 * np.pi * days / 365.25
        design = np.stack([np.ones(count), np.cos(turn), np.sin(turn), np.cos(2 * turn), np.sin(2 * turn)], axis=1)
        some = values[:, 0].reshape(count, -1)[:, :1024].astype(np.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ours, simple, robust = interleaved(
                [
                    lambda v=values, d=days, n=names: fit_baseline(v, d, names=n),
                    lambda x=design, s=some: nanlstsq(x, s),
                    lambda x=design, s=some: rirls(x, s),
                ],
                rounds=rounds,
            )
        rate = 128 * 256 * count / 1e6 / median(ours)
        per_feature = len(names) * 128 * 256 / 1024
        found += [
            Line(
                f"first history of {count} dates, six features, one core",
                f"{rate:.1f} Mpx·acquisition/s; for each feature {per_feature * ratio(simple, ours):.2g} times nrt's "
                "`nanlstsq`",
                "≥ 12",
                rate >= 12,
            ),
            ratio_line(
                "the same for each feature: against nrt's RIRLS",
                f"{len(names) * rate:.0f} Mpx·date/s",
                per_feature * ratio(robust, ours), excellent=100, floor=20,
            ),
        ]  # fmt: skip
    return found
