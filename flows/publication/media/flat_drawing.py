"""Drawings made of lines, areas, dots and words, written as SVG and as pixels from the same list."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from PIL import Image, ImageDraw

from flows.publication.media.lettering import font_of

FINER = 4  # lines are drawn so many times larger and reduced, which smooths their edges
ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}
SVG_FONT = "DejaVu Sans, Verdana, sans-serif"
Point = tuple[float, float]


@dataclass(frozen=True)
class PenLine:
    """A line through points; `dash` are the lengths of a dash and of a gap."""

    points: tuple[Point, ...]
    colour: str
    width: float = 1.0
    dash: tuple[float, float] | None = None


@dataclass(frozen=True)
class Patch:
    """An area within points; without a `line` it has no edge."""

    points: tuple[Point, ...]
    colour: str
    line: str = ""


@dataclass(frozen=True)
class Disc:
    """A filled circle."""

    centre: Point
    radius: float
    colour: str


@dataclass(frozen=True)
class Lettering:
    """A line of words; `anchor` says which part of it stands at the place: ``start``, ``middle`` or ``end``."""

    at: Point
    text: str
    size: float
    colour: str = "#1c252d"
    anchor: str = "start"
    is_bold: bool = False


Mark = PenLine | Patch | Disc | Lettering


@dataclass(frozen=True)
class FlatDrawing:
    """Marks in a frame, the first at the bottom; `title` and `text` say in words what is drawn."""

    width: float
    height: float
    marks: tuple[Mark, ...]
    title: str = ""
    text: str = ""


def shifted(marks: Sequence[Mark], *, right: float = 0.0, down: float = 0.0) -> tuple[Mark, ...]:
    """Move marks within their frame."""

    def moved(point: Point) -> Point:
        return round(point[0] + right, 2), round(point[1] + down, 2)

    out: list[Mark] = []
    for mark in marks:
        match mark:
            case PenLine():
                out.append(PenLine(tuple(map(moved, mark.points)), mark.colour, mark.width, mark.dash))
            case Patch():
                out.append(Patch(tuple(map(moved, mark.points)), mark.colour, mark.line))
            case Disc():
                out.append(Disc(moved(mark.centre), mark.radius, mark.colour))
            case Lettering():
                out.append(Lettering(moved(mark.at), mark.text, mark.size, mark.colour, mark.anchor, mark.is_bold))
    return tuple(out)


def points_of(path: str) -> list[tuple[Point, ...]]:
    """Read the lines of SVG path data, as charts and drawings write it: M, L, Z and the steps h and v alone."""
    lines: list[list[Point]] = []
    for command, numbers in re.findall(r"([MLhvZ])([-0-9. ]*)", path):
        values = [float(one) for one in numbers.split()]
        if command == "M":
            lines.append([(values[0], values[1])])
            continue
        x, y = lines[-1][-1]
        if command == "L":
            lines[-1].append((values[0], values[1]))
        elif command == "Z":
            lines[-1].append(lines[-1][0])
        else:
            lines[-1].append((x + values[0], y) if command == "h" else (x, y + values[0]))
    return [tuple(line) for line in lines]


def to_svg(drawing: FlatDrawing) -> str:
    """Write a drawing as an SVG file of its own."""
    w, h = _number(drawing.width), _number(drawing.height)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" '
        f'font-family="{SVG_FONT}"><title>{escape(drawing.title)}</title><desc>{escape(drawing.text)}</desc>'
        f'<rect width="{w}" height="{h}" fill="#ffffff"/>'
    )
    return "\n".join([head, *map(_svg_of, drawing.marks), "</svg>"]) + "\n"


def to_image(drawing: FlatDrawing, *, scale: float) -> Image.Image:
    """Draw a drawing with so many pixels to each unit of its frame."""
    size = round(drawing.width * scale), round(drawing.height * scale)
    large = Image.new("RGB", (size[0] * FINER, size[1] * FINER), "#ffffff")
    _paint(ImageDraw.Draw(large), drawing.marks, scale * FINER)
    image = large.reduce(FINER)
    pen = ImageDraw.Draw(image)
    for mark in drawing.marks:
        if isinstance(mark, Lettering):
            font = font_of(round(mark.size * scale), is_bold=mark.is_bold)
            at = (mark.at[0] * scale, mark.at[1] * scale)
            pen.text(at, mark.text, mark.colour, font, anchor=ANCHORS[mark.anchor])
    return image


def _svg_of(mark: Mark) -> str:
    match mark:
        case PenLine():
            dash = "" if mark.dash is None else f' stroke-dasharray="{" ".join(map(_number, mark.dash))}"'
            return (
                f'<path d="{_path(mark.points)}" fill="none" stroke="{mark.colour}" '
                f'stroke-width="{_number(mark.width)}" stroke-linejoin="round"{dash}/>'
            )
        case Patch():
            line = f' stroke="{mark.line}"' if mark.line else ""
            return f'<path d="{_path(mark.points)}Z" fill="{mark.colour}"{line}/>'
        case Disc():
            x, y = map(_number, mark.centre)
            return f'<circle cx="{x}" cy="{y}" r="{_number(mark.radius)}" fill="{mark.colour}"/>'
        case Lettering():
            x, y = map(_number, mark.at)
            weight = ' font-weight="bold"' if mark.is_bold else ""
            return (
                f'<text x="{x}" y="{y}" font-size="{_number(mark.size)}" text-anchor="{mark.anchor}" '
                f'fill="{mark.colour}"{weight}>{escape(mark.text)}</text>'
            )


def _path(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _paint(pen: ImageDraw.ImageDraw, marks: Sequence[Mark], scale: float) -> None:
    for mark in marks:
        match mark:
            case PenLine():
                width = max(1, round(mark.width * scale))
                for line in [mark.points] if mark.dash is None else _dashes(mark.points, *mark.dash):
                    pen.line([(x * scale, y * scale) for x, y in line], mark.colour, width, joint="curve")
            case Patch():
                corners = [(x * scale, y * scale) for x, y in mark.points]
                pen.polygon(corners, mark.colour, mark.line or None, width=max(1, round(scale)))
            case Disc():
                x, y, r = (value * scale for value in (*mark.centre, mark.radius))
                pen.ellipse((x - r, y - r, x + r, y + r), mark.colour)
            case Lettering():
                pass  # letters are smooth by themselves and come last


def _dashes(points: Sequence[Point], dash: float, gap: float) -> list[tuple[Point, Point]]:
    """The dashes along a line; each part of it begins with one."""
    out = []
    for (ax, ay), (bx, by) in pairwise(points):
        length = math.hypot(bx - ax, by - ay)
        for number in range(math.ceil(length / (dash + gap))):
            low, high = number * (dash + gap) / length, min((number * (dash + gap) + dash) / length, 1.0)
            ends = [(ax + share * (bx - ax), ay + share * (by - ay)) for share in (low, high)]
            out.append((ends[0], ends[1]))
    return out
