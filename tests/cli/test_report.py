"""`sitewatch report` over a record whose runs do not say which source their imagery is from."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from small_record import area, make, sitewatch, week

from flows.ledger import ObservationRecord, RunRecord, open_ledger

SIMULATED = "<title>Simulated: "


def page_of(outputs: Path) -> str:
    """Build the report of the last week in English; the page."""
    said = sitewatch("report", "--restricted", "--lang", "en", "--outputs", outputs, cwd=outputs.parent)
    assert (said.status, said.err) == (0, "")
    return next(outputs.glob("reports/*/restricted.html")).read_text(encoding="utf-8")


def test_the_source_is_that_of_the_scenes_on_record(tmp_path: Path) -> None:
    made = make(tmp_path / "outputs")
    with made.ledger() as ledger:
        assert not any("source" in run.settings for run in ledger.runs())
    assert SIMULATED in page_of(made.outputs)


@pytest.mark.parametrize(("source", "title"), [("simulated", SIMULATED), ("stac", "<title>Sitewatch")])
@pytest.mark.parametrize("runs", [0, 1])
def test_without_a_scene_the_record_says_whether_it_is_simulated(
    tmp_path: Path, source: str, title: str, runs: int
) -> None:
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        for number in range(runs):
            ledger.start_run(RunRecord(f"run-{number}", datetime.now(UTC), "0"), source=source)
        ledger.record_areas([area()])
        ledger.record_week(ObservationRecord(area().id, week(0), (), (), 0.0, None, "chain"), [])
    assert (title if runs else "<title>Sitewatch") in page_of(tmp_path)
