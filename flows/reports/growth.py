"""A site through time: what was measured by each month's end, and how fast it grew by quarter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from flows.reports.bar_chart import BarFrame, Bars, bars_of
from flows.reports.charts import Chart, chart_of
from flows.reports.inputs import AreaTotals, Extent, Series

DAYS_A_MONTH = 365.25 / 12
SHORTEST_DAYS = 14  # a quarter watched for less says nothing about its pace
FRAME = BarFrame(width=400, height=170, left=54, right=392, top=12, bottom=142, label=54)


@dataclass(frozen=True)
class QuarterlyRate:
    """m² a month in one quarter, built and demolished, over the days of it that were watched."""

    year: int
    quarter: int
    days: int
    built: Extent
    demolished: Extent


@dataclass(frozen=True)
class Growth:
    """A site since its watch began."""

    since: date
    last: AreaTotals
    charts: tuple[Chart, ...]
    paces: tuple[QuarterlyRate, ...]
    bars: Bars | None


def growth_of(
    standings: Sequence[AreaTotals], responses: Sequence[date], *, since: date | None = None
) -> Growth | None:
    """What a site's standings come to; None without two of them. `since`: when its watch began, if earlier."""
    if len(standings) < 2:
        return None
    drawn = [_area_chart(standings, responses), _line_chart(standings, responses)]
    paces = paces_of(standings)
    return Growth(
        since=min(standings[0].day, since or date.max),
        last=standings[-1],
        charts=tuple(chart for chart in drawn if chart is not None),
        paces=paces,
        bars=bars_of([[p.built for p in paces], [p.demolished for p in paces]], FRAME)
        if any(p.built.high or p.demolished.high for p in paces)
        else None,
    )


def paces_of(standings: Sequence[AreaTotals]) -> tuple[QuarterlyRate, ...]:
    """m² a month by calendar quarter: what the standing gained from the end of one to the end of the next.

    The gain lies in the quarter in which it was measured, which may be one after it was built. Its interval is what
    the ends of the interval gained, since an error in an event's size goes with the event.
    """
    ends: dict[tuple[int, int], AreaTotals] = {}
    for standing in standings[1:]:
        ends[standing.day.year, (standing.day.month - 1) // 3 + 1] = standing
    paces, before = [], standings[0]
    for (year, quarter), end in ends.items():
        days = (end.day - before.day).days
        if days >= SHORTEST_DAYS:
            built, demolished = (_gain(before, end, days, part) for part in (_built, _demolished))
            paces.append(QuarterlyRate(year, quarter, days, built, demolished))
        before = end
    return tuple(paces)


def _built(standing: AreaTotals) -> Extent:
    return standing.built


def _demolished(standing: AreaTotals) -> Extent:
    return standing.demolished


def _gain(before: AreaTotals, end: AreaTotals, days: int, part: Callable[[AreaTotals], Extent]) -> Extent:
    months = days / DAYS_A_MONTH
    gain = gained(part(before), part(end))
    return Extent(gain.value / months, gain.low / months, gain.high / months)


def gained(before: Extent, end: Extent) -> Extent:
    """What an amount gained; its interval is what the ends gained, the lower one first."""
    low, high = sorted((end.low - before.low, end.high - before.high))
    return Extent(end.value - before.value, low, high)


def _area_chart(standings: Sequence[AreaTotals], responses: Sequence[date]) -> Chart | None:
    if not any(s.built.high for s in standings):
        return None
    middle = np.array([(s.built.low + s.built.high) / 2 for s in standings])
    half = np.array([(s.built.high - s.built.low) / 2 for s in standings])
    values = np.array([s.built.value for s in standings])
    series = Series("built-ground", "m²", tuple(s.day for s in standings), values, middle, half / 2)
    return chart_of(series, first_seen=None, confirmed_on=None, responses=responses)


def _line_chart(standings: Sequence[AreaTotals], responses: Sequence[date]) -> Chart | None:
    if not any(s.line_m for s in standings):
        return None
    values = np.array([s.line_m for s in standings])
    series = Series("lines", "m", tuple(s.day for s in standings), values)
    return chart_of(series, first_seen=None, confirmed_on=None, responses=responses)
