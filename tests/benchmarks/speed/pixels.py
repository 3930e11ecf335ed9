# mypy: disable-error-code="no-any-return,arg-type"
"""The pixel stage of the detector that alerts: masks to evidence, and the fit of a history, block by block."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from itertools import product
from statistics import median
from typing import Any

import numpy as np
from measuring import Line, interleaved, ratio, ratio_line
from scipy import ndimage

from detectors.acquisition import OPTICAL, RADAR, Acquisition
from detectors.baseline.harmonic import Baseline, fit_baseline
from detectors.evidence.belief import SENSORS, no_evidence, transition
from detectors.evidence.signatures import load_signatures
from detectors.lattice import AFTER_SEASONS_PX, lattice_of
from detectors.preprocessing.features import features_of, halo_px
from detectors.preprocessing.masks import clear_of, mask_halo_px
from detectors.sensor_series.scene import SAID, apply_scene, measure_scene

BANDS = {OPTICAL: ("blue", "green", "red", "nir", "nir08", "swir16", "swir22"), RADAR: ("vv", "vh")}
NAMES = {OPTICAL: ("vegetation", "built", "redness", "brightness", "contrast", "texture"), RADAR: ("vv", "vh")}
LEVELS = {OPTICAL: (0.05, 0.08, 0.08, 0.30, 0.30, 0.20, 0.12), RADAR: (0.08, 0.02)}
DAY = date(2024, 5, 1)
BLOCK = 1024
TABLE = load_signatures()


@dataclass
class Kept:
    """One block: its imagery with a halo, its baseline, what is believed, and room for features and the next belief."""

    place: tuple[slice, slice]
    imagery: Acquisition
    inside: tuple[slice, slice]
    baseline: Baseline
    probability: Any
    since: Any
    features: Any
    out: tuple[Any, Any, Any]


@dataclass
class Watched:
    """An acquisition of an area, and what is kept of it, block by block as on disk."""

    sensor: str
    shape: tuple[int, int]
    kept: list[Kept]
    lattice: Baseline

    def step(self) -> None:
        """Take the acquisition in: masks and features, what the whole scene has in common, and evidence."""
        for block in self.kept:
            measured = features_of(block.imagery, clear_of(block.imagery)).values
            block.features = np.ascontiguousarray(measured[:, *block.inside])
        observed = self._lattice(lambda block: block.features)
        everywhere = np.ones(observed.shape[1:], bool)
        day = DAY.toordinal()
        measures = measure_scene(
            observed, self.lattice, sensor=self.sensor, day=day, stable_mask=everywhere, table=TABLE
        )
        move = transition(6)
        for block in self.kept:
            apply_scene(
                block.features,
                block.baseline,
                measures,
                (block.probability, block.since),
                move=move,
                table=TABLE,
                out=block.out,
            )

    def keep_lattice(self) -> None:
        """Put the baseline of the lattice together, which changes only where the baseline does."""
        self.lattice = replace(
            self.kept[0].baseline,
            coefficients=self._lattice(lambda block: block.baseline.coefficients),
            spread=self._lattice(lambda block: block.baseline.spread),
            acquisitions=self._lattice(lambda block: block.baseline.acquisitions),
        )

    def _lattice(self, layer: Callable[[Kept], Any]) -> Any:
        """A layer on the lattice of the whole area, put together from its blocks."""
        some, rows = lattice_of(self.shape, all_px=AFTER_SEASONS_PX), []
        for top in sorted({block.place[0].start for block in self.kept}):
            row = [block for block in self.kept if block.place[0].start == top]
            at = [
                tuple(slice(-s.start % k.step, None, k.step) for s, k in zip(b.place, some, strict=True)) for b in row
            ]
            rows.append(np.concatenate([layer(b)[..., *place] for b, place in zip(row, at, strict=True)], axis=-1))
        return np.concatenate(rows, axis=-2)


def fill_monitor(monitor: Any, side: int, rng: np.random.Generator) -> None:
    """What `fit` would have left in an EWMA monitor."""
    shape = (side, side)
    monitor.x = monitor.y = np.arange(side)
    monitor.beta = rng.normal(0, 0.03, (5, *shape))
    monitor.beta[0] += 0.65
    monitor.sigma = np.full(shape, 0.05)
    monitor.boundary = monitor.sensitivity * monitor.sigma * np.sqrt(monitor.lambda_ / (2 - monitor.lambda_))
    monitor.process = np.zeros(shape)
    monitor.mask = np.ones(shape, np.uint8)
    monitor.detection_date = np.zeros(shape, np.uint16)


def blocks(shape: tuple[int, int], side: int = BLOCK) -> list[tuple[slice, slice]]:
    """The blocks of an area, row by row."""
    rows, columns = ([slice(n, min(n + side, whole)) for n in range(0, whole, side)] for whole in shape)
    return list(product(rows, columns))


def watched(sensor: str, side: int) -> Watched:
    """An area of `side`² pixels with clouds and a baseline of five terms for optics and three for radar."""
    rng, names, bands = np.random.default_rng(5), NAMES[sensor], BANDS[sensor]
    shape, terms = (side, side), 5 if sensor == OPTICAL else 3
    pixels = np.empty((len(bands), *shape), np.float32)
    for layer, level in zip(pixels, LEVELS[sensor], strict=True):
        layer[...] = level * (1 + 0.2 * rng.standard_normal(shape, dtype=np.float32))
    np.maximum(pixels, 1e-4, out=pixels)
    rough = np.repeat(np.repeat(ndimage.gaussian_filter(rng.normal(size=(side // 8,) * 2), 4), 8, axis=0), 8, axis=1)
    clouds = (rough > np.quantile(rough, 0.6)) | (rng.random(shape, dtype=np.float32) < 3e-4)
    scl = np.where(clouds, 9, 4).astype(np.uint8) if sensor == OPTICAL else None
    halo, kept = halo_px(Acquisition("x", sensor, DAY, bands, pixels, clouds)) + mask_halo_px(), []
    for place in blocks(shape):
        wide = tuple(slice(max(0, s.start - halo), min(side, s.stop + halo)) for s in place)
        inside = tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(place, wide, strict=True))
        layers, valid = np.ascontiguousarray(pixels[:, *wide]), np.ones(shape, bool)[wide].copy()
        classes = None if scl is None else scl[wide].copy()
        imagery = Acquisition("x", sensor, DAY, bands, layers, valid, classes)
        usual = np.ascontiguousarray(features_of(imagery, valid).values[:, *inside])
        coefficients = np.zeros((len(names), terms, *usual.shape[1:]), np.float32)
        coefficients[:, 0] = np.median(usual, axis=(1, 2))[:, None, None]
        spread = np.broadcast_to(usual.std(axis=(1, 2))[:, None, None], usual.shape).astype(np.float32)
        looked = np.full(usual.shape[1:], 40, np.int16)
        baseline = Baseline(names, terms // 2, coefficients, spread, looked, 40.0 * np.eye(terms))
        start, s = no_evidence(looked.shape), SENSORS.index(sensor)
        before = (start.probability[s].copy(), start.since[s].copy())
        said = np.zeros((SAID, *looked.shape), np.float32)
        out = (said, before[0].copy(), before[1].copy())
        kept.append(Kept(place, imagery, inside, baseline, *before, usual, out))
    area = Watched(sensor, shape, kept, kept[0].baseline)
    area.keep_lattice()
    return area


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
                    partial(fit_baseline, values, days, names=names),
                    partial(nanlstsq, design, some),
                    partial(rirls, design, some),
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
