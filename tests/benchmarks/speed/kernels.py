# mypy: disable-error-code="attr-defined,func-returns-value"
# mypy: strict-optional=False
"""The inner loops against what others offer for the same job, on one core."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

import numpy as np
from measuring import Line, interleaved, ratio, ratio_line
from scipy import ndimage

from detectors.tile_search import update as wide
from detectors.tile_search import update_numba as wide_kernels
from detectors.tile_search.fit import fit_baseline
from detectors.tile_search.median import MISSING, masked_median
from detectors.tile_search.objects import join_runs, runs_of_mask

P = wide.WideParameters()
DAY = date(2024, 5, 1)
TILE = 10_980


def lines(*, side: int, rounds: int) -> list[Line]:
    """Every comparison of inner loops; `side` pixels for the update of one date."""
    return [*update(side=side, rounds=rounds), *fits(rounds=rounds), *medians(rounds=rounds), *objects(rounds=rounds)]


def update(*, side: int, rounds: int) -> list[Line]:
    """One date taken into the state of `side`² pixels."""
    rng = np.random.default_rng(1)
    static, dynamic = baseline((side, side), rng), np.zeros((3, side, side), np.int16)
    red = rng.integers(1200, 2200, (side, side), dtype=np.uint16)
    nir = rng.integers(3000, 5500, (side, side), dtype=np.uint16)
    clear = (rng.random((side, side), dtype=np.float32) < 0.6).astype(np.uint8)
    weights = wide.season_weights(DAY)
    shifts = wide.common_shift(static, weights, red, nir, clear, parameters=P)
    how = {"weights": weights, "shifts": shifts, "red": red, "nir": nir, "clear": clear}
    given: dict[str, Any] = {**how, "day": wide.day_number(DAY), "parameters": P}
    held: tuple[np.ndarray[Any, Any], ...] = (static, dynamic, red, nir, clear)
    copies = [np.empty_like(array) for array in held]
    monitor = _nrt_monitor(side, rng)
    works: list[Callable[[], Any]] = [
        lambda: wide_kernels.update(static, dynamic, **given),
        lambda: [np.copyto(copy, array) for copy, array in zip(copies, held, strict=True)],
        lambda: wide.update_plain(static, dynamic, **given),
        monitor,
    ]
    ours, copy, plain, theirs = interleaved(works, rounds=rounds)
    megapixels = side * side / 1e6
    what = f"one date, {megapixels:.0f} Mpx, one core"
    return [
        ratio_line(
            f"{what}: compiled update against nrt `EWMA.monitor`",
            f"{_rate(megapixels, ours)} against {_rate(megapixels, theirs)} Mpx/s",
            ratio(theirs, ours), excellent=10, floor=4,
        ),
        ratio_line(
            f"{what}: the plain numpy form against nrt",
            f"{_rate(megapixels, plain)} Mpx/s",
            ratio(theirs, plain), excellent=5, floor=2.5,
        ),
        ratio_line(
            f"{what}: against a copy of all it takes ({sum(a.nbytes for a in held) / side**2:.0f} bytes a pixel)",
            f"copy {_rate(megapixels, copy)} Mpx/s",
            ratio(copy, ours), excellent=0.5, floor=0.25,
        ),
    ]  # fmt: skip


def baseline(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Static layers of green land: int16 (7, y, x)."""
    layers = np.empty((7, *shape), np.int16)
    for layer, (mean, width) in zip(
        layers, [(650, 80), (40, 30), (30, 30), (10, 15), (10, 15), (38, 6), (55, 15)], strict=True
    ):
        layer[...] = mean + width * rng.standard_normal(shape, dtype=np.float32)
    return layers


def _nrt_monitor(side: int, rng: np.random.Generator) -> Callable[[], Any]:
    """nrt's monitor over as many pixels, its state made rather than fitted; it is given the index ready made."""
    from nrt.monitor.ewma import EWMA

    monitor = EWMA(trend=False, harmonic_order=2)
    fill_monitor(monitor, side, rng)
    index = (0.65 + 0.08 * rng.standard_normal((side, side), dtype=np.float32)).astype(np.float32)
    index[rng.random((side, side), dtype=np.float32) < 0.4] = np.nan
    return lambda: monitor.monitor(index, datetime(DAY.year, DAY.month, DAY.day))  # noqa: DTZ001 - nrt takes no zone


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


