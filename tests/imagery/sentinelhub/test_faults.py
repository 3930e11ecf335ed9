"""A service that fails: what passes is waited for, what does not is said in one line, and nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from child import Child
from sh_server import (
    CLIENT_SECRET,
    CUT,
    EMPTY,
    HALF,
    HANG_UP,
    NO_CRS,
    PROCESS,
    REFUSED,
    SEARCH,
    TOKEN,
    WRONG_SIZE,
    SentinelHubServer,
    Status,
)

from aois.area import Area
from aois.grid import grid_of
from flows.imagery.archive.store import Archive
from flows.imagery.fetching import FetchReport, fetch_missing
from flows.imagery.network.quota import BudgetError, Limiter
from flows.imagery.network.retry import RetryPolicy, TransientError
from flows.imagery.scene import ImageryError, SceneRef
from flows.imagery.stac.stac_source import StacSource

MONTH = {"since": date(2024, 5, 1), "until": date(2024, 5, 31)}
Hub = Callable[..., Any]


def fetch(source: Any, area: Area, root: Path, *, parallel: int = 3) -> FetchReport:
    grid = grid_of(area)
    refs: list[SceneRef] = source.search(area, grid, **MONTH)
    return fetch_missing(source, Archive(root), area, grid, refs, on_scene=lambda _: None, parallel=parallel)


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.glob("yard-2/*/*.tif"))}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """The files of the first undisturbed run, once there was one."""
    return {}


@pytest.fixture
def undisturbed(
    server: SentinelHubServer, hub: Hub, yard: Area, tmp_path: Path, clean: dict[str, dict[str, bytes]]
) -> dict[str, bytes]:
    if not clean:
        report = fetch(hub(server), yard, tmp_path / "clean", parallel=1)
        assert (len(report.fetched), report.failed) == (8, ())
        clean["files"] = files(tmp_path / "clean")
        server.log.clear()
    return clean["files"]


FAULTS: dict[str, tuple[str, list[Any]]] = {
    "500": (PROCESS, [None, Status(500), Status(503)]),
    "429": (PROCESS, [Status(429, 50), None, Status(429)]),
    "401 after a while": (PROCESS, [None, None, REFUSED]),
    "half a TIFF": (PROCESS, [None, HALF, None, HALF]),
    "wrong size": (PROCESS, [WRONG_SIZE]),
    "no CRS": (PROCESS, [NO_CRS]),
    "nothing": (PROCESS, [None, EMPTY]),
    "cut off": (PROCESS, [CUT, None, CUT]),
    "hung up": (PROCESS, [HANG_UP, None, None, HANG_UP]),
    "search 500": (SEARCH, [Status(500), None, Status(502)]),
    "search 429": (SEARCH, [Status(429, 50)]),
    "search 401": (SEARCH, [REFUSED]),
    "token 500": (TOKEN, [Status(500), Status(503)]),
    "token 429": (TOKEN, [Status(429, 50)]),
}
DAMAGED = ("half a TIFF", "wrong size", "no CRS", "nothing")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_run_through_a_fault_ends_with_the_bytes_of_the_clean_run(
    server: SentinelHubServer, hub: Hub, yard: Area, tmp_path: Path, undisturbed: dict[str, bytes], fault: str
) -> None:
    kind, happens = FAULTS[fault]
    server.faults[kind].extend(happens)
    report = fetch(hub(server), yard, tmp_path)
    assert (len(report.fetched), report.failed) == (8, ())
    assert files(tmp_path) == undisturbed
    assert not server.faults[kind]
    kept = list(tmp_path.glob(".quarantine/yard-2/sentinelhub/*.json"))
    assert bool(kept) is (fault in DAMAGED)


def test_what_came_damaged_is_kept_with_its_reason(
    server: SentinelHubServer, hub: Hub, yard: Area, tmp_path: Path
) -> None:
    server.faults[PROCESS].extend([HALF])
    fetch(hub(server), yard, tmp_path, parallel=1)
    (reason,) = tmp_path.glob(".quarantine/yard-2/sentinelhub/*.json")
    said = json.loads(reason.read_text())
    assert said["reason"].startswith("the answer is not a complete TIFF")
    assert said["scene_id"] in reason.name
    content = reason.with_suffix(".bin").read_bytes()
    assert len(content) == said["bytes"] > 0


def test_damage_that_lasts_fails_the_scene_alone_and_the_next_run_fetches_it(
    server: SentinelHubServer, hub: Hub, yard: Area, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    server.faults[PROCESS].extend([WRONG_SIZE] * 3)
    report = fetch(hub(server), yard, tmp_path, parallel=1)
    ((scene_id, reason),) = report.failed
    assert reason.startswith("the answer's size is 40 × 39 px, not 40 × 40; 3 times")
    assert len(report.fetched) == 7
    asked = server.count(PROCESS)
    again = fetch(hub(server), yard, tmp_path)
    assert (again.fetched, again.failed) == ((scene_id,), ())
    assert server.count(PROCESS) - asked == 1
    assert files(tmp_path) == undisturbed


def test_retry_after_is_waited_for_in_milliseconds(
    server: SentinelHubServer, hub: Hub, yard: Area, tmp_path: Path
) -> None:
    server.faults[PROCESS].append(Status(429, 400))
    fetch(hub(server), yard, tmp_path, parallel=1)
    first, second = [seen.at for seen in server.log if seen.kind == PROCESS][:2]
    assert second - first >= 0.4


def test_a_wait_without_sense_is_cut_short() -> None:
    slept: list[float] = []
    retry_policy = RetryPolicy(tries=3, first_wait_s=1, longest_wait_s=60, sleep=slept.append)

    def fail() -> None:
        raise TransientError("busy", wait_s=86_400)

    with pytest.raises(TransientError, match="busy"):
        retry_policy.retry(fail)
    assert slept == [60, 60]


def test_tries_grow_further_apart_and_end() -> None:
    slept: list[float] = []
    tries: list[int] = []

    def fail() -> None:
        tries.append(1)
        raise TransientError("busy")

    with pytest.raises(TransientError):
        RetryPolicy(tries=8, sleep=slept.append).retry(fail)
    assert len(tries) == 8
    assert all(low <= waited <= low + 1 for low, waited in zip((1, 2, 4, 8, 16, 32, 60), slept, strict=True))


def test_a_service_that_stays_broken_fails_each_scene_in_one_line(
    server: SentinelHubServer, hub: Hub, yard: Area, tmp_path: Path
) -> None:
    server.faults[PROCESS].extend([Status(500)] * 100)
    report = fetch(hub(server, retry_policy=RetryPolicy(tries=2, first_wait_s=0.01)), yard, tmp_path)
    assert (report.fetched, len(report.failed)) == ((), 8)
    assert all(
        reason.startswith(f"service {server.base_url} answered 500 (") and reason.endswith("; try again later")
        for _, reason in report.failed
    )
    assert server.count(PROCESS) == 16


@pytest.mark.parametrize("wrong", [{"client_secret": "wrong-secret"}, {"client_id": "somebody"}])
def test_wrong_credentials_are_one_clear_line_and_are_not_sent_twice(
    server: SentinelHubServer, hub: Hub, yard: Area, wrong: dict[str, str]
) -> None:
    source = hub(server, **wrong)
    for _ in range(3):
        with pytest.raises(ImageryError) as caught:
            source.search(yard, grid_of(yard), **MONTH)
        assert str(caught.value) == (
            f"token address `{server.token_url}` gives no token (invalid_client); check SH_CLIENT_ID and "
            f"SH_CLIENT_SECRET, and that they belong to this service"
        )
    assert server.count(TOKEN) == 1


def test_a_token_that_is_always_refused_ends(server: SentinelHubServer, hub: Hub, yard: Area) -> None:
    server.faults[SEARCH].extend([REFUSED] * 5)
    with pytest.raises(ImageryError, match=r"refuses a new token \(401\); check the rights of the account"):
        hub(server).search(yard, grid_of(yard), **MONTH)
    assert server.count(SEARCH) == 2


@pytest.mark.parametrize("code", [400, 403, 404])
def test_what_the_service_will_not_do_is_not_asked_twice(
    server: SentinelHubServer, hub: Hub, yard: Area, code: int
) -> None:
    server.faults[SEARCH].extend([Status(code)] * 5)
    with pytest.raises(ImageryError, match=rf"answered {code} .*made to fail.*; check the account's quota and rights"):
        hub(server).search(yard, grid_of(yard), **MONTH)
    assert server.count(SEARCH) == 1


def test_a_token_that_ran_out_is_renewed_in_the_middle(
    server: SentinelHubServer, hub: Hub, yard: Area, tmp_path: Path
) -> None:
    source, grid = hub(server), grid_of(yard)
    refs = source.search(yard, grid, **MONTH)
    server.tokens.clear()
    report = fetch_missing(source, Archive(tmp_path), yard, grid, refs, on_scene=lambda _: None, parallel=4)
    assert (len(report.fetched), report.failed) == (8, ())
    assert server.count(TOKEN) == 2


def test_the_budget_stops_a_run_before_it_is_passed_and_keeps_what_came(
    server: SentinelHubServer, hub: Hub, yard: Area, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    source = hub(server, budget=0.1)
    with pytest.raises(BudgetError, match=r"the budget of 0.1 processing units would be exceeded: 0.08 are spent and"):
        fetch(source, yard, tmp_path, parallel=3)
    assert 0 < server.units <= 0.1
    kept = files(tmp_path)
    assert len(kept) == 3
    before = server.count(PROCESS)
    fetch(hub(server), yard, tmp_path)
    assert server.count(PROCESS) - before == 8 - len(kept)
    assert files(tmp_path) == undisturbed


def test_requests_and_units_of_a_minute_are_limited_together() -> None:
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    by_requests = Limiter(3, 100.0, clock=lambda: now[0], sleep=sleep)
    for _ in range(7):
        by_requests.wait_for(1.0)
    assert slept == [60.0, 60.0]
    slept.clear()
    by_units = Limiter(100, 3.0, clock=lambda: now[0], sleep=sleep)
    for units in (2.0, 1.0, 0.5):
        by_units.wait_for(units)
    assert slept == [60.0]
    by_units.wait_for(50.0)  # above the limit: alone, after the others
    assert len(slept) == 2
    slept.clear()
    together = Limiter(20, 100.0, clock=lambda: now[0], sleep=sleep)
    for _ in range(3):
        together.wait_for(requests=8)
    assert slept == [60.0]


def test_a_catalog_is_read_within_a_limit_too(yard: Area, shelf: Path, tmp_path: Path) -> None:
    waits: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    source = StacSource(shelf / "catalog.json", limiter=Limiter(40, 1.0, clock=lambda: now[0], sleep=sleep))
    assert len(fetch(source, yard, tmp_path, parallel=1).fetched) == 8
    assert 0 < len(waits) <= 4  # 108 requests of 40 a minute


def test_a_run_keeps_within_its_limit_of_requests(
    server: SentinelHubServer, hub: Hub, yard: Area, tmp_path: Path
) -> None:
    waits: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    source = hub(server, limiter=Limiter(5, 1_000, clock=lambda: now[0], sleep=sleep))
    fetch(source, yard, tmp_path, parallel=1)
    assert len(server.log) == 11  # a token, two searches, eight scenes
    assert len(waits) == 2


CHILD = """
import sys
from datetime import date
from pathlib import Path
from shapely.geometry import box
from aois.area import Area, AreaKind
from aois.grid import grid_of, to_lonlat
from flows.imagery.archive.store import Archive
from flows.imagery.fetching import fetch_missing
from flows.imagery.network.quota import Limiter, Meter
from flows.imagery.network.retry import RetryPolicy
from flows.imagery.sentinelhub.sentinelhub_source import SentinelHubSource
from flows.imagery.sentinelhub.account import ServiceAccount
from flows.imagery.sentinelhub.client import SentinelHubClient
base, root = sys.argv[1:]
area = Area("yard-2", AreaKind.SITE, to_lonlat(box(500_000, 200_000, 500_200, 200_200), 32631), margin_m=100)
account = ServiceAccount(base, base + "/auth/token", "watcher-7f3a", "hunter2-5e1d9c")
hub_client = SentinelHubClient(account, limiter=Limiter(999, 999), meter=Meter(), retry_policy=RetryPolicy())
source = SentinelHubSource(hub_client)
refs = source.search(area, grid_of(area), since=date(2024, 5, 1), until=date(2024, 5, 31))
def tell(_):
    print("scene", flush=True)
    sys.stdin.readline()
