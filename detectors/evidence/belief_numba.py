"""The compiled form of the filter in `belief`: one acquisition, all states and the days on which classes began."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from detectors.vector_math import exp32

_STRIP = 512
_STATES, _KNOWN, _CLASSES = 6, 3, 3
_NONE, _ONE = np.float32(0.0), np.float32(1.0)


@njit(nogil=True, cache=True, error_model="numpy")
def write_step(
    move: Any,
    before: Any,
    ratios: Any,
    since: Any,
    day: Any,
    tempered: Any,
    anomaly: Any,
    least: Any,
    told: Any,
    priors: Any,
    after: Any,
    begun: Any,
) -> None:
    """Write the probabilities of the states and the days on which classes began, after one acquisition.

    Parameters
    ----------
    move
        float32 (6, 6), to each state from each.
    before
        float32 (6, pixel).
    ratios
        float32 (3 or 4, pixel), of water last; NaN where nothing is said.
    since
        int32 (3, pixel).
    day
        Day number of the acquisition.
    tempered
        float32, τ.
    anomaly
        float32 (2,), the share and the most of what an anomaly looks like.
    least
        float32, the least probability.
    told
        float32, by what factor a class must gain on its prior.
    priors
        float32 (3,), e to the power of each prior.
    after
        float32 (6, pixel), written.
    begun
        int32 (3, pixel), written.
    """
    old, new = np.empty(_STATES * _STRIP, np.float32), np.empty(_STATES * _STRIP, np.float32)
    said, likest = np.empty(4 * _STRIP, np.float32), np.empty(_STRIP, np.float32)
    lead, seen = np.empty(_STRIP, np.float32), np.empty(_STRIP, np.uint8)
    has_water = ratios.shape[0] > _CLASSES
    for start in range(0, before.shape[1], _STRIP):
        n = min(_STRIP, before.shape[1] - start)
        for k in range(_STATES):
            _copy(before[k, start : start + n], old[k * _STRIP : k * _STRIP + n])
        for k in range(4):
            part = said[k * _STRIP : k * _STRIP + n]
            if k < ratios.shape[0]:
                _nought_for_nan(ratios[k, start : start + n], part)
            else:
                part[:] = _NONE
        for k in range(_STATES):
            _move(old, move[k], new[k * _STRIP : k * _STRIP + n])
        _weigh(said, tempered, anomaly[0], anomaly[1], has_water, new, n)
        _scale(new, n)
        for k in range(_STATES):
            _copy(new[k * _STRIP : k * _STRIP + n], after[k, start : start + n])
        _largest(said, has_water, likest[:n])
        _leading(new, priors, least, told, lead[:n])
        for k in range(_CLASSES):
            _seen(ratios[k, start : start + n], seen[:n])
            share = new[(_KNOWN + k) * _STRIP : (_KNOWN + k) * _STRIP + n]
            value = said[k * _STRIP : k * _STRIP + n]
            _begin(
                value,
                likest[:n],
                share,
                lead[:n],
                _ONE / priors[k],
                least,
                seen[:n],
                since[k, start : start + n],
                np.int32(day),
                begun[k, start : start + n],
            )


@njit(nogil=True, cache=True, inline="never")
def _copy(values: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = values[i]


@njit(nogil=True, cache=True, inline="never")
def _nought_for_nan(values: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = values[i] if values[i] == values[i] else _NONE


@njit(nogil=True, cache=True, inline="never")
def _move(old: Any, weights: Any, out: Any) -> None:
    a, b, c, d, e, f = weights[0], weights[1], weights[2], weights[3], weights[4], weights[5]
    for i in range(out.size):
        out[i] = (
            a * old[i]
            + b * old[_STRIP + i]
            + c * old[2 * _STRIP + i]
            + d * old[3 * _STRIP + i]
            + e * old[4 * _STRIP + i]
            + f * old[5 * _STRIP + i]
        )


@njit(nogil=True, cache=True, inline="never")
def _weigh(said: Any, tempered: Any, share: Any, most: Any, has_water: Any, new: Any, n: Any) -> None:
    _weigh_anomaly(said, tempered * share, most, new[_STRIP : _STRIP + n])
    if has_water:
        _weigh_state(said[3 * _STRIP : 3 * _STRIP + n], tempered, new[2 * _STRIP : 2 * _STRIP + n])
    for k in range(_CLASSES):
        at = (_KNOWN + k) * _STRIP
        _weigh_state(said[k * _STRIP : k * _STRIP + n], tempered, new[at : at + n])


@njit(nogil=True, cache=True, inline="never")
def _weigh_anomaly(said: Any, tempered: Any, most: Any, out: Any) -> None:
    for i in range(out.size):
        likest = max(max(said[i], said[_STRIP + i]), said[2 * _STRIP + i])
        out[i] *= exp32(tempered * min(max(likest, _NONE), most))


@njit(nogil=True, cache=True, inline="never")
def _weigh_state(said: Any, tempered: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] *= exp32(tempered * said[i])


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _scale(new: Any, n: Any) -> None:
    for i in range(n):
        total = (
            new[i]
            + new[_STRIP + i]
            + new[2 * _STRIP + i]
            + new[3 * _STRIP + i]
            + new[4 * _STRIP + i]
            + new[5 * _STRIP + i]
        )
        new[i] /= total
        new[_STRIP + i] /= total
        new[2 * _STRIP + i] /= total
        new[3 * _STRIP + i] /= total
        new[4 * _STRIP + i] /= total
        new[5 * _STRIP + i] /= total


@njit(nogil=True, cache=True, inline="never")
def _largest(said: Any, has_water: Any, out: Any) -> None:
    for i in range(out.size):
        value = max(max(said[i], said[_STRIP + i]), said[2 * _STRIP + i])
        out[i] = max(value, said[3 * _STRIP + i]) if has_water else value


@njit(nogil=True, cache=True, inline="never")
def _leading(new: Any, priors: Any, least: Any, told: Any, out: Any) -> None:
    """The share over its prior that a class must reach to be held, and above the others."""
    a, b, c = _ONE / priors[0], _ONE / priors[1], _ONE / priors[2]
    for i in range(out.size):
        known = max(new[i] + new[_STRIP + i] + new[2 * _STRIP + i], least)
        others = max(
            max(a * max(new[3 * _STRIP + i], least), b * max(new[4 * _STRIP + i], least)),
            c * max(new[5 * _STRIP + i], least),
        )
        out[i] = max(others, told * known)


@njit(nogil=True, cache=True, inline="never")
def _seen(values: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = np.uint8(values[i] == values[i])


@njit(nogil=True, cache=True, inline="never")
def _begin(
    said: Any,
    likest: Any,
    share: Any,
    lead: Any,
    per_prior: Any,
    least: Any,
    seen: Any,
    since: Any,
    day: Any,
    out: Any,
) -> None:
    for i in range(out.size):
        bears = ((said[i] > _NONE) & (said[i] >= likest[i])) | (per_prior * max(share[i], least) >= lead[i])
        first = day if since[i] == 0 else since[i]
        out[i] = (first if bears else np.int32(0)) if seen[i] else since[i]
