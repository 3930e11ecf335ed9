"""The small flows of an operator's week, over one place, each recorded as runs are."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime

import pytest
from flow_calls import artifact, state_of

from flows.imagery.archive.store import Archive
from flows.jobs.deliver import deliver
from flows.jobs.fetch import fetch
from flows.jobs.report import report
from flows.jobs.upkeep import upkeep
from flows.jobs.watchdog import dead_runs, lookout
from flows.ledger.ledger import open_ledger
from flows.records.runs import RunRecord

pytestmark = [
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]


@pytest.fixture
def placed(bench, made, monkeypatch, tmp_path, prefect_server):
    """The undisturbed watch over one place, and the environment of its deployment."""
    (bench.outputs / "archive" / "simulated-world.json").write_text(json.dumps({"story_end": "2024-08-18"}))
    given = {
        "outputs": bench.outputs,
        "areas": made.write_list(tmp_path / "areas.geojson", [made.site(made.WALLED)]),
        "source": "simulated",
        "history_days": 365,
    }
    for name, value in given.items():
        monkeypatch.setenv(f"SITEWATCH_{name.upper()}", str(value))
    monkeypatch.chdir(tmp_path)
    return bench


def last_run(placed, flow: str) -> RunRecord:
    with placed.ledger() as ledger:
        return next(run for run in ledger.runs() if run.settings.get("flow") == flow)


def test_new_scenes_are_fetched_and_nothing_is_measured(placed, made):
    before = placed.record()
    first = state_of(fetch)
    assert first.is_completed(), first.message
    run = last_run(placed, "fetch")
    assert run.status == "completed"
    assert run.summary["fetched"] == run.summary["areas_done"][made.WALLED]["fetched"]
    assert "fetch" in run.summary["areas_done"][made.WALLED]["seconds"]
    assert placed.record() == before
    days = {scene.acquired.date() for scene in Archive(placed.outputs / "archive").list(*listed(placed))}
    assert max(days) <= datetime.now(UTC).date()
    assert state_of(fetch).is_completed()
    assert last_run(placed, "fetch").summary["fetched"] == 0


def listed(placed):
    from aois.grid import grid_of

    area = placed.areas[0]
    return area.id, placed.source_name, grid_of(area)


def test_a_place_that_is_busy_fails_alone_and_is_listed(placed, made):
    with placed.ledger() as ledger, ledger.exclusively(f"area-{made.WALLED}", complaint=""):
        state = state_of(fetch)
    assert state.is_failed()
    run = last_run(placed, "fetch")
    assert run.status == "failed"
    assert "is being watched by another run" in run.summary["failures"][made.WALLED]


def test_the_report_is_made_from_the_record(placed):
    shutil.rmtree(placed.outputs / "reports", ignore_errors=True)
    assert state_of(report).is_completed()
    assert (placed.outputs / "reports" / "2024-W26" / "index.html").is_file()
    assert last_run(placed, "report").summary["reported"] == "2024-W26"
    assert "2024-W26" in artifact("report-run")


def test_what_waits_is_delivered_and_counted(placed, web_server, monkeypatch, tmp_path):
    channel = f'[channels.chat]\nurl = "{web_server.url(scheme="json")}"\n'
    (tmp_path / "routes.toml").write_text(channel + '[[routes]]\nname="all"\nchannels=["chat"]\nsimulated = true\n')
    monkeypatch.setenv("SITEWATCH_ALERT_ROUTES", "routes.toml")
    assert state_of(deliver).is_completed()
    run = last_run(placed, "deliver")
    assert run.summary["sent"] > 0
    assert len(web_server.posts) == 1
    assert state_of(deliver).is_completed()
    assert len(web_server.posts) == 1


def test_upkeep_keeps_the_last_backups_and_deletes_only_what_it_may(placed, made, monkeypatch, tmp_path):
    monkeypatch.setenv("SITEWATCH_KEEP_BACKUPS", "2")
    for _ in range(3):
        assert state_of(upkeep).is_completed()
    kept = sorted((placed.outputs / "backups").iterdir())
    assert len(kept) == 2
    assert all(path.stat().st_mode & 0o77 == 0 for path in kept)
    with open_ledger(f"sqlite:///{tmp_path / 'restored.sqlite'}") as other, placed.ledger() as ledger:
        other.restore(kept[-1])
        assert other.alerts() == ledger.alerts()
    scenes = len(list((placed.outputs / "archive").rglob("*.tif")))
    monkeypatch.setenv("SITEWATCH_KEEP_DAYS", "1")
    assert state_of(upkeep).is_completed()
    assert last_run(placed, "upkeep").summary["pruned_files"] == 0  # all are history of a place on the list
    assert len(list((placed.outputs / "archive").rglob("*.tif"))) == scenes
    made.write_list(tmp_path / "areas.geojson", [made.site("elsewhere", east_m=9_000)])
    assert state_of(upkeep).is_completed()
    assert last_run(placed, "upkeep").summary["pruned_files"] > 0


def test_the_lookout_tells_the_operator_once_and_notes_the_dead(placed, web_server, monkeypatch):
    monkeypatch.setenv("SITEWATCH_LATE_HOURS", "0.01")
    monkeypatch.setenv("SITEWATCH_OPERATOR_URLS", web_server.url(scheme="json"))
    with placed.ledger() as ledger:
        ledger.start_run(
            RunRecord("dead", datetime(2024, 7, 1, tzinfo=UTC), "0", {"flow": "deliver", "lock": "run-deliver"})
        )
        assert [run.run_id for run in dead_runs(ledger)] == ["dead"]
    assert state_of(lookout).is_completed()
    run = last_run(placed, "lookout")
    assert run.summary["dead_runs"] == ["dead"]
    names = run.summary["conditions"]
    assert [name.split(":")[0] for name in names] == ["unseen", "late"]  # watched to 2024 only
    assert len(web_server.posts) == 2
    assert state_of(lookout).is_completed()
    assert last_run(placed, "lookout").summary["conditions"] == names
    assert len(web_server.posts) == 2
    with placed.ledger() as ledger:
        assert {run.run_id: run.status for run in ledger.runs()}["dead"] == "interrupted"


def test_a_run_of_a_small_flow_waits_for_no_other_and_says_so(placed):
    with placed.ledger() as ledger, ledger.exclusively("run-upkeep", complaint=""):
        state = state_of(upkeep)
    assert state.is_failed()
    assert "another run of `upkeep` is under way" in state.message
