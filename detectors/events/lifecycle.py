"""The life of an event, from the first objects to the day on which nothing more happens.

The states are those of OPERA DIST-ALERT (SCIENCE.md, "States of an event"): provisional, confirmed, finished,
retracted; never backwards. An event grows by objects that touch it; what happens in it after its ground was re-based
is its next step.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from detectors.acquisition import RADAR, Floats, Mask
from detectors.footprint import Footprint, empty
from detectors.objects.object_record import Detection
from detectors.objects.patches import anchor, is_line, is_ring
from detectors.records import Change, State, Transition

CLOSED = 0.95  # of the directions around
GROWTH = 0.05  # of an event by which it has grown: a pixel more or less at its rim is none


@dataclass(frozen=True)
class LifecycleParameters:
    """When an event changes its state.

    `confirming_dates` acquisitions must show it (SCIENCE.md: never confirmed on fewer than three; a line alone needs
    one more, and to have been found first `line_days` ago, half as long if by both instruments: lines of fields that
    green come and go within weeks), and one more on unfamiliar ground. It must be as likely as
    `confirming_probability`, and `confirmed_share` of its surest pixels, `confirmed_px` at least, must score as high as
    `ObjectParameters.core`; by radar alone `radar_px`, whose pixels are averaged over nine, so that fewer are one
    reading. It is retracted when under `kept_share` of its pixels still hold evidence before it was confirmed. It is
    finished when it did not grow for `quiet_days` (DIST-ALERT says 30; building pauses for a winter or the rains).
    Objects within `reach_px` of an open event are its growth.
    """

    confirming_dates: int = 3
    confirming_probability: float = 0.8
    confirmed_share: float = 0.5
    confirmed_px: int = 3
    radar_px: int = 9
    kept_share: float = 0.34
    quiet_days: int = 240
    line_days: int = 28
    reach_px: int = 2


@dataclass(frozen=True)
class EventState:
    """An event as the monitor follows it.

    `mask` are its pixels and `core` its surest ones. `steps` are the days on which it grew by a step of its own.
    `strength` is its probability in its surest week. `built` is where something ever stood: the evidence of that goes
    when the ground is re-based. `is_unfamiliar` is what its objects said when it was last seen provisional.
    """

    key: str
    gain: bool
    change: Change
    mask: Footprint
    core: Footprint
    first_day: int
    grown_day: int
    state: State
    confirmed_day: int | None
    scenes: tuple[str, ...]
    sensors: tuple[str, ...]
    transitions: tuple[Transition, ...]
    steps: tuple[int, ...]
    strength: float
    dates: int
    rebased: bool = False
    is_ridge: bool = False
    length_px: float | None = None
    closure: float | None = None
    sighted_day: int = 0
    merged_into: str | None = None
    built: Footprint | None = None
    is_unfamiliar: bool = False

    @property
    def is_open(self) -> bool:
        """Decide whether it may still grow."""
        return self.state in (State.PROVISIONAL, State.CONFIRMED) and self.merged_into is None


def open_event(detection: Detection, strength: Floats, *, today: int, taken: Container[str]) -> EventState:
    """Open a new, provisional event.

    Parameters
    ----------
    detection
        An object of this week.
    strength
        float32 (y, x), ranks the pixels of an object.
    today
        Day number of the last day of the week.
    taken
        The keys in use: evidence that comes back after a retraction opens another event at the same place.

    Returns
    -------
    EventState; its key is made of where and when it was first seen, and so survives replays.
    """
    row, column = anchor(detection.object.mask, strength)
    first = date.fromordinal(detection.first_day)
    sign = "f" if detection.is_ridge else "g" if detection.gain else "l"
    scene = detection.scenes[-1] if detection.scenes else ""
    return EventState(
        key=_free(f"{sign}{first:%Y%m%d}-{row}-{column}", taken),
        gain=detection.gain,
        change=detection.change,
        mask=detection.object.mask,
        core=detection.object.core,
        first_day=detection.first_day,
        grown_day=today,
        state=State.PROVISIONAL,
        confirmed_day=None,
        scenes=detection.scenes,
        sensors=detection.sensors,
        transitions=(Transition(State.PROVISIONAL, date.fromordinal(today), scene),),
        steps=(detection.first_day,),
        strength=detection.strength,
        dates=detection.dates,
        is_ridge=detection.is_ridge,
        length_px=detection.length_px,
        closure=detection.closure,
        sighted_day=today,
        built=detection.built,
        is_unfamiliar=detection.is_unfamiliar,
    )


def _free(key: str, taken: Container[str]) -> str:
    again = 2
    name = key
    while name in taken:
        name, again = f"{key}-{again}", again + 1
    return name


def owners_of(detection: Detection, near: Iterable[tuple[int, EventState]], *, reach_px: int) -> tuple[int, ...]:
    """Find the open events of the same sign that an object touches.

    A line joins what is told as a wall, and only that. What was bared beside one, or built within a closed one, is an
    event of its own.

    Parameters
    ----------
    detection
        An object of this week.
    near
        Numbers of events and the events, oldest first: all that may be within reach.
    reach_px
        How near counts as touching, in pixels.

    Returns
    -------
    tuple of int: numbers, oldest first.
    """
    reach = detection.object.mask.widened(reach_px)
    return tuple(
        n
        for n, event_state in near
        if event_state.is_open
        and event_state.gain == detection.gain
        and (event_state.is_ridge == detection.is_ridge or event_state.change is detection.change is Change.FENCING)
        and (reach & event_state.mask)
        and not _stands_beside(detection, event_state)
    )


def _stands_beside(detection: Detection, event_state: EventState) -> bool:
    """True for what was bared beside a wall, or built within or beside a closed one: it is not the wall itself."""
    is_other = detection.change is Change.CLEARING or (
        detection.change is Change.CONSTRUCTION and _is_closed(event_state)
    )
    mask = detection.object.mask
    return event_state.change is Change.FENCING and is_other and (mask & event_state.mask).pixels < 0.5 * mask.pixels


def extend(event_state: EventState, detection: Detection, *, today: int) -> EventState:
    """Add an object to an event.

    A re-based event that changes again, one that grows by a quarter, and one on which something is built now, takes a
    new step. Clearing becomes construction when something is built on it, never the other way round.

    Parameters
    ----------
    event_state
        The event as it stood.
    detection
        An object of this week.
    today
        Day number of the last day of the week.

    Returns
    -------
    EventState.
    """
    if event_state.is_ridge and detection.is_ridge:
        return _redrawn(event_state, detection, today=today)
    mask, core = (a | b for a, b in zip(_kept_ground(event_state, today), _ground(detection), strict=True))
    added = (mask - event_state.mask).pixels
    change = detection.change if _is_redrawn(event_state, today) else _later_change(event_state, detection)
    is_step = (event_state.rebased and bool(detection.object.mask)) or added > max(4, 0.25 * event_state.mask.pixels)
    began = detection.first_day
    if detection.built_day is not None and change is Change.CONSTRUCTION is not event_state.change:
        is_step, began = True, max(began, detection.built_day)
    new_step = is_step and began > event_state.steps[-1] + 14
    return replace(
        event_state,
        mask=mask,
        core=core,
        change=change,
        grown_day=today if added > GROWTH * event_state.mask.pixels or new_step else event_state.grown_day,
        scenes=tuple(dict.fromkeys((*event_state.scenes, *detection.scenes))),
        sensors=tuple(sorted({*event_state.sensors, *detection.sensors})),
        strength=_strength(event_state, detection, today),
        dates=max(event_state.dates, detection.dates),
        steps=(*event_state.steps, began) if new_step else event_state.steps,
        rebased=False if new_step else event_state.rebased,
        is_ridge=False,
        length_px=event_state.length_px
        if _is_closed(event_state)
        else _longer(event_state.length_px, detection.length_px),
        closure=_longer(event_state.closure, detection.closure),
        sighted_day=today,
        built=detection.built if _is_redrawn(event_state, today) else _either(event_state.built, detection.built),
        is_unfamiliar=_is_unfamiliar(event_state, detection, today),
    )


def _is_unfamiliar(event_state: EventState, detection: Detection, today: int) -> bool:
    """As any object of this week says; what is confirmed stays as it was confirmed."""
    if event_state.state is not State.PROVISIONAL:
        return event_state.is_unfamiliar
    return detection.is_unfamiliar or (event_state.is_unfamiliar and event_state.sighted_day == today)


def _is_closed(event_state: EventState) -> bool:
    """True for a wall that goes all the way round: what joins it later are roofs within, and it gets no longer."""
    return event_state.closure is not None and event_state.closure >= CLOSED


def _kept_ground(event_state: EventState, today: int) -> tuple[Footprint, Footprint]:
    """Mask and core that an event keeps when it is seen again."""
    if _is_redrawn(event_state, today):
        return empty(event_state.mask.shape), empty(event_state.mask.shape)
    return event_state.mask, event_state.core


def _is_redrawn(event_state: EventState, today: int) -> bool:
    """True for what is provisional, by the first object of a week: its ground and its change are judged anew.

    What haze lent it in spring goes again. What is confirmed stays.
    """
    return event_state.state is State.PROVISIONAL and event_state.sighted_day != today


def _ground(detection: Detection) -> tuple[Footprint, Footprint]:
    return detection.object.mask, detection.object.core


def merge_events(older: EventState, younger: EventState, *, today: int) -> tuple[EventState, EventState]:
    """Merge two events that have grown together: the older takes the ground, the younger says where it went.

    From then on the younger shares the fate of the older (`follow_merged`), and finishes.

    Parameters
    ----------
    older
        The event that keeps its key.
    younger
        The event that goes up into it.
    today
        Day number of the last day of the week.

    Returns
    -------
    EventState, EventState: the older and the younger as they are now.
    """
    whole = replace(
        older,
        mask=older.mask | younger.mask,
        core=older.core | younger.core,
        grown_day=today,
        scenes=tuple(sorted({*older.scenes, *younger.scenes}, key=_scene_order)),
        sensors=tuple(sorted({*older.sensors, *younger.sensors})),
        strength=max(older.strength, younger.strength),
        dates=max(older.dates, younger.dates),
        built=_either(older.built, younger.built),
    )
    return whole, replace(younger, merged_into=older.key)


def _scene_order(scene_id: str) -> tuple[str, str]:
    """By acquisition time, which follows the sensor in a scene's id, then by id."""
    return scene_id.partition("_")[2], scene_id


