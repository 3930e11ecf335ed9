"""What the evidence shows at the end of a week: objects with their change, their dates and their sensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from detectors.acquisition import OPTICAL, RADAR, Floats, Mask
from detectors.evidence.accumulate import Cue, Evidence, EvidenceParameters
from detectors.morphology import EIGHT
from detectors.objects.centerline import line_length
from detectors.objects.change_type import built_day, change_of, standing
from detectors.objects.line_images import DetectedLine, line_images_of, lines_of
from detectors.objects.lines import FencingParameters, Line
from detectors.objects.object_record import Detection
from detectors.objects.patches import (
    GroundObject,
    ObjectParameters,
    find_objects,
    gain_confidence,
    is_line,
    is_ring,
    is_shallow,
    loss_confidence,
    ring_closure,
)
from detectors.records import Change
from detectors.sensor_series.series import RECENT_ACQUISITIONS
from detectors.statistics import median

if TYPE_CHECKING:
    from detectors.sensor_series.pixel_state import PixelState

GAIN_CUES = (Cue.EXPOSURE, Cue.STRUCTURE, Cue.BACKSCATTER_UP)
LOSS_CUES = (Cue.REMOVAL, Cue.BACKSCATTER_DOWN)
FRINGE = 0.35
FRINGE_FEATURES = ("vegetation", "brightness", "contrast", "vv")
# Acquisitions behind the median in which lines are found, and behind the one that names an object which three
# acquisitions confirm; the share of an object that must lie on a line to be a piece of it; the width that radar gives
# a wall, and how many times as long a line must be, or it might be a row of roofs; see `may_be_wall`.
LINE_ACQUISITIONS, FRESH_ACQUISITIONS, ON_LINE, STRIP = RECENT_ACQUISITIONS, 3, 0.7, 6.0
WIDEST, SLENDER = FencingParameters().widest_px, 5.0
RADAR_FAINT = -2.1
RADAR_BUILT = -1.4  # ln of vv power: −6 dB, above which radar shows something built (chosen on simulated compounds)


def detections_of(state: PixelState) -> tuple[tuple[Detection, ...], Floats]:
    """Find the objects that the evidence holds today, gains before losses.

    Parameters
    ----------
    state
        What is known pixel by pixel.

    Returns
    -------
    tuple of Detection, float32 (y, x): the objects, and the strength that ranks their pixels.
    """
    evidence, ground = state.evidence, state.ground
    resolution = max((c.resolution_px for c in state.all_series), default=1.0)
    has_short_history = any(c.has_short_history for c in state.all_series if c.sensor == OPTICAL)
    gain, gain_counts = gain_confidence(evidence, np.ones(ground.shape, bool))
    loss, loss_counts = loss_confidence(evidence, _was_built(state), _may_be_built(state))
    found: list[Detection] = []
    lines = lines_of(line_images_of(state.all_series, ground.monitored_mask, acquisitions=LINE_ACQUISITIONS))
    fresh = lines_of(line_images_of(state.all_series, ground.monitored_mask, acquisitions=FRESH_ACQUISITIONS))
    signs = [(gain, gain_counts, True)]
    if not has_short_history:
        # one earlier acquisition cannot tell a house pulled down from a building site that was finished
        signs.append((loss, loss_counts, False))
    for confidence, counts, is_gain in signs:
        hidden = np.where(ground.monitored_mask, confidence, 0.0).astype(np.float32)
        for item in find_objects(hidden, counts, resolution_px=resolution, has_short_history=has_short_history):
            whole = _without_fringe(state, item, is_gain)
            wall = wall_of(whole, (*lines, *fresh)) if is_gain and may_be_wall(evidence, whole) else None
            found.append(_detection(state, whole, confidence, is_gain, wall))
    found.extend(_line_detections(lines, tuple(s.object.mask for s in found)))
    return tuple(found), np.maximum(gain, loss)


def _without_fringe(state: PixelState, item: GroundObject, gain: bool) -> GroundObject:
    """The object less the pixels that changed by under a third of what its surest ones did: they are its fringe.

    A strong change is plain to see in pixels of which it covers a fifth, and each of them would count as a whole one.
    """
    core = item.core if item.core.any() else item.mask
    since = _first_day(state.evidence, list(GAIN_CUES if gain else LOSS_CUES), core)
    change = np.zeros(state.ground.shape, np.float32)
    for series in state.all_series:
        late = np.array(series.recent.days) >= since
        for name in set(FRINGE_FEATURES) & set(series.names):
            if late.any():
                change = np.fmax(change, np.abs(median(series.recent.z[late, series.names.index(name)])))
    kept = item.mask & (change >= FRINGE * float(np.percentile(change[core], 80)))
    return GroundObject(kept, item.core & kept) if kept.sum() >= ObjectParameters().smallest_px else item


def _was_built(state: PixelState) -> Mask:
    """Where radar, before, saw something that throws back more than −6 dB."""
    built = np.zeros(state.ground.shape, bool)
    for series in state.all_series:
        if series.sensor == RADAR and "vv" in series.names:
            level = series.baseline.coefficients[series.names.index("vv"), 0]
            built |= np.nan_to_num(level, nan=-9.0) > RADAR_BUILT
    return built


def _may_be_built(state: PixelState) -> Mask:
    """Where radar does not rule out that something stood: over −9 dB within 20 m, or no radar at all."""
    levels = [c.baseline.coefficients[c.names.index("vv"), 0] for c in state.all_series if "vv" in c.names]
    if not levels:
        return np.ones(state.ground.shape, bool)
    return np.asarray(ndimage.maximum_filter(np.nanmax(np.nan_to_num(levels, nan=0.0), axis=0), size=5) > RADAR_FAINT)


def _detection(
    state: PixelState, item: GroundObject, confidence: Floats, gain: bool, wall: Line | None = None
) -> Detection:
    evidence = state.evidence
    cues = list(GAIN_CUES if gain else LOSS_CUES)
    core = item.core if item.core.any() else item.mask
    first = _first_day(evidence, cues, core)
    scenes, sensors, dates = _witnesses(state, core, gain=gain, since=first)
    change = change_of(state, item.mask, gain)
    length = closure = None
    if wall is not None:
        change = Change.FENCING
        length, closure = wall.length_px, ring_closure(wall.mask)
    elif gain and (is_line(item.mask) or is_ring(item.mask)):
        change = Change.FENCING
        length, closure = line_length(item.mask), ring_closure(item.mask)
    return Detection(
        item if wall is None else GroundObject(wall.mask, item.core),
        gain,
        change,
        first,
        strength=float(confidence[core].mean()),
        sure_px=int((confidence[item.mask] >= EvidenceParameters().confirmed).sum()),
        scenes=scenes,
        sensors=sensors,
        dates=dates,
        length_px=length,
        closure=closure,
        built_day=built_day(state, item.mask) if gain else None,
        built=item.mask & standing(evidence) if gain else None,
    )


def _first_day(evidence: Evidence, cues: list[Cue], core: Mask) -> int:
    """The day by which a quarter of the surest pixels had begun to change: one stray pixel does not date an event."""
    first = np.where(evidence.count[cues] > 0, evidence.first[cues], np.iinfo(np.int32).max).min(axis=0)[core]
    known = np.sort(first[first < np.iinfo(np.int32).max])
    return int(known[len(known) // 4])


def _witnesses(
    state: PixelState, core: Mask, *, gain: bool, since: int
) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    """The scenes since a day in which the object itself stands out, their sensors, and how many dates they are."""
    rows: list[tuple[int, str, str]] = []
    for series in state.all_series:
        r = series.recent
        for n, day in enumerate(r.days):
            values = r.metric[n, 0 if gain else 1][core]
            values = values[np.isfinite(values)]
            if day >= since and values.size >= 0.5 * core.sum() and float(np.mean(values)) >= 2.0:
                rows.append((day, r.scene_ids[n], series.sensor))
    rows.sort()
    held = _sensors_holding(state.evidence, core, gain)
    sensors = tuple(sorted({sensor for _, _, sensor in rows} & held)) or tuple(sorted(held))
    return tuple(scene for _, scene, _ in rows), sensors, len({day for day, _, _ in rows})


def _sensors_holding(evidence: Evidence, core: Mask, gain: bool) -> set[str]:
    """The sensors that hold evidence on at least a third of an object's surest pixels."""
    optical = [Cue.EXPOSURE, Cue.STRUCTURE] if gain else [Cue.REMOVAL]
    radar = [Cue.BACKSCATTER_UP] if gain else [Cue.BACKSCATTER_DOWN]
    holding = set()
    for sensor, cues in ((OPTICAL, optical), (RADAR, radar)):
        held = np.asarray((evidence.count[cues] >= 1.0).any(axis=0))
        if held[core].mean() >= 0.34:
            holding.add(sensor)
    return holding


