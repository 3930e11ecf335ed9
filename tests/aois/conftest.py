"""Area files built in memory: one right feature, and what a test changes in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SQUARE = [[0.5, 0.5], [0.51, 0.5], [0.51, 0.51], [0.5, 0.51], [0.5, 0.5]]


@pytest.fixture
def feature() -> Callable[..., dict[str, Any]]:
    def build(id_: object = "yard", rings: object = None, **properties: object) -> dict[str, Any]:
        geometry = {"type": "Polygon", "coordinates": [SQUARE] if rings is None else rings}
        return {"type": "Feature", "id": id_, "properties": {"kind": "site"} | properties, "geometry": geometry}

    return build


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a FeatureCollection of the given features and says where."""

    def to_file(*features: object, **members: object) -> Path:
        path = tmp_path / "list.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features} | members), encoding="utf-8")
        return path

    return to_file


@pytest.fixture
def square() -> list[list[float]]:
    return [list(point) for point in SQUARE]
