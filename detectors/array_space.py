"""Where arrays of a whole area lie, and the strips of rows in which they are worked through.

An area of today's usual size is one strip in memory. Of a large one only a strip at a time is in memory: its arrays
answer slices with copies and take them back (`flows/evidence/array_files.py`), and nothing may ask for more of them.
What is worked through strip by strip depends on single pixels, so that strips of any size give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

STRIP_PX = 1 << 19
"""Pixels of a strip: its features, baseline and evidence take some 200 MB."""


class ArraySpace(Protocol):
    """Makes arrays of a whole area. `strip_px` is how many pixels are worked on at once."""

    strip_px: int

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Any:
        """Make an array with nothing in it yet."""

    def copy(self, array: Any) -> Any:
        """Copy an array, so that it can be changed."""

    def keep(self, array: Any) -> Any:
        """Put an array that nobody changes where arrays lie, unless it is there."""


class InMemory:
    """Arrays in memory, as numpy makes them."""

    strip_px = STRIP_PX

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Any:
        """Make an array with nothing in it yet.

        Parameters
        ----------
        shape, dtype
            As numpy has them.

        Returns
        -------
        ndarray.
        """
        return np.empty(shape, dtype)

    def copy(self, array: Any) -> Any:
        """Copy an array, so that it can be changed.

        Parameters
        ----------
        array
            Any.

        Returns
        -------
        ndarray.
        """
        return array.copy()

    def keep(self, array: Any) -> Any:
        """Put an array that nobody changes where arrays lie, unless it is there.

        Parameters
        ----------
        array
            Any.

        Returns
        -------
        ndarray, the same.
        """
        return array


IN_MEMORY = InMemory()


def strips_of(shape: tuple[int, int], space: ArraySpace, *, layers: int = 1) -> Iterator[tuple[slice, slice]]:
    """Split an area into strips of whole rows, from the first to the last.

    Parameters
    ----------
    shape
        Rows and columns of the area.
    space
        Says how many pixels a strip may have.
    layers
        How many acquisitions are worked on at once: beyond four, strips are lower.

    Yields
    ------
    slice, slice: rows and columns.
    """
    rows = max(1, space.strip_px * 4 // max(layers, 4) // max(1, shape[1]))
    for top in range(0, shape[0], rows):
        yield slice(top, min(top + rows, shape[0])), slice(0, shape[1])


def by_strips(
    shape: tuple[int, int], space: ArraySpace, part: Callable[[tuple[slice, slice]], npt.NDArray[Any]]
) -> npt.NDArray[Any]:
    """Work out a few layers of a whole area, in memory, strip by strip.

    Parameters
    ----------
    shape
        Rows and columns of the area.
    space
        Where its arrays lie.
    part
        Gives the layers of one strip, (…, y, x).

    Returns
    -------
    ndarray (…, y, x) of the area.
    """
    strips = list(strips_of(shape, space))
    if len(strips) == 1:
        return part(strips[0])
    out: npt.NDArray[Any] | None = None
    for strip in strips:
        layers = part(strip)
        if out is None:
            out = np.empty((*layers.shape[:-2], *shape), layers.dtype)
        out[(..., *strip)] = layers
    return np.empty((0, *shape)) if out is None else out


def write_by_strips(
    space: ArraySpace,
    shape: tuple[int, ...],
    dtype: npt.DTypeLike,
    part: Callable[[tuple[slice, slice]], npt.NDArray[Any]],
) -> Any:
    """Work out an array of a whole area strip by strip, to lie where its arrays lie.

    Parameters
    ----------
    space
        Where that is.
    shape
        Of the array, the last two rows and columns of the area.
    dtype
        Of the array.
    part
        Gives one strip of it.

    Returns
    -------
    The array.
    """
    strips = list(strips_of((shape[-2], shape[-1]), space))
    if len(strips) == 1 and space is IN_MEMORY:
        return np.asarray(part(strips[0]), dtype)
    out = space.empty(shape, dtype)
    for strip in strips:
        out[(..., *strip)] = part(strip)
    return out
