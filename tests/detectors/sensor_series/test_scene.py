"""A scene that is measured once and applied to blocks: what comes out is that of the whole frame."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from detectors import lattice
from detectors.acquisition import OPTICAL, RADAR
from detectors.baseline.harmonic import fit_baseline, prediction_factor
from detectors.baseline.residual import standardise
from detectors.evidence.belief import SENSORS, add_ratios, no_evidence, transition
from detectors.evidence.emission import log_ratios, relative_scatter
from detectors.evidence.signatures import SEASONS, load_signatures
from detectors.lattice import lattice_of, lattice_step
from detectors.sensor_series.scene import SAID, apply_scene, measure_scene

SHAPE, DAY = (70, 90), 739_000
NAMES = {OPTICAL: ("vegetation", "built", "redness", "brightness", "contrast", "texture"), RADAR: ("vv", "vh")}
TABLE = load_signatures()
STABLE = np.random.default_rng(2).random(SHAPE) < 0.9


def watched(sensor: str):
    """A baseline of a dozen acquisitions, and one more with clouds and a block that changed."""
    rng, names = np.random.default_rng(4), NAMES[sensor]
    days = DAY - 400 + 31 * np.arange(12)
    values = rng.normal(0.3, 0.05, (13, len(names), *SHAPE)).astype(np.float32)
    values[-1, :, 20:40, 30:50] += 0.4
    values[rng.random(values.shape[:1] + SHAPE)[:, None].repeat(len(names), 1) < 0.2] = np.nan
    return fit_baseline(values[:-1], days, names=names), values[-1]


@pytest.mark.parametrize("sensor", [OPTICAL, RADAR])
@pytest.mark.parametrize("all_px", [lattice.ALL_PX, 2000])
def test_blocks_of_any_size_give_the_bytes_of_the_whole(sensor, all_px, monkeypatch):
    """Where all pixels are measured, and where a lattice is."""
    monkeypatch.setattr(lattice, "ALL_PX", all_px)
    baseline, observed = watched(sensor)
    factor = prediction_factor(baseline, DAY)
    z = standardise(observed, baseline, day=DAY, factor=factor, stable_mask=STABLE).z
    how = {"sensor": sensor, "history": SEASONS, "stable_mask": STABLE, "table": TABLE}
    said = log_ratios(z, baseline.names, resolution_px=1.0, **how)[0][0]
    evidence = add_ratios(no_evidence(SHAPE), said, sensor=sensor, day=DAY)
    some = lattice_of(SHAPE)
    measures = measure_scene(
        observed[:, *some], baseline.at(some), sensor=sensor, day=DAY, stable_mask=STABLE[some], table=TABLE
    )
    assert measures.scatter == relative_scatter(z, baseline.names, **how)
    s = SENSORS.index(sensor)
    for side in (16, 41):
        for top, left in product(range(0, SHAPE[0], side), range(0, SHAPE[1], side)):
            block = (slice(top, top + side), slice(left, left + side))
            before = no_evidence(STABLE[block].shape)
            held = np.empty((len(said), *before.shape), np.float32)
            out = (held, np.empty_like(before.probability[s]), np.empty_like(before.since[s]))
            apply_scene(
                observed[:, *block],
                baseline.at(block),
                measures,
                (before.probability[s], before.since[s]),
                move=transition(0),
                table=TABLE,
                out=out,
            )
            for part, whole in zip(out, (said, evidence.probability[s], evidence.since[s]), strict=True):
                assert part.tobytes() == whole[:, *block].tobytes()


def test_arrays_of_another_block_are_refused():
    baseline, observed = watched(RADAR)
    measures = measure_scene(observed, baseline, sensor=RADAR, day=DAY, stable_mask=STABLE, table=TABLE)
    before = no_evidence(SHAPE)
    good = (np.empty((SAID, *SHAPE), np.float32), before.probability[1].copy(), before.since[1].copy())
    state = (before.probability[1], before.since[1])
    for n in range(3):
        out = tuple(array[:, :-1].copy() if k == n else array for k, array in enumerate(good))
        with pytest.raises(ValueError, match="which does not end in"):
            apply_scene(observed, baseline, measures, state, move=transition(3), table=TABLE, out=out)
    with pytest.raises(ValueError, match="stable_mask has the shape"):
        measure_scene(observed, baseline, sensor=RADAR, day=DAY, stable_mask=STABLE[1:], table=TABLE)


def test_the_lattice_is_all_of_a_small_area_and_a_million_pixels_at_most_of_a_large_one():
    for shape, step in (((3, 5), 1), ((1024, 1024), 1), ((2048, 2048), 1), ((2049, 2048), 3), ((10_980, 10_980), 11)):
        assert lattice_step(shape) == step
        rows, columns = (len(range(n)[s]) for n, s in zip(shape, lattice_of(shape), strict=True))
        assert rows * columns <= (lattice.ALL_PX if step == 1 else lattice.LATTICE_PX)
