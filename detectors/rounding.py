"""How finely numbers are kept: a saved state is as large as what its numbers tell, and noise takes most of it.

Steps are powers of two, of probabilities in proportion to them: what was rounded once is not moved by rounding it
again, so areas in memory, in files and read from disk hold the same bytes. How many events each step moves is in the
README.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from detectors.acquisition import Floats

Codes = npt.NDArray[np.int16]
"""Rounded numbers, by the place of each in a table of all that there can be."""

_FINE, _COARSE, _FINE_CODES = 512, 32, 1 << 14
_SAID_STEP, _AGAINST_STEP = np.float32(1 / 32), np.float32(1 / 8)
_FINEST, _PROBABILITY_BITS = 14, 13
_UNKNOWN, _MOST = np.iinfo(np.int16).min, np.iinfo(np.int16).max
_ALL_CODES = np.arange(1 << 16, dtype=np.uint16).view(np.int16)


def coded_z(z: Floats) -> Codes:
    """Round differences in σ: finely up to 32, then coarsely up to 544.

    Parameters
    ----------
    z
        float32, NaN where not known.

    Returns
    -------
    int16, for `decoded_z`.
    """
    size = np.abs(z)
    beyond = (size - np.float32(_FINE_CODES / _FINE)) * np.float32(_COARSE) + np.float32(_FINE_CODES)
    return _coded(np.copysign(np.minimum(size * np.float32(_FINE), np.maximum(beyond, np.float32(_FINE_CODES))), z))


def decoded_z(codes: Codes) -> Floats:
    """Read differences that were rounded.

    Parameters
    ----------
    codes
        int16.

    Returns
    -------
    float32 in σ, NaN where not known.
    """
    return np.asarray(_ALL_Z[codes.view(np.uint16)])


def coded_said(said: Floats) -> Codes:
    """Round what an acquisition says of pixels: coarsely where it is plainly nothing, which is nearly everywhere.

    Parameters
    ----------
    said
        float32, in nats, NaN where not known.

    Returns
    -------
    int16, for `decoded_said`.
    """
    coarse = np.rint(said / _AGAINST_STEP) * (_AGAINST_STEP / _SAID_STEP)
    return _coded(np.where(said < -1.0, coarse, said / _SAID_STEP))


def decoded_said(codes: Codes) -> Floats:
    """Read what was said and rounded.

    Parameters
    ----------
    codes
        int16.

    Returns
    -------
    float32 in nats, NaN where not known.
    """
    return np.asarray(_ALL_SAID[codes.view(np.uint16)])


def are_known(codes: Codes) -> npt.NDArray[np.bool_]:
    """Mark the numbers that are known.

    Parameters
    ----------
    codes
        int16.

    Returns
    -------
    bool.
    """
    return np.asarray(codes != _UNKNOWN)


def rounded_probability(probability: Floats) -> Floats:
    """Round probabilities of any size to so many significant bits.

    Parameters
    ----------
    probability
        float32.

    Returns
    -------
    float32.
    """
    return _significant(probability, _PROBABILITY_BITS)


def rounded_spread(spread: Floats, least: Sequence[float]) -> Floats:
    """Round spreads upwards, so that none comes under the least that is believed of its feature.

    Parameters
    ----------
    spread
        float32 (feature, …); NaN stays.
    least
        That of each feature.

    Returns
    -------
    float32.
    """
    return _in_steps(spread, least, np.ceil)


def rounded_coefficients(coefficients: Floats, least: Sequence[float]) -> Floats:
    """Round the coefficients of a baseline, each feature to a step far under the least spread that is believed of it.

    Parameters
    ----------
    coefficients
        float32 (feature, …); NaN stays.
    least
        That of each feature.

    Returns
    -------
    float32.
    """
    return _in_steps(coefficients, least, np.rint)


def _in_steps(values: Floats, least: Sequence[float], whole: np.ufunc) -> Floats:
    out = np.empty_like(values)
    for layer, rounded, floor in zip(values, out, least, strict=True):
        times = np.float32(2.0 ** (_FINEST + 1 - np.frexp(floor)[1]))
        np.multiply(layer, times, out=rounded)
        whole(rounded, out=rounded)
        rounded *= np.float32(1.0) / times
        rounded += np.float32(0.0)  # of −0 makes 0
        rounded[np.isnan(rounded)] = np.nan  # which may have a sign too
    return out


def _significant(values: Floats, bits: int) -> Floats:
    """Veltkamp's splitting."""
    high = values * np.float32(2.0 ** (24 - bits) + 1.0)
    return np.asarray(high - (high - values), np.float32)


def _coded(times: Floats) -> Codes:
    whole = np.clip(np.rint(times), np.float32(-_MOST), np.float32(_MOST))
    return np.asarray(np.where(np.isnan(whole), np.float32(_UNKNOWN), whole), np.int16)


def _all_z() -> Floats:
    size = np.abs(_ALL_CODES.astype(np.float32))
    values = np.where(size < _FINE_CODES, size / _FINE, (size - _FINE_CODES) / _COARSE + _FINE_CODES / _FINE)
    return np.where(_ALL_CODES == _UNKNOWN, np.nan, np.copysign(values, _ALL_CODES)).astype(np.float32)


_ALL_Z = _all_z()
_ALL_SAID = np.where(_ALL_CODES == _UNKNOWN, np.nan, _ALL_CODES * _SAID_STEP).astype(np.float32)
