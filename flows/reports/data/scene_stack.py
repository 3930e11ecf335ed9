"""The looks of an area as the report goes through them, and which of them show a piece of ground well."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import IO

import numpy as np
import numpy.typing as npt

from aois.area import Area
from aois.grid import Grid
from detectors.acquisition import OPTICAL, RADAR, Acquisition
from detectors.preprocessing.masks import clear_of
from flows.imagery.archive.store import Archive, ArchivedScene
from flows.imagery.detector_inputs import acquisition_of, is_large

Mask = npt.NDArray[np.bool_]
Window = tuple[slice, slice]
YEAR_BEFORE = 380  # so that a picture of the same season is among them
WHOLE: Window = (slice(None), slice(None))
OVERVIEW_PX = 300  # the longest side of the overview of a large area
BRIGHTER = 1.6  # times the usual brightest spot; chosen on the Romanian series


@dataclass(frozen=True)
class MaskedScene:
    """One look with its clear mask, bool (y, x)."""

    look: Acquisition
    clear: Mask

    def cut(self, window: Window) -> MaskedScene:
        """The page over a window alone."""
        look, scl = self.look, self.look.scl
        return MaskedScene(
            replace(
                look,
                pixels=look.pixels[(slice(None), *window)],
                valid=look.valid[window],
                scl=None if scl is None else scl[window],
            ),
            self.clear[window],
        )

    def on_its_own(self) -> MaskedScene:
        """The page with arrays of its own, so that what it was cut from need not be kept."""
        look, scl = self.look, self.look.scl
        own = replace(look, pixels=look.pixels.copy(), valid=look.valid.copy(), scl=None if scl is None else scl.copy())
        return MaskedScene(own, self.clear.copy())


@dataclass(frozen=True)
class Album:
    """The looks of one area over the months before a week's end, oldest first."""

    pages: tuple[MaskedScene, ...]

    def cut(self, window: Window) -> Album:
        """The pages over a window alone."""
        return Album(tuple(page.cut(window) for page in self.pages))

    def optical(self) -> list[MaskedScene]:
        """The optical looks."""
        return [p for p in self.pages if p.look.sensor == OPTICAL]

    def radar(self) -> list[MaskedScene]:
        """The radar looks."""
        return [p for p in self.pages if p.look.sensor == RADAR]


def open_albums(
    area: Area,
    grid: Grid,
    archive: Archive,
    windows: Sequence[Window],
    *,
    source_name: str,
    until: date,
    days: int,
    changes: Sequence[date] = (),
    on_read: Callable[[int, int], None] | None = None,
) -> tuple[Album, ...]:
    """The archived looks of an area in the days up to a day, over each of several windows; every scene is read once.

    The last two of all when there are none. Of `changes` that lie further back, the looks of the year before each are
    there too, to show how it was. `on_read` is told how many scenes are read, and how many there are.
    """
    recent = _recent(area, grid, archive, source_name=source_name, until=until, days=days, changes=changes)
    kept: list[list[MaskedScene]] = [[] for _ in windows]
    for number, scene in enumerate(recent, start=1):
        page = _page(area, grid, archive, source_name, scene)
        for pages, window in zip(kept, windows, strict=True):
            pages.append(page if window == WHOLE else page.cut(window).on_its_own())
        if on_read is not None:
            on_read(number, len(recent))
    return tuple(Album(tuple(pages)) for pages in kept)


