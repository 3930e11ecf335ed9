"""The same scenes from a static catalog, a STAC API and a Sentinel Hub service: the same alerts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
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
from simulated_catalog import write_simulated
from stac_api import served_items

from aois.grid import grid_of
from flows.imagery.archive import Archive
from flows.imagery.fetching import fetch_missing
from flows.imagery.patience import Patience
from flows.imagery.source import Source
from flows.imagery.stac import StacSource
from flows.settings import Settings
from flows.sources import open_source

HISTORY_DAYS = 365
PROVIDERS = ("stac", "api", "sentinelhub")
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


@pytest.fixture(scope="module")
def shelved(made, undisturbed, tmp_path_factory) -> Path:
    """Every scene of a watch with a year of history as a static catalog."""
    folder = tmp_path_factory.mktemp("shelved")
    since = made.SINCE - timedelta(days=HISTORY_DAYS + 7)
    write_simulated(folder, undisturbed.source, undisturbed.areas, since=since, until=made.UNTIL)
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
    source._courier._patience = Patience(tries=8, first_wait_s=0.01, longest_wait_s=0.1)
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
        with served_items(shelved, collection, items) as address:
            source: Source = StacSource(address) if name == "api" else StacSource(shelved / "catalog.json")
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
    assert len(one) > 100
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
    assert [a["id"] for a in bench.record()["alerts"] if a["properties"]["state"] != "retracted"] == [
        a["id"] for a in clean.record["alerts"]
    ]
