"""The looks of an area as the report goes through them, and which of them show a piece of ground well."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache, cached_property, partial
from typing import IO, TypeAlias

import numpy as np
import numpy.typing as npt

from aois.area import Area
from aois.grid import Grid
from detectors.acquisition import OPTICAL, RADAR, Acquisition
from detectors.footprint import Footprint, footprint_in
from detectors.preprocessing.masks import clear_of
from flows.imagery.archive.store import Archive, ArchivedScene
from flows.imagery.detector_inputs import acquisition_of, is_large
from flows.reports.data.kept_measures import KeptMeasures, LookMeasure

Mask = npt.NDArray[np.bool_]
Window = tuple[slice, slice]
YEAR_BEFORE = 380  # so that a picture of the same season is among them
WHOLE: Window = (slice(None), slice(None))
OVERVIEW_PX = 300  # the longest side of the overview of a large area
BRIGHTER = 1.6  # times the usual brightest spot; chosen on the Romanian series
LEAST_CLEAR = 0.5  # of the ground: what shows less of it is no picture of it


@dataclass(frozen=True)
class MaskedScene:
    """One look with its clear mask, bool (y, x)."""

    look: Acquisition
    clear: Mask

    @property
    def scene_id(self) -> str:
        """The id of its scene."""
        return self.look.scene_id

    @property
    def day(self) -> date:
        """The day of the look."""
        return self.look.day

    @property
    def sensor(self) -> str:
        """The sensor of the look."""
        return self.look.sensor

    @property
    def series(self) -> str:
        """The series that the look belongs to."""
        return self.look.series

    @cached_property
    def clear_share(self) -> float:
        """The share of its ground that is clear, 0 to 1."""
        return float(self.clear.mean())

    @cached_property
    def brightest(self) -> float:
        """How bright its brightest hundredth is in its first band; NaN where it is no picture of its ground."""
        if self.sensor == RADAR or self.clear_share < LEAST_CLEAR:
            return float("nan")
        return float(np.nanpercentile(self.look.pixels[0], 99))

    def loaded(self) -> MaskedScene:
        """Itself: its arrays are there."""
        return self

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
class StoredScene:
    """One look over a window, whose arrays are read when they are asked for: those of all looks fill the memory.

    The fields are those of `MaskedScene` by which looks are chosen; `read` gives the whole of it.
    """

    scene_id: str
    day: date
    sensor: str
    series: str
    clear_share: float
    brightest: float
    read: Callable[[], MaskedScene]
    means: dict[str, dict[str, float]] = field(default_factory=dict)
    """What `curves` measured of it before, by the digest of the ground."""

    @property
    def look(self) -> Acquisition:
        """The look, read anew."""
        return self.read().look

    @property
    def clear(self) -> Mask:
        """Its clear mask, bool (y, x), read anew."""
        return self.read().clear

    def loaded(self) -> MaskedScene:
        """Read its arrays."""
        return self.read()


AlbumPage: TypeAlias = MaskedScene | StoredScene


@dataclass(frozen=True)
class Album:
    """The looks of one area over the months before a week's end, oldest first."""

    pages: tuple[AlbumPage, ...]

    def cut(self, window: Window) -> Album:
        """The pages over a window alone."""
        return Album(tuple(page.loaded().cut(window) for page in self.pages))

    def optical(self) -> list[AlbumPage]:
        """The optical looks."""
        return [p for p in self.pages if p.sensor == OPTICAL]

    def radar(self) -> list[AlbumPage]:
        """The radar looks."""
        return [p for p in self.pages if p.sensor == RADAR]


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
    kept: KeptMeasures | None = None,
) -> Iterator[Album]:
    """What `open_albums` gives, one window after the other.

    Of an area that fits into memory a scene is read when it is asked for, and once. What earlier reports `kept` of it
    is not measured again, so a scene that is not shown is not read. Both can raise `ImageryError` then.

    Of a large area every scene is read once too, and what the windows show of it lies in a file without a name,
    from which each page is read when it is asked for: neither the scenes nor their windows fit into memory. The albums
    can be read as long as the iterator has not ended.
    """
    recent = _recent(area, grid, archive, source_name=source_name, until=until, days=days, changes=changes)
    if not is_large(grid):
        known = KeptMeasures(None, area.id) if kept is None else kept
        read = [(scene, cache(partial(_page, area, grid, archive, source_name, scene))) for scene in recent]
        for window in windows:
            yield Album(tuple(_read_later(scene, page, window, known) for scene, page in read))
        return
    stored: list[list[StoredScene]] = [[] for _ in windows]
    with tempfile.TemporaryFile() as file:
        for scene in recent:
            page = _page(area, grid, archive, source_name, scene)
            for pages, window in zip(stored, windows, strict=True):
                pages.append(_stored(page.cut(window).on_its_own(), file))
        for pages in stored:
            yield Album(tuple(pages))


