"""What may be shown of a change without showing its place: the class of its size, drawn alike for every place.

A drawing is made of the kind of change and the class of its size alone, so that two places with the same kind and class
have the same bytes: nobody can find a place by it, whatever images of it they have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from detectors.records import Change, State
from flows.publication.media.flat_drawing import FlatDrawing, Lettering, Mark, Patch, PenLine, Point, points_of
from flows.publication.media.lettering import wrapped
from flows.records.events import EventRecord
from flows.reports.drawings import Drawing
from flows.reports.restricted_totals import Group, SizeClass, group_of, size_of
from flows.reports.words import Words

WIDTH, SIDE, HEAD, LINE = 400, 240, 44, 12
SCALE = 3
INK, SOFT, FILL, EDGE = "#1c252d", "#55626e", "#dbe4ec", "#0b5394"


def size_groups(events: Iterable[EventRecord]) -> list[Group]:
    """Give the kinds and classes of size of some events, each once; retracted events are left out."""
    held = [event for event in events if event.state is not State.RETRACTED]
    found = {(event.change, size) for event in held if (size := size_of(event)) is not None}
    return [group_of(change, size, 0) for change in Change for size in SizeClass if (change, size) in found]


def class_text(words: Words, group: Group) -> str:
    """Write the ends of a class."""
    say = words.length if group.change is Change.FENCING else words.ground
    if group.low is None:
        assert group.high is not None
        return words("crowd.under", high=say(group.high))
    if group.high is None:
        return words("crowd.over", low=say(group.low))
    return words("crowd.from_to", low=say(group.low), high=say(group.high))


def draw_size(words: Words, group: Group, *, source: Sequence[str]) -> FlatDrawing:
    """Draw the ends of a class to scale, with its name, a scale bar and where it comes from."""
    assert group.drawing is not None
    kind, size = words(f"change.{group.change}"), class_text(words, group)
    title = words("publication.media_drawing", what=kind, size=size)
    shapes, bottom = _shapes(group.drawing)
    told = [words("crowd.drawings"), *source]
    lines = [line for one in told for line in wrapped(one, 8, width=WIDTH - 24)]
    marks: list[Mark] = [Lettering((12, 22), kind, 12, INK, is_bold=True), Lettering((12, 36), size, 11, INK), *shapes]
    marks += _scale_bar(words, group.drawing, bottom)
    top = bottom + 34
    marks += [Lettering((12, top + LINE * number), line, 8, SOFT) for number, line in enumerate(lines)]
    return FlatDrawing(
        WIDTH,
        top + LINE * len(lines),
        tuple(marks),
        title,
        " ".join(told),
    )


def _shapes(drawing: Drawing) -> tuple[list[Mark], float]:
    """The shapes in a frame of `SIDE`, the largest first, and where the frame ends."""
    per_metre = _per_metre(drawing)
    left = (WIDTH - drawing.width_m * per_metre) / 2

    def placed(points: Iterable[Point]) -> tuple[Point, ...]:
        return tuple((round(left + x * per_metre, 2), round(HEAD + y * per_metre, 2)) for x, y in points)

    marks: list[Mark] = []
    for path in drawing.paths:
        for points in points_of(path):
            marks += [] if drawing.is_line else [Patch(placed(points), FILL)]
            marks.append(PenLine(placed(points), EDGE, 1.6))
    return marks, HEAD + drawing.height_m * per_metre


def _scale_bar(words: Words, drawing: Drawing, bottom: float) -> list[Mark]:
    length = drawing.scale_m * _per_metre(drawing)
    left, y = (WIDTH - drawing.width_m * _per_metre(drawing)) / 2, round(bottom + 8, 2)
    bar = PenLine(((round(left, 2), y), (round(left + length, 2), y)), INK, 2.4)
    return [bar, Lettering((round(left, 2), y + 12), words("numbers.length", n=words.number(drawing.scale_m)), 9, INK)]


def _per_metre(drawing: Drawing) -> float:
    return SIDE / drawing.width_m
