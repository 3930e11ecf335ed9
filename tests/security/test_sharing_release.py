"""Pictures in the public edition: only of areas that are public, or that the owner releases by name, and back again."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
import stat
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import obstore
import pytest
from detected import detected_event
from finder import read_edition
from fuzzing import assert_one_clear_line, bounded, fuzzed
from hypothesis import given
from hypothesis import strategies as st
from s3_store import bucket_reached
from shapely.geometry import box
from typer.testing import CliRunner

from aois.area import Area, AreaKind, Response, Sensitivity
from aois.grid import grid_of, to_lonlat
from aois.week import Week
from detectors.footprint import footprint_in
from detectors.records import State, Transition
from flows.alerts.dispatch_content import open_alert
from flows.cli.main import app
from flows.config.settings import SettingsError
from flows.evidence.outlines import outline_of
from flows.imagery.archive.store import Archive
from flows.imagery.network.bucket import Bucket
from flows.imagery.scene import Sensor
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.ledger.ledger import open_ledger
from flows.records.event_json import EVENT_PROPERTIES
from flows.records.events import DetectedEvent
from flows.records.ids import AlertId
from flows.records.message_json import told_feature
from flows.records.messages import ToldAlert
from flows.records.observations import ObservationRecord, SceneRecord
from flows.records.runs import RunRecord
from flows.reports.data import week as reporting
from flows.reports.data.releases import FILE, Releases, read_releases, released_in
from flows.reports.without_folders import without_folders

WEEK, FIRST = Week(2026, 47), date(2026, 9, 14)
CRITERIA = [
    {"name": "new-built-area", "value": 0.48, "weight": 0.25, "detail": "2,400 m² newly built in 60 days"},
    {"name": "near-an-intervention", "value": 0.385, "weight": 0.05, "detail": "12.3 km from a place where"},
]
PASS = "sentinel-2_20260914T102847"
EVENTS = {"heron": "ev-00000000000a", "ibis": "ev-00000000000b"}


def place(area_id: str, east_m: float, sensitivity: Sensitivity) -> Area:
    ground = to_lonlat(box(500_000 + east_m, 200_000, 500_200 + east_m, 200_200), 32631)
    answer = Response(date(2026, 3, 4), "intervened", f"claim about {area_id}", f"source of {area_id}")
    return Area(area_id, AreaKind.SITE, ground, f"Name of {area_id}", None, 200.0, (answer,), sensitivity)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A public and a restricted place, each with an event and a few scenes."""
    outputs = tmp_path_factory.mktemp("release")
    areas = [place("heron", 0, Sensitivity.PUBLIC), place("ibis", 4000, Sensitivity.RESTRICTED)]
    archive = Archive(outputs / "archive")
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger:
        ledger.record_areas(areas)
        for area in areas:
            source, grid = SimulatedSource(WEEK.last_day, 1), grid_of(area)
            for ref in source.search(area, grid, since=FIRST - timedelta(days=80), until=FIRST + timedelta(days=40)):
                if ref.sensor is Sensor.SENTINEL_2:
                    archive.put(area.id, "simulated", grid, source.fetch(area, grid, ref))
            for week in (WEEK.plus(-1), WEEK):
                seen = ObservationRecord(area.id, week, ("a",), (), 0.9, week.first_day, str(week))
                ledger.record_week(seen, [event(area)])
        ledger.start_run(RunRecord("run", datetime(2026, 11, 22, tzinfo=UTC), "test", {"source": "simulated"}))
        summary = {"week": str(WEEK), "areas": ["heron", "ibis"], "failures": {"heron": "/srv/secret/x.tif is torn"}}
        ledger.finish_run("run", status="failed", summary=summary, at=datetime(2026, 11, 22, tzinfo=UTC))
    return outputs


def event(area: Area) -> DetectedEvent:
    grid = grid_of(area)
    mask = outline_of(footprint_in(_mask(grid.shape)), grid)
    properties = dict.fromkeys(EVENT_PROPERTIES) | {
        "kind": "expansion", "change": "construction", "state": "confirmed", "first_seen": str(FIRST),
        "area_m2": 2400.0, "confidence": 0.8, "sensors": ["sentinel-2"], "scenes": [PASS],
        "criteria": CRITERIA, "suspect_score": 0.464,
    }  # fmt: skip
    steps = tuple(Transition(s, FIRST, "x") for s in (State.PROVISIONAL, State.CONFIRMED))
    return detected_event(area.id, EVENTS[area.id], properties, mask, steps, True)


