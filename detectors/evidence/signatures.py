"""The table of signatures: how ground looks, in σ of its own past, once it was cleared, built on, or built off.

One row a sensor, a history and a kind of ground: the mean and the covariance of x = asinh(z) over the pixels of it.
`signatures.json` holds the rows, each with its source; `tests/benchmarks/accuracy/fit_signatures.py` fits them anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources

import numpy as np
import numpy.typing as npt

PACKAGED = "signatures.json"
UNCHANGED, BESIDE, WATER = "unchanged", "beside a change", "water"
CLASSES = ("cleared", "built", "removed")
PLACES = ("cleared place", "built place", "removed place")
SEASONS, ONE_SCENE = "seasons", "one scene"
"""What a baseline rests on: several acquisitions, or one or two, whose σ is only supposed."""
LEVELS = "levels"
"""In place of a history: the levels of the baseline over one ground of the fit, in units of the least σ."""


@dataclass(frozen=True)
class Signature:
    """One row: `mean` float64 (feature,) and `covariance` float64 (feature, feature) of asinh(z), or of levels.

    NaN in the mean of levels is a feature that was never measured there.
    """

    mean: npt.NDArray[np.float64]
    covariance: npt.NDArray[np.float64]


@dataclass(frozen=True)
class SignatureTable:
    """All rows by (sensor, history, kind of ground), with the features of each sensor in their order.

    `objects` holds, by history, the weights of the logistic function that makes a probability of an object: of its
    mean log-odds or rank, the upper decile of them, the logarithm of its native pixels, and one.
    `built_lead` is, by history, by how many nats a gain must rather be built than cleared, in the mean of its pixels,
    for the whole to be construction. `scatter` is, by sensor and history, the largest `relative_scatter` of
    any scene of the fit; tables of before have neither it nor levels, and find nothing unfamiliar.
    """

    features: Mapping[str, tuple[str, ...]]
    rows: Mapping[tuple[str, str, str], Signature]
    objects: Mapping[str, tuple[float, ...]]
    built_lead: Mapping[str, float]
    scatter: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def row(self, sensor: str, history: str, ground: str) -> Signature | None:
        """Return one row; None where the table has none, as of what a sensor cannot tell."""
        return self.rows.get((sensor, history, ground))


@lru_cache(maxsize=8)
def load_signatures(name: str = PACKAGED) -> SignatureTable:
    """Read a table of signatures.

    Parameters
    ----------
    name
        The file that comes with this package, or the absolute path of another table, as a ground left out of the fit
        needs one.

    Returns
    -------
    SignatureTable.

    Raises
    ------
    OSError
        Where there is no such file.
    ValueError
        Where the file is no table.
    """
    read = json.loads(resources.files(__package__).joinpath(name).read_text("utf-8"))
    try:
        rows = {
            (row["sensor"], row["history"], row["ground"]): Signature(
                np.array(row["mean"], np.float64), np.array(row["covariance"], np.float64)
            )
            for row in read["rows"]
        }
        features = {sensor: tuple(names) for sensor, names in read["features"].items()}
        objects = {history: tuple(weights) for history, weights in read["objects"].items()}
        return SignatureTable(features, rows, objects, dict(read["built_lead"]), dict(read.get("scatter", {})))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{name} is no table of signatures: {error!r} is lacking or of another kind") from error
