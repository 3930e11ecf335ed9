"""Real processes are killed, and the next start finishes what was begun, once. Minutes: run by name.

python -m pytest -m endurance tests/operations
"""

from __future__ import annotations

import os
import signal
import sys
import sysconfig
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from simulated_catalog import write_simulated

from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.jobs.prefect_server import is_healthy
from flows.pipeline.period import RunRequest, last_week

SITEWATCH = Path(sysconfig.get_path("scripts")) / "sitewatch"
pytestmark = [pytest.mark.endurance, pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]

LONG = {"history_days": "365", "lookback_weeks": "26"}  # a watch of some twenty seconds, to be killed in


@pytest.fixture(scope="module")
def undisturbed(premises):
    """The record of a watch that nobody disturbed."""
    place = premises(**LONG)
    place.run("watch")
    return place.record()


def begun(place, tools, weeks: int = 3):
    """Wait until a watch is in the middle of its weeks."""

    def is_begun() -> bool:
        if not place.runs("watch", "running"):
            return False
        with place.ledger() as ledger:
            return len(ledger.observations()) >= weeks

    return tools.wait_for(is_begun, "a watch in the middle of its weeks")


def finished(place, tools, expected) -> None:
    """Wait until the record is that of the undisturbed watch."""
    tools.wait_for(lambda: place.runs("watch", "completed"), "a run that ends well")
    assert place.record() == expected
    with place.ledger() as ledger:
        keys = [message.key for message in ledger.pending_messages()]
    assert len(keys) == len(set(keys))


def flows_of(tools, pid: int) -> list[int]:
    return [child for child in tools.children_of(pid) if "prefect.engine" in tools.command_of(child)]


def test_a_killed_flow_is_begun_again_by_the_lookout(premises, tools, undisturbed):
    place = premises(**LONG, lookout_at="* * * * *")
    with place.serve() as process:
        tools.ask_for(place, "watch")
        begun(place, tools)
        for pid in flows_of(tools, process.pid):
            os.kill(pid, signal.SIGKILL)
        tools.wait_for(lambda: place.runs("watch", "interrupted"), "the death is noted")
        finished(place, tools, undisturbed)


def test_a_killed_serve_goes_on_where_it_was(premises, tools, undisturbed):
    place = premises(**LONG)
    with place.serve() as process:
        tools.ask_for(place, "watch")
        begun(place, tools)
        left = tools.children_of(process.pid)
        os.kill(process.pid, signal.SIGKILL)  # its server goes with it; its flow may outlive it, or not
        process.wait()
        try:
            with place.serve():
                finished(place, tools, undisturbed)
        finally:
            tools.end(left)


def test_the_machine_starts_again(premises, tools, undisturbed):
    place = premises(**LONG)
    with place.serve() as process:
        tools.ask_for(place, "watch")
        begun(place, tools)
        tools.end([process.pid, *tools.children_of(process.pid)])
        process.wait()
    with place.serve():
        tools.wait_for(lambda: place.runs("watch", "interrupted"), "the death is noted")
        finished(place, tools, undisturbed)
    assert len(place.runs("watch", "completed")) == 1


def test_a_killed_prefect_server_is_begun_again_and_the_schedule_goes_on(premises, tools, undisturbed):
    place = premises(**LONG, watch_at="* * * * *", lookout_at="* * * * *")
    with place.serve() as process:
        begun(place, tools)
        (server,) = [
            pid for pid in tools.children_of(process.pid) if "flows.jobs.prefect_process" in tools.command_of(pid)
        ]
        tools.end([server])
        finished(place, tools, undisturbed)
        ended = len(place.runs("watch", "completed"))
        tools.wait_for(lambda: len(place.runs("watch", "completed")) > ended, "another run by its schedule")
    assert "is started again" in place.said()


