"""What one acquisition says for each class of change, in nats, at the scale of pixels and at those of places.

Per pixel x = asinh(z), z being the residuals in σ. With t₅ the multivariate Student density of 5 degrees of freedom,

    p(x | class)     = t₅(x; μ, Σ + E)                    a row of the table
    p(x | unchanged) = t₅(x; 0.7 m, 0.7 S + 0.3 Σ₀)       m, S: middle and scatter of this acquisition's own ground
                       + that of ground beside a change   after a history, whose contrast and texture a change moves
    E                = positive part of S − Σ₀            what makes this scene scatter widens every class
    l                = ln p(x | class) − ln p(x | unchanged)

Features that were not measured drop out with their rows and columns, so that any set of bands will do. A place is a
window whose pixels need not look alike, yards and dark and bright roofs: l of the rows of places, averaged over it.
Places are asked where one scene is all the history there is; later, single pixels have said enough.

What an acquisition says is never more than its own ground bears out. After a history, l of the best class is held by π,
the share of unchanged ground that says as much: l' = ln[((1−ε) eˡ)/((1−π) + π eˡ) + ε], which never passes −ln π; the
other classes follow at their distance. After a single
scene σ is only supposed and says little; there l is ranked among those of the same acquisition with z turned to −z,
and −ln of the share that reaches it takes its place. Turning the sign is changing before for after, so that what
passes a threshold turned round is what chance and seasons put over it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg, stats

from detectors.acquisition import Floats, Mask
from detectors.evidence.signatures import (
    BESIDE,
    CLASSES,
    ONE_SCENE,
    PLACES,
    UNCHANGED,
    WATER,
    Signature,
    SignatureTable,
)
from detectors.statistics import local_mean

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EmissionParameters:
    """Numbers of the emission that are set by hand.

    `degrees`: of freedom of Student's t, for tails that no Gaussian has. `own_share`: how far the null is this
    acquisition's own ground, and not the table's. `sample_px`: on how many pixels it is measured. `quiet_share`: the
    part of the ground that is surely unchanged after one scene, on which the scatter is measured (Rousseeuw and Van
    Driessen 1999); after a history residuals are clipped at `clip_mad` median absolute deviations. `floor`: ε.
    `least_false`: the least share that is believed of anything, π. `doubtful`: from how many
    nats on quiet ground says something false. `places_px`: sides of the windows in native
    pixels; `independent`: how many pixels' worth a window says; `lowest`, `highest`: what one pixel may lend it.
    """

    degrees: float = 5.0
    own_share: float = 0.7
    sample_px: int = 20_000
    quiet_share: float = 0.5
    clip_mad: float = 2.5
    floor: float = 0.02
    least_false: float = 1 / 2000
    doubtful: float = 2.0
    places_px: tuple[int, ...] = (9, 25)
    independent: tuple[float, ...] = (3.0, 5.0)
    lowest: float = -6.0
    highest: float = 4.0


PARAMETERS = EmissionParameters()


def log_ratios(
    z: Floats,
    names: tuple[str, ...],
    *,
    sensor: str,
    history: str,
    stable_mask: Mask,
    resolution_px: float,
    table: SignatureTable,
) -> tuple[Floats, Floats, Floats]:
    """Compute what an acquisition says for each class against unchanged ground.

    Parameters
    ----------
    z
        float32 (feature, y, x), residuals in σ, NaN where not clear.
    names
        The features, in the order of `z`.
    sensor
        One that the table has features of.
    history
        `SEASONS` or `ONE_SCENE`.
    stable_mask
        bool (y, x), ground that belongs to no event: the null is measured on it.
    resolution_px
        Native pixel in grid pixels, 1 or more.
    table
        The signatures.

    Returns
    -------
    float32 (scale, class, y, x), float32 (scale, class, y, x), float32 (y, x): what it says in nats, the pixels first,
    and after one scene those of places; after a history water follows the classes. Then, after one scene, the same of
    the turned acquisition, whose finds cannot be true (0 after a history); and how much rather it says built than
    cleared.
    """
    x = _ordered(np.arcsinh(z), names, table.features[sensor])
    null, wider = _null(x, stable_mask, table.row(sensor, history, UNCHANGED), is_supposed=history == ONE_SCENE)
    forward = _at_scales(x, null, wider, sensor, history, stable_mask, resolution_px, table)
    lead = forward[0, CLASSES.index("built")] - forward[0, CLASSES.index("cleared")]
    if history != ONE_SCENE:
        held = np.where(np.isfinite(forward), np.float32(0.0), np.float32(np.nan))
        known = [n for n, g in enumerate((*CLASSES, WATER)) if table.row(sensor, history, g) is not None]
        held[0, known] = _held(forward[0, known], stable_mask)
        return held, np.zeros_like(held), lead
    turned = _at_scales(-x, null, wider, sensor, history, stable_mask, resolution_px, table)
    return _ranked(forward, turned, stable_mask), _ranked(turned, forward, stable_mask), lead


def relative_scatter(
    z: Floats, names: tuple[str, ...], *, sensor: str, history: str, stable_mask: Mask, table: SignatureTable
) -> float:
    """Measure how far the null of an acquisition scatters against the table's, in the direction where it does so most.

    Parameters
    ----------
    z, names, sensor, history, stable_mask, table
        As for `log_ratios`; the table has a row of unchanged ground.

    Returns
    -------
    float, the largest ratio of variances of asinh(z): 1 where it scatters as the table does.
    """
    x, usual = _ordered(np.arcsinh(z), names, table.features[sensor]), table.rows[sensor, history, UNCHANGED]
    null, _ = _null(x, stable_mask, usual, is_supposed=history == ONE_SCENE)
    seen = np.flatnonzero(np.isfinite(x).any(axis=(1, 2)))
    own, of_table = null.covariance[np.ix_(seen, seen)], usual.covariance[np.ix_(seen, seen)]
    return float(linalg.eigh(own, of_table, eigvals_only=True)[-1])


def _ordered(x: Floats, names: tuple[str, ...], wanted: tuple[str, ...]) -> Floats:
    blank = np.full(x.shape[1:], np.nan, np.float32)
    return np.stack([x[names.index(n)] if n in names else blank for n in wanted]).astype(np.float32)


def _at_scales(
    x: Floats,
    null: Signature,
    wider: Matrix,
    sensor: str,
    history: str,
    stable_mask: Mask,
    resolution_px: float,
    table: SignatureTable,
) -> Floats:
    """l of every class, for pixels and averaged over places, float32 (scale, class, y, x)."""
    p = PARAMETERS
    grounds = (*CLASSES, *(PLACES if history == ONE_SCENE else (WATER,)))
    rows = [table.row(sensor, history, ground) for ground in grounds]
    ratios = _densities_over_null(x, null, wider, rows, beside=table.row(sensor, history, BESIDE))
    if history != ONE_SCENE:
        return ratios[None]
    pixels, places = ratios[: len(CLASSES)], np.clip(ratios[len(CLASSES) :], p.lowest, p.highest)
    out = [pixels]
    seen = np.isfinite(places[0])
    for native, worth in zip(p.places_px, p.independent, strict=True):
        side = 2 * round((native * max(1.0, resolution_px) - 1) / 2) + 1
        out.append(np.stack([local_mean(layer, seen, size_px=side) for layer in places]) * np.float32(worth))
    return np.stack(out)


def _densities_over_null(
    x: Floats, null: Signature, wider: Matrix, rows: list[Signature | None], *, beside: Signature | None
) -> Floats:
    """ln p(x | row) − ln p(x | unchanged) for each row, float32 (row, y, x); 0 for a row that is not there."""
    flat = x.reshape(len(x), -1)
    seen = np.isfinite(flat)
    pattern = (seen * (1 << np.arange(len(x)))[:, None]).sum(axis=0)
    out = np.full((len(rows), flat.shape[1]), np.nan, np.float32)
    for code in np.unique(pattern[pattern > 0]):
        at = np.flatnonzero(pattern == code)
        features = np.flatnonzero([(code >> n) & 1 for n in range(len(x))])
        part = flat[np.ix_(features, at)]
        unchanged = _log_student(part, null.mean[features], null.covariance[np.ix_(features, features)])
        if beside is not None:
            covariance = (beside.covariance + wider)[np.ix_(features, features)]
            unchanged = np.logaddexp(unchanged, _log_student(part, beside.mean[features], covariance))
        for n, row in enumerate(rows):
            if row is None:
                out[n, at] = 0.0
                continue
            covariance = (row.covariance + wider)[np.ix_(features, features)]
            out[n, at] = _log_student(part, row.mean[features], covariance) - unchanged
    return out.reshape(len(rows), *x.shape[1:])


def _log_student(x: Floats, mean: Matrix, covariance: Matrix) -> Floats:
    """The logarithm of t's density without the constants that depend on the number of features alone, (pixel,)."""
    p = PARAMETERS
    root = np.linalg.cholesky(covariance)
    white = linalg.solve_triangular(root, x - mean[:, None].astype(np.float32), lower=True, check_finite=False)
    distance = np.einsum("fn,fn->n", white, white)
    constant = float(np.log(np.diag(root)).sum())
    return np.asarray(-constant - 0.5 * (p.degrees + len(x)) * np.log1p(distance / p.degrees), np.float32)


