"""Searching static catalogs and STAC APIs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from child import Child
from loopback import free_port
from stac_api import served_items

from aois.area import Area
from aois.grid import Grid
from flows.imagery.scene import ImageryError, SceneRef, Sensor
from flows.imagery.stac.stac_source import StacSource

DAYS = ("2023-05-01", "2023-05-06", "2023-05-11")
ALL = {"since": date(2023, 1, 1), "until": date(2023, 12, 31)}


def fill(catalog: Any, flat: Callable[..., Any]) -> Any:
    """One item a day, newest first."""
    for number, day in enumerate(reversed(DAYS)):
        catalog.add(f"item-{day}", f"{day}T10:00:00Z", {"red": flat(1000 * (number + 1))})
    return catalog


def days(refs: list[SceneRef]) -> list[str]:
    return [str(ref.acquired.date()) for ref in refs]


def test_a_search_gives_the_scenes_in_order_and_without_reading_a_raster(
    catalog: Any, flat: Any, area: Area, grid: Grid
) -> None:
    path = fill(catalog, flat).write()
    for file in path.parent.rglob("*.tif"):
        file.unlink()
    refs = StacSource(path).search(area, grid, **ALL)
    assert refs[0] == SceneRef(
        "sentinel-2_20230501T100000",
        Sensor.SENTINEL_2,
        datetime(2023, 5, 1, 10, tzinfo=UTC),
        ("item-2023-05-01",),
    )
    assert days(refs) == list(DAYS)


def test_both_days_of_a_search_are_within_it(catalog: Any, flat: Any, area: Area, grid: Grid) -> None:
    source = StacSource(str(fill(catalog, flat).write()))
    assert days(source.search(area, grid, since=date(2023, 5, 1), until=date(2023, 5, 6))) == list(DAYS[:2])
    assert days(source.search(area, grid, since=date(2023, 5, 2), until=date(2023, 5, 5))) == []


def test_items_elsewhere_are_left_out_and_items_without_a_box_kept(
    catalog: Any, flat: Any, area: Area, grid: Grid
) -> None:
    west, south, east, north = grid.bounds_lonlat
    catalog.add("far", "2023-05-01T10:00:00Z", {"red": flat(1)}, bbox=(west + 1, south, east + 1, north))
    catalog.add("unsaid", "2023-05-02T10:00:00Z", {"red": flat(1)}, bbox=None)
    assert days(StacSource(catalog.write()).search(area, grid, **ALL)) == ["2023-05-02"]


def test_a_days_items_are_one_scene_a_sensor_and_for_radar_one_an_orbit(
    catalog: Any, flat: Any, area: Area, grid: Grid
) -> None:
    catalog.collection = ""
    power = flat(0.1, "float32")
    catalog.add("s2-b", "2023-05-01T10:00:00Z", {"red": flat(1)})
    catalog.add("s2-a", "2023-05-01T10:00:14Z", {"red": flat(1)}, properties={"sat:relative_orbit": 1})
    catalog.add("s1-a", "2023-05-01T05:00:00Z", {"vv": power}, properties={"sat:relative_orbit": 10})
    catalog.add("s1-b", "2023-05-01T05:00:25Z", {"vv": power}, properties={"sat:relative_orbit": 10})
    catalog.add("s1-c", "2023-05-01T17:00:00Z", {"vv": power}, properties={"sat:relative_orbit": 99})
    catalog.add("s1-d", "2023-05-01T18:00:00Z", {"vv": power})
    found = {ref.scene_id: ref.item_ids for ref in StacSource(catalog.write()).search(area, grid, **ALL)}
    assert found == {
        "sentinel-1_20230501T050000_r10": ("s1-a", "s1-b"),
        "sentinel-2_20230501T100000": ("s2-a", "s2-b"),
        "sentinel-1_20230501T170000_r99": ("s1-c",),
        "sentinel-1_20230501T180000": ("s1-d",),
    }


def test_a_scene_found_by_another_run_can_be_fetched(catalog: Any, flat: Any, area: Area, grid: Grid) -> None:
    path = fill(catalog, flat).write()
    source = StacSource(path)
    ref = source.search(area, grid, **ALL)[1]
    again = StacSource(path).fetch(area, grid, ref)
    np.testing.assert_array_equal(again.pixels, source.fetch(area, grid, ref).pixels)
    assert again.provenance == source.fetch(area, grid, ref).provenance


def test_a_scene_whose_items_are_gone_is_refused(catalog: Any, flat: Any, area: Area, grid: Grid) -> None:
    source = StacSource(fill(catalog, flat).write())
    gone = SceneRef("sentinel-2_20230501T100000", Sensor.SENTINEL_2, datetime(2023, 5, 1, 10, tzinfo=UTC), ("lost",))
    with pytest.raises(ImageryError, match=r"area `sea-1`: the catalog no longer lists lost of scene"):
        source.fetch(area, grid, gone)


def test_only_the_collections_asked_for_are_searched(catalog: Any, flat: Any, area: Area, grid: Grid) -> None:
    path = fill(catalog, flat).write()
    assert len(StacSource(path, collections=["sentinel-2-l2a"]).search(area, grid, **ALL)) == 3
    with pytest.raises(ImageryError, match="lists no item"):
        StacSource(path, collections=["other"]).search(area, grid, **ALL)


def test_a_collections_own_file_is_a_catalog_too(catalog: Any, flat: Any, area: Area, grid: Grid) -> None:
    path = fill(catalog, flat).write().with_name("collection.json")
    assert days(StacSource(path).search(area, grid, **ALL)) == list(DAYS)


def test_a_catalog_on_disk_is_named_by_its_id_so_that_no_path_gets_into_the_archive(
    catalog: Any, flat: Any, area: Area, grid: Grid
) -> None:
    source = StacSource(fill(catalog, flat).write())
    scene = source.fetch(area, grid, source.search(area, grid, **ALL)[0])
    assert scene.provenance.request == "stac catalog made-for-a-test; collection sentinel-2-l2a; bands red"
    assert scene.provenance.source == "stac"
    assert scene.provenance.item_ids == ("item-2023-05-01",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        ("<html>", "it is not JSON"),
        ("[]", "cannot be read"),
        ('{"type": "Catalog", "id": "x", "description": "", "stac_version": "1.1.0", "links": []}', "lists no item"),
        (
            '{"type": "Catalog", "id": "x", "description": "", "stac_version": "1.1.0",'
            ' "links": [{"rel": "item", "href": "./gone.json"}]}',
            "gone.json",
        ),
    ],
)
def test_a_catalog_that_cannot_be_used_says_so(
    tmp_path: Path, area: Area, grid: Grid, content: str | None, message: str
) -> None:
    path = tmp_path / "catalog.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ImageryError, match=message) as caught:
        StacSource(path).search(area, grid, **ALL)
    assert "catalog.json" in str(caught.value)


def test_nothing_is_asked_before_the_first_search() -> None:
    assert StacSource().name == "stac"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A folder on loopback, from a process of its own: GDAL waits for an answer while it holds Python's lock."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(folder)]
    with Child(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().split()[5]}"
        finally:
            server.terminate()


def test_a_catalog_on_the_web_reads_like_one_on_disk(catalog: Any, flat: Any, area: Area, grid: Grid) -> None:
    path = fill(catalog, flat).write()
    on_disk = StacSource(path)
    with served(path.parent) as address:
        source = StacSource(f"{address}/catalog.json?key=secret")
        refs = source.search(area, grid, **ALL)
        scene = source.fetch(area, grid, refs[2])
        assert refs == on_disk.search(area, grid, **ALL)
        np.testing.assert_array_equal(scene.pixels, on_disk.fetch(area, grid, refs[2]).pixels)
        assert scene.provenance.request.startswith(f"stac {address}/catalog.json;")
        with pytest.raises(ImageryError, match=r"nowhere.json` cannot be read \(.* answered 404"):
            StacSource(f"{address}/nowhere.json").search(area, grid, **ALL)
        next(path.parent.glob("item-2023-05-06/red.tif")).unlink()
        with pytest.raises(ImageryError, match=r"item `item-2023-05-06`: asset `red` at http"):
            source.fetch(area, grid, refs[1])


def test_a_server_that_is_not_there_is_named(area: Area, grid: Grid) -> None:
    address = f"http://127.0.0.1:{free_port()}/catalog.json"
    with pytest.raises(ImageryError, match="cannot be read"):
        StacSource(address).search(area, grid, **ALL)


def test_a_stac_api_is_recognised_and_all_its_pages_are_read(catalog: Any, flat: Any, area: Area, grid: Grid) -> None:
    fill(catalog, flat)
    west, south, east, north = grid.bounds_lonlat
    catalog.add("far", "2023-05-03T10:00:00Z", {"red": flat(1)}, bbox=(west + 1, south, east + 1, north))
    with served_items(catalog.root, catalog.collection_page(), catalog.items) as (address, host):
        source = StacSource(address, page_size=1, hosts=[host])
        refs = source.search(area, grid, **ALL)
        assert days(refs) == list(DAYS)
        assert days(source.search(area, grid, since=date(2023, 5, 6), until=date(2023, 5, 6))) == ["2023-05-06"]
        assert days(
            StacSource(address, collections=["sentinel-2-l2a"], hosts=[host]).search(area, grid, **ALL)
        ) == list(DAYS)
        scene = StacSource(address, hosts=[host]).fetch(area, grid, refs[0])
    assert scene.pixels[0, 0, 0] == pytest.approx(0.3)
    assert scene.provenance.item_ids == ("item-2023-05-01",)
    assert scene.provenance.request.startswith(f"stac {address};")
