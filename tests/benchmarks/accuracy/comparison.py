# mypy: disable-error-code="type-arg"
"""Peers on the same looks in the same run: recall at equal false alarms.

Every method gets the same registered looks behind the same mask and the same rule for objects, and each peer the
setting that served it best on seeds 1 and 2, for each kind of ground by itself. Then its threshold is lowered, on the
very series it is judged by, until it has as many false objects as this project's whole chain. No user could tune it so
well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache

import buildings
import numpy as np
import numpy.typing as npt
from charts import ChartParameters
from curves import Chance, false_objects, highest_threshold
from frames import Frames, Tuning, chart_scores, frames_of, optical_reading, pair_scores, reference_of
from replay import Watched, watch
from scipy import ndimage
from sequential_peers import bayts, pwtt, radar_readings
from series import measured, real_series, shape_of
from worlds import END, WEEKS, place_of

from detectors.acquisition import OPTICAL, RADAR, Acquisition, Floats, Mask
from detectors.evidence.belief import log_odds, no_evidence
from detectors.ground import Ground, whole
from detectors.monitor.state import AreaState
from detectors.sensitivity.injection import injected

HISTORY_DAYS = 730
WITHIN_DAYS = buildings.WITHIN_DAYS
WHOLE, OPTICAL_ALONE, EVIDENCE = "Sitewatch", "Sitewatch, optical alone", "Sitewatch's evidence, same rule as the peers"

Scores = tuple[npt.NDArray[np.int64], Floats]
NDVI_FALLS, BRIGHTENS = ChartParameters("NDVI", -1, harmonics=1), ChartParameters("brightness", 1, harmonics=1)
PAIRS = {"CVA": 5, "PCA difference": 5, "IR-MAD": 3}

# The best on seeds 1 and 2 of medians of 3 and 5 looks, and of NDVI and brightness, one-sided and two-sided, with one
# and two harmonics.
TUNINGS: dict[str, Tuning] = {
    "romania": Tuning(
        PAIRS,
        {
            "nrt EWMA": NDVI_FALLS,
            "nrt CUSUM": ChartParameters("NDVI", -1, harmonics=2),
            "nrt MOSUM": NDVI_FALLS,
        },
        NDVI_FALLS,
    ),
    "mine-1": Tuning(PAIRS, {"nrt EWMA": BRIGHTENS, "nrt CUSUM": BRIGHTENS, "nrt MOSUM": BRIGHTENS}, BRIGHTENS),
    "simulated places": Tuning(
        PAIRS | {"PCA difference": 3},
        {"nrt EWMA": NDVI_FALLS, "nrt CUSUM": NDVI_FALLS, "nrt MOSUM": NDVI_FALLS},
        NDVI_FALLS,
    ),
}


@dataclass(frozen=True)
class Trial:
    """What one run adds to the comparison.

    `chances` hold, for every method with a score, each true change in the same order; `found` and `days` say what
    became of them by the events of a whole chain. `counts` are false objects at `curves.THRESHOLDS`, `false` the false
    events of a chain, over `km2_years`; all are empty in a run that counts none.
    """

    ground: str
    chances: dict[str, tuple[Chance, ...]]
    found: dict[str, tuple[bool, ...]]
    days: dict[str, tuple[int | None, ...]]
    counts: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)
    false: dict[str, int] = field(default_factory=dict)
    km2_years: float = 0.0


@lru_cache(maxsize=4)
def _history(series: str, since: date) -> tuple[Floats | None, Frames]:
    acquisitions = _between(real_series(series), since - timedelta(HISTORY_DAYS), since)
    reference = reference_of(acquisitions)
    return reference, frames_of(acquisitions, reference=reference, monitored_mask=np.ones(shape_of(acquisitions), bool))


def _between(acquisitions: tuple[Acquisition, ...], first: date, end: date) -> tuple[Acquisition, ...]:
    return tuple(k for k in acquisitions if first <= k.day < end)


def peer_scores(
    acquisitions: tuple[Acquisition, ...],
    history: Frames,
    reference: Floats | None,
    monitored_mask: Mask,
    tuning: Tuning,
    *,
    since: date,
    radar: Sequence[Acquisition] = (),
) -> dict[str, Scores]:
    """Every peer's score after each usable look of the watched time, with the days of these looks.

    `radar` are all radar looks, those of the history too, of which `bayts` and PWTT make use where there are any.
    """
    seen = frames_of(acquisitions, reference=reference, monitored_mask=monitored_mask)
    scores = pair_scores(history, seen, tuning.composites) | chart_scores(history, seen, tuning.charts)
    out = {name: (seen.days, score) for name, score in scores.items()}
    first = since.toordinal()
    readings = [optical_reading(history, seen, tuning.bayts)]
    readings += radar_readings(radar, since=first, monitored_mask=monitored_mask)
    out["bayts"] = bayts(readings)
    if any(k.sensor == RADAR for k in radar):
        for name, is_smoothed in (("PWTT", False), ("PWTT, smoothed", True)):
            out[name] = pwtt(radar, since=first, monitored_mask=monitored_mask, is_smoothed=is_smoothed)
    return out


def evidence_score(state: AreaState) -> Floats:
    """How likely it is that a pixel changed, in nats over what was thought before, float32 (y, x), 0 or more."""
    gained = log_odds(state.evidence).max(axis=0) - log_odds(no_evidence((1, 1))).max()
    return np.where(state.ground.monitored_mask, np.maximum(gained, 0.0), 0.0).astype(np.float32)


def watched_with_scores(
    acquisitions: tuple[Acquisition, ...], since: date, until: date, ground: Ground
) -> tuple[Watched, npt.NDArray[np.int64], Floats]:
    """The watch over a series, and its evidence at every week's end."""
    weeks: list[tuple[int, Floats]] = []
    seen = watch(
        acquisitions,
        since=since,
        until=until,
        ground=ground,
        history_days=HISTORY_DAYS,
        on_week=lambda day, state: weeks.append((day.toordinal(), evidence_score(state))),
    )
    return seen, np.array([day for day, _ in weeks]), np.stack([score for _, score in weeks])


