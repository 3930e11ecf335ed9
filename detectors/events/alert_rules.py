"""Which events are worth a person's journey."""

from __future__ import annotations

from dataclasses import dataclass

from detectors.records import AlertKind, Change, Event, State


@dataclass(frozen=True)
class AlertParameters:
    """When an event is told.

    A provisional event is told when both instruments hold it and it is as likely as `provisional_probability`; or when
    a single acquisition is all there is, where waiting brings nothing, the change covers `lone_acquisition_m2`, and it
    is as likely as `lone_probability`. A line is told only once it is confirmed, and so is what is unfamiliar. In a
    region nothing under `region_m2` is told, nor a line that is shorter than `region_line_m` or encloses less than
    `region_closure` of a ring: all are on record, but the first is too small to be a compound, and the others are as
    likely a bank or a road. Chosen on simulated areas, where four in five provisional events of one instrument alone
    came to nothing.
    """

    provisional_probability: float = 0.8
    lone_probability: float = 0.5
    lone_acquisition_m2: float = 2000.0
    region_m2: float = 1000.0
    region_closure: float = 0.25
    region_line_m: float = 300.0


def deserves_alert(event: Event, *, parameters: AlertParameters | None = None) -> bool:
    """Decide whether an event should be told to the people who asked to know.

    Parameters
    ----------
    event
        One change, as known at the end of a week.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    bool.
    """
    p = parameters or AlertParameters()
    if event.state is State.RETRACTED:
        return False
    if event.place is AlertKind.NEW_SUSPECT_SITE and _is_ordinary(event, p):
        return False
    if event.state in (State.CONFIRMED, State.FINISHED):
        return True
    if event.change is Change.FENCING or event.is_unfamiliar:
        return False
    if len(event.scenes) <= 1 and event.area_m2 >= p.lone_acquisition_m2 and event.confidence >= p.lone_probability:
        return True
    return len(event.sensors) > 1 and event.confidence >= p.provisional_probability


def _is_ordinary(event: Event, p: AlertParameters) -> bool:
    """True for what open country is full of: small changes, and lines that enclose nothing."""
    is_line = event.change is Change.FENCING
    is_open = (event.closure or 0.0) < p.region_closure or (event.length_m or 0.0) < p.region_line_m
    return event.area_m2 < p.region_m2 or (is_line and is_open)
