"""Files on the web and in object stores read as on disk, whole or in part, and break off with a word."""

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
from loopback import free_port
from rasterio.windows import Window
from s3_store import URL, empty_bucket, s3_server

from flows.imagery.bucket_parts import s3_options
from flows.imagery.catalog_rules import rules_for
from flows.imagery.limits import Limits
from flows.imagery.network.bucket import Bucket
from flows.imagery.network.retry import TransientError
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


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty object store to put files into, which the environment leads to."""
    for name, value in empty_bucket(s3).items():
        monkeypatch.setenv(name, value)
    return Bucket(URL, holds="files").store


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
@pytest.mark.parametrize("where", ["disk", "web", "bucket"])
def test_a_jpeg_2000_file_cannot_hide_its_tiles(
    web: HostileWeb, bucket: Any, tmp_path: Path, kind: str, where: str
) -> None:
    content = {**HIDING, **SIZELESS}[kind]
    (tmp_path / "file").write_bytes(content)
    bucket.put("B04.jp2", content)
    place = {"disk": str(tmp_path / "file"), "web": web.put("/file", content), "bucket": f"{URL}/B04.jp2"}[where]
    words = "it has 1000000 tiles in 1 bands" if kind in HIDING else "without a size"
    with pytest.raises(RasterFileError, match=words), RasterFiles(WebClient(rules_for(web.address))).open(place):
        pass


def test_a_side_file_on_disk_is_not_read_whoever_opens(files: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "red.tif").write_bytes(files["tiles"])
    side = '<PAMDataset><Metadata><MDI key="PLANTED">x</MDI></Metadata></PAMDataset>'
    (tmp_path / "red.tif.aux.xml").write_text(side)
    with RasterFiles().open(str(tmp_path / "red.tif")) as dataset:
        assert "PLANTED" not in dataset.tags()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["T31 NEA/B04.tif", "B04.jp2", "B04"])
def test_a_file_in_a_bucket_reads_as_on_disk_whatever_its_name(
    bucket: Any, files: dict[str, bytes], numbers: np.ndarray, kind: str, name: str
) -> None:
    bucket.put(name, files[kind])
    with rasterio.Env(**GDAL_SETTINGS), RasterFiles().open(f"{URL}/{name}") as dataset:
        np.testing.assert_array_equal(dataset.read(1), numbers)
        np.testing.assert_array_equal(dataset.read(1, window=Window(10, 300, 600, 90)), numbers[300:390, 10:610])


def test_what_is_no_file_in_a_bucket_says_so(bucket: Any, files: dict[str, bytes]) -> None:
    contents = {"empty": b"", "words.jp2": b"SH_CLIENT_SECRET=hunter2", "cut.jp2": files["jpeg 2000"][:3000]}
    contents["scheme.vrt"] = b"<VRTDataset rasterXSize='1'/>"
    for name, content in contents.items():
        bucket.put(name, content)
    expected = {
        "gone.jp2": "there is no such file in its bucket",
        "a//b.jp2": "empty path segment",
        "empty": "it is empty",
        "words.jp2": "neither a GeoTIFF nor a JPEG 2000 file",
        "scheme.vrt": "neither a GeoTIFF nor a JPEG 2000 file",
    }
    for name, words in expected.items():
        with pytest.raises(RasterFileError, match=words), RasterFiles().open(f"{URL}/{name}"):
            pass
    read: list[np.ndarray] = []
    with pytest.raises(RasterFileError), RasterFiles().open(f"{URL}/cut.jp2") as dataset:
        read.append(dataset.read(1))
    assert read == []


def test_no_more_is_read_of_a_file_in_a_bucket_than_the_limit(bucket: Any, files: dict[str, bytes]) -> None:
    bucket.put("B04.tif", files["tiles"])
    limits = Limits(file_bytes=100_000)
    words = r"more than 0\.1 MB of it would have to be read"
    with pytest.raises(RasterFileError, match=words), RasterFiles(limits=limits).open(f"{URL}/B04.tif") as dataset:
        dataset.read(1)


def test_a_bucket_that_does_not_answer_is_asked_again_by_the_next_run(
    monkeypatch: pytest.MonkeyPatch, bucket: Any
) -> None:
    monkeypatch.setattr("flows.imagery.network.bucket.MAX_RETRIES", 0)
    monkeypatch.setattr("flows.imagery.web_file.WAITS_S", ())
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(TransientError, match="bucket `watch` does not answer") as caught, RasterFiles().open(URL):
        pass
    assert "hunter2" not in str(caught.value)


def test_a_bucket_is_reached_by_the_names_that_gdal_knows_too(
    s3: str, bucket: Any, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put("B04.jp2", files["jpeg 2000"])
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_S3_ENDPOINT", s3.removeprefix("http://"))
    monkeypatch.setenv("AWS_HTTPS", "NO")
    with RasterFiles().open(f"{URL}/B04.jp2") as dataset:
        assert dataset.shape == (SIDE, SIDE)
    monkeypatch.setenv("AWS_NO_SIGN_REQUEST", "YES")  # the test's bucket is not open to all
    with pytest.raises(RasterFileError, match="bucket `watch` refuses"), RasterFiles().open(f"{URL}/B04.jp2"):
        pass
    assert s3_options({"AWS_S3_ENDPOINT": "eodata.example.org"}) == {"aws_endpoint": "https://eodata.example.org"}
    assert s3_options({"AWS_S3_ENDPOINT": "x", "AWS_ENDPOINT_URL": "http://y"}) == {}
