"""One series of looks that may be compared: all of Sentinel-2, or one relative orbit of Sentinel-1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from detectors.baseline.harmonic import Baseline, BaselineParameters, fit_baseline, predict, prediction_factor
from detectors.baseline.residual import Residual, standardise
from detectors.baseline.uncertainty import FLOORS, UNSEEN_SEASON
from detectors.evidence.accumulate import OPTICAL_CUES, RADAR_CUES, Cue
from detectors.evidence.cues import familiar_mask, optical_metric, radar_metric
from detectors.look import OPTICAL, Floats, Look, Mask
from detectors.preprocessing.align import LookReport, read_look, reference_image
from detectors.preprocessing.features import Features

RECENT_LOOKS = 8


@dataclass(frozen=True)
class Recent:
    """The last looks of a channel, oldest first: observed features and their z, float32 (time, feature, y, x)."""

    scene_ids: tuple[str, ...]
    days: tuple[int, ...]
    observed: Floats
    z: Floats
    metric: Floats


@dataclass(frozen=True)
class Channel:
    """Baseline, reference image and last looks of one series; `looked` counts looks since the baseline was fitted."""

    name: str
    sensor: str
    names: tuple[str, ...]
    baseline: Baseline
    reference: Floats | None
    recent: Recent
    resolution_px: float
    history: int
    fitted_on: int
    looked: int = 0

    @property
    def cues(self) -> tuple[Cue, ...]:
        """The layers of evidence this channel writes."""
        return OPTICAL_CUES if self.sensor == OPTICAL else RADAR_CUES

    @property
    def last_day(self) -> int:
        """Day number of the last look that was compared; 0 before the first."""
        return self.recent.days[-1] if self.recent.days else 0

    @property
    def is_scarce(self) -> bool:
        """True where the history is so short that one further look has to do."""
        return self.history <= 2


def found_channel(
    looks: Sequence[Look], *, watched: Mask, since: npt.NDArray[np.int32], parameters: BaselineParameters | None = None
) -> tuple[Channel | None, tuple[LookReport, ...]]:
    """A channel from its history, and what became of each look.

    `since` int32 (y, x) is the day before which a pixel showed other ground than now, 0 for never: earlier looks are
    left out there. None when no look of the history could be used.
    """
    reference = reference_image(looks)
    readings = [read_look(look, reference=reference, watched=watched) for look in looks]
    reports = tuple(r.report for r in readings)
    used = [r for r in readings if r.report.status == "used" and r.features.names]
    if not used:
        return None, reports
    names = tuple(n for n in used[0].features.names if all(n in r.features.names for r in used))
    values = np.stack([_pick(r.features, names) for r in used])
    days = np.array([r.report.day for r in used], np.int64)
    values[np.broadcast_to((days[:, None, None] < since)[:, None], values.shape)] = np.nan
    baseline = fit_baseline(values, days, names=names, parameters=parameters)
    shape = (0, len(names), *watched.shape)
    recent = Recent(
        (), (), np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty((0, 2, *watched.shape), np.float32)
    )
    look = looks[0]
    channel = Channel(
        look.channel,
        look.sensor,
        names,
        baseline,
        reference,
        recent,
        max(k.resolution_px for k in looks),
        len(used),
        max(r.report.day for r in used),
    )
    return channel, reports


def compare(channel: Channel, features: Features, *, day: int, settled: Mask) -> tuple[Residual, Floats, Mask]:
    """Residuals of a look against the baseline, the metric of each cue of the channel, and where they are familiar."""
    observed = _pick(features, channel.names)
    expected = predict(channel.baseline, day)
    factor = prediction_factor(channel.baseline, day)
    # after a scene or two, σ is what seasons do anywhere: two scenes of one season differ by far less
    floors = FLOORS if channel.is_scarce and channel.sensor == OPTICAL else None
    residual = standardise(observed, expected, channel.baseline, factor=factor, settled=settled, floors=floors)
    if channel.sensor == OPTICAL:
        return residual, optical_metric(residual), familiar_mask(residual, channel.baseline, day=day)
    # a history that has seen no year is given a wide σ for the seasons to come, which a calm scene must not take back
    calm = settled if channel.baseline.pairs else None
    return residual, radar_metric(residual, settled=calm), np.zeros(settled.shape, bool)


def remember(channel: Channel, residual: Residual, metric: Floats, report: LookReport) -> Channel:
    """The channel with a look added to its last ones.

    Kept of the metric are the best of the cues that speak for a gain and of those that speak for a loss.
    """
    # a cue whose bands are lacking is NaN and must not silence the other
    gain = np.fmax(metric[0], metric[1]) if channel.sensor == OPTICAL else metric[0]
    loss = metric[-1]
    r = channel.recent
    keep = slice(-RECENT_LOOKS, None)
    recent = Recent(
        (*r.scene_ids, report.scene_id)[keep],
        (*r.days, report.day)[keep],
        np.concatenate([r.observed, residual.observed[None]])[keep],
        np.concatenate([r.z, residual.z[None]])[keep],
        np.concatenate([r.metric, np.stack([gain, loss])[None]])[keep],
    )
    return replace(channel, recent=recent, looked=channel.looked + 1)


def rebase(
    channel: Channel, where: Mask, rim: Mask, *, since: npt.NDArray[np.int32], fewest: int
) -> tuple[Channel, Mask]:
    """The baseline set to what the ground has shown since a day, where at least `fewest` of the last looks show it.

    `since` int32 (y, x) is that day, for each pixel. Changed ground (`where`) has no season that is known yet. In its
    `rim` the old ground stands, with a contrast and a texture that the change has moved: it keeps its season, and its
    level is shifted. Returns the channel and the pixels (bool (y, x)) that were re-based. Building comes in phases: the
    next one is a change against the last.
    """
    days = np.array(channel.recent.days, np.int64)
    late = days >= since[where | rim].min(initial=np.iinfo(np.int32).max)
    if late.sum() < fewest:
        return channel, np.zeros(where.shape, bool)
    days = days[late]
    is_new = days[:, None, None, None] >= since
    values = np.where(is_new, channel.recent.observed[late], np.nan).astype(np.float32)
    seen = np.isfinite(values[:, 0]).sum(axis=0) >= fewest
    baseline = _renewed(channel.baseline, values, where & seen)
    baseline = _shifted(baseline, values, days, rim & seen)
    return replace(channel, baseline=baseline), np.asarray((where | rim) & seen)


def _renewed(baseline: Baseline, values: Floats, where: Mask) -> Baseline:
    """The baseline with new ground in a mask: a constant, and the spread of its looks and of a year not seen yet."""
    if not where.any():
        return baseline
    part = values[:, :, where]
    middle = np.nanmedian(part, axis=0)
    scatter = 1.4826 * np.nanmedian(np.abs(part - middle), axis=0)
    tables = (FLOORS, UNSEEN_SEASON)
    floor, season = (np.array([t[n] for n in baseline.names], np.float32)[:, None] for t in tables)
    coefficients, spread = baseline.coefficients.copy(), baseline.spread.copy()
    lowest, highest = baseline.lowest.copy(), baseline.highest.copy()
    coefficients[:, :, where] = 0.0
    coefficients[:, 0, where] = middle
    spread[:, where] = np.hypot(np.maximum(scatter, floor), season)
    lowest[:, where], highest[:, where] = np.nanmin(part, axis=0), np.nanmax(part, axis=0)
    return replace(baseline, coefficients=coefficients, spread=spread, lowest=lowest, highest=highest)


def _shifted(baseline: Baseline, values: Floats, days: npt.NDArray[np.int64], where: Mask) -> Baseline:
    """The baseline raised, in a mask, by the median residual of some looks (time, feature, y, x)."""
    if not where.any():
        return baseline
    left = np.stack([v[:, where] - predict(baseline, int(d))[:, where] for v, d in zip(values, days, strict=True)])
    coefficients = baseline.coefficients.copy()
    coefficients[:, 0, where] += np.nanmedian(left, axis=0)
    return replace(baseline, coefficients=coefficients)


def _pick(features: Features, names: tuple[str, ...]) -> Floats:
    """The named features of a look; those it lacks are NaN."""
    blank = np.full(features.clear.shape, np.nan, np.float32)
    return np.stack([features.values[features.names.index(n)] if n in features.names else blank for n in names])
