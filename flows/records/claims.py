"""Claims about a site, the structures that they are checked on, and the answers of each week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from shapely.geometry.base import BaseGeometry

from aois.week import Week
from detectors.claims.claim_rules import ClaimAnswer, ClaimKind, ClaimRule
from detectors.claims.structure_states import StructureState
from flows.records.ids import AreaId


class ClaimOrigin(StrEnum):
    """How a claim came onto the record."""

    LIST = "list"
    FILE = "file"
    COMMAND = "command"
    DESK = "desk"


@dataclass(frozen=True, kw_only=True)
class ClaimRecord:
    """One claim, as it was said.

    Attributes
    ----------
    claim_id
        Its id for life: ``cl-`` and twelve hexadecimal digits, made of all that was said.
    area_id
        The site that it is about.
    kind
        What is claimed.
    said_on
        The day from which it is said to be so, UTC.
    number
        How many structures; None where no number was said.
    area_m2
        How much ground, m²; None where that was not said.
    words
        The words as they were said; may be empty.
    source
        Who says so; may be empty.
    origin
        How it came onto the record.
    entered_by, entered_at
        Who entered it, and when, UTC.
    withdrawn_by, withdrawn_at, withdrawn_why
        Who withdrew it, when and why; empty and None while it stands.
    """

    claim_id: str
    area_id: AreaId
    kind: ClaimKind
    said_on: date
    number: int | None = None
    area_m2: float | None = None
    words: str = ""
    source: str = ""
    origin: ClaimOrigin
    entered_by: str
    entered_at: datetime
    withdrawn_by: str = ""
    withdrawn_at: datetime | None = None
    withdrawn_why: str = ""

    @property
    def is_withdrawn(self) -> bool:
        """Tell whether it was withdrawn."""
        return self.withdrawn_at is not None


@dataclass(frozen=True)
class StructureRecord:
    """One structure of a site.

    Attributes
    ----------
    structure_id
        Its id: ``st-`` and twelve hexadecimal digits, made of site and outline.
    area_id
        The site.
    geometry
        Its outline, (longitude, latitude) in degrees.
    area_m2
        The area of its outline, m².
    source
        Where the outline is from: the name of an imported file, or the id of the event that first showed its roof.
    built_after
        The day from which on it stood, UTC; None where it stood before the watch.
    """

    structure_id: str
    area_id: AreaId
    geometry: BaseGeometry
    area_m2: float
    source: str
    built_after: date | None = None


@dataclass(frozen=True)
class StructureResult:
    """What became of a structure by the end of a week.

    Attributes
    ----------
    structure_id, area_m2, source
        The structure.
    state
        What became of it.
    earliest, latest
        The days between which it was changed or went, UTC; None where that is not known.
    looks
        Clear looks since the claim.
    last_look
        The last of them, UTC; None without one.
    reason
        Why nothing can be said of it; empty otherwise.
    """

    structure_id: str
    area_m2: float
    source: str
    state: StructureState
    earliest: date | None = None
    latest: date | None = None
    looks: int = 0
    last_look: date | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class AnswerRecord:
    """What was measured of a claim by the end of a week.

    Attributes
    ----------
    claim_id
        The claim.
    week
        The week.
    answer, rule
        The answer, and the rule that gave it.
    low, high
        The ends of the interval in the unit of the claim; None without one.
    area_m2_low, area_m2_high
        The ends of the interval of the area that is gone, m²; None without one.
    known, standing, changed, gone, not_seen
        Structures by what became of them.
    last_look
        The last clear look at any of them, or at the site for a claim without structures, UTC.
    weeks, weeks_seen
        Weeks since the claim, and how many of them were seen well enough.
    works_from, works_to
        The days between which works began again, for a claim that they stopped; None where none did.
    structures
        Each structure.
    basis
        A hash of the scenes and structures that the answer rests on.
    """

    claim_id: str
    week: Week
    answer: ClaimAnswer
    rule: ClaimRule
    low: float | None = None
    high: float | None = None
    area_m2_low: float | None = None
    area_m2_high: float | None = None
    known: int = 0
    standing: int = 0
    changed: int = 0
    gone: int = 0
    not_seen: int = 0
    last_look: date | None = None
    weeks: int = 0
    weeks_seen: int = 0
    works_from: date | None = None
    works_to: date | None = None
    structures: tuple[StructureResult, ...] = ()
    basis: str = ""


@dataclass(frozen=True)
class AnswerChange:
    """An answer that differs from the one before it.

    Attributes
    ----------
    claim
        The claim.
    before
        The answer before; None where this is the first.
    now
        The answer now.
    number
        How often the answer has changed, this time included.
    """

    claim: ClaimRecord
    before: ClaimAnswer | None
    now: AnswerRecord
    number: int


@dataclass(frozen=True)
class CheckedClaim:
    """A claim and its answer of a week; `answer` is None before the first."""

    claim: ClaimRecord
    answer: AnswerRecord | None
