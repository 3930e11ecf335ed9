"""Fit what ground and what scenes the table of signatures has seen: its rows of levels, and its widest scatter.

`fit_signatures.py` calls it. A ground of the fit has one row: levels of the baseline of every series over it, of all
cases on that ground alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from detectors.acquisition import Mask
from detectors.baseline.harmonic import Baseline
from detectors.baseline.uncertainty import FLOORS
from detectors.evidence.emission import relative_scatter
from detectors.evidence.signatures import LEVELS, SignatureTable

if TYPE_CHECKING:
    from fit_signatures import Compared, Known

Levels = npt.NDArray[np.float64]
PIXELS_A_SERIES = 1000


def levels_of(known: Known, features: Mapping[str, Sequence[str]]) -> dict[str, Levels]:
    """Levels of the first baseline of every series of a case, by sensor, (pixel, feature)."""
    found: dict[str, tuple[str, Levels]] = {}
    for one in known.compared:
        series = one.series
        if series.name not in found:
            watched = known.case.ground.monitored_mask
            found[series.name] = series.sensor, _levels(series.baseline, watched, features[series.sensor])
    sensors = {sensor for sensor, _ in found.values()}
    return {s: np.concatenate([some for sensor, some in found.values() if sensor == s]) for s in sorted(sensors)}


def _levels(baseline: Baseline, watched: Mask, features: Sequence[str]) -> Levels:
    """In units of the least σ, NaN for a feature that the baseline lacks."""
    level = baseline.coefficients[:, 0][:, watched]
    level = level[:, np.isfinite(level).all(axis=0)]
    at = np.linspace(0, level.shape[1] - 1, min(PIXELS_A_SERIES, level.shape[1])).astype(np.int64)
    out = np.full((len(at), len(features)), np.nan)
    for name, values in zip(baseline.names, level[:, at], strict=True):
        out[:, features.index(name)] = values / FLOORS[name]
    return out


def level_rows(cases: Iterable[tuple[str, dict[str, Levels]]]) -> list[dict[str, Any]]:
    """Rows of the table as they are written, one for each sensor and ground, of the ground and the levels of cases."""
    pooled: dict[tuple[str, str], list[Levels]] = {}
    for ground, levels in cases:
        for sensor, some in levels.items():
            pooled.setdefault((sensor, ground), []).append(some)
    return [_row(*key, np.concatenate(parts), len(parts)) for key, parts in sorted(pooled.items())]


def _row(sensor: str, ground: str, levels: Levels, cases: int) -> dict[str, Any]:
    """Mean and covariance, pair by pair, with the least σ added; a feature that was never measured has no mean."""
    known: Mask = np.isfinite(levels)
    mean = np.nansum(levels, axis=0) / np.maximum(known.sum(axis=0), 1)
    apart = np.where(known, levels - mean, 0.0)
    covariance = apart.T @ apart / np.maximum(known.astype(float).T @ known, 1)
    values, vectors = np.linalg.eigh(covariance)
    covariance = (vectors * (np.maximum(values, 0.0) + 1.0)) @ vectors.T
    return {
        "sensor": sensor,
        "history": LEVELS,
        "ground": ground,
        "mean": [round(float(m), 3) if seen else None for m, seen in zip(mean, known.sum(axis=0), strict=True)],
        "covariance": np.round((covariance + covariance.T) / 2, 3).tolist(),
        "source": f"{len(levels)} pixels of {cases} cases of fit_cases.py",
    }


def widest_scatter(scenes: Iterable[tuple[Compared, Mask]], table: SignatureTable) -> dict[str, dict[str, float]]:
    """How far the null of any of some scenes, each with its stable ground, scatters against the table's at most."""
    out: dict[str, dict[str, float]] = {}
    for one, stable_mask in scenes:
        series = one.series
        scatter = relative_scatter(
            one.z,
            series.names,
            sensor=series.sensor,
            history=series.history_kind,
            stable_mask=stable_mask,
            table=table,
        )
        most = out.setdefault(series.sensor, {})
        most[series.history_kind] = max(most.get(series.history_kind, 0.0), round(scatter, 2))
    return out
