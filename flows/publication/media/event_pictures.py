"""The pictures of one event: before and after in each kind that there is, each file made when its turn comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from PIL import Image

from aois.grid import Grid
from flows.publication.media.encoding import png_bytes
from flows.publication.media.geotiff_picture import geotiff_bytes
from flows.publication.media.picture_sheet import SIDE_PX, SheetText, draw_pair, draw_sheet, factor_for
from flows.publication.media.picture_text import KINDS, Teller, years_of
from flows.records.events import EventRecord
from flows.reports.data.image_chips import false_colour_pair, picture_pair, radar_pair
from flows.reports.data.scene_stack import Album, Window
from flows.reports.inputs import Chip, Mask, Pair


@dataclass(frozen=True)
class PlannedFile:
    """A file of a pack that is made when its turn comes: its path, what it shows, and how it is made."""

    path: str
    caption: str
    make: Callable[[], bytes]


@dataclass(frozen=True)
class EventGround:
    """An event with its looks over the window that its pictures show, and its outline on that window."""

    event: EventRecord
    album: Album
    window: Window
    outline: Mask


def pairs_of(ground: EventGround) -> list[Pair]:
    """Choose what reports show of an event: true colour, false colour and radar, as far as there are such looks."""
    first = ground.event.first_seen
    pairs = [
        picture_pair(ground.album, first_seen=first),
        false_colour_pair(ground.album, first_seen=first),
        radar_pair(ground.album, first_seen=first),
    ]
    found = {pair.kind: pair for pair in pairs if pair is not None}  # radar stands in for colour where nothing is clear
    return list(found.values())


def planned_pictures(
    ground: EventGround, pairs: list[Pair], teller: Teller, folder: str, *, grid: Grid | None, is_to_be_kept: bool
) -> Iterator[PlannedFile]:
    """Plan the files of an event's pictures.

    Parameters
    ----------
    ground
        The event and its window.
    pairs
        Its pictures, as `pairs_of` chooses them.
    teller
        The words.
    folder
        The folder of the files within the pack.
    grid
        The grid that the window is cut from, for GeoTIFFs; None where no file may say where the ground lies.
    is_to_be_kept
        Whether each sheet says that it must not be passed on.
    """
    for pair in pairs:
        start = f"{folder}/{KINDS[pair.kind]}"
        chips = {when: chip for when, chip in (("before", pair.before), ("after", pair.after)) if chip is not None}
        for when, chip in chips.items():
            caption = f"{teller.headline(chip, when=when)}. {teller.kind(chip)}."
            text = _sheet_text(chip, pair, teller, when, is_to_be_kept=is_to_be_kept)
            for ending, outline, told in (
                ("", ground.outline, "publication.media_outlined"),
                ("-plain", None, "publication.media_plain"),
            ):
                sheet = partial(_png, partial(draw_sheet, teller.words, chip.rgb, text, outline=outline))
                said = f"{caption} {teller.words(told)}"
                yield PlannedFile(f"{start}-{when}{ending}.png", said, sheet)
            if grid is not None:
                tiff = partial(
                    geotiff_bytes, chip, grid, ground.window, description=caption,
                    copyright_line=teller.source(years_of(chip)),
                )  # fmt: skip
                yield PlannedFile(f"{start}-{when}.tif", f"{caption} {teller.words('publication.media_geotiff')}", tiff)
        if len(chips) == 2:
            yield _planned_pair(pair, ground.outline, teller, f"{start}-pair.png", is_to_be_kept=is_to_be_kept)


def _planned_pair(pair: Pair, outline: Mask, teller: Teller, path: str, *, is_to_be_kept: bool) -> PlannedFile:
    assert pair.before is not None
    assert pair.after is not None
    heads = tuple(teller.headline(c, when=w) for c, w in ((pair.before, "before"), (pair.after, "after")))
    text = _sheet_text(pair.after, pair, teller, "after", is_to_be_kept=is_to_be_kept, is_pair=True)
    rgbs = pair.before.rgb, pair.after.rgb
    draw = partial(draw_pair, teller.words, rgbs, (heads[0], heads[1]), text, outline=outline)
    said = f"{heads[0]}. {heads[1]}. {teller.kind(pair.after)}."
    return PlannedFile(path, said, partial(_png, draw))


def _sheet_text(
    chip: Chip, pair: Pair, teller: Teller, when: str, *, is_to_be_kept: bool, is_pair: bool = False
) -> SheetText:
    """The words on a sheet, of one picture or of two."""
    words = teller.words
    shown = [c for c in (pair.before, pair.after) if c is not None] if is_pair else [chip]
    reads = [words(f"picture.reads_{pair.kind}")] if pair.kind else []
    tones = [words("publication.media_same_tones")] if pair.kind != "radar" and pair.before is not None else []
    factor = factor_for(chip.rgb, side_px=SIDE_PX // 2 if is_pair else SIDE_PX)
    kept = [words("publication.media_keep")] if is_to_be_kept else []
    sources = [] if teller.is_simulated else [teller.source(year for one in shown for year in years_of(one))]
    pixels = words("publication.media_pixels", n=words.number(factor))
    return SheetText(
        heading=teller.headline(chip, when=when),
        subheading=teller.kind(chip),
        below=(*reads, " ".join([pixels, *tones]), *sources, *kept),
        banner=words("publication.media_simulated") if teller.is_simulated else "",
    )


def _png(draw: Callable[[], Image.Image]) -> bytes:
    return png_bytes(draw())
