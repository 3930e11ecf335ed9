"""Pictures and curves for the report, cut from the archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from aois.area import Area
from aois.grid import Grid
from aois.week import Week
from detectors.baseline import fit_baseline, predict
from detectors.channel import clear_of
from detectors.features import features_of
from detectors.look import OPTICAL, RADAR, Look
from flows.imagery.archive import Archive, ArchivedScene
from flows.looks import look_of
from flows.reports.inputs import Chip, Series
from flows.reports.pictures import limits_of, radar_rgb, stretch

Mask = npt.NDArray[np.bool_]
Rgb = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
BRIGHTER = 1.6  # times the usual brightest spot; chosen on the Romanian series
CURVES = {
    "vegetation": ("Vegetation (NDVI)", ""),
    "brightness": ("Brightness (mean visible reflectance)", ""),
    "vv": ("Radar backscatter (VV)", "dB"),
}


@dataclass(frozen=True)
class Page:
    """One look with its clear mask, bool (y, x)."""

    look: Look
    clear: Mask


@dataclass(frozen=True)
class Album:
    """The looks of one area over the months before a week's end, oldest first."""

    pages: tuple[Page, ...]

    def optical(self) -> list[Page]:
        """The optical looks."""
        return [p for p in self.pages if p.look.sensor == OPTICAL]

    def radar(self) -> list[Page]:
        """The radar looks."""
        return [p for p in self.pages if p.look.sensor == RADAR]


def open_album(area: Area, grid: Grid, archive: Archive, *, source_name: str, week: Week, days: int) -> Album:
    """The archived looks of an area in the days before the end of a week; the last two of all when there are none."""
    held = [s for s in archive.list(area.id, source_name, grid) if s.acquired.date() <= week.last_day]
    start = week.last_day - timedelta(days=days)
    recent: list[ArchivedScene] = [s for s in held if s.acquired.date() >= start]
    if len(recent) < 2:
        recent = held[-2:]
    looks = [look_of(archive.get(area.id, source_name, grid, s.scene_id), grid) for s in recent]
    return Album(tuple(Page(look, clear_of(look)) for look in looks))


def crop_around(mask: Mask, *, margin_px: int = 18, least_px: int = 60) -> tuple[slice, slice]:
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


def picture_pair(album: Album, window: tuple[slice, slice], *, first_seen: date) -> tuple[Chip | None, Chip | None]:
    """Clear pictures of a window before a day and since, both stretched alike; radar when nothing was clear.

    The later one is the last clear one, the earlier one the clear one nearest to it in season: what differs between
    them is then the change, not the time of year.
    """
    for pages in (album.optical(), album.radar()):
        later = _clear_pages([p for p in pages if p.look.day >= first_seen], window)
        earlier = _clear_pages([p for p in pages if p.look.day < first_seen - timedelta(days=5)], window)
        if later:
            after = later[-1]
            before = min(reversed(earlier), key=lambda p: _season_apart(p, after), default=None)
            return _chips(before, after, window)
    return None, None


def overview(album: Album) -> Chip | None:
    """The last clear picture of the whole area, or None."""
    whole = (slice(None), slice(None))
    for pages in (album.optical(), album.radar()):
        clear = _clear_pages(pages, whole)
        if clear:
            return _chips(None, clear[-1], whole)[1]
    return None


def curves(album: Album, mask: Mask, *, first_seen: date) -> tuple[Series, ...]:
    """The mean of each measure over a footprint through time, with what the looks before the change foretell."""
    rows: dict[str, list[tuple[date, float]]] = {name: [] for name in CURVES}
    for page in album.pages:
        measured = features_of(page.look, page.clear)
        for name in CURVES:
            if name in measured.names:
                values = measured.values[measured.names.index(name)][mask]
                seen = np.isfinite(values)
                mean = float(values[seen].mean()) if seen.mean() >= 0.5 else float("nan")
                rows[name].append((page.look.day, mean * _scale(name)))
    return tuple(_series(name, points, first_seen) for name, points in rows.items() if _has_values(points))


