"""What a report measured is kept where it can be, and costs no report where it cannot."""

from __future__ import annotations

import logging

from flows.reports.data.kept_measures import FOLDER, KeptMeasures, LookMeasure
from flows.reports.files import BUILT

WINDOW = (slice(0, 4), slice(2, 6))


def asked(outputs, clear_share: float) -> float:
    kept = KeptMeasures(outputs, "yard")
    found = kept.of("ab", WINDOW, lambda: LookMeasure(series="optical", clear_share=clear_share, brightest=0.2))
    kept.write()
    return found.clear_share


def test_the_next_report_takes_what_was_measured(tmp_path):
    assert asked(tmp_path, 0.75) == asked(tmp_path, 0.25) == 0.75


def test_where_nothing_can_be_kept_each_report_measures(tmp_path, caplog):
    (tmp_path / BUILT).mkdir()
    (tmp_path / BUILT / FOLDER).write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        assert (asked(tmp_path, 0.75), asked(tmp_path, 0.25)) == (0.75, 0.25)
    assert "could not be kept" in caplog.text
