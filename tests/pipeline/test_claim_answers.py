"""The demonstration's place that is torn down: its claim of eight buildings, checked on imported footprints."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from detected import detected_event
from shapely.geometry import box, mapping

import aois
from aois.demonstration import demonstration
from aois.footprints import footprints_within, read_footprints
from aois.grid import grid_of
from aois.week import Week, week_of
from detectors.claims.claim_rules import ClaimAnswer, ClaimKind, ClaimRule
from detectors.records import State, Transition
from flows.imagery.archive.store import Archive
from flows.imagery.fetching import fetch_missing
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.ledger import ObservationRecord, open_ledger
from flows.ledger.claim_rows import structure_id_of
from flows.pipeline.area_replay import Stores
from flows.pipeline.claim_answers import answer_claims
from flows.records.claims import AnswerRecord, ClaimOrigin, ClaimRecord, StructureRecord
from flows.records.ids import AreaId

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LAST = week_of(date(2026, 11, 29))
AREA = next(area for area in demonstration() if area.id == "demo-demolition")
FALLEN = 8  # of the 15 buildings of the simulated compound


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Every second scene of nine months."""
    archive = Archive(tmp_path_factory.mktemp("archive"))
    source, grid = SimulatedSource(LAST.last_day), grid_of(AREA)
    refs = source.search(AREA, grid, since=date(2026, 2, 1), until=LAST.last_day)
    fetch_missing(source, archive, AREA, grid, refs[::2], on_scene=lambda _: None)
    return archive


@pytest.fixture
def stores(archive: Archive, tmp_path: Path):
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        ledger.record_areas([AREA])
        ledger.claims.take_list([AREA], at=NOW)
        for week in (LAST.plus(-1), LAST):
            record(ledger, week)
        yield Stores(tmp_path, archive, ledger, None, SimulatedSource.name, (AREA,), 730)


def record(ledger: Any, week: Week, chain: str = "chain", *events: Any) -> None:
    seen = ObservationRecord(AREA.id, week, (), (), 0.9, week.first_day, f"{chain}-{week}")
    ledger.record_week(seen, list(events))


def import_footprints(stores: Stores) -> None:
    file = Path(aois.__file__).with_name("demonstration_footprints.geojson")
    found, lines = footprints_within(read_footprints(file)[0], AREA)
    assert lines == ()
    structures = [
        StructureRecord(structure_id_of(AREA.id, o.geometry.wkb_hex), AreaId(AREA.id), o.geometry, o.area_m2, "roofs")
        for o in found
    ]
    stores.ledger.claims.add_structures(AREA.id, structures, by="Ada", at=NOW)


def last_answer(stores: Stores) -> AnswerRecord:
    [claim] = stores.ledger.claims.all(AREA.id)
    return stores.ledger.claims.answers(claim.claim_id)[-1]


def test_the_interval_holds_what_fell_and_the_same_call_again_changes_nothing(stores: Stores) -> None:
    import_footprints(stores)
    assert answer_claims(AREA, LAST, stores) == 2  # both weeks on record
    answer = last_answer(stores)
    assert answer.low is not None
    assert answer.high is not None
    assert answer.low <= FALLEN <= answer.high
    assert (answer.known, answer.standing) == (15, 15 - FALLEN)
    assert answer.answer is not ClaimAnswer.CONTRADICTED
    went = [one for one in answer.structures if one.state == "gone"]
    assert went
    assert all(one.latest >= date(2026, 9, 6) for one in went)
    head = stores.ledger.journal_head()
    assert answer_claims(AREA, LAST, stores) == 0
    assert stores.ledger.journal_head() == head


def test_without_structures_the_answer_says_so_and_footprints_change_the_last_week(stores: Stores) -> None:
    answer_claims(AREA, LAST, stores)
    assert last_answer(stores).rule is ClaimRule.NO_STRUCTURES
    import_footprints(stores)
    assert answer_claims(AREA, LAST, stores) == 1
    assert last_answer(stores).known == 15


def test_a_week_that_rests_on_other_scenes_is_answered_again(stores: Stores) -> None:
    answer_claims(AREA, LAST, stores)
    record(stores.ledger, LAST.plus(-1), "later")
    assert answer_claims(AREA, LAST, stores) == 1


def test_works_that_began_after_it_contradict_the_claim_that_they_stopped(stores: Stores) -> None:
    claim = ClaimRecord(
        claim_id="",
        area_id=AreaId(AREA.id),
        kind=ClaimKind.WORKS_STOPPED,
        said_on=LAST.plus(-1).first_day,
        origin=ClaimOrigin.COMMAND,
        entered_by="Ada",
        entered_at=NOW,
    )
    stores.ledger.claims.add([claim])
    first = LAST.first_day + timedelta(days=3)
    west, south, *_ = AREA.geometry.bounds
    properties = {
        "kind": "change", "change": "construction", "state": "confirmed", "first_seen": first.isoformat(),
        "confirmed_on": first.isoformat(), "area_m2": 900.0, "area_m2_low": 700.0, "area_m2_high": 1100.0,
        "length_m": None, "closure": None, "confidence": 0.9, "sensors": ["sentinel-2"], "scenes": ["s"],
    }  # fmt: skip
    steps = tuple(Transition(state, first, "s") for state in (State.PROVISIONAL, State.CONFIRMED))
    ground = mapping(box(west, south, west + 0.0003, south + 0.0003))
    event = detected_event(AREA.id, "ev-000000000001", properties, dict(ground), steps, True)
    record(stores.ledger, LAST, "chain", event)
    answer_claims(AREA, LAST, stores)
    stopped = next(c for c in stores.ledger.claims.all() if c.kind is ClaimKind.WORKS_STOPPED)
    before, now = stores.ledger.claims.answers(stopped.claim_id)
    assert before.answer is ClaimAnswer.NOT_SEEN
    assert (now.answer, now.works_from, now.works_to) == (ClaimAnswer.CONTRADICTED, LAST.first_day, first)
