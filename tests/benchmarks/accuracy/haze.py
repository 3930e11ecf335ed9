# mypy: strict-optional=False
"""Hazy series, watched with and without a second opinion on clouds; and what that opinion flags.

Romania has haze of its own. The tropical ground is the simulator's, under a veil that is larger in blue and that the
classification takes for clear ground (`nuisances.haze`). The model sees the looks with what was put into them, so a
roof that it takes for cloud counts against it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import buildings
import cloud_vote
import numpy as np
import truth
import variety
from cloud_vote import Asked, Opinions, Vote, opinions_on, voted
from nuisances import Days
from nuisances import haze as veiled
from replay import Watched, watch
from scoring import Figure, median, rate, share
from series import real_series
from worlds import END, WEEKS, acquisitions_at

from aois.demonstration import demonstration
from detectors.acquisition import Acquisition, Mask
from detectors.preprocessing.masks import clear_of
from detectors.records import Change, Event
from detectors.sensitivity.injection import Injected, injected

SERIES, MIXING = "romania", 0.8
SUBURBS = truth.PAIRS
TOO_HIGH = 0.1  # what the composites of the suburbs have too much
BRIGHTEST = 0.99  # of the visible brightness of a suburb: roofs, by eye
TROPICAL = next(n for n, (name, *_) in enumerate(variety.SCENARIOS) if name.startswith("haze"))
QUIET = "demo-quiet-paddy"
BUILT, CLEARED, TROPICS, CALM = "Romania, buildings", "Romania, clearings", "tropical ground, buildings", "quiet ground"
MODEL, PACKAGE = "the model's clouds", "the package's own mask"


@dataclass(frozen=True)
class HazyWatch:
    """One watch of a ground with a vote: of each change whether it was found, told right, and after how many days.

    `false` are its confirmed events off every true change over `km2_years`; `dropped` of `clear` pixels of the watched
    looks were dropped by the vote alone.
    """

    ground: str
    vote: Vote
    found: tuple[bool, ...]
    is_named: tuple[bool, ...]
    days: tuple[int, ...]
    false: int
    km2_years: float
    dropped: int
    clear: int


@dataclass(frozen=True)
class Flagged:
    """How many pixels of a kind an opinion flags."""

    kind: str
    by: str
    flagged: int
    pixels: int


Measured = tuple[list[HazyWatch], list[Flagged]]


def built(*, seed: int, votes: Sequence[Vote], ask: Asked = cloud_vote.asked) -> Measured:
    """Buildings put into the Romanian series; of the roofs also how many are flagged on clear looks."""
    acquisitions = real_series(SERIES)
    since, until = buildings.SPANS[SERIES][0]
    placed = buildings.places_for(acquisitions, since, until, seed=seed, mixing=MIXING)
    looks = _from_history(injected(acquisitions, [change for _, change in placed]), since)
    opinions = _opinions(looks, votes, ask)
    watches = []
    for vote in votes:
        changed = voted(looks, opinions, by=vote, since=since)
        seen = watch(changed, since=since, until=until)
        trials = [buildings.judged(SERIES, pixels, MIXING, change, seen, acquisitions) for pixels, change in placed]
        found = [t for t in trials if t.found]
        named = tuple(t.change == Change.CONSTRUCTION.value for t in found)
        days = tuple(t.days for t in found)
        hits = tuple(t.found for t in trials)
        watches.append(HazyWatch(BUILT, vote, hits, named, days, 0, 0.0, *_dropped(looks, changed, since)))
    return watches, _flagged_roofs(looks, opinions, [change for _, change in placed])


def cleared(*, votes: Sequence[Vote], ask: Asked = cloud_vote.asked) -> Measured:
    """Romania's own clearings against truth drawn by eye, false events beside it, and what is flagged of its ground."""
    since, until = truth.SPANS[SERIES][0]
    acquisitions = real_series(SERIES)
    opinions = _opinions(acquisitions, votes, ask)
    watches = []
    for vote in votes:
        changed = voted(acquisitions, opinions, by=vote, since=since)
        score = truth.scored(SERIES, since, until, looks=changed)
        told = [m for m in score.met if m.told is not None]
        watches.append(
            HazyWatch(
                CLEARED,
                vote,
                tuple(m.told is not None for m in score.met),
                tuple(m.told == m.change for m in told),
                tuple(m.confirmed_days for m in told),
                sum(on == 0 for _, on in score.events),
                score.km2_years,
                *_dropped(acquisitions, changed, since),
            )
        )
    return watches, _flagged_ground(acquisitions, opinions) if opinions else []


