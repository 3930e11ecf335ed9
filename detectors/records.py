"""The words and records that detectors speak in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from detectors.footprint import Footprint


class Change(StrEnum):
    """What happened to the ground."""

    CONSTRUCTION = "construction"
    FENCING = "fencing"
    CLEARING = "clearing"
    DEMOLITION = "demolition"


class State(StrEnum):
    """How far an event has come; never backwards."""

    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"
    FINISHED = "finished"
    RETRACTED = "retracted"


class AlertKind(StrEnum):
    """Where an event lies: the `kind` of its alert."""

    EXPANSION = "expansion"
    CHANGE = "change"
    NEW_SUSPECT_SITE = "new-suspect-site"


@dataclass(frozen=True)
class Transition:
    """One step of an event's life: the state it entered, on which day of evidence, by which scene."""

    state: State
    on: date
    scene_id: str


@dataclass(frozen=True)
class Criterion:
    """One reason why a new place resembles the known ones: a value between 0 and 1, its weight, and words."""

    name: str
    value: float
    weight: float
    detail: str


@dataclass(frozen=True)
class UnfamiliarGround:
    """Ground of other levels than any the table of signatures was fitted on.

    `share` is its part of the watched ground, 0 to 1; `feature` is the one by which most of it differs, `is_above`
    whether it is higher there.
    """

    share: float
    feature: str
    is_above: bool


@dataclass(frozen=True)
class Event:
    """One change of the ground, as known at the end of a week.

    `footprint` are its pixels on the area's grid. Areas are in m², length in m; `closure` is the share (0 to 1) of a
    ring around the place that a line covers. `key` names the event within its area and survives replays; `merged_into`
    is the key of the event that took its ground when both grew together. `steps` are the days on which it began, and
    began again: an expansion in phases is one event.
    `is_unfamiliar` where it rests on ground or scenes unlike any that the table of signatures was fitted on.
    """

    key: str
    change: Change
    place: AlertKind
    state: State
    first_seen: date
    last_seen: date
    confirmed_on: date | None
    footprint: Footprint
    area_m2: float
    area_m2_low: float
    area_m2_high: float
    length_m: float | None
    closure: float | None
    confidence: float
    sensors: tuple[str, ...]
    scenes: tuple[str, ...]
    transitions: tuple[Transition, ...]
    criteria: tuple[Criterion, ...] = ()
    merged_into: str | None = None
    steps: tuple[date, ...] = ()
    is_unfamiliar: bool = False
