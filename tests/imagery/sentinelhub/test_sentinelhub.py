"""The `sentinelhub` source against a server of the same protocol: what it finds, asks for and gives."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from sentinelhub import CRS, BBox, MimeType, SentinelHubRequest, SentinelHubSession
from sh_server import PROCESS, SEARCH, TOKEN, SentinelHubServer

from aois.area import Area
from aois.grid import Grid, grid_of
from flows.imagery.scene import ImageryError, Scene, Sensor
from flows.imagery.sentinelhub import request as sentinelhub_request
from flows.imagery.sentinelhub.client import config_of
from flows.imagery.sentinelhub.request import PRODUCTS, parts_of, units_of
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.imagery.stac.stac_source import StacSource

MONTH = {"since": date(2024, 5, 1), "until": date(2024, 5, 31)}
Hub = Callable[..., Any]


def test_it_finds_what_the_static_catalog_of_the_same_scenes_holds(
    server: SentinelHubServer, hub: Hub, yard: Area, shelf: Path
) -> None:
    grid = grid_of(yard)
    refs = hub(server).search(yard, grid, **MONTH)
    assert refs == StacSource(shelf / "catalog.json").search(yard, grid, **MONTH)
    assert {ref.sensor for ref in refs} == set(Sensor)
    assert len(refs) == len(SimulatedSource(date(2024, 8, 18), 1).search(yard, grid, **MONTH))


def test_all_pages_of_a_search_are_read(server: SentinelHubServer, hub: Hub, yard: Area) -> None:
    grid = grid_of(yard)
    whole = hub(server).search(yard, grid, **MONTH)
    before = server.count(SEARCH)
    assert hub(server, page_size=2).search(yard, grid, **MONTH) == whole
    assert server.count(SEARCH) - before == 4  # of six scenes of one sensor and two of the other


def test_both_days_of_a_search_are_within_it(server: SentinelHubServer, hub: Hub, yard: Area) -> None:
    grid = grid_of(yard)
    days = sorted({ref.acquired.date() for ref in hub(server).search(yard, grid, **MONTH)})
    some = hub(server).search(yard, grid, since=days[1], until=days[2])
    assert sorted({ref.acquired.date() for ref in some}) == days[1:3]


@pytest.mark.parametrize("sensor", list(Sensor))
def test_its_pixels_are_those_of_the_static_catalog(
    server: SentinelHubServer, hub: Hub, yard: Area, shelf: Path, sensor: Sensor
) -> None:
    grid, source, files = grid_of(yard), hub(server), StacSource(shelf / "catalog.json")
    ref = next(ref for ref in source.search(yard, grid, **MONTH) if ref.sensor is sensor)
    scene, same = source.fetch(yard, grid, ref), files.fetch(yard, grid, ref)
    assert (scene.bands, scene.acquired, scene.scene_id) == (same.bands, same.acquired, same.scene_id)
    assert scene.provenance.platform == same.provenance.platform == f"{sensor}a"
    np.testing.assert_allclose(scene.pixels, same.pixels, atol=1e-6)
    np.testing.assert_array_equal(scene.valid, same.valid)
    assert scene.valid.mean() > 0.9
    if same.scl is None:
        assert scene.scl is None
    else:
        np.testing.assert_array_equal(scene.scl, same.scl)


def test_the_provenance_says_what_was_asked_and_what_the_service_did(
    server: SentinelHubServer, hub: Hub, yard: Area
) -> None:
    grid, source = grid_of(yard), hub(server)
    refs = {ref.sensor: ref for ref in source.search(yard, grid, **MONTH)}
    optical = source.fetch(yard, grid, refs[Sensor.SENTINEL_2]).provenance
    radar = source.fetch(yard, grid, refs[Sensor.SENTINEL_1]).provenance
    assert (optical.source, optical.processing_baseline, optical.offset_applied) == ("sentinelhub", "05.11", -0.1)
    assert "harmonizeValues true" in optical.request
    assert "evalscript sentinel-2-l2a.js" in optical.request
    assert (radar.orbit_direction, radar.offset_applied) == ("ascending", None)
    assert f"_r{radar.relative_orbit}" in refs[Sensor.SENTINEL_1].scene_id
    for words in ("sentinel-1-grd; ascending", "backCoeff GAMMA0_TERRAIN", "orthorectify true", "COPERNICUS_30"):
        assert words in radar.request
    assert optical.item_ids == refs[Sensor.SENTINEL_2].item_ids
    assert "127.0.0.1" not in optical.request


def test_the_request_is_what_the_service_documents(server: SentinelHubServer, hub: Hub, yard: Area) -> None:
    grid, source = grid_of(yard), hub(server)
    for ref in source.search(yard, grid, **MONTH)[:6]:
        source.fetch(yard, grid, ref)
    asked = {seen.payload["input"]["data"][0]["type"]: seen.payload for seen in server.log if seen.kind == PROCESS}
    optical, radar = asked["sentinel-2-l2a"], asked["sentinel-1-grd"]
    assert optical["input"]["bounds"]["bbox"] == list(grid.bounds)
    assert (optical["output"]["width"], optical["output"]["height"]) == (grid.width, grid.height)
    assert optical["input"]["data"][0]["processing"]["harmonizeValues"] is True
    assert radar["input"]["data"][0]["dataFilter"] | {"timeRange": None} == {
        "timeRange": None,
        "mosaickingOrder": "leastRecent",
        "acquisitionMode": "IW",
        "polarization": "DV",
        "resolution": "HIGH",
        "orbitDirection": "ASCENDING",
    }
    assert radar["input"]["data"][0]["processing"]["orthorectify"] is True


def test_a_large_area_is_asked_in_parts_and_joined_without_a_seam(
    server: SentinelHubServer, hub: Hub, yard: Area, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid, source = grid_of(yard), hub(server)
    ref = source.search(yard, grid, **MONTH)[0]
    whole = source.fetch(yard, grid, ref)
    before = server.count(PROCESS)
    monkeypatch.setattr(sentinelhub_request.parts_of, "__kwdefaults__", {"largest_px": 17})
    parts = source.fetch(yard, grid, ref)
    assert server.count(PROCESS) - before == len(parts_of(grid)) == 9
    np.testing.assert_array_equal(parts.pixels, whole.pixels)
    np.testing.assert_array_equal(parts.valid, whole.valid)


def level_1c(shelf: Path, folder: Path, *, also: str = "") -> Path:
    """The catalog six years earlier, its optical items as Level-1C; that of one day is there as Level-2A too."""
    shutil.copytree(shelf, folder)
    for path in sorted(folder.glob("S2A_MSIL2A_*.json")):
        item = json.loads(path.read_text())
        when = item["properties"]["datetime"]
        item["properties"]["datetime"] = f"2018{when[4:]}"
        if when.startswith(also or "never"):
            (folder / f"as-l2a-{path.name}").write_text(json.dumps(item | {"id": item["id"] + "-l2a"}))
        classes = item["assets"].pop("scl")
        assert classes
        item |= {"id": item["id"].replace("MSIL2A", "MSIL1C"), "collection": "sentinel-2-l1c"}
        path.write_text(json.dumps(item))
    return folder


def test_before_2019_level_1c_is_asked_for_the_days_that_have_no_level_2a(
    shelf: Path, hub: Hub, yard: Area, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    days = sorted({path.name.split("_")[2][:8] for path in shelf.glob("S2A_MSIL2A_*.json")})
    first = f"{days[0][:4]}-{days[0][4:6]}-{days[0][6:]}"
    folder, grid = level_1c(shelf, tmp_path / "old", also=first), grid_of(yard)
    may = {"since": date(2018, 5, 1), "until": date(2018, 5, 31)}
    with SentinelHubServer(folder) as old:
        source = hub(old)
        refs = source.search(yard, grid, **may)
        assert [ref.product.words for ref in refs] == ["Level-2A", *["Level-1C"] * (len(days) - 1)]
        ((kind, words),) = source.unused.items()
        assert (kind, words[:7]) == ("collection `sentinel-2-l1c`, Level-1C", "1 item,")
        scene = source.fetch(yard, grid, refs[1])
    with_classes = hub_scene(hub, shelf, yard, days[1])
    assert (scene.scene_id[-4:], scene.scl) == ("_l1c", None)
    assert scene.provenance.offset_applied == -0.1
    assert "collection sentinel-2-l1c" in scene.provenance.request
    assert "evalscript sentinel-2-l1c.js" in scene.provenance.request
    np.testing.assert_array_equal(scene.pixels, with_classes.pixels)


def hub_scene(hub: Hub, shelf: Path, yard: Area, day: str) -> Scene:
    """The same scene as Level-2A, of the catalog as it is."""
    with SentinelHubServer(shelf) as server:
        source, grid = hub(server), grid_of(yard)
        (ref,) = [r for r in source.search(yard, grid, **MONTH) if f"_{day}T" in r.scene_id and "-2_" in r.scene_id]
        scene: Scene = source.fetch(yard, grid, ref)
        return scene


def test_from_2019_on_level_1c_is_not_asked_for(server: SentinelHubServer, hub: Hub, yard: Area) -> None:
    hub(server).search(yard, grid_of(yard), **MONTH)
    assert "sentinel-2-l1c" not in {
        c for seen in server.log if seen.kind == SEARCH for c in seen.payload["collections"]
    }


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2500, 2500), (2501, 10), (5001, 7400), (10_980, 10_980)])
def test_parts_cover_every_pixel_once(height: int, width: int) -> None:
    grid = Grid(32631, 500_000, 200_000, width, height)
    seen = np.zeros(grid.shape, np.uint8)
    for part in parts_of(grid):
        assert max(part.grid.shape) <= 2500
        assert part.grid.left == grid.left + 10 * part.column
        assert part.grid.top == grid.top - 10 * part.row
        seen[part.row : part.row + part.grid.height, part.column : part.column + part.grid.width] += 1
    assert (seen == 1).all()


def test_what_a_scene_costs_is_what_the_server_counts(server: SentinelHubServer, hub: Hub, yard: Area) -> None:
    grid, source = grid_of(yard), hub(server)
    refs = source.search(yard, grid, **MONTH)
    foreseen = sum(source.price(grid, ref).units for ref in refs)
    for ref in refs:
        source.fetch(yard, grid, ref)
    assert source.spent.units == pytest.approx(server.units)
    assert foreseen == pytest.approx(server.units)
    assert source.spent.requests == len(server.log)
    assert units_of(PRODUCTS[Sensor.SENTINEL_2], Grid(32631, 0, 0, 512, 512)) == pytest.approx(8 / 3)
    assert units_of(PRODUCTS[Sensor.SENTINEL_1], Grid(32631, 0, 0, 512, 512)) == pytest.approx(8 / 3)


def test_a_scene_found_by_another_run_can_be_fetched_and_one_that_is_gone_is_refused(
    server: SentinelHubServer, hub: Hub, yard: Area
) -> None:
    grid = grid_of(yard)
    ref = hub(server).search(yard, grid, **MONTH)[0]
    assert hub(server).fetch(yard, grid, ref).scene_id == ref.scene_id
    gone = replace(ref, scene_id="sentinel-2_20240101T100000", acquired=datetime(2024, 1, 1, 10, tzinfo=UTC))
    with pytest.raises(ImageryError, match=r"area `yard-2`: the catalog no longer lists scene `sentinel-2_20240101"):
        hub(server).fetch(yard, grid, gone)


def test_an_area_outside_the_cover_gives_no_scene(server: SentinelHubServer, hub: Hub, area: Area) -> None:
    far = Grid(32633, 500_000, 6_000_000, 40, 30)
    assert hub(server).search(area, far, **MONTH) == []


TWO_OUTPUTS = """//VERSION=3
function setup() {
  return {
    input: ["VV", "VH", "dataMask"],
    output: [{ id: "ratio", bands: 1, sampleType: "FLOAT32" }, { id: "mask", bands: 1, sampleType: "UINT8" }],
  };
}
function evaluatePixel(s) { return { ratio: [s.VV / s.VH], mask: [s.dataMask] }; }
"""


def test_the_server_speaks_to_the_library_as_it_is(server: SentinelHubServer, hub: Hub, yard: Area) -> None:
    """The unpatched client, its own session, two outputs in a tar: the evalscript really runs."""
    grid, source = grid_of(yard), hub(server)
    ref = next(r for r in source.search(yard, grid, **MONTH) if r.sensor is Sensor.SENTINEL_1)
    account = source._hub_client.account
    config = config_of(account)
    collection = sentinelhub_request.collection_of(PRODUCTS[ref.sensor], None, account)
    request = SentinelHubRequest(
        evalscript=TWO_OUTPUTS,
        input_data=[
            SentinelHubRequest.input_data(
                collection,
                time_interval=(ref.acquired, ref.acquired),
                other_args={"processing": {"orthorectify": True}},
            )
        ],
        responses=[SentinelHubRequest.output_response(name, MimeType.TIFF) for name in ("ratio", "mask")],
        bbox=BBox(grid.bounds, crs=CRS(str(grid.epsg))),
        size=(grid.width, grid.height),
        config=config,
    )
    (answer,) = request.get_data(decode_data=False)
    scene = source.fetch(yard, grid, ref)
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as packed:
        ratio = tifffile.imread(io.BytesIO(packed.extractfile("ratio.tif").read()))
    np.testing.assert_allclose(ratio, scene.pixels[0] / scene.pixels[1], rtol=1e-5)
    assert SentinelHubSession(config).token["access_token"] in server.tokens
    assert server.count(TOKEN) == 3


WATCHED = """
import socket, sys
def gate(event, arguments):
    if event == "socket.connect" and arguments[1][0] not in ("127.0.0.1", "::1"):
        raise PermissionError(f"LEAK to {arguments[1]}")
    if event == "socket.getaddrinfo" and arguments[0] not in ("127.0.0.1", "localhost"):
        raise PermissionError(f"LEAK to {arguments[0]}")
