"""The watch over one area, as a fold: history in, one acquisition after another, and at each week's end what happened.

    state = begin(ground, history)
    state, report = observe(state, acquisition)        for each acquisition of the week, oldest first
    state = conclude(state, last_day)           at the end of the week
    events = events_of(state)

Each step returns a new state and changes nothing it was given; the same acquisitions in the same order give the same
state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from detectors.acquisition import OPTICAL, AnyAcquisition, Floats, Mask
from detectors.array_space import IN_MEMORY, ArraySpace, by_strips, strips_of, write_by_strips
from detectors.baseline.harmonic import DAYS_A_YEAR, Baseline
from detectors.baseline.residual import apply_motion
from detectors.events.event_index import EventIndex
from detectors.events.lifecycle import (
    EventState,
    LifecycleParameters,
    confirm,
    extend,
    follow_merged,
    ground_of_events,
    merge_events,
    open_event,
    owners_of,
    update_state,
)
from detectors.evidence.belief import (
    PARAMETERS,
    REMOVED,
    SENSORS,
    Evidence,
    add_ranks,
    clear_evidence,
    held_mask,
    kept_evidence,
    log_odds,
    no_evidence,
    pass_time,
    ranks_of,
    settle_ranks,
)
from detectors.evidence.emission import log_ratios, relative_scatter
from detectors.evidence.signatures import ONE_SCENE, SignatureTable, load_signatures
from detectors.ground import Ground
from detectors.lattice import AFTER_SEASONS_PX, lattice_of
from detectors.monitor.rebase import rebased_events
from detectors.monitor.state import AreaState, MonitorParameters, with_series, without_platforms
from detectors.monitor.unfamiliar import with_familiarity
from detectors.objects.extract import detections_of
from detectors.objects.object_record import Detection
from detectors.preprocessing.align import AcquisitionReport, align_acquisition
from detectors.preprocessing.features import Features
from detectors.preprocessing.platforms import is_apart
from detectors.preprocessing.registration import RegistrationParameters
from detectors.records import State
from detectors.rounding import Codes, coded_said, coded_z, rounded_probability
from detectors.sensor_series.scene import SAID, apply_scene, measure_scene
from detectors.sensor_series.series import (
    SensorSeries,
    append_acquisition,
    build_series,
    compare,
    count_lost,
    keep_apart,
    observed_of,
    reference_of,
    split_by_platform,
)


def begin(
    ground: Ground,
    history: Sequence[AnyAcquisition],
    *,
    parameters: MonitorParameters | None = None,
    space: ArraySpace = IN_MEMORY,
) -> tuple[AreaState, tuple[AcquisitionReport, ...]]:
    """Begin a watch: fit a baseline for each series of the history; there is no evidence and no event yet.

    Parameters
    ----------
    ground
        The area on its grid.
    history
        All acquisitions before the first week.
    parameters
        Thresholds; the defaults where left out.
    space
        Where the arrays of the area lie.

    Returns
    -------
    AreaState, tuple of AcquisitionReport: the state before the first week, and what became of each acquisition.
    """
    state = AreaState(
        ground,
        (),
        no_evidence(ground.shape, space=space),
        (),
        np.zeros(ground.shape, np.int32),
        parameters or MonitorParameters(),
        space=space,
    )
    reports: list[AcquisitionReport] = []
    for name in sorted({acquisition.series for acquisition in history}):
        for together in split_by_platform([acquisition for acquisition in history if acquisition.series == name]):
            series, told = build_series(together, monitored_mask=ground.monitored_mask, since=state.since, space=space)
            reports.extend(told)
            if series is not None:
                state = with_series(state, series)
    return state, tuple(reports)


def observe(state: AreaState, stored: AnyAcquisition) -> tuple[AreaState, AcquisitionReport]:
    """Take in one more acquisition. The first one of a series without history becomes its baseline.

    Parameters
    ----------
    state
        What the watch has learned so far.
    stored
        One scene as numbers, or read as such when it is asked for.

    Returns
    -------
    AreaState, AcquisitionReport.
    """
    series = state.series(stored.series)
    if series is not None and is_apart(stored, series.positions):
        stored = keep_apart(stored)
        series = state.series(stored.series)
    if series is None:
        founded, reports = build_series(
            [stored], monitored_mask=state.ground.monitored_mask, since=state.since, space=state.space
        )
        return (state if founded is None else with_series(state, founded)), reports[0]
    reading = align_acquisition(
        stored.loaded(),
        reference=series.reference,
        monitored_mask=state.ground.monitored_mask,
        positions=series.positions,
        space=state.space,
    )
    report = reading.report
    if report.status == "used" and series.is_waiting:
        note = "kept apart: where images of its platform lie is not known yet"
        return with_series(state, count_lost(series)), replace(report, status="refused", note=note)
    if report.status != "used" or not reading.features.names:
        is_out_of_register = bool(series.positions) and report.shift.is_known
        return with_series(state, count_lost(series)) if is_out_of_register else state, report
    stable_mask = state.ground.monitored_mask & ~ground_of_events(state.event_states, state.ground.shape)
    table = load_signatures(state.parameters.signatures)
    take_in = _after_one_scene if series.history_kind == ONE_SCENE else _after_seasons
    evidence, shown, scatter = take_in(state, series, reading.features, report.day, stable_mask, table)
    widest = table.scatter.get(series.sensor, {}).get(series.history_kind)
    if widest is not None and widest < scatter:
        notes = (report.note, "scatters more than any scene the table was fitted on")
        report = replace(report, is_unfamiliar=True, note="; ".join(filter(None, notes)))
    return replace(with_series(state, append_acquisition(series, stored, *shown, report)), evidence=evidence), report


Shown = tuple[Codes, Codes]
"""What a scene shows: z of the features of `z_names`, (feature, y, x), and what it says for a gain and a loss."""


def _after_seasons(
    state: AreaState, series: SensorSeries, features: Features, day: int, stable_mask: Mask, table: SignatureTable
) -> tuple[Evidence, Shown, float]:
    """The evidence with one scene more after a history of seasons, what the scene shows, and how far it scatters."""
    space, baseline, observed = state.space, series.baseline, observed_of(series, features)
    some = lattice_of(stable_mask.shape, all_px=AFTER_SEASONS_PX)
    measures = measure_scene(
        observed[:, *some],
        baseline.at(some),
        sensor=series.sensor,
        day=day,
        stable_mask=stable_mask[some],
        table=table,
    )
    evidence = settle_ranks(state.evidence, space=space) if series.sensor == OPTICAL else state.evidence
    evidence, move = pass_time(evidence, sensor=series.sensor, day=day, space=space)
    row = SENSORS.index(series.sensor)
    kept = [series.names.index(name) for name in series.z_names]
    z, said = (space.empty((layers, *stable_mask.shape), np.int16) for layers in (len(kept), 2))
    for strip in strips_of(state.ground.shape, space):
        at, block, expected = (slice(None), *strip), observed[:, *strip], baseline.at(strip)
        before = evidence.probability[(row, *at)], evidence.since[(row, *at)]
        out = np.empty((SAID, *block.shape[1:]), np.float32), np.empty_like(before[0]), np.empty_like(before[1])
        apply_scene(block, expected, measures, before, move=move, table=table, out=out)
        evidence.probability[(row, *at)], evidence.since[(row, *at)] = rounded_probability(out[1]), out[2]
        residual = apply_motion(block, expected, measures.motion, day=day, factor=measures.factor)
        z[at] = coded_z(residual.z[kept])
        said[at] = coded_said(np.stack([out[0][:REMOVED].max(axis=0), out[0][REMOVED]]))
    return evidence, (z, said), measures.scatter


def _after_one_scene(
    state: AreaState, series: SensorSeries, features: Features, day: int, stable_mask: Mask, table: SignatureTable
) -> tuple[Evidence, Shown, float]:
    """The same after a history of one scene. Places are asked there, and so the whole area at once."""
    everywhere, keep = (slice(None), slice(None)), state.space.keep
    series, features = replace(series, baseline=series.baseline.at(everywhere)), features.at(everywhere)
    residual = compare(series, features, day=day, stable_mask=stable_mask)
    ratios, turned, lead = log_ratios(
        residual.z,
        series.names,
        sensor=series.sensor,
        history=ONE_SCENE,
        stable_mask=stable_mask,
        resolution_px=series.resolution_px,
        table=table,
    )
    scatter = relative_scatter(
        residual.z, series.names, sensor=series.sensor, history=ONE_SCENE, stable_mask=stable_mask, table=table
    )
    evidence = kept_evidence(add_ranks(state.evidence.at(everywhere), ratios, turned, lead, day=day), state.space)
    best = np.fmax.reduce(ratios, axis=0)
    said = np.stack([best[:REMOVED].max(axis=0), best[REMOVED]]) - np.float32(PARAMETERS.rank_place)
    z = coded_z(residual.z[[series.names.index(name) for name in series.z_names]])
    return evidence, (keep(z), keep(coded_said(said))), scatter


def end_week(state: AreaState, *, today: int) -> AreaState:
    """End a week: find objects, join them to events or open new ones, and move every event on.

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
    p = state.parameters.lifecycle
    last_acquisition = max((c.last_day for c in state.all_series), default=0)
    if last_acquisition <= state.concluded:
        return state  # nothing was seen, so nothing is known to have changed or to have stopped
    table = load_signatures(state.parameters.signatures)
    detections, strength = detections_of(state, table)
    event_states = _joined(state.event_states, with_familiarity(detections, state, table), strength, today, p)
    held = by_strips(state.ground.shape, state.space, lambda strip: held_mask(state.evidence.at(strip)))
    event_states = [
        update_state(
            t, held_share=_held_share(held, t, today), last_acquisition=last_acquisition, today=today, parameters=p
        )
        if t.is_open
        else t
        for t in event_states
    ]
    by_key = {t.key: t for t in event_states}
    event_states = [
        t if t.merged_into is None else follow_merged(t, by_key[t.merged_into], today=today) for t in event_states
    ]
    open_ground = ground_of_events((t for t in event_states if t.is_open), state.ground.shape)
    closed = ground_of_events(_finished_on(event_states, today), state.ground.shape)
    evidence = clear_evidence(state.evidence, closed & ~open_ground, space=state.space)
    return rebased_events(replace(state, event_states=tuple(event_states), evidence=evidence, concluded=today), today)


