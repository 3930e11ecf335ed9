"""Scenes that are listed twice, change, or come late: the first version stays, the new one stands beside it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from sh_server import PROCESS, SentinelHubServer
from sh_shelf import Shelf

from aois.area import Area
from aois.grid import grid_of
from flows.imagery.archive.store import Archive
from flows.imagery.fetching import FetchReport, fetch_missing
from flows.imagery.inventory import missing, revised
from flows.imagery.scene import Sensor
from flows.imagery.source import Source
from flows.imagery.stac.stac_source import StacSource

MONTH = {"since": date(2024, 5, 1), "until": date(2024, 5, 31)}
Hub = Callable[..., Any]


@pytest.fixture
def copy(shelf: Path, tmp_path: Path) -> Path:
    """A copy of the catalog that may be written to."""
    return Path(shutil.copytree(shelf, tmp_path / "copy"))


def optical_items(folder: Path) -> list[Path]:
    return sorted(folder.glob("S2A_*.json"))


def publish_again(folder: Path, path: Path, *, is_replaced: bool, brighter: int = 300) -> None:
    """The product in processing baseline 05.12: another id, three seconds earlier, other numbers."""
    item = json.loads(path.read_text())
    new_id = item["id"].replace("_N0511_", "_N0512_")
    for band, asset in item["assets"].items():
        old = folder / asset["href"]
        asset["href"] = f"./{new_id}-{band}.tif"
        with rasterio.open(old) as dataset:
            numbers, profile = dataset.read(), dataset.profile
        if band != "scl":
            numbers = np.where(numbers > 0, numbers + brighter, 0).astype(numbers.dtype)
        with rasterio.open(folder / asset["href"], "w", **profile) as dataset:
            dataset.write(numbers)
    when = item["properties"]["datetime"]
    minute = int(when[14:16]) - 1
    item["properties"] |= {"datetime": f"{when[:14]}{minute:02d}:57Z", "s2:processing_baseline": "05.12"}
    item["id"] = new_id
    (folder / f"{new_id}.json").write_text(json.dumps(item))
    if is_replaced:
        path.unlink()
    write_page(folder)


def write_page(folder: Path) -> None:
    page = json.loads((folder / "catalog.json").read_text())
    names = [path.name for path in sorted(folder.glob("S*.json"))]
    page["links"] = [{"rel": "item", "href": f"./{name}"} for name in names]
    (folder / "catalog.json").write_text(json.dumps(page))


def fetch(source: Source, area: Area, root: Path) -> FetchReport:
    grid = grid_of(area)
    refs = source.search(area, grid, **MONTH)
    return fetch_missing(source, Archive(root), area, grid, refs, on_scene=lambda _: None)


@pytest.mark.parametrize("is_replaced", [True, False], ids=["replaced", "listed beside"])
@pytest.mark.parametrize("kind", ["stac", "sentinelhub"])
def test_a_new_version_is_kept_beside_the_old_and_never_takes_its_place(
    server: SentinelHubServer, hub: Hub, yard: Area, copy: Path, tmp_path: Path, kind: str, is_replaced: bool
) -> None:
    def source() -> Source:
        server.shelf = Shelf(copy)
        return StacSource(copy / "catalog.json") if kind == "stac" else hub(server)

    root, grid = tmp_path / "archive", grid_of(yard)
    assert len(fetch(source(), yard, root).fetched) == 8
    before = Archive(root).list(yard.id, kind, grid)
    publish_again(copy, optical_items(copy)[1], is_replaced=is_replaced)

    report = fetch(source(), yard, root)
    assert (report.fetched, report.failed) == ((), ())
    ((scene_id, words),) = report.revised
    assert words.startswith("offered again in processing baseline 05.12, archived in 05.11; the new one is kept beside")
    assert Archive(root).list(yard.id, kind, grid) == before
    beside = Archive(root).get(yard.id, f"{kind}.revised-05.12", grid, scene_id)
    old = Archive(root).get(yard.id, kind, grid, scene_id)
    assert (beside.provenance.processing_baseline, old.provenance.processing_baseline) == ("05.12", "05.11")
    if kind == "stac" or is_replaced:  # which of two versions the service draws is its own choice
        assert np.nanmedian(beside.pixels - old.pixels) == pytest.approx(0.03, abs=1e-4)

    asked = server.count(PROCESS)
    assert fetch(source(), yard, root) == report
    assert server.count(PROCESS) == asked


def test_of_a_tile_that_is_listed_twice_the_newer_version_wins(yard: Area, copy: Path) -> None:
    grid = grid_of(yard)
    path = optical_items(copy)[0]
    old = StacSource(copy / "catalog.json").search(yard, grid, **MONTH)
    publish_again(copy, path, is_replaced=False)
    source = StacSource(copy / "catalog.json")
    refs = source.search(yard, grid, **MONTH)
    assert len(refs) == len(old)
    ref = next(ref for ref in refs if ref.baseline == "05.12")
    scene = source.fetch(yard, grid, ref)
    assert [("_N0512_" in item_id) for item_id in scene.provenance.item_ids] == [True]


def test_an_archive_from_before_baselines_were_listed_is_read_and_heals(
    yard: Area, shelf: Path, tmp_path: Path
) -> None:
    grid = grid_of(yard)
    fetch(StacSource(shelf / "catalog.json"), yard, tmp_path)
    known = Archive(tmp_path).list(yard.id, "stac", grid)
    (index,) = tmp_path.glob("yard-2/stac-*/index.jsonl")
    lines = [json.loads(line) for line in index.read_text().splitlines() if line]
    index.write_text("\n".join(json.dumps({k: v for k, v in line.items() if k != "baseline"}) for line in lines))
    assert Archive(tmp_path).list(yard.id, "stac", grid) == known
    assert {entry.baseline for entry in known if entry.sensor is Sensor.SENTINEL_2} == {"05.11"}


def test_a_pass_is_the_same_whatever_its_second_and_another_orbit_is_another(
    yard: Area, shelf: Path, tmp_path: Path
) -> None:
    from dataclasses import replace
    from datetime import timedelta

    grid, source = grid_of(yard), StacSource(shelf / "catalog.json")
    fetch(source, yard, tmp_path)
    held = Archive(tmp_path).list(yard.id, "stac", grid)
    for ref in source.search(yard, grid, **MONTH):
        later = ref.acquired + timedelta(seconds=12)
        suffix = ref.scene_id.partition(f"{ref.acquired:%Y%m%dT%H%M%S}")[2]
        moved = replace(ref, acquired=later, scene_id=f"{ref.sensor}_{later:%Y%m%dT%H%M%S}{suffix}")
        assert missing([moved], held) == []
        assert revised([moved], held) == []
        assert missing([replace(moved, acquired=later + timedelta(days=1), scene_id="x")], held) != []
        if ref.sensor is Sensor.SENTINEL_1:
            other = replace(moved, scene_id=f"{ref.sensor}_{later:%Y%m%dT%H%M%S}_r999")
            assert missing([other], held) == [other]
