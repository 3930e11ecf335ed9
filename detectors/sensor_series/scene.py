"""One acquisition against a series, in two steps: measure the scene once, then apply that to blocks of pixels.

What needs the whole scene (what it has in common, its null, what quiet ground says by chance) is measured on all pixels
of a small area and on a lattice of a large one (`detectors/lattice.py`). The rest needs one pixel at a time. So any
blocks give the numbers of the whole frame, byte for byte, if their features were measured with a halo.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.acquisition import Floats, Mask
from detectors.baseline.harmonic import Baseline, prediction_factor
from detectors.baseline.residual import SceneMotion, apply_motion, measure_motion, residual_numbers
from detectors.evidence.belief import STATES, filter_numbers
from detectors.evidence.emission import (
    SceneCalm,
    SceneNull,
    calm_numbers,
    density_numbers,
    measure_calm,
    measure_null,
    ratios_over,
    scatter_over,
)
from detectors.evidence.signatures import CLASSES, SEASONS, UNCHANGED, SignatureTable
from detectors.sensor_series.scene_numba import write_evidence
from detectors.shapes import check_shapes

Days = npt.NDArray[np.int32]
SAID = len(CLASSES) + 1
"""Rows of what a scene says: the classes, and water."""


@dataclass(frozen=True)
class SceneMeasures:
    """What is measured of a whole scene after a history of seasons, and applied to each of its blocks.

    `factor` is √ of the prediction's variance ratio, `scatter` how far the null scatters against the table's.
    """

    sensor: str
    day: int
    factor: float
    motion: SceneMotion
    null: SceneNull
    calm: SceneCalm
    scatter: float


def measure_scene(
    observed: Floats, baseline: Baseline, *, sensor: str, day: int, stable_mask: Mask, table: SignatureTable
) -> SceneMeasures:
    """Measure a scene on all of its area, or on the lattice of its pixels.

    Parameters
    ----------
    observed
        float32 (feature, y, x), in the order of the baseline's names; NaN where not clear.
    baseline
        The fitted expectation, of the same pixels.
    sensor
        One that the table has rows of after a history of seasons.
    day
        Day number.
    stable_mask
        bool (y, x), ground that belongs to no event.
    table
        The signatures.

    Returns
    -------
    SceneMeasures.
    """
    factor = prediction_factor(baseline, day)
    motion = measure_motion(observed, baseline, day=day, factor=factor, stable_mask=stable_mask)
    z = apply_motion(observed, baseline, motion, day=day, factor=factor).z
    null = measure_null(z, baseline.names, sensor=sensor, history=SEASONS, stable_mask=stable_mask, table=table)
    ratios = ratios_over(z, baseline.names, null, resolution_px=1.0, table=table)[0]
    calm = measure_calm(ratios, null, stable_mask=stable_mask, table=table)
    is_known = (sensor, SEASONS, UNCHANGED) in table.rows
    scatter = scatter_over(null, z, baseline.names, table) if is_known else 0.0
    return SceneMeasures(sensor, day, factor, motion, null, calm, scatter)


def apply_scene(
    observed: Floats,
    baseline: Baseline,
    measures: SceneMeasures,
    before: tuple[Floats, Days],
    *,
    move: Floats,
    table: SignatureTable,
    out: tuple[Floats, Floats, Days],
) -> None:
    """Take a scene into what is believed of a block of pixels, in one pass, writing to arrays that may be used again.

    What comes out is, to the last byte, that of `apply_motion`, `ratios_over`, `hold` and `step_filter` in turn.

    Parameters
    ----------
    observed
        float32 (feature, y, x), in the order of the baseline's names; NaN where not clear.
    baseline
        The fitted expectation, of the same pixels.
    measures
        Of the whole scene.
    before
        float32 (state, y, x), int32 (class, y, x): what is believed, and since when.
    move
        float32 (state, state), as `transition` gives it for the days that passed.
    table
        The signatures.
    out
        float32 (SAID, y, x), float32 (state, y, x), int32 (class, y, x), contiguous, written: l' in nats, of water
        last, what is believed, and since when.
    """
    m, shape = measures, observed.shape[1:]
    check_shapes(observed.shape, {"spread": baseline.spread})
    check_shapes((SAID, *shape), {"what is said": out[0]})
    check_shapes((len(STATES), *shape), {"probability": before[0], "probability to write": out[1]})
    check_shapes((len(CLASSES), *shape), {"since": before[1], "since to write": out[2]})
    write_evidence(
        _by_pixel(observed),
        residual_numbers(baseline, m.motion, day=m.day, factor=m.factor),
        density_numbers(baseline.names, m.null, table),
        calm_numbers(m.calm),
        filter_numbers(move, m.day),
        (_by_pixel(before[0]), _by_pixel(before[1])),
        (_in_place(out[0]), _in_place(out[1]), _in_place(out[2])),
    )


def _by_pixel(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.ascontiguousarray(array).reshape(len(array), -1)


def _in_place(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    flat = array.view()
    flat.shape = (len(array), array[0].size)  # fails where a copy would be needed
    return flat