def overview_window(grid: Grid) -> Window:
    """The pixels of an area that its overview shows: all of a small one, every so many of a large one."""
    step = max(1, -(-max(grid.shape) // OVERVIEW_PX)) if is_large(grid) else 1
    return slice(None, None, step), slice(None, None, step)


def _read_later(
    scene: ArchivedScene, whole: Callable[[], MaskedScene], window: Window, kept: KeptMeasures
) -> StoredScene:
    """A look over a window, which is read only for what nobody measured before."""

    def measure() -> LookMeasure:
        page = whole().cut(window)
        return LookMeasure(series=page.series, clear_share=page.clear_share, brightest=page.brightest)

    known = kept.of(scene.sha256, window, measure)
    return StoredScene(
        scene.scene_id,
        scene.acquired.date(),
        scene.sensor.value,
        known.series,
        known.clear_share,
        known.brightest,
        lambda: whole().cut(window),
        known.means,
    )


def _stored(page: MaskedScene, file: IO[bytes]) -> StoredScene:
    """The page at the end of a file, of which only that stays in memory by which pages are chosen."""
    place = file.tell()
    pickle.dump(page, file, protocol=pickle.HIGHEST_PROTOCOL)
    return StoredScene(
        page.scene_id,
        page.day,
        page.sensor,
        page.series,
        page.clear_share,
        page.brightest,
        partial(_unpickled, file, place),
    )


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
    return window_around(footprint_in(mask), margin_px=margin_px, least_px=least_px)


def window_around(ground: Footprint, *, margin_px: int = 18, least_px: int = 60) -> Window:
    """What `crop_around` gives, of a footprint; the whole grid for one without a pixel."""
    out = []
    for part, size in zip(ground.box, ground.shape, strict=True):
        low, high = (part.start - margin_px, part.stop + margin_px) if ground else (0, size)
        short = max(0, least_px - (high - low))
        low, high = low - short // 2, high + short - short // 2
        shift = max(0, -low) - max(0, high - size)
        out.append(slice(max(0, low + shift), min(size, high + shift)))
    return out[0], out[1]


def clear_pages(pages: Sequence[AlbumPage]) -> list[AlbumPage]:
    """The pages that show nearly as much of their ground as the clearest does, if that is half; oldest first.

    Measured against the clearest and not against all of it: the images may end within the ground. Pages with far
    brighter spots than the others have cloud that the mask missed, and are left out.
    """
    most = max((page.clear_share for page in pages), default=0.0)
    clear = [page for page in pages if page.clear_share >= max(LEAST_CLEAR, most - 0.03)]
    if len(clear) < 3 or clear[0].sensor == RADAR:
        return clear
    limit = BRIGHTER * float(np.median([page.brightest for page in clear]))
    return [page for page in clear if page.brightest <= limit]


def season_apart(page: AlbumPage, other: AlbumPage) -> float:
    """Days between two pages on the calendar, the year left out, to the ten days: of those the later is taken."""
    days = abs((page.day - other.day).days) % 365.25
    return round(min(days, 365.25 - days) / 10.0)
