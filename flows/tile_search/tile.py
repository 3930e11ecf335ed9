"""A tile of the wide search and the strips and blocks it is worked in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aois.errors import UserError
from aois.grid import Grid
from detectors.tile_search.update import BLOCK


class WideError(UserError):
    """A wide search cannot go on; the message says what, the value, and what to do."""


@dataclass(frozen=True)
class Window:
    """Part of a tile in pixels of its grid: first row and column, and how many of each."""

    top: int
    left: int
    rows: int
    columns: int


@dataclass(frozen=True)
class Tile:
    """Ground searched as one piece: a region's id, its grid, and the folder of its state."""

    id: str
    grid: Grid
    folder: Path

    @property
    def strips(self) -> tuple[Window, ...]:
        """The tile as strips of 512 rows, from the top down; the last may be lower."""
        height, width = self.grid.shape
        return tuple(Window(top, 0, min(BLOCK, height - top), width) for top in range(0, height, BLOCK))


def blocks_of(strip: Window) -> tuple[Window, ...]:
    """A strip as blocks of 512 columns, from the left; the last may be narrower."""
    return tuple(
        Window(strip.top, left, strip.rows, min(BLOCK, strip.columns - left)) for left in range(0, strip.columns, BLOCK)
    )