def follow_merged(event_state: EventState, into: EventState, *, today: int) -> EventState:
    """Move a merged event on to where the event that took it stands.

    Parameters
    ----------
    event_state
        The event as it stood.
    into
        The event that took it.
    today
        Day number of the last day of the week.

    Returns
    -------
    EventState, retracted with the other, or confirmed and finished.
    """
    if event_state.state in (State.RETRACTED, State.FINISHED):
        return event_state
    if into.state is State.RETRACTED and event_state.state is State.PROVISIONAL:
        return _enter(event_state, State.RETRACTED, today)
    if event_state.state is State.PROVISIONAL and into.confirmed_day is not None:
        event_state = replace(_enter(event_state, State.CONFIRMED, today), confirmed_day=today)
    return _enter(event_state, State.FINISHED, today) if event_state.state is State.CONFIRMED else event_state


def _redrawn(event_state: EventState, detection: Detection, *, today: int) -> EventState:
    """A line seen again, drawn anew if most of it is still there: pieces picked up week by week would grow a net."""
    seen_again = replace(
        event_state,
        scenes=tuple(dict.fromkeys((*event_state.scenes, *detection.scenes))),
        sensors=tuple(sorted({*event_state.sensors, *detection.sensors})),
        strength=_strength(event_state, detection, today),
        dates=max(event_state.dates, detection.dates),
        sighted_day=today,
        is_unfamiliar=_is_unfamiliar(event_state, detection, today),
    )
    mask = detection.object.mask
    if (mask & event_state.mask).pixels < 0.6 * event_state.mask.pixels:
        return seen_again
    grown = mask.pixels > 1.2 * event_state.mask.pixels
    return replace(
        seen_again,
        mask=mask,
        core=detection.object.core,
        grown_day=today if grown else event_state.grown_day,
        length_px=detection.length_px,
        closure=detection.closure,
    )


