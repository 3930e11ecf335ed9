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
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import linalg
from scipy.special import chdtr, gammaincinv, ndtr, ndtri

from detectors.acquisition import Floats, Mask
from detectors.evidence.emission_numba import FEATURES, calm_tail, write_held, write_ratios
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
from detectors.lattice import lattice_of
from detectors.shapes import check_shapes
from detectors.statistics import local_mean, reaching, sorted_values

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
    some = lattice_of(stable_mask.shape)
    null = measure_null(z[:, *some], names, sensor=sensor, history=history, stable_mask=stable_mask[some], table=table)
    forward = ratios_over(z, names, null, resolution_px=resolution_px, table=table)
    lead = forward[0, CLASSES.index("built")] - forward[0, CLASSES.index("cleared")]
    if history != ONE_SCENE:
        calm = measure_calm(forward[0][:, *some], null, stable_mask=stable_mask[some], table=table)
        held = hold(forward[0], calm)[None]
        return held, np.zeros_like(held), lead
    turned = ratios_over(-z, names, null, resolution_px=resolution_px, table=table)
    ours, theirs = (measure_ranks(layers[:, :, *some], stable_mask=stable_mask[some]) for layers in (forward, turned))
    return rank_among(forward, theirs), rank_among(turned, ours), lead


@dataclass(frozen=True)
class SceneNull:
    """The null of one acquisition, measured on the stable ground of the whole scene.

    `unchanged` is the density of unchanged ground, `wider` by how much its scatter widens every class.
    """

    sensor: str
    history: str
    unchanged: Signature
    wider: Matrix


@dataclass(frozen=True)
class SceneCalm:
    """What the stable ground of a scene says by chance, after a history.

    `known` are the rows that are held; `doubtful` is what the best of them says, float32, sorted, where it is
    `EmissionParameters.doubtful` nats and more; `pixels` counts the stable pixels that say anything.
    """

    known: tuple[int, ...]
    doubtful: Floats
    pixels: int


@dataclass(frozen=True)
class SceneRanks:
    """What the stable ground of a scene says after one scene, by scale and class: float32, sorted."""

    said: tuple[tuple[Floats, ...], ...]


def measure_null(
    z: Floats, names: tuple[str, ...], *, sensor: str, history: str, stable_mask: Mask, table: SignatureTable
) -> SceneNull:
    """Measure the null of an acquisition on the whole area, or on the lattice of its pixels.

    Parameters
    ----------
    z, names, sensor, history, stable_mask, table
        As for `log_ratios`; z and the mask may be those of the lattice.

    Returns
    -------
    SceneNull.
    """
    at = np.flatnonzero(stable_mask)
    at = at[np.linspace(0, at.size - 1, min(PARAMETERS.sample_px, at.size)).astype(np.int64)]
    rows, columns = np.unravel_index(at, stable_mask.shape)
    sample = z[:, rows, columns]
    x = _ordered(np.arcsinh(sample), names, table.features[sensor])
    unchanged, wider = _null(x, table.row(sensor, history, UNCHANGED), is_supposed=history == ONE_SCENE)
    return SceneNull(sensor, history, unchanged, wider)


def ratios_over(
    z: Floats, names: tuple[str, ...], null: SceneNull, *, resolution_px: float, table: SignatureTable
) -> Floats:
    """Compute l of every class over a block of pixels, and after one scene the same averaged over places.

    Parameters
    ----------
    z, names
        As for `log_ratios`; places need a halo of half the largest window.
    null
        That of the whole scene.
    resolution_px, table
        As for `log_ratios`.

    Returns
    -------
    float32 (scale, class, y, x).

    """
    numbers = density_numbers(names, null, table)
    ratios = np.empty((len(numbers[1]) - 2, *z.shape[1:]), np.float32)
    write_ratios(*(np.ascontiguousarray(z, np.float32).reshape(len(z), -1), *numbers, ratios.reshape(len(ratios), -1)))
    return _with_places(ratios, null, resolution_px)


def density_numbers(names: tuple[str, ...], null: SceneNull, table: SignatureTable) -> tuple[Any, ...]:
    """Make what the compiled form takes beside z.

    Parameters
    ----------
    names, null, table
        As for `ratios_over`.

    Returns
    -------
    tuple, the arguments of `write_ratios` between the first and the last.

    Raises
    ------
    ValueError
        For a table of more features than the compiled form takes.
    """
    features = table.features[null.sensor]
    if len(features) > FEATURES:
        raise ValueError(f"a table has at most {FEATURES} features a sensor; {null.sensor} has {len(features)}")
    size = len(features) if len(features) == 2 else FEATURES
    rows = [null.unchanged, *_rows_of(null, table)]
    means, covariances = np.zeros((len(rows), size)), np.tile(np.eye(size), (len(rows), 1, 1))
    for n, row in enumerate(rows):
        if row is not None:
            means[n, : len(features)] = row.mean
            covariances[n, : len(features), : len(features)] = row.covariance + (null.wider if n else 0.0)
    return (
        np.array([features.index(name) if name in features else -1 for name in names], np.int64),
        means,
        covariances,
        np.array([row is not None for row in rows]),
        np.float32(PARAMETERS.degrees),
    )