def may_be_wall(evidence: Evidence, item: GroundObject) -> bool:
    """Decide whether the shape of an object allows that it is a piece of a wall.

    What optics alone show is one where it is a strip: the square of the length of its largest piece is over `STRIP`
    times the area, as no clearing is. Radar widens what it shows, so its objects are not asked.

    Parameters
    ----------
    evidence
        What is held against each pixel.
    item
        The object, not empty.

    Returns
    -------
    bool.
    """
    if RADAR in _sensors_holding(evidence, item.core if item.core.any() else item.mask, gain=True):
        return True
    labels, _ = ndimage.label(item.mask, structure=EIGHT)
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
    for found in lines:
        course = ndimage.binary_dilation(found.line.mask, structure=EIGHT)
        whole = item.mask | found.line.mask
        is_piece = (item.mask & course).sum() >= ON_LINE * item.mask.sum()
        is_long = found.line.length_px >= max(SLENDER * WIDEST, whole.sum() / WIDEST)
        if is_piece and is_long and is_shallow(whole) and (best is None or found.line.length_px > best.length_px):
            best = Line(np.asarray(whole), found.line.length_px, found.line.response)
    return best


def _line_detections(lines: tuple[DetectedLine, ...], known: tuple[Mask, ...]) -> list[Detection]:
    """The lines that no object covers already."""
    return [
        _line_detection(found)
        for found in lines
        if not any((found.line.mask & mask).sum() > 0.5 * found.line.mask.sum() for mask in known)
    ]


def _line_detection(found: DetectedLine) -> Detection:
    line, rows = found.line, found.line_image.shown(found.line.mask)
    days = [day for day, _, _ in rows] or [max(line_image.days[-1] for line_image in found.line_image.whole)]
    return Detection(
        GroundObject(line.mask, line.mask),
        gain=True,
        change=Change.FENCING,
        first_day=days[0],
        strength=min(3.0 * line.response, 40.0),
        sure_px=int(line.mask.sum()),
        scenes=tuple(scene for _, scene, _ in rows),
        sensors=tuple(sorted({line_image.sensor for line_image in found.line_image.whole})),
        dates=len(set(days)),
        is_ridge=True,
        length_px=line.length_px,
        closure=ring_closure(line.mask),
    )
