"""Generated GeoTIFFs and JPEG 2000 files, mutated from valid ones: each is read, or refused in one line."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from fuzzing import assert_one_clear_line, bounded, fuzzed
from hostile_items import GRID, geotiff
from hostile_web import HostileWeb, hostile_web
from hypothesis import given
from hypothesis import strategies as st
from rasterio.transform import Affine

from flows.imagery.archive.geotiff import decode, encode
from flows.imagery.catalog_item import BandAsset, SceneItem
from flows.imagery.catalog_rules import rules_for
from flows.imagery.raster_files import RasterFiles
from flows.imagery.scene import ImageryError, Provenance, Scene, Sensor
from flows.imagery.sentinelhub.request import LEVEL_1C, PRODUCTS, Product
from flows.imagery.sentinelhub.response import layers_of
from flows.imagery.stac.read import read_item
from flows.imagery.web import WebClient

# rasterio cannot hand on a remark of GDAL's that quotes bytes of the file which are no UTF-8, and says so on its way.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

TAGS = (256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 317, 322, 323, 324, 325, 339, 33550, 33922, 34264, 34735)
NUMBERS = (0, 1, 2, 3, 8, 16, 255, 256, 1024, 3072, 4326, 4978, 32631, 32767, 65535, 2**31 - 1, 2**31, 2**32 - 1)


def whole_files() -> dict[str, bytes]:
    """A valid file of each kind."""
    near = {"height": GRID.height, "width": GRID.width}
    return {
        "strips": geotiff(),
        "deflate": geotiff(compress="deflate", predictor=2),
        "tiles": geotiff(tiled=True, blockxsize=16, blockysize=16, compress="lzw"),
        "zstd": geotiff(compress="zstd", **near),
        "big": geotiff(BIGTIFF="YES"),
        "bands": geotiff(count=3, interleave="pixel", compress="deflate"),
        "floats": geotiff(dtype="float32", compress="deflate", predictor=3, nodata=float("nan")),
        "degrees": geotiff(crs="EPSG:4326", transform=Affine(1e-4, 0, 3.0, 0, -1e-4, 1.81)),
        "jpeg 2000": geotiff(driver="JP2OpenJPEG", nodata=None, QUALITY=100, REVERSIBLE="YES", CODEC="JP2"),
    }


FILES = whole_files()


@st.composite
def mutated(draw: st.DrawFn, files: dict[str, bytes] = FILES) -> bytes:
    """A valid file with tags, numbers or bytes of it changed, or a part cut out."""
    content = bytearray(files[draw(st.sampled_from(sorted(files)))])
    for _ in range(draw(st.integers(1, 4))):
        action = draw(st.sampled_from(["tag", "tag", "tag", "number", "byte", "cut", "double"]))
        if action == "tag" and content[:2] == b"II" and content[2] == 42:
            mutate_tag(draw, content)
        elif action == "cut":
            at = draw(st.integers(0, max(len(content) - 1, 0)))
            del content[at : at + draw(st.integers(1, 200))]
        elif action == "double":
            at = draw(st.integers(0, len(content)))
            content[at:at] = content[: draw(st.integers(1, 100))]
        elif content:
            at = draw(st.integers(0, min(len(content) - 1, 600) if draw(st.booleans()) else len(content) - 1))
            content[at] = draw(st.integers(0, 255))
    return bytes(content)


def mutate_tag(draw: st.DrawFn, content: bytearray) -> None:
    """Change what one entry of the directory says: its tag, type, count, or value."""
    (at,) = struct.unpack_from("<I", content, 4)
    if at + 2 > len(content):
        return
    (count,) = struct.unpack_from("<H", content, at)
    entry = at + 2 + 12 * draw(st.integers(0, max(min(count, 40) - 1, 0)))
    if entry + 12 > len(content):
        return
    field, width = draw(st.sampled_from([("<H", 0), ("<H", 2), ("<I", 4), ("<I", 8), ("<I", 8), ("<I", 8)]))
    number = draw(st.sampled_from(TAGS if width == 0 else NUMBERS) | st.integers(0, 2**16 - 1))
    struct.pack_into(field, content, entry + width, number & (0xFFFF if field == "<H" else 0xFFFFFFFF))


@pytest.fixture(scope="module")
def web() -> Iterator[HostileWeb]:
    with hostile_web() as server:
        yield server


def item_at(href: str, *, classes: bool) -> SceneItem:
    band = BandAsset("red", href, 1, None, None, None)
    when = datetime(2024, 5, 1, tzinfo=UTC)
    scl = band if classes else None
    return SceneItem("x", "", Sensor.SENTINEL_2, when, None, {"red": band}, scl, None, None, None, None)


def read(files: RasterFiles, href: str) -> None:
    """Read a file as a band and as classes, or be refused in one line."""
    for classes in (True, False):
        try:
            found = read_item(item_at(href, classes=classes), GRID, ["red"], files=files)
            assert found.pixels.shape == (1, *GRID.shape)
        except ImageryError as error:
            assert_one_clear_line(error, ImageryError)


@fuzzed
@given(content=mutated())
def test_any_file_on_disk_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.tif"
    path.write_bytes(content)
    with bounded():
        read(RasterFiles(), str(path))


@fuzzed
@given(content=mutated())
def test_any_file_on_the_web_is_read_or_refused(web: HostileWeb, content: bytes) -> None:
    address = web.put("/fuzzed.tif", content)
    with bounded():
        read(RasterFiles(WebClient(rules_for(address))), address)


@fuzzed
@given(content=mutated(), product=st.sampled_from([*PRODUCTS.values(), LEVEL_1C]))
def test_any_answer_of_a_service_is_refused_in_one_line(content: bytes, product: Product) -> None:
    with bounded():
        try:
            layers_of(content, product, GRID)
        except ImageryError as error:
            assert_one_clear_line(error, ImageryError)


def archived() -> dict[str, bytes]:
    shape = (2, *GRID.shape)
    scene = Scene(
        "sentinel-2_20240501T100000",
        Sensor.SENTINEL_2,
        datetime(2024, 5, 1, 10, tzinfo=UTC),
        ("red", "nir"),
        np.full(shape, 0.2, np.float32),
        np.ones(GRID.shape, np.bool_),
        None,
        Provenance("stac", ("a",)),
    )
    return {"archived": encode(scene, GRID)}


@fuzzed
@given(content=mutated(archived()))
def test_any_file_of_the_archive_is_read_or_refused(content: bytes) -> None:
    with bounded():
        try:
            decode(content, sha256="")
        except ImageryError as error:
            assert_one_clear_line(error, ImageryError)


def test_what_is_mutated_is_valid_before(tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / "valid.tif").write_bytes(content)
        found = read_item(item_at(str(tmp_path / "valid.tif"), classes=False), GRID, ["red"], files=RasterFiles())
        assert found.valid.any(), name
