"""How finely numbers are kept: a saved state is as large as what its numbers tell, and noise takes most of it.

Steps are powers of two: what was rounded once is not moved by rounding it again, so areas in memory, in files and read
from disk hold the same bytes. Baselines are kept as they were fitted. Rounding them to a thousandth of the least σ
moved events: the numbers of a scene are whole, and many pixels lie right at a threshold.
"""

from __future__ import annotations

import numpy as np

from detectors.acquisition import Floats

_Z_STEP, _SAID_STEP, _AGAINST_STEP, _RANK_STEP = (np.float32(1 / n) for n in (1024, 256, 16, 4096))
_SPLITTER = np.float32(2**8 + 1)


def rounded_z(z: Floats) -> Floats:
    """Round differences in σ.

    Parameters
    ----------
    z
        float32; NaN stays.

    Returns
    -------
    float32.
    """
    return _rounded(z, _Z_STEP)


def rounded_ranks(ranks: Floats) -> Floats:
    """Round ranks, whose sums then need no rounding.

    Parameters
    ----------
    ranks
        float32; NaN stays.

    Returns
    -------
    float32.
    """
    return _rounded(ranks, _RANK_STEP)


def rounded_said(said: Floats) -> Floats:
    """Round what an acquisition says of pixels: coarsely where it is plainly nothing, which is nearly everywhere.

    Parameters
    ----------
    said
        float32, in nats; NaN stays.

    Returns
    -------
    float32.
    """
    return np.where(said < -1.0, _rounded(said, _AGAINST_STEP), _rounded(said, _SAID_STEP))


def rounded_probability(probability: Floats) -> Floats:
    """Round probabilities of any size to 16 significant bits (Veltkamp's splitting).

    Parameters
    ----------
    probability
        float32.

    Returns
    -------
    float32.
    """
    high = probability * _SPLITTER
    return np.asarray(high - (high - probability), np.float32)


def _rounded(values: Floats, step: np.float32) -> Floats:
    return np.asarray(np.rint(values / step) * step, np.float32)
