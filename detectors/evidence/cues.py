"""From standardised residuals to the metric of each cue, and whether a reading is familiar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.acquisition import Floats, Mask
from detectors.baseline.harmonic import Baseline, predict
from detectors.baseline.residual import Residual
from detectors.evidence.accumulate import EvidenceParameters

LOW = EvidenceParameters().low


@dataclass(frozen=True)
class CueParameters:
    """Limits of the cues.

    `built_vegetation`: NDVI above which nothing built stands, `roof_vegetation` the same for the mean of a year;
    `water`: NDVI under which a pixel is open water, `pond_vegetation` and `pond_brightness` those of a year under which
    it always was and `glint` the NDVI up to which a look at such a pond shows its surface; `built_contrast`: contrast
    in reflectance from which a pixel can be a roof, and `dark_roof_vegetation` the NDVI over which a dark one cannot
    be; `half_built_vegetation`: NDVI above which a pixel is no part of a roof among what grows; `roof_redness`: redness
    of the year up to which what stands out is a roof and not soil, and `blue` up to which it is nothing that grows
    either; `greyer`: by how much less red soil is that was built on; where colour tells the two apart the other
    readings need say `colour_lead` σ less than it does; `overgrown`: NDVI from which an acquisition does not say what
    became of ground as red as `soil_redness`; `familiar_margin` in σ; `correlation` of vv and vh speckle after
    averaging, `skew` that of the logarithm of gamma speckle of 4.4 looks over 3 × 3 pixels, `least_scatter` the least
    that a radar scene is believed to scatter, in σ; a step of contrast counts for no more than `texture_base` +
    `texture_gain` × the rise of texture, which a few pixels move little; of what one reading has beyond 2.5 σ the
    share `agreement_credit` is added to the other that must agree. Chosen on simulated compounds, on blocks put into
    the Romanian and the mine's series, and on a burnt field.
    """

    built_vegetation: float = 0.4
    roof_vegetation: float = 0.28
    dark_roof_vegetation: float = 0.2
    half_built_vegetation: float = 0.8
    overgrown: float = 0.5
    soil_redness: float = 0.2
    roof_redness: float = 0.13
    blue: float = 0.0
    greyer: float = 0.1
    colour_lead: float = 2.0
    built_contrast: float = 0.025
    water: float = -0.05
    pond_vegetation: float = 0.03
    pond_brightness: float = 0.1
    glint: float = 0.05
    familiar_margin: float = 1.0
    season_days: int = 75
    correlation: float = 0.3
    skew: float = -0.16
    least_scatter: float = 0.6
    texture_base: float = 0.5
    texture_gain: float = 1.5
    agreement_credit: float = 0.25


def optical_metric(residual: Residual, *, parameters: CueParameters | None = None) -> Floats:
    """Measure exposure, structure and removal.

    Parameters
    ----------
    residual
        The differences in σ.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    float32 (3, y, x) in σ; NaN where not clear or where bands are lacking.
    """
    p = parameters or CueParameters()
    shape = residual.z.shape[1:]
    nothing = np.full(shape, np.nan, np.float32)
    exposure = _exposure(residual, p)
    structure, removal = _structure(residual, p)
    layers = (exposure, structure, removal)
    metric = np.stack([nothing if layer is None else layer for layer in layers]).astype(np.float32)
    return np.where(_is_water(residual, p) & np.isfinite(metric), 0.0, metric).astype(np.float32)


def radar_metric(
    residual: Residual, *, stable_mask: Mask | None = None, parameters: CueParameters | None = None
) -> Floats:
    """Measure backscatter up and down: (z_vv + z_vh)/√(2(1 + ρ)), or the one polarisation there is.

    The logarithm of speckle leans to the low side, so that 2.5 σ up is rarer and 2.5 σ down commoner than in a
    Gaussian: each polarisation is straightened by Cornish and Fisher's first term, z − γz²/6 about the median. Floors
    and the ρ assumed make σ too wide on even ground, and where `stable_mask` ground (bool (y, x)) scatters by less,
    its own scatter is the measure.

    Parameters
    ----------
    residual
        The differences in σ.
    stable_mask
        bool (y, x), pixels that belong to no event; all that are seen where left out.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    float32 (2, y, x) in σ.
    """
    p = parameters or CueParameters()
    z = residual.z - np.float32(p.skew / 6.0) * np.clip(residual.z, -4.0, 4.0) ** 2
    both = z[0] if len(z) == 1 else (z[0] + z[1]) / np.sqrt(2.0 * (1.0 + p.correlation))
    if stable_mask is not None:
        calm = both[stable_mask & np.isfinite(both)]
        if calm.size:
            both = both / np.clip(1.4826 * np.median(np.abs(calm)), p.least_scatter, 1.0)
    return np.stack([both, -both]).astype(np.float32)


def familiar_mask(residual: Residual, baseline: Baseline, *, day: int, parameters: CueParameters | None = None) -> Mask:
    """Mark where vegetation and brightness both lie within what the pixel has read before, about that time of year.

    They must lie between the lowest and highest ever read, and between those that the baseline predicts for the days
    within `season_days` of this one: a harvest come early is familiar, a wood as bare in July as in January is not.
    Nothing is familiar to a history of a constant: it has seen no other season.

    Parameters
    ----------
    residual
        The differences in σ.
    baseline
        The fitted expectation.
    day
        Day number.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    bool (y, x).
    """
    p = parameters or CueParameters()
    known = np.ones(residual.z.shape[1:], bool)
    if baseline.pairs == 0:
        return ~known
    shifts = range(-p.season_days, p.season_days + 1, p.season_days // 3)
    season = np.stack([predict(baseline, day + shift) for shift in shifts])
    for name in ("vegetation", "greenness", "brightness"):
        if name in baseline.names:
            f = baseline.names.index(name)
            margin = p.familiar_margin * baseline.spread[f]
            value = residual.observed[f]
            lowest = np.maximum(baseline.lowest[f], season[:, f].min(axis=0))
            highest = np.minimum(baseline.highest[f], season[:, f].max(axis=0))
            known &= (value > lowest - margin) & (value < highest + margin)
    return known


def _exposure(residual: Residual, p: CueParameters) -> Floats | None:
    """Vegetation falling where the ground gets brighter."""
    bright, built = residual.of("brightness"), residual.of("built")
    green = residual.of("vegetation")
    green = residual.of("greenness") if green is None else green
    if green is None or bright is None:
        return None
    barer = bright if built is None else np.where(bright > -1.0, np.maximum(bright, built), bright)
    return _agreed(-green, barer, p)


def _agreed(a: Floats, b: Floats, p: CueParameters) -> Floats:
    """What two readings bear out together: the smaller, to which the greater lends of what it has beyond 2.5 σ."""
    credit_a, credit_b = (p.agreement_credit * np.maximum(x - LOW, 0.0) for x in (b, a))
    return np.asarray(np.minimum(a + credit_a, b + credit_b), np.float32)


def _structure(residual: Residual, p: CueParameters) -> tuple[Floats | None, Floats | None]:
    """Contrast and texture moving apart from, or back into, the surroundings."""
    contrast, texture = residual.of("contrast"), residual.of("texture")
    if contrast is None or texture is None:
        return None, None
    c = residual.names.index("contrast")
    before, after = residual.expected[c], residual.observed[c]
    step = np.abs(contrast)
    stronger = np.abs(after) > np.abs(before)
    # a dark patch is a roof only where nothing grows on it: burnt stubble and wet soil are green again within weeks
    stands = _is_bare(residual, p) & ((after > 0) | _under(residual, residual.observed, p.dark_roof_vegetation))
    stands |= (after > 0) & _is_half_built(residual, p)
    contrast_limit = _contrast_limit(texture, p)
    hue = residual.of("redness")
    if hue is not None:
        contrast_limit = np.fmax(contrast_limit, -hue)  # less red than the ground it stands on
    # texture is smeared over its window and must not lend to pixels beside the change
    agreement_credit = p.agreement_credit * np.maximum(step - LOW, 0.0)
    structure = np.where(stronger & stands, np.minimum(step, contrast_limit + agreement_credit), 0.0)
    structure = np.fmax(structure, _paved(residual, p))
    was_roof = (np.abs(residual.level[c]) > p.built_contrast) & _stood_bare(residual, p)
    removal = np.where(~stronger & was_roof, np.minimum(step, _contrast_limit(-texture, p)), 0.0)
    removal = np.fmax(removal, np.where(stronger, 0.0, _bared(residual, p)))
    unseen = ~np.isfinite(contrast) | ~np.isfinite(texture)
    return _hide(structure, unseen), _hide(removal, unseen | _is_overgrown(residual, p))


def _contrast_limit(texture: Floats, p: CueParameters) -> Floats:
    """How much of a step of contrast the change of texture bears out, in σ: a few pixels move texture little."""
    return np.asarray(p.texture_base + p.texture_gain * texture, np.float32)


def _is_water(residual: Residual, p: CueParameters) -> Mask:
    """Where the acquisition shows open water: a pond that clears or a flooded field is neither cleared nor built on.

    The sun's glint on a pond is as white as a new roof, for weeks before the rains. What was dark water all year and is
    no greener than white is water still: who builds there fills it up with soil first.
    """
    if "vegetation" not in residual.names:
        return np.zeros(residual.z.shape[1:], bool)
    v = residual.names.index("vegetation")
    water = residual.observed[v] < p.water
    if "brightness" in residual.names:
        was_dark = residual.level[residual.names.index("brightness")] < p.pond_brightness
        water |= was_dark & (residual.level[v] < p.pond_vegetation) & (residual.observed[v] < p.glint)
    return np.asarray(water)


def _is_bare(residual: Residual, p: CueParameters) -> Mask:
    """Where the acquisition shows no vegetation; everywhere when it cannot be measured."""
    return _under(residual, residual.observed, p.built_vegetation)


def _is_half_built(residual: Residual, p: CueParameters) -> Mask:
    """Where a roof can share a pixel with what grows: brighter by itself, and neither greener nor redder than before.

    Half a pixel of sheet among grass has an NDVI of 0.5 to 0.65. Straw and soil are redder than what grew there, and
    so are crops in flower.
    """
    bright, green, hue = (residual.of(name) for name in ("brightness", "vegetation", "redness"))
    if bright is None or green is None or hue is None:
        return np.zeros(residual.z.shape[1:], bool)
    could = _under(residual, residual.observed, p.half_built_vegetation)
    return np.asarray(could & (bright >= LOW) & (green < 0) & (hue < 0))


def _paved(residual: Residual, p: CueParameters) -> Floats:
    """Soil that turned grey and no darker, in σ: a roof or concrete that is hardly brighter than the soil it stands on.

    Grass that comes up on soil is less red too, but greener; a pond dug into it is darker.
    """
    names = ("redness", "contrast", "texture", "vegetation", "brightness")
    if not set(names) <= set(residual.names):
        return np.zeros(residual.z.shape[1:], np.float32)
    redder, contrast, texture, greener, brighter = (residual.z[residual.names.index(name)] for name in names)
    r = residual.names.index("redness")
    redness = residual.observed[r]
    turned = (residual.level[r] > p.soil_redness) & (residual.expected[r] - redness >= p.greyer)
    turned &= _is_bare(residual, p) & (brighter > 0) & ((greener < 1.0) | (redness < p.blue))
    moved = np.maximum(np.maximum(contrast, brighter), _contrast_limit(texture, p)) + np.float32(p.colour_lead)
    return np.where(turned, np.minimum(-redder, moved), 0.0).astype(np.float32)


def _bared(residual: Residual, p: CueParameters) -> Floats:
    """Roofs that gave way to soil, in σ: what stood out bright and grey all year is redder, and moved back a little.

    The colour says it where the soil is nearly as bright as the roof was. A roof of blue sheet has an NDVI of 0.3 and
    more, but nothing that grows is blue.
    """
    names = ("redness", "contrast", "texture")
    if not set(names) <= set(residual.names):
        return np.zeros(residual.z.shape[1:], np.float32)
    redder, contrast, texture = (residual.z[residual.names.index(name)] for name in names)
    redness, stood_out = (residual.level[residual.names.index(name)] for name in names[:2])
    was_roof = (stood_out > p.built_contrast) & (redness < p.roof_redness)
    was_roof &= _stood_bare(residual, p) | (redness < p.blue)
    moved = np.maximum(np.abs(contrast), _contrast_limit(-texture, p)) + np.float32(p.colour_lead)
    return np.where(was_roof, np.minimum(redder, moved), 0.0).astype(np.float32)


def _stood_bare(residual: Residual, p: CueParameters) -> Mask:
    """Where no vegetation stood in the mean of the year: a field is bare for a season, a roof always."""
    return _under(residual, residual.level, p.roof_vegetation)


def _is_overgrown(residual: Residual, p: CueParameters) -> Mask:
    """Where the acquisition is green and the ground of the year has the colour of soil.

    A bare plot loses its contrast in the rains as a roof pulled down does, and what is under the green is not seen.
    """
    if not {"vegetation", "redness"} <= set(residual.names):
        return np.zeros(residual.z.shape[1:], bool)
    is_soil = residual.level[residual.names.index("redness")] > p.soil_redness
    return np.asarray(is_soil & (residual.observed[residual.names.index("vegetation")] >= p.overgrown))


def _under(residual: Residual, values: Floats, limit: float) -> Mask:
    if "vegetation" not in residual.names:
        return np.ones(residual.z.shape[1:], bool)
    return np.asarray(values[residual.names.index("vegetation")] < limit)


def _hide(values: Floats, unseen: Mask) -> Floats:
    return np.where(unseen, np.nan, values).astype(np.float32)
