"""What each look shows of each structure and of the ground around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from detectors.acquisition import OPTICAL, Acquisition, Floats
from detectors.claims.structure_cover import StructureCover
from detectors.preprocessing.align import align_acquisition
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
    acquisitions: Sequence[Acquisition], cover: StructureCover, *, reference: Floats | None
) -> StructureSeries | None:
    """Read every structure off every acquisition of one series that can be used.

    One acquisition at a time is asked for, so that they need not all be in memory.

    Parameters
    ----------
    acquisitions
        Scenes as numbers, oldest first, of one series.
    cover
        The structures on the grid.
    reference
        float32 (y, x), the image that scenes are registered to, as `reference_image` makes it; None for none.

    Returns
    -------
    StructureSeries, or None where nothing could be used.
    """
    everywhere = np.ones(cover.shape, bool)
    found, days, wanted, name, sensor = list[dict[str, Floats]](), list[int](), tuple[str, ...](), "", ""
    for acquisition in acquisitions:
        aligned = align_acquisition(acquisition, reference=reference, monitored_mask=everywhere)
        if aligned.report.status == "used":
            name, sensor = acquisition.series, acquisition.sensor
            wanted = OPTICAL_FEATURES if sensor == OPTICAL else RADAR_FEATURES
            names = tuple(n for n in wanted if n in aligned.features.names)
            found.append(dict(zip(names, _columns(aligned.features, names, cover), strict=True)))
            days.append(aligned.report.day)
    names = tuple(n for n in wanted if all(n in one for one in found))
    if not names:
        return None
    values = np.stack([np.stack([one[n] for n in names]) for one in found])
    return StructureSeries(name, sensor, names, np.array(days, np.int64), values, cover.count)


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
