"""The region search on each of its engines, from each kind of source."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from land import Land, state_bytes

from aois.area import AreaKind
from aois.reading import read_areas, to_feature_collection
from flows.config.settings import Settings, SettingsError
from flows.jobs.search_request import regions_of
from flows.pipeline.region import run_region
from flows.pipeline.region_looks import looks_of
from flows.tile_search.baseline_plan import alone
from flows.tile_search.cached_look import CachedLook
from flows.tile_search.local_file_look import FileLook
from flows.tile_search.search_tile import SearchPeriod
from flows.tile_search.tile import Tile, Window

pytestmark = [
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
]

SINCE, END = date(2024, 6, 1), date(2024, 10, 30)
REGIONS = ("green-1", "green-2", "green-3")


@pytest.fixture(scope="module")
def land(tmp_path_factory):
    return Land(tmp_path_factory.mktemp("land"))


@pytest.fixture(scope="module")
def catalog(land):
    return land.catalog(END)


@pytest.fixture(scope="module")
def listed(land, tmp_path_factory):
    """A list of three regions over the same land."""
    path = tmp_path_factory.mktemp("list") / "areas.geojson"
    path.write_text(json.dumps(to_feature_collection([land.region(name) for name in REGIONS])))
    return path


@pytest.fixture
def settings(catalog, listed):
    def settings(outputs, **given):
        return Settings(
            **{
                "outputs": outputs,
                "areas": listed,
                "source": "stac",
                "catalog": str(catalog),
                "_env_file": None,
                **given,
            }
        )

    return settings


def asked(listed, catalog):
    return "search", "--areas", listed, "--catalog", catalog, "--since", SINCE, "--until", END


def found(outputs, region):
    return json.loads((outputs / "search" / region / "candidates.geojson").read_text())["features"]


@pytest.fixture(scope="module")
def expected(land, catalog, listed, tmp_path_factory):
    """The bytes of each region's state, searched without an orchestrator."""
    outputs = tmp_path_factory.mktemp("expected")
    given = Settings(outputs=outputs, areas=listed, source="stac", catalog=str(catalog), _env_file=None)
    for name in REGIONS:
        run_region(land.region(name), given, SearchPeriod(SINCE, END))
    return {name: state_bytes(outputs / "search" / name / "state") for name in REGIONS}


def test_the_yard_is_a_candidate_that_the_watch_can_take_over(land, settings, tmp_path):
    outcome = run_region(land.region(), settings(tmp_path), SearchPeriod(SINCE, END))
    (feature,) = found(tmp_path, "green-1")
    assert feature["properties"]["area_m2"] == 90_000
    assert feature["properties"]["rank"] == 1
    assert feature["id"] == outcome.candidates[0].candidate_id
    (area,) = read_areas(tmp_path / "search" / "green-1" / "areas.geojson")
    assert (area.id, area.kind.value) == (feature["id"], "region")
    assert (tmp_path / "search").stat().st_mode & 0o077 == 0
    assert outcome.listed.stat().st_mode & 0o077 == 0


def test_a_candidate_keeps_its_name_from_week_to_week(land, settings, tmp_path):
    early = run_region(land.region(), settings(tmp_path), SearchPeriod(SINCE, date(2024, 9, 30)))
    late = run_region(land.region(), settings(tmp_path), SearchPeriod(SINCE, END))
    assert late.taken > 0
    assert [c.candidate_id for c in early.candidates] == [c.candidate_id for c in late.candidates]


def test_what_a_site_of_the_list_covers_is_no_candidate(land, settings, tmp_path):
    (place,) = read_areas_of_first_search(land, settings, tmp_path)
    assert not run_region(land.region(), settings(tmp_path), SearchPeriod(SINCE, END), sites=(place,)).candidates


def read_areas_of_first_search(land, settings, outputs):
    run_region(land.region(), settings(outputs), SearchPeriod(SINCE, END))
    return read_areas(outputs / "search" / "green-1" / "areas.geojson")


def test_files_on_the_region_are_read_where_they_are_and_others_are_brought_onto_it(land, settings, tmp_path):
    region, grid = land.region(), land.grid
    direct = looks_of(settings(tmp_path), region, Tile("t", grid, tmp_path), since=SINCE, until=END)
    assert {type(look) for look in direct} == {FileLook}
    tilted = Tile("t", type(grid)(grid.epsg, grid.left + 3, grid.top, 500, 500), tmp_path)
    brought = looks_of(settings(tmp_path), region, tilted, since=SINCE, until=END)
    assert {type(look) for look in brought} == {CachedLook}
    assert [look.look_id for look in brought] == [look.look_id for look in direct]


