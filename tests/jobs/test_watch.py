"""The watch as Prefect runs it."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from datetime import date

import pytest
from command_line import called
from flow_calls import artifact, state_of
from prefect.client.orchestration import get_client
from prefect.flows import load_flow_from_entrypoint
from proven_pack import pack_of, signer
from timestamp_server import timestamp_server

import flows.jobs.watch
from flows.config.settings import Settings
from flows.imagery.archive.store import Archive
from flows.jobs.watch import WatchResult, watch
from flows.ledger.ledger import open_ledger
from flows.pipeline.area import watch_area
from flows.pipeline.request import areas_of
from flows.publication.pack_subject import PackStores, Sharing
from flows.telemetry.library_logs import is_unforeseen

# Apprise imports a module that Python 3.11 and 3.12 call deprecated; it brings its own from 3.13 on. Prefect leaves
# connections to its server to the garbage collector. rasterio hides a warning of its own in a way that is not safe
# between threads.
pytestmark = [
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

DARK = """
import flows.jobs.watch
from prefect.settings import get_current_settings
settings = get_current_settings()
print(settings.server.analytics_enabled, settings.server.ephemeral.startup_timeout_seconds)
"""


@pytest.fixture
def settings(fetched, made, tmp_path):
    """Settings for outputs whose archive holds the place's scenes already."""
    outputs = fetched().outputs
    (outputs / "archive" / "simulated-world.json").write_text(json.dumps({"story_end": "2024-08-18"}))

    def settings(*areas, **given):
        path = made.write_list(tmp_path / "areas.geojson", areas)
        return Settings(
            **{
                "outputs": outputs,
                "areas": path,
                "source": "simulated",
                "history_days": 365,
                "_env_file": None,
                **given,
            }
        )

    return settings


def test_a_watch_completes_with_its_result(prefect_server, settings, undisturbed, made, monkeypatch):
    monkeypatch.setattr("flows.jobs.watch.QUICK_S", 0.0)
    given = settings(made.site(made.WALLED))
    state = state_of(watch, given, made.SINCE, made.UNTIL)
    assert state.is_completed()
    result = state.result()
    assert isinstance(result, WatchResult)
    assert (str(result.week), result.failures, [o.weeks for o in result.outcomes]) == ("2024-W26", {}, [10])
    assert state.message == f"report at {result.report}"
    assert result.report.is_file()
    alerts = given.outputs / "alerts" / "alerts.geojson"
    assert alerts.read_bytes() == (undisturbed.outputs / "alerts.geojson").read_bytes()
    assert set(result.issued) == {a["id"] for a in json.loads(alerts.read_text())["features"]}
    assert f"{len(result.issued)} alerts issued" in artifact("watch-week")
    table = json.loads(artifact("watch-areas"))
    assert [(row["area"], row["weeks"], row["failed"]) for row in table] == [(made.WALLED, 10, "")]
    assert artifact(f"watch-{made.WALLED}") == 100


def test_a_watch_in_which_a_place_fails_ends_failed_with_the_list(prefect_server, settings, made):
    jammed = made.site("jammed", east_m=20_000)
    given = settings(jammed, made.site(made.WALLED), history_days=60)
    made.block_archive(given.outputs, jammed)
    state = state_of(watch, given, date(2024, 6, 24), made.UNTIL)
    assert state.is_failed()
    assert state.message == "areas failed: jammed"
    result = state.result(raise_on_failure=False)
    assert result.failures.keys() == {"jammed"}
    assert result.failures["jammed"].startswith("area `jammed`: none of ")
    assert [o.area_id for o in result.outcomes] == [made.WALLED]
    assert result.report.is_file()
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(state.state_details.flow_run_id).state.is_failed()


def test_a_watch_has_its_evidence_stamped_and_packs_of_it_hold(prefect_server, settings, made, tmp_path):
    ours = signer(tmp_path, "ours")
    with timestamp_server(tmp_path / "a", "one") as one, timestamp_server(tmp_path / "b", "two") as two:
        two.status = 503
        named = {"timestamp_authorities": f"{one.entry} {two.entry}", "signing_key": tmp_path / "ours.pem"}
        given = settings(made.site(made.WALLED), **named)
        result = state_of(watch, given, made.SINCE, made.UNTIL).result()
        assert result.stamps == "time stamps: 1 came, 1 pending: two: it answered 503; the next run asks again."
        assert [len(body) for body in (*one.requests, *two.requests)] == [59, 59]
    with open_ledger(given.ledger) as ledger:
        assert ledger.runs()[0].summary["stamps"] == result.stamps
        stores = PackStores(given.outputs, ledger, Archive(given.outputs / "archive"), "simulated")
        pack = pack_of(stores, tmp_path / "pack", ours.secret, sharing=Sharing.RESTRICTED)
    (tmp_path / "elsewhere").mkdir()
    said = called("verify", pack, "--key", ours.public, "--replay", cwd=tmp_path / "elsewhere")
    assert said.status == 0, said.out
    assert "pending  stamp: 000001.head.json by two" in said.out
    assert "holds  replay: the events of 1 place, the same bytes from the scenes again" in said.out
    assert called("verify", given.outputs, cwd=tmp_path / "elsewhere", source="simulated").status == 0


