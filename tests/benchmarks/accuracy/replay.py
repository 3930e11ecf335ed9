# mypy: strict-optional=False
"""The watch over a series, as the flow works through it, without the flow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from left_out import LeftOut
from series import READ

from detectors.acquisition import Acquisition
from detectors.ground import Ground, whole
from detectors.monitor.event_records import events_of
from detectors.monitor.state import AreaState, MonitorParameters
from detectors.monitor.steps import begin
from detectors.monitor.weeks import watch_weeks
from detectors.records import Event, State

CONFIRMED_ON: list[int] = []  # on how many dates each event of this process was confirmed, since last emptied

LEFT_OUT: list[LeftOut] = []  # at most one: what the job of this process leaves out of the fit


@dataclass(frozen=True)
class Watched:
    """What the watch came to: the last state, every event, and the looks it used in the watched time."""

    state: AreaState
    events: tuple[Event, ...]
    used: int
    days: int

    def held(self) -> list[Event]:
        """Events that were not taken back, confirmed or not, and did not go up into another."""
        return [e for e in self.events if e.state is not State.RETRACTED and e.merged_into is None]

    def confirmed(self) -> list[Event]:
        """Events that were confirmed and did not go up into another."""
        return [e for e in self.events if e.confirmed_on is not None and e.merged_into is None]


def watch(
    acquisitions: Sequence[Acquisition],
    *,
    since: date,
    until: date,
    ground: Ground | None = None,
    history_days: int = 730,
    on_week: Callable[[date, AreaState], None] | None = None,
    parameters: MonitorParameters | None = None,
) -> Watched:
    """Work week by week from one day to another over a history of so many days.

    Raises `OtherGround` where a run leaves grounds out of the fit, and the job is not about one of them.
    """
    if parameters is None and LEFT_OUT:
        parameters = LEFT_OUT[0].parameters(READ)
    ordered = sorted(acquisitions, key=lambda k: (k.day, k.scene_id))
    ordered = [k for k in ordered if k.day >= since - timedelta(days=history_days)]
    ground = ground or whole((ordered[0].valid.shape[0], ordered[0].valid.shape[1]))
    state, _ = begin(ground, [k for k in ordered if k.day < since], parameters=parameters)
    state, used = watch_weeks(state, ordered, since=since, until=until, history_days=history_days, on_week=on_week)
    seen = Watched(state, events_of(state, today=until.toordinal()), used, (until - since).days)
    days = {k.scene_id: k.day for k in ordered}
    for event in seen.confirmed():
        CONFIRMED_ON.append(len({days[s] for s in event.scenes if days[s] <= event.confirmed_on}))
    return seen
