"""`sitewatch serve` as an operator starts it: schedules that fire, reruns that are asked for, a run that is killed."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from prefect.deployments import run_deployment

from flows.config.deployment import Operating
from flows.config.settings import Settings
from flows.jobs.deployments import PLANNED
from flows.jobs.doctor import CheckResult, examine
from flows.jobs.watchdog import dead_runs, resume

PLANTED = "hunter2"
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


def is_idle(client, deployment_id) -> bool:
    """Whether no run of a deployment is open; those that have not begun are taken back."""
    mine = [run for run in client.read_flow_runs() if run.deployment_id == deployment_id]
    open_ones = [run for run in mine if not run.state.is_final()]
    for run in open_ones:
        if run.state.is_scheduled():
            client.delete_flow_run(run.id)
    return not open_ones


@pytest.fixture(scope="module")
def database(request):
    """A ledger in PostgreSQL, where there is one, with a password in its address; else in SQLite."""
    try:
        postgres = request.getfixturevalue("postgres")
    except pytest.skip.Exception:
        yield ""
        return
    name = postgres.create()
    yield postgres.url(name).replace("sitewatch@", f"sitewatch:{PLANTED}-database@")
    postgres.drop(name)


@pytest.fixture(scope="module")
def served(premises, tools, database):
    """Premises where all is served and a cron of every 20 seconds brought the first week; then it is paused.

    Every secret there can be is planted, and every channel refuses what it is sent.
    """
    nobody = "127.0.0.1:9"
    given = {"ledger_url": database} if database else {}
    place = premises(
        watch_at="* * * * * */20",
        timezone="Asia/Phnom_Penh",
        alert_urls=f"json://watcher:{PLANTED}-alerts@{nobody}/",
        operator_urls=f"json://watcher:{PLANTED}-operator@{nobody}/",
        catalog=f"http://{nobody}/catalog.json?sig={PLANTED}-catalog",
        **given,
    )
    place.settings["alert_routes"] = str(place.folder / "routes.toml")
    (place.folder / "routes.toml").write_text(
        '[channels.hook]\nkind = "webhook"\nurl = "env:HOOK"\nsecret = "env:HOOK_SECRET"\n'
        '[channels.chat]\nurl = "env:CHAT"\n'
        '[[routes]]\nname = "all"\nchannels = ["hook", "chat"]\nsimulated = true\n'
    )
    place.secrets = {
        "CHAT": f"json://watcher:{PLANTED}-chat@{nobody}/",
        "HOOK": f"http://{nobody}/hook?token={PLANTED}-hook",
        "HOOK_SECRET": f"{PLANTED}-hook-secret",
        "SH_CLIENT_ID": f"{PLANTED}-id",
        "SH_CLIENT_SECRET": f"{PLANTED}-secret",
    }
    with place.serve() as process:
        tools.wait_for(lambda: place.runs("watch", "completed"), "a run of the watch by its cron")
        with tools.prefect_of(place) as client:
            deployment = client.read_deployment_by_name("watch/sitewatch")
            assert not deployment.paused
            client.pause_deployment(deployment.id)
            tools.wait_for(lambda: is_idle(client, deployment.id), "an end of the runs that were under way")
        yield place, process


def test_a_cron_run_fires_by_itself_and_leaves_its_traces(served, tools):
    place, _ = served
    first, *_ = place.runs("watch", "completed")
    with tools.prefect_of(place) as client:
        deployment = client.read_deployment_by_name("watch/sitewatch")
        runs = [run for run in client.read_flow_runs() if run.deployment_id == deployment.id]
    assert deployment.entrypoint == "flows.jobs.watch.watch"
    assert any(run.auto_scheduled and run.state.is_completed() for run in runs)
    assert first.settings["deployment"] == "sitewatch"
    assert (place.outputs / "reports" / first.summary["week"] / "index.html").is_file()
    assert first.summary["steps"].keys() == {"areas", "files", "report", "messages", "evidence", "copy"}
    rows = {row["area"]: row for row in first.summary["areas_done"]}
    assert rows.keys() == {"yard-2", "reef-2"}
    for row in rows.values():
        assert (row["weeks"], row["failed"]) == (4, "")
        assert row["fetched"] > 10
        assert row["seen_share"] is not None
        assert row["seconds"].keys() == {"fetch", "detect"}


def test_log_lines_are_json_with_area_and_week(served):
    place, _ = served
    lines = [json.loads(line) for line in place.said().splitlines() if line.startswith("{")]
    done = [line for line in lines if line["said"] == "area done"]
    assert {line["area"] for line in done} == {"yard-2", "reef-2"}
    assert all(line["week"].startswith("20") and line["flow"] == "watch" and line["run"] for line in done)


def listening(port: int) -> set[str]:
    """The addresses on which somebody listens at a port, in hexadecimal as the kernel has them."""
    tables = [Path(f"/proc/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table]
    addresses = [row[1].split(":") for row in rows if row[3] == "0A"]
    return {host for host, number in addresses if int(number, 16) == port}


def test_the_server_and_the_metrics_listen_on_loopback_alone(served):
    place, _ = served
    assert listening(place.api_port) == {"0100007F"}
    assert listening(place.metrics_port) == {"0100007F"}


def test_prometheus_is_offered_what_the_ledger_says(served):
    place, _ = served
    with urlopen(f"http://127.0.0.1:{place.metrics_port}/metrics") as answer:
        told = answer.read().decode()
    assert "sitewatch_up 1.0" in told
    assert 'sitewatch_run_failures{flow="watch",simulated="true"} 0.0' in told
    assert 'sitewatch_area_seen_share{area="yard-2",simulated="true"}' in told
    kept = (place.outputs / "metrics" / "sitewatch.prom").read_text()
    assert 'sitewatch_run_step_seconds{flow="watch",simulated="true",step="report"}' in kept


def test_the_doctor_sees_the_schedules(served, tools):
    place, _ = served
    given = {"ledger_url": place.ledger_url} if place.ledger_url else {}
    settings = Settings(
        outputs=place.outputs, areas=place.settings["areas"], source="simulated", _env_file=None, **given
    )
    with tools.prefect_of(place):
        found = examine(settings, Operating(_env_file=None), now=datetime.now(UTC))
    said = {one.found.split(":")[0]: one for one in found if one.check == "schedule"}
    assert said.keys() == {f"{planned.flow}/sitewatch" for planned in PLANNED if planned.schedule}
    assert said["upkeep/sitewatch"].verdict is CheckResult.FINE
    assert "next 20" in said["upkeep/sitewatch"].found
    assert said["watch/sitewatch"].mend.startswith("it is paused: start `sitewatch serve`")
    assert "Completed" in said["watch/sitewatch"].found


def test_prefect_is_asked_for_a_rerun_and_nobody_hears_anything_again(served, tools):
    place, _ = served
    before = place.record()
    with tools.prefect_of(place):
        run: Any = run_deployment("rerun/sitewatch", parameters={"area": "yard-2"}, timeout=900, poll_interval=0.5)
        state = run.state
    assert state.is_completed()
    run = place.runs("watch", "completed")[-1]
    assert run.settings["parameters"]["only"] == ["yard-2"]
    assert run.settings["parameters"]["replay"]
    assert [row["weeks"] for row in run.summary["areas_done"]] == [4]
    assert place.record() == before


def test_a_run_that_is_killed_is_begun_again_once(served, tools):
    place, process = served
    begun = {run.run_id for run in place.runs("watch")}
    with tools.prefect_of(place):
        run_deployment("watch/sitewatch", parameters={"replay": True}, timeout=0)
    (victim,) = tools.wait_for(
        lambda: [run for run in place.runs("watch", "running") if run.run_id not in begun], "a run under way"
    )
    (pid,) = [p for p in tools.children_of(process.pid) if "prefect.engine" in tools.command_of(p)]
    with place.ledger() as ledger:
        assert dead_runs(ledger) == []
        os.kill(pid, signal.SIGKILL)
        dead = tools.wait_for(lambda: dead_runs(ledger), "its death is seen")
        assert [run.run_id for run in dead] == [victim.run_id]
        with tools.prefect_of(place):
            for _ in range(2):  # as if the first had been killed before it could note what it did
                assert resume(ledger, dead, now=datetime.now(UTC)) == []
    done = tools.wait_for(
        lambda: [run for run in place.runs("watch", "completed") if run.started_at > victim.started_at], "it is done"
    )
    assert [run.settings["parameters"] for run in done] == [victim.settings["parameters"]]
    assert [run.run_id for run in place.runs("watch", "interrupted")] == [victim.run_id]
    with tools.prefect_of(place) as client:
        deployment = client.read_deployment_by_name("watch/sitewatch")
        again = [r for r in client.read_flow_runs() if r.deployment_id == deployment.id and not r.auto_scheduled]
    assert len(again) == 2


def test_no_secret_is_anywhere(served, tmp_path):
    """In no parameter, log, artifact, traceback or database of Prefect, no output, and not on record."""
    place, _ = served
    other = place.folder / "stac"
    server = {"PREFECT_API_URL": place.api, "PREFECT_API_AUTH_STRING": place.secret}
    given = {**server, "SITEWATCH_LEDGER_URL": f"sqlite:///{other / 'ledger.sqlite'}"}
    failed = place.run("watch", "--source", "stac", "--outputs", str(other), status=1, **given)
    assert "failed: yard-2" in failed.stdout
    closed = f"postgresql://watch:{PLANTED}-closed@127.0.0.1:9/x"
    shut = place.run("alerts", "list", status=2, SITEWATCH_LEDGER_URL=closed)
    with place.ledger() as ledger:
        assert ledger.outbox.unsent()  # the channels refused, and the reasons are on record
        ledger.back_up(tmp_path / "ledger.backup")
    for text in (failed.stdout, failed.stderr, shut.stdout, shut.stderr):
        assert PLANTED not in text
    searched = [path for folder in (place.folder, tmp_path) for path in folder.rglob("*") if path.is_file()]
    names = {path.name for path in searched}
    assert names >= {"prefect.db", "serve.log", "index.html", "run-settings.json", "sitewatch.prom", "ledger.backup"}
    assert [path for path in searched if PLANTED.encode() in path.read_bytes()] == []
