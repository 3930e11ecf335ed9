"""From evidence per pixel to objects on the ground."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage, special

from detectors.acquisition import Floats, Mask
from detectors.footprint import Box, Footprint, trimmed
from detectors.morphology import EIGHT, box_of, large_patches
from detectors.objects.centerline import line_length

RIM_PX = 2.2  # of a wall that the point spread widens


@dataclass(frozen=True)
class ObjectParameters:
    """Numbers of objects that are set by hand.

    Pixels of an object have log-odds of `least` nats or more, or rank as high as `rank_told` of the filter after one
    scene; `smallest_px` native pixels is the least area (SCIENCE.md: 4 for buildings). Patches within `join_px`
    belong together. An object less likely than `least_probability` is not followed. `core` is the log-odds of its
    surest pixels.
    """

    least: float = -2.0
    smallest_px: int = 4
    join_px: int = 2
    least_probability: float = 0.2
    core: float = -2.0


@dataclass(frozen=True)
class GroundObject:
    """A patch that changed: its pixels, and its surest ones."""

    mask: Footprint
    core: Footprint

    @property
    def surest(self) -> Footprint:
        """Return its surest pixels; all of them where none is."""
        return self.core or self.mask


@dataclass(frozen=True)
class LikelyObject:
    """A patch with how likely it is a change, 0 to 1, and the four figures that say so."""

    object: GroundObject
    probability: float
    measured: tuple[float, ...]


def find_objects(
    score: Floats,
    *,
    least: float,
    core: float,
    resolution_px: float,
    weights: tuple[float, ...],
    own: Floats | None = None,
    least_probability: float = 0.0,
    parameters: ObjectParameters | None = None,
) -> tuple[LikelyObject, ...]:
    """Find the objects in a map of log-odds or of ranks.

    The probability is a logistic function of the object's mean score, its upper decile, and the logarithm of its
    native pixels; its weights were fitted with the table of signatures.

    Parameters
    ----------
    score
        float32 (y, x), how likely each pixel changed, in nats, -inf where it cannot have.
    least
        The least score of a pixel.
    core
        The score of the surest ones.
    resolution_px
        Native pixel in grid pixels, 1 or more; the least area grows with its square.
    weights
        Four weights, the last one that of a constant.
    own
        float32 (y, x), what each pixel says without its place: the surest ones are its upper quartile. Where it is
        left out, they are that of the score, and no less than `core`.
    least_probability
        Objects less likely are left out.
    parameters
        Numbers set by hand; the defaults where left out.

    Returns
    -------
    tuple of LikelyObject, in raster order.
    """
    p = parameters or ObjectParameters()
    native = max(1.0, resolution_px) ** 2
    kept = large_patches(score >= least, int(np.ceil(p.smallest_px * native)))
    return tuple(
        likely
        for box, mask in _grouped(kept, p.join_px)
        if (likely := _judged(score, box, mask, core, native, weights, own)).probability >= least_probability
    )


def _judged(
    score: Floats,
    box: Box,
    mask: Mask,
    core: float,
    native: float,
    weights: tuple[float, ...],
    own: Floats | None,
) -> LikelyObject:
    """One patch in its box with its surest pixels and its probability."""
    values, pixels = score[box][mask], int(mask.sum())
    telling = score if own is None else own
    upper = float(np.percentile(telling[box][mask], 75.0))
    limit = upper if own is not None or not (values >= core).any() else max(core, upper)
    measured = (
        float(values.mean()),
        float(np.percentile(values, 90.0)),
        float(np.log(pixels / native)),
        1.0,
    )
    shape = (score.shape[0], score.shape[1])
    item = GroundObject(trimmed(mask, box, shape), trimmed(mask & (telling[box] >= limit), box, shape))
    return LikelyObject(item, float(special.expit(np.dot(measured, weights))), measured)


def without_chance(found: tuple[LikelyObject, ...], decoys: tuple[LikelyObject, ...]) -> tuple[LikelyObject, ...]:
    """Reduce the probability of objects by as many as chance brings: those of the turned acquisitions.

    Target and decoy competition (Elias and Gygi 2007, doi 10.1038/nmeth1019): of the objects at least as likely, the
    share that decoys match is false.

    Parameters
    ----------
    found
        Objects of one class.
    decoys
        Objects of the same class where before and after were changed for each other: none can be true.

    Returns
    -------
    tuple of LikelyObject.
    """
    targets = np.array([item.probability for item in found])
    others = np.array([item.probability for item in decoys])
    out = []
    for item in found:
        false = int((others >= item.probability).sum()) / int((targets >= item.probability).sum())
        out.append(replace(item, probability=item.probability * max(0.0, 1.0 - false)))
    return tuple(out)


def _grouped(kept: Mask, join_px: int) -> Iterator[tuple[Box, Mask]]:
    """Patches whose outlines, widened by `join_px`, touch are one object: the box of each, and its mask in it."""
    wide = ndimage.binary_dilation(kept, structure=EIGHT, iterations=join_px) if join_px else kept
    labels, _ = ndimage.label(wide, structure=EIGHT)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        mask = np.asarray(kept[box] & (labels[box] == number))
        if mask.any():
            yield box, mask


def area_interval(mask: Footprint, core: Footprint, *, pixel_area_m2: float) -> tuple[float, float, float]:
    """Measure the area of an object and an interval around it.

    A pixel of which a third changed counts whole, so an outline is uncertain by more of its rim inwards than outwards;
    the low end is not under half the surest pixels (shares of the rim chosen on buildings put into real series).

    Parameters
    ----------
    mask
        Its pixels.
    core
        Its surest pixels.
    pixel_area_m2
        Area of a pixel, m², over 0.

    Returns
    -------
    float, float, float: area, low and high end, m².
    """
    pixels = mask.pixels
    inside = ndimage.binary_erosion(mask.mask, structure=ndimage.generate_binary_structure(2, 1))
    rim = pixels - int(inside.sum())
    low = max(pixels - 0.6 * rim, 0.5 * core.pixels, 0.25 * pixels)
    high = pixels + 0.5 * rim + 1.0
    return pixels * pixel_area_m2, low * pixel_area_m2, high * pixel_area_m2


def mean_width(mask: Mask) -> float:
    """Measure twice the mean half-width of a patch along its middle.

    Parameters
    ----------
    mask
        bool (y, x), True on the patch.

    Returns
    -------
    float, pixels; about 1 for a line one pixel wide.
    """
    if not mask.any():
        return 0.0
    padded = np.pad(mask, 1)
    distance = ndimage.distance_transform_edt(padded)
    ridge = padded & (distance >= ndimage.maximum_filter(distance, size=3) - 1e-6)
    return float(2.0 * distance[ridge].mean() - 1.0)


def is_shallow(mask: Mask) -> bool:
    """Decide whether a patch lies close to its outside: 1.33 px in the mean in a strip of three, 1.5 in one of four.

    Parameters
    ----------
    mask
        bool (y, x), True on the patch.

    Returns
    -------
    bool.
    """
    part = mask[box_of(mask)]
    return bool(ndimage.distance_transform_edt(np.pad(part, 1))[1:-1, 1:-1][part].mean() <= 1.4)


def is_line(mask: Mask, *, shortest_px: float = 12.0, widest_px: float = 3.0) -> bool:
    """Decide whether most of a patch lies in pieces that are thin and long: five times as long as wide.

    Parameters
    ----------
    mask
        bool (y, x), True on the patch.
    shortest_px
        The least length of a piece, pixels.
    widest_px
        The greatest width of a piece, pixels.

    Returns
    -------
    bool.
    """
    labels, _ = ndimage.label(mask, structure=EIGHT)
    thin = 0
    for n, box in enumerate(ndimage.find_objects(labels), start=1):
        piece = np.asarray(labels[box] == n)
        if max(np.ptp(np.nonzero(piece), axis=1)) < 0.6 * shortest_px:
            continue  # a roof with gaps in it is as thin, but not as wide a figure
        length = line_length(piece)
        width = max(mean_width(piece), float(piece.sum()) / length, 1.0)
        if length >= shortest_px and width <= widest_px and is_shallow(piece) and length >= 5.0 * width:
            thin += int(piece.sum())
    return bool(thin > 0.6 * mask.sum())


def anchor(mask: Footprint, strength: Floats) -> tuple[int, int]:
    """Find the strongest pixel of a patch, the first in raster order among equals.

    Parameters
    ----------
    mask
        Its pixels, one at least.
    strength
        float32 (y, x), ranks the pixels of an object.

    Returns
    -------
    int, int: row and column.
    """
    part = np.where(mask.mask, strength[mask.box], -np.inf)
    row, column = np.unravel_index(int(np.argmax(part)), part.shape)
    return mask.top + int(row), mask.left + int(column)


def ring_closure(line: Mask, *, sectors: int = 36) -> float:
    """Measure the share of directions in which a line stands, seen from the middle of the circle that fits it best.

    A line whose spread across is under a fifth of that along its course is straight, and encloses nothing.

    Parameters
    ----------
    line
        bool (y, x).
    sectors
        Into how many directions the circle is cut.

    Returns
    -------
    float, 0 to 1.
    """
    rows, columns = np.nonzero(line)
    if len(rows) < 3:
        return 0.0
    across, along = np.sqrt(np.maximum(np.linalg.eigvalsh(np.cov(rows, columns)), 0.0))
    if across < 0.2 * along:
        return 0.0
    y, x = _around_circle(rows, columns)
    far = np.hypot(y, x) >= 0.35 * np.hypot(y, x).max()
    sector: npt.NDArray[np.int64] = np.floor((np.arctan2(y, x) + np.pi) / (2 * np.pi) * sectors).astype(np.int64)
    return float(len(np.unique(sector[far] % sectors)) / sectors)


def is_ring(mask: Mask, *, least_closure: float = 0.4, most_filled: float = 0.7, least_hole_px: int = 4) -> bool:
    """Decide whether the largest piece of a patch runs around ground that it leaves open.

    Its area is set against that of a circle of its mean distance from the middle: 2.25 for a solid disk, twice the
    width over the radius for a ring. So small a ring that this tells nothing is one by its hole and its thin rim.
    Roofs around a yard are pieces of their own, and none of them is one.

    Parameters
    ----------
    mask
        bool (y, x), True on the patch.
    least_closure
        The least share of directions, 0 to 1.
    most_filled
        The greatest share of a circle that it may fill, 0 to 1.
    least_hole_px
        The least open ground within, pixels.

    Returns
    -------
    bool.
    """
    if not mask.any():
        return False
    labels, _ = ndimage.label(mask[box_of(mask)], structure=EIGHT)
    piece = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    if ring_closure(piece) < least_closure:
        return False
    open_ground = ndimage.binary_fill_holes(piece) & ~piece
    if open_ground.sum() >= least_hole_px and piece.sum() <= RIM_PX * line_length(piece):
        return True
    radius = float(np.mean(np.hypot(*_around_circle(*np.nonzero(piece)))))
    return bool(piece.sum() < most_filled * np.pi * radius**2)


def _around_circle(
    rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Pixels about the middle of the circle that fits them best, by least squares in x² + y².

    Kåsa (1976), "A circle fitting procedure and its error analysis": of half a wall it lies where the middle of the
    whole would be.
    """
    y, x = rows - rows.mean(), columns - columns.mean()
    fit, *_ = np.linalg.lstsq(np.stack([2 * y, 2 * x, np.ones_like(y)], axis=1), y**2 + x**2, rcond=1e-6)
    return y - fit[0], x - fit[1]
