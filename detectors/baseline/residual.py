"""How an acquisition differs from what was expected, in standard deviations.

Ground with a strong season often scatters further from its expectation than ground without one: a field is sown, ripe
and cut at another time each year. How far is read off each acquisition: its stable pixels are ordered by the amplitude
of their season in σ, and σ is widened by as much as ground of such a season scatters in this scene.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.acquisition import Floats, Mask
from detectors.baseline.harmonic import Baseline, design, predict
from detectors.baseline.residual_numba import write_left, write_scaled, write_z
from detectors.lattice import lattice_of
from detectors.shapes import check_shapes
from detectors.statistics import median_of, size_quantiles

STRATA = 5
"""Strata of the amplitude of a season, of equally many pixels each. The compiled form takes five."""
PX_IN_STRATUM = 1000
"""A stratum of so many pixels counts in full, one of fewer in proportion, since 200 pixels are a single field."""
LEAST_SHAPE = 0.2
"""A stratum that scatters by less than this part of what all pixels do is taken to scatter by as much."""
SAMPLE_PX = 50_000
"""The strata are measured on so many pixels, which give the median of each to 1 %."""
SKEW, CORRELATION = -0.16, 0.3
"""Skewness of the logarithm of gamma speckle of 4.4 looks over 3 × 3 pixels, and what both polarisations share."""


@dataclass(frozen=True)
class Residual:
    """How an acquisition differs from what was expected: `z` float32 (feature, y, x) in σ, NaN where not clear."""

    names: tuple[str, ...]
    z: Floats

    def of(self, name: str) -> Floats | None:
        """Return the z-scores of one feature, float32 (y, x) in σ, or None where it is lacking."""
        return self.z[self.names.index(name)] if name in self.names else None


@dataclass(frozen=True)
class SceneMotion:
    """What a whole scene has in common, by feature.

    `offsets`: the median residual of stable ground, taken off everywhere (haze, moisture, the sensor). `widening`: by
    how much the scene scatters more than σ, where the amplitude of a pixel's season is that of `amplitudes`, in σ;
    between two of them it is interpolated, under the first and over the last it stays the same. Both have `STRATA`
    numbers for each feature; where there is no season to order pixels by, all of one feature are the same.
    """

    offsets: tuple[float, ...]
    amplitudes: tuple[tuple[float, ...], ...]
    widening: tuple[tuple[float, ...], ...]


def standardise(
    observed: Floats,
    baseline: Baseline,
    *,
    day: int,
    factor: float,
    stable_mask: Mask,
    floors: Mapping[str, float] | None = None,
) -> Residual:
    """Express residuals in σ, freed of what the whole scene has in common.

    The median residual of the stable pixels is taken off each feature (haze, moisture, the sensor), and where the
    scene scatters more than its history predicted (thin cloud, a season or a kind of year the history never saw), σ is
    widened to match, by as much as ground of such a season does. What the scene has in common is measured on all of a
    small area and on a lattice of a large one, the strata of seasons on `SAMPLE_PX` of those pixels.

    Parameters
    ----------
    observed
        float32 (feature, y, x), NaN where not clear; the whole area.
    baseline
        The fitted expectation.
    day
        Day number.
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
    some = lattice_of(stable_mask.shape)
    motion = measure_motion(
        observed[:, *some], baseline.at(some), day=day, factor=factor, stable_mask=stable_mask[some]
    )
    return apply_motion(observed, baseline, motion, day=day, factor=factor, floors=floors)


