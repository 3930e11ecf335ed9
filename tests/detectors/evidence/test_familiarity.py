"""Ground of the fit is familiar, ground of other levels is not, and a table that knows no levels says nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detectors.acquisition import OPTICAL, RADAR
from detectors.baseline.uncertainty import FLOORS
from detectors.evidence.familiarity import unlike_any
from detectors.evidence.signatures import LEVELS, Signature, SignatureTable, load_signatures

FITTED = load_signatures()
NAMES = ("brightness", "texture")
DARK, BRIGHT = (5.0, 3.0), (50.0, 20.0)  # in units of the least σ: a wood, and roofs


def table(*grounds: tuple[float, ...], lacking: bool = False) -> SignatureTable:
    """Grounds of brightness and texture, each of variance 4, and apart from one another."""
    rows = {(OPTICAL, LEVELS, f"{n}"): Signature(np.array(m), 4.0 * np.eye(2)) for n, m in enumerate(grounds)}
    if lacking:
        rows = {key: replace(row, mean=np.array([row.mean[0], np.nan])) for key, row in rows.items()}
    return SignatureTable({OPTICAL: NAMES, RADAR: ("vv", "vh")}, rows, {}, {})


def of(*pixels: tuple[float, float], grounds: SignatureTable) -> list[list[int]]:
    level = np.array(pixels, np.float32).T * np.array([FLOORS[n] for n in NAMES], np.float32)[:, None]
    return unlike_any(level, NAMES, sensor=OPTICAL, table=grounds).T.tolist()


def test_ground_like_any_of_the_fit_is_familiar():
    assert of(DARK, BRIGHT, (6.0, 5.0), (47.0, 21.0), grounds=table(DARK, BRIGHT)) == [[0, 0]] * 4


def test_what_is_new_is_named_by_the_feature_in_which_it_differs_most_from_the_nearest():
    found = of((-5.0, 3.0), (50.0, 40.0), (90.0, 30.0), grounds=table(DARK, BRIGHT))
    assert found == [[-1, 0], [0, 1], [1, 0]]


def test_features_are_asked_together():
    """As bright as roofs and as smooth as a wood: either alone was seen, both at once is sand."""
    assert of((BRIGHT[0], DARK[1]), grounds=table(DARK, BRIGHT)) == [[0, -1]]


def test_where_nothing_is_known_nothing_is_said():
    assert of((np.nan, 3.0), (np.nan, np.nan), grounds=table(DARK)) == [[0, 0]] * 2
    assert of((900.0, 900.0), grounds=table()) == [[0, 0]], "a table of before"
    assert of((900.0, 900.0), grounds=table(DARK, lacking=True)) == [[0, 0]], "no ground can speak for texture"


def test_a_ground_that_lacks_a_feature_leaves_the_others_to_speak():
    both = table(DARK, BRIGHT)
    first = {key: replace(row, mean=np.array([50.0, np.nan])) for key, row in both.rows.items() if key[2] == "1"}
    assert of(BRIGHT, grounds=replace(both, rows={**both.rows, **first})) == [[1, 0]]


@pytest.mark.parametrize("sensor", [OPTICAL, RADAR])
def test_the_fitted_table_knows_its_own_grounds(sensor):
    rows = [row for (of, kind, _), row in FITTED.rows.items() if (of, kind) == (sensor, LEVELS)]
    assert len(rows) >= 5
    for row in rows:
        known = np.flatnonzero(np.isfinite(row.mean))
        names = tuple(FITTED.features[sensor][n] for n in known)
        level = (row.mean[known] * [FLOORS[n] for n in names])[:, None].astype(np.float32)
        assert not unlike_any(level, names, sensor=sensor, table=FITTED).any()
        assert unlike_any(level + 9.0, names, sensor=sensor, table=FITTED).any()
