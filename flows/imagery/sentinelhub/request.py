"""What is asked of the Process API for one scene: products, time, ground and what it costs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from sentinelhub import CRS, BBox, DataCollection, MimeType, MosaickingOrder, ResamplingType, SentinelHubRequest

from aois.grid import Grid
from flows.imagery.scene import OPTICAL_BANDS, RADAR_BANDS, OpticalProduct, SceneRef, Sensor
from flows.imagery.sentinelhub.account import ServiceAccount
from flows.imagery.sentinelhub.client import bound, config_of

LARGEST_SIDE_PX = 2500  # the service's own limit
BEFORE_AND_AFTER = timedelta(minutes=1)  # catalog times are those of tiles, and the next overpass is 98 minutes away
UNIT_PX = 512 * 512  # what one processing unit covers with three bands of 16 bit
LEAST_UNITS = 0.01
_EVALSCRIPTS = Path(__file__).with_name("evalscripts")


@dataclass(frozen=True)
class Product:
    """One product of the service: its bands in the order of its evalscript, which ends with the data mask.

    `layers` counts what the evalscript returns, `paid_bands` those that cost, `factor` what its type and its
    processing multiply a request's cost by. `has_classes` where the scene classification comes before the data mask.
    """

    sensor: Sensor
    collection: DataCollection
    script: str
    bands: tuple[str, ...]
    dtype: str
    paid_bands: int
    factor: float
    processing: tuple[tuple[str, Any], ...]
    resampling: ResamplingType
    has_classes: bool = False

    @property
    def layers(self) -> int:
        """Layers of an answer: the bands that cost and the data mask."""
        return self.paid_bands + 1

    @property
    def evalscript(self) -> str:
        """The evalscript's text."""
        return _text(self.script)


# Sentinel-2 is not interpolated: its 10 m pixels are the grid's own wherever tile and grid share a zone, and the scene
# classification must not be averaged. Radar has no native grid after terrain correction.
PRODUCTS = {
    Sensor.SENTINEL_2: Product(
        Sensor.SENTINEL_2,
        DataCollection.SENTINEL2_L2A,
        "sentinel-2-l2a.js",
        OPTICAL_BANDS,
        "uint16",
        len(OPTICAL_BANDS) + 1,
        1.0,
        (("harmonizeValues", True),),
        ResamplingType.NEAREST,
        has_classes=True,
    ),
    Sensor.SENTINEL_1: Product(
        Sensor.SENTINEL_1,
        DataCollection.SENTINEL1_IW,
        "sentinel-1-grd.js",
        RADAR_BANDS,
        "float32",
        len(RADAR_BANDS),
        2.0 * 2.0,
        (("backCoeff", "GAMMA0_TERRAIN"), ("orthorectify", True), ("demInstance", "COPERNICUS_30")),
        ResamplingType.BILINEAR,
    ),
}
LEVEL_1C = Product(
    Sensor.SENTINEL_2,
    DataCollection.SENTINEL2_L1C,
    "sentinel-2-l1c.js",
    OPTICAL_BANDS,
    "uint16",
    len(OPTICAL_BANDS),
    1.0,
    (("harmonizeValues", True),),
    ResamplingType.NEAREST,
)
_DIRECTIONS = {"ascending": DataCollection.SENTINEL1_IW_ASC, "descending": DataCollection.SENTINEL1_IW_DES}


def product_for(ref: SceneRef) -> Product:
    """The product of the service that holds a scene."""
    return LEVEL_1C if ref.product is OpticalProduct.LEVEL_1C else PRODUCTS[ref.sensor]


@cache
def _text(script: str) -> str:
    return (_EVALSCRIPTS / script).read_text("utf-8")


@dataclass(frozen=True)
class Part:
    """A part of a grid that one request can cover: the rows and columns it takes, and a grid of its own."""

    row: int
    column: int
    grid: Grid


def parts_of(grid: Grid, *, largest_px: int = LARGEST_SIDE_PX) -> list[Part]:
    """The grid cut along its own lines into the fewest parts that are no longer than `largest_px` on a side.

    Every pixel lies in one part, and parts share no pixel, so that answers join without a seam.
    """
    return [
        Part(row, column, _sub_grid(grid, row, column, height, width))
        for row, height in _spans(grid.height, largest_px)
        for column, width in _spans(grid.width, largest_px)
    ]


def units_of(product: Product, grid: Grid) -> float:
    """The processing units of one request, as the service counts them; the data mask is free."""
    share = max(grid.width * grid.height / UNIT_PX, LEAST_UNITS)
    return share * product.paid_bands / 3 * product.factor


def collection_of(product: Product, direction: str | None, account: ServiceAccount) -> DataCollection:
    """The service's collection for a product, for radar of one direction where it is known."""
    collection = product.collection
    if product.sensor is Sensor.SENTINEL_1:
        collection = _DIRECTIONS.get(direction or "", collection)
    return bound(collection, account)


def request_of(
    ref: SceneRef, times: tuple[datetime, datetime], direction: str | None, grid: Grid, account: ServiceAccount
) -> SentinelHubRequest:
    """The request for one part of a scene, whose tiles were acquired between two times."""
    product = product_for(ref)
    data = SentinelHubRequest.input_data(
        collection_of(product, direction, account),
        time_interval=(times[0] - BEFORE_AND_AFTER, times[1] + BEFORE_AND_AFTER),
        mosaicking_order=MosaickingOrder.LEAST_RECENT,
        upsampling=product.resampling,
        downsampling=product.resampling,
        other_args={"processing": dict(product.processing)},
    )
    return SentinelHubRequest(
        evalscript=product.evalscript,
        input_data=[data],
        responses=[SentinelHubRequest.output_response("default", MimeType.TIFF)],
        bbox=BBox(grid.bounds, crs=CRS(str(grid.epsg))),
        size=(grid.width, grid.height),
        config=config_of(account),
    )


def words_of(product: Product, direction: str | None, account: ServiceAccount) -> str:
    """The request in a scene's provenance: product, processing, evalscript and its digest."""
    collection = collection_of(product, direction, account)
    settings = [f"{name} {str(value).lower() if value is True else value}" for name, value in product.processing]
    digest = hashlib.sha256(product.evalscript.encode()).hexdigest()[:12]
    words = ["sentinelhub", f"collection {collection.api_id}", *([direction] if direction else []), *settings]
    return "; ".join([*words, f"resampling {product.resampling.value}", f"evalscript {product.script} {digest}"])


def _spans(side_px: int, largest_px: int) -> Iterator[tuple[int, int]]:
    """Start and length of near-equal pieces of a side."""
    count = -(-side_px // largest_px)
    edges = [side_px * n // count for n in range(count + 1)]
    return ((start, end - start) for start, end in pairwise(edges))


def _sub_grid(grid: Grid, row: int, column: int, height: int, width: int) -> Grid:
    size = grid.pixel_size_m
    return Grid(grid.epsg, grid.left + column * size, grid.top - row * size, width, height, size)
