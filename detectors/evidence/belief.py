"""What is believed of each pixel: a filter over the states of the ground.

States are unchanged, an anomaly of days or weeks, under water, cleared, built, removed. Between two acquisitions Δt
years apart the probabilities move by expm(QΔt), and an acquisition weighs them by exp(τ l'): the forward filter of a
hidden Markov model in continuous time. Each sensor has a filter of its own, so that one may be begun anew without the
other; what they say adds up.

While all that is known of the past is one scene, each acquisition gives ranks in place of ratios, which are averaged:
all of them rest on the same first scene, and do not add up as if they did not. There the place lends to its pixels: one
that cannot be told by itself belongs to a changed place if it lies in one. A place never speaks against a pixel, or
nothing small would be found. After a history places added nothing but wider outlines, and are not asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import linalg

from detectors.acquisition import OPTICAL, RADAR, Floats, Mask
from detectors.array_space import IN_MEMORY, ArraySpace, strips_of, write_by_strips
from detectors.evidence.belief_numba import write_step
from detectors.evidence.signatures import CLASSES, WATER
from detectors.shapes import check_shapes

SENSORS = (OPTICAL, RADAR)
STATES = ("unchanged", "anomaly", WATER, *CLASSES)
_KNOWN = len(STATES) - len(CLASSES)
DAYS_A_YEAR = 365.25
CLEARED, BUILT, REMOVED = range(len(CLASSES))

_RATES = {
    ("unchanged", "anomaly"): 0.3,
    ("anomaly", "unchanged"): 9.0,
    ("unchanged", "water"): 0.1,
    ("water", "unchanged"): 4.0,
    ("water", "cleared"): 0.3,
    ("unchanged", "cleared"): 0.04,
    ("unchanged", "built"): 0.02,
    ("unchanged", "removed"): 0.01,
    ("cleared", "built"): 0.2,
    ("cleared", "unchanged"): 0.7,
    ("built", "removed"): 0.05,
    ("removed", "unchanged"): 0.7,
    ("removed", "built"): 0.3,
}
"""How often a year ground goes from one state to another: anomalies pass in weeks, floods in months and leave mud, what
is cleared grows over in a year or two or is built on, what is built stays."""
START = (0.961, 0.030, 0.005, 0.002, 0.001, 0.001)


@dataclass(frozen=True)
class BeliefParameters:
    """Numbers of the filter that are set by hand.

    `tempered`: τ, since errors of one baseline are shared by all acquisitions held against it. `told`: by how many
    nats a class must gain on its prior to be held against a pixel. `anomaly_most`, `anomaly_share`: an anomaly looks
    like the class that it looks most like, but never plainly. `rank_told`: the rank, −ln of a share, from which a
    pixel counts after one scene (1 in 150), and `rank_place`: from which a place lends, and a pixel
    borrows (1 in 3).
    """

    tempered: float = 0.6
    told: float = 1.5
    anomaly_most: float = 2.0
    anomaly_share: float = 0.8
    rank_told: float = 5.0
    rank_place: float = 1.0
    least: float = 1e-20


PARAMETERS = BeliefParameters()


@dataclass(frozen=True)
class Evidence:
    """What is believed of each pixel.

    `probability` float32 (sensor, state, y, x), its sum over the states about 1; `since` int32 (sensor, class, y, x),
    day number of the acquisition from which on a class was borne out, 0 where it is not; `updated` int32 (sensor,),
    day number of the last acquisition, 0 before the first. `ranks` float32 (4, class, y, x): the sums of what the
    acquisitions after one scene say of the pixels, of what their places have to lend, and of both turned round;
    `lead` float32 (y, x): the sum of how much rather they say built than cleared; `ranked` int16 (y, x): of how many.
    """

    probability: Floats
    since: npt.NDArray[np.int32]
    updated: npt.NDArray[np.int32]
    ranks: Floats
    lead: Floats
    ranked: npt.NDArray[np.int16]

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns."""
        return self.probability.shape[-2], self.probability.shape[-1]

    @property
    def is_ranked(self) -> bool:
        """Tell whether any acquisition was ranked after one scene."""
        return bool(np.any(self.ranked[:]))

    def at(self, box: tuple[slice, slice]) -> Evidence:
        """Return what is believed of a window."""
        window = (..., *box)
        return replace(
            self,
            probability=self.probability[window],
            since=self.since[window],
            ranks=self.ranks[window],
            lead=self.lead[box],
            ranked=self.ranked[box],
        )


