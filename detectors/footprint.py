"""The pixels of one thing on an area's grid: a window as small as it can be, and the mask in it.

Nothing here costs more for a larger area: what an object costs depends on its own pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from detectors.acquisition import Mask
from detectors.morphology import EIGHT, box_of

Box = tuple[slice, slice]
"""Rows and columns of a window, both ends given."""

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Footprint:
    """A set of pixels. Two of one area are joined with `|`, cut with `&` and taken from each other with `-`.

    `shape` are rows and columns of the area, `top` and `left` where the window begins; `mask` bool (y, x) is the
    window, each side of which holds a pixel. The empty set has a window of no rows and columns.
    """

    shape: tuple[int, int]
    top: int
    left: int
    mask: Mask

    @property
    def pixels(self) -> int:
        """Count its pixels."""
        return int(np.count_nonzero(self.mask))

    @property
    def box(self) -> Box:
        """Return the rows and columns of its window."""
        height, width = self.mask.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    def __bool__(self) -> bool:
        """Tell whether it holds any pixel."""
        return self.mask.size > 0

    def __or__(self, other: Footprint) -> Footprint:
        """Join two."""
        if not self or not other:
            return self or other
        box = _around(self.box, other.box)
        return trimmed(self.within(box) | other.within(box), box, self.shape)

    def __and__(self, other: Footprint) -> Footprint:
        """Keep what both hold."""
        if not self.overlaps(other.box):
            return empty(self.shape)
        return trimmed(self.mask & other.within(self.box), self.box, self.shape)

    def __sub__(self, other: Footprint) -> Footprint:
        """Keep what the other does not hold."""
        if not self.overlaps(other.box):
            return self
        return trimmed(self.mask & ~other.within(self.box), self.box, self.shape)

    def __eq__(self, other: object) -> bool:
        """Tell whether two hold the same pixels of areas of one shape."""
        if not isinstance(other, Footprint):
            return NotImplemented
        is_same_window = (self.shape, self.box) == (other.shape, other.box)
        return is_same_window and bool(np.array_equal(self.mask, other.mask))

    __hash__ = None  # type: ignore[assignment]

    def overlaps(self, box: Box) -> bool:
        """Decide whether its window has pixels in common with another."""
        return all(max(a.start, b.start) < min(a.stop, b.stop) for a, b in zip(self.box, box, strict=True))

    def within(self, box: Box) -> Mask:
        """Return it as a mask of another window, bool (y, x)."""
        rows, columns = box
        out = np.zeros((rows.stop - rows.start, columns.stop - columns.start), bool)
        if self.overlaps(box):
            both = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(self.box, box, strict=True)]
            out[_from(both, rows.start, columns.start)] = self.mask[_from(both, self.top, self.left)]
        return out

    def frame(self) -> Mask:
        """Return it as a mask of the whole area, bool (y, x)."""
        out = np.zeros(self.shape, bool)
        out[self.box] = self.mask
        return out

    def values(self, layer: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """Read its pixels out of a layer (…, y, x) of the area, (…, pixel) in raster order."""
        return layer[(..., *self.box)][..., self.mask]

    def surroundings(self, margin_px: int) -> Box:
        """Return its window widened by whole pixels, as far as the area goes."""
        rows, columns = self.box
        return (
            slice(max(0, rows.start - margin_px), min(self.shape[0], rows.stop + margin_px)),
            slice(max(0, columns.start - margin_px), min(self.shape[1], columns.stop + margin_px)),
        )

    def widened(self, pixels: int) -> Footprint:
        """Grow it by whole pixels in all eight directions."""
        if pixels <= 0 or not self:
            return self
        box = self.surroundings(pixels)
        grown = ndimage.binary_dilation(self.within(box), structure=EIGHT, iterations=pixels)
        return trimmed(np.asarray(grown), box, self.shape)


def empty(shape: tuple[int, int]) -> Footprint:
    """Make the set of no pixels.

    Parameters
    ----------
    shape
        Rows and columns of the area.

    Returns
    -------
    Footprint.
    """
    return Footprint(shape, 0, 0, np.zeros((0, 0), bool))


def trimmed(mask: Mask, box: Box, shape: tuple[int, int]) -> Footprint:
    """Make a footprint of a window of an area.

    Parameters
    ----------
    mask
        bool (y, x), the window, of the size of `box`.
    box
        Its rows and columns in the area.
    shape
        Rows and columns of the area.

    Returns
    -------
    Footprint: its own window is cut to the pixels that there are.
    """
    if not mask.any():
        return empty(shape)
    rows, columns = box_of(mask)
    return Footprint(shape, box[0].start + rows.start, box[1].start + columns.start, mask[rows, columns].copy())


def footprint_in(mask: Mask) -> Footprint:
    """Make a footprint of a mask of the whole area.

    Parameters
    ----------
    mask
        bool (y, x), one for each pixel of the area.

    Returns
    -------
    Footprint.
    """
    height, width = mask.shape
    return trimmed(mask, (slice(0, height), slice(0, width)), (height, width))


def _from(box: Sequence[slice], top: int, left: int) -> Box:
    """A window counted from another's first row and column."""
    rows, columns = box
    return slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)


def _around(one: Box, other: Box) -> Box:
    rows, columns = (slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(one, other, strict=True))
    return rows, columns
