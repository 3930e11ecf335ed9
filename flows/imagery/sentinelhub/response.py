"""What the Process API answers, checked and turned into measurements."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.io import DatasetReader, MemoryFile

from aois.grid import Grid
from flows.imagery.georeference import crs_of, is_coincident
from flows.imagery.raster_files import DAMAGE, RasterFileError, check_raster
from flows.imagery.scene import Sensor
from flows.imagery.scene_check import HIGHEST_SCL, BadContentError
from flows.imagery.sentinelhub.request import Product
from flows.printable import printable

NUMBERS_PER_REFLECTANCE = np.float32(10_000)


def layers_of(content: bytes, product: Product, grid: Grid) -> npt.NDArray[Any]:
    """The layers (layer, y, x) of a TIFF that covers the grid, as the product's evalscript returns them.

    Raises `BadContentError`, which carries the content, for anything but a whole TIFF of the size, type and place that
    were asked for.
    """
    if not content:
        raise BadContentError("the answer is empty", content)
    try:
        with MemoryFile(content) as file, file.open(driver="GTiff") as dataset:
            check_raster(dataset)
            wrong = _wrong(dataset, product, grid)
            if wrong:
                raise BadContentError(f"the answer's {wrong}", content)
            layers: npt.NDArray[Any] = dataset.read()
    except (RasterFileError, *DAMAGE) as error:
        raise BadContentError(f"the answer is not a complete TIFF ({printable(error)})", content) from None
    wrong = _wrong_masks(layers, product)
    if wrong:
        raise BadContentError(f"the answer's {wrong}", content)
    return layers


def measurements(
    layers: npt.NDArray[Any], product: Product
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_], npt.NDArray[np.uint8] | None]:
    """Pixels float32 (band, y, x) in reflectance or linear power, NaN where invalid; valid (y, x); SCL or None.

    Valid is where the service's data mask is set; radar power must also be above 0, since 0 is a border.
    """
    bands = layers[: len(product.bands)].astype(np.float32)
    has_data = layers[-1] > 0
    if product.sensor is Sensor.SENTINEL_2:
        classes = _classes(layers[-2], has_data) if product.has_classes else None
        return _masked(bands / NUMBERS_PER_REFLECTANCE, has_data), has_data, classes
    valid = has_data & np.all(np.isfinite(bands) & (bands > 0), axis=0)
    return _masked(bands, valid), valid, None


def _masked(bands: npt.NDArray[np.float32], valid: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    return np.where(valid, bands, np.float32(np.nan)).astype(np.float32)


def _classes(layer: npt.NDArray[Any], has_data: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    return np.where(has_data, layer, 0).astype(np.uint8)


def _wrong(dataset: DatasetReader, product: Product, grid: Grid) -> str | None:
    """What of a dataset is not as it was asked for."""
    if (dataset.height, dataset.width) != grid.shape:
        return f"size is {dataset.width} × {dataset.height} px, not {grid.width} × {grid.height}"
    if dataset.count != product.layers:
        return f"bands are {dataset.count}, not {product.layers}"
    if set(dataset.dtypes) != {product.dtype}:
        return f"type is {dataset.dtypes[0]}, not {product.dtype}"
    if dataset.crs is None or dataset.crs != crs_of(grid.epsg):
        return f"coordinate reference system is {dataset.crs}, not EPSG:{grid.epsg}"
    if not is_coincident(dataset, grid) or (dataset.transform.c, dataset.transform.f) != (grid.left, grid.top):
        return f"corner is {dataset.transform.c:g}, {dataset.transform.f:g}, not {grid.left}, {grid.top}"
    return None


def _wrong_masks(layers: npt.NDArray[Any], product: Product) -> str | None:
    mask = layers[-1]
    if not np.isin(mask, (0, 1)).all():
        return f"data mask holds values other than 0 and 1, up to {mask.max():g}"
    if product.has_classes and layers[-2].max() > HIGHEST_SCL:
        return f"scene classification holds {layers[-2].max()}, and {HIGHEST_SCL} is the highest class"
    return None