def test_an_error_that_nobody_foresaw_stops_no_other_place(prefect_server, settings, made, monkeypatch):
    sound = watch_area

    def faulty(area, *arguments, **named):
        return {}[area.id] if area.id == made.QUIET else sound(area, *arguments, **named)

    monkeypatch.setattr(flows.jobs.watch, "watch_area", faulty)
    given = settings(made.site(made.QUIET, east_m=5_000), made.site(made.WALLED), history_days=60)
    state = state_of(watch, given, date(2024, 6, 24), made.UNTIL)
    result = state.result(raise_on_failure=False)
    assert "KeyError" in result.failures[made.QUIET]
    assert [o.area_id for o in result.outcomes] == [made.WALLED]


def test_no_secret_reaches_prefect_or_the_outputs(prefect_server, settings, made, tmp_path, unused_port):
    url = f"sqlite:///{tmp_path / 'hunter2.sqlite'}"
    channel = f"json://watcher:hunter2@127.0.0.1:{unused_port}/"
    given = settings(made.site(made.WALLED), history_days=60, ledger_url=url, alert_urls=channel)
    state = state_of(watch, given, date(2024, 6, 24), made.UNTIL)
    assert state.is_completed()
    assert (tmp_path / "hunter2.sqlite").is_file()
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(state.state_details.flow_run_id)
    assert run.parameters["settings"]["history_days"] == 60
    assert "hunter2" not in str(run.parameters)
    assert "hunter2" not in (given.outputs / "run-settings.json").read_text()


def test_a_scheduled_watch_gives_way_to_another_and_an_asked_for_area_does_not(
    prefect_server, settings, made, monkeypatch
):
    monkeypatch.setattr(flows.jobs.watch, "deployment_name", lambda: "sitewatch")
    monkeypatch.setattr(flows.jobs.watch, "PATIENCE_S", 0.2)
    given = settings(made.site(made.WALLED), history_days=60)
    with open_ledger(given.ledger) as ledger, ledger.exclusively("watch-all", complaint=""):
        state = state_of(watch, given, date(2024, 6, 24), made.UNTIL)
        assert state.is_failed()
        assert "another scheduled run of the watch is under way" in state.message
        assert ledger.runs() == []
        assert state_of(watch, given, date(2024, 6, 24), made.UNTIL, (made.WALLED,)).is_completed()


def test_alerts_are_prefect_events_without_coordinates(prefect_server, settings, made):
    given = settings(made.site(made.WALLED))
    result = state_of(watch, given, made.SINCE, made.UNTIL).result()
    assert result.issued
    wanted = {"filter": {"event": {"name": ["sitewatch.alert.issued"]}, "occurred": {"since": str(made.SINCE)}}}
    with open_ledger(given.ledger) as ledger:
        issued = [ledger.references().of(alert) for alert in result.issued]
    deadline = time.monotonic() + 20
    told: set[str] = set()
    with get_client(sync_client=True) as client:
        while not told >= {f"sitewatch.alert.{alert}" for alert in issued} and time.monotonic() < deadline:
            events = client._client.post("/events/filter", json=wanted).json()["events"]
            told = {event["resource"]["prefect.resource.id"] for event in events}
            time.sleep(0.2)
    assert told >= {f"sitewatch.alert.{alert}" for alert in issued}
    (event,) = [one for one in events if one["resource"]["prefect.resource.name"] == issued[0]]
    assert event["payload"].keys() >= {"kind", "change", "state", "confidence"}
    assert event["payload"].keys().isdisjoint({"geometry", "name"})
    assert f"sitewatch.area.{made.WALLED}" in [one["prefect.resource.id"] for one in event["related"]]
    assert event["payload"]["news"] == "issued"
    with open_ledger(given.ledger) as ledger:
        assert ledger.outbox.unsignalled() == []
        assert ledger.outbox.unsent() == []


def test_deployments_find_the_flow_by_its_module():
    assert load_flow_from_entrypoint("flows.jobs.watch.watch", use_placeholder_flow=False) is watch


def test_prefect_tells_nobody_what_is_watched():
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_SERVER", "DO_NOT"))}
    done = subprocess.run([sys.executable, "-c", DARK], env=clean, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "90"]


def test_only_what_nobody_foresaw_is_told_by_prefects_logs():
    def record(error):
        return logging.LogRecord("prefect.task_runs", logging.ERROR, "here", 1, "failed", (), error)

    error = KeyError("x")
    assert is_unforeseen(record((KeyError, error, None)))
    assert not is_unforeseen(record(None))
    assert not is_unforeseen(record((None, None, None)))


def test_some_areas_of_a_list_are_watched_and_all_are_known(settings, made):
    given = settings(made.site("pier-1"), made.site("pier-2", east_m=5_000))
    watched, known = areas_of(given, ("pier-2",))
    assert [area.id for area in watched] == ["pier-2"]
    assert [area.id for area in known] == ["pier-1", "pier-2"]
