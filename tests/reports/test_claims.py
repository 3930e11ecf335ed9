"""Claims in the report: the first table of the accountability part, files, and what the public edition leaves out."""

import csv
import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from shapely.geometry import box

from aois.area import Area, AreaKind, Sensitivity
from aois.week import Week
from detectors.claims.claim_rules import ClaimAnswer, ClaimKind, ClaimRule
from detectors.claims.structure_states import StructureState
from detectors.claims.work_phases import PhaseSpan, WorkClock, WorkPhase
from flows.records.claims import (
    AnswerRecord,
    CheckedClaim,
    ClaimOrigin,
    ClaimRecord,
    StructureRecord,
    StructureResult,
)
from flows.records.ids import AreaId
from flows.reports.build import build_reports
from flows.reports.edition import public_inputs
from flows.reports.exports import write_figures
from flows.reports.inputs import AreaView, ReportInputs, SiteClock, WeekSeen

WEEK = Week(2026, 36)
ROOF = StructureRecord("st-1", AreaId("reef-1"), box(3.0, 1.8, 3.0002, 1.8002), 480.0, "roofs.geojson")
CLAIM = ClaimRecord(
    claim_id="cl-1",
    area_id=AreaId("reef-1"),
    kind=ClaimKind.DEMOLISHED,
    said_on=date(2026, 8, 24),
    number=413,
    words="All <b>413</b> buildings were razed.",
    source="an office",
    origin=ClaimOrigin.LIST,
    entered_by="watch list",
    entered_at=datetime(2026, 8, 25, tzinfo=UTC),
)
ANSWER = AnswerRecord(
    claim_id="cl-1",
    week=WEEK,
    answer=ClaimAnswer.CONTRADICTED,
    rule=ClaimRule.AT_MOST_TOO_FEW,
    low=28.0,
    high=161.0,
    area_m2_low=12_000.0,
    area_m2_high=70_000.0,
    known=413,
    gone=28,
    changed=70,
    not_seen=63,
    standing=252,
    last_look=date(2026, 9, 3),
    weeks=2,
    weeks_seen=1,
    structures=(
        StructureResult("st-1", 480.0, "roofs.geojson", StructureState.GONE, latest=date(2026, 9, 1), looks=4),
    ),
)
CLOCK = WorkClock(
    (
        PhaseSpan(WorkPhase.NO_WORKS, None, date(2026, 1, 5)),
        PhaseSpan(WorkPhase.STRUCTURES_RISING, date(2026, 6, 3), date(2026, 6, 15)),
    ),
    paused_since=date(2026, 6, 15),
)


@pytest.fixture
def inputs() -> ReportInputs:
    area = Area("reef-1", AreaKind.SITE, box(3.0, 1.8, 3.01, 1.81), name="Reef", sensitivity=Sensitivity.PUBLIC)
    weeks = (WeekSeen(WEEK, 0.9, 3, date(2026, 9, 3)),)
    view = AreaView(area, (100, 100), None, None, None, weeks, (), clock=SiteClock(CLOCK, date(2026, 5, 2)))
    return ReportInputs(WEEK, "stac", (view,), claims=(CheckedClaim(CLAIM, ANSWER),), structures={"st-1": ROOF})


def page(inputs: ReportInputs, folder, lang: str = "en") -> str:
    return build_reports(inputs, folder, languages=(lang,))[0].read_text()


def test_the_answer_stands_in_the_first_table_of_the_accountability_part(inputs, tmp_path):
    text = page(inputs, tmp_path)
    part = text[text.index('id="accountability"') :]
    assert part.index('class="cards claims"') < part.index('class="cards totals"')
    for words in (
        "413 buildings demolished",
        "contradicted",
        "between 28 and 161 of 413 known structures",
        "gone 28, changed 70, not seen well enough 63, standing 252",
        "85 % of the structures seen well enough",
        "All &lt;b&gt;413&lt;/b&gt; buildings were razed.",
        "Active Construction",
        "Works paused since 15 June 2026.",
        "Works never stopped after the response of 2 May 2026.",
    ):
        assert words in part, words


def test_french_says_the_same(inputs, tmp_path):
    text = page(inputs, tmp_path, "fr")
    for words in ("413 bâtiments démolis", "contredite", "le toit n’y est plus", "constructions en cours"):
        assert words in text, words


@pytest.mark.parametrize("kind", [ClaimKind.SEALED, ClaimKind.ABANDONED])
def test_what_cannot_be_measured_is_said_and_not_guessed(inputs, tmp_path, kind):
    claim = replace(CLAIM, kind=kind, number=None)
    answer = AnswerRecord(
        claim_id="cl-1", week=WEEK, answer=ClaimAnswer.NOT_MEASURABLE, rule=ClaimRule.NOT_FROM_STRUCTURE
    )
    text = page(replace(inputs, claims=(CheckedClaim(claim, answer),)), tmp_path)
    assert "cannot be measured from its structures" in text


def test_a_claim_without_an_answer_says_so(inputs, tmp_path):
    assert "No answer yet." in page(replace(inputs, claims=(CheckedClaim(CLAIM, None),)), tmp_path)


def test_files_hold_claims_phases_and_structures(inputs, tmp_path):
    write_figures(inputs, tmp_path)
    with (tmp_path / "claims.csv").open(encoding="utf-8-sig") as file:
        [row] = csv.DictReader(file)
    assert (row["answer"], row["low"], row["high"], row["number"]) == ("contradicted", "28.0", "161.0", "413")
    with (tmp_path / "phases.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [r["smart_phase"] for r in rows] == ["No Activity", "Active Construction"]
    assert rows[1]["paused_since"] == "2026-06-15"
    [feature] = json.loads((tmp_path / "restricted" / "structures.geojson").read_text())["features"]
    assert (feature["properties"]["state"], feature["properties"]["latest"]) == ("gone", "2026-09-01")
    assert (tmp_path / "restricted" / "structures.gpkg").stat().st_mode & 0o777 == 0o600
    assert "3.0002" not in (tmp_path / "claims.csv").read_text()


def test_the_public_edition_has_claims_of_shown_places_without_structures(inputs):
    shown, hidden = (public_inputs(inputs, shown=ids, counts=(), crowd=None) for ids in ({"reef-1"}, set()))
    assert shown.claims[0].answer.structures == ()
    assert (shown.claims[0].claim.entered_by, shown.structures) == ("", {})
    assert hidden.claims == ()
