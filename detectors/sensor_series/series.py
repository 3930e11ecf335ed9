"""One series of acquisitions that may be compared: all of Sentinel-2, or one relative orbit of Sentinel-1.

While it is not known where the images of a radar platform lie, its acquisitions are a series of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from detectors.acquisition import (
    OPTICAL,
    RADAR,
    AnyAcquisition,
    Floats,
    Mask,
)
from detectors.array_space import IN_MEMORY, ArraySpace, strips_of
from detectors.baseline.harmonic import (
    Baseline,
    BaselineParameters,
    PixelFit,
    believe,
    fit_baseline,
    fit_pixels,
    floors_of,
    measure_history,
    predict,
    prediction_factor,
    rounded_fit,
)
from detectors.baseline.residual import Residual, standardise
from detectors.baseline.uncertainty import FLOORS, UNSEEN_SEASON
from detectors.evidence.signatures import ONE_SCENE, SEASONS
from detectors.footprint import Footprint
from detectors.lattice import lattice_of
from detectors.preprocessing.align import (
    AcquisitionReport,
    align_acquisition,
    features_again,
    reference_image,
)
from detectors.preprocessing.features import Features
from detectors.preprocessing.platforms import (
    FittedPositions,
    Placement,
    PlatformParameters,
    PlatformPosition,
    fit_positions,
    is_apart,
)
from detectors.preprocessing.registration import registration_part
from detectors.rounding import Codes, are_known, decoded_said, decoded_z, rounded_coefficients, rounded_spread

RECENT_ACQUISITIONS = 8
KEPT_Z = ("vegetation", "greenness", "brightness", "contrast", "vv", "vh")
"""Features whose z lines and outlines are asked of, acquisitions later."""
Scene = TypeVar("Scene", bound=AnyAcquisition)


@dataclass(frozen=True)
class RecentAcquisitions:
    """The last acquisitions of a series, oldest first: which they were, and what they said when they came.

    `acquisitions` are read and measured again, placed as they were (`placements`), where ground is re-based
    (`observed_again`). `z`, each int16 (feature, y, x), are the differences of the features of `z_names`, and `said`,
    each int16 (2, y, x), is what it said for a gain and for a loss, both rounded: `z_at` and `said_at` read them.
    `unfamiliar` are the ids of the last that were unlike any that the table of signatures was fitted on.
    """

    scene_ids: tuple[str, ...] = ()
    days: tuple[int, ...] = ()
    acquisitions: tuple[AnyAcquisition, ...] = ()
    placements: tuple[Placement, ...] = ()
    z: tuple[Codes, ...] = ()
    said: tuple[Codes, ...] = ()
    unfamiliar: tuple[str, ...] = ()

    def z_at(self, number: int, feature: int | slice, box: tuple[slice, slice]) -> Floats:
        """Return the differences of a feature, or of several, in a window, float32 in σ, of one of the acquisitions."""
        return decoded_z(self.z[number][(feature, *box)])

    def said_at(self, number: int, mask: Footprint) -> Floats:
        """Return what one of the acquisitions said of some pixels for a gain and for a loss, float32 (2, pixel)."""
        return decoded_said(mask.values(self.said[number]))


@dataclass(frozen=True)
class SensorSeries:
    """Baseline, reference image and last acquisitions of one series.

    `looked` counts the acquisitions since the baseline was fitted. `reference` is float32 (y, x), for radar
    (polarisation, y, x); `positions` says where the platforms of a radar series lie against it. `lost` counts the
    acquisitions since the fit that were out of register or kept apart.
    """

    name: str
    sensor: str
    names: tuple[str, ...]
    baseline: Baseline
    reference: Floats | None
    recent: RecentAcquisitions
    resolution_px: float
    history: int
    fitted_on: int
    looked: int = 0
    positions: tuple[PlatformPosition, ...] = ()
    lost: int = 0

    @property
    def last_day(self) -> int:
        """Return the day number of the last acquisition that was compared; 0 before the first."""
        return self.recent.days[-1] if self.recent.days else 0

    @property
    def z_names(self) -> tuple[str, ...]:
        """Name the features whose z is kept, one at least."""
        return tuple(name for name in self.names if name in KEPT_Z) or self.names[:1]

    @property
    def orbit(self) -> str:
        """Name the series of all platforms of its orbit, which it is unless its platform is kept apart."""
        return ":".join(self.name.split(":")[:2]) if self.sensor == RADAR else self.name

    @property
    def is_waiting(self) -> bool:
        """Decide whether its platform is still too new to be compared, even with itself."""
        return self.name != self.orbit and self.history < PlatformParameters().fewest

    @property
    def is_place_due(self) -> bool:
        """Decide whether enough acquisitions are lost that where they lie should be measured."""
        return self.lost > 0 and self.lost + self.history * self.is_waiting >= PlatformParameters().fewest

    @property
    def history_kind(self) -> str:
        """Name the rows of the table of signatures that fit what the baseline rests on."""
        return ONE_SCENE if self.has_short_history and self.sensor == OPTICAL else SEASONS

    @property
    def has_short_history(self) -> bool:
        """Decide whether the history is so short that one further acquisition has to do."""
        return self.history <= 2


def build_series(
    acquisitions: Sequence[AnyAcquisition],
    *,
    monitored_mask: Mask,
    since: npt.NDArray[np.int32],
    known: SensorSeries | None = None,
    parameters: BaselineParameters | None = None,
    space: ArraySpace = IN_MEMORY,
) -> tuple[SensorSeries | None, tuple[AcquisitionReport, ...]]:
    """Build a series from its history.

    Parameters
    ----------
    acquisitions
        Scenes as numbers, oldest first.
    monitored_mask
        bool (y, x), the ground on which change is reported.
    since
        int32 (y, x), the day before which a pixel showed other ground than now, 0 for never: earlier acquisitions are
        left out there.
    known
        The series so far, whose reference and positions of radar platforms stay.
    parameters
        Thresholds; the defaults where left out.
    space
        Where the arrays lie.

    Returns
    -------
    SensorSeries or None, tuple of AcquisitionReport: None when no acquisition of the history could be used.
    """
    fitted = reference_of(acquisitions, known=known)
    acquisitions = [acquisition for acquisition in acquisitions if not is_apart(acquisition, fitted.positions)]
    reports: tuple[AcquisitionReport, ...] = ()
    used: list[Features] = []
    resolution_px = 1.0
    for stored in acquisitions:
        reading = align_acquisition(
            stored.loaded(),
            reference=fitted.reference,
            monitored_mask=monitored_mask,
            positions=fitted.positions,
            shift=fitted.shifts.get(stored.scene_id),
            space=space,
        )
        reports, resolution_px = (*reports, reading.report), max(resolution_px, reading.resolution_px)
        if reading.report.status == "used" and reading.features.names:
            values = space.keep(reading.features.values)
            used.append(replace(reading.features, values=values, clear=np.empty((0, 0), bool)))
        del reading  # the next one is as large
    if not used:
        return None, reports
    names = tuple(n for n in used[0].names if all(n in features.names for features in used))
    days = np.array([report.day for report in reports if report.status == "used"], np.int64)
    baseline = _fitted(used, days, names, since=since, parameters=parameters, space=space)
    series = SensorSeries(
        acquisitions[0].series,
        acquisitions[0].sensor,
        names,
        baseline,
        fitted.reference,
        RecentAcquisitions(),
        resolution_px,
        len(used),
        int(days.max()),
        positions=fitted.positions,
    )
    return series, reports


def _fitted(
    used: Sequence[Features],
    days: npt.NDArray[np.int64],
    names: tuple[str, ...],
    *,
    since: npt.NDArray[np.int32],
    parameters: BaselineParameters | None,
    space: ArraySpace,
) -> Baseline:
    """The baseline of the features of a history, strip by strip.

    What the history says of the whole scene is measured on the lattice of the fits, which are written first.
    """
    shape = (since.shape[0], since.shape[1])

    def values_of(box: tuple[slice, slice]) -> Floats:
        values = np.stack([np.stack([f.values[(f.names.index(n), *box)] for n in names]) for f in used])
        values[np.broadcast_to((days[:, None, None] < since[box])[:, None], values.shape)] = np.nan
        return values

    strips = list(strips_of(shape, space, layers=len(used)))
    if len(strips) == 1:
        return fit_baseline(values_of(strips[0]), days, names=names, parameters=parameters)
    fit: PixelFit | None = None
    for strip in strips:
        part = fit_pixels(values_of(strip), days, parameters=parameters)
        if fit is None:
            layers = (part.coefficients, part.spread, part.acquisitions)
            fit = PixelFit(*(space.empty((*layer.shape[:-2], *shape), layer.dtype) for layer in layers))
        at = (..., *strip)
        coefficients = rounded_fit(part.coefficients, names)
        fit.coefficients[at], fit.spread[at], fit.acquisitions[at] = coefficients, part.spread, part.acquisitions
    assert fit is not None
    some = lattice_of(shape)

    def shown(features: Features, day: int) -> float:
        layer = features.values[(features.names.index(names[0]), *some)]
        return float((np.isfinite(layer) & (day >= since[some])).mean())

    sparse = PixelFit(fit.coefficients[:0], fit.spread[:, *some], fit.acquisitions[some])
    history = measure_history(tuple(shown(f, day) for f, day in zip(used, days, strict=True)), sparse, names=names)
    spread = space.empty(fit.spread.shape, np.float32)
    for strip in strips:
        part = PixelFit(fit.coefficients[:, :1, *strip], fit.spread[:, *strip], fit.acquisitions[strip])
        believed = believe(part, history, days, names=names, parameters=parameters)
        spread[(..., *strip)] = believed.spread
    return replace(believed, coefficients=fit.coefficients, spread=spread, acquisitions=fit.acquisitions)


def reference_of(acquisitions: Sequence[AnyAcquisition], *, known: SensorSeries | None = None) -> FittedPositions:
    """Make the image that the acquisitions of a series are registered to, and for radar where its platforms lie.

    Parameters
    ----------
    acquisitions
        Scenes of one series as numbers, oldest first.
    known
        The series so far, whose reference and positions of radar platforms stay.

    Returns
    -------
    FittedPositions; for an optical series its `reference` alone, float32 (y, x).
    """
    parts = (registration_part(acquisition.loaded()) for acquisition in acquisitions)
    if acquisitions[0].sensor != RADAR:
        return FittedPositions(reference_image(parts), (), {})
    seen = list(parts)
    if known is None:
        return fit_positions(seen)
    return fit_positions(seen, reference=known.reference, positions=known.positions)


def split_by_platform(acquisitions: Sequence[AnyAcquisition]) -> tuple[tuple[AnyAcquisition, ...], ...]:
    """Keep apart, in the history of one orbit, each platform whose position is not known from those whose is.

    Parameters
    ----------
    acquisitions
        Scenes of one series as numbers, oldest first.

    Returns
    -------
    tuple of tuple of acquisitions, none of them empty; those apart name another series.
    """
    if acquisitions[0].sensor != RADAR or len({acquisition.platform for acquisition in acquisitions}) == 1:
        return (tuple(acquisitions),)
    positions = reference_of(acquisitions).positions
    lone = [acquisition for acquisition in acquisitions if is_apart(acquisition, positions)]
    names = dict.fromkeys(a.platform for a in lone)
    groups = (tuple(keep_apart(a) for a in lone if a.platform == name) for name in names)
    return (tuple(a for a in acquisitions if not is_apart(a, positions)), *groups)


def keep_apart(acquisition: Scene) -> Scene:
    """Name an acquisition's series after its platform too.

    Parameters
    ----------
    acquisition
        One scene as numbers.

    Returns
    -------
    The same with another track.
    """
    return replace(acquisition, track=f"{acquisition.track}:{acquisition.platform or 'unnamed'}")


def compare(series: SensorSeries, features: Features, *, day: int, stable_mask: Mask) -> Residual:
    """Compare an acquisition with the baseline.

    Parameters
    ----------
    series
        One comparable series.
    features
        As measured on the aligned acquisition.
    day
        Day number.
    stable_mask
        bool (y, x), pixels that belong to no event.

    Returns
    -------
    Residual.
    """
    observed = observed_of(series, features)
    factor = prediction_factor(series.baseline, day)
    # after a scene or two, σ is what seasons do anywhere: two scenes of one season differ by far less
    floors = FLOORS if series.has_short_history and series.sensor == OPTICAL else None
    return standardise(observed, series.baseline, day=day, factor=factor, stable_mask=stable_mask, floors=floors)


def append_acquisition(
    series: SensorSeries, acquisition: AnyAcquisition, z: Codes, said: Codes, report: AcquisitionReport
) -> SensorSeries:
    """Add an acquisition to the last ones of a series.

    Parameters
    ----------
    series
        One comparable series.
    acquisition
        One scene as numbers, or read as such when it is asked for.
    z
        int16 (feature, y, x), its differences, of the features of `z_names`, as `coded_z` gives them.
    said
        int16 (2, y, x), what it says for a gain and for a loss, as `coded_said` gives it.
    report
        What became of the acquisition.

    Returns
    -------
    SensorSeries.
    """
    r = series.recent
    keep = slice(-RECENT_ACQUISITIONS, None)
    recent = RecentAcquisitions(
        (*r.scene_ids, report.scene_id)[keep],
        (*r.days, report.day)[keep],
        (*r.acquisitions, acquisition)[keep],
        (*r.placements, report.placement)[keep],
        (*r.z, z)[keep],
        (*r.said, said)[keep],
        (*r.unfamiliar, *([report.scene_id] if report.is_unfamiliar else []))[keep],
    )
    return replace(series, recent=recent, looked=series.looked + 1)


def count_lost(series: SensorSeries) -> SensorSeries:
    """Count one more acquisition of a radar series that was out of register or kept apart.

    Parameters
    ----------
    series
        One comparable series.

    Returns
    -------
    SensorSeries.
    """
    return replace(series, lost=series.lost + 1)


def reset_baseline(
    series: SensorSeries,
    where: Mask,
    rim: Mask,
    *,
    since: npt.NDArray[np.int32],
    fewest: int,
    observed: Callable[[int], Floats],
) -> tuple[SensorSeries, Mask]:
    """Set the baseline to what the ground has shown since a day, where enough of the last acquisitions show it.

    Building comes in phases: the next one is a change against the last.

    Parameters
    ----------
    series
        One comparable series.
    where
        bool (y, x), changed ground: no season of it is known yet.
    rim
        bool (y, x), old ground whose contrast and texture the change has moved: it keeps its season, and its level is
        shifted.
    since
        int32 (y, x), that day for each pixel.
    fewest
        How many of the last acquisitions must show it.
    observed
        Gives, by its number among the last, what an acquisition shows of this ground, float32 (feature, y, x).

    Returns
    -------
    SensorSeries, bool (y, x): the series, and the pixels that were re-based.
    """
    may_be = compared_often(series, since=since, fewest=fewest)
    if not (may_be & (where | rim)).any():
        return series, np.zeros(where.shape, bool)
    late = np.flatnonzero(np.array(series.recent.days) >= since[where | rim].min())
    days = np.array(series.recent.days, np.int64)[late]
    is_new = days[:, None, None, None] >= since
    values = np.where(is_new, np.stack([observed(int(number)) for number in late]), np.nan).astype(np.float32)
    seen = may_be & (np.isfinite(values[:, 0]).sum(axis=0) >= fewest)
    baseline = _renewed(series.baseline, values, where & seen)
    baseline = _shifted(baseline, values, days, rim & seen)
    return replace(series, baseline=baseline), np.asarray((where | rim) & seen)


def compared_often(series: SensorSeries, *, since: npt.NDArray[np.int32], fewest: int) -> Mask:
    """Find ground that enough of the last acquisitions were compared on since a day.

    Parameters
    ----------
    series, since, fewest
        As for `reset_baseline`.

    Returns
    -------
    bool (y, x).
    """
    compared = np.zeros(since.shape, np.int16)
    for day, z in zip(series.recent.days, series.recent.z, strict=True):
        compared += are_known(z).any(axis=0) & (day >= since)
    return np.asarray(compared >= fewest)


def _renewed(baseline: Baseline, values: Floats, where: Mask) -> Baseline:
    """The baseline with new ground in a mask: a constant, with the spread of what was seen and of a year not seen."""
    if not where.any():
        return baseline
    part = values[:, :, where]
    middle = np.nanmedian(part, axis=0)
    scatter = 1.4826 * np.nanmedian(np.abs(part - middle), axis=0)
    tables = (FLOORS, UNSEEN_SEASON)
    floor, season = (np.array([t[n] for n in baseline.names], np.float32)[:, None] for t in tables)
    coefficients, spread = baseline.coefficients.copy(), baseline.spread.copy()
    coefficients[:, :, where] = 0.0
    coefficients[:, 0, where] = rounded_coefficients(middle, floors_of(baseline.names))
    spread[:, where] = rounded_spread(np.hypot(np.maximum(scatter, floor), season), floors_of(baseline.names))
    return replace(baseline, coefficients=coefficients, spread=spread)


def _shifted(baseline: Baseline, values: Floats, days: npt.NDArray[np.int64], where: Mask) -> Baseline:
    """The baseline raised, in a mask, by the median residual of some acquisitions (time, feature, y, x)."""
    if not where.any():
        return baseline
    left = np.stack([v[:, where] - predict(baseline, int(d))[:, where] for v, d in zip(values, days, strict=True)])
    coefficients = baseline.coefficients.copy()
    level = coefficients[:, 0, where] + np.nanmedian(left, axis=0)
    coefficients[:, 0, where] = rounded_coefficients(level, floors_of(baseline.names))
    return replace(baseline, coefficients=coefficients)


def observed_again(series: SensorSeries, number: int, *, space: ArraySpace = IN_MEMORY) -> Floats:
    """Measure one of the last acquisitions once more.

    Parameters
    ----------
    series
        One comparable series.
    number
        Which one, from the oldest.
    space
        Where the arrays of the area lie.

    Returns
    -------
    float32 (feature, y, x), as it was observed when it came.
    """
    recent = series.recent
    features = features_again(recent.acquisitions[number].loaded(), recent.placements[number], space=space)
    return observed_of(series, features)


def observed_of(series: SensorSeries, features: Features) -> Floats:
    """Pick the features of a series out of those of an acquisition.

    Parameters
    ----------
    series
        One comparable series.
    features
        As measured on the aligned acquisition.

    Returns
    -------
    float32 (feature, y, x), in the order of the series' names, NaN where the acquisition lacks one.
    """
    names = series.names
    if names == features.names:
        return features.values
    blank = np.full(features.clear.shape, np.nan, np.float32)
    return np.stack([features.values[features.names.index(n)] if n in features.names else blank for n in names])