def no_evidence(shape: tuple[int, int], *, space: ArraySpace = IN_MEMORY) -> Evidence:
    """Make the belief that nothing has changed, as it is before any acquisition.

    Parameters
    ----------
    shape
        Rows and columns.
    space
        Where the arrays lie.

    Returns
    -------
    Evidence.
    """
    start = np.array(START, np.float32)[:, None, None]

    def filled(layers: tuple[int, ...], dtype: npt.DTypeLike, value: Any = 0) -> Any:
        def strip_of(strip: tuple[slice, slice]) -> npt.NDArray[Any]:
            rows, columns = strip
            size = rows.stop - rows.start, columns.stop - columns.start
            return np.broadcast_to(np.asarray(value, dtype), (*layers, *size)).copy()

        return write_by_strips(space, (*layers, *shape), dtype, strip_of)

    return Evidence(
        filled((len(SENSORS), len(STATES)), np.float32, start),
        filled((len(SENSORS), len(CLASSES)), np.int32),
        np.zeros(len(SENSORS), np.int32),
        filled((4, len(CLASSES)), np.float32),
        filled((), np.float32),
        filled((), np.int16),
    )


def add_ratios(evidence: Evidence, ratios: Floats, *, sensor: str, day: int) -> Evidence:
    """Add what one acquisition says to the belief in each state, after its time has passed.

    Parameters
    ----------
    evidence
        What is believed so far.
    ratios
        float32 (class, y, x) in nats, of pixels, as `log_ratios` gives them, those of water after the classes if there
        are any; NaN where the acquisition says nothing, and there only time passes.
    sensor
        One of `SENSORS`.
    day
        Day number of the acquisition, not before the last of this sensor.

    Returns
    -------
    Evidence.
    """
    s = SENSORS.index(sensor)
    updated, move = evidence.updated.copy(), _move(evidence, s, day)
    updated[s] = day
    probability, since = np.empty_like(evidence.probability), np.empty_like(evidence.since)
    for other in range(len(SENSORS)):
        if other != s:
            probability[other], since[other] = evidence.probability[other], evidence.since[other]
    step_filter(ratios, evidence.probability[s], evidence.since[s], move=move, day=day, out=(probability[s], since[s]))
    return replace(evidence, probability=probability, since=since, updated=updated)


def step_filter(
    ratios: Floats,
    probability: Floats,
    since: npt.NDArray[np.int32],
    *,
    move: Floats,
    day: int,
    out: tuple[Floats, npt.NDArray[np.int32]],
) -> None:
    """Move the filter of one sensor on over a block of pixels, writing to arrays that may be used again.

    Parameters
    ----------
    ratios
        float32 (class, y, x), as for `add_ratios`.
    probability
        float32 (state, y, x), before the acquisition.
    since
        int32 (class, y, x), before the acquisition.
    move
        float32 (state, state), as `transition` gives it for the days that passed.
    day
        Day number of the acquisition.
    out
        float32 (state, y, x), int32 (class, y, x): contiguous, of the same shapes, written.
    """
    shape = ratios.shape[1:]
    check_shapes((len(STATES), *shape), {"probability": probability, "probability to write": out[0]})
    check_shapes((len(CLASSES), *shape), {"since": since, "since to write": out[1]})
    move, *numbers = filter_numbers(move, day)
    arrays = (_by_pixel(probability), _by_pixel(ratios), _by_pixel(since))
    write_step(*(move, *arrays, *numbers, _in_place(out[0]), _in_place(out[1])))


def filter_numbers(move: Floats, day: int) -> tuple[Any, ...]:
    """Make what the compiled form takes beside its arrays of pixels.

    Parameters
    ----------
    move, day
        As for `step_filter`.

    Returns
    -------
    tuple: move, day, τ, the anomaly's share and most, the least probability, the factor to be told, and the priors.
    """
    p = PARAMETERS
    return (
        move,
        day,
        np.float32(p.tempered),
        np.array([p.anomaly_share, p.anomaly_most], np.float32),
        np.float32(p.least),
        np.float32(np.exp(p.told)),
        np.exp([_prior(n) for n in range(len(CLASSES))]).astype(np.float32),
    )


def transition(passed_days: int) -> Floats:
    """Compute how probabilities move in some days: expm(QΔt), turned so that it multiplies a column.

    Parameters
    ----------
    passed_days
        0 or more.

    Returns
    -------
    float32 (state, state), to each state from each.
    """
    return np.ascontiguousarray(linalg.expm(_generator() * passed_days / DAYS_A_YEAR).T, np.float32)


