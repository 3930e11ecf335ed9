"""A picture on its sheet: enlarged by whole factors, with heading, outline, scale bar, north arrow and source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from aois.grid import PIXEL_SIZE_M
from flows.publication.media.lettering import font_of, width_of, wrapped
from flows.reports.figures import fitting_scale
from flows.reports.inputs import Mask, Rgb
from flows.reports.pictures import NOT_SEEN, outline_of
from flows.reports.words import Words

SIDE_PX = 900  # of the longer side of a picture, at most
MARGIN, LEAST_WIDTH = 24, 640
INK, SOFT, PAPER = "#1c252d", "#55626e", "#ffffff"
BANNER, BANNER_INK = "#fdf1dc", "#8a4b00"
OUTLINE, CASING = "#ffb000", "#10161c"
HEADING_SIZE, TEXT_SIZE, STRIP_SIZE, SMALLEST = 22, 14, 14, 9
STRIP_HEIGHT = 52
PAIR_GAP = 20


@dataclass(frozen=True)
class SheetText:
    """The words on a sheet: a bold heading, a line under it, sentences below the picture, and a warning over all."""

    heading: str
    subheading: str
    below: tuple[str, ...]
    banner: str = ""


def draw_sheet(words: Words, rgb: Rgb, text: SheetText, *, outline: Mask | None) -> Image.Image:
    """Draw a picture on its sheet; the outline is drawn over it where one is given."""
    picture = enlarged(rgb, factor=factor_for(rgb, side_px=SIDE_PX), outline=outline)
    width = max(picture.width, LEAST_WIDTH)
    below = [*text.below, words("picture.legend_grey")] if has_gaps(rgb) else list(text.below)
    parts = [
        heading_of(text.heading, text.subheading, width=width),
        picture,
        strip_of(words, rgb, picture_width=picture.width, width=width, has_outline=outline is not None),
        *(paragraph_of(one, width=width) for one in below),
    ]
    return stacked(parts, banner=text.banner)


def draw_pair(
    words: Words, rgbs: tuple[Rgb, Rgb], headings: tuple[str, str], text: SheetText, *, outline: Mask | None
) -> Image.Image:
    """Draw two pictures of the same ground side by side on one sheet, each under its heading."""
    sides = []
    for rgb, heading, other in zip(rgbs, headings, headings[::-1], strict=True):
        picture = enlarged(rgb, factor=factor_for(rgb, side_px=SIDE_PX // 2), outline=outline)
        sides.append((heading_of(heading, text.subheading, width=picture.width, beside=other), picture))
    width = sides[0][1].width
    top = max(head.height for head, _ in sides)
    body = Image.new("RGB", (2 * width + PAIR_GAP, top + 8 + sides[0][1].height), PAPER)
    for left, (head, picture) in zip((0, width + PAIR_GAP), sides, strict=True):
        body.paste(head, (left, 0))
        body.paste(picture, (left, top + 8))
    strip = strip_of(words, rgbs[0], picture_width=width, width=body.width, has_outline=outline is not None)
    gaps = [words("picture.legend_grey")] if any(map(has_gaps, rgbs)) else []
    below = [paragraph_of(one, width=body.width) for one in (*text.below, *gaps)]
    return stacked([body, strip, *below], banner=text.banner)


def factor_for(rgb: Rgb, *, side_px: int) -> int:
    """Choose the largest whole factor that keeps the longer side of a picture within a number of pixels."""
    return max(1, side_px // int(max(rgb.shape[:2])))


def enlarged(rgb: Rgb, *, factor: int, outline: Mask | None) -> Image.Image:
    """Repeat every pixel of a picture `factor` times each way, and draw the outline of a mask thinly over it."""
    image = Image.fromarray(np.repeat(np.repeat(rgb, factor, axis=0), factor, axis=1))
    if outline is None:
        return image
    pen = ImageDraw.Draw(image)
    rings = [[(x * factor, y * factor) for x, y in ring] for ring in outline_of(outline)]
    fine = 1 if factor < 4 else 2
    for colour, width in ((CASING, fine + 2), (OUTLINE, fine)):
        for ring in rings:
            pen.line([*ring, ring[1]], colour, width)
    return image


def has_gaps(rgb: Rgb) -> bool:
    """Tell whether a picture shows ground that was not seen."""
    return bool((rgb == NOT_SEEN).all(axis=2).any())


def heading_of(heading: str, subheading: str, *, width: int, beside: str = "") -> Image.Image:
    """Draw a heading and the line under it, in the size of the heading `beside` it where there is one."""
    fitting = (s for s in range(HEADING_SIZE, SMALLEST, -1) if all(_fits(one, s, width) for one in (heading, beside)))
    size = next(fitting, SMALLEST)
    lines = wrapped(subheading, TEXT_SIZE, width=width)
    image = Image.new("RGB", (width, 36 + 20 * len(lines)), PAPER)
    pen = ImageDraw.Draw(image)
    pen.text((0, 24), heading, INK, font_of(size, is_bold=True), anchor="ls")
    for number, line in enumerate(lines):
        pen.text((0, 46 + 20 * number), line, SOFT, font_of(TEXT_SIZE), anchor="ls")
    return image


def strip_of(words: Words, rgb: Rgb, *, picture_width: int, width: int, has_outline: bool) -> Image.Image:
    """Draw what lies under a picture: its scale bar, what the outline means, and which way north is."""
    image = Image.new("RGB", (width, STRIP_HEIGHT), PAPER)
    pen = ImageDraw.Draw(image)
    columns = rgb.shape[1]
    scale_m = fitting_scale(columns * PIXEL_SIZE_M)
    length = round(picture_width * scale_m / (columns * PIXEL_SIZE_M))
    pen.rectangle((0, 10, length - 1, 15), INK)
    pen.line([(0, 6), (0, 19)], INK)
    pen.line([(length - 1, 6), (length - 1, 19)], INK)
    pen.text((0, 38), words("numbers.length", n=words.number(scale_m)), INK, font_of(STRIP_SIZE), anchor="ls")
    if has_outline:
        label = words("picture.legend_change")
        left = max(length + 40, (picture_width - width_of(label, STRIP_SIZE)) // 2)
        pen.rectangle((left - 34, 9, left - 10, 21), PAPER, CASING, 4)
        pen.rectangle((left - 33, 10, left - 11, 20), None, OUTLINE, 2)
        pen.text((left, 20), label, INK, font_of(STRIP_SIZE), anchor="ls")
    _arrow(pen, picture_width - 14)
    return image


def paragraph_of(text: str, *, width: int) -> Image.Image:
    """Draw a sentence in as many lines as it needs."""
    lines = wrapped(text, TEXT_SIZE, width=width)
    image = Image.new("RGB", (width, 19 * len(lines)), PAPER)
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        pen.text((0, 14 + 19 * number), line, SOFT, font_of(TEXT_SIZE), anchor="ls")
    return image


def stacked(parts: Sequence[Image.Image], *, banner: str = "") -> Image.Image:
    """Put parts under one another on a white sheet with a margin; a banner goes over all of its width."""
    width = max(part.width for part in parts) + 2 * MARGIN
    lines = wrapped(banner, TEXT_SIZE, width=width - 2 * MARGIN) if banner else []
    top = 16 + 20 * len(lines) if lines else 0
    gap = 8
    height = top + 2 * MARGIN + sum(part.height + gap for part in parts) - gap
    sheet = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(sheet)
    if lines:
        pen.rectangle((0, 0, width, top), BANNER)
    for number, line in enumerate(lines):
        pen.text((MARGIN, 22 + 20 * number), line, BANNER_INK, font_of(TEXT_SIZE, is_bold=True), anchor="ls")
    y = top + MARGIN
    for part in parts:
        sheet.paste(part, (MARGIN, y))
        y += part.height + gap
    return sheet


def _fits(text: str, size: int, width: int) -> bool:
    return width_of(text, size, is_bold=True) <= width


def _arrow(pen: ImageDraw.ImageDraw, x: int) -> None:
    """An arrow that points up, with the letter of north beside it: every picture lies north up."""
    pen.polygon([(x, 4), (x - 8, 26), (x, 20), (x + 8, 26)], INK)
    pen.text((x, 42), "N", INK, font_of(STRIP_SIZE, is_bold=True), anchor="ms")
