"""The compiled form of `residual`: the forecast, what is left of an acquisition, and z, in one pass of short strips."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_STRIP = 1024
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@njit(nogil=True, cache=True, error_model="numpy")
def write_left(observed: Any, coefficients: Any, feature: Any, weights: Any, out: Any) -> None:
    """Write observed − forecast of one feature.

    Parameters
    ----------
    observed
        float32 (pixel,).
    coefficients
        float32 (feature, term, pixel).
    feature
        Which one.
    weights
        float32 (term,), the regressors of the day.
    out
        float32 (pixel,), written.
    """
    for start in range(0, out.size, _STRIP):
        end = min(out.size, start + _STRIP)
        left = out[start:end]
        _forecast(coefficients, feature, start, weights, left)
        _take_from(observed[start:end], left)


@njit(nogil=True, cache=True, error_model="numpy")
def write_scaled(left: Any, spread: Any, offset: Any, factor: Any, out: Any) -> None:
    """Write (left − offset)/(spread · factor).

    Parameters
    ----------
    left, spread
        float32 (pixel,).
    offset, factor
        float32.
    out
        float32 (pixel,), written.
    """
    for start in range(0, out.size, _STRIP):
        end = min(out.size, start + _STRIP)
        _scale(left[start:end], spread[start:end], offset, factor, out[start:end])


@njit(nogil=True, cache=True, error_model="numpy")
def write_z(
    observed: Any,
    coefficients: Any,
    spread: Any,
    weights: Any,
    offsets: Any,
    factor: Any,
    floors: Any,
    widening: Any,
    out: Any,
) -> None:
    """Write z of every feature.

    Parameters
    ----------
    observed
        float32 (feature, pixel).
    coefficients
        float32 (feature, term, pixel).
    spread
        float32 (feature, pixel).
    weights
        float32 (term,), the regressors of the day.
    offsets
        float32 (feature,), what the scene has in common.
    factor
        float32, √ of the prediction's variance ratio.
    floors
        float32 (feature,), the least σ; 0 where σ was measured.
    widening
        float32 (feature, 10), by how much the scene scatters more than σ: at the first amplitude of a season and
        under it, then the five amplitudes in σ, then the slopes between them, for each σ of amplitude.
    out
        float32 (feature, pixel), written.
    """
    scratch = np.empty(_STRIP, np.float32)
    for start in range(0, out.shape[1], _STRIP):
        end = min(out.shape[1], start + _STRIP)
        for f in range(out.shape[0]):
            z_of_strip(
                f,
                start,
                end,
                observed,
                coefficients,
                spread,
                weights,
                offsets,
                factor,
                floors,
                widening,
                scratch,
                out[f, start:end],
            )


@njit(nogil=True, cache=True, error_model="numpy")
def z_of_strip(
    f: Any,
    start: Any,
    end: Any,
    observed: Any,
    coefficients: Any,
    spread: Any,
    weights: Any,
    offsets: Any,
    factor: Any,
    floors: Any,
    widening: Any,
    scratch: Any,
    z: Any,
) -> None:
    """Write z of one feature over one strip.

    Parameters
    ----------
    f, start, end
        Which feature, and which pixels.
    observed, coefficients, spread, weights, offsets, factor, floors, widening
        As for `write_z`.
    scratch
        float32, as long as z at least, written.
    z
        float32 (end − start,), written.
    """
    sigma, widened = spread[f, start:end], scratch[: end - start]
    widened[:] = _ZERO
    for term in range(1, weights.size):
        _add_square(coefficients[f, term, start:end], widened)
    _widen(sigma, widening[f], widened)
    _forecast(coefficients, f, start, weights, z)
    if floors[f] > 0:
        _finish_supposed(observed[f, start:end], sigma, offsets[f], factor, floors[f], widened, z)
    else:
        _finish(observed[f, start:end], sigma, offsets[f], factor, widened, z)


@njit(nogil=True, cache=True)
def _forecast(coefficients: Any, f: Any, start: Any, weights: Any, out: Any) -> None:
    end = start + out.size
    _first(coefficients[f, 0, start:end], weights[0], out)
    for term in range(1, weights.size):
        _further(coefficients[f, term, start:end], weights[term], out)


@njit(nogil=True, cache=True, inline="never")
def _first(values: Any, weight: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = values[i] * weight


@njit(nogil=True, cache=True, inline="never")
def _further(values: Any, weight: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] += values[i] * weight


@njit(nogil=True, cache=True, inline="never")
def _take_from(observed: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = observed[i] - out[i]


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _scale(left: Any, spread: Any, offset: Any, factor: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = (left[i] - offset) / (spread[i] * factor)


@njit(nogil=True, cache=True, inline="never")
def _add_square(values: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] += values[i] * values[i]


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _widen(spread: Any, widening: Any, by: Any) -> None:
    """Turn the square of a season's amplitude into what σ is widened by; there are five strata."""
    first, a, b, c, d, e = widening[0], widening[1], widening[2], widening[3], widening[4], widening[5]
    ab, bc, cd, de = widening[6], widening[7], widening[8], widening[9]
    for i in range(by.size):
        season = np.sqrt(by[i]) / spread[i]
        by[i] = (
            first
            + ab * (min(max(season, a), b) - a)
            + bc * (min(max(season, b), c) - b)
            + cd * (min(max(season, c), d) - c)
            + de * (min(max(season, d), e) - d)
        )


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _finish(observed: Any, spread: Any, offset: Any, factor: Any, by: Any, z: Any) -> None:
    """The forecast becomes z."""
    for i in range(z.size):
        z[i] = (observed[i] - z[i] - offset) / (spread[i] * factor) / max(_ONE, by[i])


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _finish_supposed(observed: Any, spread: Any, offset: Any, factor: Any, floor: Any, by: Any, z: Any) -> None:
    """The forecast becomes z, narrowed down to the floor where the scene is calmer than σ."""
    for i in range(z.size):
        z[i] = (observed[i] - z[i] - offset) / (spread[i] * factor) / max(floor / spread[i], by[i])
