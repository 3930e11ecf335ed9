"""Pictures for the report, cut from the looks: before and after in three kinds, the years in small, the whole area."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from detectors.acquisition import RADAR, Acquisition
from flows.reports.data.scene_stack import YEAR_BEFORE, Album, AlbumPage, MaskedScene, clear_pages, season_apart
from flows.reports.inputs import Chip, Pair, RenderSpec
from flows.reports.pictures import limits_of, radar_rgb, reduce_by, reduction_for, stretch

Floats = npt.NDArray[np.float32]
TRUE_COLOUR = ("red", "green", "blue")
FALSE_COLOURS = {"false-nir": ("nir", "red", "green"), "false-swir": ("swir16", "nir", "red")}
RADAR_LOOKS = 3  # averaged on either side: one look is mostly speckle
SETTLED_DAYS = 5  # a look so shortly before the first sign may show it already
SEASON_A_YEAR = 3.0  # a picture a year older is taken where it is 30 days nearer in season; chosen
THUMB_SIDE_PX = 64
THUMBS = 8
THUMBS_BEFORE_DAYS = 365


def picture_pair(album: Album, *, first_seen: date) -> Pair | None:
    """Clear pictures of an album's ground before a day and since, stretched alike; radar when nothing was clear.

    The later one is the last clear one, the earlier one the clear one nearest to it in season, of late years rather
    than of long ago: what differs between them is then the change, not the time of year.
    """
    before, after = _clear_pair(album, first_seen)
    if after is None:
        return radar_pair(album, first_seen=first_seen)
    return _coloured("", TRUE_COLOUR, before, after)


def false_colour_pair(album: Album, *, first_seen: date) -> Pair | None:
    """The same two looks in infrared, as far as their bands allow; None where they do not."""
    before, after = _clear_pair(album, first_seen)
    if after is None:
        return None
    shown = after.look.bands
    for kind, bands in FALSE_COLOURS.items():
        if set(bands) <= set(shown):
            known = before is not None and set(bands) <= set(before.look.bands)
            return _coloured(kind, bands, before if known else None, after)
    return None


def radar_pair(album: Album, *, first_seen: date) -> Pair | None:
    """The last radar looks before a day and the last of all, averaged, all of one track; None without any since."""
    since = clear_pages([p for p in album.radar() if p.day >= first_seen])
    if not since:
        return None
    track = Counter(p.series for p in since).most_common(1)[0][0]
    earlier = clear_pages([p for p in album.radar() if p.day < first_seen - timedelta(days=SETTLED_DAYS)])
    before, after = ([p for p in pages if p.series == track][-RADAR_LOOKS:] for pages in (earlier, since))
    return Pair("radar", _radar_chip(before) if before else None, _radar_chip(after))


def timeline(album: Album, *, first_seen: date) -> tuple[Chip, ...]:
    """Up to `THUMBS` small clear pictures, evenly through the year before a day and the time since, stretched alike."""
    clear = clear_pages(album.optical())
    if len(clear) < 3:
        return ()
    last = clear[-1].day.toordinal()
    start = max(first_seen.toordinal() - THUMBS_BEFORE_DAYS, clear[0].day.toordinal())
    wanted = np.linspace(start, last, THUMBS)
    nearest = {min(range(len(clear)), key=lambda i: abs(clear[i].day.toordinal() - day)) for day in wanted}
    return tuple(_small(chip) for chip in stretched_alike("", TRUE_COLOUR, [clear[i] for i in sorted(nearest)]))


def overview(album: Album) -> Chip | None:
    """The last clear picture of an album's ground, or None."""
    clear = clear_pages(album.optical())
    if clear:
        return stretched_alike("", TRUE_COLOUR, clear[-1:])[0]
    radar = clear_pages(album.radar())
    return _radar_chip(radar[-1:]) if radar else None


def _clear_pair(album: Album, first_seen: date) -> tuple[AlbumPage | None, AlbumPage | None]:
    pages = album.optical()
    later = clear_pages([p for p in pages if p.day >= first_seen])
    if not later:
        return None, None
    earlier = clear_pages([p for p in pages if p.day < first_seen - timedelta(days=SETTLED_DAYS)])

    def worth(page: AlbumPage) -> float:
        return season_apart(page, later[-1]) + SEASON_A_YEAR * ((first_seen - page.day).days // YEAR_BEFORE)

    return min(reversed(earlier), key=worth, default=None), later[-1]


def _coloured(kind: str, bands: tuple[str, ...], before: AlbumPage | None, after: AlbumPage) -> Pair:
    chips = stretched_alike(kind, bands, [p for p in (before, after) if p is not None])
    return Pair(kind, None if before is None else chips[0], chips[-1])


def stretched_alike(kind: str, bands: tuple[str, ...], chosen: Sequence[AlbumPage]) -> list[Chip]:
    """Pictures of some looks in three bands, all between the same limits."""
    pages = [page.loaded() for page in chosen]
    colours = [_colours(p.look, bands) for p in pages]
    valid = [p.look.valid & np.isfinite(c).all(axis=0) for p, c in zip(pages, colours, strict=True)]
    limits = limits_of(colours, valid=[v & p.clear for p, v in zip(pages, valid, strict=True)])
    between = tuple((float(low), float(high)) for low, high in limits)
    return [
        Chip(
            p.day,
            p.look.scene_id,
            p.look.sensor,
            stretch(c, valid=v, limits=limits),
            kind,
            recipe=RenderSpec((p.look.scene_id,), bands, between),
        )
        for p, c, v in zip(pages, colours, valid, strict=True)
    ]


def _colours(look: Acquisition, names: tuple[str, ...]) -> Floats:
    """Three bands, float32 (3, y, x); a band that is lacking is made from those there are."""
    bands = [look.band(name) for name in names]
    spare = np.mean([b for b in bands if b is not None] or [look.pixels[0]], axis=0)
    return np.stack([spare if b is None else b for b in bands]).astype(np.float32)


def _radar_chip(chosen: Sequence[AlbumPage]) -> Chip:
    """The mean power of some looks of one track, dated by the last."""
    pages = [page.loaded() for page in chosen]
    last = pages[-1].look
    vv, vh = (_mean_power(pages, name) for name in ("vv", "vh"))
    rgb = radar_rgb(vv, vh, valid=np.isfinite(vv) & np.isfinite(vh))
    recipe = RenderSpec(tuple(p.look.scene_id for p in pages))
    return Chip(last.day, last.scene_id, RADAR, rgb, "radar", looks=len(pages), recipe=recipe)


def _mean_power(pages: Sequence[MaskedScene], name: str) -> Floats:
    """The mean of one polarisation over looks; of whatever else they hold where one lacks it. NaN where none saw."""
    bands = [look.pixels[0] if (band := look.band(name)) is None else band for look in (p.look for p in pages)]
    seen = np.stack([np.where(p.look.valid, band, np.nan) for p, band in zip(pages, bands, strict=True)])
    known = np.isfinite(seen)
    total = np.where(known, seen, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan).astype(np.float32)


def _small(chip: Chip) -> Chip:
    rgb = reduce_by(chip.rgb, factor=reduction_for(chip.rgb.shape[:2], side_px=THUMB_SIDE_PX))
    return replace(chip, rgb=rgb)
