"""The compiled form of `wide.update_plain`: the same numbers, several times as fast, and other threads may run.

Rows are worked in short runs of pixels that stay in the first cache, in four passes of few arrays each: the compiler
gives up on vectors when one loop reads and writes a dozen arrays that might overlap.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from detectors.acquisition import Floats
from detectors.tile_search.update import BLOCK, FLAGGED, LONGEST_RUN, ZERO, Bytes, Layers, Numbers, WideParameters

_FLAGGED, _LONGEST, _ZERO = np.float32(FLAGGED), np.float32(LONGEST_RUN), np.float32(ZERO)
_UNSEEN = np.float32(-99.0)
_NONE, _HALF, _ONE, _TENTH, _LEAST, _THOUSAND = (np.float32(v) for v in (0.0, 0.5, 1.0, 0.1, 100.0, 1000.0))


def update(
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
) -> None:
    """`dynamic` is what `wide.update_plain` returns for the same arguments; it is changed in place."""
    _update(static, dynamic, weights, shifts, red, nir, clear, np.float32(day), parameters.numbers())


@njit(nogil=True, cache=True, error_model="numpy")
def _update(
    static: Any, dynamic: Any, weights: Any, shifts: Any, red: Any, nir: Any, clear: Any, day: Any, p: Any
) -> None:
    height, width = red.shape
    foretold_row, metric_row = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    for y in range(height):
        for x in range(0, width, BLOCK):
            end = min(width, x + BLOCK)
            foretold, metric = foretold_row[: end - x], metric_row[: end - x]
            r, n, sigma = red[y, x:end], nir[y, x:end], static[5, y, x:end]
            means, cos1, sin1 = static[0, y, x:end], static[1, y, x:end], static[2, y, x:end]
            cos2, sin2 = static[3, y, x:end], static[4, y, x:end]
            _foretell(means, cos1, sin1, cos2, sin2, weights, shifts[x // BLOCK], foretold)
            _measure(r, n, sigma, static[6, y, x:end], foretold, p, metric)
            _leave_out(clear[y, x:end], r, n, sigma, metric)
            _step(metric, dynamic[0, y, x:end], dynamic[1, y, x:end], dynamic[2, y, x:end], day, p)


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _foretell(a: Any, b: Any, c: Any, d: Any, e: Any, weights: Any, shift: Any, out: Any) -> None:
    v, w, x, y, z = weights[0], weights[1], weights[2], weights[3], weights[4]
    for i in range(out.size):
        out[i] = (
            np.float32(a[i]) * v
            + np.float32(b[i]) * w
            + np.float32(c[i]) * x
            + np.float32(d[i]) * y
            + np.float32(e[i]) * z
            + shift
        )


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _measure(red: Any, nir: Any, sigma: Any, usual: Any, foretold: Any, p: Any, metric: Any) -> None:
    vegetated, per_rise, lowest, highest = p[0], p[1], p[2], p[3]
    for i in range(metric.size):
        r, n = np.float32(red[i]) - _ZERO, np.float32(nir[i]) - _ZERO
        ndvi = _THOUSAND * (n - r) / max(r + n, _LEAST)
        fall = (foretold[i] - ndvi) / max(np.float32(sigma[i]), _ONE)
        rise = (r * _TENTH - np.float32(usual[i])) * per_rise
        value = min(fall, rise) if foretold[i] > vegetated else _HALF * rise
        metric[i] = min(max(value, lowest), highest)


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _leave_out(clear: Any, red: Any, nir: Any, sigma: Any, metric: Any) -> None:
    for i in range(metric.size):
        usable = (clear[i] > 0) & (red[i] > 0) & (nir[i] > 0) & (sigma[i] > 0)
        metric[i] = metric[i] if usable else _UNSEEN


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _step(metric: Any, evidence: Any, runs: Any, since: Any, day: Any, p: Any) -> None:
    kept, gained, stands_out, looks, flag, release = p[4], p[5], p[6], p[7], p[8], p[9]
    for i in range(metric.size):
        before, run, first, m = np.float32(evidence[i]), np.float32(runs[i]), np.float32(since[i]), metric[i]
        seen = m > _UNSEEN
        smoothed = np.rint(max(_NONE, kept * before + gained * m))
        was_flagged = run >= _FLAGGED
        length = run - _FLAGGED if was_flagged else run
        longer = min(length + _ONE, _LONGEST) if m >= stands_out else _NONE
        flagged = ((longer >= looks) & (smoothed >= flag)) | (was_flagged & (smoothed >= release))
        after = longer + _FLAGGED if flagged else longer
        begun = first if run > _NONE else day
        begun = begun if after > _NONE else _NONE
        evidence[i] = np.int16(smoothed if seen else before)
        runs[i] = np.int16(after if seen else run)
        since[i] = np.int16(begun if seen else first)
