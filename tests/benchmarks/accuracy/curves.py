"""One rule for the objects of every method, and what its score is worth at any threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from detectors.acquisition import Floats, Mask
from detectors.morphology import EIGHT

SMALLEST_PX = 4
AROUND_PX = 12
THRESHOLDS = np.geomspace(0.1, 3000.0, 160)
COUNTED_UP_TO = 30


@dataclass(frozen=True)
class Chance:
    """One true change: the day it began, and what every look after it was worth, (day, highest threshold) pairs."""

    since: int
    reached: tuple[tuple[int, float], ...]

    def is_found(self, threshold: float) -> bool:
        """True when some look shows it at a threshold."""
        return any(value >= threshold for _, value in self.reached)

    def days(self, threshold: float) -> int | None:
        """Days from its beginning to the first look that shows it; None where none does."""
        return next((day - self.since for day, value in self.reached if value >= threshold), None)


def objects_over(score: Floats, threshold: float) -> Mask:
    """The pixels of patches of at least `SMALLEST_PX` that reach a threshold."""
    labels, count = ndimage.label(score >= threshold, structure=EIGHT)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    kept = sizes >= SMALLEST_PX
    kept[0] = False
    return np.asarray(kept[labels])


def highest_threshold(score: Floats, footprint: Mask, *, share: float = 0.0) -> float:
    """The highest threshold at which objects cover a share of a footprint, and one pixel of it at least; 0 if none.

    Objects only grow as a threshold falls, so that it is found by halving.
    """
    rows, columns = (np.nonzero(footprint.any(axis=axis))[0] for axis in (1, 0))
    around = tuple(slice(max(0, int(v[0]) - AROUND_PX), int(v[-1]) + AROUND_PX + 1) for v in (rows, columns))
    part, true = np.nan_to_num(score[around]), footprint[around]
    needed = max(1, int(np.ceil(share * true.sum())))
    values = np.unique(part[part > 0])
    low, high = -1, len(values)  # found at `low`, not at `high`
    while high - low > 1:
        middle = (low + high) // 2
        found = (objects_over(part, float(values[middle])) & true).sum() >= needed
        low, high = (middle, high) if found else (low, middle)
    return float(values[low]) if low >= 0 else 0.0


def false_objects(scores: Floats, *, counted: Mask, true: Mask) -> npt.NDArray[np.int64]:
    """False objects at every one of `THRESHOLDS`, over all looks (time, y, x) together.

    What was an object in any look is one false object where it keeps clear of `true` and half of it lies on ground
    that is counted. Below the threshold at which `COUNTED_UP_TO` is passed all counts are that much: objects begin to
    melt into each other.
    """
    out = np.full(len(THRESHOLDS), COUNTED_UP_TO, np.int64)
    highest = float(np.nanmax(scores, initial=0.0))
    for n in range(len(THRESHOLDS) - 1, -1, -1):
        threshold = float(THRESHOLDS[n])
        out[n] = 0 if threshold > highest else _count(scores, threshold, counted, true)
        if out[n] >= COUNTED_UP_TO:
            out[n] = COUNTED_UP_TO
            break
    return out


def _count(scores: Floats, threshold: float, counted: Mask, true: Mask) -> int:
    ever = np.zeros(counted.shape, bool)
    for score in scores:
        if (score >= threshold).any():
            ever |= objects_over(score, threshold)
    return false_patches(ever, counted=counted, true=true)


def false_patches(patches: Mask, *, counted: Mask, true: Mask) -> int:
    """How many connected patches keep clear of true change and lie on counted ground by half."""
    labels, count = ndimage.label(patches, structure=EIGHT)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    inside = np.bincount(labels.ravel(), weights=counted.ravel(), minlength=count + 1)
    touched = np.bincount(labels.ravel(), weights=true.ravel(), minlength=count + 1)
    return int(((touched == 0) & (2 * inside >= sizes))[1:].sum())


def threshold_at(counts: npt.NDArray[np.int64], allowed: int) -> float:
    """The lowest threshold down to which no more than so many false objects were counted."""
    over = np.nonzero(counts > allowed)[0]
    first = 0 if not over.size else int(over[-1]) + 1
    return float(THRESHOLDS[first]) if first < len(THRESHOLDS) else float("inf")
