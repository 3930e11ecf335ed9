"""The small map of the first screen: what is marked for each place, and where it may be put."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from aois.area import Area, AreaKind, Sensitivity

WIDTH, HEIGHT, ROOM = 360, 230, 26
LEAST_SPAN_KM = 2.0
KM_PER_DEGREE = 111.32
SCALES_KM = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
LARGEST_SCALE_SHARE = 0.3


class MapStatus(StrEnum):
    """What a place is marked for this week."""

    NEW = "new"
    CHANGED = "changed"
    FAILED = "failed"
    UNSEEN = "unseen"
    EARLIER = "earlier"
    QUIET = "quiet"


class CloudCover(StrEnum):
    """In how many weeks clouds hide a place, the most first."""

    MOST = "clouds-most"
    HALF = "clouds-half"
    SOME = "clouds-some"
    FEW = "clouds-few"
    UNKNOWN = "clouds-unknown"


@dataclass(frozen=True)
class MapMark:
    """One place on the map and in the row of tiles."""

    area: Area
    anchor: str
    label: str
    tone: MapStatus | CloudCover


@dataclass(frozen=True)
class Pin:
    """A place on the drawn map: the number of its tile, its centre, and half its width and height, all in px."""

    number: int
    mark: MapMark
    x: int
    y: int
    half_width: int
    half_height: int


@dataclass(frozen=True)
class Sketch:
    """Every place as a tile in the order of its id; `pins` are those that may be shown where they lie."""

    marks: tuple[MapMark, ...]
    pins: tuple[Pin, ...]
    scale_km: int
    scale_px: int

    @property
    def tones(self) -> tuple[MapStatus | CloudCover, ...]:
        """The tones that occur, the most urgent first."""
        used = {mark.tone for mark in self.marks}
        return tuple(tone for tone in (*MapStatus, *CloudCover) if tone in used)


def sketch_of(marks: Sequence[MapMark], *, is_restricted: bool) -> Sketch:
    """Tiles for all places, and a map of those whose position is public (of all, in a restricted report).

    Where places lie relative to one another is enough to find them: no distance between restricted ones is drawn.
    """
    ordered = tuple(sorted(marks, key=lambda mark: mark.area.id))
    shown = [
        (number, mark)
        for number, mark in enumerate(ordered, start=1)
        if is_restricted or mark.area.sensitivity is Sensitivity.PUBLIC
    ]
    if not shown:
        return Sketch(ordered, (), 0, 0)
    frame = _Frame.around([mark.area for _, mark in shown])
    pins = tuple(frame.pin(number, mark) for number, mark in shown)
    scale_km = max(
        (km for km in SCALES_KM if km * frame.px_per_km <= LARGEST_SCALE_SHARE * WIDTH), default=SCALES_KM[0]
    )
    return Sketch(ordered, pins, scale_km, round(scale_km * frame.px_per_km))


@dataclass(frozen=True)
class _Frame:
    """Degrees to pixels, with one scale for both directions at the latitude of the middle."""

    longitude: float
    latitude: float
    px_per_km: float

    @classmethod
    def around(cls, areas: Sequence[Area]) -> _Frame:
        west, south = (min(area.geometry.bounds[i] for area in areas) for i in (0, 1))
        east, north = (max(area.geometry.bounds[i] for area in areas) for i in (2, 3))
        middle = (south + north) / 2
        wide = max((east - west) * KM_PER_DEGREE * math.cos(math.radians(middle)), LEAST_SPAN_KM)
        high = max((north - south) * KM_PER_DEGREE, LEAST_SPAN_KM)
        scale = min((WIDTH - 2 * ROOM) / wide, (HEIGHT - 2 * ROOM) / high)
        return cls((west + east) / 2, middle, scale)

    def pin(self, number: int, mark: MapMark) -> Pin:
        west, south, east, north = mark.area.geometry.bounds
        across = self.px_per_km * KM_PER_DEGREE * math.cos(math.radians(self.latitude))
        up = self.px_per_km * KM_PER_DEGREE
        x = WIDTH / 2 + ((west + east) / 2 - self.longitude) * across
        y = HEIGHT / 2 - ((south + north) / 2 - self.latitude) * up
        is_region = mark.area.kind is AreaKind.REGION
        half = ((east - west) * across / 2, (north - south) * up / 2) if is_region else (0.0, 0.0)
        return Pin(number, mark, round(x), round(y), round(half[0]), round(half[1]))
