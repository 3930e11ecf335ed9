"""The clock of works: which phase a site is in, since when at the earliest and at the latest.

The phases are those of IARPA SMART in its order (No Activity, Site Preparation, Active Construction, Post
Construction), and one that SMART does not have: being taken down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from detectors.records import Change


class WorkPhase(StrEnum):
    """A phase of works, in the order in which they follow each other."""

    NO_WORKS = "no-works"
    GROUND_BROKEN = "ground-broken"
    STRUCTURES_RISING = "structures-rising"
    FINISHED = "finished"
    TAKEN_DOWN = "taken-down"


SMART_PHASES: dict[WorkPhase, str] = {
    WorkPhase.NO_WORKS: "No Activity",
    WorkPhase.GROUND_BROKEN: "Site Preparation",
    WorkPhase.STRUCTURES_RISING: "Active Construction",
    WorkPhase.FINISHED: "Post Construction",
}
"""The words of IARPA SMART; it has none for what is being taken down."""


@dataclass(frozen=True)
class PhaseParameters:
    """How long nothing may be seen to begin before works are called paused, or finished.

    `finished_days` is that of the life of an event: building pauses for a winter or the rains. `paused_days`: twice
    the time from one confirmed change to the next on simulated sites under construction.
    """

    paused_days: int = 60
    finished_days: int = 240


PARAMETERS = PhaseParameters()


@dataclass(frozen=True)
class WorkSign:
    """Something began at a site, or went a step further: after `earliest`, the last look without it, by `latest`."""

    change: Change
    earliest: date
    latest: date


@dataclass(frozen=True)
class PhaseSpan:
    """A phase that a site came into between two days; `earliest` is None where no look before is on record."""

    phase: WorkPhase
    earliest: date | None
    latest: date


@dataclass(frozen=True)
class WorkClock:
    """The works of a site by the end of a day.

    `spans` are its phases in order of time, the last one the present. `paused_since` is the last sign where works are
    paused now, `resumed_on` when they last began again after a pause.
    """

    spans: tuple[PhaseSpan, ...]
    paused_since: date | None = None
    resumed_on: PhaseSpan | None = None

    @property
    def present(self) -> PhaseSpan:
        """Return the phase that the site is in."""
        return self.spans[-1]


_PHASE_OF = {
    Change.CLEARING: WorkPhase.GROUND_BROKEN,
    Change.CONSTRUCTION: WorkPhase.STRUCTURES_RISING,
    Change.FENCING: WorkPhase.STRUCTURES_RISING,
    Change.DEMOLITION: WorkPhase.TAKEN_DOWN,
}


def clock_of(
    signs: Sequence[WorkSign],
    *,
    watched_since: date,
    looks: Sequence[date],
    today: date,
    parameters: PhaseParameters = PARAMETERS,
) -> WorkClock:
    """Tell the phases of a site from what was seen to begin there.

    Parameters
    ----------
    signs
        Every beginning and every further step of a change that is held to be real.
    watched_since
        The first day of the watch.
    looks
        The days of clear looks.
    today
        The day at whose end it is asked; later signs and looks do not count.
    parameters
        Thresholds.

    Returns
    -------
    WorkClock; `NO_WORKS` since the watch began where nothing was seen to begin.
    """
    p, known = parameters, sorted((s for s in signs if s.latest <= today), key=lambda s: (s.latest, s.earliest))
    looked = sorted({day for day in looks if day <= today})
    spans = [PhaseSpan(WorkPhase.NO_WORKS, None, watched_since)]
    resumed: PhaseSpan | None = None
    for n, sign in enumerate(known):
        phase, last = _PHASE_OF[sign.change], known[n - 1].latest if n else None
        if last is not None and spans[-1].phase is not WorkPhase.NO_WORKS:
            if (sign.earliest - last).days >= p.finished_days:
                spans.append(_finished(last, looked, after=spans[-1].phase))
            elif (sign.earliest - last).days >= p.paused_days:
                resumed = PhaseSpan(phase, sign.earliest, sign.latest)
        is_older_phase = phase is WorkPhase.GROUND_BROKEN and spans[-1].phase is WorkPhase.STRUCTURES_RISING
        if phase is not spans[-1].phase and not is_older_phase:
            spans.append(PhaseSpan(phase, sign.earliest, sign.latest))
    if not known:
        return WorkClock(tuple(spans))
    last = known[-1].latest
    quiet = (max((day for day in looked if day > last), default=last) - last).days
    if quiet >= p.finished_days:
        spans.append(_finished(last, looked, after=spans[-1].phase))
    is_building = spans[-1].phase in (WorkPhase.GROUND_BROKEN, WorkPhase.STRUCTURES_RISING)
    is_paused = is_building and p.paused_days <= quiet < p.finished_days
    return WorkClock(tuple(spans), last if is_paused else None, resumed)


def _finished(last: date, looked: Sequence[date], *, after: WorkPhase) -> PhaseSpan:
    """Nothing began after a sign: works ended between it and the next clear look; what was taken down has none."""
    phase = WorkPhase.NO_WORKS if after is WorkPhase.TAKEN_DOWN else WorkPhase.FINISHED
    return PhaseSpan(phase, last, next((day for day in looked if day > last), last))


def never_stopped_after(
    signs: Sequence[WorkSign], response: date, *, today: date, parameters: PhaseParameters = PARAMETERS
) -> bool:
    """Decide whether works went on across a response and since, without a pause that was long enough to be told.

    Parameters
    ----------
    signs
        Every beginning and every further step of a change that is held to be real.
    response
        The day of the response.
    today
        The day at whose end it is asked.
    parameters
        Thresholds.

    Returns
    -------
    bool; False where fewer than two signs lie around the response.
    """
    gains = [s for s in signs if s.change is not Change.DEMOLITION and s.latest <= today]
    before = [s.latest for s in gains if s.latest <= response]
    after = sorted((s.earliest, s.latest) for s in gains if s.earliest > response)
    if not before or not after:
        return False
    reached, pause = max(before), timedelta(days=parameters.paused_days)
    for earliest, latest in after:
        if earliest - reached > pause:
            return False
        reached = max(reached, latest)
    return today - reached <= pause