def _chance(days: np.ndarray, scores: Floats, footprint: Mask, since: int, until: int, least: float) -> Chance:
    reached = [
        (int(day), highest_threshold(score, footprint, share=least))
        for day, score in zip(days, scores, strict=True)
        if since <= day <= until
    ]
    return Chance(since, tuple(reached))


def building_trial(series: str, since: date, until: date, *, seed: int, mixing: float) -> Trial:
    """Buildings put into a real series: what every method makes of those that were seen often enough."""
    acquisitions = real_series(series)
    placed = buildings.places_for(acquisitions, since, until, seed=seed, mixing=mixing)
    changed = injected(acquisitions, [change for _, change in placed])
    monitored_mask = np.ones(shape_of(acquisitions), bool)
    seen, week_days, evidence = watched_with_scores(changed, since, until, whole(shape_of(acquisitions)))
    results = [buildings.judged(series, pixels, mixing, change, seen, acquisitions) for pixels, change in placed]
    often = [n for n, result in enumerate(results) if result.acquisitions >= buildings.SEEN_ACQUISITIONS]
    reference, history = _history(series, since)
    now = _between(changed, since, until + timedelta(1))
    scores = peer_scores(now, history, reference, monitored_mask, TUNINGS[series], since=since)
    series_of = scores | {EVIDENCE: (week_days, evidence)}
    chances = {
        name: tuple(
            _chance(days, score, change.share > 0.25, begins, begins + WITHIN_DAYS, 0.0)
            for change in (placed[n][1] for n in often)
            for begins in [change.since.toordinal()]
        )
        for name, (days, score) in series_of.items()
    }
    found = {WHOLE: tuple(results[n].found for n in often)}
    return Trial(series, chances, found, {WHOLE: tuple(results[n].days for n in often)})


