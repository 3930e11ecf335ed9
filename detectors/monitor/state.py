"""What the watch carries from week to week, and the pace it works at."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from detectors.events.lifecycle import EventState, LifecycleParameters
from detectors.evidence.signatures import PACKAGED
from detectors.sensor_series.pixel_state import PixelState
from detectors.sensor_series.series import SensorSeries


@dataclass(frozen=True)
class MonitorParameters:
    """Pace of the watch: when baselines are fitted again, and how soon changed ground becomes the new baseline.

    A series is fitted again when its history passes one of `refit_at` acquisitions, and every `refit_days`. Ground of a
    confirmed event is re-based once `rebase_acquisitions` clear acquisitions show what it has become and it last grew
    `rebase_days` ago or more, and `rim_px` around it: half the window of texture. Chosen on phases put into the
    Romanian series, where clouds leave no more acquisitions between two of them. `signatures` names the table: the
    packaged one, or the path of another.
    """

    refit_at: tuple[int, ...] = (3, 6, 10, 20, 30)
    refit_days: int = 182
    rebase_acquisitions: int = 3
    rebase_days: int = 15
    rim_px: int = 4
    signatures: str = PACKAGED
    lifecycle: LifecycleParameters = field(default_factory=LifecycleParameters)


@dataclass(frozen=True)
class AreaState(PixelState):
    """All that the watch has learned of an area. `since` int32 (y, x): the day from which ground is what it is now."""

    event_states: tuple[EventState, ...]
    since: npt.NDArray[np.int32]
    parameters: MonitorParameters
    concluded: int = 0


def with_series(state: AreaState, series: SensorSeries) -> AreaState:
    """Add one series to the state, or put it in the place of the one of the same name.

    Parameters
    ----------
    state
        What the watch has learned so far.
    series
        One comparable series.

    Returns
    -------
    AreaState.
    """
    others = [c for c in state.all_series if c.name != series.name]
    return replace(state, all_series=tuple(sorted([*others, series], key=lambda c: c.name)))


def without_platforms(state: AreaState, series: SensorSeries) -> AreaState:
    """Drop the series that were kept apart of platforms whose position in the series of their orbit is known now.

    Parameters
    ----------
    state
        What the watch has learned so far.
    series
        The series of the orbit.

    Returns
    -------
    AreaState.
    """
    placed = {f"{series.name}:{position.platform or 'unnamed'}" for position in series.positions}
    return replace(state, all_series=tuple(c for c in state.all_series if c.name not in placed))
