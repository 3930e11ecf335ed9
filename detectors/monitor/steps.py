"""The watch over one area, as a fold: history in, one look after another, and at each week's end what happened.

    state = begin(ground, history)
    state, report = observe(state, look)        for each look of the week, oldest first
    state = conclude(state, last_day)           at the end of the week
    events = events_of(state)

Each step returns a new state and changes nothing it was given; the same looks in the same order give the same state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from detectors.baseline.harmonic import DAYS_A_YEAR, Baseline
from detectors.events.lifecycle import (
    Track,
    TrackingParameters,
    absorb,
    confirm,
    follow,
    footprints,
    grow,
    open_track,
    owners_of,
    settle,
)
from detectors.evidence.accumulate import add_look, clear_evidence, no_evidence
from detectors.ground import Ground
from detectors.look import Floats, Look, Mask
from detectors.monitor.rebase import rebased_events
from detectors.monitor.state import AreaState, MonitorParameters, with_series, with_track
from detectors.objects.extract import sightings_of
from detectors.objects.object_record import Sighting
from detectors.preprocessing.align import LookReport, read_look
from detectors.records import State
from detectors.sensor_series.channel import compare, found_channel, remember


def begin(
    ground: Ground, history: Sequence[Look], *, parameters: MonitorParameters | None = None
) -> tuple[AreaState, tuple[LookReport, ...]]:
    """The state before the first week: a baseline for each channel that the history holds, no evidence, no event."""
    state = AreaState(
        ground,
        (),
        no_evidence(ground.shape),
        (),
        np.zeros(ground.shape, np.int32),
        parameters or MonitorParameters(),
    )
    reports: list[LookReport] = []
    for name in sorted({look.channel for look in history}):
        looks = [look for look in history if look.channel == name]
        channel, told = found_channel(looks, watched=ground.watched, since=state.since)
        reports.extend(told)
        if channel is not None:
            state = with_series(state, channel)
    return state, tuple(reports)


def observe(state: AreaState, look: Look) -> tuple[AreaState, LookReport]:
    """The state after one more look. The first look of a channel without history becomes its baseline."""
    channel = state.channel(look.channel)
    if channel is None:
        founded, reports = found_channel([look], watched=state.ground.watched, since=state.since)
        return (state if founded is None else with_series(state, founded)), reports[0]
    reading = read_look(look, reference=channel.reference, watched=state.ground.watched)
    report = reading.report
    if report.status != "used" or not reading.features.names:
        return state, report
    settled = state.ground.watched & ~footprints(state.tracks, state.ground.shape)
    residual, metric, familiar = compare(channel, reading.features, day=report.day, settled=settled)
    evidence = add_look(state.evidence, metric, day=report.day, familiar=familiar, cues=channel.cues)
    state = with_series(state, remember(channel, residual, metric, report))
    return replace(state, evidence=evidence), report


def conclude(state: AreaState, *, today: int) -> AreaState:
    """The state at the end of a week: objects found, joined to events or opened as new ones, and every event moved on.

    `today` is the day number of the week's last day.
    """
    p = state.parameters.tracking
    last_look = max((c.last_day for c in state.channels), default=0)
    if last_look <= state.concluded:
        return state  # nothing was seen, so nothing is known to have changed or to have stopped
    sightings, strength = sightings_of(state)
    tracks = state.tracks
    held = np.asarray((state.evidence.count > 0).any(axis=0))
    for sighting in sightings:
        tracks = _joined(tracks, sighting, strength, today=today, parameters=p)
    tracks = tuple(
        settle(t, held_share=_held_share(held, t, today), last_look=last_look, today=today, parameters=p)
        if t.is_open
        else t
        for t in tracks
    )
    tracks = tuple(t if t.merged_into is None else follow(t, tracks, today=today) for t in tracks)
    open_ground = footprints(tuple(t for t in tracks if t.is_open), state.ground.shape)
    closed = footprints(_finished_on(tracks, today), state.ground.shape)
    evidence = clear_evidence(state.evidence, closed & ~open_ground)
    return rebased_events(replace(state, tracks=tracks, evidence=evidence, concluded=today), today)


def _joined(
    tracks: tuple[Track, ...],
    sighting: Sighting,
    strength: Floats,
    *,
    today: int,
    parameters: TrackingParameters,
) -> tuple[Track, ...]:
    """The events with an object joined to those it touches, which then are one, or opened as a new one."""
    owners = owners_of(sighting, tracks, reach_px=parameters.reach_px)
    if not owners:
        taken = frozenset(t.key for t in tracks)
        owner = len(tracks)
        tracks = (*tracks, open_track(sighting, strength, today=today, taken=taken))
    else:
        owner = owners[0]
        for other in owners[1:]:
            older, younger = absorb(tracks[owner], tracks[other], today=today)
            tracks = with_track(with_track(tracks, owner, older), other, younger)
        tracks = with_track(tracks, owner, grow(tracks[owner], sighting, today=today))
    return with_track(
        tracks, owner, confirm(tracks[owner], sure_px=sighting.sure_px, today=today, parameters=parameters)
    )


def is_refit_due(state: AreaState, name: str, *, day: int) -> bool:
    """True when a channel's baseline should be fitted again before the week that ends on a day."""
    channel = state.channel(name)
    if channel is None or not channel.looked:
        return False
    p = state.parameters
    passed = any(channel.history < n <= channel.history + channel.looked for n in p.refit_at)
    return passed or day - channel.fitted_on >= p.refit_days


