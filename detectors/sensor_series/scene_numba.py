"""The compiled form of what `scene` applies to a block: residual, densities, what is held, and the filter, in one pass.

Each strip of pixels goes through all of them while it is in the cache; only what is kept is written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from detectors.baseline.residual_numba import z_of_strip
from detectors.evidence.belief_numba import ROOM, step_strip
from detectors.evidence.emission_numba import FEATURES, hold_strip, room_for_sets, take_feature, write_strip
from detectors.vector_math import STRIP


@njit(nogil=True, cache=True, error_model="numpy")
def write_evidence(observed: Any, baseline: Any, table: Any, calm: Any, filter_: Any, before: Any, out: Any) -> None:
    """Write l', the probabilities of the states, and the days on which classes began.

    Parameters
    ----------
    observed
        float32 (feature, pixel).
    baseline
        Of `write_z`: coefficients, spread, weights, offsets, factor, floors, widening.
    table
        Of `write_ratios`: slots, means, covariances, is_there, degrees.
    calm
        Of `write_held`: known, tail, seen, doubtful, least_false, floor.
    filter_
        Of `write_step`: move, day, tempered, anomaly, least, told, priors.
    before
        float32 (state, pixel), int32 (class, pixel).
    out
        float32 (row, pixel), float32 (state, pixel), int32 (class, pixel), written.
    """
    coefficients, spread, weights, offsets, factor, floors, widening = baseline
    slots, means, covariances, is_there, degrees = table
    known, tail, seen_px, doubtful, least_false, floor = calm
    move, day, tempered, anomaly, least, told, priors = filter_
    probability, since = before
    held, after, begun = out
    x, codes = np.zeros(FEATURES * STRIP, np.float32), np.zeros(STRIP, np.uint8)
    z, scratch = np.empty(STRIP, np.float32), np.empty(STRIP, np.float32)
    sets, ratios = room_for_sets(means.shape[0], means.shape[1]), np.empty((means.shape[0] - 2, STRIP), np.float32)
    pair, room, seen = np.empty((2, STRIP), np.float32), np.empty(ROOM, np.float32), np.empty(STRIP, np.uint8)
    for start in range(0, observed.shape[1], STRIP):
        n = min(STRIP, observed.shape[1] - start)
        codes[:n] = 0
        for f in range(slots.size):
            if slots[f] >= 0:
                z_of_strip(
                    f, start, start + n, observed, coefficients, spread, weights, offsets, factor, floors, widening,
                    scratch, z[:n],
                )  # fmt: skip
                take_feature(z[:n], slots[f], x, codes[:n])
        write_strip(x, codes[:n], sets, means, covariances, is_there, degrees, ratios, 0)
        hold_strip(ratios, 0, n, known, tail, seen_px, doubtful, least_false, floor, pair, held, start)
        step_strip(
            move, probability, held, start, since, start, n, day, tempered, anomaly, least, told, priors, room, seen,
            after, begun,
        )  # fmt: skip
