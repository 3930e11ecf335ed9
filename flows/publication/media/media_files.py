"""All pictures of a pack: what is planned for a subject and for whom, made one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from aois.area import Sensitivity
from aois.grid import Grid, grid_of
from aois.week import week_of
from flows.evidence.outlines import footprint_of
from flows.ledger.worlds import World, world_of
from flows.publication.media.encoding import VideoError, png_bytes
from flows.publication.media.event_pictures import EventGround, PlannedFile, pairs_of, planned_pictures
from flows.publication.media.flat_drawing import FlatDrawing, to_image, to_svg
from flows.publication.media.month_chart import SCALE, draw_month_chart, month_charts, rounded_totals
from flows.publication.media.picture_text import Teller, platforms_in
from flows.publication.media.planned_timelapse import TimelapseGround, joined_ground, planned_timelapse
from flows.publication.media.size_drawing import class_text, draw_size, size_groups
from flows.publication.media.subject_totals import by_whole_months, totals_of, watch_began
from flows.publication.pack_subject import PackFile, PackStores, PackSubject, Progress, Sharing
from flows.records.events import EventRecord
from flows.reports.captions import series_name
from flows.reports.data.releases import released_in
from flows.reports.data.scene_stack import Window, crop_around, open_albums
from flows.reports.data.week import ALBUM_DAYS
from flows.reports.growth import totals_over_time
from flows.reports.inputs import AreaTotals, Mask, Pair
from flows.reports.words import words_for

CAPTIONS = "captions.txt"
LEAD_DAYS = 183  # of a timelapse before the first change, so that it shows how the ground was
LARGEST_TIMELAPSE_PX = 240  # of the longer side; events farther apart have a timelapse each


@dataclass(frozen=True)
class _Plan:
    """The files, and sentences on how they were made and what is missing."""

    files: tuple[PlannedFile, ...]
    notes: tuple[str, ...]


def media_files(
    subject: PackSubject, stores: PackStores, *, sharing: Sharing, language: str, progress: Progress | None = None
) -> Iterator[PackFile]:
    """Make the pictures of a subject, one after the other; the same record gives the same bytes.

    A restricted pack holds all pictures. A public pack holds charts of rounded figures by month and drawings of the
    class of size. It holds satellite pictures only of an area whose pictures the owner released for the week of the
    subject's last day (`sitewatch report --public-pictures`): without positions, ids, days and outlines of GeoTIFFs.

    Parameters
    ----------
    subject
        The place and its events.
    stores
        What is on record of it.
    sharing
        For whom the pack is.
    language
        The language of the words on the pictures.
    progress
        Is told what is being made.

    Yields
    ------
    Every file, the captions of all of them last.

    Raises
    ------
    ImageryError
        When an archived scene cannot be read.
    """
    tell = progress or _nobody
    plan = _planned(subject, stores, sharing=sharing, language=language, tell=tell)
    words, made, notes = words_for(language), [], list(plan.notes)
    for number, one in enumerate(plan.files):
        tell(one.path, number, len(plan.files))
        try:
            yield PackFile(one.path, one.make())
            made.append(one)
        except VideoError as error:
            notes.append(words("publication.media_no_video", why=str(error)))
    tell(CAPTIONS, len(plan.files), len(plan.files))
    yield PackFile(CAPTIONS, _captions(made, notes, words("publication.media_title")))


def is_released(subject: PackSubject, stores: PackStores) -> bool:
    """Tell whether the owner released the pictures of a subject for everybody."""
    return subject.area.id in released_in(stores.outputs, week_of(subject.until))


def _nobody(_what: str, _done: int, _of: int) -> None:
    """Progress that nobody follows."""


def _captions(files: Sequence[PlannedFile], notes: Sequence[str], title: str) -> bytes:
    lines = [title, "", *(f"{one.path}\n    {one.caption}" for one in files), "", *notes]
    return ("\n".join(lines) + "\n").encode("utf-8")


def _planned(subject: PackSubject, stores: PackStores, *, sharing: Sharing, language: str, tell: Progress) -> _Plan:
    is_coarse = sharing is Sharing.PUBLIC
    is_simulated = world_of(stores.source_name) is World.SIMULATED
    teller = Teller(words_for(language), {}, is_coarse=is_coarse, is_simulated=is_simulated)
    totals = totals_of(subject, stores.ledger)
    if is_coarse:
        totals = by_whole_months(rounded_totals(totals))
    charts, said = _planned_charts(subject, totals, teller, began=watch_began(subject, stores.ledger))
    if is_coarse and not is_released(subject, stores):
        drawings = _planned_drawings(subject.events, teller)
        kept = ("publication.media_public_none", "publication.media_public_rounded")
        return _Plan((*charts, *drawings), (*said, *map(teller.words, kept)))
    pictures, notes = _planned_pictures(subject, stores, teller, totals, tell=tell)
    told = ["publication.media_public_released", "publication.media_public_rounded"] if is_coarse else []
    return _Plan((*pictures, *charts), (*notes, *said, *map(teller.words, told)))


def _planned_charts(
    subject: PackSubject, totals: Sequence[AreaTotals], teller: Teller, *, began: date | None
) -> tuple[list[PlannedFile], list[str]]:
    """The totals by month; the days of official responses are public, so that public charts would lead to the place."""
    words = teller.words
    responses = [] if teller.is_coarse else [response.date for response in subject.area.responses]
    charts = month_charts(totals, responses) if len(totals) > 1 else {}
    if not charts or began is None:
        return [], [words("growth.nothing")]
    years = range(totals[0].day.year, totals[-1].day.year + 1)
    source = [f"{words('publication.media_measured')} {teller.source(years)}"]
    files = []
    for label, chart in charts.items():
        drawn = partial(draw_month_chart, words, chart, source=source, day=teller.day)
        files += _both(f"charts/{label}", words("publication.media_chart", what=series_name(words, label)), drawn)
    note = "publication.media_counted" if teller.is_coarse else "growth.note"
    return files, [words(note, day=teller.day(began))]


def _planned_drawings(events: Sequence[EventRecord], teller: Teller) -> list[PlannedFile]:
    words = teller.words
    source = [words("publication.media_simulated" if teller.is_simulated else "publication.media_measured")]
    files = []
    for group in size_groups(events):
        what = words("publication.media_drawing", what=words(f"change.{group.change}"), size=class_text(words, group))
        files += _both(f"drawings/{group.change}-{group.size}", what, partial(draw_size, words, group, source=source))
    return files


def _both(path: str, caption: str, draw: Callable[[], FlatDrawing]) -> list[PlannedFile]:
    """A drawing as SVG and as PNG."""
    return [
        PlannedFile(f"{path}.svg", caption, lambda: to_svg(draw()).encode("utf-8")),
        PlannedFile(f"{path}.png", caption, lambda: png_bytes(to_image(draw(), scale=SCALE))),
    ]


def _planned_pictures(
    subject: PackSubject, stores: PackStores, teller: Teller, totals: Sequence[AreaTotals], *, tell: Progress
) -> tuple[list[PlannedFile], list[str]]:
    grid = grid_of(subject.area)
    marked = [(event, footprint_of(event.ground, grid)) for event in subject.events]
    shown = [(event, mask) for event, mask in marked if mask.any()]
    if not shown:
        return [], []
    grounds, joint, start = _opened(subject, stores, grid, shown, teller, tell=tell)
    teller = Teller(
        teller.words, platforms_in(grounds[0].album), is_coarse=teller.is_coarse, is_simulated=teller.is_simulated
    )
    keep = not teller.is_coarse and subject.area.sensitivity is Sensitivity.RESTRICTED
    files: list[PlannedFile] = []
    notes: list[str] = []
    names = [f"event-{n}" if teller.is_coarse else str(g.event.event_id) for n, g in enumerate(grounds, start=1)]
    for name, ground in zip(names, grounds, strict=True):
        pairs = pairs_of(ground)
        notes += [note for note in _missing(pairs, teller) if note not in notes]
        where = None if teller.is_coarse else grid
        files += planned_pictures(ground, pairs, teller, f"pictures/{name}", grid=where, is_to_be_kept=keep)
    series = next(iter(totals_over_time(totals).values()), None) if len(totals) > 1 else None
    kept = teller.words("publication.media_keep") if keep else ""
    places = (
        [("timelapse/timelapse", joint)]
        if joint is not None
        else [
            (f"timelapse/{name}", TimelapseGround(g.album, g.outline, g.event.first_seen))
            for name, g in zip(names, grounds, strict=True)
        ]
    )
    for path, place in places:
        more, said = planned_timelapse(place, teller, path, first=start, until=subject.until, total=series, keep=kept)
        files += more
        notes += [note for note in said if note not in notes]
    return files, notes


def _opened(
    subject: PackSubject,
    stores: PackStores,
    grid: Grid,
    shown: Sequence[tuple[EventRecord, Mask]],
    teller: Teller,
    *,
    tell: Progress,
) -> tuple[list[EventGround], TimelapseGround | None, date]:
    """The looks over every event and over all of them together, and the day with which a timelapse begins."""
    whole = joined_ground([mask for _, mask in shown])
    windows = [crop_around(mask) for _, mask in shown]
    joint = crop_around(whole)
    is_joint = max(_sides(joint)) <= LARGEST_TIMELAPSE_PX
    first_seen = min(event.first_seen for event, _ in shown)
    start = min(subject.first, first_seen - timedelta(days=LEAD_DAYS))
    reading = teller.words("publication.media_reading")
    albums = open_albums(
        subject.area,
        grid,
        stores.archive,
        [*windows, *([joint] if is_joint else [])],
        source_name=stores.source_name,
        until=subject.until,
        days=max((subject.until - start).days, ALBUM_DAYS),
        changes=[event.first_seen for event, _ in shown],
        on_read=lambda done, of: tell(reading, done, of),
    )
    grounds = [
        EventGround(event, album, window, mask[window])
        for (event, mask), album, window in zip(shown, albums, windows, strict=False)
    ]
    return grounds, TimelapseGround(albums[-1], whole[joint], first_seen) if is_joint else None, start


def _sides(window: Window) -> tuple[int, int]:
    return window[0].stop - window[0].start, window[1].stop - window[1].start


def _missing(pairs: Sequence[Pair], teller: Teller) -> list[str]:
    """What there is no picture of, in words."""
    kinds = {pair.kind for pair in pairs}
    said = [] if "" in kinds else ["publication.media_no_colour"]
    said += [] if "radar" in kinds else ["publication.media_no_radar"]
    said += ["picture.missing_before"] if any(pair.before is None for pair in pairs) else []
    return [teller.words(key) for key in said]
