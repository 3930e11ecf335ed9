"""The files of a timelapse: which looks it shows, what stands beside them, or why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from flows.publication.media.encoding import apng_bytes, has_ffmpeg, mp4_bytes
from flows.publication.media.event_pictures import PlannedFile
from flows.publication.media.frame_choice import FEWEST_FRAMES, LEAST_CLEAR_SHARE, frames_of, months_between
from flows.publication.media.picture_text import Teller
from flows.publication.media.subject_totals import month_end
from flows.publication.media.timelapse import Film, charts_beside, film_of
from flows.reports.data.scene_stack import Album
from flows.reports.data.time_series import curves
from flows.reports.inputs import Mask, Series


@dataclass(frozen=True)
class TimelapseGround:
    """The looks over a window, the ground on it that changed, and since when it has."""

    album: Album
    ground: Mask
    first_seen: date


def planned_timelapse(
    place: TimelapseGround, teller: Teller, path: str, *, first: date, until: date, total: Series | None, keep: str
) -> tuple[list[PlannedFile], list[str]]:
    """Plan a timelapse as animated PNG and as MP4, and what is to be said of it.

    Parameters
    ----------
    place
        Its ground.
    teller
        The words.
    path
        The path of the files without their endings.
    first, until
        The first and the last day that it shows.
    total
        The series of the total that is drawn beside it; None where there is none.
    keep
        A sentence that says that it must not be passed on; empty where it may be.

    Returns
    -------
    The files, and sentences on how frames were chosen and what is missing.
    """
    pages = frames_of(place.album, place.ground, first=first, until=until)
    words = teller.words
    if not pages:
        return [], [words("publication.media_no_timelapse", n=words.number(FEWEST_FRAMES))]
    # Every dot of a measure is a pass of a satellite: where only months are told, the total stands alone.
    measures = () if teller.is_coarse else curves(place.album, place.ground, first_seen=place.first_seen)
    start, end = (first.replace(day=1), month_end(until)) if teller.is_coarse else (first, until)
    charts = charts_beside(total, measures, first=start, until=end)
    notes = [] if teller.is_simulated else [teller.source(page.look.day.year for page in pages)]
    notes += [words("publication.media_beside")] if len(charts) > 1 else []
    notes += [keep] if keep else []

    @cache
    def film() -> Film:
        return film_of(teller, pages, charts, outline=place.ground, notes=notes)

    span = {"first": teller.day(pages[0].look.day), "last": teller.day(pages[-1].look.day)}
    caption = words.count("publication.media_timelapse", len(pages), **span)
    files = [PlannedFile(f"{path}.png", caption, lambda: apng_bytes(film().frames, seconds=film().seconds))]
    months = months_between(first, until)
    said = [
        words(
            "publication.media_rule",
            share=words.percent(1 - LEAST_CLEAR_SHARE),
            n=words.number(len(pages)),
            months=words.number(months),
        )
    ]
    if has_ffmpeg():
        files.append(PlannedFile(f"{path}.mp4", caption, lambda: mp4_bytes(film().frames, seconds=film().seconds)))
    else:
        said.append(words("publication.media_no_ffmpeg"))
    return files, said


def joined_ground(grounds: Sequence[Mask]) -> Mask:
    """Join the ground of several events on one grid."""
    out = grounds[0].copy()
    for ground in grounds[1:]:
        out |= ground
    return out
