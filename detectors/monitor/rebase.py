"""Make changed ground the new baseline, so that the next change on it can be seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detectors.acquisition import OPTICAL, RADAR, Mask
from detectors.events.lifecycle import EventState
from detectors.evidence.belief import Evidence, clear_evidence, held_mask, log_odds
from detectors.monitor.state import AreaState, with_event_state
from detectors.morphology import widen
from detectors.sensor_series.series import SensorSeries, reset_baseline


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
    for index, event_state in enumerate(state.event_states):
        if event_state.confirmed_day is None or today - event_state.grown_day < p.rebase_days:
            continue
        old = state.since < event_state.grown_day  # what clouds hid at first follows when it has been seen often enough
        whole = widen(event_state.mask, p.rim_px) & old & ~_next_step(state.evidence, event_state)
        if not whole.any():
            continue
        all_series, evidence, done = _renewed(state, event_state, whole)
        if not event_state.rebased and (done & event_state.mask).sum() < 0.5 * event_state.mask.sum():
            continue
        state = replace(
            state,
            all_series=all_series,
            evidence=evidence,
            since=np.where(done, np.int32(event_state.grown_day), state.since).astype(np.int32),
            event_states=with_event_state(state.event_states, index, replace(event_state, rebased=True)),
        )
    return state


def _renewed(state: AreaState, event_state: EventState, whole: Mask) -> tuple[tuple[SensorSeries, ...], Evidence, Mask]:
    """The series re-based on the ground of an event and its rim, the evidence freed of it, and where that was done.

    Evidence of a sensor is cleared where all its series were re-based: ground that clouds hid keeps both its old
    baseline and its evidence. Optical series say where the ground was renewed, radar where there are no others.
    """
    first = state.evidence.since.max(axis=(0, 1))
    since = np.where(event_state.mask, np.maximum(first, event_state.steps[-1]), event_state.steps[-1]).astype(np.int32)
    all_series = []
    cleared: dict[str, Mask] = {}
    done = np.zeros(state.ground.shape, bool)
    for series in state.all_series:
        if series.is_waiting:  # it gave no evidence
            all_series.append(series)
            continue
        fresh, changed = reset_baseline(
            series,
            whole & event_state.mask,
            whole & ~event_state.mask,
            since=since,
            fewest=state.parameters.rebase_acquisitions,
        )
        all_series.append(fresh)
        cleared[series.sensor] = cleared.get(series.sensor, whole) & changed
        if series.sensor == OPTICAL or all(c.sensor == RADAR for c in state.all_series):
            done |= changed
    evidence = state.evidence
    for sensor, mask in cleared.items():
        evidence = clear_evidence(evidence, mask, sensors=(sensor,))
    return tuple(all_series), evidence, done


def _next_step(evidence: Evidence, event_state: EventState) -> Mask:
    """Where evidence is held that began after an event last grew; beside its ground, only what is plain already.

    The change moves the contrast of what lies around it, which comes to light acquisition by acquisition.
    """
    plain = event_state.mask | (log_odds(evidence).max(axis=0) >= 0.0)
    return np.asarray((evidence.since > event_state.grown_day).any(axis=(0, 1)) & held_mask(evidence) & plain)