def _joined(
    known: Sequence[EventState],
    detections: Iterable[Detection],
    strength: Floats,
    today: int,
    parameters: LifecycleParameters,
) -> list[EventState]:
    """The events with each object joined to those it touches, which then are one, or opened as a new one."""
    event_states, index, taken = list(known), EventIndex(known), {t.key for t in known}
    for detection in detections:
        around = detection.object.mask.surroundings(parameters.reach_px)
        near = ((n, event_states[n]) for n in index.near(around))
        owner, *others = owners_of(detection, near, reach_px=parameters.reach_px) or (len(event_states),)
        if owner == len(event_states):
            event_states.append(open_event(detection, strength, today=today, taken=taken))
            taken.add(event_states[owner].key)
        else:
            for other in others:
                older, younger = merge_events(event_states[owner], event_states[other], today=today)
                event_states[owner], event_states[other] = older, younger
            event_states[owner] = extend(event_states[owner], detection, today=today)
        event_states[owner] = confirm(
            event_states[owner], sure_px=detection.sure_px, today=today, parameters=parameters
        )
        index.add(owner, event_states[owner])
    return event_states


def is_refit_due(state: AreaState, name: str, *, day: int) -> bool:
    """Decide whether the baseline of a series should be fitted again before a week.

    Parameters
    ----------
    state
        What the watch has learned so far.
    name
        The name of the series.
    day
        Day number of the first day of the week.

    Returns
    -------
    bool; False for a series that is not there.
    """
    series = state.series(name)
    if series is None or not (series.looked or series.is_place_due):
        return False
    p = state.parameters
    passed = any(series.history < n <= series.history + series.looked for n in p.refit_at)
    return series.is_place_due or passed or day - series.fitted_on >= p.refit_days