fetch_missing(source, Archive(Path(root)), area, grid_of(area), refs, on_scene=tell, parallel=2)
"""


def test_after_a_kill_only_what_is_missing_is_fetched(
    server: SentinelHubServer, hub: Hub, yard: Area, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    command = [sys.executable, "-c", CHILD, server.base_url, str(tmp_path)]
    with Child(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for _ in range(3):
            assert child.stdout.readline() == "scene\n"
            child.stdin.write("\n")
            child.stdin.flush()
        assert child.stdout.readline() == "scene\n"
        os.kill(child.pid, signal.SIGKILL)
    kept = len(files(tmp_path))
    assert kept == 4
    time.sleep(0.2)  # what was asked before the kill may still be answered
    before = server.count(PROCESS)
    report = fetch(hub(server), yard, tmp_path)
    assert len(report.fetched) == server.count(PROCESS) - before == 8 - kept
    assert files(tmp_path) == undisturbed


def test_no_message_and_no_picture_of_the_source_shows_a_secret(server: SentinelHubServer, hub: Hub) -> None:
    source = hub(server)
    account = source._hub_client.account
    assert CLIENT_SECRET not in repr(account) + str(account)
    assert account.scrubbed(f"client {CLIENT_SECRET} refused") == "client … refused"
    assert CLIENT_SECRET not in repr(source._hub_client.config)
