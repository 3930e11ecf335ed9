"""The same scenes from a static catalog, a STAC API and a Sentinel Hub service: the same alerts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rasterio
from sh_server import (
    CLIENT_ID,
    CLIENT_SECRET,
    CUT,
    EMPTY,
    HALF,
    HANG_UP,
    PROCESS,
    REFUSED,
    SEARCH,
    TOKEN,
    WRONG_SIZE,
    SentinelHubServer,
    Status,
)
from simulated_catalog import write_page, write_simulated
from stac_api import served_items

from aois.area import Area
from aois.grid import Grid, grid_of
from flows.config.settings import Settings
from flows.imagery.archive.store import Archive
from flows.imagery.fetching import fetch_missing
from flows.imagery.network.retry import RetryPolicy
from flows.imagery.scene import SceneRef, Sensor
from flows.imagery.source import Source
from flows.imagery.stac.stac_source import StacSource
from flows.pipeline.sources import open_source

HISTORY_DAYS = 365
PROVIDERS = ("stac", "api", "sentinelhub")
SPAN = {"since": date(2024, 5, 20), "until": date(2024, 6, 30)}
REST = (None,) * 10
FAULTS = {
    TOKEN: [Status(500)],
    SEARCH: [Status(429, 50), None, REFUSED],
    # What comes damaged is set apart, so that no scene draws it three times.
    PROCESS: [
        *(None, Status(500), HALF, Status(429, 30), REFUSED),
        *(*REST, EMPTY, CUT, HANG_UP),
        *(*REST, WRONG_SIZE),
        *(*REST, HALF),
    ],
}


class Thinned:
    """What another source has, but before some day only every second scene of each sensor."""

    def __init__(self, source: Source, *, before: date) -> None:
        self._source, self._before = source, before
        self.fetch = source.fetch

    def search(self, area: Area, grid: Grid, *, since: date, until: date) -> list[SceneRef]:
        refs = self._source.search(area, grid, since=since, until=until)
        history = [[r for r in refs if r.sensor is s and r.acquired.date() < self._before] for s in Sensor]
        return [r for of_sensor in history for r in of_sensor[::2]] + [
            r for r in refs if r.acquired.date() >= self._before
        ]


@pytest.fixture(scope="module")
def shelved(made, undisturbed, tmp_path_factory) -> Path:
    """Every scene of a watch, and every second one of a year of history, as a static catalog."""
    folder = tmp_path_factory.mktemp("shelved")
    since = made.SINCE - timedelta(days=HISTORY_DAYS + 7)
    source = Thinned(undisturbed.source, before=made.SINCE)
    write_simulated(folder, source, undisturbed.areas, since=since, until=made.UNTIL)  # type: ignore[arg-type]
    return folder


@pytest.fixture(scope="module")
def hub(shelved) -> Iterator[SentinelHubServer]:
    with pytest.MonkeyPatch.context() as patch, SentinelHubServer(shelved) as server:
        patch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
        yield server


def hub_source(server: SentinelHubServer, outputs: Path) -> Source:
    settings = Settings(
        outputs=outputs,
        source="sentinelhub",
        sh_client_id=CLIENT_ID,
        sh_client_secret=CLIENT_SECRET,
        sh_base_url=server.base_url,
        sh_token_url=server.token_url,
        requests_per_minute=10_000,
        units_per_minute=10_000,
        _env_file=None,
    )
    source: Any = open_source(settings, story_end=None)
    source._hub_client._retry_policy = RetryPolicy(tries=8, first_wait_s=0.01, longest_wait_s=0.1)
    return source


@pytest.fixture(scope="module")
def watched(shelved, hub, undisturbed, made, tmp_path_factory) -> dict[str, SimpleNamespace]:
    """The whole watch from each of them, the service failing in every way it can."""
    items = [json.loads(path.read_text()) for path in sorted(shelved.glob("S*.json"))]
    collection = {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": "simulated",
        "description": "simulated",
        "license": "other",
        "extent": {"spatial": {"bbox": [items[0]["bbox"]]}, "temporal": {"interval": [["2015-01-01T00:00:00Z", None]]}},
        "links": [],
    }
    ran = {}
    for name in PROVIDERS:
        outputs = tmp_path_factory.mktemp("outputs")
        with served_items(shelved, collection, items) as (address, host):
            source: Source = (
                StacSource(address, hosts=[host]) if name == "api" else StacSource(shelved / "catalog.json")
            )
            if name == "sentinelhub":
                source = hub_source(hub, outputs)
                for kind, faults in FAULTS.items():
                    hub.faults[kind].extend(faults)
            bench = made.Bench(outputs, undisturbed.areas, source, source.name, history_days=HISTORY_DAYS)
            (outcome,) = bench.watch()
        ran[name] = SimpleNamespace(bench=bench, outcome=outcome, record=bench.record())
    return ran


def outputs_of(record: dict[str, Any]) -> dict[str, bytes]:
    """The GeoJSON files and the last rasters; a saved state knows which source it rests on."""
    return {name: content for name, content in record["files"].items() if "/state/" not in name}


@pytest.mark.parametrize("name", PROVIDERS[1:])
def test_each_gives_the_alerts_of_the_static_catalog(watched, name):
    expected, record, outcome = watched["stac"].record, watched[name].record, watched[name].outcome
    assert (outcome.fetched, outcome.failed_scenes) == (watched["stac"].outcome.fetched, ())
    assert len(expected["alerts"]) > 0
    assert record["alerts"] == expected["alerts"]
    assert record["events"] == expected["events"]
    assert outputs_of(record) == outputs_of(expected)
    assert [(o.week, o.scenes, o.seen_share) for o in record["observations"]] == [
        (o.week, o.scenes, o.seen_share) for o in expected["observations"]
    ]


def test_a_run_through_every_fault_ends_with_the_bytes_of_a_clean_one(watched, hub, undisturbed, made, tmp_path):
    assert not any(hub.faults.values())
    (area,), source = undisturbed.areas, hub_source(hub, tmp_path)
    grid = grid_of(area)
    since = made.SINCE - timedelta(days=HISTORY_DAYS)
    refs = source.search(area, grid, since=since, until=made.UNTIL)
    fetch_missing(source, Archive(tmp_path), area, grid, refs, on_scene=lambda _: None, parallel=4)
    faulty = watched["sentinelhub"].bench.outputs / "archive"
    one, other = ({p.relative_to(a): p.read_bytes() for p in a.glob("yard-2/*/*")} for a in (tmp_path, faulty))
    assert len(one) > 70
    assert one == other
    assert len(list(faulty.glob(".quarantine/*/*/*.json"))) in (3, 4)  # one may meet a refused token first


def test_the_same_watch_again_asks_for_no_pixel(watched, hub):
    before = hub.count(PROCESS)
    (again,) = watched["sentinelhub"].bench.watch()
    assert (again.weeks, again.fetched) == (0, 0)
    assert hub.count(PROCESS) == before


def test_a_scene_that_the_service_lists_late_is_worked_in_from_its_week_on(watched, hub, tmp_path):
    clean = watched["sentinelhub"]
    used = [s for s in clean.record["scenes"]["yard-2"] if s.status == "used"]
    late = next(s.scene_id for s in used if f"{s.acquired:%Y%m%d}" > "20240520")
    bench = clean.bench.copy(tmp_path / "late")
    (path,) = bench.outputs.glob(f"archive/yard-2/*/{late}-*.tif")
    path.unlink()
    unlisted = replace(bench, source=None)
    (without,) = unlisted.watch()
    assert without.weeks > 0
    assert unlisted.record() != clean.record
    before = hub.count(PROCESS)
    (outcome,) = bench.watch()
    assert outcome.fetched == hub.count(PROCESS) - before == 1
    assert 0 < outcome.weeks < 10
    assert [a["id"] for a in still_held(bench.record()["alerts"])] == [a["id"] for a in clean.record["alerts"]]


def still_held(features: list[Any]) -> list[Any]:
    """Features less those taken back, and less pieces told by themselves that went up into one of those held."""
    held = [f for f in features if f["properties"]["state"] != "retracted"]
    whole = {f["properties"]["event_id"] for f in held if not f["properties"].get("merged_into")}
    return [f for f in held if f["properties"].get("merged_into") not in whole]


@pytest.fixture
def split(shelved, watched, tmp_path) -> Callable[..., StacSource]:
    """Makes a catalog in which one pass of the watch is two tiles, of which some are listed."""
    used = [s for s in watched["stac"].record["scenes"]["yard-2"] if s.status == "used" and s.sensor == "sentinel-2"]
    when = next(s.acquired for s in used if f"{s.acquired:%Y%m%d}" > "20240520")
    (whole,) = shelved.glob(f"S2A_MSIL2A_{when:%Y%m%dT%H%M%S}_*.json")

    def split(*tiles: str) -> StacSource:
        folder = tmp_path / f"split-{'-'.join(tiles)}"
        folder.mkdir()
        for path in shelved.iterdir():
            if path.name not in (whole.name, "catalog.json"):
                (folder / path.name).symlink_to(path)
        item = json.loads(whole.read_text())
        for tile in tiles:
            west, south, east, north = item["bbox"]
            middle = (west + east) / 2
            bbox = [west, south, middle, north] if tile == "M" else [middle, south, east, north]
            part = json.loads(whole.read_text()) | {"id": item["id"].replace("_T31N", f"_T31{tile}"), "bbox": bbox}
            for asset in part["assets"].values():
                source, asset["href"] = shelved / asset["href"], f"./{tile}-{asset['href'][2:]}"
                cut(source, folder / asset["href"], is_west=tile == "M")
            (folder / f"{part['id']}.json").write_text(json.dumps(part))
        write_page(folder, sorted(path.name for path in folder.glob("S*.json")))
        return StacSource(folder / "catalog.json")

    return split


def cut(source: Path, target: Path, *, is_west: bool) -> None:
    """A band without its eastern or its western half."""
    with rasterio.open(source) as dataset:
        numbers, profile = dataset.read(1), dataset.profile | {"driver": "GTiff"}
    half = numbers.shape[1] // 2
    numbers[:, half:] = 0 if is_west else numbers[:, half:]
    numbers[:, :half] = numbers[:, :half] if is_west else 0
    with rasterio.open(target, "w", **profile) as dataset:
        dataset.write(numbers, 1)


def standing(record: dict[str, Any]) -> list[Any]:
    """What is on record, less what only half of the ground had let appear and is taken back since."""
    held = still_held([f for found in (record["alerts"], *record["events"].values()) for f in found])
    rasters = {name: content for name, content in record["files"].items() if not name.endswith(".geojson")}
    return [held, rasters, record["observations"], record["scenes"]]


def test_a_tile_that_comes_late_is_worked_in_from_its_week_on(watched, split, tmp_path):
    """Half of the ground first, then all of it: the record is that of a watch that had both tiles from the start."""
    bench = watched["stac"].bench.copy(tmp_path / "late")
    whole = split("M", "N")
    ref = next(r for r in whole.search(bench.areas[0], grid_of(bench.areas[0]), **SPAN) if len(r.item_ids) == 2)
    (path,) = bench.outputs.glob(f"archive/yard-2/*/{ref.scene_id}-*.tif")
    path.unlink()
    clean = replace(bench.copy(tmp_path / "clean"), source=whole)
    clean.watch()

    half = replace(bench, source=split("N"))
    (first,) = half.watch()
    assert (first.fetched, first.completed_scenes) == (1, ())
    seen = next(o for o in half.record()["observations"] if ref.scene_id in o.scenes)
    late = replace(half, source=whole)
    (second,) = late.watch()
    assert [scene_id for scene_id, _ in second.completed_scenes] == [ref.scene_id]
    assert (second.fetched, second.weeks, second.revised_scenes) == (1, first.weeks, ())
    now = next(o for o in late.record()["observations"] if o.week == seen.week)
    assert now.chain != seen.chain
    assert standing(late.record()) == standing(clean.record())
    (again,) = late.watch()
    assert (again.fetched, again.weeks) == (0, 0)