def refit(state: AreaState, name: str, history: Sequence[AnyAcquisition], *, day: int) -> AreaState:
    """Fit the baseline of one series on a longer history.

    Pixels that are likelier changed than not, or told after one scene, or whose likely event is open and not yet
    re-based, keep the baseline that the evidence was measured against; ground that is not a year old keeps the one it
    was re-based to.

    Parameters
    ----------
    state
        What the watch has learned so far.
    name
        The name of the series.
    history
        Earlier acquisitions of that series, oldest first.
    day
        Day number of the fit.

    Returns
    -------
    AreaState, unchanged where the history gives no baseline or other features.
    """
    old = state.series(name)
    if old is None:
        return state
    old = replace(old, lost=0)
    state = with_series(state, old)
    if old.name != old.orbit:
        joined = _joined_platform(state, old, history)
        if joined is not None:
            return joined
        history = [a for acquisition in history if (a := keep_apart(acquisition)).series == name]
    if not history:
        return state
    mask, space = state.ground.monitored_mask, state.space
    new, _ = build_series(history, monitored_mask=mask, since=state.since, known=old, space=space)
    if new is None or new.names != old.names:
        return state
    p = state.parameters.lifecycle
    waiting = [t for t in state.event_states if t.is_open and not t.rebased and t.strength >= p.confirming_probability]
    kept = ground_of_events(waiting, state.ground.shape) | by_strips(
        state.ground.shape, space, lambda strip: _is_likely(state.evidence.at(strip))
    )
    kept |= (state.since > 0) & (day - state.since < DAYS_A_YEAR)
    merged = merge_baselines(old.baseline, new.baseline, kept, space=space)
    fresh = replace(old, baseline=merged, history=new.history, fitted_on=day, looked=0)
    if old.sensor == OPTICAL:
        shown = 0.0 if old.reference is None else float(np.isfinite(old.reference).mean())
        is_enough = shown >= RegistrationParameters().smallest_clear
        return with_series(state, fresh if is_enough else replace(fresh, reference=new.reference))
    fresh = replace(fresh, reference=new.reference, positions=new.positions)
    return without_platforms(with_series(state, fresh), fresh)


