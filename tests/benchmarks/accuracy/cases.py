# mypy: disable-error-code="arg-type,attr-defined,type-var"
# mypy: strict-optional=False
"""Looks in which something happens, for watches with steps left out or with one detector alone.

Between them they give every step something to do, but for snow, a second orbit and missing bands of a rich history.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import buildings
import demolitions
import desert
import numpy as np
import truth
import variety
import walls
from nuisances import Days, Nuisance, nothing, shifted
from scipy import ndimage
from series import grid_over, measured, real_series, shape_of
from worlds import END, WEEKS, place_of

from detectors.acquisition import Acquisition, Floats, Mask
from detectors.ground import Ground, whole
from detectors.records import Change
from detectors.sensitivity.injection import Injected, injected

NEAR_PX = 4


@dataclass(frozen=True)
class Happened:
    """One true change; `pixels` is its area, None where the event may well be larger.

    `material` is what was put in, built or pulled down; empty where nobody knows.
    """

    mask: Mask
    begins: date
    change: Change
    pixels: float | None = None
    material: str = ""


@dataclass(frozen=True)
class Case:
    """Looks over some ground with true changes, and the ground on which events are not false.

    An event is of a change when it holds `least_share` of it; where that is 0, any of it, and began about then.
    Events that nobody could confirm, of one look after one, count where `is_provisional`.
    """

    acquisitions: tuple[Acquisition, ...]
    ground: Ground
    since: date
    until: date
    changes: tuple[Happened, ...]
    anything: Mask
    least_share: float
    is_real: bool
    is_provisional: bool = False
    history_days: int = 730


def built(
    series: str,
    since: date,
    until: date,
    *,
    seed: int,
    mixing: float,
    slip: Nuisance = nothing,
    on_soil: bool = False,
    roofs: Sequence[str] = buildings.ROOFS,
) -> Case:
    """Buildings put into a real series, on soil that was bared before it began if asked; its looks may then slip."""
    acquisitions = real_series(series)
    found = buildings.places_for(acquisitions, since, until, seed=seed, mixing=mixing, roofs=roofs)
    placed = [change for _, change in found]
    yards = [Injected("yard", "soil", _yard(c.share), acquisitions[0].day, c.seed + 50) for c in placed if on_soil]
    changes = tuple(
        Happened(c.share > 0.25, c.since, Change.CONSTRUCTION, float(c.share.sum()) / mixing, c.material)
        for c in placed
    )
    anything = _happened(acquisitions, since, until, [c.share > 0.02 for c in (*yards, *placed)])
    acquisitions = slip(
        injected(acquisitions, [*yards, *placed]), Days(since, until), np.random.default_rng(3000 + seed)
    )
    return Case(acquisitions, whole(anything.shape), since, until, changes, anything, 0.0, True)


def _happened(acquisitions: Sequence[Acquisition], since: date, until: date, put_in: Sequence[Mask]) -> Mask:
    """Ground of a real series on which something happened, was put in, or nobody knows."""
    touched = np.any([np.zeros(shape_of(acquisitions), bool), *put_in], axis=0)
    return np.asarray(buildings.real_change(acquisitions, since, until) | ~measured(acquisitions) | _wide(touched))


def _yard(share: Floats) -> Floats:
    """Nearly all of what a building covers, and 30 m around it."""
    ground = ndimage.binary_dilation(share > 0.1, iterations=3).astype(np.float32)
    return np.asarray(np.minimum(ndimage.gaussian_filter(ground, 0.45), 0.95), np.float32)


def cleared(series: str, since: date, until: date) -> Case:
    """What truly happened in a real series, against truth drawn by eye."""
    changes, anything = _drawn(series, since, until)
    acquisitions = real_series(series)
    return Case(acquisitions, whole(anything.shape), since, until, changes, anything, truth.COVERED, True)


def pair(series: str, *, seed: int) -> Case:
    """Two real looks at a suburb, the later one shifted by up to a pixel more, against truth drawn by eye."""
    before, after = (acquisitions := real_series(series))[0], acquisitions[-1]
    monday = after.day - timedelta(days=after.day.weekday())
    changes, anything = _drawn(series, before.day, after.day)
    until, history_days = monday + timedelta(days=6), (after.day - before.day).days + 30
    ground, share = whole(anything.shape), truth.COVERED
    acquisitions = (before, shifted(after, np.random.default_rng(4000 + seed)))
    return Case(acquisitions, ground, monday, until, changes, anything, share, True, True, history_days)


def _drawn(series: str, since: date, until: date) -> tuple[tuple[Happened, ...], Mask]:
    """Changes whose outlines were drawn by eye, and the ground on which something happened or nobody knows."""
    patches = truth.read_truth(series, grid_over(series), since=since, until=until)
    changes = tuple(Happened(p.mask, p.seen_by, Change(p.change), float(p.mask.sum())) for p in patches if p.is_sure)
    return changes, _wide(np.any([p.mask for p in patches], axis=0)) | ~measured(real_series(series))


def place(area_id: str, *, seed: int) -> Case:
    """A simulated place with its story."""
    acquisitions, ground, truth = place_of(area_id, seed=seed)
    since = END - timedelta(days=7 * WEEKS - 1)
    told = tuple(Happened(t.footprint, t.begins, t.change) for t in truth if not t.ordinary and t.begins >= since)
    happened = np.any([t.footprint for t in truth], axis=0) if truth else np.zeros(ground.shape, bool)
    return Case(acquisitions, ground, since, END, told, _wide(happened) | ~ground.monitored_mask, 0.2, False)


def walled(*, seed: int) -> Case:
    """Walls over 0.7 of a pixel on simulated dry country."""
    acquisitions, since, placed = walls.put_on_made(seed=seed, fraction=0.7)
    changes = tuple(Happened(w.share > 0.25 * 0.7, w.since, Change.FENCING, material=w.material) for _, _, w in placed)
    anything = _wide(np.any([w.share > 0.02 for _, _, w in placed], axis=0))
    return Case(acquisitions, whole(anything.shape), since, walls.END, changes, anything, 0.3, False)


def torn(*, seed: int) -> Case:
    """Real roofs of a suburb pulled down, optics alone."""
    acquisitions, gone = demolitions.torn_suburb(seed=seed)
    changes = _gone(gone)
    anything = _wide(np.any([c.mask for c in changes], axis=0))
    covered = demolitions.COVERED
    return Case(acquisitions, whole(anything.shape), *demolitions.SUBURB_SPAN, changes, anything, covered, True)


def pulled(series: str, since: date, until: date, *, seed: int) -> Case:
    """Buildings put into a real series that are pulled down, soil in their place."""
    acquisitions, gone = demolitions.torn_buildings(series, since, until, seed=seed)
    changes = _gone(gone)
    anything = _happened(acquisitions, since, until, [c.mask for c in changes])
    return Case(acquisitions, whole(anything.shape), since, until, changes, anything, demolitions.COVERED, True)


def _gone(pulled_down: Sequence[tuple[int, Injected]]) -> tuple[Happened, ...]:
    """Buildings and their pixels as the demolitions that they are."""
    return tuple(
        Happened(b.share >= 0.5 * b.share.max(), b.since, Change.DEMOLITION, float(px), b.material)
        for px, b in pulled_down
    )


def arid(*, seed: int) -> Case:
    """A walled compound on desert in red, green and blue, after a single scene."""
    first, later, compound = desert.scene(seed=seed)
    until = later[-1].day + timedelta(days=6 - later[-1].day.weekday())
    changes = (Happened(compound, desert.MONDAY, Change.CONSTRUCTION),)
    return Case((first, *later), whole(compound.shape), desert.MONDAY, until, changes, _wide(compound), 0.25, False)


def sky(number: int, *, seed: int) -> Case:
    """Buildings on one of `variety.SCENARIOS`."""
    scene = variety.scene(number, seed=seed)
    changes = tuple(
        Happened(b.share > 0.25, b.since, Change.CONSTRUCTION, float(b.share.sum()) / variety.MIXING, b.material)
        for b in scene.built
    )
    days, anything = scene.days, scene.near | ~scene.ground.monitored_mask
    return Case(scene.acquisitions, scene.ground, days.since, days.until, changes, anything, 0.1, False)


def _wide(mask: Mask) -> Mask:
    return np.asarray(ndimage.binary_dilation(mask, iterations=NEAR_PX))


CASES: dict[str, Callable[..., Case]] = {
    "built": built,
    "place": place,
    "walled": walled,
    "torn": torn,
    "pulled": pulled,
    "cleared": cleared,
    "pair": pair,
    "arid": arid,
    "sky": sky,
}


def case(kind: str, *where: Any, **keywords: Any) -> Case:
    """A case of one of `CASES`, of what its function takes."""
    return CASES[kind](*where, **keywords)
