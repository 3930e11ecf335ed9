"""How an acquisition differs from what was expected, in standard deviations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.acquisition import Floats, Mask
from detectors.baseline.harmonic import Baseline

SKEW, CORRELATION = -0.16, 0.3
"""Skewness of the logarithm of gamma speckle of 4.4 looks over 3 × 3 pixels, and what both polarisations share."""


@dataclass(frozen=True)
class Residual:
    """How an acquisition differs from what was expected: `z` float32 (feature, y, x) in σ, NaN where not clear.

    `observed` and `expected` are in the features' own units; `level` is the baseline's constant, the mean of the year.
    """

    names: tuple[str, ...]
    z: Floats
    observed: Floats
    expected: Floats
    level: Floats

    def of(self, name: str) -> Floats | None:
        """Return the z-scores of one feature, float32 (y, x) in σ, or None where it is lacking."""
        return self.z[self.names.index(name)] if name in self.names else None


def standardise(
    observed: Floats,
    expected: Floats,
    baseline: Baseline,
    *,
    factor: float,
    stable_mask: Mask,
    floors: Mapping[str, float] | None = None,
) -> Residual:
    """Express residuals in σ, freed of what the whole scene has in common.

    The median residual of the stable pixels is taken off each feature (haze, moisture, the sensor), and where the
    scene as a whole scatters more than its history predicted (thin cloud, a season or a kind of year the history never
    saw), σ is widened to match.

    Parameters
    ----------
    observed
        float32 (feature, y, x), NaN where not clear.
    expected
        float32 (feature, y, x).
    baseline
        The fitted expectation.
    factor
        √ of the prediction's variance ratio, at least 1.
    stable_mask
        bool (y, x), pixels that belong to no event.
    floors
        The least σ of each feature, where σ is one that was only supposed: a scene calmer than it narrows it so far.

    Returns
    -------
    Residual.
    """
    residual = observed - expected
    z = np.empty_like(residual)
    for f in range(len(residual)):
        common = residual[f][stable_mask & np.isfinite(residual[f])]
        offset = float(np.median(common)) if common.size else 0.0
        name, sigma = baseline.names[f], baseline.spread[f] * factor
        scaled = (residual[f] - offset) / sigma
        excess = _excess(scaled[stable_mask & np.isfinite(scaled)], smeared=name == "texture")
        least = 1.0 if floors is None else floors[name] / baseline.spread[f]
        z[f] = scaled / np.maximum(least, excess)
    return Residual(baseline.names, z, observed, expected, baseline.coefficients[:, 0])


def combined_backscatter(z: Floats) -> Floats:
    """Add up the residuals of both polarisations of radar, with the lean of the logarithm of speckle straightened.

    Parameters
    ----------
    z
        float32 (polarisation, y, x), one or two, in σ.

    Returns
    -------
    float32 (y, x), in σ of the sum.
    """
    straight = z - np.float32(SKEW / 6.0) * np.clip(z, -4.0, 4.0) ** 2
    total = straight[0] if len(z) == 1 else (straight[0] + straight[1]) / np.sqrt(2.0 * (1.0 + CORRELATION))
    return np.asarray(total, np.float32)


def _excess(calm: npt.NDArray[np.floating[Any]], *, smeared: bool) -> float:
    """By how much a scene scatters more than σ: at its middle, or at the 90 % that in a Gaussian lie within 1.645.

    The wider of the two counts: what changed for good covers a few per cent of an area at most, what a whole
    landscape does together (harvest, a wet year) covers more. A `smeared` feature spreads one change over its whole
    window, so only its middle is asked.
    """
    if not calm.size:
        return 1.0
    middle, wide = np.percentile(np.abs(calm), (50.0, 90.0))
    return float(1.4826 * middle if smeared else max(1.4826 * middle, wide / 1.645))
