"""The life of an event, from the first objects to the day on which nothing more happens.

The states are those of OPERA DIST-ALERT (SCIENCE.md, "States of an event"): provisional, confirmed, finished,
retracted; never backwards. An event grows by objects that touch it; what happens in it after its ground was re-based
is its next step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from detectors.look import RADAR, Floats, Mask
from detectors.objects.object_record import Sighting
from detectors.objects.patches import anchor, is_line, is_ring, touching
from detectors.records import Change, State, Transition

CLOSED = 0.95  # of the directions around
GROWTH = 0.05  # of an event by which it has grown: a pixel more or less at its rim is none


@dataclass(frozen=True)
class TrackingParameters:
    """When an event changes its state.

    `confirming_dates` looks must show it (SCIENCE.md: never confirmed on fewer than three; a line alone needs one
    more, and to have been found first `line_days` ago, half as long if by both instruments: lines of fields that green
    come and go within weeks), and `confirmed_share` of its pixels, `confirmed_px` at least, must have reached the
    confirming confidence, or `radar_px` by radar alone, whose pixels are averaged over nine, so that fewer are one
    reading. It is retracted when under `kept_share` of its pixels still hold evidence before it was confirmed. It is
    finished when it did not grow for `quiet_days` (DIST-ALERT says 30; building pauses for a winter or the rains).
    Objects within `reach_px` of an open event are its growth.
    """

    confirming_dates: int = 3
    confirmed_share: float = 0.5
    confirmed_px: int = 3
    radar_px: int = 9
    kept_share: float = 0.34
    quiet_days: int = 240
    line_days: int = 28
    reach_px: int = 2


@dataclass(frozen=True)
class Track:
    """An event as the monitor follows it.

    `mask` and `core` bool (y, x). `kinds` counts, for each change, the pixels that spoke for it. `steps` are the days
    on which it grew by a step of its own. `sure` is the share of pixels at or above the confirming confidence,
    `strength` the mean confidence (mean · count²) over the core. `built` bool (y, x) is where something ever stood: the
    evidence of that goes when the ground is re-based.
    """

    key: str
    gain: bool
    change: Change
    mask: Mask
    core: Mask
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
    built: Mask | None = None

    @property
    def is_open(self) -> bool:
        """True while it may still grow."""
        return self.state in (State.PROVISIONAL, State.CONFIRMED) and self.merged_into is None


def open_track(sighting: Sighting, strength: Floats, *, today: int, taken: frozenset[str]) -> Track:
    """A new, provisional event. Its key is made of where and when it was first seen, and so survives replays.

    `taken` are the keys in use: evidence that comes back after a retraction opens another event at the same place.
    """
    row, column = anchor(sighting.object.mask, strength)
    first = date.fromordinal(sighting.first_day)
    sign = "f" if sighting.is_ridge else "g" if sighting.gain else "l"
    scene = sighting.scenes[-1] if sighting.scenes else ""
    return Track(
        key=_free(f"{sign}{first:%Y%m%d}-{row}-{column}", taken),
        gain=sighting.gain,
        change=sighting.change,
        mask=sighting.object.mask,
        core=sighting.object.core,
        first_day=sighting.first_day,
        grown_day=today,
        state=State.PROVISIONAL,
        confirmed_day=None,
        scenes=sighting.scenes,
        sensors=sighting.sensors,
        transitions=(Transition(State.PROVISIONAL, date.fromordinal(today), scene),),
        steps=(sighting.first_day,),
        strength=sighting.strength,
        dates=sighting.dates,
        is_ridge=sighting.is_ridge,
        length_px=sighting.length_px,
        closure=sighting.closure,
        sighted_day=today,
        built=sighting.built,
    )


def _free(key: str, taken: frozenset[str]) -> str:
    again = 2
    name = key
    while name in taken:
        name, again = f"{key}-{again}", again + 1
    return name


def owners_of(sighting: Sighting, tracks: tuple[Track, ...], *, reach_px: int) -> tuple[int, ...]:
    """The indices of the open events of the same sign that the object touches, oldest first.

    A line joins what is told as a wall, and only that. What was bared beside one, or built within a closed one, is
    an event of its own.
    """
    found = []
    for n, track in enumerate(tracks):
        if (
            track.is_open
            and track.gain == sighting.gain
            and (track.is_ridge == sighting.is_ridge or track.change is sighting.change is Change.FENCING)
            and not _stands_beside(sighting, track)
            and touching(sighting.object.mask, track.mask, within_px=reach_px)
        ):
            found.append(n)
    return tuple(found)


def _stands_beside(sighting: Sighting, track: Track) -> bool:
    """True for what was bared beside a wall, or built within or beside a closed one: it is not the wall itself."""
    is_other = sighting.change is Change.CLEARING or (sighting.change is Change.CONSTRUCTION and _is_closed(track))
    mask = sighting.object.mask
    return track.change is Change.FENCING and is_other and bool((mask & track.mask).sum() < 0.5 * mask.sum())


def grow(track: Track, sighting: Sighting, *, today: int) -> Track:
    """The event with an object added to it.

    A re-based event that changes again, one that grows by a quarter, and one on which something is built now, takes a
    new step. Clearing becomes construction when something is built on it, never the other way round.
    """
    if track.is_ridge and sighting.is_ridge:
        return _redrawn(track, sighting, today=today)
    mask, core = (a | b for a, b in zip(_kept_ground(track, today), _ground(sighting), strict=True))
    added = int((mask & ~track.mask).sum())
    change = sighting.change if _is_redrawn(track, today) else _later_change(track, sighting)
    is_step = (track.rebased and bool(sighting.object.mask.any())) or added > max(4, 0.25 * track.mask.sum())
    began = sighting.first_day
    if sighting.built_day is not None and change is Change.CONSTRUCTION is not track.change:
        is_step, began = True, max(began, sighting.built_day)
    new_step = is_step and began > track.steps[-1] + 14
    return replace(
        track,
        mask=mask,
        core=core,
        change=change,
        grown_day=today if added > GROWTH * track.mask.sum() or new_step else track.grown_day,
        scenes=tuple(dict.fromkeys((*track.scenes, *sighting.scenes))),
        sensors=tuple(sorted({*track.sensors, *sighting.sensors})),
        strength=max(track.strength, sighting.strength),
        dates=max(track.dates, sighting.dates),
        steps=(*track.steps, began) if new_step else track.steps,
        rebased=False if new_step else track.rebased,
        is_ridge=False,
        length_px=track.length_px if _is_closed(track) else _longer(track.length_px, sighting.length_px),
        closure=_longer(track.closure, sighting.closure),
        sighted_day=today,
        built=sighting.built if _is_redrawn(track, today) else _either(track.built, sighting.built),
    )


def _is_closed(track: Track) -> bool:
    """True for a wall that goes all the way round: what joins it later are roofs within, and it gets no longer."""
    return track.closure is not None and track.closure >= CLOSED


def _kept_ground(track: Track, today: int) -> tuple[Mask, Mask]:
    """Mask and core that an event keeps when it is seen again."""
    if _is_redrawn(track, today):
        return np.zeros_like(track.mask), np.zeros_like(track.core)
    return track.mask, track.core


def _is_redrawn(track: Track, today: int) -> bool:
    """True for what is provisional, by the first object of a week: its ground and its change are judged anew.

    What haze lent it in spring goes again. What is confirmed stays.
    """
    return track.state is State.PROVISIONAL and track.sighted_day != today


def _ground(sighting: Sighting) -> tuple[Mask, Mask]:
    return sighting.object.mask, sighting.object.core


def absorb(older: Track, younger: Track, *, today: int) -> tuple[Track, Track]:
    """Two events that have grown together: the older takes the ground, the younger says where it went.

    From then on the younger shares the fate of the older (`follow`), and finishes.
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


