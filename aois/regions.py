"""Search regions at the scale of whole towns that public reporting names."""

from __future__ import annotations

from pathlib import Path

from aois.area import Area
from aois.reading import read_areas


def town_regions() -> tuple[Area, ...]:
    """Read the boxes around towns: where to search, and nothing about where within.

    Returns
    -------
    tuple of Area, regions whose edges are multiples of 0.05°.
    """
    return read_areas(Path(__file__).with_name("regions.geojson"))
