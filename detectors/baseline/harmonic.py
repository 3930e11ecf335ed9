"""What a pixel is expected to look like: a robust seasonal fit, its spread, and the range it has ever taken."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from detectors.acquisition import Floats
from detectors.baseline.harmonic_numba import median_network, write_fit
from detectors.baseline.uncertainty import FLOORS, UNSEEN_SEASON
from detectors.lattice import lattice_of
from detectors.rounding import rounded_coefficients, rounded_spread
from detectors.statistics import median_of

DAYS_A_YEAR = 365.25
BLOCK_PX = 8192


@dataclass(frozen=True)
class BaselineParameters:
    """How a baseline is fitted.

    `bisquare` is Tukey's constant for 95 % efficiency. Harmonic pairs are fitted by history: two need
    `two_pairs_acquisitions` over `two_pairs_years` in so many twelfths of the year, one needs `one_pair_acquisitions`
    over `one_pair_years`; with less, a constant. `ridge` is the weight, in acquisitions, that holds the harmonics
    small where a season was never seen clearly. With under `few_acquisitions` acquisitions a pixel's own spread is not
    believed when it is under the median of all pixels. Counts chosen on the Romanian series.
    """

    bisquare: float = 4.685
    rounds: int = 4
    two_pairs_acquisitions: int = 30
    two_pairs_years: float = 1.9
    two_pairs_twelfths: int = 8
    one_pair_acquisitions: int = 10
    one_pair_years: float = 0.9
    one_pair_twelfths: int = 6
    ridge: float = 1.0
    few_acquisitions: int = 12


@dataclass(frozen=True)
class Baseline:
    """The fitted expectation of one series.

    `coefficients` is float32 (feature, term, y, x): constant, then cosine and sine of each harmonic pair. `spread` is
    float32 (feature, y, x), never under the feature's floor. `acquisitions` is int16 (y, x), how many clear
    acquisitions the pixel had. `information` is float64 (term, term), the mean normal matrix, from which the
    uncertainty of a prediction follows.
    """

    names: tuple[str, ...]
    pairs: int
    coefficients: Floats
    spread: Floats
    acquisitions: npt.NDArray[np.int16]
    information: npt.NDArray[np.float64]

    @property
    def terms(self) -> int:
        """Count the terms of the fit: 1, 3 or 5."""
        return 1 + 2 * self.pairs

    def at(self, place: tuple[slice, slice]) -> Baseline:
        """Return the baseline of a block, or of a lattice, of its pixels."""
        return replace(
            self,
            coefficients=self.coefficients[:, :, *place],
            spread=self.spread[:, *place],
            acquisitions=self.acquisitions[place],
        )


def design(days: npt.NDArray[np.int64], pairs: int) -> npt.NDArray[np.float64]:
    """Build the regressors of a harmonic fit: 1, cos 2πkt, sin 2πkt with t in years.

    Parameters
    ----------
    days
        int64 (time,), days counted from any fixed origin.
    pairs
        Harmonic pairs, 0 or more.

    Returns
    -------
    float64 (time, 1 + 2 · pairs).
    """
    years = np.asarray(days, np.float64)[:, None] / DAYS_A_YEAR
    k = np.arange(1, pairs + 1)[None, :]
    waves = np.stack([np.cos(2 * np.pi * k * years), np.sin(2 * np.pi * k * years)], axis=2)
    return np.concatenate([np.ones((len(years), 1)), waves.reshape(len(years), -1)], axis=1)


def harmonic_pairs(days: npt.NDArray[np.int64], parameters: BaselineParameters) -> int:
    """Count the harmonic pairs that a history of these days bears: 0, 1 or 2.

    Parameters
    ----------
    days
        int64 (time,), day numbers.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    int, 0 to 2.
    """
    p = parameters
    if not len(days):
        return 0
    years = (int(days.max()) - int(days.min())) / DAYS_A_YEAR
    twelfths = len(np.unique(np.floor(np.asarray(days) % DAYS_A_YEAR / DAYS_A_YEAR * 12)))
    if len(days) >= p.two_pairs_acquisitions and years >= p.two_pairs_years and twelfths >= p.two_pairs_twelfths:
        return 2
    return (
        1
        if len(days) >= p.one_pair_acquisitions and years >= p.one_pair_years and twelfths >= p.one_pair_twelfths
        else 0
    )


def fit_baseline(
    values: Floats,
    days: npt.NDArray[np.int64],
    *,
    names: tuple[str, ...],
    parameters: BaselineParameters | None = None,
) -> Baseline:
    """Fit the baseline of a history.

    Each feature is fitted by iterated reweighted least squares with Tukey's bisquare, `y = a + Σ_k (b_k cos 2πkt + c_k
    sin 2πkt)`, spread = max(1.4826·MAD of the residuals, floor) (SCIENCE.md), and to it, in a history too short for
    seasons, what seasons do to unchanged land (`UNSEEN_SEASON`).

    Parameters
    ----------
    values
        float32 (time, feature, y, x), NaN where not clear; at least one acquisition.
    days
        int64 (time,), day numbers.
    names
        The features, each one of `FLOORS`.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    Baseline; pixels never seen clearly have NaN coefficients and 0 acquisitions.

    Raises
    ------
    KeyError
        For a feature without a floor.
    """
    fit = fit_pixels(values, days, parameters=parameters)
    some = lattice_of(values.shape[2:])
    seen = tuple(float(np.isfinite(layer).mean()) for layer in values[:, 0, *some])
    history = measure_history(seen, fit.at(some), names=names)
    return believe(fit, history, days, names=names, parameters=parameters)


@dataclass(frozen=True)
class PixelFit:
    """What a fit says of each pixel by itself.

    `coefficients` float32 (feature, term, y, x); `spread` float32 (feature, y, x), 1.4826 × the median absolute
    residual; both NaN where never seen. `acquisitions` int16 (y, x).
    """

    coefficients: Floats
    spread: Floats
    acquisitions: npt.NDArray[np.int16]

    def at(self, place: tuple[slice, slice]) -> PixelFit:
        """Return the fit of a block, or of a lattice, of its pixels."""
        return PixelFit(self.coefficients[:, :, *place], self.spread[:, *place], self.acquisitions[place])


@dataclass(frozen=True)
class SceneHistory:
    """What a history says of a whole scene.

    `typical`: the median spread of each feature over pixels seen three times and more, NaN where there are none.
    `seen`: the share of the ground that each acquisition shows.
    """

    typical: tuple[float, ...]
    seen: tuple[float, ...]


def fit_pixels(
    values: Floats, days: npt.NDArray[np.int64], *, parameters: BaselineParameters | None = None
) -> PixelFit:
    """Fit each pixel of a block by itself.

    Parameters
    ----------
    values, days, parameters
        As for `fit_baseline`.

    Returns
    -------
    PixelFit.

    Raises
    ------
    ValueError
        Where there is no acquisition, or not a day for each.
    """
    if not len(values) or len(values) != len(days):
        raise ValueError(f"a fit takes at least one acquisition and a day for each, not {len(values)} and {len(days)}")
    p = parameters or BaselineParameters()
    x = design(days, harmonic_pairs(days, p))
    terms = x.shape[1]
    x = np.pad(x, ((0, -len(x) % 4), (0, 0))).astype(np.float32)
    moments = np.stack([x[:, i] * x[:, j] for i in range(terms) for j in range(i + 1)], axis=1)
    time, count, *shape = values.shape
    coefficients = np.empty((count, terms, *shape), np.float32)
    spread = np.empty((count, *shape), np.float32)
    write_fit(
        np.ascontiguousarray(values, np.float32).reshape(time, count, -1),
        x,
        moments,
        median_network(time),
        np.array([1e-6] + [p.ridge] * (terms - 1)),
        np.float32(p.bisquare),
        p.rounds,
        coefficients.reshape(count, terms, -1),
        spread.reshape(count, -1),
    )
    return PixelFit(coefficients, spread, _acquisitions(values))


def fit_pixels_plain(
    values: Floats, days: npt.NDArray[np.int64], *, parameters: BaselineParameters | None = None
) -> PixelFit:
    """Fit the same in plain numpy: the reference, to within 1e-3 of a spread, and 1e-5 where that is smaller.

    Parameters
    ----------
    values, days, parameters
        As for `fit_baseline`.

    Returns
    -------
    PixelFit.
    """
    p = parameters or BaselineParameters()
    regressors = design(days, harmonic_pairs(days, p))
    time, count, *shape = values.shape
    fits = [_fit_one(values[:, f].reshape(time, -1), regressors, p) for f in range(count)]
    coefficients = np.stack([fit[0].reshape(-1, *shape) for fit in fits])
    return PixelFit(coefficients, np.stack([fit[1].reshape(shape) for fit in fits]), _acquisitions(values))


def _acquisitions(values: Floats) -> npt.NDArray[np.int16]:
    return np.asarray(np.isfinite(values[:, 0]).sum(axis=0), np.int16)


def measure_history(seen: tuple[float, ...], fit: PixelFit, *, names: tuple[str, ...]) -> SceneHistory:
    """Measure what a history says of the whole scene.

    Parameters
    ----------
    seen
        The share of the ground that each acquisition shows.
    fit
        Of all pixels, or of their lattice.
    names
        The features.

    Returns
    -------
    SceneHistory.
    """
    often = fit.acquisitions >= 3
    middles = [median_of(fit.spread[f], often) for f in range(len(names))]
    return SceneHistory(tuple(np.nan if m is None else m for m in middles), seen)


def believe(
    fit: PixelFit,
    history: SceneHistory,
    days: npt.NDArray[np.int64],
    *,
    names: tuple[str, ...],
    parameters: BaselineParameters | None = None,
) -> Baseline:
    """Make the baseline of a block of pixels, with a spread that a test may rely on.

    Parameters
    ----------
    fit
        Of each pixel by itself.
    history
        Of the whole scene.
    days, names, parameters
        As for `fit_baseline`.

    Returns
    -------
    Baseline.
    """
    p = parameters or BaselineParameters()
    pairs = harmonic_pairs(days, p)
    few, spread = fit.acquisitions < p.few_acquisitions, np.empty_like(fit.spread)
    for f, name in enumerate(names):
        typical = history.typical[f]
        common = FLOORS[name] if np.isnan(typical) else max(typical, FLOORS[name])
        least = np.where(few, np.float32(common), np.float32(FLOORS[name]))
        np.fmax(fit.spread[f], least, out=spread[f])
        if pairs == 0:
            np.hypot(spread[f], np.float32(UNSEEN_SEASON[name]), out=spread[f])
    x = design(days, pairs)
    information = (x * np.array(history.seen)[:, None]).T @ x
    coefficients = rounded_fit(fit.coefficients, names)
    if pairs:
        spread = rounded_spread(spread, floors_of(names))
    return Baseline(names, pairs, coefficients, spread, fit.acquisitions, information)


def rounded_fit(coefficients: Floats, names: tuple[str, ...]) -> Floats:
    """Round the coefficients of a fit, unless they are a constant alone: after one scene that is the scene itself.

    Parameters
    ----------
    coefficients
        float32 (feature, term, …).
    names
        The features.

    Returns
    -------
    float32.
    """
    return coefficients if coefficients.shape[1] == 1 else rounded_coefficients(coefficients, floors_of(names))


def floors_of(names: tuple[str, ...]) -> list[float]:
    """List the least spread that is believed of each feature.

    Parameters
    ----------
    names
        The features.

    Returns
    -------
    list of float.
    """
    return [FLOORS[name] for name in names]


def predict(baseline: Baseline, day: int) -> Floats:
    """Predict the features of a day.

    Parameters
    ----------
    baseline
        The fitted expectation.
    day
        Day number.

    Returns
    -------
    float32 (feature, y, x), NaN where never seen.
    """
    row = design(np.array([day]), baseline.pairs)[0].astype(np.float32)
    return np.asarray(np.einsum("p,fpyx->fyx", row, baseline.coefficients, optimize=True), np.float32)


def prediction_factor(baseline: Baseline, day: int, *, ridge: float = 1.0) -> float:
    """Compute by how much a prediction scatters more than a measurement: √(1 + xᵀ(XᵀX + ridge)⁻¹x).

    Parameters
    ----------
    baseline
        The fitted expectation.
    day
        Day number.
    ridge
        Weight, in acquisitions, that holds the harmonics small.

    Returns
    -------
    float, at least 1.
    """
    row = design(np.array([day]), baseline.pairs)[0]
    penalty = np.diag([0.05] + [ridge] * (baseline.terms - 1))
    return float(np.sqrt(1.0 + row @ np.linalg.solve(baseline.information + penalty, row)))


def _fit_one(series: Floats, regressors: npt.NDArray[np.float64], p: BaselineParameters) -> tuple[Floats, Floats]:
    """Coefficients (term, pixel) and spread (pixel,) of one feature; series is (time, pixel).

    Pixels go in blocks, each with its dates side by side in memory: sorting and products then run several times faster.
    """
    blocks = range(0, series.shape[1], BLOCK_PX)
    fits = [_fit_block(np.ascontiguousarray(series[:, n : n + BLOCK_PX].T), regressors, p) for n in blocks]
    return np.concatenate([f[0] for f in fits]).T.copy(), np.concatenate([f[1] for f in fits])


def _fit_block(series: Floats, regressors: npt.NDArray[np.float64], p: BaselineParameters) -> tuple[Floats, Floats]:
    """Coefficients (pixel, term) and spread (pixel,) of a block; series is (pixel, time)."""
    seen = np.isfinite(series)
    filled = np.where(seen, series, np.float32(0.0))
    x = regressors.astype(np.float32)
    terms = x.shape[1]
    products = (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)
    penalty = np.diag([1e-6] + [p.ridge] * (terms - 1))
    weight = seen.astype(np.float32)
    solution = np.zeros((len(series), terms), np.float32)
    spread = np.full(len(series), np.nan, np.float32)
    for _ in range(p.rounds):
        normal = (weight @ products).reshape(-1, terms, terms) + penalty
        right = ((weight * filled) @ x)[..., None]
        solution = np.linalg.solve(normal, right.astype(np.float64))[..., 0].astype(np.float32)
        residual = np.where(seen, filled - solution @ x.T, np.float32(np.nan))
        spread = _deviation(residual)
        u = residual / (np.float32(p.bisquare) * np.maximum(spread, np.float32(1e-6)))[:, None]
        weight = np.where(seen & (np.abs(u) < 1), (1 - u * u) ** 2, np.float32(0.0))
    solution[~seen.any(axis=1)] = np.nan
    return solution, spread


def _deviation(residual: Floats) -> Floats:
    """1.4826 × the median absolute residual of each pixel; residual is (pixel, time), NaN where not seen."""
    size = np.sort(np.abs(residual), axis=1)  # NaN sorts last
    count = np.isfinite(size).sum(axis=1)
    low = np.take_along_axis(size, np.clip((count - 1) // 2, 0, None)[:, None], axis=1)[:, 0]
    high = np.take_along_axis(size, np.clip(count // 2, 0, size.shape[1] - 1)[:, None], axis=1)[:, 0]
    return np.where(count > 0, 1.4826 * (low + high) / 2, np.nan).astype(np.float32)
