"""What the size of an area asks of a machine."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from aois.area import Area, AreaError, AreaKind
from aois.grid import Grid, grid_of
from flows.imagery.detector_inputs import is_large

_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
_BYTES_AN_AREA = 700_000_000
_BYTES_A_PIXEL = 80
_BYTES_AFTER_ONE_SCENE = 550
"""Libraries, strips and the scenes behind a reference; then one acquisition of seven bands as it is read, and single
layers: traced step by step on a region of 12 km. After a history of one or two scenes places are asked, and so all
pixels at once."""


def check_memory(
    area: Area, grid: Grid, *, at_once: int = 1, is_after_one_scene: bool = False, memory_bytes: int | None = None
) -> None:
    """Refuse an area that this machine's memory cannot hold.

    `at_once` areas as large as it are worked on at the same time. `is_after_one_scene` where scenes of Sentinel-2
    are compared with one or two alone, which takes more. `memory_bytes` are those of the machine, or of the container
    that it runs in; asked of the system where left out. Raises `AreaError`.
    """
    pixels = grid.width * grid.height
    needed = _BYTES_AN_AREA + (_BYTES_AFTER_ONE_SCENE if is_after_one_scene else _BYTES_A_PIXEL) * pixels
    there = _memory_bytes() if memory_bytes is None else memory_bytes
    if at_once * needed > there and is_large(grid):
        together = f", and {at_once} such areas at the same time {at_once * needed / 1e9:.1f} GB" if at_once > 1 else ""
        fewer = "set SITEWATCH_WORKERS=1, or " if at_once > 1 and needed <= there else ""
        mend = "draw it as several regions, 22 km wide or less"
        if area.kind is AreaKind.REGION:
            mend += ", or cut it with `sitewatch areas split`"
        if is_after_one_scene:
            together += " where at most two scenes of Sentinel-2 came before the first week"
            fewer += "set an earlier --since or more SITEWATCH_HISTORY_DAYS if there are earlier scenes, or "
        raise AreaError(
            f"area `{area.id}`: {pixels / 1e6:.0f} million pixels take some {needed / 1e9:.1f} GB of memory{together}; "
            f"this machine has {there / 1e9:.1f} GB; {fewer}{mend}"
        )


def large_areas(areas: Iterable[Area]) -> int:
    """Count the areas of a run that share the memory as `check_memory` counts it, 1 at least; sites take little."""
    return max(1, sum(is_large(grid_of(area)) for area in areas))


def _memory_bytes() -> int:
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(there, int(_CONTAINER_LIMIT.read_text()))
    except (OSError, ValueError):  # no such file, or `max`
        return there
