"""What the watch has learned pixel by pixel: the ground it watches, the baselines of its series, and the evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace

from detectors.evidence.belief import Evidence
from detectors.footprint import Box
from detectors.ground import Ground
from detectors.sensor_series.series import SensorSeries


@dataclass(frozen=True)
class PixelState:
    """What objects are found in: ground, series and evidence of one area, all on the same (y, x)."""

    ground: Ground
    all_series: tuple[SensorSeries, ...]
    evidence: Evidence

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
    PixelState, whose arrays are views of those of the area.
    """
    ground, evidence = state.ground, state.evidence
    at = (..., *box)
    return PixelState(
        replace(ground, monitored_mask=ground.monitored_mask[box], perimeter=ground.perimeter[box]),
        tuple(_series_within(series, box) for series in state.all_series),
        replace(
            evidence,
            probability=evidence.probability[at],
            since=evidence.since[at],
            ranks=evidence.ranks[at],
            lead=evidence.lead[at],
            ranked=evidence.ranked[at],
        ),
    )


def _series_within(series: SensorSeries, box: Box) -> SensorSeries:
    baseline, recent, at = series.baseline, series.recent, (..., *box)
    return replace(
        series,
        baseline=replace(
            baseline,
            coefficients=baseline.coefficients[at],
            spread=baseline.spread[at],
            acquisitions=baseline.acquisitions[at],
        ),
        reference=None if series.reference is None else series.reference[at],
        recent=replace(recent, observed=recent.observed[at], z=recent.z[at], said=recent.said[at]),
    )


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
        own = replace(baseline, coefficients=baseline.coefficients.copy(), spread=baseline.spread.copy())
        all_series.append(replace(series, baseline=own))
    e = state.evidence
    evidence = Evidence(e.probability.copy(), e.since.copy(), e.updated, e.ranks.copy(), e.lead.copy(), e.ranked.copy())
    return PixelState(state.ground, tuple(all_series), evidence)


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
    e, fresh = own.evidence, part.evidence
    e.probability[at], e.since[at] = fresh.probability, fresh.since
    e.ranks[at], e.lead[at], e.ranked[at] = fresh.ranks, fresh.lead, fresh.ranked
