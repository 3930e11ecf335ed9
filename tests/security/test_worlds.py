"""A new operator: first the demonstration, then a list of real places, in one folder. The two never mix."""

from __future__ import annotations

import csv
import gc
import json
import shutil
import sqlite3
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pyogrio
import pytest
import rasterio
from alembic import command
from command_line import Said, called
from shapely.geometry import box
from simulated_catalog import write_simulated

from aois.area import Area, AreaKind
from aois.demonstration import DEMONSTRATION_IDS
from aois.grid import to_lonlat
from aois.reading import to_feature_collection
from flows.evidence.rasters import SIMULATED_TAG
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.ledger import LedgerError, RunRecord, SceneRecord, open_ledger
from flows.ledger.database import alembic_config, connect, writing
from flows.ledger.worlds import World, world_at
from flows.records.ids import AreaId

pytestmark = [
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

UNTIL = date(2024, 11, 24)
SPAN = ("--since", "2024-11-04", "--until", UNTIL)
FEW_DAYS = {"history_days": "120"}
OWN = "yard-2"
REAL = ("--areas", "places.geojson", "--source", "stac", "--catalog", "catalog/catalog.json")
DEMONSTRATION = Path("outputs/demonstration")


def own_place() -> Area:
    """A place of the operator's own list; at sea, since it is a test's."""
    ground = box(500_000, 200_000, 500_200, 200_200)
    return Area(OWN, AreaKind.SITE, to_lonlat(ground, 32631), margin_m=200)


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder and its hash, but for the marks that say when pages were built."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and ".built-pages" not in path.parts)
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def features(path: Path) -> list[dict[str, Any]]:
    """The features of a GeoJSON file."""
    found: list[dict[str, Any]] = json.loads(path.read_text())["features"]
    return found


def watch(*arguments: object, cwd: Path, **environment: str) -> Said:
    """A watch over a few weeks."""
    return called("watch", *arguments, *SPAN, cwd=cwd, **FEW_DAYS | environment)


@pytest.fixture(scope="module")
def prefect_server() -> Iterator[None]:
    """Prefect with a server and a database of its own."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="module")
def operator(prefect_server, tmp_path_factory) -> SimpleNamespace:
    """The folder of an operator who tried the demonstration, and what each of the two runs said."""
    folder = tmp_path_factory.mktemp("operator")
    place = own_place()
    (folder / "places.geojson").write_text(json.dumps(to_feature_collection([place])))
    source = SimulatedSource(UNTIL, 1)
    write_simulated(folder / "catalog", source, [place], since=date(2024, 7, 1), until=UNTIL)
    first = watch("--area", "demo-wall", cwd=folder)
    alone = tree(folder / "outputs")
    asked = {name: called(*words, cwd=folder) for name, words in READING.items()}
    second = watch(*REAL, cwd=folder)
    return SimpleNamespace(folder=folder, first=first, alone=alone, asked=asked, second=second)


READING = {
    "alerts": ("alerts", "list", "--open"),
    "report": ("report", "--week", "2024-W47"),
    "verify": ("verify", DEMONSTRATION),
    "verify area": ("verify", DEMONSTRATION / "areas" / "demo-wall"),
    "precision": ("alerts", "precision"),
    "outbox": ("alerts", "outbox"),
    "accounts": ("desk", "account", "list"),
    "backup": ("ledger", "backup", "demonstration.backup"),
    "prune": ("archive", "prune", "--older-than", "10"),
    "adopt": ("archive", "adopt", "demo-wall"),
}
"""Commands that name neither outputs nor source, right after the demonstration."""


@pytest.fixture
def workspace(operator, tmp_path) -> Path:
    """A copy of the operator's folder."""
    return Path(shutil.copytree(operator.folder, tmp_path / "copy"))


def test_the_demonstration_has_a_folder_of_its_own_and_says_what_it_is(operator):
    assert operator.first.status == 0, operator.first
    assert {name.split("/")[0] for name in operator.alone} == {"demonstration"}
    assert operator.first.out.splitlines()[-1] == f"Report: {DEMONSTRATION}/reports/2024-W47/index.html"
    assert "Simulated: the pictures are made up, and so is every alert." in operator.first.out
    assert "week 2024-W47, simulated" in operator.first.out
    assert "confirmed, simulated" in " ".join(operator.first.out.split()) or "│ simulated " in operator.first.out


@pytest.mark.parametrize("name", READING)
def test_after_the_demonstration_every_command_finds_its_record(operator, name):
    said = operator.asked[name]
    assert said.status == 0, said
    assert said.err == ""


def test_what_is_invented_lies_in_one_tree_and_what_is_real_in_the_other(operator):
    """No file of one world, the record among them, holds so much as a name of the other."""
    assert operator.second.status == 0, operator.second
    outputs = operator.folder / "outputs"
    assert operator.second.out.splitlines()[-1] == "Report: outputs/reports/2024-W47/index.html"
    assert "simulated" not in operator.second.out.casefold()
    for path in (path for path in outputs.rglob("*") if path.is_file()):
        content, is_invented = path.read_bytes(), path.is_relative_to(operator.folder / DEMONSTRATION)
        strange = [OWN] if is_invented else [*DEMONSTRATION_IDS, "demonstration"]
        assert [word for word in strange if word.encode() in content] == [], path
    after = tree(operator.folder / DEMONSTRATION)
    before = {name.removeprefix("demonstration/"): told for name, told in operator.alone.items()}
    assert {name: told for name, told in after.items() if name in before} == before


def test_alerts_and_events_say_whether_they_are_simulated(operator):
    for folder, is_invented in ((DEMONSTRATION, True), (Path("outputs"), False)):
        told = features(operator.folder / folder / "alerts" / "alerts.geojson")
        for path in (operator.folder / folder / "areas").glob("*/events.geojson"):
            told += features(path)
        assert told
        assert {feature["properties"]["simulated"] for feature in told} == {is_invented}, folder


def test_every_table_layer_and_raster_says_whether_it_is_simulated(operator):
    for folder, is_invented in ((DEMONSTRATION, True), (Path("outputs"), False)):
        week = operator.folder / folder / "reports" / "2024-W47"
        word = str(is_invented).lower()
        for name in ("events.csv", "sites.csv"):
            rows = list(csv.DictReader((week / name).read_text("utf-8-sig").splitlines()))
            assert rows
            assert {row["simulated"] for row in rows} == {word}
        assert {f["properties"]["simulated"] for f in features(week / "restricted" / "events.geojson")} == {is_invented}
        layer = pyogrio.raw.read(week / "restricted" / "events.gpkg")
        assert set(layer[3][list(layer[0]["fields"]).index("simulated")]) == {is_invented}
        assert set(pq.read_table(week / "restricted" / "events.parquet")["simulated"].to_pylist()) == {is_invented}
        rasters = list((operator.folder / folder).glob("areas/*/????-??-??/*.tif"))
        assert rasters
        for path in rasters:
            with rasterio.open(path) as raster:
                assert raster.tags().get(SIMULATED_TAG) == ("true" if is_invented else None)


def test_the_catalog_settings_manifests_and_metrics_say_so_too(operator):
    for folder, is_invented in ((DEMONSTRATION, True), (Path("outputs"), False)):
        outputs = operator.folder / folder
        pages = [json.loads(path.read_text()) for path in (outputs / "catalog.json", *outputs.glob("areas/**/*.json"))]
        told = [page.get("properties", page)["sitewatch:simulated"] for page in pages]
        assert len(told) > 20
        assert set(told) == {is_invented}
        assert json.loads((outputs / "run-settings.json").read_text())["simulated"] is is_invented
        for path in (outputs / "evidence").glob("*.json"):
            assert json.loads(path.read_text())["body"].get("simulated", False) is is_invented
        figures = [line for line in (outputs / "metrics" / "sitewatch.prom").read_text().splitlines() if line[0] != "#"]
        assert {'simulated="true"' in line for line in figures} == {is_invented}
    truth = features(operator.folder / DEMONSTRATION / "archive" / "simulated-truth.geojson")
    assert all(feature["properties"]["simulated"] for feature in truth)


def test_with_two_records_the_real_one_is_read_and_the_other_is_named(operator):
    said = called("alerts", "list", cwd=operator.folder)
    assert (said.status, "simulated" in said.out) == (0, False)
    note = "Of the record in `outputs`; the demonstration's is read by --outputs outputs/demonstration.\n"
    assert said.err == note
    other = called("alerts", "list", "--outputs", DEMONSTRATION, cwd=operator.folder)
    assert (other.status, other.err) == (0, "")
    assert "demo-wall" in other.out
    assert "simulated" in other.out
    for words in (("report",), ("ledger", "backup", "real.backup"), ("rerun", OWN, "--since", "2999-01-01")):
        assert called(*words, cwd=operator.folder).err.startswith(note)


REFUSED = {
    "real in the demonstration's folder": (("watch", *REAL, "--outputs", DEMONSTRATION), {}),
    "the demonstration in the real folder": (("watch", "--outputs", "outputs"), {}),
    "made-up pictures of the real list": (
        ("watch", "--areas", "places.geojson", "--source", "simulated", "--outputs", "outputs"),
        {},
    ),
    "a rerun": (("rerun", OWN, "--areas", "places.geojson", "--source", "simulated", "--outputs", "outputs"), {}),
    "a search": (("search", "--outputs", "outputs"), {}),
    "the schedules": (("serve",), {"outputs": "outputs"}),
    "an estimate": (("estimate", *REAL, "--outputs", DEMONSTRATION), {}),
}


@pytest.mark.parametrize(("words", "settings"), REFUSED.values(), ids=REFUSED)
def test_one_world_over_the_other_is_refused_and_changes_nothing(workspace, words, settings):
    before = tree(workspace / "outputs")
    said = called(*words, cwd=workspace, **FEW_DAYS | settings)
    assert said.status == 2, said
    assert said.out == ""
    assert "the two never share one" in said.err
    assert "name another folder with --outputs" in said.err
    assert tree(workspace / "outputs") == before


def test_scenes_of_the_other_world_are_nobody_s_to_prune(workspace):
    """As where both keep their scenes in one bucket: what they are evidence for stands in the other record."""
    (invented,) = (workspace / DEMONSTRATION / "archive" / "demo-wall").glob("simulated-*")
    shutil.copytree(invented, workspace / "outputs" / "archive" / OWN / invented.name)
    words = ("archive", "prune", "--older-than", "1", "--areas", "places.geojson", "--source")
    said = called(*words, "stac", cwd=workspace, history_days="10")
    assert (said.status, "simulated" in said.out) == (0, False), said
    assert f"{OWN}/stac-" in said.out
    forgotten = called("archive", "prune", "--older-than", "1", cwd=workspace)
    assert forgotten.status == 2, "without --source it would take the real scenes for nobody's"


def test_files_that_one_world_left_are_not_written_over_by_the_other_with_another_record(workspace):
    before = tree(workspace / "outputs")
    elsewhere = {"ledger_url": f"sqlite:///{workspace / 'elsewhere.sqlite'}"}
    said = called("watch", *REAL, "--outputs", DEMONSTRATION, cwd=workspace, **elsewhere)
    assert said.status == 2
    assert "is simulated, and source `stac` is real" in said.err
    assert tree(workspace / "outputs") == before
    assert not (workspace / "elsewhere.sqlite").exists()


def test_a_record_in_postgresql_is_of_one_world(workspace, postgres):
    """The folder is a fresh one each time; the database alone knows."""
    invented, real = postgres.create(), postgres.create()
    for name, outputs in ((invented, DEMONSTRATION), (real, "outputs")):
        assert called("ledger", "backup", f"{name}.backup", "--outputs", outputs, cwd=workspace).status == 0
        url = {"ledger_url": postgres.url(name)}
        assert called("ledger", "restore", f"{name}.backup", cwd=workspace, **url).status == 0
    calls = ((invented, "simulated", ("watch", *REAL)), (real, "real", ("watch",)))
    for name, world, words in calls:
        with open_ledger(postgres.url(name)) as ledger:
            runs = ledger.runs()
        said = called(*words, "--outputs", "fresh", cwd=workspace, ledger_url=postgres.url(name))
        assert said.status == 2, said
        assert f"the record that SITEWATCH_LEDGER_URL names is {world}" in said.err
        assert "another database with SITEWATCH_LEDGER_URL" in said.err
        assert not (workspace / "fresh").exists()
        with open_ledger(postgres.url(name)) as ledger:
            assert ledger.runs() == runs
    listed = called("report", cwd=workspace, ledger_url=postgres.url(invented))
    assert listed.out.startswith(f"Report: {DEMONSTRATION}/reports/2024-W47/index.html\n"), listed
    for name in (invented, real):
        postgres.drop(name)


def test_a_backup_goes_where_its_world_is_and_over_no_other(workspace):
    for name, outputs in (("invented", DEMONSTRATION), ("real", "outputs")):
        said = called("ledger", "backup", f"kept-{name}.backup", "--outputs", outputs, cwd=workspace)
        assert ("simulated" if name == "invented" else "real") in said.out
    before = tree(workspace / "outputs")
    for name, outputs in (("invented", "outputs"), ("real", DEMONSTRATION)):
        said = called("ledger", "restore", f"kept-{name}.backup", "--replace", "--outputs", outputs, cwd=workspace)
        assert said.status == 2
        assert "restore it with --outputs of its own" in said.err
    assert {n: t for n, t in tree(workspace / "outputs").items() if "sqlite" not in n} == {
        n: t for n, t in before.items() if "sqlite" not in n
    }
    shutil.rmtree(workspace / "outputs")
    for name, outputs in (("invented", DEMONSTRATION), ("real", Path("outputs"))):
        assert called("ledger", "restore", f"kept-{name}.backup", cwd=workspace).status == 0
        with open_ledger(f"sqlite:///{workspace / outputs / 'ledger.sqlite'}") as ledger:
            assert ledger.world is (World.SIMULATED if name == "invented" else World.REAL)


def aged(path: Path) -> None:
    """The ledger as the version before wrote it."""
    engine = connect(f"sqlite:///{path}")
    with writing(engine).begin() as connection:
        command.downgrade(alembic_config(connection), "0005")
    engine.dispose()


@pytest.fixture
def before(workspace) -> Path:
    """The folder of an operator of the version before, which put both worlds into one record."""
    outputs, other = workspace / "outputs", workspace / "other.sqlite"
    shutil.move(workspace / DEMONSTRATION / "ledger.sqlite", other)
    shutil.rmtree(workspace / DEMONSTRATION)
    for path in (outputs / "ledger.sqlite", other):
        aged(path)
    with sqlite3.connect(outputs / "ledger.sqlite") as both:
        both.execute("ATTACH ? AS invented", [str(other)])
        for table in ("areas", "scenes", "observations", "events", "alerts"):
            both.execute(f"INSERT INTO main.{table} SELECT * FROM invented.{table}")
        names = [row[1] for row in both.execute("PRAGMA table_info(event_versions)")]
        kept = ", ".join(name for name in names if name != "id")
        both.execute(f"INSERT INTO main.event_versions ({kept}) SELECT {kept} FROM invented.event_versions")
    both.close()
    return workspace


@pytest.mark.parametrize("words", [REAL, ("--outputs", "outputs")], ids=["real", "simulated"])
def test_nothing_is_added_to_a_record_that_mixed_both(before, words):
    """It is not even brought up to date: what it was can still be put into other hands."""
    kept = tree(before / "outputs")
    said = watch(*words, cwd=before)
    assert said.status == 2, said
    assert "holds simulated and real places together" in said.err
    assert "name another folder with --outputs for each of the two" in said.err
    assert "What is there stays and can still be read" in said.err
    assert tree(before / "outputs") == kept


def test_a_record_that_mixed_both_is_read_and_its_alerts_are_told_apart(before):
    said = called("alerts", "list", cwd=before)
    assert said.status == 0
    assert said.err.startswith("This record holds simulated and real places together")
    assert "2 alerts, week 2024-W47, 1 of them simulated" in said.out
    assert said.out.count("simulated") == 2, "the title, and one of the two alerts"
    with open_ledger(f"sqlite:///{before / 'outputs' / 'ledger.sqlite'}") as ledger:
        assert ledger.world is World.MIXED
        told = {one.area_id: one.is_simulated for one in ledger.alerts()}
        assert told[AreaId("demo-wall")] is True
        assert not any(invented for area_id, invented in told.items() if area_id == OWN)
        assert {one.is_simulated for one in ledger.events(OWN)} == {False}
        assert {one.is_simulated for one in ledger.events("demo-wall")} == {True}
        with pytest.raises(LedgerError, match="the record is mixed"):
            ledger.start_run(RunRecord("late", ledger.runs()[0].started_at, "0"), source="stac")
    doctor = called("doctor", "--json", cwd=before, source="stac", areas="places.geojson")
    assert "it holds simulated and real places together" in doctor.out


@pytest.fixture
def old_demonstration(workspace) -> Path:
    """The folder of somebody who only ever ran the demonstration, with the version before."""
    shutil.move(workspace / DEMONSTRATION, workspace / "aside")
    shutil.rmtree(workspace / "outputs")
    shutil.move(workspace / "aside", workspace / "outputs")
    aged(workspace / "outputs" / "ledger.sqlite")
    return workspace


def test_a_demonstration_of_before_is_neither_lost_nor_begun_again_nor_mixed(old_demonstration):
    folder = old_demonstration
    kept = tree(folder / "outputs")
    again = watch("--area", "demo-wall", cwd=folder)
    assert (again.status, again.out) == (2, "")
    assert "go on with it by --outputs outputs (SITEWATCH_OUTPUTS=outputs)" in again.err
    real = watch(*REAL, cwd=folder)
    assert real.status == 2
    assert "the record in `outputs` is simulated, and source `stac` is real" in real.err
    assert tree(folder / "outputs") == kept
    assert world_at(f"sqlite:///{folder / 'outputs' / 'ledger.sqlite'}") is World.SIMULATED
    assert tree(folder / "outputs") == kept
    listed = called("alerts", "list", cwd=folder)
    assert (listed.status, listed.err) == (0, "")
    assert "simulated" in listed.out
    on = watch("--area", "demo-wall", "--outputs", "outputs", cwd=folder)
    assert on.status == 0, on
    assert "0 scenes fetched, 0 weeks worked through" in on.out


def test_the_first_of_two_runs_settles_the_world_and_the_other_leaves_nothing(tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    with open_ledger(url) as ledger, open_ledger(url) as other:
        ledger.record_areas([own_place()])
        when = scene("stac").acquired
        ledger.start_run(RunRecord("first", when, "0"), source="stac")
        with pytest.raises(LedgerError, match=r"the record is real, and source `simulated` is simulated"):
            other.start_run(RunRecord("second", when, "0"), source="simulated")
        with pytest.raises(LedgerError, match="a record cannot be both"):
            other.record_scenes(OWN, [scene("sentinelhub"), scene("simulated")])
        assert [run.run_id for run in ledger.runs()] == ["first"]
        assert ledger.scenes(OWN) == []


def scene(source: str) -> SceneRecord:
    """A scene of a source."""
    when = datetime(2024, 11, 9, 10, tzinfo=UTC)
    return SceneRecord(f"sentinel-2_{source}", "sentinel-2", when, "0" * 64, source, 1.0, 0.0, "used")
