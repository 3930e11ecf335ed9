"""Pictures and tiles, drawn from archived files and rasters of findings by rio-tiler."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rasterio
from PIL import Image
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, MemoryFile
from rio_tiler.errors import TileOutsideBounds
from rio_tiler.io import Reader
from rio_tiler.models import ImageData

from flows.desk.errors import DeskError
from flows.desk.inputs import PictureSource

TILE_PX = 256
BRIGHTEN = "gamma RGB 1.333"  # as on the report: 1 / 0.75
RADAR_DB = ((-18.0, 2.0), (-25.0, -5.0), (1.0, 14.0))  # VV, VH and VV − VH, as on the report
RADAR_BANDS = ("vv", "vh")
IN_DB = "10*log10(b1);10*log10(b2);10*log10(b1)-10*log10(b2)"
LEAST_POWER = 1e-5
CLASSES = {1: (29, 79, 124, 255), 2: (122, 16, 32, 255), 3: (201, 138, 0, 255), 4: (178, 58, 0, 255)}
"""Colours of construction, fencing, clearing and demolition."""
MOST_SCORE = 60.0  # confidence held against a pixel at which a tile is white; chosen on the demonstration
EMPTY_TILE = ImageData(np.ma.masked_equal(np.zeros((3, TILE_PX, TILE_PX), np.uint8), 0))


def drawn(picture: PictureSource) -> bytes:
    """The picture as lossless WebP, one element a pixel of the grid, transparent where nothing was seen.

    Raises `DeskError` when a file cannot be read, or is not what was archived.
    """
    images = [_read(path, digest, picture) for path, digest in zip(picture.files, picture.digests, strict=True)]
    return _encoded(_coloured(_mean(images), picture), "webp", lossless=True)


def drawn_tile(layer: PictureSource | Path, x: int, y: int, z: int) -> bytes:
    """A tile in Web Mercator as PNG, transparent beyond the layer.

    Raises `DeskError` for a file that cannot be drawn.
    """
    path = layer if isinstance(layer, Path) else layer.files[0]
    try:
        if isinstance(layer, Path):
            with rasterio.open(path, driver="GTiff") as raster, Reader(None, dataset=raster) as source:
                image = source.tile(x, y, z, tilesize=TILE_PX)
        else:
            with _as_archived(path, layer.digests[0]) as source:
                there = _there(_dataset_of(source).descriptions, layer)
                found = source.tile(x, y, z, tilesize=TILE_PX, indexes=tuple(there.values()), unscale=bool(layer.bands))
                image = _arranged(found, tuple(there), layer)
    except TileOutsideBounds:
        return _encoded(EMPTY_TILE, "png")
    except RasterioError as error:
        raise _unreadable(path, error) from None
    if isinstance(layer, PictureSource):
        return _encoded(_coloured(image, layer), "png")
    if path.stem == "change":
        return _encoded(image.apply_colormap(CLASSES), "png")
    image.array = np.ma.array(np.nan_to_num(image.array.data), mask=image.array.mask, fill_value=0)
    image.rescale(in_range=((0.0, MOST_SCORE),))
    return _encoded(image, "png")


def _encoded(image: ImageData, kind: str, **options: bool) -> bytes:
    """Red, green, blue and what was seen; by Pillow, since rio-tiler's own way is not safe in several threads."""
    colours = np.broadcast_to(image.data_as_image(), (image.height, image.width, 3))
    held = io.BytesIO()
    Image.fromarray(np.dstack([colours, image.mask])).save(held, kind, **options)
    return held.getvalue()


@contextmanager
def _as_archived(path: Path, digest: str) -> Iterator[Reader]:
    """The file, of which exactly the bytes that were checked are drawn; raises `DeskError` for others."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise DeskError(
            f"`{path.name}` differs from the file that was archived, so it is not drawn; "
            "restore it from a copy, or run the area again",
            key="case.damaged_file",
            name=path.name,
        )
    with MemoryFile(content) as held, held.open(driver="GTiff") as dataset, Reader(None, dataset=dataset) as source:
        yield source


def _dataset_of(source: Reader) -> DatasetReader:
    dataset: DatasetReader = source.dataset
    return dataset


def _read(path: Path, digest: str, picture: PictureSource) -> ImageData:
    height, width = picture.shape
    try:
        with _as_archived(path, digest) as source:
            crs = _dataset_of(source).crs
            there = _there(_dataset_of(source).descriptions, picture)
            image = source.part(
                picture.bounds,
                dst_crs=crs,
                bounds_crs=crs,
                indexes=tuple(there.values()),
                height=height,
                width=width,
                unscale=bool(picture.bands),
            )
            return _arranged(image, tuple(there), picture)
    except RasterioError as error:
        raise _unreadable(path, error) from None


def _there(names: tuple[str | None, ...], picture: PictureSource) -> dict[str, int]:
    """Those of a picture's bands that a file has, and where; its first where it has none of them."""
    there = {name: names.index(name) + 1 for name in picture.bands or RADAR_BANDS if name in names}
    return there or {"": 1}


def _arranged(image: ImageData, names: tuple[str, ...], picture: PictureSource) -> ImageData:
    """The bands in the order in which they are drawn; one that is lacking is the mean of those there are."""
    wanted = picture.bands or RADAR_BANDS
    if names == wanted:
        return image
    spare = np.ma.mean(image.array, axis=0)
    bands = [image.array[names.index(name)] if name in names else spare for name in wanted]
    return ImageData(np.ma.stack(bands), crs=image.crs, bounds=image.bounds)


def _mean(images: list[ImageData]) -> ImageData:
    first = images[0]
    if len(images) == 1:
        return first
    mean = np.ma.mean(np.ma.stack([image.array for image in images]), axis=0)
    return ImageData(mean, crs=first.crs, bounds=first.bounds)


def _coloured(image: ImageData, picture: PictureSource) -> ImageData:
    if picture.bands:
        image.rescale(in_range=picture.limits)
        image.apply_color_formula(BRIGHTEN)
        return image
    image.array = np.ma.maximum(image.array, LEAST_POWER)
    decibels = image.apply_expression(IN_DB)
    decibels.rescale(in_range=RADAR_DB)
    return decibels


def _unreadable(path: Path, error: Exception) -> DeskError:
    return DeskError(f"`{path.name}` cannot be drawn ({error}); restore it from a copy, or run the area again")
