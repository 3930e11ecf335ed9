"""The command line from the first watch to the delivered message."""

from __future__ import annotations

import io
import json
import re
import shutil
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from rich.console import Console

import detectors
from aois.week import parse_week, week_of
from detectors.records import UnfamiliarGround
from flows.alerts.console import console_table
from flows.cli.watch import words_of_missing, words_of_unfamiliar
from flows.ledger.ledger import open_ledger
from flows.records.event_json import alert_of, event_of
from flows.records.observations import ObservationRecord, SceneRecord

# Apprise imports a module that Python 3.11 and 3.12 call deprecated; it brings its own from 3.13 on. Prefect leaves
# connections to its server to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

SPAN = ("--since", "2024-03-11", "--until", "2024-06-30")
FEW_DAYS = {"history_days": "365"}


def routes_to(folder: Path, **addresses: str) -> dict[str, str]:
    """The setting of routes by which channels hear simulated alerts."""
    channels = [f'[channels.{name}]\nurl = "{url}"\n' for name, url in addresses.items()]
    route = f'[[routes]]\nname = "all"\nchannels = {json.dumps(list(addresses))}\nsimulated = true\n'
    (folder / "routes.toml").write_text("".join((*channels, route)))
    return {"alert_routes": "routes.toml"}


def relative(folder: Path, *patterns: str) -> dict[str, bytes]:
    """The content of files by their path in a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for pattern in patterns
        for path in folder.glob(pattern)
        if path.is_file()
    }


@pytest.fixture(scope="module")
def ran(made, call, prefect_server, tmp_path_factory):
    """A first watch over three places, one of which cannot be archived; its folder and what it said."""
    folder = tmp_path_factory.mktemp("ran")
    places = [
        made.site(made.WALLED),
        made.site("jammed", east_m=20_000),
        made.site(made.QUIET, east_m=5_000),
    ]
    areas = made.write_list(folder / "areas.geojson", places)
    made.block_archive(folder / "outputs", places[1])
    said = call("watch", "--areas", areas, *SPAN, cwd=folder, **FEW_DAYS)
    return SimpleNamespace(folder=folder, outputs=folder / "outputs", areas=areas, said=said, places=places)


@pytest.fixture
def workspace(ran, tmp_path):
    """A copy of the folder of the first watch."""
    shutil.copytree(ran.folder, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def alert_id(ran):
    alerts = json.loads((ran.outputs / "alerts" / "alerts.geojson").read_text())["features"]
    return alerts[0]["properties"]["alert_id"]


def test_an_area_that_fails_stops_no_other_and_is_listed(ran, made):
    assert ran.said.status == 1
    assert "Traceback" not in ran.said.err
    assert "2024-W26: 2 areas, " in ran.said.out
    (line,) = [line for line in ran.said.out.splitlines() if line.startswith("failed: ")]
    assert line.startswith("failed: jammed: area `jammed`: none of ")
    assert "cannot be archived in" in line
    assert ran.said.out.splitlines()[-1] == "Report: outputs/reports/2024-W26/index.html"
    alerts = json.loads((ran.outputs / "alerts" / "alerts.geojson").read_text())["features"]
    assert {alert["properties"]["area_id"] for alert in alerts} == {made.WALLED}
    for alert in alerts:
        assert alert["properties"]["alert_id"] in ran.said.out
    page = (ran.outputs / "reports" / "2024-W26" / "index.html").read_text()
    assert "cannot be archived in" in page


def test_messages_of_the_simulated_world_wait_for_a_route_that_asks_for_them(ran):
    assert re.search(
        r"(1 message is|\d+ messages are) of the simulated world and will leave by no channel, unless ", ran.said.out
    )
    assert "ALERT_URLS" not in ran.said.out


def test_coordinates_stay_in_the_files_that_are_for_them(ran, call):
    """Neither what is printed nor the report nor the settings tell where a place is, to a thousandth of a degree."""
    told = [ran.said.out, ran.said.err, call("alerts", "list", cwd=ran.folder).out]
    told += [path.read_text() for path in (*ran.outputs.glob("reports/*/*.html"), ran.outputs / "run-settings.json")]
    degrees = {f"{number:.9f}"[:-6] for place in ran.places for number in place.geometry.bounds}
    where = re.compile(rf"(?<![\d.])({'|'.join(map(re.escape, sorted(degrees)))})\d")
    assert where.search((ran.outputs / "alerts" / "alerts.geojson").read_text())
    assert [found for text in told for found in where.findall(text)] == []
    assert ran.outputs.joinpath("ledger.sqlite").stat().st_mode & 0o077 == 0
    assert all(ran.outputs.joinpath(name).stat().st_mode & 0o077 == 0 for name in ("alerts", "areas", "archive"))


def test_nothing_that_a_run_leaves_is_open_to_others(ran):
    found = [path for path in (ran.outputs, *ran.outputs.rglob("*")) if "public" not in path.parts]
    assert len(found) > 100
    assert [path for path in found if path.lstat().st_mode & 0o077 and not path.is_symlink()] == []


def test_what_a_run_leaves_holds_as_evidence(ran, call):
    said = call("verify", "outputs", cwd=ran.folder)
    assert (said.status, [line for line in said.out.splitlines() if line.startswith("WRONG")]) == (0, [])


def test_the_same_call_again_changes_no_byte_and_adds_no_message(ran, workspace, call):
    kept = ("alerts/*", "areas/**/*", "reports/**/*", "catalog.json")
    before = relative(workspace / "outputs", *kept)
    with open_ledger(f"sqlite:///{workspace / 'outputs' / 'ledger.sqlite'}") as ledger:
        messages = ledger.pending_messages()
    said = call("watch", "--areas", "areas.geojson", *SPAN, cwd=workspace, **FEW_DAYS)
    assert said.status == 1
    assert "0 scenes fetched, 0 weeks worked through; 0 alerts issued, 0 changed" in said.out
    assert relative(workspace / "outputs", *kept) == before
    with open_ledger(f"sqlite:///{workspace / 'outputs' / 'ledger.sqlite'}") as ledger:
        assert ledger.pending_messages() == messages
        assert [run.status for run in ledger.runs()] == ["failed", "failed"]


def test_a_rerun_works_through_every_week_and_changes_no_byte(workspace, call, made):
    kept = ("alerts/*", "areas/**/*", "reports/**/*")
    before = relative(workspace / "outputs", *kept)
    shutil.rmtree(workspace / "outputs" / "areas" / made.WALLED / "state")
    said = call("rerun", made.WALLED, "--areas", "areas.geojson", cwd=workspace, **FEW_DAYS)
    assert said.status == 0
    assert "2024-W26: 1 areas, 0 scenes fetched, 16 weeks worked through; 0 alerts issued, 0 changed" in said.out
    after = relative(workspace / "outputs", *kept)
    for page in ("reports/2024-W26/index.html", "reports/2024-W26/index.fr.html"):
        assert after.pop(page) != before.pop(page)  # it no longer says that a place failed
    assert after == before


def test_a_rerun_of_a_place_without_a_record_is_refused(workspace, call):
    said = call("rerun", "jammed", "--areas", "areas.geojson", cwd=workspace, **FEW_DAYS)
    assert (said.status, said.err) == (2, "error: area `jammed` has no week on record; run `sitewatch watch` first\n")


def test_a_rerun_takes_its_list_and_source_from_the_record(workspace, call, made):
    before = relative(workspace, "outputs/alerts/*.geojson", "outputs/areas/*/events.geojson")
    said = call("rerun", made.WALLED, cwd=workspace, source=None, **FEW_DAYS)
    assert said.status == 0, said.err
    assert relative(workspace, "outputs/alerts/*.geojson", "outputs/areas/*/events.geojson") == before
    assert re.search(r"0 alerts issued, 0 changed", said.out)


def test_a_record_is_not_worked_over_with_another_source(workspace, call, made):
    before = relative(workspace, "outputs/**/*.geojson", "outputs/**/*.html")
    for command in ("watch", "rerun"):
        options = [made.WALLED] if command == "rerun" else []
        said = call(command, *options, "--areas", "areas.geojson", "--source", "stac", cwd=workspace)
        assert said.status == 2
        assert "the record in `outputs` is simulated, and source `stac` is real: the two never share one" in said.err
    assert relative(workspace, "outputs/**/*.geojson", "outputs/**/*.html") == before


def test_every_area_on_record_stays_in_the_catalog(workspace, call, made):
    other = made.write_list(workspace / "other.geojson", [made.site("elsewhere-2", east_m=20_000)])
    said = call("watch", "--areas", other, "--since", "2024-06-24", "--until", "2024-06-30", cwd=workspace)
    assert said.status == 0, said.err
    children = [link["href"] for link in json.loads((workspace / "outputs/catalog.json").read_text())["links"]]
    for area_id in (made.WALLED, "elsewhere-2"):
        assert f"./areas/{area_id}/catalog.json" in children


def built(page: str) -> str:
    """What the command says of a page that it has built."""
    return f"Report: outputs/reports/{page}\nPublic edition: outputs/public/{page}\n"


def test_a_report_is_built_again_as_it_was(workspace, call):
    page = workspace / "outputs" / "reports" / "2024-W26" / "index.html"
    before = page.read_bytes()
    page.unlink()
    for options in ([], ["--week", "2024-W26"]):
        said = call("report", *options, cwd=workspace)
        assert (said.status, said.out) == (0, built("2024-W26/index.html"))
        assert page.read_bytes() == before


def test_a_report_in_one_language_or_with_positions_is_built_when_asked_for(workspace, call):
    folder = workspace / "outputs" / "reports" / "2024-W26"
    before = {path.name: path.read_bytes() for path in folder.glob("*.html")}
    assert sorted(before) == ["index.fr.html", "index.html"]
    (folder / "index.fr.html").unlink()
    said = call("report", "--lang", "fr", cwd=workspace)
    assert (said.status, said.out) == (0, built("2024-W26/index.fr.html"))
    assert {path.name: path.read_bytes() for path in folder.glob("*.html")} == before
    assert call("report", "--restricted", "--lang", "en", cwd=workspace).status == 0
    assert folder.joinpath("restricted.html").stat().st_mode & 0o077 == 0
    said = call("report", "--lang", "de", cwd=workspace)
    assert (said.status, said.err) == (2, "error: report language `de` has no catalog; use one of en, fr\n")


def test_the_report_of_an_earlier_week_stays_what_it_was(made, call, prefect_server, tmp_path):
    made.write_list(tmp_path / "areas.geojson", [made.site(made.WALLED)])
    until, later = ("--until", "2024-05-26"), ("--until", "2024-06-09")
    call("watch", "--areas", "areas.geojson", "--since", "2024-04-22", *until, cwd=tmp_path, **FEW_DAYS)
    page = tmp_path / "outputs" / "reports" / "2024-W21" / "index.html"
    before = page.read_bytes()
    said = call("watch", "--areas", "areas.geojson", *later, cwd=tmp_path, **FEW_DAYS)
    assert "2 weeks worked through" in said.out
    assert page.read_bytes() == before
    page.unlink()
    assert call("report", "--week", "2024-W21", cwd=tmp_path).status == 0
    assert page.read_bytes() == before
    between = call("report", "--week", "2024-W22", cwd=tmp_path)
    assert between.out == built("2024-W22/index.html")


def test_weeks_and_alerts_that_there_are_not_are_refused(ran, call):
    for arguments, message in (
        (["report", "--week", "2024-26"], "week `2024-26` is not an ISO week; write it as 2026-W47"),
        (["report", "--week", "2020-W01"], "week `2020-W01` is not on record; it holds 2024-W11 to 2024-W26"),
        (["alerts", "show", "al-0"], "alert `al-0` is not in the ledger; `sitewatch alerts list` shows the ids"),
        (["alerts", "acknowledge", "al-0", "--by", "x"], "alert `al-0` is not in the ledger; `sitewatch alerts list`"),
    ):
        said = call(*arguments, cwd=ran.folder)
        assert (said.status, said.out) == (2, "")
        assert said.err.startswith(f"error: {message}")


def test_an_alert_is_listed_shown_and_acknowledged(workspace, call, alert_id):
    assert alert_id in call("alerts", "list", cwd=workspace).out
    shown = json.loads(call("alerts", "show", alert_id, cwd=workspace).out)
    assert shown["alert_id"] == alert_id
    assert shown["acknowledged_by"] is None
    assert shown["history"][0].split()[1] == "provisional"
    assert "geometry" not in shown
    said = call("alerts", "acknowledge", alert_id, "--by", "Desk [2]", cwd=workspace)
    assert said.out == f"{alert_id} acknowledged by Desk [2].\n"
    call("alerts", "acknowledge", alert_id, "--by", "somebody else", cwd=workspace)
    assert json.loads(call("alerts", "show", alert_id, cwd=workspace).out)["acknowledged_by"] == "Desk [2]"
    assert "needs a name" in call("alerts", "acknowledge", alert_id, "--by", " ", cwd=workspace).err


def test_an_alert_is_judged_and_its_precision_told(workspace, call, alert_id):
    said = call("alerts", "judge", alert_id, "rejected", "--by", "Ben", "--reason", "season", cwd=workspace)
    assert (said.status, said.out) == (0, f"{alert_id}: rejected, by Ben.\n")
    assert "needs a reason" in call("alerts", "judge", alert_id, "rejected", "--by", "Ben", cwd=workspace).err
    call("alerts", "judge", alert_id, "confirmed", "--by", "Anna", "--note", "seen [twice]", cwd=workspace)
    verdicts = json.loads(call("alerts", "show", alert_id, cwd=workspace).out)["verdicts"]
    assert [(one["verdict"], one["reason"], one["note"]) for one in verdicts] == [
        ("rejected", "season", ""),
        ("confirmed", None, "seen [twice]"),
    ]
    told = call("alerts", "precision", "--by", "area", cwd=workspace).out
    assert re.search(r"yard-2 +│ 1 +│ 0 +│ 0 +│ \d+ +│ 100% \(21% to 100%\)", told), told
    assert re.search(
        r"^Of 1 reviewed alert that stated .*, reviewers found 1 to be right \(21 % to 100 %\)\.$", told, re.M
    )


@pytest.mark.parametrize("width", [80, 120])
def test_an_alert_can_be_copied_from_the_narrowest_terminal(ran, alert_id, width):
    features = json.loads((ran.outputs / "alerts" / "alerts.geojson").read_text())["features"]
    events = [event_of({**f["properties"], "area_id": "a-place-with-a-long-name"}, None) for f in features]
    long = [alert_of(event, event.alert_id, event.issued_on) for event in events]
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(console_table(long, parse_week("2024-W26")))
    text = console.export_text()
    assert f" {alert_id} " in text
    assert "…" not in text


@pytest.fixture
def receiver():
    """A web server that keeps what is posted to it, and refuses it below ``/refuse``."""
    received: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(403 if self.path.startswith("/refuse") else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield SimpleNamespace(received=received, url=f"json://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def mailbox(unused_port):
    """A mail server that keeps what it takes."""

    received: list[Any] = []

    class Mailbox:
        async def handle_DATA(self, server, session, envelope):
            received.append(envelope)
            return "250 OK"

    controller = Controller(Mailbox(), hostname="127.0.0.1", port=unused_port)
    controller.start()
    yield SimpleNamespace(
        received=received,
        url=f"mailto://127.0.0.1:{unused_port}/?from=watch@example.org&to=anna@example.org&mode=insecure",
    )
    controller.stop()


def test_simulated_alerts_reach_nobody_who_does_not_ask_for_them(workspace, call, receiver):
    for channel in ({}, {"alert_urls": f"{receiver.url}/hook"}):
        said = call("alerts", "deliver", cwd=workspace, **channel)
        assert re.fullmatch(
            r"(1 message is|\d+ messages are) of the simulated .*\n0 messages delivered.\n", said.out
        ), said
        assert said.status == 0
    assert receiver.received == []


def test_what_waits_is_delivered_once_to_every_channel(workspace, call, receiver, mailbox, alert_id):
    routes = routes_to(workspace, chat=f"{receiver.url}/hook", mail=mailbox.url)
    said = call("alerts", "deliver", cwd=workspace, **routes)
    assert said.status == 0, said
    assert re.fullmatch(r"[1-9]\d* messages delivered.\n", said.out)
    (post,), (envelope,) = receiver.received, mailbox.received
    text = message_from_bytes(envelope.content, policy=policy.default).get_body(("plain", "html")).get_content()
    reference = json.loads(call("alerts", "show", alert_id, cwd=workspace).out)["reference"]
    assert reference in post["message"]
    assert reference in text
    page = workspace / "outputs" / "reports" / "2024-W26" / "index.html"
    assert f"<code>{reference}</code>" in page.read_text(encoding="utf-8"), "a search in the page finds the case"
    assert alert_id not in post["message"] + text
    assert "Report: in the outputs of the watch, public/2024-W26/index.html" in post["message"]
    assert "simulated" in post["message"]
    assert post["title"].startswith("SIMULATED: ")
    again = call("alerts", "deliver", cwd=workspace, **routes)
    assert (again.status, again.out) == (0, "0 messages delivered.\n")
    assert (len(receiver.received), len(mailbox.received)) == (1, 1)


def test_what_could_not_be_delivered_waits_for_the_next_try(workspace, call, receiver):
    said = call("alerts", "deliver", cwd=workspace, **routes_to(workspace, chat=f"{receiver.url}/refuse?key=hunter2"))
    assert said.status == 1
    assert said.out.startswith("not delivered, will be tried again: chat: ")
    outbox = call("alerts", "outbox", cwd=workspace).out
    assert re.search(r"sw-[0-9a-f]{24} +│ chat", outbox), outbox
    assert "hunter2" not in said.out + said.err + outbox
    assert call("alerts", "deliver", cwd=workspace, **routes_to(workspace, chat=f"{receiver.url}/hook")).status == 0
    assert len(receiver.received) == 2


def test_a_watch_with_a_channel_sends_what_it_found_by_itself(workspace, call, receiver, made):
    options = ("--areas", "areas.geojson", "--area", made.WALLED, "--until", "2024-06-30")
    routes = routes_to(workspace, chat=f"{receiver.url}/refuse")
    said = call("watch", *options, cwd=workspace, **routes, **FEW_DAYS)
    assert "not delivered: chat: not reached or not accepted" in said.out
    routes_to(workspace, chat=f"{receiver.url}/hook")
    said = call("watch", *options, cwd=workspace, **routes, **FEW_DAYS)
    assert said.status == 0
    assert "not delivered" not in said.out
    call("watch", *options, cwd=workspace, **routes, **FEW_DAYS)
    assert len(receiver.received) == 2


def test_the_record_is_backed_up_and_restored(workspace, call):
    before = call("alerts", "list", cwd=workspace).out
    said = call("ledger", "backup", "record.backup", cwd=workspace)
    assert re.fullmatch(r"record.backup: \d+ rows, simulated. It holds coordinates: keep it where .*\n", said.out), said
    assert "use --replace" in call("ledger", "restore", "record.backup", cwd=workspace).err
    (workspace / "outputs" / "ledger.sqlite").unlink()
    for rest in workspace.glob("outputs/ledger.sqlite-*"):
        rest.unlink()
    said = call("ledger", "restore", "record.backup", cwd=workspace)
    assert (said.status, said.out[-28:]) == (0, "restored from record.backup.\n"[-28:])
    assert call("alerts", "list", cwd=workspace).out == before


def test_a_damaged_scene_takes_its_place_out_of_the_report_and_no_other(workspace, call, made):
    for scene in workspace.glob(f"outputs/archive/{made.WALLED}/*/sentinel-2*.tif"):
        scene.write_bytes(scene.read_bytes()[:-10])
    said = call("report", cwd=workspace)
    assert said.status == 0
    page = (workspace / "outputs" / "reports" / "2024-W26" / "index.html").read_text()
    assert "is damaged" in page
    assert made.QUIET in page


def test_weeks_on_record_are_those_asked_for(ran):
    with open_ledger(f"sqlite:///{ran.outputs / 'ledger.sqlite'}") as ledger:
        weeks = {o.week for o in ledger.observations()}
        (run,) = ledger.runs()
    assert (min(weeks), max(weeks), len(weeks)) == (parse_week("2024-W11"), parse_week("2024-W26"), 16)
    assert run.summary["failures"].keys() == {"jammed"}
    assert json.loads((ran.outputs / "run-settings.json").read_text())["until"] == "2024-06-30"


def test_unfamiliar_ground_is_said_where_there_is_any():
    familiar = ObservationRecord("x", parse_week("2026-W47"), (), (), 0.9, None, "chain")
    strange = replace(familiar, area_id="y", unfamiliar=UnfamiliarGround(0.62, "built", True))
    (said,) = words_of_unfamiliar([familiar, strange])
    assert said.startswith("unfamiliar ground: y: 62")
    assert "drier" in said
    assert "fourth date" in said


def test_acquisitions_that_did_not_come_are_said_where_there_are_any():
    times = [datetime(2026, 9, 2, 22, 45, tzinfo=UTC) + timedelta(days=12 * n) for n in range(8)]
    scenes = [
        SceneRecord(f"sentinel-1_{t:%Y%m%dT%H%M%S}_r91", "sentinel-1", t, "0" * 64, "stac", 1.0, 0.0, "used")
        for t in times
    ]
    week = week_of(times[5].date())
    assert words_of_missing({"x": scenes}, week) == []
    said = words_of_missing({"x": scenes, "y": [one for one in scenes if one.acquired != times[5]]}, week)
    assert said == ["not received: y: expected 1, received 0: Sentinel-1, orbit 91, 1 November"]


def test_the_run_that_ends_a_year_writes_its_page(made, call, prefect_server, tmp_path):
    areas = made.write_list(tmp_path / "areas.geojson", [made.site(made.QUIET)])
    said = call("watch", "--areas", areas, "--since", "2024-12-16", "--until", "2024-12-29", cwd=tmp_path, **FEW_DAYS)
    assert said.status == 0
    for edition in ("reports", "public"):
        assert {page.name for page in (tmp_path / "outputs" / edition / "2024").glob("*")} == {
            "index.html",
            "index.fr.html",
        }
    page = (tmp_path / "outputs" / "reports" / "2024" / "index.html").read_text(encoding="utf-8")
    assert "In the year that ended on 29 December 2024, 1 site was watched." in page
    assert f"Version {detectors.VERSION}: " not in page, "the run of today is none of 2024"
