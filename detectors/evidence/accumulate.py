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
confirmed at 36 in place of the published 3² · 2.5 = 22.5 (see the README).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from detectors.acquisition import Floats, Mask


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

    `familiar_weight` is what an acquisition counts when the pixel has read such values before in another season (a
    harvest come early); `lost_after` is how many clear acquisitions in a row without disturbance empty a pixel; both
    chosen on simulated paddies and the Romanian series. `radar_low` takes the place of `low` for radar: speckle passes
    2.5 σ as often as chance says, and a field ploughed or a wall of rain more often (chosen on simulated places).
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

    `count` float32: disturbed acquisitions, familiar ones counting less; `acquisitions` int16: clear acquisitions
    since the first; `total` float32: sum of the metric over them, in σ; `misses` int16: clear acquisitions since the
    last disturbed one; `first` and `last` int32: day numbers, 0 where nothing is held.
    """

    count: Floats
    acquisitions: npt.NDArray[np.int16]
    total: Floats
    misses: npt.NDArray[np.int16]
    first: npt.NDArray[np.int32]
    last: npt.NDArray[np.int32]

    @property
    def mean(self) -> Floats:
        """Compute the mean metric over the clear acquisitions since the first, float32 (cue, y, x) in σ."""
        return (self.total / np.maximum(self.acquisitions, 1)).astype(np.float32)

    @property
    def confidence(self) -> Floats:
        """Compute mean · count², float32 (cue, y, x)."""
        return (self.mean * self.count**2).astype(np.float32)


def no_evidence(shape: tuple[int, int]) -> Evidence:
    """Make evidence that holds nothing against any pixel.

    Parameters
    ----------
    shape
        Rows and columns.

    Returns
    -------
    Evidence.
    """
    full = (len(Cue), *shape)
    return Evidence(
        np.zeros(full, np.float32),
        np.zeros(full, np.int16),
        np.zeros(full, np.float32),
        np.zeros(full, np.int16),
        np.zeros(full, np.int32),
        np.zeros(full, np.int32),
    )


def add_evidence(
    evidence: Evidence,
    metric: Floats,
    *,
    day: int,
    familiar: Mask,
    cues: tuple[Cue, ...],
    parameters: EvidenceParameters | None = None,
) -> Evidence:
    """Add one acquisition to the evidence.

    Parameters
    ----------
    evidence
        What is held against each pixel.
    metric
        float32 (cue in `cues`, y, x), in σ; NaN where the acquisition says nothing, and nothing changes there.
    day
        Day number of the acquisition.
    familiar
        bool (y, x), True where the pixel has read such values before.
    cues
        Which layers `metric` holds.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    Evidence.
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
        acquisitions=part.acquisitions + held,
        total=part.total + np.where(held, worth, 0.0),
        misses=np.where(disturbed, 0, part.misses + (held & ~disturbed)),
        first=np.where(fresh, day, part.first),
        last=np.where(disturbed, day, part.last),
    )
    lost = (added.misses >= p.lost_after) & (
        (added.confidence < p.confirmed) | (added.count < 0.5 * added.acquisitions)
    )
    return _replaced(evidence, layers, clear_evidence(added, lost))


def clear_evidence(evidence: Evidence, where: Mask) -> Evidence:
    """Drop all evidence where a mask is True.

    Parameters
    ----------
    evidence
        What is held against each pixel.
    where
        bool (cue, y, x) or (y, x).

    Returns
    -------
    Evidence.
    """
    return Evidence(*(np.where(where, 0, getattr(evidence, n)).astype(getattr(evidence, n).dtype) for n in _FIELDS))


_FIELDS = ("count", "acquisitions", "total", "misses", "first", "last")


def _replaced(evidence: Evidence, layers: list[Cue], part: Evidence) -> Evidence:
    changed = {}
    for name in _FIELDS:
        whole = getattr(evidence, name).copy()
        whole[layers] = getattr(part, name).astype(whole.dtype)
        changed[name] = whole
    return replace(evidence, **changed)
