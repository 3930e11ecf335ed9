"""A site through time: what was measured by each month's end, and how fast it grew by quarter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from flows.reports.charts import Chart, chart_of
from flows.reports.inputs import AreaTotals, Extent, Series

DAYS_A_MONTH = 365.25 / 12
SHORTEST_DAYS = 14  # a quarter watched for less says nothing about its pace
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 400, 170, 54, 392, 12, 142
BAR_SHARE = 0.3
TICKS = 4
LABEL = 54  # room that the name of a quarter takes


@dataclass(frozen=True)
class QuarterlyRate:
    """m² a month in one quarter, built and demolished, over the days of it that were watched."""

    year: int
    quarter: int
    days: int
    built: Extent
    demolished: Extent


@dataclass(frozen=True)
class Bar:
    """One bar with its whisker, in the frame of the drawing; heights may be nothing."""

    x: float
    width: float
    top: float
    height: float
    low_y: float
    high_y: float


@dataclass(frozen=True)
class Bars:
    """The paces as a drawing: bars for what was built and what was demolished, ticks of the value axis."""

    built: tuple[Bar, ...]
    demolished: tuple[Bar, ...]
    centres: tuple[float, ...]
    ticks: tuple[tuple[float, float], ...]

    @property
    def labelled(self) -> tuple[int, ...]:
        """The quarters that are named under the axis: the last, and as many before it as have room."""
        every = int(np.ceil(LABEL * len(self.centres) / (RIGHT - LEFT)))
        return tuple(range(len(self.centres) - 1, -1, -every))[::-1]


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
        bars=_bars(paces) if any(p.built.high or p.demolished.high for p in paces) else None,
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


def _bars(paces: Sequence[QuarterlyRate]) -> Bars:
    extents = [extent for pace in paces for extent in (pace.built, pace.demolished)]
    low = min(0.0, *(extent.low for extent in extents))
    high = max(1.0, *(extent.high for extent in extents))

    def y(value: float) -> float:
        return round(BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP), 1)

    room = (RIGHT - LEFT) / len(paces)
    width = round(min(room * BAR_SHARE, 34.0), 1)
    centres = tuple(round(LEFT + room * (i + 0.5), 1) for i in range(len(paces)))

    def bar(x: float, extent: Extent) -> Bar:
        top, bottom = sorted((y(extent.value), y(0.0)))
        return Bar(round(x, 1), width, top, round(bottom - top, 1), y(extent.low), y(extent.high))

    built = tuple(bar(x - width - 1, p.built) for x, p in zip(centres, paces, strict=True))
    demolished = tuple(bar(x + 1, p.demolished) for x, p in zip(centres, paces, strict=True))
    step = _round_step((high - low) / TICKS)
    values = [i * step for i in range(int(low // step) + (low % step > 0), int(high // step) + 1)]
    return Bars(built, demolished, centres, tuple((y(value), value) for value in values))


def _round_step(rough: float) -> float:
    size = 10.0 ** np.floor(np.log10(rough))
    return float(next(nice * size for nice in (1.0, 2.0, 5.0, 10.0) if nice * size >= rough * (1 - 1e-9)))
