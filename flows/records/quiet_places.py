"""Ground and sites that raised nothing, as they are shown to people who look what was missed there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from shapely.geometry.base import BaseGeometry

from aois.week import Week
from detectors.inference.quiet_sample import SeenClass
from flows.records.ids import AreaId


class QuietKind(StrEnum):
    """What was drawn."""

    SITE = "site"
    """A whole site with its margin."""
    GROUND = "ground"
    """A piece of a searched region."""


class QuietAnswer(StrEnum):
    """What somebody says who looked at it."""

    NOTHING = "nothing"
    """Nothing changed there that should have been told."""
    MISSED = "missed"
    """Something changed that was not told."""
    UNSURE = "unsure"
    """The pictures do not show it."""


@dataclass(frozen=True)
class QuietPlace:
    """A piece of ground of which nothing was told, drawn at random.

    Attributes
    ----------
    key
        Its name among all that could be drawn: an area's id, or that and the cell of a region.
    week
        The week whose sample it is in.
    area_id, kind
        Where it lies, and what it is.
    seen_class, seen_share
        How well it was seen over the weeks asked about, and the mean share of the ground seen clearly in a week.
    of
        How many places of its kind and class could have been drawn.
    since, until
        The first and the last day asked about, UTC.
    km2
        Its ground, km².
    geometry
        Its outline, (longitude, latitude) in degrees.
    number
        Its key in the ledger; 0 where it is not recorded yet.
    """

    key: str
    week: Week
    area_id: AreaId
    kind: QuietKind
    seen_class: SeenClass
    seen_share: float
    of: int
    since: date
    until: date
    km2: float
    geometry: BaseGeometry
    number: int = 0

    @property
    def years(self) -> float:
        """Return how long it is asked about, years."""
        return ((self.until - self.since).days + 1) / 365.25


@dataclass(frozen=True)
class QuietReview:
    """An answer about a quiet place. The last one about a place counts.

    Attributes
    ----------
    place
        The number of the place.
    answer
        What was said.
    changes
        How many changes were missed, 1 or more; 0 for any other answer.
    note
        Own words; may be empty.
    by
        The name of who answered.
    at
        When, UTC.
    """

    place: int
    answer: QuietAnswer
    changes: int
    note: str
    by: str
    at: datetime
