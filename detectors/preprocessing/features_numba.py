"""The compiled form of what `features` measures pixel by pixel; its windows are in `statistics_numba`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from detectors.vector_math import log32

_NAN, _ONE, _LEAST, _LEAST_POWER = (np.float32(v) for v in (np.nan, 1.0, 0.01, 1e-5))


@njit(nogil=True, cache=True)
def write_ratio(a: Any, b: Any, clear: Any, out: Any) -> None:
    """Write (a − b)/(a + b), clipped to ±1, where it is clear, NaN elsewhere.

    Parameters
    ----------
    a, b
        float32 (y, x).
    clear
        bool (y, x).
    out
        float32 (y, x), written.
    """
    for y in range(out.shape[0]):
        _ratio(a[y], b[y], clear[y], out[y])


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _ratio(a: Any, b: Any, clear: Any, out: Any) -> None:
    for i in range(out.size):
        value = (a[i] - b[i]) / max(a[i] + b[i], _LEAST)
        value = min(max(value, -_ONE), _ONE) if value == value else _NAN
        out[i] = value if clear[i] else _NAN


@njit(nogil=True, cache=True, error_model="numpy")
def write_mean(pixels: Any, bands: Any, clear: Any, out: Any) -> None:
    """Write the mean of some bands where it is clear, NaN elsewhere.

    Parameters
    ----------
    pixels
        float32 (band, y, x).
    bands
        int64 (n,), which ones, at least one.
    clear
        bool (y, x).
    out
        float32 (y, x), written.
    """
    for y in range(out.shape[0]):
        _copy(pixels[bands[0], y], out[y])
        for band in range(1, bands.size):
            _add(pixels[bands[band], y], out[y])
        _finish_mean(np.float32(bands.size), clear[y], out[y])


@njit(nogil=True, cache=True, inline="never")
def _copy(values: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = values[i]


@njit(nogil=True, cache=True, inline="never")
def _add(values: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] += values[i]


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _finish_mean(count: Any, clear: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = out[i] / count if clear[i] else _NAN


@njit(nogil=True, cache=True)
def write_difference(one: Any, other: Any, out: Any) -> None:
    """Write one − other.

    Parameters
    ----------
    one, other
        float32 (y, x).
    out
        float32 (y, x), written.
    """
    for y in range(out.shape[0]):
        _subtract(one[y], other[y], out[y])


@njit(nogil=True, cache=True, inline="never")
def _subtract(one: Any, other: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = one[i] - other[i]


@njit(nogil=True, cache=True)
def write_masked(values: Any, clear: Any, out: Any) -> None:
    """Write values where it is clear, NaN elsewhere.

    Parameters
    ----------
    values
        float32 (y, x).
    clear
        bool (y, x).
    out
        float32 (y, x), written.
    """
    for y in range(out.shape[0]):
        _mask(values[y], clear[y], out[y])


@njit(nogil=True, cache=True, inline="never")
def _mask(values: Any, clear: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = values[i] if clear[i] else _NAN


@njit(nogil=True, cache=True)
def write_logarithm(power: Any, clear: Any, out: Any) -> None:
    """Write the logarithm of power, at least 1e-5, where it is clear, NaN elsewhere.

    Parameters
    ----------
    power
        float32 (y, x), linear; NaN where not measured.
    clear
        bool (y, x).
    out
        float32 (y, x), written.
    """
    for y in range(out.shape[0]):
        _logarithm(power[y], clear[y], out[y])


@njit(nogil=True, cache=True, inline="never")
def _logarithm(power: Any, clear: Any, out: Any) -> None:
    for i in range(out.size):
        value = log32(max(power[i], _LEAST_POWER))
        out[i] = value if clear[i] & (power[i] == power[i]) else _NAN
