"""Made-up tiles for the benchmark, written block by block from a seed: looks as files, and a state to begin with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import Affine
from rasterio.windows import Window as RasterWindow

from aois.grid import Grid
from detectors.tile_search.update import BLOCK, ZERO, WideParameters
from flows.tile_search.baseline_plan import baseline_of
from flows.tile_search.local_file_look import BandFile, FileLook
from flows.tile_search.state_files import Progress, static_writer, write_block, write_dynamic
from flows.tile_search.tile import Tile, blocks_of

EPSG = 32648
LEFT, TOP = 399_960, 1_300_020
UNTIL = date(2024, 5, 31)
# As Sentinel-2 L2A comes from open catalogs.
CODEC = {"compress": "deflate", "zlevel": 6, "predictor": 2}


@dataclass(frozen=True)
class Drawn:
    """A square of made-up ground: parcels of 16 pixels with a season, some cleared, clouds a third of the time."""

    folder: Path
    side: int
    seed: int = 1

    def look(self, day: date) -> FileLook:
        """The look of a day, drawn when its files are not there."""
        paths = {name: self.folder / f"{self.side}-{day:%Y%m%d}-{name}.tif" for name in ("red", "nir", "scl")}
        if not paths["scl"].exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._draw(day, paths)
        red, nir, scl = (BandFile(str(paths[name]), 1, 0, 0) for name in ("red", "nir", "scl"))
        return FileLook(f"sentinel-2_{day:%Y%m%d}", day, red, nir, scl)

    def looks(self, *, first: date, count: int, step_days: int = 5) -> list[FileLook]:
        """Looks a step apart."""
        return [self.look(first + timedelta(days=step_days * n)) for n in range(count)]

    def _draw(self, day: date, paths: dict[str, Path]) -> None:
        with (
            self._file(paths["red"], 10, "uint16") as red,
            self._file(paths["nir"], 10, "uint16") as nir,
            self._file(paths["scl"], 20, "uint8") as scl,
        ):
            for top in range(0, self.side, BLOCK):
                for left in range(0, self.side, BLOCK):
                    rows, columns = min(BLOCK, self.side - top), min(BLOCK, self.side - left)
                    bands = self._block(day, top, left)
                    window = RasterWindow(left, top, columns, rows)
                    red.write(bands[0][:rows, :columns], 1, window=window)
                    nir.write(bands[1][:rows, :columns], 1, window=window)
                    half = RasterWindow(left // 2, top // 2, columns // 2, rows // 2)
                    scl.write(bands[2][: rows // 2, : columns // 2], 1, window=half)

    def _block(self, day: date, top: int, left: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        place = np.random.default_rng([self.seed, top, left])
        parcels = np.kron(
            place.normal(0, 1, (BLOCK // 16, BLOCK // 16)).astype(np.float32), np.ones((16, 16), np.float32)
        )
        cleared = np.kron(place.random((BLOCK // 16, BLOCK // 16)) < 0.003, np.ones((16, 16), bool))
        rng = np.random.default_rng([self.seed, top, left, day.toordinal()])
        season = np.cos(2 * np.pi * day.timetuple().tm_yday / 365)
        red = 450 + 60 * season + 60 * parcels + 25 * rng.standard_normal((BLOCK, BLOCK), dtype=np.float32)
        nir = 3400 - 400 * season + 200 * parcels + 80 * rng.standard_normal((BLOCK, BLOCK), dtype=np.float32)
        if day > UNTIL:
            red[cleared], nir[cleared] = 2400, 3000
        scl = np.full((BLOCK // 2, BLOCK // 2), 4, np.uint8)
        if rng.random() < 0.33:
            scl[:, : rng.integers(32, BLOCK // 2)] = 9
        return (ZERO + red).astype(np.uint16), (ZERO + nir).astype(np.uint16), scl

    def _file(self, path: Path, pixel_m: int, dtype: str) -> rasterio.io.DatasetWriter:
        side = self.side * 10 // pixel_m
        profile = {"driver": "GTiff", "dtype": dtype, "count": 1, "height": side, "width": side, "crs": f"EPSG:{EPSG}"}
        layout = {
            "tiled": True,
            "blockxsize": BLOCK,
            "blockysize": BLOCK,
            "transform": Affine(pixel_m, 0, LEFT, 0, -pixel_m, TOP),
        }
        return rasterio.open(path, "w", **profile, **layout, **CODEC)


def tile_of(folder: Path, side: int) -> Tile:
    """A tile of `side` pixels whose state is kept in a folder."""
    return Tile(f"square-{side}", Grid(EPSG, LEFT, TOP, side, side), folder)


def begin(tile: Tile, history: list[FileLook], *, seed: int = 1) -> None:
    """The tile has a baseline as a fit would have left it, and evidence of some looks, without reading any history."""
    tile.folder.mkdir(parents=True, exist_ok=True)
    baseline = baseline_of(tile, history, until=UNTIL, history_days=730, parameters=WideParameters())
    for strip in tile.strips:
        rng = np.random.default_rng([seed, strip.top])
        monitored_mask = 0
        with static_writer(tile, strip) as file:
            for block in blocks_of(strip):
                layers = _baseline_block(block.rows, block.columns, rng)
                monitored_mask += layers[5].size
                write_block(file, block, layers)
            file.update_tags(FIT=baseline.name, WATCHED=monitored_mask)
        dynamic = np.zeros((3, strip.rows, strip.columns), np.int16)
        some = rng.random(dynamic.shape[1:], dtype=np.float32) < 0.15
        dynamic[0][some] = rng.integers(1, 90, np.count_nonzero(some))
        write_dynamic(tile, strip, dynamic, Progress(baseline.name, (UNTIL + timedelta(days=1), "made"), 1))


def _baseline_block(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    layers = np.empty((7, rows, columns), np.int16)
    cells = (-(-rows // 16), -(-columns // 16))
    widths = [(760, 60, 8), (60, 20, 7), (10, 20, 7), (0, 10, 6), (0, 10, 6), (36, 3, 3), (45, 6, 2)]
    for layer, (mean, parcel, pixel) in zip(layers, widths, strict=True):
        coarse = np.kron(rng.normal(0, parcel, cells).astype(np.float32), np.ones((16, 16), np.float32))[
            :rows, :columns
        ]
        layer[...] = mean + coarse + pixel * rng.standard_normal((rows, columns), dtype=np.float32)
    layers[5] = np.maximum(layers[5], 30)
    return layers
