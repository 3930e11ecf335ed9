"""Evidence per pixel, added up date by date.

Four cues, each in units of σ of the pixel's own history and each the *smaller* of two readings that must agree, so that
haze, flood or shadow alone move none of them:

==============  ====================================================================  =========================
cue             two readings                                                          speaks for
==============  ====================================================================  =========================
exposure        vegetation falls, and brightness (or the built-up index) rises        clearing, construction
structure       contrast to the surroundings moves away from nought, texture rises    construction
removal         contrast moves back to nought, texture falls or the ground reddens    demolition
backscatter up  vv and vh together rise                                               construction, fencing
backscatter dn  vv and vh together fall                                               demolition, clearing
==============  ====================================================================  =========================

The bookkeeping is that of OPERA DIST-ALERT: metric in σ, low threshold 2.5, capped at 10, confidence = mean · count²,
confirmed at 3² · 2.5 = 22.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.baseline import Baseline
from detectors.look import Floats, Mask


class Cue(IntEnum):
    """The layers of the evidence."""

    EXPOSURE = 0
    STRUCTURE = 1
    REMOVAL = 2
    BACKSCATTER_UP = 3
    BACKSCATTER_DOWN = 4


OPTICAL_CUES = (Cue.EXPOSURE, Cue.STRUCTURE, Cue.REMOVAL)
RADAR_CUES = (Cue.BACKSCATTER_UP, Cue.BACKSCATTER_DOWN)


@dataclass(frozen=True)
class EvidenceParameters:
    """Thresholds of the evidence, from OPERA DIST-ALERT unless said otherwise.

    `familiar_weight` is what a look counts when the pixel has read such values before in another season (a harvest
    come early); `lost_after` is how many clear looks in a row without disturbance empty a pixel; both chosen on
    simulated paddies and the Romanian series. `radar_low` takes the place of `low` for radar: speckle passes 2.5 σ as
    often as chance says, and a field ploughed or a wall of rain more often (chosen on simulated places).
    """

    low: float = 2.5
    radar_low: float = 3.0
    cap: float = 10.0
    confirmed: float = 36.0
    familiar_weight: float = 0.25
    lost_after: int = 2


@dataclass(frozen=True)
class Evidence:
    """What is held against each pixel. Arrays are (cue, y, x).

    `count` float32: disturbed looks, familiar ones counting less; `looks` int16: clear looks since the first;
    `total` float32: sum of the metric over them, in σ; `misses` int16: clear looks since the last disturbed one;
    `first` and `last` int32: day numbers, 0 where nothing is held.
    """

    count: Floats
    looks: npt.NDArray[np.int16]
    total: Floats
    misses: npt.NDArray[np.int16]
    first: npt.NDArray[np.int32]
    last: npt.NDArray[np.int32]

    @property
    def mean(self) -> Floats:
        """Mean metric over the clear looks since the first, in σ."""
        return (self.total / np.maximum(self.looks, 1)).astype(np.float32)

    @property
    def confidence(self) -> Floats:
        """mean · count²."""
        return (self.mean * self.count**2).astype(np.float32)


def no_evidence(shape: tuple[int, int]) -> Evidence:
    """Nothing held against any pixel."""
    full = (len(Cue), *shape)
    return Evidence(
        np.zeros(full, np.float32),
        np.zeros(full, np.int16),
        np.zeros(full, np.float32),
        np.zeros(full, np.int16),
        np.zeros(full, np.int32),
        np.zeros(full, np.int32),
    )


def add_look(
    evidence: Evidence,
    metric: Floats,
    *,
    day: int,
    familiar: Mask,
    cues: tuple[Cue, ...],
    parameters: EvidenceParameters | None = None,
) -> Evidence:
    """The evidence after one more look.

    Parameters
    ----------
    metric : float32 (cue in `cues`, y, x), in σ; NaN where the look says nothing, and nothing changes there.
    day : day number of the look.
    familiar : bool (y, x), True where the pixel has read such values before.
    """
    p = parameters or EvidenceParameters()
    layers = list(cues)
    part = Evidence(*(getattr(evidence, name)[layers] for name in _FIELDS))
    seen = np.isfinite(metric)
    low = np.array([p.radar_low if cue in RADAR_CUES else p.low for cue in cues], np.float32)[:, None, None]
    disturbed = seen & (np.nan_to_num(metric) >= low)
    fresh = disturbed & (part.count == 0)
    held = seen & ((part.count > 0) | fresh)
    weight = np.where(familiar[None], p.familiar_weight, 1.0)
    worth = np.clip(np.nan_to_num(metric), 0.0, p.cap)
    added = Evidence(
        count=part.count + np.where(disturbed, weight, 0.0),
        looks=part.looks + held,
        total=part.total + np.where(held, worth, 0.0),
        misses=np.where(disturbed, 0, part.misses + (held & ~disturbed)),
        first=np.where(fresh, day, part.first),
        last=np.where(disturbed, day, part.last),
    )
    lost = (added.misses >= p.lost_after) & ((added.confidence < p.confirmed) | (added.count < 0.5 * added.looks))
    return _replaced(evidence, layers, clear_evidence(added, lost))


def clear_evidence(evidence: Evidence, where: Mask) -> Evidence:
    """The evidence with everything dropped where the mask, (cue, y, x) or (y, x), is True."""
    return Evidence(*(np.where(where, 0, getattr(evidence, n)).astype(getattr(evidence, n).dtype) for n in _FIELDS))


_FIELDS = ("count", "looks", "total", "misses", "first", "last")


def _replaced(evidence: Evidence, layers: list[Cue], part: Evidence) -> Evidence:
    changed = {}
    for name in _FIELDS:
        whole = getattr(evidence, name).copy()
        whole[layers] = getattr(part, name).astype(whole.dtype)
        changed[name] = whole
    return replace(evidence, **changed)


@dataclass(frozen=True)
class Residual:
    """How a look differs from what was expected: `z` float32 (feature, y, x) in σ, NaN where not clear.

    `observed` and `expected` are in the features' own units; `level` is the baseline's constant, the mean of the year.
    """

    names: tuple[str, ...]
    z: Floats
    observed: Floats
    expected: Floats
    level: Floats

    def of(self, name: str) -> Floats | None:
        """The z-scores of one feature, or None where it is lacking."""
        return self.z[self.names.index(name)] if name in self.names else None


def standardise(
    observed: Floats,
    expected: Floats,
    baseline: Baseline,
    *,
    factor: float,
    settled: Mask,
    floors: Mapping[str, float] | None = None,
) -> Residual:
    """Residuals in σ, freed of what the whole scene has in common.

    The median residual of the settled pixels is taken off each feature (haze, moisture, the sensor), and where the
    scene as a whole scatters more than its history foretold (thin cloud, a season or a kind of year the history never
    saw), σ is widened to match.

    Parameters
    ----------
    observed, expected : float32 (feature, y, x). settled : bool (y, x), pixels that belong to no event.
    factor : √ of the prediction's variance ratio, ≥ 1.
    floors : the least σ of each feature, where σ is one that was only supposed: a scene calmer than it narrows it so
        far.
    """
    residual = observed - expected
    z = np.empty_like(residual)
    for f in range(len(residual)):
        common = residual[f][settled & np.isfinite(residual[f])]
        offset = float(np.median(common)) if common.size else 0.0
        name, sigma = baseline.names[f], baseline.spread[f] * factor
        scaled = (residual[f] - offset) / sigma
        excess = _excess(scaled[settled & np.isfinite(scaled)], smeared=name == "texture")
        least = 1.0 if floors is None else floors[name] / baseline.spread[f]
        z[f] = scaled / np.maximum(least, excess)
    return Residual(baseline.names, z, observed, expected, baseline.coefficients[:, 0])


def _excess(calm: npt.NDArray[np.floating[Any]], *, smeared: bool) -> float:
    """By how much a scene scatters more than σ: at its middle, or at the 90 % that in a Gaussian lie within 1.645.

    The wider of the two counts: what changed for good covers a few per cent of an area at most, what a whole
    landscape does together (harvest, a wet year) covers more. A `smeared` feature spreads one change over its whole
    window, so only its middle is asked.
    """
    if not calm.size:
        return 1.0
    middle, wide = np.percentile(np.abs(calm), (50.0, 90.0))
    return float(1.4826 * middle if smeared else max(1.4826 * middle, wide / 1.645))
