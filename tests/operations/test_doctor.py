"""The doctor says what is wrong and what to do, and changes nothing."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from plan_kml import Planned, file_name, ring, sentinel_1_plan
from prefect.settings import PREFECT_API_URL, temporary_settings
from timestamp_server import timestamp_server

from aois.reading import to_feature_collection
from aois.week import week_of
from flows.config.deployment import Operating
from flows.config.settings import Settings
from flows.imagery.plan_files import keep_plans
from flows.jobs.doctor import CheckResult, examine
from flows.ledger.ledger import open_ledger
from flows.records.messages import DispatchRecord
from flows.records.observations import ObservationRecord, SceneRecord
from flows.records.provider_weeks import provider_summary
from flows.records.runs import RunRecord

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
W47 = week_of(date(2026, 11, 22))


@pytest.fixture
def examined(tmp_path, places, monkeypatch):
    """Examines a folder with a list of two places; what a check found by its name and the area's."""
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    areas = tmp_path / "areas.geojson"
    areas.write_text(json.dumps(to_feature_collection([places("a"), places("b", east_m=5_000)])))
    areas.chmod(0o600)
    monkeypatch.chdir(tmp_path)

    def examined(**given):
        settings = Settings(
            **{"outputs": tmp_path / "outputs", "areas": areas, "source": "stac", "_env_file": None, **given}
        )
        # settings of a test server that another test of this process left would outrank the environment
        with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
            found = examine(settings, Operating(server_port=9, _env_file=None), now=NOW)
        by_area = ("areas", "acquisitions")
        return {(f.check, f.found.split(":")[0] if f.check in by_area else ""): f for f in found}

    return examined


def radar(orbit: int, last: date) -> list[SceneRecord]:
    """Radar scenes of one orbit, every 12 days up to the last."""
    times = [datetime(last.year, last.month, last.day, 22, 45, tzinfo=UTC) - timedelta(days=12 * n) for n in range(6)]
    return [
        SceneRecord(f"sentinel-1_{t:%Y%m%dT%H%M%S}_r{orbit}", "sentinel-1", t, "0" * 64, "stac", 1.0, 0.0, "used")
        for t in times
    ]


@pytest.fixture
def ledger(tmp_path, places):
    """A ledger on which both places are up to date."""
    (tmp_path / "outputs").mkdir(mode=0o700)
    with open_ledger(f"sqlite:///{tmp_path / 'outputs' / 'ledger.sqlite'}") as ledger:
        ledger.record_areas([places("a"), places("b", east_m=5_000)])
        for area in "ab":
            ledger.record_week(ObservationRecord(area, W47, (), (), 0.9, date(2026, 11, 20), "chain"), [])
        yield ledger


def test_a_bare_folder_is_left_bare_and_the_first_steps_are_named(examined, tmp_path):
    found = examined()
    assert not (tmp_path / "outputs").exists()
    assert found["database", ""].verdict is CheckResult.LOOK
    assert found["database", ""].mend == "run `sitewatch watch`, which makes it"
    assert [key for key, one in found.items() if one.verdict is CheckResult.BAD] == [("schedule", "")]
    assert found["schedule", ""].mend.startswith("start `sitewatch serve`")


def test_what_is_as_it_should_be_is_fine(examined, ledger):
    found = examined(operator_urls="json://127.0.0.1", alert_urls="json://127.0.0.1")
    bad = {key for key, one in found.items() if one.verdict is not CheckResult.FINE}
    assert bad == {("schedule", "")}
    assert found["areas", "a"].found == "a: on record to 2026-W47, last clear acquisition 2026-11-20"


def test_what_the_last_watch_did_not_use_is_said_with_the_reason(examined, ledger):
    unused = {"collection `x-l3`, Level-3": "37 items, of another satellite (landsat)"}
    summary = {
        "areas": ["a", "b"],
        "unused": unused,
        "passed_over": {"one": "it is malformed", "two": "it is malformed"},
    }
    ledger.start_run(RunRecord("r1", NOW - timedelta(hours=2), "8", {"flow": "watch"}), source="stac")
    ledger.finish_run("r1", status="completed", summary=summary, at=NOW - timedelta(hours=1))
    said = examined()["imagery", ""]
    assert (said.verdict, said.found) == (CheckResult.LOOK, "2 items passed over, such as one: it is malformed")
    ledger.start_run(RunRecord("r2", NOW - timedelta(minutes=30), "8", {"flow": "watch"}), source="stac")
    ledger.finish_run("r2", status="completed", summary=summary | {"passed_over": {}}, at=NOW - timedelta(minutes=20))
    said = examined()["imagery", ""]
    assert said.verdict is CheckResult.LOOK
    assert said.found == "not used: collection `x-l3`, Level-3: 37 items, of another satellite (landsat)"