def measure_motion(observed: Floats, baseline: Baseline, *, day: int, factor: float, stable_mask: Mask) -> SceneMotion:
    """Measure what a scene has in common.

    Parameters
    ----------
    observed
        float32 (feature, y, x), NaN where not clear: the whole area, or the lattice of its pixels.
    baseline
        The fitted expectation, of the same pixels.
    day, factor, stable_mask
        As for `standardise`.

    Returns
    -------
    SceneMotion.
    """
    arrays = {"stable_mask": stable_mask, "coefficients": baseline.coefficients, "spread": baseline.spread}
    check_shapes(observed.shape[1:], arrays)
    stable = np.ravel(stable_mask)
    left, scaled = np.empty(stable.size, np.float32), np.empty(stable.size, np.float32)
    weights, coefficients = _weights_of(baseline, day), _flat(baseline.coefficients, 2)
    offsets, amplitudes, widening = [], [], []
    for f, name in enumerate(baseline.names):
        write_left(_flat(observed[f]), coefficients, f, weights, left)
        offset = median_of(left, stable) or 0.0
        spread = _flat(baseline.spread[f])
        write_scaled(left, spread, np.float32(offset), np.float32(factor), scaled)
        offsets.append(offset)
        at = _sample(stable & np.isfinite(scaled)) if baseline.pairs else np.empty(0, np.int64)
        if at.size < STRATA:
            level = _excess(size_quantiles(scaled, stable, (0.5, 0.9)), smeared=name == "texture")
            strata = (0.0,) * STRATA, (level,) * STRATA
        else:
            season = np.sqrt(np.square(coefficients[f, 1:, at]).sum(axis=1)) / spread[at]
            strata = _by_season(np.abs(scaled[at]), season, smeared=name == "texture")
        amplitudes.append(strata[0])
        widening.append(strata[1])
    return SceneMotion(tuple(offsets), tuple(amplitudes), tuple(widening))


def apply_motion(
    observed: Floats,
    baseline: Baseline,
    motion: SceneMotion,
    *,
    day: int,
    factor: float,
    floors: Mapping[str, float] | None = None,
) -> Residual:
    """Express the residuals of a block of pixels in σ, freed of what the whole scene has in common.

    Parameters
    ----------
    observed
        float32 (feature, y, x), NaN where not clear.
    baseline
        The fitted expectation, of the same pixels.
    motion
        What the whole scene has in common.
    day, factor, floors
        As for `standardise`.

    Returns
    -------
    Residual.
    """
    check_shapes(observed.shape, {"spread": baseline.spread})
    z = np.empty(observed.shape, np.float32)
    numbers = residual_numbers(baseline, motion, day=day, factor=factor, floors=floors)
    write_z(*(_flat(observed, 1), *numbers, z.reshape(len(z), -1)))
    return Residual(baseline.names, z)


def residual_numbers(
    baseline: Baseline,
    motion: SceneMotion,
    *,
    day: int,
    factor: float,
    floors: Mapping[str, float] | None = None,
) -> tuple[Any, ...]:
    """Make what the compiled form takes beside the features of a block.

    Parameters
    ----------
    baseline, motion, day, factor, floors
        As for `apply_motion`.

    Returns
    -------
    tuple, the arguments of `write_z` after the first.
    """
    return (
        _flat(baseline.coefficients, 2),
        _flat(baseline.spread, 1),
        _weights_of(baseline, day),
        np.array(motion.offsets, np.float32),
        np.float32(factor),
        np.array([0.0 if floors is None else floors[name] for name in baseline.names], np.float32),
        _pieces(motion),
    )


def _sample(where: Mask) -> npt.NDArray[np.int64]:
    """Pick the places of `SAMPLE_PX` of the pixels of a mask, at equal steps from its first to its last."""
    at = np.flatnonzero(where)
    return at[np.linspace(0, at.size - 1, min(SAMPLE_PX, at.size)).astype(np.int64)] if at.size else at


