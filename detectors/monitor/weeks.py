"""The watch's week, the same for production, replay, benchmark and tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from detectors.acquisition import AnyAcquisition
from detectors.monitor.state import AreaState
from detectors.monitor.steps import end_week, is_refit_due, observe, refit
from detectors.preprocessing.align import AcquisitionReport

WEEK = timedelta(days=7)
HISTORY_DAYS = 730
"""How far back a baseline is fitted where nothing else is asked: two seasons of everything."""


def step_week(
    state: AreaState,
    acquisitions: Sequence[AnyAcquisition],
    *,
    first: date,
    last: date,
    history: Callable[[str], Sequence[AnyAcquisition]],
) -> tuple[AreaState, tuple[AcquisitionReport, ...]]:
    """Move the watch on by one week: fit again what is due, add its acquisitions, find and follow events.

    Parameters
    ----------
    state
        What the watch has learned so far.
    acquisitions
        The acquisitions of this week, oldest first.
    first
        The first day of the week.
    last
        The last day of the week.
    history
        Gives the earlier acquisitions of a series, oldest first; asked only where its baseline is fitted again.
        `acquisitions_before` is the rule for which ones.

    Returns
    -------
    AreaState, tuple of AcquisitionReport: the state at the end of the week, and what became of each acquisition.
    """
    for name, orbit in [(c.name, c.orbit) for c in state.all_series]:
        if is_refit_due(state, name, day=first.toordinal()):
            state = refit(state, name, history(orbit), day=first.toordinal())
    reports = []
    for acquisition in acquisitions:
        state, report = observe(state, acquisition)
        reports.append(report)
    return end_week(state, today=last.toordinal()), tuple(reports)


def acquisitions_before(
    first: date, acquisitions: Sequence[AnyAcquisition], series: str, *, history_days: int = HISTORY_DAYS
) -> list[AnyAcquisition]:
    """Choose the acquisitions of a series that its baseline is fitted on before a week.

    Parameters
    ----------
    first
        The first day of the week.
    acquisitions
        Scenes as numbers, oldest first.
    series
        The name of the series.
    history_days
        How many days before a week a baseline is fitted on.

    Returns
    -------
    list of acquisitions: those of the last `history_days` before the week.
    """
    start = first - timedelta(days=history_days)
    return [
        acquisition for acquisition in acquisitions if acquisition.series == series and start <= acquisition.day < first
    ]


def watch_weeks(
    state: AreaState,
    acquisitions: Sequence[AnyAcquisition],
    *,
    since: date,
    until: date,
    history_days: int = HISTORY_DAYS,
    on_week: Callable[[date, AreaState], None] | None = None,
) -> tuple[AreaState, int]:
    """Work through the weeks from one day to another.

    Parameters
    ----------
    state
        What the watch had learned before the first week.
    acquisitions
        All there are, oldest first, with the history that baselines are fitted again on.
    since
        The first day that is watched.
    until
        The last day that is watched.
    history_days
        How many days before a week a baseline is fitted on.
    on_week
        Is told each week's last day and the state then.

    Returns
    -------
    AreaState, int: the state after the last week, and how many acquisitions were used.
    """
    used, first = 0, since
    while first <= until:
        start, last = first, first + WEEK - timedelta(days=1)
        state, reports = step_week(
            state,
            [acquisition for acquisition in acquisitions if start <= acquisition.day <= last],
            first=start,
            last=last,
            history=lambda name, start=start: acquisitions_before(  # type: ignore[misc]
                start, acquisitions, name, history_days=history_days
            ),
        )
        used += sum(report.status == "used" for report in reports)
        if on_week is not None:
            on_week(last, state)
        first += WEEK
    return state, used