def _is_likely(evidence: Evidence) -> Mask:
    """Where a change is likelier than not, or told after one scene."""
    told = (ranks_of(evidence).whole >= PARAMETERS.rank_told).any(axis=0)
    return np.asarray((log_odds(evidence).max(axis=0) >= 0.0) | told)


def _joined_platform(state: AreaState, apart: SensorSeries, history: Sequence[AnyAcquisition]) -> AreaState | None:
    """The state once a platform that was kept apart is placed in the series of its orbit; None while it cannot be."""
    series = state.series(apart.orbit)
    if series is None or not history:
        return None
    positions = reference_of(history, known=series).positions
    joined = without_platforms(state, replace(series, positions=positions))
    return None if joined.series(apart.name) is not None else with_series(joined, replace(series, positions=positions))


def merge_baselines(old: Baseline, new: Baseline, kept: Mask, *, space: ArraySpace = IN_MEMORY) -> Baseline:
    """Take the new baseline, but the old one's pixels where they are kept or where the new history shows nothing.

    Parameters
    ----------
    old
        The baseline so far.
    new
        The one fitted on a longer history, of the same features.
    kept
        bool (y, x), the pixels that keep the old one.
    space
        Where the arrays of the baselines lie.

    Returns
    -------
    Baseline.
    """
    pairs = max(old.pairs, new.pairs)
    kept, terms = kept | ~np.isfinite(new.coefficients[0, 0]), 1 + 2 * pairs

    def coefficients(box: tuple[slice, slice]) -> Floats:
        return np.where(kept[box], _padded(old.at(box), terms), _padded(new.at(box), terms))

    def spread(box: tuple[slice, slice]) -> Floats:
        return np.where(kept[box], old.spread[:, *box], new.spread[:, *box])

    def acquisitions(box: tuple[slice, slice]) -> npt.NDArray[np.int16]:
        return np.where(kept[box], old.acquisitions[box], new.acquisitions[box])

    shape = (len(new.names), terms, *kept.shape)
    return replace(
        new,
        pairs=pairs,
        coefficients=write_by_strips(space, shape, np.float32, coefficients),
        spread=write_by_strips(space, new.spread.shape, np.float32, spread),
        acquisitions=write_by_strips(space, kept.shape, np.int16, acquisitions),
        information=new.information if new.pairs == pairs else old.information,
    )


def _padded(baseline: Baseline, terms: int) -> npt.NDArray[np.float32]:
    return np.pad(baseline.coefficients, ((0, 0), (0, terms - baseline.terms), (0, 0), (0, 0)))


def _finished_on(event_states: Iterable[EventState], today: int) -> tuple[EventState, ...]:
    return tuple(t for t in event_states if t.state is State.FINISHED and t.transitions[-1].on.toordinal() == today)


def _held_share(held: Mask, event_state: EventState, today: int) -> float:
    """The share of an event's surest pixels that still hold evidence; all of it when it was sighted this week."""
    if event_state.sighted_day == today:
        return 1.0
    return float((event_state.core or event_state.mask).values(held).mean())
