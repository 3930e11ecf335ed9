"""Make an acquisition comparable: mask it, register it to the series, measure its features."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detectors.acquisition import RADAR, Acquisition, Floats, Mask
from detectors.array_space import IN_MEMORY, ArraySpace
from detectors.preprocessing.bad_intervals import unusable_because
from detectors.preprocessing.features import Features, features_by_strips, registration_image
from detectors.preprocessing.masks import clear_of
from detectors.preprocessing.platforms import AS_IT_CAME, Placement, PlatformPosition, move_radar, place_acquisition
from detectors.preprocessing.registration import (
    OF_TILES,
    UNKNOWN,
    Shift,
    apply_shift,
    measure_shift,
    registration_part,
    tiles_of,
)
from detectors.statistics import median


@dataclass(frozen=True)
class AlignParameters:
    """When an acquisition is used.

    `smallest_share` of the watched ground must be clear for it to be compared at all (SCIENCE.md counts under half as
    not seen; what is clear below that still carries evidence down to this share); `largest_residual_px` is the
    misregistration left after the shift above which a scene is refused. A slip under `least_shift_px` is left as it is:
    to interpolate blurs contrast and texture by more than it mends (chosen on clearings, buildings and walls of the
    Romanian series, with the slips it really has).
    """

    smallest_share: float = 0.3
    largest_residual_px: float = 0.35
    largest_shift_px: float = 2.5
    least_shift_px: float = 0.3
    reference_acquisitions: int = 24


@dataclass(frozen=True)
class AcquisitionReport:
    """What became of one acquisition: `status` is ``used``, ``unseen`` (too little clear ground) or ``refused``.

    `is_unfamiliar` where it was used and is unlike any that the table of signatures was fitted on; `note` says how.
    `placement` is what it was moved and dimmed by.
    """

    scene_id: str
    sensor: str
    day: int
    status: str
    clear_share: float
    shift: Shift
    residual_px: float | None
    note: str = ""
    is_unfamiliar: bool = False
    placement: Placement = AS_IT_CAME


@dataclass(frozen=True)
class AlignedAcquisition:
    """An acquisition made comparable: its features on the reference, what became of it, and its native pixel."""

    features: Features
    report: AcquisitionReport
    resolution_px: float


def align_acquisition(
    acquisition: Acquisition,
    *,
    reference: Floats | None,
    monitored_mask: Mask,
    positions: Sequence[PlatformPosition] = (),
    shift: Shift | None = None,
    parameters: AlignParameters | None = None,
    space: ArraySpace = IN_MEMORY,
) -> AlignedAcquisition:
    """Make an acquisition comparable: mask it, register it, measure its features.

    Parameters
    ----------
    acquisition
        One scene as numbers.
    reference
        float32 (y, x), the image of the series it is registered to, for radar (polarisation, y, x), of the part of the
        area on which shifts are measured (`registration_part`); None for none.
    monitored_mask
        bool (y, x), the ground whose clear share is counted.
    positions
        Where the platforms of a radar series lie; one of this platform at least, or none at all.
    shift
        How far a radar acquisition lies from the reference, where that was measured before.
    parameters
        Thresholds; the defaults where left out.
    space
        Where its features are to lie.

    Returns
    -------
    AlignedAcquisition.
    """
    p = parameters or AlignParameters()
    clear = clear_of(acquisition)
    measurable = acquisition.valid & monitored_mask
    share = float(clear[monitored_mask].mean()) if monitored_mask.any() else 0.0
    measured, residual = UNKNOWN, None
    placement = AS_IT_CAME
    status, note = ("used", "") if share >= p.smallest_share else ("unseen", f"{share:.0%} of the ground clear")
    bad, image = unusable_because(acquisition), registration_image(registration_part(acquisition))
    if bad is not None:
        status, note = "refused", bad
    elif status == "used" and reference is not None and positions:
        placed = place_acquisition(acquisition, reference=reference, positions=positions, shift=shift)
        acquisition, clear = placed.acquisition, clear_of(placed.acquisition)
        measured, residual, placement = placed.shift, placed.residual_px, placed.placement
        status, note = ("refused", placed.note) if placed.note else (status, note)
    elif status == "used" and image is not None and reference is not None and measurable.any():
        seen = tiles_of(clear)
        measured = measure_shift(reference, image, clear=seen, parameters=None if seen is clear else OF_TILES)
        if measured.length > p.largest_shift_px:
            status, note = "refused", f"shifted by {measured.length:.1f} px, more than can be undone"
        else:
            note = note if measured.is_known else "used as it lies: its shift could not be measured"
            if measured.is_known and measured.length >= p.least_shift_px:
                placement = Placement(float(measured.dy), float(measured.dx))
            acquisition, clear = _moved(acquisition, clear, placement)
            residual = _left(acquisition, clear, reference, measured, placement)
            if residual is not None and residual > p.largest_residual_px:
                status, note = "refused", f"{residual:.2f} px of misregistration left"
    features = features_by_strips(acquisition, clear, space=space)
    if status == "used" and not features.names:
        status, note = "refused", f"nothing can be measured with {', '.join(acquisition.bands)} alone"
    report = AcquisitionReport(
        acquisition.scene_id,
        acquisition.sensor,
        acquisition.day.toordinal(),
        status,
        round(share, 4),
        measured,
        residual,
        note,
        placement=placement,
    )
    return AlignedAcquisition(features, report, acquisition.resolution_px)


def features_again(acquisition: Acquisition, placement: Placement, *, space: ArraySpace = IN_MEMORY) -> Features:
    """Measure an acquisition once more, as it was placed when it came.

    Parameters
    ----------
    acquisition
        One scene as numbers.
    placement
        Of its report.
    space
        Where its features are to lie.

    Returns
    -------
    Features, those of `align_acquisition` to the last byte.
    """
    if acquisition.sensor == RADAR:
        acquisition = move_radar(acquisition, placement)
        return features_by_strips(acquisition, clear_of(acquisition), space=space)
    return features_by_strips(*_moved(acquisition, clear_of(acquisition), placement), space=space)


def _moved(acquisition: Acquisition, clear: Mask, placement: Placement) -> tuple[Acquisition, Mask]:
    """An optical acquisition moved back, with its clear mask."""
    shift = placement.shift
    if shift.length == 0.0:
        return acquisition, clear
    pixels, kept = apply_shift(acquisition.pixels, acquisition.valid, shift)
    moved = np.roll(clear, (-round(shift.dy), -round(shift.dx)), axis=(0, 1)) & kept
    return replace(acquisition, pixels=pixels, valid=kept), moved


def _left(acquisition: Acquisition, clear: Mask, reference: Floats, shift: Shift, placement: Placement) -> float | None:
    """The shift that is left of a moved acquisition, pixels; None where it is not known."""
    if placement.shift.length == 0.0:
        return shift.length if shift.is_known else None
    image, seen = registration_image(registration_part(acquisition)), tiles_of(clear)
    parameters = None if seen is clear else OF_TILES
    left = UNKNOWN if image is None else measure_shift(reference, image, clear=seen, parameters=parameters)
    return left.length if left.is_known else None


def reference_image(acquisitions: Iterable[Acquisition], *, parameters: AlignParameters | None = None) -> Floats | None:
    """Make the stable image that acquisitions are registered to: the median of the clearest, registered themselves.

    Parameters
    ----------
    acquisitions
        Scenes as numbers, oldest first, as `registration_part` gives them.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    float32 (y, x), or None for radar and where no acquisition is clear anywhere.
    """
    p = parameters or AlignParameters()
    chosen: list[tuple[float, int, Floats, Mask]] = []  # the clearest so far, the earlier one of two alike first
    for number, acquisition in enumerate(acquisitions):
        image, clear = registration_image(acquisition), clear_of(acquisition)
        if image is not None and clear.any():
            chosen.append((-float(clear.mean()), number, image, clear))
            chosen = sorted(chosen, key=lambda one: one[:2])[: p.reference_acquisitions]
    if not chosen:
        return None
    first = median(np.stack([np.where(clear, image, np.nan) for _, _, image, clear in chosen]))
    aligned = []
    for _, _, image, clear in chosen:
        shift = measure_shift(first, image, clear=clear)
        is_undone = p.least_shift_px <= shift.length <= p.largest_shift_px
        moved, kept = apply_shift(image[None], clear, shift if is_undone else UNKNOWN)
        aligned.append(np.where(kept, moved[0], np.nan))
    return median(np.stack(aligned))
