"""Intervals for shares and rates from few counts: those of Clopper and Pearson, of Garwood, and of Fay and Feuer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import betaincinv, gammaincinv

LEVEL = 0.95


@dataclass(frozen=True)
class IntervalEstimate:
    """A share or a rate with the ends of its two-sided interval."""

    value: float
    low: float
    high: float


def share_interval(held: int, decided: int, *, level: float = LEVEL) -> IntervalEstimate:
    """Compute a share and its exact interval (Clopper and Pearson, Biometrika 26, 1934).

    Parameters
    ----------
    held
        How many of them held, 0 to `decided`.
    decided
        How many were decided on, 1 or more.
    level
        How often the interval holds the true share at least, over 0 and under 1.

    Returns
    -------
    IntervalEstimate, each 0 to 1.
    """
    tail = (1.0 - level) / 2.0
    low = 0.0 if held == 0 else float(betaincinv(held, decided - held + 1, tail))
    high = 1.0 if held == decided else float(betaincinv(held + 1, decided - held, 1.0 - tail))
    return IntervalEstimate(held / decided, low, high)


def rate_interval(count: int, exposure: float, *, level: float = LEVEL) -> IntervalEstimate:
    """Compute a rate and its exact interval for a Poisson count (Garwood, Biometrika 28, 1936).

    Parameters
    ----------
    count
        How many there were, 0 or more.
    exposure
        Over how much they were counted, such as site-years, over 0.
    level
        How often the interval holds the true rate at least, over 0 and under 1.

    Returns
    -------
    IntervalEstimate, per unit of exposure.
    """
    return weighted_rate_interval([count], [1.0 / exposure], level=level)


def weighted_rate_interval(
    counts: Sequence[int], weights: Sequence[float], *, level: float = LEVEL
) -> IntervalEstimate:
    """Compute a weighted sum of Poisson counts and its interval.

    The interval is the one by the gamma distribution (Fay and Feuer, Statistics in Medicine 16, 1997). For a single
    count it is the exact one. For several it held at least as often as it says in all their simulations and in ours;
    that it always does is not proven.

    Parameters
    ----------
    counts
        A count for each stratum, 0 or more.
    weights
        What one count of each stratum adds to the sum, over 0: the stratum's share divided by its exposure.
    level
        How often the interval should hold the true sum at least, over 0 and under 1.

    Returns
    -------
    IntervalEstimate, in the unit of the weights.
    """
    tail = (1.0 - level) / 2.0
    value = sum(w * k for w, k in zip(weights, counts, strict=True))
    variance = sum(w * w * k for w, k in zip(weights, counts, strict=True))
    low = 0.0 if value == 0 else variance / (2 * value) * _chi_square_quantile(tail, 2 * value**2 / variance)
    most = max(weights)
    above, spread = value + most, variance + most**2
    high = spread / (2 * above) * _chi_square_quantile(1.0 - tail, 2 * above**2 / spread)
    return IntervalEstimate(value, low, high)


def _chi_square_quantile(share: float, degrees: float) -> float:
    return 2.0 * float(gammaincinv(degrees / 2, share))
