"""A look brought onto the tile's grid and kept beside its state until every strip has taken it in.

For pictures whose pixels are not the tile's own, or that come through a service. They are asked for once, a strip at a
time, so that a look of any size fits in memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import rasterio

from detectors.tile_search.update import BLOCK
from flows.tile_search.local_file_look import BandFile, FileLook
from flows.tile_search.look import Reader, WindowPixels
from flows.tile_search.tile import Tile, Window

Fetch = Callable[[Window], WindowPixels]


@dataclass(frozen=True)
class CachedLook:
    """A look that `fetch` gives, strip by strip."""

    look_id: str
    day: date
    tile: Tile
    fetch: Fetch = field(repr=False)

    def prepare(self) -> None:
        """The look is on disk: red and near infrared, 0 where hidden."""
        if self._path.exists():
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
        height, width = self.tile.grid.shape
        profile = {"driver": "GTiff", "dtype": "uint16", "count": 2, "height": height, "width": width, "nodata": 0}
        layout = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "interleave": "band"}
        place = {"crs": f"EPSG:{self.tile.grid.epsg}", "transform": self.tile.grid.transform}
        try:
            with rasterio.open(temporary, "w", **profile, **layout, **place, compress="zstd", zstd_level=1) as file:
                for strip in self.tile.strips:
                    ground = self.fetch(strip)
                    window = rasterio.windows.Window(0, strip.top, strip.columns, strip.rows)
                    seen = (ground.clear > 0) & (ground.red > 0) & (ground.nir > 0)
                    file.write(np.where(seen, np.stack([ground.red, ground.nir]), 0), window=window)
            temporary.replace(self._path)
        finally:
            temporary.unlink(missing_ok=True)

    def forget(self) -> None:
        """The look is not on disk any more."""
        self._path.unlink(missing_ok=True)

    @contextmanager
    def open(self) -> Iterator[Reader]:
        """The kept file, open until the end of the context."""
        path = str(self._path)
        with FileLook(self.look_id, self.day, BandFile(path, 1, 0, 0), BandFile(path, 2, 0, 0), None).open() as reader:
            yield reader

    @property
    def _path(self) -> Path:
        return self.tile.folder / "looks" / f"{self.look_id}.tif"
