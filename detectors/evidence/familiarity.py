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
    grounds = [row for (of, kind, _), row in table.rows.items() if (of, kind) == (sensor, LEVELS)]
    # a ground that was seen without one of these features cannot speak for it
    grounds = [row for row in grounds if np.isfinite(row.mean[at]).all()]
    least, most_like = np.full(x.shape[1], np.inf), np.zeros(x.shape[1], np.intp)
    for n, row in enumerate(grounds):
        apart = x - row.mean[at][:, None]
        distance = np.einsum("fp,fp->p", apart, np.linalg.inv(row.covariance[np.ix_(at, at)]) @ apart)
        nearer = distance < least
        least[nearer], most_like[nearer] = distance[nearer], n
    is_far = np.flatnonzero(np.isfinite(least) & (least > 2.0 * gammaincinv(len(names) / 2, WITHIN)))
    beyond = np.zeros(x.shape, np.int8)
    if not is_far.size:
        return beyond
    means = np.array([row.mean[at] for row in grounds])[most_like[is_far]].T
    sigmas = np.array([np.sqrt(np.diag(row.covariance)[at]) for row in grounds])[most_like[is_far]].T
    differs = (x[:, is_far] - means) / sigmas
    largest = np.abs(differs).argmax(axis=0)
    beyond[largest, is_far] = np.sign(np.take_along_axis(differs, largest[None], axis=0)[0])
    return beyond
