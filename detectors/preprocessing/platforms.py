"""Where the images of each radar platform lie, and how bright they are, against the reference of their series.

One relative orbit is flown by several satellites, whose images lie 10 to 20 m apart in the products of some providers
(microsoft/PlanetaryComputer, issues 404 and 492). The shift is measured by phase correlation on the logarithm of
averaged power, the mean of several acquisitions of a platform against the median of those of the reference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.acquisition import RADAR, Acquisition, AnyAcquisition, Floats, Mask
from detectors.preprocessing.bad_intervals import unusable_because
from detectors.preprocessing.features import features_of
from detectors.preprocessing.masks import clear_of
from detectors.preprocessing.registration import (
    UNKNOWN,
    RegistrationParameters,
    Shift,
    apply_shift,
    measure_shift,
    registration_part,
)
from detectors.statistics import median

POLARISATIONS = ("vv", "vh")
DAYS_A_YEAR = 365.25


@dataclass(frozen=True)
class PlatformParameters:
    """When the position of a platform is known, and when an acquisition is out of register.

    `fewest` acquisitions are averaged before a position is believed, `most` at most. A position under `least_shift_px`
    is left as it is, one over `largest_shift_px` cannot be undone. An acquisition over `largest_residual_px` from every
    position of its platform is out of register: single ones are measured to 0.16 px on simulated ground and 0.25 px on
    the quiet Sentinel-1 series, whose native pixels are three of the grid. These three are in native pixels. Shifts are
    searched up to `searched_px` of the grid. A gain under `least_gain` (0.5 dB) is left: wet soil does as much, and
    what a scene has in common is taken off its residuals anyway.
    """

    fewest: int = 3
    most: int = 24
    least_shift_px: float = 0.3
    largest_shift_px: float = 2.5
    largest_residual_px: float = 0.4
    least_gain: float = 0.115
    searched_px: float = 8.0


@dataclass(frozen=True)
class PlatformPosition:
    """Where images of a platform lie and how much brighter they are, against the reference of their series.

    `dy`, `dx` in pixels of the grid, south and east positive; `gains` in nats of power, in the order of
    `POLARISATIONS`; measured on so many `acquisitions`. A platform may have several, where its provider changed the
    processing.
    """

    platform: str
    dy: float = 0.0
    dx: float = 0.0
    gains: tuple[float, ...] = (0.0, 0.0)
    acquisitions: int = 0


@dataclass(frozen=True)
class Placement:
    """What an acquisition was moved back by and dimmed by, to lie on the reference of its series.

    `dy`, `dx` in pixels of the grid, south and east positive; `gains` in nats of power, in the order of
    `POLARISATIONS`. Nothing of both where it was left as it came.
    """

    dy: float = 0.0
    dx: float = 0.0
    gains: tuple[float, ...] = ()

    @property
    def shift(self) -> Shift:
        """Return the shift that is undone."""
        return Shift(self.dy, self.dx, 0.0, is_known=True)


AS_IT_CAME = Placement()


@dataclass(frozen=True)
class PlacedAcquisition:
    """A radar acquisition brought to the reference of its series.

    `shift` as measured, `residual_px` what is left of it (None where it is not known), `note` why it cannot be used.
    """

    acquisition: Acquisition
    shift: Shift
    residual_px: float | None
    note: str = ""
    placement: Placement = AS_IT_CAME


@dataclass(frozen=True)
class FittedPositions:
    """A radar series registered: `reference` float32 (polarisation, y, x), NaN where never seen, or None.

    `shifts` says by its id how far each acquisition lay from the reference before that was made anew.
    """

    reference: Floats | None
    positions: tuple[PlatformPosition, ...]
    shifts: Mapping[str, Shift]


def place_acquisition(
    acquisition: Acquisition,
    *,
    reference: Floats,
    positions: Sequence[PlatformPosition],
    shift: Shift | None = None,
    parameters: PlatformParameters | None = None,
) -> PlacedAcquisition:
    """Bring a radar acquisition to the reference of its series, by the position of its platform.

    Parameters
    ----------
    acquisition
        One scene as numbers.
    reference
        float32 (polarisation, y, x), as `fit_positions` gives it.
    positions
        The known positions; one of its platform at least.
    shift
        How far it lies from the reference; measured where left out.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    PlacedAcquisition; as it came where it is out of register.
    """
    p = parameters or PlatformParameters()
    own = [position for position in positions if position.platform == acquisition.platform]
    if shift is None:
        part = registration_part(acquisition)
        shift = _measured(reference, _levels(part), clear_of(part), p)
    nearest = _nearest(acquisition, shift, own, p)
    left = min(_apart(position, shift) for position in own) if shift.is_known else None
    if nearest is None:
        words = f"radar out of register: {left:.1f} px from where images of its platform lie in this series"
        return PlacedAcquisition(acquisition, shift, left, words)
    placement = _placement(acquisition, nearest, p)
    return PlacedAcquisition(move_radar(acquisition, placement), shift, left, placement=placement)


def fit_positions(
    acquisitions: Sequence[Acquisition],
    *,
    reference: Floats | None = None,
    positions: tuple[PlatformPosition, ...] = (),
    parameters: PlatformParameters | None = None,
) -> FittedPositions:
    """Measure where each platform of a radar series lies; what is known already stays as it is.

    The platform with most acquisitions is the reference of a new series. A position is added where enough acquisitions
    of a platform fit none of its known ones and their mean can be registered.

    Parameters
    ----------
    acquisitions
        Radar of one series, oldest first, as `registration_part` gives them.
    reference
        float32 (polarisation, y, x), the reference so far; None for a new series.
    positions
        The positions known so far.
    parameters
        Thresholds; the defaults where left out.

    Returns
    -------
    FittedPositions; what was known so far where no acquisition can be used.
    """
    p = parameters or PlatformParameters()
    usable = [k for k in acquisitions if unusable_because(k) is None and k.valid.any()]
    if not usable:
        return FittedPositions(reference, positions, {})
    if reference is None or not positions:
        home = Counter(k.platform for k in usable).most_common(1)[0][0]
        reference = _median_levels([k for k in usable if k.platform == home][-p.most :])
        positions = (PlatformPosition(home),)
    shifts = [_measured(reference, _levels(k), clear_of(k), p) for k in usable]
    looks = list(zip(usable, shifts, strict=True))
    home_position = positions[0]
    at_home = [k for k, s in looks if k.platform == home_position.platform and _nearest(k, s, [home_position], p)]
    for platform in dict.fromkeys(k.platform for k in usable):
        known = [position for position in positions if position.platform == platform]
        own = [(k, shift) for k, shift in looks if k.platform == platform]
        positions = (*positions, *_further(own, known, reference, at_home, p))
    settled = at_home[-p.most :]
    if len(settled) >= home_position.acquisitions:
        reference, home_position = _median_levels(settled), replace(home_position, acquisitions=len(settled))
    return FittedPositions(reference, (home_position, *positions[1:]), {k.scene_id: shift for k, shift in looks})


def is_apart(acquisition: AnyAcquisition, positions: Sequence[PlatformPosition]) -> bool:
    """Decide whether it is not known yet where the platform of an acquisition lies in a series.

    Parameters
    ----------
    acquisition
        One scene as numbers.
    positions
        The known positions of its series; where there are none, no platform is told from another.

    Returns
    -------
    bool; False for optical acquisitions.
    """
    is_new = all(position.platform != acquisition.platform for position in positions)
    return acquisition.sensor == RADAR and bool(positions) and is_new


def _levels(acquisition: Acquisition) -> Floats:
    """The logarithm of averaged power (polarisation, y, x), NaN where a polarisation or a measurement lacks."""
    features = features_of(acquisition, clear_of(acquisition))
    blank = np.full(acquisition.valid.shape, np.nan, np.float32)
    return np.stack([features.values[features.names.index(n)] if n in features.names else blank for n in POLARISATIONS])


def _median_levels(acquisitions: Sequence[Acquisition]) -> Floats:
    return np.stack([median(np.stack(levels)) for levels in zip(*map(_levels, acquisitions), strict=True)])


def _measured(reference: Floats, levels: Floats, clear: Mask, p: PlatformParameters) -> Shift:
    """The shift of levels against the reference, on the mean of the polarisations that both have."""
    both = [n for n in range(len(POLARISATIONS)) if np.isfinite(levels[n]).any() and np.isfinite(reference[n]).any()]
    if not both:
        return UNKNOWN
    one, other = (np.asarray(image[both].mean(axis=0), np.float32) for image in (reference, levels))
    return measure_shift(one, other, clear=clear, parameters=RegistrationParameters(largest_shift_px=p.searched_px))


def _nearest(
    acquisition: Acquisition, shift: Shift, own: Sequence[PlatformPosition], p: PlatformParameters
) -> PlatformPosition | None:
    """The position of its platform that an acquisition fits; where its shift is not known, the one found last."""
    if not own or not shift.is_known:
        return own[-1] if own else None
    best = min(own, key=lambda position: _apart(position, shift))
    return best if _apart(best, shift) <= p.largest_residual_px * acquisition.resolution_px else None


def _further(
    looks: Sequence[tuple[Acquisition, Shift]],
    known: Sequence[PlatformPosition],
    reference: Floats,
    at_home: Sequence[Acquisition],
    p: PlatformParameters,
) -> list[PlatformPosition]:
    """The positions of one platform, beside the known ones, that enough acquisitions share; the commonest first."""
    further: list[PlatformPosition] = []
    lost = [(k, shift) for k, shift in looks if _nearest(k, shift, known, p) is None]
    while len(lost) >= p.fewest:
        sharing = max(([k for k, s in lost if _are_alike(s, shift, k, p)] for _, shift in lost), key=len)
        found = _position(reference, sharing[-p.most :], at_home, p) if len(sharing) >= p.fewest else None
        left = [] if found is None else [(k, s) for k, s in lost if _nearest(k, s, [found], p) is None]
        if found is None or len(left) == len(lost):
            break
        further.append(found)
        lost = left
    return further


def _are_alike(one: Shift, other: Shift, acquisition: Acquisition, p: PlatformParameters) -> bool:
    """True where two shifts are the same; one that is not known may be any."""
    apart = np.hypot(one.dy - other.dy, one.dx - other.dx)
    return not (one.is_known and other.is_known) or bool(apart <= p.largest_residual_px * acquisition.resolution_px)


def _position(
    reference: Floats, acquisitions: Sequence[Acquisition], at_home: Sequence[Acquisition], p: PlatformParameters
) -> PlatformPosition | None:
    """Where the mean of some acquisitions of one platform lies, None where that cannot be known or undone."""
    layers = np.stack([_levels(k) for k in acquisitions])
    seen = np.isfinite(layers)
    levels = np.where(seen, layers, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    levels = np.where(seen.any(axis=0), levels, np.nan).astype(np.float32)
    shift = _measured(reference, levels, np.isfinite(levels).any(axis=0), p)
    if not shift.is_known or shift.length > p.largest_shift_px * acquisitions[0].resolution_px:
        return None
    gains = tuple(gain if abs(gain) >= p.least_gain else 0.0 for gain in _gains(acquisitions, at_home))
    return PlatformPosition(acquisitions[0].platform, shift.dy, shift.dx, gains, len(acquisitions))


def _gains(acquisitions: Sequence[Acquisition], at_home: Sequence[Acquisition]) -> tuple[float, ...]:
    """By how much acquisitions are brighter than those at home of the same season, nats a polarisation."""
    if not at_home:
        return (0.0,) * len(POLARISATIONS)
    brighter = []
    for one in acquisitions:
        same_season = min(at_home, key=lambda home: (_days_of_season(one, home), -home.day.toordinal()))
        brighter.append([_middle(gain) for gain in _levels(one) - _levels(same_season)])
    return tuple(round(_middle(np.array(gains)), 4) for gains in zip(*brighter, strict=True))


def _days_of_season(one: Acquisition, other: Acquisition) -> float:
    days = abs((one.day - other.day).days) % DAYS_A_YEAR
    return min(days, DAYS_A_YEAR - days)


def _middle(values: npt.NDArray[np.floating[Any]]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else 0.0


def _apart(position: PlatformPosition, shift: Shift) -> float:
    return float(np.hypot(shift.dy - position.dy, shift.dx - position.dx))


def _placement(acquisition: Acquisition, position: PlatformPosition, p: PlatformParameters) -> Placement:
    is_moved = np.hypot(position.dy, position.dx) >= p.least_shift_px * acquisition.resolution_px
    return Placement(position.dy, position.dx, position.gains) if is_moved else Placement(gains=position.gains)


def move_radar(acquisition: Acquisition, placement: Placement) -> Acquisition:
    """Move a radar acquisition back and dim it; power stays above 0 beside a bright corner.

    Parameters
    ----------
    acquisition
        One scene as numbers.
    placement
        By how much.

    Returns
    -------
    Acquisition.
    """
    pixels, valid = acquisition.pixels, acquisition.valid
    if placement.shift.length > 0.0:
        least = pixels[:, valid].min(axis=1, initial=np.inf)[:, None, None]
        pixels, valid = apply_shift(pixels, valid, placement.shift)
        pixels = np.maximum(pixels, least)
    gains = dict(zip(POLARISATIONS, placement.gains, strict=False))
    factors = np.exp([-gains.get(band, 0.0) for band in acquisition.bands]).astype(np.float32)
    if np.any(factors != 1.0):
        pixels = pixels * factors[:, None, None]
    return acquisition if pixels is acquisition.pixels else replace(acquisition, pixels=pixels, valid=valid)
