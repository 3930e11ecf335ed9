"""The middle line of a patch, and how long it is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from detectors.acquisition import Mask

# Vossepoel and Smeulders (1982), "Vector code probability and metrication error": a straight and a diagonal step of a
# digital line, each as long as it is in the mean over all directions.
STRAIGHT, DIAGONAL = 0.948, 1.343


def thinned(mask: Mask) -> Mask:
    """Thin a patch to its middle line, one pixel wide and joined as the patch is.

    Guo and Hall (1989), "Parallel thinning with two-subiteration algorithms": from two sides in turn the pixels go
    whose neighbours hang together without them. Lines two pixels wide survive in every direction.

    Parameters
    ----------
    mask
        bool (y, x), True on the patch.

    Returns
    -------
    bool (y, x).
    """
    kept = np.pad(np.asarray(mask, bool), 1)
    before = -1
    while before != int(kept.sum()):
        before = int(kept.sum())
        kept &= ~_removable(kept, _neighbours(kept))
        kept &= ~_removable(kept, np.roll(_neighbours(kept), 4, axis=0))
    return kept[1:-1, 1:-1]


def _removable(kept: Mask, around: npt.NDArray[np.bool_]) -> Mask:
    """Guo and Hall's conditions: one piece of neighbours, no end of a line, on the side whose turn it is."""
    n, ne, e, se, s, sw, w, nw = around
    pieces = sum(x.astype(np.uint8) for x in (~n & (ne | e), ~e & (se | s), ~s & (sw | w), ~w & (nw | n)))
    pairs = sum(x.astype(np.uint8) for x in (nw | n, ne | e, se | s, sw | w))
    others = sum(x.astype(np.uint8) for x in (n | ne, e | se, s | sw, w | nw))
    fewest = np.minimum(pairs, others)
    return np.asarray(kept & (pieces == 1) & (fewest >= 2) & (fewest <= 3) & ~((s | sw | ~nw) & w))


def _neighbours(kept: Mask) -> npt.NDArray[np.bool_]:
    """The eight neighbours of each pixel, clockwise from the north; bool (8, y, x)."""
    wide = np.pad(kept, 1)
    rows, columns = kept.shape
    steps = ((0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (0, 0))
    return np.stack([wide[r : r + rows, c : c + columns] for r, c in steps])


def line_length(mask: Mask) -> float:
    """Measure a thin patch along its middle line, to the outer edge of its open ends.

    Parameters
    ----------
    mask
        bool (y, x), True on the patch.

    Returns
    -------
    float, pixels.
    """
    area = int(np.count_nonzero(mask))
    if area == 0:
        return 0.0
    rows, columns = ndimage.find_objects(mask.astype(np.uint8))[0]
    middle = thinned(mask[rows, columns])
    width = area / (_steps(middle) + 1.0)
    cut = round(width / 2.0)  # as long as the twigs that thinning leaves in the corners of an open end
    pruned = _pruned(middle, cut)
    if not pruned.any():
        pruned, cut = middle, 0
    ends = 2 if pruned.sum() == 1 else int(_ends(pruned).sum())
    return float(_steps(pruned) + ends * (cut + 0.5 * width))


def _ends(middle: Mask) -> Mask:
    """The pixels of a middle line with one neighbour or none."""
    return np.asarray(middle & (_neighbours(middle).sum(axis=0) <= 1))


def _pruned(middle: Mask, steps: int) -> Mask:
    """A middle line that has lost so many pixels at each of its ends."""
    for _ in range(steps):
        middle = middle & ~_ends(middle)
    return middle


def _steps(middle: Mask) -> float:
    """The steps of a middle line added up; a diagonal counts where no corner pixel leads the same way."""
    straight = (middle[1:] & middle[:-1]).sum() + (middle[:, 1:] & middle[:, :-1]).sum()
    nw, ne, sw, se = middle[:-1, :-1], middle[:-1, 1:], middle[1:, :-1], middle[1:, 1:]
    diagonal = (nw & se & ~ne & ~sw).sum() + (ne & sw & ~nw & ~se).sum()
    return float(STRAIGHT * straight + DIAGONAL * diagonal)
