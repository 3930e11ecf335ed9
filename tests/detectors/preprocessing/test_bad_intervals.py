"""Images of a known bad time are unusable, and say why."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from detectors.preprocessing.align import align_acquisition
from detectors.preprocessing.bad_intervals import BAD_INTERVALS
from detectors.preprocessing.platforms import fit_positions

EVERYWHERE = np.ones((64, 64), bool)


@pytest.mark.parametrize(
    ("platform", "day", "is_bad"),
    [
        ("sentinel-1c", date(2025, 5, 19), True),
        ("sentinel-1c", date(2025, 5, 20), False),
        ("sentinel-1a", date(2025, 5, 19), False),
        ("", date(2025, 5, 19), False),
        ("sentinel-1b", date(2016, 10, 12), True),
        ("sentinel-1b", date(2016, 10, 11), False),
        ("sentinel-1c", date(2026, 6, 15), True),
        ("sentinel-1d", date(2026, 4, 1), True),
    ],
)
def test_a_bad_day_of_a_platform_is_unusable_and_says_why(scenery, platform, day, is_bad):
    look = scenery().radar(day, platform=platform)
    report = align_acquisition(look, reference=None, monitored_mask=EVERYWHERE).report
    assert report.status == ("refused" if is_bad else "used")
    assert report.note.startswith("unusable, because ") == is_bad


def test_bad_images_are_no_part_of_a_reference(scenery):
    ground = scenery()
    days = [date(2025, 5, 1), date(2025, 5, 13), date(2025, 5, 25)]
    looks = [ground.radar(day, platform="sentinel-1c", gain=0.2) for day in days[:2]]
    alone = ground.radar(days[2], platform="sentinel-1c")
    fitted = fit_positions([*looks, alone])
    assert np.array_equal(fitted.reference, fit_positions([alone]).reference, equal_nan=True)
    assert fit_positions(looks).reference is None


def test_every_interval_has_its_reason_and_its_source():
    for bad in BAD_INTERVALS:
        assert bad.first <= bad.last
        assert bad.why
        assert any(word in bad.source for word in ("issue", "pull request")), bad