def test_credentials_are_named_where_they_lack_and_never_shown(examined):
    missing = examined(source="sentinelhub")["credentials", ""]
    assert missing.verdict is CheckResult.BAD
    assert "SH_CLIENT_ID and SH_CLIENT_SECRET" in missing.found
    there = examined(source="sentinelhub", SH_CLIENT_ID="hunter1", SH_CLIENT_SECRET="hunter2")
    assert there["credentials", ""].verdict is CheckResult.LOOK  # nobody hears the operator's part
    assert "hunter" not in str(there)


def test_an_area_that_failed_or_was_not_seen_is_named(examined, ledger, places):
    ledger.start_run(RunRecord("r", NOW - timedelta(days=1), "0", {"flow": "watch"}))
    summary = {"areas": ["a", "b"], "failures": {"a": "area `a`: no scene"}}
    ledger.finish_run("r", status="failed", summary=summary, at=NOW - timedelta(days=1))
    for week in range(10):
        ledger.record_week(ObservationRecord("b", W47.plus(-week), (), (), 0.0, date(2026, 9, 1), f"c{week}"), [])
    found = examined()
    assert (found["areas", "a"].verdict, found["areas", "a"].mend) == (CheckResult.BAD, "area `a`: no scene")
    assert found["areas", "b"].verdict is CheckResult.BAD


def test_when_each_area_is_seen_next_is_said_and_what_did_not_come(examined, ledger):
    for area_id, last in (("a", date(2026, 11, 20)), ("b", date(2026, 11, 8))):
        ledger.record_scenes(area_id, radar(91, last))
    found = examined()
    assert found["acquisitions", "a"].verdict is CheckResult.FINE
    assert found["acquisitions", "a"].found == "a: next due: Sentinel-1, orbit 91, 2 December"
    assert found["acquisitions", "b"].verdict is CheckResult.LOOK
    assert found["acquisitions", "b"].found == (
        "b: next due: Sentinel-1, orbit 91, 2 December; 2026-W47: expected 1, received 0: Sentinel-1, orbit 91, "
        "20 November"
    )
    ledger.record_scenes("b", radar(128, date(2026, 10, 10)))
    found = examined()["acquisitions", "b"]
    assert found.verdict is CheckResult.BAD
    assert found.found.endswith("; Sentinel-1, orbit 128 last came on 2026-10-10, 3 missed since")


def test_what_is_planned_is_said_and_until_when(examined, ledger, places, tmp_path):
    ledger.record_scenes("a", radar(91, date(2026, 11, 8)))
    given = {"acquisition_plans": str(tmp_path / "kml")}
    assert "plans" not in {check for check, _ in examined()}
    found = examined(**given)["plans", ""]
    assert (found.verdict, found.found) == (CheckResult.LOOK, "no acquisition plan reaches beyond today; none")
    west, south, east, north = places("a").geometry.bounds
    over = ring(west - 1, south - 1, east + 1, north + 1)
    takes = [Planned("S1C", datetime(2026, *at, 22, 45, tzinfo=UTC), 91, over) for at in ((11, 20), (12, 1))]
    name = file_name("s1c", datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 12, 6, tzinfo=UTC))
    (tmp_path / "kml").mkdir()
    (tmp_path / "kml" / name).write_bytes(sentinel_1_plan(*takes))
    assert keep_plans([given["acquisition_plans"]], tmp_path / "outputs" / "plans") == 1
    found = examined(**given)
    assert found["plans", ""].found == "acquisitions are planned: sentinel-1c until 2026-12-06"
    assert found["plans", ""].verdict is CheckResult.FINE
    assert found["acquisitions", "a"].found == (
        "a: next due: Sentinel-1, orbit 91, 1 December (planned); 2026-W47: expected 1, received 0: Sentinel-1, "
        "orbit 91, 20 November (planned)"
    )


def provider_run(ledger, number: int, at: datetime, *, asked: int, lost: int, ahead_s: float = 0.0) -> None:
    answers = {"asked": asked, "lost": lost, "clock_ahead_s": ahead_s}
    summary = {"provider": provider_summary("catalog.example.org", answers, fetched=3, failed=1, passed_over=0)}
    ledger.start_run(RunRecord(f"p{number}", at, "0", {"flow": "fetch", "source": "stac"}))
    ledger.finish_run(f"p{number}", status="completed", summary=summary, at=at)


def test_how_the_provider_answers_is_said_and_that_it_gets_worse(examined, ledger):
    for weeks in (3, 2, 1):
        provider_run(ledger, weeks, NOW - timedelta(weeks=weeks), asked=100, lost=1)
    found = examined()["provider", ""]
    assert found.verdict is CheckResult.FINE
    assert "2026-W47: 1 of 100 requests went wrong, 3 scenes, 1 failed, 0 refused" in found.found
    provider_run(ledger, 0, NOW, asked=100, lost=20)
    found = examined()["provider", ""]
    assert (found.verdict, found.found.split("; ")[-1]) == (CheckResult.LOOK, "it gets worse")