def follow(track: Track, tracks: tuple[Track, ...], *, today: int) -> Track:
    """A merged event moved on to where the event that took it stands: retracted with it, or confirmed and finished."""
    into = next(t for t in tracks if t.key == track.merged_into)
    if track.state in (State.RETRACTED, State.FINISHED):
        return track
    if into.state is State.RETRACTED and track.state is State.PROVISIONAL:
        return _enter(track, State.RETRACTED, today)
    if track.state is State.PROVISIONAL and into.confirmed_day is not None:
        track = replace(_enter(track, State.CONFIRMED, today), confirmed_day=today)
    return _enter(track, State.FINISHED, today) if track.state is State.CONFIRMED else track


def _redrawn(track: Track, sighting: Sighting, *, today: int) -> Track:
    """A line seen again, drawn anew if most of it is still there: pieces picked up week by week would grow a net."""
    seen_again = replace(
        track,
        scenes=tuple(dict.fromkeys((*track.scenes, *sighting.scenes))),
        sensors=tuple(sorted({*track.sensors, *sighting.sensors})),
        strength=max(track.strength, sighting.strength),
        dates=max(track.dates, sighting.dates),
        sighted_day=today,
    )
    mask = sighting.object.mask
    if (mask & track.mask).sum() < 0.6 * track.mask.sum():
        return seen_again
    grown = mask.sum() > 1.2 * track.mask.sum()
    return replace(
        seen_again,
        mask=mask,
        core=sighting.object.core,
        grown_day=today if grown else track.grown_day,
        length_px=sighting.length_px,
        closure=sighting.closure,
    )


