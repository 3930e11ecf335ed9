"""What a claim comes to, set against what was measured: counts with their ends, and one answer by a stated rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from detectors.claims.structure_states import StructureReading, StructureState, Unseen


class ClaimKind(StrEnum):
    """What is claimed."""

    DEMOLISHED = "demolished"
    SEALED = "sealed"
    ABANDONED = "abandoned"
    WORKS_STOPPED = "works-stopped"


class ClaimAnswer(StrEnum):
    """What measurements say of a claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NOT_SEEN = "not-seen-well-enough"
    NOT_MEASURABLE = "not-measurable"


class ClaimRule(StrEnum):
    """Which rule gave the answer."""

    NOT_FROM_STRUCTURE = "not-from-structure"
    """Whether a place is sealed or abandoned cannot be measured from its structures."""
    NO_STRUCTURES = "no-structures"
    BEFORE_FIRST_LOOK = "before-first-look"
    FEWER_KNOWN = "fewer-known"
    """Fewer structures are known, or less ground of them, than are said to be demolished."""
    ONLY_NEW_ROOFS = "only-new-roofs"
    """Only roofs that the watch saw rise are known, and older ones may be meant."""
    MOST_GONE = "most-gone"
    AT_MOST_TOO_FEW = "at-most-too-few"
    """Even if all that changed or was not seen were gone, it would be fewer than claimed."""
    WITHIN = "within"
    """The claimed amount lies within the interval, and under three quarters of it are seen to be gone."""
    WORKS_WENT_ON = "works-went-on"
    NO_WORKS_SEEN = "no-works-seen"
    WORKS_UNSEEN = "works-unseen"


@dataclass(frozen=True)
class ClaimParameters:
    """When a claim is supported or contradicted.

    `enough_share` of the claimed amount must be gone for it to be supported: on simulated sites nine in ten of the
    flattened structures are found gone. Works are said to have stopped after `calm_weeks` of which `seen_share` were
    seen, the last clear look not older than `fresh_days`.
    """

    enough_share: float = 0.75
    calm_weeks: int = 8
    seen_share: float = 0.5
    fresh_days: int = 35


PARAMETERS = ClaimParameters()


@dataclass(frozen=True)
class Amount:
    """A number of structures or an area in m²: at least `low`, at most `high`."""

    low: float
    high: float


@dataclass(frozen=True)
class StructureTally:
    """The structures of a site by what became of them.

    `count` and `area_m2` run from those that are gone to those that are gone, changed or not seen. `known_m2` is the
    area of all, at most.
    """

    known: int
    standing: int
    changed: int
    gone: int
    not_seen: int
    count: Amount
    area_m2: Amount
    last_look: date | None
    known_m2: float = 0.0

    @property
    def seen_share(self) -> float:
        """Return the share of the structures that were seen well enough, 0 to 1."""
        return (self.known - self.not_seen) / self.known if self.known else 0.0


@dataclass(frozen=True)
class WorkBeginning:
    """A beginning, or another step, of building or fencing: the days between which it began; is it sure."""

    earliest: date
    latest: date
    is_confirmed: bool


@dataclass(frozen=True)
class WatchedSince:
    """How a site was watched since a claim: weeks, of which seen, and the last clear look."""

    weeks: int
    weeks_seen: int
    last_clear_look: date | None


@dataclass(frozen=True)
class ClaimFinding:
    """The answer to a claim and the rule that gave it. `interval` is in the unit of the claim, None without one."""

    answer: ClaimAnswer
    rule: ClaimRule
    interval: Amount | None = None


def tally_structures(readings: Sequence[StructureReading], areas_m2: Sequence[Amount]) -> StructureTally:
    """Count structures by what became of them.

    Parameters
    ----------
    readings
        What became of each structure.
    areas_m2
        The area of each, m².

    Returns
    -------
    StructureTally.
    """
    by_state = {state: [n for n, r in enumerate(readings) if r.state is state] for state in StructureState}
    gone = by_state[StructureState.GONE]
    maybe = [*gone, *by_state[StructureState.CHANGED], *by_state[StructureState.NOT_SEEN]]
    looks = [r.last_look for r in readings if r.last_look is not None]
    return StructureTally(
        known=len(readings),
        standing=len(by_state[StructureState.STANDING]),
        changed=len(by_state[StructureState.CHANGED]),
        gone=len(gone),
        not_seen=len(by_state[StructureState.NOT_SEEN]),
        count=Amount(len(gone), len(maybe)),
        area_m2=Amount(round(sum(areas_m2[n].low for n in gone), 1), round(sum(areas_m2[n].high for n in maybe), 1)),
        last_look=max(looks, default=None),
        known_m2=sum(area.high for area in areas_m2),
    )