def test_a_clock_that_differs_from_the_providers_is_said(examined, ledger):
    provider_run(ledger, 0, NOW, asked=100, lost=0, ahead_s=-3600.0)
    found = examined()["provider", ""]
    assert (found.verdict, found.found) == (
        CheckResult.BAD,
        "this machine's clock is 60 minutes behind the provider's",
    )


def test_an_area_without_a_week_is_no_alarm(examined, ledger, places, tmp_path):
    listed = [places(name, east_m=5_000 * n) for n, name in enumerate("abc")]
    (tmp_path / "areas.geojson").write_text(json.dumps(to_feature_collection(listed)))
    assert examined()["areas", "c"].verdict is CheckResult.LOOK


def test_a_clock_that_was_put_back_is_noticed(examined, ledger):
    ledger.start_run(RunRecord("r", NOW + timedelta(days=2), "0"))
    assert examined()["clock", ""].verdict is CheckResult.BAD


@pytest.mark.parametrize(
    "name", [".env", "routes.toml", "key.pem", "areas.geojson", "outputs", "outputs/ledger.sqlite"]
)
def test_what_others_can_read_is_named_with_its_mend(examined, ledger, tmp_path, name):
    routes, key = tmp_path / "routes.toml", tmp_path / "key.pem"
    for path in (tmp_path / ".env", routes, key):
        path.touch(mode=0o600)
    given = {"alert_routes": routes, "signing_key": key}
    assert examined(**given)["modes", ""].verdict is CheckResult.FINE
    open_one = tmp_path / name
    open_one.chmod(open_one.stat().st_mode | 0o040)
    found = examined(**given)["modes", ""]
    assert found.verdict is CheckResult.BAD
    assert str(open_one) in found.found
    assert found.mend == f"chmod go-rwx {open_one}"


def test_a_clock_that_cannot_be_right_is_bad(examined, ledger):
    ledger.start_run(RunRecord("r", NOW + timedelta(days=2), "0"))
    assert examined()["clock", ""].verdict is CheckResult.BAD
    assert "SITEWATCH_TODAY_IS=2026-11-24" in examined()["clock", ""].found


def test_a_watch_that_stood_still_for_half_a_year_is_worth_a_look(examined, tmp_path):
    (tmp_path / "outputs").mkdir(mode=0o700)
    with open_ledger(f"sqlite:///{tmp_path / 'outputs' / 'ledger.sqlite'}") as ledger:
        ledger.start_run(RunRecord("r", NOW - timedelta(weeks=30), "0", {"flow": "watch"}))
    assert examined()["clock", ""].verdict is CheckResult.LOOK


def test_a_database_that_does_not_answer_is_said_without_its_password(examined, unused_port):
    found = examined(ledger_url=f"postgresql://watch:hunter2@127.0.0.1:{unused_port}/x")
    assert found["database", ""].verdict is CheckResult.BAD
    assert "hunter2" not in str(found)


def test_parcels_that_were_given_up_are_named(examined, ledger):
    ledger.outbox.pack(DispatchRecord("sw-1", "mail", (), {}, NOW))
    ledger.outbox.mark_failed("sw-1", reason="mail: no", at=NOW, next_at=None)
    assert examined()["messages", ""].found == "0 parcels could not be sent yet, 1 were given up"


def test_a_list_that_cannot_be_read_is_a_finding(examined, tmp_path):
    (tmp_path / "areas.geojson").write_text("{}")
    assert examined()["settings", ""].verdict is CheckResult.BAD


def test_a_disk_that_is_full_is_noticed(examined, monkeypatch):
    monkeypatch.setattr("flows.jobs.doctor.LEAST_FREE_BYTES", 1e18)
    assert examined()["disk", ""].verdict is CheckResult.BAD


def test_the_command_answers_programs_and_its_status_says_how_it_is(premises):
    place = premises()
    done = place.run("doctor", "--json", status=1)
    assert {one["check"] for one in json.loads(done.stdout)} >= {"settings", "disk", "schedule"}
    assert not place.outputs.exists()
    wrong = place.run("doctor", status=2, SITEWATCH_WORKERS="none")
    assert "setting `workers`" in wrong.stderr
    assert Path(place.folder / "areas.geojson").is_file()


def test_time_stamps_that_are_pending_are_counted(examined, ledger, tmp_path):
    assert ("time stamps", "") not in examined()
    with timestamp_server(tmp_path / "authority", "one") as server:
        asked = {"timestamp_authorities": (server.entry,)}
        assert examined(**asked)["time stamps", ""].found == "one: none is pending"
        folder = tmp_path / "outputs" / "evidence"
        folder.mkdir(mode=0o700)
        (folder / "000007.one.tsq").touch()
        found = examined(**asked)["time stamps", ""]
        assert (found.verdict, found.found) == (CheckResult.LOOK, "1 pending since 000007.json: one")
        assert server.web.asked == [], "to look asks nobody"