def pass_time(evidence: Evidence, *, sensor: str, day: int, space: ArraySpace = IN_MEMORY) -> tuple[Evidence, Floats]:
    """Begin to add an acquisition: copy what its sensor believes, which `apply_scene` then moves on.

    Parameters
    ----------
    evidence
        What is believed so far.
    sensor
        One of `SENSORS`.
    day
        Day number of the acquisition, not before the last of this sensor.
    space
        Where the arrays lie.

    Returns
    -------
    Evidence, float32 (state, state): with probability and since of its own, dated, and how probabilities moved.
    """
    s = SENSORS.index(sensor)
    updated, move = evidence.updated.copy(), _move(evidence, s, day)
    updated[s] = day
    own = replace(
        evidence, probability=space.copy(evidence.probability), since=space.copy(evidence.since), updated=updated
    )
    return own, move


def kept_evidence(evidence: Evidence, space: ArraySpace) -> Evidence:
    """Put evidence that is in memory where arrays lie.

    Parameters
    ----------
    evidence
        What is believed, which nobody changes.
    space
        Where its arrays are to lie.

    Returns
    -------
    Evidence.
    """
    return _with_arrays(evidence, space.keep)


def _with_arrays(evidence: Evidence, change: Callable[[Any], Any]) -> Evidence:
    e = evidence
    return replace(
        e,
        probability=change(e.probability),
        since=change(e.since),
        ranks=change(e.ranks),
        lead=change(e.lead),
        ranked=change(e.ranked),
    )


def _move(evidence: Evidence, sensor: int, day: int) -> Floats:
    return transition(max(0, day - int(evidence.updated[sensor])) if evidence.updated[sensor] else 0)