def albums_in_turn(
    area: Area,
    grid: Grid,
    archive: Archive,
    windows: Sequence[Window],
    *,
    source_name: str,
    until: date,
    days: int,
    changes: Sequence[date] = (),
) -> Iterator[Album]:
    """What `open_albums` gives, one window after the other.

    Of a large area every scene is read once too, and what the windows show of it lies in a file without a name until
    their turn comes: neither the scenes nor all windows fit into memory.
    """
    if not is_large(grid):
        (album,) = open_albums(
            area, grid, archive, (WHOLE,), source_name=source_name, until=until, days=days, changes=changes
        )
        yield from (album.cut(window) for window in windows)
        return
    places: list[list[int]] = [[] for _ in windows]
    with tempfile.TemporaryFile() as file:
        for scene in _recent(area, grid, archive, source_name=source_name, until=until, days=days, changes=changes):
            page = _page(area, grid, archive, source_name, scene)
            for of_window, window in zip(places, windows, strict=True):
                of_window.append(file.tell())
                pickle.dump(page.cut(window).on_its_own(), file)
        for of_window in places:
            yield Album(tuple(_unpickled(file, place) for place in of_window))


def overview_window(grid: Grid) -> Window:
    """The pixels of an area that its overview shows: all of a small one, every so many of a large one."""
    step = max(1, -(-max(grid.shape) // OVERVIEW_PX)) if is_large(grid) else 1
    return slice(None, None, step), slice(None, None, step)


def _unpickled(file: IO[bytes], place: int) -> MaskedScene:
    file.seek(place)
    page: MaskedScene = pickle.load(file)
    return page


def _recent(
    area: Area,
    grid: Grid,
    archive: Archive,
    *,
    source_name: str,
    until: date,
    days: int,
    changes: Sequence[date],
) -> list[ArchivedScene]:
    """The scenes of an album, oldest first."""
    held = [s for s in archive.list(area.id, source_name, grid) if s.acquired.date() <= until]
    start = until - timedelta(days=days)
    spans = [(start, until), *((day - timedelta(days=YEAR_BEFORE), day) for day in changes)]
    recent = [s for s in held if any(a <= s.acquired.date() <= b for a, b in spans)]
    return recent if len(recent) >= 2 else held[-2:]


def _page(area: Area, grid: Grid, archive: Archive, source_name: str, scene: ArchivedScene) -> MaskedScene:
    look = acquisition_of(archive.get(area.id, source_name, grid, scene.scene_id), grid)
    return MaskedScene(look, clear_of(look))


def crop_around(mask: Mask, *, margin_px: int = 18, least_px: int = 60) -> Window:
    """A window around a mask: its box and a margin, at least so wide, within the grid."""
    out = []
    for axis, size in ((1, mask.shape[0]), (0, mask.shape[1])):
        where = np.nonzero(mask.any(axis=axis))[0]
        low, high = (int(where[0]) - margin_px, int(where[-1]) + 1 + margin_px) if len(where) else (0, size)
        short = max(0, least_px - (high - low))
        low, high = low - short // 2, high + short - short // 2
        shift = max(0, -low) - max(0, high - size)
        out.append(slice(max(0, low + shift), min(size, high + shift)))
    return out[0], out[1]


def clear_pages(pages: Sequence[MaskedScene]) -> list[MaskedScene]:
    """The pages that show nearly as much of their ground as the clearest does, if that is half; oldest first.

    Measured against the clearest and not against all of it: the images may end within the ground. Pages with far
    brighter spots than the others have cloud that the mask missed, and are left out.
    """
    shares = [float(p.clear.mean()) for p in pages]
    most = max(shares, default=0.0)
    clear = [p for p, share in zip(pages, shares, strict=True) if share >= max(0.5, most - 0.03)]
    if len(clear) < 3 or clear[0].look.sensor == RADAR:
        return clear
    glare = [float(np.nanpercentile(p.look.pixels[0], 99)) for p in clear]
    limit = BRIGHTER * float(np.median(glare))
    return [p for p, bright in zip(clear, glare, strict=True) if bright <= limit]


def season_apart(page: MaskedScene, other: MaskedScene) -> float:
    """Days between two pages on the calendar, the year left out, to the ten days: of those the later is taken."""
    days = abs((page.look.day - other.look.day).days) % 365.25
    return round(min(days, 365.25 - days) / 10.0)