def refit(state: AreaState, name: str, history: Sequence[Look], *, day: int) -> AreaState:
    """The state with one channel's baseline fitted on a longer history.

    Pixels that hold evidence, or whose event is still open and not yet re-based, keep the baseline that the evidence
    was measured against; ground that is not a year old keeps the one it was re-based to.
    """
    old = state.channel(name)
    if old is None:
        return state
    new, _ = found_channel(history, watched=state.ground.watched, since=state.since)
    if new is None or new.names != old.names:
        return state
    waiting = [t for t in state.tracks if t.is_open and not t.rebased]
    kept = footprints(tuple(waiting), state.ground.shape) | (state.evidence.count[list(old.cues)] > 0).any(axis=0)
    kept |= (state.since > 0) & (day - state.since < DAYS_A_YEAR)
    merged = _merged(old.baseline, new.baseline, kept)
    fresh = replace(old, baseline=merged, history=new.history, fitted_on=day, looked=0)
    return with_series(state, fresh)


def _merged(old: Baseline, new: Baseline, kept: Mask) -> Baseline:
    """The new baseline, with the old one's pixels where it is kept or where the new history shows nothing."""
    pairs = max(old.pairs, new.pairs)
    kept = kept | ~np.isfinite(new.coefficients[0, 0])
    old_c, new_c = (_padded(b, pairs) for b in (old, new))
    return replace(
        new,
        pairs=pairs,
        coefficients=np.where(kept, old_c, new_c).astype(np.float32),
        spread=np.where(kept, old.spread, new.spread).astype(np.float32),
        lowest=np.where(kept, old.lowest, new.lowest),
        highest=np.where(kept, old.highest, new.highest),
        looks=np.where(kept, old.looks, new.looks).astype(np.int16),
        information=new.information if new.pairs == pairs else old.information,
    )


def _padded(baseline: Baseline, pairs: int) -> npt.NDArray[np.float32]:
    missing = 1 + 2 * pairs - baseline.terms
    return np.pad(baseline.coefficients, ((0, 0), (0, missing), (0, 0), (0, 0)))


def _finished_on(tracks: tuple[Track, ...], today: int) -> tuple[Track, ...]:
    return tuple(t for t in tracks if t.state is State.FINISHED and t.transitions[-1].on.toordinal() == today)


def _held_share(held: Mask, track: Track, today: int) -> float:
    """The share of an event's surest pixels that still hold evidence; all of it when it was sighted this week."""
    if track.sighted_day == today:
        return 1.0
    core = track.core if track.core.any() else track.mask
    return float(held[core].mean())
