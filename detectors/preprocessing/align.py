"""Make a look comparable: mask it, register it to the series, measure its features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from detectors.look import Floats, Look, Mask
from detectors.preprocessing.features import Features, features_of, registration_image
from detectors.preprocessing.masks import clear_of
from detectors.preprocessing.registration import UNKNOWN, Shift, apply_shift, measure_shift
from detectors.statistics import median


@dataclass(frozen=True)
class LookParameters:
    """When a look is used.

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
    reference_looks: int = 24


@dataclass(frozen=True)
class LookReport:
    """What became of one look: `status` is ``used``, ``unseen`` (too little clear ground) or ``refused``."""

    scene_id: str
    sensor: str
    day: int
    status: str
    clear_share: float
    shift: Shift
    residual_px: float | None
    note: str = ""


@dataclass(frozen=True)
class Reading:
    """A look made comparable: its features on the reference, and what became of it."""

    features: Features
    report: LookReport


def read_look(
    look: Look, *, reference: Floats | None, watched: Mask, parameters: LookParameters | None = None
) -> Reading:
    """Mask, register and measure a look.

    `watched` bool (y, x) is the ground whose clear share is counted.
    """
    p = parameters or LookParameters()
    clear = clear_of(look)
    measurable = look.valid & watched
    share = float(clear[watched].mean()) if watched.any() else 0.0
    shift, residual = UNKNOWN, None
    status, note = ("used", "") if share >= p.smallest_share else ("unseen", f"{share:.0%} of the ground clear")
    image = registration_image(look)
    if status == "used" and image is not None and reference is not None and measurable.any():
        shift = measure_shift(reference, image, clear=clear)
        if shift.length > p.largest_shift_px:
            status, note = "refused", f"shifted by {shift.length:.1f} px, more than can be undone"
        else:
            look, clear, residual = _registered(look, clear, reference, shift, p)
            if residual is not None and residual > p.largest_residual_px:
                status, note = "refused", f"{residual:.2f} px of misregistration left"
    features = features_of(look, clear)
    if status == "used" and not features.names:
        status, note = "refused", f"nothing can be measured with {', '.join(look.bands)} alone"
    report = LookReport(
        look.scene_id, look.sensor, look.day.toordinal(), status, round(share, 4), shift, residual, note
    )
    return Reading(features, report)


def _registered(
    look: Look, clear: Mask, reference: Floats, shift: Shift, p: LookParameters
) -> tuple[Look, Mask, float | None]:
    """The look and its clear mask on the reference, and the shift that is left (None where it is not known)."""
    if not shift.is_known or shift.length < p.least_shift_px:
        return look, clear, shift.length if shift.is_known else None
    pixels, kept = apply_shift(look.pixels, look.valid, shift)
    moved = np.roll(clear, (-round(shift.dy), -round(shift.dx)), axis=(0, 1)) & kept
    look = replace(look, pixels=pixels, valid=kept)
    image = registration_image(look)
    left = measure_shift(reference, image, clear=moved) if image is not None else UNKNOWN
    return look, moved, left.length if left.is_known else None


def reference_image(looks: Sequence[Look], *, parameters: LookParameters | None = None) -> Floats | None:
    """The stable image that looks are registered to: the median of the clearest, themselves registered to it.

    None for radar, or where no look is clear anywhere.
    """
    p = parameters or LookParameters()
    images = [(image, clear_of(k)) for k in looks if (image := registration_image(k)) is not None]
    images = [pair for pair in images if pair[1].any()]
    if not images:
        return None
    order = np.argsort([-pair[1].mean() for pair in images], kind="stable")[: p.reference_looks]
    chosen = [images[n] for n in order]
    first = median(np.stack([np.where(clear, image, np.nan) for image, clear in chosen]))
    aligned = []
    for image, clear in chosen:
        shift = measure_shift(first, image, clear=clear)
        is_undone = p.least_shift_px <= shift.length <= p.largest_shift_px
        moved, kept = apply_shift(image[None], clear, shift if is_undone else UNKNOWN)
        aligned.append(np.where(kept, moved[0], np.nan))
    return median(np.stack(aligned))
