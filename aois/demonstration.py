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
    """Read the list of the demonstration: six fictional sites and one region.

    Returns
    -------
    tuple of Area, in the order of `DEMONSTRATION_IDS`.
    """
    return read_areas(Path(__file__).with_name("demonstration.geojson"))


def is_demonstration(areas: Iterable[Area]) -> bool:
    """Decide whether any of the areas is one of the demonstration, of which no real source has imagery.

    Parameters
    ----------
    areas
        The areas to look through.

    Returns
    -------
    bool, True where one of them has an id of `DEMONSTRATION_IDS`.
    """
    return any(area.id in DEMONSTRATION_IDS for area in areas)
