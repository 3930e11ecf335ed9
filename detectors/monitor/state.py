"""What the watch carries from week to week, and the pace it works at."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from detectors.events.lifecycle import (
    Track,
    TrackingParameters,
)
from detectors.sensor_series.channel import Channel
from detectors.sensor_series.pixel_state import PixelState


@dataclass(frozen=True)
class MonitorParameters:
    """Pace of the watch: when baselines are fitted again, and how soon changed ground becomes the new baseline.

    A channel is fitted again when its history passes one of `refit_at` looks, and every `refit_days`. Ground of a
    confirmed event is re-based once `rebase_looks` clear looks show what it has become and it last grew `rebase_days`
    ago or more, and `rim_px` around it: half the window of texture. Chosen on phases put into the Romanian series,
    where clouds leave no more looks between two of them.
    """

    refit_at: tuple[int, ...] = (3, 6, 10, 20, 30)
    refit_days: int = 182
    rebase_looks: int = 3
    rebase_days: int = 15
    rim_px: int = 4
    tracking: TrackingParameters = field(default_factory=TrackingParameters)


@dataclass(frozen=True)
class AreaState(PixelState):
    """All that the watch has learned of an area. `since` int32 (y, x): the day from which ground is what it is now."""

    tracks: tuple[Track, ...]
    since: npt.NDArray[np.int32]
    parameters: MonitorParameters
    concluded: int = 0


def with_series(state: AreaState, channel: Channel) -> AreaState:
    """Return the state with one channel added, or put in the place of the one of the same name."""
    others = [c for c in state.channels if c.name != channel.name]
    return replace(state, channels=tuple(sorted([*others, channel], key=lambda c: c.name)))


def with_track(tracks: tuple[Track, ...], index: int, track: Track) -> tuple[Track, ...]:
    """Return the events with the one at an index replaced."""
    return (*tracks[:index], track, *tracks[index + 1 :])
