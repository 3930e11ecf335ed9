"""How alerts are put into words and figures."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, log10
from typing import Any

HECTARE_M2 = 10_000

CAUTION = "A suspect is a physical pattern to be checked by a person, never an accusation."
PROVISIONAL = "Provisional alerts rest on little evidence so far and may be withdrawn."
CALM = "No alert is not proof of calm: the report says what could not be seen."

KINDS = {
    "expansion": "beyond the perimeter",
    "change": "inside the perimeter",
    "new-suspect-site": "new suspect site",
}
STATES = {
    "provisional": "PROVISIONAL",
    "confirmed": "confirmed",
    "finished": "finished",
    "retracted": "RETRACTED, no longer holds",
}


def size(properties: Mapping[str, Any]) -> str:
    """The size of an alert with its interval, and of a fence its length and how far it closes."""
    area, low, high = (properties[name] for name in ("area_m2", "area_m2_low", "area_m2_high"))
    parts = [_areas(area, low, high)]
    if properties["length_m"] is not None:
        parts.append(f"{two_figures(properties['length_m'])} m long")
    if properties["closure"] is not None:
        parts.append(f"{properties['closure']:.0%} of a ring".replace("%", " %"))
    return ", ".join(parts)


def count(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def two_figures(value: float) -> str:
    """A measure with two significant figures, at least to the whole unit: more would pretend to be exact."""
    if value < 1:
        return "0" if value < 0.5 else "1"
    step = max(10 ** (floor(log10(value)) - 1), 1)
    return f"{round(value / step) * step:,}"


def _areas(area: float, low: float, high: float) -> str:
    """Areas in one unit, that of the middle one: hectares above one, else square metres."""
    if area > HECTARE_M2:
        middle, least, most = (f"{value / HECTARE_M2:.1f}" for value in (area, low, high))
        return f"{middle} ha ({least} to {most})"
    middle, least, most = (two_figures(value) for value in (area, low, high))
    return f"{middle} m² ({least} to {most})"
