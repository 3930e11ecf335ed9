"""The peers that use radar too: `bayts`, which fuses sensors date by date, and PWTT's test of two spans of Sentinel-1.

Each gives a score after every look, float32 (time, y, x), that grows with change, 0 where nothing is known. As for the
other peers, thresholds of their own are left off, so that all can be held at equal false objects, and neither stops at
its first break.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from detectors.acquisition import RADAR, Acquisition, Floats, Mask
from detectors.statistics import local_mean

DAYS_A_YEAR = 365.25
SIGMAS_F, SIGMAS_NF, MEAN_NF = 2.0, 2.0, 4.0
BLOCK = (0.1, 0.9)
PRE_DAYS, POST_DAYS, FEWEST_LOOKS = 365, 60, 2
CIRCLES_PX = (5, 10, 15)
LEAST_POWER = 1e-5


@dataclass(frozen=True)
class Reading:
    """One index of one sensor in time: the history and the watch, float32 (time, y, x), NaN where not seen.

    `sign` is +1 where change raises the index, −1 where it lowers it. Days are day numbers.
    """

    history: Floats
    history_days: npt.NDArray[np.int64]
    seen: Floats
    days: npt.NDArray[np.int64]
    sign: int


def changed_probability(reading: Reading, *, harmonics: int = 1) -> Floats:
    """The conditional probability of change of every look by itself, float32 (time, y, x); NaN where not seen.

    Reiche et al. (2018), doi 10.3390/rs10050777, and `baytsDD` of its R package: the harmonic model of the history is
    taken off; with σ the deviation of the history, p = f(r; ±4σ, 2σ) / (f(r; ±4σ, 2σ) + f(r; 0, 2σ)) for a residual r
    and the normal density f, cut to 0.1 and 0.9, the block weighting function of Reiche et al. (2015).
    """
    residual, sigma = _deseasonalised(reading, harmonics)
    toward = reading.sign * residual / np.maximum(sigma, 1e-6)
    unchanged = -0.5 * (toward / SIGMAS_F) ** 2 - np.log(SIGMAS_F)
    changed = -0.5 * ((toward - MEAN_NF) / SIGMAS_NF) ** 2 - np.log(SIGMAS_NF)
    with np.errstate(over="ignore"):
        probability = 1.0 / (1.0 + np.exp(unchanged - changed))
    return np.asarray(np.clip(probability, *BLOCK), np.float32)


def bayts(readings: Sequence[Reading]) -> tuple[npt.NDArray[np.int64], Floats]:
    """The log-odds of change of flagged pixels after every look of any sensor, in the order of days.

    Reiche et al. (2015), doi 10.3390/rs70504973, section 2.1.4, and `detectBayts`: a pixel is flagged where p ≥ 0.5,
    with the p before as the prior; while it is flagged P ← P·p / (P·p + (1 − P)(1 − p)); it is let go where P < 0.5.
    """
    looks = [(int(day), p) for r in readings for day, p in zip(r.days, changed_probability(r), strict=True)]
    looks.sort(key=lambda look: look[0])
    if not looks:
        return np.empty(0, np.int64), np.empty((0, 0, 0), np.float32)
    before = np.zeros(looks[0][1].shape)  # log-odds of the look before: 0.5 at the start
    odds, is_flagged, out = np.zeros_like(before), np.zeros(before.shape, bool), []
    for _, probability in looks:
        is_seen = np.isfinite(probability)
        said = np.where(is_seen, np.log(probability / (1 - probability)), 0.0)
        starts = ~is_flagged & is_seen & (said >= 0)
        odds = np.where(starts, before + said, np.where(is_flagged, odds + said, 0.0))
        is_flagged = (is_flagged & (odds >= 0)) | starts
        odds = np.where(is_flagged, odds, 0.0)
        before = np.where(is_seen, said, before)
        out.append(np.maximum(odds, 0.0).astype(np.float32))
    return np.array([day for day, _ in looks], np.int64), np.stack(out)


def pwtt(
    acquisitions: Sequence[Acquisition], *, since: int, monitored_mask: Mask, is_smoothed: bool = False
) -> tuple[npt.NDArray[np.int64], Floats]:
    """PWTT's |t| after every radar look of the watch, over orbits and polarisations the greatest.

    Ballinger (2024), arXiv 2405.06323, and its published code: t = (x̄₂ − x̄₁) / (s √(1/n₁ + 1/n₂)) on log backscatter
    after a filter of speckle (here the mean of 3 × 3 in place of Lee's), with the pooled variance
    s² = ((n₁ − 1)s₁² + (n₂ − 1)s₂²) / (n₁ + n₂ − 2); twelve months before the watch against the last two months of it;
    then a median of 3 × 3. With `is_smoothed` the mean of that and of its means in circles of 50, 100 and 150 m, as on
    the published map.
    """
    looks = [k for k in acquisitions if k.sensor == RADAR and k.day.toordinal() >= since - PRE_DAYS]
    logs = {k.scene_id: _log_backscatter(k, monitored_mask) for k in looks}
    watched = sorted(k.day.toordinal() for k in looks if k.day.toordinal() >= since)
    best: dict[str, Floats] = {}
    out = []
    for day in watched:
        for track in {k.track for k in looks if k.day.toordinal() == day}:
            mine = [(k.day.toordinal(), logs[k.scene_id]) for k in looks if k.track == track]
            before = [x for at, x in mine if at < since]
            after = [x for at, x in mine if max(since, day - POST_DAYS) <= at <= day]
            if min(len(before), len(after)) >= FEWEST_LOOKS:
                best[track] = _t_of(np.stack(before), np.stack(after))
        score = np.max(list(best.values()), axis=0) if best else np.zeros(monitored_mask.shape, np.float32)
        out.append(_smoothed(score) if is_smoothed else score)
    empty = np.empty((0, *monitored_mask.shape), np.float32)
    return np.array(watched, np.int64), np.stack(out) if out else empty


def radar_readings(acquisitions: Sequence[Acquisition], *, since: int, monitored_mask: Mask) -> list[Reading]:
    """VV of every orbit as readings for `bayts`; log backscatter, which buildings raise."""
    out = []
    for track in sorted({k.track for k in acquisitions if k.sensor == RADAR}):
        looks = [k for k in acquisitions if k.sensor == RADAR and k.track == track and "vv" in k.bands]
        days = np.array([k.day.toordinal() for k in looks], np.int64)
        if (days < since).sum() > FEWEST_LOOKS and (days >= since).any():
            vv = np.stack([_log_backscatter(k, monitored_mask)[k.bands.index("vv")] for k in looks])
            out.append(Reading(vv[days < since], days[days < since], vv[days >= since], days[days >= since], 1))
    return out


def _deseasonalised(reading: Reading, harmonics: int) -> tuple[Floats, Floats]:
    """Residuals of the watch, and σ of the history's, about a harmonic model fitted by least squares pixel by pixel."""
    design, now = _design(reading.history_days, harmonics), _design(reading.days, harmonics)
    values = reading.history.reshape(len(reading.history), -1).astype(np.float64)
    is_seen = np.isfinite(values)
    known = np.where(is_seen, values, 0.0)
    normal = np.einsum("ti,tj,tp->pij", design, design, is_seen) + 1e-6 * np.eye(design.shape[1])
    fitted = np.linalg.solve(normal, (design.T @ known).T[..., None])[..., 0]
    left = np.where(is_seen, known - (design @ fitted.T), 0.0)
    degrees = np.maximum(is_seen.sum(axis=0) - design.shape[1], 1)
    shape = reading.history.shape[1:]
    sigma = np.where(is_seen.sum(axis=0) > design.shape[1], np.sqrt((left**2).sum(axis=0) / degrees), np.nan)
    residual = reading.seen - (now @ fitted.T).reshape(len(now), *shape)
    return residual.astype(np.float32), sigma.reshape(shape).astype(np.float32)


def _design(days: npt.NDArray[np.int64], harmonics: int) -> npt.NDArray[np.float64]:
    angle = 2 * np.pi * np.asarray(days, np.float64)[:, None] * np.arange(1, harmonics + 1) / DAYS_A_YEAR
    return np.concatenate([np.ones((len(days), 1)), np.cos(angle), np.sin(angle)], axis=1)


def _log_backscatter(acquisition: Acquisition, monitored_mask: Mask) -> Floats:
    """The logarithm of the mean power of 3 × 3 pixels, float32 (band, y, x)."""
    is_seen = acquisition.valid & monitored_mask
    power = [local_mean(np.where(is_seen, band, np.nan), is_seen, size_px=3) for band in acquisition.pixels]
    return np.log(np.maximum(np.stack(power), LEAST_POWER)).astype(np.float32)


def _t_of(before: Floats, after: Floats) -> Floats:
    """|t| of two samples (time, band, y, x) with a pooled variance, the greatest of the bands; 0 where not known."""
    n1, n2 = len(before), len(after)
    pooled = ((n1 - 1) * before.var(axis=0, ddof=1) + (n2 - 1) * after.var(axis=0, ddof=1)) / (n1 + n2 - 2)
    t = np.abs(after.mean(axis=0) - before.mean(axis=0)) / np.sqrt(np.maximum(pooled, 1e-9) * (1 / n1 + 1 / n2))
    return np.asarray(ndimage.median_filter(np.nan_to_num(t.max(axis=0)), size=3), np.float32)


def _smoothed(score: Floats) -> Floats:
    means = [ndimage.convolve(score, _circle(radius), mode="nearest") for radius in CIRCLES_PX]
    return np.asarray(np.mean([score, *means], axis=0), np.float32)


def _circle(radius_px: int) -> Floats:
    rows, columns = np.mgrid[-radius_px : radius_px + 1, -radius_px : radius_px + 1]
    inside = (np.hypot(rows, columns) <= radius_px).astype(np.float32)
    return np.asarray(inside / inside.sum(), np.float32)
