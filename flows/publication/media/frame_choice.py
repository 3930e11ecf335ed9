"""Which pictures a timelapse shows: the clearest of each month, by a rule that is written with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flows.reports.data.scene_stack import Album, AlbumPage, MaskedScene, clear_pages
from flows.reports.inputs import Mask

LEAST_CLEAR_SHARE = 0.95  # of the ground that changed; chosen, so that no cloud edge passes for a change
FEWEST_FRAMES = 3
MOST_FRAMES = 48


def frames_of(album: Album, ground: Mask, *, first: date, until: date) -> list[MaskedScene]:
    """Choose the frames of a timelapse between two days, oldest first; fewer than `FEWEST_FRAMES` are none.

    Of each calendar month it is the look that shows most of the ground that changed, then most of the picture, then the
    latest; a month whose best look shows less than `LEAST_CLEAR_SHARE` of that ground has no frame. Looks that show
    much less of the picture than the clearest of all, or are far brighter than usual, are left out as they are in
    reports. Of more than `MOST_FRAMES` months every second (third, …) is taken, and the last always.

    Parameters
    ----------
    album
        The looks over the window that the timelapse shows.
    ground
        The ground that changed, bool (y, x) on that window.
    first, until
        The first and the last day.
    """
    best: dict[tuple[int, int], AlbumPage] = {}
    for page in clear_pages([page for page in album.optical() if first <= page.day <= until]):
        month = page.day.year, page.day.month
        if _seen(page, ground)[0] >= LEAST_CLEAR_SHARE and (
            month not in best or _seen(page, ground) >= _seen(best[month], ground)
        ):
            best[month] = page
    chosen = [page.loaded() for page in _thinned([best[month] for month in sorted(best)])]
    return chosen if len(chosen) >= FEWEST_FRAMES else []


def months_between(first: date, until: date) -> int:
    """Count the calendar months that two days and the time between them touch."""
    return (until.year - first.year) * 12 + until.month - first.month + 1


def _seen(page: AlbumPage, ground: Mask) -> tuple[float, float]:
    """Of the ground that changed and of the whole picture, to the hundredth: the share that is clear."""
    on_ground = page.clear[ground] if ground.any() else page.clear
    return round(float(on_ground.mean()), 2), round(float(page.clear.mean()), 2)


def _thinned(frames: Sequence[AlbumPage]) -> list[AlbumPage]:
    step = -(-len(frames) // MOST_FRAMES) or 1
    return list(frames[::-1][::step][::-1])
