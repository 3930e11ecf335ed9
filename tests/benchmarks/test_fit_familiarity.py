"""What the fit keeps of its grounds: each is familiar to itself, and new to a table that was fitted without it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from fit_familiarity import level_rows
from series import is_there, real_series, shape_of

from detectors.acquisition import OPTICAL
from detectors.evidence.signatures import LEVELS, Signature, SignatureTable, load_signatures
from detectors.ground import whole
from detectors.monitor.steps import begin
from detectors.monitor.unfamiliar import unfamiliar_ground

PACKAGED = load_signatures()


def grounds(seed: int, *means: float) -> np.ndarray:
    """Levels of a ground, (pixel, feature), around some means; NaN for a feature that has none."""
    return np.array(means) + np.random.default_rng(seed).normal(0, 2, (500, len(means)))


def test_a_ground_is_one_row_of_all_its_cases():
    rows = level_rows([("wood", {OPTICAL: grounds(1, 5, 40)}), ("wood", {OPTICAL: grounds(2, 15, 40)})])
    (row,) = json.loads(json.dumps(rows))
    assert (row["sensor"], row["history"], row["ground"]) == (OPTICAL, LEVELS, "wood")
    assert row["mean"] == pytest.approx([10, 40], abs=0.3)
    assert np.diag(row["covariance"]) == pytest.approx([25 + 4 + 1, 4 + 1], abs=1.5), "with the least σ"
    assert "2 cases" in row["source"]


def test_a_feature_that_was_never_measured_has_no_mean_and_stands_apart():
    (row,) = level_rows([("desert", {OPTICAL: grounds(1, 60, np.nan)})])
    assert row["mean"][1] is None
    assert row["covariance"][0][1] == 0
    assert np.linalg.eigvalsh(row["covariance"]).min() > 0


def test_rows_are_written_as_they_are_read():
    levels = [("wood", {OPTICAL: grounds(1, 5, 40)})]
    assert level_rows(levels) == level_rows(levels)
    row = level_rows(levels)[0]
    Signature(np.array(row["mean"], float), np.array(row["covariance"]))


def without(*left_out: str) -> SignatureTable:
    return replace(PACKAGED, rows={key: row for key, row in PACKAGED.rows.items() if key[2] not in left_out})


@pytest.mark.skipif(not is_there(), reason="shared/archives is not beside this checkout")
@pytest.mark.parametrize(
    ("name", "is_new"), [("newcapital-egypt", True), ("s1-t137-292323-iw2", True), ("slovenia-medvode", False)]
)
def test_left_out_of_the_fit_only_a_ground_of_another_kind_is_new(name, is_new):
    acquisitions = real_series(name)
    state, _ = begin(whole(shape_of(acquisitions)), acquisitions[:8] if name.startswith("s1") else acquisitions[:1])
    assert unfamiliar_ground(state, PACKAGED) is None
    found = unfamiliar_ground(state, without(name))
    assert (found is not None) == is_new
    assert found is None or found.share > 0.5
