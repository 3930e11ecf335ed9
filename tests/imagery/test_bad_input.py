"""What operators get wrong and networks do: one clear message each, and nothing lost."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import trustme
from faulty_store import faulty_store, tell
from loopback import free_port
from sh_server import CLIENT_ID, CLIENT_SECRET, SEARCH, Malformed, SentinelHubServer
from sh_shelf import Shelf

from aois.area import Area
from aois.grid import grid_of
from flows.imagery.archive.store import Archive
from flows.imagery.fetching import FetchReport, fetch_missing
from flows.imagery.network.quota import Limiter, Meter
from flows.imagery.network.retry import RetryPolicy
from flows.imagery.scene import ImageryError, Sensor
from flows.imagery.sentinelhub.account import ServiceAccount
from flows.imagery.sentinelhub.client import SentinelHubClient
from flows.imagery.sentinelhub.items import item_of
from flows.imagery.sentinelhub.sentinelhub_source import SentinelHubSource
from flows.imagery.source import Source
from flows.imagery.stac.read import read_item
from flows.imagery.stac.stac_source import StacSource

MONTH = {"since": date(2024, 5, 1), "until": date(2024, 5, 31)}
KINDS = ("stac", "sentinelhub")


def source_at(kind: str, base_url: str) -> Source:
    """A source of either kind at an address; the token comes from the same host."""
    if kind == "stac":
        return StacSource(f"{base_url}/catalog.json?key={CLIENT_SECRET}")
    account = ServiceAccount(base_url, f"{base_url}/auth/token", CLIENT_ID, CLIENT_SECRET)
    retry_policy = RetryPolicy(tries=2, first_wait_s=0.01)
    return SentinelHubSource(
        SentinelHubClient(account, limiter=Limiter(999, 999), meter=Meter(), retry_policy=retry_policy)
    )


def complaint(source: Source, area: Area) -> str:
    with pytest.raises(ImageryError) as caught:
        source.search(area, grid_of(area), **MONTH)
    said = str(caught.value)
    assert "\n" not in said
    assert "Traceback" not in said
    assert "0x" not in said
    assert CLIENT_SECRET not in said
    assert len(said) < 400, said
    return said


@contextmanager
def served(folder: Path, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A folder on loopback, over TLS where there is a context."""

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # a client that trusts no certificate goes away
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"{'http' if context is None else 'https'}://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("kind", KINDS)
def test_a_host_that_nobody_knows(kind: str, yard: Area, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(host: str, *_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    said = complaint(source_at(kind, "https://sh.example.invalid"), yard)
    assert "sh.example.invalid" in said
    assert "resolve" in said or "not known" in said
    assert "check the address" in said


@pytest.mark.parametrize("kind", KINDS)
def test_a_port_that_nobody_listens_on(kind: str, yard: Area, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    said = complaint(source_at(kind, f"http://127.0.0.1:{free_port()}"), yard)
    assert "refused" in said
    assert "check the address" in said


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
def test_a_certificate_that_nobody_vouches_for(kind: str, yard: Area, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with served(tmp_path, context) as address:
        said = complaint(source_at(kind, address), yard)
    assert "certificate" in said
    assert "check the address" in said


@pytest.mark.parametrize("kind", KINDS)
def test_an_address_of_something_else(kind: str, yard: Area, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    (tmp_path / "index.html").write_text("<html>welcome</html>")
    with served(tmp_path) as address:
        said = complaint(source_at(kind, address), yard)
    assert ("404" in said) if kind == "stac" else ("501" in said)


@pytest.mark.parametrize(
    "content", [b"<html>", b"[]", b'{"features": []}', b'{"features": [{"id": "x"}], "context": {}}']
)
def test_a_catalog_that_answers_nonsense(
    server: SentinelHubServer, hub: Callable[..., Any], yard: Area, content: bytes
) -> None:
    server.faults[SEARCH].append(Malformed(content))
    said = complaint(hub(server), yard)
    assert "report it to the service" in said or "check that the address is that of a Sentinel Hub service" in said


def fetch(source: Source, area: Area, root: Path) -> FetchReport:
    grid = grid_of(area)
    refs = source.search(area, grid, **MONTH)
    return fetch_missing(source, Archive(root), area, grid, refs, on_scene=lambda _: None, parallel=2)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def displace(path: Path) -> None:
    """Rewrite a file without a coordinate reference system."""
    with rasterio.open(path) as dataset:
        numbers, profile = dataset.read(), dataset.profile
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", **(profile | {"crs": None, "driver": "GTiff"})) as dataset:
            dataset.write(numbers)


def vanish(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


DAMAGES = {
    "an asset that is gone": (vanish, "cannot be read"),
    "a file cut in the middle": (truncate, "cannot be read"),
    "an empty file": (empty, "cannot be read"),
    "no coordinate reference system": (displace, "has no coordinate reference system; use a georeferenced file"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_fails_its_scene_alone_and_is_fetched_once_it_is_whole(
    yard: Area, shelf: Path, tmp_path: Path, damage: str
) -> None:
    folder = Path(shutil.copytree(shelf, tmp_path / "shelf"))
    spoil, words = DAMAGES[damage]
    victim = sorted(folder.glob("S2A_*-red.tif"))[2]
    whole = victim.read_bytes()
    spoil(victim)
    report = fetch(StacSource(folder / "catalog.json"), yard, tmp_path / "archive")
    ((scene_id, reason),) = report.failed
    assert words in reason
    assert f"item `{victim.name.removesuffix('-red.tif')}`: asset `red`" in reason
    assert "\n" not in reason
    assert len(report.fetched) == 7
    victim.write_bytes(whole)
    again = fetch(StacSource(folder / "catalog.json"), yard, tmp_path / "archive")
    assert (again.fetched, again.failed) == ((scene_id,), ())


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_process_that_met_a_damaged_file_on_the_web_fetches_it_once_it_is_whole(
    yard: Area, shelf: Path, tmp_path: Path, damage: str
) -> None:
    folder = Path(shutil.copytree(shelf, tmp_path / "shelf"))
    spoil, words = DAMAGES[damage]
    victim = sorted(folder.glob("S2A_*-red.tif"))[2]
    whole = victim.read_bytes()
    with faulty_store(folder) as address:
        spoil(victim)
        report = fetch(StacSource(f"{address}/catalog.json"), yard, tmp_path / "archive")
        ((scene_id, reason),) = report.failed
        assert words in reason
        assert ("answered 404" in reason) is (damage == "an asset that is gone")
        assert "\n" not in reason
        victim.write_bytes(whole)
        again = fetch(StacSource(f"{address}/catalog.json"), yard, tmp_path / "archive")
    assert (again.fetched, again.failed) == ((scene_id,), ())


WEB_FAULTS: dict[str, dict[str, list[Any]]] = {
    "pages fail": {"json": [500, None, [429, 1], None, 503]},
    "files fail": {"tif": [None, 500, None, [429, 1], None, 503]},
    "a file is cut": {"tif": [None, None, "cut"]},
}


@pytest.mark.parametrize("fault", WEB_FAULTS)
def test_a_catalog_on_the_web_that_fails_ends_with_the_bytes_of_a_clean_run(
    yard: Area, shelf: Path, tmp_path: Path, fault: str
) -> None:
    archives = [tmp_path / name for name in ("faulty", "clean")]
    with faulty_store(shelf) as address:
        tell(address, **WEB_FAULTS[fault])
        report = fetch(StacSource(f"{address}/catalog.json"), yard, archives[0])
        assert (len(report.fetched), report.failed) == (8, ())
        fetch(StacSource(f"{address}/catalog.json"), yard, archives[1])
    faulty, clean = ({p.relative_to(a): p.read_bytes() for p in a.glob("*/*/*.tif")} for a in archives)
    assert len(clean) == 8
    assert faulty == clean


def test_a_server_that_asks_to_wait_is_left_alone_as_long_as_it_asks(shelf: Path, yard: Area) -> None:
    waits: list[float] = []
    retry_policy = RetryPolicy(tries=4, first_wait_s=0.01, sleep=waits.append)
    with faulty_store(shelf) as address:
        source = StacSource(f"{address}/catalog.json")
        (ref, *_) = source.search(yard, grid_of(yard), **MONTH)
        files = source._catalog().files
        item = source._found[grid_of(yard), ref.scene_id].first
        band = next(iter(item.bands))
        tell(address, tif=[[429, 7], [503, 11]])
        read = read_item(item, grid_of(yard), [band], files=files, retry_policy=retry_policy)
        assert read.valid.any()
        assert waits[:2] == [7.0, 11.0]
        tell(address, tif=[[429, 7]] * 40)
        with pytest.raises(ImageryError, match="the server is busy"):
            read_item(item, grid_of(yard), [band], files=files, retry_policy=retry_policy)
    assert waits[2:] == [7.0] * 3


def rewrite(path: Path, change: Callable[[np.ndarray, dict[str, Any]], np.ndarray]) -> None:
    with rasterio.open(path) as dataset:
        numbers, profile = dataset.read(1), dict(dataset.profile)
    numbers = change(numbers, profile)
    profile |= {"height": numbers.shape[0], "width": numbers.shape[1], "driver": "GTiff"}
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(numbers, 1)


def test_bands_of_different_extent_are_a_scene_where_they_meet(yard: Area, shelf: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(shelf, tmp_path / "shelf"))
    rewrite(min(folder.glob("S2A_*-red.tif")), lambda numbers, _: numbers[:25])
    source, grid = StacSource(folder / "catalog.json"), grid_of(yard)
    assert fetch(source, yard, tmp_path / "archive").failed == ()
    first = next(r for r in source.search(yard, grid, **MONTH) if r.scene_id.startswith("sentinel-2"))
    scene = Archive(tmp_path / "archive").get(yard.id, "stac", grid, first.scene_id)
    assert scene.valid[:25].all()
    assert not scene.valid[25:].any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_scene_without_a_valid_pixel_is_a_result_and_is_not_asked_for_again(
    server: SentinelHubServer, hub: Callable[..., Any], yard: Area, shelf: Path, tmp_path: Path, kind: str
) -> None:
    folder = Path(shutil.copytree(shelf, tmp_path / "shelf"))
    for path in folder.glob(f"{min(folder.glob('S2A_*-red.tif')).name.removesuffix('-red.tif')}-*.tif"):
        rewrite(path, lambda numbers, _: np.zeros_like(numbers))
    server.shelf = Shelf(folder)
    source: Source = StacSource(folder / "catalog.json") if kind == "stac" else hub(server)
    report = fetch(source, yard, tmp_path / "archive")
    assert (len(report.fetched), report.failed) == (8, ())
    grid = grid_of(yard)
    scenes = [
        Archive(tmp_path / "archive").get(yard.id, kind, grid, entry.scene_id)
        for entry in Archive(tmp_path / "archive").list(yard.id, kind, grid)
    ]
    assert sorted(scene.valid.any() for scene in scenes) == [False] + [True] * 7
    assert fetch(source, yard, tmp_path / "archive").fetched == ()


def test_an_item_of_the_catalog_that_gives_two_baselines_is_refused() -> None:
    feature = json.loads(
        '{"id": "S2A_MSIL2A_20240501T101800_N0400_R008_T31NEA_20250101T000000.SAFE",'
        ' "properties": {"datetime": "2024-05-01T10:18:00Z", "s2:processing_baseline": "05.11"}}'
    )
    with pytest.raises(ImageryError, match=r"of processing baseline 04.00 by its name and 05.11 by its properties"):
        item_of(feature, Sensor.SENTINEL_2)


@pytest.mark.parametrize(
    ("item_id", "said", "baseline", "orbit"),
    [
        ("S2B_MSIL2A_20201229T101329_N0214_R022_T33TUK_20201229T115442", {}, "02.14", 22),
        ("S2B_MSIL2A_20201229T101329_N0214_R022_T33TUK_20201229T115442.SAFE", {}, "02.14", 22),
        ("S2B_OPER_MSI_L2A_TL_SGS__20190101T200120_A009518_T18TXP_N02.11", {}, "02.11", None),
        ("something", {"s2:processing_baseline": "05.09"}, "05.09", None),
        ("S1A_IW_GRDH_1SDV_20240604T110100_20240604T110131_054172_069690_E33E.SAFE", {}, None, 25),
        ("S1B_IW_GRDH_1SDV_20200604T110100_20200604T110131_021883_069690_E33E", {}, None, 157),
        ("S1D_IW_GRDH_1SDV_20260604T110100_20260604T110131_001883_069690_E33E", {}, None, 92),
        ("S1E_IW_GRDH_1SDV_20310604T110100_20310604T110131_001883_069690_E33E", {}, None, None),
        ("S1D_IW_GRDH_1SDV_20260604T110100_20260604T110131_001883_069690_E33E", {"sat:relative_orbit": 8}, None, 8),
    ],
)
def test_baseline_and_orbit_are_read_from_a_products_name(
    item_id: str, said: dict[str, Any], baseline: str | None, orbit: int | None
) -> None:
    sensor = Sensor.SENTINEL_1 if item_id.startswith("S1") else Sensor.SENTINEL_2
    item = item_of({"id": item_id, "properties": {"datetime": "2024-05-01T10:18:00Z", **said}}, sensor)
    assert (item.processing_baseline, item.relative_orbit) == (baseline, orbit)
