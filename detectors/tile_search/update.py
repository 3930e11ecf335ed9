"""The wide search: what is kept of each pixel of a whole tile, and what one new look changes in it.

A pixel of a wide search is told by twelve bytes and more of whole numbers, not by channels and cues: a seasonal
baseline of its greenness, its usual red, and how long it has stood out. What comes out are places that the detectors
proper should look at closely. This file is the plain form, in numpy; `wide_kernels` is the compiled one, and gives the
same numbers to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from detectors.acquisition import Floats

Numbers = npt.NDArray[np.uint16]
Layers = npt.NDArray[np.int16]
Bytes = npt.NDArray[np.uint8]

STATIC_LAYERS = ("mean", "cos1", "sin1", "cos2", "sin2", "sigma", "red")
"""The baseline: the season of NDVI, its spread and the usual red reflectance, in thousandths; `sigma` 0 = none."""
DYNAMIC_LAYERS = ("evidence", "run", "since")
"""What looks have shown: smoothed metric in hundredths of σ, looks in a row that stood out (+ `FLAGGED`), their day."""
FLAGGED = 256
LONGEST_RUN = 100.0
ZERO = 1000
"""The number of reflectance 0 in a look; 0 itself is no measurement, and a step is 0.0001."""
BLOCK = 512
"""Side of a block, and rows of a strip, in pixels."""
TERMS = 5
_FIRST_DAY = date(2015, 1, 1).toordinal()
_YEAR_DAYS = 365.2425
_SAMPLE_STEP = 8
_LEAST_SAMPLE = 100
_CACHED_PX = 32_768  # temporaries of so many pixels stay in the second cache


@dataclass(frozen=True)
class WideParameters:
    """Thresholds of the wide search.

    Where the season foretells an NDVI over `vegetated`, a look's metric is the smaller of the fall of NDVI in σ and the
    rise of red in units of `rise_unit`, twice the floor of SCIENCE.md; elsewhere half the rise of red, since bare
    ground has no green to lose. The metric is cut to `lowest` … `highest` (10: DIST-ALERT) and smoothed by `smoothing`
    (0.3: the EWMA of JRC's nrt). A pixel is flagged from `flag` on, once `looks` looks in a row had a metric of
    `stands_out` (2.5: DIST-ALERT's low), and no longer below `release`. `flag` is seven times the spread of an
    undisturbed series: |z| > 3 is met on 21 % of real clear dates (SCIENCE.md). `sigma_floor` is that of NDVI;
    `shift_limit` the largest motion that a whole block may be forgiven for, in NDVI. `least_looks` clear ones are asked
    of a baseline. Values without a source were chosen on simulated tiles.
    """

    vegetated: float = 0.3
    rise_unit: float = 0.012
    lowest: float = -3.0
    highest: float = 10.0
    smoothing: float = 0.3
    stands_out: float = 2.5
    looks: int = 3
    flag: float = 3.0
    release: float = 1.5
    sigma_floor: float = 0.03
    shift_limit: float = 0.15
    least_looks: int = 8

    def numbers(self) -> Floats:
        """The thresholds of an update in the units of the layers, as the kernels take them: float32 (10,)."""
        return np.array(
            [
                1000 * self.vegetated,
                1 / (1000 * self.rise_unit),
                self.lowest,
                self.highest,
                1 - self.smoothing,
                100 * self.smoothing,
                self.stands_out,
                self.looks,
                100 * self.flag,
                100 * self.release,
            ],
            np.float32,
        )


def day_number(day: date) -> int:
    """Days since 2015-01-01, before Sentinel-2 saw anything: the layer `since`. Raises `ValueError` before."""
    number = day.toordinal() - _FIRST_DAY
    if not 0 < number <= np.iinfo(np.int16).max:
        raise ValueError(f"day {day} cannot be kept; the wide search knows 2015-01-02 to 2104-09-18")
    return number


def day_of(number: int) -> date:
    """The day that a number of the layer `since` means."""
    return date.fromordinal(_FIRST_DAY + number)


def season_weights(day: date) -> Floats:
    """1 and the cosine and sine of one and two turns a year on that day: float32 (5,), as the first five layers."""
    turn = 2 * np.pi * (day.toordinal() - _FIRST_DAY) / _YEAR_DAYS
    return np.array([1, np.cos(turn), np.sin(turn), np.cos(2 * turn), np.sin(2 * turn)], np.float32)


def common_shift(
    static: Layers, weights: Floats, red: Numbers, nir: Numbers, clear: Bytes, *, parameters: WideParameters
) -> Floats:
    """How far each block as a whole lies above its season: float32 (blocks,), thousandths of NDVI.

    The median over a clear pixel in 64; 0 where there are under a hundred. Haze and a late season are weather, and are
    taken off before a pixel is judged. Arrays as for `update_plain`.
    """
    every = (slice(None, None, _SAMPLE_STEP), slice(None, None, _SAMPLE_STEP))
    r, n = (numbers[every].astype(np.float32) - ZERO for numbers in (red, nir))
    ndvi = 1000 * (n - r) / np.maximum(r + n, np.float32(100))
    foretold = np.tensordot(weights, static[(slice(TERMS), *every)].astype(np.float32), axes=1)
    usable = (clear[every] > 0) & (red[every] > 0) & (nir[every] > 0) & (static[(5, *every)] > 0)
    shifts = np.zeros(-(-red.shape[1] // BLOCK), np.float32)
    limit = 1000 * parameters.shift_limit
    for block in range(shifts.size):
        columns = slice(block * BLOCK // _SAMPLE_STEP, (block + 1) * BLOCK // _SAMPLE_STEP)
        seen = usable[:, columns]
        if np.count_nonzero(seen) >= _LEAST_SAMPLE:
            shifts[block] = np.clip(np.median((ndvi - foretold)[:, columns][seen]), -limit, limit)
    return shifts


def update_plain(
    static: Layers,
    dynamic: Layers,
    *,
    weights: Floats,
    shifts: Floats,
    red: Numbers,
    nir: Numbers,
    clear: Bytes,
    day: int,
    parameters: WideParameters,
) -> Layers:
    """The dynamic layers after one look: int16 (3, y, x). What was not seen clearly stays as it was.

    Parameters
    ----------
    static : int16 (7, y, x), `STATIC_LAYERS`; dynamic : int16 (3, y, x), `DYNAMIC_LAYERS`.
    weights : float32 (5,) of `season_weights`; shifts : float32 (blocks of 512 columns,) of `common_shift`.
    red, nir : uint16 (y, x), reflectance × 10,000 + 1,000, 0 where not measured; clear : uint8 (y, x), 0 = not clear.
    day : the look's `day_number`.
    """
    p = parameters.numbers()
    shift = np.repeat(shifts, BLOCK)[: red.shape[1]]
    after = np.empty_like(dynamic)
    rows = max(1, _CACHED_PX // red.shape[1])
    for top in range(0, red.shape[0], rows):
        here = slice(top, top + rows)
        metric, usable = _metric(static[:, here], weights, shift, red[here], nir[here], clear[here], p)
        _write_step(dynamic[:, here], metric, usable, np.float32(day), p, out=after[:, here])
    return after


def _write_step(
    dynamic: Layers, metric: Floats, usable: npt.NDArray[np.bool_], day: np.float32, p: Floats, *, out: Layers
) -> None:
    smoothed = dynamic[0].astype(np.float32)
    smoothed *= p[4]
    gained = p[5] * metric
    smoothed += gained
    np.maximum(smoothed, np.float32(0), out=smoothed)
    np.rint(smoothed, out=smoothed)
    run, since, today = dynamic[1], dynamic[2], np.int16(day)
    was_flagged = run >= FLAGGED
    longer = np.minimum(run - np.int16(FLAGGED) * was_flagged + np.int16(1), np.int16(LONGEST_RUN))
    longer *= metric >= p[6]
    is_flagged = (longer >= p[7]) & (smoothed >= p[8])
    is_flagged |= was_flagged & (smoothed >= p[9])
    longer += np.int16(FLAGGED) * is_flagged
    first = (since - today) * (run > 0) + today
    first *= longer > 0
    # A choice by multiplication: numpy takes ten times as long to copy under a mask.
    for layer, (before, after) in enumerate(zip(dynamic, (smoothed.astype(np.int16), longer, first), strict=True)):
        np.add((after - before) * usable, before, out=out[layer])


def _metric(
    static: Layers, weights: Floats, shift: Floats, red: Numbers, nir: Numbers, clear: Bytes, p: Floats
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    foretold, term = static[0] * weights[0], np.empty(red.shape, np.float32)
    for layer in range(1, TERMS):
        np.multiply(static[layer], weights[layer], out=term)
        foretold += term
    foretold += shift
    r, n = red.astype(np.float32), nir.astype(np.float32)
    r -= np.float32(ZERO)
    n -= np.float32(ZERO)
    total = np.maximum(r + n, np.float32(100))
    n -= r
    n *= np.float32(1000)
    n /= total
    fall = np.subtract(foretold, n, out=n)
    fall /= np.maximum(static[5], np.int16(1)).astype(np.float32)
    r *= np.float32(0.1)
    r -= static[6]
    r *= p[1]
    weaker = np.minimum(fall, r, out=fall)
    metric = np.where(foretold > p[0], weaker, np.float32(0.5) * r)
    np.clip(metric, p[2], p[3], out=metric)
    usable = (clear > 0) & (red > 0)
    usable &= nir > 0
    usable &= static[5] > 0
    return metric, usable
