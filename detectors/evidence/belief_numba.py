"""The compiled form of the filter in `belief`: one acquisition, all states and the days on which classes began."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from detectors.vector_math import STRIP, exp32

_STATES, _KNOWN, _CLASSES = 6, 3, 3
ROOM = (2 * _STATES + 4 + 2) * STRIP
"""Numbers that a strip needs beside what it is given."""
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
    room = np.empty(ROOM, np.float32)
    seen = np.empty(STRIP, np.uint8)
    for start in range(0, before.shape[1], STRIP):
        n = min(STRIP, before.shape[1] - start)
        step_strip(
            move,
            before,
            ratios,
            start,
            since,
            start,
            n,
            day,
            tempered,
            anomaly,
            least,
            told,
            priors,
            room,
            seen,
            after,
            begun,
        )


@njit(nogil=True, cache=True, error_model="numpy")
def step_strip(
    move: Any,
    before: Any,
    ratios: Any,
    start: Any,
    since: Any,
    to: Any,
    n: Any,
    day: Any,
    tempered: Any,
    anomaly: Any,
    least: Any,
    told: Any,
    priors: Any,
    room: Any,
    seen: Any,
    after: Any,
    begun: Any,
) -> None:
    """Write one strip of what `write_step` writes.

    Parameters
    ----------
    move, before
        As for `write_step`.
    ratios
        float32 (3 or 4, pixel), read from `start` on.
    start
        Where the strip begins in the ratios.
    since
        int32 (3, pixel).
    to, n
        Where the strip begins in all else, and how long it is.
    day, tempered, anomaly, least, told, priors
        As for `write_step`.
    room, seen
        float32 (ROOM,), uint8 (STRIP,), written.
    after, begun
        As for `write_step`.
    """
    old, new = room[: _STATES * STRIP], room[_STATES * STRIP : 2 * _STATES * STRIP]
    said = room[2 * _STATES * STRIP : (2 * _STATES + 4) * STRIP]
    at = (2 * _STATES + 4) * STRIP
    likest, lead = room[at : at + n], room[at + STRIP : at + STRIP + n]
    has_water = ratios.shape[0] > _CLASSES
    for k in range(_STATES):
        _copy(before[k, to : to + n], old[k * STRIP : k * STRIP + n])
    for k in range(4):
        part = said[k * STRIP : k * STRIP + n]
        if k < ratios.shape[0]:
            _nought_for_nan(ratios[k, start : start + n], part)
        else:
            part[:] = _NONE
    for k in range(_STATES):
        _move(old, move[k], new[k * STRIP : k * STRIP + n])
    _weigh(said, tempered, anomaly[0], anomaly[1], has_water, new, n)
    _scale(new, n)
    for k in range(_STATES):
        _copy(new[k * STRIP : k * STRIP + n], after[k, to : to + n])
    _largest(said, has_water, likest)
    _leading(new, priors, least, told, lead)
    for k in range(_CLASSES):
        _seen(ratios[k, start : start + n], seen[:n])
        share = new[(_KNOWN + k) * STRIP : (_KNOWN + k) * STRIP + n]
        value = said[k * STRIP : k * STRIP + n]
        _begin(
            value,
            likest,
            share,
            lead,
            _ONE / priors[k],
            least,
            seen[:n],
            since[k, to : to + n],
            np.int32(day),
            begun[k, to : to + n],
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
            + b * old[STRIP + i]
            + c * old[2 * STRIP + i]
            + d * old[3 * STRIP + i]
            + e * old[4 * STRIP + i]
            + f * old[5 * STRIP + i]
        )


@njit(nogil=True, cache=True, inline="never")
def _weigh(said: Any, tempered: Any, share: Any, most: Any, has_water: Any, new: Any, n: Any) -> None:
    _weigh_anomaly(said, tempered * share, most, new[STRIP : STRIP + n])
    if has_water:
        _weigh_state(said[3 * STRIP : 3 * STRIP + n], tempered, new[2 * STRIP : 2 * STRIP + n])
    for k in range(_CLASSES):
        at = (_KNOWN + k) * STRIP
        _weigh_state(said[k * STRIP : k * STRIP + n], tempered, new[at : at + n])


@njit(nogil=True, cache=True, inline="never")
def _weigh_anomaly(said: Any, tempered: Any, most: Any, out: Any) -> None:
    for i in range(out.size):
        likest = max(max(said[i], said[STRIP + i]), said[2 * STRIP + i])
        out[i] *= exp32(tempered * min(max(likest, _NONE), most))


@njit(nogil=True, cache=True, inline="never")
def _weigh_state(said: Any, tempered: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] *= exp32(tempered * said[i])


@njit(nogil=True, cache=True, error_model="numpy", inline="never")
def _scale(new: Any, n: Any) -> None:
    for i in range(n):
        total = (
            new[i] + new[STRIP + i] + new[2 * STRIP + i] + new[3 * STRIP + i] + new[4 * STRIP + i] + new[5 * STRIP + i]
        )
        new[i] /= total
        new[STRIP + i] /= total
        new[2 * STRIP + i] /= total
        new[3 * STRIP + i] /= total
        new[4 * STRIP + i] /= total
        new[5 * STRIP + i] /= total


@njit(nogil=True, cache=True, inline="never")
def _largest(said: Any, has_water: Any, out: Any) -> None:
    for i in range(out.size):
        value = max(max(said[i], said[STRIP + i]), said[2 * STRIP + i])
        out[i] = max(value, said[3 * STRIP + i]) if has_water else value


@njit(nogil=True, cache=True, inline="never")
def _leading(new: Any, priors: Any, least: Any, told: Any, out: Any) -> None:
    """The share over its prior that a class must reach to be held, and above the others."""
    a, b, c = _ONE / priors[0], _ONE / priors[1], _ONE / priors[2]
    for i in range(out.size):
        known = max(new[i] + new[STRIP + i] + new[2 * STRIP + i], least)
        others = max(
            max(a * max(new[3 * STRIP + i], least), b * max(new[4 * STRIP + i], least)),
            c * max(new[5 * STRIP + i], least),
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