sys.addaudithook(gate)
from datetime import date
from shapely.geometry import box
from aois.area import Area, AreaKind
from aois.grid import grid_of, to_lonlat
from flows.imagery.network.quota import Limiter, Meter
from flows.imagery.network.retry import RetryPolicy
from flows.imagery.sentinelhub.sentinelhub_source import SentinelHubSource
from flows.imagery.sentinelhub.account import ServiceAccount
from flows.imagery.sentinelhub import client, request, sentinelhub_source
base, leaky = sys.argv[1], sys.argv[2] == "leaky"
if leaky:
    for module in (sentinelhub_source, request):
        module.bound = lambda collection, account: collection
area = Area("yard-2", AreaKind.SITE, to_lonlat(box(500_000, 200_000, 500_200, 200_200), 32631), margin_m=100)
account = ServiceAccount(base, base + "/auth/token", "watcher-7f3a", "hunter2-5e1d9c")
retry_policy = RetryPolicy(tries=1)
hub_client = client.SentinelHubClient(account, limiter=Limiter(999, 999), meter=Meter(), retry_policy=retry_policy)
source = SentinelHubSource(hub_client)
refs = source.search(area, grid_of(area), since=date(2024, 5, 1), until=date(2024, 5, 31))
print(len({source.fetch(area, grid_of(area), ref).sensor for ref in refs}))
"""


@pytest.mark.parametrize("kind", ["bound", "leaky"])
def test_no_request_leaves_for_another_host(server: SentinelHubServer, kind: str) -> None:
    """A gate in the interpreter sees every connection; collections as the library binds them are refused before it."""
    done = subprocess.run([sys.executable, "-c", WATCHED, server.base_url, kind], capture_output=True, text=True)
    if kind == "bound":
        assert (done.returncode, done.stdout.strip()) == (0, "2"), done.stderr
    else:
        assert done.returncode != 0
        assert "LEAK" not in done.stderr
        assert "host services.sentinel-hub.com is not a host of the account" in done.stderr
