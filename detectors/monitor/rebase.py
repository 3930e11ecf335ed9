"""Make changed ground the new baseline, so that the next change on it can be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import cast

import numpy as np

from detectors.acquisition import OPTICAL, Floats, Mask
from detectors.events.lifecycle import EventState
from detectors.evidence.belief import Evidence, clear_evidence, held_mask, log_odds
from detectors.footprint import Box
from detectors.monitor.state import AreaState
from detectors.sensor_series.pixel_state import PixelState, paste, window_of, with_own_pixels
from detectors.sensor_series.series import SensorSeries, compared_often, observed_again, reset_baseline


def rebased_events(state: AreaState, today: int) -> AreaState:
    """Make the ground of quiet confirmed events the new baseline, and clear their evidence.

    With it goes the rim whose contrast and texture the change has moved; what began to change after the event last
    grew is the next step, and is left to show itself.

    Parameters
    ----------
    state
        What the watch has learned so far.
    today
        Day number of the last day of the week.

    Returns
    -------
    AreaState.
    """
    p = state.parameters
    pixels: PixelState = state
    observed = _observed_windows(state)
    since, event_states = state.since, list(state.event_states)
    for number, event_state in enumerate(event_states):
        if event_state.confirmed_day is None or today - event_state.grown_day < p.rebase_days:
            continue
        # what clouds hid at first follows when it has been seen often enough
        box = event_state.mask.surroundings(p.rim_px)
        old = event_state.mask.widened(p.rim_px).within(box) & (since[box] < event_state.grown_day)
        if not old.any():
            continue
        part, own = window_of(pixels, box), event_state.mask.within(box)
        least_px = 0.0 if event_state.rebased else 0.5 * event_state.mask.pixels
        renewed, done = _renewed(
            part,
            event_state,
            own,
            old,
            least_px=least_px,
            fewest=p.rebase_acquisitions,
            observed=partial(observed, box),
        )
        if (done & own).sum() < least_px:
            continue
        if pixels is state:
            pixels, since = with_own_pixels(state), since.copy()
        paste(pixels, renewed, box)
        since[box][done] = event_state.grown_day
        event_states[number] = replace(event_state, rebased=True)
    return replace(
        state,
        all_series=pixels.all_series,
        evidence=pixels.evidence,
        since=since,
        event_states=tuple(event_states),
    )


def _observed_windows(state: AreaState) -> Callable[[Box, SensorSeries, int], Floats]:
    """Gives what one of the last acquisitions shows of a window; each is measured again once."""
    space, by_name = state.space, {series.name: series for series in state.all_series}

    @cache
    def whole(name: str, number: int) -> Floats:
        return cast(Floats, space.keep(observed_again(by_name[name], number, space=space)))

    return lambda box, series, number: whole(series.name, number)[(slice(None), *box)]


def _renewed(
    part: PixelState,
    event_state: EventState,
    own: Mask,
    old: Mask,
    *,
    least_px: float,
    fewest: int,
    observed: Callable[[SensorSeries, int], Floats],
) -> tuple[PixelState, Mask]:
    """A window re-based on the ground of an event and its rim, freed of their evidence, and where that was done.

    Evidence of a sensor is cleared where all its series were re-based: ground that clouds hid keeps both its old
    baseline and its evidence. Optical series say where the ground was renewed, radar where there are no others.
    Acquisitions are read again, and measured, where `least_px` pixels or more may be renewed, and one at least: while
    clouds hide the ground of an event that was re-based, radar is left as it is too.
    """
    whole = old & ~_next_step(part.evidence, own, event_state.grown_day)
    first = part.evidence.since.max(axis=(0, 1))
    since = np.where(own, np.maximum(first, event_state.steps[-1]), event_state.steps[-1]).astype(np.int32)
    done = np.zeros(own.shape, bool)
    telling = [c for c in part.all_series if c.sensor == OPTICAL] or part.all_series
    may_be = [compared_often(c, since=since, fewest=fewest) for c in telling if not c.is_waiting]
    can_be = np.logical_or.reduce([done, *may_be]) & whole
    if not can_be.any() or (can_be & own).sum() < least_px:
        return part, done
    all_series = []
    cleared: dict[str, Mask] = {}
    for series in part.all_series:
        if series.is_waiting:  # it gave no evidence
            all_series.append(series)
            continue
        fresh, changed = reset_baseline(
            series, whole & own, whole & ~own, since=since, fewest=fewest, observed=partial(observed, series)
        )
        all_series.append(fresh)
        cleared[series.sensor] = cleared.get(series.sensor, whole) & changed
        if any(series is one for one in telling):
            done |= changed
    evidence = part.evidence
    for sensor, mask in cleared.items():
        evidence = clear_evidence(evidence, mask, sensors=(sensor,))
    return replace(part, all_series=tuple(all_series), evidence=evidence), done


def _next_step(evidence: Evidence, own: Mask, grown_day: int) -> Mask:
    """Where evidence is held that began after an event last grew; beside its ground, only what is plain already.

    The change moves the contrast of what lies around it, which comes to light acquisition by acquisition.
    """
    plain = own | (log_odds(evidence).max(axis=0) >= 0.0)
    return np.asarray((evidence.since > grown_day).any(axis=(0, 1)) & held_mask(evidence) & plain)
