"""Times in which the images of a satellite are known to be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from detectors.acquisition import Acquisition


@dataclass(frozen=True)
class BadInterval:
    """Days, both included, on which a platform's images are not used: `why`, and the `source` that says so."""

    platform: str
    first: date
    last: date
    why: str
    source: str


BAD_INTERVALS = (
    BadInterval(
        "sentinel-1b",
        date(2016, 10, 12),
        date(2016, 10, 13),
        "a fault of its clock put images about 7 km off",
        "SAR-ARD/s1ard, issue 235; sar-mpc.eu, disclaimer 20",
    ),
    BadInterval(
        "sentinel-1c",
        date(2024, 12, 5),
        date(2025, 5, 19),
        "it was not calibrated before 20 May 2025",
        "nasa/opera-sds, issue 143; sar-mpc.eu, news of 19 May 2025",
    ),
    BadInterval(
        "sentinel-1c",
        date(2026, 6, 9),
        date(2026, 6, 23),
        "it was being moved to another orbit",
        "isce-framework/isce2, pull request 28130",
    ),
    BadInterval(
        "sentinel-1d",
        date(2025, 11, 4),
        date(2026, 4, 16),
        "it was not calibrated before 17 April 2026",
        "ACCESS-Cloud-Based-InSAR/DockerizedTopsApp, pull request 252, until ESA names the day",
    ),
)
"""From the launch, where a satellite was not calibrated at first."""


def unusable_because(acquisition: Acquisition) -> str | None:
    """Name the reason why an acquisition of a known bad time is not used.

    Parameters
    ----------
    acquisition
        One scene as numbers.

    Returns
    -------
    The reason with its source; None where none is known.
    """
    for bad in BAD_INTERVALS:
        if bad.platform == acquisition.platform and bad.first <= acquisition.day <= bad.last:
            return f"unusable, because {bad.why} ({bad.platform.capitalize()}: {bad.source})"
    return None
