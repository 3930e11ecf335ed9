"""Local statistics that leave unmeasured pixels out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from detectors.acquisition import Floats, Mask
from detectors.shapes import check_shapes
from detectors.statistics_numba import (
    count_bits,
    count_reaching,
    ranked_values,
    sort_finite,
    window_moments,
    write_medians,
)

_UPPER_HALVES = 1 << 16


def local_mean(image: Floats, clear: Mask, *, size_px: int) -> Floats:
    """Average the clear pixels in a square window.

    Parameters
    ----------
    image
        float32 (y, x), any unit; NaN where not seen.
    clear
        bool (y, x), True where the ground is seen.
    size_px
        Side of the window, pixels, odd.

    Returns
    -------
    float32 (y, x); NaN where under a quarter of the window is clear.
    """
    check_shapes(image.shape, {"clear": clear})
    mean = np.empty(image.shape, np.float32)
    window_moments(_contiguous(image), clear, size_px, False, mean, mean)
    return mean


def local_deviation(image: Floats, clear: Mask, *, size_px: int) -> Floats:
    """Measure the standard deviation of the clear pixels in a square window.

    Parameters
    ----------
    image
        float32 (y, x), any unit; NaN where not seen.
    clear
        bool (y, x), True where the ground is seen.
    size_px
        Side of the window, pixels, odd.

    Returns
    -------
    float32 (y, x); NaN where `local_mean` is NaN.
    """
    return local_mean_and_deviation(image, clear, size_px=size_px)[1]


def local_mean_and_deviation(image: Floats, clear: Mask, *, size_px: int) -> tuple[Floats, Floats]:
    """Measure mean and standard deviation of the clear pixels in a square window.

    Parameters
    ----------
    image, clear, size_px
        As for `local_mean`.

    Returns
    -------
    float32 (y, x), float32 (y, x).
    """
    check_shapes(image.shape, {"clear": clear})
    mean, deviation = np.empty(image.shape, np.float32), np.empty(image.shape, np.float32)
    window_moments(_contiguous(image), clear, size_px, True, mean, deviation)
    return mean, deviation


def local_mean_and_deviation_plain(image: Floats, clear: Mask, *, size_px: int) -> tuple[Floats, Floats]:
    """Measure the same with running sums of 32 bits: the reference, whose last digits depend on the whole frame.

    Parameters
    ----------
    image, clear, size_px
        As for `local_mean`.

    Returns
    -------
    float32 (y, x), float32 (y, x).
    """
    seen = clear & np.isfinite(image)
    middle = np.float32(np.median(image[seen])) if seen.any() else np.float32(0.0)
    weight = ndimage.uniform_filter(seen.astype(np.float32), size_px, mode="reflect")

    def mean(values: Floats) -> Floats:
        total = ndimage.uniform_filter(np.where(seen, values, 0.0).astype(np.float32), size_px, mode="reflect")
        return np.asarray(np.where(weight > 0.25, total / np.maximum(weight, 1e-6), np.nan), np.float32)

    centred = np.where(seen, image - middle, np.float32(0.0))  # so that sums of 32 bits do not cancel
    level, square = mean(centred), mean(centred * centred)
    return level + middle, np.sqrt(np.maximum(square - level * level, 0.0)).astype(np.float32)


def _contiguous(image: Floats) -> Floats:
    return np.ascontiguousarray(image, np.float32)


def middle_and_spread(values: Floats) -> tuple[float, float]:
    """Compute the median of the finite values and 1.4826 × their median absolute deviation from it.

    Parameters
    ----------
    values
        float32, any shape.

    Returns
    -------
    float, float; NaN when there are none.
    """
    everywhere = np.ones(values.shape, bool)
    middle = median_of(values, everywhere)
    if middle is None:
        return float("nan"), float("nan")
    away = median_of(values - np.float32(middle), everywhere, magnitude=True)
    return middle, float(np.float32(1.4826) * np.float32(away))


def ranked(values: Floats, where: Mask, *, ranks: Callable[[int], tuple[int, ...]], magnitude: bool = False) -> Floats:
    """Find the values of some ranks among the finite ones of a mask, without sorting them.

    Parameters
    ----------
    values
        float32, any shape.
    where
        bool, the same shape.
    ranks
        Gives the ranks to be found, 0 the smallest, from the number of values there are.
    magnitude
        Whether the values are ranked by their size alone.

    Returns
    -------
    float32 (rank,); empty where there are no values.
    """
    check_shapes(values.shape, {"where": where})
    values, where = np.ravel(values), np.ravel(where)
    counts = np.zeros(_UPPER_HALVES, np.int64)
    count = count_bits(values, where, magnitude, counts)
    wanted, place = np.unique(np.array(ranks(count) if count else (), np.int64), return_inverse=True)
    found = np.empty(len(wanted), np.float32)
    ranked_values(values, where, magnitude, counts, wanted, found)
    return found[place]


def median_of(values: Floats, where: Mask, *, magnitude: bool = False) -> float | None:
    """Compute the median of the finite values of a mask, or of their size, as `numpy.median` does.

    Parameters
    ----------
    values
        float32, any shape.
    where
        bool, the same shape.
    magnitude
        Whether the values are ranked by their size alone.

    Returns
    -------
    float; None where there are no values.
    """
    middle = ranked(values, where, ranks=lambda n: ((n - 1) // 2, n // 2), magnitude=magnitude)
    return float(middle.mean()) if middle.size else None


def size_quantiles(values: Floats, where: Mask, shares: tuple[float, ...]) -> tuple[float, ...] | None:
    """Compute quantiles of the size of the finite values of a mask, as `numpy.quantile` does.

    Parameters
    ----------
    values
        float32, any shape.
    where
        bool, the same shape.
    shares
        0 to 1.

    Returns
    -------
    tuple of float; None where there are no values.
    """
    places: list[float] = []

    def ranks(count: int) -> tuple[int, ...]:
        places.extend(share * (count - 1) for share in shares)
        return tuple(min(int(place) + step, count - 1) for place in places for step in (0, 1))

    found = ranked(values, where, ranks=ranks, magnitude=True).astype(np.float64).reshape(-1, 2)
    if not len(found):
        return None
    return tuple(float(low + (high - low) * (at - int(at))) for (low, high), at in zip(found, places, strict=True))


def sorted_values(values: Floats, where: Mask) -> Floats:
    """Return the finite values of a mask in rising order.

    Parameters
    ----------
    values
        float32, any shape.
    where
        bool, the same shape.

    Returns
    -------
    float32 (n,).
    """
    keys, room = np.empty((2, values.size), np.uint32)
    found = np.empty(values.size, np.float32)
    return found[: sort_finite(np.ravel(values), np.ravel(where), keys, room, found)].copy()


def reaching(values: Floats, others: Floats) -> npt.NDArray[np.int32]:
    """Count how many others are as large as each value or larger.

    Parameters
    ----------
    values
        float32, any shape; all others reach NaN.
    others
        float32 (n,), in rising order.

    Returns
    -------
    int32, the shape of the values.
    """
    counts = np.empty(values.size, np.int32)
    count_reaching(np.ravel(values), others, counts)
    return counts.reshape(values.shape)


def median(stack: Floats) -> Floats:
    """Take the median over time of the values there are.

    Parameters
    ----------
    stack
        float32 (time, …), NaN where not seen.

    Returns
    -------
    float32 (…); NaN where there is none.
    """
    middle = np.empty(stack.shape[1:], np.float32)
    write_medians(_contiguous(stack).reshape(len(stack), -1), middle.reshape(-1))
    return middle


def median_plain(stack: Floats) -> Floats:
    """Take the median over time by sorting whole stacks: the reference.

    Parameters
    ----------
    stack
        As for `median`.

    Returns
    -------
    float32 (…).
    """
    ordered = np.sort(stack, axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    low = np.take_along_axis(ordered, np.clip((count - 1) // 2, 0, None)[None], axis=0)[0]
    high = np.take_along_axis(ordered, np.clip(count // 2, 0, len(ordered) - 1)[None], axis=0)[0]
    return np.where(count > 0, (low + high) / 2, np.nan).astype(np.float32)
