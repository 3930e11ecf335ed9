"""Whether growth lies nearer to responses elsewhere, in space and time, than chance would have it: Knox's test.

Knox, "The detection of space-time interactions", Applied Statistics 13 (1964), with the days of growth permuted over
its places (Mantel, Cancer Research 27, 1967). A small p value says that growth came near to responses more often than
chance explains. It does not say why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import pdtrc

Numbers = npt.NDArray[np.float64]
Days = npt.NDArray[np.int64]
SIGNIFICANT, POWER = 0.05, 0.8
MOST_TIMES_CHANCE = 50.0


@dataclass(frozen=True)
class DatedPlaces:
    """Where and when something happened: arrays of one entry each.

    `x_m`, `y_m` are metres in one plane; `days` are day numbers; `owners` numbers the place that each belongs to, so
    that growth at the place of a response is not taken for growth elsewhere.
    """

    x_m: Numbers
    y_m: Numbers
    days: Days
    owners: Days


@dataclass(frozen=True)
class KnoxCount:
    """The pairs within one distance and one lag.

    `expected` is their mean over the permutations; `p` the share of permutations with as many or more; `critical` the
    least number of pairs with a p value of 5 % or less. `detectable` says how many times as frequent as by chance such
    pairs would have to be for the test to notice it in four cases of five; None where even fifty times would not do.
    """

    distance_m: float
    lag_days: int
    observed: int
    expected: float
    p: float
    critical: int
    detectable: float | None


@dataclass(frozen=True)
class RelocationTest:
    """The counts of every distance and lag, and the p value of all of them together.

    `pairs` are (response, growth) within the largest distance and lag, by their numbers, the nearest first.
    """

    counts: tuple[KnoxCount, ...]
    p: float
    permutations: int
    responses: int
    growth: int
    pairs: tuple[tuple[int, int], ...]


def relocation_test(
    responses: DatedPlaces,
    growth: DatedPlaces,
    *,
    distances_m: Sequence[float],
    lags_days: Sequence[int],
    blocks: Days | None = None,
    permutations: int = 999,
    seed: int = 0,
) -> RelocationTest | None:
    """Count pairs of a response and growth elsewhere soon after it, and compare with permuted days of growth.

    All distances and lags are tested together by the largest excess in standard deviations, so that trying several
    does not make a small p value more likely.

    Parameters
    ----------
    responses
        What authorities did.
    growth
        New suspect places, and growth of known ones.
    distances_m
        The distances within which a pair is near, metres, one or more.
    lags_days
        The days after a response within which growth is soon, one or more.
    blocks
        A number for each growth; days are permuted among those of one number alone, such as places whose watch began
        together. All together if left out.
    permutations
        How many, 19 or more.
    seed
        Seed of the permutations.

    Returns
    -------
    RelocationTest; None where there are no responses or fewer than two of growth.
    """
    if not len(responses.days) or len(growth.days) < 2:
        return None
    orders = _orders(len(growth.days), blocks, permutations, np.random.default_rng(seed))
    apart = np.hypot(responses.x_m[:, None] - growth.x_m[None, :], responses.y_m[:, None] - growth.y_m[None, :])
    is_elsewhere = responses.owners[:, None] != growth.owners[None, :]
    cells = [(d, t) for d in sorted(distances_m) for t in sorted(lags_days)]
    found = np.zeros((len(cells), len(orders)), np.int64)
    for number, day in enumerate(responses.days):
        lag = growth.days[orders] - day
        near = {d: (apart[number] <= d) & is_elsewhere[number] for d in distances_m}
        for row, (distance, most) in enumerate(cells):
            found[row] += ((lag > 0) & (lag <= most) & near[distance]).sum(axis=1)
    counts = tuple(_count(cell, row) for cell, row in zip(cells, found, strict=True))
    spread = np.maximum(found.std(axis=1, keepdims=True), 1e-9)
    excess = ((found - found.mean(axis=1, keepdims=True)) / spread).max(axis=0)
    lag = growth.days[None, :] - responses.days[:, None]
    close = (apart <= max(distances_m)) & is_elsewhere & (lag > 0) & (lag <= max(lags_days))
    pairs = sorted(zip(*map(np.ndarray.tolist, np.nonzero(close)), strict=True), key=lambda pair: apart[pair])
    return RelocationTest(
        counts, _p_of(excess), permutations, len(responses.days), len(growth.days), tuple(map(tuple, pairs))
    )


def _orders(size: int, blocks: Days | None, permutations: int, rng: np.random.Generator) -> Days:
    """Rows of positions: the first as it is, then the permuted ones."""
    orders = np.tile(np.arange(size), (permutations + 1, 1))
    groups = np.zeros(size, np.int64) if blocks is None else blocks
    for group in np.unique(groups):
        where = np.nonzero(groups == group)[0]
        orders[1:, where] = rng.permuted(np.tile(where, (permutations, 1)), axis=1)
    return orders


def _p_of(values: npt.NDArray[np.generic]) -> float:
    """The share of all, the first among them, that are as large as the first or larger."""
    numbers = np.asarray(values, np.float64)
    return float((numbers >= numbers[0] - 1e-9).mean())


def _count(cell: tuple[float, int], found: Days) -> KnoxCount:
    permuted = found[1:]
    ordered = np.sort(found)[::-1]
    critical = int(ordered[int(SIGNIFICANT * len(found)) - 1]) if len(found) >= 1 / SIGNIFICANT else int(ordered[0])
    while (found >= critical).mean() > SIGNIFICANT:
        critical += 1
    expected = float(permuted.mean())
    return KnoxCount(cell[0], cell[1], int(found[0]), expected, _p_of(found), critical, _detectable(critical, expected))


def _detectable(critical: int, expected: float) -> float | None:
    """The least factor, to a tenth, by which pairs must be more frequent than by chance to be noticed often enough."""
    if expected <= 0:
        return None
    factors = np.arange(1.0, MOST_TIMES_CHANCE + 0.05, 0.1)
    enough = np.nonzero(pdtrc(critical - 1, expected * factors) >= POWER)[0]
    return round(float(factors[enough[0]]), 1) if enough.size else None
