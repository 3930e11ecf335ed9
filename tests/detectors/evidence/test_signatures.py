"""The table of signatures: whole, sound, with its sources, and of the signs that physics asks for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from detectors.acquisition import OPTICAL, RADAR
from detectors.baseline.uncertainty import FLOORS
from detectors.evidence import signatures
from detectors.evidence.signatures import (
    CLASSES,
    LEVELS,
    ONE_SCENE,
    PACKAGED,
    PLACES,
    SEASONS,
    UNCHANGED,
    WATER,
    load_signatures,
)

FILE = Path(signatures.__file__).with_name(PACKAGED)
TABLE = load_signatures()
WRITTEN = json.loads(FILE.read_text())["rows"]
KINDS = ((OPTICAL, SEASONS), (OPTICAL, ONE_SCENE), (RADAR, SEASONS))
GAINS = ("cleared", "built", "cleared place", "built place")


def named(row: dict[str, object]) -> str:
    return f"{row['sensor']}, {row['history']}, {row['ground']}"


@pytest.mark.parametrize(("sensor", "history"), KINDS)
@pytest.mark.parametrize("ground", [UNCHANGED, *CLASSES, *PLACES])
def test_there_is_a_row_for_every_kind_of_ground(sensor, history, ground):
    row = TABLE.row(sensor, history, ground)
    assert row is not None
    assert row.mean.shape == (len(TABLE.features[sensor]),)
    assert row.covariance.shape == (len(TABLE.features[sensor]),) * 2
    assert np.isfinite(row.mean).all()


def test_what_the_table_lacks_is_told_as_lacking():
    assert TABLE.row(RADAR, ONE_SCENE, "built") is None
    assert TABLE.row(OPTICAL, SEASONS, "snow") is None


def test_no_row_is_written_twice():
    names = [named(row) for row in WRITTEN]
    assert len(set(names)) == len(names) == len(TABLE.rows)


@pytest.mark.parametrize("key", list(TABLE.rows), ids=", ".join)
def test_covariances_are_symmetric_and_positive_definite(key):
    covariance = TABLE.rows[key].covariance
    assert np.array_equal(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_levels_and_scatter_are_fitted_for_every_sensor():
    for sensor, history in KINDS:
        assert any((of, kind) == (sensor, LEVELS) for of, kind, _ in TABLE.rows)
        assert TABLE.scatter[sensor][history] > 0


def test_a_table_of_before_is_read_and_finds_nothing_unfamiliar(tmp_path):
    written = json.loads(FILE.read_text())
    del written["scatter"]
    written["rows"] = [row for row in written["rows"] if row["history"] != LEVELS]
    (tmp_path / "before.json").write_text(json.dumps(written))
    before = load_signatures(str(tmp_path / "before.json"))
    assert before.scatter == {}
    assert not any(kind == LEVELS for _, kind, _ in before.rows)


@pytest.mark.parametrize("row", WRITTEN, ids=named)
def test_every_row_has_its_source(row):
    assert row.get("source"), "run tests/benchmarks/accuracy/fit_signatures.py, which writes it"


@pytest.mark.parametrize("sensor", [OPTICAL, RADAR])
def test_features_are_those_that_are_measured(sensor):
    names = TABLE.features[sensor]
    assert len(set(names)) == len(names)
    assert set(names) <= FLOORS.keys()
    assert TABLE.features.keys() == {OPTICAL, RADAR}


@pytest.mark.parametrize("history", [SEASONS, ONE_SCENE])
def test_objects_are_weighed_by_four_figures_and_named_by_a_lead(history):
    assert len(TABLE.objects[history]) == 4
    assert np.isfinite(TABLE.objects[history]).all()
    assert np.isfinite(TABLE.built_lead[history])


def mean_of(sensor: str, history: str, ground: str, feature: str) -> float:
    return float(TABLE.row(sensor, history, ground).mean[TABLE.features[sensor].index(feature)])


@pytest.mark.parametrize("history", [SEASONS, ONE_SCENE])
def test_ground_looks_as_physics_has_it(history):
    """Bare ground and roofs are brighter and less green than what grew; what is pulled down leaves smoother ground."""
    for ground in GAINS:
        assert mean_of(OPTICAL, history, ground, "vegetation") < 0 < mean_of(OPTICAL, history, ground, "brightness")
        assert mean_of(OPTICAL, history, ground, "texture") > 0
    for ground in ("removed", "removed place"):
        assert mean_of(OPTICAL, history, ground, "texture") < 0
    redness = [mean_of(OPTICAL, history, ground, "redness") for ground in ("built", "cleared")]
    assert redness[0] < redness[1], "soil is redder than a roof"


@pytest.mark.parametrize("polarisation", ["vv", "vh"])
def test_walls_and_roofs_throw_radar_back(polarisation):
    removed, built = (mean_of(RADAR, SEASONS, ground, polarisation) for ground in ("removed", "built"))
    assert removed < 0 < built


def test_water_is_smooth_and_dark_beyond_the_visible():
    for feature in ("vegetation", "built", "texture"):
        assert mean_of(OPTICAL, SEASONS, WATER, feature) < 0


def test_a_table_is_read_once():
    assert load_signatures() is load_signatures()


def test_a_table_fitted_elsewhere_is_read_by_its_path(tmp_path):
    written = json.loads(FILE.read_text())
    written["rows"][0]["mean"][0] += 1.0
    written["built_lead"][SEASONS] = 0.77
    (tmp_path / "other.json").write_text(json.dumps(written))
    other = load_signatures(str(tmp_path / "other.json"))
    key = tuple(written["rows"][0][n] for n in ("sensor", "history", "ground"))
    assert other.rows[key].mean[0] == pytest.approx(TABLE.rows[key].mean[0] + 1.0)
    assert other.built_lead[SEASONS] == 0.77
    assert other.rows.keys() == TABLE.rows.keys()


def test_a_file_that_is_not_there_is_missed(tmp_path):
    with pytest.raises(OSError, match=r"nowhere\.json"):
        load_signatures(str(tmp_path / "nowhere.json"))


@pytest.mark.parametrize("text", ["", "no table", "[]", "{}", '{"rows": [{}], "features": {}}'])
def test_a_file_that_is_no_table_is_refused(tmp_path, text):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(ValueError, match=r"."):
        load_signatures(str(tmp_path / "bad.json"))
