"""What the size of an area asks of a machine."""

from __future__ import annotations

import os
from pathlib import Path

from aois.area import Area, AreaError
from aois.grid import Grid
from flows.imagery.detector_inputs import is_large

_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
_LIBRARIES_BYTES = 500_000_000
_BYTES_A_PIXEL = 160
"""Measured on regions of 10 and 22 km (`tests/benchmarks/speed --only regions`): one acquisition, and single layers."""


def check_memory(area: Area, grid: Grid, *, memory_bytes: int | None = None) -> None:
    """Refuse an area that this machine's memory cannot hold, before anything is fetched.

    `memory_bytes` are those of the machine, or of the container that it runs in; asked of the system where left out.
    Raises `AreaError`.
    """
    pixels = grid.width * grid.height
    needed = _LIBRARIES_BYTES + _BYTES_A_PIXEL * pixels
    there = _memory_bytes() if memory_bytes is None else memory_bytes
    if needed > there and is_large(grid):
        raise AreaError(
            f"area `{area.id}`: {pixels / 1e6:.0f} million pixels take some {needed / 1e9:.1f} GB of memory, and this "
            f"machine has {there / 1e9:.1f} GB; draw it as several regions, 22 km wide or less"
        )


def _memory_bytes() -> int:
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(there, int(_CONTAINER_LIMIT.read_text()))
    except (OSError, ValueError):  # no such file, or `max`
        return there
