"""What a run costs: foreseen before it, counted after it, and stopped in time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sh_server import CLIENT_ID, CLIENT_SECRET, PROCESS, SentinelHubServer, Status
from shapely.geometry import box
from simulated_catalog import write_item, write_page

from aois.area import Area, AreaKind
from aois.grid import Grid, grid_of, to_lonlat
from flows.config.settings import Settings
from flows.imagery.archive.store import Archive
from flows.imagery.fetching import fetch_missing
from flows.imagery.scene import OPTICAL_BANDS, RADAR_BANDS, Provenance, Scene, Sensor
from flows.pipeline.cost_estimate import estimate_run
from flows.pipeline.period import RunRequest
from flows.pipeline.sources import open_source

GROUND = Grid(32631, 500_000, 204_000, 400, 400)
MONTH = (date(2024, 4, 29), date(2024, 5, 26))
SITES = 98


def made_scene(when: datetime, sensor: Sensor) -> Scene:
    """A scene of even ground with some grain."""
    bands, level = (OPTICAL_BANDS, 0.2) if sensor is Sensor.SENTINEL_2 else (RADAR_BANDS, 0.05)
    rng = np.random.default_rng(when.toordinal())
    pixels = (level * rng.uniform(0.8, 1.2, (len(bands), *GROUND.shape))).astype(np.float32)
    orbit: dict[str, Any] = (
        {"relative_orbit": 15, "orbit_direction": "ascending"} if sensor is Sensor.SENTINEL_1 else {}
    )
    scl = np.full(GROUND.shape, 5, np.uint8) if sensor is Sensor.SENTINEL_2 else None
    provenance = Provenance("made", ("a",), **orbit)
    return Scene("made", sensor, when, bands, pixels, np.ones(GROUND.shape, bool), scl, provenance)


def site(number: int) -> Area:
    left, bottom = 500_100 + 380 * (number % 10), 200_100 + 380 * (number // 10)
    ground = box(left, bottom, left + 60, bottom + 60)
    return Area(f"site-{number:02d}", AreaKind.SITE, to_lonlat(ground, 32631), margin_m=60)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[SentinelHubServer]:
    """A month over 98 sites: Sentinel-2 every five days, Sentinel-1 every twelve."""
    folder: Path = tmp_path_factory.mktemp("month")
    names = []
    for sensor, days in ((Sensor.SENTINEL_2, range(0, 28, 5)), (Sensor.SENTINEL_1, range(0, 28, 12))):
        for day in days:
            when = datetime(2024, 4, 29, 10, 18, tzinfo=UTC) + timedelta(days=day)
            names.append(write_item(folder, made_scene(when, sensor), GROUND))
    write_page(folder, names)
    with pytest.MonkeyPatch.context() as patch, SentinelHubServer(folder) as server:
        patch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
        yield server


@pytest.fixture
def account(server) -> dict[str, str]:
    """The account as the environment gives it."""
    return {"sh_base_url": server.base_url, "sh_token_url": server.token_url, "requests_per_minute": "100000"}


@pytest.fixture
def secrets(monkeypatch) -> None:
    monkeypatch.setenv("SH_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("SH_CLIENT_SECRET", CLIENT_SECRET)


def test_a_month_of_98_sites_is_foreseen_within_a_tenth(server, account, secrets, made, tmp_path):
    areas = [site(number) for number in range(SITES)]
    path = made.write_list(tmp_path / "areas.geojson", areas)
    settings = Settings(
        outputs=tmp_path / "outputs", areas=path, source="sentinelhub", history_days=0, _env_file=None, **account
    )
    told: list[Any] = []
    foreseen = estimate_run(settings, RunRequest(*MONTH, date(2024, 7, 1)), on_area=told.append)
    assert [area.area_id for area in told] == [area.id for area in areas]
    assert {(area.scenes, area.to_fetch, area.problem) for area in told} == {(9, 9, "")}
    assert not settings.outputs.exists()
    assert server.count(PROCESS) == 0
    asked = len(server.log)

    source: Any = open_source(settings, story_end=MONTH[1])
    for area in areas:
        grid = grid_of(area)
        refs = source.search(area, grid, since=MONTH[0], until=MONTH[1])
        report = fetch_missing(
            source, Archive(settings.outputs / "archive"), area, grid, refs, on_scene=lambda _: None, parallel=2
        )
        assert (len(report.fetched), report.failed) == (9, ())
    counted = server.log[asked:]
    requests = [seen for seen in counted if seen.kind == PROCESS]
    received = sum(seen.sent_bytes for seen in requests)
    assert foreseen.cost.requests == pytest.approx(len(requests), rel=0.1)
    assert foreseen.cost.units == pytest.approx(server.units, rel=0.1)
    assert received <= foreseen.cost.received_bytes
    assert source.spent.requests == len(counted)
    assert source.spent.units == pytest.approx(server.units)
    assert foreseen.asking.requests == asked
    print(f"98 sites: {foreseen.cost}; counted {len(requests)} requests, {server.units:.2f} units, {received} bytes")
    again = estimate_run(settings, RunRequest(*MONTH, date(2024, 7, 1)), on_area=told.append)
    assert (again.cost.requests, again.cost.units) == (0, 0.0)


def test_the_command_says_what_a_watch_would_spend_and_spends_nothing(server, account, secrets, made, call, tmp_path):
    made.write_list(tmp_path / "areas.geojson", [site(0), site(1)])
    span = ("--since", MONTH[0], "--until", MONTH[1])
    before = server.count(PROCESS)
    said = call(
        "estimate", "--areas", "areas.geojson", "--source", "sentinelhub", *span,
        cwd=tmp_path, history_days="0", budget_units="0.1", **account,
    )  # fmt: skip
    assert said.err == ""
    assert said.status == 0
    lines = said.out.splitlines()
    assert re.fullmatch(
        r"site-00: 9 of 9 scenes to fetch, up to 9 requests, 0\.24 processing units, 0\.05 MB", lines[0]
    )
    assert re.fullmatch(
        r"in all: 2 areas, 18 scenes, up to 18 requests, 0\.48 processing units, 0\.10 MB, .*", lines[2]
    )
    assert lines[3] == "spent on this estimate: 5 requests, 0.01 MB"
    assert lines[4] == "OVER, the run would stop there: the budget of 0.1 processing units"
    assert server.count(PROCESS) == before
    assert not (tmp_path / "outputs").exists()


def test_an_estimate_of_a_catalog_counts_its_files(server, made, call, tmp_path):
    made.write_list(tmp_path / "areas.geojson", [site(0)])
    said = call(
        "estimate", "--areas", "areas.geojson", "--source", "stac", "--catalog", server.shelf.folder / "catalog.json",
        "--since", MONTH[0], "--until", MONTH[1], cwd=tmp_path, history_days="0",
    )  # fmt: skip
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith("site-00: 9 of 9 scenes to fetch, up to 108 requests, ")


def test_an_estimate_of_the_simulated_world_is_refused(call, tmp_path):
    said = call("estimate", cwd=tmp_path)
    assert said.status == 2
    assert said.err.strip() == ("error: source `simulated` costs nothing; name --source stac or --source sentinelhub")


def test_an_area_that_cannot_be_asked_for_is_named_and_the_others_are_told(
    server, account, secrets, made, call, tmp_path
):
    made.write_list(tmp_path / "areas.geojson", [site(0), site(1)])
    server.faults["search"].extend([Status(403)])
    said = call(
        "estimate", "--areas", "areas.geojson", "--source", "sentinelhub", "--since", MONTH[0], "--until", MONTH[1],
        cwd=tmp_path, history_days="0", **account,
    )  # fmt: skip
    assert said.status == 1
    assert said.out.startswith(f"failed: site-00: service {server.base_url} answered 403 ")
    assert "site-01: 9 of 9 scenes to fetch" in said.out
