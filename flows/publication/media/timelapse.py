"""A timelapse: the ground month by month, with its date, beside the series in which a marker moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from PIL import Image, ImageDraw

from flows.publication.media.flat_drawing import FlatDrawing, shifted, to_image
from flows.publication.media.month_chart import chart_marks, title_mark
from flows.publication.media.picture_sheet import (
    enlarged,
    factor_for,
    has_gaps,
    heading_of,
    paragraph_of,
    stacked,
    strip_of,
)
from flows.publication.media.picture_text import Teller
from flows.reports.captions import chart_title
from flows.reports.charts import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, Chart, chart_of
from flows.reports.data.image_chips import TRUE_COLOUR, stretched_alike
from flows.reports.data.scene_stack import MaskedScene
from flows.reports.inputs import Chip, Mask, Series, Values

SIDE_PX = 480
PANEL_GAP, PANEL_HEAD = 28, 24
MARKER, MARKED = "#ffb000", "#10161c"
PANEL_SCALE = 1.2
SECONDS, LAST_SECONDS = 0.8, 3.0
MOST_CHARTS = 2


@dataclass(frozen=True)
class Film:
    """The frames of a timelapse and how long each stays."""

    frames: tuple[Image.Image, ...]
    seconds: tuple[float, ...]


def film_of(
    teller: Teller, pages: Sequence[MaskedScene], charts: Sequence[Chart], *, outline: Mask | None, notes: Sequence[str]
) -> Film:
    """Draw the frames of a timelapse: every picture on one stretch of tones, every frame of one size.

    Parameters
    ----------
    teller
        The words.
    pages
        The looks that were chosen, oldest first.
    charts
        At most `MOST_CHARTS` charts that are drawn beside the picture.
    outline
        The ground that changed, bool (y, x), drawn over the picture; None where it is not to be drawn.
    notes
        Sentences under the picture.
    """
    chips = stretched_alike("", TRUE_COLOUR, pages)
    panel = _panel(teller, charts)
    frames = tuple(_frame(teller, chip, charts, panel, outline=outline, notes=notes) for chip in chips)
    size = max(frame.width for frame in frames), max(frame.height for frame in frames)
    seconds = (*([SECONDS] * (len(frames) - 1)), LAST_SECONDS)
    return Film(tuple(_padded(frame, size) for frame in frames), seconds)


def charts_beside(total: Series | None, measures: Sequence[Series], *, first: date, until: date) -> list[Chart]:
    """Chart the total and the measure that has left what was expected furthest at its last look, over the same days."""
    chosen = [*([total] if total is not None else []), *([max(measures, key=_departure)] if measures else [])]
    charts = [
        chart_of(_between(series, first, until), first_seen=None, confirmed_on=None) for series in chosen[:MOST_CHARTS]
    ]
    return [chart for chart in charts if chart is not None]


def _departure(series: Series) -> float:
    """How many spreads the last value lies from what was expected; −1 where nothing was."""
    values = np.asarray(series.values, float)
    seen = np.flatnonzero(np.isfinite(values))
    if not seen.size or series.expected is None or series.spread is None:
        return -1.0
    last = int(seen[-1])
    return float(abs(values[last] - series.expected[last]) / max(float(series.spread[last]), 1e-9))


def _between(series: Series, first: date, until: date) -> Series:
    """The part of a series between two days, with both of them on its axis."""
    kept = [i for i, day in enumerate(series.days) if first <= day <= until]
    ends = np.array([np.nan])

    def part(values: Values) -> Values:
        return np.concatenate([ends, np.asarray(values, float)[kept], ends])

    days = (first, *(series.days[i] for i in kept), until)
    foretold = [None if values is None else part(values) for values in (series.expected, series.spread)]
    return Series(series.label, series.unit, days, part(series.values), *foretold)


def _panel(teller: Teller, charts: Sequence[Chart]) -> Image.Image | None:
    """The charts under one another, without the marker."""
    if not charts:
        return None
    marks = []
    for number, chart in enumerate(charts):
        top = number * (PANEL_HEAD + HEIGHT + 8)
        title = title_mark(chart_title(teller.words, chart), (LEFT, top + 16))
        marks += [title, *shifted(chart_marks(teller.words, chart), down=top + PANEL_HEAD)]
    return to_image(FlatDrawing(WIDTH, len(charts) * (PANEL_HEAD + HEIGHT + 8), tuple(marks)), scale=PANEL_SCALE)


def _frame(
    teller: Teller,
    chip: Chip,
    charts: Sequence[Chart],
    panel: Image.Image | None,
    *,
    outline: Mask | None,
    notes: Sequence[str],
) -> Image.Image:
    picture = enlarged(chip.rgb, factor=factor_for(chip.rgb, side_px=SIDE_PX), outline=outline)
    under = strip_of(
        teller.words, chip.rgb, picture_width=picture.width, width=picture.width, has_outline=outline is not None
    )
    height = max(picture.height + under.height, 0 if panel is None else panel.height)
    width = picture.width + (0 if panel is None else PANEL_GAP + panel.width)
    body = Image.new("RGB", (width, height), "#ffffff")
    body.paste(picture, (0, 0))
    body.paste(under, (0, picture.height))
    if panel is not None:
        body.paste(_marked(panel, charts, teller.day_on_axis(chip.day)), (picture.width + PANEL_GAP, 0))
    told = [*notes, teller.words("picture.legend_grey")] if has_gaps(chip.rgb) else list(notes)
    heading = heading_of(teller.day(chip.day), teller.satellite(chip), width=width)
    banner = teller.words("publication.media_simulated") if teller.is_simulated else ""
    return stacked([heading, body, *(paragraph_of(one, width=width) for one in told)], banner=banner)


def _marked(panel: Image.Image, charts: Sequence[Chart], day: date) -> Image.Image:
    """The charts with a marker at a day."""
    image = panel.copy()
    pen = ImageDraw.Draw(image)
    for number, chart in enumerate(charts):
        start = number * (PANEL_HEAD + HEIGHT + 8) + PANEL_HEAD
        x, top, bottom = (round(at * PANEL_SCALE) for at in (chart.x_of(day), start + TOP, start + BOTTOM))
        pen.line([(x, top - 4), (x, bottom)], MARKED, 3)
        pen.line([(x, top - 4), (x, bottom)], MARKER, 1)
        pen.polygon([(x - 6, top - 9), (x + 6, top - 9), (x, top)], MARKER, MARKED)
    return image


def _padded(frame: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The frame on a sheet of the largest frame's size, with room below."""
    if frame.size == size:
        return frame
    out = Image.new("RGB", size, "#ffffff")
    out.paste(frame, (0, 0))
    return out