def tropical(
    *, seed: int, votes: Sequence[Vote], ask: Asked = cloud_vote.asked
) -> tuple[list[HazyWatch], list[Flagged]]:
    """Buildings put into simulated tropical ground under haze."""
    scene = variety.scene(TROPICAL, seed=seed)
    days, ground = scene.days, scene.ground
    opinions = _opinions(scene.acquisitions, votes, ask)
    watches = []
    for vote in votes:
        changed = voted(scene.acquisitions, opinions, by=vote, since=days.since)
        seen = watch(changed, since=days.since, until=days.until, ground=ground)
        mine = [_first(seen, one) for one in scene.built]
        false = _false(seen, ground.monitored_mask, scene.near)
        km2_years = float((ground.monitored_mask & ~scene.near).sum()) * ground.pixel_area_m2 / 1e6 * WEEKS / 52.18
        watches.append(
            HazyWatch(
                TROPICS,
                vote,
                tuple(event is not None for event in mine),
                tuple(event.change is Change.CONSTRUCTION for event in mine if event is not None),
                tuple((e.confirmed_on - b.since).days for e, b in zip(mine, scene.built, strict=True) if e is not None),
                false,
                km2_years,
                *_dropped(scene.acquisitions, changed, days.since),
            )
        )
    return watches, []


def quiet(*, seed: int, votes: Sequence[Vote], ask: Asked = cloud_vote.asked) -> Measured:
    """A simulated place under haze at which nothing happens: every confirmed event is false."""
    days = Days(END - timedelta(days=7 * WEEKS - 1), END)
    acquisitions, ground, _ = acquisitions_at(next(a for a in demonstration() if a.id == QUIET), seed=seed)
    looks = veiled(acquisitions, days, np.random.default_rng((seed, 0)))
    opinions = _opinions(looks, votes, ask)
    nowhere = np.zeros(ground.shape, bool)
    km2_years = float(ground.monitored_mask.sum()) * ground.pixel_area_m2 / 1e6 * WEEKS / 52.18
    watches = []
    for vote in votes:
        changed = voted(looks, opinions, by=vote, since=days.since)
        seen = watch(changed, since=days.since, until=days.until, ground=ground)
        false = _false(seen, ground.monitored_mask, nowhere)
        watches.append(HazyWatch(CALM, vote, (), (), (), false, km2_years, *_dropped(looks, changed, days.since)))
    return watches, []


def suburbs(*, ask: Asked = cloud_vote.asked) -> Measured:
    """What is flagged of composites without cloud: of all ground, and of the brightest hundredth, which is roofs."""
    out = []
    for name in SUBURBS:
        for look in real_series(name):
            lowered = _lowered(look)
            opinion = ask(lowered)
            light = np.mean([lowered.band(b) for b in ("blue", "green", "red")], axis=0)
            brightest = look.valid & (light >= np.quantile(light[look.valid], BRIGHTEST))
            out += _by_both("suburbs without cloud, all ground", opinion, look.valid)
            out += _by_both("suburbs without cloud, the brightest hundredth", opinion, brightest)
    return [], out


def jobs(seeds: range, *, has_real: bool, has_model: bool) -> list[tuple[Any, ...]]:
    """Every ground, the longest first; without the model the watch alone."""
    votes = {"votes": tuple(Vote) if has_model else (Vote.WITHOUT,)}
    out: list[tuple[Any, ...]] = [("cleared", votes)] * has_real
    out += [("built", {"seed": seed, **votes}) for seed in seeds if has_real]
    out += [(kind, {"seed": seed, **votes}) for seed in seeds for kind in ("tropical", "quiet")]
    return out + [("suburbs", {})] * (has_real and has_model)


def measured(kind: str, **asked_for: Any) -> Measured:
    """What one ground gives, by the name of its function."""
    return GROUNDS[kind](**asked_for)


def _lowered(look: Acquisition) -> Acquisition:
    return Acquisition(
        look.scene_id, look.sensor, look.day, look.bands, (look.pixels - TOO_HIGH).astype(np.float32), look.valid
    )


def _from_history(looks: Sequence[Acquisition], since: date) -> tuple[Acquisition, ...]:
    """The looks that a watch from a day on reads: two years before it, and all later ones."""
    return tuple(k for k in looks if k.day >= since - timedelta(days=730))


def _opinions(looks: Sequence[Acquisition], votes: Sequence[Vote], ask: Asked) -> Opinions:
    return opinions_on(looks, ask) if set(votes) - {Vote.WITHOUT} else {}


