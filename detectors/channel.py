"""One series of looks that may be compared: all of Sentinel-2, or one relative orbit of Sentinel-1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from detectors.baseline import Baseline, BaselineParameters, fit_baseline, predict, prediction_factor
from detectors.cues import familiar_mask, optical_metric, radar_metric
from detectors.evidence import OPTICAL_CUES, RADAR_CUES, Cue, Residual, standardise
from detectors.features import FLOORS, UNSEEN_SEASON, Features, features_of, registration_image
from detectors.look import OPTICAL, Floats, Look, Mask
from detectors.masks import clear_mask, snow_mask
from detectors.registration import UNKNOWN, Shift, apply_shift, measure_shift

RECENT_LOOKS = 8


@dataclass(frozen=True)
class LookParameters:
    """When a look is used.

    `smallest_share` of the watched ground must be clear for it to be compared at all (SCIENCE.md counts under half as
    not seen; what is clear below that still carries evidence down to this share); `largest_residual_px` is the
    misregistration left after the shift above which a scene is refused. A slip under `least_shift_px` is left as it is:
    to interpolate blurs contrast and texture by more than it mends (chosen on clearings, buildings and walls of the
    Romanian series, with the slips it really has).
    """

    smallest_share: float = 0.3
    largest_residual_px: float = 0.35
    largest_shift_px: float = 2.5
    least_shift_px: float = 0.3
    reference_looks: int = 24


@dataclass(frozen=True)
class LookReport:
    """What became of one look: `status` is ``used``, ``unseen`` (too little clear ground) or ``refused``."""

    scene_id: str
    sensor: str
    day: int
    status: str
    clear_share: float
    shift: Shift
    residual_px: float | None
    note: str = ""


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


@dataclass(frozen=True)
class Reading:
    """A look made comparable: its features on the reference, and what became of it."""

    features: Features
    report: LookReport


def read_look(
    look: Look, *, reference: Floats | None, watched: Mask, parameters: LookParameters | None = None
) -> Reading:
    """Mask, register and measure a look.

    `watched` bool (y, x) is the ground whose clear share is counted.
    """
    p = parameters or LookParameters()
    clear = clear_of(look)
    measurable = look.valid & watched
    share = float(clear[watched].mean()) if watched.any() else 0.0
    shift, residual = UNKNOWN, None
    status, note = ("used", "") if share >= p.smallest_share else ("unseen", f"{share:.0%} of the ground clear")
    image = registration_image(look)
    if status == "used" and image is not None and reference is not None and measurable.any():
        shift = measure_shift(reference, image, clear=clear)
        if shift.length > p.largest_shift_px:
            status, note = "refused", f"shifted by {shift.length:.1f} px, more than can be undone"
        else:
            look, clear, residual = _registered(look, clear, reference, shift, p)
            if residual is not None and residual > p.largest_residual_px:
                status, note = "refused", f"{residual:.2f} px of misregistration left"
    features = features_of(look, clear)
    if status == "used" and not features.names:
        status, note = "refused", f"nothing can be measured with {', '.join(look.bands)} alone"
    report = LookReport(
        look.scene_id, look.sensor, look.day.toordinal(), status, round(share, 4), shift, residual, note
    )
    return Reading(features, report)


def clear_of(look: Look) -> Mask:
    """Where a look shows the ground: by its scene classification and, where it has the bands, less unmasked snow."""
    clear = clear_mask(look.valid, look.scl)
    short = look.band("swir16")
    visible = next((b for name in ("green", "red", "blue") if (b := look.band(name)) is not None), None)
    return clear if short is None or visible is None else np.asarray(clear & ~snow_mask(visible, short))


def _registered(
    look: Look, clear: Mask, reference: Floats, shift: Shift, p: LookParameters
) -> tuple[Look, Mask, float | None]:
    """The look and its clear mask on the reference, and the shift that is left (None where it is not known)."""
    if not shift.is_known or shift.length < p.least_shift_px:
        return look, clear, shift.length if shift.is_known else None
    pixels, kept = apply_shift(look.pixels, look.valid, shift)
    moved = np.roll(clear, (-round(shift.dy), -round(shift.dx)), axis=(0, 1)) & kept
    look = replace(look, pixels=pixels, valid=kept)
    image = registration_image(look)
    left = measure_shift(reference, image, clear=moved) if image is not None else UNKNOWN
    return look, moved, left.length if left.is_known else None


def reference_image(looks: Sequence[Look], *, parameters: LookParameters | None = None) -> Floats | None:
    """The stable image that looks are registered to: the median of the clearest, themselves registered to it.

    None for radar, or where no look is clear anywhere.
    """
    p = parameters or LookParameters()
    images = [(image, clear_of(k)) for k in looks if (image := registration_image(k)) is not None]
    images = [pair for pair in images if pair[1].any()]
    if not images:
        return None
    order = np.argsort([-pair[1].mean() for pair in images], kind="stable")[: p.reference_looks]
    chosen = [images[n] for n in order]
    first = median(np.stack([np.where(clear, image, np.nan) for image, clear in chosen]))
    aligned = []
    for image, clear in chosen:
        shift = measure_shift(first, image, clear=clear)
        is_undone = p.least_shift_px <= shift.length <= p.largest_shift_px
        moved, kept = apply_shift(image[None], clear, shift if is_undone else UNKNOWN)
        aligned.append(np.where(kept, moved[0], np.nan))
    return median(np.stack(aligned))


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


def median(stack: Floats) -> Floats:
    """Median over time of the values there are; NaN where there is none."""
    ordered = np.sort(stack, axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    low = np.take_along_axis(ordered, np.clip((count - 1) // 2, 0, None)[None], axis=0)[0]
    high = np.take_along_axis(ordered, np.clip(count // 2, 0, len(ordered) - 1)[None], axis=0)[0]
    return np.where(count > 0, (low + high) / 2, np.nan).astype(np.float32)
