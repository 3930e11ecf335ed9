"""Lines that were not there: walls, fences, their cleared strips.

No published method detects fences at 10 m. A wall is a third of a pixel; what shows is its strip, its service road,
its shadow, and its double bounce in Sentinel-1. So the *temporal median* of several dates is searched with a bank of
oriented line kernels, each line brighter (or darker) than both of its flanks (SCIENCE.md, "Fences and walls: be
honest").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from detectors.acquisition import Floats, Mask
from detectors.footprint import Box, Footprint, trimmed
from detectors.morphology import EIGHT
from detectors.objects.centerline import line_length, thinned
from detectors.objects.lines_numba import beyond_line
from detectors.statistics import middle_and_spread


@dataclass(frozen=True)
class FencingParameters:
    """Thresholds of the line search.

    `directions` and `kernel_px` from SCIENCE.md (≥ 16 directions, 5 to 15 px); `flank_px` is how far beside the line
    the flanks begin; `seed` and `edge` are responses in robust σ of the area; `shortest_px` the least length of a
    joined line; `widest_px` what is still a line; `least_change` the mean of the image on a line and `least_pixel` the
    image in each of its pixels, in σ; `fewest_acquisitions` the dates behind a median, none older than `window_days`
    before the last; `old_line` the response from which the ground already showed a line; `faded`
    the share of its strongest stretch, over three pixels, below which a line has ended; `uneven` the most by which its
    strength varies along its course, as a share of the mean: a wall is of one make, and what hangs together by chance
    is not. Chosen on simulated walls.
    """

    directions: int = 16
    kernel_px: int = 11
    flank_px: int = 3
    seed: float = 8.0
    edge: float = 4.0
    shortest_px: float = 12.0
    widest_px: float = 3.5
    gap_px: int = 3
    fewest_acquisitions: int = 3
    least_change: float = 2.5
    least_pixel: float = 1.0
    old_line: float = 3.0
    faded: float = 0.4
    uneven: float = 0.27
    window_days: int = 100


@dataclass(frozen=True)
class Least:
    """What a line must stand out by in the unit of its image: `change` in the mean, `pixel` in each of its pixels."""

    change: float
    pixel: float


@dataclass(frozen=True)
class Line:
    """A line found: its pixels, `length_px`, and `response`, its mean strength in σ."""

    mask: Footprint
    length_px: float
    response: float


def line_response(image: Floats, *, parameters: FencingParameters | None = None) -> Floats:
    """Measure how much each pixel belongs to a bright line.

    For each direction: the mean along the line less the *brighter* of its two flanks, so that an edge between two
    fields does not answer; the greatest over the directions.

    Parameters
    ----------
    image
        float32 (y, x), the median residual of several dates in σ; NaN where not seen.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    float32 (y, x), in robust σ of the area; 0 where nothing is known.
    """
    p = parameters or FencingParameters()
    known = np.isfinite(image)
    if known.mean() < 0.05:
        return np.zeros(image.shape, np.float32)
    middle, spread = middle_and_spread(image)
    limit = 6.0 * max(spread, 0.2)  # a single glaring roof must not light up a whole kernel
    filled = np.where(known, np.clip(image, -limit, limit), np.float32(middle)).astype(np.float32)
    best = beyond_flanks(filled, parameters=p)
    middle, spread = middle_and_spread(np.where(known, best, np.float32(np.nan)))
    # the rim of what is known is an edge of its own
    inner = ndimage.minimum_filter(known, 2 * p.flank_px + 1, mode="constant", cval=False)
    return np.where(inner, (best - middle) / max(spread, 1e-3), 0.0).astype(np.float32)


def find_lines(
    image: Floats, *, old: Mask | None = None, least: Least | None = None, parameters: FencingParameters | None = None
) -> tuple[Line, ...]:
    """Find the lines in a median residual image, collinear pieces joined.

    Parameters
    ----------
    image
        float32 (y, x), the median residual of several dates in σ; NaN where not seen.
    old
        bool (y, x), where the ground showed a line before (`old_lines`): there, one in the residual is nothing new.
    least
        What a line must stand out by; by default, so much in σ of single acquisitions.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    tuple of Line, in raster order.
    """
    p = parameters or FencingParameters()
    response = line_response(image, parameters=p)
    if old is not None:
        response = np.where(old, 0.0, response).astype(np.float32)
    least = least or Least(p.least_change, p.least_pixel)
    shown = np.nan_to_num(image)
    crest = response >= ndimage.uniform_filter(response, 3)
    # a kernel laid across a roof answers beyond the roof: a pixel of a line must stand out by itself
    edge = (response >= p.edge) & crest & (shown >= least.pixel)
    near = ndimage.uniform_filter(shown, 3)
    joined = ndimage.binary_closing(np.pad(edge, p.gap_px), structure=EIGHT, iterations=max(1, p.gap_px // 2))
    joined = joined[p.gap_px : -p.gap_px, p.gap_px : -p.gap_px]
    labels, _ = ndimage.label(joined, structure=EIGHT)
    lines = []
    for n, box in enumerate(ndimage.find_objects(labels), start=1):
        mask = np.asarray((labels[box] == n) & edge[box])
        if (response[box][mask] >= p.seed).sum() < 3 or float(np.nanmean(image[box][mask])) < least.change:
            continue
        # nor is one of noise that hangs on a roof, or lies beyond the end of a wall
        mask &= near[box] >= p.faded * float(np.percentile(near[box][mask], 90))
        length = line_length(mask)
        is_thin = mask.sum() / max(length, 1.0) <= p.widest_px
        if length >= p.shortest_px and is_thin and _unevenness(_crest(shown, mask, box)) <= p.uneven:
            line = trimmed(mask, box, (image.shape[0], image.shape[1]))
            lines.append(Line(line, length, float(response[box][mask].mean())))
    return tuple(lines)


def _crest(image: Floats, mask: Mask, box: Box) -> Floats:
    """The largest value beside each pixel of a line's middle."""
    rows, columns = (index + part.start for index, part in zip(np.nonzero(thinned(mask)), box, strict=True))
    around = [
        image[np.clip(rows + down, 0, image.shape[0] - 1), np.clip(columns + right, 0, image.shape[1] - 1)]
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    ]
    return np.asarray(np.max(around, axis=0))


