"""Time series as lines and dots in a small coordinate frame that the page draws as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from flows.reports.inputs import Series, Values

WIDTH, HEIGHT = 400, 190
LEFT, RIGHT, TOP, BOTTOM = 46, 392, 10, 164
BAND_SPREADS = 2.0
MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60)
MOST_DAY_TICKS = 5
VALUE_TICKS = 4
SHORTEST_DAYS = 62  # so that the time axis always holds the first of a month
MOST_CURVE_POINTS = 48  # of a run of what was expected, which is a smooth curve; what was measured is drawn in full
LONGEST_GAP_DAYS = 200
HEADROOM = 0.06  # share of the value range left free above and below

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ValueTick:
    """A mark on the value axis, at `y`, with as many decimals as its neighbours need."""

    y: float
    value: float
    decimals: int


@dataclass(frozen=True)
class DayTick:
    """A mark on the time axis, at `x`; `with_year` where the label should name the year."""

    x: float
    day: date
    with_year: bool


@dataclass(frozen=True)
class Summary:
    """A chart in words' raw material: first and last clear day, range, and the last value against what was expected."""

    count: int
    first: date
    last: date
    low: float
    high: float
    value: float
    expected: float | None
    margin: float | None
    decimals: int


@dataclass(frozen=True)
class Chart:
    """Everything that a page draws of one series; paths are SVG path data in a frame of `WIDTH` by `HEIGHT`.

    `first` and `last` are the days at the ends of the time axis.
    """

    label: str
    unit: str
    inside: str
    outside: str
    line: str
    expected: str
    band: str
    value_ticks: tuple[ValueTick, ...]
    day_ticks: tuple[DayTick, ...]
    first_seen_x: float | None
    confirmed_x: float | None
    response_xs: tuple[float, ...]
    summary: Summary
    first: date
    last: date

    def x_of(self, day: date) -> float:
        """Tell where a day lies on the time axis; one beyond it lies at its end."""
        return _Frame(self.first, self.last, 0.0, 1.0).x(min(max(day, self.first), self.last))


