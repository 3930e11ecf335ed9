# mypy: disable-error-code="no-any-return"
"""The peers that follow a pixel's index date by date: EWMA, CUSUM and MOSUM of the JRC's `nrt`.

`nrt` stops a pixel at its first break. Here it goes on, and what is kept of every date is |process| / boundary, so
that 1 is where `nrt` itself would have alerted and any other threshold can be read off too.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import xarray
from nrt.monitor.cusum import CuSum
from nrt.monitor.ewma import EWMA
from nrt.monitor.mosum import MoSum

from detectors.acquisition import Floats

MONITORS = {"nrt EWMA": EWMA, "nrt CUSUM": CuSum, "nrt MOSUM": MoSum}


@dataclass(frozen=True)
class ChartParameters:
    """How an index is watched: `nrt`'s own settings but for the fit.

    No trend (on under two years of history it makes `nrt` alert everywhere), least squares over the whole history
    (its stable-history test drops pixels that then are never watched), and no limit above which a reading is thrown
    away as an outlier, for a new metal roof is one. `sign` is +1 where only a rise counts, −1 for a fall, 0 for both.
    """

    index: str
    sign: int = 0
    harmonics: int = 2


def chart(
    name: str,
    history: Floats,
    history_days: npt.NDArray[np.int64],
    acquisitions: Floats,
    days: npt.NDArray[np.int64],
    parameters: ChartParameters,
) -> Floats:
    """|process| / boundary after every look, float32 (time, y, x); 0 where the history could not be fitted.

    `history` and `looks` are one index, float32 (time, y, x) with NaN where not clear; days are day numbers.
    """
    settings = {"threshold_outlier": np.inf} if name == "nrt EWMA" else {}
    monitor = MONITORS[name](trend=False, harmonic_order=parameters.harmonics, update_mask=False, **settings)
    out = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        monitor.fit(_labelled(history, history_days), method="OLS")
        monitor.mask[monitor.mask == 2] = 1  # past its boundary when the history ends: still watched
        for acquisition, day in zip(acquisitions, days, strict=True):
            monitor.monitor(acquisition.astype(np.float64), datetime.fromordinal(int(day)))
            out.append(_against_boundary(monitor.process, monitor.boundary, parameters.sign))
    return np.stack(out) if out else np.empty((0, *history.shape[1:]), np.float32)


def _against_boundary(process: np.ndarray, boundary: np.ndarray, sign: int) -> Floats:
    moved = np.abs(process) if sign == 0 else sign * process
    return np.nan_to_num(moved / boundary, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)


def _labelled(values: Floats, days: npt.NDArray[np.int64]) -> xarray.DataArray:
    time = np.array([datetime.fromordinal(int(d)) for d in days], "datetime64[ns]")
    _, height, width = values.shape
    places = {"time": time, "y": np.arange(height, 0, -1) * 10.0, "x": np.arange(width) * 10.0}
    return xarray.DataArray(values.astype(np.float64), dims=("time", "y", "x"), coords=places)