def fits(*, rounds: int) -> list[Line]:
    """The baseline fit over 60 dates, half of them cloudy; peers take fewer pixels, so rates are per pixel and date."""
    from nrt.fit_methods import rirls
    from nrt.stats import nanlstsq

    pixels, few, fewer = 65_536, 8192, 1024
    red, nir, clear, weights, ndvi = _history(pixels)
    measured = np.where(clear > 0, ndvi, np.nan).astype(np.float64)
    some, design = np.ascontiguousarray(measured[:, :few]), weights.astype(np.float64)
    robust = np.ascontiguousarray(measured[:, :fewer])
    works: list[Callable[[], Any]] = [
        lambda: fit_baseline(red, nir, clear, weights=weights, parameters=P, reweightings=0),
        lambda: fit_baseline(red, nir, clear, weights=weights, parameters=P),
        lambda: nanlstsq(design, some),
        lambda: rirls(design, robust),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, ours_robust, theirs, theirs_robust = interleaved(works, rounds=rounds)
    dates = len(weights)
    return [
        ratio_line(
            "seasonal fit, 60 dates, one core: against `nrt.stats.nanlstsq`, σ and median included",
            f"{_rate(pixels * dates / 1e6, ours)} against {_rate(few * dates / 1e6, theirs)} Mpx·date/s",
            ratio(theirs, ours) * pixels / few, excellent=10, floor=4,
        ),
        ratio_line(
            "the same, robust: against nrt's RIRLS",
            f"{_rate(pixels * dates / 1e6, ours_robust)} against {_rate(fewer * dates / 1e6, theirs_robust)}",
            ratio(theirs_robust, ours_robust) * pixels / fewer, excellent=100, floor=20,
        ),
        _linear_in_dates(red, nir, clear, weights, rounds),
    ]  # fmt: skip


def _linear_in_dates(red: Any, nir: Any, clear: Any, weights: Any, rounds: int) -> Line:
    def fit(dates: int) -> Callable[[], Any]:
        seen = [np.ascontiguousarray(a[:dates]) for a in (red, nir, clear)]
        return lambda: fit_baseline(*seen, weights=weights[:dates], parameters=P)

    counts = (15, 30, 60)
    times = interleaved([fit(count) for count in counts], rounds=rounds)
    said = ", ".join(f"{n}: {1e9 * median(t) / red.shape[1] / n:.1f}" for n, t in zip(counts, times, strict=True))
    return Line("robust fit, nanoseconds per pixel and date, by the number of dates", said)


def _history(pixels: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(2)
    days = [date(2022, 1, 3) + timedelta(days=12 * n) for n in range(60)]
    weights = np.stack([wide.season_weights(day) for day in days])
    season = weights @ np.array([0.6, 0.1, -0.05, 0.02, 0.01], np.float32)
    ndvi = season[:, None] + 0.03 * rng.standard_normal((len(days), pixels), dtype=np.float32)
    ndvi[rng.random(ndvi.shape) < 0.05] = 0.1
    red = (wide.ZERO + 2000 * (1 - ndvi)).astype(np.uint16)
    nir = (wide.ZERO + 2000 * (1 + ndvi)).astype(np.uint16)
    clear = (rng.random(ndvi.shape) < 0.5).astype(np.uint8)
    return red, nir, clear, weights, ndvi


def medians(*, rounds: int) -> list[Line]:
    """The masked median of 60 dates."""
    rng = np.random.default_rng(3)
    pixels, few = 262_144, 8192
    values = rng.integers(0, 12_000, (60, pixels)).astype(np.uint16)
    values[rng.random(values.shape) < 0.5] = MISSING
    measured = np.where(values[:, :few] == MISSING, np.nan, values[:, :few]).astype(np.float32)
    ours, theirs = interleaved([lambda: masked_median(values), lambda: np.nanmedian(measured, axis=0)], rounds=rounds)
    return [
        ratio_line(
            "masked median of 60 dates, one core: against `np.nanmedian`",
            f"{_rate(pixels / 1e6, ours)} against {_rate(few / 1e6, theirs)} Mpx/s",
            ratio(theirs, ours) * pixels / few, excellent=30, floor=10,
        )
    ]  # fmt: skip


def objects(*, rounds: int) -> list[Line]:
    """A whole tile's mask: labels, areas, boxes and centroids against scipy's labels alone."""
    rng = np.random.default_rng(4)
    mask = np.zeros((TILE, TILE), bool)
    for top, left, height, width in zip(
        *rng.integers(0, TILE - 40, (2, 30_000)), *rng.integers(2, 30, (2, 30_000)), strict=True
    ):
        mask[top : top + height, left : left + width] = True
    eight = np.ones((3, 3))
    works = [lambda: join_runs([runs_of_mask(mask)]), lambda: ndimage.label(mask, eight)]
    ours, theirs = interleaved(works, rounds=rounds)
    count = len(join_runs([runs_of_mask(mask)]).area_px)
    return [
        ratio_line(
            f"{count} objects of a 10,980² mask with area, box, centroid: time over `scipy.ndimage.label` alone",
            f"{_rate(mask.size / 1e6, ours)} against {_rate(mask.size / 1e6, theirs)} Mpx/s",
            ratio(ours, theirs), excellent=2, floor=6, at_most=True,
        )
    ]  # fmt: skip


def _rate(amount: float, seconds: list[float]) -> str:
    return f"{amount / median(seconds):,.3g}"