def _null(x: Floats, stable_mask: Mask, unchanged: Signature | None, *, is_supposed: bool) -> tuple[Signature, Matrix]:
    """The null of this acquisition, and by how much its scatter widens every class."""
    p = PARAMETERS
    count = len(x)
    usual = unchanged or Signature(np.zeros(count), np.eye(count))
    flat = x[:, stable_mask]
    flat = flat[:, np.linspace(0, flat.shape[1] - 1, min(p.sample_px, flat.shape[1])).astype(np.int64)]
    measured = np.flatnonzero(np.isfinite(flat).mean(axis=1) > 0.02) if flat.size else np.array([], np.int64)
    mean, scatter = np.zeros(count), usual.covariance.copy()
    sample = flat[measured].astype(np.float64)
    sample = sample[:, np.isfinite(sample).all(axis=0)]
    if len(measured) and sample.shape[1] >= 200:
        middle, own = _quiet_scatter(sample) if is_supposed else _clipped_scatter(sample)
        mean[measured] = middle
        scatter[np.ix_(measured, measured)] = own
    values, vectors = np.linalg.eigh(scatter - usual.covariance)
    wider = (vectors * np.maximum(values, 0.0)) @ vectors.T
    null = Signature(p.own_share * mean, p.own_share * scatter + (1 - p.own_share) * usual.covariance)
    return null, wider