def ratios_over_plain(
    z: Floats, names: tuple[str, ...], null: SceneNull, *, resolution_px: float, table: SignatureTable
) -> Floats:
    """Compute the same in plain numpy and in 64 bits: the reference, to within 1e-4 nats and 1e-5 of their size.

    Parameters
    ----------
    z, names, null, resolution_px, table
        As for `ratios_over`.

    Returns
    -------
    float32 (scale, class, y, x).
    """
    x = _ordered(np.arcsinh(z), names, table.features[null.sensor])
    beside, *rows = _rows_of(null, table)
    return _with_places(_densities_over_null(x, null.unchanged, null.wider, rows, beside=beside), null, resolution_px)


def measure_calm(ratios: Floats, null: SceneNull, *, stable_mask: Mask, table: SignatureTable) -> SceneCalm:
    """Measure what stable ground says by chance on the whole area, or on the lattice of its pixels.

    Parameters
    ----------
    ratios
        float32 (class, y, x) of pixels, as `ratios_over` gives them.
    null
        As for `ratios_over`.
    stable_mask
        bool (y, x), ground that belongs to no event.
    table
        The signatures.

    Returns
    -------
    SceneCalm.
    """
    check_shapes(stable_mask.shape, {"ratios": ratios})
    known = tuple(n for n, row in enumerate(_rows_of(null, table)[1:]) if row is not None)
    tail = np.empty(stable_mask.size, np.float32)
    flat = np.ascontiguousarray(ratios).reshape(len(ratios), -1)
    kept, pixels = calm_tail(flat, np.array(known), np.ravel(stable_mask), np.float32(PARAMETERS.doubtful), tail)
    return SceneCalm(known, np.sort(tail[:kept]), int(pixels))


def hold(ratios: Floats, calm: SceneCalm) -> Floats:
    """Compute l' over a block of pixels: the best class is held by the share of stable ground that says as much of any.

    The others follow it at their distance, so that what is held says no less of which class it is.

    Parameters
    ----------
    ratios
        float32 (class, y, x), as `ratios_over` gives them.
    calm
        That of the whole scene.

    Returns
    -------
    float32 (class, y, x).
    """
    held = np.empty(ratios.shape, np.float32)
    flat = np.ascontiguousarray(ratios).reshape(len(ratios), -1)
    write_held(*(flat, *calm_numbers(calm), held.reshape(flat.shape)))
    return held


def calm_numbers(calm: SceneCalm) -> tuple[Any, ...]:
    """Make what the compiled form takes beside the ratios.

    Parameters
    ----------
    calm
        That of the whole scene.

    Returns
    -------
    tuple, the arguments of `write_held` between the first and the last.
    """
    p = PARAMETERS
    known = np.array(calm.known, np.int64)
    return known, calm.doubtful, calm.pixels, np.float32(p.doubtful), p.least_false, np.float32(p.floor)


def hold_plain(ratios: Floats, *, known: tuple[int, ...], stable_mask: Mask) -> Floats:
    """Measure what stable ground says by chance and compute l' in plain numpy: the reference, to within 1e-5 nats.

    Parameters
    ----------
    ratios
        float32 (class, y, x), as `ratios_over` gives them.
    known
        The rows that are held.
    stable_mask
        bool (y, x), ground that belongs to no event.

    Returns
    -------
    float32 (class, y, x).
    """
    held = np.where(np.isfinite(ratios), np.float32(0.0), np.float32(np.nan))
    held[list(known)] = _held(ratios[list(known)], stable_mask)
    return held


def measure_ranks(ratios: Floats, *, stable_mask: Mask) -> SceneRanks:
    """Measure what stable ground says after one scene on the whole area, or on the lattice of its pixels.

    Parameters
    ----------
    ratios
        float32 (scale, class, y, x), as `ratios_over` gives them.
    stable_mask
        bool (y, x), ground that belongs to no event.

    Returns
    -------
    SceneRanks.
    """
    return SceneRanks(tuple(tuple(sorted_values(layer, stable_mask) for layer in scale) for scale in ratios))


