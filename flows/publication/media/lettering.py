"""Letters on pictures: the font that the house brings, so that the same words give the same pixels on any machine."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PIL import ImageFont

FOLDER = Path(__file__).parent / "fonts"
SMALL, ROOM = 12, 0.94
FILES = {False: "DejaVuSans.ttf", True: "DejaVuSans-Bold.ttf"}


@cache
def font_of(size: int, *, is_bold: bool = False) -> ImageFont.FreeTypeFont:
    """Read the font in a size, px; its letters are those of the languages of Latin script."""
    path = FOLDER / FILES[is_bold]
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def width_of(text: str, size: int, *, is_bold: bool = False) -> int:
    """Measure a line of text, px."""
    return round(font_of(size, is_bold=is_bold).getlength(text))


def fitting_size(text: str, size: float, *, width: float, is_bold: bool = False) -> float:
    """Choose the size in which a line is no wider than a width: the one that is given, or as much less as it needs."""
    needed = width_of(text, SMALL, is_bold=is_bold) * size / SMALL  # letters of small sizes stand on whole pixels
    return size if needed <= ROOM * width else round(ROOM * size * width / needed, 1)


def wrapped(text: str, size: int, *, width: int) -> list[str]:
    """Break a text into lines of at most a width, px; a word that is longer has a line of its own."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and width_of(f"{lines[-1]} {word}", size) <= width:
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines.append(word)
    return lines
