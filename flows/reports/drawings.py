"""Drawings that stand in for pictures: a size and a rough shape, to scale, without the ground around it.

Every drawing lies in the same pose: longest side across, middle in the middle. So it says nothing of where the real
outline lies, or which way it is turned, and there is no secret turn that could become known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

ROOM = 1.25  # of the frame over what is drawn
LEAST_FRAME_M = 60.0
SCALES_M = (20, 50, 100, 200, 500, 1000, 2000)
LARGEST_SCALE_SHARE = 0.6
CLOSED_FROM = 0.5  # a line that covers half of a ring or more is drawn as an arc of it
ELONGATIONS = (1.0, 2.0, 4.0)
"""Width over height of the three shapes that are told apart."""


@dataclass(frozen=True)
class Drawing:
    """SVG path data in a frame of metres, the largest shape first, and the length of the scale bar under it."""

    width_m: float
    height_m: float
    paths: tuple[str, ...]
    scale_m: int
    is_line: bool = False

    @property
    def scale_percent(self) -> float:
        """The length of the scale bar as a percentage of the width."""
        return round(100 * self.scale_m / self.width_m, 1)


def draw_ground(areas_m2: Sequence[float], *, elongation: float = 1.0, beside_m2: float = 0.0) -> Drawing:
    """Draw rectangles of these areas, one within the other.

    Parameters
    ----------
    areas_m2
        One area or more, each above 0.
    elongation
        Width over height.
    beside_m2
        The largest area of the drawings beside this one: they then have one scale.
    """
    sizes = sorted(((math.sqrt(a * elongation), math.sqrt(a / elongation)) for a in areas_m2), reverse=True)
    most = max(areas_m2[0], *areas_m2, beside_m2)
    width, height = _frame(math.sqrt(most * elongation), math.sqrt(most / elongation))
    return Drawing(width, height, tuple(_rectangle(w, h, width, height) for w, h in sizes), _scale(width))


def draw_line(lengths_m: Sequence[float], *, closure: float = 0.0, beside_m: float = 0.0) -> Drawing:
    """Draw lines of these lengths, each an arc of a ring where `closure` (the share of a ring, 0 to 1) is half or more.

    A line that closes less of a ring is drawn straight. `beside_m` is the longest of the drawings beside this one.
    """
    lengths = sorted(lengths_m, reverse=True)
    if closure < CLOSED_FROM:
        most = max(lengths[0], beside_m)
        width, height = _frame(most, most / 4)
        paths = [_straight(length, width, height, row) for row, length in enumerate(lengths)]
    else:
        across = lengths[0] / math.pi / closure
        width, height = _frame(across, across)
        paths = [_arc(length / (2 * math.pi * closure), closure, width, height) for length in lengths]
    return Drawing(width, height, tuple(paths), _scale(width), is_line=True)


def elongation_of(width_m: float, height_m: float) -> float:
    """Give the nearest of `ELONGATIONS` for the two sides of the smallest rectangle around a shape."""
    long, short = max(width_m, height_m), max(min(width_m, height_m), 1e-9)
    return min(ELONGATIONS, key=lambda one: abs(math.log(long / short / one)))


def two_figures(value: float) -> float:
    """Round to two significant figures."""
    return 0.0 if value == 0 else round(value, 1 - math.floor(math.log10(abs(value))))


def _frame(width: float, height: float) -> tuple[float, float]:
    return round(max(width * ROOM, LEAST_FRAME_M), 1), round(max(height * ROOM, LEAST_FRAME_M / 2), 1)


def _rectangle(w: float, h: float, width: float, height: float) -> str:
    return f"M{(width - w) / 2:.1f} {(height - h) / 2:.1f}h{w:.1f}v{h:.1f}h-{w:.1f}Z"


def _straight(length: float, width: float, height: float, row: int) -> str:
    return f"M{(width - length) / 2:.1f} {height * (row + 1) / 3:.1f}h{length:.1f}"


def _arc(radius: float, closure: float, width: float, height: float) -> str:
    """An arc from the left of the gap at the bottom around to its right; a closed ring in two halves."""
    x, y = width / 2, height / 2
    if closure >= 1:
        return f"M{x - radius:.1f} {y:.1f}a{radius:.1f} {radius:.1f} 0 1 1 {2 * radius:.1f} 0a{radius:.1f} {radius:.1f} 0 1 1 -{2 * radius:.1f} 0Z"  # noqa: E501
    gap = math.pi * (1 - closure)
    left, low = x - radius * math.sin(gap), y + radius * math.cos(gap)
    return f"M{left:.1f} {low:.1f}A{radius:.1f} {radius:.1f} 0 1 1 {2 * x - left:.1f} {low:.1f}"


def _scale(width_m: float) -> int:
    return max((s for s in SCALES_M if s <= LARGEST_SCALE_SHARE * width_m), default=SCALES_M[0])
