"""One acquisition against a series, in two steps: measure the scene once, then apply that to blocks of pixels.

What needs the whole scene (what it has in common, its null, what quiet ground says by chance) is measured on all pixels
of a small area and on a lattice of a large one (`detectors/lattice.py`). The rest needs one pixel at a time. So any
blocks give the numbers of the whole frame, byte for byte, if their features were measured with a halo.
"""

from __future__ import annotations

from dataclasses import dataclass

from detectors.acquisition import Floats, Mask
from detectors.baseline.harmonic import Baseline, prediction_factor
from detectors.baseline.residual import SceneMotion, apply_motion, measure_motion
from detectors.evidence.emission import (
    SceneCalm,
    SceneNull,
    hold,
    measure_calm,
    measure_null,
    ratios_over,
    scatter_over,
)
from detectors.evidence.signatures import SEASONS, SignatureTable


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
    return SceneMeasures(sensor, day, factor, motion, null, calm, scatter_over(null, z, baseline.names, table))


def apply_scene(
    observed: Floats, baseline: Baseline, measures: SceneMeasures, *, table: SignatureTable
) -> tuple[Floats, Floats]:
    """Compute what a scene says of a block of pixels.

    Parameters
    ----------
    observed
        float32 (feature, y, x), in the order of the baseline's names; NaN where not clear.
    baseline
        The fitted expectation, of the same pixels.
    measures
        Of the whole scene.
    table
        The signatures.

    Returns
    -------
    float32 (feature, y, x), float32 (class, y, x): z in σ, and l' in nats, which `step_filter` takes.
    """
    z = apply_motion(observed, baseline, measures.motion, day=measures.day, factor=measures.factor).z
    ratios = ratios_over(z, baseline.names, measures.null, resolution_px=1.0, table=table)[0]
    return z, hold(ratios, measures.calm)