def _either(a: Mask | None, b: Mask | None) -> Mask | None:
    return b if a is None else a if b is None else a | b


def _longer(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else max(a, b)


def _later_change(track: Track, sighting: Sighting) -> Change:
    """The change after growth: construction once a fifth is built on, fencing once nearly all of it is a wall.

    A clearing is no wall for a strip at its side, and a wall no clearing for what is bared where it stands.
    """
    if not track.gain:
        return track.change
    whole = track.mask | sighting.object.mask
    is_nearly_all = sighting.object.mask.sum() >= 0.8 * whole.sum() or track.change is Change.FENCING
    is_wall_by_now = track.change is Change.CONSTRUCTION and (is_line(whole) or is_ring(whole))
    if sighting.change is Change.FENCING and (is_nearly_all or is_wall_by_now):
        return Change.FENCING
    is_large = sighting.object.mask.sum() >= 0.2 * track.mask.sum()
    if track.change is Change.CONSTRUCTION or (sighting.change is Change.CONSTRUCTION and is_large):
        return Change.CONSTRUCTION
    return track.change


def confirm(track: Track, *, sure_px: int, today: int, parameters: TrackingParameters) -> Track:
    """The event confirmed, if enough dates and pixels say so; else as it was."""
    p = parameters
    fewest = p.radar_px if track.sensors == (RADAR,) and not track.is_ridge else p.confirmed_px
    enough = sure_px >= max(fewest, p.confirmed_share * min(track.core.sum(), 40))
    dates = p.confirming_dates + (1 if track.is_ridge else 0)
    wait = p.line_days // 2 if len(track.sensors) > 1 else p.line_days
    is_too_new = track.is_ridge and today - track.transitions[0].on.toordinal() < wait
    if track.state is not State.PROVISIONAL or track.dates < dates or not enough or is_too_new:
        return track
    return replace(_enter(track, State.CONFIRMED, today), confirmed_day=today)


def settle(track: Track, *, held_share: float, last_look: int, today: int, parameters: TrackingParameters) -> Track:
    """The event retracted when its evidence went before it was confirmed, finished when it was
    looked at long after it last grew: not having looked is no sign of calm."""
    if track.state is State.PROVISIONAL and held_share < parameters.kept_share:
        return _enter(track, State.RETRACTED, today)
    if track.state is State.CONFIRMED and last_look - track.grown_day > parameters.quiet_days:
        return _enter(track, State.FINISHED, today)
    return track


def _enter(track: Track, state: State, today: int) -> Track:
    scene = track.scenes[-1] if track.scenes else ""
    step = Transition(state, date.fromordinal(today), scene)
    return replace(track, state=state, transitions=(*track.transitions, step))


def footprints(tracks: tuple[Track, ...], shape: tuple[int, int]) -> Mask:
    """The ground of every event that was not retracted, bool (y, x)."""
    out = np.zeros(shape, bool)
    for track in tracks:
        if track.state is not State.RETRACTED:
            out |= track.mask
    return out