def _mask(shape: tuple[int, int]) -> Any:
    import numpy as np

    mask = np.zeros(shape, bool)
    mask[20:24, 12:18] = True
    return mask


def call(outputs: Path, *arguments: str, **given: Any) -> Any:
    environment = {"SITEWATCH_SOURCE": "simulated"}
    return CliRunner().invoke(app, ["report", "--outputs", str(outputs), *arguments], env=environment, **given)


@pytest.fixture(autouse=True)
def _one_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rasterio silences a warning of its own in a way that is not safe in two threads, and here warnings are errors."""
    monkeypatch.setattr(reporting, "READERS", 1)


@pytest.fixture
def outputs(kept: Path, tmp_path: Path) -> Path:
    import os
    import shutil

    shutil.copytree(kept, tmp_path / "outputs", copy_function=os.link, ignore=shutil.ignore_patterns("ledger*", ".*"))
    shutil.copy(kept / "ledger.sqlite", tmp_path / "outputs")
    return tmp_path / "outputs"


def test_a_public_place_is_shown_without_passes_overview_and_map(outputs: Path) -> None:
    assert call(outputs).exit_code == 0
    edition = read_edition(outputs / "public" / str(WEEK))
    assert edition.pictures
    assert "Name of heron" in edition.text
    assert "claim about heron" in edition.text
    assert "sentinel-2 2026-09-14" in edition.text, "a pass is told by its day"
    assert not re.search(r"sentinel-2_|T102847|\d{8}T\d{6}", edition.text)
    assert 'class="sketch"' not in edition.text
    assert 'class="overview"' not in edition.text
    assert "/srv/secret" not in edition.text
    owners = (outputs / "reports" / str(WEEK) / "index.html").read_text()
    assert PASS in owners
    assert 'class="overview"' in owners
    assert "x.tif is torn" in owners
    assert "/srv/secret" not in owners, "the owner's page names the file without its folders"


def test_events_are_numbered_since_their_ids_lead_to_a_pixel(outputs: Path) -> None:
    """Ids are digests of the area, the day and the pixel: whoever tries all pixels finds the place of an event."""
    assert call(outputs).exit_code == 0
    folder = outputs / "public" / str(WEEK)
    for page in folder.iterdir():
        assert not re.search(rb"\b(?:ev|al)-[0-9a-z]", page.read_bytes()), page.name
    [row] = csv.DictReader((folder / "events.csv").read_text("utf-8-sig").splitlines())
    assert (row["event_id"], row["alert_id"]) == ("heron-1", "heron-1")
    owners = csv.DictReader((outputs / "reports" / str(WEEK) / "events.csv").read_text("utf-8-sig").splitlines())
    assert all(row["event_id"].startswith("ev-") and row["alert_id"].startswith("al-") for row in owners)


def test_references_are_on_the_owners_pages_alone(outputs: Path) -> None:
    """With one on a public page, whoever reads a message would know which place it is about."""
    assert call(outputs, "--public-pictures", "ibis", "--yes").exit_code == 0
    assert call(outputs, "--year", "2026").exit_code == 0
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger:
        references = [ledger.references().of(event_id) for event_id in EVENTS.values()]
    folder = outputs / "reports" / str(WEEK)
    before = {name: (folder / name).read_bytes() for name in ("index.html", "index.fr.html", "events.csv")}
    assert [one for content in before.values() for one in references if one.encode() not in content] == []
    pages = [path for path in (outputs / "public").rglob("*") if path.is_file()]
    assert {path.parent.name for path in pages} == {str(WEEK), "2026"}
    digits = re.compile("|".join(["ref-", *(one.removeprefix("ref-") for one in references)]).encode())
    assert [path for path in pages if digits.search(path.read_bytes())] == []
    assert call(outputs).exit_code == 0
    assert before == {name: (folder / name).read_bytes() for name in before}, "a week built again has the same"


def test_a_public_place_says_nothing_of_how_far_the_restricted_ones_are(outputs: Path) -> None:
    """Distances from some public events would cross in the one place with an intervention."""
    assert call(outputs).exit_code == 0
    text = read_edition(outputs / "public" / str(WEEK)).text
    assert "2,400 m² newly built" in text, "other criteria are told"
    assert not re.search(r"near-an-intervention|12\.3 km|0\.464|nearness to an intervention", text)
    owners = (outputs / "reports" / str(WEEK) / "index.html").read_text()
    assert "12.3 km" in owners


def test_pages_over_a_record_of_both_worlds_count_one_of_them(outputs: Path) -> None:
    """An earlier version let both into one record; then ibis is real and heron invented."""
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger:
        seen = SceneRecord("s", "sentinel-2", datetime.now(UTC), "0" * 64, "simulated", 0.9, 0.1, "used")
        ledger.record_scenes("heron", [seen])
    with sqlite3.connect(outputs / "ledger.sqlite") as connection:
        connection.execute("UPDATE worlds SET world = 'mixed'")
        row = "'ibis', scene_id, sensor, acquired, sha256, 'stac'"
        names = "area_id, scene_id, sensor, acquired, sha256, source"
        rest = ", ".join(c[1] for c in connection.execute("PRAGMA table_info(scenes)") if c[1] not in names.split(", "))
        connection.execute(f"INSERT INTO scenes ({names}, {rest}) SELECT {row}, {rest} FROM scenes")
    connection.close()
    assert call(outputs).exit_code == 0
    for folder in ("reports", "public"):
        text = read_edition(outputs / folder / str(WEEK)).text
        assert "Name of heron" in text
        assert "ibis" not in text, folder
        assert "restricted place is watched" not in text, folder


def test_an_open_message_has_no_score_that_a_restricted_place_goes_into() -> None:
    found = event(place("heron", 0, Sensitivity.PUBLIC)).event
    alert = ToldAlert(**vars(found) | {"alert_id": AlertId("x"), "issued_on": WEEK.last_day})
    assert (alert.suspect_score, len(alert.criteria)) == (0.464, 2)
    told = open_alert(alert)
    assert (told.suspect_score, told.criteria, told.scenes, told.geometry) == (None, (), (), None)
    said: dict[str, Any] = {**told_feature(alert, is_restricted=False)}
    assert said["geometry"] is None
    assert {"suspect_score", "criteria", "scenes"}.isdisjoint(said["properties"])


def test_nothing_of_a_restricted_place_is_there_until_its_owner_releases_it_by_name(outputs: Path) -> None:
    folder = outputs / "public" / str(WEEK)
    assert call(outputs).exit_code == 0
    assert "ibis" not in read_edition(folder).text
    refused = call(outputs, "--public-pictures", "ibis")
    assert refused.exit_code != 0
    assert "ibis" not in read_edition(folder).text, "nobody agreed"
    told = call(outputs, "--public-pictures", "ibis", "--yes")
    assert told.exit_code == 0
    assert "can find the place" in " ".join(told.output.split())
    shown = read_edition(folder)
    assert "Name of ibis" in shown.text
    assert PASS not in shown.text
    assert stat.S_IMODE((outputs / FILE).stat().st_mode) == 0o600
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger:
        assert [act.act for act in ledger.accounts.acts(subject="ibis")] == ["public-pictures"]
    assert call(outputs).exit_code == 0
    assert "Name of ibis" in read_edition(folder).text, "the week is built again as it was"
    assert "ibis" not in read_releases(outputs).in_week(WEEK.plus(1)), "a later week is asked for anew"
    assert call(outputs, "--no-public-pictures", "ibis", "--lang", "en").exit_code == 0
    assert "ibis" not in read_edition(folder).text, "in no language"
    assert call(outputs, "--public-pictures", "ibis", "--restricted", "--yes").exit_code != 0


def test_a_page_that_cannot_be_built_releases_nothing(outputs: Path) -> None:
    folder = outputs / "public"
    folder.write_text("in the way")
    assert call(outputs, "--public-pictures", "ibis", "--yes").exit_code != 0
    assert read_releases(outputs).in_week(WEEK) == set()
    folder.unlink()
    assert call(outputs).exit_code == 0
    assert "ibis" not in read_edition(folder / str(WEEK)).text
    both = call(outputs, "--public-pictures", "ibis", "--no-public-pictures", "ibis", "--yes")
    assert isinstance(both.exception, SettingsError)


def test_withdrawn_pictures_leave_the_copy_of_the_public_edition_too(
    outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bucket_reached(monkeypatch) as address:
        monkeypatch.setenv("SITEWATCH_PUBLIC_URL", address)
        assert call(outputs, "--public-pictures", "ibis", "--yes").exit_code == 0
        page = f"demonstration/public/{WEEK}/index.html"
        store = Bucket(address, holds="copy").store
        assert b"Name of ibis" in bytes(obstore.get(store, page).bytes())
        said = call(outputs, "--no-public-pictures", "ibis")
        assert said.exit_code == 0, said.exception
        assert b"Name of ibis" not in bytes(obstore.get(store, page).bytes())
    assert f"its copy in `{address}/demonstration`" in said.output
    assert "files of the public edition copied." in said.output


def test_an_area_that_is_not_known_is_refused_and_changes_nothing(outputs: Path) -> None:
    for arguments in (("--public-pictures", "heorn", "--yes"), ("--no-public-pictures", "ibis")):
        answer = call(outputs, *arguments)
        assert answer.exit_code != 0
        assert isinstance(answer.exception, SettingsError)
    assert not (outputs / FILE).exists()


def test_releases_reach_from_a_week_on_and_can_be_taken_back() -> None:
    given = Releases().released(["a"], WEEK, later_too=False).released(["b"], WEEK, later_too=True)
    assert given.in_week(WEEK) == {"a", "b"}
    assert given.in_week(WEEK.plus(9)) == {"b"}
    assert given.in_week(WEEK.plus(-1)) == set()
    assert given.withdrawn(["b"]).in_week(WEEK.plus(9)) == set()
    assert replace(given).in_week(WEEK) == given.in_week(WEEK)


DOCUMENT = {"areas": {"ibis": {"weeks": ["2026-W47"], "since": None}}}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["2026-W47", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """The file with a value exchanged, or with bytes cut out and put in."""
    document = json.loads(json.dumps(DOCUMENT))
    spot = draw(st.sampled_from(["areas", "ibis", "weeks", "since", "bytes", "extra"]))
    value = draw(VALUES)
    if spot == "areas":
        document["areas"] = value
    elif spot == "ibis":
        document["areas"]["ibis"] = value
    elif spot in ("weeks", "since"):
        document["areas"]["ibis"][spot] = value
    elif spot == "extra":
        document[draw(st.text(max_size=5))] = value
    content = json.dumps(document).encode()
    if spot == "bytes":
        cut, length = draw(st.integers(0, len(content))), draw(st.integers(0, 20))
        content = content[:cut] + draw(st.binary(max_size=10)) + content[cut + length :]
    return content


@fuzzed
@given(damaged_files())
def test_a_damaged_file_releases_nothing_that_nobody_agreed_to(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / FILE).write_bytes(content)
    with bounded():
        try:
            found = read_releases(folder).in_week(WEEK)
        except SettingsError as error:
            assert_one_clear_line(error, SettingsError)
            assert released_in(folder, WEEK) == frozenset()
        else:
            assert not found or b"2026-W" in content
    assert (folder / FILE).read_bytes() == content


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("archived scene outputs/archive/demo/x-1/s.tif is damaged", "archived scene s.tif is damaged"),
        ("/srv/watch/s.tif: torn; ../a/b.tif too", "s.tif: torn; b.tif too"),
        ("scene `/srv/my watch/s.tif` is torn", "scene `s.tif` is torn"),
        ("archive/s.tif and archive/heron/stac-1a/", "s.tif and stac-1a"),
        ("https://example.org/a/b answered 503", "https://example.org/a/b answered 503"),
        ("file:///home/anna/places.geojson is torn", "places.geojson is torn"),
        ("`file://localhost/home/my watch/s.tif` is torn", "`s.tif` is torn"),
        ("12 km/h, VV/VH", "12 km/h, VV/VH"),
    ],
)
def test_folders_are_left_out_of_sentences(said: str, left: str) -> None:
    assert without_folders(said) == left