def _dropped(looks: Sequence[Acquisition], changed: Sequence[Acquisition], since: date) -> tuple[int, int]:
    """Pixels of the watched looks that are clear without the vote and not with it, and those that are clear without."""
    pairs = zip(looks, changed, strict=True)
    masks = [(clear_of(a), clear_of(b)) for a, b in pairs if a.scl is not None and a.day >= since]
    return sum(int((a & ~b).sum()) for a, b in masks), sum(int(a.sum()) for a, _ in masks)


def _first(seen: Watched, one: Injected) -> Event | None:
    mine = [e for e in seen.confirmed() if (e.footprint.frame() & (one.share > 0.25)).any()]
    return min(mine, key=lambda e: e.confirmed_on, default=None)


def _false(seen: Watched, monitored: Mask, near: Mask) -> int:
    frames = [event.footprint.frame() for event in seen.confirmed()]
    return sum(bool((f & monitored).any() and not (f & near).any()) for f in frames)


def _flagged_ground(looks: Sequence[Acquisition], opinions: Opinions) -> list[Flagged]:
    """Of the pixels that the watch calls clear: all, those that are hazy, and the others."""
    veils = cloud_vote.veil_of(looks, looks)
    out = []
    for look in looks:
        opinion, veil = opinions.get(look.scene_id), veils.get(look.scene_id)
        if opinion is not None and veil is not None:
            clear = clear_of(look) & np.isfinite(veil)
            hazy = clear & (veil >= cloud_vote.HAZY)
            out += _by_both("Romania, clear", opinion, clear)
            out += _by_both("Romania, hazy", opinion, hazy)
            out += _by_both("Romania, clear and not hazy", opinion, clear & ~hazy)
            out.append(Flagged("Romania, clear", "the definition of haze", int(hazy.sum()), int(clear.sum())))
    return out


def _flagged_roofs(looks: Sequence[Acquisition], opinions: Opinions, changes: Sequence[Injected]) -> list[Flagged]:
    out = []
    for look in looks:
        opinion = opinions.get(look.scene_id)
        for change in changes if opinion is not None else ():
            if change.is_there(look.day):
                roof = clear_of(look) & (change.share >= 0.9 * MIXING)
                out += _by_both(f"Romania, clear roofs of {change.material}", opinion, roof)
    return out


def _by_both(kind: str, opinion: np.ndarray, where: Mask) -> list[Flagged]:
    by = {MODEL: opinion == cloud_vote.CLOUD, PACKAGE: cloud_vote.masked_by_package(opinion)}
    return [Flagged(kind, name, int((mask & where).sum()), int(where.sum())) for name, mask in by.items()]


GROUNDS: dict[str, Callable[..., Measured]] = {
    "cleared": cleared,
    "built": built,
    "tropical": tropical,
    "quiet": quiet,
    "suburbs": suburbs,
}


def figures(watches: Sequence[HazyWatch], flagged: Sequence[Flagged]) -> list[Figure]:
    """For each ground and vote what is found, when, what is false and what is lost; then what is flagged of what."""
    out = []
    for ground in (BUILT, CLEARED, TROPICS, CALM):
        for vote in Vote:
            some = [w for w in watches if (w.ground, w.vote) == (ground, vote)]
            name = f"{ground}, {vote}"
            out.append(share(f"{name}: found", [hit for w in some for hit in w.found]))
            out.append(share(f"{name}: told as what it is", [right for w in some for right in w.is_named]))
            out.append(median(f"{name}: days to confirmation", [days for w in some for days in w.days]))
            exposure = sum(w.km2_years for w in some)
            false = sum(w.false for w in some)
            out.append(rate(f"{name}: false confirmed events a km² and year", false, exposure))
            if vote is not Vote.WITHOUT:
                dropped, clear = sum(w.dropped for w in some), sum(w.clear for w in some)
                out.append(_part(f"{name}: share of clear pixels dropped", dropped, clear))
    for kind, by in dict.fromkeys((f.kind, f.by) for f in flagged):
        parts = [(f.flagged, f.pixels) for f in flagged if (f.kind, f.by) == (kind, by)]
        out.append(_part(f"{kind}: flagged by {by}", sum(n for n, _ in parts), sum(n for _, n in parts)))
    return out


def _part(what: str, part: int, whole: int) -> Figure:
    """A share of pixels, which are not independent: it has no interval."""
    nan = float("nan")
    return Figure(what, part / whole if whole else nan, nan, nan, whole)
