"""Make changed ground the new baseline, so that the next change on it can be seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detectors.events.lifecycle import (
    Track,
)
from detectors.evidence.accumulate import Cue, Evidence, clear_evidence
from detectors.look import OPTICAL, RADAR, Mask
from detectors.monitor.state import AreaState, with_track
from detectors.morphology import widen
from detectors.objects.patches import ObjectParameters
from detectors.sensor_series.channel import Channel, rebase


def rebased_events(state: AreaState, today: int) -> AreaState:
    """The state with the ground of quiet confirmed events made the new baseline, and their evidence cleared.

    With it goes the rim whose contrast and texture the change has moved; what began to change after the event last
    grew is the next step, and is left to show itself.
    """
    p = state.parameters
    for index, track in enumerate(state.tracks):
        if track.confirmed_day is None or today - track.grown_day < p.rebase_days:
            continue
        old = state.since < track.grown_day  # what clouds hid at first follows when it has been seen often enough
        whole = widen(track.mask, p.rim_px) & old & ~_next_step(state.evidence, track)
        if not whole.any():
            continue
        channels, evidence, done = _renewed(state, track, whole)
        if not track.rebased and (done & track.mask).sum() < 0.5 * track.mask.sum():
            continue
        state = replace(
            state,
            channels=channels,
            evidence=evidence,
            since=np.where(done, np.int32(track.grown_day), state.since).astype(np.int32),
            tracks=with_track(state.tracks, index, replace(track, rebased=True)),
        )
    return state


def _renewed(state: AreaState, track: Track, whole: Mask) -> tuple[tuple[Channel, ...], Evidence, Mask]:
    """The channels re-based on the ground of an event and its rim, the evidence freed of it, and where that was done.

    A cue is cleared where every channel that writes it was re-based: ground that clouds hid keeps both its old
    baseline and its evidence. Optical channels say where the ground was renewed, radar where there are no others.
    """
    first = np.where(state.evidence.count > 0, state.evidence.first, 0).max(axis=0)
    since = np.where(track.mask, np.maximum(first, track.steps[-1]), track.steps[-1]).astype(np.int32)
    channels = []
    cleared: dict[Cue, Mask] = {}
    done = np.zeros(state.ground.shape, bool)
    for channel in state.channels:
        fresh, changed = rebase(
            channel,
            whole & track.mask,
            whole & ~track.mask,
            since=since,
            fewest=state.parameters.rebase_looks,
        )
        channels.append(fresh)
        for cue in channel.cues:
            cleared[cue] = cleared.get(cue, whole) & changed
        if channel.sensor == OPTICAL or all(c.sensor == RADAR for c in state.channels):
            done |= changed
    layers = np.stack([cleared.get(cue, np.zeros_like(whole)) for cue in Cue])
    return tuple(channels), clear_evidence(state.evidence, layers), done


def _next_step(evidence: Evidence, track: Track) -> Mask:
    """Where evidence is held that began after an event last grew; beside its ground, only what is plain already.

    The change moves the contrast of what lies around it, which comes to light look by look.
    """
    plain = track.mask | (evidence.confidence >= ObjectParameters().least).any(axis=0)
    return np.asarray(((evidence.count > 0) & (evidence.first > track.grown_day)).any(axis=0) & plain)
