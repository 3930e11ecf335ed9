"""From evidence per pixel to objects on the ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from detectors.acquisition import Floats, Mask
from detectors.evidence.accumulate import Cue, Evidence
from detectors.morphology import EIGHT
from detectors.objects.centerline import line_length

RIM_PX = 2.2  # of a wall that the point spread widens
UP_CUES = (Cue.EXPOSURE, Cue.STRUCTURE)


@dataclass(frozen=True)
class ObjectParameters:
    """Thresholds of objects.

    `least` is the confidence (mean · count²) of an object's pixels, from `acquisitions` disturbed acquisitions.
    `smallest_px` native pixels is the least area (SCIENCE.md: 4 for buildings). Patches within `join_px` belong
    together. When the history holds next to nothing one acquisition alone is shown, as provisional: there a patch is
    of pixels over `single_edge`, of which `single_core_px` are over `single_look`, both metrics in σ, and `single_px`
    pixels are asked of all patches that belong together (chosen on real pairs of acquisitions and drawn deserts).
    """

    least: float = 16.0
    acquisitions: float = 1.5
    smallest_px: int = 4
    join_px: int = 2
    single_acquisition: float = 5.5
    single_edge: float = 2.2
    single_core_px: int = 3
    single_px: int = 12


@dataclass(frozen=True)
class GroundObject:
    """A patch that changed: `mask` bool (y, x); `core` bool (y, x), its surest pixels."""

    mask: Mask
    core: Mask


def gain_confidence(evidence: Evidence, optical: Mask) -> tuple[Floats, Floats]:
    """Add up the confidence that something was built or bared.

    What both instruments hold is added: two that agree are worth more than one.

    Parameters
    ----------
    evidence
        What is held against each pixel.
    optical
        bool (y, x), pixels where the optical cues may speak.

    Returns
    -------
    float32 (y, x), float32 (y, x): confidence, and the disturbed acquisitions behind it.
    """
    confidence = evidence.confidence
    seen = confidence[list(UP_CUES)].max(axis=0) * optical
    counts = evidence.count[list(UP_CUES)].max(axis=0) * optical
    radar = confidence[Cue.BACKSCATTER_UP]
    return seen + radar, np.maximum(counts, evidence.count[Cue.BACKSCATTER_UP])


def loss_confidence(evidence: Evidence, was_built: Mask, may_be_built: Mask) -> tuple[Floats, Floats]:
    """Add up the confidence that something built was taken away.

    Falling backscatter speaks only where radar saw something built before (`was_built`): floods darken fields too.
    Fading texture speaks only where radar does not rule a building out (`may_be_built`): a bare field loses its
    texture to the plough.

    Parameters
    ----------
    evidence
        What is held against each pixel.
    was_built
        bool (y, x), where radar saw something built before.
    may_be_built
        bool (y, x), where radar does not rule a building out.

    Returns
    -------
    float32 (y, x), float32 (y, x): confidence, and the disturbed acquisitions behind it.
    """
    confidence = evidence.confidence
    radar = confidence[Cue.BACKSCATTER_DOWN] * was_built
    counts = np.maximum(evidence.count[Cue.REMOVAL] * may_be_built, evidence.count[Cue.BACKSCATTER_DOWN] * was_built)
    return confidence[Cue.REMOVAL] * may_be_built + radar, counts


def find_objects(
    confidence: Floats,
    counts: Floats,
    *,
    resolution_px: float,
    has_short_history: bool,
    parameters: ObjectParameters | None = None,
) -> tuple[GroundObject, ...]:
    """Find the objects in a map of confidence.

    Parameters
    ----------
    confidence
        float32 (y, x), as `gain_confidence` gives it.
    counts
        float32 (y, x), the disturbed acquisitions behind it.
    resolution_px
        Native pixel in grid pixels; the least area grows with its square.
    has_short_history
        True when the history holds so little that one acquisition must do.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    tuple of GroundObject, in raster order.
    """
    p = parameters or ObjectParameters()
    native = max(1.0, resolution_px) ** 2
    core = edge = (confidence >= p.least) & (counts >= p.acquisitions)
    if has_short_history:
        core = core | (confidence >= p.single_acquisition)
        edge = edge | (confidence >= p.single_edge)
    core_px = max(p.single_core_px, int(p.single_core_px * native * 0.5))
    kept = _hysteresis(core, edge, core_px=core_px, smallest_px=int(np.ceil(p.smallest_px * native)))
    found = _grouped(kept, core, p.join_px)
    # roofs of a yard are small each: what one acquisition must be enough for is asked of all that belong together
    return tuple(item for item in found if item.mask.sum() >= p.single_px * native) if has_short_history else found


def _hysteresis(core: Mask, edge: Mask, *, core_px: int, smallest_px: int) -> Mask:
    labels, count = ndimage.label(edge, structure=EIGHT)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    cores = np.bincount(labels.ravel(), weights=core.ravel(), minlength=count + 1)
    kept = (sizes >= smallest_px) & (cores >= core_px)
    kept[0] = False
    return np.asarray(kept[labels])


def _grouped(kept: Mask, core: Mask, join_px: int) -> tuple[GroundObject, ...]:
    """Patches whose outlines, widened by `join_px`, touch are one object."""
    wide = ndimage.binary_dilation(kept, structure=EIGHT, iterations=join_px) if join_px else kept
    labels, count = ndimage.label(wide, structure=EIGHT)
    return tuple(GroundObject(mask, mask & core) for n in range(1, count + 1) if (mask := kept & (labels == n)).any())


def area_interval(mask: Mask, core: Mask, *, pixel_area_m2: float) -> tuple[float, float, float]:
    """Measure the area of an object and an interval around it.

    A pixel of which a third changed counts whole, so an outline is uncertain by more of its rim inwards than outwards;
    the low end is not under half the surest pixels (shares of the rim chosen on buildings put into real series).

    Parameters
    ----------
    mask
        bool (y, x), True on the patch.
    core
        bool (y, x), its surest pixels.
    pixel_area_m2
        Area of a pixel, m², over 0.

    Returns
    -------
    float, float, float: area, low and high end, m².
    """
    pixels = int(mask.sum())
    inside = ndimage.binary_erosion(mask, structure=ndimage.generate_binary_structure(2, 1))
    rim = pixels - int(inside.sum())
    low = max(pixels - 0.6 * rim, 0.5 * float(core.sum()), 0.25 * pixels)
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
    return bool(ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1][mask].mean() <= 1.4)


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
    labels, count = ndimage.label(mask, structure=EIGHT)
    thin = 0
    for n in range(1, count + 1):
        piece = np.asarray(labels == n)
        if max(np.ptp(np.nonzero(piece), axis=1)) < 0.6 * shortest_px:
            continue  # a roof with gaps in it is as thin, but not as wide a figure
        length = line_length(piece)
        width = max(mean_width(piece), float(piece.sum()) / length, 1.0)
        if length >= shortest_px and width <= widest_px and is_shallow(piece) and length >= 5.0 * width:
            thin += int(piece.sum())
    return bool(thin > 0.6 * mask.sum())


def anchor(mask: Mask, strength: Floats) -> tuple[int, int]:
    """Find the strongest pixel of a mask, the first in raster order among equals.

    Parameters
    ----------
    mask
        bool (y, x), True on the patch.
    strength
        float32 (y, x), ranks the pixels of an object.

    Returns
    -------
    int, int: row and column.
    """
    flat = np.where(mask, strength, -np.inf).ravel()
    row, column = np.unravel_index(int(np.argmax(flat)), mask.shape)
    return int(row), int(column)


def touching(mask: Mask, other: Mask, *, within_px: int) -> bool:
    """Decide whether two masks come within some pixels of each other.

    Parameters
    ----------
    mask
        bool (y, x).
    other
        bool (y, x).
    within_px
        How near, in pixels, 1 or more.

    Returns
    -------
    bool.
    """
    return bool((ndimage.binary_dilation(mask, structure=EIGHT, iterations=within_px) & other).any())


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
    labels, count = ndimage.label(mask, structure=EIGHT)
    if not count:
        return False
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
