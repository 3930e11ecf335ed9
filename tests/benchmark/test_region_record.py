"""A region of the annotations on record: its squares, what was found there, and the figures in the terminal."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import shapely
from detected import detected_event
from small_record import sitewatch
from smart_truth import REGION, REGION_ID, START, ground, true_site, write_truth

from aois.area import AreaKind
from aois.reading import read_areas
from aois.week import week_of
from detectors.records import State, Transition
from flows.benchmark.errors import BenchmarkError
from flows.benchmark.region_record import proposals_in, seen_share_in, tiles_of, write_areas
from flows.ledger import ObservationRecord, open_ledger
from flows.records.observations import SceneRecord
from flows.records.site_models import Phase

BEGUN = date(2020, 6, 1)


def found(number: int, area_id: str, *, change: str = "construction"):
    """An event over the ground of a true site, confirmed and finished."""
    states = (State.PROVISIONAL, State.CONFIRMED, State.FINISHED)
    steps = tuple(Transition(state, BEGUN + timedelta(days=120 * n), "scene") for n, state in enumerate(states))
    properties = {"kind": "new-suspect-site", "change": change, "state": "finished", "first_seen": BEGUN.isoformat()}
    return detected_event(area_id, f"ev-{number}", properties, ground(number), steps, True)


@pytest.fixture
def outputs(tmp_path):
    """The watch of a region: four squares, two sites found in the first, and clouds in the year's second half."""
    folder = tmp_path / "outputs"
    folder.mkdir()
    tiles = tiles_of(REGION, side_km=5.0)
    with open_ledger(f"sqlite:///{folder / 'ledger.sqlite'}") as ledger:
        ledger.record_areas(tiles)
        for tile in tiles:
            for number in range(104):
                week = week_of(START + timedelta(weeks=number))
                at = datetime.combine(week.first_day, datetime.min.time(), UTC)
                clear = 0.9 if number < 40 else 0.2
                scene = SceneRecord(f"s-{number}", "sentinel-2", at, "0" * 64, "stac", clear, 0.0, "used")
                if number in (0, 20, 30, 50, 103):
                    ledger.record_scenes(tile.id, [scene])
            events = [found(1, tile.id), found(2, tile.id)] if tile is tiles[0] else []
            last = ObservationRecord(tile.id, week, (), (), 1.0, week.first_day, "chain")
            ledger.record_week(last, events)
    return folder


def test_squares_cover_the_region_and_are_read_by_the_watch(tmp_path):
    tiles = tiles_of(REGION, side_km=5.0)
    assert [tile.id for tile in tiles] == [f"smart-xx-r001-0{row}-0{column}" for row in (0, 1) for column in (0, 1)]
    whole = shapely.union_all([tile.geometry for tile in tiles])
    assert whole.symmetric_difference(REGION.geometry).area < 1e-5 * REGION.geometry.area
    write_areas(tmp_path / "b" / "areas.geojson", tiles)
    read = read_areas(tmp_path / "b" / "areas.geojson")
    assert [(area.id, area.kind) for area in read] == [(tile.id, AreaKind.REGION) for tile in tiles]


@pytest.mark.parametrize("side", [0.1, 500.0])
def test_a_side_that_is_none_is_refused(side):
    with pytest.raises(BenchmarkError, match="is not between"):
        tiles_of(REGION, side_km=side)


def test_what_is_on_record_becomes_proposals(outputs):
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger:
        sites = proposals_in(ledger, REGION)
        share = seen_share_in(ledger, REGION_ID)
    assert [(one.status, one.start) for one in sites] == [("system_confirmed", BEGUN)] * 2
    assert sites[0].end == BEGUN + timedelta(days=240)
    assert sites[0].observations[-1].phases == (Phase.POST_CONSTRUCTION,)
    assert share(START, START + timedelta(days=6)) == pytest.approx(0.9)
    assert share(START + timedelta(weeks=60), START + timedelta(weeks=70)) == 0.0


def test_the_command_prints_the_programmes_figures(outputs, tmp_path):
    truth = write_truth(tmp_path / "truth", [true_site(n) for n in (1, 2, 3)])
    call = ("benchmark", "smart", REGION_ID, "--truth", truth, "--no-watch", "--outputs", outputs)
    said = sitewatch(*call, cwd=tmp_path)
    assert said.status == 0, said.err
    assert "XX_R001: 100 km², 2020-01-01 to 2021-12-31; 2 proposals" in said.out
    for words in ("0.80", "0.67", "2 found, 1 missed, 0 false", "median +0 days", "20,000 to 100,000 m²"):
        assert words in said.out
    rows = (outputs / "smart" / "sites.csv").read_text().splitlines()
    assert rows[0].startswith("site_id,area_m2,start,end,found_by")
    assert len(rows) == 4
    assert (outputs / "smart" / "site_models" / "XX_R001_0000.geojson").exists()


def test_works_on_record_are_exported(outputs, tmp_path):
    said = sitewatch("export", "smart", "models", "--region", "KH_R900", "--outputs", outputs, cwd=tmp_path)
    assert said.status == 0, said.err
    assert "2 site models: models" in said.out
    assert (tmp_path / "models" / "region_models" / "KH_R900.geojson").exists()
    wrong = sitewatch("export", "smart", "models", "--region", "Cambodia", "--outputs", outputs, cwd=tmp_path)
    assert (wrong.status, "is not an id of the programme" in wrong.err) == (2, True)


def test_annotations_that_are_not_there_are_one_line(tmp_path):
    said = sitewatch("benchmark", "smart", "KH_R001", "--truth", tmp_path, cwd=tmp_path)
    assert said.status == 2
    assert "region `KH_R001` has no model" in said.err
