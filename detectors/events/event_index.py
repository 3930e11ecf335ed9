"""Which events lie near a window of the ground, without asking all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from detectors.events.lifecycle import EventState
from detectors.footprint import Box

CELL_PX = 64


class EventIndex:
    """The numbers of events by square cells of ground that their windows touch."""

    def __init__(self, event_states: Sequence[EventState] = ()) -> None:
        """Add events under their places in a sequence."""
        self._cells: dict[tuple[int, int], set[int]] = defaultdict(set)
        for number, event_state in enumerate(event_states):
            self.add(number, event_state)

    def add(self, number: int, event_state: EventState) -> None:
        """Add an event, or one that has grown, under its number.

        Parameters
        ----------
        number
            Its place among all.
        event_state
            The event.
        """
        for cell in _cells(event_state.mask.box):
            self._cells[cell].add(number)

    def near(self, box: Box) -> list[int]:
        """List the numbers of the events whose windows may have pixels in common with one, the smallest first.

        An event that has shrunk since it was added is listed for its former window as well.

        Parameters
        ----------
        box
            Rows and columns.

        Returns
        -------
        list of int.
        """
        return sorted({number for cell in _cells(box) for number in self._cells.get(cell, ())})


def _cells(box: Box) -> Iterator[tuple[int, int]]:
    rows, columns = (range(side.start // CELL_PX, (side.stop - 1) // CELL_PX + 1) for side in box)
    return ((row, column) for row in rows for column in columns)