def _unevenness(crest: Floats) -> float:
    """Standard deviation over mean of a line's crest, along its middle."""
    return float(np.std(crest) / max(float(np.mean(crest)), 1e-6))


def old_lines(before: Floats, *, parameters: FencingParameters | None = None) -> Mask:
    """Mark where the ground already shows a line (a road that dries, a bank), or next to it.

    Parameters
    ----------
    before
        float32 (y, x), what the ground is expected to look like.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    bool (y, x).
    """
    p = parameters or FencingParameters()
    return np.asarray(ndimage.maximum_filter(line_response(before, parameters=p), size=3) >= p.old_line)


def beyond_flanks(image: Floats, *, parameters: FencingParameters | None = None) -> Floats:
    """Measure by how much the mean along a line exceeds that of its brighter flank, the greatest over the directions.

    Parameters
    ----------
    image
        float32 (y, x), no pixel unknown.
    parameters
        Directions and lengths; the defaults where left out.

    Returns
    -------
    float32 (y, x), in the unit of the image.
    """
    p = parameters or FencingParameters()
    rim = p.kernel_px // 2 + p.flank_px + 1
    padded = np.pad(image, rim, mode="reflect" if min(image.shape) > rim else "edge")
    best = np.full(image.shape, -np.inf, np.float32)
    for taps, (down, right) in line_kernels(p.directions, p.kernel_px, p.flank_px):
        beyond_line(padded, taps.rows, taps.columns, taps.weights, down, right, rim, best)
    return best


@dataclass(frozen=True)
class Taps:
    """A kernel as what it weighs: rows and columns int64 from the pixel, weights float32 with the sum 1."""

    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    weights: Floats


@lru_cache(maxsize=4)
def line_kernels(directions: int, length: int, flank: int) -> tuple[tuple[Taps, tuple[int, int]], ...]:
    """Draw a line about a pixel in each direction.

    Parameters
    ----------
    directions
        How many there are over half a turn.
    length
        Of the lines, pixels.
    flank
        How far beside the line its flanks lie, pixels.

    Returns
    -------
    tuple of (Taps, (int, int)): each kernel, and the step down and right to one of its flanks.
    """
    y, x = np.mgrid[-(length // 2) - 1 : length // 2 + 2, -(length // 2) - 1 : length // 2 + 2]
    out = []
    for n in range(directions):
        angle = np.pi * n / directions
        along = x * np.cos(angle) + y * np.sin(angle)
        across = -x * np.sin(angle) + y * np.cos(angle)
        line = np.clip(1.0 - np.abs(across), 0, 1) * (np.abs(along) <= length / 2)
        rows, columns = np.nonzero(line)
        weights = (line[rows, columns] / line.sum()).astype(np.float32)
        taps = Taps(y[rows, columns].astype(np.int64), x[rows, columns].astype(np.int64), weights)
        out.append((taps, (round(flank * np.cos(angle)), -round(flank * np.sin(angle)))))
    return tuple(out)
