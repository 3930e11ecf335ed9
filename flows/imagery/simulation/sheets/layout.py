"""How a large area is cut into sheets, like a map that is printed on several."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from aois.grid import Grid
from flows.imagery.simulation.land.canvas import RIM

Place = tuple[int, int]
"""Row and column of a sheet among the others."""


@dataclass(frozen=True)
class SheetLayout:
    """The sheets of a grid: `downs` and `acrosses` are the pixels where they begin, and where the last one ends."""

    grid: Grid
    downs: tuple[int, ...]
    acrosses: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of sheets."""
        return len(self.downs) - 1, len(self.acrosses) - 1

    def places(self) -> Iterator[Place]:
        """Every sheet, row by row."""
        rows, columns = self.shape
        return ((row, column) for row in range(rows) for column in range(columns))

    def grid_of(self, place: Place) -> Grid:
        """The pixels of a sheet."""
        (top, bottom), (left, right) = self._ends(place)
        size_m = self.grid.pixel_size_m
        return replace(
            self.grid,
            left=self.grid.left + left * size_m,
            top=self.grid.top - top * size_m,
            width=right - left,
            height=bottom - top,
        )

    def begin(self, place: Place) -> tuple[int, int]:
        """Row and column of the first pixel of a sheet."""
        return self.downs[place[0]], self.acrosses[place[1]]

    def shown(self, place: Place) -> tuple[range, range]:
        """Rows and columns that a sheet shows of the whole canvas, which begins `RIM` pixels before the grid.

        The rim around the grid belongs to the sheets along its edge; between sheets nothing is shown twice.
        """
        ends = zip(self._ends(place), self.grid.shape, strict=True)
        rows, columns = (
            range(0 if start == 0 else start + RIM, stop + (2 * RIM if stop == length else RIM))
            for (start, stop), length in ends
        )
        return rows, columns

    def _ends(self, place: Place) -> tuple[tuple[int, int], tuple[int, int]]:
        row, column = place
        return (self.downs[row], self.downs[row + 1]), (self.acrosses[column], self.acrosses[column + 1])

    def across(self, rows: range) -> list[Place]:
        """The sheets that show any of some rows of the whole canvas."""
        found = []
        for number, _ in enumerate(pairwise(self.downs)):
            shown, _ = self.shown((number, 0))
            if max(shown.start, rows.start) < min(shown.stop, rows.stop):
                found += [(number, column) for column in range(self.shape[1])]
        return found


def lay_out(grid: Grid, side_px: int) -> SheetLayout:
    """Sheets of an even side; the last of a row or column takes the rest, half a side to one and a half."""
    return SheetLayout(grid, _cuts(grid.height, side_px), _cuts(grid.width, side_px))


def _cuts(length: int, side_px: int) -> tuple[int, ...]:
    count = max(1, round(length / side_px))
    return (*range(0, count * side_px, side_px), length)
