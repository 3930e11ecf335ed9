"""The watch's week, the same for production, replay, benchmark and tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from detectors.look import Look
from detectors.monitor.state import AreaState
from detectors.monitor.steps import conclude, is_refit_due, observe, refit
from detectors.preprocessing.align import LookReport

WEEK = timedelta(days=7)
HISTORY_DAYS = 730
"""How far back a baseline is fitted where nothing else is asked: two seasons of everything."""


def step_week(
    state: AreaState,
    looks: Sequence[Look],
    *,
    first: date,
    last: date,
    history: Callable[[str], Sequence[Look]],
) -> tuple[AreaState, tuple[LookReport, ...]]:
    """Move the watch on by one week: fit again what is due, add the week's looks, find and follow events.

    Parameters
    ----------
    state
        What the watch had learned by the end of the week before.
    looks
        The looks of this week, oldest first.
    first, last
        The first and the last day of the week.
    history
        Gives the earlier looks of a channel, oldest first; asked only where its baseline is to be fitted again.
        `looks_before` is the rule for which ones.

    Returns
    -------
    AreaState, tuple of LookReport
        The state at the end of the week, and what became of each look.
    """
    for name in [c.name for c in state.channels]:
        if is_refit_due(state, name, day=first.toordinal()):
            state = refit(state, name, history(name), day=first.toordinal())
    reports = []
    for look in looks:
        state, report = observe(state, look)
        reports.append(report)
    return conclude(state, today=last.toordinal()), tuple(reports)


def looks_before(first: date, looks: Sequence[Look], channel: str, *, history_days: int = HISTORY_DAYS) -> list[Look]:
    """Choose the looks of a channel that its baseline is fitted on before a week: those of the last `history_days`."""
    start = first - timedelta(days=history_days)
    return [look for look in looks if look.channel == channel and start <= look.day < first]


def work_through(
    state: AreaState,
    looks: Sequence[Look],
    *,
    since: date,
    until: date,
    history_days: int = HISTORY_DAYS,
    on_week: Callable[[date, AreaState], None] | None = None,
) -> tuple[AreaState, int]:
    """Work through the weeks from one day to another; return the state after them and how many looks were used.

    `state` is the one before the first week, `looks` all there are, oldest first, with the history that baselines are
    fitted again on. `on_week` is told each week's last day and the state then.
    """
    used, first = 0, since
    while first <= until:
        start, last = first, first + WEEK - timedelta(days=1)
        state, reports = step_week(
            state,
            [look for look in looks if start <= look.day <= last],
            first=start,
            last=last,
            history=lambda name, start=start: looks_before(  # type: ignore[misc]
                start, looks, name, history_days=history_days
            ),
        )
        used += sum(report.status == "used" for report in reports)
        if on_week is not None:
            on_week(last, state)
        first += WEEK
    return state, used
