"""What the evidence shows at the end of a week: objects with their change, their dates and their sensors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage, special

from detectors.acquisition import OPTICAL, RADAR, Floats, Mask
from detectors.array_space import ArraySpace, by_strips
from detectors.evidence.belief import (
    BUILT,
    CLEARED,
    REMOVED,
    BeliefParameters,
    Evidence,
    log_odds,
    ranks_of,
    sensor_gain,
)
from detectors.evidence.signatures import ONE_SCENE, SEASONS, SignatureTable
from detectors.footprint import Box, Footprint, trimmed
from detectors.morphology import EIGHT
from detectors.objects.centerline import line_length
from detectors.objects.line_images import DetectedLine, earlier_lines, line_images_of, lines_of
from detectors.objects.lines import FencingParameters, Line
from detectors.objects.object_record import Detection
from detectors.objects.patches import (
    GroundObject,
    LikelyObject,
    ObjectParameters,
    find_objects,
    is_line,
    is_ring,
    is_shallow,
    ring_closure,
    without_chance,
)
from detectors.records import Change
from detectors.sensor_series.series import RECENT_ACQUISITIONS
from detectors.statistics import median

if TYPE_CHECKING:
    from detectors.sensor_series.pixel_state import PixelState

GAINS, LOSSES = (CLEARED, BUILT), (REMOVED,)
Holding = dict[tuple[str, bool], Mask]
FRINGE = 0.35
FRINGE_FEATURES = ("vegetation", "brightness", "contrast", "vv")
# Acquisitions behind the median in which lines are found, and behind the one that names an object which three
# acquisitions confirm; the share of an object that must lie on a line to be a piece of it; the width that radar gives
# a wall, and how many times as long a line must be, or it might be a row of roofs; see `may_be_wall`.
LINE_ACQUISITIONS, FRESH_ACQUISITIONS, ON_LINE, STRIP = RECENT_ACQUISITIONS, 3, 0.7, 6.0
WIDEST, SLENDER = FencingParameters().widest_px, 5.0
BUILT_SHARE = 0.2  # of bared ground on which something must stand for the whole to be construction
LEAD_MOST = 6.0  # nats, beyond which a pixel says no more of what it became
SAID = 1.0  # nats that an acquisition must say of an object, in the mean of its surest pixels, to be a witness


def detections_of(state: PixelState, table: SignatureTable) -> tuple[tuple[Detection, ...], Floats]:
    """Find the objects that the evidence holds today, gains before losses.

    Parameters
    ----------
    state
        What is known pixel by pixel.
    table
        The signatures.

    Returns
    -------
    tuple of Detection, float32 (y, x): the objects, and the strength that ranks their pixels.
    """
    all_series, monitored_mask, space = state.all_series, state.ground.monitored_mask, state.space
    earlier = earlier_lines(all_series, space=space)
    lines, fresh = (
        lines_of(line_images_of(all_series, monitored_mask, acquisitions=number, earlier=earlier, space=space))
        for number in (LINE_ACQUISITIONS, FRESH_ACQUISITIONS)
    )
    holding = _holding(state.evidence, state.space)
    found: list[Detection] = []
    score = np.full(state.ground.shape, -np.inf, np.float32)
    for maps in score_maps(state, table):
        for layer in (maps.gain, maps.loss):
            np.maximum(score, layer, out=score)
        for is_gain, likely in ((True, _objects(maps, table, True)), (False, _objects(maps, table, False))):
            for item in likely:
                whole = _without_fringe(state, item.object, is_gain)
                if is_gain:
                    whole = replace(whole, mask=_with_yards(whole.mask, maps.place))
                wall = wall_of(whole, (*lines, *fresh)) if is_gain and may_be_wall(holding, whole) else None
                found.append(_detection(state, holding, maps, replace(item, object=whole), is_gain, table, wall))
    found.extend(_line_detections(lines, tuple(s.object.mask for s in found)))
    return tuple(found), score


@dataclass(frozen=True)
class ScoreMaps:
    """What is held against each pixel, float32 (y, x): for a gain and for a loss.

    `lead` says by how many nats a gain is rather built than bared, `place` bool (y, x) where the place as a whole has
    gained, after one scene.
    `turned_gain` is the gain of the turned acquisitions after one scene, `own` the gain less what places lend; None
    after a history. `least` and `core` are
    the scores of an object's pixels.
    """

    history: str
    resolution_px: float
    gain: Floats
    loss: Floats
    lead: Floats
    place: Mask
    least: float
    core: float
    turned_gain: Floats | None = None
    own: Floats | None = None


def score_maps(state: PixelState, table: SignatureTable) -> tuple[ScoreMaps, ...]:
    """Draw what the evidence holds today: the log-odds, and the ranks where one scene is all that was known.

    Parameters
    ----------
    state
        What is known pixel by pixel.
    table
        The signatures.

    Returns
    -------
    tuple of ScoreMaps, one or two.
    """
    evidence, hidden = state.evidence, ~state.ground.monitored_mask
    resolution = max((c.resolution_px for c in state.all_series), default=1.0)
    p = ObjectParameters()

    def after_seasons(box: Box) -> Floats:
        odds = log_odds(evidence.at(box))
        return _layers(odds, hidden[box], odds[BUILT] - odds[CLEARED])

    maps = [_maps(SEASONS, resolution, by_strips(evidence.shape, state.space, after_seasons), p.least, p.core)]
    if evidence.is_ranked:
        evidence = evidence.at((slice(None), slice(None)))
        ranks = ranks_of(evidence)
        told = BeliefParameters().rank_told
        lead = (evidence.lead / np.maximum(evidence.ranked, 1)).astype(np.float32)
        one = _maps(ONE_SCENE, resolution, _layers(ranks.whole, hidden, lead), told, told + 2.0)
        one = replace(
            one, own=ranks.own[list(GAINS)].max(axis=0), place=(ranks.lent[list(GAINS)] > 0).any(axis=0) & ~hidden
        )
        # one earlier acquisition cannot tell a house pulled down from a building site that was finished
        one = replace(one, loss=np.full_like(one.loss, -np.inf))
        maps.append(replace(one, turned_gain=np.where(hidden, -np.inf, ranks.turned[list(GAINS)].max(axis=0))))
    return tuple(maps)


def _layers(whole: Floats, hidden: Mask, lead: Floats) -> Floats:
    """Gain, loss and lead of a window, float32 (3, y, x), of what is held against each class there."""
    gains, loss = whole[list(GAINS)], whole[REMOVED]
    gain = gains.max(axis=0)
    is_gain = gain >= loss
    layers = (
        np.where(hidden | ~is_gain, -np.inf, gain),
        np.where(hidden | is_gain, -np.inf, loss),
        np.clip(np.nan_to_num(lead), -LEAD_MOST, LEAD_MOST),
    )
    return np.stack(layers, dtype=np.float32, casting="same_kind")


def _maps(history: str, resolution: float, layers: Floats, least: float, core: float) -> ScoreMaps:
    gain, loss, lead = layers
    return ScoreMaps(history, resolution, gain, loss, lead, np.zeros(gain.shape, bool), least, core)


def _objects(maps: ScoreMaps, table: SignatureTable, is_gain: bool) -> tuple[LikelyObject, ...]:
    """The objects of one sign, less what chance brings, where that is known."""
    weights = table.objects[maps.history]

    def found_in(score: Floats) -> tuple[LikelyObject, ...]:
        return find_objects(
            score,
            least=maps.least,
            core=maps.core,
            resolution_px=maps.resolution_px,
            weights=weights,
            own=maps.own if is_gain else None,
            least_probability=ObjectParameters().least_probability,
        )

    found = found_in(maps.gain if is_gain else maps.loss)
    if is_gain and maps.turned_gain is not None:
        found = without_chance(found, found_in(maps.turned_gain))
    return tuple(item for item in found if item.probability >= ObjectParameters().least_probability)


def _without_fringe(state: PixelState, item: GroundObject, gain: bool) -> GroundObject:
    """The object less the pixels that changed by under a third of what its surest ones did: they are its fringe.

    A strong change is plain to see in pixels of which it covers a fifth, and each of them would count as a whole one.
    """
    since = _first_day(state, item.surest, GAINS if gain else LOSSES)
    box = item.mask.box
    change = np.zeros(item.mask.mask.shape, np.float32)
    for series in state.all_series:
        late = [n for n, day in enumerate(series.recent.days) if day >= since]
        for name in set(FRINGE_FEATURES) & set(series.z_names):
            if late:
                shown = np.stack([series.recent.z_at(n, series.z_names.index(name), box) for n in late])
                change = np.fmax(change, np.abs(median(shown)))
    surest = change[item.surest.within(box)]
    kept = trimmed(item.mask.mask & (change >= FRINGE * float(np.percentile(surest, 80))), box, item.mask.shape)
    return GroundObject(kept, item.core & kept) if kept.pixels >= ObjectParameters().smallest_px else item


def _with_yards(mask: Footprint, place: Mask) -> Footprint:
    """The object with what lies between its parts, where the place as a whole has changed: yards belong to it."""
    reach = ObjectParameters().join_px
    box = mask.surroundings(reach)
    part = mask.within(box)
    joined = ndimage.binary_closing(np.pad(part, reach), structure=EIGHT, iterations=reach)
    joined = ndimage.binary_fill_holes(joined)[reach:-reach, reach:-reach]
    return trimmed(part | (joined & place[box]), box, mask.shape)


def _detection(
    state: PixelState,
    holding: Holding,
    maps: ScoreMaps,
    item: LikelyObject,
    gain: bool,
    table: SignatureTable,
    wall: Line | None = None,
) -> Detection:
    mask = item.object.mask
    score = maps.gain if gain else maps.loss
    core, lead = item.object.surest, maps.lead[mask.box]
    first = _first_day(state, mask, GAINS if gain else LOSSES)
    scenes, sensors, dates = _witnesses(state, holding, core, gain=gain, since=first)
    built = trimmed(mask.mask & (lead >= 0), mask.box, mask.shape) if gain else None
    change = Change.DEMOLITION
    if built is not None:
        is_built = float(core.values(maps.lead).mean()) >= table.built_lead[maps.history] or (
            maps.history == SEASONS and built.pixels >= BUILT_SHARE * mask.pixels
        )
        change = Change.CONSTRUCTION if is_built else Change.CLEARING
    length = closure = None
    if wall is not None:
        change = Change.FENCING
        length, closure = wall.length_px, ring_closure(wall.mask.mask)
    elif gain and (is_line(mask.mask) or is_ring(mask.mask)):
        change = Change.FENCING
        length, closure = line_length(mask.mask), ring_closure(mask.mask)
    return Detection(
        item.object if wall is None else GroundObject(wall.mask, item.object.core),
        gain,
        change,
        first,
        strength=item.probability,
        sure_px=int((mask.values(score) >= maps.core).sum()),
        scenes=scenes,
        sensors=sensors,
        dates=dates,
        length_px=length,
        closure=closure,
        built_day=_built_day(state, built),
        built=built,
    )


def _first_day(state: PixelState, mask: Footprint, classes: tuple[int, ...]) -> int:
    """The day by which a quarter of the pixels had begun to change: one stray pixel does not date an event."""
    never = np.iinfo(np.int32).max
    since = mask.values(state.evidence.since)[:, list(classes)]
    known = np.sort(np.where(since > 0, since, never).min(axis=(0, 1)))
    known = known[known < never]
    return int(known[len(known) // 4]) if known.size else max((c.last_day for c in state.all_series), default=0)


def _built_day(state: PixelState, built: Footprint | None) -> int | None:
    """The day by which a quarter of what stands had begun to; None where nothing does."""
    return None if not built else _first_day(state, built, (BUILT,))


def _witnesses(
    state: PixelState, holding: Holding, core: Footprint, *, gain: bool, since: int
) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    """The scenes since a day in which the object itself stands out, their sensors, and how many dates they are."""
    rows: list[tuple[int, str, str]] = []
    for series in state.all_series:
        r = series.recent
        for n, day in enumerate(r.days):
            values = r.said_at(n, core)[0 if gain else 1]
            values = values[np.isfinite(values)]
            if day >= since and values.size >= 0.5 * core.pixels and float(np.mean(values)) >= SAID:
                rows.append((day, r.scene_ids[n], series.sensor))
    rows.sort()
    held = _sensors_holding(holding, core, gain)
    sensors = tuple(sorted({sensor for _, _, sensor in rows} & held)) or tuple(sorted(held))
    return tuple(scene for _, scene, _ in rows), sensors, len({day for day, _, _ in rows})


def _holding(evidence: Evidence, space: ArraySpace) -> Holding:
    """Where each sensor holds a gain, and where a loss."""
    least = BeliefParameters().told

    def held(sensor: str, box: Box) -> Mask:
        gain = sensor_gain(evidence.at(box), sensor)
        return np.stack([(gain[list(classes)] >= least).any(axis=0) for classes in (GAINS, LOSSES)])

    out = {}
    for sensor in (OPTICAL, RADAR):
        masks = by_strips(evidence.shape, space, lambda box, sensor=sensor: held(sensor, box))  # type: ignore[misc]
        out[sensor, True], out[sensor, False] = masks
    return out


def _sensors_holding(holding: Holding, core: Footprint, gain: bool) -> set[str]:
    """The sensors that hold a change on at least a third of an object's surest pixels."""
    return {sensor for sensor in (OPTICAL, RADAR) if core.values(holding[sensor, gain]).mean() >= 0.34}


