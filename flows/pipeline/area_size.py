"""What the size of an area asks of a machine."""

from __future__ import annotations

import os

from aois.area import Area, AreaError
from aois.grid import Grid

_LIBRARIES_BYTES = 500_000_000
_BYTES_A_PIXEL = 160
"""Measured on regions of 10 and 22 km (`tests/benchmarks/speed --only regions`): one acquisition, and single layers."""


def check_memory(area: Area, grid: Grid, *, memory_bytes: int | None = None) -> None:
    """Refuse an area that this machine's memory cannot hold, before anything is fetched.

    `memory_bytes` are those of the machine; asked of the system where left out. Raises `AreaError`.
    """
    pixels = grid.width * grid.height
    needed = _LIBRARIES_BYTES + _BYTES_A_PIXEL * pixels
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if memory_bytes is None else memory_bytes
    if needed > there:
        raise AreaError(
            f"area `{area.id}`: {pixels / 1e6:.0f} million pixels take some {needed / 1e9:.0f} GB of memory, and this "
            f"machine has {there / 1e9:.0f} GB; draw it as several regions, 22 km wide or less"
        )
