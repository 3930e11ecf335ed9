"""Shapes that fit: a compiled loop does not see where an array ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt


def check_shapes(shape: tuple[int, ...], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Check that the last axes of arrays are those of one block of pixels.

    Parameters
    ----------
    shape
        Rows and columns.
    arrays
        By the name that the error tells.

    Raises
    ------
    ValueError
        Where one has another shape.
    """
    for name, array in arrays.items():
        if array.shape[-len(shape) :] != shape:
            raise ValueError(f"{name} has the shape {array.shape}, which does not end in {shape} as the others do")
