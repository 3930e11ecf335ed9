"""The fictional watch list of the demonstration: places in the open sea, which only the simulated source accepts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aois.area import Area
from aois.reading import read_areas

DEMONSTRATION_IDS = (
    "demo-expansion",
    "demo-wall",
    "demo-demolition",
    "demo-clearing",
    "demo-quiet-town",
    "demo-quiet-paddy",
    "demo-region",
)


def demonstration() -> tuple[Area, ...]:
    """Six fictional sites and one region, in the order of `DEMONSTRATION_IDS`."""
    return read_areas(Path(__file__).with_name("demonstration.geojson"))


def is_demonstration(areas: Iterable[Area]) -> bool:
    """True when any of the areas bears an id of the demonstration: no real source has imagery of it."""
    return any(area.id in DEMONSTRATION_IDS for area in areas)
