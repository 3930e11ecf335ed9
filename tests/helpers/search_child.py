"""A search that dies: it searches the land of a folder and kills itself after so many strips' files."""

import os
import signal
import sys
from datetime import date
from pathlib import Path
from typing import Any

from land import Land

from flows.tile_search.search_tile import SearchPeriod, search_tile

folder, drawn, until, files = Path(sys.argv[1]), Path(sys.argv[2]), date.fromisoformat(sys.argv[3]), int(sys.argv[4])
land = Land(drawn)
replace = Path.replace
renamed = 0


def replace_some(self: Path, target: Any) -> Path:
    """The rename that a file of the state ends with; the process dies before the one that is too many."""
    global renamed
    if Path(target).suffix == ".tif":
        renamed += 1
        if renamed > files:
            os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)


Path.replace = replace_some  # type: ignore[assignment,method-assign]
search_tile(land.tile(folder), land.looks(until), SearchPeriod(date(2024, 6, 1), until), threads=2)