def quiet_trial(series: str, since: date, until: date) -> Trial:
    """The same series as it is: false objects of every method away from ground on which something happens."""
    acquisitions = real_series(series)
    shape = shape_of(acquisitions)
    true, counted = buildings.real_change(acquisitions, since, until), measured(acquisitions)
    seen, _, evidence = watched_with_scores(acquisitions, since, until, whole(shape))
    reference, history = _history(series, since)
    now = _between(acquisitions, since, until + timedelta(1))
    of_peers = peer_scores(now, history, reference, np.ones(shape, bool), TUNINGS[series], since=since)
    scores = {name: score for name, (_, score) in of_peers.items()}
    scores[EVIDENCE] = evidence
    counts = {name: false_objects(score, counted=counted, true=true) for name, score in scores.items()}
    false = sum(_is_false(e.footprint.frame(), counted, true) for e in seen.confirmed())
    km2 = float((counted & ~true).sum()) * 1e-4
    return Trial(series, {}, {}, {}, counts, {WHOLE: false}, km2 * (until - since).days / 365.25)


def _is_false(footprint: Mask, counted: Mask, true: Mask) -> bool:
    return bool(not (footprint & true).any() and 2 * (footprint & counted).sum() >= footprint.sum())


def place_trial(area_id: str, *, seed: int) -> Trial:
    """One of the demonstration's places under another seed: its true changes, and false objects away from them."""
    acquisitions, ground, truth = place_of(area_id, seed=seed)
    since = END - timedelta(days=7 * WEEKS - 1)
    optical = tuple(k for k in acquisitions if k.sensor == OPTICAL)
    reference = reference_of(_between(optical, END - timedelta(5000), since))
    history = frames_of(_between(optical, date.min, since), reference=reference, monitored_mask=ground.monitored_mask)
    now = _between(optical, since, END + timedelta(1))
    radar, tuning = [k for k in acquisitions if k.sensor == RADAR], TUNINGS["simulated places"]
    of_peers = peer_scores(now, history, reference, ground.monitored_mask, tuning, since=since, radar=radar)
    scores = {name: (days, np.where(ground.monitored_mask, score, 0.0)) for name, (days, score) in of_peers.items()}
    seen, week_days, evidence = watched_with_scores(acquisitions, since, END, ground)
    alone = watch(optical, since=since, until=END, ground=ground, history_days=HISTORY_DAYS)
    stories = [t for t in truth if not t.ordinary and t.begins >= since]
    anything = np.any([t.footprint for t in truth], axis=0) if truth else np.zeros(ground.shape, bool)
    near = np.asarray(ndimage.binary_dilation(anything, iterations=3))
    series_of = scores | {EVIDENCE: (week_days, evidence)}
    last = END.toordinal()
    chances = {
        name: tuple(_chance(days, score, t.footprint, t.begins.toordinal(), last, 0.2) for t in stories)
        for name, (days, score) in series_of.items()
    }
    counts = {
        name: false_objects(score, counted=ground.monitored_mask, true=near) for name, (_, score) in series_of.items()
    }
    chains = {WHOLE: seen.confirmed(), OPTICAL_ALONE: alone.confirmed()}
    hits = {
        n: [[e for e in c if _covers(e.footprint.frame(), t.footprint)] for t in stories] for n, c in chains.items()
    }
    return Trial(
        "simulated places",
        chances,
        {name: tuple(bool(h) for h in some) for name, some in hits.items()},
        {
            name: tuple(_first_day(h, t.begins) for h, t in zip(some, stories, strict=True))
            for name, some in hits.items()
        },
        counts,
        {name: sum(not (e.footprint.frame() & near).any() for e in c) for name, c in chains.items()},
        float(ground.monitored_mask.sum()) * ground.pixel_area_m2 / 1e6 * WEEKS / 52.18,
    )


def _covers(footprint: Mask, true: Mask) -> bool:
    return bool((footprint & true).sum() >= 0.2 * true.sum())


def _first_day(events: list, begins: date) -> int | None:
    return min((max((e.confirmed_on - begins).days, 0) for e in events), default=None)