def may_be_wall(holding: Holding, item: GroundObject) -> bool:
    """Decide whether the shape of an object allows that it is a piece of a wall.

    What optics alone show is one where it is a strip: the square of the length of its largest piece is over `STRIP`
    times the area, as no clearing is. Radar widens what it shows, so its objects are not asked.

    Parameters
    ----------
    holding
        bool (y, x) by sensor and sign, where each holds a gain (True) or a loss.
    item
        The object, not empty.

    Returns
    -------
    bool.
    """
    if RADAR in _sensors_holding(holding, item.surest, gain=True):
        return True
    labels, _ = ndimage.label(item.mask.mask, structure=EIGHT)
    piece = np.asarray(labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:])))
    return bool(line_length(piece) ** 2 >= STRIP * piece.sum())


def wall_of(item: GroundObject, lines: tuple[DetectedLine, ...]) -> Line | None:
    """Find the longest line that an object is a piece of, and draw the object with it.

    Evidence reaches what it asks for in pieces of a wall first, and radar's point spread makes them wide: each by
    itself might be a roof. What the median of the acquisitions shows of its course says which it is.

    Parameters
    ----------
    item
        The object, not empty.
    lines
        The lines found in the area.

    Returns
    -------
    Line
        Line and object together, or None where the object is a piece of none, or the two together are not thin.
    """
    best = None
    box = item.mask.surroundings(1)
    for found in lines:
        if not found.line.mask.overlaps(box):
            continue
        course = ndimage.binary_dilation(found.line.mask.within(box), structure=EIGHT)
        if (item.mask.within(box) & course).sum() < ON_LINE * item.mask.pixels:
            continue
        whole = item.mask | found.line.mask
        is_long = found.line.length_px >= max(SLENDER * WIDEST, whole.pixels / WIDEST)
        if is_long and is_shallow(whole.mask) and (best is None or found.line.length_px > best.length_px):
            best = Line(whole, found.line.length_px, found.line.response)
    return best


def _line_detections(lines: tuple[DetectedLine, ...], known: tuple[Footprint, ...]) -> list[Detection]:
    """The lines that no object covers already."""

    def is_covered(line: Footprint) -> bool:
        return any((line & mask).pixels > 0.5 * line.pixels for mask in known if mask.overlaps(line.box))

    return [_line_detection(found) for found in lines if not is_covered(found.line.mask)]


def _line_detection(found: DetectedLine) -> Detection:
    line, rows = found.line, found.line_image.shown(found.line.mask)
    days = [day for day, _, _ in rows] or [max(line_image.days[-1] for line_image in found.line_image.whole)]
    return Detection(
        GroundObject(line.mask, line.mask),
        gain=True,
        change=Change.FENCING,
        first_day=days[0],
        strength=float(special.expit(line.response - 4.0)),
        sure_px=line.mask.pixels,
        scenes=tuple(scene for _, scene, _ in rows),
        sensors=tuple(sorted({line_image.sensor for line_image in found.line_image.whole})),
        dates=len(set(days)),
        is_ridge=True,
        length_px=line.length_px,
        closure=ring_closure(line.mask.mask),
    )
