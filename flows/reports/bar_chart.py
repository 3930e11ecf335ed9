"""Bars with whiskers, several rows side by side, in a small coordinate frame that a page draws as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flows.reports.charts import round_step
from flows.reports.inputs import Extent

ROOM_SHARE = 0.6  # of the room of a place on the axis, for its bars
WIDEST, GAP = 34.0, 2.0
TICKS = 4


@dataclass(frozen=True)
class BarFrame:
    """The drawing's frame; `label` is the room that a name under the axis takes."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    label: int


@dataclass(frozen=True)
class Bar:
    """One bar with its whisker, in the frame of the drawing; heights may be nothing."""

    x: float
    width: float
    top: float
    height: float
    low_y: float
    high_y: float


@dataclass(frozen=True)
class Bars:
    """Rows of bars over the same places of an axis, and ticks of the value axis; None where nothing is known."""

    frame: BarFrame
    rows: tuple[tuple[Bar | None, ...], ...]
    centres: tuple[float, ...]
    ticks: tuple[tuple[float, float], ...]

    @property
    def labelled(self) -> tuple[int, ...]:
        """The places that are named under the axis: the last, and as many before it as have room."""
        every = int(np.ceil(self.frame.label * len(self.centres) / (self.frame.right - self.frame.left)))
        return tuple(range(len(self.centres) - 1, -1, -every))[::-1]


def bars_of(
    rows: Sequence[Sequence[Extent | None]], frame: BarFrame, *, scale: tuple[float, float] | None = None
) -> Bars:
    """Draw rows of one length; `scale` gives the ends of the value axis where several drawings share one."""
    extents = [extent for row in rows for extent in row if extent is not None]
    if scale is None:
        scale = min(0.0, *(one.low for one in extents), 0.0), max(1.0, *(one.high for one in extents), 1.0)
    low, high = scale

    def y(value: float) -> float:
        return round(frame.bottom - (value - low) / (high - low) * (frame.bottom - frame.top), 1)

    room = (frame.right - frame.left) / len(rows[0])
    width = round(min(room * ROOM_SHARE / len(rows), WIDEST), 1)
    centres = tuple(round(frame.left + room * (i + 0.5), 1) for i in range(len(rows[0])))
    left_of_centre = (len(rows) * width + (len(rows) - 1) * GAP) / 2

    def bar(x: float, extent: Extent | None) -> Bar | None:
        if extent is None:
            return None
        top, bottom = sorted((y(extent.value), y(0.0)))
        return Bar(round(x, 1), width, top, round(bottom - top, 1), y(extent.low), y(extent.high))

    drawn = tuple(
        tuple(bar(x - left_of_centre + n * (width + GAP), one) for x, one in zip(centres, row, strict=True))
        for n, row in enumerate(rows)
    )
    step = round_step((high - low) / TICKS)
    values = [i * step for i in range(int(low // step) + (low % step > 0), int(high // step) + 1)]
    return Bars(frame, drawn, centres, tuple((y(value), value) for value in values))
