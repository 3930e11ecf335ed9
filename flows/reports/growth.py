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
    totals = totals_over_time(standings)
    drawn = [
        chart_of(totals[label], first_seen=None, confirmed_on=None, responses=responses)
        for label in ("built-ground", "lines")
        if label in totals
    ]
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


def gain_of(first: Extent, last: Extent) -> Extent:
    """What was gained between two standings: an error in an event's size goes with the event, and cancels out."""
    low, high = sorted((last.low - first.low, last.high - first.high))
    return Extent(last.value - first.value, low, high)


def _built(standing: AreaTotals) -> Extent:
    return standing.built


def _demolished(standing: AreaTotals) -> Extent:
    return standing.demolished


def _gain(before: AreaTotals, end: AreaTotals, days: int, part: Callable[[AreaTotals], Extent]) -> Extent:
    months, gained = days / DAYS_A_MONTH, gain_of(part(before), part(end))
    return Extent(gained.value / months, gained.low / months, gained.high / months)


def totals_over_time(standings: Sequence[AreaTotals]) -> dict[str, Series]:
    """Give every total that is not zero throughout as a series, by its label: ground with its interval, lines without.

    The labels are ``built-ground``, ``cleared-ground``, ``demolished-ground`` and ``lines``.
    """
    days = tuple(s.day for s in standings)
    grounds = {
        "built-ground": [s.built for s in standings],
        "cleared-ground": [s.cleared for s in standings],
        "demolished-ground": [s.demolished for s in standings],
    }
    found = {label: _ground_series(label, days, sums) for label, sums in grounds.items() if any(s.high for s in sums)}
    if any(s.line_m for s in standings):
        found["lines"] = Series("lines", "m", days, np.array([s.line_m for s in standings]))
    return found


def _ground_series(label: str, days: tuple[date, ...], sums: Sequence[Extent]) -> Series:
    """The interval as what is expected and twice the spread, which charts draw as a band."""
    middle = np.array([(s.low + s.high) / 2 for s in sums])
    half = np.array([(s.high - s.low) / 2 for s in sums])
    return Series(label, "m²", days, np.array([s.value for s in sums]), middle, half / 2)