@dataclass(frozen=True)
class _Frame:
    first: date
    last: date
    low: float
    high: float

    def x(self, day: date) -> float:
        share = (day - self.first).days / (self.last - self.first).days
        return round(LEFT + share * (RIGHT - LEFT), 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(BOTTOM - share * (BOTTOM - TOP), 1)

    def mark(self, day: date | None) -> float | None:
        return self.x(day) if day is not None and self.first <= day <= self.last else None


def chart_of(
    series: Series, *, first_seen: date | None, confirmed_on: date | None, responses: Sequence[date] = ()
) -> Chart | None:
    """The drawing of a series, or None when it holds no finite value.

    Values are joined by a faint line over gaps, so the dots, not the line, say what was seen. Dots outside expected ± 2
    spread are kept apart from those inside; without a spread all are inside.
    """
    values = _floats(series.values)
    seen = np.isfinite(values)
    if not seen.any():
        return None
    expected = _floats(series.expected) if series.expected is not None else np.full_like(values, np.nan)
    spread = _floats(series.spread) if series.spread is not None else np.full_like(values, np.nan)
    low, high = expected - BAND_SPREADS * spread, expected + BAND_SPREADS * spread
    frame = _frame_of(series.days, [values, expected, low, high], also=(first_seen, confirmed_on))
    outside = seen & ((values < low) | (values > high))
    ticks = _value_ticks(frame)
    return Chart(
        label=series.label,
        unit=series.unit,
        inside=_dots(frame, series.days, values, where=seen & ~outside),
        outside=_dots(frame, series.days, values, where=outside),
        line=_line(frame, series.days, values, joined=True),
        expected=_line(frame, series.days, expected, most=MOST_CURVE_POINTS),
        band=_band(frame, series.days, low, high),
        value_ticks=ticks,
        day_ticks=_day_ticks(frame),
        first_seen_x=frame.mark(first_seen),
        confirmed_x=frame.mark(confirmed_on),
        response_xs=tuple(frame.x(day) for day in sorted(set(responses)) if frame.first <= day <= frame.last),
        summary=_summary(series.days, values, expected, spread, decimals=ticks[0].decimals + 1),
        first=frame.first,
        last=frame.last,
    )


def _floats(values: Values) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _frame_of(days: Sequence[date], arrays: Sequence[Floats], *, also: Sequence[date | None]) -> _Frame:
    known = [*days, *(day for day in also if day is not None)]
    last = max(known)
    first = min(*known, last - timedelta(days=SHORTEST_DAYS))
    values = np.concatenate(arrays)
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    room = (high - low) * HEADROOM or max(abs(high) * HEADROOM, HEADROOM)
    return _Frame(first, last, low - room, high + room)


def _dots(frame: _Frame, days: Sequence[date], values: Floats, *, where: npt.NDArray[np.bool_]) -> str:
    return "".join(f"M{frame.x(days[i])} {frame.y(values[i])}h0" for i in np.flatnonzero(where).tolist())


def _line(frame: _Frame, days: Sequence[date], values: Floats, *, joined: bool = False, most: int | None = None) -> str:
    seen = np.isfinite(values)
    runs = list(_near(np.flatnonzero(seen), days)) if joined else list(_runs(seen, days))
    if most is not None:
        runs = [_thinned(run, most) for run in runs]
    return "".join(_polyline([(frame.x(days[i]), frame.y(values[i])) for i in run]) for run in runs)


def _band(frame: _Frame, days: Sequence[date], low: Floats, high: Floats) -> str:
    paths = []
    for run in (_thinned(run, MOST_CURVE_POINTS) for run in _runs(np.isfinite(low) & np.isfinite(high), days)):
        over = [(frame.x(days[i]), frame.y(high[i])) for i in run]
        under = [(frame.x(days[i]), frame.y(low[i])) for i in run[::-1]]
        paths.append(_polyline([*over, *under]) + "Z")
    return "".join(paths)


def _polyline(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points)


def _runs(where: npt.NDArray[np.bool_], days: Sequence[date]) -> Iterator[npt.NDArray[np.intp]]:
    """The indices of neighbours that are all True and near in time."""
    indices = np.flatnonzero(where)
    for run in np.split(indices, np.flatnonzero(np.diff(indices) > 1) + 1):
        yield from _near(run, days)


def _near(indices: npt.NDArray[np.intp], days: Sequence[date]) -> Iterator[npt.NDArray[np.intp]]:
    """The indices in parts between which there is no long gap: nothing is drawn over years without a look."""
    numbers = np.array([days[i].toordinal() for i in indices.tolist()], np.int64)
    parts = np.split(indices, np.flatnonzero(np.diff(numbers) > LONGEST_GAP_DAYS) + 1)
    return (part for part in parts if part.size)


def _thinned(run: npt.NDArray[np.intp], most: int) -> npt.NDArray[np.intp]:
    """At most so many of a run's indices, evenly, the first and the last among them."""
    if run.size <= most:
        return run
    return run[np.unique(np.linspace(0, run.size - 1, most).round().astype(np.intp))]


def _value_ticks(frame: _Frame) -> tuple[ValueTick, ...]:
    step = round_step((frame.high - frame.low) / VALUE_TICKS)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    first, last = math.ceil(frame.low / step), math.floor(frame.high / step)
    return tuple(ValueTick(frame.y(i * step), i * step, decimals) for i in range(first, last + 1))


def round_step(rough: float) -> float:
    """Give the next step of 1, 2 or 5 times a power of ten, for the ticks of an axis."""
    size = 10.0 ** math.floor(math.log10(rough))
    return next(nice * size for nice in (1.0, 2.0, 5.0, 10.0) if nice * size >= rough * (1 - 1e-9))


def _day_ticks(frame: _Frame) -> tuple[DayTick, ...]:
    firsts = list(_firsts_of_month(frame.first, frame.last))
    for step in MONTH_STEPS:
        days = [day for day in firsts if (day.year * 12 + day.month - 1) % step == 0]
        if len(days) <= MOST_DAY_TICKS:
            break
    return tuple(DayTick(frame.x(day), day, i == 0 or day.month == 1 or step >= 6) for i, day in enumerate(days))


def _firsts_of_month(first: date, last: date) -> Iterator[date]:
    day = first if first.day == 1 else _next_month(first)
    while day <= last:
        yield day
        day = _next_month(day)


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _summary(days: Sequence[date], values: Floats, expected: Floats, spread: Floats, *, decimals: int) -> Summary:
    seen = np.flatnonzero(np.isfinite(values))
    last = int(seen[-1])
    is_foretold = bool(np.isfinite(expected[last]) and np.isfinite(spread[last]))
    return Summary(
        count=len(seen),
        first=days[int(seen[0])],
        last=days[last],
        low=float(values[seen].min()),
        high=float(values[seen].max()),
        value=float(values[last]),
        expected=float(expected[last]) if is_foretold else None,
        margin=float(BAND_SPREADS * spread[last]) if is_foretold else None,
        decimals=decimals,
    )
