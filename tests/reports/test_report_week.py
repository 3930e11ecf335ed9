"""A week put together from a real ledger and a real archive: what is near to what, and how much is shown of each."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from detected import detected_event
from shapely.geometry import box, mapping

from aois.grid import Grid, grid_of, to_lonlat
from aois.week import Week
from detectors.records import State, Transition
from flows.imagery.archive.store import Archive
from flows.imagery.scene import Provenance, Scene, Sensor
from flows.ledger import Judgement, Reason, Verdict
from flows.ledger.ledger import Ledger, open_ledger
from flows.ledger.references import THE_ROW
from flows.ledger.tables import ReferenceSecretRow
from flows.records.event_json import EVENT_PROPERTIES
from flows.records.observations import ObservationRecord
from flows.records.runs import RunRecord
from flows.reports.build import build_reports
from flows.reports.data import week as reporting
from flows.reports.data.week import report_week, view_in_full
from flows.reports.inputs import ReportInputs

WEEK, SEEN = Week(2026, 47), date(2026, 5, 1)
LIFE = (State.PROVISIONAL, State.CONFIRMED, State.FINISHED)
LEFTS = {"yard": 40, "fence": 120, "far": 260}
"""Squares of 40 m in a row, by how many metres they begin from the left: 40 m and 100 m and more lie between them."""


@pytest.fixture
def ledger(tmp_path, made):
    """A record on which nothing is news: three finished events, of which one never raised an alert."""
    area = made.site("heron", size_m=400, margin_m=0)
    grid = grid_of(area)
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as opened:
        opened.record_areas([area])
        for week, steps in zip((Week(2026, 20), Week(2026, 25), WEEK.plus(-1), WEEK), (1, 2, 3, 3), strict=True):
            events = [_event(name, grid, LIFE[:steps]) for name in LEFTS]
            opened.record_week(ObservationRecord("heron", week, (), (), 1.0, None, str(week)), events)
        yield opened


def _event(name, grid, life):
    left, top = grid.left + LEFTS[name], grid.top - 100
    square = mapping(to_lonlat(box(left, top - 40, left + 40, top), grid.epsg))
    properties = dict.fromkeys(EVENT_PROPERTIES) | {
        "kind": "change", "change": "construction", "state": life[-1].value, "first_seen": str(SEEN),
        "area_m2": 1600.0, "confidence": 0.9, "sensors": ["sentinel-2"], "scenes": [],
    }  # fmt: skip
    told = tuple(Transition(s, SEEN + timedelta(days=i), "scene") for i, s in enumerate(life))
    geometry = {"type": "MultiPolygon", "coordinates": [square["coordinates"]]}
    return detected_event("heron", f"ev-{name}", properties, geometry, told, name != "far")


@pytest.fixture
def archive(tmp_path, ledger: Ledger) -> Archive:
    """A look a month, in four bands."""
    held, grid, rng = Archive(tmp_path / "archive"), grid_of(ledger.areas()[0]), np.random.default_rng(0)
    for month in range(15):
        at = datetime(2025 + (month + 6) // 12, (month + 6) % 12 + 1, 5, 10, tzinfo=UTC)
        name = f"sentinel-2_{at:%Y%m%dT%H%M%S}"
        pixels = rng.uniform(0.05, 0.2, (4, *grid.shape)).astype(np.float32)
        told = Provenance("stac", (name,))
        valid = np.ones(grid.shape, bool)
        held.put(
            "heron",
            "stac",
            grid,
            Scene(name, Sensor.SENTINEL_2, at, ("blue", "green", "red", "nir"), pixels, valid, None, told),
        )
    return held


def test_events_within_a_hundred_metres_of_each_other_are_near(ledger: Ledger, archive: Archive) -> None:
    (area,) = ledger.areas()
    view = view_in_full(area, WEEK, ledger=ledger, archive=archive, source_name="stac", issued={})
    near = {event.event_id: set(event.near) for event in view.events}
    assert near == {"ev-yard": {"ev-fence"}, "ev-fence": {"ev-yard", "ev-far"}, "ev-far": {"ev-fence"}}


@pytest.mark.parametrize(("most", "shown"), [(60, 2), (2, 2), (1, 0)])
def test_every_alert_has_all_pictures_as_long_as_there_are_few(
    ledger: Ledger, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, shown: int
) -> None:
    monkeypatch.setattr(reporting, "ALERTS_IN_FULL", most)
    given: dict[str, Any] = {
        "areas": ledger.areas(),
        "ledger": ledger,
        "archive": archive,
        "source_name": "stac",
        "failures": {},
    }
    page = report_week(WEEK, outputs=tmp_path, languages=("en",), **given).read_text(encoding="utf-8")
    assert page.count('class="case"') == 3
    assert page.count("<h5>False colour</h5>") == page.count('class="through-time"') == shown


def test_an_area_with_very_many_events_shows_most_of_them_in_the_list_alone_and_says_so(
    ledger: Ledger, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "MOST_PICTURED", 1)
    given: dict[str, Any] = {"areas": ledger.areas(), "ledger": ledger, "archive": archive, "source_name": "stac"}
    page = report_week(WEEK, outputs=tmp_path, failures={}, **given)
    for name, words in (
        ("index.html", "2 more events of this area have no pictures on this page"),
        ("index.fr.html", "2 autres événements de cette zone n’ont pas d’images sur cette page"),
    ):
        text = (page.parent / name).read_text(encoding="utf-8")
        assert words in text
        assert "restricted/events.geojson" in text
        (pictured,) = re.findall(r'<article class="case" id="(case-ev-\w+)"', text)
        listed = re.findall(r'<tr role="row" id="(case-ev-\w+)"', text)
        assert pictured in ("case-ev-yard", "case-ev-fence"), "an alert before what raised none"
        assert {pictured, *listed} == {"case-ev-yard", "case-ev-fence", "case-ev-far"}
        assert set(re.findall(r'<a href="#(case-[\w-]+)"', text)) <= {pictured, *listed}
    features = json.loads((page.parent / "restricted" / "events.geojson").read_text(encoding="utf-8"))["features"]
    assert len(features) == 3


def test_a_further_report_reads_the_scenes_that_it_shows_alone_and_gives_the_same_bytes(
    ledger: Ledger, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    get = Archive.get

    def counted(self: Archive, area_id: str, source_name: str, grid: Grid, scene_id: str) -> Scene:
        read.append(scene_id)
        return get(self, area_id, source_name, grid, scene_id)

    monkeypatch.setattr(Archive, "get", counted)

    def built() -> tuple[bytes, int]:
        given: dict[str, Any] = {"areas": ledger.areas(), "ledger": ledger, "archive": archive, "source_name": "stac"}
        read.clear()
        page = report_week(WEEK, outputs=tmp_path, languages=("en",), failures={}, **given)
        assert len(read) == len(set(read)), "a scene is read once"
        return page.read_bytes(), len(read)

    first, of_all = built()
    second, of_shown = built()
    assert first == second
    assert of_all == 15
    assert 0 < of_shown < of_all
    (kept,) = (tmp_path / ".built-pages" / "looks").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    kept.write_bytes(kept.read_bytes()[:100])
    assert built() == (first, of_all)
    monkeypatch.setattr("flows.reports.data.kept_measures.program_digest", lambda: "another program")
    assert built() == (first, of_all)
    for path in archive.root.glob("heron/*/*.tif"):
        path.write_bytes(b"torn")
    torn, _ = built()
    assert b"is damaged" in torn
    assert b'class="case"' in torn


def test_verdicts_take_the_number_from_the_alerts_that_stated_too_much(
    ledger: Ledger, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page() -> str:
        given: dict[str, Any] = {"areas": ledger.areas(), "ledger": ledger, "archive": archive, "source_name": "stac"}
        found = report_week(WEEK, outputs=tmp_path, languages=("en",), failures={}, **given)
        return found.read_text(encoding="utf-8")

    monkeypatch.setattr("flows.ledger.precision.FEWEST", 2)
    assert "very high (0.90)" in page()
    for name in ("ev-yard", "ev-fence"):
        ledger.judge(
            name, Judgement(Verdict.REJECTED, by="Ben", reason=Reason.OLD), at=datetime(2026, 11, 23, tzinfo=UTC)
        )
    told = page()
    assert re.search(
        r"Of 2 reviewed alerts that stated 90 % and more, reviewers found 0 to be right \(0 % to 66 %\)", told
    )
    assert "very high" in told
    assert "(0.90)" not in told
    assert {event.confidence for event in ledger.events("heron")} == {0.9}, "what is stored stays as it was"


def test_pages_of_which_nothing_changed_are_not_built_again(
    ledger: Ledger, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Week] = []

    def counted(inputs: ReportInputs, folder: Path, **more: Any) -> tuple[Path, ...]:
        built.append(inputs.week)
        return build_reports(inputs, folder, **more)

    monkeypatch.setattr(reporting, "build_reports", counted)

    def run(**other: Any) -> int:
        given: dict[str, Any] = {"areas": ledger.areas(), "ledger": ledger, "archive": archive, "source_name": "stac"}
        built.clear()
        asked = {"failures": {}, "languages": ("en",), "only_if_changed": True}
        page = report_week(WEEK, outputs=tmp_path, **given | asked | other)
        assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
        return len(built)

    assert run() == 2, "both editions"
    assert run() == 0
    ledger.start_run(RunRecord("run", datetime(2026, 11, 24, tzinfo=UTC), "1", {}))
    assert run() == 0, "that something ran is on no page, and the secret of references was there with the first page"
    assert run(only_if_changed=False) == 2
    for other in ({"failures": {"heron": "the disk is full"}}, {"languages": ("en", "fr")}):
        assert (run(**other), run(**other), run()) == (2, 0, 2)
    (tmp_path / "reports" / str(WEEK) / "index.fr.html").unlink()
    assert run() == 2, "a page that is gone is made again, with its links"
    page = tmp_path / "reports" / str(WEEK) / "index.html"
    page.write_text("torn", encoding="utf-8")
    assert run() == 2
    ledger.judge("ev-yard", Judgement(Verdict.CONFIRMED, by="Ben"), at=datetime(2026, 11, 23, tzinfo=UTC))
    assert (run(), run()) == (2, 0)
    (folder,) = archive.root.glob("heron/*")
    (folder / "index.jsonl").touch()
    assert (run(), run()) == (2, 0)
    with ledger._writing() as session:
        session.get_one(ReferenceSecretRow, THE_ROW).secret = "cd" * 32
    assert (run(), run()) == (2, 0), "another secret: the pages call every case otherwise"
    (tmp_path / ".built-pages" / f"{WEEK}.json").write_text("{}", encoding="utf-8")
    assert (run(), run()) == (2, 0)