def judge_demolition(
    readings: Sequence[StructureReading],
    tally: StructureTally,
    *,
    number: int | None,
    area_m2: float | None,
    is_complete: bool = True,
    parameters: ClaimParameters = PARAMETERS,
) -> ClaimFinding:
    """Set a claim that structures were demolished against what became of them.

    A claim without an amount says that something was demolished: one structure.

    Parameters
    ----------
    readings
        What became of each structure.
    tally
        The same, counted.
    number
        How many structures are said to be demolished; None where the claim gives none.
    area_m2
        How much ground is said to be demolished, m²; asked only where there is no number.
    is_complete
        True where all structures of the site are known; otherwise nothing is contradicted, as others may be meant.
    parameters
        Thresholds.

    Returns
    -------
    ClaimFinding.
    """
    if not readings:
        return ClaimFinding(ClaimAnswer.NOT_SEEN, ClaimRule.NO_STRUCTURES)
    is_area = number is None and area_m2 is not None
    interval = tally.area_m2 if is_area else tally.count
    claimed = float(area_m2) if is_area and area_m2 is not None else float(1 if number is None else number)
    if all(r.reason is Unseen.NO_LOOK_BEFORE for r in readings):
        return ClaimFinding(ClaimAnswer.NOT_SEEN, ClaimRule.BEFORE_FIRST_LOOK, interval)
    if interval.low >= parameters.enough_share * claimed:
        return ClaimFinding(ClaimAnswer.SUPPORTED, ClaimRule.MOST_GONE, interval)
    if claimed > (tally.known_m2 if is_area else tally.known):
        return ClaimFinding(ClaimAnswer.NOT_SEEN, ClaimRule.FEWER_KNOWN, interval)
    if interval.high < claimed and not is_complete:
        return ClaimFinding(ClaimAnswer.NOT_SEEN, ClaimRule.ONLY_NEW_ROOFS, interval)
    if interval.high < claimed:
        return ClaimFinding(ClaimAnswer.CONTRADICTED, ClaimRule.AT_MOST_TOO_FEW, interval)
    return ClaimFinding(ClaimAnswer.NOT_SEEN, ClaimRule.WITHIN, interval)


def judge_works_stopped(
    works: Sequence[WorkBeginning],
    watched: WatchedSince,
    *,
    claimed_on: date,
    today: date,
    parameters: ClaimParameters = PARAMETERS,
) -> ClaimFinding:
    """Set a claim that works stopped against the works that began since.

    Only confirmed works whose every possible beginning lies after the claim contradict it.

    Parameters
    ----------
    works
        Every beginning of building or fencing at the site.
    watched
        How the site was watched since the claim.
    claimed_on
        The day from which works are said to have stopped.
    today
        The last day of the week.
    parameters
        Thresholds.

    Returns
    -------
    ClaimFinding.
    """
    if any(work.is_confirmed and work.earliest > claimed_on for work in works):
        return ClaimFinding(ClaimAnswer.CONTRADICTED, ClaimRule.WORKS_WENT_ON)
    p, last = parameters, watched.last_clear_look
    is_seen = watched.weeks >= p.calm_weeks and watched.weeks_seen >= p.seen_share * watched.weeks
    is_fresh = last is not None and (today - last).days <= p.fresh_days
    if is_seen and is_fresh and all(work.latest <= claimed_on for work in works):
        return ClaimFinding(ClaimAnswer.SUPPORTED, ClaimRule.NO_WORKS_SEEN)
    return ClaimFinding(ClaimAnswer.NOT_SEEN, ClaimRule.WORKS_UNSEEN)


def judge_unmeasurable() -> ClaimFinding:
    """Return what can be said of a claim that a place was sealed or abandoned: nothing that structures show.

    Returns
    -------
    ClaimFinding.
    """
    return ClaimFinding(ClaimAnswer.NOT_MEASURABLE, ClaimRule.NOT_FROM_STRUCTURE)