def _by_season(sizes: Floats, season: Floats, *, smeared: bool) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Measure the middle amplitude of each stratum, and by how much σ is to be widened there.

    `sizes` are the sizes of residuals in σ, `season` the amplitudes of the same pixels' seasons in σ. Strata are
    compared by their medians. A change moves the median of a stratum little until it covers half of it, which is a
    tenth of the area. Residuals are divided by what their stratum shows, and the level of all is then measured on them
    as it is where there is no season. Strata of the same amplitude, such as ground without any season, count as one.
    """
    order = np.array_split(np.argsort(season, kind="stable"), STRATA)
    amplitudes = np.array([np.median(season[part]) for part in order], np.float64)
    usual = float(np.median(sizes))
    shape = np.ones(STRATA)
    if usual > 0:
        shape = np.maximum([np.median(sizes[part]) / usual for part in order], LEAST_SHAPE)
        shape **= min(1.0, sizes.size / (STRATA * PX_IN_STRATUM))
        shape = np.array([shape[amplitudes == amplitude].mean() for amplitude in amplitudes])
    rest = sizes / np.interp(season, amplitudes, shape)
    level = _excess((float(np.median(rest)), float(np.quantile(rest, 0.9))), smeared=smeared)
    return tuple(amplitudes.tolist()), tuple((shape * level).tolist())


def _pieces(motion: SceneMotion) -> Floats:
    """Make what `write_z` takes: float32 (feature, 2 · STRATA), the first widening, the amplitudes, and the slopes."""
    amplitudes, widening = (np.array(numbers, np.float64) for numbers in (motion.amplitudes, motion.widening))
    apart = np.diff(amplitudes, axis=1)
    slopes = np.where(apart > 0, np.diff(widening, axis=1) / np.where(apart > 0, apart, 1.0), 0.0)
    return np.concatenate([widening[:, :1], amplitudes, slopes], axis=1).astype(np.float32)


def _weights_of(baseline: Baseline, day: int) -> Floats:
    return np.asarray(design(np.array([day]), baseline.pairs)[0], np.float32)


def _flat(array: Floats, axes: int = 0) -> Floats:
    """The array with all axes after the first few as one."""
    return np.ascontiguousarray(array, np.float32).reshape(*array.shape[:axes], -1)


def standardise_plain(
    observed: Floats,
    baseline: Baseline,
    *,
    day: int,
    factor: float,
    stable_mask: Mask,
    floors: Mapping[str, float] | None = None,
) -> Residual:
    """Express the same in plain numpy: the reference, to within 1e-5 of z and as much of its size.

    Parameters
    ----------
    observed, baseline, day, factor, stable_mask, floors
        As for `standardise`; the whole area counts, however large.

    Returns
    -------
    Residual.
    """
    residual = observed - predict(baseline, day)
    z = np.empty_like(residual)
    for f in range(len(residual)):
        common = residual[f][stable_mask & np.isfinite(residual[f])]
        offset = float(np.median(common)) if common.size else 0.0
        name, sigma = baseline.names[f], baseline.spread[f] * factor
        scaled = (residual[f] - offset) / sigma
        seen = stable_mask & np.isfinite(scaled)
        season = np.sqrt(np.square(baseline.coefficients[f, 1:]).sum(axis=0)) / baseline.spread[f]
        if baseline.pairs and seen.sum() >= STRATA:
            at = _sample(np.ravel(seen))
            strata = _by_season(np.abs(scaled.ravel()[at]), season.ravel()[at], smeared=name == "texture")
            wide = np.interp(season, *strata)
        else:
            sizes = np.abs(scaled[seen])
            some = (float(np.percentile(sizes, 50.0)), float(np.percentile(sizes, 90.0))) if sizes.size else None
            wide = _excess(some, smeared=name == "texture")
        least = 1.0 if floors is None else floors[name] / baseline.spread[f]
        z[f] = scaled / np.maximum(least, wide)
    return Residual(baseline.names, z)


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


def _excess(sizes: tuple[float, ...] | None, *, smeared: bool) -> float:
    """By how much a scene scatters more than σ: at its middle, or at the 90 % that in a Gaussian lie within 1.645.

    The wider of the two counts: what changed for good covers a few per cent of an area at most, what a whole
    landscape does together (harvest, a wet year) covers more. A `smeared` feature spreads one change over its whole
    window, so only its middle is asked.
    """
    if sizes is None:
        return 1.0
    middle, wide = sizes
    return 1.4826 * middle if smeared else max(1.4826 * middle, wide / 1.645)
