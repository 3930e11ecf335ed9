"""What an event costs at the end of a week, over 10 to 10,000 events on the same ground."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
from measuring import Line

from detectors.acquisition import OPTICAL, Acquisition, Floats
from detectors.baseline.harmonic import Baseline
from detectors.evidence.belief import BUILT, START, no_evidence
from detectors.ground import whole
from detectors.monitor.event_records import events_of
from detectors.monitor.state import AreaState, MonitorParameters
from detectors.monitor.steps import end_week
from detectors.preprocessing.platforms import AS_IT_CAME
from detectors.rounding import coded_said, coded_z
from detectors.sensor_series.series import RecentAcquisitions, SensorSeries

COUNTS = (10, 100, 1000, 10_000)
APART_PX, BLOCK_PX = 20, 5
SUNDAY = date(2024, 9, 15).toordinal()
NAMES = ("vegetation", "brightness", "contrast", "texture")
LOOKS = 3
NOISE = 0.05  # of what the ground alone takes


def state_with(count: int, *, side: int) -> AreaState:
    """An area on which so many blocks were built, each 5 by 5 pixels, shown by three acquisitions."""
    shape = (side, side)
    across = side // APART_PX
    evidence, where = no_evidence(shape), np.zeros(shape, bool)
    for n in np.linspace(0, across * across - 1, count).astype(int):
        top, left = (APART_PX * int(k) + 7 for k in divmod(n, across))
        where[top : top + BLOCK_PX, left : left + BLOCK_PX] = True
    built = np.zeros(len(START), np.float32)
    built[-3 + BUILT], built[0] = 0.99, 0.01
    evidence.probability[0][:, where] = built[:, None]
    evidence.since[0, BUILT][where] = SUNDAY - 20
    days = tuple(SUNDAY - 20 + 5 * n for n in range(LOOKS))
    z = np.zeros((LOOKS, len(NAMES), *shape), np.float32)
    z[:, 1][:, where] = 8.0
    said = np.zeros((LOOKS, 2, *shape), np.float32)
    said[:, 0][:, where] = 4.0
    bands = ("blue", "green", "red", "nir")
    pixels = np.full((len(bands), *shape), 0.3, np.float32)
    looks = [
        Acquisition(f"s2-{day}", OPTICAL, date.fromordinal(day), bands, pixels, np.ones(shape, bool)) for day in days
    ]
    recent = RecentAcquisitions(
        tuple(k.scene_id for k in looks),
        days,
        tuple(looks),
        (AS_IT_CAME,) * LOOKS,
        tuple(coded_z(z[:, :3])),
        tuple(coded_said(said)),
    )
    level: Floats = np.broadcast_to(np.float32(0.3), (len(NAMES), 1, *shape)).copy()
    baseline = Baseline(NAMES, 0, level, level[:, 0], np.full(shape, 30, np.int16), np.eye(1))
    series = SensorSeries(OPTICAL, OPTICAL, NAMES, baseline, None, recent, 1.0, 30, days[0] - 5)
    since = np.zeros(shape, np.int32)
    return AreaState(
        whole(shape), (series,), replace(evidence, updated=evidence.updated), (), since, MonitorParameters()
    )


def lines(to: Path, *, side: int) -> list[Line]:
    """Seconds of the week in which the events are found, of a calm week after it, and of listing them; with a plot."""
    counts = [n for n in COUNTS if n <= (side // APART_PX) ** 2]
    _seconds(10, side=200)  # what is compiled is loaded
    rows = [_seconds(n, side=side) for n in (0, *counts)]
    (still, *found) = rows
    over = [tuple(value - base for value, base in zip(row, still, strict=True)) for row in found]
    _plot(counts, over, still, to)
    words = ("the week in which they are found", "a calm week", "listing them")
    return [
        Line(
            f"an event, {what}, over {' / '.join(f'{n:,}' for n in counts)} events on {side}² pixels",
            " / ".join(_each(row[n], count, still[n]) for row, count in zip(over, counts, strict=True))
            + f" ms each (the ground alone {still[n]:.1f} s)",
        )
        for n, what in enumerate(words)
    ]


def _each(seconds: float, count: int, still: float) -> str:
    """Milliseconds an event, or that they are lost in what the ground alone takes from one time to the next."""
    return f"{1e3 * seconds / count:.2f}" if seconds > NOISE * still else "lost in the noise"


def _seconds(count: int, *, side: int) -> tuple[float, float, float]:
    state = state_with(count, side=side)
    begun = time.process_time()
    state = end_week(state, today=SUNDAY)
    found = time.process_time()
    later = replace(state.all_series[0], recent=replace(state.all_series[0].recent, days=(SUNDAY,) * LOOKS))
    state = end_week(replace(state, all_series=(later,), concluded=SUNDAY - 1), today=SUNDAY + 7)
    calm = time.process_time()
    events = events_of(state, today=SUNDAY + 7)
    listed = time.process_time()
    if len(events) != count:
        raise RuntimeError(f"{len(events)} events of {count} blocks")
    return found - begun, calm - found, listed - calm


def _plot(counts: list[int], over: list[tuple[float, ...]], still: tuple[float, ...], to: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(6, 4), layout="constrained")
    for n, what in enumerate(("week in which they are found", "calm week", "listing them")):
        axis.plot(counts, [row[n] if row[n] > NOISE * still[n] else np.nan for row in over], marker="o", label=what)
    line = [over[-1][0] * n / counts[-1] for n in counts]
    axis.plot(counts, line, color="0.7", linestyle="--", label="in proportion")
    axis.axhline(NOISE * still[0], color="0.85", zorder=0)
    axis.annotate("less than the ground alone varies", (counts[0], NOISE * still[0]), va="bottom", color="0.5", size=8)
    axis.set(xscale="log", yscale="log", xlabel="events", ylabel="seconds more than without any")
    axis.legend(frameon=False)
    to.mkdir(parents=True, exist_ok=True)
    figure.savefig(to / "events.png", dpi=120)
    pyplot.close(figure)