def rank_among(ratios: Floats, others: SceneRanks) -> Floats:
    """Compute −ln of the share of the turned acquisition that reaches what each pixel of a block says.

    Parameters
    ----------
    ratios
        float32 (scale, class, y, x), as `ratios_over` gives them.
    others
        Those of the whole scene, turned.

    Returns
    -------
    float32 (scale, class, y, x); 0 where too little of the scene is stable to rank among.
    """
    out = np.empty_like(ratios)
    for scale, layers in enumerate(others.said):
        for n, said in enumerate(layers):
            values = ratios[scale, n]
            if said.size < 200:
                out[scale, n] = np.where(np.isfinite(values), 0.0, np.nan)
                continue
            least = said.size * PARAMETERS.least_false
            share = (reaching(values, said) + np.float32(least)) / np.float32(said.size + least)
            out[scale, n] = np.where(np.isfinite(values), -np.log(share), np.float32(np.nan))
    return out


def _rows_of(null: SceneNull, table: SignatureTable) -> list[Signature | None]:
    """The row of ground beside a change, and those that are spoken of."""
    grounds = (BESIDE, *CLASSES, *(PLACES if null.history == ONE_SCENE else (WATER,)))
    return [table.row(null.sensor, null.history, ground) for ground in grounds]


def _with_places(ratios: Floats, null: SceneNull, resolution_px: float) -> Floats:
    """l of pixels, and after one scene averaged over places, float32 (scale, class, y, x)."""
    p = PARAMETERS
    if null.history != ONE_SCENE:
        return ratios[None]
    pixels, places = ratios[: len(CLASSES)], np.clip(ratios[len(CLASSES) :], p.lowest, p.highest)
    seen = np.isfinite(places[0])
    out = [pixels]
    for native, worth in zip(p.places_px, p.independent, strict=True):
        side = 2 * round((native * max(1.0, resolution_px) - 1) / 2) + 1
        out.append(np.stack([local_mean(layer, seen, size_px=side) for layer in places]) * np.float32(worth))
    return np.stack(out)


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
    some = lattice_of(stable_mask.shape)
    null = measure_null(z[:, *some], names, sensor=sensor, history=history, stable_mask=stable_mask[some], table=table)
    return scatter_over(null, z, names, table)


def scatter_over(null: SceneNull, z: Floats, names: tuple[str, ...], table: SignatureTable) -> float:
    """Measure how far a null scatters against the table's, in the direction where it does so most.

    Parameters
    ----------
    null
        That of the whole scene.
    z, names, table
        As for `log_ratios`; only which features were measured at all counts.

    Returns
    -------
    float, the largest ratio of variances of asinh(z): 1 where it scatters as the table does.
    """
    measured = {name for name, layer in zip(names, z, strict=True) if any(np.isfinite(row).any() for row in layer)}
    seen = np.flatnonzero([name in measured for name in table.features[null.sensor]])
    usual = table.rows[null.sensor, null.history, UNCHANGED]
    own, of_table = null.unchanged.covariance[np.ix_(seen, seen)], usual.covariance[np.ix_(seen, seen)]
    return float(linalg.eigh(own, of_table, eigvals_only=True)[-1])


def _ordered(x: Floats, names: tuple[str, ...], wanted: tuple[str, ...]) -> Floats:
    blank = np.full(x.shape[1:], np.nan, np.float32)
    return np.stack([x[names.index(n)] if n in names else blank for n in wanted]).astype(np.float32)


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


def _null(flat: Floats, unchanged: Signature | None, *, is_supposed: bool) -> tuple[Signature, Matrix]:
    """The null of an acquisition by x of some stable pixels, and by how much its scatter widens every class."""
    p = PARAMETERS
    count = len(flat)
    usual = unchanged or Signature(np.zeros(count), np.eye(count))
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
    kept = ndtr(p.clip_mad) - ndtr(-p.clip_mad)
    shrunk = kept - 2 * p.clip_mad * np.exp(-(p.clip_mad**2) / 2) / np.sqrt(2 * np.pi) + (1 - kept) * p.clip_mad**2
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
    width = widths.min(axis=1) / 2 / ndtri(0.5 + share / 2) + 1e-3
    scatter = np.diag(width**2)
    consistent = share / chdtr(count + 2, 2 * gammaincinv(count / 2, share))
    for _ in range(6):
        white = np.linalg.solve(np.linalg.cholesky(scatter), sample - middle[:, None])
        distance = (white * white).sum(axis=0)
        part = sample[:, distance <= np.quantile(distance, share)]
        middle = part.mean(axis=1)
        scatter = np.atleast_2d(np.cov(part)) * consistent + 1e-4 * np.eye(count)
    return middle, scatter


def _held(ratios: Floats, stable_mask: Mask) -> Floats:
    """l' of the rows that are held, (class, y, x)."""
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
