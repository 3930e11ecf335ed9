"""Which pixels each structure covers, and which lie around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage, sparse

from detectors.acquisition import Mask

LEAST_SHARE = 0.25
"""Of a pixel that a structure must cover to be read there: less of it shows the ground beside the roof."""
FREE_SHARE = 0.15
"""Of a pixel that structures may cover for it to count as ground around them."""
AROUND_PX, FEWEST_AROUND = 4, 6
MOST_CONTROLS = 500


@dataclass(frozen=True)
class StructureCover:
    """The structures of an area on its grid.

    `roofs` and `surroundings` are sparse float64 (structure, pixel): the share of each pixel that a structure covers,
    and 1 for the open pixels around it. `controls` int64 (n,) are open pixels of the watched ground, by which what a
    whole scene has in common is taken off. A structure without a pixel of its own has an empty row of `roofs`.
    """

    roofs: sparse.csr_matrix
    surroundings: sparse.csr_matrix
    controls: npt.NDArray[np.int64]
    shape: tuple[int, int]

    @property
    def count(self) -> int:
        """Return how many structures there are."""
        return int(self.roofs.shape[0])

    @property
    def is_readable(self) -> npt.NDArray[np.bool_]:
        """Return bool (structure,): whether a structure covers enough of a pixel, and has ground around it."""
        roofs, around = (np.asarray(m.sum(axis=1)).ravel() for m in (self.roofs, self.surroundings))
        return np.asarray((roofs > 0) & (around >= FEWEST_AROUND))


def cover_structures(labels: npt.NDArray[np.int32], count: int, *, fine: int, monitored_mask: Mask) -> StructureCover:
    """Measure the pixels of each structure and find the ground around it.

    Parameters
    ----------
    labels
        int32 (y · fine, x · fine), the number of the structure that a cell belongs to, 1 to `count`; 0 for none.
    count
        How many structures there are.
    fine
        Cells along a pixel's side.
    monitored_mask
        bool (y, x), the watched ground.

    Returns
    -------
    StructureCover.
    """
    height, width = monitored_mask.shape
    rows, columns = np.nonzero(labels)
    pixel = (rows // fine) * width + columns // fine
    shares = sparse.coo_matrix(
        (np.full(len(pixel), 1.0 / fine**2), (labels[rows, columns] - 1, pixel)), shape=(count, height * width)
    ).tocsr()
    is_free = np.asarray(shares.sum(axis=0)).reshape(height, width) < FREE_SHARE
    roofs = shares.multiply(shares >= LEAST_SHARE).tocsr()
    roofs.eliminate_zeros()
    open_ground = np.flatnonzero(is_free & monitored_mask)
    step = max(1, len(open_ground) // MOST_CONTROLS)
    return StructureCover(roofs, _surroundings(shares, is_free), open_ground[::step], (height, width))


def _surroundings(shares: sparse.csr_matrix, is_free: Mask) -> sparse.csr_matrix:
    """The open pixels within `AROUND_PX` of each structure, (structure, pixel)."""
    (height, width), owners, found = is_free.shape, [], []
    reach = np.hypot(*np.mgrid[-AROUND_PX : AROUND_PX + 1, -AROUND_PX : AROUND_PX + 1]) <= AROUND_PX
    for n in range(shares.shape[0]):
        rows, columns = np.divmod(shares.indices[shares.indptr[n] : shares.indptr[n + 1]], width)
        if not len(rows):
            continue
        top, left = max(rows.min() - AROUND_PX, 0), max(columns.min() - AROUND_PX, 0)
        bottom, right = min(rows.max() + AROUND_PX + 1, height), min(columns.max() + AROUND_PX + 1, width)
        own = np.zeros((bottom - top, right - left), bool)
        own[rows - top, columns - left] = True
        near = ndimage.binary_dilation(own, structure=reach) & is_free[top:bottom, left:right]
        y, x = np.nonzero(near)
        found.append((y + top) * width + x + left)
        owners.append(np.full(len(y), n))
    pixel, owner = (np.concatenate(part) if part else np.array([], np.int64) for part in (found, owners))
    return sparse.coo_matrix((np.ones(len(pixel)), (owner, pixel)), shape=(shares.shape[0], height * width)).tocsr()
