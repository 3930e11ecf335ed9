"""Logarithm, exponential and inverse hyperbolic sine of 32-bit numbers, for compiled loops.

Of their own, since a call into the C library keeps a loop from being worked on many pixels at once, and since the last
bit then is the same on every machine. Polynomials of the Cephes library (S. L. Moshier), which err by 2 units in the
last place; `asinh32` by 5e-7 at most where that is larger. NaN and infinity are the caller's to leave out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

STRIP = 512
"""So many pixels are worked at a time, that all there is of them stays in the first two caches."""
_F, _I = np.float32, np.int32
_ONE, _HALF = np.float32(1.0), np.float32(0.5)
_ROOT_HALF, _MANTISSA = np.int32(0x3F3504F3), np.int32(0x007FFFFF)
_LN2_HIGH, _LN2_LOW, _LOG2_E = np.float32(0.693359375), np.float32(-2.12194440e-4), np.float32(1.44269504)


@njit(nogil=True, cache=True, inline="always")
def log32(value: Any) -> Any:
    """Compute ln of a positive float32.

    Parameters
    ----------
    value
        float32, over 0.

    Returns
    -------
    float32.
    """
    bits = _I(_F(value).view(_I) - _ROOT_HALF)
    power = _F(_I(bits >> _I(23)))
    m = _I(_I(bits & _MANTISSA) + _ROOT_HALF).view(_F) - _ONE
    y = _F(7.0376836292e-2)
    y = y * m - _F(1.1514610310e-1)
    y = y * m + _F(1.1676998740e-1)
    y = y * m - _F(1.2420140846e-1)
    y = y * m + _F(1.4249322787e-1)
    y = y * m - _F(1.6668057665e-1)
    y = y * m + _F(2.0000714765e-1)
    y = y * m - _F(2.4999993993e-1)
    y = y * m + _F(3.3333331174e-1)
    y = y * m * (m * m) + _LN2_LOW * power - _HALF * (m * m)
    return m + y + _LN2_HIGH * power


@njit(nogil=True, cache=True, inline="always")
def exp32(value: Any) -> Any:
    """Compute e to the power of a float32.

    Parameters
    ----------
    value
        float32; clipped to ±87.

    Returns
    -------
    float32.
    """
    x = min(max(_F(value), _F(-87.0)), _F(87.0))
    power = np.floor(_LOG2_E * x + _HALF)
    x = x - power * _LN2_HIGH
    x = x - power * _LN2_LOW
    y = _F(1.9875691500e-4)
    y = y * x + _F(1.3981999507e-3)
    y = y * x + _F(8.3334519073e-3)
    y = y * x + _F(4.1665795894e-2)
    y = y * x + _F(1.6666665459e-1)
    y = y * x + _F(5.0000001201e-1)
    y = y * (x * x) + x + _ONE
    return y * _I(_I(_I(power) + _I(127)) << _I(23)).view(_F)


@njit(nogil=True, cache=True, inline="always")
def asinh32(value: Any) -> Any:
    """Compute the inverse hyperbolic sine of a float32.

    Parameters
    ----------
    value
        float32, under 1e18 in size.

    Returns
    -------
    float32.
    """
    size = abs(_F(value))
    y = log32(size + np.sqrt(size * size + _ONE))
    return y if value >= _F(0.0) else -y
