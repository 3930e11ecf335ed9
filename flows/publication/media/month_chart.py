"""The totals of a place by month, drawn as the report draws them, with their words around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from flows.publication.media.flat_drawing import (
    Disc,
    FlatDrawing,
    Lettering,
    Mark,
    Patch,
    PenLine,
    Point,
    points_of,
    shifted,
)
from flows.publication.media.lettering import fitting_size, width_of, wrapped
from flows.reports.captions import chart_title, tick_label
from flows.reports.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Chart, chart_of
from flows.reports.drawings import two_figures
from flows.reports.growth import totals_over_time
from flows.reports.inputs import AreaTotals, Extent
from flows.reports.words import Words

HEAD, KEYS_Y, TITLE_Y = 46, 36, 19
LINE, SOURCE_SIZE, TITLE_SIZE, TICK_SIZE, KEY_SIZE = 11, 8, 12, 9, 9
SCALE = 3
DOT, OUTSIDE, BAND, GRID, EXPECTED = "#3d5a73", "#b23a00", "#dbe4ec", "#e3e7eb", "#7f95a8"
JOINED, INK, SOFT, RESPONSE = "#aebdc9", "#1c252d", "#55626e", "#7a1020"


def month_charts(standings: Sequence[AreaTotals], responses: Sequence[date]) -> dict[str, Chart]:
    """Chart every total that is not zero throughout, by its label."""
    charts = {
        label: chart_of(series, first_seen=None, confirmed_on=None, responses=responses)
        for label, series in totals_over_time(standings).items()
    }
    return {label: chart for label, chart in charts.items() if chart is not None}


def rounded_totals(standings: Sequence[AreaTotals]) -> tuple[AreaTotals, ...]:
    """Round every total to two significant figures, as sizes are for those who are shown no picture."""

    def rough(extent: Extent) -> Extent:
        return Extent(two_figures(extent.value), two_figures(extent.low), two_figures(extent.high))

    return tuple(
        replace(s, built=rough(s.built), cleared=rough(s.cleared), demolished=rough(s.demolished),
                line_m=two_figures(s.line_m), closure=None)
        for s in standings
    )  # fmt: skip


def draw_month_chart(words: Words, chart: Chart, *, source: Sequence[str], day: Callable[[date], str]) -> FlatDrawing:
    """Draw a chart of a total with its title, what its marks mean, and where the figures come from, below it.

    `day` writes the days of its description.
    """
    lines = [line for told in source for line in wrapped(told, SOURCE_SIZE, width=WIDTH - 16)]
    title = chart_title(words, chart)
    marks: list[Mark] = [title_mark(title, (8, TITLE_Y)), *_keys(words, chart)]
    marks.append(Lettering((RIGHT, KEYS_Y), _last_value(words, chart), KEY_SIZE, INK, "end"))
    marks += shifted(chart_marks(words, chart), down=HEAD)
    marks += [
        Lettering((8, HEAD + HEIGHT + 8 + LINE * number), line, SOURCE_SIZE, SOFT) for number, line in enumerate(lines)
    ]
    last = f"{words.number(chart.summary.value)} {chart.unit}"
    told = words("growth.total_text", first=day(chart.summary.first), last=day(chart.summary.last), value=last)
    height = HEAD + HEIGHT + 6 + LINE * len(lines)
    return FlatDrawing(WIDTH, height, tuple(marks), title, f"{told} {' '.join(source)}")


def title_mark(title: str, at: Point) -> Lettering:
    """Give the title of a chart in letters that fit between a place and the end of the chart."""
    size = fitting_size(title, TITLE_SIZE, width=RIGHT - at[0], is_bold=True)
    return Lettering(at, title, size, INK, is_bold=True)


def chart_marks(words: Words, chart: Chart) -> tuple[Mark, ...]:
    """Give the marks of a chart in the frame of the report's charts: axes, band, lines, dots."""
    marks: list[Mark] = [Patch(points, BAND) for points in points_of(chart.band)]
    for tick in chart.value_ticks:
        marks.append(PenLine(((LEFT, tick.y), (RIGHT, tick.y)), GRID, 0.8))
        number = words.number(tick.value, tick.decimals)
        marks.append(Lettering((LEFT - 5, tick.y + 3), number, TICK_SIZE, SOFT, "end"))
    for day in chart.day_ticks:
        marks.append(PenLine(((day.x, BOTTOM), (day.x, BOTTOM + 4)), SOFT, 0.8))
        anchor = "end" if day.x > RIGHT - 24 else "middle"
        marks.append(Lettering((day.x, BOTTOM + 16), tick_label(words, day), TICK_SIZE, SOFT, anchor))
    for x in chart.response_xs:
        marks.append(PenLine(((x, TOP), (x, BOTTOM)), RESPONSE, 1.2, (1.5, 3)))
    if chart.first_seen_x is not None:
        marks.append(PenLine(((chart.first_seen_x, TOP), (chart.first_seen_x, BOTTOM)), INK, 1.2))
    if chart.confirmed_x is not None:
        marks.append(PenLine(((chart.confirmed_x, TOP), (chart.confirmed_x, BOTTOM)), INK, 1.2, (4, 3)))
    if chart.expected and chart.label not in ("built-ground", "cleared-ground", "demolished-ground"):
        marks += [PenLine(points, EXPECTED, 1.0) for points in points_of(chart.expected)]
    marks += [PenLine(points, JOINED, 1.0) for points in points_of(chart.line)]
    marks += [Disc(points[0], 2.2, DOT) for points in points_of(chart.inside)]
    marks += [Disc(points[0], 3.0, OUTSIDE) for points in points_of(chart.outside)]
    return tuple(marks)


def _last_value(words: Words, chart: Chart) -> str:
    """The last total with its interval."""
    told = chart.summary
    if told.expected is None or told.margin is None:
        return words.length(told.value)
    low, high = (words.ground(told.expected + sign * told.margin) for sign in (-1, 1))
    return words("publication.media_last", value=words.ground(told.value), low=low, high=high)


def _keys(words: Words, chart: Chart) -> list[Mark]:
    """What the dots, the band and the dashed lines mean, in one row."""
    keys: list[tuple[Mark, str]] = [(Disc((12, KEYS_Y - 3), 2.2, DOT), words("growth.by_then"))]
    if chart.band:
        corners = ((8.0, KEYS_Y - 6.0), (18.0, KEYS_Y - 6.0), (18.0, KEYS_Y + 0.0), (8.0, KEYS_Y + 0.0))
        keys.append((Patch(corners, BAND), words("growth.interval")))
    if chart.response_xs:
        line = PenLine(((8, KEYS_Y - 3), (18, KEYS_Y - 3)), RESPONSE, 1.2, (1.5, 3))
        keys.append((line, words("chart.response")))
    widths = [0.0, *(32.0 + width_of(text, KEY_SIZE) for _, text in keys)]
    starts = [sum(widths[: number + 1]) for number in range(len(keys))]
    return [
        mark
        for start, (key, text) in zip(starts, keys, strict=True)
        for mark in shifted((key, Lettering((22, KEYS_Y), text, KEY_SIZE, SOFT)), right=start)
    ]