def _scale(name: str) -> float:
    return 10.0 / float(np.log(10.0)) if name == "vv" else 1.0  # natural logarithm to decibel


def _has_values(points: Sequence[tuple[date, float]]) -> bool:
    return sum(bool(np.isfinite(v)) for _, v in points) >= 2


def _series(name: str, points: Sequence[tuple[date, float]], first_seen: date) -> Series:
    days = tuple(day for day, _ in points)
    values = np.array([value for _, value in points], np.float32)
    label, unit = CURVES[name]
    past = np.array([day < first_seen for day in days]) & np.isfinite(values)
    if past.sum() < 3:
        return Series(label, unit, days, values)
    numbers = np.array([day.toordinal() for day in days], np.int64)
    known = "vv" if name == "vv" else name
    fit = fit_baseline(values[past][:, None, None, None], numbers[past], names=(known,))
    expected = np.array([float(predict(fit, int(n))[0, 0, 0]) for n in numbers])
    return Series(label, unit, days, values, expected, np.full(len(days), float(fit.spread[0, 0, 0])))


def _clear_pages(pages: Sequence[Page], window: tuple[slice, slice]) -> list[Page]:
    """The pages that show nearly as much of a window as the clearest does, if that is half; oldest first.

    Measured against the clearest and not against all of it: the images may end within the window. Pages with far
    brighter spots than the others have cloud that the mask missed, and are left out.
    """
    shares = [float(p.clear[window].mean()) for p in pages]
    most = max(shares, default=0.0)
    clear = [p for p, share in zip(pages, shares, strict=True) if share >= max(0.5, most - 0.03)]
    if len(clear) < 3 or clear[0].look.sensor == RADAR:
        return clear
    glare = [float(np.nanpercentile(p.look.pixels[0][window], 99)) for p in clear]
    limit = BRIGHTER * float(np.median(glare))
    return [p for p, bright in zip(clear, glare, strict=True) if bright <= limit]


def _season_apart(page: Page, other: Page) -> float:
    """Days between two pages on the calendar, the year left out, to the ten days: of those the later is taken."""
    days = abs((page.look.day - other.look.day).days) % 365.25
    return round(min(days, 365.25 - days) / 10.0)


def _chips(before: Page | None, after: Page, window: tuple[slice, slice]) -> tuple[Chip | None, Chip | None]:
    if after.look.sensor == RADAR:
        return tuple(None if p is None else _radar_chip(p, window) for p in (before, after))  # type: ignore[return-value]
    pages = [p for p in (before, after) if p is not None]
    colours = [_colours(p.look)[(slice(None), *window)] for p in pages]
    valid = [p.look.valid[window] & np.isfinite(c).all(axis=0) for p, c in zip(pages, colours, strict=True)]
    limits = limits_of(colours, valid=[v & p.clear[window] for p, v in zip(pages, valid, strict=True)])
    chips = [
        Chip(p.look.day, p.look.scene_id, p.look.sensor, stretch(c, valid=v, limits=limits))
        for p, c, v in zip(pages, colours, valid, strict=True)
    ]
    return (None, chips[0]) if before is None else (chips[0], chips[1])


def _colours(look: Look) -> Floats:
    """Red, green, blue, float32 (3, y, x); a band that is lacking is made from those there are."""
    bands = {name: look.band(name) for name in ("red", "green", "blue")}
    known = [b for b in bands.values() if b is not None] or [look.pixels[0]]
    spare = np.mean(known, axis=0)
    return np.stack([spare if b is None else b for b in bands.values()]).astype(np.float32)


def _radar_chip(page: Page, window: tuple[slice, slice]) -> Chip:
    look = page.look
    vv = look.band("vv")
    vh = look.band("vh")
    vv = vv if vv is not None else look.pixels[0]
    vh = vh if vh is not None else vv
    rgb = radar_rgb(vv[window], vh[window], valid=look.valid[window])
    return Chip(look.day, look.scene_id, look.sensor, rgb, "radar")
