"""What a changed patch became: something built, bare ground, or something taken away."""

from __future__ import annotations

import numpy as np

from detectors.acquisition import OPTICAL, Mask
from detectors.evidence.accumulate import Cue, Evidence
from detectors.objects.patches import ObjectParameters
from detectors.records import Change
from detectors.sensor_series.pixel_state import PixelState
from detectors.sensor_series.series import SensorSeries
from detectors.statistics import local_mean, median

SINGLE_ACQUISITION, STANDS = ObjectParameters().single_acquisition, ObjectParameters().least


# Acquisitions, reflectance, a ratio, an NDVI; see `is_grey`. Young growth on the Romanian clearings has an NDVI of
# 0.57 to 0.78, a roof over six tenths of a pixel of wood one of 0.36 to 0.58, and 0.7 at its rim: but there it glares.
COLOUR_ACQUISITIONS, LEAST_GAIN, GREY, OVERGROWN, GLARING = 6, 0.012, 0.08, 0.57, 0.04


def change_of(state: PixelState, mask: Mask, gain: bool) -> Change:
    """Decide what a patch is: construction where something stands now, else clearing; demolition for a loss.

    Something stands where backscatter rose, or contrast and texture rose on ground that was bare before (over
    vegetation bare soil does as much); a fifth of the patch is enough. Another colour than that of soil says it too,
    over two fifths of the patch.

    Parameters
    ----------
    state
        Ground, series and evidence of the area.
    mask
        bool (y, x), True on the patch, not empty.
    gain
        True where something was added to the ground, False where something was taken away.

    Returns
    -------
    Change; never fencing, which is told by its shape.
    """
    if not gain:
        return Change.DEMOLITION
    stands = np.asarray(_stands(state).any(axis=0))
    grey = np.zeros(mask.shape, bool)
    for series in state.all_series:
        if series.sensor == OPTICAL:
            grey |= is_grey(series)
    is_built = stands[mask].mean() >= 0.2 or grey[mask].mean() >= 0.4
    return Change.CONSTRUCTION if is_built and (stands | grey)[mask].sum() >= 3 else Change.CLEARING


def _stands(state: PixelState) -> Mask:
    """Where structure, on ground that was bare before, and backscatter show that something stands; bool (2, y, x)."""
    confidence = state.evidence.confidence
    structure = np.zeros(state.ground.shape, bool)
    for series in state.all_series:
        if series.sensor == OPTICAL:
            least = SINGLE_ACQUISITION if series.has_short_history else STANDS
            structure |= (confidence[Cue.STRUCTURE] >= least) & _was_bare(series)
    return np.stack([structure, confidence[Cue.BACKSCATTER_UP] >= STANDS])


def standing(evidence: Evidence) -> Mask:
    """Mark where structure or backscatter holds enough for an object, whatever the ground was before.

    Parameters
    ----------
    evidence
        What is held against each pixel.

    Returns
    -------
    bool (y, x).
    """
    confidence = evidence.confidence
    return np.asarray(np.maximum(confidence[Cue.STRUCTURE], confidence[Cue.BACKSCATTER_UP]) >= STANDS)


def built_day(state: PixelState, mask: Mask) -> int | None:
    """Find the day by which a quarter of what stands in a patch had begun to.

    Parameters
    ----------
    state
        Ground, series and evidence of the area.
    mask
        bool (y, x), True on the patch.

    Returns
    -------
    int, day number, or None where nothing stands.
    """
    cues, stands = [Cue.STRUCTURE, Cue.BACKSCATTER_UP], _stands(state)
    first = np.where(stands, state.evidence.first[cues], np.iinfo(np.int32).max).min(axis=0)
    known = np.sort(first[mask & stands.any(axis=0)])
    return int(known[len(known) // 4]) if known.size else None


def _was_bare(series: SensorSeries) -> Mask:
    """Where the baseline's constant shows no vegetation; everywhere if vegetation cannot be measured."""
    level = series.baseline.coefficients[:, 0]
    if "vegetation" not in series.names:
        return np.ones(level.shape[1:], bool)
    return np.asarray(np.nan_to_num(level[series.names.index("vegetation")], nan=1.0) < 0.35)


def is_grey(series: SensorSeries) -> Mask:
    """Mark where what was added to the ground in the last acquisitions has not the colour of soil.

    With brightness B and redness ρ = (red − blue)/(red + blue), the colour of the *change* is (Bρ − B₀ρ₀)/(B − B₀):
    whatever share of a pixel was built on, it is that of the material. Over the clearings of the Romanian series it
    is 0.13 to 0.7, over soil 0.3, over concrete, metal and sheet under 0.04. Both parts are medians of the
    acquisitions, averaged over three pixels, since single ones scatter by as much as that.

    Parameters
    ----------
    series
        An optical series with its last acquisitions.

    Returns
    -------
    bool (y, x); all False where the series has no redness or no acquisition yet.
    """
    names, recent = series.names, series.recent.observed[-COLOUR_ACQUISITIONS:]
    if not len(recent) or "redness" not in names:
        return np.zeros(series.baseline.acquisitions.shape, bool)
    b, r = names.index("brightness"), names.index("redness")
    level = series.baseline.coefficients[:, 0]
    gained = median(recent[:, b] - level[b])
    redder = median(recent[:, b] * recent[:, r] - level[b] * level[r])
    seen = np.isfinite(gained) & np.isfinite(redder)
    wide_gained, wide_redder = (local_mean(part, seen, size_px=3) for part in (gained, redder))
    grown = np.zeros(seen.shape, bool)
    if "vegetation" in names:  # weeds on a clearing are brighter than a wood, if not by much, and not red either
        grown = np.nan_to_num(median(recent[:, names.index("vegetation")])) > OVERGROWN
        grown &= gained < GLARING
    return np.asarray(seen & ~grown & (gained > LEAST_GAIN) & (wide_redder < GREY * wide_gained))
