"""Tiny catalogs, written as JSON and GeoTIFF by hand: what is tested never helps to make its own test data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine
from shapely.geometry import box

from aois.area import Area, AreaKind
from aois.grid import Grid, to_lonlat
from flows.imagery.network.quota import Limiter, Meter
from flows.imagery.network.retry import RetryPolicy
from flows.imagery.sentinelhub.account import ServiceAccount
from flows.imagery.simulation.simulated_source import SimulatedSource

if TYPE_CHECKING:
    from sh_server import SentinelHubServer

# The server and its library are imported where they are needed: processes of single tests import this file too.

# In the Gulf of Guinea, far from any shore.
GRID = Grid(epsg=32631, left=500_000, top=200_000, width=40, height=30)


@dataclass(frozen=True)
class Raster:
    """One file: `numbers` (y, x) or (band, y, x), and how they lie on Earth; by default on the test grid."""

    numbers: np.ndarray
    crs: str = "EPSG:32631"
    transform: Affine = GRID.transform
    nodata: float | None = None
    scale: float = 1.0
    offset: float = 0.0


@dataclass
class CatalogMaker:
    """Collects items, then writes them under `root`."""

    root: Path
    collection: str = "sentinel-2-l2a"
    items: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self,
        item_id: str,
        when: str,
        rasters: Mapping[str, Raster],
        *,
        fields: Mapping[str, Mapping[str, Any]] | None = None,
        properties: Mapping[str, Any] | None = None,
        bbox: tuple[float, ...] | None = GRID.bounds_lonlat,
    ) -> Path:
        """An item with one asset a raster; `fields` adds to an asset what its catalog says of it."""
        folder = self.root / item_id
        folder.mkdir(parents=True)
        assets = {}
        for key, raster in rasters.items():
            write_raster(folder / f"{key}.tif", raster)
            assets[key] = {"href": f"./{item_id}/{key}.tif", "roles": ["data"], **dict((fields or {}).get(key, {}))}
        item = {
            "type": "Feature",
            "stac_version": "1.1.0",
            "id": item_id,
            "collection": self.collection,
            "geometry": None if bbox is None else box(*bbox).__geo_interface__,
            "properties": {"datetime": when, **dict(properties or {})},
            "links": [],
            "assets": assets,
        }
        self.items.append(item if bbox is None else item | {"bbox": bbox})
        return folder

    def write(self) -> Path:
        """A catalog with one collection and its items beside it; the path of `catalog.json`."""
        self.root.mkdir(exist_ok=True)
        for item in self.items:
            (self.root / f"{item['id']}.json").write_text(json.dumps(item))
        collection = self.collection_page() | {
            "links": [{"rel": "item", "href": f"./{item['id']}.json"} for item in self.items],
        }
        (self.root / "collection.json").write_text(json.dumps(collection))
        catalog = {
            "type": "Catalog",
            "stac_version": "1.1.0",
            "id": "made-for-a-test",
            "description": "made for a test",
            "links": [{"rel": "child", "href": "./collection.json"}],
        }
        (self.root / "catalog.json").write_text(json.dumps(catalog))
        return self.root / "catalog.json"

    def collection_page(self) -> dict[str, Any]:
        """The collection without its items, as an API lists it."""
        return {
            "type": "Collection",
            "stac_version": "1.1.0",
            "id": self.collection,
            "description": "made for a test",
            "license": "other",
            "extent": {
                "spatial": {"bbox": [list(GRID.bounds_lonlat)]},
                "temporal": {"interval": [["2015-01-01T00:00:00Z", None]]},
            },
            "links": [],
        }


def write_raster(path: Path, raster: Raster) -> None:
    layers = raster.numbers if raster.numbers.ndim == 3 else raster.numbers[np.newaxis]
    count, height, width = layers.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": layers.dtype.name}
    with rasterio.open(
        path, "w", **profile, crs=raster.crs, transform=raster.transform, nodata=raster.nodata, compress="deflate"
    ) as dataset:
        dataset.write(layers)
        if (raster.scale, raster.offset) != (1.0, 0.0):
            dataset.scales, dataset.offsets = [raster.scale] * count, [raster.offset] * count


@pytest.fixture
def grid() -> Grid:
    return GRID


@pytest.fixture
def area() -> Area:
    return Area("sea-1", AreaKind.REGION, box(*GRID.bounds_lonlat))


@pytest.fixture
def catalog(tmp_path: Path) -> CatalogMaker:
    return CatalogMaker(tmp_path / "catalog")


@pytest.fixture
def raster() -> type[Raster]:
    return Raster


@pytest.fixture
def flat() -> Callable[..., Raster]:
    """A raster on the test grid with one number everywhere."""

    def make(number: float, dtype: str = "uint16", **kwargs: Any) -> Raster:
        return Raster(np.full(GRID.shape, number, dtype), **kwargs)

    return make


YARD = Area("yard-2", AreaKind.SITE, to_lonlat(box(500_000, 200_000, 500_200, 200_200), 32631), margin_m=100)
SHELF_SINCE, SHELF_UNTIL = date(2024, 5, 1), date(2024, 5, 31)
STORY_END = date(2024, 8, 18)
HASTY = RetryPolicy(tries=4, first_wait_s=0.01, longest_wait_s=0.5)


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A month of simulated scenes over one place as a static catalog; not to be written to."""
    from simulated_catalog import write_simulated

    folder = tmp_path_factory.mktemp("shelf")
    write_simulated(folder, SimulatedSource(STORY_END, 1), [YARD], since=SHELF_SINCE, until=SHELF_UNTIL)
    return folder


@pytest.fixture
def yard() -> Area:
    return YARD


@pytest.fixture
def server(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SentinelHubServer]:
    """A Sentinel Hub-compatible server on loopback over that month."""
    from sh_server import SentinelHubServer

    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with SentinelHubServer(shelf) as server:
        yield server


@pytest.fixture
def hub() -> Callable[..., Any]:
    """Makes a source that asks a server, with short waits, whatever it is told."""
    from sh_server import CLIENT_ID, CLIENT_SECRET

    from flows.imagery.sentinelhub.client import SentinelHubClient
    from flows.imagery.sentinelhub.sentinelhub_source import SentinelHubSource

    def make(
        server: SentinelHubServer,
        *,
        client_id: str = CLIENT_ID,
        client_secret: str = CLIENT_SECRET,
        budget: float | None = None,
        limiter: Limiter | None = None,
        retry_policy: RetryPolicy = HASTY,
        page_size: int = 100,
    ) -> Any:
        account = ServiceAccount(server.base_url, server.token_url, client_id, client_secret)
        limiter = limiter or Limiter(10_000, 10_000)
        hub_client = SentinelHubClient(account, limiter=limiter, meter=Meter(budget), retry_policy=retry_policy)
        return SentinelHubSource(hub_client, page_size=page_size)

    return make
