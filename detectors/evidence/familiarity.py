"""Whether ground is like that on which the table of signatures was fitted: the levels of its baseline say so.

The table has a row for every ground of the fit, the mean and the covariance of the levels over it in units of the least
σ. Features are asked together: sand is as bright as roofs and as smooth as a wood, and only both at once is new.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from detectors.acquisition import Floats
from detectors.baseline.uncertainty import FLOORS
from detectors.evidence.signatures import LEVELS, SignatureTable

WITHIN = 0.95
"""Of a Gaussian with the mean and the covariance of a ground. Chosen by leaving one ground out, where it parts the new
from the like most widely: 58 % of a desert and 75 % of a ground by radar lie outside, 2 to 24 % of any other."""


def unlike_any(level: Floats, names: tuple[str, ...], *, sensor: str, table: SignatureTable) -> npt.NDArray[np.int8]:
    """Find pixels whose levels no ground of the fit has.

    Parameters
    ----------
    level, names, sensor
        float32 (feature, pixel), the constant of a baseline, in the features' own units, NaN where never seen; the
        features in that order, and the sensor that measured them.
    table
        The signatures.

    Returns
    -------
    int8 (feature, pixel): 0 for a ground that the fit saw and where nothing is known; else 1 or −1 at the feature by
    which it differs most from the ground that is most like it, as it is higher or lower.
    """
    at = [table.features[sensor].index(name) for name in names]
    x = level / np.array([FLOORS[name] for name in names])[:, None]
    least, most = np.full(x.shape[1], np.inf), np.zeros(x.shape)
    for (of, kind, _), row in table.rows.items():
        if (of, kind) != (sensor, LEVELS) or np.isnan(row.mean[at]).any():
            continue  # a ground that was seen without one of these features cannot speak for it
        apart, covariance = x - row.mean[at][:, None], row.covariance[np.ix_(at, at)]
        distance = (apart * np.linalg.solve(covariance, apart)).sum(axis=0)
        nearer = distance < least
        least[nearer] = distance[nearer]
        most[:, nearer] = (apart / np.sqrt(np.diag(covariance))[:, None])[:, nearer]
    is_far = np.isfinite(least) & (least > 2.0 * gammaincinv(len(names) / 2, WITHIN))
    is_largest = np.arange(len(names))[:, None] == np.abs(most).argmax(axis=0)
    return np.where(is_far & is_largest, np.sign(most), 0).astype(np.int8)
