"""Rows of a list: a place, and what is said of it under the names that an area file uses."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

_COLUMNS = {
    "id": ("id", "site_id", "area_id"),
    "name": ("name", "title", "label", "site_name"),
    "kind": ("kind",),
    "status": ("status",),
    "margin_m": ("margin_m",),
    "responses": ("responses",),
    "sensitivity": ("sensitivity",),
}


@dataclass(frozen=True)
class Row:
    """One place of a list: where it stands, what is said of it under our names, and its GeoJSON geometry."""

    where: str
    values: Mapping[str, object]
    geometry: Mapping[str, object] | None


@dataclass(frozen=True)
class Table:
    """The rows of a list, what was assumed in reading them, and what could not be read."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def known(said: Mapping[str, object]) -> dict[str, object]:
    """The values under our own names, blanks left out."""
    found = {ours: next((said[name] for name in names if name in said), None) for ours, names in _COLUMNS.items()}
    plain = {name: _plain(value) for name, value in found.items()}
    return {name: _typed(name, value) for name, value in plain.items() if value not in (None, "")}


def _plain(value: object) -> object:
    """A value as Python keeps it; None for what a table leaves empty."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return None
    return value.strip() if isinstance(value, str) else value


def _typed(name: str, value: object) -> object:
    """Text from a table as the type its property has; text that cannot be is left for the check to refuse."""
    if not isinstance(value, str):
        return value
    if name in ("kind", "status", "sensitivity"):
        return value.lower()
    try:
        if name == "margin_m":
            return float(value)
        return json.loads(value) if name == "responses" else value
    except ValueError:
        return value
