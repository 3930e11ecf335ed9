"""What the watch has learned pixel by pixel: the ground it watches, the baselines of its series, and the evidence."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from detectors.array_space import IN_MEMORY, ArraySpace
from detectors.evidence.belief import Evidence, copied_evidence, paste_evidence
from detectors.footprint import Box
from detectors.ground import Ground
from detectors.rounding import Codes
from detectors.sensor_series.series import SensorSeries


@dataclass(frozen=True)
class PixelState:
    """What objects are found in: ground, series and evidence of one area, all on the same (y, x).

    `space` is where the arrays of series and evidence lie.
    """

    ground: Ground
    all_series: tuple[SensorSeries, ...]
    evidence: Evidence
    space: ArraySpace = field(default=IN_MEMORY, kw_only=True, compare=False, repr=False)

    def series(self, name: str) -> SensorSeries | None:
        """Return a series by its name, or None where the area has none of that name."""
        return next((c for c in self.all_series if c.name == name), None)


def window_of(state: PixelState, box: Box) -> PixelState:
    """Take a window out of all that is known pixel by pixel.

    Parameters
    ----------
    state
        What is known of an area.
    box
        Rows and columns of the window.

    Returns
    -------
    PixelState, whose arrays are views of those of the area where these are in memory.
    """
    ground = state.ground
    return PixelState(
        replace(ground, monitored_mask=ground.monitored_mask[box], perimeter=ground.perimeter[box]),
        tuple(_series_within(series, box) for series in state.all_series),
        state.evidence.at(box),
    )


def _series_within(series: SensorSeries, box: Box) -> SensorSeries:
    def within(layers: tuple[Codes, ...]) -> tuple[Codes, ...]:
        return tuple(one[(..., *box)] for one in layers)

    recent = replace(series.recent, z=within(series.recent.z), said=within(series.recent.said))
    return replace(series, baseline=series.baseline.at(box), recent=recent)


def with_own_pixels(state: PixelState) -> PixelState:
    """Copy the baselines and the evidence, so that they can be changed without changing what they were taken from.

    Parameters
    ----------
    state
        What is known of an area.

    Returns
    -------
    PixelState.
    """
    all_series = []
    for series in state.all_series:
        baseline = series.baseline
        copy = state.space.copy
        own = replace(baseline, coefficients=copy(baseline.coefficients), spread=copy(baseline.spread))
        all_series.append(replace(series, baseline=own))
    evidence = copied_evidence(state.evidence, state.space)
    return PixelState(state.ground, tuple(all_series), evidence, space=state.space)


def paste(own: PixelState, part: PixelState, box: Box) -> None:
    """Write the baselines and the evidence of a window into those of an area, in place.

    Parameters
    ----------
    own
        What is known of the area, with arrays of its own.
    part
        The same of a window, its series in the same order.
    box
        Rows and columns of the window.
    """
    at = (..., *box)
    for whole, series in zip(own.all_series, part.all_series, strict=True):
        whole.baseline.coefficients[at] = series.baseline.coefficients
        whole.baseline.spread[at] = series.baseline.spread
    paste_evidence(own.evidence, part.evidence, box)