def _by_pixel(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.ascontiguousarray(array).reshape(len(array), -1)


def _in_place(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    flat = array.view()
    flat.shape = (len(array), array[0].size)  # fails where a copy would be needed
    return flat


def add_ratios_plain(evidence: Evidence, ratios: Floats, *, sensor: str, day: int) -> Evidence:
    """Add the same in plain numpy: the reference, to within 1e-5 of a probability and as much of its size.

    Parameters
    ----------
    evidence, ratios, sensor, day
        As for `add_ratios`.

    Returns
    -------
    Evidence.
    """
    s = SENSORS.index(sensor)
    probability = evidence.probability.copy()
    moved = np.tensordot(_move(evidence, s, day), probability[s], axes=1) * _weights(ratios)
    probability[s] = moved / moved.sum(axis=0)
    updated = evidence.updated.copy()
    updated[s] = day
    added = replace(evidence, probability=probability, updated=updated)
    since = evidence.since.copy()
    since[s] = _begun(since[s], ratios, _gain(added.probability[s]), day)
    return replace(added, since=since)


def _begun(since: npt.NDArray[np.int32], ratios: Floats, gain: Floats, day: int) -> npt.NDArray[np.int32]:
    """The days on which classes began: with the first acquisition to which a class is the likeliest of all.

    That ends when another acquisition says otherwise, unless the class is held, and above all others.
    """
    likeliest = ((ratios > 0) & (ratios >= np.nan_to_num(ratios).max(axis=0)))[: len(CLASSES)]
    leads = (gain >= PARAMETERS.told) & (gain >= gain.max(axis=0))
    seen = np.isfinite(ratios)[: len(CLASSES)]
    begun = np.where((since == 0) & seen & (likeliest | leads), day, since)
    return np.asarray(np.where(seen & ~likeliest & ~leads, 0, begun), np.int32)


def _weights(said: Floats) -> Floats:
    """exp(τ l') of each state, float32 (state, y, x)."""
    p = PARAMETERS
    known = np.nan_to_num(said)
    classes, water = known[: len(CLASSES)], known[len(CLASSES) :]
    out = np.ones((len(STATES), *said.shape[1:]), np.float32)
    likest = np.clip(classes.max(axis=0), 0.0, p.anomaly_most)
    out[1] = np.exp(p.tempered * p.anomaly_share * likest)
    if len(water):
        out[STATES.index(WATER)] = np.exp(p.tempered * water[0])
    out[_KNOWN:] = np.exp(p.tempered * classes)
    return out


def _generator() -> npt.NDArray[np.float64]:
    rates = np.zeros((len(STATES), len(STATES)))
    for (one, other), rate in _RATES.items():
        rates[STATES.index(one), STATES.index(other)] = rate
    return rates - np.diag(rates.sum(axis=1))


def add_ranks(evidence: Evidence, ranks: Floats, turned: Floats, lead: Floats, *, day: int) -> Evidence:
    """Add the ranks of one acquisition after a history of one scene.

    Parameters
    ----------
    evidence
        What is believed so far.
    ranks
        float32 (scale, class, y, x), as `log_ratios` gives them after one scene.
    turned
        The same of the turned acquisition.
    lead
        float32 (y, x), how much rather it says built than cleared, in nats.
    day
        Day number of the acquisition.

    Returns
    -------
    Evidence.
    """
    whole = np.stack([ranks[0], _lent(ranks), turned[0], _lent(turned)])
    seen = np.isfinite(whole).all(axis=(0, 1))
    total = evidence.ranks + np.where(seen, whole, np.float32(0.0))
    ranked = (evidence.ranked + seen).astype(np.int16)
    led = evidence.lead + np.where(seen, np.nan_to_num(lead), np.float32(0.0))
    added = replace(evidence, ranks=total, lead=led, ranked=ranked)
    since = evidence.since.copy()
    held = ranks_of(added).whole >= PARAMETERS.rank_told
    since[0] = np.where(held, np.where(since[0] == 0, day, since[0]), 0)
    return replace(added, since=since)


def _lent(ranks: Floats) -> Floats:
    """What its places have to lend to each pixel, float32 (class, y, x): the larger to what ranks in the smaller."""
    least = np.float32(PARAMETERS.rank_place)
    places = np.nan_to_num(ranks[1:], nan=0.0)
    reached = np.logical_and.accumulate(np.concatenate([np.ones_like(places[:1], bool), places[:-1] >= least]))
    return np.asarray(np.maximum((places * reached).max(axis=0) - least, 0.0), np.float32)


def settle_ranks(evidence: Evidence, *, space: ArraySpace = IN_MEMORY) -> Evidence:
    """Turn what was ranked after one scene into belief, now that there is a history to measure against.

    Parameters
    ----------
    evidence
        What is believed so far.
    space
        Where the arrays lie.

    Returns
    -------
    Evidence, without ranks.
    """
    if not evidence.is_ranked:
        return evidence
    probability = space.copy(evidence.probability)
    for strip in strips_of(evidence.shape, space):
        part = evidence.at(strip)
        gained = ranks_of(part).whole
        gained = np.where(gained >= PARAMETERS.rank_told, PARAMETERS.tempered * gained, 0.0).astype(np.float32)
        moved = part.probability[0] * np.concatenate([np.ones((_KNOWN, *part.shape), np.float32), np.exp(gained)])
        probability[(0, slice(None), *strip)] = moved / moved.sum(axis=0)
    none = no_evidence(evidence.shape, space=space)
    return replace(evidence, probability=probability, ranks=none.ranks, lead=none.lead, ranked=none.ranked)


def clear_evidence(
    evidence: Evidence, where: Mask, *, sensors: tuple[str, ...] = SENSORS, space: ArraySpace = IN_MEMORY
) -> Evidence:
    """Drop all evidence where a mask is True: nothing is held to have changed there.

    Parameters
    ----------
    evidence
        What is believed so far.
    where
        bool (y, x).
    sensors
        Whose evidence is dropped.
    space
        Where the arrays lie.

    Returns
    -------
    Evidence.
    """
    if not where.any():
        return evidence
    own = copied_evidence(evidence, space)
    start, rows = np.array(START, np.float32)[:, None], [SENSORS.index(sensor) for sensor in sensors]
    for strip in strips_of(evidence.shape, space):
        gone = where[strip]
        if not gone.any():
            continue
        part = copied_evidence(own.at(strip), IN_MEMORY)
        for row in rows:
            part.probability[row][:, gone] = start
            part.since[row][:, gone] = 0
        if OPTICAL in sensors:
            part.ranks[:, :, gone], part.lead[gone], part.ranked[gone] = 0.0, 0.0, 0
        paste_evidence(own, part, strip)
    return own


def copied_evidence(evidence: Evidence, space: ArraySpace) -> Evidence:
    """Copy what is believed, so that it can be changed.

    Parameters
    ----------
    evidence
        What is believed so far.
    space
        Where the copies lie.

    Returns
    -------
    Evidence.
    """
    return _with_arrays(evidence, space.copy)


def paste_evidence(own: Evidence, part: Evidence, box: tuple[slice, slice]) -> None:
    """Write what is believed of a window into what is believed of an area, in place.

    Parameters
    ----------
    own
        Of the area, with arrays of its own.
    part
        Of the window.
    box
        Rows and columns of the window.
    """
    at = (..., *box)
    own.probability[at], own.since[at] = part.probability, part.since
    own.ranks[at], own.lead[at], own.ranked[at] = part.ranks, part.lead, part.ranked


def log_odds(evidence: Evidence) -> Floats:
    """Add up the sensors: the log-odds of each class against unchanged ground and anomalies.

    Parameters
    ----------
    evidence
        What is believed so far.

    Returns
    -------
    float32 (class, y, x), in nats.
    """
    gains = _borne_out(evidence).sum(axis=0)
    prior = np.array([_prior(n) for n in range(len(CLASSES))], np.float32)[:, None, None]
    return np.asarray(gains + prior, np.float32)


@dataclass(frozen=True)
class Ranks:
    """The mean ranks of the acquisitions after one scene, float32 (class, y, x), 0 where there are none.

    `own` is that of the pixels, `lent` what their places have to lend, `whole` the rank of a pixel with what it
    borrows, `turned` the same of the turned acquisitions. A pixel borrows if it ranks as high as a place must itself:
    ground beside a change takes no part in it.
    """

    own: Floats
    lent: Floats
    whole: Floats
    turned: Floats


def ranks_of(evidence: Evidence) -> Ranks:
    """Average the ranks of the acquisitions after one scene.

    Parameters
    ----------
    evidence
        What is believed so far.

    Returns
    -------
    Ranks.
    """
    own, lent, turned, turned_lent = (evidence.ranks / np.maximum(evidence.ranked, 1)).astype(np.float32)
    return Ranks(own, lent, _with_place(own, lent), _with_place(turned, turned_lent))


def _with_place(own: Floats, lent: Floats) -> Floats:
    return np.asarray(own + np.where(own >= PARAMETERS.rank_place, lent, 0.0), np.float32)


def held_mask(evidence: Evidence, *, sensor: str | None = None) -> Mask:
    """Mark where a change of any class is held, by one sensor or by any.

    Parameters
    ----------
    evidence
        What is believed so far.
    sensor
        One of `SENSORS`; any where left out.

    Returns
    -------
    bool (y, x).
    """
    rows = range(len(SENSORS)) if sensor is None else [SENSORS.index(sensor)]
    held = np.zeros(evidence.shape, bool)
    for gain in _borne_out(evidence)[list(rows)]:
        held |= (gain >= PARAMETERS.told).any(axis=0)
    if SENSORS.index(OPTICAL) in rows and evidence.is_ranked:
        held |= (ranks_of(evidence).whole >= PARAMETERS.rank_told).any(axis=0)
    return held


def sensor_gain(evidence: Evidence, sensor: str) -> Floats:
    """Measure by how many nats one sensor has raised each class over its prior.

    Parameters
    ----------
    evidence
        What is believed so far.
    sensor
        One of `SENSORS`.

    Returns
    -------
    float32 (class, y, x).
    """
    gained = _borne_out(evidence)[SENSORS.index(sensor)]
    if sensor == OPTICAL and evidence.is_ranked:
        gained = np.maximum(gained, ranks_of(evidence).whole - np.float32(PARAMETERS.rank_place))
    return np.asarray(gained, np.float32)


def _borne_out(evidence: Evidence) -> Floats:
    """What each sensor has gained, (sensor, class, y, x): nothing where no acquisition bore a change out.

    Over years without a look, time alone makes any change likelier. That is no evidence, and is never told.
    """
    gain = _gain(evidence.probability)
    is_borne_out = (evidence.since > 0).any(axis=1, keepdims=True)
    return np.asarray(np.where(is_borne_out, gain, np.minimum(gain, 0.0)), np.float32)


def _gain(probability: Floats) -> Floats:
    """By how many nats each class stands over its prior, (…, class, y, x)."""
    least = PARAMETERS.least
    known = np.log(np.maximum(probability[..., :_KNOWN, :, :].sum(axis=-3), least))
    prior = np.array([_prior(n) for n in range(len(CLASSES))], np.float32)[:, None, None]
    classes = np.log(np.maximum(probability[..., _KNOWN:, :, :], least))
    return np.asarray(classes - known[..., None, :, :] - prior, np.float32)


def _prior(number: int) -> float:
    return float(np.log(START[_KNOWN + number] / sum(START[:_KNOWN])))