def _strength(event_state: EventState, detection: Detection, today: int) -> float:
    """The probability of its surest week once it is confirmed; until then that of the last, as one that fades fades."""
    is_last = event_state.state is State.PROVISIONAL and event_state.sighted_day != today
    return detection.strength if is_last else max(event_state.strength, detection.strength)


def _either(a: Footprint | None, b: Footprint | None) -> Footprint | None:
    return b if a is None else a if b is None else a | b


def _longer(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else max(a, b)


def _later_change(event_state: EventState, detection: Detection) -> Change:
    """The change after growth: construction once a fifth is built on, fencing once nearly all of it is a wall.

    A clearing is no wall for a strip at its side, and a wall no clearing for what is bared where it stands.
    """
    if not event_state.gain:
        return event_state.change
    whole = event_state.mask | detection.object.mask
    is_nearly_all = detection.object.mask.pixels >= 0.8 * whole.pixels or event_state.change is Change.FENCING
    is_wall_by_now = event_state.change is Change.CONSTRUCTION and (is_line(whole.mask) or is_ring(whole.mask))
    if detection.change is Change.FENCING and (is_nearly_all or is_wall_by_now):
        return Change.FENCING
    is_large = detection.object.mask.pixels >= 0.2 * event_state.mask.pixels
    if event_state.change is Change.CONSTRUCTION or (detection.change is Change.CONSTRUCTION and is_large):
        return Change.CONSTRUCTION
    return event_state.change


def confirm(event_state: EventState, *, sure_px: int, today: int, parameters: LifecycleParameters) -> EventState:
    """Confirm an event if enough dates and pixels say so; else leave it as it was.

    Parameters
    ----------
    event_state
        The event as it stood.
    sure_px
        How many of its pixels score as high as `ObjectParameters.core`.
    today
        Day number of the last day of the week.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    EventState.
    """
    p = parameters
    fewest = p.radar_px if event_state.sensors == (RADAR,) and not event_state.is_ridge else p.confirmed_px
    enough = sure_px >= max(fewest, p.confirmed_share * min(event_state.core.pixels, 40))
    dates = p.confirming_dates + int(event_state.is_ridge) + int(event_state.is_unfamiliar)
    wait = p.line_days // 2 if len(event_state.sensors) > 1 else p.line_days
    is_unlikely = event_state.strength < p.confirming_probability
    is_too_new = event_state.is_ridge and today - event_state.transitions[0].on.toordinal() < wait
    if (
        event_state.state is not State.PROVISIONAL
        or event_state.dates < dates
        or not enough
        or is_unlikely
        or is_too_new
    ):
        return event_state
    return replace(_enter(event_state, State.CONFIRMED, today), confirmed_day=today)


def update_state(
    event_state: EventState, *, held_share: float, last_acquisition: int, today: int, parameters: LifecycleParameters
) -> EventState:
    """Retract an event whose evidence went before it was confirmed, or weaken it; finish one that has long been quiet.

    Parameters
    ----------
    event_state
        The event as it stood.
    held_share
        Share of its surest pixels that still hold evidence, 0 to 1.
    last_acquisition
        Day number of the last acquisition: not having looked is no sign of calm.
    today
        Day number of the last day of the week.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    EventState.
    """
    if event_state.state is State.PROVISIONAL and held_share < parameters.kept_share:
        return _enter(event_state, State.RETRACTED, today)
    if event_state.state is State.PROVISIONAL:
        return replace(event_state, strength=event_state.strength * held_share)
    if event_state.state is State.CONFIRMED and last_acquisition - event_state.grown_day > parameters.quiet_days:
        return _enter(event_state, State.FINISHED, today)
    return event_state


def _enter(event_state: EventState, state: State, today: int) -> EventState:
    scene = event_state.scenes[-1] if event_state.scenes else ""
    step = Transition(state, date.fromordinal(today), scene)
    return replace(event_state, state=state, transitions=(*event_state.transitions, step))


def ground_of_events(event_states: Iterable[EventState], shape: tuple[int, int]) -> Mask:
    """Mark the ground of every event that was not retracted.

    Parameters
    ----------
    event_states
        Events of the area.
    shape
        Rows and columns.

    Returns
    -------
    bool (y, x).
    """
    out = np.zeros(shape, bool)
    for event_state in event_states:
        if event_state.state is not State.RETRACTED:
            out[event_state.mask.box] |= event_state.mask.mask
    return out
