"""What each look shows of each structure and of the ground around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
from scipy import sparse

from detectors.acquisition import OPTICAL, Acquisition, Floats
from detectors.claims.structure_cover import StructureCover
from detectors.preprocessing.align import align_acquisition, reference_image
from detectors.preprocessing.features import Features

OPTICAL_FEATURES = ("brightness", "vegetation", "greenness", "built", "redness")
RADAR_FEATURES = ("vv", "vh")
"""Features of a pixel by itself: windows of contrast and texture would show the neighbours of a roof."""
CLEAR_SHARE = 0.7
"""Of a structure, and of the ground around it, that a look must show."""


@dataclass(frozen=True)
class StructureSeries:
    """One series of looks at the structures of an area.

    `values` float32 (look, feature, column), NaN where not seen: the structures, then the ground around each, then the
    controls. `count` is how many structures there are.
    """

    name: str
    sensor: str
    names: tuple[str, ...]
    days: npt.NDArray[np.int64]
    values: Floats
    count: int


def read_structures(
    acquisitions: Sequence[Acquisition], cover: StructureCover, *, before: date
) -> tuple[StructureSeries, ...]:
    """Read every structure off every acquisition that can be used.

    Parameters
    ----------
    acquisitions
        Scenes as numbers, oldest first, of any series.
    cover
        The structures on the grid.
    before
        The image that scenes are registered to is made of those before this day, or of all where there are none.

    Returns
    -------
    tuple of StructureSeries, optical first, then by name; a series of which nothing could be used is left out.
    """
    names = sorted({a.series for a in acquisitions}, key=lambda name: (not name.startswith(OPTICAL), name))
    found = [_read_one([a for a in acquisitions if a.series == name], cover, before) for name in names]
    return tuple(series for series in found if series is not None)


def _read_one(acquisitions: Sequence[Acquisition], cover: StructureCover, before: date) -> StructureSeries | None:
    earlier = [a for a in acquisitions if a.day < before]
    reference = reference_image(earlier or acquisitions)
    everywhere = np.ones(cover.shape, bool)
    readings = [align_acquisition(a, reference=reference, monitored_mask=everywhere) for a in acquisitions]
    used = [r for r in readings if r.report.status == "used"]
    wanted = OPTICAL_FEATURES if acquisitions[0].sensor == OPTICAL else RADAR_FEATURES
    names = tuple(n for n in wanted if all(n in r.features.names for r in used))
    if not used or not names:
        return None
    values = np.stack([_columns(r.features, names, cover) for r in used])
    days = np.array([r.report.day for r in used], np.int64)
    return StructureSeries(acquisitions[0].series, acquisitions[0].sensor, names, days, values, cover.count)


def _columns(features: Features, names: tuple[str, ...], cover: StructureCover) -> Floats:
    """The mean of each structure, of the ground around it, and each control, float32 (feature, column)."""
    image = np.stack([features.values[features.names.index(n)] for n in names]).reshape(len(names), -1)
    clear = (features.clear.ravel() & np.isfinite(image).all(axis=0)).astype(np.float64)
    shown = np.where(clear > 0, image, 0.0)
    parts = [_means(cover.roofs, shown, clear), _means(cover.surroundings, shown, clear)]
    parts.append(np.where(clear[cover.controls] > 0, shown[:, cover.controls], np.nan))
    return np.concatenate(parts, axis=1).astype(np.float32)


def _means(
    weights: sparse.csr_matrix, shown: npt.NDArray[np.float64], clear: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    seen, whole = weights @ clear, np.asarray(weights.sum(axis=1)).ravel()
    means = (weights @ shown.T).T / np.maximum(seen, 1e-9)
    return np.where((seen >= CLEAR_SHARE * whole) & (whole > 0), means, np.nan)