@pytest.mark.parametrize("also_flow", [False, True], ids=["worker", "worker and flow"])
def test_a_killed_worker_of_a_pool_loses_nothing(premises, tools, undisturbed, postgres, also_flow):
    """A flow whose worker is gone may end in peace or die of it, unheard; either way the lookout sees to it.

    Ledger and Prefect's database are in PostgreSQL, as several machines need them.
    """
    place = premises(**LONG, lookout_at="* * * * *")
    for_ledger, for_prefect = postgres.create(), postgres.create()
    place.settings["ledger_url"] = place.ledger_url = postgres.url(for_ledger)
    behind = postgres.url(for_prefect).replace("+psycopg", "+asyncpg")
    server = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(place.api_port)]
    worker = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "machine"]
    place.own_secret = "watch:made-up-for-this-test"
    more = {"PREFECT_API_URL": place.api, "PREFECT_API_AUTH_STRING": place.own_secret}
    about_server = {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": behind,
        "PREFECT_SERVER_API_AUTH_STRING": place.own_secret,
    }
    with place.process("server", server, **about_server):
        tools.wait_for(lambda: is_healthy(place.api), "a Prefect server")
        place.run("deploy", "--pool", "machine", **more)
        tools.ask_for(place, "watch")
        with place.process("worker", worker, **more) as process:
            begun(place, tools)
            flows = flows_of(tools, process.pid)
            assert flows
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            if also_flow:
                tools.end(flows)
            with place.process("worker-2", worker, **more):
                if also_flow:
                    place.run("deploy", "--pool", "machine", **more)  # its lookout runs at once
                    tools.wait_for(lambda: place.runs("watch", "interrupted"), "the death is noted")
                finished(place, tools, undisturbed)
    assert not (place.folder / "prefect" / "prefect.db").exists()
    for name in (for_ledger, for_prefect):
        postgres.drop(name)


def test_a_database_that_dies_in_the_middle(premises, tools, undisturbed, postgres):
    place = premises(**LONG, lookout_at="* * * * *")
    name = postgres.create()
    place.settings["ledger_url"] = place.ledger_url = f"{postgres.url(name)}?options=-csynchronous_commit%3Don"
    with place.serve():
        tools.ask_for(place, "watch")
        begun(place, tools)
        postgres.die()
        postgres.start()
        finished(place, tools, undisturbed)
    postgres.drop(name)


@pytest.fixture
def provider(tmp_path, places):
    """Starts and ends a web server with a catalog of what the simulated source has of two places."""
    today = datetime.now(UTC).date()
    until = last_week(RunRequest(None, None, today)).last_day
    areas = [places("yard-2"), places("reef-2", east_m=5_000)]
    folder = tmp_path / "catalog"
    write_simulated(folder, SimulatedSource(until, 1), areas, since=until - timedelta(days=100), until=until)

    @contextmanager
    def provider(place):
        command = [
            sys.executable,
            "-m",
            "http.server",
            str(place.metrics_port),
            "--bind",
            "127.0.0.1",
            "-d",
            str(folder),
        ]
        with place.process("provider", command):
            url = place.settings["catalog"]
            wait_until_it_answers(url)
            yield

    return provider


def wait_until_it_answers(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(OSError):
            urlopen(url).close()
            return
        time.sleep(0.1)
    raise AssertionError(f"nobody answers at {url}")


def scenes(place) -> int:
    return len(list(place.outputs.rglob("archive/*/*/sentinel*.tif")))


def findings(place) -> tuple[object, list[dict[str, Any]]]:
    """What is on record, but for when it was told."""
    record = place.record()
    alerts = [
        {**a, "properties": {n: v for n, v in a["properties"].items() if n != "issued_on"}} for a in record["alerts"]
    ]
    return record["observations"], alerts


def test_the_network_is_gone_and_comes_back(premises, tools, provider):
    """Every try is made, areas fail, weeks wait; the next start works through them without an operator."""
    always, cut = (premises(source="stac", downloads="1") for _ in range(2))
    cut.metrics_port = always.metrics_port  # scenes say where they came from, and so do their digests
    for place in (always, cut):
        place.settings["catalog"] = f"http://127.0.0.1:{place.metrics_port}/catalog.json"
    with provider(always):
        always.run("watch")
    gone = cut.run("watch", status=1)
    assert "failed: yard-2" in gone.stdout
    assert cut.record()["observations"] == []
    answering = provider(cut)
    answering.__enter__()
    with cut.process("watch", [str(SITEWATCH), "watch"]) as process:
        tools.wait_for(lambda: scenes(cut) > 3, "some scenes")
        answering.__exit__(None, None, None)
        process.wait(400)
    assert scenes(cut) < scenes(always)
    assert "scene not fetched" in cut.said("watch") or "failed:" in cut.said("watch")
    with provider(cut):
        cut.run("watch")
        again = cut.run("watch")
    assert ", 0 scenes fetched, 0 weeks worked through" in again.stdout
    assert scenes(cut) == scenes(always)
    assert findings(cut) == findings(always)
