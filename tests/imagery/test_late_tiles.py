"""Tiles of a pass that are listed later than the others: the pass is completed, whatever order they came in."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sh_server import PROCESS, SEARCH, SentinelHubServer, Status
from sh_shelf import Shelf
from simulated_catalog import write_item, write_page

from aois.area import Area
from aois.grid import Grid, grid_of
from flows.imagery.archive.store import Archive
from flows.imagery.archive.versions import Adoption
from flows.imagery.fetching import FetchReport, fetch_missing, to_fetch
from flows.imagery.scene import OPTICAL_BANDS, RADAR_BANDS, Provenance, Scene, Sensor
from flows.imagery.source import Source
from flows.imagery.stac.stac_source import StacSource

DAY = {"since": date(2024, 5, 1), "until": date(2024, 5, 1)}
NOON = datetime(2024, 5, 1, 12, 0, 10, tzinfo=UTC)
# Three overlapping columns of the ground, the first of which was seen last.
TILES = ((0, 16, 9), (12, 30, 0), (26, 40, 4))
Hub = Callable[..., Any]


def tile(grid: Grid, number: int, sensor: Sensor) -> tuple[Scene, Grid]:
    first, last, second = TILES[number]
    part = Grid(grid.epsg, grid.left + 10 * first, grid.top, last - first, grid.height)
    bands = OPTICAL_BANDS if sensor is Sensor.SENTINEL_2 else RADAR_BANDS
    pixels = np.full((len(bands), *part.shape), 0.1 + 0.05 * number, np.float32)
    orbit: dict[str, Any] = (
        {"relative_orbit": 15, "orbit_direction": "ascending"} if sensor is Sensor.SENTINEL_1 else {}
    )
    scl = np.full(part.shape, 5, np.uint8) if sensor is Sensor.SENTINEL_2 else None
    when = NOON + timedelta(seconds=second)
    return Scene(
        "x", sensor, when, bands, pixels, np.ones(part.shape, bool), scl, Provenance("made", (), **orbit)
    ), part


class Shop:
    """A catalog that lists one tile after another, and the sources that read it."""

    def __init__(
        self, folder: Path, yard: Area, server: SentinelHubServer, hub: Hub, kind: str, sensor: Sensor
    ) -> None:
        self.folder, self.yard, self.server, self.hub, self.kind, self.sensor = folder, yard, server, hub, kind, sensor
        self.grid = grid_of(yard)

    def list(self, *numbers: int, baseline: str = "05.11") -> list[str]:
        self.folder.mkdir(exist_ok=True)
        names = [write_item(self.folder, *tile(self.grid, n, self.sensor), baseline=baseline) for n in numbers]
        write_page(self.folder, sorted(path.name for path in self.folder.glob("S*.json")))
        return names

    @property
    def source(self) -> Source:
        self.server.shelf = Shelf(self.folder)
        return StacSource(self.folder / "catalog.json") if self.kind == "stac" else self.hub(self.server)

    def fetch(self, root: Path) -> FetchReport:
        source = self.source
        refs = source.search(self.yard, self.grid, **DAY)
        return fetch_missing(source, Archive(root), self.yard, self.grid, refs, on_scene=lambda _: None)

    def held(self, root: Path) -> Sequence[Any]:
        return Archive(root).list(self.yard.id, self.kind, self.grid)


@pytest.fixture(params=["stac", "sentinelhub"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=list(Sensor))
def shop(
    request: pytest.FixtureRequest, server: SentinelHubServer, hub: Hub, yard: Area, tmp_path: Path, kind: str
) -> Shop:
    return Shop(tmp_path / "catalog", yard, server, hub, kind, request.param)


@pytest.fixture
def optical(server: SentinelHubServer, hub: Hub, yard: Area, tmp_path: Path) -> Shop:
    return Shop(tmp_path / "catalog", yard, server, hub, "stac", Sensor.SENTINEL_2)


def test_whatever_order_tiles_come_in_the_scene_has_the_same_id_and_bytes(shop: Shop, tmp_path: Path) -> None:
    found = set()
    for number, order in enumerate([(), *permutations(range(3))]):
        shop.folder = tmp_path / f"catalog-{number}"
        root = tmp_path / f"archive-{number}"
        for n in order[:-1]:
            shop.list(n)
            shop.fetch(root)
        shop.list(*range(3))
        report = shop.fetch(root)
        (entry,) = shop.held(root)
        found.add((entry.scene_id, entry.sha256, entry.path.read_bytes()))
        assert (len(report.fetched), len(report.completed), report.revised) == ((0, 1, ()) if order else (1, 0, ()))
    assert len(found) == 1
    scene = Archive(tmp_path / "archive-0").get(shop.yard.id, shop.kind, shop.grid, entry.scene_id)
    assert scene.acquired == NOON
    assert scene.valid.all()


def test_a_late_tile_is_told_and_the_version_without_it_is_kept(shop: Shop, tmp_path: Path) -> None:
    shop.list(1)
    shop.fetch(tmp_path)
    (before,) = shop.held(tmp_path)
    (late,) = shop.list(0)
    report = shop.fetch(tmp_path)
    ((scene_id, words),) = report.completed
    assert (report.fetched, report.failed) == ((), ())
    assert words == (
        f"1 tiles came late ({late.removesuffix('.json')}), so the pass was fetched again with them; the version "
        f"without, {before.path.name}, is kept"
    )
    (entry,) = shop.held(tmp_path)
    assert (entry.scene_id, len(entry.items)) == (scene_id, 2)
    assert before.path.exists()
    assert before in Archive(tmp_path).versions(shop.yard.id, shop.kind, shop.grid)
    asked = shop.server.count(PROCESS)
    assert shop.fetch(tmp_path) == FetchReport((), ())
    assert shop.server.count(PROCESS) == asked
    for index in tmp_path.glob("yard-2/*/index.jsonl"):
        index.unlink()
    assert shop.held(tmp_path) == [entry]


def test_a_tile_that_adds_nothing_is_asked_for_once(optical: Shop, tmp_path: Path) -> None:
    """The ground lies whole in the first tile: the others are listed, and not read."""
    wide = tile(optical.grid, 1, Sensor.SENTINEL_2)[0]
    pixels = np.full((7, *optical.grid.shape), 0.2, np.float32)
    valid, scl = np.ones(optical.grid.shape, bool), np.full(optical.grid.shape, 5, np.uint8)
    optical.folder.mkdir()
    write_item(optical.folder, replace(wide, pixels=pixels, valid=valid, scl=scl), optical.grid)
    optical.list(2)
    assert len(optical.fetch(tmp_path).fetched) == 1
    (entry,) = optical.held(tmp_path)
    scene = Archive(tmp_path).get(optical.yard.id, "stac", optical.grid, entry.scene_id)
    assert (len(scene.provenance.item_ids), len(scene.provenance.offered)) == (1, 2)
    assert optical.fetch(tmp_path) == FetchReport((), ())


def test_a_late_tile_in_a_new_baseline_completes_nothing(
    server: SentinelHubServer, hub: Hub, yard: Area, tmp_path: Path, kind: str
) -> None:
    shop = Shop(tmp_path / "catalog", yard, server, hub, kind, Sensor.SENTINEL_2)
    shop.list(1)
    shop.fetch(tmp_path)
    before = shop.held(tmp_path)
    shop.list(0, baseline="05.12")
    report = shop.fetch(tmp_path)
    assert (report.fetched, report.completed) == ((), ())
    ((_, words),) = report.revised
    assert words.startswith("offered again in processing baseline 05.12, archived in 05.11; the new one is kept beside")
    assert shop.held(tmp_path) == before
    assert shop.fetch(tmp_path) == report
    shop.list(2, baseline="05.12")  # and again, with more of the new baseline
    assert shop.fetch(tmp_path).revised == report.revised
    assert len(Archive(tmp_path).versions(shop.yard.id, f"{shop.kind}.revised-05.12", shop.grid)) == 2


def test_a_tile_that_is_made_again_in_the_same_baseline_completes_nothing(shop: Shop, tmp_path: Path) -> None:
    (name,) = shop.list(1)
    shop.fetch(tmp_path)
    before = shop.held(tmp_path)
    path = shop.folder / name
    item = json.loads(path.read_text())
    again = item["id"].replace("_20250101T", "_20250202T") if "_20250101T" in item["id"] else f"{item['id'][:-4]}EEEE"
    (shop.folder / f"{again}.json").write_text(json.dumps(item | {"id": again}))
    shop.list(2)
    for _ in range(2):
        report = shop.fetch(tmp_path)
        assert (report.fetched, report.completed) == ((), ())
        assert [words.split(";")[0] for _, words in report.revised] == ["offered again as other items"]
        assert shop.held(tmp_path) == before


def test_a_late_tile_that_cannot_be_read_leaves_the_scene_as_it_was(optical: Shop, tmp_path: Path) -> None:
    optical.list(1)
    optical.fetch(tmp_path)
    before = optical.held(tmp_path)
    (name,) = optical.list(0)
    red = optical.folder / f"{name.removesuffix('.json')}-red.tif"
    whole = red.read_bytes()
    red.write_bytes(whole[: len(whole) // 2])
    report = optical.fetch(tmp_path)
    assert (report.completed, len(report.failed)) == ((), 1)
    assert optical.held(tmp_path) == before
    red.write_bytes(whole)
    assert len(optical.fetch(tmp_path).completed) == 1


def test_what_a_run_would_fetch_counts_late_tiles_and_new_versions_once(optical: Shop, tmp_path: Path) -> None:
    def count() -> int:
        source = optical.source
        refs = source.search(optical.yard, optical.grid, **DAY)
        return len(to_fetch("stac", Archive(tmp_path), optical.yard, optical.grid, refs).refs)

    optical.list(1)
    assert count() == 1
    lists: tuple[dict[str, Any], ...] = ({"numbers": (0,), "baseline": "05.11"}, {"numbers": (2,), "baseline": "05.12"})
    for listed in lists:
        optical.fetch(tmp_path)
        assert count() == 0
        optical.list(*listed["numbers"], baseline=listed["baseline"])
        assert count() == 1


def test_a_fault_while_a_pass_is_completed_changes_no_byte(
    server: SentinelHubServer, hub: Hub, yard: Area, tmp_path: Path
) -> None:
    shop = Shop(tmp_path / "catalog", yard, server, hub, "sentinelhub", Sensor.SENTINEL_2)
    shop.list(1)
    shop.fetch(tmp_path / "one")
    shop.list(0, 2)
    server.faults[PROCESS].extend([Status(500), None])
    server.faults[SEARCH].append(Status(429, 20))
    assert len(shop.fetch(tmp_path / "one").completed) == 1
    shop.fetch(tmp_path / "clean")
    assert [e.sha256 for e in shop.held(tmp_path / "one")] == [e.sha256 for e in shop.held(tmp_path / "clean")]


def test_a_person_may_decide_against_a_completion_and_for_it_again(optical: Shop, tmp_path: Path) -> None:
    optical.list(1)
    optical.fetch(tmp_path)
    (part,) = optical.held(tmp_path)
    optical.list(0)
    optical.fetch(tmp_path)
    (whole,) = optical.held(tmp_path)
    archive, day = Archive(tmp_path), datetime(2024, 7, 1, tzinfo=UTC)
    for days, (new, old) in enumerate([(part, whole), (whole, part), (part, whole)]):
        at = day + timedelta(days=days)
        decision = Adoption(new.scene_id, new.sha256, old.sha256, new.baseline, "stac", "ada", at, "")
        archive.adopt(optical.yard.id, "stac", optical.grid, new, decision)
        assert optical.held(tmp_path) == [new]
    assert optical.fetch(tmp_path) == FetchReport((), ())  # what was decided against is not fetched again
    optical.list(2)
    assert len(optical.fetch(tmp_path).completed) == 1
    assert len(optical.held(tmp_path)[0].items) == 3
