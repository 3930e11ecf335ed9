"""What became of each structure: does it stand, was it changed, is its roof no longer there, or was it not seen since.

A structure is compared with what it was itself. Its baseline is the seasonal fit of all looks before a day (`before`),
in σ of which z is the distance of a later look. k is the distance that would be measured if the roof were replaced by
the ground around it. With C the covariance of z among structures before that day,

    left      = 1 − Σ kᵀC⁻¹z / Σ kᵀC⁻¹k       the share of what set the roof apart from its surroundings
    distance  = z̄ᵀC⁻¹z̄ / (ρ + (1 − ρ)/m)      χ² under no change; m looks share errors of one baseline, ρ

Radar sees walls and corners, and so cannot say that a roof stands. Where optics do not decide it can say that nothing
stands there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy.special import chdtri

from detectors.acquisition import OPTICAL
from detectors.baseline.harmonic import fit_baseline, predict, prediction_factor
from detectors.baseline.residual import standardise
from detectors.claims.structure_cover import StructureCover
from detectors.claims.structure_series import StructureSeries

Matrix = npt.NDArray[np.float64]


class StructureState(StrEnum):
    """What became of a structure."""

    STANDING = "standing"
    CHANGED = "changed"
    GONE = "gone"
    NOT_SEEN = "not-seen"


class Unseen(StrEnum):
    """Why nothing can be said of a structure."""

    NO_LOOK_BEFORE = "no-look-before"
    NO_LOOK_SINCE = "no-look-since"
    TOO_SMALL = "too-small"
    ALIKE = "alike"
    """Its roof looks like the ground around it."""


@dataclass(frozen=True)
class StructureParameters:
    """When a structure is said to stand or to be gone.

    `fewest_looks` clear looks since the claim must show it, and the last `recent_looks` of them are asked.
    `fewest_before` clear looks before it make a baseline. `gone_left` and `standing_left`: the most and the least that
    may be left of what set the roof apart, each with `errors` standard errors. `chance`: how seldom an unchanged
    structure is called changed. `shared`: ρ. `least_scatter`: under which the scatter of z is not believed.
    `loss`: by how much worse, in nats, a day of the change may fit than the best. Chosen on simulated sites of other
    seeds than the tests use.
    """

    fewest_looks: int = 3
    recent_looks: int = 8
    fewest_before: int = 5
    gone_left: float = 0.2
    gone_left_radar: float = 0.35
    least_radar_contrast: float = 1.5
    standing_left: float = 0.5
    errors: float = 1.645
    chance: float = 0.001
    shared: float = 0.25
    least_scatter: float = 0.5
    pseudo_looks: float = 50.0
    loss: float = 3.0


PARAMETERS = StructureParameters()


@dataclass(frozen=True)
class StructureReading:
    """What became of one structure.

    `earliest` and `latest` are the days between which it was changed or went: the last look at which it was as before
    (None: no look so early) and the first at which it was not. `looks` are the clear looks since the claim, `last_look`
    the last of them. `left` is the share of what set its roof apart, None where that was not measured.
    """

    state: StructureState
    earliest: date | None = None
    latest: date | None = None
    looks: int = 0
    last_look: date | None = None
    left: float | None = None
    reason: Unseen | None = None


def read_states(
    series: Sequence[StructureSeries],
    cover: StructureCover,
    *,
    before: date,
    since: date,
    until: date,
    built: Sequence[date | None] | None = None,
) -> tuple[StructureReading, ...]:
    """Decide what became of each structure by the end of a day.

    Parameters
    ----------
    series
        What each look shows of the structures.
    cover
        The structures on the grid.
    before
        Looks before this day make the baseline.
    since
        Looks after this day say what became of a structure.
    until
        The last day whose looks count.
    built
        The day from which on each structure stood; None for one that stood before the first look.

    Returns
    -------
    tuple of StructureReading, one for each structure.
    """
    starts = np.array([0 if day is None else day.toordinal() for day in built or [None] * cover.count], np.int64)
    readings = [_unseen(Unseen.NO_LOOK_SINCE if readable else Unseen.TOO_SMALL) for readable in cover.is_readable]
    for one in sorted(series, key=lambda s: s.sensor != OPTICAL):
        measured = _measure(one, before, until, starts)
        if measured is None:
            continue
        is_optical = one.sensor == OPTICAL
        for n in range(cover.count):
            readings[n] = _joined(readings[n], _read(measured, n, since, is_optical=is_optical), is_optical=is_optical)
    return tuple(readings)


def _unseen(reason: Unseen, looks: int = 0, last: date | None = None) -> StructureReading:
    return StructureReading(StructureState.NOT_SEEN, looks=looks, last_look=last, reason=reason)


def _joined(known: StructureReading, read: StructureReading, *, is_optical: bool) -> StructureReading:
    """What two series say: optics decide; radar is believed where they leave it open and it finds nothing standing."""
    if known.reason is Unseen.TOO_SMALL:
        return known
    if is_optical:
        return read
    is_open = known.state in (StructureState.NOT_SEEN, StructureState.CHANGED)
    if is_open and read.state is StructureState.GONE:
        return replace(read, looks=known.looks + read.looks)
    return known


@dataclass(frozen=True)
class _Measured:
    """z and k of every look, float64 (look, feature, structure), whitened by C; how many looks made the baseline."""

    days: npt.NDArray[np.int64]
    z: Matrix
    k: Matrix
    looks_before: npt.NDArray[np.int64]


def _measure(series: StructureSeries, before: date, until: date, starts: npt.NDArray[np.int64]) -> _Measured | None:
    """Each look against the baseline of each structure; None where no look makes one."""
    n, kept = series.count, series.days <= until.toordinal()
    days, values = series.days[kept], series.values[kept].copy()
    for at in np.flatnonzero(starts):
        values[days < starts[at], :, at] = np.nan
    is_history = days < before.toordinal()
    if not is_history.any():
        return None
    baseline = fit_baseline(values[is_history][:, :, None, :], days[is_history], names=series.names)
    stable = np.ones((1, values.shape[2]), bool)
    stable[0, :n] = False
    z, k = np.empty((2, len(days), len(series.names), n))
    for t, day in enumerate(map(int, days)):
        expected, factor = predict(baseline, day), prediction_factor(baseline, day)
        residual = standardise(values[t][:, None, :], baseline, day=day, factor=factor, stable_mask=stable)
        z[t] = residual.z[:, 0, :n]
        k[t] = (expected[:, 0, n : 2 * n] - expected[:, 0, :n]) / (baseline.spread[:, 0, :n] * factor)
    root = _root(z[is_history])
    white_z, white_k = (np.einsum("fg,tgn->tfn", root, part) for part in (z, k))
    return _Measured(days, white_z, white_k, np.isfinite(z[is_history, 0]).sum(axis=0))


def _root(z: Matrix) -> Matrix:
    """The inverse root of the covariance of z among all structures before the claim, held up where it is small."""
    p = PARAMETERS
    flat = z.transpose(1, 0, 2).reshape(z.shape[1], -1)
    flat = np.clip(flat[:, np.isfinite(flat).all(axis=0)], -4.0, 4.0)
    count = flat.shape[1]
    own = flat @ flat.T / max(count, 1)
    covariance = (count * own + p.pseudo_looks * np.eye(len(own))) / (count + p.pseudo_looks)
    scale = np.maximum(np.sqrt(np.diag(covariance)), p.least_scatter) / np.sqrt(np.diag(covariance))
    root = np.linalg.inv(np.linalg.cholesky(covariance * np.outer(scale, scale)))
    return np.asarray(root, np.float64)


def _read(measured: _Measured, n: int, since: date, *, is_optical: bool) -> StructureReading:
    """What one series says of one structure."""
    p = PARAMETERS
    seen = np.isfinite(measured.z[:, 0, n]) & np.isfinite(measured.k[:, 0, n])
    days, z, k = measured.days[seen], measured.z[seen, :, n], measured.k[seen, :, n]
    late = np.flatnonzero(days > since.toordinal())
    looks, last = len(late), date.fromordinal(int(days[late[-1]])) if len(late) else None
    if measured.looks_before[n] < p.fewest_before:
        return _unseen(Unseen.NO_LOOK_BEFORE, looks, last)
    if looks < p.fewest_looks:
        return _unseen(Unseen.NO_LOOK_SINCE, looks, last)
    recent = late[-p.recent_looks :]
    middle, contrast = np.median(z[recent], axis=0), k[recent].mean(axis=0)
    noise = p.shared + (1.0 - p.shared) / len(recent)
    strength = max(float(contrast @ contrast), 1e-9)
    left, error = 1.0 - float(contrast @ middle) / strength, p.errors * float(np.sqrt(noise / strength))
    is_changed = float(middle @ middle) / noise > float(chdtri(len(middle), p.chance))
    if not is_changed:
        is_standing = left - error >= p.standing_left
        found = StructureReading(StructureState.STANDING, None, None, looks, last, round(left, 3))
        return found if is_standing else _unseen(Unseen.ALIKE, looks, last)
    earliest, latest = _changed_between(z, days, middle)
    is_gone = left + error <= (p.gone_left if is_optical else p.gone_left_radar)
    is_gone &= is_optical or strength >= p.least_radar_contrast**2
    state = StructureState.GONE if is_gone else StructureState.CHANGED
    return StructureReading(state, earliest, latest, looks, last, round(left, 3))


def _changed_between(
    z: Matrix, days: npt.NDArray[np.int64], middle: npt.NDArray[np.float64]
) -> tuple[date | None, date]:
    """The looks between which a structure came to be as it is, as far as they can be told apart."""
    p = PARAMETERS
    as_before, as_now = (np.minimum((part * part).sum(axis=1), 25.0) for part in (z, z - middle))
    cost = np.concatenate([[0.0], np.cumsum(as_before)]) + np.concatenate([np.cumsum(as_now[::-1])[::-1], [0.0]])
    cost = 0.5 * cost[: len(days)]
    fits = np.flatnonzero(cost <= cost.min() + p.loss)
    earliest = date.fromordinal(int(days[fits[0] - 1])) if fits[0] else None
    return earliest, date.fromordinal(int(days[fits[-1]]))


def baseline_end(claimed_on: date, days: Sequence[date], *, lead_days: int = 45, fewest: int = 12) -> date:
    """Choose the day before which looks show a site as it was, some weeks before what is claimed.

    Parameters
    ----------
    claimed_on
        The day of the claim, or of the response that it is about.
    days
        The days of all looks.
    lead_days
        How long before it works may have begun.
    fewest
        With fewer looks before that day all looks up to the claim are taken.

    Returns
    -------
    date.
    """
    early = claimed_on - timedelta(days=lead_days)
    return early if sum(day < early for day in days) >= fewest else claimed_on
