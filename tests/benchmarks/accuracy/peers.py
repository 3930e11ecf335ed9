# mypy: disable-error-code="arg-type,no-any-return"
"""The peers that compare two images: change vectors, PCA of the difference, and IR-MAD.

Each takes the ground before and the ground now, float32 (band, y, x) with NaN where it was not seen, and gives a score
(y, x) that grows with change; NaN where either is lacking. Where a published method ends in a threshold of its own
(Otsu, k-means, χ²), the score before that step is returned, so that all can be held at equal false alarms.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import linalg, stats

from detectors.acquisition import Floats, Mask
from detectors.statistics import local_mean, median

SEASON_DAYS = 45
FEWEST_PX = 200


def cva(before: Floats, after: Floats) -> Floats:
    """The length of the change vector, each band in its own robust σ after the scene's median change is taken off.

    Malila (1980), "Change vector analysis: an approach for detecting forest changes with Landsat"; Bruzzone and
    Prieto (2000), doi 10.1109/36.843009.
    """
    return np.sqrt(np.sum(_standardised(after - before) ** 2, axis=0)).astype(np.float32)


def pca_difference(before: Floats, after: Floats, *, window_px: int = 3, kept: float = 0.9) -> Floats:
    """The length of the difference in its leading principal components, each in units of its own σ.

    Celik (2009), doi 10.1109/LGRS.2009.2025059: a pixel's vector is what it and its neighbours show, and as many
    components are kept as hold `kept` of the variance. Neighbours enter by their mean, band by band, rather than one
    by one, so that several bands can be used.
    """
    difference = _standardised(after - before)
    seen = np.isfinite(difference).all(axis=0)
    smooth = np.stack([local_mean(np.where(seen, band, np.nan), seen, size_px=window_px) for band in difference])
    vectors = np.concatenate([difference, smooth])[:, seen]
    score = np.full(seen.shape, np.nan, np.float32)
    if vectors.shape[1] < FEWEST_PX:
        return score
    calm = np.linalg.norm(vectors, axis=0) <= np.quantile(np.linalg.norm(vectors, axis=0), 0.95)
    variances, axes = np.linalg.eigh(np.cov(vectors[:, calm]))
    order = np.argsort(variances)[::-1]
    leading = order[: 1 + int(np.searchsorted(np.cumsum(variances[order]) / variances.sum(), kept))]
    along = axes[:, leading].T @ vectors / np.sqrt(np.maximum(variances[leading], 1e-9))[:, None]
    score[seen] = np.sqrt(np.sum(along**2, axis=0))
    return score


def ir_mad(before: Floats, after: Floats, *, rounds: int = 30, ridge: float = 1e-4) -> Floats:
    """√Z, where Z = Σ(MADᵢ/σᵢ)².

    Nielsen (2007), doi 10.1109/TIP.2006.888195: canonical variates of both images, differences of pairs of them, and
    again with every pixel weighted by its chance of no change, until the correlations stand still. The weights draw
    σ in, so that Z is χ² after the first round and runs above it from the second on; only its order is used here.
    """
    seen = np.isfinite(before).all(axis=0) & np.isfinite(after).all(axis=0)
    score = np.full(seen.shape, np.nan, np.float32)
    if seen.sum() < FEWEST_PX:
        return score
    x, y = before[:, seen].astype(np.float64), after[:, seen].astype(np.float64)
    weights, last = np.ones(x.shape[1]), np.zeros(len(x))
    z = np.zeros(x.shape[1])
    for _ in range(rounds):
        mads, correlations = _mad_variates(x, y, weights, ridge)
        z = np.sum(mads**2 / np.maximum(2 * (1 - correlations), 1e-9)[:, None], axis=0)
        weights = stats.chi2.sf(z, len(x)) + 1e-9
        if np.abs(correlations - last).max() < 1e-3:
            break
        last = correlations
    score[seen] = np.sqrt(z)
    return score


def _mad_variates(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], ridge: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Differences of the canonical variates (band, pixel), least correlated first, and their correlations."""
    both = np.concatenate([x, y])
    centred = both - np.average(both, axis=1, weights=weights)[:, None]
    covariance = (centred * weights) @ centred.T / weights.sum()
    p = len(x)
    xx, yy, xy = covariance[:p, :p], covariance[p:, p:], covariance[:p, p:]
    xx, yy = (m + ridge * np.trace(m) / p * np.eye(p) for m in (xx, yy))
    squared, a = linalg.eigh(xy @ np.linalg.solve(yy, xy.T), xx)
    correlations = np.sqrt(np.clip(squared, 1e-12, 1 - 1e-9))
    b = np.linalg.solve(yy, xy.T @ a) / correlations
    return a.T @ centred[:p] - b.T @ centred[p:], correlations


def _standardised(difference: Floats) -> Floats:
    """Each band less its median, in units of 1.4826 × its median absolute deviation."""
    flat = difference.reshape(len(difference), -1)
    middle = np.nanmedian(flat, axis=1)[:, None, None]
    spread = 1.4826 * np.nanmedian(np.abs(flat - middle[:, 0]), axis=1)[:, None, None]
    return np.asarray((difference - middle) / np.maximum(spread, 1e-4), np.float32)


def same_season(values: Floats, days: npt.NDArray[np.int64], *, day: int, within_days: int = SEASON_DAYS) -> Floats:
    """The median (band, y, x) of those earlier looks (time, band, y, x) that fall in the same season.

    `days` int64 (time,) are day numbers. NaN where none of them saw the ground.
    """
    near = np.abs((days - day + 182.625) % 365.25 - 182.625) <= within_days
    return median(values[near]) if near.any() else np.full(values.shape[1:], np.nan, np.float32)


def pushed(last: Floats, values: Floats, clear: Mask) -> Floats:
    """The last few clear values of every pixel (look, band, y, x) with those of one more look in them."""
    moved = np.concatenate([last[1:], values[None]])
    return np.where(clear, moved, last).astype(np.float32)


PAIR_METHODS = {"CVA": cva, "PCA difference": pca_difference, "IR-MAD": ir_mad}
