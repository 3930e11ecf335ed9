"""The watch worked through again over looks at hand, week by week, as the flow does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from detectors.look import Look
from detectors.monitor import AreaState, conclude, is_refit_due, observe, refit

WEEK = timedelta(days=7)


def work_through(
    state: AreaState,
    looks: Sequence[Look],
    *,
    since: date,
    until: date,
    on_week: Callable[[date, AreaState], None] | None = None,
) -> tuple[AreaState, int]:
    """The state after the weeks from one day to another, and how many looks were used.

    `state` is the one before the first week, `looks` all there are, oldest first, with the history that baselines are
    fitted again on. `on_week` is told each week's last day and the state then.
    """
    used, first = 0, since
    while first <= until:
        last = first + WEEK - timedelta(days=1)
        for name in [c.name for c in state.channels]:
            if is_refit_due(state, name, day=first.toordinal()):
                earlier = [k for k in looks if k.channel == name and k.day < first]
                state = refit(state, name, earlier, day=first.toordinal())
        for look in (k for k in looks if first <= k.day <= last):
            state, report = observe(state, look)
            used += report.status == "used"
        state = conclude(state, today=last.toordinal())
        if on_week is not None:
            on_week(last, state)
        first += WEEK
    return state, used
