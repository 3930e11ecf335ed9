"""Objects of a very large mask by its runs: row by row, so that the mask itself is never whole in memory.

A run is a stretch of flagged pixels within a row. Runs are found strip by strip, kept (a few million at the most), and
joined at the end with what touches them in the row above, corners included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from detectors.acquisition import Mask
from detectors.tile_search.update import FLAGGED, Layers

Whole = npt.NDArray[np.int64]
RUN_COLUMNS = ("row", "start", "end", "evidence", "first", "first_column")
_ROW, _START, _END, _EVIDENCE, _FIRST, _FIRST_COLUMN = range(6)


@dataclass(frozen=True)
class Objects:
    """Connected patches, in the order of their first pixels: arrays of one entry an object.

    `area_px`; the box `top`, `left`, `bottom`, `right` (the last two one beyond); the centroid `row`, `column`;
    `evidence`, the mean of the layer in hundredths of σ; `first`, the earliest value of the layer `since`, and the
    first pixel that has it, `first_row`, `first_column`.
    """

    area_px: Whole
    top: Whole
    left: Whole
    bottom: Whole
    right: Whole
    row: npt.NDArray[np.float64]
    column: npt.NDArray[np.float64]
    evidence: npt.NDArray[np.float64]
    first: Whole
    first_row: Whole
    first_column: Whole


def runs_of_mask(mask: Mask, *, top: int = 0) -> Whole:
    """The runs of a bool (y, x) whose first row is row `top` of the whole: int64 (runs, 6), in the order of pixels."""
    runs = np.empty((_count_mask(mask), len(RUN_COLUMNS)), np.int64)
    _mask_runs(mask, top, runs)
    return runs


def runs_of_state(dynamic: Layers, *, top: int = 0) -> Whole:
    """The runs of flagged pixels in dynamic layers (3, y, x), with their evidence and first days."""
    runs = np.empty((_count_flagged(dynamic), len(RUN_COLUMNS)), np.int64)
    _flagged_runs(dynamic, top, runs)
    return runs


def join_runs(strips: Sequence[Whole]) -> Objects:
    """The objects of the runs of all strips, given from the top down; neighbours touch by a side or a corner."""
    runs = np.concatenate(strips) if strips else np.empty((0, len(RUN_COLUMNS)), np.int64)
    owners = np.arange(len(runs))
    found = int(_join(runs, owners))
    sums = np.zeros((found, 11), np.int64)
    _sum_up(runs, owners, sums)
    area = sums[:, 0].astype(np.float64)
    return Objects(
        sums[:, 0],
        sums[:, 1],
        sums[:, 2],
        sums[:, 3],
        sums[:, 4],
        sums[:, 5] / area,
        sums[:, 6] / (2 * area),
        sums[:, 7] / area,
        sums[:, 8],
        sums[:, 9],
        sums[:, 10],
    )


@njit(nogil=True, cache=True)
def _count_mask(mask: Any) -> int:
    runs = 0
    for y in range(mask.shape[0]):
        runs += _starts(mask[y])
    return runs


@njit(nogil=True, cache=True, inline="never")
def _starts(row: Any) -> Any:
    starts = np.int64(row[0])
    for x in range(1, row.size):
        starts += np.int64(row[x] & (not row[x - 1]))
    return starts


@njit(nogil=True, cache=True)
def _mask_runs(mask: Any, top: int, runs: Any) -> None:
    at, width = 0, mask.shape[1]
    for y in range(mask.shape[0]):
        x = 0
        while x < width:
            if not mask[y, x]:
                x += 1
                continue
            start = x
            while x < width and mask[y, x]:
                x += 1
            runs[at, _ROW], runs[at, _START], runs[at, _END] = top + y, start, x
            runs[at, _EVIDENCE], runs[at, _FIRST], runs[at, _FIRST_COLUMN] = 0, 0, start
            at += 1


@njit(nogil=True, cache=True)
def _count_flagged(dynamic: Any) -> int:
    runs = 0
    for y in range(dynamic.shape[1]):
        row = dynamic[1, y]
        before = False
        for x in range(row.size):
            here = row[x] >= FLAGGED
            runs += here and not before
            before = here
    return runs


@njit(nogil=True, cache=True)
def _flagged_runs(dynamic: Any, top: int, runs: Any) -> None:
    at, width = 0, dynamic.shape[2]
    for y in range(dynamic.shape[1]):
        x = 0
        while x < width:
            if dynamic[1, y, x] < FLAGGED:
                x += 1
                continue
            start, total, first, first_column = x, 0, np.int64(dynamic[2, y, x]), x
            while x < width and dynamic[1, y, x] >= FLAGGED:
                total += dynamic[0, y, x]
                if dynamic[2, y, x] < first:
                    first, first_column = np.int64(dynamic[2, y, x]), x
                x += 1
            runs[at, _ROW], runs[at, _START], runs[at, _END] = top + y, start, x
            runs[at, _EVIDENCE], runs[at, _FIRST], runs[at, _FIRST_COLUMN] = total, first, first_column
            at += 1


@njit(nogil=True, cache=True)
def _root(owners: Any, run: int) -> int:
    while owners[run] != run:
        owners[run] = owners[owners[run]]
        run = owners[run]
    return run


@njit(nogil=True, cache=True)
def _join(runs: Any, owners: Any) -> int:
    """Each run's owner is the number of its object, counted in the order of first runs; returns how many there are."""
    above = 0
    for run in range(len(runs)):
        row = runs[run, _ROW]
        while runs[above, _ROW] < row - 1 or (runs[above, _ROW] == row - 1 and runs[above, _END] < runs[run, _START]):
            above += 1
        other = above
        while other < run and runs[other, _ROW] == row - 1 and runs[other, _START] <= runs[run, _END]:
            one, two = _root(owners, run), _root(owners, other)
            owners[max(one, two)] = min(one, two)
            other += 1
    found = 0
    for run in range(len(runs)):
        if owners[run] == run:
            owners[run] = found
            found += 1
        else:
            owners[run] = owners[owners[run]]
    return found


@njit(nogil=True, cache=True)
def _sum_up(runs: Any, owners: Any, sums: Any) -> None:
    for run in range(len(runs)):
        of, length = owners[run], runs[run, _END] - runs[run, _START]
        is_new = sums[of, 0] == 0
        sums[of, 1] = runs[run, _ROW] if is_new else min(sums[of, 1], runs[run, _ROW])
        sums[of, 2] = runs[run, _START] if is_new else min(sums[of, 2], runs[run, _START])
        sums[of, 3] = max(sums[of, 3], runs[run, _ROW] + 1)
        sums[of, 4] = max(sums[of, 4], runs[run, _END])
        if is_new or runs[run, _FIRST] < sums[of, 8]:
            sums[of, 8], sums[of, 9] = runs[run, _FIRST], runs[run, _ROW]
            sums[of, 10] = runs[run, _FIRST_COLUMN]
        sums[of, 0] += length
        sums[of, 5] += runs[run, _ROW] * length
        sums[of, 6] += (runs[run, _START] + runs[run, _END] - 1) * length
        sums[of, 7] += runs[run, _EVIDENCE]