def _clipped_scatter(sample: Matrix) -> tuple[Matrix, Matrix]:
    """The median, and the covariance of what is clipped at some median absolute deviations from it."""
    p = PARAMETERS
    middle = np.median(sample, axis=1)
    limit = p.clip_mad * (1.4826 * np.median(np.abs(sample - middle[:, None]), axis=1) + 1e-3)
    apart = np.clip(sample - middle[:, None], -limit[:, None], limit[:, None])
    kept = stats.norm.cdf(p.clip_mad) - stats.norm.cdf(-p.clip_mad)
    shrunk = kept - 2 * p.clip_mad * stats.norm.pdf(p.clip_mad) + (1 - kept) * p.clip_mad**2
    return middle, apart @ apart.T / apart.shape[1] / shrunk + 1e-4 * np.eye(len(middle))


def _quiet_scatter(sample: Matrix) -> tuple[Matrix, Matrix]:
    """The minimum covariance determinant by concentration steps: over ground where a city went up, half did not change.

    Rousseeuw and Van Driessen (1999), doi 10.1080/00401706.1999.10485670, begun at each feature's shortest half.
    """
    share, (count, size) = PARAMETERS.quiet_share, sample.shape
    half = int(size * share)
    ordered = np.sort(sample, axis=1)
    widths = ordered[:, half - 1 :] - ordered[:, : size - half + 1]
    begin = widths.argmin(axis=1)
    middle = np.array([row[n : n + half].mean() for row, n in zip(ordered, begin, strict=True)])
    width = widths.min(axis=1) / 2 / stats.norm.ppf(0.5 + share / 2) + 1e-3
    scatter = np.diag(width**2)
    consistent = share / stats.chi2.cdf(stats.chi2.ppf(share, count), count + 2)
    for _ in range(6):
        white = np.linalg.solve(np.linalg.cholesky(scatter), sample - middle[:, None])
        distance = (white * white).sum(axis=0)
        part = sample[:, distance <= np.quantile(distance, share)]
        middle = part.mean(axis=1)
        scatter = np.atleast_2d(np.cov(part)) * consistent + 1e-4 * np.eye(count)
    return middle, scatter


def _held(ratios: Floats, stable_mask: Mask) -> Floats:
    """l', (class, y, x): the best class is held by the share of unchanged ground that says as much of any.

    The others follow it at their distance, so that what is held says no less of which class it is.
    """
    p = PARAMETERS
    best = ratios.max(axis=0)
    calm = np.sort(best[stable_mask & np.isfinite(best)])
    if not calm.size:
        return np.where(np.isfinite(ratios), np.float32(0.0), np.float32(np.nan))
    reach = calm.size - np.searchsorted(calm, np.maximum(np.nan_to_num(best, nan=0.0), p.doubtful), side="left")
    false = np.maximum(p.least_false, reach / calm.size)
    odds = np.exp(np.clip(best, -30.0, 30.0))
    held = np.log((1 - p.floor) * odds / ((1 - false) + false * odds) + p.floor)
    return np.asarray(np.maximum(held + ratios - best, np.log(p.floor)), np.float32)


def _ranked(ratios: Floats, turned: Floats, stable_mask: Mask) -> Floats:
    """−ln of the share of the turned acquisition that reaches what each pixel says, (scale, class, y, x)."""
    out = np.zeros_like(ratios)
    for at in np.ndindex(ratios.shape[:2]):
        others = turned[at][stable_mask & np.isfinite(turned[at])]
        if others.size < 200:
            out[at] = np.where(np.isfinite(ratios[at]), 0.0, np.nan)
            continue
        others = np.sort(others)
        reach = others.size - np.searchsorted(others, np.nan_to_num(ratios[at], nan=-99.0), side="left")
        least = others.size * PARAMETERS.least_false
        share = (reach + least) / (others.size + least)
        out[at] = np.where(np.isfinite(ratios[at]), -np.log(share), np.nan)
    return out
