"""What tests of this room share."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from catalogued import AREAS, GRID, WEEKS, week_layers
from sea_alert import feature

from flows.evidence.catalog import SceneFile, write_catalog
from flows.evidence.rasters import write_rasters

__all__ = ["feature"]


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    for number, area_id in enumerate(("yard", "reef")):
        for seed, week in enumerate(WEEKS):
            write_rasters(week_layers(10 * number + seed), GRID, tmp_path / "areas" / area_id / week)
    return write_catalog(tmp_path, AREAS, software={"sitewatch": "1"})


@pytest.fixture
def scenes(catalog: Path) -> list[SceneFile]:
    """One scene of each constellation, in the form of the archive."""
    folder = catalog.parent / "archive" / "yard" / "stac-1"
    folder.mkdir(parents=True)
    found = []
    for day, name in ((3, "sentinel-1_20261103T2200-aa"), (5, "sentinel-2_20261105T0330-bb")):
        is_radar = name.startswith("sentinel-1")
        profile = {"driver": "GTiff", "width": GRID.width, "height": GRID.height, "count": 2, "crs": "EPSG:32631"}
        kind = {"dtype": "float32", "nodata": np.nan} if is_radar else {"dtype": "uint16", "nodata": 65535}
        path = folder / f"{name}.tif"
        with rasterio.open(path, "w", transform=GRID.transform, **profile, **kind) as file:
            file.write(np.full((2, *GRID.shape), day, np.float32 if is_radar else np.uint16))
            file.descriptions = ("vv", "vh") if is_radar else ("red", "nir")
            if not is_radar:
                file.scales, file.offsets = (0.0001, 0.0001), (-0.1, -0.1)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        taken = datetime(2026, 11, day, tzinfo=UTC)
        found.append(SceneFile(name[:10], taken, path, sha256, level="" if is_radar else "L2A"))
    return found
