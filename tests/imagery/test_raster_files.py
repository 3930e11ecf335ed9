"""Files on the web read as they do on disk, whole or in part, and break off with a word."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hostile_items import GRID
from hostile_web import HostileWeb, hostile_web
from rasterio.windows import Window

from flows.imagery.catalog_rules import rules_for
from flows.imagery.raster_files import GDAL_SETTINGS, RasterFileError, RasterFiles
from flows.imagery.scene import ImageryError
from flows.imagery.web import WebClient

SIDE, BLOCK = 700, 256
KINDS: dict[str, dict[str, Any]] = {
    "tiles": {"driver": "GTiff", "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate"},
    "strips": {"driver": "GTiff", "compress": "deflate"},
    "jpeg 2000": {
        "driver": "JP2OpenJPEG",
        "BLOCKXSIZE": BLOCK,
        "BLOCKYSIZE": BLOCK,
        "QUALITY": 100,
        "REVERSIBLE": "YES",
    },
}


@pytest.fixture(scope="module")
def numbers() -> np.ndarray:
    return np.random.default_rng(1).integers(1, 4000, (SIDE, SIDE)).astype(np.uint16)


@pytest.fixture(scope="module")
def files(numbers: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Noise in several blocks, as a file of each kind."""
    made = {}
    for kind, how in KINDS.items():
        path = tmp_path_factory.mktemp("files") / f"file{'.jp2' if kind == 'jpeg 2000' else '.tif'}"
        profile = {"count": 1, "dtype": "uint16", "height": SIDE, "width": SIDE, "nodata": 0}
        place = {"crs": f"EPSG:{GRID.epsg}", "transform": GRID.transform}
        with rasterio.open(path, "w", **profile, **place, **how) as dataset:
            dataset.write(numbers, 1)
        made[kind] = path.read_bytes()
    return made


@pytest.fixture
def web() -> Iterator[HostileWeb]:
    with hostile_web() as server:
        yield server


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("serves_parts", [True, False])
def test_a_file_on_the_web_reads_as_on_disk(
    web: HostileWeb, files: dict[str, bytes], numbers: np.ndarray, kind: str, serves_parts: bool
) -> None:
    def whole(handler: Any) -> None:
        del handler.headers["Range"]
        handler.give(files[kind])

    address = web.put("/file", files[kind] if serves_parts else whole)
    with (
        rasterio.Env(**GDAL_SETTINGS),
        RasterFiles(WebClient(rules_for(address))).open(address) as dataset,
    ):
        np.testing.assert_array_equal(dataset.read(1), numbers)
        np.testing.assert_array_equal(dataset.read(1, window=Window(10, 300, 600, 90)), numbers[300:390, 10:610])


def test_a_window_takes_few_requests(web: HostileWeb, files: dict[str, bytes]) -> None:
    address = web.put("/file", files["tiles"])
    with rasterio.Env(**GDAL_SETTINGS), RasterFiles(WebClient(rules_for(address))).open(address) as dataset:
        dataset.read(1, window=Window(300, 300, 40, 30))
    assert len(web.asked) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_breaks_off_gives_no_numbers(web: HostileWeb, files: dict[str, bytes], kind: str) -> None:
    def breaking(handler: Any) -> None:
        if len(web.asked) > 2:
            handler.send_response(403)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        else:
            handler.give(files[kind])

    address = web.put("/file", breaking)
    read: list[np.ndarray] = []
    with pytest.raises(ImageryError, match="it answered 403"):
        read_whole(address, read)
    assert read == []


def read_whole(address: str, read: list[np.ndarray]) -> None:
    with rasterio.Env(**GDAL_SETTINGS), RasterFiles(WebClient(rules_for(address))).open(address) as dataset:
        read.append(dataset.read(1))


def test_a_path_that_is_none_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.tif").touch()
    for name, words in (("gone.tif", "there is no such file"), ("empty.tif", "it is empty"), ("", "no such file")):
        with pytest.raises(RasterFileError, match=words), RasterFiles().open(str(tmp_path / name)):
            pass


def box(kind: bytes, content: bytes, *, long: bool = False) -> bytes:
    """A box of a JPEG 2000 file."""
    if long:
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), kind) + content


def size_of(side: int, tile: int) -> bytes:
    """How a codestream begins, of one band."""
    numbers = struct.pack(">HHIIIIIIIIH", 41, 0, side, side, 0, 0, tile, tile, 0, 0, 1)
    return b"\xff\x4f\xff\x51" + numbers + b"\x07\x01\x01"


MILLION, ONE = size_of(1_000_000, 1_000), size_of(100, 100)
BEGINNING = box(b"jP  ", b"\r\n\x87\n")
HIDING = {
    "a decoy in a box": BEGINNING + box(b"uuid", ONE) + box(b"jp2c", MILLION),
    "a decoy in a long box": BEGINNING + box(b"uuid", ONE, long=True) + box(b"jp2c", MILLION),
    "a codestream in a long box": BEGINNING + box(b"uuid", ONE) + box(b"jp2c", MILLION, long=True),
    "a last box": BEGINNING + box(b"uuid", ONE) + struct.pack(">I4s", 0, b"jp2c") + MILLION,
    "a codestream far behind": BEGINNING + box(b"uuid", ONE + bytes(50_000)) + box(b"jp2c", MILLION),
    "no box": MILLION,
}
SIZELESS = {
    "no codestream": BEGINNING + box(b"uuid", ONE),
    "a box that ends nowhere": BEGINNING + struct.pack(">I4s", 0, b"uuid") + box(b"jp2c", ONE),
    "a box of no length": BEGINNING + struct.pack(">I4s", 7, b"uuid") + box(b"jp2c", ONE),
    "a box beyond all files": BEGINNING + struct.pack(">I4sQ", 1, b"uuid", 2**64 - 1) + box(b"jp2c", ONE),
    "many boxes": BEGINNING + box(b"free", b"") * 200 + box(b"jp2c", ONE),
    "a codestream of something else": BEGINNING + box(b"jp2c", b"\xff\x4f\xff\x52" + ONE[4:]),
    "a codestream that is cut": BEGINNING + box(b"jp2c", ONE[:20]),
}


@pytest.mark.parametrize("kind", [*HIDING, *SIZELESS])
@pytest.mark.parametrize("is_on_web", [True, False])
def test_a_jpeg_2000_file_cannot_hide_its_tiles(web: HostileWeb, tmp_path: Path, kind: str, is_on_web: bool) -> None:
    content = {**HIDING, **SIZELESS}[kind]
    (tmp_path / "file").write_bytes(content)
    place = web.put("/file", content) if is_on_web else str(tmp_path / "file")
    words = "it has 1000000 tiles in 1 bands" if kind in HIDING else "without a size"
    with pytest.raises(RasterFileError, match=words), RasterFiles(WebClient(rules_for(web.address))).open(place):
        pass


def test_a_side_file_on_disk_is_not_read_whoever_opens(files: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "red.tif").write_bytes(files["tiles"])
    side = '<PAMDataset><Metadata><MDI key="PLANTED">x</MDI></Metadata></PAMDataset>'
    (tmp_path / "red.tif.aux.xml").write_text(side)
    with RasterFiles().open(str(tmp_path / "red.tif")) as dataset:
        assert "PLANTED" not in dataset.tags()
