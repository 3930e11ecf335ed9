# mypy: strict-optional=False
"""Tiles drawn from a seed, as files on the grid: what the wide search reads in earnest."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import Affine
from shapely.geometry import box, mapping

from aois.area import Area, AreaKind
from aois.grid import Grid, to_lonlat
from flows.tile_search.local_file_look import BandFile, FileLook
from flows.tile_search.tile import Tile

EPSG = 32631  # the Gulf of Guinea, far from any shore
GREEN, BARE = (400.0, 3600.0), (2400.0, 3000.0)  # red and near infrared × 10,000
YARD = (slice(60, 90), slice(500, 530))  # 9 ha, across the border of two blocks


@dataclass
class Land:
    """Green ground with a season and parcels, on which a yard is laid out on a day; every fifth look has clouds."""

    folder: Path
    shape: tuple[int, int] = (540, 580)
    built_on: date = date(2024, 7, 1)
    first: date = date(2023, 1, 3)
    step_days: int = 18
    seed: int = 5
    parcels: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        coarse = rng.normal(0, 150, (-(-self.shape[0] // 25), -(-self.shape[1] // 25)))
        self.parcels = np.kron(coarse, np.ones((25, 25)))[: self.shape[0], : self.shape[1]]

    @property
    def grid(self) -> Grid:
        return Grid(EPSG, 500_000, 200_000, self.shape[1], self.shape[0])

    def tile(self, folder: Path) -> Tile:
        """The land as a tile whose state is kept in a folder."""
        return Tile("green-1", self.grid, folder)

    def days(self, until: date) -> list[date]:
        count = (until - self.first).days // self.step_days + 1
        return [self.first + timedelta(days=self.step_days * n) for n in range(count)]

    def looks(self, until: date) -> list[FileLook]:
        return [self.look(day) for day in self.days(until)]

    def look(self, day: date) -> FileLook:
        """The files of a day, drawn when they are not there."""
        paths = {name: self.folder / f"{day:%Y%m%d}-{name}.tif" for name in ("red", "nir", "scl")}
        if not paths["scl"].exists():
            self.draw(day, paths)
        red, nir, scl = (BandFile(str(paths[name]), 1, 0, 0) for name in ("red", "nir", "scl"))
        return FileLook(f"sentinel-2_{day:%Y%m%d}", day, red, nir, scl)

    def draw(self, day: date, paths: dict[str, Path]) -> None:
        rng = np.random.default_rng([self.seed, day.toordinal()])
        season = np.cos(2 * np.pi * day.timetuple().tm_yday / 365)
        red = GREEN[0] + 60 * season + self.parcels / 4 + rng.normal(0, 25, self.shape)
        nir = GREEN[1] - 500 * season + self.parcels + rng.normal(0, 90, self.shape)
        if day >= self.built_on:
            for band, value in ((red, BARE[0]), (nir, BARE[1])):
                band[YARD] = value + rng.normal(0, 60, band[YARD].shape)
        scl = np.full((self.shape[0] // 2, self.shape[1] // 2), 4, np.uint8)
        if day.toordinal() % 5 == 0:
            scl[:, :150] = 9
            red[:, :300], nir[:, :300] = 6000, 6500
        self._write(paths["red"], 1000 + np.clip(red, 1, None), 10)
        self._write(paths["nir"], 1000 + np.clip(nir, 1, None), 10)
        self._write(paths["scl"], scl, 20)

    def _write(self, path: Path, numbers: np.ndarray, pixel_m: int) -> None:
        dtype = "uint8" if pixel_m == 20 else "uint16"
        place = {"crs": f"EPSG:{EPSG}", "transform": Affine(pixel_m, 0, 500_000, 0, -pixel_m, 200_000)}
        layout = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "zstd", "zstd_level": 1}
        height, width = numbers.shape
        with rasterio.open(
            path, "w", driver="GTiff", dtype=dtype, count=1, height=height, width=width, **place, **layout
        ) as file:
            file.write(numbers.astype(dtype), 1)

    def region(self, region_id: str = "green-1") -> Area:
        """The land as a region of a list, drawn half a pixel inside so that its grid is the land's."""
        west, south, east, north = self.grid.bounds
        return Area(region_id, AreaKind.REGION, to_lonlat(box(west + 5, south + 5, east - 5, north - 5), EPSG))

    def catalog(self, until: date) -> Path:
        """A static STAC catalog of the looks; the path of its first page."""
        links = []
        for day in self.days(until):
            look = self.look(day)
            item = self.item(day, {"red": look.red.path, "nir": look.nir.path, "scl": look.classes.path})
            (self.folder / f"{item['id']}.json").write_text(json.dumps(item))
            links.append({"rel": "item", "href": f"./{item['id']}.json"})
        page = {"type": "Catalog", "stac_version": "1.0.0", "id": "land", "description": "drawn", "links": links}
        (self.folder / "catalog.json").write_text(json.dumps(page))
        return self.folder / "catalog.json"

    def item(self, day: date, paths: dict[str, str]) -> dict[str, Any]:
        calibration = {"scale": 1e-4, "offset": -0.1, "nodata": 0}
        return {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": f"S2A_31N_{day:%Y%m%d}_L2A",
            "collection": "sentinel-2-l2a",
            "geometry": mapping(box(*self.grid.bounds_lonlat)),
            "bbox": list(self.grid.bounds_lonlat),
            "properties": {
                "datetime": f"{day}T10:00:00Z",
                "platform": "sentinel-2a",
                "s2:processing_baseline": "05.11",
            },
            "links": [],
            "assets": {
                name: {"href": path, **({} if name == "scl" else {"raster:bands": [calibration]})}
                for name, path in paths.items()
            },
        }


def state_bytes(folder: Path) -> dict[str, bytes]:
    """Every file of a state, by its name, locks and unfinished ones apart."""
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file() and not p.name.startswith(".")}