def test_a_region_that_begins_between_two_pixels_of_the_classes_sees_the_same(land, settings, tmp_path):
    grid = land.grid
    odd = type(grid)(grid.epsg, grid.left + 70, grid.top - 30, 400, 400)
    looks = [
        looks_of(settings(tmp_path), land.region(), Tile("t", g, tmp_path), since=SINCE, until=END) for g in (grid, odd)
    ]
    cloudy = next(n for n, look in enumerate(looks[0]) if look.day.toordinal() % 5 == 0)
    with looks[0][cloudy].open() as whole, looks[1][cloudy].open() as part:
        ours, theirs = part.read(Window(10, 250, 90, 60)), whole.read(Window(13, 257, 90, 60))
    assert (ours.clear == theirs.clear).all()
    assert (ours.red == theirs.red).all()
    assert 0 < ours.clear.mean() < 1


@pytest.mark.parametrize("engine", ["threads", "processes"])
def test_engines_give_the_same_bytes(engine, call, catalog, listed, expected, tmp_path, prefect_server):
    on = ("--on", engine, "--at-once", 2, "--threads", 1)
    said = call(*asked(listed, catalog), *on, cwd=tmp_path, source="stac")
    assert (said.status, said.err) == (0, "")
    assert "green-2: 9 new looks" in said.out
    assert "1 places to check" in said.out
    states = {name: state_bytes(tmp_path / "outputs" / "search" / name / "state") for name in REGIONS}
    assert states == expected


def test_a_dask_worker_killed_in_the_middle_leaves_no_trace(settings, expected, tmp_path, prefect_server):
    from distributed import LocalCluster

    from flows.jobs.search import search

    def given(address):
        return settings(tmp_path, engine="dask", cluster=address)

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        killed: list[int] = []
        killer = threading.Thread(target=kill_one, args=(cluster, tmp_path, killed))
        killer.start()
        result: Any = search(given(cluster.scheduler_address), (), SINCE, END, 1)
        killer.join()
    assert killed
    assert result.failures == {}
    assert {name: state_bytes(tmp_path / "search" / name / "state") for name in REGIONS} == expected


def kill_one(cluster, outputs: Path, killed: list[int]) -> None:
    """Kill the worker process that has begun a region, by its id, once a part of the region is on disk."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        begun = [path for path in outputs.glob("search/*/state/static-00000.tif") if path.exists()]
        busy = {address for address, worker in cluster.scheduler.workers.items() if worker.processing}
        pids = [nanny.pid for nanny in cluster.workers.values() if nanny.worker_address in busy]
        if begun and pids:
            os.kill(pids[0], signal.SIGKILL)
            killed.append(pids[0])
            return
        time.sleep(0.02)


def test_a_region_that_fails_stops_no_other_and_says_why(call, land, catalog, listed, tmp_path, prefect_server):
    with alone(Tile("green-2", land.grid, tmp_path / "outputs" / "search" / "green-2" / "state")):
        said = call(
            "search",
            "--areas",
            listed,
            "--catalog",
            catalog,
            "--since",
            SINCE,
            "--until",
            END,
            cwd=tmp_path,
            source="stac",
        )
    assert said.status == 1
    assert "failed: green-2: region `green-2` is being searched by another run" in said.out
    assert "green-3: 9 new looks" in said.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search", "green-9"], "area `green-9` is not in the list"),
        (["search", "--until", "soon"], "--until `soon` is not a date"),
        (["search", "--cluster", "tcp://127.0.0.1:1"], "add --on dask"),
    ],
)
def test_a_wrong_call_says_so_and_does_nothing(arguments, message, call, catalog, listed, tmp_path):
    said = call(*arguments, "--areas", listed, "--catalog", catalog, cwd=tmp_path, source="stac")
    assert said.status == 2
    assert message in " ".join(said.err.split())
    assert not (tmp_path / "outputs").exists()


def test_a_list_without_regions_is_told_apart(settings, made, tmp_path):
    sites = made.write_list(tmp_path / "sites.geojson", [made.site("yard-2")])
    with pytest.raises(SettingsError, match="no region"):
        regions_of(settings(tmp_path, areas=sites))
    with pytest.raises(SettingsError, match="`yard-2` is a site"):
        regions_of(settings(tmp_path, areas=sites), ("yard-2",))


def test_the_simulated_source_is_searched_too(made, tmp_path):
    region = replace(made.site("reef-2", size_m=400), kind=AreaKind.REGION)
    given = Settings(outputs=tmp_path, source="simulated", history_days=240, _env_file=None)
    outcome = run_region(region, given, SearchPeriod(date(2026, 10, 20), date(2026, 11, 22), 240))
    assert outcome.watched_share > 0.9
    assert outcome.taken >= 6
    assert not list((tmp_path / "search" / "reef-2" / "state" / "looks").iterdir())
    assert json.loads(outcome.listed.read_text())["search"]["simulated"] is True
